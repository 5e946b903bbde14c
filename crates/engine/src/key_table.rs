//! The keys, found by the digest of what was presented.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use claviger_domain::change::LastUse;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Key, is_sha512_hint};
use claviger_domain::signature::SigningSeal;
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use compact_str::CompactString;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use parking_lot::RwLock;

use crate::held_key::{HeldKey, Profiles};
use crate::living::{Living, equal};
use crate::sign_ins::SignIns;
use crate::signers::Signers;
#[cfg(test)]
use crate::testing::{Work, note};

/// Each has its lock, so that a change stops a small part of the readers.
const SHARDS: usize = 384;
/// How long the log can name the key of a value that has ended.
pub(crate) const ENDED_KNOWN_FOR: Duration = Duration::from_hours(90 * 24);

/// All keys of the installation. Digests are keyed and uniformly random, so parts of them serve as shard and hash.
#[derive(Debug)]
pub(crate) struct KeyTable {
    shards: Box<[RwLock<Shard>]>,
    /// Who comes with some of them.
    sign_ins: SignIns,
    /// Those that sign.
    signers: Signers,
    /// How many values are valid, or overlap, that were imported by their SHA-512.
    sha512_values: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shard {
    living: Living,
    /// By the digest of a secret that is no longer current.
    former: HashTable<Former>,
}

#[derive(Debug)]
struct Former {
    digest: CredentialDigest,
    meaning: FormerMeaning,
}

#[derive(Debug, Clone)]
enum FormerMeaning {
    /// The secret before the last rotation.
    Old(OldSecret),
    /// A value that is no longer valid.
    Ended(Ended),
}

/// The secret of a living key before its last rotation.
#[derive(Debug, Clone)]
pub(crate) struct OldSecret {
    pub(crate) key: Arc<HeldKey>,
    /// It counts as ended from here on.
    pub(crate) valid_until: Timestamp,
    pub(crate) hint: CompactString,
}

/// A value that was deleted with its key or rotated out: all that is left is whose it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) key: KeyId,
    pub(crate) organization: OrganizationId,
    pub(crate) at: Timestamp,
    pub(crate) deleted: bool,
}

/// What a digest belongs to.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// The current secret of a living key.
    Current(Arc<HeldKey>),
    /// The secret before, which may have ended.
    Old(OldSecret),
    /// A value that has ended.
    Ended(Ended),
}

// === impl KeyTable ===

impl Default for KeyTable {
    fn default() -> Self {
        Self::new(None)
    }
}

