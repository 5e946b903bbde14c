//! Bad input: the right status, the field named, nothing done.

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::body::BODY_BYTES_MAX;
use crate::testing::{OPERATOR, Reply, World};

async fn post_raw(world: &World, token: &str, content_type: &str, body: impl Into<Body>) -> Reply {
    let request = Request::builder().method("POST").uri("/api/v1/keys").header("content-type", content_type);
    let request = request.header("authorization", format!("Bearer {token}"));
    world.send(request.body(body.into()).expect("a request")).await
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let (world, admin) = World::with_organization().await;
    for body in ["{", "{\"name\": \"x\"", "name=x", "\u{feff}{}", "nul"] {
        let reply = post_raw(&world, &admin, "application/json", body).await;
        assert_eq!(reply.problem(400, "invalid_request"), ["body"], "{body}");
    }
    for body in ["[]", "\"text\"", "7", "null", ""] {
        let reply = post_raw(&world, &admin, "application/json", body).await;
        assert_eq!(reply.problem(400, "invalid_request"), ["body"], "{body}");
    }
    assert_eq!(
        post_raw(&world, &admin, "application/json", "[".repeat(100_000)).await.problem(400, "invalid_request"),
        ["body"]
    );
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        post_raw(&world, &admin, content_type, "{}").await.problem(415, "unsupported_media_type");
    }
    let fine = post_raw(&world, &admin, "Application/JSON; charset=utf-8", "{\"name\":\"x\",\"api_sets\":[]}").await;
    assert_eq!(fine.status, 201, "{fine:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large() {
    let (world, admin) = World::with_organization().await;
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(BODY_BYTES_MAX));
    post_raw(&world, &admin, "application/json", large.clone()).await.problem(413, "too_large");
    // Without an announced length too: the reading stops at the limit.
    let stream = futures_body(large);
    post_raw(&world, &admin, "application/json", stream).await.problem(413, "too_large");
}

fn futures_body(text: String) -> Body {
    use http_body_util::BodyExt;
    Body::new(http_body_util::Full::from(text).map_frame(|frame| frame).boxed_unsync())
}

#[tokio::test]
async fn c_21_every_wrong_field_of_a_key_is_named() {
    let (world, admin) = World::with_organization().await;
    let wrong = json!({"nmae": "x", "description": 5, "api_sets": "full-access", "allowed_ips": [7], "disabled": "no"});
    let fields = world.post(&admin, "/keys", wrong).await.problem(400, "invalid_request");
    assert_eq!(fields, ["nmae", "description", "api_sets", "allowed_ips[0]", "disabled", "name"]);
    let wrong = json!({
        "name": "x", "api_sets": ["none"], "operations": ["none:at", "none"], "expires_at": "2020-01-01", "tags": [""],
        "allowed_ips": ["999.1.1.1", "203.0.113.1", "host"],
    });
    let fields = world.post(&admin, "/keys", wrong).await.problem(400, "invalid_request");
    let rest = ["expires_at", "allowed_ips[0]", "allowed_ips[2]", "tags[0]"];
    assert_eq!(
        fields,
        [&rest[..], &["api_sets[0]", "operations[1]", "operations[0]"]].concat(),
        "values, and names beside them"
    );
    let wrong = json!({"name": "x", "api_sets": ["none"], "operations": ["none:at"]});
    let fields = world.post(&admin, "/keys", wrong).await.problem(404, "not_found");
    assert_eq!(fields, ["api_sets[0]", "operations[0]"]);
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(121))),
        ("name", json!("a\u{0}b")),
        ("description", json!("x".repeat(1_001))),
        ("environment", json!("prod")),
        ("shape", json!("triple")),
        ("expires_at", json!("tomorrow")),
        ("expires_at", json!("2026-01-01")),
        ("not_before", json!("31.12.2026")),
        ("external_id", json!("x".repeat(201))),
        ("metadata", json!([])),
        ("metadata", json!({"x": "y".repeat(1_024)})),
        ("tags", json!(vec!["t"; 51])),
        ("tags[1]", json!(["a", " "])),
        ("allowed_ips[1].range", json!(["203.0.113.1", {"range": "x"}])),
        ("allowed_ips[0].until", json!([{"range": "203.0.113.1", "until": "x"}])),
        ("allowed_ips[0].colour", json!([{"range": "203.0.113.1", "colour": "x"}])),
        ("limits[0].limit", json!([{"name": "minute", "kind": "rate", "limit": -1, "window_seconds": 60}])),
        ("limits[0].limit", json!([{"name": "day", "kind": "quota", "limit": 1_u64 << 63, "period": "day"}])),
        ("secret", json!("clv_live_mine")),
    ] {
        let member = field.split(['[', '.']).next().expect("a name");
        let mut body = json!({"name": "n", "api_sets": []});
        body[member] = value;
        assert_eq!(world.post(&admin, "/keys", body).await.problem(400, "invalid_request"), [field]);
    }
    let owner = json!({"name": "n", "api_sets": [], "owner": {"type": "robot", "id": "usr_1"}});
    assert_eq!(world.post(&admin, "/keys", owner).await.problem(400, "invalid_request"), ["owner.type"]);
    let owner = json!({"name": "n", "api_sets": [], "owner": {"type": "user", "id": "usr_1"}});
    assert_eq!(world.post(&admin, "/keys", owner).await.problem(400, "invalid_request"), ["owner.id"]);
    assert_eq!(world.get(&admin, "/keys").await.body["data"].as_array().map(Vec::len), Some(1), "nothing was made");
}

