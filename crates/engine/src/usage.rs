//! What keys did, gathered beside the hot path: an event is pushed to a buffer of the thread's own, buffers are summed
//! up when the batch is drained.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use claviger_domain::redact::redact;
use claviger_domain::usage::{AGENT_LENGTH_MAX, Door, KeyUsage, Sighting, UsageCount};
use claviger_domain::verdict::{CODES, Code};
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::redact::cut;

/// Buffers; more threads than this share them.
const SLOTS: usize = 64;
/// Events of one buffer.
const EVENTS_MAX: usize = 8_192;
/// Different user agents of one buffer.
const AGENTS_MAX: usize = 512;
/// Full buffers that wait to be summed up; with more, the thread that fills one sums it up.
const FULL_MAX: usize = 32;
const HOUR_MICROS: i64 = 3_600_000_000;
/// All doors, in the order of the counters.
pub(crate) const DOORS: [Door; 5] = [Door::Verify, Door::Authorize, Door::Nginx, Door::DoorToken, Door::Management];

/// Everything gathered and not yet drained.
#[derive(Debug)]
pub(crate) struct Gatherer {
    slots: Box<[Padded]>,
    full: Mutex<Vec<Buffer>>,
    pending: Mutex<Pending>,
}

/// What is summed up and not yet taken. In two parts, lest the same keys be taken each time while others wait for ever:
/// what comes in goes to the second, which becomes the first when that one is empty.
#[derive(Debug, Default)]
struct Pending {
    leaving: HashMap<KeyId, KeyUsage>,
    coming: HashMap<KeyId, KeyUsage>,
}

/// A slot on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(Mutex<Slot>);

#[derive(Debug, Default)]
struct Slot {
    decisions: [[u64; CODES.len()]; DOORS.len()],
    buffer: Buffer,
}

#[derive(Debug, Default)]
struct Buffer {
    events: Vec<Event>,
    agents: HashMap<Box<str>, u16>,
    /// By number, as they are kept: cut, without anything like a key.
    agent_names: Vec<Box<str>>,
}

/// A request of a key whose secret was right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyEvent<'a> {
    pub(crate) key: KeyId,
    pub(crate) organization: OrganizationId,
    pub(crate) old_secret: bool,
    /// A use that the other nodes are to know of.
    pub(crate) is_news: bool,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) agent: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    key: KeyId,
    organization: OrganizationId,
    at: Timestamp,
    ip: Option<IpAddr>,
    agent: Option<u16>,
    door: Door,
    code: Code,
    old_secret: bool,
    is_news: bool,
}

// === impl Gatherer ===

impl Gatherer {
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Padded::default()).collect(),
            full: Mutex::default(),
            pending: Mutex::default(),
        }
    }

    /// Counts a decision and notes what the key did.
    pub(crate) fn record(&self, at: Timestamp, door: Door, code: Code, event: Option<KeyEvent<'_>>) {
        let mut slot = self.slots[slot_of_thread()].0.lock();
        slot.decisions[door_index(door)][code as usize] += 1;
        let Some(event) = event else { return };
        let agent = event.agent.and_then(|agent| slot.buffer.agent(agent));
        let KeyEvent { key, organization, old_secret, is_news, ip, .. } = event;
        slot.buffer.events.push(Event { key, organization, at, ip, agent, door, code, old_secret, is_news });
        if slot.buffer.events.len() >= EVENTS_MAX {
            let buffer = std::mem::take(&mut slot.buffer);
            drop(slot);
            self.put_aside(buffer);
        }
    }

    /// Sums up everything gathered and takes at most `keys_max` keys of it; the rest stays for the next time.
    pub(crate) fn drain(&self, keys_max: usize) -> Vec<KeyUsage> {
        let mut buffers = std::mem::take(&mut *self.full.lock());
        buffers.extend(self.slots.iter().map(|slot| std::mem::take(&mut slot.0.lock().buffer)));
        let mut pending = self.pending.lock();
        for buffer in buffers {
            sum_up(&mut pending, &buffer);
        }
        pending.take(keys_max)
    }

    /// Decisions by door and code, those that happened.
    pub(crate) fn decisions(&self) -> Vec<(Door, Code, u64)> {
        let mut sums = [[0u64; CODES.len()]; DOORS.len()];
        for slot in &self.slots {
            let slot = slot.0.lock();
            for (sum, count) in sums.as_flattened_mut().iter_mut().zip(slot.decisions.as_flattened()) {
                *sum += count;
            }
        }
        let all = DOORS
            .iter()
            .zip(sums)
            .flat_map(|(door, codes)| CODES.into_iter().zip(codes).map(move |(code, count)| (*door, code, count)));
        all.filter(|(_, _, count)| *count > 0).collect()
    }

    fn put_aside(&self, buffer: Buffer) {
        {
            let mut full = self.full.lock();
            if full.len() < FULL_MAX {
                full.push(buffer);
                return;
            }
        }
        sum_up(&mut self.pending.lock(), &buffer);
    }
}

