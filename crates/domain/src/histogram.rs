//! How long things took: counts by bounds, raised by any thread without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds in microseconds of what is decided in memory.
pub const MEMORY_BOUNDS_MICROS: &[u64] = &[2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 20_000, 100_000, 1_000_000];
/// Upper bounds in microseconds of what waits for a database.
pub const DATABASE_BOUNDS_MICROS: &[u64] =
    &[500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 10_000_000];

/// Counts of durations, each in the first bucket whose bound it does not exceed.
#[derive(Debug)]
pub struct Histogram {
    bounds_micros: &'static [u64],
    /// One more than bounds: what exceeds them all.
    counts: Box<[AtomicU64]>,
    sum_nanos: AtomicU64,
}

/// A reading of a [`Histogram`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Durations {
    /// Upper bounds in seconds, ascending, each with how many did not exceed it.
    pub cumulative: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// All together, in seconds.
    pub sum_seconds: f64,
}

// === impl Histogram ===

impl Histogram {
    /// Nothing counted yet; `bounds_micros` ascend.
    pub fn new(bounds_micros: &'static [u64]) -> Self {
        let counts = (0..=bounds_micros.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds_micros, counts, sum_nanos: AtomicU64::new(0) }
    }

    /// Counts one that took this long.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = self.bounds_micros.partition_point(|bound| bound.saturating_mul(1_000) < nanos);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum_nanos.fetch_add(nanos, Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Durations {
        let mut count = 0;
        let mut counts = self.counts.iter().map(|bucket| {
            count += bucket.load(Relaxed);
            count
        });
        let bounds = self.bounds_micros.iter().map(|bound| *bound as f64 / 1e6);
        let cumulative = bounds.zip(&mut counts).collect();
        // What exceeds all bounds.
        counts.for_each(drop);
        Durations { cumulative, count, sum_seconds: self.sum_nanos.load(Relaxed) as f64 / 1e9 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_under_the_first_bound_that_it_does_not_exceed() {
        let histogram = Histogram::new(&[10, 1_000]);
        for micros in [0, 10, 11, 1_000, 1_001, 5_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let read = histogram.read();
        assert_eq!(read.cumulative, [(0.00001, 2), (0.001, 4)]);
        assert_eq!(read.count, 6);
        assert!((read.sum_seconds - 5.002_022).abs() < 1e-9, "{read:?}");
        histogram.observe(Duration::from_nanos(10_001));
        assert_eq!(histogram.read().cumulative[0].1, 2, "not rounded down");
    }

    #[test]
    fn the_bounds_ascend() {
        for bounds in [MEMORY_BOUNDS_MICROS, DATABASE_BOUNDS_MICROS] {
            assert!(bounds.is_sorted() && bounds[0] > 0);
        }
    }
}
