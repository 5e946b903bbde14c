//! Setting up a second factor, and ending it.

use std::time::Duration;

use claviger_domain::attempts::FREE_FAILURES;
use claviger_domain::recovery_code::RECOVERY_CODES;
use claviger_domain::session::STEP_UP_FOR;
use claviger_domain::totp::{Step, TotpSecret};
use claviger_domain::{Clock as _, Secret};
use claviger_store::outbox;
use serde_json::{Value, json};

use super::ENROLMENT_LIFETIME;
use crate::sign_in::tests::{Browser, ELSEWHERE, HOME, PASSWORD, signed_in, world};
use crate::testing::{OPERATOR, World};

/// An app on a phone.
pub(crate) struct App(TotpSecret);

impl App {
    pub(crate) fn new(secret: &str) -> Self {
        Self(TotpSecret::from_base32(&Secret::new(secret.to_owned())).expect("a secret"))
    }

    /// What it shows so many steps from now.
    pub(crate) fn code(&self, world: &World, off: i64) -> String {
        let step = Step::new(Step::at(world.clock.now()).number() + off);
        self.0.code_at(step).to_text().expose().to_owned()
    }
}

/// Sets a second factor up in a session that has just begun; the step of its first code is over then. Gives recovery codes.
pub(crate) async fn set_up(browser: &mut Browser<'_>, world: &World) -> (App, Vec<String>) {
    let begun = browser.call("POST", "/me/2fa", Value::Null).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    let app = App::new(&begun.text("secret"));
    let confirmed = browser.call("POST", "/me/2fa/confirm", json!({"code": app.code(world, 0)})).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let codes = confirmed.body["recovery_codes"].as_array().expect("codes").iter();
    let codes = codes.map(|code| code.as_str().expect("a text").to_owned()).collect();
    world.clock.advance(Duration::from_mins(1));
    (app, codes)
}

/// The entries of an action, the newest first.
pub(crate) async fn entries(world: &World, token: &str, action: &str) -> Vec<Value> {
    let audit = world.get(token, "/audit?limit=100").await.body;
    let all = audit["data"].as_array().expect("entries").iter();
    all.filter(|entry| entry["action"] == action).cloned().collect()
}

#[tokio::test]
async fn a_second_factor_is_in_force_when_a_code_of_it_was_entered_in_time() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    let mut other = signed_in(&world).await;
    let begun = browser.call("POST", "/me/2fa", Value::Null).await;
    assert_eq!((begun.status.as_u16(), begun.header("cache-control")), (200, "no-store"), "{begun:?}");
    let (late, uri) = (App::new(&begun.text("secret")), begun.text("uri"));
    assert!(
        uri.starts_with("otpauth://totp/Claviger:ann%40example.com?secret=") && uri.contains(&begun.text("secret"))
    );
    assert!(begun.text("qr_svg").contains("<svg"));
    assert_eq!(browser.get("/me/2fa").await.body["second_factor"], Value::Null, "not yet in force");
    assert_eq!(Browser::new(&world, HOME).sign_in("ann@example.com", PASSWORD).await.status, 200);
    world.clock.advance(ENROLMENT_LIFETIME);
    let late = json!({"code": late.code(&world, 0)});
    browser.call("POST", "/me/2fa/confirm", late.clone()).await.problem(409, "conflict");

    browser.call("POST", "/me/2fa", Value::Null).await.problem(401, "step_up_required");
    assert_eq!(browser.call("POST", "/session/step-up", json!({"password": PASSWORD})).await.status, 200);
    let begun = browser.call("POST", "/me/2fa", Value::Null).await;
    let app = App::new(&begun.text("secret"));
    let refused = browser.call("POST", "/me/2fa/confirm", late).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["code"], "a code of the secret before");
    let code = app.code(&world, 0);
    let confirmed = browser.call("POST", "/me/2fa/confirm", json!({"code": code})).await;
    assert_eq!((confirmed.status.as_u16(), confirmed.header("cache-control")), (200, "no-store"), "{confirmed:?}");
    let codes = confirmed.body["recovery_codes"].as_array().expect("codes").clone();
    assert_eq!(codes.len(), RECOVERY_CODES);
    browser.call("POST", "/me/2fa/confirm", json!({"code": code})).await.problem(409, "conflict");
    let state = browser.get("/me/2fa").await.body;
    assert_eq!((&state["second_factor"], &state["recovery_codes_left"]), (&json!("totp"), &json!(RECOVERY_CODES)));
    assert_eq!(other.get("/me").await.status, 401, "a session that began without it has ended");
    assert_eq!(browser.get("/me").await.status, 200);

    let entry = entries(&world, &token, "user.set_second_factor").await.remove(0);
    assert_eq!(entry["before"], json!({"second_factor": null, "recovery_codes": 0}));
    assert_eq!(entry["after"]["second_factor"], "totp");
    assert_eq!(entries(&world, &token, "user.begin_second_factor").await.len(), 2);
    let audit = world.get(&token, "/audit?limit=100").await.body.to_string();
    let stored = std::fs::read(world.files().into_iter().find(|file| file.ends_with("claviger.db")).expect("a file"));
    let stored = stored.expect("the database");
    let kept = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    let codes = codes.iter().map(|code| code.as_str().expect("a text").to_owned());
    for secret in codes.chain([begun.text("secret")]) {
        let bare = secret.replace('-', "");
        assert!(![&secret, &bare].iter().any(|form| audit.contains(form.as_str()) || kept(form)), "a secret is kept");
    }
}

