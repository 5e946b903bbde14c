//! Story tests of the store, each on SQLite and on PostgreSQL.

mod applications;
mod audit;
mod backup;
mod catalog;
mod feed;
mod harness;
mod ip_lists;
mod key_owners;
mod keys;
mod members;
mod metrics;
mod nodes;
mod open;
mod outbox;
mod races;
mod sample;
mod sealed;
mod second_factors;
mod sharing;
mod sign_in;
mod snapshot;
mod trim;
mod usage;
mod write;
