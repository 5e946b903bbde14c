//! Makes or replaces an API from an OpenAPI document.

use std::sync::Arc;

use bytes::Bytes;
use claviger_domain::api::{Api, ApiKind, DoorRules};
use claviger_domain::authority::Authority;
use claviger_domain::name::{Name, Slug};
use claviger_domain::operation::Operation;
use claviger_domain::sharing::Sharing;
use claviger_domain::{ApiId, ApiSetId, OrganizationId};
use claviger_store::{Conn, Scope, Tx, apis, operations};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::difference::Difference;
use super::document::{self, DocumentError, Format, ImportedDocument};
use super::imported::{Imported, SuggestedSetView};
use super::manual::{self, Manuals};
use super::merge::{Existing, Merged, merge};
use super::record::{self, note, note_change, rename_general, view};
use super::shares::Shares;
use super::wire::ApiView;
use super::{request, slug};
use crate::Manage;
use crate::answer::Answer;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::write::Changed;

/// How many documents are read at once; each may take 32 MiB.
const IMPORTS_AT_ONCE_MAX: usize = 2;
static IMPORTS: Semaphore = Semaphore::const_new(IMPORTS_AT_ONCE_MAX);

/// What an import is asked to do.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// The API to make, or to replace the operations of; made from the document's title if not given.
    #[param(value_type = Option<String>)]
    pub slug: Option<Slug>,
    /// What a new API is called; the document's title if not given.
    #[param(value_type = Option<String>)]
    #[serde(default, deserialize_with = "crate::body::new_name_or_none")]
    pub name: Option<Name>,
    /// The version that the document is: added beside the others, or put in the place of this one. If not given, the document
    /// takes the place of the versions that its base path or its paths name.
    pub version: Option<String>,
    /// Only shows what the import would do.
    #[serde(default, deserialize_with = "crate::body::flag")]
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

/// What is to be done, before the database is looked at.
struct Plan {
    ctx: Ctx,
    organization: OrganizationId,
    query: ImportQuery,
    slug: Slug,
    /// What a new API is called.
    name: Name,
    document: ImportedDocument,
    new_api: ApiId,
    new_set: ApiSetId,
}

/// Makes or replaces an API, or one version of it, from a document. Hosts, base paths and name of an API that is there stay
/// as they are, but that a new version can be reached; of `default` as it was made they become the document's.
pub async fn import(
    manage: &Manage,
    ctx: &Ctx,
    query: ImportQuery,
    document: Bytes,
    format: Format,
) -> Result<Changed<Imported>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let document = read(document, format).await?;
    let slug = checked_slug(&query, &document)?;
    let name = query.name.clone().or_else(|| document.title.clone());
    let name = name.map_or_else(|| slug.as_str().parse().map_err(|problem| Error::field("name", problem)), Ok)?;
    let dry_run = query.dry_run;
    let (new_api, new_set) = (ApiId::new(ctx.now, &*manage.random), ApiSetId::new(ctx.now, &*manage.random));
    let plan = Arc::new(Plan { ctx: ctx.clone(), organization, query, slug, name, document, new_api, new_set });
    if dry_run {
        let mut snapshot = manage.store.read().await?;
        let preview = plan.preview(&mut snapshot).await?;
        return Ok(Changed { value: preview.imported, position: None });
    }
    manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let plan = plan.clone();
                Box::pin(async move { plan.carry_out(tx).await })
            },
            |imported| {
                let answer = if imported.made {
                    Answer::created(json!(imported)).location("apis", imported.api.id())
                } else {
                    Answer::ok(json!(imported))
                };
                answer.version(imported.version)
            },
        )
        .await
}

/// Reads the document off the async threads: 13 MB take a tenth of a second.
async fn read(bytes: Bytes, format: Format) -> Result<ImportedDocument, Error> {
    let _place = IMPORTS.try_acquire().map_err(|_| Error::busy("Other documents are being imported."))?;
    let read = tokio::task::spawn_blocking(move || document::parse(&bytes, format).map_err(Error::from));
    read.await.map_err(|error| Error::internal(format!("reading a document: {error}")))?
}

fn checked_slug(query: &ImportQuery, document: &ImportedDocument) -> Result<Slug, Error> {
    let from_title = || Some(slug::for_api(document.title.as_ref()?.as_str()));
    let slug = query.slug.clone().or_else(from_title);
    let slug = slug.ok_or_else(|| Error::field("slug", "is required: the document has no title to make one from"))?;
    slug::check_api(&slug).map_err(|problem| Error::field("slug", problem))?;
    Ok(slug)
}

/// What an import does to the database.
struct Preview {
    before: Option<Api>,
    /// The operations before.
    listed: Vec<Operation>,
    after: Api,
    differs: bool,
    operations: Vec<Operation>,
    manuals: Manuals,
    manuals_differ: bool,
    imported: Imported,
}

// === impl Plan ===

