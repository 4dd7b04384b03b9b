//! The commands, one file each: parse, do, print.

pub mod import;
