//! Audit entries and the chain they form.
//!
//! Each organization has a chain and the installation has one. An entry's MAC covers the MAC before it and the stored
//! bytes of the entry, so a changed, removed or reordered entry shows; the head (count and MAC) shows a cut tail.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::OrganizationId;
use crate::key::Actor;
use crate::keyring::AuditKey;

/// One change, as the use case that made it describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, such as `key.create`.
    pub action: String,
    /// To what.
    pub object: Subject,
    /// The fields that changed, before. Never a secret.
    pub before: Option<serde_json::Value>,
    /// The fields that changed, after. Never a secret.
    pub after: Option<serde_json::Value>,
    /// The caller's address.
    pub ip: Option<String>,
    /// The console session of the caller, or the key of their own through which a person acted. Entries from before there were sessions have no such field.
    #[serde(default)]
    pub session: Option<String>,
    /// The request id that the caller was told.
    pub request_id: Option<String>,
}

/// What an entry is about: a kind, an id and the name it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `key`, `api`, `api_set`, `organization`, `user`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name then.
    pub name: Option<String>,
}

/// Which chain an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chain {
    /// The installation's: organizations made, settings changed.
    Installation,
    /// An organization's.
    Organization(OrganizationId),
}

/// The MAC of an entry: over the chain's name, its number, the MAC before it and its stored bytes.
pub fn chain_mac(key: &AuditKey, chain: &Chain, seq: i64, previous: &[u8], entry: &[u8]) -> [u8; 32] {
    key.mac(&[chain.to_string().as_bytes(), &seq.to_be_bytes(), previous, entry])
}

// === impl Chain ===

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Organization(id) => write!(f, "{id}"),
        }
    }
}
