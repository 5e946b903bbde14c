//! Sign-in in two steps from outside, and what attackers try.

use std::time::Duration;

use axum::body::Body;
use claviger_domain::UserId;
use claviger_domain::attempts::{FREE_FAILURES, LOCKED_FOR, LOCKING_FAILURES};
use claviger_domain::session::STEP_UP_FOR;
use claviger_store::{Scope, passwords, second_factors};
use http::Request;
use serde_json::{Value, json};

use super::challenge::CHALLENGE_LIFETIME;
use super::tests::{Browser, ELSEWHERE, HOME, PASSWORD, ann, signed_in, world};
use crate::second_factor::tests::{App, entries, set_up};
use crate::testing::{Reply, World};

const ANN: &str = "ann@example.com";

/// A browser that nobody has signed in with.
async fn challenge<'w>(world: &'w World, ip: &'static str) -> (Browser<'w>, String) {
    let mut browser = Browser::new(world, ip);
    let reply = browser.sign_in(ANN, PASSWORD).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    (browser, reply.text("challenge"))
}

async fn enter(browser: &mut Browser<'_>, challenge: &str, code: &str) -> Reply {
    browser.call("POST", "/sign-in/code", json!({"challenge": challenge, "code": code})).await
}

/// What a sign-in with this code comes to.
async fn outcome(world: &World, code: &str) -> u16 {
    let (mut browser, challenge) = challenge(world, HOME).await;
    enter(&mut browser, &challenge, code).await.status.as_u16()
}

/// What is the same in all answers to wrong codes.
fn plain(mut reply: Reply) -> (u16, Value) {
    reply.body["request_id"] = json!(null);
    (reply.status.as_u16(), reply.body)
}

#[tokio::test]
async fn who_has_a_second_factor_signs_in_in_two_steps_and_each_code_works_once() {
    let (world, token) = world().await;
    let (app, codes) = set_up(&mut signed_in(&world).await, &world).await;
    let (mut browser, waits) = challenge(&world, HOME).await;
    assert!(browser.session.is_empty() && browser.known.is_empty(), "no cookie before the code");
    let wrong = plain(enter(&mut browser, &waits, "000000").await);
    assert_eq!(wrong.0, 401);
    "A".repeat(43).clone_into(&mut browser.session);
    let code = app.code(&world, 0);
    let entered = enter(&mut browser, &waits, &code).await;
    assert_eq!((entered.status.as_u16(), entered.header("cache-control")), (200, "no-store"), "{entered:?}");
    assert_ne!(browser.session, "A".repeat(43), "no token from outside is taken over");
    assert_eq!(browser.get("/me").await.status, 200);
    assert_eq!(enter(&mut Browser::new(&world, HOME), &waits, &app.code(&world, 1)).await.status, 401, "it is used");

    let (mut other, waits) = challenge(&world, HOME).await;
    for used in [code, app.code(&world, -1)] {
        assert_eq!(plain(enter(&mut other, &waits, &used).await), wrong, "used looks like wrong");
    }
    let recovered = enter(&mut other, &waits, &codes[0].to_uppercase()).await;
    assert_eq!(recovered.status, 200, "{recovered:?}");
    let (mut third, waits) = challenge(&world, HOME).await;
    assert_eq!(plain(enter(&mut third, &waits, &codes[0]).await), wrong, "a recovery code works once");
    assert_eq!(enter(&mut third, &waits, &app.code(&world, 1)).await.status, 200, "a step early");
    assert_eq!(other.get("/me/2fa").await.body["recovery_codes_left"], json!(codes.len() - 1));
    let noted: Vec<Value> = entries(&world, &token, "user.sign_in")
        .await
        .iter()
        .map(|entry| entry["after"]["second_factor"].clone())
        .collect();
    assert_eq!(noted, [json!("totp"), json!("recovery_code"), json!("totp"), Value::Null]);
}

