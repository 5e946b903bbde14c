//! The diagnostic log on its way to the store: a bounded queue, with a bound for each organization and second, so that
//! a flood writes little and one tenant's does not push out another's.

use std::collections::VecDeque;

use claviger_domain::usage::Refusal;
use claviger_domain::{OrganizationId, Timestamp};
use hashbrown::HashMap;
use parking_lot::Mutex;

/// Refusals that wait to be written.
#[derive(Debug)]
pub(crate) struct Refusals {
    queue_max: usize,
    per_second_max: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Refusal>,
    second: i64,
    /// Taken in this second, of each organization; those that name a key apart, so that a flood of unknown credentials
    /// does not hide them.
    taken: HashMap<(OrganizationId, bool), u32>,
    /// Not kept since the last drain.
    dropped: u64,
    /// Not kept ever.
    dropped_total: u64,
}

// === impl Refusals ===

impl Refusals {
    pub(crate) fn new(queue_max: usize, per_second_max: u32) -> Self {
        Self { queue_max, per_second_max, state: Mutex::default() }
    }

    /// Queues the refusal that `make` makes, if there is room for one of `organization` now, with or without a key.
    pub(crate) fn add(
        &self,
        organization: OrganizationId,
        has_key: bool,
        now: Timestamp,
        make: impl FnOnce() -> Refusal,
    ) {
        if self.admit((organization, has_key), now) {
            let refusal = make();
            self.state.lock().queue.push_back(refusal);
        }
    }

    /// Takes what is queued, oldest first, and how many were not kept.
    pub(crate) fn drain(&self) -> (Vec<Refusal>, u64) {
        let mut state = self.state.lock();
        (std::mem::take(&mut state.queue).into(), std::mem::take(&mut state.dropped))
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().queue.len()
    }

    /// How many were not kept since the start.
    pub(crate) fn dropped_total(&self) -> u64 {
        self.state.lock().dropped_total
    }

    fn admit(&self, class: (OrganizationId, bool), now: Timestamp) -> bool {
        let mut state = self.state.lock();
        let second = now.as_micros().div_euclid(1_000_000);
        if second != state.second {
            state.second = second;
            state.taken.clear();
        }
        let room = state.queue.len() < self.queue_max;
        let taken = state.taken.entry(class).or_default();
        if room && *taken < self.per_second_max {
            *taken += 1;
            return true;
        }
        state.dropped += 1;
        state.dropped_total += 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::RequestId;
    use claviger_domain::usage::Door;
    use claviger_domain::verdict::Code;

    use super::*;

    fn add(refusals: &Refusals, organization: u128, has_key: bool, now: Timestamp) {
        let organization = OrganizationId::from_raw(organization);
        refusals.add(organization, has_key, now, || Refusal {
            at: now,
            organization,
            key: None,
            door: Door::Verify,
            code: Code::NotFound,
            check: String::new(),
            ip: None,
            agent: None,
            method: None,
            path: None,
            api: None,
            operation: None,
            request_id: RequestId::from_raw(0),
            passed: false,
        });
    }

    #[test]
    fn a_flood_fills_its_own_share_of_one_second_only() {
        let refusals = Refusals::new(100, 10);
        let now = Timestamp::from_micros(5_000_000);
        (0..1_000).for_each(|_| add(&refusals, 1, false, now));
        add(&refusals, 1, true, now);
        add(&refusals, 2, false, now);
        let (kept, dropped) = refusals.drain();
        assert_eq!((kept.len(), dropped), (12, 990));
        add(&refusals, 1, false, Timestamp::from_micros(6_000_000));
        assert_eq!(refusals.drain().0.len(), 1, "the next second has room again");
        assert_eq!(refusals.dropped_total(), 990);
    }

    #[test]
    fn the_queue_is_bounded() {
        let refusals = Refusals::new(5, 10);
        (0..9).for_each(|organization| add(&refusals, organization, false, Timestamp::default()));
        let (kept, dropped) = refusals.drain();
        assert_eq!((kept.len(), dropped), (5, 4));
        assert_eq!(kept[0].organization, OrganizationId::from_raw(0), "oldest first");
    }
}
