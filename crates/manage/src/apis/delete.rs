//! Deletes an API; its operations leave every set and key.

use std::sync::Arc;

use claviger_domain::api::Api;
use claviger_domain::api_set::ApiSet;
use claviger_domain::audit::Chain;
use claviger_domain::authority::Authority;
use claviger_domain::key::Key;
use claviger_domain::{ApiId, ApiSetId, OrganizationId};
use claviger_store::keys::KeyFilter;
use claviger_store::{PAGE_LIMIT_MAX, Page, Scope, Tx, api_sets, apis, keys};
use serde_json::json;

use super::record::{find_general, find_own, note, subject, view};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Deletes the API of this id or slug. Keys that name its operations lose them first, some at a time, so that no
/// transaction grows with their number; what is left of an interrupted deletion only ever holds less: keys from which
/// something of the API is taken away lose that with the API itself.
pub async fn delete(manage: &Manage, ctx: &Ctx, name: String, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    // Keys end, or lose rights, with it.
    ctx.require_step_up()?;
    let mut snapshot = manage.store.read().await?;
    let api = find_own(&mut snapshot, organization, &name).await?;
    // Its requests may come to be those of an API that some set holds whole.
    ctx.require_any_set(&mut snapshot).await?;
    drop(snapshot);
    if_match.check(api.version)?;
    let all = Arc::new((ctx.clone(), api, if_match));
    while take_from_keys(manage, ctx, organization, all.clone()).await? {}
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move { finish(tx, &all.0, &all.1, &all.2).await })
        })
        .await
}

/// Takes the API from some of the keys that name it; whether there were any.
async fn take_from_keys(
    manage: &Manage,
    ctx: &Ctx,
    organization: OrganizationId,
    all: Arc<(Ctx, Api, IfMatch)>,
) -> Result<bool, Error> {
    let changed = manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, api, _) = &*all;
                let taken = take(tx, ctx, api, has_no_exceptions).await?;
                if taken > 0 {
                    let entry = ctx.entry(
                        "api.take_from_keys",
                        subject(api.id, &api.name),
                        Some(json!({"keys": taken})),
                        Some(json!({"keys": 0})),
                    );
                    tx.audit(Chain::Organization(api.organization), entry);
                }
                Ok(taken > 0)
            })
        })
        .await?;
    Ok(changed.value)
}

/// How many keys lost their operations of the API or its General set: of those that may, at most a page of each.
async fn take(tx: &mut Tx, ctx: &Ctx, api: &Api, may_lose: fn(&Key, ApiId) -> bool) -> Result<usize, Error> {
    let general = find_general(tx, api).await?.map(|set| set.id);
    let naming = KeyFilter { api: Some(api.id), ..KeyFilter::default() };
    let holding = general.map(|set| KeyFilter { api_set: Some(set), ..KeyFilter::default() });
    let mut taken = 0;
    for filter in std::iter::once(naming).chain(holding) {
        let found = keys::list(tx, api.organization, &filter, &Page::first(PAGE_LIMIT_MAX)).await?;
        for mut key in found.items.into_iter().filter(|key| may_lose(key, api.id)) {
            strip(&mut key, api.id, general);
            key.version += 1;
            key.updated_at = ctx.now;
            keys::update(tx, &key).await?;
            taken += 1;
        }
    }
    Ok(taken)
}

/// Whether a key only loses by losing all that it names of the API. Without its exceptions it would hold more, for as long
/// as the API is there.
fn has_no_exceptions(key: &Key, api: ApiId) -> bool {
    !key.operations.iter().any(|held| held.api == api && held.pattern.is_exception())
}

fn strip(key: &mut Key, api: ApiId, general: Option<ApiSetId>) {
    key.operations.retain(|pattern| pattern.api != api);
    key.api_sets.retain(|set| Some(*set) != general);
}

