//! Another password for who has lost theirs: a link goes to the person's mailbox, works once and for an hour, and whoever has it
//! chooses the password.
//!
//! Who asks learns nothing: the answer is given before anybody is looked for, and the rest happens afterwards.

mod ask;
mod choose;
pub mod http;

pub use ask::{AskForReset, Queue, RUNNING_MAX, ask};
pub use choose::{ChooseByLink, choose};

use std::time::Duration;

use claviger_domain::email::Email;
use claviger_domain::member::{Member, Standing, User};
use claviger_domain::{Timestamp, UserId};
use claviger_store::{Conn, members};

use crate::error::Error;

/// For how long a link stands.
pub const RESET_LIFETIME: Duration = Duration::from_hours(1);
/// The page that it leads to.
pub(crate) const PATH: &str = "/password-reset";

/// Where a person is in service.
pub(crate) async fn places(conn: &mut Conn, user: UserId, now: Timestamp) -> Result<Vec<Member>, Error> {
    let mut places = members::of_user(conn, user).await?;
    places.retain(|place| place.accepted_at.is_some() && place.standing(now) == Standing::InService);
    Ok(places)
}

/// The person who is known by an address and in service somewhere, and where.
async fn person(conn: &mut Conn, email: &Email, now: Timestamp) -> Result<Option<(User, Vec<Member>)>, Error> {
    let Some(user) = members::known_user(conn, email).await? else { return Ok(None) };
    let places = places(conn, user.id, now).await?;
    Ok((!places.is_empty()).then_some((user, places)))
}
