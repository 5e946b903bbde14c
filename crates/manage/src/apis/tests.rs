//! APIs through the real router.

use axum::body::Body;
use claviger_domain::OrganizationId;
use claviger_domain::audit::Chain;
use claviger_store::audit::Verified;
use http::Request;
use serde_json::{Value, json};

use super::document::tests::{ADYEN, GITHUB_EXCERPT, checkout, github, management};
use crate::testing::{Reply, World};

async fn import(world: &World, token: &str, query: &str, document: Vec<u8>) -> Reply {
    import_as(world, token, query, "application/json", document).await
}

async fn import_as(world: &World, token: &str, query: &str, media_type: &str, document: Vec<u8>) -> Reply {
    let request = Request::builder().method("POST").uri(format!("/api/v1/apis/import{query}"));
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", media_type);
    world.send(request.body(Body::from(document)).expect("a request")).await
}

/// The slugs of a list.
async fn slugs(world: &World, token: &str, path: &str) -> Vec<String> {
    let listed = world.get(token, path).await;
    let data = listed.body["data"].as_array().unwrap_or_else(|| panic!("a list in {listed:?}"));
    data.iter().map(|row| row["slug"].as_str().expect("a slug").to_owned()).collect()
}

async fn delete(world: &World, token: &str, path: &str) -> Reply {
    world.call("DELETE", token, path, None).await
}

#[tokio::test]
async fn github_is_imported_whole_and_again_without_a_change() {
    let (world, token) = World::with_organization().await;
    let first = import(&world, &token, "?slug=github", github()).await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.body["operations"], json!({"added": 1223, "changed": 0, "removed": 0}));
    assert_eq!(first.body["api"]["hosts"], json!([{"host": "api.github.com", "environment": "live"}]));
    assert_eq!(first.body["api"]["base_paths"], json!(["/"]));
    assert_eq!(first.body["api"]["operations_count"], 1223);
    assert_eq!(first.body["api"]["name"], "GitHub's official OpenAPI spec + Octokit extension");
    let issues = &first.body["suggested_sets"].as_array().expect("a list")[13];
    assert_eq!(issues["operations"], json!(["github:issues/*"]));
    assert!(!first.header("x-claviger-change").is_empty());

    let again = import(&world, &token, "?slug=github", github()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body["operations"], json!({"added": 0, "changed": 0, "removed": 0}));
    assert_eq!(again.header("x-claviger-change"), "", "nothing changed");

    let found = world.get(&token, "/apis/github/operations?text=ISSUES%2Flist-for&limit=2").await;
    assert_eq!(found.body["data"][0]["name"], "github:issues/list-for-org");
    let page: Vec<_> = found.body["data"].as_array().expect("a list").iter().map(|row| row["method"].clone()).collect();
    assert_eq!(page, ["GET", "GET"]);
    let next = found.text("next_cursor");
    let rest = world.get(&token, &format!("/apis/github/operations?text=ISSUES%2Flist-for&cursor={next}")).await;
    assert_eq!(rest.body["data"][0]["name"], "github:issues/list-for-authenticated-user");
    let other = world.get(&token, &format!("/apis/github/operations?text=other&cursor={next}")).await;
    assert_eq!(other.problem(400, "invalid_request"), ["cursor"]);
}

#[tokio::test]
async fn a_suggested_set_can_be_made_as_it_stands() {
    let (world, token) = World::with_organization().await;
    let imported = import(&world, &token, "?slug=github", GITHUB_EXCERPT.to_vec()).await;
    for set in imported.body["suggested_sets"].as_array().expect("a list") {
        let mut set = set.clone();
        set.as_object_mut().expect("an object").shift_remove("operations_count");
        let made = world.post(&token, "/api-sets", set.clone()).await;
        assert_eq!((made.status.as_u16(), &made.body["operations"]), (201, &set["operations"]), "{made:?}");
    }
}

