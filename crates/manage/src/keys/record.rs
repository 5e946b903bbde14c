//! What several use cases do with the record of a key.

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::credential::hint;
use claviger_domain::digest::CredentialKind;
use claviger_domain::key::{IDLE_REASON, Key, StoredSecret};
use claviger_domain::keyring::Keyring;
use claviger_domain::policy::UniqueNames;
use claviger_domain::{KeyId, OrganizationId, Secret, Timestamp};
use claviger_store::{Conn, Scope, Tx, api_sessions, keys};
use serde_json::{Value, json};

use super::access::{self, Need};
use super::grants;
use super::settle::home_in;
use super::term::Surroundings;
use super::wire::{Form, KeyView, Names};
use crate::Manage;
use crate::body::IfMatch;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::{Changed, Work};

/// A key after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The key.
    pub key: KeyView,
    /// Its version.
    pub version: i64,
}

/// What is stored of a secret.
pub(crate) fn stored_secret(keyring: &Keyring, secret: &Secret) -> StoredSecret {
    let digest = keyring.pepper().digest(CredentialKind::Single, secret.expose().as_bytes());
    StoredSecret { digest, hint: hint(secret) }
}

/// The living key of this id, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, id: KeyId) -> Result<Key, Error> {
    let found = keys::get(conn, organization, id).await?.filter(|key| key.deleted_at.is_none());
    found.ok_or_else(|| Error::not_found("key"))
}

/// The view of one key.
pub(super) async fn view(conn: &mut Conn, key: &Key, now: Timestamp) -> Result<KeyView, Error> {
    let names = Names::load(conn, key.organization, std::slice::from_ref(key)).await?;
    Ok(KeyView::new(key, &names, Form::Whole, now))
}

/// The views of keys as JSON, in the order of `keys`; also of deleted ones.
pub(crate) async fn key_views(
    conn: &mut Conn,
    organization: OrganizationId,
    keys: &[Key],
    now: Timestamp,
) -> Result<Vec<Value>, Error> {
    let names = Names::load(conn, organization, keys).await?;
    let views = keys.iter().map(|key| serde_json::to_value(KeyView::new(key, &names, Form::Whole, now)));
    Ok(views.map(Result::unwrap_or_default).collect())
}

/// Refuses a name that another living key of the owner has or, where the policy says so, of the organization.
pub(super) async fn check_name(conn: &mut Conn, ctx: &Ctx, key: &Key, unique: UniqueNames) -> Result<(), Error> {
    let name = key.name.search_form();
    let named = keys::by_name(conn, key.organization, &key.owner, &name).await?;
    if let Some(other) = named.filter(|other| *other != key.id) {
        return Err(Error::name_taken("name", other));
    }
    if unique == UniqueNames::Owner {
        return Ok(());
    }
    match keys::namesake(conn, key.organization, &name, key.id).await? {
        Some((other, owner)) if access::sees(ctx, &owner) => Err(Error::name_taken("name", other)),
        Some(_) => Err(Error::name_taken("name", "another key of the organization")),
        None => Ok(()),
    }
}

/// The audit entry of a change of a key: the fields that differ.
pub(super) fn note(tx: &mut Tx, ctx: &Ctx, action: &str, key: &Key, before: Option<&KeyView>, after: &KeyView) {
    let (old, new) = differing_fields(before.map(KeyView::audited), Some(after.audited()));
    let subject = Subject { kind: "key".to_owned(), id: key.id.to_string(), name: Some(key.name.to_string()) };
    let entry = ctx.entry(action, subject, old, new);
    tx.audit(Chain::Organization(key.organization), entry);
}

