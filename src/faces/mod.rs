//! The protocols in which a PBX asks. A face translates and holds no rules.

pub mod http;
