//! The audit log: what was done, by whom; and the proof that it is whole.

pub mod export;
pub mod http;
pub mod list;
pub mod verify;
mod wire;

pub use export::export;
pub use list::{AuditQuery, ChainName, list};
pub use verify::{Verification, VerifyQuery, verify};
pub use wire::{EntryView, HeadView, SubjectView};
