//! How far this node's clock is from the database's.

use claviger_domain::Timestamp;

use crate::Result;
use crate::pools::Kind;
use crate::sql::sql;
use crate::store::Store;

/// A clock beside the database's, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew {
    /// How far this node's clock is ahead; below zero, how far it is behind.
    pub ahead_micros: i64,
    /// The most that this may be wrong by: half of the time that the question took.
    pub uncertain_micros: i64,
}

// === impl ClockSkew ===

impl ClockSkew {
    /// What follows from a reading of the database's clock between two of this node's.
    fn between(before: Timestamp, took_micros: i64, database: Timestamp) -> Self {
        let half = took_micros / 2;
        let middle = before.as_micros().saturating_add(half);
        Self { ahead_micros: middle.saturating_sub(database.as_micros()), uncertain_micros: half }
    }

    /// How far apart the clocks are at least.
    pub fn apart_micros(self) -> i64 {
        self.ahead_micros.saturating_abs().saturating_sub(self.uncertain_micros).max(0)
    }
}

// === impl Store ===

impl Store {
    /// Compares this node's clock with PostgreSQL's. `None` for SQLite, which has no other clock than this node's.
    pub async fn clock_skew(&self) -> Result<Option<ClockSkew>> {
        if self.kind() == Kind::Sqlite {
            return Ok(None);
        }
        // The transaction has begun by then: only the question itself lies between the two readings.
        let mut snapshot = self.read().await?;
        let (before, began) = (self.clock().now(), self.clock().monotonic());
        let database = snapshot.number(sql("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"));
        let database = Timestamp::from_micros(database.await?);
        let took = self.clock().monotonic().saturating_sub(began);
        let took_micros = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
        Ok(Some(ClockSkew::between(before, took_micros, database)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_skew() {
        let at = |millis: i64| Timestamp::from_micros(millis * 1_000);
        for (before, took, database, ahead, apart) in [
            (5_000, 0, 5_000, 0, 0),
            (5_000, 0, 3_000, 2_000, 2_000),
            (5_000, 0, 7_000, -2_000, 2_000),
            // Five seconds on the way: the database may have read its clock at any moment of them.
            (5_000, 5_000, 5_000, 2_500, 0),
            (5_000, 5_000, 10_000, -2_500, 0),
            (5_000, 1_000, 2_000, 3_500, 3_000),
        ] {
            let skew = ClockSkew::between(at(before), took * 1_000, at(database));
            assert_eq!((skew.ahead_micros, skew.apart_micros()), (ahead * 1_000, apart * 1_000), "{before} {took}");
        }
    }
}
