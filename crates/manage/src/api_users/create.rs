//! Makes an API user.

use std::sync::Arc;

use claviger_domain::api_user::{API_USERS_MAX, ApiUser, generate_api_token};
use claviger_domain::application::{Application, SignIn};
use claviger_domain::authority::Authority;
use claviger_domain::digest::CredentialKind;
use claviger_domain::key::Disabled;
use claviger_domain::password::PasswordHash;
use claviger_domain::{ApiUserId, OrganizationId, Secret};
use claviger_store::{Conn, Scope, Tx, api_user_secrets, api_users, application_types};
use claviger_texts::templates::TemplateKind;
use serde_json::{Value, json};

use super::mailing::{Drawn, draw_password_link, put};
use super::record::{check_free, note, note_done, profile, view};
use super::request::{self, CreateApiUser};
use super::wire::{ApiUserView, NewApiUser};
use crate::answer::Answer;
use crate::applications::find_application;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode, FieldError};
use crate::organizations::DEFAULT_LANGUAGE;
use crate::rights::UNKNOWN;
use crate::write::Changed;
use crate::{Manage, passwords};

/// Makes an API user, and for an application whose users need no sign-in its token, which is shown this once.
pub async fn create(manage: &Manage, ctx: &Ctx, request: CreateApiUser) -> Result<Changed<NewApiUser>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let mut snapshot = manage.store.read().await?;
    let (application, sign_in) = application(&mut snapshot, organization, &request).await?;
    let id = ApiUserId::new(ctx.now, &*manage.random);
    let mut user = draft(&mut snapshot, ctx, id, &application, &request).await?;
    let has_none = sign_in == SignIn::Session && request.password.is_none() && user.disabled.is_none();
    let mail = if has_none {
        draw_password_link(manage, ctx, &mut snapshot, &user, TemplateKind::NewAccount).await?.ok()
    } else {
        None
    };
    drop(snapshot);
    let hash = hash(manage, &user, sign_in, &request).await?;
    let token = (sign_in != SignIn::Session).then(|| generate_api_token(&*manage.random));
    user.static_token = token
        .as_ref()
        .map(|token| manage.keyring.pepper().digest(CredentialKind::StaticToken, token.expose().as_bytes()));
    let mailed = mail.is_some();
    let all = Arc::new((ctx.clone(), user, hash, mail));
    let changed = manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let all = all.clone();
                Box::pin(async move { insert(tx, &all.0, &all.1, all.2.as_ref(), all.3.as_ref()).await })
            },
            move |made: &ApiUserView| {
                let body = json!({"api_user": made, "token": Value::Null, "mailed": mailed});
                Answer::created(body).location("api-users", made.id()).version(1)
            },
        )
        .await?;
    Ok(changed.map(|api_user| NewApiUser { api_user, token, mailed }))
}

/// The application that a request names, and how its users prove themselves.
async fn application(
    conn: &mut Conn,
    organization: OrganizationId,
    request: &CreateApiUser,
) -> Result<(Application, SignIn), Error> {
    let unknown = || Error::names_unknown(vec![FieldError::new("application", UNKNOWN)]);
    let application = find_application(conn, organization, &request.application).await?.ok_or_else(unknown)?;
    let kind = application_types::get(conn, organization, application.kind).await?.ok_or_else(unknown)?;
    if !kind.sign_in.has_users() {
        return Err(Error::field("application", "is of a type whose calls prove themselves by a key alone"));
    }
    let takes_password = kind.sign_in == SignIn::Session || request.password.is_none();
    let mut checks = Checks::default();
    checks.ensure("password", takes_password, "is nothing that users of this application have");
    checks.finish()?;
    Ok((application, kind.sign_in))
}

/// The record of a user of this application, without what it proves itself by.
pub(super) async fn draft(
    conn: &mut Conn,
    ctx: &Ctx,
    id: ApiUserId,
    application: &Application,
    request: &CreateApiUser,
) -> Result<ApiUser, Error> {
    let organization = application.organization;
    let person = profile(conn, organization, &request.profile_user).await?;
    let mut checks = Checks::default();
    let contact = request::contact(&mut checks, request.contact.as_ref());
    let language = request.language.clone().unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned());
    request::language(&mut checks, &language);
    let address = contact.as_ref().map_or(&person.user.email, |contact| &contact.email);
    let user_name = match &request.user_name {
        Some(name) => name.clone(),
        None => address.as_str().parse().map_err(|problem| Error::field("user_name", problem))?,
    };
    let disabled = Disabled { at: ctx.now, by: ctx.actor.clone(), reason: None };
    let user = ApiUser {
        id,
        organization,
        application: application.id,
        user_name,
        disabled: (!request.active).then_some(disabled),
        permission_type: request::permission_type(&mut checks, request.permission_type),
        contact,
        profile_user: person.user.id,
        profile_external: request::external(&mut checks, "profile_external", request.profile_external.as_ref()),
        sign_in_method: request.sign_in_method,
        language,
        static_token: None,
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    request::needs(&mut checks, &user);
    checks.finish()?;
    Ok(user)
}

async fn hash(
    manage: &Manage,
    user: &ApiUser,
    sign_in: SignIn,
    request: &CreateApiUser,
) -> Result<Option<PasswordHash>, Error> {
    let Some(chosen) = request.password.as_ref().filter(|_| sign_in == SignIn::Session) else { return Ok(None) };
    Ok(Some(hash_of(manage, user, "password", chosen).await?))
}

/// The hash of a password that was chosen for a user, if it may be one.
pub(super) async fn hash_of(
    manage: &Manage,
    user: &ApiUser,
    field: &'static str,
    chosen: &Secret,
) -> Result<PasswordHash, Error> {
    let own = [user.user_name.as_str(), user.contact.as_ref().map_or("", |contact| contact.email.as_str())];
    let password = passwords::chosen(field, chosen, &own)?;
    manage.passwords.hash(password, &*manage.random).await
}

async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    user: &ApiUser,
    hash: Option<&PasswordHash>,
    mail: Option<&Drawn>,
) -> Result<ApiUserView, Error> {
    if api_users::count_of_application(tx, user.application).await? >= API_USERS_MAX as i64 {
        let most = format!("An application has at most {API_USERS_MAX} API users.");
        return Err(Error::new(ErrorCode::LimitReached, most));
    }
    check_free(tx, user).await?;
    api_users::insert(tx, user).await?;
    if let Some(hash) = hash {
        api_user_secrets::set_password(tx, user.id, hash, ctx.now).await?;
    }
    let made = view(tx, user).await?;
    note(tx, ctx, "api_user.create", user, None, Some(&made));
    if let Some(mail) = mail {
        put(tx, ctx, user, mail).await?;
        let after = json!({"template": mail.template.name()});
        note_done(tx, ctx, "api_user.send_password_link", user, Some(after));
    }
    Ok(made)
}
