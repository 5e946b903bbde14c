//! Approval: which keys wait for a second person, and what that person decides.

use claviger_domain::approval::{
    Approval, Approved, DENIED_REASON, Involvement, Rights, gains_full_access, needs_approval,
};
use claviger_domain::audit::Chain;
use claviger_domain::authority::Authority;
use claviger_domain::key::{Actor, ActorKind, Disabled, Key, Owner, State};
use claviger_domain::policy::Policy;
use claviger_domain::{ApiSetId, KeyId, OrganizationId, UserId};
use claviger_store::audit::{self, AuditFilter};
use claviger_store::{Conn, PAGE_LIMIT_MAX, Page, api_sets, keys};

use super::access::Need;
use super::grants;
use super::record::{Recorded, change};
use super::request::{Reason, reason};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// A management key that was made by one that was made by one …: so far it is looked for the person behind it.
const MAKERS_MAX: usize = 8;
/// After these somebody knows a key's secret.
const SECRET_ACTIONS: [&str; 2] = ["key.rotate", "key.reveal"];

/// Approves a key that waits: it is in service from then on.
pub async fn approve(
    manage: &Manage,
    ctx: &Ctx,
    id: KeyId,
    if_match: IfMatch,
    request: Reason,
) -> Result<Changed<Recorded>, Error> {
    let (person, reason) = (decider(ctx)?, reason(&request)?);
    change(manage, ctx, id, if_match, ("key.approve", Need::End), move |tx, ctx, key, surroundings| {
        let reason = reason.clone();
        Box::pin(async move {
            check_decision(key, person, surroundings.facts(key).state(ctx.now))?;
            check_alone(tx, ctx, person, key.organization).await?;
            grants::require_held(tx, ctx, key).await?;
            if let Some(approval) = &mut key.approval {
                approval.approved = Some(Approved { at: ctx.now, by: ctx.actor.clone(), reason });
            }
            // It has as long as a new one to be used.
            key.idle_from = key.idle_from.max(Some(ctx.now));
            Ok(())
        })
    })
    .await
}

/// Denies a key that waits: it is disabled, with the reason and by whom. Put back it waits again.
pub async fn deny(manage: &Manage, ctx: &Ctx, id: KeyId, request: Reason) -> Result<Changed<Recorded>, Error> {
    let person = decider(ctx)?;
    let reason = reason(&request)?.ok_or_else(|| Error::field("reason", "is required: say why"))?;
    let reason = format!("{DENIED_REASON}: {reason}");
    change(manage, ctx, id, IfMatch::ANY, ("key.deny", Need::End), move |tx, ctx, key, surroundings| {
        let reason = reason.clone();
        Box::pin(async move {
            check_decision(key, person, surroundings.facts(key).state(ctx.now))?;
            check_alone(tx, ctx, person, key.organization).await?;
            key.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: Some(reason) });
            Ok(())
        })
    })
    .await
}

/// The person who decides. A key of nobody is no second pair of eyes.
fn decider(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.require(Authority::KeysManageAll)?;
    ctx.require_step_up()?;
    ctx.user.ok_or_else(|| {
        Error::forbidden("A person decides about keys that wait: in the console, or by a key of their own.")
    })
}

/// Refuses a decision by a key that somebody else may know: who made or rotated it could be the one whose key waits.
async fn check_alone(conn: &mut Conn, ctx: &Ctx, person: UserId, organization: OrganizationId) -> Result<(), Error> {
    if people_behind(conn, ctx, organization).await?.iter().all(|behind| *behind == person) {
        return Ok(());
    }
    Err(Error::forbidden(
        "Somebody else made the key that you call with, or has seen its secret: decide in the console.",
    ))
}

/// Refuses to decide about a key that does not wait, and about one that this person has a hand in.
fn check_decision(key: &Key, person: UserId, state: State) -> Result<(), Error> {
    if state != State::Pending {
        return Err(Error::conflict("This key does not wait for approval."));
    }
    let Some(involvement) = key.involvement(person) else { return Ok(()) };
    Err(Error::forbidden(match involvement {
        Involvement::Owner => "This key is yours: somebody else has to decide about it.",
        Involvement::Maker => "You made this key: somebody else has to decide about it.",
        Involvement::Hand => {
            "You gave this key rights, addresses or a secret, yourself or by a key that you made: somebody else has to decide \
             about it."
        }
    }))
}

