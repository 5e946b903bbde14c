//! Sessions, signatures and static tokens over two servers on one PostgreSQL.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::portal::Portal;
use super::senders::{Admin, Sender, Switchboard};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::world::World;

/// How long a call that gives something out waits for the other servers.
const PATIENCE: Duration = Duration::from_millis(300);

/// Two servers with one clock.
struct Pair {
    one: World,
    two: World,
}

// === impl Pair ===

impl Pair {
    async fn start() -> Self {
        let database = TestDatabase::new(Kind::Postgres).await;
        let one = World::start_on(&database).await;
        let two = one.second_node(&database).await;
        Self { one, two }
    }

    /// Changes something at the first server, in force at both when this returns.
    async fn change(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.one.api(method, &format!("{path}?wait=all&wait_ms=5000"), body.as_ref()).await;
        let answer = answer.expect(200).json();
        assert_eq!((&answer["pending"], &answer["lost"]), (&json!([]), &json!([])), "{method} {path}: {answer}");
        answer
    }

    /// Waits until the first server has applied all that stands in the feed now.
    async fn catch_up(&self, name: &str) {
        let body = json!({ "name": name, "api_sets": ["full-access"] });
        let made = self.two.api("POST", "/keys?wait=all&wait_ms=5000", Some(&body)).await.expect(201).json();
        assert_eq!((&made["pending"], &made["lost"]), (&json!([]), &json!([])), "{made}");
    }

    /// A session that counts at both.
    async fn signed_in(&self, here: &Portal<'_>, there: &Portal<'_>) -> String {
        let token = here.sign_in().await;
        wait_until(async || there.code(&token).await == "VALID", || "it never came to the other".to_owned()).await;
        token
    }

    async fn stop(self) {
        self.two.stop_serving().await;
        self.one.stop_serving().await;
    }
}

/// When the only session of a user was used last, as the database has it; none where by that it idles.
async fn used_at(portal: &Portal<'_>) -> Option<String> {
    let path = format!("/api-users/{}/sessions", portal.user);
    let listed = portal.world.api("GET", &path, None).await.expect(200).json();
    listed["data"][0]["last_used"].as_str().map(str::to_owned)
}

