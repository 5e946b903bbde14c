//! When a key ends: what the form offers, what the policy and one's roles let it be, and what that means in days.

use std::collections::BTreeMap;

use claviger_domain::key::Owner;
use claviger_domain::policy::{Lifetime, PerOwner, Policy};
use claviger_domain::rules::Rules;
use claviger_domain::{OrganizationId, Timestamp};
use claviger_texts::console::keys::term as texts;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::form::Arrangement;
use super::key::Key;
use super::new::Place;
use crate::call::segment;
use crate::failure::Failure;
use crate::form::Form;
use crate::parts::field::Choice;
use crate::parts::time;
use crate::viewer::Viewer;

/// The choice among times.
pub(super) const EXPIRES_IN: &str = "expires_in";
/// The day that is typed in the place of one.
pub(super) const EXPIRES_AT: &str = "expires_at";
/// The choice of another day.
pub(super) const OTHER: &str = "date";
/// Times to choose from.
const TIMES: [&str; 4] = ["7d", "30d", "90d", "1y"];

/// What a key's end may be.
#[derive(Debug, Clone)]
pub(super) struct Term {
    /// The day on which the form is shown.
    today: Date,
    /// The last day that it may work on; `None`: it may work for ever.
    last: Option<Date>,
    /// After so many days without use it is out of service; 0: never.
    idle_days: u32,
    /// The organization's, in which days end.
    zone: String,
}

/// What the form needs of the policy.
#[derive(Debug, Default, Deserialize)]
struct Read {
    #[serde(default)]
    max_lifetime: BTreeMap<String, Option<Lifetime>>,
    #[serde(default)]
    idle_days: u32,
}

// === impl Read ===

impl Read {
    /// What the policy says; nothing where it is not the viewer's to see.
    async fn of(viewer: &Viewer) -> Result<Self, Failure> {
        Ok(viewer.api.get("/policy").read_if_seen().await?.unwrap_or_default())
    }
}

// === impl Term ===

impl Term {
    /// Of a key that is made now.
    pub(super) async fn of_new(viewer: &Viewer, place: &Place) -> Result<Self, Failure> {
        let owner = match place.arrangement {
            Arrangement::Organization => "organization",
            Arrangement::Profile | Arrangement::Account => "user",
            Arrangement::Application => "application",
        };
        let policy = Read::of(viewer).await?;
        let most = policy.max_lifetime.get(owner).copied().flatten();
        let most = most.and_then(|lifetime| end(lifetime, viewer.now, viewer));
        Ok(Self::within(viewer, &policy, most, is_own(viewer, place), viewer.now))
    }

    /// Of one that is there.
    pub(super) async fn of_key(viewer: &Viewer, key: &Key) -> Result<Self, Failure> {
        let made_at = key.created_at.parse().unwrap_or(viewer.now);
        let most = key.expires_at_max.as_deref().and_then(|at| at.parse().ok());
        Ok(Self::within(viewer, &Read::of(viewer).await?, most, key.is_of(viewer), made_at))
    }

    /// Where the policy lets it end at `most`, and the viewer's roles so many days after it was made.
    fn within(viewer: &Viewer, policy: &Read, most: Option<Timestamp>, is_own: bool, made_at: Timestamp) -> Self {
        let granted = if is_own { viewer.max_lifetime_days.own } else { viewer.max_lifetime_days.others };
        let granted = granted.and_then(|days| end(Lifetime::Days(days), made_at, viewer));
        Self {
            today: date(viewer.now, &viewer.home_zone).unwrap_or_default(),
            last: most.into_iter().chain(granted).min().and_then(|end| last_day(end, &viewer.home_zone)),
            idle_days: policy.idle_days,
            zone: viewer.organization.time_zone.clone(),
        }
    }

