//! Limits on the wire: the same on keys, applications and API sets.

mod usage;

use claviger_domain::limit::{
    LIMIT_MAX, Limit, LimitKind, LimitName, Period, Place, Quota, Rate, Refill, RefillEvery, Scope,
};
use claviger_domain::role::Levels;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::checks::Checks;

pub(crate) use usage::used;
pub use usage::{LimitUsedView, LimitedView, LimitsUsed};

/// The name of the rate that a key has by the level of whoever makes it, where none is given.
const LEVEL_NAME: &str = "level";
const MINUTE: u32 = 60;

/// A limit to set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitInput {
    /// Unique among the record's limits: `a-z`, `0-9`, `_`, `.` and `-`; clients are told it.
    #[schema(value_type = String, example = "minute")]
    pub name: LimitName,
    /// `rate`: so many in a window that moves with the time; `quota`: so many in a period, exactly.
    #[schema(value_type = String, example = "rate")]
    pub kind: Kind,
    /// How many; 0 = never.
    #[schema(example = 600)]
    #[serde(deserialize_with = "whole")]
    pub limit: u64,
    /// The window of a rate, in seconds.
    #[serde(default, deserialize_with = "whole_or_none")]
    #[schema(value_type = Option<u32>, example = 60)]
    pub window_seconds: Option<u64>,
    /// Of a rate, how many at once where none came before; as many as `limit` if not given.
    #[serde(default, deserialize_with = "whole_or_none")]
    #[schema(value_type = Option<u64>, example = 100)]
    pub burst: Option<u64>,
    /// The period of a quota, in the organization's zone: `day`, `month` or `total`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub period: Option<Period>,
    /// Of a quota in total: what comes back.
    #[serde(default)]
    pub refill: Option<RefillInput>,
    /// What a request of cost 1 takes; 1 if not given.
    #[serde(default, deserialize_with = "whole_or_none")]
    #[schema(value_type = Option<u64>, example = 1)]
    pub cost: Option<u64>,
    /// Who shares one counter: `key`, `owner`, `external_id`, `set`, or each `operation` apart. If not given: of a key's limit
    /// the key, of an application's all its keys, of a set's all that holds it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "key")]
    pub scope: Option<Scope>,
}

/// What comes back of a quota in total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefillInput {
    /// How many, up to the limit.
    #[serde(deserialize_with = "whole")]
    pub amount: u64,
    /// At the beginning of each `day` or `month`.
    #[schema(value_type = String)]
    pub every: RefillEvery,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// So many in a window.
    Rate,
    /// So many in a period.
    Quota,
}

/// A limit as it is stored, with what was not given.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LimitView {
    #[schema(example = "minute")]
    name: String,
    /// `rate` or `quota`.
    #[schema(example = "rate")]
    kind: &'static str,
    /// How many; 0 = never.
    limit: u64,
    /// Of a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    window_seconds: Option<u32>,
    /// Of a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u64>,
    /// Of a quota: `day`, `month` or `total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<&'static str>,
    /// Of a quota in total that comes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    refill: Option<RefillView>,
    /// What a request of cost 1 takes.
    cost: u64,
    /// `key`, `owner`, `external_id`, `set` or `operation`.
    #[schema(example = "key")]
    scope: &'static str,
}

/// What comes back of a quota in total.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefillView {
    amount: u64,
    /// `day` or `month`.
    every: &'static str,
}

/// The limits of a record as a request gives them.
pub(crate) fn read(checks: &mut Checks, given: &[LimitInput], place: Place) -> Vec<Limit> {
    let mut limits = Vec::with_capacity(given.len().min(claviger_domain::limit::LIMITS_MAX));
    for (at, input) in given.iter().enumerate().take(claviger_domain::limit::LIMITS_MAX + 1) {
        match input.read(place) {
            Ok(limit) => limits.push(limit),
            Err((field, message)) => {
                checks.refuse(format!("limits[{at}].{field}"), message);
                return Vec::new();
            }
        }
    }
    if let Err((at, field, wrong)) = Limit::check_all(&limits, place) {
        let field = at.map_or_else(|| "limits".to_owned(), |at| format!("limits[{at}].{field}"));
        checks.refuse(field, wrong);
    }
    limits
}

