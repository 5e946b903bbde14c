//! What several use cases do with the record of an API.

use std::collections::BTreeSet;

use claviger_domain::api::{Api, ApiKind};
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::name::Name;
use claviger_domain::operation::Operation;
use claviger_domain::{ApiId, ApiSetId, OrganizationId, Timestamp};
use claviger_store::{Conn, Tx, api_sets, apis, operations};
use serde_json::{Value, json};

use super::slug;
use super::wire::{ApiView, OperationView};
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode, FieldError};
use crate::shared::find_usable_api;

/// The most APIs of an organization.
pub const APIS_MAX: i64 = 1_000;

/// The General set of an API, empty.
pub fn general_set(id: ApiSetId, api: &Api, now: Timestamp) -> ApiSet {
    ApiSet {
        id,
        organization: api.organization,
        slug: slug::of_general(&api.slug),
        name: general_name(&api.name),
        kind: ApiSetKind::General,
        apis: vec![api.id],
        operations: Vec::new(),
        limits: Vec::new(),
        template: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// `<API>: general`, the API's name cut where both are too long.
fn general_name(api: &Name) -> Name {
    let whole = format!("{api}: general");
    whole.parse().unwrap_or_else(|_| api.clone())
}

/// The API of this id or slug that the organization may use, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Api, Error> {
    find_usable_api(conn, organization, name).await?.ok_or_else(|| Error::not_found("API"))
}

/// The same, unless it is the built-in one, which nobody changes, or another organization's, which alone can.
pub(super) async fn find_own(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Api, Error> {
    let api = find(conn, organization, name).await?;
    if api.kind == ApiKind::BuiltIn {
        return Err(Error::conflict("This is the management API itself; it cannot be changed."));
    }
    if api.organization != organization {
        return Err(Error::forbidden("This API is shared by another organization, which alone can change it."));
    }
    Ok(api)
}

/// The API of one's own that a request names in `field`.
pub(crate) async fn find_own_api(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
    field: &str,
) -> Result<Api, Error> {
    find_own(conn, organization, name).await.map_err(|error| match error.code() {
        ErrorCode::NotFound => Error::names_unknown(vec![FieldError::new(field, crate::rights::UNKNOWN)]),
        _ => error,
    })
}

/// The General set of an API.
pub(super) async fn find_general(conn: &mut Conn, api: &Api) -> Result<Option<ApiSet>, Error> {
    let set = api_sets::by_slug(conn, api.organization, &slug::of_general(&api.slug)).await?;
    Ok(set.filter(|set| set.kind == ApiSetKind::General && set.apis == [api.id]))
}

/// The view of an API to its own organization.
pub(super) async fn view(conn: &mut Conn, api: &Api) -> Result<ApiView, Error> {
    Ok(ApiView::new(api, operations::count(conn, api.id).await?))
}

/// The view of an API to whoever may use it.
pub(super) async fn view_to(conn: &mut Conn, viewer: OrganizationId, api: &Api) -> Result<ApiView, Error> {
    let view = view(conn, api).await?;
    Ok(if api.organization == viewer { view } else { view.for_guests() })
}

/// Refuses a slug that another API of the organization has.
pub(super) async fn check_slug_free(conn: &mut Conn, api: &Api) -> Result<(), Error> {
    match apis::by_slug(conn, api.organization, &api.slug).await? {
        Some(other) if other.id != api.id => Err(Error::name_taken("slug", other.id)),
        _ => Ok(()),
    }
}

/// Adds an API with its General set.
pub(super) async fn insert(tx: &mut Tx, api: &Api, general: &ApiSet) -> Result<(), Error> {
    if apis::count(tx, api.organization).await? >= APIS_MAX {
        return Err(Error::new(ErrorCode::LimitReached, format!("An organization has at most {APIS_MAX} APIs.")));
    }
    check_slug_free(tx, api).await?;
    apis::insert(tx, api).await?;
    Ok(api_sets::insert(tx, general).await?)
}

/// The General set is called after its API.
pub(super) async fn rename_general(tx: &mut Tx, ctx: &Ctx, before: &Api, after: &Api) -> Result<(), Error> {
    if (&before.slug, &before.name) == (&after.slug, &after.name) {
        return Ok(());
    }
    let Some(mut set) = find_general(tx, before).await? else { return Ok(()) };
    let fresh = general_set(set.id, after, ctx.now);
    set.slug = fresh.slug;
    set.name = fresh.name;
    set.version += 1;
    set.updated_at = ctx.now;
    Ok(api_sets::update(tx, &set).await?)
}

/// The most operations that an audit entry shows of those before and of those after.
const OPERATIONS_SHOWN_MAX: usize = 50;

/// The audit entry of a change of an API and of its operations, as they were and as they are: what differs.
pub(super) fn note_change(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    api: &Api,
    (old, listed): (&ApiView, &[Operation]),
    (new, operations): (&ApiView, &[Operation]),
) {
    let with = |view: &ApiView, shown: Value| {
        let mut fields = audited(view)?;
        fields["operations"] = shown;
        Some(fields)
    };
    let before = with(old, differing_operations(listed, operations));
    let after = with(new, differing_operations(operations, listed));
    let (before, after) = differing_fields(before, after);
    tx.audit(Chain::Organization(api.organization), ctx.entry(action, subject(api.id, &api.name), before, after));
}

/// Those of `all` that are not among the others as they are; a number stands for those that are too many to show.
fn differing_operations(all: &[Operation], others: &[Operation]) -> Value {
    let text = |operation: &Operation| serde_json::to_string(operation).unwrap_or_default();
    let others: BTreeSet<String> = others.iter().map(text).collect();
    let differing: Vec<_> = all.iter().filter(|operation| !others.contains(&text(operation))).collect();
    let shown = differing.iter().take(OPERATIONS_SHOWN_MAX);
    let mut shown: Vec<Value> = shown.map(|operation| OperationView::audited(operation)).collect();
    let more = differing.len() - shown.len();
    shown.extend((more > 0).then(|| json!({ "more": more })));
    Value::Array(shown)
}

/// The audit entry of an API that is made or deleted; operations as counts.
pub(super) fn note(tx: &mut Tx, ctx: &Ctx, action: &str, api: &Api, before: Option<&ApiView>, after: Option<&ApiView>) {
    let (before, after) = differing_fields(before.and_then(audited), after.and_then(audited));
    tx.audit(Chain::Organization(api.organization), ctx.entry(action, subject(api.id, &api.name), before, after));
}

/// The audit's word for an API.
pub(super) fn subject(id: ApiId, name: &Name) -> Subject {
    Subject { kind: "api".to_owned(), id: id.to_string(), name: Some(name.to_string()) }
}

fn audited(view: &ApiView) -> Option<Value> {
    let mut fields = serde_json::to_value(view).ok()?;
    fields.as_object_mut()?.retain(|name, _| !["id", "created_at", "updated_at"].contains(&name.as_str()));
    Some(fields)
}
