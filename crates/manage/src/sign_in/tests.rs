//! Sign-in from outside, and what attackers try.

use std::time::Duration;

use axum::body::Body;
use claviger_domain::attempts::{FREE_FAILURES, LOCKED_FOR, LOCKING_FAILURES};
use claviger_domain::key::{Actor, ActorKind, Disabled};
use claviger_domain::member::Member;
use claviger_domain::session::{ABSOLUTE_HOURS, IDLE_HOURS, SESSIONS_MAX, STEP_UP_FOR};
use claviger_domain::{OrganizationId, UserId};
use claviger_store::{Scope, members, passwords};
use http::Request;
use serde_json::{Value, json};

use crate::Passwords;
use crate::passwords::Cost;
use crate::testing::{NOW, Reply, World};

pub(crate) const PASSWORD: &str = "tulip brisk canal forty";
pub(crate) const HOME: &str = "203.0.113.7";
pub(crate) const ELSEWHERE: &str = "198.51.100.9";

/// A browser, and what it holds.
pub(crate) struct Browser<'w> {
    world: &'w World,
    pub(crate) ip: &'static str,
    pub(crate) session: String,
    pub(crate) known: String,
    pub(crate) csrf: String,
}

impl<'w> Browser<'w> {
    pub(crate) fn new(world: &'w World, ip: &'static str) -> Self {
        Self { world, ip, session: String::new(), known: String::new(), csrf: String::new() }
    }

    pub(crate) async fn call(&mut self, method: &str, path: &str, body: Value) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        for (name, value) in [("claviger", &self.session), ("claviger-browser", &self.known)] {
            if !value.is_empty() {
                request = request.header("cookie", format!("{name}={value}"));
            }
        }
        if !self.csrf.is_empty() && method != "GET" {
            request = request.header("x-claviger-csrf", &self.csrf);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json").header("user-agent", "Test/1");
            Body::from(body.to_string())
        };
        let reply = self.world.send_from(self.ip, request.body(body).expect("a request")).await;
        for line in reply.headers.get_all("set-cookie") {
            let line = line.to_str().expect("ASCII");
            assert!(line.contains("HttpOnly; SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            *(if name == "claviger" { &mut self.session } else { &mut self.known }) = value.to_owned();
        }
        if let Some(token) = reply.body["csrf_token"].as_str() {
            token.clone_into(&mut self.csrf);
        }
        reply
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.call("GET", path, Value::Null).await
    }

    pub(crate) async fn sign_in(&mut self, login: &str, password: &str) -> Reply {
        self.call("POST", "/sign-in", json!({"login": login, "password": password})).await
    }
}

/// The organization's administrator, who has a password.
pub(crate) async fn world() -> (World, String) {
    let (world, token) = World::with_organization().await;
    world.give_password(&token, PASSWORD).await;
    (world, token)
}

pub(crate) async fn ann(world: &World, token: &str) -> (OrganizationId, UserId) {
    let organization = world.get(token, "/organization").await.text("id").parse().expect("an id");
    let user = world.get(token, "/users/ann@example.com").await.text("id").parse().expect("an id");
    (organization, user)
}

async fn change(world: &World, token: &str, edit: fn(&mut Member)) {
    let (organization, user) = ann(world, token).await;
    let changed = world.manage.store.write(Scope::Organization(organization), move |tx| {
        Box::pin(async move {
            let mut member = members::get(tx, organization, user).await?.expect("ann");
            edit(&mut member);
            Ok::<_, crate::Error>(members::update(tx, &member).await?)
        })
    });
    changed.await.expect("changed");
}

pub(crate) async fn signed_in(world: &World) -> Browser<'_> {
    let mut browser = Browser::new(world, HOME);
    let reply = browser.sign_in("ann@example.com", PASSWORD).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    browser
}

