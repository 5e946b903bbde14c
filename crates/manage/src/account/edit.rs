//! Changes oneself.

use std::sync::Arc;

use claviger_domain::email::Email;
use claviger_domain::member::Member;
use claviger_domain::name::Name;
use claviger_store::{Scope, Tx, members};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::address::{self, Drawn};
use crate::Manage;
use crate::body::value;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::users::{self, UserView};
use crate::write::Changed;

/// What to change of oneself; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditMe {
    /// What others see.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// A new address: a link goes there, and it counts once that was followed. A session of the console alone asks for it, and
    /// is asked again who it is.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub email: Option<Email>,
    /// BCP 47 tag of the language of mails.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub language: Option<String>,
    /// IANA name.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub time_zone: Option<String>,
}

/// The caller after the change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EditedMe {
    /// As they are now.
    #[serde(flatten)]
    pub user: UserView,
    /// The address that a link is on its way to; null where none was asked for.
    #[schema(required)]
    pub address_to_confirm: Option<String>,
}

/// Changes the caller.
pub async fn edit(manage: &Manage, ctx: &Ctx, request: EditMe) -> Result<Changed<EditedMe>, Error> {
    let (organization, user) = ctx.account()?;
    let mut checks = Checks::default();
    users::place(&mut checks, request.language.as_deref(), request.time_zone.as_deref());
    checks.finish()?;
    let member = members::get(&mut *manage.store.read().await?, organization, user).await?;
    let member = member.ok_or_else(|| Error::not_found("user"))?;
    let drawn = match request.email.as_ref().filter(|email| **email != member.user.email) {
        Some(email) => Some(address::draw(manage, ctx, &member, email)?),
        None => None,
    };
    let all = Arc::new((ctx.clone(), request, drawn));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, request, drawn) = &*all;
                let before = members::get(tx, organization, user).await?.ok_or_else(|| Error::not_found("user"))?;
                let user = save(tx, ctx, request, &before).await?;
                let address_to_confirm = match drawn {
                    Some(drawn) => Some(ask(tx, ctx, drawn, &before).await?),
                    None => None,
                };
                Ok(EditedMe { user, address_to_confirm })
            })
        })
        .await
}

/// Writes what counts at once; nothing if nothing changes.
async fn save(tx: &mut Tx, ctx: &Ctx, request: &EditMe, before: &Member) -> Result<UserView, Error> {
    let mut member = before.clone();
    let user = &mut member.user;
    user.name = request.name.clone().unwrap_or_else(|| user.name.clone());
    user.language = request.language.clone().unwrap_or_else(|| user.language.clone());
    user.time_zone = request.time_zone.clone().unwrap_or_else(|| user.time_zone.clone());
    let old = users::view(tx, ctx, before).await?;
    if member == *before {
        return Ok(old);
    }
    (member.version, member.updated_at) = (before.version + 1, ctx.now);
    members::update(tx, &member).await?;
    let new = users::view(tx, ctx, &member).await?;
    users::note(tx, ctx, "user.edit", &member, Some(&old), Some(&new));
    Ok(new)
}

/// Has the link mailed. An address that another member of the organization has is refused to who sees them; all other answers are
/// alike.
async fn ask(tx: &mut Tx, ctx: &Ctx, drawn: &Drawn, member: &Member) -> Result<String, Error> {
    if users::sees_all(ctx) {
        let found = members::by_email(tx, member.organization, drawn.email()).await?;
        if let Some(other) = found.filter(|other| other.user.id != member.user.id) {
            return Err(Error::name_taken("email", other.user.id));
        }
    }
    drawn.write(tx, ctx, member).await?;
    Ok(drawn.email().to_string())
}
