//! Who leaves: which keys stop with them, and moving those that others depend on to an application first.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_domain::key::{Owner, State};
use claviger_domain::member::Member;
use claviger_domain::rules::Rules;
use claviger_domain::{KeyId, Timestamp};
use claviger_engine::Engine;
use claviger_store::keys::KeyFilter;
use claviger_store::{Page, Tx, key_usage, keys};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::{find, view};
use super::wire::UserView;
use crate::Manage;
use crate::applications::find_application;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::keys::{home_in, move_to};
use crate::rights::UNKNOWN;

/// How many of the keys that stop are named.
pub const NAMED: usize = 100;
/// The most keys that are moved at once.
pub const MOVED_MAX: usize = 100;

/// Keys to move.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveKeys {
    /// The application that owns them from now on, by id or slug; its type allows all that they hold.
    pub application: String,
    /// The keys, by id: at most 100.
    pub keys: Vec<String>,
}

/// A user who would be disabled, and what would come of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Leaving {
    user: UserView,
    /// The keys that are in service and would stop.
    stopping: StoppingKeys,
}

/// Keys that stop.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct StoppingKeys {
    /// How many.
    keys: u64,
    /// Those used last, at most 100.
    first: Vec<StoppingKey>,
}

/// A key that stops.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StoppingKey {
    id: String,
    name: String,
    hint: String,
    #[schema(required, value_type = Option<String>)]
    last_used_at: Option<Timestamp>,
}

/// What disabling a user would stop; nothing is changed.
pub async fn preview(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Leaving, Error> {
    let organization = ctx.organization_with(Authority::UsersManage)?;
    let mut snapshot = manage.store.read().await?;
    let member = find(&mut snapshot, ctx, organization, name).await?;
    let home = home_in(&mut snapshot, organization).await?;
    let filter = KeyFilter {
        owner: Some(Owner::User(member.user.id)),
        state: Some(State::Active),
        now: ctx.now,
        rules: Rules::new(&home.policy, &home.time_zone),
        ..KeyFilter::default()
    };
    let (mut stopping, mut page) = (Vec::new(), Page::default());
    loop {
        let found = keys::list(&mut snapshot, organization, &filter, &page).await?;
        let ids: Vec<KeyId> = found.items.iter().map(|key| key.id).collect();
        let usage = key_usage::get(&mut snapshot, &ids).await?;
        stopping.extend(found.items.iter().map(|key| StoppingKey {
            id: key.id.to_string(),
            name: key.name.to_string(),
            hint: key.secret.hint.clone(),
            last_used_at: usage.get(&key.id).and_then(key_usage::LastUsage::last_used_at),
        }));
        match found.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    let count = stopping.len() as u64;
    stopping.sort_by_key(|key| std::cmp::Reverse(key.last_used_at));
    stopping.truncate(NAMED);
    let user = view(&mut snapshot, ctx, &member).await?;
    Ok(Leaving { user, stopping: StoppingKeys { keys: count, first: stopping } })
}

/// Moves keys of `member` to an application: the same values, and their end stays where it is.
pub(super) async fn move_keys(
    tx: &mut Tx,
    ctx: &Ctx,
    engine: &Arc<Engine>,
    member: &Member,
    request: &MoveKeys,
) -> Result<(), Error> {
    ctx.require(Authority::KeysManageAll)?;
    if request.keys.len() > MOVED_MAX {
        return Err(Error::field("move_keys.keys", format!("expected at most {MOVED_MAX} keys")));
    }
    let unknown = |field: String| Error::names_unknown(vec![FieldError::new(field, UNKNOWN)]);
    let found = find_application(tx, member.organization, &request.application).await?;
    let application = found.ok_or_else(|| unknown("move_keys.application".to_owned()))?;
    for (index, id) in request.keys.iter().enumerate() {
        let field = format!("move_keys.keys[{index}]");
        let key = match id.parse() {
            Ok(id) => keys::get(tx, member.organization, id).await?,
            Err(_) => None,
        };
        let own = key.filter(|key| key.deleted_at.is_none() && key.owner == Owner::User(member.user.id));
        let key = own.ok_or_else(|| unknown(field))?;
        move_to(tx, ctx, engine, key, Owner::Application(application.id)).await?;
    }
    Ok(())
}