#[tokio::test]
async fn only_a_session_that_has_proved_who_it_is_changes_a_second_factor() {
    let (world, admin) = world().await;
    let mut browser = signed_in(&world).await;
    let own =
        browser.call("POST", "/me/keys", json!({"name": "own", "api_sets": ["claviger-admin"]})).await.text("secret");
    let calls = [("POST", "/me/2fa"), ("POST", "/me/2fa/recovery-codes"), ("DELETE", "/me/2fa")];
    for (method, path) in calls {
        for token in [&own, &admin, OPERATOR] {
            world.call(method, token, path, None).await.problem(403, "forbidden");
        }
    }
    let code = Some(json!({"code": "000000"}));
    world.call("POST", &own, "/me/2fa/confirm", code).await.problem(403, "forbidden");
    assert_eq!(world.get(&own, "/me/2fa").await.status, 200, "a key of one's own sees it");
    world.clock.advance(STEP_UP_FOR);
    for (method, path) in calls {
        browser.call(method, path, Value::Null).await.problem(401, "step_up_required");
    }
}

#[tokio::test]
async fn who_has_a_session_without_the_app_does_not_find_the_code_by_trying() {
    let (world, _) = world().await;
    let mut browser = signed_in(&world).await;
    browser.call("POST", "/me/2fa/confirm", json!({"code": "000000"})).await.problem(409, "conflict");
    let app = App::new(&browser.call("POST", "/me/2fa", Value::Null).await.text("secret"));
    for _ in 0..FREE_FAILURES {
        let refused = browser.call("POST", "/me/2fa/confirm", json!({"code": "no code"})).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["code"]);
    }
    let right = json!({"code": app.code(&world, 0)});
    browser.call("POST", "/me/2fa/confirm", right).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn a_new_phone_takes_the_place_of_the_old_one_when_it_has_shown_a_code() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    let (old, old_codes) = set_up(&mut browser, &world).await;
    let begun = browser.call("POST", "/me/2fa", Value::Null).await;
    let new = App::new(&begun.text("secret"));
    let by = async |code: String| {
        let mut thief = Browser::new(&world, ELSEWHERE);
        let challenge = thief.sign_in("ann@example.com", PASSWORD).await.text("challenge");
        thief.call("POST", "/sign-in/code", json!({"challenge": challenge, "code": code})).await.status.as_u16()
    };
    assert_eq!(by(new.code(&world, 0)).await, 401, "not in force yet");
    assert_eq!(by(old.code(&world, 0)).await, 200, "the old one is");
    let confirmed = browser.call("POST", "/me/2fa/confirm", json!({"code": new.code(&world, 0)})).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    world.clock.advance(Duration::from_mins(1));
    assert_eq!((by(old.code(&world, 0)).await, by(old_codes[0].clone()).await), (401, 401), "both have ended");
    assert_eq!(by(new.code(&world, 0)).await, 200);
    let entry = entries(&world, &token, "user.set_second_factor").await.remove(0);
    assert_eq!(entry["before"], json!({"second_factor": "totp", "recovery_codes": RECOVERY_CODES}));
}

