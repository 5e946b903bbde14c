//! What keys did, summed up and not yet written: a small record a key.

use std::sync::Arc;

use claviger_domain::usage::{Door, KeyUsage, Sighting, UsageCount};
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Agents, Event};

const HOUR_MICROS: i64 = 3_600_000_000;
/// Summaries for which room may always be kept: half a megabyte.
const ROOM_KEPT_MIN: usize = 4_096;

/// The most keys, and counts of other hours, doors and codes, that wait while the database takes no usage: one for each of
/// ten million keys, about a gigabyte. What comes beyond is dropped and counted.
const WAITING_MAX: usize = 10_000_000;

/// What is summed up and not yet taken. In two parts, lest the same keys be taken each time while others wait for ever:
/// what comes in goes to the second, which becomes the first when that one is empty.
#[derive(Debug, Default)]
pub(super) struct Pending {
    leaving: Vec<Summary>,
    coming: Vec<Summary>,
    /// Places in `coming`, by key.
    places: HashTable<u32>,
    /// Counts beside the first of each key in `coming`.
    more: usize,
    /// Requests since the start that were not counted, because too much waited.
    dropped: u64,
}

/// What one key did. There may be millions, so what is rare stands apart.
#[derive(Debug)]
struct Summary {
    key: KeyId,
    organization: OrganizationId,
    used: Option<Seen>,
    /// The newest use of the secret before the last rotation.
    old_used: Option<Box<Timestamp>>,
    refused: Option<Box<Seen>>,
    count: Count,
    /// Of other hours, doors and codes.
    more: Box<[Count]>,
    is_news: bool,
}

/// What became of an event.
enum Added {
    Counted,
    /// As the first of its hour, door and code.
    Apart,
    /// Only seen: there was no room to count it.
    Dropped,
}

/// A [`Sighting`] whose agent is shared by all that have the same.
#[derive(Debug)]
struct Seen {
    event: Sparse,
    agent: Option<Arc<str>>,
}

/// What of an event a sighting shows.
#[derive(Debug, Clone, Copy)]
struct Sparse {
    at: Timestamp,
    ip: Option<std::net::IpAddr>,
    door: Door,
    code: Code,
}

/// How often something happened in an hour.
#[derive(Debug, Clone, Copy)]
struct Count {
    /// Since 1970.
    hour: i32,
    times: u32,
    door: Door,
    code: Code,
}

// === impl Pending ===

impl Pending {
    /// Adds events; buffers do not come in order.
    pub(super) fn sum_up(&mut self, events: &[Event], agents: &Agents) {
        self.sum_up_to(WAITING_MAX, events, agents);
    }

    fn sum_up_to(&mut self, waiting_max: usize, events: &[Event], agents: &Agents) {
        let coming = &mut self.coming;
        for event in events {
            let has_room = coming.len() + self.more < waiting_max;
            let place = self.places.entry(
                hash(event.key),
                |place| coming[*place as usize].key == event.key,
                |place| hash(coming[*place as usize].key),
            );
            match place {
                Entry::Occupied(place) => match coming[*place.get() as usize].add(event, agents, has_room) {
                    Added::Counted => {}
                    Added::Apart => self.more += 1,
                    Added::Dropped => self.dropped += 1,
                },
                Entry::Vacant(_) if !has_room => self.dropped += 1,
                Entry::Vacant(place) => {
                    let mut summary = Summary::new(event);
                    summary.see(event, agents);
                    place.insert(coming.len() as u32);
                    coming.push(summary);
                }
            }
        }
    }

    /// How many keys wait to be taken; one that came again since others were taken counts twice.
    pub(super) fn len(&self) -> usize {
        self.leaving.len() + self.coming.len()
    }

    /// Takes at most `keys_max` keys, those that have waited longest first; nothing only if there is nothing.
    pub(super) fn take(&mut self, keys_max: usize) -> Vec<KeyUsage> {
        if self.leaving.is_empty() {
            self.turn();
        }
        let kept = self.leaving.len().saturating_sub(keys_max);
        self.leaving.drain(kept..).map(KeyUsage::from).collect()
    }

    /// Requests since the start that were not counted.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What came in begins to leave. Its room is kept for what comes next, as memory that grows again from nothing is
    /// copied and faulted in under the doors' hands; but of a flood no more than twice what is used.
    fn turn(&mut self) {
        std::mem::swap(&mut self.leaving, &mut self.coming);
        let used = self.leaving.len();
        self.places.clear();
        self.more = 0;
        if self.coming.capacity() > ROOM_KEPT_MIN.max(4 * used) {
            self.coming.shrink_to(2 * used);
            self.places.shrink_to(2 * used, |_| unreachable!("the table is empty"));
        }
    }
}

