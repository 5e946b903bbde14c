//! Keys are made, read, listed, changed, taken out of service and deleted.

use claviger_domain::audit::Chain;
use claviger_store::audit::Verified;
use serde_json::{Value, json};

use crate::testing::{OPERATOR, World};

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect()
}

#[tokio::test]
async fn y_16_y_18_a_key_is_made_and_read_as_the_contract_says() {
    let (world, admin) = World::with_organization().await;
    let body = json!({
        "name": "  Order import ", "description": "Imports\norders", "owner": {"type": "organization"}, "shape": "single",
        "environment": "test", "api_sets": ["full-access"], "operations": [],
        "allowed_ips": [" 203.0.113.0/24", {"range": "2001:db8::1-2001:db8::9", "label": "office", "until": "2026-12-31"}],
        "expires_at": "2026-12-31", "not_before": "2026-01-01", "external_id": "customer-7", "tags": ["a", "b", "a"],
        "metadata": {"plan": "gold"}
    });
    let made = world.post(&admin, "/keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("cache-control"), "no-store");
    assert!(made.header("x-claviger-change").contains('.'));
    let (key, secret) = (&made.body["key"], made.text("secret"));
    assert!(secret.starts_with("clv_test_") && secret.len() == 47);
    let me = world.get(&admin, "/me").await;
    let organization = me.text("organization");
    let expected = json!({
        "id": key["id"], "organization": organization,
        "owner": {"type": "organization", "id": organization, "name": "Example"},
        "name": "Order import", "description": "Imports\norders", "environment": "test", "shape": "single",
        "hint": format!("clv_test_…{}", &secret[43..]), "reveal": "once", "external_id": "customer-7", "tags": ["a", "b"],
        "limits": [], "state": "active", "state_reason": null, "state_by": null, "state_at": null, "approval": null,
        "api_sets": ["full-access"], "operations": [],
        "allowed_ips": [
            {"range": "203.0.113.0/24", "label": null, "until": null},
            {"range": "2001:db8::1-2001:db8::9", "label": "office", "until": "2027-01-01T00:00:00Z"}
        ],
        "not_before": "2026-01-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z", "expires_at_max": null,
        "idle_days": 90, "idle_exempt": false, "idle_at": "2026-04-15T12:00:00Z", "ip_list_missing": false, "metadata": {"plan": "gold"},
        "created_by": me.body["actor"], "created_at": "2026-01-15T12:00:00Z", "updated_at": "2026-01-15T12:00:00Z",
        "last_used": null, "last_refused": null, "rotation": null
    });
    assert_eq!(*key, expected);
    let read = world.get(&admin, &format!("/keys/{}", key["id"].as_str().expect("an id"))).await;
    assert_eq!((read.status.as_u16(), &read.body), (200, &expected));
    assert_eq!(read.header("etag"), "\"1\"");
}

#[tokio::test]
async fn y_20_what_a_key_may_do_is_chosen_at_its_creation() {
    let (world, admin) = World::with_organization().await;
    let refused = world.post(&admin, "/keys", json!({"name": "n"})).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["api_sets"]);
    let empty = world.post(&admin, "/keys", json!({"name": "n", "api_sets": []})).await;
    assert_eq!(empty.status, 201, "an explicit empty list is a choice: {empty:?}");
    for body in [
        json!({"name": "m", "api_sets": ["no-such-set", "full-access"]}),
        json!({"name": "m", "api_sets": ["set_00000000000000000000000000"]}),
    ] {
        assert_eq!(world.post(&admin, "/keys", body).await.problem(404, "not_found"), ["api_sets[0]"]);
    }
    for operation in ["github:issues/get", "default:anything", "claviger:*", "api_00000000000000000000000000:x"] {
        let body = json!({"name": "m", "operations": [operation]});
        assert_eq!(world.post(&admin, "/keys", body).await.problem(404, "not_found"), ["operations[0]"], "{operation}");
    }
    let body = json!({"name": "m", "operations": ["default", "default:*x"]});
    assert_eq!(
        world.post(&admin, "/keys", body).await.problem(400, "invalid_request"),
        ["operations[0]", "operations[1]"]
    );
}

