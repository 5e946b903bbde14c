//! The policy: an organization's rules for its keys.

mod edit;
mod get;
pub mod http;
mod wire;

pub use edit::{EditCounts, EditLifetimes, EditPolicy, EditReveal, edit};
pub use get::get;
pub use wire::{CountsView, LifetimesView, PolicyView, RevealView};
