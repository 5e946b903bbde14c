//! Invitations: a link works once, for the person it was made for, and gives nobody what they lack.

use std::time::Duration;

use serde_json::{Value, json};

use crate::invitations::INVITATION_LIFETIME;
use crate::testing::{Reply, World};

/// The token in an answer's link, and that the link leads to the configured URL.
fn token(link: &Value) -> String {
    let link = link.as_str().expect("a link");
    let token = link.strip_prefix("https://keys.example.com/invitation#").expect("the configured URL");
    assert_eq!(token.len(), 32);
    token.to_owned()
}

async fn invited(world: &World, admin: &str, name: &str, roles: &[&str]) -> (String, String) {
    let made = world.post(admin, "/users", json!({"email": format!("{name}@example.com"), "roles": roles})).await;
    assert_eq!(made.status, 201, "{made:?}");
    (made.text("id"), token(&made.body["invitation"]["link"]))
}

async fn accept(world: &World, token: &str) -> Reply {
    world.post("", "/invitations/accept", json!({"token": token})).await
}

async fn state(world: &World, admin: &str, user: &str) -> String {
    world.get(admin, &format!("/users/{user}")).await.text("state")
}

#[tokio::test]
async fn a_person_comes_by_their_link_once() {
    let (world, admin) = World::with_organization().await;
    let (bob, token) = invited(&world, &admin, "bob", &["developer"]).await;
    let listed = world.get(&admin, "/invitations").await;
    assert_eq!((&listed.body["data"][0]["user"], &listed.body["data"][0]["state"]), (&json!(bob), &json!("open")));
    assert!(!listed.body.to_string().contains(&token));
    for unseen in ["B\u{200d}ob", "Bob\u{202e}", "\u{2800}"] {
        let refused = world.post("", "/invitations/accept", json!({"token": token, "name": unseen})).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["name"], "{}", unseen.escape_unicode());
    }
    let came = world.post("", "/invitations/accept", json!({"token": token, "name": "Bob B."})).await;
    assert_eq!(came.status, 200, "{came:?}");
    assert_eq!((came.text("user"), came.text("organization_name")), (bob.clone(), "Example".to_owned()));
    let user = world.get(&admin, "/users/bob").await;
    assert_eq!((user.text("state").as_str(), user.text("name").as_str()), ("active", "Bob B."));
    accept(&world, &token).await.problem(404, "not_found");
    assert_eq!(world.get(&admin, "/invitations").await.body["data"], json!([]));
    let audit = world.get(&admin, "/audit?limit=100").await;
    let entry =
        audit.body["data"].as_array().expect("entries").iter().find(|entry| entry["action"] == "invitation.accept");
    let entry = entry.expect("an entry");
    assert_eq!(
        (&entry["actor"]["type"], &entry["actor"]["id"], &entry["ip"]),
        (&json!("user"), &json!(bob), &json!("203.0.113.7"))
    );
    assert!(!audit.body.to_string().contains(&token));
}

#[tokio::test]
async fn what_was_used_expired_revoked_replaced_or_never_was_answers_alike() {
    let (world, admin) = World::with_organization().await;
    let (_, used) = invited(&world, &admin, "used", &[]).await;
    assert_eq!(accept(&world, &used).await.status, 200);
    let (revoked_user, revoked) = invited(&world, &admin, "revoked", &[]).await;
    let id = world.get(&admin, "/invitations").await.body["data"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.call("DELETE", &admin, &format!("/invitations/{id}"), None).await.status, 204);
    world.call("DELETE", &admin, &format!("/invitations/{id}"), None).await.problem(404, "not_found");
    assert_eq!(state(&world, &admin, &revoked_user).await, "invited", "the user stays");
    let (removed_user, removed) = invited(&world, &admin, "removed", &[]).await;
    world.call("DELETE", &admin, &format!("/users/{removed_user}"), None).await;
    let (_, disabled) = invited(&world, &admin, "disabled", &[]).await;
    world.post(&admin, "/users/disabled/disable", json!({})).await;
    let (_, moved) = invited(&world, &admin, "moved", &[]).await;
    world.patch(&admin, "/users/moved", json!({"email": "elsewhere@example.com"})).await;
    let (_, replaced) = invited(&world, &admin, "replaced", &[]).await;
    let again = world.post(&admin, "/invitations", json!({"user": "replaced@example.com"})).await;
    assert_eq!(again.status, 201, "{again:?}");
    let (_, expired) = invited(&world, &admin, "expired", &[]).await;
    let never = "a".repeat(32);
    let mut bodies = Vec::new();
    let mut tokens = vec![used, revoked, removed, disabled, moved, replaced, never, "short".to_owned(), String::new()];
    for token in &tokens {
        let mut refused = accept(&world, token).await;
        refused.problem(404, "not_found");
        refused.body["request_id"] = Value::Null;
        bodies.push(refused.body);
    }
    world.clock.advance(INVITATION_LIFETIME.saturating_sub(Duration::from_micros(1)));
    tokens.push(expired.clone());
    let newest = token(&again.body["link"]);
    assert_eq!(accept(&world, &newest).await.status, 200, "a moment before its end");
    world.clock.advance(Duration::from_micros(1));
    let mut refused = accept(&world, &expired).await;
    refused.problem(404, "not_found");
    refused.body["request_id"] = Value::Null;
    bodies.push(refused.body);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}