#[tokio::test]
async fn operations_and_sets_are_named_by_slug_or_id() {
    let (world, admin) = World::with_organization().await;
    let api = json!({"slug": "shop", "name": "Shop", "operations": [
        {"name": "orders/list", "method": "GET", "path": "/orders"},
        {"name": "orders/get", "method": "GET", "path": "/orders/{id}"}
    ]});
    let api = world.post(&admin, "/apis", api).await;
    assert_eq!(api.status, 201, "{api:?}");
    let id = api.text("id");
    let body = json!({"name": "n", "operations": ["shop:orders/*", format!("{id}:orders/get"), "shop:orders/*"]});
    let made = world.post(&admin, "/keys", body).await;
    assert_eq!(made.body["key"]["operations"], json!(["shop:orders/*", "shop:orders/get"]), "{made:?}");
}

#[tokio::test]
async fn c_21_a_second_click_makes_no_second_key() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "k", "api_sets": ["full-access"], "limits": [], "idle_exempt": false});
    let (one, other) = tokio::join!(world.post(&admin, "/keys", body.clone()), world.post(&admin, "/keys", body));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(names(&world.get(&admin, "/keys?sort=name").await.body), ["k", "setup"]);
}

#[tokio::test]
async fn g_01_y_29_keys_work_at_once_and_side_by_side() {
    let (world, admin) = World::with_organization().await;
    let (_, first) = world.key(&admin, "first", &["claviger-keys-read"]).await;
    let (_, second) = world.key(&admin, "second", &["claviger-keys-read", "claviger-apis-write"]).await;
    for secret in [&first, &second] {
        assert_eq!(world.get(secret, "/keys").await.status, 200);
    }
    let off =
        world.post(&admin, "/keys", json!({"name": "off", "api_sets": ["claviger-admin"], "disabled": true})).await;
    assert_eq!(off.body["key"]["state"], "disabled");
    world.get(&off.text("secret"), "/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn names_are_unique_among_the_living() {
    let (world, admin) = World::with_organization().await;
    let (first, _) = world.key(&admin, "Straße", &[]).await;
    let again = world.post(&admin, "/keys", json!({"name": " STRASSE ", "api_sets": []})).await;
    assert_eq!(again.problem(409, "name_taken"), ["name"]);
    assert!(again.body["errors"][0]["message"].as_str().expect("a message").contains(&first));
    let (other, _) = world.key(&admin, "other", &[]).await;
    let renamed = world.patch(&admin, &format!("/keys/{other}"), json!({"name": "strasse"})).await;
    assert_eq!(renamed.problem(409, "name_taken"), ["name"]);
    assert_eq!(world.call("DELETE", &admin, &format!("/keys/{first}"), None).await.status, 204);
    assert_eq!(world.patch(&admin, &format!("/keys/{other}"), json!({"name": "strasse"})).await.status, 200);
}

#[tokio::test]
async fn y_32_y_33_disabling_and_enabling_repeat_without_change() {
    let (world, admin) = World::with_organization().await;
    let (id, _) = world.key(&admin, "k", &["full-access"]).await;
    let path = format!("/keys/{id}/disable");
    let off = world.post(&admin, &path, json!({"reason": "leaked in a log"})).await;
    assert_eq!(
        (off.body["state"].as_str(), off.body["state_reason"].as_str()),
        (Some("disabled"), Some("leaked in a log"))
    );
    assert_eq!(off.body["state_by"], world.get(&admin, "/me").await.body["actor"]);
    assert_eq!(off.body["state_at"], "2026-01-15T12:00:00Z");
    assert!(!off.header("x-claviger-change").is_empty());
    let again = world.call("POST", &admin, &path, None).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &off.body));
    assert_eq!(again.header("x-claviger-change"), "", "nothing changed");
    let on = world.post(&admin, &format!("/keys/{id}/enable"), json!({})).await;
    assert_eq!((on.status.as_u16(), on.body["state"].as_str()), (200, Some("active")));
    let again = world.post(&admin, &format!("/keys/{id}/enable"), json!({})).await;
    assert_eq!((again.status.as_u16(), again.header("x-claviger-change")), (200, ""));
}