impl KeyTable {
    /// Without keys; with what opens the secrets of those that sign.
    pub(crate) fn new(seal: Option<SigningSeal>) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self { shards, sign_ins: SignIns::default(), signers: Signers::new(seal), sha512_values: AtomicUsize::new(0) }
    }

    /// Whether any value may have to be looked for by its SHA-512.
    pub(crate) fn has_sha512(&self) -> bool {
        self.sha512_values.load(Ordering::Relaxed) > 0
    }

    /// The keys that sign.
    pub(crate) fn signers(&self) -> &Signers {
        &self.signers
    }

    /// API users and their sessions.
    pub(crate) fn sign_ins(&self) -> &SignIns {
        &self.sign_ins
    }

    /// Asks memory for what [`Self::find`] will look at, with `meanwhile` done between the two waits. Says whether the digest
    /// may be a living key's: nearly always where it is one, seldom where it is not.
    pub(crate) fn approach(&self, digest: &CredentialDigest, meanwhile: impl FnOnce()) -> bool {
        let shard = self.shard(digest).read();
        shard.living.fetch_bucket(digest);
        meanwhile();
        shard.living.fetch_key(digest)
    }

    /// What `digest` belongs to. Known and unknown ones take the same way through the table.
    pub(crate) fn find(&self, digest: &CredentialDigest) -> Option<Found> {
        let shard = self.shard(digest).read();
        #[cfg(test)]
        note(Work::Living);
        if let Some(key) = shard.living.find(digest) {
            return Some(Found::Current(Arc::clone(key)));
        }
        #[cfg(test)]
        note(Work::Former);
        let former = shard.former.find(hash(digest), |former| equal(&former.digest, digest))?;
        Some(match &former.meaning {
            FormerMeaning::Old(old) => Found::Old(old.clone()),
            FormerMeaning::Ended(ended) => Found::Ended(*ended),
        })
    }

    /// Replaces whatever is held of `key` by what it is now.
    pub(crate) fn set(&self, key: &Key, profiles: &mut Profiles) {
        let last_used = self.forget(key);
        self.insert_used(key, last_used, profiles);
        self.signers.set(key);
    }

    /// Adds a key of which nothing is held.
    pub(crate) fn insert(&self, key: &Key, profiles: &mut Profiles) {
        self.insert_used(key, None, profiles);
        self.signers.insert(key);
    }

    /// Notes a use of a living key, by the digest of its current secret.
    pub(crate) fn learn_use(&self, last_use: &LastUse) {
        let shard = self.shard(&last_use.digest).read();
        if let Some(key) = shard.living.find(&last_use.digest) {
            key.learn_use(last_use.at);
        }
    }

    fn insert_used(&self, key: &Key, last_used: Option<i64>, profiles: &mut Profiles) {
        // Of one value that is noted twice the later word counts: ended over overlapping, deleted over both.
        let ended = |at, deleted| Ended { key: key.id, organization: key.organization, at, deleted };
        let held = key.deleted_at.is_none().then(|| Arc::new(HeldKey::new(key, last_used, profiles)));
        if let (Some(overlap), Some(held)) = (&key.overlap, &held) {
            let hint = CompactString::from(&*overlap.secret.hint);
            let old = OldSecret { key: Arc::clone(held), valid_until: overlap.valid_until, hint };
            self.insert_former(overlap.secret.digest, FormerMeaning::Old(old));
        }
        for value in &key.ended {
            self.insert_former(value.digest, FormerMeaning::Ended(ended(value.ended_at, false)));
        }
        if let Some(deleted_at) = key.deleted_at {
            let values = key.overlap.iter().map(|old| old.secret.digest).chain([key.secret.digest]);
            for digest in values {
                self.insert_former(digest, FormerMeaning::Ended(ended(deleted_at, true)));
            }
        }
        let Some(held) = held else { return };
        if is_sha512_hint(&key.secret.hint) {
            self.sha512_values.fetch_add(1, Ordering::Relaxed);
        }
        self.shard(&key.secret.digest).write().living.insert(held);
    }

    /// Removes a key whose record is gone.
    pub(crate) fn remove(&self, id: KeyId) {
        self.remove_values(id);
        self.signers.remove(id);
    }

    /// Removes all values of a key; when it was last used.
    fn remove_values(&self, id: KeyId) -> Option<i64> {
        let mut last_used = None;
        for shard in &self.shards {
            let mut shard = shard.write();
            let held = shard.living.iter().find(|key| key.id == id).map(Arc::clone);
            if let Some(held) = held {
                shard.living.remove(&held.digest);
                self.forget_sha512(is_sha512_hint(&held.hint()));
                last_used = held.last_used();
            }
            shard.former.retain(|former| {
                let goes = former.key() == id;
                self.forget_sha512(goes && former.meaning.is_sha512());
                !goes
            });
        }
        last_used
    }

    /// How many living keys there are.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().living.len()).sum()
    }

    /// Drops what is held of `key`; when it was last used stays known. A record names all values it ever had, so what is held is found by one of them; only
    /// where the record is not new and nothing is found is every shard searched, lest a value outlive its rotation.
    fn forget(&self, key: &Key) -> Option<i64> {
        let old = key.overlap.iter().map(|old| old.secret.digest);
        let ended = key.ended.iter().map(|value| value.digest);
        let (mut found, mut last_used) = (false, None);
        for digest in old.chain(ended).chain([key.secret.digest]) {
            let mut shard = self.shard(&digest).write();
            if let Some(held) = shard.living.remove(&digest) {
                self.forget_sha512(is_sha512_hint(&held.hint()));
                (found, last_used) = (true, held.last_used());
            }
            if let Ok(entry) = shard.former.find_entry(hash(&digest), |former| equal(&former.digest, &digest)) {
                found |= entry.get().was_deleted();
                self.forget_sha512(entry.get().meaning.is_sha512());
                entry.remove();
            }
        }
        if !found && key.version > 1 {
            last_used = self.remove_values(key.id);
        }
        last_used
    }

    /// Notes what a value that is not current means; one noted before gives way.
    fn insert_former(&self, digest: CredentialDigest, meaning: FormerMeaning) {
        let mut shard = self.shard(&digest).write();
        let hashed = hash(&digest);
        if meaning.is_sha512() {
            self.sha512_values.fetch_add(1, Ordering::Relaxed);
        }
        match shard.former.entry(hashed, |former| equal(&former.digest, &digest), |former| hash(&former.digest)) {
            Entry::Occupied(mut known) => {
                let before = std::mem::replace(&mut known.get_mut().meaning, meaning);
                self.forget_sha512(before.is_sha512());
            }
            Entry::Vacant(place) => {
                place.insert(Former { digest, meaning });
            }
        }
    }

    fn forget_sha512(&self, is_one: bool) {
        if is_one {
            self.sha512_values.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn shard(&self, digest: &CredentialDigest) -> &RwLock<Shard> {
        let [first, second, ..] = *digest.as_bytes();
        &self.shards[usize::from(u16::from_be_bytes([first, second])) % SHARDS]
    }
}

/// Of other bytes than the shard is chosen by: within a shard those are all alike.
fn hash(digest: &CredentialDigest) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[8..16]);
    u64::from_le_bytes(bytes)
}