/// Deletes the record, with what keys still name of it: exceptions, and what they were given meanwhile.
async fn finish(tx: &mut Tx, ctx: &Ctx, api: &Api, if_match: &IfMatch) -> Result<(), Error> {
    let api = find_own(tx, api.organization, &api.id.to_string()).await?;
    ctx.require_any_set(tx).await?;
    if_match.check(api.version)?;
    while take(tx, ctx, &api, |_, _| true).await? > 0 {}
    let old = view(tx, &api).await?;
    if let Some(general) = find_general(tx, &api).await? {
        api_sets::delete(tx, api.organization, general.id).await?;
    }
    for mut set in crate::api_sets::all(tx, api.organization).await? {
        if take_from_set(&mut set, api.id) {
            set.version += 1;
            set.updated_at = ctx.now;
            api_sets::update(tx, &set).await?;
        }
    }
    apis::delete(tx, api.organization, api.id).await?;
    note(tx, ctx, "api.delete", &api, Some(&old), None);
    Ok(())
}

/// Whether the set held anything of the API.
fn take_from_set(set: &mut ApiSet, api: ApiId) -> bool {
    let before = (set.apis.len(), set.operations.len());
    set.apis.retain(|held| *held != api);
    set.operations.retain(|pattern| pattern.api != api);
    before != (set.apis.len(), set.operations.len())
}

#[cfg(test)]
mod tests {
    use claviger_domain::RequestId;
    use claviger_domain::authority::Authorities;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::World;

    fn row(at: usize) -> Value {
        let import = json!({"value": format!("sk-{at:0>30}")});
        json!({"name": format!("k{at}"), "api_sets": ["full-access"], "operations": ["!notes:list"], "import": import})
    }

    #[tokio::test]
    async fn an_interrupted_deletion_leaves_keys_their_exceptions() {
        let (world, admin) = World::with_organization().await;
        let operations = json!([{"name": "list", "method": "GET", "path": "/notes"}]);
        let api = json!({"name": "Notes", "slug": "notes", "base_paths": ["/"], "operations": operations});
        let made = world.post(&admin, "/apis", api).await;
        assert_eq!(made.status, 201, "{made:?}");
        let plain = json!({"name": "plain", "operations": ["notes:list"]});
        let plain = world.post(&admin, "/keys", plain).await.body["key"]["id"].clone();
        // Lists of one instant are ordered by chance.
        world.clock.advance(std::time::Duration::from_millis(1));
        // More than a page of them: none is passed over in the end.
        let rows: Vec<Value> = (0..=PAGE_LIMIT_MAX as usize).map(row).collect();
        let done = world.post(&admin, "/keys/import", json!(rows)).await;
        assert_eq!(done.body["imported"], rows.len(), "{done:?}");
        let bounded = done.body["keys"][0]["id"].clone();
        let operations_of = async |id: &Value| {
            let key = world.get(&admin, &format!("/keys/{}", id.as_str().expect("an id"))).await;
            key.body["operations"].clone()
        };

        let now = world.manage.clock.now();
        let home = world.get(&admin, "/organization").await.text("id").parse().expect("an id");
        let ctx = Ctx {
            organization: Some(home),
            authorities: Authorities::ADMIN,
            ..Ctx::operator(RequestId::new(now, &*world.manage.random), now)
        };
        let mut snapshot = world.manage.store.read().await.expect("a snapshot");
        let api = find_own(&mut snapshot, home, "notes").await.expect("the API");
        drop(snapshot);
        let all = Arc::new((ctx.clone(), api, IfMatch::ANY));
        while take_from_keys(&world.manage, &ctx, home, all.clone()).await.expect("a step") {}
        assert_eq!(operations_of(&bounded).await, json!(["!notes:list"]), "the API is still there");
        assert_eq!(operations_of(&plain).await, json!(["notes:list"]), "the newest page is all exceptions");

        assert_eq!(world.call("DELETE", &admin, "/apis/notes", None).await.status, 204);
        for id in [&bounded, &plain] {
            assert_eq!(operations_of(id).await, json!([]));
        }
    }
}
