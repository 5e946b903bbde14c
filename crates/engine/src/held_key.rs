//! A key as the replica holds it: two cache lines for what every request needs, the rest shared or apart.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use claviger_domain::api_set::ApiPattern;
use claviger_domain::credential::Environment;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::ip_list::{IpEntries, IpList, ListDigest};
use claviger_domain::key::{Facts, Key, Owner, State, StoredSecret, is_imported_hint};
use claviger_domain::{ApiSetId, KeyId, OrganizationId, Timestamp};
use compact_str::CompactString;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::grants::Grants;

/// The fewest profiles at which it is worth looking for those that no key uses any more.
const PROFILES_SWEEP_MIN: usize = 1_024;

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
    /// Microseconds; the least value where it has no beginning.
    not_before: i64,
    /// Microseconds; the greatest value where it has no end.
    expires_at: i64,
    /// What the hint shows behind the profile's part of it.
    hint_tail: [u8; 4],
    disabled: bool,
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
}

/// What few keys have.
#[derive(Debug)]
struct Extras {
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
    /// The key as it stands now; `key` must not be a tombstone.
    pub(crate) fn new(key: &Key, profiles: &mut Profiles) -> Self {
        let split = split_hint(&key.secret);
        let (head, tail) = split.unwrap_or(("", *b"    "));
        let extras = Extras {
            metadata: if key.metadata.is_empty() { Box::default() } else { metadata_json(key) },
            external_id: key.external_id.as_deref().map(Box::from),
            hint: split.is_none().then(|| CompactString::from(&*key.secret.hint)),
        };
        let needed = !extras.metadata.is_empty() || extras.external_id.is_some() || extras.hint.is_some();
        Self {
            digest: key.secret.digest,
            id: key.id,
            name: CompactString::from(key.name.as_str()),
            profile: profiles.of(key, head),
            extras: needed.then(|| Box::new(extras)),
            not_before: key.not_before.map_or(i64::MIN, Timestamp::as_micros),
            expires_at: key.expires_at.map_or(i64::MAX, Timestamp::as_micros),
            hint_tail: tail,
            disabled: key.disabled.is_some(),
        }
    }

    /// Its state at `now`.
    pub(crate) fn state(&self, now: Timestamp) -> State {
        Facts { deleted: false, disabled: self.disabled, not_before: self.not_before(), expires_at: self.expires_at() }
            .state(now)
    }

    /// When it begins.
    pub(crate) fn not_before(&self) -> Option<Timestamp> {
        (self.not_before != i64::MIN).then_some(Timestamp::from_micros(self.not_before))
    }

    /// When it ends.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        (self.expires_at != i64::MAX).then_some(Timestamp::from_micros(self.expires_at))
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
        let (held, alike) = (HeldKey::new(&one, &mut profiles), HeldKey::new(&other, &mut profiles));
        assert!(Arc::ptr_eq(&held.profile, &alike.profile));
        one.api_sets.push(ApiSetId::from_raw(99));
        let changed = HeldKey::new(&one, &mut profiles);
        assert!(!Arc::ptr_eq(&changed.profile, &alike.profile));
        assert!(Arc::ptr_eq(&changed.profile.allowed_ips, &alike.profile.allowed_ips), "the list is the same");
        other.allowed_ips = vec![IpEntry { until: Some(Timestamp::from_micros(5)), ..entry }].into();
        assert!(!Arc::ptr_eq(&HeldKey::new(&other, &mut profiles).profile, &alike.profile));
    }

    #[test]
    fn the_hint_is_shown_as_it_was_stored() {
        let mut key = key_of(1);
        for hint in ["clv_live_…8Kx2", "…8Kx2", "…żółw", "x", ""] {
            key.secret.hint = hint.to_owned();
            assert_eq!(HeldKey::new(&key, &mut Profiles::default()).hint(), hint);
        }
    }
}
