//! Decides who may ask: pure decisions about addresses, proxies and secrets, with the time as a parameter.
//!
//! A face collects what a request shows of its sender: the [`Peer`] that the listener put into the request, the
//! [`Client`] that [`client`] reads out of it and the headers, and the tokens that it [`Offered`]. The [`Gate`] then says
//! yes, or gives a [`Refusal`] that holds the words for the client, the words for the log, and the status. A valid
//! request takes no lock; only refusals are counted, throttled and remembered.

mod gate;
mod network;
mod refused;
mod throttle;
mod token;

pub use gate::{Asked, Gate, Reason, Refusal};
pub use network::{Client, Forwarding, Peer, client, is_in};
pub use refused::{Refused, RefusedList};
pub use token::Offered;
