//! API sets, also shown as access rights: named sets of operations or of whole APIs.

mod create;
mod delete;
mod edit;
pub mod http;
mod list;
mod record;
mod request;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod wire;

pub use create::create;
pub use delete::delete;
pub use edit::edit;
pub use list::{ListApiSets, get, limits, list};
pub use request::{CreateApiSet, EditApiSet};

pub(crate) use record::{all, holds_whole};
