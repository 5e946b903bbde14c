//! A key: the credential record, its facts, and the state that follows from them.

use serde::{Deserialize, Serialize};

use crate::api_set::ApiPattern;
use crate::approval::Approval;
use crate::clock::Timestamp;
use crate::credential::Environment;
use crate::digest::CredentialDigest;
use crate::id::{ApiSetId, ApplicationId, KeyId, OrganizationId, UserId};
use crate::ip_list::IpEntries;
use crate::limit::Limit;
use crate::name::Name;
use crate::rules::Rules;
use crate::signature::SigningCopies;

/// The most bytes of a key's metadata as JSON.
pub const METADATA_BYTES_MAX: usize = 1_024;
/// The most characters of an external id.
pub const EXTERNAL_ID_LENGTH_MAX: usize = 200;
/// The most tags of a key.
pub const TAGS_MAX: usize = 50;
/// The reason of a key that the server took out of service because it was not used.
pub const IDLE_REASON: &str = "idle";
/// Why a key is disabled that its own holder revoked.
pub const REVOKED_REASON: &str = "revoked by its holder";
/// The hint of a key that was imported by its SHA-512: nothing of its value is known, and by this the digest is told from others.
pub const SHA512_HINT: &str = "… (SHA-512)";
/// How the reason begins of a key that was found where everybody could read it.
pub const LEAKED_REASON: &str = "leaked";
/// Why a key is disabled of which a secret was used that had been rotated out.
pub const REUSED_REASON: &str = "an old secret was used after its rotation";
/// The longest overlap of a rotation: 30 days, in seconds.
pub const OVERLAP_SECONDS_MAX: u32 = 2_592_000;

/// Who a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// A key with its facts. The state is derived: [`Facts::state`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Sealed copies of its secrets, if it signs.
    #[serde(default)]
    pub signing: Option<SigningCopies>,
    /// Values that are no longer valid, kept so that the diagnostic log can name the key.
    pub ended: Vec<EndedSecret>,
    /// The sets it holds.
    pub api_sets: Vec<ApiSetId>,
    /// Operations it holds beside its sets.
    pub operations: Vec<ApiPattern>,
    /// Where it may be used from; empty = anywhere.
    pub allowed_ips: IpEntries,
    /// How often it may ask, and how much it may use.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// Not valid before.
    pub not_before: Option<Timestamp>,
    /// Not valid from this instant on; the policy may end it sooner ([`Rules::end`]).
    pub expires_at: Option<Timestamp>,
    /// It does not go idle.
    pub idle_exempt: bool,
    /// The idle clock begins here at the earliest: when it was last enabled or approved, or the beginning before that, moved on
    /// by the time in which it had expired.
    pub idle_from: Option<Timestamp>,
    /// Taken out of service, by whom and why.
    pub disabled: Option<Disabled>,
    /// That it has to be approved, and what came of that; `None`: it never had to be.
    #[serde(default)]
    pub approval: Option<Approval>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSecret {
    /// Its keyed digest.
    pub digest: CredentialDigest,
    /// What may be shown of it.
    pub hint: String,
}

/// The secret before a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// The old secret.
    pub secret: StoredSecret,
    /// It is `NOT_FOUND` from this instant on.
    pub valid_until: Timestamp,
}

/// A value that was rotated out or deleted with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

// === impl ActorKind ===

impl ActorKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Key => "key",
            Self::User => "user",
            Self::System => "system",
        }
    }
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

/// What decides when a key ends and when it goes idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// Who it belongs to.
    pub owner: Owner,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not valid before.
    pub not_before: Option<Timestamp>,
    /// Its own end.
    pub expires_at: Option<Timestamp>,
    /// It does not go idle.
    pub idle_exempt: bool,
    /// See [`Key::idle_from`].
    pub idle_from: Option<Timestamp>,
    /// When it was last used, by either of its secrets.
    pub last_used: Option<Timestamp>,
    /// It waits for approval, and does not go idle as long as it does: nobody can use it.
    pub pending: bool,
}

/// The facts that a state follows from; all that the hot path keeps of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// A tombstone.
    pub deleted: bool,
    /// Taken out of service.
    pub disabled: bool,
    /// Waits for approval.
    pub pending: bool,
    /// Valid from.
    pub not_before: Option<Timestamp>,
    /// Valid until, exclusive.
    pub expires_at: Option<Timestamp>,
    /// Out of service from here on if it is not used before, unless its end comes first.
    pub idle_at: Option<Timestamp>,
}