#[tokio::test]
async fn a_code_counts_one_step_early_and_late_and_no_further() {
    let (world, _) = world().await;
    let (app, _) = set_up(&mut signed_in(&world).await, &world).await;
    world.clock.advance(Duration::from_mins(10));
    for (off, status) in [(-2, 401), (2, 401), (-1, 200), (0, 200), (1, 200)] {
        assert_eq!(outcome(&world, &app.code(&world, off)).await, status, "{off}");
    }
}

#[tokio::test]
async fn of_two_who_come_with_one_code_or_one_challenge_at_once_one_is_let_in() {
    let (world, _) = world().await;
    let (app, codes) = set_up(&mut signed_in(&world).await, &world).await;
    // One sign-in that waits becomes one session, whatever codes come.
    let (mut one, waits) = challenge(&world, HOME).await;
    let mut two = Browser::new(&world, HOME);
    let (one, two) = tokio::join!(enter(&mut one, &waits, &codes[1]), enter(&mut two, &waits, &codes[2]));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    for code in [app.code(&world, 0), codes[0].clone()] {
        let (mut one, first) = challenge(&world, HOME).await;
        let (mut two, second) = challenge(&world, ELSEWHERE).await;
        let (one, two) = tokio::join!(enter(&mut one, &first, &code), enter(&mut two, &second, &code));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
}

#[tokio::test]
async fn who_lacks_the_password_learns_of_no_second_factor() {
    let (world, _) = world().await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let before = world.manage.passwords.computed();
        let reply = Browser::new(&world, HOME).sign_in(ANN, "wrong").await;
        assert_eq!(world.manage.passwords.computed() - before, 1);
        let headers: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
        answers.push((headers, plain(reply)));
        if answers.len() == 1 {
            set_up(&mut signed_in(&world).await, &world).await;
        }
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn codes_are_not_found_by_trying_over_many_challenges_and_networks() {
    let (world, token) = world().await;
    let mut known = signed_in(&world).await;
    let (app, _) = set_up(&mut known, &world).await;
    known.call("DELETE", "/session", Value::Null).await;
    for number in 1..=LOCKING_FAILURES {
        // Each try with a challenge of its own, as soon as one is looked at.
        let (mut thief, waits) = challenge(&world, HOME).await;
        assert_eq!(enter(&mut thief, &waits, "000000").await.status, 401, "try {number}");
        if number >= FREE_FAILURES {
            enter(&mut thief, &waits, &app.code(&world, 0)).await.problem(429, "too_many_attempts");
        }
        if number < LOCKING_FAILURES {
            world.clock.advance(Duration::from_secs(64));
        }
    }
    Browser::new(&world, HOME).sign_in(ANN, PASSWORD).await.problem(429, "too_many_attempts");
    let (mut elsewhere, waits) = challenge(&world, ELSEWHERE).await;
    let refused = enter(&mut elsewhere, &waits, &app.code(&world, 0)).await;
    refused.problem(429, "too_many_attempts");
    assert!(!refused.header("retry-after").is_empty());

    let waits = known.sign_in(ANN, PASSWORD).await.text("challenge");
    assert_eq!(enter(&mut known, &waits, &app.code(&world, 0)).await.status, 200, "a browser that is known");
    assert_eq!(world.get(&token, "/me").await.status, 200, "keys go on");
    let count = async |action: &str| entries(&world, &token, action).await.len();
    assert_eq!((count("user.sign_in_failed").await, count("user.sign_in_locked").await), (1, 1));
    world.clock.advance(LOCKED_FOR);
    assert_eq!(outcome(&world, &app.code(&world, 0)).await, 200, "the lock is over, and its person comes in");
}

#[tokio::test]
async fn codes_at_once_are_each_counted() {
    let (world, _) = world().await;
    set_up(&mut signed_in(&world).await, &world).await;
    let (_, waits) = challenge(&world, HOME).await;
    let tries =
        (0..20).map(|_| async { enter(&mut Browser::new(&world, HOME), &waits, "000000").await.status.as_u16() });
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), FREE_FAILURES as usize, "{answers:?}");
}

