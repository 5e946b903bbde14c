//! Gives new secrets to all keys that a list selects: one key a transaction, and each new secret is told as soon as it is there.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use claviger_domain::KeyId;
use claviger_domain::key::OVERLAP_SECONDS_MAX;
use claviger_store::{Cursor, Page};
use http::header::CACHE_CONTROL;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::access::{self, Need};
use super::list::{KeyQuery, Selected};
use super::rotate::{Rotate, rotate};
use super::wire::KeyWithSecret;
use super::{import, value::Issued};
use crate::Manage;
use crate::answer::Answer;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::export::{Accepted, Format, Part, cells, csv_line, json_line, stream, with_header};

/// The most keys of one call; more go in several, by filters.
pub const ROTATED_MAX: usize = 100_000;
/// The shortest overlap: who loses the answer has so long to rotate again before anything stands still.
pub const OVERLAP_SECONDS_MIN: u32 = 60;
/// Keys that are told of together: a secret that was made is told before anything else can fail.
const PART: usize = 1;

/// The columns of CSV, and where their values stand in a line of JSON.
const COLUMNS: [(&str, &str); 13] = [
    ("id", "/id"),
    ("name", "/name"),
    ("owner_type", "/owner/type"),
    ("owner_id", "/owner/id"),
    ("owner_name", "/owner/name"),
    ("external_id", "/external_id"),
    ("environment", "/environment"),
    ("hint", "/hint"),
    ("secret", "/secret"),
    ("password", "/password"),
    ("old_valid_until", "/old_valid_until"),
    ("code", "/code"),
    ("detail", "/detail"),
];

/// How to rotate many keys.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateMany {
    /// How long each old secret stays valid: 60 to 2,592,000 (30 days). It is never 0: whoever loses the answer still has the old ones.
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub overlap_seconds: u32,
    /// `true`: says how many keys that would be, and changes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// How many keys it would be.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct RotationPreview {
    /// The keys that the query selects.
    keys: usize,
}

/// What the parts of an answer have in common.
struct Rotation {
    manage: Arc<Manage>,
    ctx: Ctx,
    request: Rotate,
    ids: Vec<(KeyId, String)>,
    format: Format,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    next: usize,
    rotated: usize,
    refused: usize,
}

/// Rotates the keys that the query selects, in its order but for the key that calls, which comes last. The answer is a file that grows: in
/// JSON Lines first how many keys there are, then a line for each with its new secret or why it has none, at last how many were rotated
/// and refused; in CSV the lines alone.
///
/// # Errors
/// 400 for a wrong query or overlap, or where there are too many keys; what is wrong with one key stands in its line.
pub async fn rotate_many(
    manage: Arc<Manage>,
    ctx: Ctx,
    accepted: Accepted,
    query: KeyQuery,
    request: RotateMany,
) -> Result<Response, Error> {
    // Whoever may rotate none learns it at once, and not of each.
    access::organization(&ctx, Need::Change)?;
    let overlap_seconds = request.overlap_seconds;
    if !(OVERLAP_SECONDS_MIN..=OVERLAP_SECONDS_MAX).contains(&overlap_seconds) {
        let expected = format!("expected {OVERLAP_SECONDS_MIN} to {OVERLAP_SECONDS_MAX}");
        return Err(Error::field("overlap_seconds", expected));
    }
    let format = match accepted.or(query.format) {
        Format::Csv => Format::Csv,
        Format::Json | Format::Jsonl => Format::Jsonl,
    };
    let mut ids = selected(&manage, &ctx, query).await?;
    // The key that calls comes last: the others are not refused when its own overlap is over.
    ids.sort_by_key(|(id, _)| ctx.credential.is_some_and(|(calling, _)| calling == *id));
    if request.dry_run {
        return Ok(Answer::ok(RotationPreview { keys: ids.len() }).into_response());
    }
    let rotation = Arc::new(Rotation { manage, ctx, request: Rotate { overlap_seconds }, ids, format });
    let response = stream(format, "rotated-keys", Progress::default(), move |progress| {
        let rotation = rotation.clone();
        async move { rotation.part(progress).await }
    });
    Ok(with_header(response, CACHE_CONTROL, "no-store"))
}

/// Ids and names of all keys that the query selects.
async fn selected(manage: &Manage, ctx: &Ctx, query: KeyQuery) -> Result<Vec<(KeyId, String)>, Error> {
    let given = [("limit", query.limit.is_some()), ("cursor", query.cursor.is_some())];
    let given: Vec<_> = given.into_iter().filter(|(_, given)| *given).collect();
    if !given.is_empty() {
        let error = |(field, _): (&str, bool)| FieldError::new(field, "a rotation has no pages");
        return Err(Error::invalid(given.into_iter().map(error).collect()));
    }
    let selected = Selected::new(manage, ctx, query).await?;
    let (mut ids, mut after): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let found = selected.page(manage, &Page { after, ..Page::default() }).await?;
        ids.extend(found.items.iter().filter_map(|key| Some((key.id().parse().ok()?, key.name().to_owned()))));
        if ids.len() > ROTATED_MAX {
            return Err(Error::field("query", format!("selects more than {ROTATED_MAX} keys: narrow it")));
        }
        match found.next {
            Some(next) => after = Some(next),
            None => return Ok(ids),
        }
    }
}

// === impl Rotation ===

impl Rotation {
    async fn part(&self, mut progress: Progress) -> Result<Part<Progress>, Error> {
        let mut text = String::new();
        if progress.next == 0 {
            text.push_str(&match self.format {
                Format::Csv => csv_line(COLUMNS.map(|(name, _)| name)),
                Format::Json | Format::Jsonl => json_line(&json!({"keys": self.ids.len()}))?,
            });
        }
        for (id, name) in self.ids.iter().skip(progress.next).take(PART) {
            // Each at its own instant: the overlap begins when the new secret is there, however long the others took.
            let ctx = Ctx { now: self.manage.clock.now(), ..self.ctx.clone() };
            let line = match rotate(&self.manage, &ctx, *id, self.request).await {
                Ok((changed, _)) => {
                    progress.rotated += 1;
                    told(&changed.value)
                }
                Err(error) if import::is_the_rows(&error) => {
                    progress.refused += 1;
                    json!({"id": id, "name": name, "code": error.code().as_str(), "detail": error.detail()})
                }
                Err(error) => return Err(error),
            };
            text.push_str(&match self.format {
                Format::Csv => csv_line(cells(&line, &COLUMNS)),
                Format::Json | Format::Jsonl => json_line(&line)?,
            });
            progress.next += 1;
        }
        let is_last = progress.next >= self.ids.len();
        if is_last && self.format != Format::Csv {
            text.push_str(&json_line(&json!({"rotated": progress.rotated, "refused": progress.refused}))?);
        }
        Ok(Part { text, next: (!is_last).then_some(progress) })
    }
}

/// A rotated key: what tells which one it is, and what it is proved by from now on.
fn told(KeyWithSecret { key, issued }: &KeyWithSecret) -> Value {
    let view = serde_json::to_value(key).unwrap_or_default();
    let mut line = json!({});
    for name in ["id", "name", "owner", "external_id", "environment", "hint"] {
        line[name] = view[name].clone();
    }
    line["old_valid_until"] = view["rotation"]["old_valid_until"].clone();
    let Issued { secret, password, .. } = issued;
    for (name, value) in [("secret", secret), ("password", password)] {
        if let Some(value) = value {
            // The answer is where a new secret leaves its type.
            line[name] = json!(value.expose());
        }
    }
    line
}
