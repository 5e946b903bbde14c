//! What keys did, summed up and not yet written: a small record a key.

use std::sync::Arc;

use claviger_domain::usage::{Door, ELSEWHERE_MAX, KeyUsage, Sighting, UsageCount};
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Agents, Apis, Event};

const MINUTE_MICROS: i64 = 60_000_000;
const HOUR_MINUTES: i64 = 60;
/// Where so much waits, minutes are no longer told apart, so that a long time without a database loses nothing.
const COARSE_FROM: usize = 1_000_000;
/// Summaries for which room may always be kept: half a megabyte.
const ROOM_KEPT_MIN: usize = 4_096;

/// The most keys, and counts of other minutes, doors, codes and APIs, that wait while the database takes no usage: one for each of
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
    /// All that were ever asked for.
    apis: Apis,
    /// The numbers that a buffer's APIs have here, while it is summed up.
    numbers: Vec<u16>,
}

/// What one key did. There may be millions, so what is rare stands apart.
#[derive(Debug)]
struct Summary {
    key: KeyId,
    organization: OrganizationId,
    used: Option<Seen>,
    rare: Option<Box<Rare>>,
    count: Count,
    /// Of other minutes, doors, codes and APIs.
    more: Box<[Count]>,
    is_news: bool,
}

/// What became of an event.
enum Added {
    Counted,
    /// As the first of its minute, door, code and API.
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

/// What few keys do between two batches.
#[derive(Debug, Default)]
struct Rare {
    /// The newest use of the secret before the last rotation.
    old_used: Option<Timestamp>,
    refused: Option<Seen>,
    /// Uses from other addresses than that of the newest, one an address.
    elsewhere: Vec<Seen>,
}

/// How often something happened in a minute.
#[derive(Debug, Clone, Copy)]
struct Count {
    /// Since 1970.
    minute: i32,
    times: u32,
    /// As [`Pending`] numbers them; 0: none is known.
    api: u16,
    door: Door,
    code: Code,
}

// === impl Pending ===

impl Pending {
    /// Adds events; buffers do not come in order.
    pub(super) fn sum_up(&mut self, events: &[Event], agents: &Agents, apis: &Apis) {
        self.sum_up_to(WAITING_MAX, events, agents, apis);
    }

