//! Everything that `/metrics` says, read anew at each scrape. `docs/observability.md` says which question each answers.
//!
//! A new figure is a line in the file of its source; label values come from closed lists, never from a request.

mod audit;
mod doors;
mod engine;
mod installation;
mod limits;
mod mail;
mod management;
mod node;
mod page;
mod process;
mod snapshot;
mod store;
mod tls;
mod webhooks;

use std::sync::Arc;

use claviger_domain::Clock;
use claviger_doors::Readings;
use claviger_manage::Nodes;
use claviger_store::{SnapshotWriter, Store};

use crate::health::{Health, Part};
use crate::tls_task::ListenerTls;

use page::Page;

pub(crate) use prometheus::TEXT_FORMAT as MEDIA_TYPE;

/// Where the figures come from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) health: Arc<Health>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Store,
    pub(crate) nodes: Arc<Nodes>,
    /// What keeps the local snapshot, where there is one.
    pub(crate) snapshot: Option<Arc<SnapshotWriter>>,
    pub(crate) doors: Readings,
    pub(crate) tls: Vec<ListenerTls>,
    pub(crate) management: Arc<claviger_manage::metrics::Counters>,
    /// None where no mail is sent.
    pub(crate) mail: Option<Arc<crate::mail::Counters>>,
    pub(crate) webhooks: Arc<crate::webhooks::Counters>,
    pub(crate) limits: Arc<crate::limits::Counters>,
    pub(crate) audit: Arc<crate::audit::Counters>,
}

// === impl Sources ===

impl Sources {
    /// The whole page.
    pub(crate) fn page(&self) -> prometheus::Result<String> {
        let mut page = Page::default();
        node::write(&mut page, &self.health);
        // Without the database no node can give a sign of life, and nobody could see one.
        if let Some(seen) = self.nodes.last_seen().filter(|_| self.health.is_well(Part::Database)) {
            installation::write(&mut page, &seen);
        }
        engine::write(&mut page, &self.health.engine().metrics());
        doors::write(&mut page, &self.doors.read());
        management::write(&mut page, &self.management.read());
        if let Some(mail) = &self.mail {
            mail::write(&mut page, &mail.read(), self.clock.now());
        }
        webhooks::write(&mut page, &self.webhooks.read(), self.clock.now());
        audit::write(&mut page, &self.audit.read());
        limits::write(&mut page, &self.limits.read(), &self.health.engine().metrics().limits);
        store::write(&mut page, &self.store.metrics(), self.health.engine().position());
        if let Some(snapshot) = &self.snapshot {
            snapshot::write(&mut page, snapshot.file(), self.clock.now());
        }
        tls::write(&mut page, &self.tls);
        process::write(&mut page);
        page.into_text()
    }
}