// === impl FormerMeaning ===

impl FormerMeaning {
    fn is_sha512(&self) -> bool {
        matches!(self, Self::Old(old) if is_sha512_hint(&old.hint))
    }
}

// === impl Former ===

impl Former {
    fn key(&self) -> KeyId {
        match &self.meaning {
            FormerMeaning::Old(old) => old.key.id,
            FormerMeaning::Ended(ended) => ended.key,
        }
    }

    fn was_deleted(&self) -> bool {
        matches!(self.meaning, FormerMeaning::Ended(Ended { deleted: true, .. }))
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::key::{EndedSecret, Overlap, SHA512_HINT, StoredSecret};

    use super::*;
    use crate::testing::key_of;

    fn digest(number: u8) -> CredentialDigest {
        CredentialDigest::from_bytes([number; 32])
    }

    fn table_with(key: &Key) -> (KeyTable, Profiles) {
        let (table, mut profiles) = (KeyTable::default(), Profiles::default());
        table.insert(key, &mut profiles);
        (table, profiles)
    }

    #[test]
    fn each_value_of_a_key_is_found_as_what_it_is_now() {
        let mut key = key_of(1);
        let (table, mut profiles) = table_with(&key);
        assert!(matches!(table.find(&digest(1)), Some(Found::Current(held)) if held.id == key.id));
        let old = std::mem::replace(&mut key.secret, StoredSecret { digest: digest(2), hint: "…2222".into() });
        key.overlap = Some(Overlap { secret: old, valid_until: Timestamp::from_micros(9) });
        table.set(&key, &mut profiles);
        assert!(matches!(table.find(&digest(1)), Some(Found::Old(old)) if old.valid_until.as_micros() == 9));
        assert!(matches!(table.find(&digest(2)), Some(Found::Current(_))));
        key.overlap = None;
        key.ended.push(EndedSecret { digest: digest(1), ended_at: Timestamp::from_micros(5) });
        table.set(&key, &mut profiles);
        assert!(matches!(table.find(&digest(1)), Some(Found::Ended(ended)) if !ended.deleted));
        key.deleted_at = Some(Timestamp::from_micros(7));
        table.set(&key, &mut profiles);
        assert!(matches!(table.find(&digest(2)), Some(Found::Ended(ended)) if ended.deleted && ended.key == key.id));
        assert_eq!(table.len(), 0);
        assert!(table.find(&digest(3)).is_none());
    }

    #[test]
    fn a_value_that_its_record_does_not_name_any_more_does_not_outlive_it() {
        let mut key = key_of(1);
        let (table, mut profiles) = table_with(&key);
        table.insert(&key_of(9), &mut profiles);
        key.secret.digest = digest(2);
        key.version += 1;
        table.set(&key, &mut profiles);
        assert!(table.find(&digest(1)).is_none());
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn values_that_were_imported_by_their_sha512_are_looked_for_while_there_are_some() {
        let sha512 = |number| StoredSecret { digest: digest(number), hint: SHA512_HINT.into() };
        let mut key = Key { secret: sha512(1), ..key_of(1) };
        let (table, mut profiles) = table_with(&key);
        table.insert(&key_of(9), &mut profiles);
        assert!(table.has_sha512());
        // Its own secret overlaps, then ends.
        let old = std::mem::replace(&mut key.secret, StoredSecret { digest: digest(2), hint: "…2222".into() });
        key.overlap = Some(Overlap { secret: old, valid_until: Timestamp::from_micros(9) });
        table.set(&key, &mut profiles);
        table.set(&key, &mut profiles);
        assert!(table.has_sha512());
        key.overlap = None;
        key.ended.push(EndedSecret { digest: digest(1), ended_at: Timestamp::from_micros(5) });
        table.set(&key, &mut profiles);
        assert!(!table.has_sha512());
        let other = Key { secret: sha512(3), ..key_of(3) };
        table.insert(&other, &mut profiles);
        assert!(table.has_sha512());
        table.set(&Key { deleted_at: Some(Timestamp::from_micros(7)), ..other.clone() }, &mut profiles);
        assert!(!table.has_sha512());
        table.set(&Key { version: 2, ..other.clone() }, &mut profiles);
        table.remove(other.id);
        assert!(!table.has_sha512());
    }

    #[test]
    fn a_record_that_is_gone_leaves_nothing() {
        let mut key = key_of(1);
        key.ended.push(EndedSecret { digest: digest(2), ended_at: Timestamp::default() });
        let (table, _) = table_with(&key);
        table.remove(key.id);
        assert!(table.find(&digest(1)).is_none() && table.find(&digest(2)).is_none());
    }
}
