//! A chain as a file, with its head.

use std::sync::Arc;

use axum::response::Response;
use claviger_domain::audit::Chain;
use claviger_store::audit::{self, AuditFilter};
use claviger_store::{Cursor, Page};
use http::HeaderName;
use serde_json::json;

use super::list::{AuditQuery, chain, filter};
use super::wire::{COLUMNS, CheckpointView, EntryView, HeadView, cells};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::export::{Format, Part, csv_line, json_line, stream, with_header};
use crate::sort::SortByTime;

/// The head as `<seq>:<mac>`, as `claviger audit verify --head` takes it.
pub const HEAD_HEADER: HeaderName = HeaderName::from_static("x-claviger-audit-head");

/// What the parts of an export have in common.
struct Export {
    manage: Arc<Manage>,
    chain: Chain,
    filter: AuditFilter,
    head: HeadView,
    format: Format,
}

/// Where the next part begins.
#[derive(Default)]
struct Next {
    after: Option<Cursor>,
    /// Up to which entry it was said that they were removed.
    told: i64,
}

/// The entries that there are now, the oldest first, after what says that older ones were removed; behind them the head, which a broken-off file lacks.
pub async fn export(manage: Arc<Manage>, ctx: &Ctx, query: AuditQuery, format: Format) -> Result<Response, Error> {
    let chain = chain(ctx, query.chain)?;
    let head = audit::head(&mut *manage.store.read().await?, chain).await?;
    let filter = filter(&AuditQuery { sort: SortByTime::Oldest, ..query })?;
    let filter = AuditFilter { up_to: Some(head.seq), ..filter };
    let head = HeadView::new(chain, &head);
    let noted = format!("{}:{}", head.seq, head.mac);
    let export = Arc::new(Export { manage, chain, filter, head, format });
    let response = stream(format, "audit", Next::default(), move |next| {
        let export = export.clone();
        async move { export.part(next).await }
    });
    Ok(with_header(response, HEAD_HEADER, &noted))
}

// === impl Export ===

impl Export {
    async fn part(&self, Next { after, told }: Next) -> Result<Part<Next>, Error> {
        let is_first = after.is_none();
        let page = Page { after, ..Page::default() };
        let mut snapshot = self.manage.store.read().await?;
        let found = audit::list(&mut snapshot, self.chain, &self.filter, &page).await?;
        // It may be that entries are removed meanwhile.
        let checkpoint = audit::checkpoint(&mut snapshot, self.chain).await?.filter(|removed| removed.seq > told);
        drop(snapshot);
        let told = checkpoint.as_ref().map_or(told, |removed| removed.seq);
        let mut text = String::new();
        if is_first && self.format == Format::Csv {
            text.push_str(&csv_line(COLUMNS));
        }
        if let Some(checkpoint) = checkpoint {
            text.push_str(&self.checkpoint_line(&CheckpointView::new(self.chain, checkpoint))?);
        }
        for entry in found.items {
            text.push_str(&match self.format {
                Format::Csv => csv_line(cells(&entry)),
                Format::Json | Format::Jsonl => json_line(&EntryView::from(entry))?,
            });
        }
        if found.next.is_none() {
            text.push_str(&self.last_line()?);
        }
        Ok(Part { text, next: found.next.map(|cursor| Next { after: Some(cursor), told }) })
    }

    fn checkpoint_line(&self, checkpoint: &CheckpointView) -> Result<String, Error> {
        if self.format != Format::Csv {
            return json_line(&json!({"checkpoint": checkpoint}));
        }
        let cell = |name: &&str| match *name {
            "seq" => checkpoint.seq.to_string(),
            "at" => checkpoint.until.to_string(),
            "action" => "audit.checkpoint".to_owned(),
            "object_id" => checkpoint.chain.clone(),
            "hash" => checkpoint.mac.clone(),
            _ => String::new(),
        };
        Ok(csv_line(COLUMNS.iter().map(cell)))
    }

    fn last_line(&self) -> Result<String, Error> {
        if self.format != Format::Csv {
            return json_line(&json!({"head": self.head}));
        }
        let cell = |name: &&str| match *name {
            "seq" => self.head.seq.to_string(),
            "action" => "audit.head".to_owned(),
            "object_id" => self.head.chain.clone(),
            "hash" => self.head.mac.clone(),
            _ => String::new(),
        };
        Ok(csv_line(COLUMNS.iter().map(cell)))
    }
}
