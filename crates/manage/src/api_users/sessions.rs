//! The sessions of an API user: which there are, and ending one.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_store::{Scope, api_sessions};
use serde_json::json;

use super::record::{find, note_done};
use super::wire::ApiSessionView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::Listed;
use crate::write::Changed;

/// The sessions of an API user, the one that was used last first; there are at most a hundred.
pub async fn list_sessions(manage: &Manage, ctx: &Ctx, id: &str) -> Result<Listed<ApiSessionView>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let mut snapshot = manage.store.read().await?;
    let user = find(&mut snapshot, organization, id).await?;
    let mut found = api_sessions::of_user(&mut snapshot, user.id).await?;
    found.retain(|(session, _)| ctx.now < session.ends_at(session.used_at));
    Ok(Listed { data: found.into_iter().map(ApiSessionView::from).collect(), next_cursor: None })
}

/// Ends all sessions of the API user of this id.
pub async fn end_sessions(manage: &Manage, ctx: &Ctx, id: String) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let all = Arc::new((ctx.clone(), id));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, id) = &*all;
                let user = find(tx, organization, id).await?;
                let ended = api_sessions::end_of_user(tx, user.id, None).await?;
                note_done(tx, ctx, "api_user.end_sessions", &user, Some(json!({"sessions_ended": ended})));
                Ok(())
            })
        })
        .await
}

/// Ends a session of an API user.
pub async fn end_session(manage: &Manage, ctx: &Ctx, id: String, session: String) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let all = Arc::new((ctx.clone(), id, session));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, id, session) = &*all;
                let user = find(tx, organization, id).await?;
                let ended = match session.parse() {
                    Ok(session) => api_sessions::end(tx, organization, user.id, session).await?,
                    Err(_) => false,
                };
                if !ended {
                    return Err(Error::not_found("session"));
                }
                note_done(tx, ctx, "api_user.end_session", &user, Some(json!({"session": session})));
                Ok(())
            })
        })
        .await
}
