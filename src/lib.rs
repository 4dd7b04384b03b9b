//! calldex answers one question for any phone system: **who is calling, and where should the call go?**
//!
//! The program is an hourglass. PBXs speak many protocols, contacts live in many places, and between them is one narrow
//! waist. Read it in this order; each module uses only those named before it.
//!
//! 1. [`model`]: the words. A [`Call`](model::Call) comes in, [`CallerData`](model::CallerData) goes out, a
//!    [`Contact`](model::Contact) is what a source knows.
//! 2. [`number`]: turns whatever a PBX sends into a number that can be compared, and says in which ways a contact can be
//!    the caller. Beside it stand [`error`], [`clock`], [`metrics`],
//!    [`charset`] and [`soap`], which reads and writes envelopes.
//! 3. [`config`]: what the files say, checked; [`access`]: who may ask.
//! 4. [`store`] keeps the files of the embedded database, [`directory`] the contacts in it, with their import.
//! 5. [`sources`]: any other system that finds contacts by number.
//! 6. [`lookup`]: the waist. [`Lookup::answer`](lookup::Lookup::answer) reads as the list of its steps.
//! 7. [`events`]: what PBXs report afterwards, made into calls, history, notices for agents and a journal for CRMs.
//! 8. [`faces`]: protocols in which PBXs ask; `faces::http` has the list of all addresses.
//! 9. [`server`]: start order, listeners, reload, drain; [`cli`]: one file for each command.

pub mod model;
pub mod number;

pub mod charset;
pub mod clock;
pub mod error;
pub mod metrics;
pub mod soap;

pub mod access;
pub mod config;
pub mod directory;
pub mod events;
pub mod faces;
pub mod lookup;
pub mod server;
pub mod sources;
pub mod store;

pub mod cli;
