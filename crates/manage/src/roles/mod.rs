//! Roles: what people may do, and up to what bound.

mod create;
mod delete;
mod edit;
pub mod http;
mod list;
mod record;
mod request;
mod wire;

pub use create::create;
pub use delete::delete;
pub use edit::edit;
pub use list::{ListRoles, get, list};
pub(crate) use record::{find_role, resolve_roles};
pub use request::{CreateRole, EditRole, LevelsInput};
pub use wire::{AuthorityView, LevelsView, Recorded, RoleView};
