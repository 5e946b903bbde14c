//! Takes a value out of service for whoever holds it (RFC 7009): possession is all the right that it needs, and the answer tells
//! nothing about values that are nobody's.

use std::net::IpAddr;

use claviger_domain::authority::{Authorities, Authority};
use claviger_domain::credential::{Form, form};
use claviger_domain::digest::{CredentialDigest, CredentialKind, Pepper};
use claviger_domain::key::{Actor, ActorKind, Disabled, REVOKED_REASON};
use claviger_domain::pair::is_identifier;
use claviger_domain::{RequestId, Secret, Timestamp};
use claviger_store::keys;

use super::access::Need;
use super::record::change;
use super::rotate::end_old;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::Changed;

/// Whoever holds a value.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// Their address.
    pub ip: Option<IpAddr>,
    /// Names the call.
    pub request_id: RequestId,
    /// The instant of the call.
    pub now: Timestamp,
}

/// Disables the key that a value is the current one of; of the old one of a rotation only that value ends. What is nobody's, has
/// ended or is disabled already changes nothing. A pair is `identifier:password`; an identifier by itself is no possession.
pub async fn revoke(manage: &Manage, holder: Holder, value: &Secret) -> Result<Changed<()>, Error> {
    let nothing = Changed { value: (), position: None };
    let mut acting = None;
    for digest in digests_of(manage.keyring.pepper(), value.expose().trim()) {
        if let (None, Some((ctx, id))) = (&acting, holder.acting_as_key(manage, &digest).await?) {
            acting = Some((ctx, id, digest));
        }
    }
    let Some((ctx, id, digest)) = acting else { return Ok(nothing) };
    let changed = change(manage, &ctx, id, IfMatch::ANY, ("key.revoke", Need::End), move |_, ctx, key, _| {
        let overlaps = key.overlap.as_ref().is_some_and(|overlap| overlap.secret.digest == digest);
        if key.secret.digest == digest && key.disabled.is_none() {
            let reason = Some(REVOKED_REASON.to_owned());
            key.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason });
        } else if overlaps {
            end_old(key, ctx.now);
        }
        Box::pin(async { Ok(()) })
    });
    match changed.await {
        Ok(Changed { position, .. }) => Ok(Changed { value: (), position }),
        // It was deleted meanwhile.
        Err(error) if error.code() == ErrorCode::NotFound => Ok(nothing),
        Err(error) => Err(error),
    }
}

/// Under which digests a value is looked for, in this order; none: it can be nobody's.
pub(crate) fn digests_of(pepper: &Pepper, value: &str) -> Vec<CredentialDigest> {
    let form = form(value);
    if matches!(form, Form::BadChecksum | Form::Unfit) {
        return Vec::new();
    }
    let pair = value.split_once(':').filter(|(identifier, _)| is_identifier(identifier.as_bytes()));
    if let Some((identifier, password)) = pair {
        return vec![pepper.digest_of_pair(identifier.as_bytes(), password.as_bytes())];
    }
    let single = pepper.digest(CredentialKind::Single, value.as_bytes());
    match form {
        Form::Opaque => vec![single, pepper.digest_by_sha512(value.as_bytes())],
        _ => vec![single],
    }
}

// === impl Holder ===

impl Holder {
    /// The call as the key's own, with the right to end keys and no other; `None`: the value is no living key's.
    async fn acting_as_key(
        self,
        manage: &Manage,
        digest: &CredentialDigest,
    ) -> Result<Option<(Ctx, claviger_domain::KeyId)>, Error> {
        let mut snapshot = manage.store.read().await?;
        let Some(found) = keys::by_digest(&mut snapshot, digest).await? else { return Ok(None) };
        let key = keys::get(&mut snapshot, found.organization, found.key).await?;
        let Some(key) = key.filter(|key| key.deleted_at.is_none()) else { return Ok(None) };
        let actor = Actor { kind: ActorKind::Key, id: Some(key.id.to_string()), name: Some(key.name.to_string()) };
        let ctx = Ctx {
            actor,
            organization: Some(key.organization),
            authorities: Authorities::of(&[Authority::KeysManageAll]),
            granted: Authorities::NONE,
            ip: self.ip,
            ..Ctx::operator(self.request_id, self.now)
        };
        Ok(Some((ctx, key.id)))
    }
}
