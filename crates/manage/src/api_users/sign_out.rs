//! What a user does in a session of its own: leaves, and keeps what its client wants to remember.

use std::sync::Arc;

use claviger_domain::api_user::PARAMS_BYTES_MAX;
use claviger_domain::audit::Chain;
use claviger_store::{Scope, api_sessions, api_user_secrets, api_users};
use serde_json::{Map, Value};

use super::record::Session;
use crate::Manage;
use crate::error::Error;
use crate::write::Changed;

/// Ends the session.
pub async fn sign_out(manage: &Manage, session: &Session) -> Result<Changed<()>, Error> {
    let session = Arc::new(session.clone());
    let committed = manage
        .store
        .write(Scope::Organization(session.organization), move |tx| {
            let session = Arc::clone(&session);
            Box::pin(async move {
                let (_, user) = session.confirm(tx).await?;
                api_sessions::end(tx, session.organization, session.user, session.id).await?;
                api_users::note_sign_out(tx, session.user, session.now).await?;
                api_user_secrets::note(tx, session.user, &session.event("signed_off")).await?;
                tx.audit(Chain::Organization(session.organization), session.entry("api_user.sign_out", &user, None));
                Ok::<_, Error>(())
            })
        })
        .await?;
    manage.in_force(committed).await
}

/// Merges what a client wants to remember into what it had; refused where that would be too much.
pub async fn keep_preferences(manage: &Manage, session: &Session, more: Map<String, Value>) -> Result<(), Error> {
    let all = Arc::new((session.clone(), more));
    manage
        .store
        .write(Scope::Organization(session.organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (session, more) = &*all;
                session.confirm(tx).await?;
                let kept = api_users::preferences(tx, session.user).await?;
                let kept = kept.and_then(|text| serde_json::from_str(&text).ok());
                let mut kept: Map<String, Value> = kept.unwrap_or_default();
                kept.extend(more.clone());
                let text = Value::Object(kept).to_string();
                if text.len() > PARAMS_BYTES_MAX {
                    let most = format!("expected at most {PARAMS_BYTES_MAX} bytes of preferences");
                    return Err(Error::field("preferences", most));
                }
                api_users::set_preferences(tx, session.user, &text).await?;
                Ok(())
            })
        })
        .await?;
    Ok(())
}