#[tokio::test]
async fn a_person_acts_in_a_session_as_who_they_are() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    let me = browser.get("/me").await;
    assert_eq!(
        (me.body["actor"]["type"].as_str(), me.body["user"]["email"].as_str()),
        (Some("user"), Some("ann@example.com"))
    );
    let made = browser.call("POST", "/me/keys", json!({"name": "mine", "api_sets": []})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let session = browser.get("/session").await.text("id");
    let audit = world.get(&token, "/audit?limit=10").await;
    let entries = audit.body["data"].as_array().expect("entries");
    for action in ["key.create", "user.sign_in"] {
        let entry = entries.iter().find(|entry| entry["action"] == action && entry["session"] == session.as_str());
        let entry = entry.unwrap_or_else(|| panic!("{action} in {audit:?}"));
        assert_eq!((&entry["actor"]["type"], &entry["ip"]), (&json!("user"), &json!(HOME)));
    }
    let stored = std::fs::read(world.files().into_iter().find(|file| file.ends_with("claviger.db")).expect("a file"));
    let stored = stored.expect("the database");
    assert!(!stored.windows(40).any(|part| part == &browser.session.as_bytes()[..40]), "tokens are digests there");
    assert_eq!(browser.call("DELETE", "/session", Value::Null).await.status, 204);
    assert!(browser.session.is_empty(), "the cookie is taken away");
}

#[tokio::test]
async fn unknown_wrong_and_out_of_service_look_and_cost_the_same() {
    let (world, token) = world().await;
    let mut answers = Vec::new();
    let long = "x".repeat(1_000);
    let tries = [
        ("ann@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("nobody", PASSWORD),
        ("a\u{0}b", "a\u{0}b"),
        ("", ""),
        ("ann@example.com", long.as_str()),
    ];
    for (login, password) in tries {
        let before = world.manage.passwords.computed();
        let mut reply = Browser::new(&world, HOME).sign_in(login, password).await;
        assert_eq!(world.manage.passwords.computed() - before, 1, "{login:?}");
        reply.body["request_id"] = json!(null);
        answers.push((reply.status.as_u16(), reply.body));
    }
    change(&world, &token, |member| {
        let by = Actor { kind: ActorKind::Operator, id: None, name: None };
        member.disabled = Some(Disabled { at: NOW, by, reason: None });
    })
    .await;
    let before = world.manage.passwords.computed();
    let mut reply = Browser::new(&world, ELSEWHERE).sign_in("ann@example.com", PASSWORD).await;
    assert_eq!(world.manage.passwords.computed() - before, 1);
    reply.body["request_id"] = json!(null);
    answers.push((reply.status.as_u16(), reply.body));
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 401), "{answers:?}");
    let huge = Browser::new(&world, HOME).sign_in("ann@example.com", &"x".repeat(1_025)).await;
    assert_eq!(huge.problem(400, "invalid_request"), ["password"]);
}

#[tokio::test]
async fn a_stranger_is_slowed_down_and_locked_out_and_locks_out_nobody_else() {
    let (world, token) = world().await;
    let mut known = signed_in(&world).await;
    known.call("DELETE", "/session", Value::Null).await;
    let mut stranger = Browser::new(&world, HOME);
    for account in ["ann@example.com", "nobody@example.com"] {
        for number in 1..=LOCKING_FAILURES {
            assert_eq!(stranger.sign_in(account, "wrong").await.status, 401, "try {number}");
            if number >= FREE_FAILURES {
                let before = world.manage.passwords.computed();
                let refused = stranger.sign_in(account, PASSWORD).await;
                refused.problem(429, "too_many_attempts");
                assert_eq!(world.manage.passwords.computed(), before, "a try that has to wait costs nothing");
                assert!(!refused.header("retry-after").is_empty());
            }
            if number < LOCKING_FAILURES {
                world.clock.advance(Duration::from_secs(64));
            }
        }
    }
    assert_eq!(
        Browser::new(&world, "203.0.113.200").sign_in("ann@example.com", PASSWORD).await.status,
        429,
        "neighbours"
    );
    assert_eq!(known.sign_in("ann@example.com", PASSWORD).await.status, 200, "a browser that is known");
    assert_eq!(Browser::new(&world, ELSEWHERE).sign_in("ann@example.com", PASSWORD).await.status, 200);
    assert_eq!(world.get(&token, "/me").await.status, 200, "keys go on");
    let audit = world.get(&token, "/audit?limit=100").await.body;
    let count = |action: &str| {
        audit["data"].as_array().expect("entries").iter().filter(|entry| entry["action"] == action).count()
    };
    assert_eq!((count("user.sign_in_failed"), count("user.sign_in_locked")), (1, 1));
    world.clock.advance(LOCKED_FOR);
    assert_eq!(stranger.sign_in("ann@example.com", PASSWORD).await.status, 200, "the lock is over");
}