    fn sum_up_to(&mut self, waiting_max: usize, events: &[Event], agents: &Agents, apis: &Apis) {
        self.numbers.clear();
        self.numbers.push(0);
        self.numbers.extend(apis.ids().iter().map(|api| self.apis.number(*api)));
        let coming = &mut self.coming;
        for event in events {
            let waiting = coming.len() + self.more;
            let has_room = waiting < waiting_max;
            let count = Count::of(event, &self.numbers, waiting >= COARSE_FROM);
            let place = self.places.entry(
                hash(event.key),
                |place| coming[*place as usize].key == event.key,
                |place| hash(coming[*place as usize].key),
            );
            match place {
                Entry::Occupied(place) => match coming[*place.get() as usize].add(event, count, agents, has_room) {
                    Added::Counted => {}
                    Added::Apart => self.more += 1,
                    Added::Dropped => self.dropped += 1,
                },
                Entry::Vacant(_) if !has_room => self.dropped += 1,
                Entry::Vacant(place) => {
                    let mut summary = Summary::new(event, count);
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
        let apis = &self.apis;
        self.leaving.drain(kept..).map(|summary| summary.into_usage(apis)).collect()
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
    fn new(event: &Event, count: Count) -> Self {
        Self {
            key: event.key,
            organization: event.organization,
            used: None,
            rare: None,
            count,
            more: Box::default(),
            is_news: false,
        }
    }

    fn add(&mut self, event: &Event, count: Count, agents: &Agents, has_room: bool) -> Added {
        self.see(event, agents);
        if self.count.takes(&count) || self.more.iter_mut().any(|known| known.takes(&count)) {
            return Added::Counted;
        }
        if !has_room {
            return Added::Dropped;
        }
        // Few keys ask for several APIs, or at several doors, before they are taken, so this is rare.
        self.more = self.more.iter().copied().chain([count]).collect();
        Added::Apart
    }

    fn see(&mut self, event: &Event, agents: &Agents) {
        self.is_news |= event.is_news;
        match (event.code.is_use(), event.old_secret) {
            (true, true) => {
                let rare = self.rare.get_or_insert_default();
                rare.old_used = rare.old_used.max(Some(event.at));
                self.see_elsewhere(event, || Seen::of(event, agents));
            }
            (true, false) if self.used.as_ref().is_none_or(|last| last.event.at <= event.at) => {
                let last = self.used.replace(Seen::of(event, agents));
                if let Some(last) = last.filter(|last| last.event.ip != event.ip) {
                    self.keep_elsewhere(last);
                }
            }
            (true, false) => self.see_elsewhere(event, || Seen::of(event, agents)),
            (false, _) => {
                let rare = self.rare.get_or_insert_default();
                if rare.refused.as_ref().is_none_or(|last| last.event.at <= event.at) {
                    rare.refused = Some(Seen::of(event, agents));
                }
            }
        }
    }

    /// A use that is not the newest.
    fn see_elsewhere(&mut self, event: &Event, seen: impl FnOnce() -> Seen) {
        if self.used.as_ref().is_none_or(|last| last.event.ip != event.ip) {
            self.keep_elsewhere(seen());
        }
    }

    fn keep_elsewhere(&mut self, seen: Seen) {
        let kept = &mut self.rare.get_or_insert_default().elsewhere;
        if kept.len() < ELSEWHERE_MAX && kept.iter().all(|known| known.event.ip != seen.event.ip) {
            kept.push(seen);
        }
    }

    fn into_usage(self, apis: &Apis) -> KeyUsage {
        let Self { key, organization, used, rare, count, more, is_news } = self;
        let Rare { old_used, refused, elsewhere } = rare.map(|rare| *rare).unwrap_or_default();
        KeyUsage {
            key,
            organization,
            last_used: used.map(Sighting::from),
            old_last_used: old_used,
            is_news,
            elsewhere: elsewhere.into_iter().map(Sighting::from).collect(),
            last_refused: refused.map(Sighting::from),
            counts: [count].into_iter().chain(more).map(|count| count.into_usage(apis)).collect(),
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
    /// Of one event; `numbers` are those of its buffer's APIs.
    fn of(event: &Event, numbers: &[u16], is_coarse: bool) -> Self {
        let minute = event.at.as_micros().div_euclid(MINUTE_MICROS);
        let minute = if is_coarse { minute - minute.rem_euclid(HOUR_MINUTES) } else { minute };
        // Minutes fit for 4,000 years.
        let minute = i32::try_from(minute).unwrap_or(i32::MAX);
        let api = numbers.get(usize::from(event.api)).copied().unwrap_or_default();
        Self { minute, times: 1, api, door: event.door, code: event.code }
    }

    /// Counts `other`, if it is of the same minute, door, code and API.
    fn takes(&mut self, other: &Self) -> bool {
        let sum = self.times.checked_add(other.times);
        let what = |count: &Self| (count.minute, count.api, count.door, count.code);
        match sum.filter(|_| what(self) == what(other)) {
            Some(sum) => {
                self.times = sum;
                true
            }
            None => false,
        }
    }

    fn into_usage(self, apis: &Apis) -> UsageCount {
        let Self { minute, times, api, door, code } = self;
        let minute = Timestamp::from_micros(i64::from(minute) * MINUTE_MICROS);
        UsageCount { minute, door, code, api: apis.id(api), count: times.into() }
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
            at: Timestamp::from_micros(hour * 3_600_000_000),
            ip: None,
            agent: None,
            api: 0,
            door: Door::Verify,
            code: Code::Valid,
            old_secret: false,
            is_news: false,
        };
        let (mut pending, agents, apis) = (Pending::default(), Agents::default(), Apis::default());
        // Two keys and one further hour fill it; what is there already goes on being counted.
        let events = [event(1, 0), event(2, 0), event(1, 1), event(3, 0), event(2, 2), event(1, 1), event(2, 0)];
        pending.sum_up_to(3, &events, &agents, &apis);
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
        pending.sum_up_to(3, &events[..3], &agents, &apis);
        assert_eq!(pending.dropped(), 2);
    }

    #[test]
    fn every_address_that_a_key_was_used_from_is_told_once_also_between_two_uses_from_the_same() {
        let event = |second: i64, ip: u8, code: Code, old_secret: bool| Event {
            key: KeyId::from_raw(1),
            organization: OrganizationId::from_raw(1),
            at: Timestamp::from_micros(second * 1_000_000),
            ip: Some(std::net::IpAddr::from([203, 0, 113, ip])),
            agent: None,
            api: 0,
            door: Door::Verify,
            code,
            old_secret,
            is_news: false,
        };
        let told = |events: &[Event]| {
            let mut pending = Pending::default();
            pending.sum_up(events, &Agents::default(), &Apis::default());
            let usage = pending.take(1).remove(0);
            let seen = usage.last_used.iter().chain(&usage.elsewhere);
            let mut addresses: Vec<_> = seen.filter_map(|seen| seen.ip).map(|ip| ip.to_string()).collect();
            addresses.sort_unstable();
            addresses.dedup();
            addresses.into_iter().map(|ip| ip.rsplit('.').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let used = |second, ip| event(second, ip, Code::Valid, false);
        assert_eq!(told(&[used(1, 1), used(2, 2), used(3, 1)]), ["1", "2"]);
        assert_eq!(told(&[used(3, 1), used(1, 2), used(2, 3)]), ["1", "2", "3"], "buffers do not come in order");
        assert_eq!(told(&[event(1, 4, Code::Valid, true), used(2, 5)]), ["4", "5"], "the old secret's too");
        assert_eq!(told(&[event(1, 6, Code::IpNotAllowed, false), used(2, 7)]), ["7"], "a refusal is no use");
        let many: Vec<_> = (0..40).map(|ip| used(i64::from(ip), ip)).collect();
        assert_eq!(told(&many).len(), 1 + ELSEWHERE_MAX);
    }

    #[test]
    fn a_key_that_waits_takes_two_cache_lines() {
        assert!(size_of::<Summary>() <= 128, "{}", size_of::<Summary>());
    }
}
