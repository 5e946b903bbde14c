//! Feeds the engine from the store: a load, then each change as it is committed. The only place where the two meet.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use claviger_domain::Clock;
use claviger_engine::Engine;
use claviger_store::{Error, Feed, FeedEvent, LoadProgress, Look, Resumed, SnapshotWriter, Store};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::health::{Health, Part};
use crate::own_node::OwnNode;

/// How long to wait before a failed load or step is tried again: a node that has lost the database tries at least
/// every 500 ms.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// A load that takes longer says how far it is, this often.
const PROGRESS_PERIOD: Duration = Duration::from_secs(2);
/// A database from which nothing is heard for this long hangs: it is looked at every half second.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// The target of the feed's spans, at the level `trace`: whoever keeps traces asks for it.
pub(crate) const SPANS: &str = "claviger_server::spans";

/// What the task works with.
pub(crate) struct FeedTask {
    pub(crate) store: Store,
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Arc<Health>,
    /// For how long verdicts are given without hearing from the database.
    pub(crate) staleness_limit: Option<Duration>,
    pub(crate) node: Arc<OwnNode>,
    /// Whether a node that was stale has shown itself to the others again.
    pub(crate) is_back: AtomicBool,
    /// What keeps the local snapshot, where there is one.
    pub(crate) snapshot: Option<Arc<SnapshotWriter>>,
    /// Where the engine stands that was filled from a local snapshot, and how old that was.
    pub(crate) resumed: Option<(Resumed, Duration)>,
}

// === impl FeedTask ===

impl FeedTask {
    /// Runs until `stop`. While the database is away the engine keeps what it has.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            never = self.feed() => match never {},
            () = stop.cancelled() => {}
        }
    }

    async fn feed(&mut self) -> Infallible {
        if let Some((resumed, age)) = self.resumed.take() {
            let mut feed = self.store.feed();
            feed.resume(&resumed, age);
            self.follow(&mut feed).await;
        }
        loop {
            if let Err(error) = self.load_and_follow().await {
                self.failed(&error);
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// Returns when the feed is another one than was loaded, or when a load failed.
    async fn load_and_follow(&self) -> Result<(), Error> {
        // Whoever commits from here on finds this node's row and waits for it; what was committed before is loaded.
        if self.engine.is_stale() {
            self.node.beat().await?;
        } else {
            self.node.join().await?;
        }
        let mut feed = self.store.feed();
        self.load(&mut feed).instrument(tracing::trace_span!(target: SPANS, "feed load")).await?;
        if let Some(snapshot) = &self.snapshot {
            snapshot.forget();
        }
        self.follow(&mut feed).await;
        Ok(())
    }

    /// Returns when the feed is another one than was loaded.
    async fn follow(&self, feed: &mut Feed) {
        loop {
            match self.next(feed).await {
                Ok(FeedEvent::Step(step)) => {
                    let span = tracing::trace_span!(
                        target: SPANS,
                        "feed step",
                        position = %step.position,
                        changes = step.changes.len()
                    );
                    // Before it counts: whoever starts from the snapshot knows no less than was refused here.
                    if let (Some(snapshot), Some(standing)) = (&self.snapshot, feed.standing()) {
                        snapshot.note(&step, &standing, self.clock.now());
                    }
                    span.in_scope(|| self.engine.apply(step));
                    self.node.note_applied(feed.mark());
                    self.heard().await;
                }
                Ok(FeedEvent::Diverged) => {
                    tracing::warn!("the change feed is another one than was read before; loading everything anew");
                    return;
                }
                Err(error) => self.failed(&error),
            }
        }
    }

    /// The next event. While none comes, what the looks at the feed find is told.
    async fn next(&self, feed: &mut Feed) -> Result<FeedEvent, Error> {
        let mut looks = feed.looks();
        let mut next = pin!(feed.next());
        loop {
            tokio::select! {
                event = &mut next => return event,
                Ok(()) = looks.changed() => {
                    self.heard().await;
                    if let Some(snapshot) = &self.snapshot {
                        snapshot.mark(&*self.clock);
                    }
                    self.tell_health(*looks.borrow_and_update());
                }
                () = tokio::time::sleep(SILENCE_MAX) => {
                    self.failed(&Error::Unavailable("no answer in time".to_owned()));
                }
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
        self.node.note_applied(feed.mark());
        let keys = self.engine.metrics().keys;
        let millis = self.clock.monotonic().saturating_sub(began).as_millis();
        tracing::info!("loaded {keys} keys in {millis} ms, up to change {position}");
        self.is_current();
        Ok(())
    }

    /// After a look at the feed or a step. A node that has been stale may have left the others' list, so that nobody waited
    /// for it: it shows itself again, and gives verdicts from the look after that on.
    async fn heard(&self) {
        if self.engine.is_stale() && !self.is_back.swap(false, Ordering::Relaxed) {
            self.is_back.store(self.node.beat().await.is_ok(), Ordering::Relaxed);
            return;
        }
        self.is_current();
    }

    /// What the engine has is what the database has: verdicts are given from here on, for as long as configured.
    fn is_current(&self) {
        let end = self.staleness_limit.map(|limit| self.clock.monotonic().saturating_add(limit));
        self.engine.judge_until(end);
        if self.health.report(Part::Stale, true) | self.health.report(Part::Schema, true) {
            tracing::info!("verdicts are given again");
        }
    }

    fn tell_health(&self, look: Look) {
        if !look.takes_writes {
            return self.failed(&Error::ReadOnly);
        }
        if self.health.report(Part::Database, true) {
            tracing::info!("changes come from the database again");
        }
    }

    fn failed(&self, error: &Error) {
        if let Error::Outdated { .. } = error {
            self.engine.judge_until(Some(Duration::ZERO));
            if let Some(snapshot) = &self.snapshot {
                // Nor from there, after a restart.
                snapshot.forget();
            }
            if self.health.report(Part::Schema, false) {
                tracing::error!("no verdicts any more: {error}");
            }
            return;
        }
        if self.health.report(Part::Database, false) {
            let memory = match (self.engine.position(), self.staleness_limit) {
                (None, _) => "no verdicts before a load".to_owned(),
                (Some(_), None) => "verdicts go on from memory".to_owned(),
                (Some(_), Some(limit)) => format!("verdicts go on from memory for {} s", limit.as_secs()),
            };
            tracing::error!("no changes from the database: {error}; {memory}, trying again");
        }
        if self.engine.is_stale() && self.health.report(Part::Stale, false) {
            tracing::error!(
                "no verdicts any more: the database was not heard from for the configured limit of staleness"
            );
        }
    }
}