#[tokio::test]
async fn new_recovery_codes_end_those_before_and_the_end_of_all_asks_for_no_code_any_more() {
    let (world, token) = world().await;
    let mut browser = signed_in(&world).await;
    browser.call("POST", "/me/2fa/recovery-codes", Value::Null).await.problem(409, "conflict");
    browser.call("DELETE", "/me/2fa", Value::Null).await.problem(404, "not_found");
    let (_, before) = set_up(&mut browser, &world).await;
    let made = browser.call("POST", "/me/2fa/recovery-codes", Value::Null).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (200, "no-store"), "{made:?}");
    let after = made.body["recovery_codes"][0].as_str().expect("a code").to_owned();
    let mut other = Browser::new(&world, HOME);
    let challenge = other.sign_in("ann@example.com", PASSWORD).await.text("challenge");
    for (code, status) in [(&before[0], 401), (&after, 200)] {
        let reply = other.call("POST", "/sign-in/code", json!({"challenge": challenge, "code": code})).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
    assert_eq!(browser.call("DELETE", "/me/2fa", Value::Null).await.status, 204);
    assert_eq!(Browser::new(&world, HOME).sign_in("ann@example.com", PASSWORD).await.status, 200);
    assert_eq!(entries(&world, &token, "user.make_recovery_codes").await.len(), 1);
    let entry = entries(&world, &token, "user.remove_second_factor").await.remove(0);
    assert_eq!(entry["before"], json!({"second_factor": "totp", "recovery_codes": RECOVERY_CODES - 1}));
    assert_eq!(entry["after"], json!({"second_factor": null, "recovery_codes": 0}));
}