#[tokio::test]
async fn who_is_known_joins_as_themselves_and_nobody_else_does() {
    let (world, admin) = World::with_organization().await;
    let other = world.another_organization("other", "eve@example.com").await;
    let (bob, first) = invited(&world, &admin, "bob", &["developer"]).await;
    assert_eq!(accept(&world, &first).await.status, 200);
    let bobs_key = world.key_of_user(&admin, &bob, "bob's", &["claviger-admin"]).await;
    let (_, carols_key) = world.user_with_key(&admin, "carol", &["developer"], &["claviger-admin"]).await;
    // The one who invites sees no difference between who is known and who is not.
    let known = world.post(&other, "/users", json!({"email": "bob@example.com", "roles": ["auditor"]})).await;
    let unknown = world.post(&other, "/users", json!({"email": "dan@example.com", "roles": ["auditor"]})).await;
    let fields = |reply: &Reply| reply.body.as_object().expect("a record").keys().cloned().collect::<Vec<_>>();
    assert_eq!((known.status, fields(&known)), (unknown.status, fields(&unknown)));
    let link = token(&known.body["invitation"]["link"]);
    accept(&world, &link).await.problem(401, "unauthenticated");
    let by = async |key: &str| world.post(key, "/invitations/accept", json!({"token": link, "name": "Mallory"})).await;
    by(&carols_key).await.problem(403, "forbidden");
    by(&admin).await.problem(401, "unauthenticated");
    let joined = by(&bobs_key).await;
    assert_eq!((joined.status.as_u16(), joined.text("user")), (200, bob.clone()), "{joined:?}");
    let there = world.get(&other, "/users/bob@example.com").await;
    assert_eq!((there.text("id"), there.text("state"), there.text("name")), (bob, "active".into(), "bob".into()));
    assert_eq!(there.body["roles"], json!(["auditor"]));
    by(&bobs_key).await.problem(404, "not_found");
    // Somebody who is signed in does not become another person by a link.
    let dans = token(&unknown.body["invitation"]["link"]);
    let refused = world.post(&carols_key, "/invitations/accept", json!({"token": dans})).await;
    refused.problem(409, "conflict");
    assert_eq!(accept(&world, &dans).await.status, 200);
}

#[tokio::test]
async fn who_comes_chooses_the_password_that_they_sign_in_with() {
    let (world, admin) = World::with_organization().await;
    let (_, link) = invited(&world, &admin, "bob", &["developer"]).await;
    let with = async |password: &str| {
        world.post("", "/invitations/accept", json!({"token": link, "password": password})).await
    };
    for weak in ["short", "bob@example.com", "aaaaaaaaaaaaaaaa"] {
        assert_eq!(with(weak).await.problem(400, "invalid_request"), ["password"], "{weak}");
    }
    assert_eq!(with("harbour violet nine anvil").await.status, 200, "the link was still good");
    let sign_in = async |password: &str| {
        world.post("", "/sign-in", json!({"login": "bob@example.com", "password": password})).await
    };
    assert_eq!(sign_in("harbour violet nine anvil").await.status, 200);
    sign_in("harbour violet nine anvils").await.problem(401, "unauthenticated");
    // Whoever has a link to a known address changes nothing of the person's.
    let other = world.another_organization("other", "eve@example.com").await;
    let second = world.post(&other, "/users", json!({"email": "bob@example.com"})).await;
    let second = token(&second.body["invitation"]["link"]);
    let body = json!({"token": second, "password": "another good one entirely"});
    world.post("", "/invitations/accept", body).await.problem(401, "unauthenticated");
    sign_in("another good one entirely").await.problem(401, "unauthenticated");
    assert_eq!(sign_in("harbour violet nine anvil").await.status, 200);
}

