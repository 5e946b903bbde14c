//! Makes a key.

use std::collections::HashMap;

use claviger_domain::api_set::ApiPattern;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::ip_list::IpEntries;
use claviger_domain::key::{Disabled, Key, Owner};
use claviger_domain::limit::Place;
use claviger_domain::organization::Organization;
use claviger_domain::{ApiSetId, KeyId, Timestamp};
use claviger_store::{Conn, Scope, Taken, Tx, keys, organizations};
use serde_json::{Value, json};

use super::access::{self, Need};
use super::imported::{ImportedValue, check_leave};
use super::record::{check_count, check_name, note, view};
use super::request::{self, CreateKey};
use super::term::{Surroundings, settle_new};
use super::value::{Issued, NewValue};
use super::wire::{KeyView, KeyWithSecret};
use super::{approval, grants, owner, signing};
use crate::Manage;
use crate::answer::Answer;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::instant::{self, Edge};
use crate::ip_list::{self, Reading};
use crate::limits;
use crate::organizations::home;
use crate::write::Changed;

/// A key that is being made: everything that is drawn before the transaction.
#[derive(Debug, Clone)]
pub(crate) struct NewKey {
    request: CreateKey,
    value: NewValue,
    /// The record without owner and grants.
    draft: Key,
}

/// What an import knows of the rows before.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// What their names stood for, so that they are not looked for row by row.
    named: Vec<(Named, Result<Given, Error>)>,
    /// How many keys each owner would have more, after a row that was only tried.
    tried: HashMap<Owner, i64>,
}

/// Owner, sets and operations as a request names them.
type Named = (Option<(String, Option<String>)>, Option<Vec<String>>, Option<Vec<String>>);

/// What they are.
#[derive(Debug, Clone)]
struct Given {
    owner: Owner,
    api_sets: Vec<ApiSetId>,
    operations: Vec<ApiPattern>,
    /// Whether that has to be approved.
    needs_approval: bool,
}

/// The most different requests that are remembered.
const RESOLVED_MAX: usize = 64;

/// Makes a key and answers its secret, or its identifier and password, once.
pub async fn create(manage: &Manage, ctx: &Ctx, request: CreateKey) -> Result<Changed<KeyWithSecret>, Error> {
    let organization = access::organization(ctx, Need::Change)?;
    let home = home(manage, organization).await?;
    check_owner(ctx, &home, &request)?;
    let leave = manage.config.imports_with_several_organizations || request.import.is_none();
    let new = match NewKey::draw(manage, ctx, &home, request.clone()) {
        Ok(new) => new,
        Err(error) => return Err(with_rights(manage, ctx, &home, &request, error).await),
    };
    let (work_ctx, issued, again) = (ctx.clone(), new.issued(), new.issued().without_values());
    let changed = manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let (ctx, new) = (work_ctx.clone(), new.clone());
                Box::pin(async move {
                    check_leave(tx, leave).await?;
                    new.insert(tx, &ctx).await
                })
            },
            move |key| answer_again(key, &again),
        )
        .await?;
    Ok(changed.map(|key| KeyWithSecret { key, issued }))
}

/// An error about the rest of a request, with what is wrong with its rights beside it: so that one learns of all in one go.
async fn with_rights(manage: &Manage, ctx: &Ctx, home: &Organization, request: &CreateKey, error: Error) -> Error {
    let check = async {
        let mut snapshot = manage.store.read().await?;
        owner::resolve(&mut snapshot, ctx, home, request.owner.as_ref()).await?;
        grants::check_names(&mut snapshot, home.id, request.api_sets.as_deref(), request.operations.as_deref()).await
    };
    match check.await {
        Ok(()) => error,
        Err(further) => error.and(&further),
    }
}

/// The answer without what proves the key.
fn answer_again(key: &KeyView, nothing: &Value) -> Answer<Value> {
    let mut body = nothing.clone();
    body["key"] = json!(key);
    Answer::created(body).location("keys", key.id()).version(1)
}

// === impl NewKey ===

