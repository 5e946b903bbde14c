//! APIs: made by hand or imported from an OpenAPI document, with their operations.

mod create;
mod delete;
mod deletion;
mod difference;
pub mod document;
mod edit;
mod edition;
pub mod host;
pub mod http;
mod import;
mod imported;
mod list;
pub mod manual;
mod merge;
#[cfg(test)]
mod merge_tests;
mod record;
mod request;
mod rules;
mod shares;
pub mod slug;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod version_tests;
mod versions;
pub mod wire;

pub use create::create;
pub use delete::delete;
pub use deletion::{Deletion, preview_deletion};
pub use edit::edit;
pub use edition::{Edition, ORGANIZATIONS_SHOWN_MAX, OrganizationShare, OrganizationShares, preview_edit};
pub use import::{ImportQuery, import};
pub use imported::Imported;
pub use list::{ListApis, ListOperations, get, list, list_operations};
pub(crate) use record::find_own_api;
pub use record::general_set;
pub use request::{CreateApi, EditApi};
pub use rules::{SharedWithInput, SharedWithView};
pub use shares::Shares;

pub(crate) use document::is_web_address;
pub(crate) use list::search_text;