/// The last 64 bits of an id are random, but for two; the product spreads them over the bits that the table looks at.
fn hash(key: KeyId) -> u64 {
    (key.as_raw() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

// === impl Summary ===

impl Summary {
    /// Of the first event, which is counted but not yet seen.
    fn new(event: &Event) -> Self {
        Self {
            key: event.key,
            organization: event.organization,
            used: None,
            old_used: None,
            refused: None,
            count: Count::of(event),
            more: Box::default(),
            is_news: false,
        }
    }

    fn add(&mut self, event: &Event, agents: &Agents, has_room: bool) -> Added {
        self.see(event, agents);
        let count = Count::of(event);
        if self.count.takes(&count) || self.more.iter_mut().any(|known| known.takes(&count)) {
            return Added::Counted;
        }
        if !has_room {
            return Added::Dropped;
        }
        // Few keys are used at several doors within an hour, so this is rare.
        self.more = self.more.iter().copied().chain([count]).collect();
        Added::Apart
    }

    fn see(&mut self, event: &Event, agents: &Agents) {
        self.is_news |= event.is_news;
        match (event.code.is_use(), event.old_secret) {
            (true, true) => {
                let last = self.old_used.get_or_insert_with(|| Box::new(event.at));
                **last = event.at.max(**last);
            }
            (true, false) if self.used.as_ref().is_none_or(|last| last.event.at <= event.at) => {
                self.used = Some(Seen::of(event, agents));
            }
            (false, _) if self.refused.as_ref().is_none_or(|last| last.event.at <= event.at) => {
                self.refused = Some(Box::new(Seen::of(event, agents)));
            }
            _ => {}
        }
    }
}

impl From<Summary> for KeyUsage {
    fn from(summary: Summary) -> Self {
        let Summary { key, organization, used, old_used, refused, count, more, is_news } = summary;
        Self {
            key,
            organization,
            last_used: used.map(Sighting::from),
            old_last_used: old_used.map(|at| *at),
            is_news,
            last_refused: refused.map(|seen| Sighting::from(*seen)),
            counts: [count].into_iter().chain(more).map(UsageCount::from).collect(),
        }
    }
}

// === impl Seen ===

impl Seen {
    fn of(event: &Event, agents: &Agents) -> Self {
        let Event { at, ip, door, code, .. } = *event;
        Self { event: Sparse { at, ip, door, code }, agent: event.agent.and_then(|number| agents.name(number)) }
    }
}

impl From<Seen> for Sighting {
    fn from(Seen { event: Sparse { at, ip, door, code }, agent }: Seen) -> Self {
        Self { at, ip, agent: agent.map(|agent| agent.to_string()), door, code }
    }
}

// === impl Count ===

impl Count {
    fn of(event: &Event) -> Self {
        // Hours fit for 245,000 years.
        let hour = i32::try_from(event.at.as_micros().div_euclid(HOUR_MICROS)).unwrap_or(i32::MAX);
        Self { hour, times: 1, door: event.door, code: event.code }
    }

    /// Counts `other`, if it is of the same hour, door and code.
    fn takes(&mut self, other: &Self) -> bool {
        let sum = self.times.checked_add(other.times);
        let same = (self.hour, self.door, self.code) == (other.hour, other.door, other.code);
        match sum.filter(|_| same) {
            Some(sum) => {
                self.times = sum;
                true
            }
            None => false,
        }
    }
}

impl From<Count> for UsageCount {
    fn from(Count { hour, times, door, code }: Count) -> Self {
        let hour = Timestamp::from_micros(i64::from(hour) * HOUR_MICROS);
        Self { hour, door, code, count: times.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_beyond_the_bound_is_dropped_and_counted() {
        let event = |key: u128, hour: i64| Event {
            key: KeyId::from_raw(key),
            organization: OrganizationId::from_raw(1),
            at: Timestamp::from_micros(hour * HOUR_MICROS),
            ip: None,
            agent: None,
            door: Door::Verify,
            code: Code::Valid,
            old_secret: false,
            is_news: false,
        };
        let (mut pending, agents) = (Pending::default(), Agents::default());
        // Two keys and one further hour fill it; what is there already goes on being counted.
        let events = [event(1, 0), event(2, 0), event(1, 1), event(3, 0), event(2, 2), event(1, 1), event(2, 0)];
        pending.sum_up_to(3, &events, &agents);
        assert_eq!(pending.dropped(), 2);
        let taken = pending.take(usize::MAX);
        let counts = |key: u128| {
            let usage = taken.iter().find(|usage| usage.key.as_raw() == key)?;
            Some(usage.counts.iter().map(|count| count.count).collect::<Vec<_>>())
        };
        assert_eq!((counts(1), counts(2), counts(3)), (Some(vec![1, 2]), Some(vec![2]), None));
        assert_eq!(
            taken.iter().filter_map(|usage| usage.last_used.as_ref()).map(|seen| seen.at).max(),
            Some(event(2, 2).at)
        );
        // What was taken makes room.
        pending.sum_up_to(3, &events[..3], &agents);
        assert_eq!(pending.dropped(), 2);
    }

    #[test]
    fn a_key_that_waits_takes_two_cache_lines() {
        assert!(size_of::<Summary>() <= 128, "{}", size_of::<Summary>());
    }
}
