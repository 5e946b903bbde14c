//! How often strangers, or a person themselves, can have a mail sent: nobody's mailbox is flooded.

use std::time::Duration;

use claviger_domain::{Timestamp, UserId};

/// The most mails of a kind to one person in a day (UTC).
pub const MAILS_A_DAY: usize = 5;

/// The pauses after the first mails of a day.
const PAUSES: [Duration; MAILS_A_DAY - 1] =
    [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(2)];
const DAY_MICROS: i64 = 86_400_000_000;

/// The unique keys that the mails of a kind to one person have on one day, and when the next one may go.
#[derive(Debug, Clone)]
pub struct Pace {
    keys: Vec<String>,
}

// === impl Pace ===

impl Pace {
    /// That of a kind of mails to `user`, on the day of `now`.
    pub fn new(kind: &str, user: UserId, now: Timestamp) -> Self {
        let day = now.as_micros().div_euclid(DAY_MICROS);
        Self { keys: (0..MAILS_A_DAY).map(|number| format!("{kind} {user} {day} {number}")).collect() }
    }

    /// The keys of this day.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The key of a further mail at `now`, where those before went at these instants, the oldest first; else how long to wait.
    pub fn next(&self, before: &[Timestamp], now: Timestamp) -> Result<&str, Duration> {
        let Some(key) = self.keys.get(before.len()) else {
            let over = now.as_micros().rem_euclid(DAY_MICROS);
            return Err(Duration::from_micros(DAY_MICROS.abs_diff(over)));
        };
        let pause = before.len().checked_sub(1).map_or(Duration::ZERO, |at| PAUSES[at]);
        let passed = before.last().map_or(pause, |last| now.saturating_since(*last));
        match pause.saturating_sub(passed) {
            Duration::ZERO => Ok(key),
            left => Err(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_day_has_five_mails_with_growing_pauses_between_them() {
        let user = UserId::from_raw(1);
        let (mut sent, mut mails, mut days) = (Vec::new(), Vec::new(), Vec::new());
        // Somebody who tries each second for two days.
        for second in 0..2 * 86_400 {
            let pace = Pace::new("password-reset", user, at(second));
            if second % 86_400 == 0 {
                days.push(std::mem::take(&mut sent));
            }
            if let Ok(key) = pace.next(&sent, at(second)) {
                mails.push((second, key.to_owned()));
                sent.push(at(second));
            }
        }
        let seconds: Vec<i64> = mails.iter().map(|(second, _)| *second).collect();
        let day = [0, 60, 360, 2_160, 9_360];
        assert_eq!(seconds, [day, day.map(|second| 86_400 + second)].concat());
        let mut keys: Vec<&String> = mails.iter().map(|(_, key)| key).collect();
        keys.dedup();
        assert_eq!(keys.len(), 2 * MAILS_A_DAY, "each has its own key");
    }

    #[test]
    fn who_waits_is_told_how_long() {
        let pace = Pace::new("password-reset", UserId::from_raw(1), at(0));
        assert_eq!(pace.next(&[at(0)], at(20)), Err(Duration::from_secs(40)));
        assert_eq!(pace.next(&[at(0); MAILS_A_DAY], at(86_000)), Err(Duration::from_secs(400)));
        assert_eq!(pace.next(&[at(100)], at(50)), Err(Duration::from_mins(1)), "a clock that goes back");
    }
}
