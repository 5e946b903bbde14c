//! Nodes: which servers there are, what each has applied, and which are lost.

pub(crate) mod describe;
mod forget;
pub(crate) mod http;
mod list;
mod observer;
#[cfg(test)]
pub(crate) mod testing;
mod view;
mod wait;
mod wire;

pub use forget::forget;
pub use list::{NodeQuery, NodeSort, list};
pub use observer::{LIVE_FOR, Observed, Standing};
pub use view::{Nodes, Seen};
pub use wait::{OWN_WAIT_MS, Reached, WAIT_MS, WAIT_MS_MAX};
pub use wire::{NodeState, NodeView};
