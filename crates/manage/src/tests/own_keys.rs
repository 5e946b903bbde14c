//! Keys of people: made by themselves alone, within what their roles say.

use serde_json::{Value, json};

use crate::testing::World;

#[tokio::test]
async fn a_person_makes_changes_and_ends_keys_of_their_own_and_sees_no_others() {
    let (world, admin) = World::with_organization().await;
    let (id, bob) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-own-keys"]).await;
    let made = world.post(&bob, "/me/keys", json!({"name": "mine", "api_sets": ["full-access"]})).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, "no-store"), "{made:?}");
    assert_eq!(made.body["key"]["owner"], json!({"type": "user", "id": id, "name": "bob"}));
    assert_eq!(made.body["key"]["reveal"], "once");
    let by_id = world.post(&bob, &format!("/users/{id}/keys"), json!({"name": "by id", "api_sets": []})).await;
    assert_eq!(by_id.status, 201, "{by_id:?}");
    let by_owner = json!({"name": "by owner", "api_sets": [], "owner": {"type": "user"}});
    assert_eq!(world.post(&bob, "/keys", by_owner).await.body["key"]["owner"]["id"], json!(id));
    for list in ["/me/keys".to_owned(), format!("/users/{id}/keys"), format!("/keys?owner={id}")] {
        let listed = world.get(&bob, &list).await;
        assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(4), "{list}: {listed:?}");
    }
    let path = format!("/keys/{}", made.body["key"]["id"].as_str().expect("an id"));
    assert_eq!(world.patch(&bob, &path, json!({"description": "d"})).await.status, 200);
    assert_eq!(world.post(&bob, &format!("{path}/rotate"), json!({"overlap_seconds": 60})).await.status, 200);
    assert_eq!(world.post(&bob, &format!("{path}/end-overlap"), json!({})).await.status, 200);
    world.post(&bob, &format!("{path}/reveal"), json!({})).await.problem(409, "conflict");
    for action in ["disable", "enable", "check"] {
        assert_eq!(world.post(&bob, &format!("{path}/{action}"), json!({})).await.status, 200, "{action}");
    }
    assert_eq!(world.get(&bob, &format!("{path}/requests")).await.status, 200);
    // Others' are not there, whatever is asked of them.
    let (theirs, secret) = world.key(&admin, "theirs", &[]).await;
    let theirs = format!("/keys/{theirs}");
    world.get(&bob, &theirs).await.problem(404, "not_found");
    world.patch(&bob, &theirs, json!({"description": "d"})).await.problem(404, "not_found");
    for action in ["disable", "enable", "check", "reveal", "end-overlap"] {
        world.post(&bob, &format!("{theirs}/{action}"), json!({})).await.problem(404, "not_found");
    }
    world.post(&bob, &format!("{theirs}/rotate"), json!({"overlap_seconds": 0})).await.problem(404, "not_found");
    world.call("DELETE", &bob, &theirs, None).await.problem(404, "not_found");
    world.get(&bob, &format!("{theirs}/requests")).await.problem(404, "not_found");
    world.post(&bob, "/keys/lookup", json!({"credential": secret})).await.problem(404, "not_found");
    world.get(&bob, "/keys").await.problem(403, "forbidden");
    world.post(&bob, "/keys", json!({"name": "x", "api_sets": []})).await.problem(403, "forbidden");
    assert_eq!(world.call("DELETE", &bob, &path, None).await.status, 204);
}

