//! The second factor of a person: one-time codes of an app, and recovery codes for whoever has lost it.
//!
//! A secret is shown once and is in force when its person has entered a code of it. Codes work once: whoever takes one says so
//! in the transaction in which it counts (`Proof::take`).

mod begin;
mod confirm;
pub mod http;
mod otpauth;
mod proof;
mod record;
mod recovery_codes;
mod remove;
mod reset;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

pub use begin::begin;
pub use confirm::{Confirm, confirm};
pub(crate) use proof::Proof;
pub(crate) use record::mail;
pub use record::state;
pub use recovery_codes::make_codes;
pub use remove::remove;
pub use reset::reset;
pub use wire::{NewSecondFactor, RecoveryCodes, SecondFactorView};

use std::time::Duration;

/// For how long a secret that was shown can be confirmed.
pub const ENROLMENT_LIFETIME: Duration = Duration::from_mins(10);
