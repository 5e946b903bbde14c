//! Invitations: the links by which people come to an organization. A user who has not come has at most one.
//!
//! The link is mailed, or shown to whoever invites where the installation sends no mail. Its token is a secret: whoever has
//! it comes as the person who was invited, so who has it made must hold what that person may do.

mod accept;
pub mod http;
mod invite;
mod list;
mod wire;

pub use accept::{Accept, accept};
pub(crate) use invite::{Drawn, draw, end, note, put};
pub use invite::{InviteAgain, invite, revoke};
pub use list::{InvitationQuery, list};
pub use wire::{Accepted, InvitationView, NewInvitation};

use std::time::Duration;

/// For how long an invitation stands.
pub const INVITATION_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// The page that an invitation's link leads to.
pub(crate) const PATH: &str = "/invitation";
