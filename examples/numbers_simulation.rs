//! Simulates a company at full size: `cargo run --release --example numbers_simulation [CONTACTS] [CALLS]`.
//!
//! The goals: at least 99.9 % of the known callers found, no stranger and no extension named. Exits with 1 otherwise.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::process::ExitCode;

use calldex::number::simulation::simulate;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().ok());
    let contacts = arguments.next().flatten().unwrap_or(1_000_000);
    let calls = arguments.next().flatten().unwrap_or(40_000);
    let mut reached = true;
    for country in ["RO", "US", "DE"] {
        let Some(outcome) = simulate(country, contacts, calls, 20_261_123) else { continue };
        let share = outcome.found as f64 / outcome.known as f64;
        println!("{country}: {:.3} % of the known callers found. {outcome:?}", share * 100.0);
        reached &= share >= 0.999 && outcome.strangers_named == 0 && outcome.extensions_named == 0;
    }
    if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
