//! Applications: external systems that own keys, limited by their types.

mod create;
mod delete;
mod edit;
pub mod http;
mod import;
mod list;
mod password;
mod record;
mod request;
mod set_active;
mod wire;

pub use create::create;
pub use delete::delete;
pub use edit::edit;
pub use import::{ApplicationImport, ImportApplication, ImportOutcome, USERS_MAX, import};
pub use list::{ListApplications, get, limits, list, requests};
pub use password::{ApplicationWithPassword, RotatePassword, rotate_password};
pub(crate) use record::find_application;
pub use request::{CreateApplication, EditApplication};
pub use set_active::{disable, enable};
pub use wire::{ApplicationView, NewApplication, Recorded};
