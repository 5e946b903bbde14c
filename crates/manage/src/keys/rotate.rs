//! Gives a key a new secret; the old one stays valid for the overlap.

use std::time::Duration;

use claviger_domain::key::{EndedSecret, Key, OVERLAP_SECONDS_MAX, Overlap, State, StoredSecret};
use claviger_domain::{KeyId, Timestamp};
use claviger_store::sightings;
use serde::Deserialize;
use utoipa::ToSchema;

use super::access::{self, Need};
use super::record::{Recorded, change, find};
use super::value::NextValue;
use super::wire::KeyWithSecret;
use super::{approval, grants};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::organizations::home;
use crate::write::Changed;

/// How to rotate.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// How long the old secret stays valid: 0 to 2,592,000 (30 days).
    #[schema(maximum = 2_592_000)]
    pub overlap_seconds: u32,
}

/// Rotates a key and answers the new secret, or a pair's new password, once. During an overlap only `overlap_seconds: 0` is possible: it
/// replaces the new secret and ends the old one at once.
pub async fn rotate(
    manage: &Manage,
    ctx: &Ctx,
    id: KeyId,
    request: Rotate,
) -> Result<(Changed<KeyWithSecret>, i64), Error> {
    let organization = access::organization(ctx, Need::Change)?;
    if request.overlap_seconds > OVERLAP_SECONDS_MAX {
        return Err(Error::field("overlap_seconds", format!("expected 0 to {OVERLAP_SECONDS_MAX}")));
    }
    let home = home(manage, organization).await?;
    let mut snapshot = manage.store.read().await?;
    let key = find(&mut snapshot, organization, id).await?;
    access::check(ctx, &key, Need::Change, home.policy.delegated_creation)?;
    let next = NextValue::draw(&mut snapshot, manage, &home, &key).await?;
    drop(snapshot);
    let issued = next.issued.clone();
    let changed =
        change(manage, ctx, id, IfMatch::ANY, ("key.rotate", Need::Change), move |tx, ctx, key, surroundings| {
            let next = next.clone();
            Box::pin(async move {
                grants::require_held(tx, ctx, key).await?;
                check_state(surroundings.facts(key).state(ctx.now))?;
                let before = key.clone();
                replace(key, next.stored.clone(), request.overlap_seconds, ctx.now)?;
                sightings::forget_old_secret(tx, key.id).await?;
                approval::settle_changed(tx, ctx, &before, key).await?;
                next.seal(tx, key).await
            })
        })
        .await?;
    let Recorded { key, version } = changed.value;
    Ok((Changed { value: KeyWithSecret { key, issued }, position: changed.position }, version))
}

fn check_state(state: State) -> Result<(), Error> {
    match state {
        State::Active | State::Pending => Ok(()),
        _ => Err(Error::conflict("Only an active key can be rotated.")),
    }
}

fn replace(key: &mut Key, new: StoredSecret, overlap_seconds: u32, now: Timestamp) -> Result<(), Error> {
    let overlapping = key.overlap.as_ref().is_some_and(|overlap| now < overlap.valid_until);
    if overlapping && overlap_seconds > 0 {
        return Err(Error::conflict(
            "The secret before this one is still valid: end the overlap first, or rotate with overlap_seconds 0.",
        ));
    }
    end_old(key, now);
    let old = std::mem::replace(&mut key.secret, new);
    if overlap_seconds == 0 {
        key.ended.push(EndedSecret { digest: old.digest, ended_at: now });
    } else {
        let valid_until = now.saturating_add(Duration::from_secs(overlap_seconds.into()));
        key.overlap = Some(Overlap { secret: old, valid_until });
    }
    Ok(())
}

/// Moves the overlapping secret, if any, to those that ended; it ended at its own end where that has passed.
pub(super) fn end_old(key: &mut Key, now: Timestamp) {
    if let Some(old) = key.overlap.take() {
        key.ended.push(EndedSecret { digest: old.secret.digest, ended_at: old.valid_until.min(now) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample_key;
    use claviger_domain::digest::CredentialDigest;

    fn secret(byte: u8) -> StoredSecret {
        StoredSecret { digest: CredentialDigest::from_bytes([byte; 32]), hint: format!("hint {byte}") }
    }

    fn ended(key: &Key) -> Vec<u8> {
        key.ended.iter().map(|ended| ended.digest.as_bytes()[0]).collect()
    }

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    #[test]
    fn an_overlap_keeps_the_old_secret_until_its_end() {
        let mut key = Key { secret: secret(1), ..sample_key() };
        replace(&mut key, secret(2), 60, NOW).expect("an active key rotates");
        assert_eq!(key.secret, secret(2));
        let until = NOW.saturating_add(Duration::from_mins(1));
        assert_eq!(key.overlap, Some(Overlap { secret: secret(1), valid_until: until }));
        assert_eq!(
            replace(&mut key.clone(), secret(3), 60, NOW).expect_err("overlap").code(),
            crate::ErrorCode::Conflict
        );

        replace(&mut key, secret(3), 60, until).expect("the overlap is over");
        assert_eq!((key.secret.clone(), ended(&key)), (secret(3), vec![1]));
        assert_eq!(key.overlap.as_ref().map(|overlap| overlap.secret.clone()), Some(secret(2)));
    }

    #[test]
    fn zero_seconds_replace_the_new_secret_and_end_the_old_one() {
        let mut key = Key { secret: secret(1), ..sample_key() };
        replace(&mut key, secret(2), 60, NOW).expect("an active key rotates");
        replace(&mut key, secret(3), 0, NOW).expect("zero goes during an overlap too");
        assert_eq!((key.secret.clone(), key.overlap.clone(), ended(&key)), (secret(3), None, vec![1, 2]));
    }

    #[test]
    fn only_an_active_key_rotates() {
        for state in [State::Active, State::Pending] {
            assert!(check_state(state).is_ok(), "{state:?}");
        }
        for state in [State::Deleted, State::Disabled, State::Expired, State::NotYetValid] {
            assert!(check_state(state).is_err(), "{state:?}");
        }
    }
}
