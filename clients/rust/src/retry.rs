//! When it is worth to ask again.

use std::time::Duration;

use crate::error::Error;

/// The wait before the first retry; it doubles with each.
const FIRST: Duration = Duration::from_millis(25);
/// The longest wait of our own accord.
const LONGEST: Duration = Duration::from_millis(400);

/// How long to wait before the retry after `tries` of them; `None`: asking again would not help. `dice` is between 0 and 1: half of
/// the wait is left to chance, so that many clients do not come back at once. What the server asks for is never cut.
pub(crate) fn wait(error: &Error, tries: u32, dice: f64) -> Option<Duration> {
    let own = FIRST.saturating_mul(1 << tries.min(8)).min(LONGEST).mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0);
    match error {
        Error::Unreachable(_) => Some(own),
        Error::Busy(seconds) => Some(Duration::from_secs(seconds.unwrap_or(0)).saturating_add(own)),
        Error::Deadline | Error::DoorToken(_) | Error::Malformed(_) | Error::Unexpected(_) => None,
    }
}

/// A number between 0 and 1.
#[allow(clippy::disallowed_methods, reason = "the jitter of retries guards no secret, and the crate stands by itself")]
pub(crate) fn dice() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness all wait alike: worse manners, no harm.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(error: &Error, tries: u32, dice: f64) -> Option<u128> {
        wait(error, tries, dice).map(|wait| wait.as_millis())
    }

    #[test]
    fn waits_double_up_to_a_bound_and_half_of_each_is_chance() {
        let away = Error::Unreachable(String::new());
        let waits: Vec<_> = [0, 1, 2, 4, 5, 40].iter().map(|&tries| millis(&away, tries, 1.0).unwrap_or(0)).collect();
        assert_eq!(waits, [25, 50, 100, 400, 400, 400]);
        assert_eq!(millis(&away, 2, 0.0), Some(50));
        assert_eq!(millis(&away, 2, 9.0), Some(100), "a dice that is none changes nothing");
    }

    #[test]
    fn what_the_server_asks_for_is_kept() {
        assert_eq!(millis(&Error::Busy(Some(1)), 0, 1.0), Some(1025));
        assert_eq!(millis(&Error::Busy(None), 0, 1.0), Some(25));
    }

    #[test]
    fn a_mistake_is_not_repeated() {
        let problem = || Box::default();
        let mistakes = [Error::DoorToken(problem()), Error::Malformed(problem()), Error::Unexpected(String::new())];
        for error in mistakes.iter().chain([&Error::Deadline]) {
            assert_eq!(wait(error, 0, 0.5), None, "{error}");
        }
    }

    #[test]
    fn the_dice_is_between_0_and_1_and_moves() {
        let thrown: Vec<f64> = (0..50).map(|_| dice()).collect();
        assert!(thrown.iter().all(|dice| (0.0..=1.0).contains(dice)));
        assert!(thrown.iter().any(|dice| (dice - thrown[0]).abs() > 0.0));
    }
}
