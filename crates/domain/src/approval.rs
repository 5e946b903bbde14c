//! Approval: which keys a second person has to approve before they are used, and who may be that person.

use serde::{Deserialize, Serialize};

use crate::api_set::{ApiPattern, ApiSet, ApiSetKind};
use crate::authority::{Authorities, authorities_of_set};
use crate::clock::Timestamp;
use crate::id::{ApiId, UserId};
use crate::key::{Actor, ActorKind, Key, Owner};

/// How the reason begins of a key that was denied.
pub const DENIED_REASON: &str = "denied";
/// The most people that are remembered as having a hand in a key that waits.
pub const HANDS_MAX: usize = 50;

/// That a key has to be approved, and what came of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Since when it has to be.
    pub needed_at: Timestamp,
    /// Who gave it what has to be approved.
    pub asked_by: Actor,
    /// The people who had a hand in what waits; at most [`HANDS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hands: Vec<UserId>,
    /// That it was; `None`: it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
}

/// By whom and when a key was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a person may not decide about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Involvement {
    /// It is theirs.
    Owner,
    /// They made it.
    Maker,
    /// They gave it rights, opened it to addresses or rotated it, by themselves or by a key that they made.
    Hand,
}

/// What a key may do: the sets that it names, as they are now, and its own operations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rights<'a> {
    /// Its sets.
    pub sets: &'a [ApiSet],
    /// Its operations beside them.
    pub operations: &'a [ApiPattern],
}

/// Whether a key that had the rights `before` (a new one: none) and has `after` has to be approved where keys with the sets of
/// `listed` have to be. It has to be if it gains
///
/// - a listed set, or Full access whatever is listed;
/// - an operation of its own that may be one of a listed set's, by an added pattern or by an exception that is dropped; with Full
///   access on the list all operations of an API;
/// - what makes its rights together hold all that a listed set holds: whole APIs and patterns, or what a set of the
///   management API stands for;
/// - anything of an API whose General set is listed, because that comes with it.
///
/// Another set that has only some operations of a listed one is a right of its own.
pub fn needs_approval(listed: &[ApiSet], before: Rights<'_>, after: Rights<'_>) -> bool {
    let is_new = |set: &&ApiSet| before.sets.iter().all(|known| known.id != set.id);
    let added = || after.sets.iter().filter(is_new);
    let is_meant = |set: &ApiSet| set.kind == ApiSetKind::Full || listed.iter().any(|one| one.id == set.id);
    if !listed.is_empty() && added().any(is_meant) {
        return true;
    }
    listed.iter().any(|set| {
        gained(before, after).any(|pattern| touches(set, pattern))
            || added().any(|other| brings_general(set, other))
            || after.hold(set) && !before.hold(set)
    })
}

/// Whether a key that had the rights `before` and has `after` gains Full access, which is listed wherever anything is.
pub fn gains_full_access(before: Rights<'_>, after: Rights<'_>) -> bool {
    let is_full = |rights: Rights<'_>| rights.sets.iter().any(|set| set.kind == ApiSetKind::Full);
    is_full(after) && !is_full(before)
}

/// The operations that come in: added, or no longer taken away. What is narrowed gains nothing.
fn gained<'a>(before: Rights<'a>, after: Rights<'a>) -> impl Iterator<Item = &'a ApiPattern> {
    let only_in = |some: Rights<'a>, others: Rights<'a>, is_exception: bool| {
        let is_gained = move |pattern: &&ApiPattern| {
            pattern.pattern.is_exception() == is_exception && !others.operations.contains(pattern)
        };
        some.operations.iter().filter(is_gained)
    };
    let had_already = move |added: &&ApiPattern| {
        let of_api = || before.operations.iter().filter(|own| own.api == added.api);
        let is_taken = |own: &ApiPattern| own.pattern.is_exception() && own.pattern.may_meet(&added.pattern);
        let is_given = |own: &ApiPattern| !own.pattern.is_exception() && own.pattern.covers(&added.pattern);
        of_api().any(is_given) && !of_api().any(is_taken)
    };
    let is_given_now = move |dropped: &&ApiPattern| {
        given(after.operations).any(|own| own.api == dropped.api && own.pattern.may_meet(&dropped.pattern))
    };
    let added = only_in(after, before, false).filter(move |added| !had_already(added));
    added.chain(only_in(before, after, true).filter(is_given_now))
}

