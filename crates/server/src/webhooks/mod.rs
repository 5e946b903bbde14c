//! Webhooks: the tasks that put events in and send them.

mod counters;
mod task;

pub(crate) use counters::{Counters, Reading};
pub(crate) use task::WebhooksTask;
