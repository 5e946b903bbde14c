//! Gives an application another password; the one before stays valid for a while.

use std::time::Duration;

use claviger_domain::application::{PASSWORD_OVERLAP_MAX, StoredPassword, check_password, generate_password};
use claviger_domain::digest::CredentialKind;
use claviger_domain::{Secret, key};
use claviger_store::application_types;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::{change, require_held};
use super::wire::{ApplicationView, Recorded};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::expose;
use crate::write::Changed;

/// How an application gets another password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotatePassword {
    /// For how many seconds the one before stays valid: 0 to 2,592,000.
    #[schema(maximum = 2_592_000)]
    pub overlap_seconds: u32,
    /// The new one, 12 to 256 characters; made if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 12, max_length = 256)]
    pub password: Option<Secret>,
}

/// An application with its new password, which cannot be shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationWithPassword {
    /// The application.
    pub application: ApplicationView,
    /// Its password.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub password: Secret,
}

/// A password as it was chosen in the field `password`, or a new one; and what is stored of it.
pub(super) fn draw(
    manage: &Manage,
    ctx: &Ctx,
    chosen: Option<&Secret>,
    before: Option<&StoredPassword>,
    overlap: Duration,
) -> Result<(Secret, StoredPassword), Error> {
    let password = match chosen {
        Some(chosen) => {
            check_password(chosen).map_err(|problem| Error::field("password", problem))?;
            chosen.clone()
        }
        None => generate_password(&*manage.random),
    };
    let pepper = manage.keyring.pepper();
    let digest = pepper.digest(CredentialKind::ApplicationPassword, password.expose().as_bytes());
    Ok((password, StoredPassword::after(before, digest, overlap, ctx.now)))
}

/// Gives the application of this id or slug another password and answers it, once.
pub async fn rotate_password(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    request: RotatePassword,
) -> Result<Changed<(ApplicationWithPassword, i64)>, Error> {
    if request.overlap_seconds > key::OVERLAP_SECONDS_MAX {
        let expected = format!("expected 0 to {}", PASSWORD_OVERLAP_MAX.as_secs());
        return Err(Error::field("overlap_seconds", expected));
    }
    let overlap = Duration::from_secs(request.overlap_seconds.into());
    ctx.organization_with(claviger_domain::authority::Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let (password, drawn) = draw(manage, ctx, request.password.as_ref(), None, overlap)?;
    let changed =
        change(manage, ctx, name, IfMatch::ANY, "application.rotate_password", move |tx, ctx, application| {
            Box::pin(async move {
                require_held(tx, ctx, application).await?;
                let kind = application_types::get(tx, application.organization, application.kind).await?;
                if !kind.is_some_and(|kind| kind.sign_in.has_password()) {
                    return Err(Error::conflict("Applications of this type have no password."));
                }
                let before = application.password.as_ref();
                application.password = Some(StoredPassword::after(before, drawn.digest, overlap, ctx.now));
                Ok(())
            })
        })
        .await?;
    Ok(changed.map(|Recorded { application, version }| (ApplicationWithPassword { application, password }, version)))
}