/// Changes one living key in one transaction: `edit` changes the record and says whether anything changed.
pub(super) async fn change<F>(
    manage: &Manage,
    ctx: &Ctx,
    id: KeyId,
    if_match: IfMatch,
    (action, need): (&'static str, Need),
    edit: F,
) -> Result<Changed<Recorded>, Error>
where
    F: for<'t> Fn(&'t mut Tx, &'t Ctx, &'t mut Key, &'t Surroundings) -> Work<'t, ()> + Clone + Send + Sync + 'static,
{
    let organization = access::organization(ctx, need)?;
    let (work_ctx, engine) = (ctx.clone(), manage.engine.clone());
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, if_match, edit, engine) = (work_ctx.clone(), if_match.clone(), edit.clone(), engine.clone());
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let home = home_in(tx, organization).await?;
                access::check(&ctx, &found, need, home.policy.delegated_creation)?;
                if_match.check(found.version)?;
                let surroundings = Surroundings::load(tx, engine.last_used(&found.secret.digest), &found).await?;
                let surroundings = surroundings.within(&grants::levels(tx, &ctx, &found.owner).await?);
                // An idle key stays so, whatever becomes of the rules and facts by which it is.
                let before = note_idle(tx, &ctx, found, &surroundings).await?;
                let mut key = before.clone();
                edit(tx, &ctx, &mut key, &surroundings).await?;
                save(tx, &ctx, action, &before, key).await
            })
        })
        .await
}

/// Writes down that a key is idle, if it is: the server's own change.
pub(super) async fn note_idle(tx: &mut Tx, ctx: &Ctx, before: Key, surroundings: &Surroundings) -> Result<Key, Error> {
    let mut key = before.clone();
    key.note_idle(&surroundings.facts(&before), ctx.now);
    if key != before {
        (key.version, key.updated_at) = (key.version + 1, ctx.now);
        keys::update(tx, &key).await?;
        let at = key.disabled.as_ref().map(|disabled| disabled.at);
        let after = json!({"state": "disabled", "state_reason": IDLE_REASON, "state_at": at});
        note_system(tx, ctx, "key.disable", &key, json!({"state": "active"}), after);
    }
    Ok(key)
}

/// The audit entry of something that the server wrote down of a key by itself.
pub(super) fn note_system(tx: &mut Tx, ctx: &Ctx, action: &str, key: &Key, before: Value, after: Value) {
    let subject = Subject { kind: "key".to_owned(), id: key.id.to_string(), name: Some(key.name.to_string()) };
    let entry = ctx.as_system().entry(action, subject, Some(before), Some(after));
    tx.audit(Chain::Organization(key.organization), entry);
}

/// The living key of this id, if the caller may see it, or 404.
pub(crate) async fn find_visible(conn: &mut Conn, ctx: &Ctx, id: KeyId) -> Result<Key, Error> {
    let organization = access::organization(ctx, Need::See)?;
    let key = find(conn, organization, id).await?;
    access::check(ctx, &key, Need::See, false)?;
    Ok(key)
}

/// Refuses one key more than `most` of the owner, who would have `tried` more by now.
pub(super) async fn check_count(conn: &mut Conn, key: &Key, tried: i64, most: Option<u32>) -> Result<(), Error> {
    let Some(most) = most else { return Ok(()) };
    if keys::count_of_owner(conn, key.organization, &key.owner, most).await? + tried < i64::from(most) {
        return Ok(());
    }
    let of = key.owner.kind();
    Err(Error::new(
        ErrorCode::LimitReached,
        format!(
            "Policy (max_keys.{of}) and roles (levels.max_keys) grant each {of} {most} keys, and there are as many: delete one \
             that is not needed."
        ),
    ))
}

/// Writes what changed; nothing if nothing did.
pub(super) async fn save(tx: &mut Tx, ctx: &Ctx, action: &str, before: &Key, mut key: Key) -> Result<Recorded, Error> {
    let old = view(tx, before, ctx.now).await?;
    if key == *before {
        return Ok(Recorded { key: old, version: key.version });
    }
    key.version += 1;
    key.updated_at = ctx.now;
    keys::update(tx, &key).await?;
    if key.disabled.is_some() && before.disabled.is_none() {
        // They are not there again when the key is.
        while api_sessions::end_some_of_key(tx, key.id).await? > 0 {}
    }
    let new = view(tx, &key, ctx.now).await?;
    note(tx, ctx, action, &key, Some(&old), &new);
    Ok(Recorded { key: new, version: key.version })
}
