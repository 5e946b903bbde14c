//! Imports many keys at once: the good rows come in, the bad ones are named, and nothing is lost.

use std::collections::HashSet;
use std::sync::Arc;

use claviger_domain::OrganizationId;
use claviger_domain::authority::Authority;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Key, Owner};
use claviger_domain::organization::Organization;
use claviger_domain::policy::UniqueNames;
use claviger_store::Scope;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::create::{NewKey, Resolved};
use super::home_in;
use super::import_csv::rows_of_csv;
use super::imported::check_leave;
use super::request::CreateKey;
use crate::Manage;
use crate::body::read_fields;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode, FieldError};
use crate::organizations::home;
use crate::write::Changed;

/// The most rows of one import; more go in several calls.
pub const ROWS_MAX: usize = 10_000;
/// The most bytes of one import.
pub const IMPORT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The rows of one transaction: the head of the feed is never held for long.
const BATCH: usize = 500;
/// How often a batch is tried whose values another organization takes at that moment.
const TRIES_MAX: usize = 3;

/// How to import.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportKeysQuery {
    /// `true`: says what would come of each row, and changes nothing.
    #[serde(default, deserialize_with = "crate::body::truth")]
    pub dry_run: bool,
    /// Which nodes must have applied the change before the call returns: `node` is this one, `all` every live one. The
    /// answer then names them.
    #[serde(default)]
    #[param(inline)]
    pub wait: Option<crate::body::Wait>,
    /// How many milliseconds to wait for them at most; 1,000 if not given.
    #[serde(default, deserialize_with = "crate::body::wait_ms")]
    #[param(maximum = 5_000)]
    pub wait_ms: Option<u32>,
}

/// What came of an import.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ImportedKeys {
    /// Whether nothing was changed.
    dry_run: bool,
    /// How many rows there were.
    rows: usize,
    /// How many became keys, or would.
    imported: usize,
    /// The new keys; none of a dry run.
    keys: Vec<ImportedKey>,
    /// The rows that are wrong, each with its fields and reasons.
    errors: Vec<RowErrors>,
}

/// A row that became a key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportedKey {
    /// The row's number: its line, or its place in the array, from 1 on.
    row: usize,
    /// The key's id.
    id: String,
}

/// A row that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RowErrors {
    /// The row's number: its line, or its place in the array, from 1 on.
    row: usize,
    /// What is wrong with it.
    errors: Vec<FieldError>,
}

/// A row as it was read.
struct Row {
    number: usize,
    request: Result<CreateKey, Error>,
}

/// What a dry run has seen, as the database would have it by then.
#[derive(Default)]
struct Seen {
    /// Without an owner where all keys of the organization count.
    names: HashSet<(Option<Owner>, String)>,
    digests: HashSet<CredentialDigest>,
    resolved: Resolved,
}

/// How the rows of an import are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsForm {
    /// A JSON array.
    Array,
    /// A JSON object a line.
    Lines,
    /// CSV whose first line names the columns.
    Csv,
}

/// Imports the rows of `body`.
pub async fn import(
    manage: &Manage,
    ctx: &Ctx,
    body: &[u8],
    form: RowsForm,
    query: ImportKeysQuery,
) -> Result<Changed<ImportedKeys>, Error> {
    let organization = ctx.organization_with(Authority::KeysManageAll)?;
    let rows = match form {
        RowsForm::Array => read_array(body)?,
        RowsForm::Lines => read_lines(body)?,
        RowsForm::Csv => read_csv(body)?,
    };
    let home = home(manage, organization).await?;
    let mut done = ImportedKeys { dry_run: query.dry_run, rows: rows.len(), ..ImportedKeys::default() };
    let (mut position, mut seen) = (None, Seen::default());
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut drawn = Vec::with_capacity(BATCH);
        for Row { number, request } in rows.by_ref().take(BATCH) {
            match request.and_then(|request| draw(manage, ctx, &home, request)) {
                Ok(new) => drawn.push((number, new)),
                Err(error) => done.refuse(number, error)?,
            }
        }
        if query.dry_run {
            try_batch(manage, ctx, drawn, &mut seen, &mut done).await?;
        } else {
            let changed = import_batch(manage, ctx, organization, drawn).await?;
            position = changed.position.or(position);
            for (number, result) in changed.value {
                match result {
                    Ok(id) => done.take(number, Some(id)),
                    Err(error) => done.refuse(number, error)?,
                }
            }
        }
    }
    done.errors.sort_by_key(|row| row.row);
    Ok(Changed { value: done, position })
}

fn draw(manage: &Manage, ctx: &Ctx, home: &Organization, request: CreateKey) -> Result<NewKey, Error> {
    if request.import.is_none() {
        return Err(Error::field("import", "is required: the value, or its SHA-256"));
    }
    NewKey::draw(manage, ctx, home, request)
}

type Outcome = (usize, Result<String, Error>);

