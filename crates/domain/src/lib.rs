//! What a key, an API, a set and a verdict *are*: values and pure decisions.
//!
//! No async, no I/O, no clock of its own. [`path`] and [`operation`] are where a mistake is a bypass.

pub mod api;
pub mod api_set;
pub mod api_user;
pub mod application;
pub mod approval;
pub mod attempts;
pub mod audit;
pub mod authority;
pub mod change;
pub mod clock;
pub mod correlation;
pub mod credential;
pub mod credential_source;
pub mod digest;
pub mod email;
pub mod foreign_password;
pub mod github_signature;
mod hex;
pub mod histogram;
pub mod id;
pub mod ip_list;
pub mod key;
pub mod keyring;
pub mod limit;
pub mod link;
pub mod member;
pub mod name;
pub mod notice;
pub mod operation;
pub mod organization;
pub mod outgoing;
pub mod pair;
pub mod password;
pub mod path;
pub mod policy;
pub mod quota_block;
pub mod recovery_code;
pub mod redact;
pub mod role;
pub mod rules;
pub mod sealing;
pub mod secret;
pub mod session;
pub mod sharing;
pub mod sign_in_key;
pub mod signature;
pub mod snapshot_key;
mod status_profile;
pub mod testing;
pub mod totp;
pub mod usage;
pub mod uses_elsewhere;
pub mod verdict;
pub mod webhook;
mod wire;

pub use clock::{Clock, Random, Timestamp};
pub use hex::hex;
pub use id::{
    ApiId, ApiSessionId, ApiSetId, ApiUserId, ApplicationId, ApplicationTypeId, KeyId, LinkId, MailId, NodeId,
    OrganizationId, RequestId, RoleId, SessionId, UserId, WebhookDeliveryId, WebhookId,
};
pub use secret::Secret;
