//! What several use cases do with the record of a set.

use std::collections::HashMap;

use claviger_domain::api::{Api, ApiKind};
use claviger_domain::api_set::{ApiSet, ApiSetKind, PATTERNS_MAX};
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::{ApiId, OrganizationId};
use claviger_store::api_sets::{self, ApiSetFilter};
use claviger_store::{Conn, PAGE_LIMIT_MAX, Page, Tx, apis};
use serde_json::Value;

use super::wire::ApiSetView;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::rights::resolve_patterns;
use crate::shared::{find_usable_api, find_usable_set, label};

/// The most sets of an organization.
pub(super) const SETS_MAX: i64 = 5_000;
/// The most APIs that a set holds whole.
const APIS_PER_SET_MAX: usize = 200;

/// All sets of an organization, by slug.
pub(crate) async fn all(conn: &mut Conn, organization: OrganizationId) -> Result<Vec<ApiSet>, Error> {
    let (mut sets, mut page) = (Vec::new(), Page::first(PAGE_LIMIT_MAX));
    loop {
        let found = api_sets::list(conn, organization, &ApiSetFilter::default(), &page).await?;
        sets.extend(found.items);
        match found.next {
            Some(_) => page.after = found.next,
            None => return Ok(sets),
        }
    }
}

/// Whether the set holds all operations of the API, now and later. A General set only belongs to its API.
pub(crate) fn holds_whole(set: &ApiSet, api: ApiId) -> bool {
    match set.kind {
        ApiSetKind::Full => true,
        ApiSetKind::Plain => set.apis.contains(&api),
        ApiSetKind::General | ApiSetKind::BuiltIn => false,
    }
}

/// The set of this id or slug that the organization may use, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<ApiSet, Error> {
    find_usable_set(conn, organization, name).await?.ok_or_else(|| Error::not_found("API set"))
}

/// The same, unless it is another organization's, which alone can change it.
pub(super) async fn find_own(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<ApiSet, Error> {
    let set = find(conn, organization, name).await?;
    if set.organization != organization {
        return Err(Error::forbidden("This set is shared by another organization, which alone can change it."));
    }
    Ok(set)
}

/// The views of sets, as `viewer` names what they hold: of another organization's set only what is shared with it.
pub(super) async fn views(conn: &mut Conn, viewer: OrganizationId, sets: &[ApiSet]) -> Result<Vec<ApiSetView>, Error> {
    let mut known: HashMap<ApiId, Option<Api>> = HashMap::new();
    let mut views = Vec::with_capacity(sets.len());
    for set in sets {
        let mut labels = HashMap::new();
        for id in set.apis.iter().chain(set.operations.iter().map(|pattern| &pattern.api)) {
            if !known.contains_key(id) {
                known.insert(*id, apis::find(conn, *id).await?);
            }
            let Some(Some(api)) = known.get(id) else { continue };
            if set.organization == viewer || api.sharing.with.includes(viewer) {
                labels.insert(*id, label(api, viewer));
            }
        }
        views.push(ApiSetView::new(set, &labels));
    }
    Ok(views)
}

/// The view of one set to `viewer`.
pub(super) async fn view_to(conn: &mut Conn, viewer: OrganizationId, set: &ApiSet) -> Result<ApiSetView, Error> {
    let mut views = views(conn, viewer, std::slice::from_ref(set)).await?;
    views.pop().ok_or_else(|| Error::internal("a set has no view"))
}

/// The view of one set to its own organization.
pub(super) async fn view(conn: &mut Conn, set: &ApiSet) -> Result<ApiSetView, Error> {
    view_to(conn, set.organization, set).await
}

/// Puts the named APIs and operations into the set; what is not named stays.
pub(super) async fn fill(
    conn: &mut Conn,
    set: &mut ApiSet,
    apis: Option<&[String]>,
    operations: Option<&[String]>,
) -> Result<(), Error> {
    if let Some(names) = apis {
        set.apis = resolve_apis(conn, set.organization, names).await?;
    }
    if let Some(names) = operations {
        set.operations = resolve_patterns(conn, set.organization, "operations", names).await?;
    }
    debug_assert!(set.operations.len() <= PATTERNS_MAX, "checked where they are resolved");
    Ok(())
}

/// The APIs that a request names, each once; the built-in one counts as unknown.
async fn resolve_apis(conn: &mut Conn, organization: OrganizationId, names: &[String]) -> Result<Vec<ApiId>, Error> {
    if names.len() > APIS_PER_SET_MAX {
        return Err(Error::field("apis", format!("expected at most {APIS_PER_SET_MAX} APIs")));
    }
    let (mut ids, mut unknown) = (Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        match find_usable_api(conn, organization, name).await?.filter(|api| api.kind != ApiKind::BuiltIn) {
            Some(api) if ids.contains(&api.id) => {}
            Some(api) => ids.push(api.id),
            None => unknown.push(FieldError::new(format!("apis[{index}]"), "there is none by this name")),
        }
    }
    if unknown.is_empty() { Ok(ids) } else { Err(Error::names_unknown(unknown)) }
}

/// Refuses a slug that another set of the organization has.
pub(super) async fn check_slug_free(conn: &mut Conn, set: &ApiSet) -> Result<(), Error> {
    match api_sets::by_slug(conn, set.organization, &set.slug).await? {
        Some(other) if other.id != set.id => Err(Error::name_taken("slug", other.id)),
        _ => Ok(()),
    }
}

/// The audit entry of a change of a set: the fields that differ.
pub(super) fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    set: &ApiSet,
    before: Option<&ApiSetView>,
    after: Option<&ApiSetView>,
) {
    let (before, after) = differing_fields(before.and_then(audited), after.and_then(audited));
    let subject = Subject { kind: "api_set".to_owned(), id: set.id.to_string(), name: Some(set.name.to_string()) };
    tx.audit(Chain::Organization(set.organization), ctx.entry(action, subject, before, after));
}

fn audited(view: &ApiSetView) -> Option<Value> {
    const FIELDS: [&str; 7] = ["slug", "name", "kind", "apis", "operations", "limits", "template"];
    let mut fields = serde_json::to_value(view).ok()?;
    fields.as_object_mut()?.retain(|name, _| FIELDS.contains(&name.as_str()));
    Some(fields)
}