/// Imports the good rows of a batch in one transaction. Where a value is taken by another organization between the look and
/// the insertion, the batch begins again and sees it.
async fn import_batch(
    manage: &Manage,
    ctx: &Ctx,
    organization: OrganizationId,
    drawn: Vec<(usize, NewKey)>,
) -> Result<Changed<Vec<Outcome>>, Error> {
    let (shared, leave) = (Arc::new((ctx.clone(), drawn)), manage.config.imports_with_several_organizations);
    let mut tries = 0;
    loop {
        let shared = shared.clone();
        let result = manage
            .write(ctx, Scope::Organization(organization), move |tx| {
                let shared = shared.clone();
                Box::pin(async move {
                    check_leave(tx, leave).await?;
                    let ((ctx, drawn), mut resolved) = (&*shared, Resolved::default());
                    let mut outcomes = Vec::with_capacity(drawn.len());
                    for (number, new) in drawn {
                        let outcome = match new.check(tx, ctx, &mut resolved).await {
                            Ok(key) => Ok(new.write(tx, ctx, key).await?.id().to_owned()),
                            Err(error) if is_the_rows(&error) => Err(error),
                            Err(error) => return Err(error),
                        };
                        outcomes.push((*number, outcome));
                    }
                    Ok(outcomes)
                })
            })
            .await;
        tries += 1;
        match result {
            Err(error) if error.code() == ErrorCode::InvalidRequest && tries < TRIES_MAX => {}
            result => return result,
        }
    }
}

/// What would come of a batch.
async fn try_batch(
    manage: &Manage,
    ctx: &Ctx,
    drawn: Vec<(usize, NewKey)>,
    seen: &mut Seen,
    done: &mut ImportedKeys,
) -> Result<(), Error> {
    let mut snapshot = manage.store.read().await?;
    let unique = home_in(&mut snapshot, ctx.organization_with(Authority::KeysManageAll)?).await?.policy.unique_names;
    check_leave(&mut snapshot, manage.config.imports_with_several_organizations).await?;
    for (number, new) in drawn {
        let checked = new.check(&mut snapshot, ctx, &mut seen.resolved).await;
        match checked.and_then(|key| seen.check(&new, &key, unique)) {
            Ok(()) => done.take(number, None),
            Err(error) => done.refuse(number, error)?,
        }
    }
    Ok(())
}

/// Whether an error is about what the row says, and not about the call.
pub(crate) fn is_the_rows(error: &Error) -> bool {
    use ErrorCode::{Conflict, Forbidden, InvalidRequest, LimitReached, NameTaken, NotFound};
    matches!(error.code(), InvalidRequest | NotFound | NameTaken | LimitReached | Conflict | Forbidden)
}

fn read_array(body: &[u8]) -> Result<Vec<Row>, Error> {
    let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| {
        // The text around the position could be a value and is not repeated.
        Error::field("body", format!("expected a JSON array; line {}, column {}", error.line(), error.column()))
    })?;
    check_count(items.len())?;
    let rows = items.into_iter().zip(1..);
    Ok(rows.map(|(item, number)| Row { number, request: read_row(item.get().as_bytes()) }).collect())
}

/// Empty lines are passed over.
fn read_lines(body: &[u8]) -> Result<Vec<Row>, Error> {
    let lines = body.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    let lines: Vec<_> = lines.take(ROWS_MAX + 1).collect();
    check_count(lines.len())?;
    Ok(lines.into_iter().map(|(line, number)| Row { number, request: read_row(line) }).collect())
}

fn read_csv(body: &[u8]) -> Result<Vec<Row>, Error> {
    let rows = rows_of_csv(body, ROWS_MAX + 1).map_err(|error| Error::field("body", error))?;
    check_count(rows.len())?;
    let request = |row: Result<Value, String>| read_fields(row.map_err(|error| Error::field("row", error))?);
    Ok(rows.into_iter().map(|(number, row)| Row { number, request: request(row) }).collect())
}

fn check_count(rows: usize) -> Result<(), Error> {
    if (1..=ROWS_MAX).contains(&rows) {
        return Ok(());
    }
    Err(Error::field("body", format!("expected 1 to {ROWS_MAX} rows")))
}

fn read_row(text: &[u8]) -> Result<CreateKey, Error> {
    let value: Value = serde_json::from_slice(text).map_err(|error| {
        Error::field("body", format!("expected a JSON object; it goes wrong at column {}", error.column()))
    })?;
    read_fields(value)
}

// === impl ImportedKeys ===

impl ImportedKeys {
    fn take(&mut self, row: usize, id: Option<String>) {
        self.imported += 1;
        self.keys.extend(id.map(|id| ImportedKey { row, id }));
    }

    /// Names a wrong row; an error that is about the call ends it.
    fn refuse(&mut self, row: usize, error: Error) -> Result<(), Error> {
        if !is_the_rows(&error) {
            return Err(error);
        }
        let mut errors = error.errors().to_vec();
        if errors.is_empty() {
            errors.push(FieldError::new("row", error.detail()));
        }
        self.errors.push(RowErrors { row, errors });
        Ok(())
    }
}

// === impl Seen ===

impl Seen {
    /// Refuses what an earlier row has.
    fn check(&mut self, new: &NewKey, key: &Key, unique: UniqueNames) -> Result<(), Error> {
        let (owner, digest) = (key.owner, key.secret.digest);
        if self.digests.contains(&digest) {
            return Err(new.refused_value());
        }
        let among = (unique == UniqueNames::Owner).then_some(owner);
        if !self.names.insert((among, key.name.search_form())) {
            return Err(Error::name_taken("name", "an earlier row"));
        }
        self.digests.insert(digest);
        self.resolved.count_tried(owner);
        Ok(())
    }
}