#[tokio::test]
async fn a_dry_run_shows_everything_and_changes_nothing() {
    let (world, token) = World::with_organization().await;
    let preview = import(&world, &token, "?slug=adyen&name=Adyen&dry_run=true", ADYEN.to_vec()).await;
    assert_eq!(preview.status, 200);
    assert_eq!((&preview.body["api"]["id"], &preview.body["api"]["name"]), (&Value::Null, &json!("Adyen")));
    assert_eq!(preview.body["operations"]["added"], 28);
    assert_eq!(preview.header("x-claviger-change"), "");
    world.get(&token, "/apis/adyen").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_new_document_changes_operations_and_says_who_gains() {
    let (world, token) = World::with_organization().await;
    let document = |paths: Value| json!({"openapi": "3.1.0", "info": {"title": "Shop"}, "paths": paths}).to_string();
    let get = |id: &str| json!({"get": {"operationId": id}});
    let old = document(json!({"/a": get("a/one"), "/b": get("b"), "/c": get("c")}));
    let new = document(json!({"/a": get("a/one"), "/a2": get("a/two"), "/b2": get("b")}));
    assert_eq!(import(&world, &token, "", old.into()).await.body["api"]["slug"], "shop");
    let set = json!({"name": "As", "operations": ["shop:a/*"]});
    assert_eq!(world.post(&token, "/api-sets", set).await.status, 201);
    let key = json!({"name": "k", "operations": ["shop:a/*", "shop:b"]});
    assert_eq!(world.post(&token, "/keys", key).await.status, 201);
    let renamed = world.patch(&token, "/apis/shop", json!({"hosts": ["shop.example.com"]})).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");

    let done = import(&world, &token, "?slug=shop", new.into()).await;
    assert_eq!(done.body["operations"], json!({"added": 1, "changed": 1, "removed": 1}));
    assert_eq!(done.body["api"]["hosts"][0]["host"], "shop.example.com", "an administrator's choice stays");
    let share = |slug: &str, name: &str| json!({"slug": slug, "operations": 1, "names": [name], "keys": 0});
    assert_eq!(done.body["gaining_sets"], json!([share("as", "a/two"), share("full-access", "a/two")]));
    assert_eq!(done.body["losing_sets"], json!([share("full-access", "c")]));
    assert_eq!(done.body["gaining_keys"][0]["name"], "k");
    assert_eq!(done.body["losing_keys"], json!([]));
}

#[tokio::test]
async fn default_as_it_was_made_becomes_an_api_like_any_other() {
    let (world, token) = World::with_organization().await;
    assert_eq!(world.get(&token, "/apis/default").await.body["kind"], "pristine_default");
    let named = world.patch(&token, "/apis/default", json!({"name": "Everything"})).await;
    assert_eq!(named.body["kind"], "pristine_default", "a name narrows nothing");
    let narrowed = world.patch(&token, "/apis/default", json!({"base_paths": ["/v1"]})).await;
    assert_eq!((&narrowed.body["kind"], &narrowed.body["base_paths"]), (&json!("plain"), &json!(["/v1"])));

    let (world, token) = World::with_organization().await;
    let imported = import(&world, &token, "?slug=default", ADYEN.to_vec()).await;
    let api = &imported.body["api"];
    assert_eq!((&api["kind"], &api["unlisted_paths"]), (&json!("plain"), &json!(false)));
    assert_eq!((&api["hosts"][0]["host"], &api["base_paths"][0]), (&json!("checkout-test.adyen.com"), &json!("/v71")));
}

#[tokio::test]
async fn an_api_is_made_by_hand_changed_and_deleted_with_what_names_it() {
    let (world, token) = World::with_organization().await;
    let made = world
        .post(&token, "/apis", json!({
            "name": "Events", "hosts": ["api.example.com"], "base_paths": ["/v2"],
            "operations": [{"name": "create", "method": "POST", "path": "/event"}, {"method": "GET", "path": "/event/{id}"}],
        }))
        .await;
    assert_eq!((made.status.as_u16(), made.text("slug")), (201, "events".to_owned()), "{made:?}");
    let id = made.text("id");
    assert_eq!(slugs(&world, &token, "/apis").await, ["claviger", "default", "events"]);
    let operations = world.get(&token, &format!("/apis/{id}/operations")).await;
    assert_eq!(operations.body["data"][1]["name"], "events:get/event/{id}");

    let set = json!({"name": "All", "slug": "all", "apis": ["events", "default"], "operations": ["events:create"]});
    assert_eq!(world.post(&token, "/api-sets", set).await.status, 201);
    let key = world
        .post(&token, "/keys", json!({"name": "k", "api_sets": ["all", "events-general"], "operations": ["events:*"]}))
        .await;
    let key = key.body["key"]["id"].as_str().expect("an id").to_owned();

    let stale = Request::builder().method("PATCH").uri("/api/v1/apis/events").header("if-match", "\"7\"");
    let stale = stale.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    world.send(stale.body(Body::from(r#"{"name": "x"}"#)).expect("a request")).await.problem(412, "stale");
    let moved =
        world.patch(&token, "/apis/events", json!({"slug": "happenings", "manual_url": "https://example.com/"})).await;
    assert_eq!((moved.status.as_u16(), moved.header("etag")), (200, "\"2\""), "{moved:?}");
    let sets = slugs(&world, &token, "/api-sets?kind=general").await;
    assert_eq!(sets, ["default-general", "happenings-general"], "its General set is called after it");
    assert_eq!(world.get(&token, "/api-sets/all").await.body["operations"], json!(["happenings:create"]));

    assert_eq!(delete(&world, &token, "/apis/happenings").await.status, 204);
    world.get(&token, &format!("/apis/{id}")).await.problem(404, "not_found");
    let set = world.get(&token, "/api-sets/all").await;
    assert_eq!((&set.body["apis"], &set.body["operations"]), (&json!(["default"]), &json!([])));
    let key = world.get(&token, &format!("/keys/{key}")).await;
    assert_eq!((&key.body["api_sets"], &key.body["operations"]), (&json!(["all"]), &json!([])));
    assert_eq!(slugs(&world, &token, "/api-sets?kind=general").await, ["default-general"]);
}

#[tokio::test]
async fn a_deletion_is_previewed_with_who_loses_what() {
    let (world, token) = World::with_organization().await;
    let api = json!({"name": "A", "operations": [{"method": "GET", "path": "/", "name": "root"}, {"method": "GET", "path": "/b", "name": "b"}]});
    world.post(&token, "/apis", api).await;
    world.post(&token, "/api-sets", json!({"name": "S", "apis": ["a"], "operations": ["a:b"]})).await;
    world.key(&token, "holder", &["s"]).await;
    let key = world.post(&token, "/keys", json!({"name": "k", "operations": ["a:*", "!a:b"]})).await;
    let preview = delete(&world, &token, "/apis/a?dry_run=true").await;
    assert_eq!((preview.status.as_u16(), preview.header("x-claviger-change")), (200, ""), "{preview:?}");
    let share = |slug: &str, keys: i64| json!({"slug": slug, "operations": 2, "names": ["b", "root"], "keys": keys});
    assert_eq!(preview.body["losing_sets"], json!([share("full-access", 0), share("s", 1)]));
    let id = &key.body["key"]["id"];
    assert_eq!(preview.body["losing_keys"], json!([{"id": id, "name": "k", "operations": 1, "names": ["root"]}]));
    assert_eq!(world.get(&token, "/apis/a").await.status, 200, "a preview changes nothing");
    let odd = delete(&world, &token, "/apis/a?dry_run=maybe").await;
    assert_eq!(odd.problem(400, "invalid_request"), ["dry_run"]);
    delete(&world, &token, "/apis/none?dry_run=true").await.problem(404, "not_found");
    let (_, reader) = world.key(&token, "reader", &["claviger-keys-read"]).await;
    delete(&world, &reader, "/apis/a?dry_run=true").await.problem(403, "forbidden");
    assert_eq!(delete(&world, &token, "/apis/a").await.status, 204);
}

#[tokio::test]
async fn an_api_with_many_keys_can_be_deleted() {
    let (world, token) = World::with_organization().await;
    let api = json!({"name": "A", "operations": [{"method": "GET", "path": "/", "name": "root"}]});
    world.post(&token, "/apis", api).await;
    for number in 0..103 {
        let key = json!({"name": format!("k{number}"), "operations": ["a:root"]});
        assert_eq!(world.post(&token, "/keys", key).await.status, 201);
    }
    assert_eq!(delete(&world, &token, "/apis/a").await.status, 204);
    let keys = world.get(&token, "/keys?limit=100").await;
    assert!(keys.body["data"].as_array().expect("a list").iter().all(|key| key["operations"] == json!([])));
}

#[tokio::test]
async fn bad_documents_are_refused_with_their_places_and_nothing_changes() {
    let (world, token) = World::with_organization().await;
    let mut truncated = github();
    truncated.truncate(1_000_000);
    for (document, field) in [
        (b"".to_vec(), "document"),
        (truncated, "document"),
        (br#"{"swagger": "2.0"}"#.to_vec(), "swagger"),
        (br##"{"openapi": "3.0.0", "paths": {"/a": {"$ref": "#/paths/~1a"}}}"##.to_vec(), "paths./a"),
    ] {
        let refused = import(&world, &token, "?slug=bad", document).await;
        assert_eq!(refused.problem(400, "invalid_request"), [field]);
    }
    for media_type in ["text/plain", "application/xml", "application/octet-stream"] {
        let odd = import_as(&world, &token, "?slug=bad", media_type, b"openapi: 3.0.0".to_vec()).await;
        odd.problem(415, "unsupported_media_type");
        assert!(odd.text("detail").contains("application/yaml"), "{odd:?}");
    }
    let bomb = "a: &a [x,x,x,x,x,x,x,x]\n".to_owned()
        + &(0..20)
            .fold((String::new(), 'a'), |(text, last), level| {
                let name = char::from(b'b' + level);
                (format!("{text}{name}: &{name} [{}]\n", vec![format!("*{last}"); 8].join(",")), name)
            })
            .0;
    for yaml in
        [bomb.as_str(), "openapi: 3.0.0\npaths: {/a: {get: {summary: \"cut", "a: *a", "openapi: 3.0.0\n\tpaths: {}"]
    {
        let refused = import_as(&world, &token, "?slug=bad", "application/yaml", yaml.into()).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["document"], "{yaml}");
    }
    let large = import(&world, &token, "?slug=bad", vec![b' '; super::document::DOCUMENT_BYTES_MAX + 1]).await;
    large.problem(413, "too_large");
    for (query, field) in [("?slug=claviger", "slug"), ("?slug=import", "slug"), ("?dry_run=maybe", "dry_run")] {
        let refused = import(&world, &token, query, GITHUB_EXCERPT.to_vec()).await;
        assert_eq!(refused.problem(400, "invalid_request"), [field]);
    }
    for version in ["", "..%2F..", "v3%40x", "three", "none", &"v1".repeat(1_000)] {
        let refused = import(&world, &token, &format!("?slug=bad&version={version}"), GITHUB_EXCERPT.to_vec()).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["version"], "{version}");
    }
    assert_eq!(slugs(&world, &token, "/apis").await, ["claviger", "default"]);
}

#[tokio::test]
async fn yaml_makes_the_same_api() {
    let (world, token) = World::with_organization().await;
    let made = import_as(&world, &token, "?slug=management", "application/yaml", management()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["api"]["name"], "Management API");
    assert_eq!(made.body["api"]["base_paths"], json!(["/v3"]));
    assert_eq!(made.body["api"]["versions"], json!(["v3"]));
    assert_eq!(made.body["operations"]["added"], made.body["api"]["operations_count"]);
}

#[tokio::test]
async fn a_re_import_that_removes_what_keys_use_says_so_first() {
    let (world, token) = World::with_organization().await;
    let document = |paths: Value| json!({"openapi": "3.1.0", "info": {"title": "Shop"}, "paths": paths}).to_string();
    let get = |id: &str| json!({"get": {"operationId": id}});
    let old = document(json!({"/a": get("a/one"), "/b": get("b"), "/c": get("c")}));
    let new = document(json!({"/a": get("a/one"), "/c": {"put": {"operationId": "c"}}, "/d": get("a/two")}));
    import(&world, &token, "?slug=shop", old.into()).await;
    world.post(&token, "/api-sets", json!({"name": "Bs", "operations": ["shop:b", "shop:a/*"]})).await;
    let (id, secret) = world.key(&token, "by set", &["bs"]).await;
    let own = json!({"name": "by name", "operations": ["shop:b", "shop:*", "!shop:c"]});
    let own = world.post(&token, "/keys", own).await.body["key"]["id"].clone();

    let changes = json!({
        "added": [{"name": "a/two", "requests": ["GET /d"]}],
        "changed": [{"name": "c", "before": ["GET /c"], "after": ["PUT /c"]}],
        "removed": [{"name": "b", "requests": ["GET /b"]}],
    });
    let losing_key = json!([{"id": own, "name": "by name", "operations": 1, "names": ["b"]}]);
    let losing_sets = json!([
        {"slug": "bs", "operations": 1, "names": ["b"], "keys": 1},
        {"slug": "full-access", "operations": 1, "names": ["b"], "keys": 0},
    ]);
    let mut answers = Vec::new();
    for query in ["?slug=shop&dry_run=true", "?slug=shop"] {
        let answer = import(&world, &token, query, new.clone().into()).await;
        assert_eq!((answer.status.as_u16(), &answer.body["changes"]), (200, &changes), "{answer:?}");
        assert_eq!((&answer.body["losing_keys"], &answer.body["losing_sets"]), (&losing_key, &losing_sets));
        assert_eq!(answer.body["gaining_sets"][0]["names"], json!(["a/two"]));
        assert_eq!(answer.body["gaining_keys"][0]["names"], json!(["a/two"]), "of `shop:*`");
        let left = world.get(&token, "/apis/shop/operations?text=%2Fb").await.body["data"].as_array().map(Vec::len);
        assert_eq!(left, Some(usize::from(query.contains("dry_run"))), "a preview writes nothing");
        answers.push(answer.body);
    }
    for answer in &mut answers {
        for field in ["dry_run", "api"] {
            answer.as_object_mut().expect("an object").shift_remove(field);
        }
    }
    assert_eq!(answers[0], answers[1], "the import answers what its preview did");
    // The key goes on with what is left, and what it names stays written: an import that brings it back restores it.
    assert_eq!(world.get(&token, &format!("/keys/{id}")).await.body["state"], "active");
    assert!(!secret.is_empty());
    let check = json!({"method": "GET", "path": "/b", "api": "shop"});
    let check = world.post(&token, &format!("/keys/{id}/check"), check).await;
    assert_eq!(check.body["code"], "OPERATION_NOT_ALLOWED");
    // Somebody who may not read keys is not told of them.
    let (_, writer) = world.key(&token, "writer", &["claviger-apis-write"]).await;
    let blind = import(&world, &writer, "?slug=shop&dry_run=true", document(json!({})).into()).await;
    assert_eq!((&blind.body["losing_keys"], &blind.body["operations"]["removed"]), (&json!([]), &json!(3)));
}

#[tokio::test]
async fn versions_are_imported_one_beside_the_other() {
    let (world, token) = World::with_organization().await;
    let first = import(&world, &token, "?slug=checkout&name=Checkout", checkout("v70")).await;
    assert_eq!(
        (&first.body["versions"], &first.body["api"]["versions"]),
        (&json!(["v70"]), &json!(["v70"])),
        "{first:?}"
    );
    world.post(&token, "/api-sets", json!({"name": "All", "operations": ["checkout:*"]})).await;
    let unclear = import(&world, &token, "?slug=checkout", checkout("v72")).await;
    assert_eq!(unclear.problem(400, "invalid_request"), ["version"]);
    let wrong = import(&world, &token, "?slug=checkout&version=v71", checkout("v72")).await;
    assert_eq!(wrong.problem(400, "invalid_request"), ["version"]);
    let preview = import(&world, &token, "?slug=checkout&version=v72&dry_run=true", checkout("v72")).await;
    assert_eq!(preview.body["api"]["versions"], json!(["v70", "v72"]));
    let added = import(&world, &token, "?slug=checkout&version=v72", checkout("v72")).await;
    assert_eq!((added.status.as_u16(), &added.body["changes"]), (200, &preview.body["changes"]));
    assert!(added.body["changes"]["removed"].as_array().is_some_and(Vec::is_empty), "{added:?}");
    assert_eq!(added.body["gaining_sets"][0]["slug"], "all", "a version that is added is covered");
    let all = import(&world, &token, "?slug=checkout&version=v71", ADYEN.to_vec()).await;
    assert_eq!(all.body["api"]["versions"], json!(["v70", "v71", "v72"]));
    assert_eq!(all.body["api"]["base_paths"], json!(["/v70", "/v72", "/v71"]));
    let payments = world.get(&token, "/apis/checkout/operations?text=post-payments").await;
    assert_eq!(payments.body["data"][0]["versions"], json!(["v70", "v71", "v72"]));
    // Two documents with the same version: the second takes the place of the first, and nothing else changes.
    for query in ["?slug=checkout", "?slug=checkout&version=v71"] {
        let again = import(&world, &token, query, ADYEN.to_vec()).await;
        assert_eq!(again.body["operations"], json!({"added": 0, "changed": 0, "removed": 0}), "{query}");
        assert_eq!(again.header("x-claviger-change"), "");
    }
    let gone = world.patch(&token, "/apis/checkout", json!({"versions": ["v71", "v72"]})).await;
    assert_eq!(gone.body["base_paths"], json!(["/v72", "/v71"]));
}

#[tokio::test]
async fn bad_requests_name_their_fields() {
    let (world, token) = World::with_organization().await;
    let bad = world.post(&token, "/apis", json!({"name": "x", "host": "a", "hosts": ["a b"]})).await;
    assert_eq!(bad.problem(400, "invalid_request"), ["host"]);
    let bad = world
        .post(&token, "/apis", json!({"name": "x", "slug": "full-access", "hosts": ["a b"], "base_paths": ["v"]}))
        .await;
    assert_eq!(bad.problem(400, "invalid_request"), ["slug", "hosts[0].host", "base_paths[0]"]);
    let clash = world.post(&token, "/apis", json!({"name": "x", "slug": "default"})).await;
    assert_eq!(clash.problem(409, "name_taken"), ["slug"]);
    let reserved = world.patch(&token, "/apis/default", json!({"slug": "claviger-x"})).await;
    assert_eq!(reserved.problem(400, "invalid_request"), ["slug"]);
    world.patch(&token, "/apis/claviger", json!({"name": "x"})).await.problem(409, "conflict");
    delete(&world, &token, "/apis/claviger").await.problem(409, "conflict");
    delete(&world, &token, "/apis/none").await.problem(404, "not_found");
}

#[tokio::test]
async fn reading_takes_apis_read_and_changing_apis_manage() {
    let (world, token) = World::with_organization().await;
    let (_, reader) = world.key(&token, "reader", &["claviger-keys-read"]).await;
    let (_, door) = world.key(&token, "door", &["claviger-verify"]).await;
    let (_, writer) = world.key(&token, "writer", &["claviger-apis-write"]).await;
    for (key, read, write) in [(&reader, 200, 403), (&door, 403, 403), (&writer, 200, 201), (&String::new(), 401, 401)]
    {
        for path in ["/apis", "/apis/default", "/apis/default/operations", "/api-sets", "/api-sets/full-access"] {
            assert_eq!(world.get(key, path).await.status.as_u16(), read, "{path}");
        }
        assert_eq!(world.post(key, "/apis", json!({"name": "x"})).await.status.as_u16(), write);
        assert_eq!(world.post(key, "/api-sets", json!({"name": "x"})).await.status.as_u16(), write);
        if write != 201 {
            for path in ["/apis/default", "/api-sets/default-general"] {
                assert_eq!(world.patch(key, path, json!({})).await.status.as_u16(), write);
                assert_eq!(delete(&world, key, path).await.status.as_u16(), write);
            }
            assert_eq!(import(&world, key, "?slug=x", GITHUB_EXCERPT.to_vec()).await.status.as_u16(), write);
        }
    }
}

#[tokio::test]
async fn another_organizations_things_are_not_there() {
    let (world, token) = World::with_organization().await;
    let other = world.another_organization("other", "o@example.com").await;
    let made = world
        .post(&token, "/apis", json!({"name": "Mine", "operations": [{"method": "GET", "path": "/", "name": "a"}]}))
        .await;
    let id = made.text("id");
    world.get(&other, &format!("/apis/{id}")).await.problem(404, "not_found");
    world.get(&other, "/apis/mine").await.problem(404, "not_found");
    delete(&world, &other, &format!("/apis/{id}")).await.problem(404, "not_found");
    let set = json!({"name": "s", "apis": [id], "operations": []});
    assert_eq!(world.post(&other, "/api-sets", set).await.problem(404, "not_found"), ["apis[0]"]);
    let set = json!({"name": "s", "operations": [format!("{id}:a"), "mine:a"]});
    assert_eq!(
        world.post(&other, "/api-sets", set).await.problem(404, "not_found"),
        ["operations[0]", "operations[1]"]
    );
    assert_eq!(
        world.post(&other, "/apis", json!({"name": "Mine"})).await.status,
        201,
        "a slug is the organization's own"
    );
}

#[tokio::test]
async fn every_change_is_in_the_audit_chain_and_none_that_was_none() {
    let (world, token) = World::with_organization().await;
    let organization: OrganizationId = {
        let mut snapshot = world.manage.store.read().await.expect("a snapshot");
        claviger_store::organizations::default(&mut snapshot).await.expect("a row").expect("the default one").id
    };
    let chain = Chain::Organization(organization);
    let count = async || match world.manage.store.verify_audit(chain).await.expect("readable") {
        Verified::Intact(head) => head.seq,
        broken => panic!("{broken:?}"),
    };
    let before = count().await;
    let api = json!({"name": "A", "operations": [{"method": "GET", "path": "/", "name": "root"}]});
    world.post(&token, "/apis", api).await;
    world.patch(&token, "/apis/a", json!({"unlisted_paths": true})).await;
    world.patch(&token, "/apis/a", json!({"unlisted_paths": true})).await;
    world.post(&token, "/api-sets", json!({"name": "S", "apis": ["a"]})).await;
    world.patch(&token, "/api-sets/s", json!({"operations": ["a:root"]})).await;
    world.patch(&token, "/api-sets/s", json!({"name": "S"})).await;
    delete(&world, &token, "/api-sets/s").await;
    delete(&world, &token, "/apis/a").await;
    assert_eq!(count().await - before, 6);
}
