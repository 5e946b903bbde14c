//! Limits: how often a key may ask, and how much it may use. Values and arithmetic; who counts, and where, is the engine's.
//!
//! A **rate** is a bucket that refills all the time ([`Gcra`]), on the monotonic clock. A **quota** is a number for a period of
//! the organization's calendar, or for ever ([`Quota::advance`]).

mod counter;
mod gcra;
mod name;
mod quota;
mod zone;

use serde::{Deserialize, Serialize};

pub use counter::{CounterId, Holder};
pub use gcra::{Bucket, Gcra, Refused};
pub use name::{InvalidLimitName, LimitName};
pub use quota::{Period, Quota, Refill, RefillEvery, Tally};
pub use zone::Zone;

/// The most limits of one record.
pub const LIMITS_MAX: usize = 10;
/// The largest number in a limit: 2^53, up to which every JSON reader keeps integers whole.
pub const LIMIT_MAX: u64 = 1 << 53;
/// The longest window: 31 days, in seconds.
pub const WINDOW_SECONDS_MAX: u32 = 2_678_400;
/// A burst refills within a year, in seconds: what is counted in nanoseconds stays far from its end.
pub const BURST_SECONDS_MAX: u64 = 31_536_000;

/// A limit under a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// Unique on its record; clients are told it.
    pub name: LimitName,
    /// What is counted.
    #[serde(flatten)]
    pub kind: LimitKind,
    /// What a request of cost 1 takes.
    #[serde(default = "one")]
    pub cost: u64,
    /// Who shares one counter.
    pub scope: Scope,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LimitKind {
    /// So many in a window that moves with the time.
    Rate(Rate),
    /// So many in a period, exactly.
    Quota(Quota),
}

/// So many in a window that moves with the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// How many in a window; 0 = never.
    pub limit: u64,
    /// The window.
    pub window_seconds: u32,
    /// How many at once, where none came before.
    pub burst: u64,
}

/// Who shares one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Each key has its own.
    Key,
    /// All keys of one owner.
    Owner,
    /// All keys of the organization with one `external_id`; one without has its own.
    ExternalId,
    /// All that holds the set on which the limit stands.
    Set,
    /// The record on which the limit stands, each operation apart.
    Operation,
}

/// On what kind of record limits stand: not every scope makes sense on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A key.
    Key,
    /// An application.
    Application,
    /// An API set.
    ApiSet,
}

/// What is wrong with a limit, and with which of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimit {
    /// More than [`LIMITS_MAX`].
    #[error("expected at most {LIMITS_MAX} limits")]
    TooMany,
    /// The name stands there twice.
    #[error("another limit has this name already")]
    NameTaken,
    /// A number beyond [`LIMIT_MAX`].
    #[error("expected a whole number from 0 to {LIMIT_MAX}")]
    Limit,
    /// No window, or one that is too long.
    #[error("expected 1 to {WINDOW_SECONDS_MAX} seconds")]
    Window,
    /// No burst, or one that takes too long to refill.
    #[error("expected a whole number from 1 on that refills within a year at this rate")]
    Burst,
    /// A request would take nothing, or too much.
    #[error("expected a whole number from 1 to {LIMIT_MAX}")]
    Cost,
    /// A refill of a quota that begins anew by itself, or of nothing.
    #[error("expected a refill of 1 or more, of a quota in total alone")]
    Refill,
    /// A scope that means nothing on this record.
    #[error("this scope means nothing here")]
    Scope,
}

// === impl Limit ===

impl Limit {
    /// Checks the limits of one record; `Err` says which one is wrong, and in which field.
    ///
    /// # Errors
    /// [`InvalidLimit`] with the place of the limit and the name of the field; no place where the list is too long.
    pub fn check_all(limits: &[Self], place: Place) -> Result<(), (Option<usize>, &'static str, InvalidLimit)> {
        if limits.len() > LIMITS_MAX {
            return Err((None, "", InvalidLimit::TooMany));
        }
        for (at, limit) in limits.iter().enumerate() {
            limit.check(place).map_err(|(field, invalid)| (Some(at), field, invalid))?;
            if limits[..at].iter().any(|other| other.name == limit.name) {
                return Err((Some(at), "name", InvalidLimit::NameTaken));
            }
        }
        Ok(())
    }

    fn check(&self, place: Place) -> Result<(), (&'static str, InvalidLimit)> {
        if !(1..=LIMIT_MAX).contains(&self.cost) {
            return Err(("cost", InvalidLimit::Cost));
        }
        if !self.scope.fits(place) {
            return Err(("scope", InvalidLimit::Scope));
        }
        match &self.kind {
            LimitKind::Rate(rate) => rate.check(),
            LimitKind::Quota(quota) => quota.check(),
        }
    }
}

// === impl Rate ===

impl Rate {
    fn check(&self) -> Result<(), (&'static str, InvalidLimit)> {
        if self.limit > LIMIT_MAX {
            return Err(("limit", InvalidLimit::Limit));
        }
        if !(1..=WINDOW_SECONDS_MAX).contains(&self.window_seconds) {
            return Err(("window_seconds", InvalidLimit::Window));
        }
        let refills_in = u128::from(self.burst) * u128::from(self.window_seconds);
        let in_time = self.limit == 0 || refills_in <= u128::from(BURST_SECONDS_MAX) * u128::from(self.limit);
        if !(1..=LIMIT_MAX).contains(&self.burst) || !in_time {
            return Err(("burst", InvalidLimit::Burst));
        }
        Ok(())
    }

