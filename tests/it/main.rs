//! Tests of the whole program: the real binary on a free port, real clients, one file for each face and failure.

mod access;
mod connections;
mod crash;
mod harness;
mod hostile;
mod layers;
mod lookup;
mod processes;
mod reload;
mod store;
mod traps;