#[tokio::test]
async fn nobody_makes_keys_for_another_person_administrators_included() {
    let (world, admin) = World::with_organization().await;
    let (bob, bobs) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-own-keys"]).await;
    let (_, eve) = world.user_with_key(&admin, "eve", &["admin"], &["claviger-admin"]).await;
    let body = json!({"name": "for bob", "api_sets": []});
    for maker in [&admin, &eve] {
        world.post(maker, &format!("/users/{bob}/keys"), body.clone()).await.problem(403, "forbidden");
        let by_owner = json!({"name": "x", "api_sets": [], "owner": {"type": "user", "id": bob}});
        world.post(maker, "/keys", by_owner).await.problem(403, "forbidden");
        let path = format!(
            "/keys/{}",
            world.get(maker, &format!("/users/{bob}/keys")).await.body["data"][0]["id"].as_str().expect("seen")
        );
        world.patch(maker, &path, json!({"api_sets": ["full-access"]})).await.problem(403, "forbidden");
        world.post(maker, &format!("{path}/rotate"), json!({"overlap_seconds": 0})).await.problem(403, "forbidden");
        assert_eq!(world.post(maker, &format!("{path}/disable"), json!({})).await.status, 200, "but ends them");
        assert_eq!(world.post(maker, &format!("{path}/enable"), json!({})).await.status, 200);
    }
    // Whether there is such a person is not told.
    let nobody = "/users/usr_01jd2v3w4x5y6z7a8b9c0d1e2f/keys";
    for maker in [&bobs, &admin] {
        world.post(maker, nobody, body.clone()).await.problem(403, "forbidden");
        world.post(maker, "/users/eve/keys", body.clone()).await.problem(403, "forbidden");
    }
    world.post(&admin, "/me/keys", body.clone()).await.problem(403, "forbidden");
    // Where the policy says so, those who manage keys may; nobody else.
    assert_eq!(world.get(&admin, "/policy").await.body["delegated_creation"], false);
    world.patch(&admin, "/policy", json!({"delegated_creation": true})).await;
    let made = world.post(&eve, &format!("/users/{bob}/keys"), body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["key"]["created_by"]["name"], "eve");
    world.post(&eve, nobody, body.clone()).await.problem(404, "not_found");
    world.post(&bobs, "/users/eve/keys", body).await.problem(403, "forbidden");
}

#[tokio::test]
async fn an_import_makes_no_keys_for_other_people_either() {
    let (world, admin) = World::with_organization().await;
    let (bob, _) = world.user_with_key(&admin, "bob", &["developer"], &[]).await;
    let row = json!([{"name": "imported", "api_sets": [], "owner": {"type": "user", "id": bob},
                      "import": {"value": "a-value-that-others-have-made"}}]);
    let done = world.post(&admin, "/keys/import", row.clone()).await;
    assert_eq!((&done.body["imported"], &done.body["errors"][0]["row"]), (&json!(0), &json!(1)), "{done:?}");
    world.patch(&admin, "/policy", json!({"delegated_creation": true})).await;
    assert_eq!(world.post(&admin, "/keys/import", row).await.body["imported"], 1);
}

#[tokio::test]
async fn without_the_authority_there_is_no_key_and_no_count_of_keys() {
    let (world, admin) = World::with_organization().await;
    let reader = json!({"name": "Reader", "authorities": ["users.read"]});
    assert_eq!(world.post(&admin, "/roles", reader).await.status, 201);
    let (id, bob) = world.user_with_key(&admin, "bob", &["reader"], &["claviger-admin"]).await;
    for path in ["/me/keys".to_owned(), format!("/users/{id}/keys"), "/keys".to_owned()] {
        world.get(&bob, &path).await.problem(403, "forbidden");
        world.post(&bob, &path, json!({"name": "x", "api_sets": []})).await.problem(403, "forbidden");
    }
    assert_eq!(world.get(&bob, &format!("/users/{id}")).await.body.get("counts"), None);
    assert_eq!(world.get(&admin, &format!("/users/{id}")).await.body["counts"]["keys"], 1);
}

