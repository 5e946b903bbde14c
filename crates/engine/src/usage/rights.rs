//! Which of their rights keys use: each is told once a day, in memory that does not grow with keys or operations.
//!
//! In front stands a small table in each buffer, in which a right that was just noted is found with one look. What gets past it waits
//! to be drained, and is held there against all that was told today.

use std::sync::Arc;

use claviger_domain::usage::{DAY_MICROS, Right, UsedRight};
use claviger_domain::{KeyId, Timestamp};
use hashbrown::HashSet;

use crate::held_api::HeldApi;
use crate::takes::Noted;

/// Places of the table in front; 32 KiB.
const PLACES: usize = 4_096;
/// Rights of one buffer that wait; one that finds no room is noted when it is used again.
const WAITING_MAX: usize = 8_192;
/// Rights that are known to be told today: some 20 MB. With more of them all are told anew.
const REPORTED_MAX: usize = 1_000_000;

/// The rights of one buffer.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// Made with the first.
    seen: Box<[u64]>,
    waiting: Vec<Waiting>,
}

/// A right that a key used on a day.
#[derive(Debug)]
pub(super) struct Waiting {
    key: KeyId,
    /// Since 1970.
    day: i64,
    right: Noted,
}

/// What was told today.
#[derive(Debug, Default)]
pub(super) struct Reported {
    day: i64,
    rights: HashSet<u64>,
}

// === impl Rights ===

impl Rights {
    pub(super) fn note(&mut self, key: KeyId, at: Timestamp, right: &Noted) {
        match right {
            Noted::Operation(api, operation) => self.note_operation(key, at, api, *operation),
            Noted::Set(set) => self.note_new(key, at, (set.as_raw(), 0), || right.clone()),
        }
    }

    /// Notes an operation by its place in its API's document; `None`: a path that the API does not list.
    pub(super) fn note_operation(&mut self, key: KeyId, at: Timestamp, api: &Arc<HeldApi>, operation: Option<u32>) {
        let place = (api.edition.into(), operation.map_or(1, |place| u64::from(place) + 2));
        self.note_new(key, at, place, || Noted::Operation(Arc::clone(api), operation));
    }

    fn note_new(&mut self, key: KeyId, at: Timestamp, right: (u128, u64), make: impl FnOnce() -> Noted) {
        let day = at.as_micros().div_euclid(DAY_MICROS);
        let print = fingerprint(key, right, day);
        if self.seen.is_empty() {
            self.seen = vec![0; PLACES].into();
        }
        let seen = &mut self.seen[print as usize % PLACES];
        if *seen != print && self.waiting.len() < WAITING_MAX {
            *seen = print;
            self.waiting.push(Waiting { key, day, right: make() });
        }
    }

    /// Takes what waits.
    pub(super) fn drain(&mut self, each: impl FnMut(Waiting)) {
        self.waiting.drain(..).for_each(each);
    }
}

/// Tells rights apart: two of them have the same once in 2^64.
fn fingerprint(key: KeyId, (subject, operation): (u128, u64), day: i64) -> u64 {
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (product >> 64) as u64 ^ product as u64
    };
    let (key, words) = (key.as_raw(), [(subject >> 64) as u64, subject as u64, operation, day as u64]);
    let start = fold(0x243f_6a88_85a3_08d3 ^ (key >> 64) as u64, key as u64);
    words.into_iter().fold(start, fold).max(1)
}

// === impl Reported ===

impl Reported {
    /// The right, unless it was told on its day.
    pub(super) fn first_of_day(&mut self, Waiting { key, day, right }: Waiting) -> Option<UsedRight> {
        if day > self.day || self.rights.len() >= REPORTED_MAX {
            self.rights.clear();
            self.day = self.day.max(day);
        }
        let right = match right {
            Noted::Operation(api, operation) => {
                Right::Operation(api.id, operation.map(|place| api.name(place).into()).unwrap_or_default())
            }
            Noted::Set(set) => Right::Set(set),
        };
        let is_first = self.rights.insert(self.print(key, day, &right));
        is_first.then(|| UsedRight { key, right, day: Timestamp::from_micros(day * DAY_MICROS) })
    }

    fn print(&self, key: KeyId, day: i64, right: &Right) -> u64 {
        use std::hash::BuildHasher as _;
        self.rights.hasher().hash_one((key, day, right))
    }
}
