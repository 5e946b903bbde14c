//! Keys: made, limited, rotated, taken out of service, explained.

mod check;
mod create;
mod delete;
mod disable;
mod edit;
mod enable;
mod end_overlap;
mod get;
mod grants;
pub mod http;
mod list;
mod lookup;
mod record;
mod request;
mod requests;
mod rotate;
mod wire;

pub use check::{Check, CheckView, Explained, check};
pub use create::create;
pub use delete::delete;
pub use disable::disable;
pub use edit::edit;
pub use enable::enable;
pub use end_overlap::end_overlap;
pub use get::get;
pub(crate) use grants::authorities_held;
pub use list::{KeyQuery, LivingState, Sort, list};
pub use lookup::{Found, Lookup, lookup};
pub use record::Recorded;
pub(crate) use record::stored_secret;
pub use request::{CreateKey, EditKey, IpInput, OwnerInput, Reason};
pub use requests::{RefusalView, requests};
pub use rotate::{Rotate, rotate};
pub(crate) use wire::expose;
pub use wire::{ActorView, IpView, KeyView, KeyWithSecret, OwnerView, RotationView, SightingView};
