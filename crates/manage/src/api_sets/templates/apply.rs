//! Makes the sets of a template for an API.

use std::sync::Arc;

use claviger_domain::api::Api;
use claviger_domain::api_set::{ApiPattern, ApiSet, ApiSetKind, FULL_ACCESS_SLUG, PATTERNS_MAX};
use claviger_domain::authority::Authority;
use claviger_domain::name::{Name, Slug};
use claviger_domain::operation::{Operation, OperationPattern};
use claviger_domain::{ApiSetId, OrganizationId};
use claviger_store::{Conn, Scope, Tx, api_sets, operations};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::record::{SETS_MAX, note, view};
use super::matching::OperationMatcher;
use super::wire::{Applied, AppliedSet};
use super::{Template, TemplateSet, find};
use crate::Manage;
use crate::apis::{find_own_api, slug};
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::Changed;

/// To which API a template is applied.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyTemplate {
    /// An API of one's own, by slug or id.
    #[schema(example = "mail")]
    pub api: String,
    /// What the slugs of the sets begin with; the API's slug if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "mail")]
    pub prefix: Option<Slug>,
}

/// What is done to one set.
struct Change {
    before: Option<ApiSet>,
    /// `None`: there is nothing to make.
    after: Option<ApiSet>,
    shown: AppliedSet,
}

/// Makes or completes the sets of a template; nothing that a set holds is taken away, so that applying it again does nothing
/// but bring back what is missing. With `dry_run` it only says what it would do.
pub async fn apply(
    manage: &Manage,
    ctx: &Ctx,
    template: &str,
    request: ApplyTemplate,
    dry_run: bool,
) -> Result<Changed<Applied>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let template = find(template)?;
    let ids: Vec<_> = template.sets.iter().map(|_| ApiSetId::new(ctx.now, &*manage.random)).collect();
    if dry_run {
        let mut snapshot = manage.store.read().await?;
        let (api, changes) = plan(&mut snapshot, ctx, organization, template, &request, &ids).await?;
        let sets = changes.into_iter().map(|change| change.shown);
        let sets = sets.map(|set| AppliedSet { id: set.id.filter(|_| set.state != "made"), ..set });
        let value =
            Applied { template: template.slug.clone(), api: api.slug.to_string(), sets: sets.collect(), dry_run };
        return Ok(Changed { value, position: None });
    }
    let all = Arc::new((ctx.clone(), request, ids));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, request, ids) = &*all;
                let (api, changes) = plan(tx, ctx, organization, template, request, ids).await?;
                let mut sets = Vec::with_capacity(changes.len());
                for change in changes {
                    carry_out(tx, ctx, &change).await?;
                    sets.push(change.shown);
                }
                Ok(Applied { template: template.slug.clone(), api: api.slug.to_string(), sets, dry_run })
            })
        })
        .await
}

async fn plan(
    conn: &mut Conn,
    ctx: &Ctx,
    organization: OrganizationId,
    template: &Template,
    request: &ApplyTemplate,
    ids: &[ApiSetId],
) -> Result<(Api, Vec<Change>), Error> {
    let api = find_own_api(conn, organization, &request.api, "api").await?;
    let listed = operations::all(conn, api.id).await?;
    let known = super::super::all(conn, organization).await?;
    let mut changes = Vec::with_capacity(template.sets.len());
    for (set, id) in template.sets.iter().zip(ids) {
        let target = target(ctx, template, set, &api, request, *id, &known)?;
        changes.push(change(template, set, &api, &listed, target)?);
    }
    let made = changes.iter().filter(|change| change.before.is_none() && change.after.is_some()).count();
    if api_sets::count(conn, organization).await? + made as i64 > SETS_MAX {
        return Err(Error::new(ErrorCode::LimitReached, format!("An organization has at most {SETS_MAX} sets.")));
    }
    Ok((api, changes))
}

