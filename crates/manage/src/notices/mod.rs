//! Notices: what people are told of keys by mail. Which go to whom is the organization's to set.
//!
//! Two things cause notices. What somebody does stands in the audit chain, which [`follow`] looks through from where it stopped:
//! so nothing that happens can fail to tell, and nothing is told that did not happen. What time brings, [`remind`] finds. Both
//! write what is told, and the mails that tell it, in one transaction.

mod edit;
mod follow;
mod gather;
mod get;
pub mod http;
mod networks;
mod recipients;
mod remind;
mod tell;
#[cfg(test)]
mod tests;
mod wire;

pub use edit::{EditAudience, EditKinds, EditNotices, edit};
pub use follow::follow;
pub(crate) use follow::{begins_to_wait, is_idle};
pub use gather::GATHERED_FOR;
pub use get::get;
pub(crate) use networks::tell_of_networks;
pub use remind::remind;
pub(crate) use remind::{Due, due_keys, reminders_of};
pub(crate) use tell::Teller;
pub use wire::{AudienceView, KindsView, NoticesView};

use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_store::notices;

use crate::Manage;
use crate::error::Error;

/// For how long it is kept what was told: longer than anything that is told of lies ahead or behind.
const KEPT: Duration = Duration::from_hours(180 * 24);

/// Deletes what was told long ago; how much.
pub async fn trim(manage: &Manage) -> Result<u64, Error> {
    let before: Timestamp = manage.clock.now().saturating_sub(KEPT);
    Ok(notices::trim(&manage.store, before).await?)
}
