//! Waiting for another process: a bound, never a figure.

use std::time::{Duration, Instant};

/// How long the machine may take for what should take moments.
const SECONDS_MAX: u64 = 60;
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until the answer is yes; panics with what `describe` says where it never is.
#[allow(clippy::disallowed_methods, reason = "other processes go by real time")]
pub async fn wait_until(mut is_so: impl AsyncFnMut() -> bool, describe: impl Fn() -> String) {
    let begin = Instant::now();
    while !is_so().await {
        assert!(begin.elapsed().as_secs() < SECONDS_MAX, "{}", describe());
        tokio::time::sleep(PAUSE).await;
    }
}
