//! The doors over real sockets: what is asked and what is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::verdict::Code;

use crate::Config;
use crate::testing::{House, ORGANIZATION, Reply};

pub(crate) const FORWARDED: [&str; 4] = [
    "X-Forwarded-Method: GET",
    "X-Forwarded-Uri: /items?x=1",
    "X-Forwarded-Host: shop.example.com",
    "X-Forwarded-For: 203.0.113.7",
];
pub(crate) const ORIGINAL: [&str; 4] = [
    "X-Original-Method: GET",
    "X-Original-URI: /items?x=1",
    "X-Original-Host: shop.example.com",
    "X-Real-IP: 203.0.113.7",
];
const IDENTITY: [&str; 17] = [
    "organization",
    "key-id",
    "key-name",
    "owner-type",
    "owner-id",
    "owner-name",
    "external-id",
    "environment",
    "api",
    "api-sets",
    "operation",
    "user",
    "profile",
    "profile-external",
    "permission-type",
    "contact",
    "credential",
];

pub(crate) fn with<'h>(family: &[&'h str], more: &[&'h str]) -> Vec<&'h str> {
    [family, more].concat()
}

pub(crate) fn api_key(key: &str) -> String {
    format!("X-Api-Key: {key}")
}

fn basic(user: &[u8], password: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode([user, b":", password.as_bytes()].concat()))
}

#[test]
fn an_accepted_request_gets_every_identity_header_once() {
    let house = House::new();
    let key = api_key(&house.full);
    let forged = ["X-Auth-Key-Id: forged", "X-Auth-User: forged", "X-Auth-Credential: forged"];
    for (path, family) in [("/v1/authorize/api/shop", FORWARDED), ("/v1/authorize/api/shop/nginx", ORIGINAL)] {
        let reply = house.ask(&format!("GET {path}"), &with(&family, &with(&[&key], &forged)));
        assert_eq!((reply.status, &*reply.body), (200, ""), "{reply:?}");
        let values = IDENTITY.map(|name| reply.header(&format!("x-auth-{name}")).to_owned());
        let organization = ORGANIZATION.to_string();
        assert_eq!(values[0], organization);
        assert!(values[1].starts_with("key_") && values[4] == organization);
        assert_eq!(values[2], "Za%C5%BC%C3%B3%C5%82%C4%87 %22all%22");
        let rest: Vec<&str> = [3, 5, 6, 7, 8, 9, 10, 16].map(|at: usize| &*values[at]).into();
        assert_eq!(rest, ["organization", "Acme", "", "live", "shop", "full-access", "shop:list", "x-api-key"]);
        assert!(values[11..16].iter().all(String::is_empty));
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("x-request-id").starts_with("req_"));
    }
}

#[test]
fn one_line_tells_nginx_what_all_identity_headers_tell() {
    let house = House::new();
    for credential in [api_key(&house.full), basic(b"x", &house.reader)] {
        let lines = with(&ORIGINAL, &[&credential]);
        let each = house.ask("GET /v1/authorize/api/shop/nginx", &lines);
        let line = house.ask("GET /v1/authorize/api/shop/nginx/line", &lines);
        assert_eq!((each.status, line.status), (200, 200), "{each:?} {line:?}");
        let values = ["credential"].iter().chain(&IDENTITY[..16]).map(|name| each.header(&format!("x-auth-{name}")));
        assert_eq!(line.header("claviger-identity"), values.collect::<Vec<_>>().join(";"));
        assert!(line.all("x-auth-key-id").is_empty() && line.all("x-auth-credential").is_empty(), "{line:?}");
        assert!(each.all("claviger-identity").is_empty(), "{each:?}");
    }
    let mut delete = ORIGINAL;
    delete[0] = "X-Original-Method: DELETE";
    let ask = |path: &str| house.ask(path, &with(&delete, &[&api_key(&house.reader)]));
    let (each, line) = (ask("GET /v1/authorize/api/shop/nginx"), ask("GET /v1/authorize/api/shop/nginx/line"));
    assert_eq!((line.status, line.header("claviger-refusal")), (403, each.header("claviger-refusal")));
    assert!(line.all("claviger-identity").is_empty());
}

