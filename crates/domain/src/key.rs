//! A key: the credential record, its facts, and the state that follows from them.

use serde::{Deserialize, Serialize};

use crate::api_set::ApiPattern;
use crate::clock::Timestamp;
use crate::credential::Environment;
use crate::digest::CredentialDigest;
use crate::id::{ApiSetId, ApplicationId, KeyId, OrganizationId, UserId};
use crate::ip_list::IpEntries;
use crate::name::Name;

/// The most bytes of a key's metadata as JSON.
pub const METADATA_BYTES_MAX: usize = 1_024;
/// The most characters of an external id.
pub const EXTERNAL_ID_LENGTH_MAX: usize = 200;
/// The most tags of a key.
pub const TAGS_MAX: usize = 50;
/// The longest overlap of a rotation: 30 days, in seconds.
pub const OVERLAP_SECONDS_MAX: u32 = 2_592_000;

/// Who a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Owner {
    /// The key's organization.
    Organization(OrganizationId),
    /// A person.
    User(UserId),
    /// An external system.
    Application(ApplicationId),
}

/// How a key is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One string.
    #[default]
    Single,
    /// Identifier and password.
    Pair,
}

/// A key with its facts. The state is derived: [`Key::state`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// The tenant.
    pub organization: OrganizationId,
    /// Who it belongs to.
    pub owner: Owner,
    /// Unique per owner among the living.
    pub name: Name,
    /// Free text.
    pub description: String,
    /// Which hosts it is for.
    pub environment: Environment,
    /// How it is presented.
    pub shape: Shape,
    /// The current secret.
    pub secret: StoredSecret,
    /// The secret before the last rotation, while it overlaps.
    pub overlap: Option<Overlap>,
    /// Values that are no longer valid, kept so that the diagnostic log can name the key.
    pub ended: Vec<EndedSecret>,
    /// The sets it holds.
    pub api_sets: Vec<ApiSetId>,
    /// Operations it holds beside its sets.
    pub operations: Vec<ApiPattern>,
    /// Where it may be used from; empty = anywhere.
    pub allowed_ips: IpEntries,
    /// Not valid before.
    pub not_before: Option<Timestamp>,
    /// Not valid from this instant on.
    pub expires_at: Option<Timestamp>,
    /// Taken out of service, by whom and why.
    pub disabled: Option<Disabled>,
    /// Gone for good: a tombstone.
    pub deleted_at: Option<Timestamp>,
    /// The customer's name in the caller's own system.
    pub external_id: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Free JSON object for the upstream, at most [`METADATA_BYTES_MAX`].
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Who made it: a snapshot that outlives its creator.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// What is stored of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its keyed digest.
    pub digest: CredentialDigest,
    /// What may be shown of it.
    pub hint: String,
}

/// The secret before a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The old secret.
    pub secret: StoredSecret,
    /// It is `NOT_FOUND` from this instant on.
    pub valid_until: Timestamp,
}

/// A value that was rotated out or deleted with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSecret {
    /// Its digest: the value can never be issued again.
    pub digest: CredentialDigest,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// Why and by whom something was taken out of service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Why, in the person's words.
    pub reason: Option<String>,
}

/// Who did something: an id and the name it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `operator`, `key`, `user` or `system`.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// The id, where the kind has ids.
    pub id: Option<String>,
    /// The name at that time.
    pub name: Option<String>,
}

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Whoever holds the machine: the command line with the local token, `setup`, `--demo`.
    Operator,
    /// A management key.
    Key,
    /// A person in the console.
    User,
    /// The server itself.
    System,
}

/// The state of a key: the first that applies, in this order, which is the verdict's too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A tombstone.
    Deleted,
    /// Taken out of service.
    Disabled,
    /// Awaits approval.
    Pending,
    /// Its end has come.
    Expired,
    /// Its beginning has not.
    NotYetValid,
    /// In service.
    Active,
}

/// The facts that a state follows from; all that the hot path keeps of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// A tombstone.
    pub deleted: bool,
    /// Taken out of service.
    pub disabled: bool,
    /// Valid from.
    pub not_before: Option<Timestamp>,
    /// Valid until, exclusive.
    pub expires_at: Option<Timestamp>,
}