#[tokio::test]
async fn y_38_a_deleted_key_is_gone_and_its_value_is_known() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = world.key(&admin, "k", &["claviger-admin"]).await;
    let gone = world.call("DELETE", &admin, &format!("/keys/{id}"), None).await;
    assert_eq!((gone.status.as_u16(), &gone.body), (204, &json!("")));
    assert!(!gone.header("x-claviger-change").is_empty());
    world.get(&admin, &format!("/keys/{id}")).await.problem(404, "not_found");
    world.post(&admin, &format!("/keys/{id}/enable"), json!({})).await.problem(404, "not_found");
    world.call("DELETE", &admin, &format!("/keys/{id}"), None).await.problem(404, "not_found");
    assert_eq!(names(&world.get(&admin, "/keys").await.body), ["setup"]);
    world.get(&secret, "/me").await.problem(401, "unauthenticated");
    let found = world.post(&admin, "/keys/lookup", json!({"credential": secret})).await;
    assert_eq!(
        (found.body["standing"].as_str(), found.body["key"]["state"].as_str()),
        (Some("ended"), Some("deleted"))
    );
    assert_eq!(world.get(&admin, &format!("/keys/{id}/requests")).await.status, 200);
}

#[tokio::test]
async fn an_edit_merges_and_says_when_it_is_stale() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "k", "description": "d", "api_sets": ["full-access"], "allowed_ips": ["203.0.113.7"],
        "metadata": {"a": 1, "b": {"c": 2}}, "tags": ["t"], "external_id": "e"});
    let made = world.post(&admin, "/keys", body).await;
    let path = format!("/keys/{}", made.body["key"]["id"].as_str().expect("an id"));
    world.clock.advance(std::time::Duration::from_mins(1));
    let edit = json!({"description": "new", "metadata": {"a": null, "b": {"d": 3}}, "external_id": null, "tags": null});
    let edited = world.patch(&admin, &path, edit).await;
    let mut expected = made.body["key"].clone();
    expected["description"] = json!("new");
    expected["metadata"] = json!({"b": {"c": 2, "d": 3}});
    expected["external_id"] = Value::Null;
    expected["tags"] = json!([]);
    expected["updated_at"] = json!("2026-01-15T12:01:00Z");
    assert_eq!((edited.status.as_u16(), &edited.body), (200, &expected));
    assert_eq!(edited.header("etag"), "\"2\"");
    let same = world.patch(&admin, &path, json!({"description": "new"})).await;
    assert_eq!((same.header("x-claviger-change"), same.header("etag")), ("", "\"2\""));

    let request = http::Request::builder().method("PATCH").uri(format!("/api/v1{path}")).header("if-match", "\"1\"");
    let request = request.header("authorization", format!("Bearer {admin}")).header("content-type", "application/json");
    let stale = world.send(request.body("{\"name\":\"x\"}".into()).expect("a request")).await;
    stale.problem(412, "stale");
}

