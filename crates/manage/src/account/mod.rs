//! One's own account: name, language and zone are changed at once, the address once the link was followed that goes to the new one.
//!
//! Who is known by an address elsewhere cannot be read from any answer: whoever asks for an address gets the same one, and whether it
//! is taken is said to who has its mailbox.

mod address;
mod edit;
pub mod http;

pub(crate) use address::forget_links;
pub use address::{ConfirmAddress, confirm};
pub use edit::{EditMe, EditedMe, edit};

use std::time::Duration;

/// For how long a link to a new address stands.
pub const ADDRESS_LIFETIME: Duration = Duration::from_hours(24);
/// The page that it leads to.
pub(crate) const PATH: &str = "/new-address";
