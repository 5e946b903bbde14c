//! Users: people in the organization, what they may do and how they stand.

mod create;
mod edit;
pub mod http;
mod leaver;
mod list;
mod record;
mod remove;
mod request;
mod set_state;
mod wire;

pub use create::create;
pub use edit::edit;
pub use leaver::{Leaving, MoveKeys, StoppingKey, StoppingKeys, preview};
pub use list::{ListUsers, UserSort, get, list};
pub(crate) use record::{find_member, note, sees_all, view};
pub use remove::remove;
pub(crate) use request::place;
pub use request::{CreateUser, DisableUser, EditUser};
pub use set_state::{disable, enable, lock, unlock};
pub use wire::{NewUser, Recorded, UserCounts, UserView};