fn slot_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SLOT: Cell<Option<usize>> = const { Cell::new(None) };
    }
    SLOT.with(|slot| {
        slot.get().unwrap_or_else(|| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
            slot.set(Some(number));
            number
        })
    })
}

fn door_index(door: Door) -> usize {
    match door {
        Door::Verify => 0,
        Door::Authorize => 1,
        Door::Nginx => 2,
        Door::DoorToken => 3,
        Door::Management => 4,
    }
}

fn sum_up(pending: &mut Pending, buffer: &Buffer) {
    for event in &buffer.events {
        let usage = pending.coming.entry(event.key).or_insert_with(|| KeyUsage {
            key: event.key,
            organization: event.organization,
            last_used: None,
            old_last_used: None,
            is_news: false,
            last_refused: None,
            counts: Vec::new(),
        });
        add(usage, event, &buffer.agent_names);
    }
}

fn add(usage: &mut KeyUsage, event: &Event, agents: &[Box<str>]) {
    usage.is_news |= event.is_news;
    match (event.code.is_use(), event.old_secret) {
        (true, true) => usage.old_last_used = usage.old_last_used.max(Some(event.at)),
        (true, false) => see(&mut usage.last_used, event, agents),
        (false, _) => see(&mut usage.last_refused, event, agents),
    }
    let hour = Timestamp::from_micros(event.at.as_micros().div_euclid(HOUR_MICROS) * HOUR_MICROS);
    let same = |count: &&mut UsageCount| (count.hour, count.door, count.code) == (hour, event.door, event.code);
    match usage.counts.iter_mut().find(same) {
        Some(count) => count.count += 1,
        None => usage.counts.push(UsageCount { hour, door: event.door, code: event.code, count: 1 }),
    }
}

/// The newest counts; buffers are not in order.
fn see(last: &mut Option<Sighting>, event: &Event, agents: &[Box<str>]) {
    if last.as_ref().is_none_or(|last| last.at <= event.at) {
        let agent = event.agent.and_then(|number| agents.get(usize::from(number))).map(ToString::to_string);
        *last = Some(Sighting { at: event.at, ip: event.ip, agent, door: event.door, code: event.code });
    }
}

// === impl Pending ===

impl Pending {
    /// Takes at most `keys_max` keys, those that have waited longest first; nothing only if there is nothing.
    fn take(&mut self, keys_max: usize) -> Vec<KeyUsage> {
        if self.leaving.is_empty() {
            self.leaving = std::mem::take(&mut self.coming);
        }
        if self.leaving.len() <= keys_max {
            return std::mem::take(&mut self.leaving).into_values().collect();
        }
        self.leaving.extract_if(|_, _| true).take(keys_max).map(|(_, usage)| usage).collect()
    }
}

// === impl Buffer ===

impl Buffer {
    /// The number of an agent; `None` where there are too many different ones.
    fn agent(&mut self, agent: &str) -> Option<u16> {
        // Looked for as it came, up to a length at which nobody can fill the memory with it.
        let agent = cut(agent, 4 * AGENT_LENGTH_MAX);
        if let Some(number) = self.agents.get(agent) {
            return Some(*number);
        }
        if self.agent_names.len() >= AGENTS_MAX {
            return None;
        }
        let number = u16::try_from(self.agent_names.len()).ok()?;
        self.agents.insert(agent.into(), number);
        self.agent_names.push(kept_agent(agent));
        Some(number)
    }
}