    /// What there is to choose from: what it is without a choice, times that may be, and another day.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let until = self.last.map(time::date);
        let usual = Choice::new("", until.as_deref().map_or_else(|| texts::NONE.to_owned(), texts::longest));
        let times = TIMES.iter().filter_map(|time| {
            let day = self.day(time).filter(|day| self.last.is_none_or(|last| *day <= last))?;
            Some(Choice::new(*time, texts::time(time, &time::date(day))))
        });
        std::iter::once(usual).chain(times).chain([Choice::new(OTHER, texts::OTHER)]).collect()
    }

    /// What stands chosen: a day that was typed counts, whatever else was chosen.
    pub(super) fn choice(form: &Form) -> &str {
        if form.given(EXPIRES_AT).is_some() { OTHER } else { form.text(EXPIRES_IN) }
    }

    /// The end that a form says, as the API takes it; `None`: none of its own.
    pub(super) fn chosen(&self, form: &Form) -> Option<String> {
        if let Some(day) = form.given(EXPIRES_AT) {
            return Some(day.to_owned());
        }
        let time = form.given(EXPIRES_IN)?;
        Some(self.day(time).map_or_else(|| time.to_owned(), |day| day.to_string()))
    }

    /// What an end means, and what else ends the key.
    pub(super) fn hint(&self) -> String {
        format!("{} {}", texts::days_end(&self.zone), texts::idle(self.idle_days)).trim_end().to_owned()
    }

    /// What the key gets without a choice.
    pub(super) fn usual(&self) -> String {
        let end = self.last.map_or_else(|| texts::USUALLY_NONE.to_owned(), |last| texts::usually(&time::date(last)));
        format!("{end} {}", texts::idle(self.idle_days)).trim_end().to_owned()
    }

    /// What an empty day means for a key that is there.
    pub(super) fn empty(&self) -> String {
        let end = self.last.map_or_else(|| texts::EMPTY_NONE.to_owned(), |last| texts::empty(&time::date(last)));
        format!("{} {end} {}", texts::last_day(&self.zone), texts::idle(self.idle_days)).trim_end().to_owned()
    }

    /// The last day of a time that begins today.
    fn day(&self, time: &str) -> Option<Date> {
        let span = match time {
            "7d" => 7.days(),
            "30d" => 30.days(),
            "90d" => 90.days(),
            "1y" => 1.year(),
            _ => return None,
        };
        self.today.checked_add(span).ok()
    }
}

/// Whether the keys of a place are the viewer's own.
fn is_own(viewer: &Viewer, place: &Place) -> bool {
    let person = &viewer.person;
    let of = |name: &String| place.api == format!("/users/{}/keys", segment(name));
    place.arrangement == Arrangement::Profile || [&person.id, &person.username, &person.email].into_iter().any(of)
}

/// The end of a key that may live so long. The rules ask whose it is; here all owners have the same.
fn end(lifetime: Lifetime, made_at: Timestamp, viewer: &Viewer) -> Option<Timestamp> {
    let max_lifetime = PerOwner { organization: Some(lifetime), ..PerOwner::default() };
    let rules = Rules::new(&Policy { max_lifetime, ..Policy::default() }, &viewer.organization.time_zone);
    rules.end_max(&Owner::Organization(OrganizationId::from_raw(0)), made_at)
}

fn date(at: Timestamp, zone: &TimeZone) -> Option<Date> {
    Some(jiff::Timestamp::from_microsecond(at.as_micros()).ok()?.to_zoned(zone.clone()).date())
}

/// The last day of which something counts before this end.
fn last_day(end: Timestamp, zone: &TimeZone) -> Option<Date> {
    date(Timestamp::from_micros(end.as_micros().saturating_sub(1)), zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(last: Option<Date>) -> Term {
        Term { today: jiff::civil::date(2026, 1, 31), last, idle_days: 90, zone: "Europe/Warsaw".to_owned() }
    }

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).expect("few fields")
    }

    #[test]
    fn times_are_offered_as_far_as_the_policy_lets_them_be() {
        let values = |term: Term| term.choices().into_iter().map(|choice| choice.value).collect::<Vec<_>>();
        assert_eq!(values(term(None)), ["", "7d", "30d", "90d", "1y", OTHER]);
        assert_eq!(values(term(Some(jiff::civil::date(2026, 3, 2)))), ["", "7d", "30d", OTHER]);
        assert_eq!(values(term(Some(jiff::civil::date(2027, 1, 31)))), ["", "7d", "30d", "90d", "1y", OTHER]);
    }

    #[test]
    fn a_day_that_was_typed_counts_and_a_time_ends_on_its_last_day() {
        let chosen = |text: &str| term(None).chosen(&form(text));
        assert_eq!(chosen("expires_in=&expires_at="), None);
        assert_eq!(chosen("expires_in=30d").as_deref(), Some("2026-03-02"));
        assert_eq!(chosen("expires_in=1y&expires_at=2026-05-01").as_deref(), Some("2026-05-01"));
        // The API says what is wrong with the rest.
        assert_eq!(chosen("expires_in=date&expires_at=").as_deref(), Some("date"));
        assert_eq!(chosen("expires_in=a+while").as_deref(), Some("a while"));
    }

    #[test]
    fn what_an_empty_field_means_stands_there_with_its_day() {
        let capped = term(Some(jiff::civil::date(2027, 1, 31)));
        for text in [capped.usual(), capped.empty(), capped.choices().remove(0).label] {
            assert!(text.contains("31 Jan 2027"), "{text}");
        }
        assert!(capped.hint().contains("Europe/Warsaw") && capped.usual().contains("90 days"));
        let free = Term { idle_days: 0, ..term(None) };
        assert!(free.usual().contains("no expiry") && !free.usual().contains("days"), "{}", free.usual());
    }
}
