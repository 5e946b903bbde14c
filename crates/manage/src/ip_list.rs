//! Lists of allowed addresses on the wire, alike on every record that has one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use claviger_domain::Timestamp;
use claviger_domain::ip_list::{IpEntries, IpEntry, IpRange, MAX_IP_ENTRIES};
use claviger_domain::name::free_text;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, OneOf, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::checks::Checks;
use crate::instant::{self, Edge};

/// The most characters of a label of an allowed address.
pub const LABEL_LENGTH_MAX: usize = 100;
/// The field that a list stands in.
const FIELD: &str = "allowed_ips";

/// An allowed address: `"203.0.113.0/24"`, or the same with a label and an end.
#[derive(Debug, Clone)]
pub struct IpInput {
    /// What is wrong with it is said with all else that is wrong in the request, not before.
    range: Result<IpRange, String>,
    /// Whether it is an object with a member of that name.
    has_members: bool,
    label: Option<String>,
    until: Option<String>,
}

/// A line of a list of allowed addresses.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IpView {
    range: String,
    #[schema(required)]
    label: Option<String>,
    #[schema(required, value_type = Option<String>)]
    until: Option<Timestamp>,
}

/// What a list is read by.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    /// Whose days bare dates are: an IANA name.
    pub time_zone: &'r str,
    /// No entry may have ended by now,
    pub now: Timestamp,
    /// unless it is one of these: what the record had before.
    pub before: &'r IpEntries,
}

/// A list as it is stored: each range once, where it stood first, with the label that came first and the latest end.
pub fn read(checks: &mut Checks, list: &[IpInput], reading: &Reading<'_>) -> IpEntries {
    let fits = list.len() <= MAX_IP_ENTRIES;
    checks.ensure(FIELD, fits, format!("expected at most {MAX_IP_ENTRIES} entries, got {}", list.len()));
    let mut entries: Vec<IpEntry> = Vec::with_capacity(list.len().min(MAX_IP_ENTRIES));
    let mut places: HashMap<IpRange, usize> = HashMap::new();
    for (index, input) in list.iter().enumerate().take(MAX_IP_ENTRIES) {
        let Some(entry) = read_entry(checks, index, input, reading) else { continue };
        match places.entry(entry.range) {
            Entry::Occupied(place) => merge(&mut entries[*place.get()], entry),
            Entry::Vacant(place) => {
                place.insert(entries.len());
                entries.push(entry);
            }
        }
    }
    entries.into()
}

fn read_entry(checks: &mut Checks, index: usize, input: &IpInput, reading: &Reading<'_>) -> Option<IpEntry> {
    let range = input.range.as_ref().map_err(|problem| {
        let member = if input.has_members { ".range" } else { "" };
        checks.refuse(format!("{FIELD}[{index}]{member}"), problem);
    });
    let label = input.label.as_deref().map(|label| {
        checks.take(&format!("{FIELD}[{index}].label"), free_text(label, LABEL_LENGTH_MAX)).into_boxed_str()
    });
    let at = format!("{FIELD}[{index}].until");
    let until = input.until.as_deref().and_then(|until| {
        let read = instant::parse(until, Edge::End, reading.time_zone);
        read.map_err(|problem| checks.refuse(at.as_str(), problem)).ok()
    });
    let entry = IpEntry { range: *range.ok()?, label: label.filter(|label| !label.is_empty()), until };
    let was_there = || reading.before.iter().any(|old| (old.range, old.until) == (entry.range, entry.until));
    let ended = entry.until.is_some_and(|until| until <= reading.now);
    checks.ensure(&at, !ended || was_there(), "is in the past");
    Some(entry)
}

/// Two entries of one range are one.
fn merge(entry: &mut IpEntry, other: IpEntry) {
    entry.until = entry.until.zip(other.until).map(|(one, other)| one.max(other));
    entry.label = entry.label.take().or(other.label);
}

// === impl IpInput ===

impl PartialSchema for IpInput {
    fn schema() -> RefOr<Schema> {
        let text = |example: &str| Object::builder().schema_type(Type::String).examples([example]);
        let members = Object::builder()
            .property("range", text("203.0.113.0/24"))
            .property("label", text("office"))
            .property("until", text("2030-01-31"))
            .required("range");
        OneOf::builder().item(text("203.0.113.0/24")).item(members).into()
    }
}

impl ToSchema for IpInput {}