#[tokio::test]
async fn tries_at_once_are_each_counted() {
    let (world, _) = world().await;
    let tries =
        (0..20).map(|_| async { Browser::new(&world, HOME).sign_in("ann@example.com", "wrong").await.status.as_u16() });
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), FREE_FAILURES as usize, "{answers:?}");
}

#[tokio::test]
async fn a_change_needs_the_sessions_own_token_and_no_other_site() {
    let (world, _) = world().await;
    let mut browser = signed_in(&world).await;
    let other = signed_in(&world).await;
    let own = browser.csrf.clone();
    for csrf in ["", "x", &other.csrf] {
        csrf.clone_into(&mut browser.csrf);
        let refused = browser.call("POST", "/me/keys", json!({"name": "mine", "api_sets": []})).await;
        refused.problem(403, "forbidden");
    }
    own.clone_into(&mut browser.csrf);
    let from_site = async |method: &str, path: &str, site: &str, cookie: String| {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}")).header("cookie", cookie);
        let request = request.header("x-claviger-csrf", &own).header("sec-fetch-site", site);
        let body = json!({"login": "ann@example.com", "password": PASSWORD}).to_string();
        let request = request.header("content-type", "application/json").body(Body::from(body)).expect("a request");
        world.send_from(HOME, request).await.status.as_u16()
    };
    let cookie = || format!("claviger={}", browser.session);
    assert_eq!(from_site("DELETE", "/me/sessions", "same-site", cookie()).await, 403);
    assert_eq!(from_site("POST", "/sign-in", "cross-site", String::new()).await, 403, "a sign-in as somebody else");
    let tossed = format!("{}; claviger={}", cookie(), other.session);
    assert_eq!(from_site("GET", "/me", "same-origin", tossed).await, 401, "two cookies of one name");
    assert_eq!(from_site("GET", "/me", "same-origin", "claviger=AAAA".to_owned()).await, 401);
    assert_eq!(from_site("DELETE", "/me/sessions", "same-origin", cookie()).await, 204);
}

#[tokio::test]
async fn tokens_are_drawn_anew_and_the_ones_before_end() {
    let (world, _) = world().await;
    let mut browser = Browser::new(&world, HOME);
    "A".repeat(43).clone_into(&mut browser.session);
    let planted = browser.session.clone();
    assert_eq!(browser.sign_in("ann@example.com", PASSWORD).await.status, 200);
    assert_ne!(browser.session, planted, "no token from outside is taken over");
    let with = async |session: &str| {
        let mut thief = Browser::new(&world, ELSEWHERE);
        session.clone_into(&mut thief.session);
        thief.get("/me").await.status.as_u16()
    };
    let first = browser.session.clone();
    assert_eq!(browser.sign_in("ann@example.com", PASSWORD).await.status, 200);
    assert_eq!((with(&first).await, with(&browser.session).await), (401, 200), "signing in again");
    let second = browser.session.clone();
    assert_eq!(browser.call("POST", "/session/step-up", json!({"password": PASSWORD})).await.status, 200);
    assert_eq!((with(&second).await, with(&browser.session).await), (401, 200), "after a step-up");
    let stolen = browser.session.clone();
    let mut other = signed_in(&world).await;
    let body = json!({"current": PASSWORD, "password": "kettle orbit wobbly nine"});
    assert_eq!(browser.call("PUT", "/me/password", body).await.status, 200);
    assert_eq!((with(&stolen).await, with(&browser.session).await), (401, 200), "after a change of the password");
    assert_eq!(other.get("/me").await.status, 401, "other sessions have ended");
    assert_eq!(other.sign_in("ann@example.com", PASSWORD).await.status, 401);
    assert_eq!(other.sign_in("ann@example.com", "kettle orbit wobbly nine").await.status, 200);
}

