//! Setup, the operator's organizations, and that nobody sees across.

use std::time::Duration;

use claviger_domain::RequestId;
use claviger_engine::Caller;
use serde_json::{Value, json};

use crate::testing::{OPERATOR, SETUP_TOKEN, World};

#[tokio::test]
async fn setup_makes_what_an_organization_begins_with_once() {
    let world = World::empty().await;
    assert_eq!(world.get(OPERATOR, "/me").await.body["organization"], json!(null));
    world.get(OPERATOR, "/keys").await.problem(403, "forbidden");
    let body = json!({"organization": "Éco & Cie", "email": "ann@example.com"});
    let done = world.post(OPERATOR, "/setup", body.clone()).await;
    assert_eq!((done.status.as_u16(), done.header("cache-control")), (201, "no-store"), "{done:?}");
    assert!(done.text("user").starts_with("usr_"));
    let admin = done.text("token");
    let own = world.get(&admin, "/organization").await;
    assert_eq!(own.body["id"], done.body["organization"]);
    assert_eq!((own.text("slug").as_str(), own.text("name").as_str()), ("eco-cie", "Éco & Cie"));
    assert_eq!((own.body["default"].as_bool(), own.text("key_prefix").as_str()), (Some(true), "clv"));
    let key = &world.get(&admin, "/keys").await.body["data"][0];
    assert_eq!((key["name"].as_str(), &key["api_sets"]), (Some("setup"), &json!(["claviger-admin"])));
    assert_eq!(key["created_by"], json!({"type": "operator", "id": null, "name": null}));
    let listed = async |path: &str| -> Vec<String> {
        let list = world.get(&admin, path).await;
        list.body["data"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| row["slug"].as_str().expect("a slug").to_owned())
            .collect()
    };
    assert_eq!(listed("/apis").await, ["claviger", "default"]);
    let sets = listed("/api-sets").await;
    for slug in [
        "full-access",
        "default-general",
        "claviger-admin",
        "claviger-keys-read",
        "claviger-keys-write",
        "claviger-own-keys",
        "claviger-users-write",
        "claviger-audit-read",
        "claviger-verify",
    ] {
        assert!(sets.iter().any(|set| set == slug), "{slug} in {sets:?}");
    }
    world.post(OPERATOR, "/setup", body).await.problem(409, "conflict");
}

#[tokio::test]
async fn the_set_up_link_makes_the_first_organization_and_nothing_else() {
    let world = World::empty().await;
    let password = "the lighthouse keeps a log";
    let body = json!({"organization": "Example", "email": "ann@example.com", "password": password});
    world.post("claviger_setup_another", "/setup", body.clone()).await.problem(401, "unauthenticated");
    world.post("", "/setup", body.clone()).await.problem(401, "unauthenticated");
    let weak = json!({"organization": "Example", "email": "ann@example.com", "password": "example"});
    let refused = world.post(SETUP_TOKEN, "/setup", weak).await;
    assert_eq!(refused.body["errors"][0]["field"], "password", "{refused:?}");
    world.get(SETUP_TOKEN, "/me").await.problem(401, "unauthenticated");
    world
        .post(SETUP_TOKEN, "/organizations", json!({"name": "Other", "email": "bob@example.com"}))
        .await
        .problem(401, "unauthenticated");
    let mut keyless = body.clone();
    (keyless["management_key"], keyless["password"]) = (json!(false), json!(null));
    let nobody = world.post(SETUP_TOKEN, "/setup", keyless.clone()).await;
    assert_eq!(nobody.problem(400, "invalid_request"), ["password"], "nobody could get in");
    let (other, mut keyless) = (World::empty().await, keyless);
    keyless["password"] = json!("the lighthouse keeper's log");
    let done = other.post(SETUP_TOKEN, "/setup", keyless).await;
    assert_eq!((done.status.as_u16(), &done.body["token"]), (201, &serde_json::Value::Null), "{done:?}");
    assert_eq!(world.post(SETUP_TOKEN, "/setup", body.clone()).await.status, 201);
    world.post(SETUP_TOKEN, "/setup", body).await.problem(409, "conflict");
    let me = world.call_in_session(password, "GET", "/me", None).await;
    assert_eq!(me.body["user"]["email"], "ann@example.com", "{me:?}");
    assert_eq!(me.body["organizations"][0]["slug"], "example", "{me:?}");
}

