//! Lists of IP addresses: who may use a key from where.

mod entries;
mod range;

use std::collections::BinaryHeap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
pub use entries::{InvalidListDigest, IpEntries, ListDigest};
use range::{IPV4_FIRST, IPV4_LAST, position};
pub use range::{IpRange, IpRangeProblem};

/// Most entries of one list; checked where a list is saved.
pub const MAX_IP_ENTRIES: usize = 10_000;

/// One line of a list of allowed IPs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IpEntry {
    /// The addresses.
    pub range: IpRange,
    /// What people call them.
    #[serde(default)]
    pub label: Option<Box<str>>,
    /// The first instant at which the entry no longer counts.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// A list made for asking: which addresses are in it at an instant.
///
/// The address space is cut into spans, each with the latest end of the entries that cover it, so that a question is one
/// binary search whatever the number of entries, dated ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IpList {
    /// Ascending, disjoint.
    spans: Box<[Span]>,
    has_entries: bool,
}

/// Addresses `first..=last` as [`position`]s; `until` is the first instant that is out, `None` = never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: u128,
    last: u128,
    until: Option<Timestamp>,
}

// === impl IpEntry ===

impl From<IpRange> for IpEntry {
    fn from(range: IpRange) -> Self {
        Self { range, label: None, until: None }
    }
}

// === impl IpList ===

impl IpList {
    /// Makes a list of its entries, in any order, overlapping or not.
    pub fn new(entries: &[IpEntry]) -> Self {
        let covers = entries.iter().flat_map(covers).collect();
        Self { spans: cut(covers).into(), has_entries: !entries.is_empty() }
    }

    /// Whether there are no entries at all, which means any address. A list whose entries have all ended is not empty:
    /// it holds no address.
    pub fn is_empty(&self) -> bool {
        !self.has_entries
    }

    /// Whether the address is in the list at this instant. A mapped IPv4 address (`::ffff:192.0.2.1`) counts as IPv4.
    pub fn contains(&self, ip: IpAddr, now: Timestamp) -> bool {
        let position = position(ip);
        let after = self.spans.partition_point(|span| span.first <= position);
        let Some(span) = after.checked_sub(1).and_then(|at| self.spans.get(at)) else { return false };
        position <= span.last && span.until.is_none_or(|until| now < until)
    }
}

/// An entry's addresses; what is written as IPv6 leaves the mapped IPv4 block out, so that `::/0` lets no IPv4 in.
fn covers(entry: &IpEntry) -> impl Iterator<Item = Span> {
    let (first, last) = entry.range.positions();
    let span = |first, last| (first <= last).then_some(Span { first, last, until: entry.until });
    let parts = if entry.range.is_ipv4() {
        [span(first, last), None]
    } else {
        [span(first, last.min(IPV4_FIRST - 1)), span(first.max(IPV4_LAST + 1), last)]
    };
    parts.into_iter().flatten()
}

/// Cuts overlapping spans at each other's ends; in each piece the latest end counts. `O(n log n)`.
fn cut(mut covers: Vec<Span>) -> Vec<Span> {
    covers.sort_unstable_by_key(|span| span.first);
    let mut edges: Vec<u128> = covers.iter().map(|span| span.first).collect();
    edges.extend(covers.iter().filter_map(|span| span.last.checked_add(1)));
    edges.sort_unstable();
    edges.dedup();
    let mut pieces: Vec<Span> = Vec::new();
    // The open spans, the one that ends latest in time on top; `None` counts as later than any instant.
    let mut open: BinaryHeap<(bool, Option<Timestamp>, u128)> = BinaryHeap::new();
    let mut covers = covers.into_iter().peekable();
    for (at, first) in edges.iter().copied().enumerate() {
        while let Some(span) = covers.next_if(|span| span.first <= first) {
            open.push((span.until.is_none(), span.until, span.last));
        }
        while open.peek().is_some_and(|(_, _, last)| *last < first) {
            open.pop();
        }
        let Some(&(_, until, _)) = open.peek() else { continue };
        let last = edges.get(at + 1).map_or(u128::MAX, |next| next - 1);
        match pieces.last_mut() {
            Some(before) if before.until == until && before.last.checked_add(1) == Some(first) => before.last = last,
            _ => pieces.push(Span { first, last, until }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests;