#[tokio::test]
async fn a_right_password_alone_is_no_failure_and_forgets_none() {
    let (world, _) = world().await;
    let (app, _) = set_up(&mut signed_in(&world).await, &world).await;
    for _ in 0..2 * LOCKING_FAILURES {
        challenge(&world, HOME).await;
    }
    let mut browser = Browser::new(&world, HOME);
    for _ in 1..FREE_FAILURES {
        assert_eq!(browser.sign_in(ANN, "wrong").await.status, 401);
    }
    challenge(&world, HOME).await;
    assert_eq!(browser.sign_in(ANN, "wrong").await.status, 401);
    browser.sign_in(ANN, PASSWORD).await.problem(429, "too_many_attempts");
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(outcome(&world, &app.code(&world, 0)).await, 200);
}

#[tokio::test]
async fn a_challenge_is_its_persons_and_ends_with_its_time_and_its_password() {
    let (world, token) = world().await;
    let (app, _) = set_up(&mut signed_in(&world).await, &world).await;
    let over = |reply: Reply| {
        reply.problem(401, "unauthenticated");
        plain(reply)
    };
    let mut browser = Browser::new(&world, HOME);
    let never = over(enter(&mut browser, &"A".repeat(43), &app.code(&world, 0)).await);
    for nonsense in ["", "x", "\u{e9}", &"A".repeat(10_000)] {
        assert_eq!(over(enter(&mut browser, nonsense, &app.code(&world, 0)).await), never, "{nonsense}");
    }
    let (mut late, waits) = challenge(&world, HOME).await;
    world.clock.advance(CHALLENGE_LIFETIME);
    assert_eq!(over(enter(&mut late, &waits, &app.code(&world, 0)).await), never, "expired");
    let (mut late, waits) = challenge(&world, HOME).await;
    let (_, second) = challenge(&world, HOME).await;
    assert_eq!(over(enter(&mut late, &waits, &app.code(&world, 0)).await), never, "replaced");
    let mut session = signed_in_by(&world, &app).await;
    assert_eq!(
        over(enter(&mut late, &session.session.clone(), &app.code(&world, 1)).await),
        never,
        "a session is none"
    );
    second.clone_into(&mut late.session);
    assert_eq!(late.get("/me").await.status, 401, "and it is no session");
    let (mut late, waits) = challenge(&world, HOME).await;
    let body = json!({"current": PASSWORD, "password": "kettle orbit wobbly nine"});
    assert_eq!(session.call("PUT", "/me/password", body).await.status, 200);
    assert_eq!(over(enter(&mut late, &waits, &app.code(&world, 1)).await), never, "the password was changed");
    world.give_password(&token, PASSWORD).await;
    let (mut late, waits) = challenge(&world, HOME).await;
    assert_eq!(session.call("DELETE", "/me/2fa", Value::Null).await.status, 204);
    assert_eq!(over(enter(&mut late, &waits, &app.code(&world, 1)).await), never, "the second factor was removed");
}

async fn signed_in_by<'w>(world: &'w World, app: &App) -> Browser<'w> {
    let (mut browser, waits) = challenge(world, HOME).await;
    let reply = enter(&mut browser, &waits, &app.code(world, 0)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    browser
}

/// A second person, bob@example.com, with the same password.
async fn bob(world: &World, token: &str) -> UserId {
    let (id, _) = world.user_with_key(token, "bob", &["admin"], &["claviger-admin"]).await;
    let (organization, ann) = ann(world, token).await;
    let bob: UserId = id.parse().expect("an id");
    let come = world.manage.store.write(Scope::Organization(organization), move |tx| {
        Box::pin(async move {
            let mut member = claviger_store::members::get(tx, organization, bob).await?.expect("bob");
            member.accepted_at = Some(crate::testing::NOW);
            claviger_store::members::update(tx, &member).await?;
            let hash = passwords::get(tx, ann).await?.expect("a hash");
            Ok::<_, crate::Error>(passwords::set(tx, bob, &hash, crate::testing::NOW).await?)
        })
    });
    come.await.expect("bob has come");
    bob
}

