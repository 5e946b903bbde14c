//! Which requests, by what, and in which steps of time.

use claviger_domain::Timestamp;
use claviger_domain::usage::floor;
use claviger_domain::verdict::Code;
use claviger_store::usage::{Span, Step};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::number;
use crate::error::Error;
use crate::export::Format;
use crate::instant::{self, Edge};

/// The most steps of an answer.
pub(super) const STEPS_MAX: i64 = 2_000;
/// The most series of an answer, and how many it has if nothing is said.
const TOP_MAX: u32 = 100;
const TOP: u32 = 10;
const DAY: std::time::Duration = std::time::Duration::from_hours(24);
/// Up to this span steps are hours, if nothing is said.
const HOURS_UP_TO: std::time::Duration = std::time::Duration::from_hours(8 * 24);

/// What requests are counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Verdict.
    #[default]
    Code,
    /// Key.
    Key,
    /// Owner of the keys.
    Owner,
    /// API.
    Api,
    /// API set that the keys held.
    Set,
}

/// How fine the steps are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Minutes; of owners and APIs alone, for two days.
    Minute,
    /// Hours.
    Hour,
    /// Days (UTC).
    Day,
}

/// Which requests of the organization.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// `code` (if not given), `key`, `owner`, `api` or `set`.
    #[serde(default)]
    #[param(inline)]
    pub by: By,
    /// The first instant, or a bare date (UTC); a day before `to` if not given. Rounded down to a whole step.
    #[serde(default)]
    pub from: Option<String>,
    /// The end, exclusive, or a bare date whose whole day counts (UTC); now if not given. Rounded up to a whole step: the one that is under way counts.
    #[serde(default)]
    pub to: Option<String>,
    /// `minute`, `hour` or `day`; if not given hours for up to eight days, else days. At most 2,000 steps.
    #[serde(default)]
    #[param(inline)]
    pub step: Option<StepName>,
    /// How many series, those with most requests: 1 to 100, 10 if not given.
    #[serde(default, deserialize_with = "number")]
    #[param(minimum = 1, maximum = 100)]
    pub top: Option<u32>,
    /// Of this key alone, by id: with `by=code` or `by=key`.
    #[serde(default)]
    pub key: Option<String>,
    /// Of this owner's keys alone, by id: with `by=code`, `by=owner` or `by=key`.
    #[serde(default)]
    pub owner: Option<String>,
    /// Of this API alone, by slug or id: with `by=code` or `by=api`.
    #[serde(default)]
    pub api: Option<String>,
    /// Of keys that held this set alone, by slug or id: with `by=code` or `by=set`.
    #[serde(default)]
    pub set: Option<String>,
    /// Those with this verdict alone, such as `RATE_LIMITED`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub code: Option<Code>,
    /// `json`, or a row a step as `csv` or `jsonl`; `Accept` is heard too.
    #[serde(default)]
    #[param(inline)]
    pub format: Option<Format>,
}

/// Which requests of a key.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct KeyUsageQuery {
    /// As of `/usage`.
    #[serde(default)]
    pub from: Option<String>,
    /// As of `/usage`.
    #[serde(default)]
    pub to: Option<String>,
    /// `hour` or `day`.
    #[serde(default)]
    #[param(inline)]
    pub step: Option<StepName>,
    /// As of `/usage`.
    #[serde(default)]
    #[param(inline)]
    pub format: Option<Format>,
}

// === impl UsageQuery ===

impl UsageQuery {
    pub(super) fn top(&self) -> Result<usize, Error> {
        match self.top.unwrap_or(TOP) {
            top @ 1..=TOP_MAX => Ok(top as usize),
            _ => Err(Error::field("top", format!("expected 1 to {TOP_MAX}"))),
        }
    }

    pub(super) fn span(&self, now: Timestamp) -> Result<Span, Error> {
        span(self.from.as_deref(), self.to.as_deref(), self.step, now)
    }
}

// === impl KeyUsageQuery ===

impl KeyUsageQuery {
    pub(super) fn span(&self, now: Timestamp) -> Result<Span, Error> {
        if self.step == Some(StepName::Minute) {
            return Err(Error::field("step", "expected `hour` or `day`: minutes are counted by owner and API"));
        }
        span(self.from.as_deref(), self.to.as_deref(), self.step, now)
    }
}

/// Whole steps around what was asked for; refused where there are too many.
fn span(from: Option<&str>, to: Option<&str>, step: Option<StepName>, now: Timestamp) -> Result<Span, Error> {
    let read = |field: &str, text: Option<&str>, edge| {
        text.map(|text| instant::parse(text, edge, "UTC").map_err(|problem| Error::field(field, problem))).transpose()
    };
    // The step that is under way counts.
    let before = read("to", to, Edge::End)?.unwrap_or(now.saturating_add(std::time::Duration::from_micros(1)));
    let from = read("from", from, Edge::Begin)?.unwrap_or(before.saturating_sub(DAY));
    if from >= before {
        return Err(Error::field("from", "expected an instant before `to`"));
    }
    let is_short = before.saturating_since(from) <= HOURS_UP_TO;
    let step = match step {
        Some(StepName::Minute) => Step::Minute,
        Some(StepName::Hour) => Step::Hour,
        None if is_short => Step::Hour,
        Some(StepName::Day) | None => Step::Day,
    };
    let from = floor(from, step.micros());
    let last = floor(Timestamp::from_micros(before.as_micros() - 1), step.micros());
    let before = Timestamp::from_micros(last.as_micros().saturating_add(step.micros()));
    let steps = before.as_micros().saturating_sub(from.as_micros()) / step.micros();
    if steps > STEPS_MAX {
        let problem =
            format!("these are {steps} steps, and at most {STEPS_MAX} are answered: ask for less time or longer steps");
        return Err(Error::field("step", problem));
    }
    Ok(Span { step, from, before })
}

// === impl StepName ===

impl From<Step> for StepName {
    fn from(step: Step) -> Self {
        match step {
            Step::Minute => Self::Minute,
            Step::Hour => Self::Hour,
            Step::Day => Self::Day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_span_is_whole_steps_around_what_was_asked_for() {
        let now = at("2026-03-10T12:34:56Z");
        for (from, to, step, expected) in [
            (None, None, None, ("2026-03-09T12:00:00Z", "2026-03-10T13:00:00Z", Step::Hour)),
            (Some("2026-03-01"), None, None, ("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", Step::Day)),
            (
                Some("2026-03-01"),
                Some("2026-03-02"),
                Some(StepName::Hour),
                ("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", Step::Hour),
            ),
            (
                Some("2026-03-10T12:00:30Z"),
                Some("2026-03-10T12:02:00Z"),
                Some(StepName::Minute),
                ("2026-03-10T12:00:00Z", "2026-03-10T12:02:00Z", Step::Minute),
            ),
        ] {
            let found = span(from, to, step, now).expect("a span");
            assert_eq!(
                (found.from, found.before, found.step),
                (at(expected.0), at(expected.1), expected.2),
                "{from:?}"
            );
        }
    }

    #[test]
    fn too_many_steps_and_ends_before_beginnings_are_refused() {
        let now = at("2026-03-10T00:00:00Z");
        let problem = span(Some("2025-01-01"), None, Some(StepName::Hour), now).expect_err("too many");
        assert!(problem.errors()[0].message.contains("2000"), "{problem:?}");
        assert!(span(Some("2026-03-10"), Some("2026-03-01"), None, now).is_err());
        assert!(span(Some("soon"), None, None, now).is_err());
    }
}