    /// What it is in a minute at the most, rounded up: what the level of a role bounds.
    pub fn per_minute(&self) -> u64 {
        let per_minute = (u128::from(self.limit) * 60).div_ceil(u128::from(self.window_seconds.max(1)));
        u64::try_from(per_minute).unwrap_or(u64::MAX)
    }
}

// === impl Quota ===

impl Quota {
    fn check(&self) -> Result<(), (&'static str, InvalidLimit)> {
        if self.limit > LIMIT_MAX {
            return Err(("limit", InvalidLimit::Limit));
        }
        let fits = self.period == Period::Total;
        match &self.refill {
            Some(refill) if !fits || !(1..=LIMIT_MAX).contains(&refill.amount) => Err(("refill", InvalidLimit::Refill)),
            _ => Ok(()),
        }
    }
}

// === impl Scope ===

impl Scope {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Owner => "owner",
            Self::ExternalId => "external_id",
            Self::Set => "set",
            Self::Operation => "operation",
        }
    }

    /// What a limit of this record has where nothing is said.
    pub const fn usual(place: Place) -> Self {
        match place {
            Place::Key => Self::Key,
            Place::Application => Self::Owner,
            Place::ApiSet => Self::Set,
        }
    }

    /// Whether it means something on such a record: only a set has what the scope `set` shares.
    pub const fn fits(self, place: Place) -> bool {
        !matches!((self, place), (Self::Set, Place::Key | Place::Application))
    }
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(name: &str, limit: u64, window_seconds: u32, burst: u64) -> Limit {
        let kind = LimitKind::Rate(Rate { limit, window_seconds, burst });
        Limit { name: name.parse().expect("a name"), kind, cost: 1, scope: Scope::Key }
    }

    fn quota(limit: u64, period: Period, refill: Option<u64>) -> Limit {
        let refill = refill.map(|amount| Refill { amount, every: RefillEvery::Day });
        let kind = LimitKind::Quota(Quota { limit, period, refill });
        Limit { name: "daily".parse().expect("a name"), kind, cost: 1, scope: Scope::Owner }
    }

    fn wrong(limits: &[Limit]) -> Option<(Option<usize>, &'static str, InvalidLimit)> {
        Limit::check_all(limits, Place::Key).err()
    }

    #[test]
    fn a_limit_is_written_as_the_contract_says_and_read_back() {
        let text =
            r#"{"name":"minute","kind":"rate","limit":600,"window_seconds":60,"burst":100,"cost":1,"scope":"key"}"#;
        let limit: Limit = serde_json::from_str(text).expect("a limit");
        assert_eq!(limit, rate("minute", 600, 60, 100));
        assert_eq!(serde_json::to_string(&limit).expect("JSON"), text);
        let text = r#"{"name":"daily","kind":"quota","limit":5,"period":"total","refill":{"amount":2,"every":"day"},"cost":1,"scope":"owner"}"#;
        let limit: Limit = serde_json::from_str(text).expect("a limit");
        assert_eq!(limit, quota(5, Period::Total, Some(2)));
        assert_eq!(serde_json::to_string(&limit).expect("JSON"), text);
    }

    #[test]
    fn bad_limits_are_refused_by_their_field() {
        assert_eq!(wrong(&[rate("a", 0, 60, 1), rate("b", LIMIT_MAX, 1, 1), quota(0, Period::Day, None)]), None);
        for (limit, field) in [
            (rate("a", LIMIT_MAX + 1, 60, 1), "limit"),
            (rate("a", 1 << 63, 60, 1), "limit"),
            (rate("a", 1, 0, 1), "window_seconds"),
            (rate("a", 1, WINDOW_SECONDS_MAX + 1, 1), "window_seconds"),
            (rate("a", 1, 60, 0), "burst"),
            (rate("a", 1, WINDOW_SECONDS_MAX, 1_000), "burst"),
            (rate("a", LIMIT_MAX, 1, LIMIT_MAX + 1), "burst"),
            (Limit { cost: 0, ..rate("a", 1, 60, 1) }, "cost"),
            (Limit { cost: LIMIT_MAX + 1, ..rate("a", 1, 60, 1) }, "cost"),
            (Limit { scope: Scope::Set, ..rate("a", 1, 60, 1) }, "scope"),
            (quota(1 << 63, Period::Day, None), "limit"),
            (quota(1, Period::Day, Some(1)), "refill"),
            (quota(1, Period::Total, Some(0)), "refill"),
        ] {
            assert_eq!(wrong(&[limit]).map(|(at, field, _)| (at, field)), Some((Some(0), field)));
        }
        let twice = [rate("a", 1, 60, 1), quota(1, Period::Day, None), rate("a", 2, 60, 1)];
        assert_eq!(wrong(&twice), Some((Some(2), "name", InvalidLimit::NameTaken)));
        let many: Vec<_> = (0..1_000).map(|number| rate(&format!("limit-{number}"), 1, 60, 1)).collect();
        assert_eq!(wrong(&many), Some((None, "", InvalidLimit::TooMany)));
    }

    #[test]
    fn a_rate_in_a_minute_is_rounded_up() {
        let per_minute = |limit, window_seconds| Rate { limit, window_seconds, burst: 1 }.per_minute();
        assert_eq!([per_minute(10, 1), per_minute(600, 60), per_minute(1, 3_600), per_minute(0, 1)], [600, 600, 1, 0]);
    }
}