#[tokio::test]
async fn an_end_in_the_past_must_be_meant() {
    let (world, admin) = World::with_organization().await;
    let past = json!({"name": "k", "api_sets": [], "expires_at": "2026-01-14"});
    assert_eq!(world.post(&admin, "/keys", past).await.problem(400, "invalid_request"), ["expires_at"]);
    let (id, _) = world.key(&admin, "k", &[]).await;
    let path = format!("/keys/{id}");
    let unmeant = world.patch(&admin, &path, json!({"expires_at": "2026-01-14"})).await;
    assert_eq!(unmeant.problem(400, "invalid_request"), ["expires_at"]);
    let meant = world.patch(&admin, &path, json!({"expires_at": "2026-01-14", "expire_now": true})).await;
    assert_eq!(
        (meant.body["state"].as_str(), meant.body["state_at"].as_str()),
        (Some("expired"), Some("2026-01-15T00:00:00Z"))
    );
    let renamed = world.patch(&admin, &path, json!({"name": "still expired"})).await;
    assert_eq!(renamed.status, 200, "other fields of an expired key may be edited: {renamed:?}");
    let never = world.patch(&admin, &path, json!({"expires_at": null})).await;
    assert_eq!((never.body["state"].as_str(), &never.body["expires_at"]), (Some("active"), &Value::Null));
}

#[tokio::test]
async fn lists_filter_sort_and_page() {
    let (world, admin) = World::with_organization().await;
    for (number, name) in ["delta", "Alpha", "charlie", "Bravo"].into_iter().enumerate() {
        world.clock.advance(std::time::Duration::from_secs(1));
        let environment = if number % 2 == 0 { "live" } else { "test" };
        let body =
            json!({"name": name, "environment": environment, "api_sets": ["full-access"], "disabled": number == 3});
        assert_eq!(world.post(&admin, "/keys", body).await.status, 201);
    }
    for (query, expected) in [
        ("", vec!["Bravo", "charlie", "Alpha", "delta", "setup"]),
        ("?sort=name", vec!["Alpha", "Bravo", "charlie", "delta", "setup"]),
        ("?sort=-name&set=full-access", vec!["delta", "charlie", "Bravo", "Alpha"]),
        ("?sort=created_at&environment=test", vec!["Alpha", "Bravo"]),
        ("?state=disabled", vec!["Bravo"]),
        ("?state=active&set=claviger-admin", vec!["setup"]),
        ("?text=ALPH", vec!["Alpha"]),
        ("?created_after=2026-01-15T12:00:03Z&created_before=2026-01-15T12:00:04Z", vec!["charlie"]),
        ("?last_used_after=2026-01-15T12:00:00Z", vec![]),
        ("?last_refused_after=2026-01-15T12:00:00Z", vec![]),
        ("?ends_before=2026-04-15T12:00:02Z", vec!["Alpha", "delta"]),
        ("?ends_before=2026-04-15T12:00:04Z&state=active", vec!["charlie", "Alpha", "delta"]),
    ] {
        assert_eq!(names(&world.get(&admin, &format!("/keys{query}")).await.body), expected, "{query}");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&admin, &format!("/keys?sort=name&limit=2{cursor}")).await;
        seen.extend(names(&page.body).into_iter().map(str::to_owned));
        let row = &page.body["data"][0];
        assert_eq!((row["allowed_ips_count"].as_u64(), row.get("allowed_ips")), (Some(0), None));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["Alpha", "Bravo", "charlie", "delta", "setup"]);
    let other_list = world.get(&admin, &format!("/keys?sort=-name&limit=2{cursor}")).await;
    assert_eq!(other_list.problem(400, "invalid_request"), ["cursor"]);
    assert_eq!(world.get(&admin, "/keys?set=nope").await.problem(404, "not_found"), ["set"]);
}

