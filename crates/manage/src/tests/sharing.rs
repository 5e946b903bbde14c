//! What an organization learns of another one that shares an API with it.

use serde_json::{Value, json};

use crate::testing::World;

#[tokio::test]
async fn an_explanation_does_not_tell_which_sets_the_provider_keeps_to_itself() {
    let (world, admin) = World::with_organization().await;
    let guest = world.another_organization("guest", "bob@example.com").await;
    let home = world.get(&guest, "/organization").await.body["id"].clone();
    let mut ids = Vec::new();
    for (slug, shared) in [("open", json!([home])), ("own", json!("none"))] {
        let operations = json!([{"name": "list", "method": "GET", "path": format!("/{slug}")}]);
        let api = json!({"name": slug, "slug": slug, "base_paths": ["/"], "operations": operations});
        ids.push(world.post(&admin, "/apis", api).await.text("id"));
        let with = world.patch(&admin, &format!("/apis/{slug}"), json!({"shared_with": shared})).await;
        assert_eq!(with.status, 200, "{with:?}");
        let set = json!({"name": slug, "slug": format!("{slug}-set"), "operations": [format!("{slug}:list")]});
        assert_eq!(world.post(&admin, "/api-sets", set).await.status, 201);
    }
    let (key, _) = world.key(&guest, "k", &[]).await;
    let check = async |requires: &str| {
        let body = json!({"api": ids[0], "requires": [requires]});
        world.post(&guest, &format!("/keys/{key}/check"), body).await
    };
    let lent = check("open-set").await;
    assert_eq!((lent.status.as_u16(), &lent.body["code"]), (200, &json!("OPERATION_NOT_ALLOWED")), "{lent:?}");
    let nothing = check("nothing").await;
    assert_eq!(nothing.problem(404, "not_found"), ["requires[0]"]);
    let same = |body: &Value| (body["code"].clone(), body["detail"].clone(), body["errors"].clone());
    for kept in ["own-set", "full-access", "claviger-admin"] {
        let refused = check(kept).await;
        assert_eq!((refused.status.as_u16(), same(&refused.body)), (404, same(&nothing.body)), "{kept}");
    }
}
