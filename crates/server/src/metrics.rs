//! Everything that `/metrics` says, read anew at each scrape. `docs/observability.md` says which question each answers.
//!
//! A new figure is a line in the file of its source; label values come from closed lists, never from a request.

mod doors;
mod engine;
mod management;
mod node;
mod page;
mod process;
mod store;
mod tls;

use std::sync::Arc;

use claviger_doors::Readings;
use claviger_store::Store;

use crate::health::Health;
use crate::tls_task::ListenerTls;

use page::Page;

pub(crate) use prometheus::TEXT_FORMAT as MEDIA_TYPE;

/// Where the figures come from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) health: Arc<Health>,
    pub(crate) store: Store,
    pub(crate) doors: Readings,
    pub(crate) tls: Vec<ListenerTls>,
    pub(crate) management: Arc<claviger_manage::metrics::Counters>,
}

// === impl Sources ===

impl Sources {
    /// The whole page.
    pub(crate) fn page(&self) -> prometheus::Result<String> {
        let mut page = Page::default();
        node::write(&mut page, &self.health);
        engine::write(&mut page, &self.health.engine().metrics());
        doors::write(&mut page, &self.doors.read());
        management::write(&mut page, &self.management.read());
        store::write(&mut page, &self.store.metrics(), self.health.engine().position());
        tls::write(&mut page, &self.tls);
        process::write(&mut page);
        page.into_text()
    }
}
