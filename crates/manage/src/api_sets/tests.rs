//! API sets through the real router.

use serde_json::json;

use crate::testing::World;

async fn world() -> (World, String) {
    let (world, token) = World::with_organization().await;
    let operations = json!([
        {"method": "GET", "path": "/issues", "name": "issues/list"},
        {"method": "POST", "path": "/issues", "name": "issues/create"},
        {"method": "GET", "path": "/", "name": "root"},
    ]);
    let made = world.post(&token, "/apis", json!({"name": "Git", "operations": operations})).await;
    assert_eq!(made.status, 201, "{made:?}");
    (world, token)
}

#[tokio::test]
async fn a_set_is_made_listed_changed_and_deleted() {
    let (world, token) = world().await;
    let set = json!({"name": "Issues", "operations": ["git:issues/*", "git:root", "git:root"]});
    let made = world.post(&token, "/api-sets", set).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((made.text("slug"), made.text("kind")), ("issues".to_owned(), "plain".to_owned()));
    assert_eq!(made.body["operations"], json!(["git:issues/*", "git:root"]), "stored as written, each once");

    let listed = world.get(&token, "/api-sets?api=git&text=ISS").await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed.body["data"][0], made.body);
    assert_eq!(world.get(&token, "/api-sets?api=none").await.problem(404, "not_found"), ["api"]);
    let page = world.get(&token, "/api-sets?limit=3").await;
    let next = page.text("next_cursor");
    let rest = world.get(&token, &format!("/api-sets?limit=3&cursor={next}")).await;
    assert!(rest.body["data"][0]["slug"].as_str() > page.body["data"][2]["slug"].as_str());

    let changed =
        world.patch(&token, "/api-sets/issues", json!({"slug": "git-issues", "apis": ["git"], "operations": []})).await;
    assert_eq!((changed.status.as_u16(), &changed.body["apis"]), (200, &json!(["git"])), "{changed:?}");
    assert_eq!(world.call("DELETE", &token, "/api-sets/git-issues", None).await.status, 204);
    world.get(&token, "/api-sets/git-issues").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_set_in_use_is_not_deleted_and_says_by_how_many() {
    let (world, token) = world().await;
    world.post(&token, "/api-sets", json!({"name": "Used", "apis": ["git"]})).await;
    let (first, _) = world.key(&token, "one", &["used"]).await;
    let (second, _) = world.key(&token, "two", &["used"]).await;
    let refused = world.call("DELETE", &token, "/api-sets/used", None).await;
    refused.problem(409, "conflict");
    assert!(refused.text("detail").contains("2 keys hold this set"), "{refused:?}");
    world.call("DELETE", &token, &format!("/keys/{first}"), None).await;
    let refused = world.call("DELETE", &token, "/api-sets/used", None).await;
    assert!(refused.text("detail").contains("1 key holds this set"), "{refused:?}");
    world.call("DELETE", &token, &format!("/keys/{second}"), None).await;
    assert_eq!(world.call("DELETE", &token, "/api-sets/used", None).await.status, 204, "a tombstone holds nothing");
}

#[tokio::test]
async fn unknown_names_and_patterns_are_404_and_wrong_ones_400() {
    let (world, token) = world().await;
    let set = json!({"name": "s", "apis": ["git", "gone"], "operations": []});
    assert_eq!(world.post(&token, "/api-sets", set).await.problem(404, "not_found"), ["apis[1]"]);
    let set = json!({"name": "s", "operations": ["git:root", "git:pulls/*", "gone:root"]});
    assert_eq!(
        world.post(&token, "/api-sets", set).await.problem(404, "not_found"),
        ["operations[1]", "operations[2]"]
    );
    let set = json!({"name": "s", "operations": ["git", "git:*/list"]});
    assert_eq!(
        world.post(&token, "/api-sets", set).await.problem(400, "invalid_request"),
        ["operations[0]", "operations[1]"]
    );
    for slug in ["full-access", "claviger-mine", "git-general", "later-general", "templates"] {
        let refused = world.post(&token, "/api-sets", json!({"name": "s", "slug": slug})).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["slug"], "{slug}");
    }
    world.post(&token, "/api-sets", json!({"name": "s"})).await;
    assert_eq!(world.post(&token, "/api-sets", json!({"name": "S"})).await.problem(409, "name_taken"), ["slug"]);
}

#[tokio::test]
async fn no_set_of_ones_own_reaches_the_management_api() {
    let (world, token) = world().await;
    let set = json!({"name": "s", "apis": ["claviger"]});
    assert_eq!(world.post(&token, "/api-sets", set).await.problem(404, "not_found"), ["apis[0]"]);
    let set = json!({"name": "s", "operations": ["claviger:*"]});
    assert_eq!(world.post(&token, "/api-sets", set).await.problem(404, "not_found"), ["operations[0]"]);
}

#[tokio::test]
async fn sets_that_are_made_with_others_stay_what_they_are() {
    let (world, token) = world().await;
    for slug in ["full-access", "claviger-admin", "claviger-verify"] {
        world.patch(&token, &format!("/api-sets/{slug}"), json!({"apis": ["git"]})).await.problem(409, "conflict");
    }
    for slug in ["full-access", "claviger-admin", "git-general"] {
        world.call("DELETE", &token, &format!("/api-sets/{slug}"), None).await.problem(409, "conflict");
    }
    let general = "/api-sets/git-general";
    world.patch(&token, general, json!({"apis": ["default"]})).await.problem(409, "conflict");
    let filled = world.patch(&token, general, json!({"operations": ["git:root"]})).await;
    assert_eq!((filled.status.as_u16(), &filled.body["operations"]), (200, &json!(["git:root"])));
    let other = json!({"name": "Other", "operations": [{"method": "GET", "path": "/", "name": "root"}]});
    world.post(&token, "/apis", other).await;
    let foreign = world.patch(&token, general, json!({"operations": ["git:root", "other:root"]})).await;
    assert_eq!(foreign.problem(400, "invalid_request"), ["operations[1]"]);
}
