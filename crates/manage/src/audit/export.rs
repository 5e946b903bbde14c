//! A chain as a file, with its head.

use std::sync::Arc;

use axum::response::Response;
use claviger_domain::audit::Chain;
use claviger_store::audit::{self, AuditFilter};
use claviger_store::{Cursor, Page};
use http::HeaderName;
use serde_json::json;

use super::list::{AuditQuery, chain, filter};
use super::wire::{COLUMNS, EntryView, HeadView, cells};
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

/// The entries that there are now, the oldest first; behind them the head, which a broken-off file lacks.
pub async fn export(manage: Arc<Manage>, ctx: &Ctx, query: AuditQuery, format: Format) -> Result<Response, Error> {
    let chain = chain(ctx, query.chain)?;
    let head = audit::head(&mut *manage.store.read().await?, chain).await?;
    let filter = filter(&AuditQuery { sort: SortByTime::Oldest, ..query })?;
    let filter = AuditFilter { up_to: Some(head.seq), ..filter };
    let head = HeadView::new(chain, &head);
    let noted = format!("{}:{}", head.seq, head.mac);
    let export = Arc::new(Export { manage, chain, filter, head, format });
    let response = stream(format, "audit", None, move |after| {
        let export = export.clone();
        async move { export.part(after).await }
    });
    Ok(with_header(response, HEAD_HEADER, &noted))
}

// === impl Export ===

impl Export {
    async fn part(&self, after: Option<Cursor>) -> Result<Part<Option<Cursor>>, Error> {
        let is_first = after.is_none();
        let page = Page { after, ..Page::default() };
        let found = audit::list(&mut *self.manage.store.read().await?, self.chain, &self.filter, &page).await?;
        let mut text = String::new();
        if is_first && self.format == Format::Csv {
            text.push_str(&csv_line(COLUMNS));
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
        Ok(Part { text, next: found.next.map(Some) })
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
