//! One's account: who gets at one's sessions, and what a flood of tries costs.

use std::time::Duration;

use serde_json::json;

use crate::testing::{Reply, World, link_token};
use crate::visitor::{SIGN_INS_MAX, WINDOW};

const PASSWORD: &str = "tulip brisk canal forty";

#[tokio::test]
async fn a_flood_of_sign_ins_from_one_address_computes_no_hash() {
    let (world, admin) = World::with_organization().await;
    world.give_password(&admin, PASSWORD).await;
    let sign_in = async |ip: &str, login: &str, password: &str| {
        let body = json!({ "login": login, "password": password }).to_string();
        let request = http::Request::post("/api/v1/sign-in").header("content-type", "application/json");
        world.send_from(ip, request.body(body.into()).expect("a request")).await
    };
    let before = world.manage.passwords.computed();
    for number in 0..3 * SIGN_INS_MAX {
        // Each name has counters of its own.
        let reply = sign_in("203.0.113.7", &format!("nobody{number}"), PASSWORD).await;
        match number {
            ..SIGN_INS_MAX => reply.problem(401, "unauthenticated"),
            _ => reply.problem(503, "busy"),
        };
    }
    assert_eq!(world.manage.passwords.computed() - before, u64::from(SIGN_INS_MAX));
    sign_in("203.0.113.7", "ann@example.com", PASSWORD).await.problem(503, "busy");
    assert_eq!(sign_in("203.0.113.8", "ann@example.com", PASSWORD).await.status, 200, "a neighbour");
    world.clock.advance(WINDOW);
    assert_eq!(sign_in("203.0.113.7", "ann@example.com", PASSWORD).await.status, 200, "the next minute");
}

#[tokio::test]
async fn a_key_that_was_made_for_something_else_is_no_way_to_its_persons_sessions() {
    let (world, admin) = World::with_organization().await;
    world.give_password(&admin, PASSWORD).await;
    assert_eq!(world.call_in_session(PASSWORD, "GET", "/session", None).await.status, 200);
    let ann = world.get(&admin, "/users/ann@example.com").await.text("id");
    for set in ["claviger-keys-read", "claviger-keys-write", "claviger-own-keys", "claviger-audit-read"] {
        let narrow = world.key_of_user(&admin, &ann, set, &[set]).await;
        assert_eq!(world.get(&narrow, "/me").await.body["user"]["id"], ann);
        world.get(&narrow, "/me/sessions").await.problem(403, "forbidden");
        world.call("DELETE", &narrow, "/me/sessions", None).await.problem(403, "forbidden");
        let id = world.call_in_session(PASSWORD, "GET", "/session", None).await.text("id");
        world.call("DELETE", &narrow, &format!("/me/sessions/{id}"), None).await.problem(403, "forbidden");
        world.clock.advance(Duration::from_secs(1));
    }
    let wide = world.key_of_user(&admin, &ann, "wide", &["claviger-users-write"]).await;
    let listed = world.get(&wide, "/me/sessions").await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(5), "{listed:?}");
    let id = listed.body["data"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.call("DELETE", &wide, &format!("/me/sessions/{id}"), None).await.status, 204);
    assert_eq!(world.call("DELETE", &wide, "/me/sessions", None).await.status, 204);
    assert_eq!(world.get(&wide, "/me/sessions").await.body["data"], json!([]));
    // Whoever holds no users.manage has the same way to their own.
    let (_, developer) = world.user_with_key(&admin, "dev", &["developer"], &["claviger-admin"]).await;
    assert_eq!(world.get(&developer, "/me/sessions").await.status, 200);
}

#[tokio::test]
async fn when_somebody_last_signed_in_is_seen_by_who_sees_them_in_that_organization_alone() {
    let (world, admin) = World::with_organization().await;
    world.give_password(&admin, PASSWORD).await;
    let other = world.another_organization("other", "ann@example.com").await;
    let tags = [&admin, &other]
        .map(|token| async { world.get(token, "/users/ann@example.com").await.header("etag").to_owned() });
    let [own, others] = tags;
    let tags = (own.await, others.await);
    let seen = async |token: &str| {
        let list = world.get(token, "/users").await;
        assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1), "{list:?}");
        let read = world.get(token, "/users/ann@example.com").await;
        assert_eq!(read.body["last_sign_in"], list.body["data"][0]["last_sign_in"]);
        let tag = if token == admin { &tags.0 } else { &tags.1 };
        assert_eq!(read.header("etag"), tag, "it is no change of the record");
        read.body["last_sign_in"].clone()
    };
    assert_eq!((seen(&admin).await, seen(&other).await), (json!(null), json!(null)));
    let wrong = json!({ "login": "ann@example.com", "password": "wrong" });
    world.post("", "/sign-in", wrong).await.problem(401, "unauthenticated");
    assert_eq!(seen(&admin).await, json!(null), "who only tried has not signed in");
    world.clock.advance(Duration::from_mins(1));
    let body = json!({ "organization": "other" });
    let switched = world.call_in_session(PASSWORD, "GET", "/session", None).await;
    assert_eq!(switched.status, 200, "{switched:?}");
    assert_eq!((seen(&admin).await, seen(&other).await), (json!("2026-01-15T12:01:00Z"), json!(null)));
    world.clock.advance(Duration::from_mins(1));
    let switched = world.call_in_session(PASSWORD, "PATCH", "/session", Some(body)).await;
    assert_eq!(switched.status, 200, "{switched:?}");
    let now = json!("2026-01-15T12:02:00Z");
    assert_eq!((seen(&admin).await, seen(&other).await), (now.clone(), now));
}

