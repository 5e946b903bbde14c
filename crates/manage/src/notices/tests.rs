//! What people are told of, when, and that they are told once.

use std::time::Duration;

use http::Request;
use serde_json::{Value, json};

use super::{GATHERED_FOR, follow, remind};
use crate::testing::{NOW, World, link_token};

const DAY: Duration = Duration::from_hours(24);

/// An installation that sends mail, and its administrator's token.
async fn world() -> (World, String) {
    let (world, admin) = World::new(true).await.set_up().await;
    world.mails().await;
    follow(&world.manage).await.expect("followed");
    (world, admin)
}

/// Moves the clock to an instant of the year.
fn advance_to(world: &World, instant: &str) {
    let to: claviger_domain::Timestamp = instant.parse().expect("an instant");
    world.clock.advance(to.saturating_since(claviger_domain::Clock::now(&*world.clock)));
}

/// All that people are told of now, as mails: recipient, subject and text. The second look finds nothing more.
async fn told(world: &World) -> Vec<(String, String, String)> {
    follow(&world.manage).await.expect("followed");
    remind(&world.manage).await.expect("reminded");
    assert_eq!(follow(&world.manage).await.expect("followed"), 0, "once");
    assert_eq!(remind(&world.manage).await.expect("reminded"), 0, "once");
    world.clock.advance(GATHERED_FOR);
    let mails = world.mails().await.into_iter();
    mails.map(|mail| (mail.recipient.to_string(), mail.subject, mail.body.expose().to_owned())).collect()
}

/// The subjects alone, of mails to ann.
async fn subjects(world: &World) -> Vec<String> {
    let told = told(world).await.into_iter();
    told.filter(|(to, _, _)| to == "ann@example.com").map(|(_, subject, _)| subject).collect()
}

