//! The policy: an organization's rules for its keys.

mod edit;
mod get;
pub mod http;
mod preview;
mod wire;

pub use edit::{EditCounts, EditLifetimes, EditPolicy, EditReveal, edit, preview};
pub use get::get;
pub use preview::{AboveMaxKeys, Affected, Ending, NAMED, Namesakes, OwnerAbove, PolicyPreview, WithoutIpList};
pub use wire::{CountsView, LifetimesView, PolicyView, RevealView};
