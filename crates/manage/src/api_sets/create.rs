//! Makes a set.

use std::sync::Arc;

use claviger_domain::ApiSetId;
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::authority::Authority;
use claviger_domain::limit::Place;
use claviger_domain::name::Slug;
use claviger_store::{Scope, Tx, api_sets};
use serde_json::json;

use super::record::{SETS_MAX, check_slug_free, fill, note, view};
use super::request::CreateApiSet;
use super::wire::Recorded;
use crate::Manage;
use crate::answer::Answer;
use crate::apis::slug;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::write::Changed;

/// Makes a set of the caller's organization.
pub async fn create(manage: &Manage, ctx: &Ctx, request: CreateApiSet) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let slug = request.slug.clone().unwrap_or_else(|| Slug::from_name(request.name.as_str(), "set"));
    slug::check_set(&slug).map_err(|problem| Error::field("slug", problem))?;
    let mut checks = Checks::default();
    let limits = limits::read(&mut checks, &request.limits, Place::ApiSet);
    checks.finish()?;
    let draft = ApiSet {
        id: ApiSetId::new(ctx.now, &*manage.random),
        organization,
        slug,
        name: request.name.clone(),
        kind: ApiSetKind::Plain,
        apis: Vec::new(),
        operations: Vec::new(),
        limits,
        template: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    let all = Arc::new((ctx.clone(), request, draft));
    manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let all = all.clone();
                Box::pin(async move { insert(tx, &all.0, &all.1, all.2.clone()).await })
            },
            |made| Answer::created(json!(made.set)).location("api-sets", made.set.id()).version(made.version),
        )
        .await
}

async fn insert(tx: &mut Tx, ctx: &Ctx, request: &CreateApiSet, mut set: ApiSet) -> Result<Recorded, Error> {
    if api_sets::count(tx, set.organization).await? >= SETS_MAX {
        return Err(Error::new(ErrorCode::LimitReached, format!("An organization has at most {SETS_MAX} sets.")));
    }
    check_slug_free(tx, &set).await?;
    fill(tx, &mut set, Some(&request.apis), Some(&request.operations)).await?;
    api_sets::insert(tx, &set).await?;
    let made = view(tx, &set).await?;
    note(tx, ctx, "api_set.create", &set, None, Some(&made));
    Ok(Recorded { set: made, version: set.version })
}
