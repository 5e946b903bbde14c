//! What this node has of a quota: blocks in its hand, each with a lease.

use claviger_domain::Timestamp;
use claviger_domain::limit::{CounterId, Quota};

use super::backend::{BlockAsked, Granted, LeaseId, Unspent};

/// A new block is asked for when less than this part of the last one is left.
const LOW_PART: u64 = 4;

/// A quota's counter on this node.
#[derive(Debug)]
pub(crate) struct QuotaState {
    organization: claviger_domain::OrganizationId,
    block: Option<Block>,
    /// Asked for before it was needed.
    next: Option<Block>,
    /// What the keeper said is left beside the blocks.
    rest: u64,
    /// Why it is not worth to ask again; `None`: it is.
    dry: Option<Dry>,
    /// When something comes back; `None`: never.
    resets_at: Option<Timestamp>,
    /// Whether a block is being asked for.
    asking: bool,
    /// The keeper could not be asked; it is not asked again before this.
    down_until: u64,
    /// Taken since the last block came: what a next one is made for.
    taken: u64,
}

/// What the keeper said of a quota of which it had nothing to give: of another quota, and of less, nothing is known.
#[derive(Debug, Clone, Copy)]
struct Dry {
    quota: Quota,
    /// What was asked for in vain.
    cost: u64,
    /// Of the monotonic clock, exclusive.
    until: u64,
}

/// Part of a quota that this node may spend.
#[derive(Debug, Clone, Copy)]
struct Block {
    lease: LeaseId,
    size: u64,
    left: u64,
    /// Of the monotonic clock, exclusive.
    until: u64,
}

/// Whether a request may take of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is enough in hand.
    Enough,
    /// Nothing is left.
    Dry,
    /// The keeper has to be asked.
    Ask,
    /// It could not be asked a moment ago.
    Down,
}

// === impl QuotaState ===

impl QuotaState {
    /// One of which nothing is known.
    pub(crate) fn new(organization: claviger_domain::OrganizationId) -> Self {
        Self {
            organization,
            block: None,
            next: None,
            rest: 0,
            dry: None,
            resets_at: None,
            asking: false,
            down_until: 0,
            taken: 0,
        }
    }

    /// Whether `cost` may be taken at `now`; blocks that have ended go to `returns`. `quota` is it as it is now: who raised it
    /// or gave less to do has the keeper asked again.
    pub(crate) fn look(
        &mut self,
        counter: CounterId,
        quota: Quota,
        now: u64,
        cost: u64,
        returns: &mut Vec<Unspent>,
    ) -> Look {
        self.end_blocks(counter, now, returns);
        if cost == 0 || self.block.as_ref().is_some_and(|block| block.left >= cost) {
            return Look::Enough;
        }
        if self.next.as_ref().is_some_and(|next| next.left >= cost) {
            self.retire(counter, returns);
            self.block = self.next.take();
            return Look::Enough;
        }
        if self.dry.is_some_and(|dry| now < dry.until && cost >= dry.cost && quota == dry.quota) {
            Look::Dry
        } else if now < self.down_until {
            Look::Down
        } else {
            Look::Ask
        }
    }

    /// Takes `cost`, of which [`QuotaState::look`] said that there is enough.
    pub(crate) fn take(&mut self, cost: u64) {
        if let Some(block) = &mut self.block {
            block.left = block.left.saturating_sub(cost);
        }
        self.taken = self.taken.saturating_add(cost);
    }

    /// Whether it is time to ask for the next block.
    pub(crate) fn is_low(&self, now: u64) -> bool {
        let low = |block: &Block| block.left < block.size / LOW_PART;
        self.next.is_none()
            && !self.asking
            && self.rest > 0
            && now >= self.quiet_until()
            && self.block.as_ref().is_some_and(low)
    }

    /// Whether nobody is asking yet; then the caller is to.
    pub(crate) fn begin_asking(&mut self) -> bool {
        !std::mem::replace(&mut self.asking, true)
    }

    /// Whether a block is being asked for.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking
    }

    /// How many would be good to have: twice what the last block was used for.
    pub(crate) fn wanted(&self, needed: u64) -> u64 {
        self.taken.saturating_mul(2).max(needed)
    }

    /// Nobody is asking any more; `down_until`: the keeper could not be asked.
    pub(crate) fn end_asking(&mut self, down_until: Option<u64>) {
        self.asking = false;
        self.down_until = down_until.unwrap_or(self.down_until);
    }

    /// What the keeper gave; it was asked at `asked_at`.
    pub(crate) fn install(
        &mut self,
        asked: &BlockAsked,
        granted: &Granted,
        asked_at: u64,
        resets_at: Option<Timestamp>,
    ) {
        let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let period_end = granted.period_left.map_or(u64::MAX, |left| asked_at.saturating_add(nanos(left)));
        (self.rest, self.resets_at) = (granted.rest, resets_at);
        if granted.amount == 0 {
            let again = granted.ask_again.map_or(u64::MAX, |again| asked_at.saturating_add(nanos(again)));
            self.dry = Some(Dry { quota: asked.quota, cost: asked.needed, until: again.min(period_end) });
            return;
        }
        (self.dry, self.down_until, self.taken) = (None, 0, 0);
        let until = asked_at.saturating_add(nanos(granted.lease_time)).min(period_end);
        let block = Block { lease: granted.lease, size: granted.amount, left: granted.amount, until };
        // One that is there is spent first: it ends sooner.
        if self.block.is_some() { self.next = Some(block) } else { self.block = Some(block) }
    }

    /// How many are left, as far as this node knows.
    pub(crate) fn remaining(&self) -> u64 {
        let in_hand = |block: &Option<Block>| block.as_ref().map_or(0, |block| block.left);
        in_hand(&self.block).saturating_add(in_hand(&self.next)).saturating_add(self.rest)
    }

    /// When something comes back.
    pub(crate) fn resets_at(&self) -> Option<Timestamp> {
        self.resets_at
    }

    /// Lets blocks go: those that have ended, or all.
    pub(crate) fn let_go(&mut self, counter: CounterId, now: Option<u64>, returns: &mut Vec<Unspent>) {
        self.end_blocks(counter, now.unwrap_or(u64::MAX), returns);
    }

    /// Whether nothing is lost by forgetting it.
    pub(crate) fn is_idle(&self, now: u64) -> bool {
        self.block.is_none() && self.next.is_none() && !self.asking && now >= self.quiet_until()
    }

    /// Before it the keeper has nothing new to say, or cannot.
    fn quiet_until(&self) -> u64 {
        self.dry.map_or(0, |dry| dry.until).max(self.down_until)
    }

    fn end_blocks(&mut self, counter: CounterId, now: u64, returns: &mut Vec<Unspent>) {
        if self.block.as_ref().is_some_and(|block| now >= block.until) {
            self.retire(counter, returns);
            self.block = self.next.take();
            if self.block.as_ref().is_some_and(|block| now >= block.until) {
                self.retire(counter, returns);
            }
        }
    }

    fn retire(&mut self, counter: CounterId, returns: &mut Vec<Unspent>) {
        if let Some(Block { lease, left, .. }) = self.block.take() {
            returns.push(Unspent { counter, organization: self.organization, lease, amount: left });
        }
    }
}
