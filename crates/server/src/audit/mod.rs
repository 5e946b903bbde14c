//! The audit log beyond the database: removed when it is old, and appended to a file.

mod counters;
mod stream;
mod stream_file;
mod trim;

pub(crate) use counters::{Counters, Reading};
pub(crate) use stream::{StreamTask, Written};
pub(crate) use trim::TrimTask;
