//! Ends a key whose value was found where it should not be.

use claviger_domain::KeyId;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Disabled, Key, LEAKED_REASON};

use super::access::Need;
use super::record::change;
use super::rotate::end_old;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};

/// Disables the key that the value is the current one of; of the old one of a rotation only that value ends. A key that is
/// disabled for another reason is from then on for this one, so that nobody puts it back unknowing.
pub(crate) async fn end_leaked(
    manage: &Manage,
    ctx: &Ctx,
    id: KeyId,
    digest: CredentialDigest,
    reason: String,
) -> Result<(), Error> {
    let changed = change(manage, ctx, id, IfMatch::ANY, ("key.leak", Need::End), move |_, ctx, key, _| {
        let overlaps = key.overlap.as_ref().is_some_and(|overlap| overlap.secret.digest == digest);
        if key.secret.digest == digest && !is_known(key) {
            key.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: Some(reason.clone()) });
        } else if overlaps {
            end_old(key, ctx.now);
        }
        Box::pin(async { Ok(()) })
    });
    match changed.await {
        Ok(_) => Ok(()),
        // A deleted one is gone already.
        Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether it is disabled as one that leaked.
fn is_known(key: &Key) -> bool {
    let reason = key.disabled.as_ref().and_then(|disabled| disabled.reason.as_deref());
    reason.is_some_and(|reason| reason.starts_with(LEAKED_REASON))
}
