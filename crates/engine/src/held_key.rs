//! A key as the replica holds it: two cache lines for what every request needs, the rest shared or apart.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use claviger_domain::api_set::ApiPattern;
use claviger_domain::credential::Environment;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::ip_list::{IpEntries, IpList, ListDigest};
use claviger_domain::key::{Facts, Key, Owner, State, StoredSecret, Term, is_imported_hint};
use claviger_domain::limit::Holder;
use claviger_domain::rules::Rules;
use claviger_domain::uses_elsewhere::UsesElsewhere;
use claviger_domain::{ApiSetId, KeyId, OrganizationId, Timestamp};
use compact_str::CompactString;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::grants::Grants;
use crate::limits::HeldLimit;
use crate::uses_elsewhere::HeldUsesElsewhere;

/// The fewest profiles at which it is worth looking for those that no key uses any more.
const PROFILES_SWEEP_MIN: usize = 1_024;
/// A use is told to the other nodes once in this time, in microseconds.
const NEWS_PERIOD: i64 = 3_600_000_000;
/// No instant: where a key was never used.
const NEVER: i64 = i64::MIN;

/// A living key.
#[derive(Debug)]
pub(crate) struct HeldKey {
    /// The digest of its current secret.
    pub(crate) digest: CredentialDigest,
    /// Its id.
    pub(crate) id: KeyId,
    /// Its name; up to 24 bytes stand here.
    pub(crate) name: CompactString,
    /// What many keys have in common.
    pub(crate) profile: Arc<Profile>,
    /// What few keys have.
    extras: Option<Box<Extras>>,
    /// Its own end: microseconds, the greatest value where it has none.
    expires_at: i64,
    /// When it was last used, as far as this node knows: microseconds, or [`NEVER`].
    last_used: AtomicI64,
    /// What the hint shows behind the profile's part of it.
    hint_tail: [u8; 4],
    service: Service,
    idle_exempt: bool,
    /// Whether [`Extras::not_before`] is to be looked at.
    begins_later: bool,
}

/// Whether somebody lets it be used, whatever time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    In,
    /// Taken out, waiting for approval or not.
    Disabled,
    /// It waits for approval.
    Pending,
}

/// What keys share: rights, list of addresses and whose they are. One instance for all keys that are alike.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) organization: OrganizationId,
    pub(crate) owner: Owner,
    pub(crate) environment: Environment,
    /// What the hint shows before its last four characters.
    hint_head: CompactString,
    pub(crate) api_sets: Box<[ApiSetId]>,
    pub(crate) operations: Grants,
    pub(crate) allowed_ips: Arc<IpList>,
    pub(crate) limits: Box<[HeldLimit]>,
}

/// What few keys have.
#[derive(Debug)]
struct Extras {
    not_before: Option<Timestamp>,
    /// See [`Key::idle_from`].
    idle_from: Option<Timestamp>,
    /// When it was made, where its id does not say it.
    created_at: Option<Timestamp>,
    /// JSON of an object; empty where there is none.
    metadata: Box<str>,
    external_id: Option<Box<str>>,
    /// The whole hint, where its end is not four ASCII characters.
    hint: Option<CompactString>,
}

/// All profiles in use.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    table: HashTable<Known>,
    /// Lists of addresses, made for asking once however many profiles carry them.
    lists: HashMap<Option<ListDigest>, Arc<IpList>>,
    hasher: DefaultHashBuilder,
    /// The number of profiles at which those no key uses any more are dropped.
    sweep_at: usize,
}

/// A profile with the lists that it was made of: to compare those is far cheaper than to make another to compare with.
#[derive(Debug)]
struct Known {
    hash: u64,
    operations: Box<[ApiPattern]>,
    allowed_ips: Option<ListDigest>,
    profile: Arc<Profile>,
}

// === impl HeldKey ===

impl HeldKey {
    /// The key as it stands now, `last_used` in microseconds; `key` must not be a tombstone.
    pub(crate) fn new(key: &Key, last_used: Option<i64>, profiles: &mut Profiles) -> Self {
        let split = split_hint(&key.secret);
        let (head, tail) = split.unwrap_or(("", *b"    "));
        let extras = Extras {
            not_before: key.not_before,
            idle_from: key.idle_from,
            created_at: Some(key.created_at).filter(|at| at.as_micros() / 1_000 != made_at(key.id).as_micros() / 1_000),
            metadata: if key.metadata.is_empty() { Box::default() } else { metadata_json(key) },
            external_id: key.external_id.as_deref().map(Box::from),
            hint: split.is_none().then(|| CompactString::from(&*key.secret.hint)),
        };
        let times = [extras.not_before, extras.idle_from, extras.created_at];
        let needed = !extras.metadata.is_empty()
            || extras.external_id.is_some()
            || extras.hint.is_some()
            || times.iter().any(Option::is_some);
        Self {
            digest: key.secret.digest,
            id: key.id,
            name: CompactString::from(key.name.as_str()),
            profile: profiles.of(key, head),
            extras: needed.then(|| Box::new(extras)),
            expires_at: key.expires_at.map_or(i64::MAX, Timestamp::as_micros),
            last_used: AtomicI64::new(last_used.unwrap_or(NEVER)),
            hint_tail: tail,
            service: Service::of(key),
            idle_exempt: key.idle_exempt,
            begins_later: key.not_before.is_some(),
        }
    }