#[tokio::test]
async fn anothers_code_and_a_secret_moved_in_the_database_open_nothing() {
    let (world, token) = world().await;
    let (anns, _) = set_up(&mut signed_in(&world).await, &world).await;
    let bob = bob(&world, &token).await;
    let mut browser = Browser::new(&world, ELSEWHERE);
    assert_eq!(browser.sign_in("bob@example.com", PASSWORD).await.status, 200);
    let (bobs, bobs_codes) = set_up(&mut browser, &world).await;
    for code in [&bobs.code(&world, 0), &bobs_codes[0]] {
        assert_eq!(outcome(&world, code).await, 401, "bob's code with ann's challenge");
    }
    let (organization, ann) = ann(&world, &token).await;
    let moved = world.manage.store.write(Scope::Organization(organization), move |tx| {
        Box::pin(async move {
            let theirs = second_factors::get(tx, bob).await?.expect("bob's");
            Ok::<_, crate::Error>(second_factors::put(tx, ann, &theirs).await?)
        })
    });
    moved.await.expect("who writes the database has moved it");
    world.clock.advance(Duration::from_mins(10));
    for app in [&bobs, &anns] {
        assert_eq!(outcome(&world, &app.code(&world, 0)).await, 401);
        world.clock.advance(Duration::from_mins(1));
    }
}

#[tokio::test]
async fn a_step_up_takes_a_code_in_the_place_of_the_password_and_no_code_twice() {
    let (world, token) = world().await;
    let (app, codes) = set_up(&mut signed_in(&world).await, &world).await;
    let mut browser = signed_in_by(&world, &app).await;
    world.clock.advance(STEP_UP_FOR);
    let policy = async |browser: &mut Browser<'_>| {
        browser.call("PATCH", "/policy", json!({"idle_days": 30})).await.status.as_u16()
    };
    assert_eq!(policy(&mut browser).await, 401);
    let both = json!({"password": PASSWORD, "code": app.code(&world, 0)});
    for body in [json!({}), both] {
        let refused = browser.call("POST", "/session/step-up", body).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["password"]);
    }
    let code = json!({"code": app.code(&world, 0)});
    let before = browser.session.clone();
    assert_eq!(browser.call("POST", "/session/step-up", code.clone()).await.status, 200);
    assert_ne!(browser.session, before, "another token");
    assert_eq!(policy(&mut browser).await, 200);
    browser.call("POST", "/session/step-up", code).await.problem(403, "forbidden");
    assert_eq!(outcome(&world, &app.code(&world, 0)).await, 401, "nor for signing in");
    let recovery = json!({"code": codes[0]});
    assert_eq!(browser.call("POST", "/session/step-up", recovery.clone()).await.status, 200);
    browser.call("POST", "/session/step-up", recovery.clone()).await.problem(403, "forbidden");
    let by: Vec<Value> =
        entries(&world, &token, "session.step_up").await.iter().map(|entry| entry["after"]["by"].clone()).collect();
    assert_eq!(by, [json!("recovery_code"), json!("totp")]);
    for _ in 1..FREE_FAILURES {
        browser.call("POST", "/session/step-up", recovery.clone()).await.problem(403, "forbidden");
    }
    world.clock.advance(Duration::from_mins(1));
    for _ in 0..2 {
        browser.call("POST", "/session/step-up", recovery.clone()).await;
    }
    let right = json!({"code": app.code(&world, 0)});
    browser.call("POST", "/session/step-up", right).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn another_site_cannot_take_the_second_step() {
    let (world, _) = world().await;
    let (app, _) = set_up(&mut signed_in(&world).await, &world).await;
    let (_, waits) = challenge(&world, HOME).await;
    let body = json!({"challenge": waits, "code": app.code(&world, 0)}).to_string();
    let request = Request::post("/api/v1/sign-in/code").header("content-type", "application/json");
    let request = request.header("sec-fetch-site", "cross-site").body(Body::from(body)).expect("a request");
    world.send_from(HOME, request).await.problem(403, "forbidden");
}