impl NewKey {
    /// Checks what can be checked without looking, and draws id and value.
    pub(crate) fn draw(manage: &Manage, ctx: &Ctx, home: &Organization, request: CreateKey) -> Result<Self, Error> {
        let id = KeyId::new(ctx.now, &*manage.random);
        let value = NewValue::draw(manage, home, id, &request)?;
        let draft = draft(ctx, &request, home, id, value.stored.clone())?;
        Ok(Self { request, value, draft })
    }

    /// What the answer shows once.
    pub(crate) fn issued(&self) -> Issued {
        self.value.issued.clone()
    }

    /// The digest of its value.
    pub(crate) fn digest(&self) -> &CredentialDigest {
        &self.draft.secret.digest
    }

    /// What a value that cannot be imported is told.
    pub(super) fn refused_value(&self) -> Error {
        self.request.import.as_ref().map_or_else(|| Error::internal("a new value is in use"), ImportedValue::refused)
    }

    /// Adds the key, with its audit entry.
    pub(crate) async fn insert(&self, tx: &mut Tx, ctx: &Ctx) -> Result<KeyView, Error> {
        let key = self.check(tx, ctx, &mut Resolved::default()).await?;
        self.write(tx, ctx, key).await
    }

    /// The record as it would be written, if it may be.
    pub(super) async fn check(&self, conn: &mut Conn, ctx: &Ctx, resolved: &mut Resolved) -> Result<Key, Error> {
        let mut key = self.draft.clone();
        let home = organizations::get(conn, key.organization).await?.ok_or_else(|| Error::not_found("organization"))?;
        if resolved.give(conn, ctx, &mut key, &home, &self.request).await? {
            approval::ask(conn, ctx, &mut key).await?;
        }
        let levels = grants::levels(conn, ctx, &key.owner).await?;
        let most_keys = (*home.policy.max_keys.of(&key.owner)).into_iter().chain(levels.max_keys).min();
        settle_new(&mut key, &Surroundings::of_new(&home).within(&levels))?;
        let mut checks = Checks::default();
        limits::within(&mut checks, &mut key.limits, &levels);
        checks.finish()?;
        check_name(conn, ctx, &key, home.policy.unique_names).await?;
        signing::settle_new(conn, &mut key, self.value.copy.as_ref(), self.request.import.as_ref()).await?;
        check_count(conn, &key, resolved.tried_of(&key.owner), most_keys).await?;
        if self.request.import.is_some() {
            for digest in [Some(key.secret.digest), self.value.by_sha512].into_iter().flatten() {
                if keys::by_digest(conn, &digest).await?.is_some() {
                    return Err(self.refused_value());
                }
            }
        }
        Ok(key)
    }

    /// Adds a record that was checked.
    pub(super) async fn write(&self, tx: &mut Tx, ctx: &Ctx, key: Key) -> Result<KeyView, Error> {
        let home = organizations::get(tx, key.organization).await?.ok_or_else(|| Error::not_found("organization"))?;
        match keys::insert(tx, &key).await {
            Err(claviger_store::Error::Taken(Taken::Digest)) => return Err(self.refused_value()),
            inserted => inserted?,
        }
        self.value.insert(tx, &key, &home.policy).await?;
        let made = view(tx, &key, ctx.now).await?;
        let action = if self.request.import.is_some() { "key.import" } else { "key.create" };
        note(tx, ctx, action, &key, None, &made);
        Ok(made)
    }
}

// === impl Resolved ===

impl Resolved {
    /// A key of this owner was tried and not written.
    pub(super) fn count_tried(&mut self, owner: Owner) {
        *self.tried.entry(owner).or_default() += 1;
    }

    fn tried_of(&self, owner: &Owner) -> i64 {
        self.tried.get(owner).copied().unwrap_or_default()
    }