impl Plan {
    async fn carry_out(&self, tx: &mut Tx) -> Result<Imported, Error> {
        let Preview { before, listed, after, differs, operations, manuals, manuals_differ, mut imported } =
            self.preview(tx).await?;
        let old = match &before {
            Some(before) if !differs && !manuals_differ && *before == after => return Ok(imported),
            Some(before) => Some(view(tx, before).await?),
            None => None,
        };
        if let Some(before) = &before {
            // What a set holds by a pattern, or whole, may be more by this.
            self.ctx.require_any_set(tx).await?;
            rename_general(tx, &self.ctx, before, &after).await?;
            apis::update(tx, &after).await?;
        } else {
            let general = record::general_set(self.new_set, &after, self.ctx.now);
            record::insert(tx, &after, &general).await?;
        }
        if differs {
            operations::replace(tx, self.organization, after.id, &operations).await?;
            manual::forget(tx, after.id, &operations).await?;
        }
        if manuals_differ {
            manuals.save(tx, after.id).await?;
        }
        imported.api = view(tx, &after).await?;
        match &old {
            Some(old) => {
                note_change(tx, &self.ctx, "api.import", &after, (old, &listed), (&imported.api, &operations));
            }
            None => note(tx, &self.ctx, "api.import", &after, None, Some(&imported.api)),
        }
        Ok(imported)
    }

    async fn preview(&self, conn: &mut Conn) -> Result<Preview, Error> {
        let before = apis::by_slug(conn, self.organization, &self.slug).await?;
        let old = match &before {
            Some(before) => operations::all(conn, before.id).await?,
            None => Vec::new(),
        };
        let existing = before.as_ref().map(|api| Existing { api, operations: &old });
        let merged = merge(existing.as_ref(), &self.document, self.query.version.as_deref())?;
        let mut checks = Checks::default();
        request::check_routable(&mut checks, "paths", &merged.operations);
        checks.finish()?;
        let differs = old != merged.operations;
        let manuals_differ = match &before {
            Some(before) => merged.manuals.differ(conn, before.id).await?,
            None => true,
        };
        let after = match &before {
            Some(before) => self.replaced(before, &merged, differs || manuals_differ),
            None => self.made(&merged),
        };
        let difference = Difference::new(&old, &merged.operations);
        let shares = match &before {
            Some(api) => Shares::find(conn, &self.ctx, api, &difference).await?,
            None => Shares::default(),
        };
        let imported = self.imported(before.is_none(), &after, &merged, difference, shares);
        let Merged { operations, manuals, .. } = merged;
        Ok(Preview { before, listed: old, after, differs, operations, manuals, manuals_differ, imported })
    }

    fn imported(&self, made: bool, after: &Api, merged: &Merged, difference: Difference, shares: Shares) -> Imported {
        let view = ApiView::new(after, merged.operations.len() as i64);
        Imported {
            api: if made && self.query.dry_run { view.not_made() } else { view },
            versions: merged.named.iter().map(ToString::to_string).collect(),
            operations: difference.counts,
            changes: difference.changes,
            shares,
            suggested_sets: self.suggestions(merged),
            dry_run: self.query.dry_run,
            made,
            version: after.version,
        }
    }

    fn made(&self, merged: &Merged) -> Api {
        Api {
            id: self.new_api,
            organization: self.organization,
            slug: self.slug.clone(),
            name: self.name.clone(),
            hosts: self.document.hosts.clone(),
            base_paths: self.document.base_paths.clone(),
            unlisted_paths: false,
            manual_url: self.document.manual_url.clone(),
            version_pattern: merged.version_pattern.clone(),
            versions: merged.versions.clone(),
            kind: ApiKind::Plain,
            sharing: Sharing::default(),
            rules: DoorRules::default(),
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
            version: 1,
        }
    }

    fn replaced(&self, before: &Api, merged: &Merged, differs: bool) -> Api {
        let mut after = before.clone();
        if let Some(name) = &self.query.name {
            after.name = name.clone();
        }
        after.version_pattern.clone_from(&merged.version_pattern);
        after.versions.clone_from(&merged.versions);
        after.base_paths.clone_from(&merged.base_paths);
        after.manual_url = before.manual_url.clone().or_else(|| self.document.manual_url.clone());
        if before.kind == ApiKind::PristineDefault {
            after.kind = ApiKind::Plain;
            after.hosts.clone_from(&self.document.hosts);
            after.base_paths.clone_from(&self.document.base_paths);
            after.unlisted_paths = false;
        }
        if differs || after != *before {
            after.version += 1;
            after.updated_at = self.ctx.now;
        }
        after
    }

    /// Sets by the document's tags, as the operations are called in the API.
    fn suggestions(&self, merged: &Merged) -> Vec<SuggestedSetView> {
        let named = |pattern: &String| format!("{}:{pattern}", self.slug);
        let view = |set: document::SuggestedSet| SuggestedSetView {
            slug: set.slug.to_string(),
            name: set.name.to_string(),
            operations: set.patterns.iter().map(named).collect(),
            operations_count: set.operations_count,
        };
        document::suggested_sets(&self.document, &merged.operations).into_iter().map(view).collect()
    }
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Self {
        let fields = error.problems.into_iter().map(|problem| FieldError::new(problem.place, problem.message));
        Self::invalid(fields.collect())
    }
}