#[tokio::test]
async fn a_new_password_is_held_against_the_rules_and_the_one_before() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    for weak in ["short", "password1234", "ann@example.com-1"] {
        let refused = browser.call("PUT", "/me/password", json!({"current": PASSWORD, "password": weak})).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["password"], "{weak}");
    }
    let body = json!({"current": "wrong", "password": "kettle orbit wobbly nine"});
    browser.call("PUT", "/me/password", body.clone()).await.problem(403, "forbidden");
    world.call("PUT", &token, "/me/password", Some(body)).await.problem(403, "forbidden");
    for _ in 0..FREE_FAILURES {
        browser.call("POST", "/session/step-up", json!({"password": "wrong"})).await;
    }
    let guessed = browser.call("POST", "/session/step-up", json!({"password": PASSWORD})).await;
    guessed.problem(429, "too_many_attempts");
    assert_eq!(Browser::new(&world, HOME).sign_in("ann@example.com", PASSWORD).await.status, 200, "its own counter");
}

#[tokio::test]
async fn what_cannot_be_undone_asks_a_session_for_the_password_and_a_key_for_nothing() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    world.clock.advance(STEP_UP_FOR);
    let changes = [
        ("PATCH", "/policy", json!({"idle_days": 30})),
        ("POST", "/roles", json!({"name": "Made", "authorities": []})),
        ("PATCH", "/users/ann@example.com", json!({"roles": ["admin"]})),
        ("DELETE", "/users/ann@example.com", Value::Null),
    ];
    for (method, path, body) in changes {
        let asked = browser.call(method, path, body).await;
        asked.problem(401, "step_up_required");
    }
    let renamed = browser.call("PATCH", "/users/ann@example.com", json!({"name": "Ann"})).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
    let pair = world.post(&token, "/keys", json!({"name": "pair", "shape": "pair", "api_sets": []})).await;
    let reveal = format!("/keys/{}/reveal", pair.body["key"]["id"].as_str().expect("an id"));
    browser.call("POST", &reveal, Value::Null).await.problem(409, "conflict");
    world.patch(&token, "/policy", json!({"reveal": {"organization": "recoverable"}})).await;
    let key = world.post(&token, "/keys", json!({"name": "shown", "api_sets": []})).await;
    let reveal = format!("/keys/{}/reveal", key.body["key"]["id"].as_str().expect("an id"));
    browser.call("POST", &reveal, Value::Null).await.problem(401, "step_up_required");
    assert_eq!(world.post(&token, &reveal, Value::Null).await.status, 200, "a key is not asked");
    assert_eq!(browser.call("POST", "/session/step-up", json!({"password": PASSWORD})).await.status, 200);
    assert_eq!(browser.call("POST", &reveal, Value::Null).await.status, 200);
    assert_eq!(browser.call("PATCH", "/policy", json!({"idle_days": 30})).await.status, 200);
}

#[tokio::test]
async fn rights_are_those_of_now_and_who_is_out_of_service_is_out() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    assert_eq!(browser.get("/keys").await.status, 200);
    change(&world, &token, |member| member.roles.clear()).await;
    assert_eq!(browser.get("/keys").await.status, 403);
    change(&world, &token, |member| member.account_expires_at = Some(NOW)).await;
    assert_eq!(browser.get("/me").await.status, 401);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_and_end_by_themselves() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    let mut other = signed_in(&world).await;
    let listed = browser.get("/me/sessions").await.body;
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2), "{listed}");
    let current = |listed: &Value, is: bool| {
        let found = listed["data"].as_array().expect("a list").iter().find(|session| session["current"] == is).cloned();
        found.expect("a session")
    };
    assert_eq!((&current(&listed, true)["ip"], &current(&listed, true)["device"]), (&json!(HOME), &json!("Test/1")));
    let path = format!("/me/sessions/{}", current(&listed, false)["id"].as_str().expect("an id"));
    assert_eq!(browser.call("DELETE", &path, Value::Null).await.status, 204);
    browser.call("DELETE", &path, Value::Null).await.problem(404, "not_found");
    assert_eq!(other.get("/me").await.status, 401);
    for _ in 0..SESSIONS_MAX {
        world.clock.advance(Duration::from_secs(1));
        signed_in(&world).await;
    }
    assert_eq!(browser.get("/me").await.status, 401, "the one that was seen longest ago has ended");
    let mut last = signed_in(&world).await;
    assert_eq!(last.get("/me/sessions").await.body["data"].as_array().map(Vec::len), Some(SESSIONS_MAX));
    for _ in 0..(ABSOLUTE_HOURS / IDLE_HOURS) {
        assert_eq!(last.get("/me").await.status, 200);
        world.clock.advance(Duration::from_secs(u64::from(IDLE_HOURS) * 3_600 - 1));
    }
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(last.get("/me").await.status, 401, "its absolute end, however busy");
    let mut idle = signed_in(&world).await;
    world.clock.advance(Duration::from_hours(u64::from(IDLE_HOURS)));
    assert_eq!(idle.get("/me").await.status, 401);
    assert_eq!(world.get(&token, "/me").await.status, 200);
}