/// Waits until a use is written that came after this one.
async fn is_written_after(portal: &Portal<'_>, before: Option<&str>) {
    let is_so = async || used_at(portal).await.is_some_and(|used_at| Some(used_at.as_str()) != before);
    wait_until(is_so, || "the use is never written".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w_13_a_session_counts_at_the_other_server_when_its_sign_in_returns() {
    let pair = Pair::start().await;
    let here = Portal::new(&pair.one).await;
    let there = here.at(&pair.two);
    pair.catch_up("marker").await;
    for round in 0..10 {
        let (from, to) = if round % 2 == 0 { (&here, &there) } else { (&there, &here) };
        let begun = Instant::now();
        let token = from.sign_in().await;
        // The call waits no longer than that for the others, on a machine that does something else.
        let has_waited_in_vain = begun.elapsed() >= PATIENCE;
        if has_waited_in_vain {
            wait_until(async || to.code(&token).await == "VALID", || "it never came to the other".to_owned()).await;
        }
        assert_eq!(to.code(&token).await, "VALID", "round {round}");
        to.result(to.with_token("GET", "Modules", &token)).await;
        assert_eq!(from.code(&token).await, "VALID");
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w_13_whatever_ends_a_session_at_one_server_ends_it_at_the_other() {
    let pair = Pair::start().await;
    let here = Portal::new(&pair.one).await;
    let there = here.at(&pair.two);
    let bob = json!({ "email": "bob@example.com", "name": "Bob" });
    let profile = pair.one.api("POST", "/users", Some(&bob)).await.expect(201).json();
    let profile = profile["user"]["id"].as_str().or(profile["id"].as_str()).expect("an id").to_owned();
    let user = format!("/api-users/{}", here.user);
    pair.change("PATCH", &user, Some(json!({ "profile_user": profile }))).await;
    let keys = pair.one.api("GET", &format!("/keys?owner={}", here.id), None).await.expect(200).json();
    let key = format!("/keys/{}", keys["data"][0]["id"].as_str().expect("the application's key"));
    let application = format!("/applications/{}", here.id);
    let wrong = "Web service - Applications: Wrong Credentials";
    for (path, code, refused) in [
        (user.as_str(), "NOT_FOUND", "Invalid token"),
        (&format!("/users/{profile}"), "NOT_FOUND", "Invalid token"),
        (&key, "NOT_FOUND", "Invalid api key"),
        (&application, "OWNER_DISABLED", wrong),
    ] {
        let token = pair.signed_in(&here, &there).await;
        pair.change("POST", &format!("{path}/disable"), Some(json!({}))).await;
        assert_eq!(there.code(&token).await, code, "{path}");
        let modules = || there.with_token("GET", "Modules", &token);
        assert_eq!(there.refusal(modules()).await, (401, refused.to_owned()), "{path}");
        pair.change("POST", &format!("{path}/enable"), Some(json!({}))).await;
        assert_eq!(there.code(&token).await, "NOT_FOUND", "{path} is in service again, and the session is not");
    }

    let token = pair.signed_in(&here, &there).await;
    let listed = pair.one.api("GET", &format!("{user}/sessions"), None).await.expect(200).json();
    let id = listed["data"][0]["id"].as_str().expect("a session");
    pair.change("DELETE", &format!("{user}/sessions/{id}"), None).await;
    assert_eq!(there.code(&token).await, "NOT_FOUND");
    let modules = there.with_token("GET", "Modules", &token);
    assert_eq!(there.refusal(modules).await, (401, "Invalid token".to_owned()));

    let token = pair.signed_in(&here, &there).await;
    assert_eq!(here.result(here.with_token("PUT", "Users/Logout", &token).json(&json!([]))).await, true);
    wait_until(async || there.code(&token).await == "NOT_FOUND", || "the other goes on".to_owned()).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w_13_a_use_at_one_server_keeps_the_session_alive_at_the_other_and_unused_it_ends_at_both() {
    let pair = Pair::start().await;
    let here = Portal::new(&pair.one).await;
    let there = here.at(&pair.two);
    let minutes = |minutes| pair.one.clock.advance(Duration::from_mins(minutes));
    let token = pair.signed_in(&here, &there).await;

    // 200 minutes after the sign-in it is used at the second server alone; 430 minutes after it, at the first one.
    minutes(200);
    let before = used_at(&here).await;
    assert_eq!(there.code(&token).await, "VALID");
    is_written_after(&here, before.as_deref()).await;
    pair.catch_up("one").await;
    minutes(230);
    let before = used_at(&here).await;
    assert_eq!(here.code(&token).await, "VALID", "240 minutes after its last use here");
    is_written_after(&here, before.as_deref()).await;
    pair.catch_up("two").await;

    // Of a use within five minutes after that the other servers are not told: they allow for it.
    minutes(3);
    assert_eq!(there.code(&token).await, "VALID");
    minutes(238);
    assert_eq!(here.code(&token).await, "VALID", "238 minutes after its last use there");
    is_written_after(&here, before.as_deref()).await;
    pair.catch_up("three").await;

    // By the second server's own last use it would have ended long ago, and it is not called idle there either.
    minutes(239);
    let modules = |portal: &Portal<'_>| portal.with_token("GET", "Modules", &token).header("x-session-uptime", "0");
    for portal in [&here, &there] {
        portal.result(modules(portal)).await;
    }
    minutes(7);
    for portal in [&here, &there] {
        assert_eq!(portal.code(&token).await, "NOT_FOUND");
        assert_eq!(portal.refusal(modules(portal)).await, (401, "Token has expired".to_owned()));
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w_14_signatures_and_static_tokens_count_at_the_other_server_and_end_there() {
    let pair = Pair::start().await;
    let Switchboard { key, secret } = Switchboard::make(Admin::of(&pair.one)).await;
    let consents = Sender::make(Admin::of(&pair.one), "Manage consents", "static_token").await;
    let texts = Sender::make(Admin::of(&pair.one), "SMS", "key_and_token").await;
    pair.catch_up("marker").await;
    for world in [&pair.one, &pair.two] {
        assert_eq!(Switchboard::code(world.doors, &secret).await, "VALID");
        assert_eq!(Switchboard::code(world.doors, "clv_live_nobody").await, "NOT_FOUND");
        for sender in [&consents, &texts] {
            assert_eq!(sender.verify(world.doors, Some(&sender.token)).await["code"], "VALID");
            assert_eq!(sender.verify(world.doors, None).await["code"], "NOT_FOUND");
        }
    }
    let rotated = pair.change("POST", &format!("/keys/{key}/rotate"), Some(json!({ "overlap_seconds": 0 }))).await;
    let next = rotated["secret"].as_str().expect("a secret");
    assert_eq!(Switchboard::code(pair.two.doors, &secret).await, "NOT_FOUND");
    assert_eq!(Switchboard::code(pair.two.doors, next).await, "VALID");
    pair.change("POST", &format!("/keys/{key}/disable"), Some(json!({}))).await;
    assert_eq!(Switchboard::code(pair.two.doors, next).await, "DISABLED");
    for sender in [&consents, &texts] {
        pair.change("PATCH", &format!("/api-users/{}", sender.user), Some(json!({ "active": false }))).await;
        assert_eq!(sender.verify(pair.two.doors, Some(&sender.token)).await["code"], "NOT_FOUND");
    }
    pair.stop().await;
}
