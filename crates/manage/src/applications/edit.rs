//! Changes an application by the rules of a merge: what is not named stays.

use std::time::Duration;

use claviger_domain::application::{Application, ApplicationType};
use claviger_domain::authority::Authority;
use claviger_domain::key::Disabled;
use claviger_domain::limit::Place;
use claviger_store::application_types;

use super::password;
use super::record::{change, check_free, require_held};
use super::request::{self, EditApplication};
use super::wire::Recorded;
use crate::Manage;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::ip_list::{self, Reading};
use crate::limits;
use crate::organizations::home;
use crate::write::Changed;

/// Changes the application of this id or slug.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    request: EditApplication,
) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let time_zone = home(manage, organization).await?.time_zone;
    let password = match &request.password {
        Some(chosen) => {
            ctx.require_step_up()?;
            Some(password::draw(manage, ctx, Some(chosen), None, Duration::ZERO)?.1)
        }
        None => None,
    };
    change(manage, ctx, name, if_match, "application.edit", move |tx, ctx, application| {
        let (request, time_zone) = (request.clone(), time_zone.clone());
        Box::pin(async move {
            require_held(tx, ctx, application).await?;
            let kind = application_types::get(tx, application.organization, application.kind).await?;
            merge(ctx, application, &request, &time_zone, kind.as_ref())?;
            if let Some(password) = password {
                if !kind.is_some_and(|kind| kind.sign_in.has_password()) {
                    return Err(Error::field("password", "is nothing that applications of this type have"));
                }
                application.password = Some(password);
            }
            check_free(tx, application).await
        })
    })
    .await
}

fn merge(
    ctx: &Ctx,
    application: &mut Application,
    request: &EditApplication,
    time_zone: &str,
    kind: Option<&ApplicationType>,
) -> Result<(), Error> {
    let mut checks = Checks::default();
    if let Some(name) = &request.name {
        request::name(&mut checks, name);
        application.name = name.clone();
    }
    if let Some(slug) = &request.slug {
        application.slug = slug.clone();
    }
    match request.active {
        Some(true) => application.disabled = None,
        Some(false) if application.disabled.is_none() => {
            application.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: None });
        }
        Some(false) | None => {}
    }
    if let Some(list) = &request.allowed_ips {
        let before = application.allowed_ips.clone();
        let reading = Reading { time_zone, now: ctx.now, before: &before };
        application.allowed_ips = ip_list::read(&mut checks, list.as_deref().unwrap_or_default(), &reading);
    }
    if let Some(given) = &request.limits {
        application.limits = limits::read(&mut checks, given.as_deref().unwrap_or_default(), Place::Application);
    }
    if let Some(url) = &request.public_url {
        application.public_url = request::public_url(&mut checks, url.as_deref());
    }
    // What the type asks for by now is asked for where it is touched.
    if let Some(kind) = kind.filter(|_| request.allowed_ips.is_some() || request.public_url.is_some()) {
        request::needs(&mut checks, kind, application);
    }
    checks.finish()
}
