//! Listeners: accepts connections, keeps slow and silent ones in bounds, and drains them at the end.

mod connection;
mod counts;
mod listen;
mod stream;
pub mod tls;
mod tolerant;

pub use counts::ConnectionCounts;
pub use listen::{DRAIN, ListenSettings, Listener};

#[cfg(test)]
mod tests;
