//! Makes an API by hand.

use std::sync::Arc;

use claviger_domain::api::{Api, ApiKind, DoorRules};
use claviger_domain::authority::Authority;
use claviger_domain::operation::Operation;
use claviger_domain::sharing::Sharing;
use claviger_domain::{ApiId, ApiSetId, OrganizationId};
use claviger_store::{Scope, operations};
use serde_json::json;

use super::record::{self, note, view};
use super::request::{self, CreateApi};
use super::wire::Recorded;
use super::{rules, slug, versions};
use crate::Manage;
use crate::answer::Answer;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Makes an API with its General set.
pub async fn create(manage: &Manage, ctx: &Ctx, request: &CreateApi) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let (api, operations) = draft(ctx, ApiId::new(ctx.now, &*manage.random), organization, request)?;
    let general = record::general_set(ApiSetId::new(ctx.now, &*manage.random), &api, ctx.now);
    let all = Arc::new((ctx.clone(), api, general, operations));
    manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let all = all.clone();
                Box::pin(async move {
                    let (ctx, api, general, operations) = &*all;
                    if api.rules.report_only || api.rules.preflight_without_key {
                        // It lets pass what nobody's sets hold.
                        ctx.require_any_set(tx).await?;
                    }
                    record::insert(tx, api, general).await?;
                    operations::replace(tx, organization, api.id, operations).await?;
                    let made = view(tx, api).await?;
                    note(tx, ctx, "api.create", api, None, Some(&made));
                    Ok(Recorded { api: made, version: api.version })
                })
            },
            |made| Answer::created(json!(made.api)).location("apis", made.api.id()).version(made.version),
        )
        .await
}

fn draft(
    ctx: &Ctx,
    id: ApiId,
    organization: OrganizationId,
    request: &CreateApi,
) -> Result<(Api, Vec<Operation>), Error> {
    let mut checks = Checks::default();
    let slug = request.slug.clone().unwrap_or_else(|| slug::for_api(request.name.as_str()));
    if let Err(problem) = slug::check_api(&slug) {
        checks.refuse("slug", problem);
    }
    let root = ["/".to_owned()];
    let api = Api {
        id,
        organization,
        slug,
        name: request.name.clone(),
        hosts: request::hosts(&mut checks, &request.hosts),
        base_paths: request::base_paths(&mut checks, request.base_paths.as_deref().unwrap_or(&root)),
        unlisted_paths: request.unlisted_paths,
        manual_url: request::manual_url(&mut checks, request.manual_url.as_deref()),
        version_pattern: versions::pattern(&mut checks, request.version_pattern.as_deref()),
        versions: request.versions.iter().map(|name| name.as_str().into()).collect(),
        kind: ApiKind::Plain,
        sharing: Sharing::default(),
        rules: DoorRules {
            report_only: request.report_only,
            credential_sources: rules::credential_sources(&mut checks, &request.credential_sources),
            preflight_without_key: request.preflight_without_key,
        },
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    let mut operations = request::operations(&mut checks, &request.operations);
    versions::check(&mut checks, &api, &operations);
    versions::spell_as_listed(&api.path_versions(), &mut operations);
    request::check_routable(&mut checks, "operations", &operations);
    checks.finish()?;
    Ok((api, operations))
}
