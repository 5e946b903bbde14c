//! How often strangers, or a person themselves, can have a mail sent: nobody's mailbox is flooded.

use std::fmt::Display;
use std::time::Duration;

use claviger_domain::Timestamp;

/// The most mails of a kind to one person in a day (UTC).
pub const MAILS_A_DAY: usize = 5;

/// The pauses after the first mails of a day.
const PAUSES: [Duration; MAILS_A_DAY - 1] =
    [Duration::from_mins(1), Duration::from_mins(5), Duration::from_mins(30), Duration::from_hours(2)];
/// The same of mails by which somebody tries templates, to themselves.
const PAUSES_OF_TESTS: [Duration; 19] = [Duration::from_secs(5); 19];
/// The same of links to records, which an application may have many of for one user.
const PAUSES_OF_RECORDS: [Duration; 49] = [Duration::ZERO; 49];
const DAY_MICROS: i64 = 86_400_000_000;

/// The unique keys that the mails of a kind to one person have on one day, and when the next one may go.
#[derive(Debug, Clone)]
pub struct Pace {
    keys: Vec<String>,
    pauses: &'static [Duration],
}

// === impl Pace ===

impl Pace {
    /// That of a kind of mails to `user`, on the day of `now`.
    pub fn new(kind: &str, user: impl Display, now: Timestamp) -> Self {
        Self::with_pauses(kind, user, now, &PAUSES)
    }

    /// That of tests of templates, which `user` sends to themselves.
    pub fn of_tests(user: impl Display, now: Timestamp) -> Self {
        Self::with_pauses("mail-test", user, now, &PAUSES_OF_TESTS)
    }

    /// That of links to records for `user`.
    pub fn of_records(user: impl Display, now: Timestamp) -> Self {
        Self::with_pauses("record-link", user, now, &PAUSES_OF_RECORDS)
    }

    fn with_pauses(kind: &str, user: impl Display, now: Timestamp, pauses: &'static [Duration]) -> Self {
        let day = now.as_micros().div_euclid(DAY_MICROS);
        Self { keys: (0..=pauses.len()).map(|number| format!("{kind} {user} {day} {number}")).collect(), pauses }
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
        let pause = before.len().checked_sub(1).map_or(Duration::ZERO, |at| self.pauses[at]);
        let passed = before.last().map_or(pause, |last| now.saturating_since(*last));
        match pause.saturating_sub(passed) {
            Duration::ZERO => Ok(key),
            left => Err(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::UserId;

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
    fn each_kind_has_a_pace_of_its_own() {
        let user = UserId::from_raw(1);
        let tests = Pace::of_tests(user, at(0));
        assert_eq!(tests.keys().len(), 20);
        assert_eq!(tests.next(&[at(0)], at(2)), Err(Duration::from_secs(3)));
        assert!(tests.next(&[at(0); 19], at(5)).is_ok() && tests.next(&[at(0); 20], at(5)).is_err());
        let records = Pace::of_records(user, at(0));
        assert!(records.next(&[at(0); 49], at(0)).is_ok() && records.next(&[at(0); 50], at(0)).is_err());
        assert!(tests.keys().iter().all(|key| !records.keys().contains(key)));
    }

    #[test]
    fn who_waits_is_told_how_long() {
        let pace = Pace::new("password-reset", UserId::from_raw(1), at(0));
        assert_eq!(pace.next(&[at(0)], at(20)), Err(Duration::from_secs(40)));
        assert_eq!(pace.next(&[at(0); MAILS_A_DAY], at(86_000)), Err(Duration::from_secs(400)));
        assert_eq!(pace.next(&[at(100)], at(50)), Err(Duration::from_mins(1)), "a clock that goes back");
    }
}
