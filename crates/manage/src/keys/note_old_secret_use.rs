//! Writes down that a secret was used which had been rotated out.

use claviger_domain::key::{Disabled, Key, REUSED_REASON};
use claviger_domain::organization::Organization;
use claviger_domain::policy::OldSecretUse;
use claviger_domain::usage::Sighting;
use claviger_engine::Engine;
use claviger_store::Tx;
use serde_json::{Value, json};

use super::record::{note_idle, note_system, save};
use super::term::Surroundings;
use crate::ctx::Ctx;
use crate::error::Error;

/// An entry in the audit chain, of which people and webhooks are told; where the policy says so the key goes out of service with it.
pub(crate) async fn note_old_secret_use(
    tx: &mut Tx,
    (ctx, engine): (&Ctx, &Engine),
    home: &Organization,
    key: Key,
    seen: &Sighting,
) -> Result<(), Error> {
    note_system(tx, ctx, "key.old_secret_used", &key, Value::Null, json!({"seen": seen}));
    if home.policy.old_secret_use != OldSecretUse::Disable {
        return Ok(());
    }
    let surroundings = Surroundings::load(tx, engine.last_used(&key.secret.digest), &key).await?;
    let before = note_idle(tx, ctx, key, &surroundings).await?;
    if before.disabled.is_some() {
        return Ok(());
    }
    let disabled = Disabled { at: ctx.now, by: ctx.actor.clone(), reason: Some(REUSED_REASON.to_owned()) };
    let key = Key { disabled: Some(disabled), ..before.clone() };
    save(tx, ctx, "key.disable", &before, key).await?;
    Ok(())
}