/// Holds the limits of a key against the level of whoever makes or changes it: a rate over all that the key asks is part of what
/// it is given then, and none is larger than the level. Where no such rate is given, the level's is.
pub(crate) fn within(checks: &mut Checks, limits: &mut Vec<Limit>, levels: &Levels) {
    let Some(most) = levels.max_rate else { return };
    let mut is_bounded = false;
    for (at, limit) in limits.iter().enumerate() {
        let LimitKind::Rate(rate) = &limit.kind else { continue };
        if rate.per_minute().max(rate.burst) > u64::from(most) {
            let message = format!("the largest rate that your roles grant is {most} a minute, and at once");
            return checks.refuse(format!("limits[{at}].limit"), message);
        }
        is_bounded |= limit.scope != Scope::Operation;
    }
    if is_bounded {
        return;
    }
    let name: Option<LimitName> = LEVEL_NAME.parse().ok().filter(|name| limits.iter().all(|limit| limit.name != *name));
    let Some(name) = name.filter(|_| limits.len() < claviger_domain::limit::LIMITS_MAX) else {
        let message = format!("your roles grant {most} a minute: give a rate of the scope `key` of at most that");
        return checks.refuse("limits", message);
    };
    let rate = Rate { limit: most.into(), window_seconds: MINUTE, burst: u64::from(most).max(1) };
    limits.push(Limit { name, kind: LimitKind::Rate(rate), cost: 1, scope: Scope::Key });
}

/// Deserializes a whole number; what is negative, broken or no number at all is told alike.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let expected = || serde::de::Error::custom(format_args!("expected a whole number from 0 to {LIMIT_MAX}"));
    Value::deserialize(deserializer)?.as_u64().ok_or_else(expected)
}

/// The same, where there may be none.
fn whole_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() { Ok(None) } else { whole(value).map(Some).map_err(serde::de::Error::custom) }
}

// === impl LimitInput ===

impl LimitInput {
    fn read(&self, place: Place) -> Result<Limit, (&'static str, &'static str)> {
        let kind = match self.kind {
            Kind::Rate => LimitKind::Rate(self.read_rate()?),
            Kind::Quota => LimitKind::Quota(self.read_quota()?),
        };
        let scope = self.scope.unwrap_or(Scope::usual(place));
        Ok(Limit { name: self.name.clone(), kind, cost: self.cost.unwrap_or(1), scope })
    }

    fn read_rate(&self) -> Result<Rate, (&'static str, &'static str)> {
        if self.period.is_some() {
            return Err(("period", "is of a quota"));
        }
        if self.refill.is_some() {
            return Err(("refill", "is of a quota"));
        }
        let window = self.window_seconds.ok_or(("window_seconds", "is required of a rate"))?;
        // A number that does not fit is refused as one that is too large.
        let window_seconds = u32::try_from(window).unwrap_or(u32::MAX);
        Ok(Rate { limit: self.limit, window_seconds, burst: self.burst.unwrap_or(self.limit.max(1)) })
    }

    fn read_quota(&self) -> Result<Quota, (&'static str, &'static str)> {
        if self.window_seconds.is_some() {
            return Err(("window_seconds", "is of a rate"));
        }
        if self.burst.is_some() {
            return Err(("burst", "is of a rate"));
        }
        let period = self.period.ok_or(("period", "is required of a quota: day, month or total"))?;
        let refill = self.refill.map(|refill| Refill { amount: refill.amount, every: refill.every });
        Ok(Quota { limit: self.limit, period, refill })
    }
}

// === impl LimitView ===

impl From<&Limit> for LimitView {
    fn from(limit: &Limit) -> Self {
        let (rate, quota) = match limit.kind {
            LimitKind::Rate(rate) => (Some(rate), None),
            LimitKind::Quota(quota) => (None, Some(quota)),
        };
        Self {
            name: limit.name.to_string(),
            kind: if rate.is_some() { "rate" } else { "quota" },
            limit: rate.map_or(quota.map_or(0, |quota| quota.limit), |rate| rate.limit),
            window_seconds: rate.map(|rate| rate.window_seconds),
            burst: rate.map(|rate| rate.burst),
            period: quota.map(|quota| quota.period.as_str()),
            refill: quota
                .and_then(|quota| quota.refill)
                .map(|refill| RefillView { amount: refill.amount, every: refill.every.as_str() }),
            cost: limit.cost,
            scope: limit.scope.as_str(),
        }
    }
}