impl<'de> Deserialize<'de> for IpInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            range: String,
            #[serde(default)]
            label: Option<String>,
            #[serde(default)]
            until: Option<String>,
        }

        impl<'de> Visitor<'de> for Either {
            type Value = IpInput;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an address, a network, a range, or an object with `range`, `label` and `until`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<IpInput, E> {
                Ok(IpInput { range: range(text), has_members: false, label: None, until: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<IpInput, A::Error> {
                let Members { range: text, label, until } = Members::deserialize(MapAccessDeserializer::new(map))?;
                Ok(IpInput { range: range(&text), has_members: true, label, until })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

fn range(text: &str) -> Result<IpRange, String> {
    text.parse().map_err(|problem: claviger_domain::ip_list::IpRangeProblem| problem.to_string())
}

// === impl IpView ===

impl From<&IpEntry> for IpView {
    fn from(entry: &IpEntry) -> Self {
        Self { range: entry.range.to_string(), label: entry.label.as_deref().map(str::to_owned), until: entry.until }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn read_list(list: serde_json::Value, before: &IpEntries) -> Result<IpEntries, Vec<String>> {
        let list: Vec<IpInput> = serde_json::from_value(list).expect("readable");
        let mut checks = Checks::default();
        let entries = read(&mut checks, &list, &Reading { time_zone: "UTC", now: NOW, before });
        let fields = |error: crate::Error| error.errors().iter().map(|error| error.field.clone()).collect();
        checks.finish().map(|()| entries).map_err(fields)
    }

    fn shown(entries: &IpEntries) -> serde_json::Value {
        serde_json::to_value(entries.iter().map(IpView::from).collect::<Vec<_>>()).expect("JSON")
    }

    #[test]
    fn a_range_is_kept_once_with_its_first_label_and_its_latest_end() {
        let list = json!([
            "203.0.113.0/24", "::ffff:192.0.2.1", {"range": "192.0.2.1", "label": "host"},
            {"range": "198.51.100.7-198.51.100.7", "until": "2028-01-01"},
            {"range": "198.51.100.7", "until": "2029-01-01"}, "203.0.113.77/24",
        ]);
        let read = read_list(list, &IpEntries::default()).expect("a list");
        assert_eq!(
            shown(&read),
            json!([
                {"range": "203.0.113.0/24", "label": null, "until": null},
                {"range": "192.0.2.1", "label": "host", "until": null},
                {"range": "198.51.100.7", "label": null, "until": "2029-01-02T00:00:00Z"},
            ])
        );
    }

    #[test]
    fn an_end_in_the_past_is_refused_unless_it_was_there_before() {
        let list = json!(["192.0.2.1", {"range": "192.0.2.2", "until": "2020-01-01"}]);
        assert_eq!(read_list(list.clone(), &IpEntries::default()), Err(vec!["allowed_ips[1].until".to_owned()]));
        let until = Some("2020-01-02T00:00:00Z".parse().expect("an instant"));
        let old = IpEntry { until, ..IpEntry::from("192.0.2.2".parse::<IpRange>().expect("a range")) };
        assert!(read_list(list, &vec![old].into()).is_ok());
    }

    #[test]
    fn every_wrong_entry_is_named_by_its_place() {
        let list = json!([
            {"range": "192.0.2.1", "label": "x".repeat(LABEL_LENGTH_MAX + 1)},
            {"range": "192.0.2.2", "until": "tomorrow"}, {"range": "192.0.2.3", "label": "a\u{0}b"},
            "203.0.113.0/33", {"range": "host.example.com", "until": "tomorrow"},
        ]);
        let places = ["[0].label", "[1].until", "[2].label", "[3]", "[4].range", "[4].until"];
        let expected = places.map(|place| format!("allowed_ips{place}"));
        assert_eq!(read_list(list, &IpEntries::default()), Err(expected.to_vec()));
    }

    #[test]
    fn ten_thousand_entries_are_taken_and_one_more_is_not() {
        let many =
            |count: u32| (0..count).map(|number| std::net::Ipv4Addr::from(number).to_string()).collect::<Vec<_>>();
        let read = read_list(json!(many(10_000)), &IpEntries::default()).expect("a list");
        assert_eq!(read.len(), 10_000);
        assert_eq!(read_list(json!(many(10_001)), &IpEntries::default()), Err(vec!["allowed_ips".to_owned()]));
    }
}