    /// Its state at `now`, by its organization's rules.
    pub(crate) fn state(&self, rules: &Rules, uses_elsewhere: &HeldUsesElsewhere, now: Timestamp) -> State {
        match self.service {
            Service::Disabled => State::Disabled,
            Service::Pending => State::Pending,
            Service::In if self.begins_later || self.may_have_ended(rules, now) => {
                self.certain_facts(rules, uses_elsewhere.get()).state(now)
            }
            Service::In => State::Active,
        }
    }

    /// Whether it is worth looking at all facts, which takes a calendar: its end may have come, or it may be idle.
    fn may_have_ended(&self, rules: &Rules, now: Timestamp) -> bool {
        let unused = |since: Timestamp| self.last_used.load(Ordering::Relaxed) <= since.as_micros();
        now.as_micros() >= self.expires_at
            || !self.idle_exempt && rules.idle_if_unused_since(now).is_some_and(unused)
            || rules.has_cap(&self.profile.owner) && !rules.is_surely_young(&self.profile.owner, self.created_at(), now)
    }

    /// Whether it is idle at `now`, whatever else it is.
    pub(crate) fn is_idle(&self, rules: &Rules, now: Timestamp) -> bool {
        self.service != Service::Disabled && self.facts(rules).is_idle(now)
    }

    /// What its state follows from, but for going idle where it may be in use at another node.
    fn certain_facts(&self, rules: &Rules, uses_elsewhere: UsesElsewhere) -> Facts {
        let (term, facts) = (self.term(), self.facts(rules));
        let idle_at = facts.idle_at.filter(|at| !uses_elsewhere.may_have_kept(term.idle_start(), *at));
        Facts { idle_at, ..facts }
    }

    /// What its state follows from.
    pub(crate) fn facts(&self, rules: &Rules) -> Facts {
        Facts { disabled: self.service == Service::Disabled, ..self.term().facts(rules) }
    }

    fn term(&self) -> Term {
        Term {
            owner: self.profile.owner,
            created_at: self.created_at(),
            not_before: self.not_before(),
            expires_at: (self.expires_at != i64::MAX).then_some(Timestamp::from_micros(self.expires_at)),
            idle_exempt: self.idle_exempt,
            idle_from: self.extras.as_ref().and_then(|extras| extras.idle_from),
            last_used: self.last_used().map(Timestamp::from_micros),
            pending: self.service == Service::Pending,
        }
    }

    /// When it was made: to the millisecond, as its id says, unless its record says something else.
    pub(crate) fn created_at(&self) -> Timestamp {
        self.extras.as_ref().and_then(|extras| extras.created_at).unwrap_or(made_at(self.id))
    }

    /// When it begins.
    pub(crate) fn not_before(&self) -> Option<Timestamp> {
        self.extras.as_ref()?.not_before
    }

    /// When it ends, by its organization's rules.
    pub(crate) fn expires_at(&self, rules: &Rules) -> Option<Timestamp> {
        self.facts(rules).expires_at
    }

    /// When it was last used, as far as this node knows; microseconds.
    pub(crate) fn last_used(&self) -> Option<i64> {
        Some(self.last_used.load(Ordering::Relaxed)).filter(|at| *at != NEVER)
    }

    /// Notes a use at `now`, and says whether the other nodes are to know of it: the first one, and one a period. Periods
    /// begin at an instant of the key's own, lest all keys be news at once.
    pub(crate) fn note_use(&self, now: Timestamp) -> bool {
        let (now, before) = (now.as_micros(), self.last_used.load(Ordering::Relaxed));
        if before >= now {
            return false;
        }
        // Of two uses at once either may stay: they are microseconds apart.
        self.last_used.store(now, Ordering::Relaxed);
        let offset = (self.id.as_raw() as i64).rem_euclid(NEWS_PERIOD);
        let period = |at: i64| at.saturating_add(offset).div_euclid(NEWS_PERIOD);
        before == NEVER || period(before) != period(now)
    }

    /// Notes a use that another node saw.
    pub(crate) fn learn_use(&self, at: Timestamp) {
        self.last_used.fetch_max(at.as_micros(), Ordering::Relaxed);
    }

