//! Limits over real sockets: what a client is told, and requests that wait for a keeper.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claviger_domain::limit::{Limit, LimitKind, Period, Quota, Rate, Scope};
use claviger_engine::{
    Asking, BlockAsked, Granted, LeaseId, QuotaAsked, QuotaKeeper, QuotaStanding, Unavailable, Unspent,
};
use serde_json::{Value, json};

use crate::testing::{House, Reply};
use crate::wire_tests::{FORWARDED, ORIGINAL, api_key, with};

/// Has so many, and takes its time.
struct SlowKeeper {
    left: AtomicU64,
    leases: AtomicU64,
    late: bool,
}

impl QuotaKeeper for SlowKeeper {
    fn lease_block(&self, asked: BlockAsked) -> Asking<'_, Granted> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(if self.late { 5_000 } else { 5 })).await;
            let lease = LeaseId(u128::from(self.leases.fetch_add(1, Ordering::Relaxed)));
            // One at a time, so that each request waits.
            let taken =
                self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(asked.needed));
            let amount = if taken.is_ok() { asked.needed } else { 0 };
            let rest = self.left.load(Ordering::Relaxed);
            let lease_time = Duration::from_secs(2);
            Ok(Granted { lease, amount, lease_time, period_left: None, rest, ask_again: None })
        })
    }

    fn give_back(&self, _: Vec<Unspent>) -> Asking<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn peek(&self, _: Vec<QuotaAsked>) -> Asking<'_, Vec<QuotaStanding>> {
        Box::pin(async { Err(Unavailable) })
    }
}

pub(crate) fn rate(name: &str, limit: u64) -> Limit {
    let kind = LimitKind::Rate(Rate { limit, window_seconds: 60, burst: limit.max(1) });
    Limit { name: name.parse().expect("a name"), kind, cost: 1, scope: Scope::Key }
}

fn credits(limit: u64) -> Limit {
    let kind = LimitKind::Quota(Quota { limit, period: Period::Total, refill: None });
    Limit { name: "credits".parse().expect("a name"), kind, cost: 1, scope: Scope::Key }
}

fn keep(house: &House, left: u64, late: bool) {
    let keeper = SlowKeeper { left: AtomicU64::new(left), leases: AtomicU64::new(0), late };
    house.engine.keep_quotas(Arc::new(keeper));
}

fn verify(house: &House, more: &Value) -> Reply {
    let mut body = json!({"credential": house.reader, "method": "GET", "path": "/items", "api": "shop"});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    house.post("/v1/verify", &body.to_string())
}

#[test]
fn an_accepted_request_is_told_what_is_left() {
    let house = House::new();
    house.limit_reader(vec![rate("minute", 600), rate("hour", 1 << 53)]);
    let limits = json!([{"name": "minute", "limit": 600, "remaining": 597, "reset_seconds": 1},
                        {"name": "hour", "limit": 1_u64 << 53, "remaining": (1_u64 << 53) - 3, "reset_seconds": 1}]);
    let verdict = verify(&house, &json!({"cost": 3})).json();
    assert_eq!((&verdict["valid"], &verdict["limits"][0]), (&json!(true), &limits[0]), "{verdict}");
    assert_eq!(verdict.get("retry_after_seconds"), None);
    let free = verify(&house, &json!({"cost": 0})).json();
    assert_eq!(free["limits"][0]["remaining"], 597, "what costs nothing takes nothing");
    let key = api_key(&house.reader);
    for (path, family, left) in
        [("/v1/authorize/api/shop", FORWARDED, 596), ("/v1/authorize/api/shop/nginx", ORIGINAL, 595)]
    {
        let reply = house.ask(&format!("GET {path}"), &with(&family, &[&key]));
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("ratelimit-policy"), "\"minute\";q=600;w=60, \"hour\";q=999999999999999;w=60");
        let told = reply.header("ratelimit");
        assert!(told.starts_with(&format!("\"minute\";r={left};t=1, \"hour\";r=999999999999999;t=")), "{told}");
        assert!(reply.all("retry-after").is_empty());
    }
    let whoami = house.ask("GET /v1/whoami", &[&key]);
    assert!(whoami.status == 200 && whoami.all("ratelimit").is_empty(), "no use, no limit");
    assert_eq!(verify(&house, &json!({})).json()["limits"][0]["remaining"], 594);
}

