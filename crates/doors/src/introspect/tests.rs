//! The door over real sockets: what is asked and what is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::Config;
use crate::limit_tests::rate;
use crate::testing::{House, ORGANIZATION, Reply};
use crate::wire_tests::with;

pub(super) const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

pub(super) fn ask(house: &House, path: &str, headers: &[&str], form: &str) -> Reply {
    let lines: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
    let length = form.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: doors\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n");
    Reply::of(&house.raw([head.as_bytes(), form.as_bytes()].concat().as_slice()))
}

fn token_needed() -> House {
    House::with(Config { require_token: Some(true), ..Config::default() })
}

fn basic(user: &str, password: &str) -> String {
    format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[test]
fn a_key_that_passes_is_active_with_the_members_of_the_rfc() {
    let house = House::new();
    let form =
        format!("token={}&token_type_hint=access_token&method=GET&path=%2Fitems&client_ip=203.0.113.7", house.reader);
    let reply = ask(&house, "/v1/introspect/api/shop", &[FORM], &form);
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"), "{reply:?}");
    assert_eq!(reply.header("cache-control"), "no-store");
    let told = reply.json();
    let organization = ORGANIZATION.to_string();
    for (member, value) in [
        ("active", json!(true)),
        ("token_type", json!("api_key")),
        ("scope", json!("readers")),
        ("client_id", json!(organization)),
        ("username", json!("Acme")),
        ("sub", json!(organization)),
        ("aud", json!("shop")),
        ("iss", json!(organization)),
        ("jti", told["key"]["id"].clone()),
        ("iat", json!(1_800_000_000)),
        ("api", json!("shop")),
        ("operation", json!("shop:list")),
    ] {
        assert_eq!(told[member], value, "{member}");
    }
    assert_eq!((told.get("exp"), told.get("nbf")), (None, None), "it has neither end nor beginning");
    assert!(!reply.body.contains(&house.reader));
}

#[test]
fn what_does_not_pass_is_not_active_and_no_more_is_said() {
    let house = House::new();
    let (reader, full) = (&house.reader, &house.full);
    let other = if reader.ends_with('0') { '1' } else { '0' };
    let bad = format!("{}{other}", &reader[..reader.len() - 1]);
    for form in [
        format!("token={bad}"),
        "token=clv_live_00000000000000000000000000000000000000".to_owned(),
        "token=some-other-token-of-another-system".to_owned(),
        "token=%00%FF%zz".to_owned(),
        format!("token={}", "x".repeat(9_000)),
        format!("token={full}"),
        format!("token={full}&client_ip=203.0.113.8"),
        format!("token={reader}&method=DELETE&path=/items"),
        format!("token={reader}&method=GET&path=/items/.."),
        format!("token={reader}&requires=full-access"),
    ] {
        let reply = ask(&house, "/v1/introspect/api/shop", &[FORM], &form);
        assert_eq!((reply.status, &*reply.body), (200, r#"{"active":false}"#), "{form}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let passes = |form: &str| ask(&house, "/v1/introspect", &[FORM], form).json()["active"] == true;
    assert!(
        passes(&format!("token={full}&client_ip=203.0.113.7")) && passes(&format!("token={reader}&requires=readers"))
    );
    let elsewhere =
        ask(&house, "/v1/introspect/api/nowhere", &[FORM], &format!("token={reader}&method=GET&path=/items"));
    assert_eq!(elsewhere.body, r#"{"active":false}"#);
}

#[test]
fn a_question_that_makes_no_sense_is_told_by_its_parameter() {
    let house = House::new();
    let many = format!("token={}{}", house.reader, "&a=b".repeat(64));
    for (form, field) in [
        ("", "token"),
        ("token=", "token"),
        ("tokens=x", "token"),
        ("token=a&token=a", "token"),
        ("token=a&token_type_hint=x&token_type_hint=x", "token_type_hint"),
        ("token=a&path=/x", "method"),
        ("token=a&method=GET", "path"),
        ("token=a&client_ip=nowhere", "client_ip"),
        ("token=a&cost=-1", "cost"),
        ("token=a&cost=9007199254740993", "cost"),
        ("token=a&requires=no-such-set", "requires[0]"),
        (&many, ""),
    ] {
        let reply = ask(&house, "/v1/introspect", &[FORM], form);
        let told = reply.json();
        let shown = (reply.status, &told["code"], &told["error"], &told["errors"][0]["field"]);
        assert_eq!(shown, (400, &json!("invalid_request"), &json!("invalid_request"), &json!(field)), "{form}");
    }
    let unknown = format!("token={}&unknown=1&unknown=2&token_type_hint=refresh_token&client_ip=", house.reader);
    assert_eq!(ask(&house, "/v1/introspect", &[FORM], &unknown).json()["active"], true, "empty ones are left out");
}

#[test]
fn only_a_form_that_is_posted_and_not_too_long_is_read() {
    let house = House::with(Config { body_max_bytes: 1_024, ..Config::default() });
    let form = format!("token={}", house.reader);
    let charset = "Content-Type: Application/X-WWW-Form-Urlencoded ; charset=UTF-8";
    assert_eq!(ask(&house, "/v1/introspect", &[charset], &form).json()["active"], true);
    let json = "Content-Type: application/json";
    for types in [&[][..], &[json], &["Content-Type: "], &[FORM, FORM], &[FORM, json]] {
        let reply = ask(&house, "/v1/introspect", types, &form);
        assert_eq!((reply.status, &*reply.code()), (415, "unsupported_media_type"), "{types:?}");
    }
    let long = ask(&house, "/v1/introspect", &[FORM], &format!("{form}&x={}", "y".repeat(1_024)));
    assert_eq!((long.status, &*long.code()), (413, "too_large"));
    for path in ["/v1/introspect", "/v1/introspect/api/shop"] {
        let get = house.ask(&format!("GET {path}?{form}"), &[]);
        assert_eq!((get.status, get.header("allow")), (405, "POST"));
    }
}

#[test]
fn who_asks_says_so_as_clients_of_oauth_do() {
    let house = token_needed();
    let form = format!("token={}", house.reader);
    let header = format!("X-Claviger-Door: {}", house.token);
    let bearer = format!("Authorization: Bearer {}", house.token);
    for line in [&basic("gateway", &house.token), &bearer, &header] {
        assert_eq!(ask(&house, "/v1/introspect", &[FORM, line], &form).json()["active"], true, "{line}");
    }
    let mut bodies = Vec::new();
    let right = basic("gateway", &house.token);
    for lines in [
        Vec::new(),
        vec![&*basic("gateway", "")],
        vec![&*basic("gateway", &house.reader)],
        vec![&*basic("gateway", "unknown-to-everybody-here")],
        vec![&*basic(&house.token, "x")],
        vec!["Authorization: Basic !!!"],
        vec![&*right, "X-Claviger-Door: another"],
    ] {
        let reply = ask(&house, "/v1/introspect", &with(&[FORM], &lines), &form);
        assert_eq!((reply.status, &*reply.code()), (401, "door_token"), "{lines:?}");
        assert_eq!(reply.all("www-authenticate").len(), 2);
        let mut told = reply.json();
        told["request_id"].take();
        bodies.push(told);
    }
    assert_eq!(bodies[0]["error"], "invalid_client");
    assert!(bodies.iter().all(|body| *body == bodies[0]), "unknown and wrong look the same: {bodies:?}");
}

#[test]
fn limits_are_counted_and_what_is_over_one_is_not_active_with_a_time() {
    let house = House::new();
    house.limit_reader(vec![rate("minute", 1)]);
    let form = format!("token={}", house.reader);
    let first = ask(&house, "/v1/introspect", &[FORM], &form);
    assert_eq!((first.json()["active"] == true, first.header("ratelimit")), (true, "\"minute\";r=0;t=60"));
    let second = ask(&house, "/v1/introspect", &[FORM], &form);
    assert_eq!((second.status, &*second.body), (200, r#"{"active":false}"#));
    assert!(second.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    let free = ask(&house, "/v1/introspect", &[FORM], &format!("{form}&cost=0"));
    assert_eq!(free.json()["active"], true, "{free:?}");
}

#[test]
fn without_a_replica_nobody_is_judged() {
    let house = House::empty(Config::default());
    let reply = ask(&house, "/v1/introspect", &[FORM], "token=x");
    assert_eq!((reply.status, &*reply.code(), reply.header("retry-after")), (503, "busy", "1"));
}
