//! Tests of the whole program: the real binary on a free port, real clients, one file for each face and failure.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of a test function")]

mod access;
mod documents;
mod harness;
mod layers;
mod lookup;
mod processes;
mod reload;
mod store;
