//! calldex answers one question for any phone system: who is calling, and where should the call go?
pub mod cli;
pub mod clock;
pub mod config;
pub mod directory;
pub mod error;
pub mod model;
pub mod number;
pub mod sources;
pub mod store;
