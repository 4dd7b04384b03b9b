//! Faces translate: a PBX's protocol into a [`Call`](crate::model::Call), an [`Answer`](crate::lookup::Answer) back.
//! They hold no rules. What every face does first and last stands in [`Reception`].

pub mod agi;
pub mod http;
mod reception;
mod request_ids;
mod soap;

pub use reception::{Current, Reception, Sender};
