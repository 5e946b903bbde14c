//! The only crate that speaks SQL: one text for SQLite and PostgreSQL.
//!
//! [`Database::open`] connects and migrates; [`Database::into_store`] gives the [`Store`], which reads in snapshots
//! ([`Store::read`]) and writes through one closure ([`Store::write`]). Each table has a module of functions: those that
//! read take a [`Conn`], those that write take a [`Tx`] and note the change for the feed themselves. The engine's replica
//! is loaded and kept by a [`Feed`].

pub mod api_sessions;
pub mod api_sets;
pub mod api_user_codes;
pub mod api_user_secrets;
pub mod api_users;
pub mod apis;
pub mod application_types;
pub mod applications;
pub mod audit;
pub mod backup;
mod config;
mod conn;
mod database;
mod error;
mod feed;
mod fields;
pub mod idempotency;
mod ip_lists;
pub mod key_identifiers;
pub mod key_reveals;
pub mod key_usage;
pub mod keyring;
pub mod keys;
pub mod links;
mod listen;
mod load;
pub mod mail_templates;
pub mod manuals;
pub mod members;
mod metrics;
mod migrate;
mod native;
pub mod nodes;
pub mod notices;
pub mod operations;
mod order;
pub mod organizations;
pub mod outbox;
mod page;
pub mod passwords;
#[cfg(test)]
mod plans;
pub mod policies;
mod pools;
pub mod quotas;
mod raw_rows;
pub mod refusals;
pub mod roles;
pub mod second_factors;
mod server;
pub mod sessions;
mod shares;
pub mod sightings;
pub mod sign_in_attempts;
pub mod sign_in_challenges;
mod skew;
mod snapshot_file;
mod sql;
mod store;
mod transaction;
pub mod usage;
pub mod webhook_deliveries;
pub mod webhooks;
mod write;

pub use config::{Config, DatabaseUrl, InvalidDatabaseUrl, ServerUrls};
pub use conn::{Conn, Snapshot};
pub use database::Database;
pub use error::{Error, OpenError, Taken};
pub use feed::{Feed, FeedEvent, Look, Mark};
pub use load::LoadProgress;
pub use metrics::{Connections, Metrics};
pub use migrate::SCHEMA_VERSION;
pub use order::RecordSort;
pub use page::{Cursor, CursorValue, Listed, PAGE_LIMIT_MAX, Page};
pub use skew::ClockSkew;
pub use snapshot_file::{
    FILE_NAME as SNAPSHOT_FILE_NAME, Resumable, Resumed, SnapshotError, SnapshotFile, SnapshotReader, SnapshotWriter,
    remove_snapshot,
};
pub use store::Store;
pub use write::{Committed, Scope, Tx};

/// What most functions here return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
extern crate self as claviger_store;
/// The databases and records of the tests beside this crate.
#[cfg(test)]
#[allow(dead_code, unreachable_pub, reason = "most of it is for the tests beside this crate")]
#[path = "../tests/it/harness.rs"]
mod harness;
#[cfg(test)]
#[allow(dead_code, unreachable_pub, reason = "most of it is for the tests beside this crate")]
#[path = "../tests/it/sample.rs"]
mod sample;