async fn key(world: &World, admin: &str, name: &str, more: Value) -> String {
    let mut body = json!({"name": name, "api_sets": ["full-access"]});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let made = world.post(admin, "/keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["key"]["id"].as_str().expect("an id").to_owned()
}

async fn set(world: &World, admin: &str, body: Value) {
    let set = world.patch(admin, "/notices", body).await;
    assert_eq!(set.status, 200, "{set:?}");
}

#[tokio::test]
async fn who_is_told_of_what_is_the_organizations_to_set() {
    let (world, admin) = World::with_organization().await;
    let (on, off) = (json!({"holder": true, "administrators": true, "addresses": true}), Value::Bool(false));
    let off = json!({"holder": off, "administrators": off, "addresses": off});
    let read = world.get(&admin, "/notices").await;
    let mut expected = json!({
        "kinds": {
            "expiry": on, "idle": on, "created": off, "revealed": off, "rotated": off,
            "approval": {"holder": false, "administrators": true, "addresses": false},
            "decided": {"holder": true, "administrators": false, "addresses": false}, "new_address": off,
            "old_secret_used": on, "leaked": on, "owner_disabled": off,
        },
        "addresses": [],
        "updated_at": null,
    });
    assert_eq!((read.status.as_u16(), &read.body, read.header("etag")), (200, &expected, "\"1\""));
    let edit = json!({"kinds": {"idle": {"holder": false}, "created": {"addresses": true}}, "addresses": [" Ops@example.com "]});
    let edited = world.patch(&admin, "/notices", edit.clone()).await;
    expected["kinds"]["idle"]["holder"] = json!(false);
    expected["kinds"]["created"]["addresses"] = json!(true);
    expected["addresses"] = json!(["Ops@example.com"]);
    expected["updated_at"] = json!("2026-01-15T12:00:00Z");
    assert_eq!((edited.status.as_u16(), &edited.body, edited.header("etag")), (200, &expected, "\"2\""));
    assert_eq!(world.get(&admin, "/notices").await.body, expected);
    let entry = world.audited(&admin, "notices.edit").await;
    assert_eq!(entry["after"]["addresses"], json!(["Ops@example.com"]), "{entry}");
    assert_eq!(entry["after"]["kinds"]["created"]["addresses"], true);
    let again = world.patch(&admin, "/notices", edit).await;
    assert_eq!((again.status.as_u16(), again.header("etag"), again.header("x-claviger-change")), (200, "\"2\"", ""));

    let many: Vec<_> = (0..21).map(|number| format!("ops{number}@example.com")).collect();
    for (body, field) in [
        (json!({"addresses": many}), "addresses"),
        (json!({"addresses": ["ops"]}), "addresses[0]"),
        (json!({"addresses": ["a@example.com", "A@EXAMPLE.com"]}), "addresses[1]"),
        (json!({"addresses": null}), "addresses"),
        (json!({"kinds": {"weather": {"holder": true}}}), "kinds.weather"),
        (json!({"kinds": {"idle": {"holder": "yes"}}}), "kinds.idle.holder"),
        (json!({"kinds": {"idle": null}}), "kinds.idle"),
    ] {
        let fields = world.patch(&admin, "/notices", body.clone()).await.problem(400, "invalid_request");
        assert_eq!(fields.first().map(String::as_str), Some(field), "{body}: {fields:?}");
    }
    let stale = Request::builder().method("PATCH").uri("/api/v1/notices").header("if-match", "\"1\"");
    let stale = stale.header("authorization", format!("Bearer {admin}")).header("content-type", "application/json");
    world.send(stale.body(json!({"addresses": []}).to_string().into()).expect("a request")).await.problem(412, "stale");
    assert_eq!(world.get(&admin, "/notices").await.body, expected);
}

#[tokio::test]
async fn the_end_of_keys_is_told_of_on_four_days_in_one_mail_a_day() {
    let (world, admin) = world().await;
    key(&world, &admin, "Import of orders", json!({"expires_at": "2026-06-30", "idle_exempt": true})).await;
    key(&world, &admin, "Export", json!({"expires_at": "2026-06-30", "idle_exempt": true})).await;
    let lone = key(&world, &admin, "Alone", json!({"expires_at": "2026-09-30", "idle_exempt": true})).await;
    assert_eq!(subjects(&world).await, [] as [&str; 0], "nobody is told who has made them");
    advance_to(&world, "2026-05-30T23:58:00Z");
    assert_eq!(subjects(&world).await, [] as [&str; 0]);
    for day in ["2026-05-31", "2026-06-23", "2026-06-29", "2026-06-30"] {
        advance_to(&world, &format!("{day}T00:00:00Z"));
        assert_eq!(subjects(&world).await, ["Example: 2 notices about keys"], "{day}");
        advance_to(&world, &format!("{day}T23:58:00Z"));
        assert_eq!(subjects(&world).await, [] as [&str; 0], "once a day: {day}");
    }
    advance_to(&world, "2026-08-31T08:00:00Z");
    let mails = told(&world).await;
    let [(to, subject, body)] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((to.as_str(), subject.as_str()), ("ann@example.com", "Example: key “Alone” ends on 2026-09-30"));
    assert!(body.contains(&format!("https://keys.example.com/keys/{lone}\n")) && body.contains("of Example"), "{body}");
    // An end that is moved is another end.
    let moved = world.patch(&admin, &format!("/keys/{lone}"), json!({"expires_at": "2026-09-03"})).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    advance_to(&world, "2026-09-01T00:00:00Z");
    assert_eq!(subjects(&world).await, ["Example: key “Alone” ends on 2026-09-03"]);
}

#[tokio::test]
async fn who_was_away_is_told_of_the_nearest_day_and_of_an_end_for_a_week() {
    let (world, admin) = world().await;
    let end = json!({"expires_at": "2026-06-30", "idle_exempt": true});
    key(&world, &admin, "A", end.clone()).await;
    advance_to(&world, "2026-06-25T00:00:00Z");
    assert_eq!(subjects(&world).await, ["Example: key “A” ends on 2026-06-30"], "of 30 and 7 days the nearest");
    advance_to(&world, "2026-07-04T00:00:00Z");
    assert_eq!(subjects(&world).await, ["Example: key “A” has ended"]);
    let (world, admin) = self::world().await;
    key(&world, &admin, "A", end).await;
    advance_to(&world, "2026-07-09T00:00:00Z");
    assert_eq!(subjects(&world).await, [] as [&str; 0], "that is no news any more");
}

#[tokio::test]
async fn an_end_by_a_lowered_cap_is_told_of() {
    let (world, admin) = world().await;
    key(&world, &admin, "A", json!({"idle_exempt": true})).await;
    advance_to(&world, "2026-02-01T00:00:00Z");
    let cap = json!({"max_lifetime": {"organization": {"days": 30}}});
    assert_eq!(world.patch(&admin, "/policy", cap).await.status, 200);
    assert_eq!(subjects(&world).await, [] as [&str; 0], "13 days before a lifetime of 30");
    advance_to(&world, "2026-02-08T00:00:00Z");
    // The administrator's own key goes the same way, and its user's is that of a year.
    let told = told(&world).await;
    assert!(told.iter().any(|(_, _, body)| body.contains("“A” of Example ends on 2026-02-14")), "{told:?}");
}

#[tokio::test]
async fn going_idle_is_told_of_before_and_when_it_is_written_down() {
    let (world, admin) = world().await;
    let id = key(&world, &admin, "A", json!({})).await;
    let disabled = key(&world, &admin, "B", json!({"disabled": true})).await;
    for (instant, expected) in [
        ("2026-03-30T23:58:00Z", vec![]),
        (
            "2026-04-01T00:00:00Z",
            vec!["Example: key “A” goes out of service on 2026-04-15 12:00 UTC unless it is used"],
        ),
        (
            "2026-04-08T00:00:00Z",
            vec!["Example: key “A” goes out of service on 2026-04-15 12:00 UTC unless it is used"],
        ),
        (
            "2026-04-14T00:00:00Z",
            vec!["Example: key “A” goes out of service on 2026-04-15 12:00 UTC unless it is used"],
        ),
        ("2026-04-15T00:00:00Z", vec![]),
    ] {
        advance_to(&world, instant);
        assert_eq!(subjects(&world).await, expected, "{instant}");
    }
    advance_to(&world, "2026-04-15T13:00:00Z");
    assert_eq!(subjects(&world).await, [] as [&str; 0], "not before it is written down");
    crate::keys::sweep(&world.manage).await.expect("swept");
    assert_eq!(subjects(&world).await, ["Example: key “A” is out of service because nobody uses it"]);
    // What somebody disabled is told by nobody.
    let disable = world.post(&admin, &format!("/keys/{disabled}/enable"), json!({})).await;
    assert_eq!(disable.status, 200, "{disable:?}");
    world.post(&admin, &format!("/keys/{disabled}/disable"), json!({"reason": "idle"})).await;
    assert_eq!(subjects(&world).await, [] as [&str; 0]);
    assert_eq!(world.get(&admin, &format!("/keys/{id}")).await.body["state_reason"], "idle");
}

#[tokio::test]
async fn what_is_done_with_keys_is_told_to_whom_it_concerns_and_only_from_when_that_is_wanted() {
    let (world, admin) = world().await;
    key(&world, &admin, "Before", json!({})).await;
    follow(&world.manage).await.expect("followed");
    let everybody = json!({"holder": true, "administrators": true, "addresses": true});
    let kinds =
        json!({"created": everybody, "rotated": {"holder": true}, "revealed": everybody, "owner_disabled": everybody});
    set(&world, &admin, json!({"kinds": kinds, "addresses": ["ops@example.com", "ANN@example.com"]})).await;
    let reveal = json!({"reveal": {"organization": "recoverable"}});
    assert_eq!(world.patch(&admin, "/policy", reveal).await.status, 200);
    let id = key(&world, &admin, "After", json!({})).await;
    assert_eq!(world.post(&admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 0})).await.status, 200);
    let mut told_first = told(&world).await;
    told_first.sort();
    let short: Vec<_> = told_first.iter().map(|(to, subject, _)| (to.as_str(), subject.as_str())).collect();
    let new = "Example: new key “After”";
    assert_eq!(short, [("ann@example.com", new), ("ops@example.com", new)], "a key of nobody has no holder");

    // What may mean harm does not wait for the mail of the next day; other news do.
    let secret = world.post(&admin, &format!("/keys/{id}/reveal"), json!({})).await.text("secret");
    key(&world, &admin, "Later", json!({})).await;
    let revealed = told(&world).await;
    assert_eq!(revealed.len(), 2, "{revealed:?}");
    for (_, subject, body) in &revealed {
        assert_eq!(subject, "Example: the secret of key “After” was shown");
        assert!(!body.contains(&secret) && !body.contains(&secret[..12]), "{body}");
    }
    advance_to(&world, "2026-01-16T00:00:00Z");
    assert_eq!(subjects(&world).await, ["Example: new key “Later”"]);
}

