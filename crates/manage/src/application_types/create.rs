//! Makes a type of applications.

use std::sync::Arc;

use claviger_domain::ApplicationTypeId;
use claviger_domain::application::{APPLICATION_TYPES_MAX, ApplicationType};
use claviger_domain::authority::Authority;
use claviger_domain::name::Slug;
use claviger_store::{Scope, Tx, application_types};
use serde_json::json;

use super::record::{allowed_sets, check_slug_free, note, view};
use super::request::{self, CreateApplicationType};
use super::wire::Recorded;
use crate::Manage;
use crate::answer::Answer;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::Changed;

/// Makes a type of applications.
pub async fn create(manage: &Manage, ctx: &Ctx, request: CreateApplicationType) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let draft = ApplicationType {
        id: ApplicationTypeId::new(ctx.now, &*manage.random),
        organization,
        slug: request.slug.clone().unwrap_or_else(|| Slug::from_name(request.name.as_str(), "type")),
        name: request.name.clone(),
        sign_in: request.sign_in,
        api_sets: Vec::new(),
        fields: request::fields(request.sign_in, request.fields.as_ref(), None)?,
        predefined: false,
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
            |made| {
                let answer = Answer::created(json!(made.kind));
                answer.location("application-types", made.kind.id()).version(made.version)
            },
        )
        .await
}

async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    request: &CreateApplicationType,
    mut kind: ApplicationType,
) -> Result<Recorded, Error> {
    if application_types::count(tx, kind.organization).await? >= APPLICATION_TYPES_MAX as i64 {
        let most = format!("An organization has at most {APPLICATION_TYPES_MAX} types of applications.");
        return Err(Error::new(ErrorCode::LimitReached, most));
    }
    check_slug_free(tx, &kind).await?;
    kind.api_sets = allowed_sets(tx, ctx, kind.organization, &request.api_sets, &[]).await?;
    application_types::insert(tx, &kind).await?;
    let made = view(tx, &kind).await?;
    note(tx, ctx, "application_type.create", &kind, None, Some(&made));
    Ok(Recorded { kind: made, version: kind.version })
}
