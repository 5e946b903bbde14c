//! Makes an application, and with it its first key.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::ApplicationId;
use claviger_domain::application::{APPLICATIONS_MAX, Application, ApplicationType};
use claviger_domain::authority::Authority;
use claviger_domain::ip_list::IpEntries;
use claviger_domain::key::Disabled;
use claviger_domain::limit::Place;
use claviger_domain::name::Slug;
use claviger_domain::organization::Organization;
use claviger_store::{Conn, Scope, Tx, applications};
use serde_json::{Value, json};

use super::password;
use super::record::{check_free, free_slug, note, view};
use super::request::{self, CreateApplication};
use super::wire::{ApplicationView, NewApplication};
use crate::Manage;
use crate::answer::Answer;
use crate::application_types::find_type;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode, FieldError};
use crate::ip_list::{self, Reading};
use crate::keys::{CreateKey, KeyView, NewKey, OwnerInput};
use crate::limits;
use crate::organizations::home;
use crate::rights::UNKNOWN;
use crate::write::Changed;

/// Everything that is drawn before the transaction.
struct Making {
    ctx: Ctx,
    slug: Option<Slug>,
    draft: Application,
    kind: ApplicationType,
    key: NewKey,
}

/// Makes an application and answers its first key's value, once. The key has all sets of the type.
pub async fn create(
    manage: &Manage,
    ctx: &Ctx,
    request: CreateApplication,
) -> Result<Changed<(NewApplication, i64)>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let home = home(manage, organization).await?;
    let mut snapshot = manage.store.read().await?;
    let unknown = || Error::names_unknown(vec![FieldError::new("type", UNKNOWN)]);
    let kind = find_type(&mut snapshot, organization, &request.kind).await?.ok_or_else(unknown)?;
    drop(snapshot);
    let (mut draft, mut password) = (draft(manage, ctx, &home, &request, &kind)?, None);
    if kind.sign_in.has_password() {
        let (shown, stored) = password::draw(manage, ctx, request.password.as_ref(), None, Duration::ZERO)?;
        (draft.password, password) = (Some(stored), Some(shown));
    }
    let key = NewKey::draw(manage, ctx, &home, first_key(&draft, &request, &kind, &home))?;
    let (issued, again) = (key.issued(), key.issued().without_values());
    let making = Arc::new(Making { ctx: ctx.clone(), slug: request.slug, draft, kind, key });
    let changed = manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let making = making.clone();
                Box::pin(async move { making.insert(tx).await })
            },
            move |(application, key)| answer_again(application, key, &again),
        )
        .await?;
    Ok(changed.map(|(application, key)| (NewApplication { application, password, key, issued }, 1)))
}

/// The answer without what proves the key.
fn answer_again(application: &ApplicationView, key: &KeyView, nothing: &Value) -> Answer<Value> {
    let mut body = nothing.clone();
    (body["application"], body["password"], body["key"]) = (json!(application), Value::Null, json!(key));
    Answer::created(body).location("applications", application.id()).version(1)
}

/// The record that a request asks for, without slug and password.
pub(super) fn draft(
    manage: &Manage,
    ctx: &Ctx,
    home: &Organization,
    request: &CreateApplication,
    kind: &ApplicationType,
) -> Result<Application, Error> {
    let mut checks = Checks::default();
    let nothing = IpEntries::default();
    let reading = Reading { time_zone: &home.time_zone, now: ctx.now, before: &nothing };
    request::name(&mut checks, &request.name);
    let disabled = Disabled { at: ctx.now, by: ctx.actor.clone(), reason: None };
    let application = Application {
        id: ApplicationId::new(ctx.now, &*manage.random),
        organization: home.id,
        slug: request.slug.clone().unwrap_or_else(|| Slug::from_name(request.name.as_str(), "application")),
        name: request.name.clone(),
        kind: kind.id,
        disabled: (!request.active).then_some(disabled),
        allowed_ips: ip_list::read(&mut checks, &request.allowed_ips, &reading),
        limits: limits::read(&mut checks, &request.limits, Place::Application),
        public_url: request::public_url(&mut checks, request.public_url.as_deref()),
        password: None,
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    request::needs(&mut checks, kind, &application);
    let takes_password = kind.sign_in.has_password() || request.password.is_none();
    checks.ensure("password", takes_password, "is nothing that applications of this type have");
    checks.finish()?;
    Ok(application)
}

/// The key that an application begins with: it has all sets of the type.
pub(super) fn first_key(
    application: &Application,
    request: &CreateApplication,
    kind: &ApplicationType,
    home: &Organization,
) -> CreateKey {
    // Where the policy asks every key for a list, this one's is the application's.
    let allowed_ips = if home.policy.ip_list_required { request.allowed_ips.clone() } else { Vec::new() };
    CreateKey {
        allowed_ips,
        owner: Some(OwnerInput { kind: "application".to_owned(), id: Some(application.id.to_string()) }),
        environment: request.environment,
        api_sets: Some(kind.api_sets.iter().map(ToString::to_string).collect()),
        ..CreateKey::new(application.name.clone())
    }
}

/// Refuses a type that was changed since it was read.
pub(super) async fn check_type(conn: &mut Conn, kind: &ApplicationType) -> Result<(), Error> {
    let stands = find_type(conn, kind.organization, &kind.id.to_string()).await?.as_ref() == Some(kind);
    if stands { Ok(()) } else { Err(Error::conflict("The type was changed meanwhile; try again.")) }
}

// === impl Making ===

impl Making {
    async fn insert(&self, tx: &mut Tx) -> Result<(ApplicationView, KeyView), Error> {
        let mut application = self.draft.clone();
        if applications::count(tx, application.organization).await? >= APPLICATIONS_MAX as i64 {
            let most = format!("An organization has at most {APPLICATIONS_MAX} applications.");
            return Err(Error::new(ErrorCode::LimitReached, most));
        }
        check_type(tx, &self.kind).await?;
        if self.slug.is_none() {
            application.slug = free_slug(tx, &application).await?;
        }
        check_free(tx, &application).await?;
        applications::insert(tx, &application).await?;
        let key = self.key.insert(tx, &self.ctx).await?;
        let made = view(tx, &application).await?;
        note(tx, &self.ctx, "application.create", &application, None, Some(&made));
        Ok((made, key))
    }
}