#[tokio::test]
async fn a_person_changes_their_name_language_and_zone_at_once_everywhere() {
    let (world, admin) = World::with_organization().await;
    world.give_password(&admin, PASSWORD).await;
    let other = world.another_organization("other", "ann@example.com").await;
    let body = json!({ "name": "Anna", "language": "pl", "time_zone": "Europe/Warsaw" });
    let changed = world.call_in_session(PASSWORD, "PATCH", "/me", Some(body)).await;
    assert_eq!((changed.status.as_u16(), changed.text("name")), (200, "Anna".to_owned()), "{changed:?}");
    assert_eq!(changed.body["address_to_confirm"], json!(null));
    for token in [&admin, &other] {
        let seen = world.get(token, "/users/ann@example.com").await;
        assert_eq!((seen.text("name"), seen.text("time_zone")), ("Anna".to_owned(), "Europe/Warsaw".to_owned()));
    }
    let entry = world.audited(&admin, "user.edit").await;
    assert_eq!((&entry["actor"]["type"], &entry["after"]["name"]), (&json!("user"), &json!("Anna")));
    let wrong = json!({ "language": "nonsense!", "time_zone": "Mars/Olympus" });
    let wrong = world.call_in_session(PASSWORD, "PATCH", "/me", Some(wrong)).await;
    assert_eq!(wrong.problem(400, "invalid_request"), ["language", "time_zone"]);
    for body in [json!({ "roles": ["admin"] }), json!({ "name": null }), json!({ "email": "nobody" })] {
        world.call_in_session(PASSWORD, "PATCH", "/me", Some(body)).await.problem(400, "invalid_request");
    }
    let ann = world.get(&admin, "/users/ann@example.com").await.text("id");
    let narrow = world.key_of_user(&admin, &ann, "narrow", &["claviger-keys-write"]).await;
    world.patch(&narrow, "/me", json!({ "name": "Mallory" })).await.problem(403, "forbidden");
    world.patch(&admin, "/me", json!({ "name": "Nobody" })).await.problem(403, "forbidden");
    let wide = world.key_of_user(&admin, &ann, "wide", &["claviger-admin"]).await;
    assert_eq!(world.patch(&wide, "/me", json!({ "name": "Ann" })).await.status, 200);
    let by_key = world.patch(&wide, "/me", json!({ "email": "mallory@example.com" })).await;
    by_key.problem(403, "forbidden");
}

/// Ann asks for an address: the answer.
async fn ask(world: &World, email: &str) -> Reply {
    world.call_in_session(PASSWORD, "PATCH", "/me", Some(json!({ "email": email }))).await
}

async fn confirm(world: &World, token: &str) -> Reply {
    world.post("", "/new-addresses/confirm", json!({ "token": token })).await
}

