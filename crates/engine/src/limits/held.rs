//! Limits as records hold them, and what came of them at a decision.

use claviger_domain::limit::{CounterId, Gcra, Holder, Limit, LimitKind};
use claviger_domain::{ApiSetId, OrganizationId};

/// States that a verdict has without asking the heap.
const INLINE: usize = 3;

/// A limit, made for asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldLimit {
    pub(crate) limit: Limit,
    /// Not yet of anybody.
    pub(crate) counter: CounterId,
    /// Of a rate, the whole of it.
    pub(crate) rate: Option<Gcra>,
}

/// A limit that applies to a request, and what the request takes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand<'l> {
    pub(crate) held: &'l HeldLimit,
    pub(crate) counter: CounterId,
    /// Whose counter it is: in its calendar periods begin.
    pub(crate) organization: OrganizationId,
    pub(crate) cost: u64,
    pub(crate) source: Source,
}

/// On which record a limit stands, and which of its limits it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Source {
    /// None.
    #[default]
    Nothing,
    /// The key.
    Key(u8),
    /// Its owner.
    Owner(u8),
    /// A set of the provider, or of the guest's own organization.
    Set { set: ApiSetId, of_guest: bool, at: u8 },
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LimitState {
    pub(crate) source: Source,
    pub(crate) remaining: u64,
    /// In how many seconds it is as at the beginning; of a limit that refused, when the same request would pass. `None`: never.
    pub(crate) reset_seconds: Option<u32>,
    pub(crate) has_refused: bool,
}

/// What is left of all limits that apply; few have more than fit here.
#[derive(Debug, Clone, Default)]
pub(crate) struct LimitStates {
    count: usize,
    inline: [LimitState; INLINE],
    more: Vec<LimitState>,
}

// === impl HeldLimit ===

impl HeldLimit {
    /// The limits of a record, made for asking.
    pub(crate) fn all(limits: &[Limit], holder: Holder) -> Box<[Self]> {
        limits.iter().map(|limit| Self::new(limit, holder)).collect()
    }

    fn new(limit: &Limit, holder: Holder) -> Self {
        let rate = match &limit.kind {
            LimitKind::Rate(rate) => Some(Gcra::new(rate)),
            LimitKind::Quota(_) => None,
        };
        Self { counter: CounterId::of_limit(holder, &limit.name), limit: limit.clone(), rate }
    }

    /// Its number.
    pub(crate) fn most(&self) -> u64 {
        match &self.limit.kind {
            LimitKind::Rate(rate) => rate.limit,
            LimitKind::Quota(quota) => quota.limit,
        }
    }
}

// === impl LimitStates ===

impl LimitStates {
    pub(crate) fn push(&mut self, state: LimitState) {
        match self.inline.get_mut(self.count) {
            Some(place) => *place = state,
            None => self.more.push(state),
        }
        self.count += 1;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &LimitState> {
        self.inline.iter().take(self.count).chain(&self.more)
    }

    /// Notes that the limit at `at` refused, and in how many seconds the same request would pass.
    pub(crate) fn refuse(&mut self, at: usize, reset_seconds: Option<u32>) {
        if let Some(state) = self.get_mut(at) {
            (state.reset_seconds, state.has_refused) = (reset_seconds, true);
        }
    }

    /// Whether the limit at `at` refused.
    pub(crate) fn has_refused(&self, at: usize) -> bool {
        self.iter().nth(at).is_some_and(|state| state.has_refused)
    }

    /// Puts another state in the place of that of the limit at `at`.
    pub(crate) fn set(&mut self, at: usize, state: LimitState) {
        if let Some(place) = self.get_mut(at) {
            *place = state;
        }
    }

    fn get_mut(&mut self, at: usize) -> Option<&mut LimitState> {
        if at < INLINE { self.inline.get_mut(at) } else { self.more.get_mut(at - INLINE) }
    }
}