#[tokio::test]
async fn a_holder_is_told_in_their_language_and_when_they_are_taken_out_of_service() {
    let (world, admin) = world().await;
    let everybody = json!({"holder": true, "administrators": false, "addresses": false});
    set(&world, &admin, json!({"kinds": {"expiry": everybody, "rotated": everybody, "owner_disabled": everybody}}))
        .await;
    assert_eq!(world.patch(&admin, "/policy", json!({"idle_days": 0})).await.status, 200);
    let bob = json!({"email": "bob@example.com", "roles": ["developer"], "language": "pl"});
    let user = world.post(&admin, "/users", bob).await.text("id");
    let invitation = world.mails().await;
    world.key_of_user(&admin, &user, "first", &["full-access"]).await;
    world.clock.advance(DAY);
    assert_eq!(told(&world).await, [], "nobody has confirmed that address");
    let accept = json!({"token": link_token(&invitation[0], "/invitation"), "name": "Bob", "password": "tulip brisk canal forty"});
    assert_eq!(world.post("", "/invitations/accept", accept).await.status, 200);
    let key = world.key_of_user(&admin, &user, "second", &["full-access"]).await;
    advance_to(&world, "2027-01-09T00:00:00Z");
    let mails = told(&world).await;
    assert!(mails.iter().all(|(to, _, body)| to == "bob@example.com" && !body.contains(&key)), "{mails:?}");
    assert!(mails.iter().any(|(_, _, body)| body.contains("„first” (właściciel: Bob) wygasa 2027-01-15")), "{mails:?}");
    assert_eq!(world.post(&admin, "/users/bob@example.com/disable", json!({})).await.status, 200);
    advance_to(&world, "2027-01-15T00:00:00Z");
    let mails = told(&world).await;
    let bodies: String = mails.into_iter().map(|(_, _, body)| body).collect();
    assert!(bodies.contains("Wyłączono: Bob") && !bodies.contains("wygasa"), "{bodies}");
}

