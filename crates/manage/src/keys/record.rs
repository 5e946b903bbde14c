//! What several use cases do with the record of a key.

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::credential::hint;
use claviger_domain::digest::CredentialKind;
use claviger_domain::key::{Key, StoredSecret};
use claviger_domain::keyring::Keyring;
use claviger_domain::{KeyId, OrganizationId, Secret, Timestamp};
use claviger_store::{Conn, Scope, Tx, keys};

use super::wire::{Form, KeyView, Names};
use crate::Manage;
use crate::body::IfMatch;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::Error;
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

/// Refuses a name that another living key of the owner has.
pub(super) async fn check_name(conn: &mut Conn, key: &Key) -> Result<(), Error> {
    let named = keys::by_name(conn, key.organization, &key.owner, &key.name.search_form()).await?;
    match named {
        Some(other) if other != key.id => Err(Error::name_taken("name", other)),
        _ => Ok(()),
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
    action: &'static str,
    edit: F,
) -> Result<Changed<Recorded>, Error>
where
    F: for<'t> Fn(&'t mut Tx, &'t Ctx, &'t mut Key) -> Work<'t, ()> + Clone + Send + Sync + 'static,
{
    let organization = ctx.organization_with(Authority::KeysManageAll)?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, if_match, edit) = (work_ctx.clone(), if_match.clone(), edit.clone());
            Box::pin(async move {
                let before = find(tx, organization, id).await?;
                if_match.check(before.version)?;
                let mut key = before.clone();
                edit(tx, &ctx, &mut key).await?;
                save(tx, &ctx, action, &before, key).await
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did.
async fn save(tx: &mut Tx, ctx: &Ctx, action: &str, before: &Key, mut key: Key) -> Result<Recorded, Error> {
    let old = view(tx, before, ctx.now).await?;
    if key == *before {
        return Ok(Recorded { key: old, version: key.version });
    }
    key.version += 1;
    key.updated_at = ctx.now;
    keys::update(tx, &key).await?;
    let new = view(tx, &key, ctx.now).await?;
    note(tx, ctx, action, &key, Some(&old), &new);
    Ok(Recorded { key: new, version: key.version })
}
