//! The command `calldex`: parse, run, exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    calldex::cli::main()
}