#[tokio::test]
async fn queries_are_checked_too() {
    let (world, admin) = World::with_organization().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("state=deleted", "state"),
        ("sort=color", "sort"),
        ("colour=red", "colour"),
        ("text=a&text=b", "text"),
        ("created_after=yesterday", "created_after"),
    ] {
        assert_eq!(
            world.get(&admin, &format!("/keys?{query}")).await.problem(400, "invalid_request"),
            [field],
            "{query}"
        );
    }
    for (query, fields) in [
        ("wait=some", &["wait"][..]),
        ("wait=", &["wait"]),
        ("wait=all&wait=all", &["wait"]),
        ("wait=all&wait_ms=5001", &["wait_ms"]),
        ("wait=all&wait_ms=-1", &["wait_ms"]),
        ("wait=node&wait_ms=soon", &["wait_ms"]),
        ("wait=1&wait_ms=x", &["wait", "wait_ms"]),
    ] {
        let wait = world.post(&admin, &format!("/keys?{query}"), json!({"name": "n", "api_sets": []})).await;
        assert_eq!(wait.problem(400, "invalid_request"), fields, "{query}");
    }
}

#[tokio::test]
async fn paths_that_name_nothing_are_problems_too() {
    let (world, admin) = World::with_organization().await;
    for path in ["/keys/x", "/keys/key_00000000000000000000000000", "/keys/%ff", "/nothing", "/keys/x/y/z"] {
        world.get(&admin, path).await.problem(404, "not_found");
    }
    world.call("PUT", &admin, "/keys", None).await.problem(405, "method_not_allowed");
    let outside = Request::builder().uri("/").body(Body::empty()).expect("a request");
    world.send(outside).await.problem(404, "not_found");
}

#[tokio::test]
async fn only_one_bearer_token_is_a_caller() {
    let (world, admin) = World::with_organization().await;
    let me = async |values: &[&str]| {
        let mut request = Request::builder().uri("/api/v1/me");
        for value in values {
            request = request.header("authorization", *value);
        }
        world.send(request.body(Body::empty()).expect("a request")).await
    };
    let bearer = format!("bearer {admin}");
    assert_eq!(me(&[&bearer]).await.status, 200, "the scheme's case does not matter");
    let operator = format!("Bearer {OPERATOR}");
    for values in
        [&[][..], &[""], &["Bearer"], &["Bearer "], &["Basic eDp5"], &[&admin], &[&bearer, &operator], &["Bearer x"]]
    {
        let refused = me(values).await;
        refused.problem(401, "unauthenticated");
        assert!(refused.header("www-authenticate").starts_with("Bearer"), "{values:?}");
    }
}

#[tokio::test]
async fn other_host_names_are_not_answered() {
    let (world, admin) = World::with_organization().await;
    let request = |host: &str| {
        let request = Request::builder().uri("/api/v1/me").header("host", host);
        request.header("authorization", format!("Bearer {admin}")).body(Body::empty()).expect("a request")
    };
    assert_eq!(world.send(request("keys.example.com")).await.status, 200);
    world.send(request("evil.example")).await.problem(421, "misdirected");
}