#[tokio::test]
async fn another_organization_is_meant_only_by_who_is_in_it() {
    let (world, _) = world().await;
    let mut browser = signed_in(&world).await;
    for (slug, email) in [("others", "bob@example.com"), ("second", "ann@example.com")] {
        world.another_organization(slug, email).await;
    }
    let unknown = browser.call("PATCH", "/session", json!({"organization": "nowhere"})).await;
    let foreign = browser.call("PATCH", "/session", json!({"organization": "others"})).await;
    assert_eq!(unknown.problem(404, "not_found"), foreign.problem(404, "not_found"));
    assert_eq!(unknown.body["detail"], foreign.body["detail"]);
    let before = browser.get("/organization").await.text("slug");
    assert_eq!(browser.call("PATCH", "/session", json!({"organization": "second"})).await.status, 200);
    assert_ne!(before, "second");
    assert_eq!(browser.get("/organization").await.text("slug"), "second");
}

#[tokio::test]
async fn a_hash_of_another_cost_is_made_anew_when_its_person_signs_in() {
    let (world, token) = world().await;
    let (_, user) = ann(&world, &token).await;
    let dearer = Passwords::new(&world.manage.keyring, 1, Cost { memory_kib: 128, passes: 1 });
    let manage = crate::Manage {
        store: world.manage.store.clone(),
        nodes: world.manage.nodes.clone(),
        engine: world.manage.engine.clone(),
        keyring: world.manage.keyring.clone(),
        clock: world.manage.clock.clone(),
        random: world.manage.random.clone(),
        config: crate::Config::default(),
        calls: crate::Calls::default(),
        passwords: dearer,
        visits: crate::visitor::Visits::default(),
        resets: crate::password_resets::Queue::default(),
        counters: std::sync::Arc::default(),
        operator_token_sha256: None,
        setup_token_sha256: None,
    };
    let request = serde_json::from_value(json!({"login": "ann@example.com", "password": PASSWORD})).expect("a request");
    let request_id = claviger_domain::RequestId::from_raw(1);
    let visit = super::Visit { ip: None, agent: None, token: None, browser: None, request_id, now: NOW };
    super::sign_in(&manage, &visit, request).await.expect("signed in");
    let mut snapshot = world.manage.store.read().await.expect("a snapshot");
    let hash = passwords::get(&mut snapshot, user).await.expect("read").expect("a hash");
    assert!(hash.expose().contains("m=128,"));
    drop(snapshot);
    signed_in(&world).await;
}

#[test]
fn a_browser_is_known_for_its_person_alone() {
    use super::token::Browser;
    use claviger_domain::testing::FixedRandom;
    let random = FixedRandom::new(5);
    let ring = claviger_domain::keyring::Keyring::generate(&random);
    let (ann, bob) = (UserId::from_raw(1), UserId::from_raw(2));
    let browser = Browser::draw(&random);
    let text = browser.to_text(&ring, ann);
    assert_eq!(Browser::parse(text.expose(), &ring, ann), Some(browser));
    assert_eq!(Browser::parse(text.expose(), &ring, bob), None);
    let other = claviger_domain::keyring::Keyring::generate(&random);
    assert_eq!(Browser::parse(text.expose(), &other, ann), None);
    for at in 0..text.expose().len() {
        let changed: String =
            text.expose().char_indices().map(|(place, c)| if place == at { '_' } else { c }).collect();
        assert!(changed == text.expose() || Browser::parse(&changed, &ring, ann).is_none(), "{at}");
    }
}