/// An agent as it is kept.
pub(crate) fn kept_agent(agent: &str) -> Box<str> {
    let clean = redact(cut(agent, 4 * AGENT_LENGTH_MAX));
    clean.chars().filter(|c| !c.is_control()).take(AGENT_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(key: u128, agent: Option<&str>) -> KeyEvent<'_> {
        let (key, organization) = (KeyId::from_raw(key), OrganizationId::from_raw(1));
        KeyEvent { key, organization, old_secret: false, is_news: false, ip: None, agent }
    }

    #[test]
    fn uses_refusals_and_counts_are_told_apart() {
        let gatherer = Gatherer::new();
        let at = |seconds: i64| Timestamp::from_micros(HOUR_MICROS + seconds * 1_000_000);
        gatherer.record(at(1), Door::Verify, Code::Valid, Some(event(1, Some("curl/8"))));
        gatherer.record(at(3), Door::Nginx, Code::Valid, Some(KeyEvent { old_secret: true, ..event(1, None) }));
        gatherer.record(at(4), Door::Verify, Code::Expired, Some(event(1, None)));
        gatherer.record(at(2), Door::Verify, Code::Valid, Some(event(1, Some("wget"))));
        gatherer.record(at(5), Door::Verify, Code::Missing, None);
        let drained = gatherer.drain(usize::MAX);
        let [usage] = drained.as_slice() else { panic!("one key: {drained:?}") };
        let used = usage.last_used.as_ref().expect("it was used");
        assert_eq!((used.at, used.agent.as_deref()), (at(2), Some("wget")));
        assert_eq!(usage.old_last_used, Some(at(3)));
        assert_eq!(usage.last_refused.as_ref().map(|it| (it.at, it.code)), Some((at(4), Code::Expired)));
        let count = |door, code| usage.counts.iter().find(|it| (it.door, it.code) == (door, code)).map(|it| it.count);
        assert_eq!((count(Door::Verify, Code::Valid), count(Door::Nginx, Code::Valid)), (Some(2), Some(1)));
        assert!(usage.counts.iter().all(|count| count.hour == Timestamp::from_micros(HOUR_MICROS)));
        assert!(gatherer.drain(usize::MAX).is_empty(), "drained once");
        assert!(gatherer.decisions().contains(&(Door::Verify, Code::Missing, 1)), "counters stay");
    }

    #[test]
    fn nothing_is_lost_when_buffers_fill_up() {
        let gatherer = Gatherer::new();
        let rounds = EVENTS_MAX * (FULL_MAX + 2) + 5;
        for round in 0..rounds {
            gatherer.record(Timestamp::default(), Door::Verify, Code::Valid, Some(event(round as u128 % 7, None)));
        }
        let first = gatherer.drain(3);
        assert_eq!(first.len(), 3);
        let all: u64 =
            first.iter().chain(&gatherer.drain(usize::MAX)).flat_map(|it| &it.counts).map(|it| it.count).sum();
        assert_eq!(all, rounds as u64);
    }

    #[test]
    fn a_key_that_is_used_all_the_time_does_not_keep_others_waiting() {
        let gatherer = Gatherer::new();
        let used = |keys: std::ops::Range<u128>| {
            keys.for_each(|key| {
                gatherer.record(Timestamp::default(), Door::Verify, Code::Valid, Some(event(key, None)));
            });
        };
        used(0..100);
        let mut waiting: std::collections::BTreeSet<u128> = (0..100).collect();
        for _ in 0..10 {
            let taken = gatherer.drain(10);
            waiting.retain(|key| taken.iter().all(|usage| usage.key.as_raw() != *key));
            used(0..50);
        }
        assert!(waiting.is_empty(), "still waiting: {waiting:?}");
    }

    #[test]
    fn agents_are_cut_counted_and_carry_no_key() {
        let mut buffer = Buffer::default();
        let key = format!("agent clv_live_{}", "a".repeat(38));
        let number = buffer.agent(&key).expect("room");
        assert!(!buffer.agent_names[usize::from(number)].contains("aaaa"));
        assert_eq!(buffer.agent(&key), Some(number));
        for other in 1..AGENTS_MAX {
            assert!(buffer.agent(&other.to_string()).is_some());
        }
        assert_eq!(buffer.agent("one more"), None);
        assert_eq!(kept_agent(&"x".repeat(9_000)).len(), AGENT_LENGTH_MAX);
    }
}