#[tokio::test]
async fn an_administrator_resets_what_another_has_lost_and_nobody_their_own() {
    let (world, admin) = world().await;
    let mut browser = signed_in(&world).await;
    let own =
        browser.call("POST", "/me/keys", json!({"name": "own", "api_sets": ["claviger-admin"]})).await.text("secret");
    set_up(&mut browser, &world).await;
    let desk = json!({"name": "Desk", "authorities": ["users.manage", "users.read"]});
    assert_eq!(world.post(&admin, "/roles", desk).await.status, 201);
    let (_, desk) = world.user_with_key(&admin, "desk", &["desk"], &["claviger-admin"]).await;
    let (bob, bobs) = world.user_with_key(&admin, "bob", &["admin"], &["claviger-admin"]).await;
    let (_, organizations_own) = world.key(&admin, "automation", &["claviger-admin"]).await;
    let reset =
        async |token: &str, user: &str| world.call("POST", token, &format!("/users/{user}/reset-2fa"), None).await;
    reset(&own, "ann@example.com").await.problem(409, "conflict");
    browser.call("POST", "/users/ann@example.com/reset-2fa", Value::Null).await.problem(409, "conflict");
    reset(&organizations_own, "ann@example.com").await.problem(403, "forbidden");
    reset(&desk, "ann@example.com").await.problem(403, "forbidden");
    reset(&bobs, "nobody@example.com").await.problem(404, "not_found");
    world.clock.advance(STEP_UP_FOR);
    browser.call("POST", &format!("/users/{bob}/reset-2fa"), Value::Null).await.problem(401, "step_up_required");
    assert_eq!(browser.get("/me/2fa").await.body["second_factor"], "totp", "nothing was reset so far");

    assert_eq!(reset(&bobs, "ann@example.com").await.status, 204);
    assert_eq!(browser.get("/me").await.status, 401, "their sessions have ended");
    assert_eq!(Browser::new(&world, HOME).sign_in("ann@example.com", PASSWORD).await.status, 200);
    assert_eq!(reset(&bobs, "ann@example.com").await.status, 204, "again: nothing changes");
    let entry = entries(&world, &admin, "user.reset_second_factor").await;
    assert_eq!(entry.len(), 1);
    assert_eq!((&entry[0]["actor"]["id"], &entry[0]["object"]["name"]), (&json!(bob), &json!("ann")));
    assert_eq!(entry[0]["before"], json!({"second_factor": "totp", "recovery_codes": RECOVERY_CODES}));
    assert_eq!(entry[0]["after"], json!({"second_factor": null, "recovery_codes": 0, "sessions_ended": 1}));

    set_up(&mut signed_in(&world).await, &world).await;
    assert_eq!(reset(OPERATOR, "ann@example.com").await.status, 204, "the operator of the one organization");
    set_up(&mut signed_in(&world).await, &world).await;
    world.another_organization("second", "ann@example.com").await;
    reset(&bobs, "ann@example.com").await.problem(409, "conflict");
}

#[tokio::test]
async fn a_mail_tells_the_person_of_each_change() {
    let (world, admin) = World::new(true).await.set_up().await;
    world.give_password(&admin, PASSWORD).await;
    let mut browser = signed_in(&world).await;
    let (_, codes) = set_up(&mut browser, &world).await;
    browser.call("POST", "/me/2fa/recovery-codes", Value::Null).await;
    let mut other = Browser::new(&world, HOME);
    let challenge = other.sign_in("ann@example.com", PASSWORD).await.text("challenge");
    other
        .call("POST", "/sign-in/code", json!({"challenge": challenge, "code": codes[0]}))
        .await
        .problem(401, "unauthenticated");
    let made = browser.call("POST", "/me/2fa/recovery-codes", Value::Null).await;
    let code = &made.body["recovery_codes"][3];
    let entered = other.call("POST", "/sign-in/code", json!({"challenge": challenge, "code": code})).await;
    assert_eq!(entered.status, 200, "{entered:?}");
    assert_eq!(other.call("DELETE", "/me/2fa", Value::Null).await.status, 204);
    set_up(&mut other, &world).await;
    let (_, bobs) = world.user_with_key(&admin, "bob", &["admin"], &["claviger-admin"]).await;
    assert_eq!(world.call("POST", &bobs, "/users/ann@example.com/reset-2fa", None).await.status, 204);
    let now = world.clock.now();
    let mails = outbox::lease(&world.manage.store, "test", now, now, 100).await.expect("mails");
    let told: Vec<String> = mails
        .iter()
        .filter(|mail| mail.recipient.as_str() == "ann@example.com")
        .map(|mail| serde_json::from_str::<Value>(&mail.mail).expect("JSON"))
        .map(|mail| format!("{}{}", mail["mail"].as_str().expect("a word"), mail["left"].as_str().unwrap_or_default()))
        .filter(|mail| mail != "invitation")
        .collect();
    let expected = [
        "second_factor_on",
        "recovery_codes_made",
        "recovery_codes_made",
        "recovery_code_used9",
        "second_factor_off",
        "second_factor_on",
        "second_factor_reset",
    ];
    let sorted = |mut told: Vec<String>| {
        told.sort();
        told
    };
    assert_eq!(sorted(told), sorted(expected.map(str::to_owned).to_vec()));
}
