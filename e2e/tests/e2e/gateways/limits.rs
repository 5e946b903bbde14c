//! What every gateway has to do with limits.

use serde_json::json;

use crate::harness::gateway::{Front, Kind};
use crate::harness::lossy::LossyLine;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// A limit's refusal reaches the client as it is; what is left is told where the gateway can tell it.
pub(super) async fn answers_429(kind: Kind, world: &World) {
    world.import_github().await;
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    let rate = json!({ "name": "minute", "kind": "rate", "limit": 2, "window_seconds": 60 });
    let never = json!({ "name": "credits", "kind": "quota", "limit": 0, "period": "total" });
    for (limit, code, passes, policy, refused, retry) in [
        (rate, "RATE_LIMITED", 2, "\"minute\";q=2;w=60", "\"minute\";r=0;t=30", Some("30")),
        (never, "QUOTA_EXCEEDED", 0, "\"credits\";q=0", "\"credits\";r=0", None),
    ] {
        let key = json!({ "name": code, "api_sets": ["full-access"], "limits": [limit] });
        let key = world.create_key(key).await;
        let get = || gateway.send(Request::get("/repos/o/r").bearer(&key.secret));
        for left in (0..passes).rev() {
            let passed = get().await.expect(200);
            let told = passed.header("ratelimit").zip(passed.header("ratelimit-policy"));
            let (t, policy) = (60 - 30 * left, policy.to_owned());
            let expected = (format!("\"minute\";r={left};t={t}"), policy);
            assert_eq!(told, kind.tells_what_is_left().then_some(expected));
        }
        let answer = get().await.expect(429);
        assert_eq!(answer.header("retry-after").as_deref(), retry, "{code}");
        assert_eq!(answer.header("ratelimit").as_deref(), Some(refused));
        assert_eq!(answer.header("ratelimit-policy").as_deref(), Some(policy));
        assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"));
        let problem = answer.json();
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(429)));
        assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    }
    assert!(!gateway.logs().contains("unexpected status"), "{}", gateway.logs());
}

/// An answer of Claviger's is lost on its way: whoever asks again asks anew, and nobody passes without an answer.
pub(super) async fn counts_each_question(kind: Kind, world: &World) {
    world.import_github().await;
    let line = LossyLine::to(world.doors).await;
    // Nothing of it comes back while this runs.
    let ten = json!({ "name": "ten", "kind": "rate", "limit": 10, "window_seconds": 86_400 });
    let key = json!({ "name": "k", "api_sets": ["full-access"], "limits": [ten] });
    let key = world.create_key(key).await;
    let gateway = kind.start(Front::of(line.address, "github")).await;
    let get = || gateway.send(Request::get("/repos/o/r").bearer(&key.secret));
    get().await.expect(200);
    line.lose_next_answer();
    let answer = get().await;
    // On a connection that was kept a question without an answer may never have arrived.
    let asked = if kind.asks_again() { 2 } else { 1 };
    assert_eq!(answer.status == 200, kind.asks_again(), "{}", answer.text());
    let is_said = answer.status >= 500 || kind.says_not_active_alone() && answer.status == 401;
    assert!(answer.status == 200 || is_said, "{}", answer.text());
    let question =
        json!({ "credential": key.secret, "api": "github", "method": "GET", "path": "/repos/o/r", "cost": 0 });
    let verdict = Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json();
    assert_eq!(verdict["limits"][0]["remaining"], 10 - 1 - asked);
}
