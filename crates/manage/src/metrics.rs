//! What the management API tells about itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use claviger_domain::histogram::{DATABASE_BOUNDS_MICROS, Durations, Histogram};
use http::{Method, StatusCode};

/// Methods that are told apart; any other is the last.
const METHODS: [&str; 6] = ["GET", "POST", "PATCH", "PUT", "DELETE", "other"];
/// Classes of status.
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// A reading since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// How long calls took, by method.
    pub times: Vec<(&'static str, Durations)>,
    /// Calls by method and class of status; those that never happened are left out.
    pub calls: Vec<(&'static str, &'static str, u64)>,
}

/// The counters behind it.
#[derive(Debug)]
pub struct Counters {
    times: [Histogram; METHODS.len()],
    calls: [[AtomicU64; STATUSES.len()]; METHODS.len()],
}

/// A method as it is counted and logged: whatever is none of those that the API has is `other`.
pub(crate) fn method_name(method: &Method) -> &'static str {
    METHODS[index(method)]
}

fn index(method: &Method) -> usize {
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1)
}

// === impl Counters ===

impl Counters {
    /// Counts a call.
    pub(crate) fn note(&self, method: &Method, status: StatusCode, took: Duration) {
        let method = index(method);
        self.times[method].observe(took);
        let class = usize::from(status.as_u16() / 100).clamp(1, STATUSES.len()) - 1;
        self.calls[method][class].fetch_add(1, Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Metrics {
        let times = METHODS.into_iter().zip(&self.times).map(|(method, times)| (method, times.read())).collect();
        let calls = METHODS.into_iter().zip(&self.calls).flat_map(|(method, calls)| {
            STATUSES.into_iter().zip(calls).map(move |(status, count)| (method, status, count.load(Relaxed)))
        });
        Metrics { times, calls: calls.filter(|(_, _, count)| *count > 0).collect() }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self { times: std::array::from_fn(|_| Histogram::new(DATABASE_BOUNDS_MICROS)), calls: Default::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_method_and_status_have_their_place() {
        let counters = Counters::default();
        for (method, status) in [("GET", 200), ("GET", 204), ("BREW", 418), ("DELETE", 503), ("get", 999)] {
            let method: Method = method.parse().expect("a token");
            counters.note(&method, StatusCode::from_u16(status).expect("three digits"), Duration::from_millis(3));
        }
        let expected = [("GET", "2xx", 2), ("DELETE", "5xx", 1), ("other", "4xx", 1), ("other", "5xx", 1)];
        let read = counters.read();
        assert_eq!(read.calls, expected);
        assert_eq!(read.times[0].1.count, 2);
    }
}
