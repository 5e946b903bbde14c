//! Feeds the engine from the store: a load, then each change as it is committed. The only place where the two meet.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Clock;
use claviger_engine::Engine;
use claviger_store::{Error, Feed, FeedEvent, LoadProgress, Store};
use tokio_util::sync::CancellationToken;

use crate::health::{Health, Part};

/// How long to wait before a failed load or step is tried again: a node that has lost the database tries at least
/// every 500 ms.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// A load that takes longer says how far it is, this often.
const PROGRESS_PERIOD: Duration = Duration::from_secs(2);
/// After this long without a change the database is asked whether it is there.
const PROBE_PERIOD: Duration = Duration::from_secs(1);
/// How long it has to answer that.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// What the task works with.
pub(crate) struct FeedTask {
    pub(crate) store: Store,
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Arc<Health>,
}

// === impl FeedTask ===

impl FeedTask {
    /// Runs until `stop`. While the database is away the engine keeps what it has.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            never = self.feed() => match never {},
            () = stop.cancelled() => {}
        }
    }

    async fn feed(&self) -> Infallible {
        loop {
            if let Err(error) = self.load_and_follow().await {
                self.failed(&error);
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// Returns when the feed is another one than was loaded, or when a load failed.
    async fn load_and_follow(&self) -> Result<(), Error> {
        let mut feed = self.store.feed();
        self.load(&mut feed).await?;
        loop {
            match self.next(&mut feed).await {
                Ok(FeedEvent::Step(step)) => {
                    self.engine.apply(step);
                    self.is_well();
                }
                Ok(FeedEvent::Diverged) => {
                    tracing::warn!("the change feed is another one than was read before; loading everything anew");
                    return Ok(());
                }
                Err(error) => self.failed(&error),
            }
        }
    }

    /// The next event. While none comes the database is asked whether it is there: neither a database that is back
    /// nor one that hangs would show otherwise.
    async fn next(&self, feed: &mut Feed) -> Result<FeedEvent, Error> {
        let mut next = pin!(feed.next());
        loop {
            let probe = async {
                tokio::time::sleep(PROBE_PERIOD).await;
                match tokio::time::timeout(PROBE_TIMEOUT, self.store.ping()).await {
                    Ok(Ok(())) => self.is_well(),
                    Ok(Err(error)) => self.failed(&error),
                    Err(_) => self.failed(&Error::Unavailable("no answer in time".to_owned())),
                }
            };
            tokio::select! {
                event = &mut next => return event,
                () = probe => {}
            }
        }
    }

    async fn load(&self, feed: &mut Feed) -> Result<(), Error> {
        let began = self.clock.monotonic();
        let mut told = began;
        let mut loader = self.engine.begin_load();
        let position = feed
            .load(
                |changes| loader.add(changes),
                |LoadProgress { loaded, total }| {
                    let now = self.clock.monotonic();
                    if now.saturating_sub(told) >= PROGRESS_PERIOD {
                        told = now;
                        tracing::info!("loading: {loaded} of {total} keys");
                    }
                },
            )
            .await?;
        loader.finish(position);
        let keys = self.engine.metrics().keys;
        let millis = self.clock.monotonic().saturating_sub(began).as_millis();
        tracing::info!("loaded {keys} keys in {millis} ms, up to change {position}");
        self.is_well();
        Ok(())
    }

    fn is_well(&self) {
        if self.health.report(Part::Database, true) {
            tracing::info!("changes come from the database again");
        }
    }

    fn failed(&self, error: &Error) {
        if self.health.report(Part::Database, false) {
            let memory =
                if self.engine.is_ready() { "verdicts go on from memory" } else { "no verdicts before a load" };
            tracing::error!("no changes from the database: {error}; {memory}, trying again");
        }
    }
}
