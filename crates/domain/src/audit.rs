//! Audit entries and the chain they form.
//!
//! Each organization has a chain and the installation has one. An entry's MAC covers the MAC before it and the stored
//! bytes of the entry, so a changed, removed or reordered entry shows; the head (count and MAC) shows a cut tail. Where
//! the oldest entries were removed on purpose, a sealed checkpoint stands in their place.

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

/// Where a chain begins whose older entries were removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of the last entry that was removed; as all before it were, this is also how many.
    pub seq: i64,
    /// The MAC of that entry: what the MAC of the next one covers.
    pub mac: Vec<u8>,
    /// When the newest of the removed entries was written.
    pub until: Timestamp,
    /// When they were last removed.
    pub removed_at: Timestamp,
}

/// What the MAC of a checkpoint begins with: no chain has this name, so no entry's MAC is ever a checkpoint's.
const CHECKPOINT_LABEL: &[u8] = b"claviger/v1/audit-checkpoint";

/// The action of the entry that says that older ones were removed.
pub const TRIM: &str = "audit.trim";

/// The MAC of a checkpoint: whoever can write the database alone makes none.
pub fn checkpoint_mac(key: &AuditKey, chain: &Chain, checkpoint: &Checkpoint) -> [u8; 32] {
    let Checkpoint { seq, mac, until, removed_at } = checkpoint;
    let (until, removed_at) = (until.as_micros().to_be_bytes(), removed_at.as_micros().to_be_bytes());
    key.mac(&[CHECKPOINT_LABEL, chain.to_string().as_bytes(), &seq.to_be_bytes(), mac, &until, &removed_at])
}

/// The MAC of an entry: over the chain's name, its number, the MAC before it and its stored bytes.
pub fn chain_mac(key: &AuditKey, chain: &Chain, seq: i64, previous: &[u8], entry: &[u8]) -> [u8; 32] {
    key.mac(&[chain.to_string().as_bytes(), &seq.to_be_bytes(), previous, entry])
}

// === impl Chain ===

impl Chain {
    /// The chain that is called so.
    pub fn of_name(name: &str) -> Option<Self> {
        if name == Self::Installation.to_string() {
            return Some(Self::Installation);
        }
        name.parse().ok().map(Self::Organization)
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Organization(id) => write!(f, "{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Keyring;
    use crate::testing::FixedRandom;

    #[test]
    fn the_mac_of_a_checkpoint_covers_each_of_its_parts_and_its_chain() {
        let key = Keyring::generate(&FixedRandom::new(1)).audit().clone();
        let at = Timestamp::from_micros;
        let one = || Checkpoint { seq: 7, mac: vec![1; 32], until: at(5), removed_at: at(9) };
        let chain = Chain::Installation;
        let mac = checkpoint_mac(&key, &chain, &one());
        for other in [
            Checkpoint { seq: 8, ..one() },
            Checkpoint { mac: vec![2; 32], ..one() },
            Checkpoint { until: at(6), ..one() },
            Checkpoint { removed_at: at(8), ..one() },
        ] {
            assert_ne!(checkpoint_mac(&key, &chain, &other), mac, "{other:?}");
        }
        assert_ne!(checkpoint_mac(&key, &Chain::Organization(OrganizationId::from_raw(1)), &one()), mac);
    }
}
