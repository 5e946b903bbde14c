//! A client of Claviger's doors: may this request pass, and whose key is it?
//!
//! - [`Client`] asks `POST /v1/verify`: connections are used again, a deadline holds over everything, failed connections and 503 are
//!   tried again with jitter, nothing is cached, and a key goes to no other place than the one that was named.
//! - [`Guard`] judges the requests of a service, and makes of a refusal what its client gets. With the feature `tower` it is a
//!   layer (`GuardLayer`), with `axum` an extractor (`Allowed`).
//!
//! What a refusal is does not depend on anybody's care: [`Verdict::is_allowed`] is true for one code alone, an unknown one of a newer
//! server is refused, and without a verdict nobody passes unless [`OnOutage::Pass`] says so.

mod address;
mod client;
mod error;
#[cfg(feature = "axum")]
mod extract;
mod guard;
#[cfg(feature = "tower")]
mod layer;
mod question;
mod refusal;
mod retry;
mod source;
mod verdict;

pub use client::{Builder, Client};
pub use error::{Error, FieldError, Problem, SettingError};
#[cfg(feature = "axum")]
pub use extract::Allowed;
pub use guard::{Guard, OnOutage, Passed, Peer};
#[cfg(feature = "tower")]
pub use layer::{GuardLayer, Guarded};
pub use question::{Question, Secret};
pub use refusal::Refusal;
pub use verdict::{ApiUser, Code, Key, Limit, Owner, Verdict};
