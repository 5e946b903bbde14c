//! Types of applications: how they sign in, and what their keys may do at the most.

mod create;
mod delete;
mod edit;
pub mod http;
mod list;
mod predefine;
mod record;
mod request;
mod wire;

pub use create::create;
pub use delete::delete;
pub use edit::edit;
pub use list::{ListApplicationTypes, get, list};
pub use predefine::{PredefinedTypes, predefine};
pub(crate) use record::{find_type, set_label};
pub use request::{CreateApplicationType, EditApplicationType, FieldsInput};
pub use wire::{ApplicationTypeView, Recorded};
