//! Follows the files of certificates: what changes there is in force for new connections within [`LOOK_PERIOD`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::{Clock, Timestamp};
use claviger_doors::Tls;
use claviger_doors::tls::Reloaded;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::local_token::write_certificate;

/// How often the files are looked at. Their bytes are compared: no way to exchange a file is missed, be it a link, a
/// rename or a mount.
pub const LOOK_PERIOD: Duration = Duration::from_secs(10);
/// A certificate that ends sooner than this is warned of, once a day.
const WARNED_BEFORE: Duration = Duration::from_hours(14 * 24);
/// The section of the listener that the command line speaks to.
const CONTROL: &str = "control";
const DAY: Duration = Duration::from_hours(24);

/// What the task works with.
pub(crate) struct TlsTask {
    pub(crate) listeners: Vec<ListenerTls>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) data_dir: PathBuf,
    /// Asks for a look at once.
    pub(crate) look: Arc<Notify>,
}

/// A listener's TLS, by its section.
#[derive(Debug, Clone)]
pub(crate) struct ListenerTls {
    pub(crate) section: &'static str,
    pub(crate) tls: Tls,
}

// === impl TlsTask ===

impl TlsTask {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        if self.listeners.is_empty() {
            return;
        }
        let mut warned_at = self.clock.monotonic();
        self.listeners.iter().for_each(|listener| listener.warn_of_end(self.clock.now()));
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK_PERIOD) => false,
                () = self.look.notified() => true,
                () = stop.cancelled() => return,
            };
            for listener in &self.listeners {
                if listener.look(asked, self.clock.now()).await {
                    self.tell_command_line(listener);
                }
            }
            if self.clock.monotonic().saturating_sub(warned_at) >= DAY {
                warned_at = self.clock.monotonic();
                self.listeners.iter().for_each(|listener| listener.warn_of_end(self.clock.now()));
            }
        }
    }
}

impl TlsTask {
    fn tell_command_line(&self, listener: &ListenerTls) {
        if listener.section == CONTROL
            && let Err(error) = write_certificate(&self.data_dir, &listener.tls)
        {
            tracing::warn!("the command line cannot be told of the new certificate: {error}");
        }
    }
}

// === impl ListenerTls ===

impl ListenerTls {
    /// Whether there is another certificate now.
    async fn look(&self, asked: bool, now: Timestamp) -> bool {
        let (section, tls) = (self.section, self.tls.clone());
        // The files may lie on a disk that does not answer.
        let Ok(reloaded) = tokio::task::spawn_blocking(move || tls.reload(asked)).await else { return false };
        match &reloaded {
            Ok(Reloaded::Unchanged) if asked => tracing::info!("{section}.tls: the certificate is the one in force"),
            Ok(Reloaded::Unchanged) => {}
            Ok(Reloaded::Exchanged) => {
                let end = self.tls.expires_at().map_or_else(String::new, |end| format!(", until {end}"));
                tracing::info!("{section}.tls: new connections get another certificate{end}");
                self.warn_of_end(now);
            }
            Err(error) => {
                tracing::error!("{section}.tls: {error}; the certificate that was read before stays in force");
            }
        }
        reloaded == Ok(Reloaded::Exchanged)
    }

    /// Clients refuse an expired certificate, unless they were told not to look: no reason to refuse a start, which would
    /// make an outage of a warning.
    fn warn_of_end(&self, now: Timestamp) {
        let (section, file) = (self.section, self.tls.files().certificate_file.display());
        match self.tls.expires_at() {
            Some(end) if end <= now => {
                tracing::error!("{section}.tls: the certificate in {file} expired at {end}: clients refuse it");
            }
            Some(end) if end <= now.saturating_add(WARNED_BEFORE) => {
                tracing::warn!("{section}.tls: the certificate in {file} expires at {end}");
            }
            _ => {}
        }
    }
}