#[tokio::test]
async fn who_manages_keys_cannot_give_more_than_they_hold() {
    let (world, admin) = World::with_organization().await;
    let (_, writer) = world.key(&admin, "writer", &["claviger-keys-write"]).await;
    let more = world.post(&writer, "/keys", json!({"name": "m", "api_sets": ["claviger-admin"]})).await;
    more.problem(403, "forbidden");
    let (own, _) = world.key(&writer, "same", &["claviger-keys-write", "full-access"]).await;
    world
        .patch(&writer, &format!("/keys/{own}"), json!({"api_sets": ["claviger-apis-write"]}))
        .await
        .problem(403, "forbidden");
    let setup = world.get(&admin, "/keys?text=setup").await.body["data"][0]["id"].as_str().expect("an id").to_owned();
    for (path, body) in [("/rotate", json!({"overlap_seconds": 0})), ("/enable", json!({}))] {
        world.post(&writer, &format!("/keys/{setup}{path}"), body).await.problem(403, "forbidden");
    }
    world.patch(&writer, &format!("/keys/{setup}"), json!({"description": "mine"})).await.problem(403, "forbidden");
    // A misused key must go fast: ending asks no more than managing keys.
    assert_eq!(world.post(&writer, &format!("/keys/{setup}/disable"), json!({})).await.status, 200);
    world.get(&admin, "/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_check_explains_what_a_request_would_get() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "k", "api_sets": ["full-access"], "allowed_ips": ["203.0.113.0/24"]});
    let made = world.post(&admin, "/keys", body).await;
    let path = format!("/keys/{}/check", made.body["key"]["id"].as_str().expect("an id"));
    let passes = json!({"method": "GET", "path": "/anything", "client_ip": "203.0.113.7"});
    let passes = world.post(&admin, &path, passes).await;
    assert_eq!(
        (passes.body["valid"].as_bool(), passes.body["code"].as_str()),
        (Some(true), Some("VALID")),
        "{passes:?}"
    );
    let outside = world.post(&admin, &path, json!({"client_ip": "198.51.100.1", "requires": ["full-access"]})).await;
    assert_eq!(outside.body["code"], "IP_NOT_ALLOWED");
    let checks = outside.body["checks"].as_array().expect("checks");
    let ip = checks.iter().find(|check| check["name"] == "ip").expect("an address check");
    assert_eq!((ip["result"].as_str(), ip["code"].as_str()), (Some("failed"), Some("IP_NOT_ALLOWED")));
    assert_eq!(world.post(&admin, &path, json!({"path": "/x"})).await.problem(400, "invalid_request"), ["method"]);
    assert_eq!(
        world.post(&admin, &path, json!({"requires": ["nope"]})).await.problem(404, "not_found"),
        ["requires[0]"]
    );
    assert!(
        world.get(&admin, path.trim_end_matches("/check")).await.body["last_refused"].is_null(),
        "no trace is left"
    );
}

#[tokio::test]
async fn last_use_and_refusals_are_shown() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = world.key(&admin, "k", &["claviger-keys-read"]).await;
    let (bare, bare_secret) = world.key(&admin, "bare", &["full-access"]).await;
    assert_eq!(world.get(&secret, "/me").await.status, 200);
    world.get(&bare_secret, "/me").await.problem(403, "forbidden");
    claviger_store::usage::Writer::new(&*world.manage.random)
        .record(&world.manage.store, &world.manage.engine.drain_usage())
        .await
        .expect("written");
    let used = world.get(&admin, &format!("/keys/{id}")).await;
    assert_eq!(
        (used.body["last_used"]["door"].as_str(), used.body["last_used"]["ip"].as_str()),
        (Some("management"), Some("203.0.113.7"))
    );
    let refused = world.get(&admin, &format!("/keys/{bare}")).await;
    assert_eq!(refused.body["last_refused"]["code"], "OPERATION_NOT_ALLOWED");
    let log = world.get(&admin, &format!("/keys/{bare}/requests")).await;
    assert_eq!(
        (log.body["data"][0]["code"].as_str(), log.body["data"].as_array().map(Vec::len)),
        (Some("OPERATION_NOT_ALLOWED"), Some(1))
    );
    assert_eq!(world.get(&admin, "/organization/requests").await.body, json!({"data": [], "next_cursor": null}));
}

