//! Another password by a link: for who has the mailbox, once, and nobody learns who is known.

use std::sync::Arc;
use std::time::Duration;

use claviger_store::Scope;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::mail::MAILS_A_DAY;
use crate::password_resets::{RESET_LIFETIME, RUNNING_MAX};
use crate::testing::{Reply, World, link_token};
use crate::visitor::RESETS_MAX;

const OLD: &str = "tulip brisk canal forty";
const NEW: &str = "harbour violet nine anvil";

/// An installation that sends mail, and its administrator, who has a password.
async fn world() -> (World, String) {
    let (world, admin) = World::new(true).await.set_up().await;
    world.give_password(&admin, OLD).await;
    (world, admin)
}

async fn ask(world: &World, email: &str) -> Reply {
    let reply = world.post("", "/password-resets", json!({ "email": email })).await;
    world.manage.resets.idle().await;
    reply
}

/// Asks for ann and reads her mail.
async fn token(world: &World) -> String {
    assert_eq!(ask(world, "ann@example.com").await.status, 204);
    let mails = world.mails().await;
    let [mail] = mails.as_slice() else { panic!("one mail: {mails:?}") };
    assert_eq!((mail.recipient.as_str(), mail.subject.as_str()), ("ann@example.com", "Choose another password"));
    link_token(mail, "/password-reset")
}

async fn choose(world: &World, token: &str, password: &str) -> Reply {
    world.post("", "/password-resets/choose", json!({ "token": token, "password": password })).await
}

async fn sign_in(world: &World, password: &str) -> u16 {
    let body = json!({ "login": "ann@example.com", "password": password });
    world.post("", "/sign-in", body).await.status.as_u16()
}

#[tokio::test]
async fn who_has_the_mailbox_chooses_another_password_and_every_session_ends() {
    let (world, admin) = world().await;
    assert_eq!(world.call_in_session(OLD, "GET", "/session", None).await.status, 200);
    let token = token(&world).await;
    for weak in ["short", "ann@example.com", "aaaaaaaaaaaaaaaa"] {
        assert_eq!(choose(&world, &token, weak).await.problem(400, "invalid_request"), ["password"], "{weak}");
    }
    assert_eq!(sign_in(&world, OLD).await, 200, "until then the old one counts");
    let done = choose(&world, &token, NEW).await;
    assert_eq!((done.status.as_u16(), done.body), (204, json!("")));
    assert_eq!((sign_in(&world, OLD).await, sign_in(&world, NEW).await), (401, 200));
    let alive = world.call_in_session(NEW, "GET", "/me/sessions", None).await;
    assert_eq!(alive.body["data"].as_array().map(Vec::len), Some(2), "those of now alone: {alive:?}");
    let ann = world.get(&admin, "/users/ann@example.com").await.text("id");
    let asked = world.audited(&admin, "user.ask_for_password").await;
    assert_eq!((&asked["actor"]["type"], &asked["object"]["id"]), (&json!("system"), &json!(ann)));
    let set = world.audited(&admin, "user.reset_password").await;
    assert_eq!((&set["actor"]["type"], &set["actor"]["id"]), (&json!("user"), &json!(ann)));
    assert_eq!((&set["after"], &set["ip"]), (&json!({ "sessions_ended": 2 }), &json!("203.0.113.7")));
    let mails = world.mails().await;
    let [notice] = mails.as_slice() else { panic!("one mail: {mails:?}") };
    assert_eq!((notice.recipient.as_str(), notice.subject.as_str()), ("ann@example.com", "Your password was changed"));
    assert!(!notice.body.expose().contains('#'), "{}", notice.body.expose());
}

#[tokio::test]
async fn who_has_no_password_yet_gets_one_by_the_link() {
    let (world, _) = World::new(true).await.set_up().await;
    assert_eq!(sign_in(&world, NEW).await, 401);
    let token = token(&world).await;
    assert_eq!(choose(&world, &token, NEW).await.status, 204);
    assert_eq!(sign_in(&world, NEW).await, 200);
}

#[tokio::test]
async fn a_link_that_was_used_expired_replaced_cut_or_is_of_another_kind_answers_alike() {
    let (world, admin) = world().await;
    let used = token(&world).await;
    assert_eq!(choose(&world, &used, NEW).await.status, 204);
    world.mails().await;
    world.clock.advance(Duration::from_mins(5));
    let replaced = token(&world).await;
    world.clock.advance(Duration::from_mins(5));
    let open = token(&world).await;
    assert_eq!(world.post(&admin, "/users", json!({ "email": "bob@example.com" })).await.status, 201);
    let invitation = link_token(&world.mails().await[0], "/invitation");
    world.post("", "/invitations/accept", json!({ "token": open })).await.problem(404, "not_found");
    let cut = open[..31].to_owned();
    let mut tokens = vec![used, replaced, invitation, cut, format!("{open}x"), "a".repeat(32), String::new()];
    let mut answers = Vec::new();
    for token in &tokens {
        let before = world.manage.passwords.computed();
        answers.push(choose(&world, token, NEW).await);
        assert_eq!(world.manage.passwords.computed(), before, "nothing is computed for who has no link");
    }
    world.clock.advance(RESET_LIFETIME);
    tokens.push(open.clone());
    answers.push(choose(&world, &open, NEW).await);
    let bodies: Vec<Value> = answers
        .iter()
        .map(|answer| {
            answer.problem(404, "not_found");
            let mut body = answer.body.clone();
            body["request_id"] = Value::Null;
            body
        })
        .collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}