#[tokio::test]
async fn levels_bound_what_a_person_makes() {
    let (world, admin) = World::with_organization().await;
    for slug in ["orders", "refunds"] {
        assert_eq!(world.post(&admin, "/api-sets", json!({"name": slug, "slug": slug})).await.status, 201);
    }
    let levels = json!({"max_lifetime_days": 30, "max_keys": 3, "api_sets": ["orders", "claviger-own-keys"]});
    let desk = json!({"name": "Desk", "authorities": ["keys.manage_own"], "levels": levels});
    assert_eq!(world.post(&admin, "/roles", desk).await.status, 201);
    let (_, bob) = world.user_with_key(&admin, "bob", &["desk"], &["claviger-own-keys"]).await;
    let create = async |name: &str, rest: Value| {
        let mut body = rest;
        body["name"] = json!(name);
        world.post(&bob, "/me/keys", body).await
    };
    // Made on 15 January: thirty days are to the end of 14 February.
    let made = create("one", json!({"api_sets": ["orders"]})).await;
    assert_eq!(made.body["key"]["expires_at"], "2026-02-15T00:00:00Z", "{made:?}");
    let longer = create("two", json!({"api_sets": ["orders"], "expires_at": "2026-02-15"})).await;
    assert_eq!(longer.problem(400, "invalid_request"), ["expires_at"]);
    for sets in [json!(["refunds"]), json!(["orders", "full-access"])] {
        assert_eq!(create("two", json!({"api_sets": sets})).await.problem(400, "invalid_request"), ["api_sets"]);
    }
    let path = format!("/keys/{}", made.body["key"]["id"].as_str().expect("an id"));
    let later = world.patch(&bob, &path, json!({"expires_at": "2026-02-15"})).await;
    assert_eq!(later.problem(400, "invalid_request"), ["expires_at"]);
    assert_eq!(world.patch(&bob, &path, json!({"expires_at": "2026-01-20"})).await.status, 200);
    let wider = world.patch(&bob, &path, json!({"api_sets": ["refunds"]})).await;
    assert_eq!(wider.problem(400, "invalid_request"), ["api_sets"]);
    assert_eq!(create("two", json!({"api_sets": []})).await.status, 201);
    create("three", json!({"api_sets": []})).await.problem(409, "limit_reached");
    // A second role about keys widens the bounds, one about something else does not.
    world.patch(&admin, "/users/bob", json!({"roles": ["desk", "auditor"]})).await;
    create("three", json!({"api_sets": []})).await.problem(409, "limit_reached");
    world.patch(&admin, "/users/bob", json!({"roles": ["desk", "developer"]})).await;
    let free = create("three", json!({"api_sets": ["full-access"]})).await;
    assert_eq!(
        (free.status.as_u16(), &free.body["key"]["expires_at"]),
        (201, &json!("2027-01-16T00:00:00Z")),
        "{free:?}"
    );
}

#[tokio::test]
async fn who_has_bounds_makes_no_key_that_has_none() {
    let (world, admin) = World::with_organization().await;
    let authorities = json!(["keys.manage_own", "keys.manage_all", "keys.read", "apis.read"]);
    let desk = json!({"name": "Desk", "authorities": authorities, "levels": {"max_lifetime_days": 30}});
    assert_eq!(world.post(&admin, "/roles", desk).await.status, 201);
    let (_, bob) = world.user_with_key(&admin, "bob", &["desk"], &["claviger-admin"]).await;
    let body = |sets: &[&str]| json!({"name": "automation", "api_sets": sets});
    world.post(&bob, "/keys", body(&["claviger-keys-write"])).await.problem(403, "forbidden");
    let made = world.post(&bob, "/keys", body(&["claviger-keys-read"])).await;
    assert_eq!(
        (made.status.as_u16(), &made.body["key"]["expires_at"]),
        (201, &json!("2026-02-15T00:00:00Z")),
        "{made:?}"
    );
    // A level of sets leaves no single operations for keys of nobody, which nothing bounds.
    world.patch(&admin, "/roles/desk", json!({"levels": {"api_sets": ["full-access", "claviger-admin"]}})).await;
    let operations = json!([{"method": "GET", "path": "/notes", "name": "list"}]);
    world.post(&admin, "/apis", json!({"name": "Notes", "slug": "notes", "operations": operations})).await;
    let named = json!({"name": "x", "operations": ["notes:*"], "api_sets": []});
    assert_eq!(world.post(&bob, "/keys", named.clone()).await.problem(400, "invalid_request"), ["operations"]);
    assert_eq!(world.post(&bob, "/me/keys", named).await.status, 201, "one's own are bounded at the doors");
}

