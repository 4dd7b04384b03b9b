//! The command `calldex`: parse, run, exit code. Everything else is in the library.

use std::process::ExitCode;

/// A lookup makes some fifty small allocations, a fifth of its instructions with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    calldex::cli::main()
}