    /// Gives the key its owner and what it may do, and says whether that has to be approved; names that were resolved before in
    /// this transaction are not again.
    async fn give(
        &mut self,
        conn: &mut Conn,
        ctx: &Ctx,
        key: &mut Key,
        home: &Organization,
        request: &CreateKey,
    ) -> Result<bool, Error> {
        let owner = request.owner.as_ref().map(|owner| (owner.kind.clone(), owner.id.clone()));
        let named = (owner, request.api_sets.clone(), request.operations.clone());
        if let Some((_, given)) = self.named.iter().find(|(known, _)| *known == named) {
            let Given { owner, api_sets, operations, needs_approval } = given.clone()?;
            (key.owner, key.api_sets, key.operations) = (owner, api_sets, operations);
            return Ok(needs_approval);
        }
        let result = give(conn, ctx, key, home, request).await;
        let given = result.clone().map(|needs_approval| Given {
            owner: key.owner,
            api_sets: key.api_sets.clone(),
            operations: key.operations.clone(),
            needs_approval,
        });
        if self.named.len() < RESOLVED_MAX {
            self.named.push((named, given));
        }
        result
    }
}

/// Refuses at once who may not make keys of such an owner.
fn check_owner(ctx: &Ctx, home: &Organization, request: &CreateKey) -> Result<(), Error> {
    match request.owner.as_ref().map(|owner| owner.kind.as_str()) {
        Some("user") => Ok(()),
        _ => access::check_making(ctx, &Owner::Organization(home.id), home),
    }
}

async fn give(
    conn: &mut Conn,
    ctx: &Ctx,
    key: &mut Key,
    home: &Organization,
    request: &CreateKey,
) -> Result<bool, Error> {
    key.owner = owner::resolve(conn, ctx, home, request.owner.as_ref()).await?;
    grants::give(conn, ctx, key, request.api_sets.as_deref(), request.operations.as_deref()).await?;
    approval::is_needed(conn, &home.policy, None, key).await
}

/// The record without its grants.
fn draft(
    ctx: &Ctx,
    request: &CreateKey,
    home: &Organization,
    id: KeyId,
    secret: claviger_domain::key::StoredSecret,
) -> Result<Key, Error> {
    let mut checks = Checks::default();
    check_kind(&mut checks, request, home);
    let (not_before, expires_at) = term(&mut checks, ctx, request, &home.time_zone);
    request::metadata(&mut checks, &request.metadata);
    let nothing = IpEntries::default();
    let reading = Reading { time_zone: &home.time_zone, now: ctx.now, before: &nothing };
    let key = Key {
        description: request::description(&mut checks, &request.description),
        environment: request.environment,
        shape: request.shape,
        allowed_ips: ip_list::read(&mut checks, &request.allowed_ips, &reading),
        limits: limits::read(&mut checks, &request.limits, Place::Key),
        not_before,
        expires_at,
        idle_exempt: request.idle_exempt,
        disabled: request.disabled.then(|| Disabled { at: ctx.now, by: ctx.actor.clone(), reason: None }),
        external_id: request::external_id(&mut checks, request.external_id.as_deref()),
        tags: request::tags(&mut checks, &request.tags),
        metadata: request.metadata.clone(),
        ..Key::new(id, home.id, request.name.clone(), secret, ctx.actor.clone(), ctx.now)
    };
    checks.finish()?;
    Ok(key)
}

/// What kinds of keys there are by now, and that somebody chose what this one may do.
fn check_kind(checks: &mut Checks, request: &CreateKey, home: &Organization) {
    owner::check(checks, request.owner.as_ref(), home.id);
    if request.api_sets.is_none() && request.operations.is_none() {
        checks.refuse(
            "api_sets",
            "choose what the key may do: `api_sets`, `operations` or both; an empty list for nothing",
        );
    }
}

fn term(
    checks: &mut Checks,
    ctx: &Ctx,
    request: &CreateKey,
    time_zone: &str,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let read =
        |text: &Option<String>, edge| text.as_deref().map(|text| instant::parse(text, edge, time_zone)).transpose();
    let not_before = checks.take("not_before", read(&request.not_before, Edge::Begin));
    let expires_at = checks.take("expires_at", read(&request.expires_at, Edge::End));
    if let Some(end) = expires_at {
        checks.ensure("expires_at", end > ctx.now, "must be in the future");
    }
    (not_before, expires_at)
}