#[tokio::test]
async fn a_persons_key_never_has_more_than_the_person_and_makes_no_stronger_one() {
    let (world, admin) = World::with_organization().await;
    let (id, bob) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-admin"]).await;
    assert_eq!(world.get(&bob, "/me").await.body["authorities"], json!(["keys.manage_own", "apis.read"]));
    world.get(&bob, "/audit").await.problem(403, "forbidden");
    // What changes counts with the next request.
    assert_eq!(world.patch(&admin, &format!("/users/{id}"), json!({"roles": ["auditor"]})).await.status, 200);
    assert_eq!(world.get(&bob, "/audit").await.status, 200);
    world.post(&bob, "/me/keys", json!({"name": "x", "api_sets": []})).await.problem(403, "forbidden");
    assert_eq!(world.patch(&admin, &format!("/users/{id}"), json!({"roles": ["admin"]})).await.status, 200);
    assert_eq!(world.get(&bob, "/policy").await.status, 200);
    // A key with less makes none with more, though the person has it all.
    let weak = world.post(&bob, "/me/keys", json!({"name": "weak", "api_sets": ["claviger-own-keys"]})).await;
    let (weak_id, weak) = (weak.body["key"]["id"].as_str().expect("an id").to_owned(), weak.text("secret"));
    let strong = world.post(&weak, "/me/keys", json!({"name": "strong", "api_sets": ["claviger-admin"]})).await;
    strong.problem(403, "forbidden");
    let first = world.get(&weak, "/me/keys?sort=created_at").await;
    let first = first.body["data"].as_array().expect("rows").iter().find(|key| key["name"] == "first").expect("there")
        ["id"]
        .clone();
    let first = format!("/keys/{}", first.as_str().expect("an id"));
    world.post(&weak, &format!("{first}/rotate"), json!({"overlap_seconds": 0})).await.problem(403, "forbidden");
    let wider = world.patch(&weak, &format!("/keys/{weak_id}"), json!({"api_sets": ["claviger-admin"]})).await;
    wider.problem(403, "forbidden");
    assert_eq!(
        world.post(&weak, &format!("{first}/disable"), json!({})).await.status,
        200,
        "ending is always possible"
    );
}

#[tokio::test]
async fn a_stopped_person_is_stopped_here_too_until_it_is_undone() {
    let (world, admin) = World::with_organization().await;
    let (id, bob) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-own-keys"]).await;
    for (stop, back) in [("disable", "enable"), ("lock", "unlock")] {
        world.post(&admin, &format!("/users/{id}/{stop}"), json!({"reason": "on leave"})).await;
        world.get(&bob, "/me").await.problem(401, "unauthenticated");
        let shown = world.get(&admin, &format!("/users/{id}")).await;
        assert_eq!(shown.text("state_reason"), "on leave");
        world.post(&admin, &format!("/users/{id}/{back}"), json!({})).await;
        assert_eq!(world.get(&bob, "/me").await.status, 200);
    }
    let end = json!({"account_expires_at": "2026-01-16T00:00:00Z"});
    assert_eq!(world.patch(&admin, &format!("/users/{id}"), end).await.status, 200);
    world.clock.advance(std::time::Duration::from_hours(24));
    world.get(&bob, "/me").await.problem(401, "unauthenticated");
    assert_eq!(world.get(&admin, &format!("/users/{id}")).await.text("state"), "expired");
}

#[tokio::test]
async fn keys_of_people_end_after_a_year_at_the_latest() {
    let (world, admin) = World::with_organization().await;
    let (_, bob) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-own-keys"]).await;
    let create = async |name: &str, end: Value| {
        world.post(&bob, "/me/keys", json!({"name": name, "api_sets": [], "expires_at": end})).await
    };
    assert_eq!(create("default", json!(null)).await.body["key"]["expires_at"], "2027-01-16T00:00:00Z");
    assert_eq!(create("a year", json!("2027-01-15")).await.status, 201);
    let beyond = create("beyond", json!("2027-01-16")).await;
    assert_eq!(beyond.problem(400, "invalid_request"), ["expires_at"]);
    assert!(beyond.text("detail").contains("2027-01-15"), "it states the cap: {beyond:?}");
    assert_eq!(create("past", json!("2026-01-14")).await.problem(400, "invalid_request"), ["expires_at"]);
}
