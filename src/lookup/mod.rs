//! From a call to its answer.

pub mod safety;
