//! Mails that an administrator has sent to an API user.

use std::sync::Arc;

use claviger_domain::api_user::ApiUser;
use claviger_domain::application::Application;
use claviger_domain::authority::Authority;
use claviger_domain::name::Name;
use claviger_store::{Conn, Scope, Tx, api_user_secrets, api_users};
use claviger_texts::templates::TemplateKind;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::mailing::{Drawn, Put, draw_password_link, draw_record_link, put};
use super::record::{find, note_done, require_password};
use crate::Manage;
use crate::answer::Answer;
use crate::applications::find_application;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::rights::UNKNOWN;
use crate::write::Changed;

/// The most characters of what names a record.
const RECORD_LENGTH_MAX: usize = 200;

/// A mail to a user of an application.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMail {
    /// What it is for: `record_link`, or `new_account` or `password_reset`, which bear a link by which a password is chosen.
    #[schema(example = "record_link")]
    pub template: String,
    /// The user, by id or user name.
    #[schema(example = "ann@example.com")]
    pub api_user: String,
    /// Of a `record_link`: what the application calls the record, such as `1042`, or `Invoices/1042` with its module.
    #[serde(default)]
    #[schema(example = "Invoices/1042")]
    pub record: Option<String>,
}

/// A mail that is on its way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SentMail {
    /// What it is for.
    #[schema(example = "record_link")]
    template: &'static str,
    /// The user's id.
    api_user: String,
    /// Where it goes.
    #[schema(example = "ann@example.com")]
    recipient: String,
    /// The tag of the language that it is written in.
    #[schema(example = "pl")]
    language: String,
}

/// Mails a user of the application of this name.
pub async fn send_mail(
    manage: &Manage,
    ctx: &Ctx,
    application: &str,
    request: SendMail,
) -> Result<Changed<SentMail>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let template = checked(&request)?;
    if template != TemplateKind::RecordLink {
        ctx.require_step_up()?;
    }
    let mut snapshot = manage.store.read().await?;
    let application = find_application(&mut snapshot, organization, application).await?;
    let application = application.ok_or_else(|| Error::not_found("application"))?;
    let user = user_of(&mut snapshot, &application, &request.api_user).await?;
    let drawn = match &request.record {
        Some(record) => {
            check_active(&user)?;
            draw_record_link(manage, ctx, &mut snapshot, &user, record.trim()).await??
        }
        None => password_link(manage, ctx, &mut snapshot, &user, Some(template)).await?,
    };
    drop(snapshot);
    let after = match &request.record {
        Some(record) => json!({"template": template.name(), "record": record.trim()}),
        None => json!({"template": template.name()}),
    };
    let all = Arc::new((ctx.clone(), user, drawn, after));
    manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let all = Arc::clone(&all);
                Box::pin(async move {
                    let (ctx, user, drawn, after) = &*all;
                    put_in(tx, ctx, user, drawn).await?;
                    note_done(tx, ctx, "api_user.send_mail", user, Some(after.clone()));
                    Ok(SentMail::new(user, drawn))
                })
            },
            |sent: &SentMail| Answer::created(json!(sent)),
        )
        .await
}

/// Mails the user of this id a link by which it sets a password: the first one, or another one.
pub async fn reset_password(manage: &Manage, ctx: &Ctx, id: String) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let mut snapshot = manage.store.read().await?;
    let user = find(&mut snapshot, organization, &id).await?;
    let drawn = password_link(manage, ctx, &mut snapshot, &user, None).await?;
    drop(snapshot);
    let all = Arc::new((ctx.clone(), user, drawn));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, user, drawn) = &*all;
                put_in(tx, ctx, user, drawn).await?;
                let after = json!({"template": drawn.template.name()});
                note_done(tx, ctx, "api_user.send_password_link", user, Some(after));
                Ok(())
            })
        })
        .await
}

/// A link by which an active user who signs in chooses a password: the first one where it has none and nothing else is asked for.
async fn password_link(
    manage: &Manage,
    ctx: &Ctx,
    conn: &mut Conn,
    user: &ApiUser,
    template: Option<TemplateKind>,
) -> Result<Drawn, Error> {
    check_active(user)?;
    require_password(conn, user).await?;
    let template = match template {
        Some(template) => template,
        None if api_user_secrets::password(conn, user.id).await?.is_some() => TemplateKind::PasswordReset,
        None => TemplateKind::NewAccount,
    };
    Ok(draw_password_link(manage, ctx, conn, user, template).await??)
}

fn check_active(user: &ApiUser) -> Result<(), Error> {
    match user.disabled {
        Some(_) => Err(Error::conflict("This user is inactive: no link would let it in.")),
        None => Ok(()),
    }
}

/// Puts a mail to a user in who is still there.
async fn put_in(tx: &mut Tx, ctx: &Ctx, user: &ApiUser, drawn: &Drawn) -> Result<(), Error> {
    check_active(&find(tx, user.organization, &user.id.to_string()).await?)?;
    match put(tx, ctx, user, drawn).await? {
        Put::Waits => Ok(()),
        Put::TooMany(pause) => Err(Error::too_many_mails(pause)),
    }
}

fn checked(request: &SendMail) -> Result<TemplateKind, Error> {
    let mut checks = Checks::default();
    let template = TemplateKind::named(&request.template);
    checks.ensure("template", template.is_some(), "expected `record_link`, `new_account` or `password_reset`");
    let record = request.record.as_deref().map(str::trim);
    match template {
        Some(TemplateKind::RecordLink) => {
            let record = record.unwrap_or_default();
            checks.ensure("record", !record.is_empty(), "is required");
            let fits = record.chars().count() <= RECORD_LENGTH_MAX && !record.contains(char::is_control);
            let expected = format!("expected at most {RECORD_LENGTH_MAX} characters, and no control characters");
            checks.ensure("record", fits, expected);
        }
        _ => checks.ensure("record", record.is_none(), "is nothing that this mail has"),
    }
    checks.finish()?;
    template.ok_or_else(|| Error::field("template", UNKNOWN))
}

/// The user of an application by its id or name.
async fn user_of(conn: &mut Conn, application: &Application, named: &str) -> Result<ApiUser, Error> {
    let found = match named.parse() {
        Ok(id) => api_users::get(conn, application.organization, id).await?,
        Err(_) => match named.parse::<Name>() {
            Ok(name) => api_users::by_name(conn, application.id, &name.search_form()).await?,
            Err(_) => None,
        },
    };
    let found = found.filter(|user| user.application == application.id);
    found.ok_or_else(|| Error::names_unknown(vec![FieldError::new("api_user", UNKNOWN)]))
}

// === impl SentMail ===

impl SentMail {
    fn new(user: &ApiUser, drawn: &Drawn) -> Self {
        Self {
            template: drawn.template.name(),
            api_user: user.id.to_string(),
            recipient: drawn.recipient().to_owned(),
            language: drawn.language().to_owned(),
        }
    }
}
