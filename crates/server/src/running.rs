//! A server that runs: where it is reached, what can change meanwhile, and its stop in order.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_domain::Secret;
use claviger_manage::Manage;
use claviger_store::{Store, remove_snapshot};
use tokio::sync::Notify;
use tokio_util::sync::DropGuard;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::config::changes::{RELOADED, changed};
use crate::data_dir::DataDir;
use crate::health::Health;
use crate::local_token::LocalToken;
use crate::logging;
use crate::own_node::OwnNode;

/// How long the doors' open requests have to end at a stop.
const DOORS_GRACE: Duration = Duration::from_secs(5);
/// How long the database has to note that this node stops.
const SIGN_OFF_TIMEOUT: Duration = Duration::from_secs(2);

/// A server that runs. Dropping it stops everything at once; [`Running::stop`] does so in order, and writes usage.
pub struct Running {
    pub(crate) control_url: String,
    pub(crate) doors_url: String,
    pub(crate) telemetry_url: String,
    /// Where there is a public listener.
    pub(crate) public_url: Option<String>,
    /// Where the first organization is made, while there was none at the start.
    pub(crate) setup_link: Option<Secret>,
    pub(crate) health: Arc<Health>,
    pub(crate) doors: claviger_doors::Running,
    /// Ends the control and the public listener.
    pub(crate) requests: DropGuard,
    pub(crate) serving: TaskTracker,
    /// Ends feed, usage and telemetry.
    pub(crate) background: DropGuard,
    pub(crate) tasks: TaskTracker,
    pub(crate) local_token: LocalToken,
    /// Has the files of the certificates looked at.
    pub(crate) look_at_certificates: Arc<Notify>,
    pub(crate) manage: Arc<Manage>,
    /// The configuration in force.
    pub(crate) as_configured: Mutex<Config>,
    pub(crate) node: Arc<OwnNode>,
    pub(crate) store: Store,
    /// Dropped last: the directory is free when nothing writes there any more.
    pub(crate) data_dir: DataDir,
}

// === impl Running ===

impl Running {
    /// The management API: `http://ADDRESS`, `https://ADDRESS` or `unix:/path`.
    pub fn control_url(&self) -> String {
        self.control_url.clone()
    }

    /// The doors: `http://ADDRESS`, `https://ADDRESS` or `unix:/path`.
    pub fn doors_url(&self) -> String {
        self.doors_url.clone()
    }

    /// Metrics and health: `http://ADDRESS`, `https://ADDRESS` or `unix:/path`.
    pub fn telemetry_url(&self) -> String {
        self.telemetry_url.clone()
    }

    /// What outside clients may reach: `http://ADDRESS`, `https://ADDRESS` or `unix:/path`; `None`: nothing.
    pub fn public_url(&self) -> Option<String> {
        self.public_url.clone()
    }

    /// The file of the operator's local token.
    pub fn operator_token_path(&self) -> &Path {
        self.local_token.path()
    }

    /// The data directory, absolute.
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// The use cases, for who runs the server in a process of their own: what they change is as if an API had been asked.
    pub fn manage(&self) -> &Arc<Manage> {
        &self.manage
    }

    /// Where the first organization is made, if there was none at the start: good until there is one, or the server stops.
    pub fn setup_link(&self) -> Option<&Secret> {
        self.setup_link.as_ref()
    }

    /// Looks at the files of the certificates now, and says in the log what came of it.
    pub fn reload_certificates(&self) {
        self.look_at_certificates.notify_one();
    }

    /// Puts in force what of a new configuration can be while the server runs ([`RELOADED`]), and says in the log what that
    /// was and what takes a restart.
    pub fn reload(&self, config: Config) {
        let mut in_force = self.as_configured.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, later): (Vec<_>, Vec<_>) =
            changed(&in_force, &config).into_iter().partition(|name| RELOADED.contains(&name.as_str()));
        if now.is_empty() && later.is_empty() {
            tracing::info!("the configuration is the one in force");
        }
        if !later.is_empty() {
            tracing::warn!("changed in the configuration, and in force after a restart: {}", later.join(", "));
        }
        if !now.is_empty() {
            self.doors.trust(&config.doors.settings.trusted_proxies);
            logging::exchange_filter(&config.log.filter);
            in_force.doors.settings.trusted_proxies = config.doors.settings.trusted_proxies;
            in_force.log.filter = config.log.filter;
            tracing::info!("changed in the configuration, and in force: {}", now.join(", "));
        }
    }

    /// Stops in order: not ready any more, for as long as is configured nothing else changes, then no new connections, open
    /// requests end, usage is written, the directory is free.
    pub async fn stop(self) {
        let Self {
            health,
            doors,
            requests,
            serving,
            background,
            tasks,
            local_token,
            as_configured,
            node,
            manage,
            store,
            data_dir,
            ..
        } = self;
        drop(manage);
        health.drain();
        let drain_seconds = as_configured.lock().unwrap_or_else(PoisonError::into_inner).drain_seconds;
        if drain_seconds > 0 {
            tracing::info!("/readyz says 503 from now on; the listeners close in {drain_seconds} s");
            tokio::time::sleep(Duration::from_secs(drain_seconds)).await;
        }
        drop(local_token);
        drop(requests);
        serving.close();
        tokio::join!(serving.wait(), doors.stop(DOORS_GRACE));
        drop(background);
        tasks.close();
        tasks.wait().await;
        // No verdicts any more, and all uses are written.
        match tokio::time::timeout(SIGN_OFF_TIMEOUT, node.sign_off()).await {
            // The others do not count it any more: it may give verdicts again only after it has written its row.
            Ok(Ok(())) => remove_snapshot(data_dir.path()),
            Ok(Err(error)) => tracing::warn!("this node could not sign off and counts as lost: {error}"),
            Err(_) => tracing::warn!("this node could not sign off in time and counts as lost"),
        }
        store.close().await;
        drop(data_dir);
        tracing::info!("stopped");
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("control", &self.control_url)
            .field("doors", &self.doors_url)
            .field("telemetry", &self.telemetry_url)
            .field("public", &self.public_url)
            .field("data_dir", &self.data_dir.path())
            .finish_non_exhaustive()
    }
}