#[tokio::test]
async fn nobody_sees_another_organizations_things() {
    let (world, ann) = World::with_organization().await;
    let bob = world.another_organization("other", "bob@example.com").await;
    assert_eq!(world.get(&bob, "/organization").await.body["default"], false);
    let (id, secret) = world.key(&ann, "k", &["full-access"]).await;
    let set = world.get(&ann, "/api-sets").await.body["data"][0]["id"].as_str().expect("an id").to_owned();
    for (method, path) in
        [("GET", ""), ("DELETE", ""), ("POST", "/disable"), ("GET", "/requests"), ("POST", "/end-overlap")]
    {
        world.call(method, &bob, &format!("/keys/{id}{path}"), None).await.problem(404, "not_found");
    }
    world.patch(&bob, &format!("/keys/{id}"), json!({"name": "mine"})).await.problem(404, "not_found");
    world.post(&bob, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 0})).await.problem(404, "not_found");
    world.post(&bob, "/keys/lookup", json!({"credential": secret})).await.problem(404, "not_found");
    let foreign = world.post(&bob, "/keys", json!({"name": "n", "api_sets": [set]})).await;
    assert_eq!(foreign.problem(404, "not_found"), ["api_sets[0]"]);
    assert_eq!(world.get(&bob, "/keys").await.body["data"].as_array().map(Vec::len), Some(1));
    world.get(&bob, "/organizations").await.problem(403, "forbidden");
    // With two organizations the operator makes more, but sees none of their keys.
    world.get(OPERATOR, "/keys").await.problem(403, "forbidden");
    assert_eq!(world.get(OPERATOR, "/organizations").await.body["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn the_second_organization_is_warned_of_with_the_door_calls_that_it_will_have_refused() {
    let (world, _) = World::with_organization().await;
    let call = || {
        let caller = Caller { ip: None, agent: None, request_id: RequestId::from_raw(1) };
        world.manage.engine.door_token(None, false, caller)
    };
    assert!(call().is_ok(), "more than an hour ago");
    world.clock.advance(Duration::from_mins(61));
    assert!(call().is_ok() && call().is_ok() && call().is_ok());
    let second = json!({"name": "Second", "email": "bob@example.com"});
    let second = world.post(OPERATOR, "/organizations", second).await;
    let warning = second.body["warnings"][0].as_str().expect("a warning");
    assert!(warning.ends_with("Door calls without a token in the last hour, at this node: 3."), "{warning}");
    assert!(call().is_err(), "from now on they are refused");
    let third = json!({"name": "Third", "email": "bob@example.com"});
    assert_eq!(world.post(OPERATOR, "/organizations", third).await.body["warnings"], json!([]));
}

#[tokio::test]
async fn the_operator_chooses_the_default_organization() {
    let (world, _) = World::with_organization().await;
    let other = json!({"slug": "other", "name": "Other", "email": "ann@example.com"});
    let other = world.post(OPERATOR, "/organizations", other).await;
    assert_eq!(other.status, 201, "a known address may found another: {other:?}");
    let id = other.body["organization"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/organizations/{id}/make-default");
    let chosen = world.call("POST", OPERATOR, &path, None).await;
    assert_eq!((chosen.status.as_u16(), chosen.body["default"].as_bool()), (200, Some(true)), "{chosen:?}");
    let again = world.call("POST", OPERATOR, &path, None).await;
    assert_eq!((again.status.as_u16(), again.header("x-claviger-change")), (200, ""));
    let list = world.get(OPERATOR, "/organizations").await;
    let defaults = list.body["data"].as_array().expect("rows").iter().filter(|row| row["default"] == true).count();
    assert_eq!(defaults, 1);
    let taken = world.post(OPERATOR, "/organizations", json!({"slug": "other", "name": "x", "email": "a@b"})).await;
    assert_eq!(taken.problem(409, "name_taken"), ["slug"]);
    let unknown = "/organizations/org_00000000000000000000000000/make-default";
    world.call("POST", OPERATOR, unknown, None).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_administrator_edits_their_organization() {
    let (world, admin) = World::with_organization().await;
    let edit = json!({"name": "New name", "time_zone": "Europe/Warsaw", "key_prefix": "acme"});
    let edited = world.patch(&admin, "/organization", edit).await;
    assert_eq!((edited.status.as_u16(), edited.header("etag")), (200, "\"2\""), "{edited:?}");
    assert_eq!(edited.text("slug"), "example");
    let made = world.post(&admin, "/keys", json!({"name": "k", "api_sets": [], "expires_at": "2026-07-31"})).await;
    assert!(made.text("secret").starts_with("acme_live_"), "a new prefix holds for new keys");
    assert_eq!(made.body["key"]["expires_at"], "2026-07-31T22:00:00Z", "a day ends where the organization is");
    for (field, value) in
        [("time_zone", "Mars/Olympus"), ("key_prefix", "A"), ("slug", "-"), ("name", " "), ("id", "x")]
    {
        assert_eq!(
            world.patch(&admin, "/organization", json!({field: value})).await.problem(400, "invalid_request"),
            [field]
        );
    }
}

#[tokio::test]
async fn a_founders_address_is_checked() {
    let world = World::empty().await;
    let refused = world.post(OPERATOR, "/setup", json!({"organization": "x", "email": "nobody"})).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["email"]);
    let (_, admin) = World::with_organization().await;
    world.post(&admin, "/setup", json!({"organization": "x", "email": "a@b"})).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_operator_invites_the_first_administrator_and_gets_no_key() {
    let (world, ann) = World::with_organization().await;
    let made = async |slug: &str, email: &str| {
        let body = json!({"slug": slug, "name": slug, "email": email});
        world.post(OPERATOR, "/organizations", body).await
    };
    let (unknown, known) = (made("first", "bob@example.com").await, made("again", "ann@example.com").await);
    let fields = |reply: &crate::testing::Reply| {
        let names =
            |value: &serde_json::Value| value.as_object().expect("a record").keys().cloned().collect::<Vec<_>>();
        (names(&reply.body), names(&reply.body["organization"]), names(&reply.body["invitation"]))
    };
    assert_eq!((unknown.status.as_u16(), fields(&unknown)), (201, fields(&known)), "known and unknown answer alike");
    assert_eq!(fields(&known).0, ["organization", "invitation", "warnings"]);
    let link = |reply: &serde_json::Value| {
        let link = reply["link"].as_str().expect("a link").to_owned();
        link.split_once("/invitation#").expect("the page").1.to_owned()
    };
    let id = unknown.body["organization"]["id"].as_str().expect("an id").to_owned();
    let invite = format!("/organizations/{id}/invite");
    let body = json!({"email": "robert@example.com"});
    world.post(&ann, &invite, body.clone()).await.problem(403, "forbidden");
    let again = world.post(OPERATOR, &invite, body.clone()).await;
    assert_eq!((again.status.as_u16(), &again.body["email"]), (201, &json!("robert@example.com")), "{again:?}");
    let accept = async |token: &str| {
        let body = json!({"token": token, "password": "harbour violet nine anvil"});
        world.post("", "/invitations/accept", body).await
    };
    accept(&link(&unknown.body["invitation"])).await.problem(404, "not_found");
    let came = accept(&link(&again.body)).await;
    assert_eq!((came.status.as_u16(), came.text("organization")), (200, id), "{came:?}");
    assert_eq!(came.text("email"), "robert@example.com");
    world.post(OPERATOR, &invite, body).await.problem(409, "conflict");
    accept(&link(&known.body["invitation"])).await.problem(401, "unauthenticated");
    // The first administrator makes the first key.
    let organization = came.text("organization").parse().expect("an id");
    let mut snapshot = world.manage.store.read().await.expect("a snapshot");
    let owner = claviger_domain::key::Owner::Organization(organization);
    let keys = claviger_store::keys::count_of_owner(&mut snapshot, organization, &owner, 10).await.expect("read");
    assert_eq!(keys, 0);
    for path in ["/keys", "/users", "/audit", "/invitations"] {
        world.get(OPERATOR, path).await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn the_contact_of_the_administrators_is_set_by_them_and_seen_by_everyone() {
    let (world, admin) = World::with_organization().await;
    let (_, developer) = world.user_with_key(&admin, "dev", &["developer"], &["claviger-admin"]).await;
    let seen = async || world.get(&developer, "/me").await.body["organizations"][0]["admin_contact"].clone();
    assert_eq!(seen().await, Value::Null);
    let set = async |contact: Value| world.patch(&admin, "/organization", json!({"admin_contact": contact})).await;
    let changed = set(json!(" it-desk@example.com ")).await;
    assert_eq!((changed.status.as_u16(), changed.text("admin_contact").as_str()), (200, "it-desk@example.com"));
    assert_eq!(seen().await, "it-desk@example.com");
    let audit = world.get(&admin, "/audit?limit=1").await;
    assert_eq!(audit.body["data"][0]["after"], json!({"admin_contact": "it-desk@example.com"}));
    for wrong in [json!(""), json!("x".repeat(121)), json!("a\u{202e}b"), json!("a\nb"), json!(7)] {
        assert_eq!(set(wrong.clone()).await.status, 400, "{wrong}");
    }
    assert_eq!(world.patch(&developer, "/organization", json!({"admin_contact": "me"})).await.status, 403);
    assert_eq!(
        world.patch(&admin, "/organization", json!({"name": "Other"})).await.text("admin_contact"),
        "it-desk@example.com"
    );
    assert_eq!(set(Value::Null).await.body["admin_contact"], Value::Null);
    assert_eq!(seen().await, Value::Null);
}
