//! The rows W: an unmodified client of the web service, on the wire.

mod calls;
mod client;
mod dump;
mod mails;
mod migration;
mod nodes;
mod outage;
pub mod portal;
mod records;
mod second_factor;
pub mod senders;
mod sessions;
mod signatures;
mod users;
