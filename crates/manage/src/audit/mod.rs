//! The audit log: what was done, by whom; and the proof that it is whole.

pub mod export;
pub mod http;
pub mod list;
#[cfg(test)]
mod tests;
mod trim;
pub mod verify;
mod wire;

pub use export::export;
pub use list::{AuditQuery, ChainName, ListedEntries, list};
pub use trim::{TrimReport, trim};
pub use verify::{Verification, VerifyQuery, verify};
pub use wire::{CheckpointView, EntryView, HeadView, StreamedEntry, SubjectView};
