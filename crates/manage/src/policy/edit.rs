//! Changes the policy by the rules of a merge: what is not named stays.

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::organization::Organization;
use claviger_domain::policy::{
    IDLE_DAYS_MAX, KEYS_PER_OWNER_MAX, Lifetime, OldSecretUse, PerOwner, Policy, RevealMode, StatusProfile, UniqueNames,
};
use claviger_domain::rules::Rules;
use claviger_domain::{ApiSetId, OrganizationId, Timestamp};
use claviger_store::{Conn, Scope, Tx, key_reveals, policies};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::preview::{self, PolicyPreview};
use super::wire::PolicyView;
use crate::Manage;
use crate::body::{IfMatch, present, value};
use crate::changes::differing_fields;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{home_in, settle};
use crate::organizations::home;
use crate::rights::resolve_sets;
use crate::write::Changed;

/// What to change; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditPolicy {
    /// How long keys may live, by kind of owner. A lower one reaches keys that are there, which end when it is saved at the
    /// earliest.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditLifetimes)]
    pub max_lifetime: Option<EditLifetimes>,
    /// After how many days without use a key is out of service: 0 (never) to 3,650.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = u32, maximum = 3650)]
    pub idle_days: Option<u32>,
    /// Whether every key needs a list of addresses.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub ip_list_required: Option<bool>,
    /// What becomes of the secrets of new single keys, by kind of owner.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditReveal)]
    pub reveal: Option<EditReveal>,
    /// How many living keys one owner may have, by kind of owner.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditCounts)]
    pub max_keys: Option<EditCounts>,
    /// Among which living keys a name is one key's alone: those of its `owner`, or all of the `organization`. Keys that have a
    /// name in common stay.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, example = "owner")]
    pub unique_names: Option<UniqueNames>,
    /// How gateway doors answer: `default` or `gotransverse`.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, example = "default")]
    pub status_profile: Option<StatusProfile>,
    /// What becomes of a key of which a secret is used that was rotated out: `alert` or `disable`.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, example = "alert")]
    pub old_secret_use: Option<OldSecretUse>,
    /// Whether who manages keys may make, change and rotate those of other people; they see their secrets then.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub delegated_creation: Option<bool>,
    /// The sets whose keys a second person has to approve before they are used, by slug or id; an empty list: none. Keys that
    /// are there stay as they are.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>, max_items = 200, example = json!(["refunds"]))]
    pub approval: Option<Vec<String>>,
}

/// Longest lifetimes to change, such as `{"years": 1}`; null = for ever.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditLifetimes {
    /// Of keys of people.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub user: Option<Option<Lifetime>>,
    /// Of keys of external systems.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub application: Option<Option<Lifetime>>,
    /// Of keys of the organization itself.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub organization: Option<Option<Lifetime>>,
}

/// Reveal modes to change: `once` or `recoverable`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditReveal {
    /// Of keys of the organization itself.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub organization: Option<RevealMode>,
    /// Of keys of external systems.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub application: Option<RevealMode>,
}

/// Numbers of keys to change: 0 to 1,000,000; null = any number.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditCounts {
    /// Of a person.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    pub user: Option<Option<u32>>,
    /// Of an external system.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    pub application: Option<Option<u32>>,
    /// Of the organization itself.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    pub organization: Option<Option<u32>>,
}

/// What a change of the policy of the caller's organization would do; changes nothing.
pub async fn preview(
    manage: &Manage,
    ctx: &Ctx,
    if_match: IfMatch,
    request: EditPolicy,
) -> Result<PolicyPreview, Error> {
    let id = ctx.organization_with(Authority::PolicyManage)?;
    check(&request)?;
    let home = home(manage, id).await?;
    if_match.check(home.policy.version)?;
    let approval = approval(&mut *manage.store.read().await?, id, &request).await?;
    preview::preview(manage, &home, &merged(&home.policy, &request, approval, ctx.now), ctx.now).await
}

