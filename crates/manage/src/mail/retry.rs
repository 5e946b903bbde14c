//! When a mail is tried again.

use std::time::Duration;

/// The pauses after the first attempts; the last one stands for all further ones.
const PAUSES_SECONDS: [u64; 8] = [1, 5, 30, 120, 600, 1_800, 3_600, 7_200];

/// How long to wait after so many attempts that failed.
pub fn next_pause(attempts: i64) -> Duration {
    let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    Duration::from_secs(PAUSES_SECONDS[at.min(PAUSES_SECONDS.len() - 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_two_hours() {
        let seconds: Vec<u64> = (0..12).map(|attempts| next_pause(attempts).as_secs()).collect();
        assert_eq!(seconds, [1, 1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 7_200, 7_200, 7_200]);
        assert_eq!(next_pause(i64::MAX).as_secs(), 7_200);
    }
}