#[tokio::test]
async fn a_new_address_counts_once_its_link_was_followed_and_the_old_one_is_told() {
    let (world, admin) = World::new(true).await.set_up().await;
    world.give_password(&admin, PASSWORD).await;
    let other = world.another_organization("other", "ann@example.com").await;
    let asked = ask(&world, "anna@example.com").await;
    assert_eq!(asked.body["address_to_confirm"], "anna@example.com", "{asked:?}");
    assert_eq!(asked.text("email"), "ann@example.com", "until then the old one counts");
    let mails = world.mails().await;
    let recipients: Vec<&str> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(recipients, ["anna@example.com"]);
    let token = link_token(&mails[0], "/new-address");
    // A link to the old mailbox that is on the way dies with it.
    world.post("", "/password-resets", json!({ "email": "ann@example.com" })).await;
    world.manage.resets.idle().await;
    let reset = link_token(&world.mails().await[0], "/password-reset");
    world
        .post("", "/password-resets/choose", json!({ "token": token, "password": PASSWORD }))
        .await
        .problem(404, "not_found");
    assert_eq!(confirm(&world, &token).await.status, 204);
    let again = confirm(&world, &token).await;
    again.problem(404, "not_found");
    for wrong in [&token[..31], &reset, "", &"a".repeat(32)] {
        let refused = confirm(&world, wrong).await;
        assert_eq!((refused.status, &refused.body["detail"]), (again.status, &again.body["detail"]), "{wrong}");
    }
    world
        .post("", "/password-resets/choose", json!({ "token": reset, "password": PASSWORD }))
        .await
        .problem(404, "not_found");
    for token in [&admin, &other] {
        assert_eq!(world.get(token, "/users/anna@example.com").await.status, 200);
        world.get(token, "/users/ann@example.com").await.problem(404, "not_found");
        let entry = world.audited(token, "user.change_email").await;
        assert_eq!(
            (&entry["before"]["email"], &entry["after"]["email"]),
            (&json!("ann@example.com"), &json!("anna@example.com"))
        );
    }
    let mails = world.mails().await;
    let [notice] = mails.as_slice() else { panic!("one mail: {mails:?}") };
    assert_eq!(
        (notice.recipient.as_str(), notice.subject.as_str()),
        ("ann@example.com", "Your e-mail address was changed")
    );
    assert!(notice.body.expose().contains("anna@example.com"));
    let sign_in = async |login: &str| {
        world.post("", "/sign-in", json!({ "login": login, "password": PASSWORD })).await.status.as_u16()
    };
    assert_eq!((sign_in("ann@example.com").await, sign_in("anna@example.com").await), (401, 200));
}

#[tokio::test]
async fn an_address_that_somebody_has_is_said_to_who_has_its_mailbox_alone() {
    let (world, admin) = World::new(true).await.set_up().await;
    world.give_password(&admin, PASSWORD).await;
    world.another_organization("other", "dan@example.com").await;
    world.user_with_key(&admin, "bob", &["developer"], &[]).await;
    world.mails().await;
    // Of one's own organization who sees its users learns it at once, in whatever spelling.
    for taken in ["bob@example.com", "BOB@Example.com", "\u{ff42}ob@example.com"] {
        assert_eq!(ask(&world, taken).await.problem(409, "name_taken"), ["email"], "{taken}");
    }
    let (free, known) = (ask(&world, "free@example.com").await, {
        world.clock.advance(Duration::from_mins(1));
        ask(&world, "DAN@example.com").await
    });
    let shape = |reply: &Reply| {
        let mut body = reply.body.clone();
        body["address_to_confirm"] = json!(null);
        body["last_sign_in"] = json!(null);
        (reply.status, body)
    };
    assert_eq!(shape(&free), shape(&known));
    let mails = world.mails().await;
    let (first, second) = (link_token(&mails[0], "/new-address"), link_token(&mails[1], "/new-address"));
    confirm(&world, &first).await.problem(404, "not_found");
    confirm(&world, &second).await.problem(409, "conflict");
    assert_eq!(world.get(&admin, "/users/ann@example.com").await.status, 200);
}

#[tokio::test]
async fn an_address_is_asked_for_by_who_has_proved_of_late_who_they_are_and_not_too_often() {
    let (world, admin) = World::new(true).await.set_up().await;
    world.give_password(&admin, PASSWORD).await;
    let signed_in = world.post("", "/sign-in", json!({ "login": "ann@example.com", "password": PASSWORD })).await;
    let cookies: Vec<&str> =
        signed_in.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()).collect();
    let cookie = cookies.iter().filter_map(|line| line.split(';').next()).find(|pair| pair.starts_with("claviger="));
    let request = || {
        http::Request::patch("/api/v1/me")
            .header("cookie", cookie.expect("a session"))
            .header("x-claviger-csrf", signed_in.text("csrf_token"))
            .header("content-type", "application/json")
            .body(json!({ "email": "anna@example.com" }).to_string().into())
            .expect("a request")
    };
    world.clock.advance(claviger_domain::session::STEP_UP_FOR);
    world.send(request()).await.problem(401, "step_up_required");
    assert_eq!(ask(&world, "anna@example.com").await.status, 200);
    let late = ask(&world, "anna@example.com").await;
    late.problem(429, "too_many_attempts");
    assert_eq!(late.header("retry-after"), "60");
    assert_eq!(world.mails().await.len(), 1);
    let (silent, admin) = World::with_organization().await;
    silent.give_password(&admin, PASSWORD).await;
    ask(&silent, "anna@example.com").await.problem(409, "conflict");
    // Nor by the way round.
    let own =
        silent.call_in_session(PASSWORD, "PATCH", "/users/ann", Some(json!({ "email": "anna@example.com" }))).await;
    own.problem(409, "conflict");
}
