//! The words of the program as plain types: a call, a contact, the answer.
//!
//! Nothing here does I/O, knows a protocol or reads a clock. Every other module speaks in these types, so that a face
//! never has to know a source and a source never has to know a face.

mod call;
mod caller_data;
mod contact;
mod ended_call;
mod event;
mod history;

pub use call::{Call, Direction, RequestId};
pub use caller_data::CallerData;
pub use contact::{Contact, ContactId, ContactNumber, ContactRef, Field};
pub use ended_call::{CallOutcome, EndedCall};
pub use event::{Event, EventKind};
pub use history::{History, PastCall, PendingCalls, abandoned_in_a_row, last_agent};
