//! Webhooks: an organization's events, sent to where it says, signed by Standard Webhooks.
//!
//! What somebody does stands in the audit chain, which [`follow`] looks through from where it stopped; what time brings, [`remind`]
//! finds. Both put events in with what says that they did, in one transaction: so nothing is lost and nothing told twice, on however
//! many nodes and whatever dies. [`deliver`] takes them out again.

mod create;
mod delete;
pub mod deliver;
mod deliveries;
mod edit;
mod event;
mod follow;
pub mod http;
mod list;
mod networks;
mod record;
mod remind;
mod replay;
mod request;
mod rotate;
mod send_test;
mod switch;
#[cfg(test)]
mod tests;
mod wire;

pub use create::create;
pub use delete::delete;
pub use deliveries::{DeliveryQuery, delivery, list_deliveries};
pub use edit::edit;
pub use follow::follow;
pub use list::{get, list};
pub(crate) use networks::{tell_of_networks, told_of_networks};
pub use record::Recorded;
pub use remind::remind;
pub use replay::replay;
pub use request::{CreateWebhook, EditWebhook, RotateWebhook};
pub use rotate::rotate;
pub use send_test::send_test;
pub use switch::{disable, enable};
pub use wire::{DeliveryView, WebhookView, WebhookWithSecret};

use claviger_domain::authority::Authority;

/// Who may see webhooks: as of notices.
const READERS: [Authority; 2] = [Authority::PolicyManage, Authority::AuditRead];

/// The most events that wait for one webhook. Where there are as many, no further ones are put in until some have got through.
const WAITING_MAX: i64 = 10_000;