/// Whether an operation of a key's own may be one of a set's.
fn touches(set: &ApiSet, gained: &ApiPattern) -> bool {
    match set.kind {
        ApiSetKind::Plain => {
            let is_met = |own: &ApiPattern| own.api == gained.api && own.pattern.may_meet(&gained.pattern);
            set.apis.contains(&gained.api) || given(&set.operations).any(is_met)
        }
        ApiSetKind::General => set.apis.contains(&gained.api),
        ApiSetKind::Full => gained.pattern.is_prefix() && gained.pattern.text().is_empty(),
        ApiSetKind::BuiltIn => false,
    }
}

/// Whether a listed General set comes with another set.
fn brings_general(set: &ApiSet, other: &ApiSet) -> bool {
    let names = |api: &ApiId| other.apis.contains(api) || given(&other.operations).any(|own| own.api == *api);
    set.kind == ApiSetKind::General && set.apis.iter().any(names)
}

/// Patterns that give, and no exceptions.
fn given(patterns: &[ApiPattern]) -> impl Iterator<Item = &ApiPattern> {
    patterns.iter().filter(|pattern| !pattern.pattern.is_exception())
}

// === impl Rights ===

impl Rights<'_> {
    /// Whether they hold all that a set holds, exceptions aside. What holds nothing is held by nobody.
    fn hold(&self, set: &ApiSet) -> bool {
        match set.kind {
            ApiSetKind::Plain => {
                let is_something = !set.apis.is_empty() || given(&set.operations).next().is_some();
                let held = |wanted: &ApiPattern| {
                    self.hold_whole(wanted.api)
                        || self.patterns().any(|own| own.api == wanted.api && own.pattern.covers(&wanted.pattern))
                };
                is_something && set.apis.iter().all(|api| self.hold_whole(*api)) && given(&set.operations).all(held)
            }
            ApiSetKind::BuiltIn => {
                let wanted = authorities_of_set(set.slug.as_str());
                let sum = |all: Authorities, own: &ApiSet| all.union(authorities_of_set(own.slug.as_str()));
                let built_in = self.sets.iter().filter(|own| own.kind == ApiSetKind::BuiltIn);
                !wanted.is_empty() && built_in.fold(Authorities::NONE, sum).has_all(wanted)
            }
            ApiSetKind::Full | ApiSetKind::General => false,
        }
    }

    fn hold_whole(&self, api: ApiId) -> bool {
        let by_set = |set: &ApiSet| set.kind == ApiSetKind::Plain && set.apis.contains(&api);
        let is_whole = |own: &ApiPattern| own.pattern.is_prefix() && own.pattern.text().is_empty();
        let mut of_api = self.patterns().filter(|own| own.api == api && own.pattern.version().is_none());
        self.sets.iter().any(by_set) || of_api.any(is_whole)
    }

    fn patterns(&self) -> impl Iterator<Item = &ApiPattern> {
        let of_sets = self.sets.iter().flat_map(|set| given(&set.operations));
        of_sets.chain(given(self.operations))
    }
}

// === impl Approval ===

impl Approval {
    /// One that waits, asked for at `now`.
    pub fn asked(by: Actor, hands: &[UserId], now: Timestamp) -> Self {
        let mut asked = Self { needed_at: now, asked_by: by, hands: Vec::new(), approved: None };
        asked.add_hands(hands);
        asked
    }

    /// Remembers who has a hand in it.
    pub fn add_hands(&mut self, people: &[UserId]) {
        for person in people {
            if !self.hands.contains(person) && self.hands.len() < HANDS_MAX {
                self.hands.push(*person);
            }
        }
    }

    /// Whether it waits.
    pub fn is_pending(&self) -> bool {
        self.approved.is_none()
    }
}

// === impl Key ===

impl Key {
    /// Whether it waits for approval, whatever else it is.
    pub fn is_pending(&self) -> bool {
        self.approval.as_ref().is_some_and(Approval::is_pending)
    }