#[tokio::test]
async fn y_05_y_40_secrets_are_in_no_answer_but_the_first_and_not_in_the_database() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = world.key(&admin, "k", &["full-access"]).await;
    let rotated =
        world.post(&admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await.text("secret");
    let answers = [
        world.get(&admin, "/keys").await,
        world.get(&admin, &format!("/keys/{id}")).await,
        world.post(&admin, "/keys/lookup", json!({"credential": secret})).await,
        world.post(&admin, "/keys/lookup", json!({"credential": format!("{secret}x")})).await,
        world.post(&admin, "/keys", json!({"name": {"x": secret}, "api_sets": []})).await,
        world.post(&admin, "/keys", json!({"name": "n", "api_sets": [secret], "disabled": secret})).await,
        world.post(&admin, "/keys", json!({"name": "n", "api_sets": [secret]})).await,
        world.post(&admin, "/keys", json!({&secret: 1, "environment": secret, "expires_at": secret})).await,
        world.get(&admin, &format!("/keys?{secret}=1&state={secret}&sort={secret}&cursor={secret}")).await,
        world.get(&admin, &format!("/keys/{secret}")).await,
        world.get(&secret, "/me").await,
    ];
    for answer in answers {
        let text = answer.body.to_string();
        assert!(![&secret, &rotated, &admin].into_iter().any(|secret| text.contains(secret.as_str())), "{text}");
    }
    for file in world.files() {
        let bytes = std::fs::read(&file).expect("a file of the database");
        for secret in [&secret, &rotated, &admin] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", file.display());
        }
    }
}

#[tokio::test]
async fn every_change_is_in_the_audit_chain() {
    let (world, admin) = World::with_organization().await;
    let me = world.get(&admin, "/me").await.text("organization").parse().expect("an id");
    let entries = async || match world.manage.store.verify_audit(Chain::Organization(me)).await {
        Ok(Verified::Intact(head)) => head.seq,
        other => panic!("{other:?}"),
    };
    let mut count = entries().await;
    let (id, _) = world.key(&admin, "k", &[]).await;
    for (method, path, body) in [
        ("PATCH", "", Some(json!({"description": "d"}))),
        ("POST", "/disable", None),
        ("POST", "/enable", None),
        ("POST", "/rotate", Some(json!({"overlap_seconds": 60}))),
        ("POST", "/end-overlap", None),
        ("DELETE", "", None),
    ] {
        count += 1;
        assert_eq!(entries().await, count, "before {method} {path}");
        let done = world.call(method, &admin, &format!("/keys/{id}{path}"), body).await;
        assert!(done.status.is_success(), "{done:?}");
    }
    assert_eq!(entries().await, count + 1);
    assert_eq!(world.get(OPERATOR, "/keys").await.status, 200, "reading is no change");
    assert_eq!(entries().await, count + 1);
}

#[tokio::test]
async fn what_is_made_says_where_it_stands_and_in_which_version() {
    let (world, admin) = World::with_organization().await;
    for (path, body, member) in [
        ("/keys", json!({"name": "k", "api_sets": []}), Some("key")),
        ("/apis", json!({"name": "Shop"}), None),
        ("/api-sets", json!({"name": "Mine"}), None),
    ] {
        let made = world.post(&admin, path, body).await;
        let record = member.map_or(&made.body, |member| &made.body[member]);
        let id = record["id"].as_str().expect("an id");
        assert_eq!(made.header("location"), format!("/api/v1{path}/{id}"));
        let read = world.get(&admin, &format!("{path}/{id}")).await;
        assert_eq!((made.header("etag"), record), (read.header("etag"), &read.body));
    }
    let document = json!({"openapi": "3.1.0", "info": {"title": "Pets"}, "paths": {"/pets": {"get": {}}}});
    let made = world.post(&admin, "/apis/import", document.clone()).await;
    let id = made.body["api"]["id"].as_str().expect("an id");
    assert_eq!((made.status.as_u16(), made.header("location")), (201, &*format!("/api/v1/apis/{id}")));
    let again = world.post(&admin, "/apis/import", document).await;
    assert_eq!((again.status.as_u16(), again.header("location")), (200, ""));
}