#[tokio::test]
async fn a_new_link_takes_what_the_user_may_do() {
    let (world, admin) = World::with_organization().await;
    let desk = json!({"name": "Desk", "slug": "desk", "authorities": ["users.manage"]});
    assert_eq!(world.post(&admin, "/roles", desk).await.status, 201);
    let (_, clerk) = world.user_with_key(&admin, "clerk", &["desk"], &["claviger-admin"]).await;
    invited(&world, &admin, "boss", &["admin"]).await;
    world.post(&clerk, "/invitations", json!({"user": "boss"})).await.problem(403, "forbidden");
    invited(&world, &admin, "peer", &["desk"]).await;
    assert_eq!(world.post(&clerk, "/invitations", json!({"user": "peer"})).await.status, 201);
    world.post(&clerk, "/invitations", json!({"user": "nobody"})).await.problem(404, "not_found");
    world.post(&clerk, "/invitations", json!({"user": "ann"})).await.problem(409, "conflict");
}

#[tokio::test]
async fn with_a_mail_server_the_link_goes_by_mail_alone_and_its_token_is_sealed() {
    let (world, admin) = World::new(true).await.set_up().await;
    let made = world.post(&admin, "/users", json!({"email": "bob@example.com", "roles": ["developer"]})).await;
    assert_eq!((&made.body["invitation"]["mailed"], &made.body["invitation"]["link"]), (&json!(true), &Value::Null));
    let leased = crate::mail::lease(&world.manage, "test", 10).await.expect("the outbox");
    let [waiting] = leased.as_slice() else { panic!("one mail: {leased:?}") };
    let ready = crate::mail::open(&world.manage, waiting).expect("a mail");
    assert_eq!((ready.recipient.as_str(), ready.subject.as_str()), ("bob@example.com", "Invitation to Example"));
    let body = ready.body.expose();
    let link = body.lines().find(|line| line.contains('#')).expect("a link");
    let token = token(&json!(link));
    for file in world.files() {
        let bytes = std::fs::read(file).expect("a file of the database");
        assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "the token is in the database");
    }
    assert_eq!(accept(&world, &token).await.status, 200);
    crate::mail::note_sent(&world.manage, "test", waiting).await.expect("noted");
    assert_eq!(crate::mail::depth(&world.manage).await.expect("read").waiting, 0);
}

#[tokio::test]
async fn a_mail_is_tried_again_and_given_up_with_an_entry_in_the_audit_log() {
    use crate::mail::{Failure, Settled};
    let (world, admin) = World::new(true).await.set_up().await;
    for name in ["bob", "eve"] {
        world.post(&admin, "/users", json!({"email": format!("{name}@example.com")})).await;
    }
    let leased = crate::mail::lease(&world.manage, "test", 10).await.expect("the outbox");
    let failed = async |mail: &claviger_store::outbox::Waiting, failure: Failure| {
        crate::mail::note_failed(&world.manage, "test", mail, &failure).await.expect("noted")
    };
    let again = failed(&leased[0], Failure::passing("451 later")).await;
    assert!(matches!(again, Settled::Again(at) if at > crate::testing::NOW), "{again:?}");
    assert_eq!(failed(&leased[1], Failure::permanent("550 no such user")).await, Settled::GivenUp);
    // At its end a mail is given up, however passing the reason.
    world.clock.advance(INVITATION_LIFETIME.saturating_sub(Duration::from_secs(1)));
    let late = crate::mail::lease(&world.manage, "test", 10).await.expect("the outbox");
    assert_eq!((late.len(), late[0].id, late[0].attempts), (1, leased[0].id, 1));
    assert_eq!(failed(&late[0], Failure::passing("451 later")).await, Settled::GivenUp);
    let audit = world.get(&admin, "/audit?limit=100").await;
    let entries = audit.body["data"].as_array().expect("entries").iter().filter(|entry| entry["action"] == "mail.fail");
    let reasons: Vec<_> = entries.map(|entry| entry["after"]["reason"].clone()).collect();
    assert_eq!(reasons, [json!("2 times in vain: 451 later"), json!("550 no such user")]);
}

#[tokio::test]
async fn a_repeated_creation_shows_no_link_twice() {
    let (world, admin) = World::with_organization().await;
    let send = async || {
        let request = http::Request::builder()
            .method("POST")
            .uri("/api/v1/users")
            .header("authorization", format!("Bearer {admin}"))
            .header("content-type", "application/json")
            .header("idempotency-key", "once")
            .body(axum::body::Body::from(json!({"email": "bob@example.com"}).to_string()));
        world.send(request.expect("a request")).await
    };
    let (first, again) = (send().await, send().await);
    assert!(first.body["invitation"]["link"].is_string(), "{first:?}");
    assert_eq!((again.status.as_u16(), &again.body["invitation"]["link"]), (201, &Value::Null), "{again:?}");
    assert_eq!(again.header("idempotent-replayed"), "true");
}
