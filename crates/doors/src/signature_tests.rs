//! Signatures at every kind of door: those that have the body, and those that do not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::testing::House;
use crate::wire_tests::{FORWARDED, ORIGINAL, api_key, with};

const BODY: &[u8] = b"{\"call\": 7, \"state\": \"\xff\"}";

/// What `/v1/verify` says of a signature and a body, with more members.
fn verify(house: &House, signature: &str, body: &[u8], more: &Value) -> Value {
    let mut question = json!({"x_api_signature": signature, "body": STANDARD.encode(body), "api": "shop",
        "method": "GET", "path": "/items", "client_ip": "203.0.113.7"});
    for (name, value) in more.as_object().into_iter().flatten() {
        question[name] = value.clone();
    }
    house.post("/v1/verify", &question.to_string()).json()
}

#[test]
fn w_14_a_signature_over_the_body_is_its_key_and_wrong_and_unknown_are_alike() {
    let house = House::new();
    let right = house.signature(BODY);
    let verdict = verify(&house, &right, BODY, &json!({}));
    assert_eq!((&verdict["code"], &verdict["key"]["name"]), (&json!("VALID"), &json!("signer")));
    assert_eq!(verify(&house, &right, BODY, &json!({"method": "DELETE"}))["code"], "OPERATION_NOT_ALLOWED");
    let unpadded = verify(&house, &right, BODY, &json!({"body": STANDARD.encode(BODY).trim_end_matches('=')}));
    assert_eq!(unpadded["code"], "VALID");

    let strip = |mut verdict: Value| {
        verdict["request_id"] = Value::Null;
        verdict
    };
    let wrong = strip(verify(&house, &right, b"another body", &json!({})));
    assert_eq!((&wrong["code"], house.last_check()), (&json!("NOT_FOUND"), "signature of no key".to_owned()));
    let unknown = strip(verify(&house, &STANDARD.encode([7; 32]), BODY, &json!({})));
    assert_eq!(unknown, wrong);
    let key = strip(verify(&house, "", b"", &json!({"credential": "an-imported-key-nobody-has"})));
    assert_eq!(key, wrong, "as an unknown key");
}

#[test]
fn w_14_what_is_no_signature_is_malformed_and_an_empty_one_is_none() {
    let house = House::new();
    for (signature, code, check) in [
        ("short".to_owned(), "MALFORMED", "signature is no base64 of 32 bytes"),
        (STANDARD.encode([7; 31]), "MALFORMED", "signature is no base64 of 32 bytes"),
        (String::new(), "MISSING", "empty credential"),
    ] {
        assert_eq!(verify(&house, &signature, BODY, &json!({}))["code"], code, "{signature}");
        assert_eq!(house.last_check(), check, "{signature}");
    }
    assert_eq!(verify(&house, &house.signature(b""), b"", &json!({}))["code"], "NOT_FOUND");
    assert_eq!(house.last_check(), "signature of an empty body");
}

#[test]
fn w_14_beside_a_key_the_key_counts_and_two_keys_are_none() {
    let house = House::new();
    let ask = |signature: &str, key: &str| {
        let verdict = verify(&house, signature, BODY, &json!({"x_api_key": key}));
        (verdict["code"].as_str().unwrap_or_default().to_owned(), verdict["key"]["name"].clone())
    };
    let (right, wrong) = (house.signature(BODY), house.signature(b"other"));
    assert_eq!(ask(&wrong, &house.reader), ("VALID".to_owned(), json!("reader")));
    assert_eq!(ask(&right, &house.signer), ("VALID".to_owned(), json!("signer")));
    assert_eq!(ask(&right, &house.reader), ("MALFORMED".to_owned(), Value::Null));
    assert_eq!(ask(&right, "a.token.of.the.apis.own.users"), ("VALID".to_owned(), json!("signer")));
    assert_eq!(ask(&wrong, "a.token.of.the.apis.own.users"), ("NOT_FOUND".to_owned(), Value::Null));
}

#[test]
fn w_14_doors_without_the_body_refuse_and_the_log_says_why() {
    let house = House::new();
    let signature = format!("X-Api-Signature: {}", house.signature(b""));
    let envoy = ["X-Forwarded-For: 203.0.113.7"];
    for (path, family) in [
        ("/v1/authorize/api/shop", &FORWARDED[..]),
        ("/v1/authorize/api/shop/traefik", &FORWARDED),
        ("/v1/authorize/api/shop/nginx", &ORIGINAL),
        ("/v1/authorize/api/shop/nginx/line", &ORIGINAL),
        ("/v1/authorize/api/shop/envoy/items", &envoy),
    ] {
        let refused = house.ask(&format!("GET {path}"), &with(family, &[&signature]));
        assert_eq!(refused.status, 401, "{path}: {refused:?}");
        assert_eq!(house.last_check(), "signature at a door without the body", "{path}");
        let key = api_key(&house.signer);
        let passed = house.ask(&format!("GET {path}"), &with(family, &[&signature, &key]));
        assert_eq!(passed.status, 200, "{path}: {passed:?}");
    }
}
