//! Mail: the task that sends what waits in the outbox, and the SMTP client.

pub mod config;
mod counters;
mod smtp;
mod task;

pub use config::{InvalidSmtpUrl, MailConfig, SmtpUrl};
pub(crate) use counters::{Counters, Reading};
pub(crate) use smtp::Smtp;
pub use smtp::SmtpError;
pub(crate) use task::MailTask;