// === impl Facts ===

impl Facts {
    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        if self.deleted {
            State::Deleted
        } else if self.disabled || self.is_idle(now) {
            State::Disabled
        } else if self.pending {
            State::Pending
        } else if self.expires_at.is_some_and(|end| now >= end) {
            State::Expired
        } else if self.not_before.is_some_and(|begin| now < begin) {
            State::NotYetValid
        } else {
            State::Active
        }
    }

    /// Whether it is idle at `now`: out of service, written down or not. Of an end and going idle at one instant, going
    /// idle counts.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.idle_at.is_some_and(|idle| now >= idle && self.expires_at.is_none_or(|end| idle <= end))
    }

    /// Whether an end that has come at `now` is not there any more in `after`.
    pub fn is_revived_by(&self, after: &Self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now) && after.expires_at.is_none_or(|end| now < end)
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
            signing: None,
            ended: Vec::new(),
            api_sets: Vec::new(),
            operations: Vec::new(),
            allowed_ips: IpEntries::default(),
            limits: Vec::new(),
            not_before: None,
            expires_at: None,
            idle_exempt: false,
            idle_from: None,
            disabled: None,
            approval: None,
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

    /// What decides when it ends; `last_used` by either of its secrets.
    pub fn term(&self, last_used: Option<Timestamp>) -> Term {
        Term {
            owner: self.owner,
            created_at: self.created_at,
            not_before: self.not_before,
            expires_at: self.expires_at,
            idle_exempt: self.idle_exempt,
            idle_from: self.idle_from,
            last_used,
            pending: self.is_pending(),
        }
    }

    /// The facts its state follows from, by the organization's rules; `last_used` by either of its secrets.
    pub fn facts(&self, rules: &Rules, last_used: Option<Timestamp>) -> Facts {
        let facts = self.term(last_used).facts(rules);
        Facts { deleted: self.deleted_at.is_some(), disabled: self.disabled.is_some(), ..facts }
    }

    /// Writes down that it is idle at `now`, if it is.
    pub fn note_idle(&mut self, facts: &Facts, now: Timestamp) {
        if self.disabled.is_none() && self.deleted_at.is_none() && facts.is_idle(now) {
            let by = Actor { kind: ActorKind::System, id: None, name: None };
            let at = facts.idle_at.unwrap_or(now);
            self.disabled = Some(Disabled { at, by, reason: Some(IDLE_REASON.to_owned()) });
        }
    }

    /// Lets the idle clock go on where it stood still if an end that had come is taken back at `now`: `before` as it was,
    /// `after` as it will be.
    pub fn resume_idle_clock(&mut self, before: &Facts, after: &Facts, last_used: Option<Timestamp>, now: Timestamp) {
        if let Some(since) = before.expires_at.filter(|_| before.is_revived_by(after, now)) {
            let start = self.term(last_used).idle_start();
            self.idle_from = Some(start.saturating_add(now.saturating_since(since)));
        }
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

/// Whether it is the value of a key that was imported by its SHA-512, for whoever holds the hint alone.
pub fn is_sha512_hint(hint: &str) -> bool {
    hint == SHA512_HINT
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

// === impl Term ===

impl Term {
    /// The facts that follow from it by the organization's rules, as of a key that nobody took out of service.
    pub fn facts(&self, rules: &Rules) -> Facts {
        Facts {
            deleted: false,
            disabled: false,
            pending: self.pending,
            not_before: self.not_before,
            expires_at: rules.end(&self.owner, self.created_at, self.expires_at),
            idle_at: if self.idle_exempt || self.pending { None } else { rules.idle_at(self.idle_start()) },
        }
    }

    /// Where the idle clock began.
    pub fn idle_start(&self) -> Timestamp {
        let others = [self.not_before, self.idle_from, self.last_used];
        others.into_iter().flatten().fold(self.created_at, Timestamp::max)
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

    /// The owner with this id; `None` for ids of anything else.
    pub fn from_id(id: &str) -> Option<Self> {
        let organization = || id.parse().map(Self::Organization);
        organization().or_else(|_| id.parse().map(Self::User)).or_else(|_| id.parse().map(Self::Application)).ok()
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
    use crate::approval::Approved;
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
        let ends = Facts { not_before: Some(at(9)), expires_at: Some(at(5)), ..Facts::default() };
        let all = Facts { deleted: true, disabled: true, pending: true, ..ends };
        assert_eq!(all.state(at(7)), State::Deleted);
        assert_eq!(Facts { deleted: false, ..all }.state(at(7)), State::Disabled);
        let waiting = Facts { deleted: false, disabled: false, ..all };
        assert_eq!([4, 7].map(|now| waiting.state(at(now))), [State::Pending; 2], "expired or not yet valid");
        let enabled = Facts { pending: false, ..waiting };
        assert_eq!(enabled.state(at(7)), State::Expired);
        assert_eq!(enabled.state(at(5)), State::Expired, "the end is exclusive");
        assert_eq!(enabled.state(at(4)), State::NotYetValid);
        assert_eq!(Facts { expires_at: None, ..enabled }.state(at(8)), State::NotYetValid);
        assert_eq!(Facts { expires_at: None, ..enabled }.state(at(9)), State::Active, "the beginning is inclusive");
        assert_eq!(Facts::default().state(at(0)), State::Active);
    }

    #[test]
    fn of_idle_and_expiry_the_first_counts_and_idle_at_one_instant() {
        let at = Timestamp::from_micros;
        let facts = |idle, end| Facts { idle_at: Some(at(idle)), expires_at: Some(at(end)), ..Facts::default() };
        assert_eq!(facts(5, 9).state(at(4)), State::Active);
        assert_eq!(facts(5, 9).state(at(5)), State::Disabled);
        assert_eq!(facts(5, 9).state(at(20)), State::Disabled, "it was idle first");
        assert_eq!(facts(9, 5).state(at(20)), State::Expired, "the clock stood still before");
        assert_eq!(facts(5, 5).state(at(5)), State::Disabled);
    }

    #[test]
    fn the_idle_clock_begins_at_the_latest_and_goes_on_where_it_stood_still() {
        let at = |days: i64| Timestamp::from_micros(days * 86_400_000_000);
        let secret = StoredSecret { digest: CredentialDigest::from_bytes([0; 32]), hint: String::new() };
        let actor = Actor { kind: ActorKind::System, id: None, name: None };
        let name = "key".parse().expect("a name");
        let mut key = Key::new(KeyId::from_raw(1), OrganizationId::from_raw(2), name, secret, actor, at(0));
        let rules = Rules::default();
        assert_eq!(key.facts(&rules, None).idle_at, Some(at(90)));
        assert_eq!(key.facts(&rules, Some(at(89))).idle_at, Some(at(179)));
        key.not_before = Some(at(100));
        assert_eq!(key.facts(&rules, Some(at(89))).idle_at, Some(at(190)));
        key.idle_exempt = true;
        assert_eq!(key.facts(&rules, None).idle_at, None);
        (key.idle_exempt, key.not_before, key.expires_at) = (false, None, Some(at(50)));

        let asked = Approval::asked(key.created_by.clone(), &[], at(0));
        key.approval = Some(asked.clone());
        assert_eq!(key.facts(&rules, Some(at(40))).idle_at, None, "nobody can use it");
        let by = key.created_by.clone();
        key.approval = Some(Approval { approved: Some(Approved { at: at(1), by, reason: None }), ..asked });
        assert_eq!(key.facts(&rules, Some(at(40))).idle_at, Some(at(130)));

        let before = key.facts(&rules, Some(at(40)));
        assert!(!before.is_idle(at(300)), "an end comes first");
        key.expires_at = Some(at(500));
        let after = key.facts(&rules, Some(at(40)));
        key.resume_idle_clock(&before, &after, Some(at(40)), at(300));
        let resumed = key.facts(&rules, Some(at(40))).idle_at;
        assert_eq!(resumed, Some(at(380)), "10 of 90 days had passed when it expired");
        key.note_idle(&key.facts(&rules, Some(at(40))), at(379));
        assert_eq!(key.disabled, None);
        key.note_idle(&key.facts(&rules, Some(at(40))), at(400));
        let noted = key.disabled.as_ref().expect("idle");
        assert_eq!((noted.at, noted.by.kind, noted.reason.as_deref()), (at(380), ActorKind::System, Some("idle")));
    }
}