/// Whether a key that was as `before` and is to be as `after` has to be approved by the policy.
pub(super) async fn is_needed(
    conn: &mut Conn,
    policy: &Policy,
    before: Option<&Key>,
    after: &Key,
) -> Result<bool, Error> {
    if policy.approval.is_empty() {
        return Ok(false);
    }
    let listed = sets(conn, &policy.approval).await?;
    let now = sets(conn, &after.api_sets).await?;
    let then = match before {
        Some(key) => sets(conn, &key.api_sets).await?,
        None => Vec::new(),
    };
    let operations = before.map_or(&[][..], |key| &key.operations);
    let after = Rights { sets: &now, operations: &after.operations };
    let before = Rights { sets: &then, operations };
    // Where all that is listed is gone, as sets of others may be, Full access still is what it was.
    Ok(needs_approval(&listed, before, after) || listed.is_empty() && gains_full_access(before, after))
}

/// Lets a key wait for approval from now on.
pub(super) async fn ask(conn: &mut Conn, ctx: &Ctx, key: &mut Key) -> Result<(), Error> {
    let hands = people_behind(conn, ctx, key.organization).await?;
    let mut asked = Approval::asked(ctx.actor.clone(), &hands, ctx.now);
    // Who had a hand in it while it waited has one in what waits now.
    if let Some(before) = key.approval.as_ref().filter(|approval| approval.is_pending()) {
        asked.add_hands(&before.hands);
    }
    key.approval = Some(asked);
    Ok(())
}

/// After a change: a key that gained what has to be approved waits, and who changed what a waiting key can do has a hand in it.
pub(super) async fn settle_changed(conn: &mut Conn, ctx: &Ctx, before: &Key, key: &mut Key) -> Result<(), Error> {
    let policy = super::home_in(conn, key.organization).await?.policy;
    if is_needed(conn, &policy, Some(before), key).await? {
        return ask(conn, ctx, key).await;
    }
    let is_wider = key.api_sets != before.api_sets
        || key.operations != before.operations
        || key.allowed_ips != before.allowed_ips
        || key.secret != before.secret;
    if is_wider && key.is_pending() {
        let hands = people_behind(conn, ctx, key.organization).await?;
        if let Some(approval) = &mut key.approval {
            approval.add_hands(&hands);
        }
    }
    Ok(())
}

/// The people who may be acting: whoever calls, and where a key calls who made it, gave it a new secret or had it shown, as far as the
/// audit log knows; the same of the keys that did so.
async fn people_behind(conn: &mut Conn, ctx: &Ctx, organization: OrganizationId) -> Result<Vec<UserId>, Error> {
    let mut people: Vec<UserId> = ctx.user.into_iter().collect();
    let mut calling: Vec<KeyId> = ctx.credential.map(|(key, _)| key).into_iter().collect();
    let mut place = 0;
    while let Some(id) = calling.get(place).copied().filter(|_| place < MAKERS_MAX) {
        place += 1;
        let Some(key) = keys::get(conn, organization, id).await? else { continue };
        if let Owner::User(user) = key.owner {
            people.push(user);
        }
        let mut makers = vec![key.created_by];
        for action in SECRET_ACTIONS {
            let filter =
                AuditFilter { object: Some(id.to_string()), action: Some(action.to_owned()), ..AuditFilter::default() };
            let found =
                audit::list(conn, Chain::Organization(organization), &filter, &Page::first(PAGE_LIMIT_MAX)).await?;
            makers.extend(found.items.into_iter().map(|stored| stored.entry.actor));
        }
        for actor in &makers {
            if let Some(maker) = maker(actor, &mut people).filter(|maker| !calling.contains(maker)) {
                calling.push(maker);
            }
        }
    }
    Ok(people)
}

/// The key that an actor is; a person is one of `people` from then on.
fn maker(actor: &Actor, people: &mut Vec<UserId>) -> Option<KeyId> {
    let id = actor.id.as_deref()?;
    match actor.kind {
        ActorKind::User => {
            people.extend(id.parse::<UserId>());
            None
        }
        ActorKind::Key => id.parse().ok(),
        ActorKind::Operator | ActorKind::System => None,
    }
}

/// The sets of these ids, whichever organization's; those that are gone are left out.
async fn sets(conn: &mut Conn, ids: &[ApiSetId]) -> Result<Vec<claviger_domain::api_set::ApiSet>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(api_sets::find(conn, *id).await?);
    }
    Ok(found)
}