#[test]
fn a_refused_request_is_told_which_limit_and_when_to_come_back() {
    let house = House::new();
    house.limit_reader(vec![rate("minute", 2), rate("many", 100)]);
    for _ in 0..2 {
        assert_eq!(verify(&house, &json!({})).code(), "VALID");
    }
    let verdict = verify(&house, &json!({})).json();
    assert_eq!((&verdict["code"], &verdict["retry_after_seconds"]), (&json!("RATE_LIMITED"), &json!(30)), "{verdict}");
    assert_eq!(verdict["limits"][0], json!({"name": "minute", "limit": 2, "remaining": 0, "reset_seconds": 30}));
    assert_eq!(verdict["limits"][1]["remaining"], 98, "the other is not touched");
    assert_eq!(verdict["key"]["name"], "reader");
    let key = api_key(&house.reader);
    let reply = house.ask("GET /v1/authorize/api/shop", &with(&FORWARDED, &[&key]));
    assert_eq!((reply.status, reply.header("retry-after")), (429, "30"), "{reply:?}");
    assert!(reply.header("ratelimit").starts_with("\"minute\";r=0;t=30"), "{reply:?}");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json();
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!((&problem["code"], &problem["violated-policies"]), (&json!("RATE_LIMITED"), &json!(["minute"])));
    assert_eq!(problem["status"], 429);
    let reply = house.ask("GET /v1/authorize/api/shop/nginx", &with(&ORIGINAL, &[&key]));
    assert_eq!((reply.status, reply.header("x-auth-status"), reply.header("retry-after")), (403, "429", "30"));
    assert_eq!(reply.header("claviger-refusal"), "429 RATE_LIMITED 30 Too many requests.");
    assert!(reply.header("ratelimit").starts_with("\"minute\";r=0;t=30"), "{reply:?}");
    house.limit_reader(vec![rate("never", 0)]);
    let reply = house.ask("GET /v1/authorize/api/shop", &with(&FORWARDED, &[&key]));
    assert!(reply.status == 429 && reply.all("retry-after").is_empty(), "there is no such time: {reply:?}");
    let verdict = verify(&house, &json!({})).json();
    assert_eq!(verdict["limits"], json!([{"name": "never", "limit": 0, "remaining": 0, "reset_seconds": null}]));
}

#[test]
fn requests_that_wait_are_answered_in_their_order_on_the_same_connection() {
    let house = House::new();
    house.limit_reader(vec![credits(7)]);
    keep(&house, 7, false);
    let body = json!({"credential": house.reader, "method": "GET", "path": "/items", "api": "shop"}).to_string();
    let length = body.len();
    let lines: String = FORWARDED.iter().flat_map(|line| [line, "\r\n"]).collect();
    let key = api_key(&house.reader);
    let authorize = format!("GET /v1/authorize/api/shop HTTP/1.1\r\nHost: doors\r\n{lines}{key}\r\n\r\n");
    let post =
        |more: &str| format!("POST /v1/verify HTTP/1.1\r\nHost: doors\r\n{more}Content-Length: {length}\r\n\r\n");
    let mut stream = house.connect();
    // Two at once, one whose body comes later, and the last.
    let begin = [authorize.as_str(), &post(""), &body, &post("")].concat();
    stream.write_all(begin.as_bytes()).expect("open doors");
    std::thread::sleep(Duration::from_millis(100));
    stream.write_all([&body, &*post("Connection: close\r\n"), &body].concat().as_bytes()).expect("open doors");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 4, "{answer}");
    let left: Vec<_> = answer.split("\"remaining\":").skip(1).map(|rest| &rest[..1]).collect();
    assert_eq!(left, ["5", "4", "3"], "each once, in their order: {answer}");
    // By hyper too.
    let chunked = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: doors\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
    );
    assert_eq!(Reply::of(&house.raw(chunked.as_bytes())).status, 200);
}

#[test]
fn a_batch_takes_each_of_its_questions_once() {
    let house = House::new();
    house.limit_reader(vec![credits(4)]);
    keep(&house, 4, false);
    let question = json!({"credential": house.reader, "method": "GET", "path": "/items", "api": "shop"});
    let reply = house.post("/v1/verify/batch", &json!(vec![question; 6]).to_string());
    let codes: Vec<_> = reply.json().as_array().expect("verdicts").iter().map(|one| one["code"].to_string()).collect();
    let expected =
        ["VALID", "VALID", "VALID", "VALID", "QUOTA_EXCEEDED", "QUOTA_EXCEEDED"].map(|code| format!("\"{code}\""));
    assert_eq!(codes, expected, "{reply:?}");
}

#[test]
fn a_keeper_that_is_late_refuses_and_holds_nobody_up() {
    let house = House::new();
    house.limit_reader(vec![credits(4)]);
    keep(&house, 4, true);
    let verdict = verify(&house, &json!({})).json();
    assert_eq!((&verdict["code"], &verdict["retry_after_seconds"]), (&json!("QUOTA_EXCEEDED"), &json!(1)), "{verdict}");
    let question = json!({"credential": house.reader, "method": "GET", "path": "/items", "api": "shop"});
    let reply = house.post("/v1/verify/batch", &json!(vec![question; 100]).to_string());
    assert_eq!(reply.json().as_array().map(Vec::len), Some(100));
}
