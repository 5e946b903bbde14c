//! What keys did, gathered beside the hot path: an event is pushed to a buffer of the thread's own, which is summed up a key
//! whenever a few hundred have come, while what they need is at hand.

mod apis;
mod pending;
mod rights;
mod strangers;

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use claviger_domain::redact::redact;
use claviger_domain::usage::{AGENT_LENGTH_MAX, Door, KeyUsage, SubjectCount, UsedRight};
use claviger_domain::verdict::{CODES, Code};
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::redact::cut;
use crate::takes::{Noted, TakenRight, Takes};
use apis::Apis;
use pending::Pending;
use rights::{Reported, Rights};
use strangers::Strangers;

/// Buffers; more threads than this share them.
const SLOTS: usize = 64;
/// Events that are summed up together: 50 microseconds' work, for which nobody notices that the thread is away.
const EVENTS: usize = 512;
/// The most events of a buffer, while other threads sum up theirs.
const EVENTS_MAX: usize = 8_192;
/// Different user agents of one buffer.
const AGENTS_MAX: usize = 512;
/// All doors, in the order of the counters.
pub(crate) const DOORS: [Door; 9] = [
    Door::Verify,
    Door::Authorize,
    Door::Nginx,
    Door::DoorToken,
    Door::Management,
    Door::Envoy,
    Door::EnvoyGrpc,
    Door::Introspect,
    Door::WebService,
];

/// Everything gathered and not yet drained. A slot's lock is taken before that of what is pending.
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    slots: Box<[Padded]>,
    pending: Mutex<Pending>,
    reported: Mutex<Reported>,
}

/// A slot on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(Mutex<Slot>);

#[derive(Debug, Default)]
struct Slot {
    decisions: [[u64; CODES.len()]; DOORS.len()],
    events: Vec<Event>,
    agents: Agents,
    apis: Apis,
    rights: Rights,
    strangers: Strangers,
}

/// User agents by number.
#[derive(Debug, Default)]
struct Agents {
    numbers: HashMap<Box<str>, u16>,
    /// As they are kept: cut, without anything like a key.
    names: Vec<Arc<str>>,
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
    pub(crate) takes: Option<Takes<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Event {
    key: KeyId,
    organization: OrganizationId,
    at: Timestamp,
    ip: Option<IpAddr>,
    agent: Option<u16>,
    /// As the buffer numbers them; 0: none is known.
    api: u16,
    door: Door,
    code: Code,
    old_secret: bool,
    is_news: bool,
}

// === impl Gatherer ===

impl Gatherer {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Padded::default()).collect(), ..Self::default() }
    }

    /// Counts a decision and notes what the key did; without a key, whose log it is in.
    pub(crate) fn record(
        &self,
        at: Timestamp,
        door: Door,
        code: Code,
        event: Option<KeyEvent<'_>>,
        organization: Option<OrganizationId>,
    ) {
        let mut slot = self.slots[slot_of_thread()].0.lock();
        slot.decisions[door_index(door)][code as usize] += 1;
        let Some(event) = event else {
            if let Some(organization) = organization {
                slot.strangers.count(organization, at, code);
            }
            return;
        };
        let agent = event.agent.and_then(|agent| slot.agents.number(agent));
        let api = event.takes.map_or(0, |takes| slot.take(event.key, at, takes));
        let KeyEvent { key, organization, old_secret, is_news, ip, .. } = event;
        slot.events.push(Event { key, organization, at, ip, agent, api, door, code, old_secret, is_news });
        if slot.events.len() < EVENTS {
            return;
        }
        let pending = if slot.events.len() < EVENTS_MAX { self.pending.try_lock() } else { Some(self.pending.lock()) };
        if let Some(mut pending) = pending {
            slot.sum_up(&mut pending);
        }
    }

    /// Notes a right that a key used.
    pub(crate) fn note_right(&self, key: KeyId, at: Timestamp, right: &Noted) {
        self.slots[slot_of_thread()].0.lock().rights.note(key, at, right);
    }

    /// Takes the rights that keys used for the first time today.
    pub(crate) fn drain_rights(&self) -> Vec<UsedRight> {
        let (mut reported, mut used) = (self.reported.lock(), Vec::new());
        for slot in &self.slots {
            slot.0.lock().rights.drain(|noted| used.extend(reported.first_of_day(noted)));
        }
        used
    }

    /// Takes the counts of requests without a key.
    pub(crate) fn drain_strangers(&self) -> Vec<SubjectCount> {
        self.slots.iter().flat_map(|slot| slot.0.lock().strangers.drain()).collect()
    }

    /// Sums up everything gathered and takes at most `keys_max` keys of it; the rest stays for the next time.
    pub(crate) fn drain(&self, keys_max: usize) -> Vec<KeyUsage> {
        for slot in &self.slots {
            let mut slot = slot.0.lock();
            if !slot.events.is_empty() {
                slot.sum_up(&mut self.pending.lock());
            }
        }
        self.pending.lock().take(keys_max)
    }

    /// Keys whose usage is summed up and not yet drained.
    pub(crate) fn waiting(&self) -> usize {
        self.pending.lock().len()
    }

    /// Requests since the start that were not counted, because too much waited to be written.
    pub(crate) fn dropped(&self) -> u64 {
        self.pending.lock().dropped()
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
        Door::Envoy => 5,
        Door::EnvoyGrpc => 6,
        Door::Introspect => 7,
        Door::WebService => 8,
    }
}

// === impl Slot ===

