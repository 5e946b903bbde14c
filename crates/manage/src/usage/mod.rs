//! Usage: requests over time, and which of its rights a key never uses.

mod export;
pub mod http;
mod names;
mod query;
mod series;
mod unused;

pub use query::{By, KeyUsageQuery, StepName, UsageQuery};
pub use series::{SeriesView, UsageView, of_key, of_organization};
pub use unused::{UnusedRights, UnusedRightsQuery, UnusedSet, unused_rights};