    /// The hint of its current secret.
    pub(crate) fn hint(&self) -> CompactString {
        if let Some(hint) = self.extras.as_ref().and_then(|extras| extras.hint.as_ref()) {
            return hint.clone();
        }
        let mut hint = self.profile.hint_head.clone();
        hint.push_str(std::str::from_utf8(&self.hint_tail).unwrap_or_default());
        hint
    }

    /// Whether its current secret is a value that others made.
    pub(crate) fn is_imported(&self) -> bool {
        let whole = self.extras.as_ref().and_then(|extras| extras.hint.as_ref());
        is_imported_hint(whole.unwrap_or(&self.profile.hint_head))
    }

    /// Its metadata as JSON text.
    pub(crate) fn metadata(&self) -> &str {
        self.extras.as_ref().map(|extras| &*extras.metadata).filter(|text| !text.is_empty()).unwrap_or("{}")
    }

    /// The customer's name in the caller's own system.
    pub(crate) fn external_id(&self) -> Option<&str> {
        self.extras.as_ref()?.external_id.as_deref()
    }
}

// === impl Service ===

impl Service {
    fn of(key: &Key) -> Self {
        if key.disabled.is_some() {
            Self::Disabled
        } else if key.is_pending() {
            Self::Pending
        } else {
            Self::In
        }
    }
}

/// When the id was made: UUIDv7 begins with the milliseconds (RFC 9562, 5.7).
fn made_at(id: KeyId) -> Timestamp {
    Timestamp::from_micros((id.as_raw() >> 80) as i64 * 1_000)
}

fn metadata_json(key: &Key) -> Box<str> {
    serde_json::to_string(&key.metadata).unwrap_or_default().into()
}

/// `clv_live_…8Kx2` as `clv_live_…` and `8Kx2`.
fn split_hint(secret: &StoredSecret) -> Option<(&str, [u8; 4])> {
    let at = secret.hint.len().checked_sub(4).filter(|at| secret.hint.is_char_boundary(*at))?;
    let (head, tail) = secret.hint.split_at(at);
    let tail: [u8; 4] = tail.as_bytes().try_into().ok()?;
    tail.is_ascii().then_some((head, tail))
}

// === impl Profile ===

impl Profile {
    /// What a key that holds these sets would have, with no other limits.
    pub(crate) fn of_sets(organization: OrganizationId, api_sets: &[ApiSetId]) -> Self {
        Self {
            organization,
            owner: Owner::Organization(organization),
            environment: Environment::Live,
            hint_head: CompactString::default(),
            api_sets: api_sets.into(),
            operations: Grants::new(&[]),
            allowed_ips: Arc::default(),
            limits: Box::default(),
        }
    }
}

// === impl Profiles ===

impl Profiles {
    /// The one instance of the profile of `key`; two lists that are written differently make two.
    fn of(&mut self, key: &Key, hint_head: &str) -> Arc<Profile> {
        let hash = self.hash(key, hint_head);
        if let Some(known) = self.table.find(hash, |known| known.is_of(key, hint_head)) {
            return Arc::clone(&known.profile);
        }
        if self.table.len() >= self.sweep_at.max(PROFILES_SWEEP_MIN) {
            self.table.retain(|known| Arc::strong_count(&known.profile) > 1);
            self.lists.retain(|_, list| Arc::strong_count(list) > 1);
            self.sweep_at = self.table.len() * 2;
        }
        let known = Known::new(hash, key, hint_head, self.list(&key.allowed_ips));
        let profile = Arc::clone(&known.profile);
        self.table.insert_unique(hash, known, |known| known.hash);
        profile
    }

    fn hash(&self, key: &Key, hint_head: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (key.organization, key.owner, key.environment, hint_head, &key.api_sets, &key.operations).hash(&mut hasher);
        key.allowed_ips.digest().hash(&mut hasher);
        key.limits.hash(&mut hasher);
        hasher.finish()
    }

    /// The one instance of a list that is made for asking.
    fn list(&mut self, entries: &IpEntries) -> Arc<IpList> {
        Arc::clone(self.lists.entry(entries.digest()).or_insert_with(|| Arc::new(IpList::new(entries))))
    }
}

// === impl Known ===

impl Known {
    fn new(hash: u64, key: &Key, hint_head: &str, allowed_ips: Arc<IpList>) -> Self {
        let profile = Profile {
            organization: key.organization,
            owner: key.owner,
            environment: key.environment,
            hint_head: CompactString::from(hint_head),
            api_sets: key.api_sets.as_slice().into(),
            operations: Grants::new(&key.operations),
            allowed_ips,
            limits: HeldLimit::all(&key.limits, Holder::Key),
        };
        Self {
            hash,
            operations: key.operations.as_slice().into(),
            allowed_ips: key.allowed_ips.digest(),
            profile: Arc::new(profile),
        }
    }