impl Slot {
    /// Notes what a request takes of its key's rights; the number of the API in this buffer.
    fn take(&mut self, key: KeyId, at: Timestamp, Takes { api, right }: Takes<'_>) -> u16 {
        match right {
            TakenRight::None => {}
            TakenRight::Operation(operation) => self.rights.note_operation(key, at, api, Some(operation)),
            TakenRight::Unlisted => self.rights.note_operation(key, at, api, None),
        }
        self.apis.number(api.id)
    }

    fn sum_up(&mut self, pending: &mut Pending) {
        pending.sum_up(&self.events, &self.agents, &self.apis);
        self.events.clear();
        self.apis.clear();
        if self.agents.names.len() >= AGENTS_MAX {
            self.agents = Agents::default();
        }
    }
}

// === impl Agents ===

impl Agents {
    /// The number of an agent; `None` where there are too many different ones.
    fn number(&mut self, agent: &str) -> Option<u16> {
        // Looked for as it came, up to a length at which nobody can fill the memory with it.
        let agent = cut(agent, 4 * AGENT_LENGTH_MAX);
        if let Some(number) = self.numbers.get(agent) {
            return Some(*number);
        }
        if self.names.len() >= AGENTS_MAX {
            return None;
        }
        let number = u16::try_from(self.names.len()).ok()?;
        self.numbers.insert(agent.into(), number);
        self.names.push(kept_agent(agent).into());
        Some(number)
    }

    fn name(&self, number: u16) -> Option<Arc<str>> {
        self.names.get(usize::from(number)).cloned()
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
        KeyEvent { key, organization, old_secret: false, is_news: false, ip: None, agent, takes: None }
    }

    #[test]
    fn uses_refusals_and_counts_are_told_apart() {
        let gatherer = Gatherer::new();
        let hour = Timestamp::from_micros(3_600_000_000);
        let at = |seconds: u64| hour.saturating_add(std::time::Duration::from_secs(seconds));
        gatherer.record(at(1), Door::Verify, Code::Valid, Some(event(1, Some("curl/8"))), None);
        gatherer.record(at(3), Door::Nginx, Code::Valid, Some(KeyEvent { old_secret: true, ..event(1, None) }), None);
        gatherer.record(at(4), Door::Verify, Code::Expired, Some(event(1, None)), None);
        gatherer.record(at(2), Door::Verify, Code::Valid, Some(event(1, Some("wget"))), None);
        gatherer.record(at(5), Door::Verify, Code::Missing, None, None);
        let drained = gatherer.drain(usize::MAX);
        let [usage] = drained.as_slice() else { panic!("one key: {drained:?}") };
        let used = usage.last_used.as_ref().expect("it was used");
        assert_eq!((used.at, used.agent.as_deref()), (at(2), Some("wget")));
        assert_eq!(usage.old_last_used, Some(at(3)));
        assert_eq!(usage.last_refused.as_ref().map(|it| (it.at, it.code)), Some((at(4), Code::Expired)));
        let count = |door, code| usage.counts.iter().find(|it| (it.door, it.code) == (door, code)).map(|it| it.count);
        assert_eq!((count(Door::Verify, Code::Valid), count(Door::Nginx, Code::Valid)), (Some(2), Some(1)));
        assert!(usage.counts.iter().all(|count| count.minute == hour));
        assert!(gatherer.drain(usize::MAX).is_empty(), "drained once");
        assert!(gatherer.decisions().contains(&(Door::Verify, Code::Missing, 1)), "counters stay");
    }

    #[test]
    fn nothing_is_lost_when_buffers_fill_up() {
        let gatherer = Gatherer::new();
        let rounds = EVENTS * 20 + 5;
        for round in 0..rounds {
            gatherer.record(
                Timestamp::default(),
                Door::Verify,
                Code::Valid,
                Some(event(round as u128 % 7, None)),
                None,
            );
        }
        let first = gatherer.drain(3);
        assert_eq!(first.len(), 3);
        let all: u64 =
            first.iter().chain(&gatherer.drain(usize::MAX)).flat_map(|it| &it.counts).map(|it| it.count).sum();
        assert_eq!(all, rounds as u64);
    }

    #[test]
    fn a_thread_that_finds_another_summing_up_goes_on_gathering() {
        let gatherer = Gatherer::new();
        let record = || gatherer.record(Timestamp::default(), Door::Verify, Code::Valid, Some(event(1, None)), None);
        {
            let _held = gatherer.pending.lock();
            (0..EVENTS * 3).for_each(|_| record());
        }
        record();
        assert!(gatherer.slots[slot_of_thread()].0.lock().events.is_empty());
        assert_eq!(gatherer.drain(1)[0].counts[0].count, EVENTS as u64 * 3 + 1);
    }

    #[test]
    fn a_key_that_is_used_all_the_time_does_not_keep_others_waiting() {
        let gatherer = Gatherer::new();
        let used = |keys: std::ops::Range<u128>| {
            keys.for_each(|key| {
                gatherer.record(Timestamp::default(), Door::Verify, Code::Valid, Some(event(key, None)), None);
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
        let mut agents = Agents::default();
        let key = format!("agent clv_live_{}", "a".repeat(38));
        let number = agents.number(&key).expect("room");
        assert!(!agents.name(number).expect("it is kept").contains("aaaa"));
        assert_eq!(agents.number(&key), Some(number));
        for other in 1..AGENTS_MAX {
            assert!(agents.number(&other.to_string()).is_some());
        }
        assert_eq!(agents.number("one more"), None);
        assert_eq!(kept_agent(&"x".repeat(9_000)).len(), AGENT_LENGTH_MAX);
    }
}
