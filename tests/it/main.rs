//! Tests of the whole program: the real binary on a free port, real clients, one file for each face and failure.
#![expect(clippy::unwrap_used, reason = "a test, also in its helpers, ends where something unexpected comes")]
#![expect(clippy::disallowed_methods, reason = "these tests wait for real processes, with bounds in real time")]

mod access;
mod agi;
mod care;
mod commands;
mod connections;
mod crash;
mod documents;
mod events;
mod harness;
mod hostile;
mod imports;
mod kamailio;
mod layers;
mod lookup;
mod php;
mod popup;
mod processes;
mod recipes;
mod reload;
mod rules;
mod snippets;
mod soap;
mod sources;
mod sql;
mod store;
mod tls;
mod traps;
mod troubles;
