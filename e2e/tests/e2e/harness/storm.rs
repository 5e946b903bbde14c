//! Calls that go on in the background while something befalls the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use super::patience::wait_until;
use super::raw_http::{Request, Response};

/// A pause between two questions: the machine has more to do.
const PAUSE: Duration = Duration::from_millis(5);

/// A key whose verdict is asked for all the time.
pub struct Verdicts {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    asking: JoinHandle<Result<(), String>>,
}

// === impl Verdicts ===

impl Verdicts {
    /// Asks these doors in turn.
    pub fn ask(doors: Vec<SocketAddr>, secret: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, body) =
            (Arc::clone(&stop), json!({ "credential": secret, "api": "default", "method": "GET", "path": "/x" }));
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let asking = tokio::spawn(async move {
            for door in doors.iter().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let answer =
                    Request::post("/v1/verify", &body).try_send(*door).await.map_err(|error| error.to_string())?;
                if answer.status != 200 || answer.json()["code"] != "VALID" {
                    let asked = count.load(Ordering::Relaxed);
                    return Err(format!("verdict {asked} at {door}: {} {}", answer.status, answer.text()));
                }
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
            Ok(())
        });
        Self { stop, asked, asking }
    }

    /// Asserts that every answer was a verdict, and the right one; waits until there were enough of them to prove something.
    pub async fn all_were_valid(self) {
        let asked = || self.asked.load(Ordering::Relaxed);
        let is_enough = async || asked() > 10 || self.asking.is_finished();
        wait_until(is_enough, || format!("only {} verdicts", asked())).await;
        self.stop.store(true, Ordering::Relaxed);
        self.asking.await.expect("no panic").unwrap_or_else(|failed| panic!("{failed}"));
    }
}

/// What `/readyz` names in an answer, but for the clock: those of tests stand where they are put.
pub fn degraded(ready: &Response) -> Vec<String> {
    let ready = ready.json();
    let parts = ready["degraded"].as_array().expect("a list").iter().filter_map(|part| part.as_str());
    parts.filter(|part| *part != "clock_skew").map(str::to_owned).collect()
}
