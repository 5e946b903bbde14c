//! Writes down what time has made of keys: that they are idle and, before an end is taken back, where their idle clocks
//! stand. Verdicts do not wait for it.

use std::time::Duration;

use claviger_domain::change::LastUse;
use claviger_domain::key::Key;
use claviger_domain::organization::Organization;
use claviger_domain::rules::Rules;
use claviger_domain::{KeyId, OrganizationId, RequestId, Timestamp};
use claviger_store::keys::{KeyTerm, TermFilter};
use claviger_store::{Conn, Page, Scope, Tx, keys, organizations};
use serde_json::json;

use super::record::{note_idle, note_system};
use super::term::Surroundings;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// The most keys of one transaction: the feed's head is not held for long.
pub const BATCH: usize = 500;
/// Keys that are looked at with one statement.
const TERMS: usize = 1_000;
/// A key is written down as idle this long after it went idle: by then every node has written what it knows of its use,
/// also one that has very many uses to write.
pub const GRACE: Duration = Duration::from_mins(10);
/// Keys that go idle within this time are looked up: other nodes told their uses by the hour, the database knows the last.
/// Longer than that hour and the time between two sweeps together.
pub const LOOKED_AHEAD: Duration = Duration::from_hours(2);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Keys that were written down as idle.
    pub idle: usize,
}

/// Goes through all organizations' keys: writes down those that are idle, and tells the engine of uses that other nodes saw
/// of those that soon would be.
pub async fn sweep(manage: &Manage) -> Result<Swept, Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let surely = now.saturating_sub(GRACE).min(uses_written_to(manage, now).await?);
    let (mut swept, mut page) = (Swept::default(), Page::default());
    loop {
        let listed = organizations::list(&mut *manage.store.read().await?, &page).await?;
        for home in &listed.items {
            swept.idle += sweep_organization(manage, &ctx, home, surely).await?;
        }
        match listed.next {
            Some(next) => page.after = Some(next),
            None => return Ok(swept),
        }
    }
}

/// `surely`: what went idle before is so on every node.
async fn sweep_organization(
    manage: &Manage,
    ctx: &Ctx,
    home: &Organization,
    surely: Timestamp,
) -> Result<usize, Error> {
    let rules = Rules::new(&home.policy, &home.time_zone);
    let soon = ctx.now.saturating_add(LOOKED_AHEAD);
    let mut idle = Vec::new();
    let filter = TermFilter { idle_at: Some((rules.clone(), soon)), after: None };
    each_term(manage, home.id, filter, |terms| {
        let uses = terms.iter().filter_map(|KeyTerm { digest, term, .. }| {
            let at = term.last_used?;
            Some(LastUse { digest: *digest, at })
        });
        manage.engine.learn_uses(&uses.collect::<Vec<_>>());
        idle.extend(terms.iter().filter(|term| term.term.facts(&rules).is_idle(surely)).map(|term| term.id));
    })
    .await?;
    for batch in idle.chunks(BATCH) {
        write_down(manage, ctx, home.id, batch.to_vec(), None).await?;
    }
    Ok(idle.len())
}

/// Until when no other node can have seen a use that is not written.
async fn uses_written_to(manage: &Manage, now: Timestamp) -> Result<Timestamp, Error> {
    Ok(manage.nodes.look().await?.uses_written_to(manage.nodes.own(), now))
}

/// Writes down what the rules in force have made of keys before `after` takes their place: idle keys stay so, and the idle
/// clocks of keys whose end is taken back go on where they stood still.
pub(crate) async fn settle(manage: &Manage, ctx: &Ctx, home: &Organization, after: &Rules) -> Result<(), Error> {
    let rules = Rules::new(&home.policy, &home.time_zone);
    let mut touched = Vec::new();
    let surely = uses_written_to(manage, ctx.now).await?;
    each_term(manage, home.id, TermFilter::default(), |terms| {
        let is_touched = |KeyTerm { disabled, term, .. }: &&KeyTerm| {
            let (old, new) = (term.facts(&rules), term.facts(after));
            !disabled && (old.is_idle(surely) || old.is_revived_by(&new, ctx.now))
        };
        touched.extend(terms.iter().filter(is_touched).map(|term| term.id));
    })
    .await?;
    for batch in touched.chunks(BATCH) {
        write_down(manage, ctx, home.id, batch.to_vec(), Some(after)).await?;
    }
    Ok(())
}

/// Hands the terms that `filter` finds to `look`, page by page, each page of a snapshot of its own.
pub(crate) async fn each_term(
    manage: &Manage,
    organization: OrganizationId,
    mut filter: TermFilter,
    mut look: impl FnMut(&[KeyTerm]),
) -> Result<(), Error> {
    loop {
        let mut snapshot = manage.store.read().await?;
        let terms = keys::terms(&mut snapshot, organization, &filter, TERMS).await?;
        drop(snapshot);
        look(&terms);
        match terms.last().filter(|_| terms.len() == TERMS) {
            Some(last) => filter.after = Some((last.term.created_at, last.id)),
            None => return Ok(()),
        }
    }
}

/// One transaction; each key is read again, for it may have been used or changed meanwhile.
async fn write_down(
    manage: &Manage,
    ctx: &Ctx,
    organization: OrganizationId,
    ids: Vec<KeyId>,
    after: Option<&Rules>,
) -> Result<(), Error> {
    let (work_ctx, engine, after) = (ctx.clone(), manage.engine.clone(), after.cloned());
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, engine, ids, after) = (work_ctx.clone(), engine.clone(), ids.clone(), after.clone());
            Box::pin(async move {
                for key in keys::find_many(tx, &ids).await? {
                    if key.deleted_at.is_none() && key.disabled.is_none() {
                        let surroundings = Surroundings::load(tx, engine.last_used(&key.secret.digest), &key).await?;
                        let key = note_idle(tx, &ctx, key, &surroundings).await?;
                        resume(tx, &ctx, key, &surroundings, after.as_ref()).await?;
                    }
                }
                Ok(())
            })
        })
        .await?;
    Ok(())
}

async fn resume(
    tx: &mut Tx,
    ctx: &Ctx,
    before: Key,
    surroundings: &Surroundings,
    after: Option<&Rules>,
) -> Result<(), Error> {
    let Some(after) = after.filter(|_| before.disabled.is_none()) else { return Ok(()) };
    let (old, new) = (surroundings.facts(&before), before.facts(after, surroundings.last_used));
    let mut key = before.clone();
    key.resume_idle_clock(&old, &new, surroundings.last_used, ctx.now);
    if key == before {
        return Ok(());
    }
    (key.version, key.updated_at) = (key.version + 1, ctx.now);
    keys::update(tx, &key).await?;
    let (old, new) = (json!({"expires_at": old.expires_at}), json!({"expires_at": new.expires_at}));
    note_system(tx, ctx, "key.resume", &key, old, new);
    Ok(())
}

/// The organization as it stands.
pub(crate) async fn home_in(conn: &mut Conn, id: OrganizationId) -> Result<Organization, Error> {
    organizations::get(conn, id).await?.ok_or_else(|| Error::not_found("organization"))
}