/// The views of a record's limits.
pub(crate) fn views(limits: &[Limit]) -> Vec<LimitView> {
    limits.iter().map(LimitView::from).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::body::read_fields;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        limits: Vec<LimitInput>,
    }

    /// The limits of a key, or `field: message` of each mistake.
    fn given(limits: &Value, levels: &Levels) -> Result<Vec<Limit>, Vec<String>> {
        let told = |error: crate::Error| -> Vec<String> {
            error.errors().iter().map(|error| format!("{}: {}", error.field, error.message)).collect()
        };
        let body: Body = read_fields(json!({"limits": limits})).map_err(told)?;
        let mut checks = Checks::default();
        let mut limits = read(&mut checks, &body.limits, Place::Key);
        within(&mut checks, &mut limits, levels);
        checks.finish().map_err(told)?;
        Ok(limits)
    }

    fn minute(limit: u64) -> Value {
        json!({"name": "minute", "kind": "rate", "limit": limit, "window_seconds": 60})
    }

    #[test]
    fn what_is_not_given_is_the_usual() {
        let limits = given(
            &json!([minute(600), {"name": "d", "kind": "quota", "limit": 0, "period": "day"}]),
            &Levels::default(),
        );
        let views: Vec<_> = limits.expect("limits").iter().map(|limit| json!(LimitView::from(limit))).collect();
        assert_eq!(
            views[0],
            json!({"name": "minute", "kind": "rate", "limit": 600, "window_seconds": 60, "burst": 600, "cost": 1, "scope": "key"})
        );
        assert_eq!(
            views[1],
            json!({"name": "d", "kind": "quota", "limit": 0, "period": "day", "cost": 1, "scope": "key"})
        );
    }

    #[test]
    fn bad_limits_are_refused_and_the_field_is_named() {
        let with = |name: &str, value: Value| {
            let mut limit = minute(600);
            limit[name] = value;
            json!([limit])
        };
        let many: Vec<_> = (0..1_000)
            .map(|number| json!({"name": format!("l{number}"), "kind": "quota", "limit": 1, "period": "day"}))
            .collect();
        for (limits, field) in [
            (with("limit", json!(-1)), "limits[0].limit"),
            (with("limit", json!(1.5)), "limits[0].limit"),
            (with("limit", json!("600")), "limits[0].limit"),
            (with("limit", json!(1_u64 << 63)), "limits[0].limit"),
            (with("limit", json!(1.0e300)), "limits[0].limit"),
            (with("window_seconds", json!(0)), "limits[0].window_seconds"),
            (with("window_seconds", Value::Null), "limits[0].window_seconds"),
            (with("window_seconds", json!(1_u64 << 40)), "limits[0].window_seconds"),
            (with("burst", json!(0)), "limits[0].burst"),
            (with("burst", json!(-3)), "limits[0].burst"),
            (with("cost", json!(0)), "limits[0].cost"),
            (with("period", json!("day")), "limits[0].period"),
            (with("period", json!("week")), "limits[0].period"),
            (with("kind", json!("speed")), "limits[0].kind"),
            (with("scope", json!("set")), "limits[0].scope"),
            (with("name", json!("Per minute")), "limits[0].name"),
            (with("nmae", json!("x")), "limits[0].nmae"),
            (json!([minute(1), minute(2)]), "limits[1].name"),
            (json!([{"name": "d", "kind": "quota", "limit": 1}]), "limits[0].period"),
            (json!([{"name": "d", "kind": "quota", "limit": 1, "period": "day", "burst": 1}]), "limits[0].burst"),
            (
                json!([{"name": "d", "kind": "quota", "limit": 1, "period": "day", "refill": {"amount": 1, "every": "day"}}]),
                "limits[0].refill",
            ),
            (json!(many), "limits"),
            (json!("none"), "limits"),
        ] {
            let errors = given(&limits, &Levels::default()).expect_err("a bad limit");
            assert!(errors[0].starts_with(&format!("{field}: ")), "{limits}: {errors:?}");
        }
    }

    #[test]
    fn a_level_bounds_the_rate_and_gives_one_where_there_is_none() {
        let levels = Levels { max_rate: Some(100), ..Levels::default() };
        let rates = |limits: Value| {
            given(&limits, &levels).map(|limits| limits.iter().map(|limit| limit.name.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(rates(json!([minute(100)])), Ok(vec!["minute".to_owned()]));
        assert_eq!(rates(json!([])), Ok(vec!["level".to_owned()]));
        assert!(rates(json!([minute(101)])).expect_err("too large")[0].contains("100 a minute"));
        let second = json!({"name": "s", "kind": "rate", "limit": 2, "window_seconds": 1});
        assert!(rates(json!([second])).is_err(), "120 a minute");
        let burst = json!({"name": "s", "kind": "rate", "limit": 1, "window_seconds": 1, "burst": 101});
        assert!(rates(json!([burst])).is_err());
        let operation = json!({"name": "o", "kind": "rate", "limit": 9, "window_seconds": 60, "scope": "operation"});
        assert_eq!(
            rates(json!([operation])),
            Ok(vec!["o".to_owned(), "level".to_owned()]),
            "each operation apart is more"
        );
    }
}
