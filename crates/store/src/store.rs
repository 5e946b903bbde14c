//! The store: reading in snapshots, writing through one closure.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use claviger_domain::audit::{Chain, Checkpoint};
use claviger_domain::change::Position;
use claviger_domain::keyring::{AuditKey, SealedKeyring};
use claviger_domain::{Clock, Random};
use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, watch};
use tracing::Instrument;

use crate::audit::{self, Head, Verified};
use crate::config::Config;
use crate::conn::Snapshot;
use crate::feed::{self, Feed};
use crate::metrics::{Counters, Metrics};
use crate::pools::{Kind, Pools, Writing};
use crate::server::Server;
use crate::write::{self, Committed, Ending, Scope, Tx};
use crate::{Error, OpenError, Result, database, keyring};

/// The most writes that run and wait at once; more are refused with [`Error::Busy`].
pub const WRITES_MAX: usize = 4_096;

/// How many of its own writes of uses a process knows again in the feed.
const OWN_USES_KEPT: usize = 10_000;

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    pools: Pools,
    config: Config,
    /// Whether the database was reached, and its schema and key ring are the right ones.
    is_open: AtomicBool,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    audit_key: AuditKey,
    writes: Arc<Semaphore>,
    counters: Counters,
    /// One backup at a time: each holds a snapshot.
    backups: Arc<Semaphore>,
    /// Where in the feed the newest uses stand that this process wrote, ascending.
    own_uses: Mutex<VecDeque<Position>>,
    /// Raised by each commit of this process: wakes the feeds.
    committed: watch::Sender<u64>,
}

// === impl Store ===

impl Store {
    pub(crate) fn new(
        pools: Pools,
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        audit_key: AuditKey,
    ) -> Self {
        let (committed, _) = watch::channel(0);
        let writes = Arc::new(Semaphore::new(WRITES_MAX));
        Self {
            inner: Arc::new(Inner {
                pools,
                config,
                is_open: AtomicBool::new(true),
                clock,
                random,
                audit_key,
                writes,
                counters: Counters::default(),
                backups: Arc::new(Semaphore::new(1)),
                own_uses: Mutex::default(),
                committed,
            }),
        }
    }

    /// A store of a database that was not reached yet: whoever asks is told that it is unavailable, until
    /// [`Store::open`] has succeeded.
    pub fn unopened(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        audit_key: AuditKey,
    ) -> Result<Self> {
        let store = Self::new(Pools::new(&config)?, config, clock, random, audit_key);
        store.inner.is_open.store(false, Ordering::SeqCst);
        Ok(store)
    }

