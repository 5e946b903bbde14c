//! The keys of a list as a file.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use claviger_store::{Cursor, Page};
use serde_json::Value;

use super::KeyQuery;
use super::list::{Selected, list};
use crate::Manage;
use crate::answer::Answer;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::export::{Accepted, Format, Part, cells, csv_line, json_line, stream};

/// The columns of CSV, and where their values stand in a row of the list.
pub(super) const COLUMNS: [(&str, &str); 26] = [
    ("id", "/id"),
    ("name", "/name"),
    ("state", "/state"),
    ("state_reason", "/state_reason"),
    ("environment", "/environment"),
    ("shape", "/shape"),
    ("hint", "/hint"),
    ("owner_type", "/owner/type"),
    ("owner_id", "/owner/id"),
    ("owner_name", "/owner/name"),
    ("external_id", "/external_id"),
    ("tags", "/tags"),
    ("api_sets", "/api_sets"),
    ("operations", "/operations"),
    ("allowed_ips_count", "/allowed_ips_count"),
    ("not_before", "/not_before"),
    ("expires_at", "/expires_at"),
    ("last_used_at", "/last_used/at"),
    ("last_used_ip", "/last_used/ip"),
    ("created_by_type", "/created_by/type"),
    ("created_by_id", "/created_by/id"),
    ("created_at", "/created_at"),
    ("updated_at", "/updated_at"),
    ("description", "/description"),
    ("approved_at", "/approval/approved_at"),
    ("approved_by_name", "/approval/approved_by/name"),
];

/// A page of the list, or all of it as a file where that is asked for.
pub async fn list_or_export(
    manage: Arc<Manage>,
    ctx: Ctx,
    accepted: Accepted,
    query: KeyQuery,
) -> Result<Response, Error> {
    match accepted.or(query.format) {
        Format::Json => Ok(Answer::ok(list(&manage, &ctx, query).await?).into_response()),
        format => export(manage, ctx, query, format).await,
    }
}

/// All keys that the query selects, in its order.
async fn export(manage: Arc<Manage>, ctx: Ctx, query: KeyQuery, format: Format) -> Result<Response, Error> {
    if query.limit.is_some() || query.cursor.is_some() {
        let error = |field: &str| FieldError::new(field, "an export has no pages");
        let given = [("limit", query.limit.is_some()), ("cursor", query.cursor.is_some())];
        return Err(Error::invalid(given.iter().filter(|(_, given)| *given).map(|(field, _)| error(field)).collect()));
    }
    let selected = Arc::new(Selected::new(&manage, &ctx, query).await?);
    Ok(stream(format, "keys", None, move |after: Option<Cursor>| {
        let (manage, selected) = (manage.clone(), selected.clone());
        async move {
            let is_first = after.is_none();
            let found = selected.page(&manage, &Page { after, ..Page::default() }).await?;
            let mut text = String::new();
            if is_first && format == Format::Csv {
                text.push_str(&csv_line(COLUMNS.map(|(name, _)| name)));
            }
            for key in &found.items {
                text.push_str(&match format {
                    Format::Csv => csv_line(cells(&serde_json::to_value(key).unwrap_or(Value::Null), &COLUMNS)),
                    Format::Json | Format::Jsonl => json_line(key)?,
                });
            }
            Ok(Part { text, next: found.next.map(Some) })
        }
    }))
}
