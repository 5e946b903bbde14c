//! Gives a key to another owner: the value stays, and its end too.

use std::sync::Arc;

use claviger_domain::key::{Key, Owner};
use claviger_engine::Engine;
use claviger_store::{Tx, keys};

use super::record::{check_count, check_name, note, note_idle, view};
use super::term::Surroundings;
use super::{grants, owner, signing};
use crate::ctx::Ctx;
use crate::error::Error;

/// Gives a key to `owner`, which must be one that allows all that it holds. The caller must hold what it stands for.
pub(crate) async fn move_to(tx: &mut Tx, ctx: &Ctx, engine: &Arc<Engine>, key: Key, owner: Owner) -> Result<(), Error> {
    let surroundings = Surroundings::load(tx, engine.last_used(&key.secret.digest), &key).await?;
    let before = note_idle(tx, ctx, key, &surroundings).await?;
    grants::require_held(tx, ctx, &before).await?;
    let sets = grants::sets_of(tx, before.organization, &before).await?;
    signing::check_moved(tx, before.organization, &owner).await?;
    owner::check_sets(tx, before.organization, &owner, &sets).await?;
    let old = view(tx, &before, ctx.now).await?;
    let mut key = before.clone();
    // Another kind of owner may have keys that live longer; this one ends when it would have ended.
    key.expires_at = surroundings.facts(&before).expires_at;
    key.owner = owner;
    let home = super::home_in(tx, key.organization).await?;
    check_name(tx, ctx, &key, home.policy.unique_names).await?;
    check_count(tx, &key, 0, *home.policy.max_keys.of(&owner)).await?;
    (key.version, key.updated_at) = (key.version + 1, ctx.now);
    keys::update(tx, &key).await?;
    let new = view(tx, &key, ctx.now).await?;
    note(tx, ctx, "key.move", &key, Some(&old), &new);
    Ok(())
}