    fn is_of(&self, key: &Key, hint_head: &str) -> bool {
        let profile = &*self.profile;
        (profile.organization, profile.owner, profile.environment) == (key.organization, key.owner, key.environment)
            && profile.hint_head == hint_head
            && *profile.api_sets == *key.api_sets
            && *self.operations == *key.operations
            && self.allowed_ips == key.allowed_ips.digest()
            && profile.limits.iter().map(|held| &held.limit).eq(&key.limits)
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::ip_list::IpEntry;

    use super::*;
    use crate::testing::key_of;

    #[test]
    fn a_key_fits_two_cache_lines_with_its_counts() {
        assert!(size_of::<HeldKey>() + 2 * size_of::<usize>() <= 128, "{}", size_of::<HeldKey>());
    }

    #[test]
    fn keys_that_are_alike_share_one_profile() {
        let mut profiles = Profiles::default();
        let (mut one, mut other) = (key_of(1), key_of(2));
        let entry = IpEntry::from("192.0.2.0/24".parse::<claviger_domain::ip_list::IpRange>().expect("a range"));
        for key in [&mut one, &mut other] {
            key.allowed_ips = vec![entry.clone()].into();
        }
        let (held, alike) = (HeldKey::new(&one, None, &mut profiles), HeldKey::new(&other, None, &mut profiles));
        assert!(Arc::ptr_eq(&held.profile, &alike.profile));
        one.api_sets.push(ApiSetId::from_raw(99));
        let changed = HeldKey::new(&one, None, &mut profiles);
        assert!(!Arc::ptr_eq(&changed.profile, &alike.profile));
        assert!(Arc::ptr_eq(&changed.profile.allowed_ips, &alike.profile.allowed_ips), "the list is the same");
        other.allowed_ips = vec![IpEntry { until: Some(Timestamp::from_micros(5)), ..entry }].into();
        assert!(!Arc::ptr_eq(&HeldKey::new(&other, None, &mut profiles).profile, &alike.profile));
    }

    #[test]
    fn the_hint_is_shown_as_it_was_stored() {
        let mut key = key_of(1);
        for hint in ["clv_live_…8Kx2", "…8Kx2", "…żółw", "x", ""] {
            key.secret.hint = hint.to_owned();
            assert_eq!(HeldKey::new(&key, None, &mut Profiles::default()).hint(), hint);
        }
    }

    /// A day in microseconds.
    const DAY: i64 = 86_400_000_000;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn the_first_use_and_one_an_hour_are_news() {
        let held = HeldKey::new(&key_of(1), None, &mut Profiles::default());
        assert!(held.note_use(at(5 * DAY)), "the first");
        assert!(!held.note_use(at(5 * DAY)), "the same instant");
        let hours =
            |from: i64, to: i64| (from..to).filter(|minute| held.note_use(at(5 * DAY + minute * 60_000_000))).count();
        assert_eq!(hours(1, 60 * 24 + 1), 24, "one an hour, whatever else comes");
        held.learn_use(at(9 * DAY));
        assert!(!held.note_use(at(8 * DAY)), "older than what another node saw");
        assert_eq!(held.last_used(), Some(9 * DAY));
    }

    #[test]
    fn a_use_stays_known_when_the_record_changes() {
        let table = crate::key_table::KeyTable::default();
        let (mut key, mut profiles) = (key_of(1), Profiles::default());
        table.insert(&key, &mut profiles);
        table.learn_use(&claviger_domain::change::LastUse { digest: key.secret.digest, at: at(7) });
        (key.version, key.description) = (2, "changed".to_owned());
        table.set(&key, &mut profiles);
        let found = table.find(&key.secret.digest);
        assert!(matches!(found, Some(crate::key_table::Found::Current(held)) if held.last_used() == Some(7)));
    }

    #[test]
    fn a_record_that_is_older_than_its_id_ends_by_its_own_creation() {
        use claviger_domain::policy::{Lifetime, Policy};
        let mut policy = Policy { idle_days: 0, ..Policy::default() };
        policy.max_lifetime.organization = Some(Lifetime::Days(10));
        let rules = Rules::new(&policy, "UTC");
        let mut key = key_of(1);
        key.id = KeyId::from_raw((1_000 * DAY as u128 / 1_000) << 80);
        let state = |key: &Key, days: i64| {
            HeldKey::new(key, None, &mut Profiles::default()).state(&rules, &HeldUsesElsewhere::none(), at(days * DAY))
        };
        assert_eq!((state(&key, 10), state(&key, 11)), (State::Active, State::Expired));
        key.created_at = at(1_000 * DAY);
        assert_eq!((state(&key, 1_010), state(&key, 1_011)), (State::Active, State::Expired));
    }
}
