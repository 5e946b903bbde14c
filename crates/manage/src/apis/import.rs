//! Makes or replaces an API from an OpenAPI document.

use std::sync::Arc;

use bytes::Bytes;
use claviger_domain::api::{Api, ApiKind, DoorRules};
use claviger_domain::authority::Authority;
use claviger_domain::name::{Name, Slug};
use claviger_domain::sharing::Sharing;
use claviger_domain::{ApiId, ApiSetId, OrganizationId};
use claviger_store::keys::{self, KeyFilter};
use claviger_store::{Conn, PAGE_LIMIT_MAX, Page, Scope, Tx, apis, operations};
use serde::{Deserialize, Deserializer};
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::document::{self, DocumentError, ImportedDocument};
use super::imported::{GainingKey, GainingSet, Imported, SuggestedSetView, compare, gaining_keys, gaining_sets};
use super::record::{self, note, rename_general, view};
use super::wire::ApiView;
use super::{request, slug};
use crate::Manage;
use crate::api_sets;
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
    pub name: Option<Name>,
    /// Only shows what the import would do.
    #[serde(default, deserialize_with = "flag")]
    pub dry_run: bool,
    /// Which nodes must have applied the change before the call returns; `node` is this one.
    #[serde(default)]
    #[param(inline)]
    pub wait: crate::body::Wait,
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

/// Makes or replaces an API from a document. Hosts, base paths and name of an API that is there stay as they are; of
/// `default` as it was made they become the document's.
pub async fn import(
    manage: &Manage,
    ctx: &Ctx,
    query: ImportQuery,
    document: Bytes,
) -> Result<Changed<Imported>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let document = read(document).await?;
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
        .write(ctx, Scope::Organization(organization), move |tx| {
            let plan = plan.clone();
            Box::pin(async move { plan.carry_out(tx).await })
        })
        .await
}

/// Reads the document off the async threads: 13 MB take a tenth of a second.
async fn read(bytes: Bytes) -> Result<ImportedDocument, Error> {
    let _place = IMPORTS.try_acquire().map_err(|_| Error::busy("Other documents are being imported."))?;
    let read = tokio::task::spawn_blocking(move || {
        let document = document::parse(&bytes).map_err(Error::from)?;
        let mut checks = Checks::default();
        request::check_routable(&mut checks, "paths", &document.operations);
        checks.finish().map(|()| document)
    });
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
    after: Api,
    differs: bool,
    imported: Imported,
}

// === impl Plan ===

impl Plan {
    async fn carry_out(&self, tx: &mut Tx) -> Result<Imported, Error> {
        let Preview { before, after, differs, mut imported } = self.preview(tx).await?;
        let old = match &before {
            Some(before) if !differs && *before == after => return Ok(imported),
            Some(before) => Some(view(tx, before).await?),
            None => None,
        };
        if let Some(before) = &before {
            rename_general(tx, &self.ctx, before, &after).await?;
            apis::update(tx, &after).await?;
        } else {
            let general = record::general_set(self.new_set, &after, self.ctx.now);
            record::insert(tx, &after, &general).await?;
        }
        if differs {
            operations::replace(tx, self.organization, after.id, &self.document.operations).await?;
        }
        imported.api = view(tx, &after).await?;
        note(tx, &self.ctx, "api.import", &after, old.as_ref(), Some(&imported.api));
        Ok(imported)
    }

    async fn preview(&self, conn: &mut Conn) -> Result<Preview, Error> {
        let before = apis::by_slug(conn, self.organization, &self.slug).await?;
        let old = match &before {
            Some(before) => operations::all(conn, before.id).await?,
            None => Vec::new(),
        };
        let differs = old != self.document.operations;
        let after = match &before {
            Some(before) => self.replaced(before, differs),
            None => self.made(),
        };
        let (counts, added) = compare(&old, &self.document.operations);
        let view = ApiView::new(&after, self.document.operations.len() as i64);
        let made = before.is_none();
        let (gaining_sets, gaining_keys) = match &before {
            Some(api) if !added.is_empty() => self.gaining(conn, api, &added).await?,
            _ => (Vec::new(), Vec::new()),
        };
        let imported = Imported {
            api: if made && self.query.dry_run { view.not_made() } else { view },
            operations: counts,
            gaining_sets,
            gaining_keys,
            suggested_sets: self.suggestions(),
            dry_run: self.query.dry_run,
            made,
            version: after.version,
        };
        Ok(Preview { before, after, differs, imported })
    }

    async fn gaining(
        &self,
        conn: &mut Conn,
        api: &Api,
        added: &[&str],
    ) -> Result<(Vec<GainingSet>, Vec<GainingKey>), Error> {
        let sets = gaining_sets(&api_sets::all(conn, self.organization).await?, api.id, added);
        if !self.ctx.authorities.has(Authority::KeysRead) {
            return Ok((sets, Vec::new()));
        }
        let filter = KeyFilter { api: Some(api.id), now: self.ctx.now, ..KeyFilter::default() };
        let keys = keys::list(conn, self.organization, &filter, &Page::first(PAGE_LIMIT_MAX)).await?;
        Ok((sets, gaining_keys(&keys.items, api.id, added)))
    }

    fn made(&self) -> Api {
        Api {
            id: self.new_api,
            organization: self.organization,
            slug: self.slug.clone(),
            name: self.name.clone(),
            hosts: self.document.hosts.clone(),
            base_paths: self.document.base_paths.clone(),
            unlisted_paths: false,
            manual_url: self.document.manual_url.clone(),
            version_pattern: None,
            versions: Vec::new(),
            kind: ApiKind::Plain,
            sharing: Sharing::default(),
            rules: DoorRules::default(),
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
            version: 1,
        }
    }

    fn replaced(&self, before: &Api, differs: bool) -> Api {
        let mut after = before.clone();
        if let Some(name) = &self.query.name {
            after.name = name.clone();
        }
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

    fn suggestions(&self) -> Vec<SuggestedSetView> {
        let named = |pattern: &String| format!("{}:{pattern}", self.slug);
        let view = |set: &document::SuggestedSet| SuggestedSetView {
            slug: set.slug.to_string(),
            name: set.name.to_string(),
            operations: set.patterns.iter().map(named).collect(),
            operations_count: set.operations_count,
        };
        self.document.suggested_sets.iter().map(view).collect()
    }
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(serde::de::Error::custom("expected `true` or `false`")),
    }
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Self {
        let fields = error.problems.into_iter().map(|problem| FieldError::new(problem.place, problem.message));
        Self::invalid(fields.collect())
    }
}