/// The set that is to hold a right, as it is or, still empty, as it is to be made.
fn target(
    ctx: &Ctx,
    template: &Template,
    set: &TemplateSet,
    api: &Api,
    request: &ApplyTemplate,
    id: ApiSetId,
    known: &[ApiSet],
) -> Result<(Option<ApiSet>, ApiSet), Error> {
    let mark = format!("{}/{}", template.slug, set.slug);
    let prefix = request.prefix.as_ref().unwrap_or(&api.slug);
    let slug = Slug::from_name(&format!("{prefix}-{}", set.slug), &set.slug);
    let found = match set.kind {
        ApiSetKind::Full => known.iter().find(|known| known.slug.as_str() == FULL_ACCESS_SLUG),
        ApiSetKind::General => known.iter().find(|known| known.kind == ApiSetKind::General && known.apis == [api.id]),
        ApiSetKind::Plain | ApiSetKind::BuiltIn => known.iter().find(|known| {
            let is_of_api = known.slug == slug || known.operations.iter().any(|pattern| pattern.api == api.id);
            known.template.as_deref() == Some(&*mark) && is_of_api
        }),
    };
    if let Some(found) = found {
        return Ok((Some(found.clone()), found.clone()));
    }
    slug::check_set(&slug).map_err(|problem| Error::field("prefix", problem))?;
    if let Some(other) = known.iter().find(|known| known.slug == slug) {
        return Err(Error::name_taken("prefix", other.id));
    }
    let made = ApiSet {
        id,
        organization: api.organization,
        slug,
        name: name(api, set)?,
        kind: ApiSetKind::Plain,
        apis: Vec::new(),
        operations: Vec::new(),
        limits: Vec::new(),
        template: Some(mark.into()),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    Ok((None, made))
}

/// `<API>: <right>`, the API's name left out where both are too long.
fn name(api: &Api, set: &TemplateSet) -> Result<Name, Error> {
    let whole = format!("{}: {}", api.name, set.name);
    whole.parse().or_else(|_| set.name.parse()).map_err(|_| Error::internal("a template's name is no name"))
}

/// What the template adds to a set.
fn change(
    template: &Template,
    set: &TemplateSet,
    api: &Api,
    listed: &[Operation],
    (before, mut after): (Option<ApiSet>, ApiSet),
) -> Result<Change, Error> {
    let (mut added, mut unmatched) = (Vec::new(), Vec::new());
    for ways in template.matchers(set) {
        let means = |operation: &&Operation| ways.iter().any(|way| way.matches(operation, &template.base_path));
        let mut found = listed.iter().filter(means).peekable();
        if found.peek().is_none() {
            unmatched.push(ways.iter().map(OperationMatcher::to_string).collect::<Vec<_>>().join(" or "));
        }
        for operation in found {
            let pattern = OperationPattern::parse(&operation.name);
            let pattern = pattern.map_err(|problem| Error::internal(format!("an operation's name: {problem}")))?;
            let pattern = ApiPattern { api: api.id, pattern };
            // A set may hold it by a pattern, whole; what takes it out again was put there by somebody.
            let held = after.operations.iter().any(|own| {
                own.api == api.id && own.pattern.version().is_none() && own.pattern.matches(&operation.name)
            });
            if !held {
                added.push(pattern.text(api.slug.as_str()));
                after.operations.push(pattern);
            }
        }
    }
    if after.operations.len() > PATTERNS_MAX {
        let problem = format!("The set `{}` would hold more than {PATTERNS_MAX} operations.", after.slug);
        return Err(Error::new(ErrorCode::LimitReached, problem));
    }
    let state = match &before {
        None if added.is_empty() => "empty",
        None => "made",
        Some(_) if added.is_empty() => "unchanged",
        Some(_) => "changed",
    };
    let shown = AppliedSet {
        id: Some(after.id.to_string()).filter(|_| state != "empty"),
        slug: after.slug.to_string(),
        name: after.name.to_string(),
        state,
        operations_count: after.operations.len(),
        added,
        unmatched,
    };
    let after = Some(after).filter(|_| matches!(state, "made" | "changed"));
    Ok(Change { before, after, shown })
}

async fn carry_out(tx: &mut Tx, ctx: &Ctx, change: &Change) -> Result<(), Error> {
    let Some(mut after) = change.after.clone() else { return Ok(()) };
    if let Some(before) = &change.before {
        // It only adds.
        ctx.require_any_set(tx).await?;
        let old = view(tx, before).await?;
        after.version += 1;
        after.updated_at = ctx.now;
        api_sets::update(tx, &after).await?;
        let new = view(tx, &after).await?;
        note(tx, ctx, "api_set.edit", &after, Some(&old), Some(&new));
    } else {
        api_sets::insert(tx, &after).await?;
        let made = view(tx, &after).await?;
        note(tx, ctx, "api_set.create", &after, None, Some(&made));
    }
    Ok(())
}