#[tokio::test]
async fn a_link_works_until_its_end_for_who_is_in_service_and_of_two_at_once_for_one() {
    let (world, admin) = world().await;
    let second = json!({ "email": "eve@example.com", "roles": ["admin"] });
    let eve = world.post(&admin, "/users", second).await.text("id");
    let mail = world.mails().await;
    let invitation = link_token(&mail[0], "/invitation");
    let body = json!({ "token": invitation, "password": OLD });
    assert_eq!(world.post("", "/invitations/accept", body).await.status, 200);
    ask(&world, "eve@example.com").await;
    let link = link_token(&world.mails().await[0], "/password-reset");
    world.post(&admin, &format!("/users/{eve}/lock"), json!({})).await;
    choose(&world, &link, NEW).await.problem(404, "not_found");
    world.post(&admin, &format!("/users/{eve}/unlock"), json!({})).await;
    world.clock.advance(RESET_LIFETIME.saturating_sub(Duration::from_micros(1)));
    let (one, other) = tokio::join!(choose(&world, &link, NEW), choose(&world, &link, NEW));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404]);
}

#[tokio::test]
async fn who_is_known_and_who_is_not_get_one_answer_that_waits_for_nobody() {
    let (world, admin) = world().await;
    assert_eq!(world.post(&admin, "/users", json!({ "email": "invited@example.com" })).await.status, 201);
    let gone = world.user_with_key(&admin, "gone", &[], &[]).await.0;
    world.post(&admin, &format!("/users/{gone}/disable"), json!({})).await;
    world.mails().await;
    // While somebody else writes, an answer that depended on the address would have to wait.
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notes, store) = ((Arc::clone(&begun), Arc::clone(&go_on)), world.manage.store.clone());
    let writing = tokio::spawn(async move {
        store
            .write(Scope::Installation, move |_| {
                let (begun, go_on) = (Arc::clone(&notes.0), Arc::clone(&notes.1));
                Box::pin(async move {
                    begun.notify_one();
                    go_on.notified().await;
                    Ok::<_, crate::Error>(())
                })
            })
            .await
    });
    begun.notified().await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "nobody@example.com", "invited@example.com", "gone@example.com", "ANN@example.com"]
    {
        let computed = world.manage.passwords.computed();
        let asking = world.post("", "/password-resets", json!({ "email": email }));
        let reply = tokio::time::timeout(Duration::from_secs(5), asking).await.expect("an answer at once");
        assert_eq!(world.manage.passwords.computed(), computed);
        let names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
        answers.push((email, reply.status.as_u16(), names, reply.body));
    }
    let alike = |answer: &(&str, u16, Vec<String>, Value)| (answer.1, answer.2.clone(), answer.3.clone());
    assert!(answers.iter().all(|answer| alike(answer) == alike(&answers[0]) && answer.1 == 204), "{answers:#?}");
    go_on.notify_one();
    writing.await.expect("no panic").expect("written");
    world.manage.resets.idle().await;
    let mails = world.mails().await;
    let recipients: Vec<&str> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(recipients, ["ann@example.com"], "a mail for who is known, and one only");
}

#[tokio::test]
async fn nobodys_mailbox_is_flooded() {
    let (world, _) = world().await;
    let mut sent = 0;
    for _ in 0..24 * 60 {
        // From everywhere: an address has its own share.
        world.clock.advance(Duration::from_mins(1));
        assert_eq!(ask(&world, "ann@example.com").await.status, 204);
        sent += world.mails().await.len();
    }
    // The day of the test begins at noon: it is a part of two.
    assert_eq!(sent, 2 * MAILS_A_DAY);
}

#[tokio::test]
async fn an_address_asks_so_often_a_minute_and_so_many_run_at_once() {
    let (world, _) = world().await;
    for _ in 0..RESETS_MAX {
        assert_eq!(ask(&world, "nobody@example.com").await.status, 204);
    }
    ask(&world, "nobody@example.com").await.problem(503, "busy");
    ask(&world, "ann@example.com").await.problem(503, "busy");
    assert_eq!(sign_in(&world, OLD).await, 200, "other calls have a share of their own");
    world.clock.advance(Duration::from_mins(1));
    let places: Vec<_> = (0..RUNNING_MAX).map(|_| world.manage.resets.admit().expect("room")).collect();
    let full = world.post("", "/password-resets", json!({ "email": "ann@example.com" })).await;
    full.problem(503, "busy");
    drop(places);
    assert_eq!(ask(&world, "ann@example.com").await.status, 204);
}

#[tokio::test]
async fn without_a_mail_server_nobody_is_told_that_a_mail_went() {
    let (world, _) = World::with_organization().await;
    for email in ["ann@example.com", "nobody@example.com"] {
        ask(&world, email).await.problem(409, "conflict");
    }
    let wrong = world.post("", "/password-resets", json!({ "email": "no address" })).await;
    assert_eq!(wrong.problem(400, "invalid_request"), ["email"]);
}

#[tokio::test]
async fn who_changes_their_password_is_told_of_it() {
    let (world, _) = world().await;
    let body = json!({ "current": OLD, "password": NEW });
    assert_eq!(world.call_in_session(OLD, "PUT", "/me/password", Some(body)).await.status, 200);
    let mails = world.mails().await;
    let [notice] = mails.as_slice() else { panic!("one mail: {mails:?}") };
    assert_eq!((notice.recipient.as_str(), notice.subject.as_str()), ("ann@example.com", "Your password was changed"));
}

#[tokio::test]
async fn a_person_of_two_organizations_is_told_of_in_both() {
    let (world, admin) = world().await;
    let other = world.another_organization("other", "ann@example.com").await;
    let token = token(&world).await;
    assert_eq!(choose(&world, &token, NEW).await.status, 204);
    for admin in [&admin, &other] {
        assert_eq!(world.audited(admin, "user.reset_password").await["actor"]["type"], "user");
    }
}