    /// Tries once to reach the database, migrates it, and lets work begin if it holds this key ring.
    ///
    /// # Errors
    /// [`OpenError::Unreachable`] where it may succeed in a moment.
    pub async fn open(&self, ring: &SealedKeyring) -> Result<(), OpenError> {
        let inner = &*self.inner;
        database::reach_once(&inner.pools, &inner.config, &*inner.clock, &*inner.random).await?;
        let url = || inner.config.url.to_string();
        let found = async { keyring::get(&mut *inner.pools.read().await?).await };
        let found = found.await.map_err(|source| OpenError::Other { url: url(), source })?;
        if found.as_ref() != Some(ring) {
            let detail =
                "it holds another key ring than the local snapshot that this node started from; restart the node";
            return Err(OpenError::Refused { url: url(), detail: detail.to_owned() });
        }
        inner.is_open.store(true, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.inner.is_open.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(Error::Unavailable("it was not reached since the start".to_owned()))
    }

    /// Runs `work` in one transaction of `scope` and commits it.
    ///
    /// The closure may run again when other transactions were in its way, so it has no effect but through the
    /// transaction: ids and secrets are made outside. A caller that stops waiting does not stop the write.
    ///
    /// # Errors
    /// The closure's own, or [`Error`]; [`Error::NotFound`] if the organization of `scope` does not exist.
    pub async fn write<T, E, F>(&self, scope: Scope, work: F) -> Result<Committed<T>, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.check_open()?;
        let began = self.clock().monotonic();
        let Ok(permit) = self.inner.writes.clone().try_acquire_owned() else {
            self.counters().note_turned_away();
            return Err(Error::Busy.into());
        };
        let store = self.clone();
        let work = async move {
            let inner = &*store.inner;
            let ending = Ending { audit_key: &inner.audit_key, random: &*inner.random };
            let result = write::run(&inner.pools, &ending, scope, &work).await;
            drop(permit);
            inner.counters.note_write(inner.clock.monotonic().saturating_sub(began), result.is_ok());
            if let Ok(Committed { position: Some(position), .. }) = &result {
                store.note_committed(*position).await;
            }
            result
        };
        match tokio::spawn(work.instrument(tracing::info_span!("store write"))).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime stops: the write may have been committed.
            Err(_) => Err(Error::Unknown.into()),
        }
    }

    /// Begins a read transaction.
    pub async fn read(&self) -> Result<Snapshot> {
        self.check_open()?;
        self.inner.pools.read().await
    }

    /// A new reader of the change feed, which has to [`Feed::load`] first.
    pub fn feed(&self) -> Feed {
        Feed::new(self.clone())
    }

    /// Where the feed stands.
    pub async fn head(&self) -> Result<Position> {
        Ok(feed::head(&mut *self.read().await?).await?.position())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.read().await?.number(crate::sql::sql("SELECT seq FROM feed_head")).await?;
        Ok(())
    }

    /// Checks an audit chain from its beginning to its head.
    pub async fn verify_audit(&self, chain: Chain) -> Result<Verified> {
        Ok(self.verify_audit_against(chain, None).await?.0)
    }

    /// The same, and that the chain goes through an end that was noted elsewhere; with the checkpoint at which it begins, if older
    /// entries were removed.
    pub async fn verify_audit_against(
        &self,
        chain: Chain,
        noted: Option<&Head>,
    ) -> Result<(Verified, Option<Checkpoint>)> {
        audit::verify(&mut *self.read().await?, &self.inner.audit_key, chain, noted).await
    }

    /// A reading of all counters.
    pub fn metrics(&self) -> Metrics {
        let writes_open = WRITES_MAX - self.inner.writes.available_permits();
        self.counters().read(self.clock().monotonic(), writes_open, self.inner.pools.connections())
    }

    /// Closes all connections; on SQLite this folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.inner.pools.close().await;
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.inner.random
    }

    pub(crate) fn committed(&self) -> watch::Receiver<u64> {
        self.inner.committed.subscribe()
    }

    /// Notes that this process wrote the uses that a position of the feed names.
    pub(crate) fn note_own_uses(&self, position: Position) {
        let mut own = self.inner.own_uses.lock().unwrap_or_else(PoisonError::into_inner);
        own.push_back(position);
        if own.len() > OWN_USES_KEPT {
            own.pop_front();
        }
    }

    /// Whether this process wrote the uses that a position of the feed names; positions are asked for in their order.
    pub(crate) fn wrote_uses(&self, position: Position) -> bool {
        let own = self.inner.own_uses.lock().unwrap_or_else(PoisonError::into_inner);
        own.binary_search(&position).is_ok()
    }

    /// Tells the feeds of this process that something was committed.
    pub(crate) async fn note_committed(&self, position: Position) {
        self.inner.committed.send_modify(|count| *count += 1);
        feed::trim_after(self, position).await;
    }

    pub(crate) fn backups(&self) -> Arc<Semaphore> {
        self.inner.backups.clone()
    }

    pub(crate) fn audit_key(&self) -> &AuditKey {
        &self.inner.audit_key
    }

    /// The server that is used.
    pub(crate) fn server(&self) -> Arc<Server> {
        self.inner.pools.server()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.inner.pools.kind
    }

    /// A write transaction of the store's own, without tenant, audit and feed.
    pub(crate) async fn begin(&self) -> Result<Writing<'_>> {
        self.check_open()?;
        self.inner.pools.write().await
    }
}