#[tokio::test]
async fn the_document_and_its_page_need_no_token() {
    let world = World::empty().await;
    let document = world.get("", "/openapi.json").await;
    assert_eq!((document.status.as_u16(), document.body["openapi"].as_str()), (200, Some("3.1.0")));
    let page = Request::builder().uri("/api/docs").body(Body::empty()).expect("a request");
    assert_eq!(world.send(page).await.status, 200);
}

#[tokio::test]
async fn null_in_an_edit_is_refused_where_nothing_can_be_none() {
    let (world, admin) = World::with_organization().await;
    let (id, _) = world.key(&admin, "k", &["full-access"]).await;
    world.post(&admin, "/apis", json!({"name": "Shop"})).await;
    world.post(&admin, "/api-sets", json!({"name": "Mine"})).await;
    for (path, fields) in [
        (format!("/keys/{id}"), &["name", "api_sets", "operations"][..]),
        ("/apis/shop".to_owned(), &["name", "slug", "hosts", "base_paths", "unlisted_paths", "operations"]),
        ("/api-sets/mine".to_owned(), &["name", "slug", "apis", "operations"]),
        ("/organization".to_owned(), &["name", "slug", "time_zone", "key_prefix"]),
    ] {
        for field in fields {
            let reply = world.patch(&admin, &path, json!({*field: null})).await;
            assert_eq!(reply.problem(400, "invalid_request"), [*field], "{path}");
        }
    }
}

#[tokio::test]
async fn filters_that_no_record_can_have_are_refused() {
    // PostgreSQL takes no NUL in a text.
    let (world, admin) = World::with_organization().await;
    for field in ["text", "creator", "external_id"] {
        let reply = world.get(&admin, &format!("/keys?{field}=a%00b")).await;
        assert_eq!(reply.problem(400, "invalid_request"), [field]);
        let reply = world.get(&admin, &format!("/keys?{field}={}", "x".repeat(1_000))).await;
        assert_eq!(reply.problem(400, "invalid_request"), [field]);
    }
}

#[tokio::test]
async fn a_key_in_the_name_of_a_parameter_is_not_repeated() {
    let (world, admin) = World::with_organization().await;
    let (_, secret) = world.key(&admin, "k", &[]).await;
    for query in [format!("{secret}=1"), format!("{secret}=1&{secret}=2")] {
        let reply = world.get(&admin, &format!("/keys?{query}")).await;
        assert_eq!(reply.problem(400, "invalid_request"), ["[key]"]);
        assert!(!reply.body.to_string().contains(&secret), "{reply:?}");
    }
}

#[tokio::test]
async fn names_that_only_look_different_are_one_name_and_absurd_ones_are_none() {
    let (world, admin) = World::with_organization().await;
    let kind = json!({"name": "Partner", "sign_in": "key_only", "api_sets": []});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let key = |name: &str| json!({"name": name, "api_sets": []});
    let application = |name: &str| json!({"name": name, "type": "partner"});
    let made = "Office caf\u{e9}";
    assert_eq!(world.post(&admin, "/keys", key(made)).await.status, 201);
    assert_eq!(world.post(&admin, "/applications", application(made)).await.status, 201);
    for same in ["office CAFE\u{301}", "\u{ff2f}ffice caf\u{e9}", "O\u{fb03}ce caf\u{e9}", "  Office caf\u{e9} "] {
        assert_eq!(world.post(&admin, "/keys", key(same)).await.problem(409, "name_taken"), ["name"], "{same}");
        let twin = world.post(&admin, "/applications", application(same)).await;
        assert_eq!(twin.problem(409, "name_taken"), ["name"], "{same}");
    }
    let long = "x".repeat(10_000);
    for absurd in ["", " ", "\u{0}", "a\u{0}b", "a\u{7}b", "a\u{85}b", "a\nb", long.as_str()] {
        assert_eq!(world.post(&admin, "/keys", key(absurd)).await.problem(400, "invalid_request"), ["name"]);
        let refused = world.post(&admin, "/applications", application(absurd)).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["name"]);
        for pasted in [absurd.to_owned(), format!("ci_{absurd}"), format!("ci_0123456789abcdefghij:{absurd}")] {
            let found = world.post(&admin, "/keys/lookup", json!({"credential": pasted})).await;
            assert!([400, 404].contains(&found.status.as_u16()), "{found:?}");
        }
    }
    // Another script's letter is another letter.
    assert_eq!(world.post(&admin, "/keys", key("\u{41e}ffice caf\u{e9}")).await.status, 201);
}