/// Changes the policy of the caller's organization. What the rules before have made of keys is written down first.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    if_match: IfMatch,
    request: EditPolicy,
) -> Result<Changed<(PolicyView, i64)>, Error> {
    let id = ctx.organization_with(Authority::PolicyManage)?;
    ctx.require_step_up()?;
    check(&request)?;
    let home = home(manage, id).await?;
    if_match.check(home.policy.version)?;
    let after = Rules::new(&merged(&home.policy, &request, None, ctx.now), &home.time_zone);
    if after != Rules::new(&home.policy, &home.time_zone) {
        settle(manage, ctx, &home, &after).await?;
    }
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(id), move |tx| {
            let (ctx, if_match, request) = (work_ctx.clone(), if_match.clone(), request.clone());
            Box::pin(async move {
                let home = home_in(tx, id).await?;
                if_match.check(home.policy.version)?;
                let approval = approval(tx, id, &request).await?;
                let after = save(tx, &ctx, &home, merged(&home.policy, &request, approval, ctx.now)).await?;
                Ok((PolicyView::load(tx, &home, &after).await?, after.version))
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did.
async fn save(tx: &mut Tx, ctx: &Ctx, home: &Organization, mut after: Policy) -> Result<Policy, Error> {
    if after == home.policy {
        return Ok(after);
    }
    after.version += 1;
    after.updated_at = Some(ctx.now);
    policies::save(tx, home.id, &after).await?;
    note(tx, ctx, home, &after).await?;
    for owner_kind in after.reveal.ended_since(&home.policy.reveal) {
        forget_secrets(tx, ctx, home.id, owner_kind).await?;
    }
    Ok(after)
}

/// Destroys the sealed secrets of keys that were recoverable until now. It cannot be undone: they are shown once from here on.
async fn forget_secrets(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
    owner_kind: &'static str,
) -> Result<(), Error> {
    let keys = key_reveals::forget_all(tx, organization, owner_kind).await?;
    if keys > 0 {
        let subject = Subject { kind: "policy".to_owned(), id: organization.to_string(), name: None };
        let [before, after] = ["recoverable", "once"].map(|mode| Some(json!({owner_kind: mode, "keys": keys})));
        tx.audit(Chain::Organization(organization), ctx.entry("policy.forget_secrets", subject, before, after));
    }
    Ok(())
}

async fn note(tx: &mut Tx, ctx: &Ctx, home: &Organization, after: &Policy) -> Result<(), Error> {
    let before = PolicyView::load(tx, home, &home.policy).await?.audited();
    let after = PolicyView::load(tx, home, after).await?.audited();
    let (old, new) = differing_fields(Some(before), Some(after));
    let subject = Subject { kind: "policy".to_owned(), id: home.id.to_string(), name: None };
    tx.audit(Chain::Organization(home.id), ctx.entry("policy.edit", subject, old, new));
    Ok(())
}

/// The sets that a request names whose keys have to be approved; `None` if it names none at all.
async fn approval(
    conn: &mut Conn,
    organization: OrganizationId,
    request: &EditPolicy,
) -> Result<Option<Vec<ApiSetId>>, Error> {
    let Some(names) = &request.approval else { return Ok(None) };
    let sets = resolve_sets(conn, organization, "approval", names).await?;
    Ok(Some(sets.iter().map(|set| set.id).collect()))
}

fn check(request: &EditPolicy) -> Result<(), Error> {
    let mut checks = Checks::default();
    if let Some(EditLifetimes { user, application, organization }) = &request.max_lifetime {
        for (kind, lifetime) in [("user", user), ("application", application), ("organization", organization)] {
            let within = lifetime.flatten().is_none_or(Lifetime::is_within_bounds);
            let expected = "expected one unit of 1 to 100 years, 1,216 months or 36,500 days";
            checks.ensure(&format!("max_lifetime.{kind}"), within, expected);
        }
    }
    if let Some(days) = request.idle_days {
        checks.ensure("idle_days", days <= IDLE_DAYS_MAX, format!("expected 0 to {IDLE_DAYS_MAX}"));
    }
    if let Some(EditCounts { user, application, organization }) = &request.max_keys {
        for (kind, count) in [("user", user), ("application", application), ("organization", organization)] {
            let within = count.flatten().is_none_or(|count| count <= KEYS_PER_OWNER_MAX);
            checks.ensure(&format!("max_keys.{kind}"), within, format!("expected 0 to {KEYS_PER_OWNER_MAX}"));
        }
    }
    checks.finish()
}

/// The policy with what the request names, its sets as they were found. A longest lifetime that changes is noted with `now`.
fn merged(before: &Policy, request: &EditPolicy, approval: Option<Vec<ApiSetId>>, now: Timestamp) -> Policy {
    let mut after = before.clone();
    after.approval = approval.unwrap_or(after.approval);
    if let Some(EditLifetimes { user, application, organization }) = &request.max_lifetime {
        let PerOwner { user: old_user, application: old_application, organization: old_organization } =
            &mut after.max_lifetime;
        let saved = &mut after.max_lifetime_saved_at;
        for (named, lifetime, saved_at) in [
            (user, old_user, &mut saved.user),
            (application, old_application, &mut saved.application),
            (organization, old_organization, &mut saved.organization),
        ] {
            if let Some(named) = named.filter(|named| named != lifetime) {
                (*lifetime, *saved_at) = (named, Some(now));
            }
        }
    }
    if let Some(EditCounts { user, application, organization }) = &request.max_keys {
        let counts = &mut after.max_keys;
        counts.user = user.unwrap_or(counts.user);
        counts.application = application.unwrap_or(counts.application);
        counts.organization = organization.unwrap_or(counts.organization);
    }
    if let Some(EditReveal { organization, application }) = &request.reveal {
        after.reveal.organization = organization.unwrap_or(after.reveal.organization);
        after.reveal.application = application.unwrap_or(after.reveal.application);
    }
    after.idle_days = request.idle_days.unwrap_or(after.idle_days);
    after.ip_list_required = request.ip_list_required.unwrap_or(after.ip_list_required);
    after.delegated_creation = request.delegated_creation.unwrap_or(after.delegated_creation);
    after.unique_names = request.unique_names.unwrap_or(after.unique_names);
    after.old_secret_use = request.old_secret_use.unwrap_or(after.old_secret_use);
    after.status_profile = request.status_profile.unwrap_or(after.status_profile);
    after
}