#[tokio::test]
async fn who_decides_is_told_of_a_key_that_waits_and_who_asked_of_what_became_of_it() {
    let (world, admin) = world().await;
    let bob = json!({"email": "bob@example.com", "roles": ["key-manager"]});
    let user = world.post(&admin, "/users", bob).await.text("id");
    let accept = json!({"token": link_token(&world.mails().await[0], "/invitation"), "name": "Bob", "password": "tulip brisk canal forty"});
    assert_eq!(world.post("", "/invitations/accept", accept).await.status, 200);
    let bobs = world.key_of_user(&admin, &user, "first", &["claviger-keys-write"]).await;
    let (_, eves) = world.user_with_key(&admin, "eve", &["admin"], &["claviger-admin"]).await;
    world.mails().await;
    world.patch(&admin, "/policy", json!({"approval": ["full-access"]})).await;
    let [good, bad] = [key(&world, &bobs, "Good", json!({})).await, key(&world, &bobs, "Bad", json!({})).await];
    let waits = told(&world).await;
    let to: Vec<_> = waits.iter().map(|(to, subject, _)| (to.as_str(), subject.as_str())).collect();
    assert_eq!(to, [("ann@example.com", "Example: 2 notices about keys")], "eve has confirmed no address");
    assert!(waits[0].2.contains("“Good”") && waits[0].2.contains("Bob asked for it"), "{waits:?}");
    assert_eq!(world.post(&eves, &format!("/keys/{good}/approve"), json!({})).await.status, 200);
    assert_eq!(world.post(&eves, &format!("/keys/{bad}/deny"), json!({"reason": "no"})).await.status, 200);
    let decided = told(&world).await;
    assert_eq!(decided.len(), 1, "{decided:?}");
    let (to, _, body) = &decided[0];
    assert_eq!(to, "bob@example.com");
    assert!(body.contains("approved the key “Good”") && body.contains("denied the key “Bad”"), "{body}");
    // What is put back waits anew, and is told of anew, in the next day's mail.
    assert_eq!(world.post(&bobs, &format!("/keys/{bad}/enable"), json!({})).await.status, 200);
    advance_to(&world, "2026-01-16T00:00:00Z");
    assert_eq!(subjects(&world).await, ["Example: key “Bad” waits for approval"]);
}

#[tokio::test]
async fn an_installation_without_mail_tells_nobody_and_goes_on() {
    let (world, admin) = World::with_organization().await;
    key(&world, &admin, "A", json!({"expires_at": "2026-01-20"})).await;
    advance_to(&world, "2026-01-19T00:00:00Z");
    assert_eq!(
        (follow(&world.manage).await.expect("followed"), remind(&world.manage).await.expect("reminded")),
        (0, 0)
    );
    assert!(world.mails().await.is_empty());
    assert!(claviger_domain::Clock::now(&*world.clock) > NOW.saturating_add(DAY));
}

#[tokio::test]
async fn what_was_told_long_ago_is_forgotten() {
    let (world, admin) = world().await;
    key(&world, &admin, "A", json!({"expires_at": "2026-01-20", "idle_exempt": true})).await;
    advance_to(&world, "2026-01-19T00:00:00Z");
    assert_eq!(remind(&world.manage).await.expect("reminded"), 1);
    assert_eq!(super::trim(&world.manage).await.expect("trimmed"), 0);
    world.clock.advance(181 * DAY);
    assert_eq!(super::trim(&world.manage).await.expect("trimmed"), 2, "the threshold and its recipient");
}