    /// Why this person may not decide about it; `None`: they may.
    pub fn involvement(&self, person: UserId) -> Option<Involvement> {
        let made = self.created_by.kind == ActorKind::User && self.created_by.id == Some(person.to_string());
        let has_hand = |approval: &Approval| {
            // One who is not remembered for want of room could be anybody.
            approval.hands.contains(&person) || approval.hands.len() >= HANDS_MAX
        };
        if self.owner == Owner::User(person) {
            Some(Involvement::Owner)
        } else if made {
            Some(Involvement::Maker)
        } else {
            self.approval.as_ref().is_some_and(has_hand).then_some(Involvement::Hand)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ApiSetId, OrganizationId};
    use crate::operation::OperationPattern;

    fn pattern(text: &str) -> ApiPattern {
        let (api, rest) = text.trim_start_matches('!').split_once(':').expect("an API");
        let sign = if text.starts_with('!') { "!" } else { "" };
        let pattern = OperationPattern::parse(&format!("{sign}{rest}")).expect("a pattern");
        ApiPattern { api: ApiId::from_raw(api.parse().expect("a number")), pattern }
    }

    fn set(id: u128, slug: &str, kind: ApiSetKind, apis: &[u128], operations: &[&str]) -> ApiSet {
        ApiSet {
            id: ApiSetId::from_raw(id),
            organization: OrganizationId::from_raw(1),
            slug: slug.parse().expect("a slug"),
            name: slug.parse().expect("a name"),
            kind,
            apis: apis.iter().map(|api| ApiId::from_raw(*api)).collect(),
            operations: operations.iter().map(|text| pattern(text)).collect(),
            limits: Vec::new(),
            template: None,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            version: 1,
        }
    }

    /// The sets of an organization with the APIs 1 and 2, by slug.
    fn named(slugs: &[&str]) -> Vec<ApiSet> {
        use ApiSetKind::{BuiltIn, Full, General, Plain};
        let all = [
            set(1, "admin", Plain, &[1], &[]),
            set(2, "delete", Plain, &[], &["1:repos/delete", "1:issues/*"]),
            set(3, "read", Plain, &[], &["1:repos/get"]),
            set(4, "all-of-1", Plain, &[1], &[]),
            set(5, "all-by-pattern", Plain, &[], &["1:*"]),
            set(6, "same", Plain, &[], &["1:repos/*", "1:iss*"]),
            set(7, "full-access", Full, &[], &[]),
            set(8, "one-general", General, &[1], &["1:ping"]),
            set(9, "claviger-keys-write", BuiltIn, &[9], &[]),
            set(10, "claviger-admin", BuiltIn, &[9], &[]),
            set(11, "claviger-keys-read", BuiltIn, &[9], &[]),
            set(12, "versioned", Plain, &[], &["1:repos/get@v3"]),
            set(13, "empty", Plain, &[], &[]),
            set(14, "two", Plain, &[2], &[]),
        ];
        let by_slug = |slug: &&str| all.iter().find(|set| set.slug.as_str() == *slug).expect("a set").clone();
        slugs.iter().map(by_slug).collect()
    }

    fn needs(listed: &[&str], before: (&[&str], &[&str]), after: (&[&str], &[&str])) -> bool {
        let patterns = |texts: &[&str]| texts.iter().map(|text| pattern(text)).collect::<Vec<_>>();
        let (old, new) = (named(before.0), named(after.0));
        let (old_own, new_own) = (patterns(before.1), patterns(after.1));
        let before = Rights { sets: &old, operations: &old_own };
        needs_approval(&named(listed), before, Rights { sets: &new, operations: &new_own })
    }

    const NOTHING: (&[&str], &[&str]) = (&[], &[]);

    #[test]
    fn a_new_key_needs_approval_by_what_it_holds_in_whatever_way() {
        for (listed, sets, own, expected) in [
            (&[][..], &["full-access", "admin"][..], &["1:*"][..], false),
            (&["delete"], &[], &[], false),
            (&["delete"], &["delete"], &[], true),
            (&["delete"], &["full-access"], &[], true),
            // Own operations that may be the set's.
            (&["delete"], &[], &["1:repos/delete"], true),
            (&["delete"], &[], &["1:repos/*"], true),
            (&["delete"], &[], &["1:*"], true),
            (&["delete"], &[], &["1:issues/get@v3"], true),
            (&["delete"], &[], &["1:repos/get"], false),
            (&["delete"], &[], &["2:repos/delete"], false),
            (&["admin"], &[], &["1:repos/get"], true),
            (&["versioned"], &[], &["1:repos/get@v2"], false),
            (&["versioned"], &[], &["1:repos/*@v3"], true),
            // Sets that hold all of it, and one that holds some.
            (&["delete"], &["all-of-1"], &[], true),
            (&["delete"], &["all-by-pattern"], &[], true),
            (&["delete"], &["same"], &[], true),
            (&["admin"], &["all-of-1"], &[], true),
            (&["admin"], &["all-by-pattern"], &[], true),
            (&["admin"], &["read"], &[], false),
            (&["admin"], &["same"], &[], false),
            (&["versioned"], &["read"], &[], true),
            (&["read"], &["versioned"], &[], false),
            (&["empty"], &["admin"], &[], false),
            (&["empty"], &["empty"], &[], true),
            // Full access on the list.
            (&["full-access"], &["admin"], &["1:repos/*"], false),
            (&["full-access"], &[], &["1:*"], true),
            // A General set comes with anything of its API.
            (&["one-general"], &["read"], &[], true),
            (&["one-general"], &[], &["1:repos/get"], true),
            (&["one-general"], &["two"], &["2:x"], false),
            // Rights in the management API.
            (&["claviger-keys-write"], &["claviger-admin"], &[], true),
            (&["claviger-keys-write"], &["claviger-keys-read"], &[], false),
            (&["claviger-keys-write"], &["admin"], &["1:*"], false),
        ] {
            assert_eq!(needs(listed, NOTHING, (sets, own)), expected, "{listed:?}: {sets:?} {own:?}");
        }
    }

    #[test]
    fn a_changed_key_needs_approval_by_what_it_gains() {
        for (before, after, expected) in [
            ((&["delete"][..], &[][..]), (&["delete"][..], &[][..]), false),
            ((&["delete"], &[]), (&["delete", "read"], &[]), false),
            ((&["delete"], &[]), (&[], &[]), false),
            ((&["read"], &[]), (&["read", "delete"], &[]), true),
            ((&["delete"], &[]), (&["delete", "full-access"], &[]), true),
            // One operation of the set more, though it has another already.
            ((&[], &["1:issues/get"]), (&[], &["1:issues/get", "1:repos/delete"]), true),
            ((&[], &["1:issues/get"]), (&[], &["1:issues/get", "1:repos/get"]), false),
            ((&[], &["1:*", "!1:repos/delete"]), (&[], &["1:*"]), true),
            ((&[], &["1:*", "!1:repos/get"]), (&[], &["1:*"]), false),
            ((&[], &["1:*"]), (&[], &["1:*", "!1:repos/delete"]), false),
            // What is narrowed gains nothing.
            ((&[], &["1:*"]), (&[], &["1:repos/delete"]), false),
            ((&[], &["1:repos/*"]), (&[], &["1:repos/delete@v3"]), false),
            ((&[], &["1:*", "!1:repos/delete"]), (&[], &["1:repos/get"]), false),
            ((&[], &["1:*", "!1:repos/delete"]), (&[], &["1:repos/delete"]), true),
            ((&[], &["1:*", "!1:repos/delete"]), (&[], &["1:repos/*"]), true),
            ((&[], &["1:*@v3"]), (&[], &["1:repos/delete"]), true),
            ((&["all-of-1"], &[]), (&["all-of-1", "all-by-pattern"], &[]), false),
        ] {
            assert_eq!(needs(&["delete"], before, after), expected, "{before:?} -> {after:?}");
        }
    }

    #[test]
    fn who_has_a_hand_in_a_key_may_not_decide_about_it() {
        use Involvement::{Hand, Maker, Owner as Holder};
        let [ann, bob, eve, tom] = [1, 2, 3, 4].map(UserId::from_raw);
        let user = |id: UserId| Actor { kind: ActorKind::User, id: Some(id.to_string()), name: None };
        let secret = crate::key::StoredSecret {
            digest: crate::digest::CredentialDigest::from_bytes([0; 32]),
            hint: String::new(),
        };
        let (id, home) = (crate::id::KeyId::from_raw(1), OrganizationId::from_raw(1));
        let mut key = Key::new(id, home, "key".parse().expect("a name"), secret, user(ann), Timestamp::default());
        key.owner = Owner::User(bob);
        let mut approval = Approval::asked(user(eve), &[eve, eve], Timestamp::default());
        assert_eq!(approval.hands, [eve]);
        key.approval = Some(approval.clone());
        let involved = |key: &Key| [ann, bob, eve, tom].map(|person| key.involvement(person));
        assert_eq!(involved(&key), [Some(Maker), Some(Holder), Some(Hand), None]);
        approval.add_hands(&(100..200).map(UserId::from_raw).collect::<Vec<_>>());
        assert_eq!(approval.hands.len(), HANDS_MAX);
        key.approval = Some(approval);
        assert_eq!(key.involvement(tom), Some(Hand), "who is not remembered could be anybody");
    }
}