// === impl Facts ===

impl Facts {
    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        if self.deleted {
            State::Deleted
        } else if self.disabled {
            State::Disabled
        } else if self.expires_at.is_some_and(|end| now >= end) {
            State::Expired
        } else if self.not_before.is_some_and(|begin| now < begin) {
            State::NotYetValid
        } else {
            State::Active
        }
    }
}

// === impl Key ===

impl Key {
    /// A single key of an organization for its live hosts, made at `now`, without rights and without restrictions: the
    /// beginning of every other.
    pub fn new(
        id: KeyId,
        organization: OrganizationId,
        name: Name,
        secret: StoredSecret,
        created_by: Actor,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            organization,
            owner: Owner::Organization(organization),
            name,
            description: String::new(),
            environment: Environment::Live,
            shape: Shape::Single,
            secret,
            overlap: None,
            ended: Vec::new(),
            api_sets: Vec::new(),
            operations: Vec::new(),
            allowed_ips: IpEntries::default(),
            not_before: None,
            expires_at: None,
            disabled: None,
            deleted_at: None,
            external_id: None,
            tags: Vec::new(),
            metadata: serde_json::Map::new(),
            created_by,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// The facts its state follows from.
    pub fn facts(&self) -> Facts {
        Facts {
            deleted: self.deleted_at.is_some(),
            disabled: self.disabled.is_some(),
            not_before: self.not_before,
            expires_at: self.expires_at,
        }
    }

    /// Its state at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        self.facts().state(now)
    }
}

// === impl StoredSecret ===

impl StoredSecret {
    /// Whether it is a value that others made: its hint shows no prefix, and one that was imported as its SHA-256 has none
    /// at all.
    pub fn is_imported(&self) -> bool {
        is_imported_hint(&self.hint)
    }
}

/// [`StoredSecret::is_imported`] for whoever holds the hint alone.
pub fn is_imported_hint(hint: &str) -> bool {
    hint.is_empty() || hint.starts_with('…')
}

// === impl Shape ===

impl Shape {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Pair => "pair",
        }
    }
}

// === impl Owner ===

impl Owner {
    /// The word on the wire and in the database.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Organization(_) => "organization",
            Self::User(_) => "user",
            Self::Application(_) => "application",
        }
    }

    /// The id as text.
    pub fn id(&self) -> String {
        match self {
            Self::Organization(id) => id.to_string(),
            Self::User(id) => id.to_string(),
            Self::Application(id) => id.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{KeyPrefix, generate_key, hint};
    use crate::pair::{Pair, identifier_hint};
    use crate::secret::Secret;
    use crate::testing::FixedRandom;

    #[test]
    fn a_hint_tells_imported_values_from_our_own() {
        let random = FixedRandom::new(1);
        let native = hint(&generate_key(&KeyPrefix::default(), Environment::Live, &random));
        let pair = identifier_hint(&Pair::generate(&random).identifier);
        let foreign = hint(&Secret::new("sk-0123456789abcdefghijklmn".to_owned()));
        assert_eq!([&*native, &*pair, &*foreign, ""].map(is_imported_hint), [false, false, true, true]);
    }

    #[test]
    fn the_state_is_the_first_that_applies() {
        let at = Timestamp::from_micros;
        let all = Facts { deleted: true, disabled: true, not_before: Some(at(9)), expires_at: Some(at(5)) };
        assert_eq!(all.state(at(7)), State::Deleted);
        assert_eq!(Facts { deleted: false, ..all }.state(at(7)), State::Disabled);
        let enabled = Facts { deleted: false, disabled: false, ..all };
        assert_eq!(enabled.state(at(7)), State::Expired);
        assert_eq!(enabled.state(at(5)), State::Expired, "the end is exclusive");
        assert_eq!(enabled.state(at(4)), State::NotYetValid);
        assert_eq!(Facts { expires_at: None, ..enabled }.state(at(8)), State::NotYetValid);
        assert_eq!(Facts { expires_at: None, ..enabled }.state(at(9)), State::Active, "the beginning is inclusive");
        assert_eq!(Facts::default().state(at(0)), State::Active);
    }
}