#[test]
fn traefik_gets_back_what_stood_in_a_key_s_place_and_is_none() {
    let house = House::new();
    let key = api_key(&house.full);
    let users = ["Authorization: Bearer a.users.jwt", "X-Token: of-the-service-s-own-users", "X-Other: x"];
    let ask = |more: &[&str]| house.ask("GET /v1/authorize/api/shop/traefik", &with(&FORWARDED, more));
    let reply = ask(&with(&[&key], &users));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("authorization"), "Bearer a.users.jwt");
    assert_eq!(reply.header("x-token"), "of-the-service-s-own-users");
    assert!(reply.all("x-api-key").is_empty() && reply.all("x-other").is_empty(), "neither the key nor anything else");
    let bearer = format!("Authorization: Bearer {}", house.full);
    assert!(ask(&[&bearer]).all("authorization").is_empty());
    let refused = ask(&users);
    assert_eq!((refused.status, refused.all("authorization").len()), (401, 0), "a refusal brings nothing back");
    let plain = house.ask("GET /v1/authorize/api/shop", &with(&FORWARDED, &with(&[&key], &users)));
    assert!(plain.all("authorization").is_empty(), "nor does the door of other gateways");
}

#[test]
fn y_02_basic_bearer_and_x_api_key_and_the_challenges_of_a_401() {
    let house = House::new();
    for header in
        [basic(b"any", &house.reader), format!("Authorization: Bearer {}", house.reader), api_key(&house.reader)]
    {
        assert_eq!(house.ask("GET /v1/authorize", &with(&FORWARDED, &[&header])).status, 200);
    }
    let reply = house.ask("GET /v1/authorize", &FORWARDED);
    assert_eq!((reply.status, reply.code()), (401, "MISSING".into()));
    assert_eq!(
        reply.all("www-authenticate"),
        ["Basic realm=\"claviger\", charset=\"UTF-8\"", "Bearer realm=\"claviger\""]
    );
    for bad in
        ["Authorization: Basic !!!", "Authorization: Basic", "Authorization: Basic /w=", "Authorization: Digest x"]
    {
        let reply = house.ask("GET /v1/authorize", &with(&FORWARDED, &[bad]));
        assert_eq!(reply.status, 401, "{bad}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
    }
    let malformed = house.ask("GET /v1/authorize", &with(&FORWARDED, &["Authorization: Bearer short"]));
    assert_eq!(malformed.code(), "MALFORMED");
    assert_eq!(malformed.all("www-authenticate")[1], "Bearer realm=\"claviger\", error=\"invalid_token\"");
}

#[test]
fn y_03_any_user_name() {
    let house = House::new();
    for user in [&b""[..], b"x", b"user@x", "zażółć".as_bytes(), &[b'u'; 1024]] {
        let reply = house.ask("GET /v1/authorize", &with(&FORWARDED, &[&basic(user, &house.reader)]));
        assert_eq!(reply.status, 200, "{user:?}");
    }
}

#[test]
fn y_04_a_key_as_the_user_name_is_none_and_the_answer_does_not_repeat_it() {
    let house = House::new();
    for reply in [
        house.ask("GET /v1/authorize", &with(&FORWARDED, &[&basic(house.reader.as_bytes(), "")])),
        house.post("/v1/verify", &format!(r#"{{"credential":["{}"],"{}":1}}"#, house.reader, "x")),
    ] {
        assert!(matches!(reply.status, 400 | 401), "{reply:?}");
        assert!(!reply.body.contains(&house.reader) && !reply.body.contains(&house.reader[9..30]), "{reply:?}");
    }
}

#[test]
fn g_22_header_names_have_any_case_and_two_different_keys_are_malformed() {
    let house = House::new();
    for name in ["x-api-key", "X-API-KEY", "X-Api-key"] {
        let reply = house.ask("GET /v1/authorize", &with(&FORWARDED, &[&format!("{name}: {}", house.reader)]));
        assert_eq!(reply.status, 200, "{name}");
    }
    let (reader, full) = (api_key(&house.reader), api_key(&house.full));
    let twice = house.ask("GET /v1/authorize", &with(&FORWARDED, &[&reader, &reader]));
    assert_eq!(twice.status, 200);
    let two = house.ask("GET /v1/authorize", &with(&FORWARDED, &[&reader, &full]));
    assert_eq!((two.status, two.code()), (401, "MALFORMED".into()));
    let mixed = house.ask("GET /v1/authorize", &with(&FORWARDED, &[&reader, &basic(b"u", &house.full)]));
    assert_eq!(mixed.code(), "MALFORMED");
    let body = format!(r#"{{"credential":"{}","x_api_key":"{}"}}"#, house.reader, house.full);
    assert_eq!(house.post("/v1/verify", &body).code(), "MALFORMED");
}

#[test]
fn a_forged_second_family_header_is_refused_with_a_diagnostic() {
    let house = House::new();
    let key = api_key(&house.full);
    let doors = [("/v1/authorize", FORWARDED, "403"), ("/v1/authorize/nginx", ORIGINAL, "403")];
    for (path, family, status) in doors {
        for line in family {
            let twice = house.ask(&format!("GET {path}"), &with(&family, &[&key, line]));
            assert_eq!((twice.status, twice.code()), (403, "gateway_headers".into()), "{line}");
            let missing: Vec<&str> = family.into_iter().filter(|other| *other != line).chain([&*key]).collect();
            let missing = house.ask(&format!("GET {path}"), &missing);
            assert_eq!((missing.status, missing.code()), (403, "gateway_headers".into()), "{line}");
            if path.ends_with("nginx") {
                assert_eq!(missing.header("x-auth-status"), status);
            }
        }
    }
    let batch = house.engine.drain_usage();
    assert_eq!(batch.refusals.len(), 16);
    assert!(batch.refusals.iter().all(|refusal| refusal.check.starts_with("gateway header") && refusal.key.is_none()));
    assert_eq!(house.running.metrics().gateway_refused, 16);
}

#[test]
fn headers_of_the_other_family_are_not_looked_at() {
    let house = House::new();
    let key = api_key(&house.reader);
    let other = ["X-Original-Method: DELETE", "X-Original-URI: /items", "X-Real-IP: 6.6.6.6", "X-Original-URI: /b"];
    assert_eq!(house.ask("GET /v1/authorize", &with(&FORWARDED, &with(&other, &[&key]))).status, 200);
    let other = ["X-Forwarded-Method: DELETE", "X-Forwarded-Uri: /x", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1"];
    assert_eq!(house.ask("GET /v1/authorize/nginx", &with(&ORIGINAL, &with(&other, &[&key]))).status, 200);
}

#[test]
fn a_peer_that_is_no_trusted_proxy_may_not_ask() {
    let house = House::with(Config { trusted_proxies: Vec::new(), ..Config::default() });
    let key = api_key(&house.full);
    let reply = house.ask("GET /v1/authorize", &with(&FORWARDED, &[&key]));
    assert_eq!((reply.status, reply.code()), (403, "untrusted_peer".into()));
    let reply = house.ask("GET /v1/authorize/nginx", &with(&ORIGINAL, &[&key]));
    assert_eq!((reply.status, reply.header("x-auth-status")), (403, "403"));
    assert_eq!(house.engine.drain_usage().refusals.len(), 2);
}

#[test]
fn refusals_keep_their_status_and_nginx_is_told_it_in_a_header() {
    let house = House::new();
    let (full, reader) = (api_key(&house.full), api_key(&house.reader));
    let mut elsewhere = FORWARDED;
    elsewhere[3] = "X-Forwarded-For: 203.0.113.7, 198.51.100.1, 127.0.0.1";
    let ip = house.ask("GET /v1/authorize", &with(&elsewhere, &[&full]));
    assert_eq!((ip.status, ip.code()), (403, Code::IpNotAllowed.to_string()));
    assert!(ip.all("www-authenticate").is_empty());
    let mut delete = ORIGINAL;
    delete[0] = "X-Original-Method: DELETE";
    let nginx = house.ask("GET /v1/authorize/api/shop/nginx", &with(&delete, &[&reader]));
    assert_eq!((nginx.status, nginx.header("x-auth-status")), (403, "403"));
    assert_eq!(nginx.header("x-auth-code"), "OPERATION_NOT_ALLOWED");
    assert_eq!(nginx.header("x-auth-detail"), Code::OperationNotAllowed.detail());
    let whole = format!("403 OPERATION_NOT_ALLOWED - {}", Code::OperationNotAllowed.detail());
    assert_eq!(nginx.header("claviger-refusal"), whole);
    assert_eq!(nginx.header("www-authenticate"), "Bearer realm=\"claviger\", error=\"insufficient_scope\"");
    let nginx = house.ask("GET /v1/authorize/api/shop/nginx", &ORIGINAL);
    assert_eq!(nginx.status, 401);
    assert_eq!(
        nginx.header("www-authenticate"),
        "Basic realm=\"claviger\", charset=\"UTF-8\", Bearer realm=\"claviger\""
    );
    assert!(nginx.all("x-auth-status").is_empty());
}

#[test]
fn a_method_override_is_judged_too_and_an_unknown_pin_belongs_to_no_api() {
    let house = House::new();
    let key = api_key(&house.reader);
    for header in ["X-HTTP-Method-Override: DELETE", "X-HTTP-Method: post", "X-Method-Override: \u{e9}"] {
        let reply = house.ask("GET /v1/authorize/api/shop", &with(&FORWARDED, &[&key, header]));
        assert_eq!(reply.code(), "OPERATION_NOT_ALLOWED", "{header}");
    }
    assert_eq!(house.ask("GET /v1/authorize/api/nope", &with(&FORWARDED, &[&key])).code(), "OPERATION_NOT_ALLOWED");
    // The query that Caddy appends to the door's own address is not the request's.
    assert_eq!(house.ask("GET /v1/authorize/api/shop?_method=DELETE", &with(&FORWARDED, &[&key])).status, 200);
}

#[test]
fn hostile_targets_get_a_verdict() {
    let house = House::new();
    let key = api_key(&house.full);
    for target in ["", "items", "http://x/items", "/items/../x", "/%2e%2e/items", "//items", "/a\\b", "/ż", "/%00", "*"]
    {
        let uri = format!("X-Forwarded-Uri: {target}");
        let mut family = FORWARDED;
        family[1] = &uri;
        let reply = house.ask("GET /v1/authorize", &with(&family, &[&key]));
        assert_eq!((reply.status, reply.code()), (403, "OPERATION_NOT_ALLOWED".into()), "{target:?}");
        let body = serde_json::json!({
            "credential": house.full, "client_ip": "203.0.113.7", "method": "GET", "path": target,
        });
        let reply = house.post("/v1/verify", &body.to_string());
        assert_eq!((reply.status, reply.code()), (200, "OPERATION_NOT_ALLOWED".into()), "{target:?}");
    }
}

#[test]
fn verify_says_what_api_md_says() {
    let house = House::new();
    let body = serde_json::json!({
        "authorization": format!("Bearer {}", house.full), "client_ip": "203.0.113.7", "method": "GET", "path": "/items",
        "host": "shop.example.com", "api": "shop", "requires": ["readers", "full-access"], "cost": 1,
    });
    let reply = house.post("/v1/verify", &body.to_string());
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.header("cache-control"), "no-store");
    let mut json = reply.json();
    assert_eq!(json["request_id"], reply.header("x-request-id"));
    let hint = format!("clv_live_…{}", &house.full[house.full.len() - 4..]);
    json["request_id"] = "".into();
    let organization = ORGANIZATION.to_string();
    assert_eq!(
        json,
        serde_json::json!({
            "valid": true, "code": "VALID", "request_id": "", "organization": organization,
            "key": {
                "id": "key_00000000000000000000000002", "name": "Zażółć \"all\"", "environment": "live", "hint": hint,
                "owner": {"type": "organization", "id": organization, "name": "Acme"}, "api_sets": ["full-access"],
                "external_id": null, "metadata": {}, "expires_at": null,
            },
            "api_user": null, "api": "shop", "operation": "shop:list", "limits": [],
        })
    );
    let refused = house.post("/v1/verify", r#"{"credential":"clv_live_unknown-but-long-enough"}"#).json();
    assert_eq!((&refused["valid"], &refused["code"]), (&false.into(), &"NOT_FOUND".into()));
    assert_eq!(refused["detail"], Code::NotFound.detail());
    assert!(refused.get("key").is_none() && refused.get("organization").is_none());
}

#[test]
fn verify_with_parts_left_out() {
    let house = House::new();
    let credential = format!(r#""credential":"{}""#, house.full);
    assert_eq!(house.post("/v1/verify", &format!("{{{credential}}}")).code(), "IP_NOT_ALLOWED");
    let reply = house.post("/v1/verify", &format!(r#"{{{credential},"client_ip":"::ffff:203.0.113.7"}}"#));
    assert_eq!((reply.code(), &reply.json()["operation_checked"]), ("VALID".into(), &false.into()));
    for empty in [r#"{"credential":""}"#, r#"{"authorization":"Basic Og=="}"#, r#"{"identifier":"","password":""}"#] {
        assert_eq!(house.post("/v1/verify", empty).code(), "MISSING", "{empty}");
    }
    let login = format!(r#"{{"identifier":"any","password":"{}"}}"#, house.reader);
    assert_eq!(house.post("/v1/verify", &login).code(), "VALID");
}

#[test]
fn malformed_questions_are_400_and_name_the_field() {
    let house = House::new();
    for (body, field) in [
        ("{}", "credential"),
        ("", ""),
        ("{", ""),
        ("[]", ""),
        (r#"{"credential":"x","credentials":"y"}"#, "credentials"),
        (r#"{"credential":1}"#, "credential"),
        (r#"{"credential":"x","path":"/"}"#, "method"),
        (r#"{"credential":"x","client_ip":"nowhere"}"#, "client_ip"),
        (r#"{"credential":"x","requires":["readers","nope"]}"#, "requires[1]"),
    ] {
        let reply = house.post("/v1/verify", body);
        assert_eq!((reply.status, reply.code()), (400, "invalid_request".into()), "{body}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let json = reply.json();
        assert_eq!(json["errors"][0]["field"], field, "{body}");
        assert_eq!(json["type"], "urn:claviger:problem:invalid_request");
        assert_eq!(json["request_id"], reply.header("x-request-id"));
    }
    assert_eq!(house.running.metrics().malformed, 9);
}

#[test]
fn a_batch_keeps_its_order_and_a_malformed_item_its_place() {
    let house = House::new();
    let body = format!(r#"[{{"credential":"{}"}},{{"nope":1}},5,{{"credential":""}}]"#, house.reader);
    let reply = house.post("/v1/verify/batch", &body);
    let json = reply.json();
    let codes: Vec<_> = json.as_array().expect("an array").iter().map(|item| item["code"].as_str()).collect();
    assert_eq!(codes, ["VALID", "invalid_request", "invalid_request", "MISSING"].map(Some));
    assert_eq!(json[1]["status"], 400);
    let many = format!("[{}]", vec!["{}"; 101].join(","));
    assert_eq!(house.post("/v1/verify/batch", &many).status, 400);
}

#[test]
fn bodies_over_the_limit_are_413_declared_or_not() {
    let house = House::with(Config { body_max_bytes: 1024, ..Config::default() });
    let body = format!(r#"{{"credential":"{}"}}"#, "x".repeat(2_000));
    assert_eq!(house.post("/v1/verify", &body).status, 413);
    let head = "POST /v1/verify HTTP/1.1\r\nHost: d\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!("{head}7d0\r\n{}\r\n0\r\n\r\n", "x".repeat(2_000));
    let reply = Reply::of(&house.raw(chunked.as_bytes()));
    assert_eq!((reply.status, reply.code()), (413, "too_large".into()));
}

#[test]
fn a_door_token_that_is_sent_is_always_judged() {
    let house = House::new();
    let key = api_key(&house.reader);
    let ask =
        |token: &str| house.ask("GET /v1/authorize", &with(&FORWARDED, &[&key, &format!("X-Claviger-Door: {token}")]));
    assert_eq!((ask("").status, ask(&house.token).status), (200, 200));
    for wrong in ["wrong", &house.reader, &house.full] {
        let reply = ask(wrong);
        assert_eq!((reply.status, reply.code()), (403, "door_token".into()), "{reply:?}");
        assert!(reply.all("www-authenticate").is_empty());
    }
    let nginx = house.ask("GET /v1/authorize/nginx", &with(&ORIGINAL, &[&key, "X-Claviger-Door: wrong"]));
    assert_eq!((nginx.status, nginx.header("x-auth-status"), nginx.header("x-auth-code")), (403, "403", "door_token"));
    assert_eq!(house.running.metrics().door_token_refused, 4);
    assert_eq!(house.engine.drain_usage().refusals.len(), 4);
}

#[test]
fn a_required_door_token_is_missed_at_every_door_but_whoami() {
    let house = House::with(Config { require_token: Some(true), ..Config::default() });
    let key = api_key(&house.reader);
    assert_eq!(house.ask("GET /v1/authorize", &with(&FORWARDED, &[&key])).code(), "door_token");
    assert_eq!(house.ask("GET /v1/authorize", &with(&FORWARDED, &[&key, "X-Claviger-Door: "])).code(), "door_token");
    assert_eq!(house.post("/v1/verify", r#"{"credential":"x"}"#).code(), "door_token");
    assert_eq!(house.ask("GET /v1/whoami", &[&key]).status, 200);
}

#[test]
fn before_the_first_load_every_door_is_busy() {
    let house = House::empty(Config::default());
    let whoami = house.ask("GET /v1/whoami", &[]);
    for reply in [house.ask("GET /v1/authorize", &FORWARDED), house.post("/v1/verify", "{}"), whoami] {
        assert_eq!((reply.status, reply.code(), reply.header("retry-after")), (503, "busy".into(), "1"));
    }
    let nginx = house.ask("GET /v1/authorize/nginx", &ORIGINAL);
    assert_eq!((nginx.status, nginx.header("x-auth-status"), nginx.header("retry-after")), (403, "503", "1"));
    assert!(nginx.header("claviger-refusal").starts_with("503 busy 1 No verdict"), "{nginx:?}");
}

#[test]
fn whoami_tells_the_key_and_is_limited_and_no_use() {
    let house = House::with(Config { whoami_per_minute: 2, ..Config::default() });
    let key = api_key(&house.full);
    let from = |ip: &str| house.ask("GET /v1/whoami", &[&key, &format!("X-Forwarded-For: {ip}")]);
    let reply = from("203.0.113.7");
    assert_eq!((reply.status, &reply.json()["key"]["api_sets"]), (200, &serde_json::json!(["full-access"])));
    assert_eq!(from("203.0.113.7").status, 200);
    let limited = from("203.0.113.7");
    assert_eq!((limited.status, limited.code()), (429, "rate_limited".into()));
    assert!(limited.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=61).contains(&seconds)));
    assert_eq!(from("198.51.100.1").code(), "IP_NOT_ALLOWED");
    assert_eq!(from("unknown").code(), "gateway_headers");
    assert!(house.engine.drain_usage().keys.is_empty());
}

#[test]
fn other_paths_and_methods() {
    let house = House::new();
    assert_eq!(house.ask("GET /", &[]).status, 404);
    let reply = house.ask("GET /v1/verify", &[]);
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
    assert_eq!(house.ask("DELETE /v1/authorize", &with(&FORWARDED, &[&api_key(&house.reader)])).status, 200);
    let document = house.ask("GET /v1/openapi.json", &[]);
    assert_eq!(document.json(), crate::openapi());
}
