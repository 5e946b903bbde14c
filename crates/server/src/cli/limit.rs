//! Limits on the command line: `minute=600/60s`, `credits=1000/total,refill=100/day,scope=owner`.

use claviger_domain::limit::LIMIT_MAX;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::failure::Failure;
use super::output::{ListOf, Output, cell};

const EXPECTED: &str = "expected NAME=NUMBER/WINDOW, such as minute=600/60s, hour=1000/1h, daily=5000/day or credits=100/total, and \
                        behind it ,burst=N ,cost=N ,refill=N/day ,scope=key|owner|external_id|set|operation";

/// A limit as the management API takes it. What a name or a scope may be, the server says.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut parts = text.split(',');
    let first = parts.next().and_then(|first| first.split_once('=')).ok_or(EXPECTED)?;
    let mut limit = Map::new();
    limit.insert("name".to_owned(), json!(first.0));
    let (number, span) = quantity(first.1)?;
    limit.insert("limit".to_owned(), json!(number));
    match seconds(span) {
        Some(seconds) => {
            limit.insert("kind".to_owned(), json!("rate"));
            limit.insert("window_seconds".to_owned(), json!(seconds));
        }
        None if ["day", "month", "total"].contains(&span) => {
            limit.insert("kind".to_owned(), json!("quota"));
            limit.insert("period".to_owned(), json!(span));
        }
        None => return Err(EXPECTED.to_owned()),
    }
    for part in parts {
        let (name, value) = part.split_once('=').ok_or(EXPECTED)?;
        let value = match name {
            "burst" | "cost" => json!(whole(value)?),
            "scope" => json!(value),
            "refill" => {
                let (amount, every) = quantity(value)?;
                json!({"amount": amount, "every": every})
            }
            _ => return Err(EXPECTED.to_owned()),
        };
        if limit.insert(name.to_owned(), value).is_some() {
            return Err(EXPECTED.to_owned());
        }
    }
    Ok(Value::Object(limit))
}

/// Prints what was taken of the limits that this path of the management API tells.
pub(super) async fn print_used(client: &Client, output: Output, path: &[&str]) -> Result<(), Failure> {
    let answer = client.get(path, &[]).await?;
    if output.is_json() {
        return output.value(&answer);
    }
    let mut table = output.table(&["LIMIT", "OF", "USED", "HELD", "LEFT", "RESETS", "SCOPE", "ON", "COUNTED"]);
    for limit in answer["data"].as_array().into_iter().flatten() {
        let on = format!("{} {}", cell(&limit["on"]["type"]), cell(&limit["on"]["name"]));
        let numbers = ["used", "held", "remaining", "resets_at", "scope"].map(|field| cell(&limit[field]));
        let ends = [on, cell(&limit["counted"])];
        table.row([cell(&limit["name"]), bound(limit)].into_iter().chain(numbers).chain(ends));
    }
    output.page(&table, &answer, &[], ListOf { things: "limits", make: "" })
}

/// So many in what time, as [`parse`] reads it.
fn bound(limit: &Value) -> String {
    let span = limit["window_seconds"].as_u64().map(|seconds| format!("{seconds}s"));
    format!("{}/{}", cell(&limit["limit"]), span.unwrap_or_else(|| cell(&limit["period"])))
}

/// `600/60s` as 600 and `60s`.
fn quantity(text: &str) -> Result<(u64, &str), String> {
    let (number, span) = text.split_once('/').ok_or(EXPECTED)?;
    Ok((whole(number)?, span))
}

/// A number that a limit may have, as far as numbers here go; how large it may be, the server says.
fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {LIMIT_MAX} in place of `{text}`"))
}

/// `60s`, `5m`, `1h` and `7d` in seconds; `None`: it is no such window.
fn seconds(span: &str) -> Option<u64> {
    let unit = match span.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = span.get(..span.len() - 1)?.parse().ok()?;
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_in_a_line() {
        for (text, limit) in [
            ("minute=600/60s", json!({"name": "minute", "kind": "rate", "limit": 600, "window_seconds": 60})),
            ("h=1/2h,burst=5", json!({"name": "h", "kind": "rate", "limit": 1, "window_seconds": 7_200, "burst": 5})),
            (
                "daily=0/day,scope=owner",
                json!({"name": "daily", "kind": "quota", "limit": 0, "period": "day", "scope": "owner"}),
            ),
            (
                "credits=9/total,refill=2/month,cost=3",
                json!({"name": "credits", "kind": "quota", "limit": 9, "period": "total", "cost": 3,
                       "refill": {"amount": 2, "every": "month"}}),
            ),
        ] {
            assert_eq!(parse(text), Ok(limit), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_told_as_such() {
        for (text, wrong) in [
            ("minute=x/60s", "x"),
            ("minute=-1/60s", "-1"),
            ("minute=/60s", ""),
            ("a=1/1s,burst=18446744073709551616", "18446744073709551616"),
            ("a=1/total,refill=y/day", "y"),
        ] {
            let expected = format!("expected a whole number from 0 to 9007199254740992 in place of `{wrong}`");
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_told_how_one_is_written() {
        for text in [
            "",
            "minute",
            "minute=600",
            "minute=1/60",
            "a=1/é",
            "a=1/week",
            "a=1/1s,",
            "a=1/1s,colour=red",
            "a=1/1s,cost=1,cost=2",
            "a=1/total,refill=1",
            "a=1/99999999999999999999d",
        ] {
            assert_eq!(parse(text), Err(EXPECTED.to_owned()), "{text}");
        }
    }
}
