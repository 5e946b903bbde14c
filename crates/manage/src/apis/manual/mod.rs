//! The manual of an API: what its document says of each operation beyond its line.

mod get;
mod kept;
#[cfg(test)]
mod tests;
mod wire;

pub use get::{ReadManual, get};
pub(super) use kept::{Manuals, forget};
pub use wire::{Manual, ManualBody, ManualContent, ManualParameter, ManualResponse, ManualSchema, OperationManual};
