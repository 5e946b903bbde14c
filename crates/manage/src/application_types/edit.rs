//! Changes a type of applications; keys that are there have what it allows from this change on.

use std::sync::Arc;

use claviger_domain::application::ApplicationType;
use claviger_domain::authority::Authority;
use claviger_store::{Scope, Tx, application_types};

use super::record::{allowed_sets, check_slug_free, find, note, view};
use super::request::{self, EditApplicationType};
use super::wire::Recorded;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Changes the type of this id or slug.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    request: EditApplicationType,
) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let all = Arc::new((ctx.clone(), name, if_match, request));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, name, if_match, request) = &*all;
                let before = find(tx, organization, name).await?;
                if_match.check(before.version)?;
                apply(tx, ctx, &before, request).await
            })
        })
        .await
}

async fn apply(
    tx: &mut Tx,
    ctx: &Ctx,
    before: &ApplicationType,
    request: &EditApplicationType,
) -> Result<Recorded, Error> {
    let old = view(tx, before).await?;
    let mut kind = before.clone();
    if let Some(name) = &request.name {
        kind.name = name.clone();
    }
    if let Some(slug) = &request.slug {
        kind.slug = slug.clone();
        check_slug_free(tx, &kind).await?;
    }
    if let Some(names) = &request.api_sets {
        kind.api_sets = allowed_sets(tx, ctx, kind.organization, names, &before.api_sets).await?;
    }
    if let Some(fields) = &request.fields {
        kind.fields = request::fields(kind.sign_in, Some(fields), Some(before.fields))?;
    }
    if kind == *before {
        return Ok(Recorded { kind: old, version: kind.version });
    }
    kind.version += 1;
    kind.updated_at = ctx.now;
    application_types::update(tx, &kind).await?;
    let new = view(tx, &kind).await?;
    note(tx, ctx, "application_type.edit", &kind, Some(&old), Some(&new));
    Ok(Recorded { kind: new, version: kind.version })
}
