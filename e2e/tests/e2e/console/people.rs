//! People and their rights: who is invited, what they may do, and what becomes of their keys.

use std::time::Duration;

use serde_json::{Value, json};

use super::{call, on};
use crate::harness::app::{PASSWORD, person};
use crate::harness::chromium::Chromium;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const SUBMIT: &str = "main form.form button[type=submit]";
const YES: &str = "dialog[open] button[type=submit]";

/// Bob, who has come and has these roles.
async fn bob(world: &World, roles: &[&str]) {
    person(world.control, &world.token, "bob", roles).await;
}

async fn api(world: &World, method: &str, path: &str, body: &Value) -> Value {
    let request = Request::new(method, &format!("/api/v1{path}")).json(body).bearer(&world.token);
    request.send(world.control).await.expect(200).json()
}

/// A window in which bob has signed in.
async fn as_bob(world: &World) -> Chromium {
    let browser = Chromium::open(world.control).await;
    browser.sign_in("bob@example.com", PASSWORD).await;
    browser
}

/// Makes a key on one's own account page, and answers its secret.
async fn generate(browser: &Chromium, name: &str) -> String {
    browser.press("Generate key").await;
    browser.fill("#name", name).await;
    browser.script("document.querySelector('#api_sets option[value=orders-read]').selected = true", &[]).await;
    browser.press("Finish").await;
    browser.wait_for("shown-once").await;
    let secret = browser.value("#secret").await;
    browser.take().await;
    browser.press("Close").await;
    browser.wait_for_text("User Account Details").await;
    secret
}

/// Whether a key passes at the door.
async fn passes(world: &World, secret: &str) -> bool {
    let question = json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop"});
    Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()["valid"] == true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_invited_by_a_link_that_is_shown_once_and_comes_by_it() {
    on(async |_, browser| {
        browser.go("/admin/users").await;
        browser.press("Invite").await;
        browser.fill("#email", "bob").await;
        browser.script("document.querySelector('main form.form').noValidate = true", &[]).await;
        browser.click("input[name=roles][value=developer]").await;
        browser.click(SUBMIT).await;
        browser.wait_for("#email-error").await;
        assert_eq!(browser.value("#email").await, "bob", "nothing typed is lost");
        assert!(browser.has("input[name=roles][value=developer]:checked").await);
        browser.fill("#email", "bob@example.com").await;
        browser.click(SUBMIT).await;
        browser.wait_for("shown-once").await;
        let link = browser.value("#link").await;
        browser.take().await;
        browser.press("Close").await;
        browser.wait_for_text("User Account Details").await;
        let text = browser.text().await;
        assert!(text.contains("bob@example.com") && text.contains("Invited") && text.contains("Developer"), "{text}");
        browser.press("Users").await;
        browser.press("Invitations").await;
        let text = browser.text().await;
        assert!(text.contains("Open") && text.contains("Developer"), "with their roles: {text}");
        assert!(!browser.source().await.contains(link.split_once('#').expect("a token").1), "shown once");
        browser.forget().await;
        let path = link.split_once("/invitation").map(|(_, token)| format!("/invitation{token}")).expect("a link");
        browser.go(&path).await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for_text("You have accepted your invitation").await;
        browser.sign_in("bob@example.com", PASSWORD).await;
        browser.go("/profile/roles").await;
        assert!(browser.text().await.contains("Manage User API Key"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_made_anew_and_revoked() {
    on(async |world, browser| {
        let made = call(world, "/users", &json!({"email": "bob@example.com", "roles": ["developer"]})).await;
        let first = made["invitation"]["link"].as_str().expect("a link").to_owned();
        browser.go("/admin/invitations").await;
        browser.press("Invite again").await;
        browser.click(YES).await;
        browser.wait_for("shown-once").await;
        let second = browser.value("#link").await;
        assert_ne!(first, second);
        browser.take().await;
        browser.press("Close").await;
        browser.wait_for_text("Revoke").await;
        let accept = async |link: &str| {
            let token = link.split_once('#').expect("a token").1;
            let body = json!({"token": token, "password": PASSWORD});
            Request::post("/api/v1/invitations/accept", &body).send(world.control).await
        };
        accept(&first).await.expect(404);
        browser.press("Revoke").await;
        browser.click(YES).await;
        browser.wait_for_text("The invitation has ended.").await;
        accept(&second).await.expect(404);
        assert!(browser.text().await.contains("No open invitations"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_05_the_list_has_its_columns_and_narrows_by_role_and_state() {
    on(async |world, browser| {
        bob(world, &["developer"]).await;
        browser.go("/admin/users").await;
        let head = browser
            .script("return [...document.querySelectorAll('main th[scope=col]')].map((th) => th.innerText)", &[]);
        let head = head.await;
        let columns = ["User name", "Name", "E-mail", "Roles", "Enabled", "Locked", "Expired"];
        for column in columns {
            assert!(head.as_array().expect("columns").contains(&json!(column)), "no {column} in {head}");
        }
        browser.choose("#role", "developer").await;
        browser.wait_for_text("Show all").await;
        let text = browser.text().await;
        assert!(text.contains("bob@example.com") && !text.contains("ada@example.com"), "{text}");
        api(world, "POST", "/users/bob/lock", &json!({})).await;
        browser.go("/admin/users?state=locked").await;
        let text = browser.text().await;
        assert!(text.contains("bob@example.com") && !text.contains("ada@example.com"), "{text}");
        browser.go("/admin/users?state=disabled").await;
        assert!(browser.text().await.contains("Nothing fits"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_08_and_g_09_a_role_with_manage_user_api_key_alone_shows_oneself_and_the_section() {
    on(async |world, browser| {
        browser.go("/admin/roles/new").await;
        browser.fill("#name", "Own keys").await;
        browser.click("input[name=authorities][value='keys.manage_own']").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Created.").await;
        bob(world, &["own-keys"]).await;
        let other = as_bob(world).await;
        other.press("Users").await;
        assert!(!other.text().await.contains("ada@example.com"), "oneself alone");
        other.click("main th[scope=row] a").await;
        let secret = generate(&other, "Mine").await;
        assert!(passes(world, &secret).await);
        // The authority is taken away: the next request counts, and the key works on.
        browser.press("Edit").await;
        browser.click("input[name=authorities][value='keys.manage_own']").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Saved.").await;
        other.go("/profile").await;
        assert!(!other.has("nav.places a[href='/admin/users']").await);
        let id = api(world, "GET", "/users/bob", &json!({})).await["id"].as_str().expect("an id").to_owned();
        other.go(&format!("/admin/users/{id}")).await;
        let text = other.text().await;
        assert!(!text.contains("API Keys") && !text.contains("Mine"), "{text}");
        assert!(passes(world, &secret).await, "existing keys keep working");
        // Admin suffices, without another sign-in.
        api(world, "PATCH", "/users/bob", &json!({"roles": ["admin"]})).await;
        other.go(&format!("/admin/users/{id}")).await;
        let text = other.text().await;
        assert!(text.contains("Generate key") && text.contains("Mine"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_10_predefined_roles_are_read_only_and_others_are_made_changed_and_deleted() {
    on(async |world, browser| {
        browser.press("Roles").await;
        browser.press("Admin").await;
        let text = browser.text().await;
        assert!(text.contains("nobody changes it") && text.contains("ada@example.com"), "{text}");
        assert!(!browser.has("main a[href$='/edit']").await);
        browser.go("/admin/roles/new").await;
        browser.fill("#name", "Desk").await;
        browser.fill("[name='levels.max_keys']", "many").await;
        browser.set("[name='levels.max_lifetime_days']", "99999").await;
        browser.click(SUBMIT).await;
        browser.wait_for("[id='levels.max_lifetime_days-error']").await;
        assert_eq!(browser.value("#name").await, "Desk");
        browser.set("[name='levels.max_lifetime_days']", "30").await;
        browser.choose("#sets_bound", "only").await;
        browser
            .script(
                "document.querySelector('[name=\"levels.api_sets\"] option[value=orders-read]').selected = true",
                &[],
            )
            .await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Created.").await;
        let role = api(world, "GET", "/roles/desk", &json!({})).await;
        let levels = json!({"max_lifetime_days": 30, "max_keys": null, "max_rate": null, "api_sets": ["orders-read"]});
        assert_eq!(role["levels"], levels);
        browser.press("Edit").await;
        api(world, "PATCH", "/roles/desk", &json!({"name": "Meanwhile"})).await;
        browser.fill("#name", "Mine").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Somebody else has changed this meanwhile").await;
        assert_eq!(browser.value("#name").await, "Mine");
        assert!(browser.text().await.contains("Meanwhile"), "what stands there now");
        browser.click(SUBMIT).await;
        browser.wait_for_text("Saved.").await;
        browser.press("Delete").await;
        browser.click(YES).await;
        browser.wait_for_text("Deleted.").await;
        assert!(!browser.text().await.contains("Mine"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_10_the_last_administrator_keeps_the_role() {
    on(async |_, browser| {
        browser.go("/admin/users/ada/edit").await;
        browser.click("input[name=roles][value=admin]").await;
        browser.click(SUBMIT).await;
        browser.wait_for("[role=alert]").await;
        assert!(!browser.has("input[name=roles][value=admin]:checked").await, "as it was sent");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_03_administrators_see_and_end_the_keys_of_others() {
    on(async |world, browser| {
        bob(world, &["developer"]).await;
        let other = as_bob(world).await;
        other.go("/admin/users/bob").await;
        let secret = generate(&other, "Of bob").await;
        browser.go("/admin/users/bob").await;
        assert!(!browser.text().await.contains("Generate key"));
        browser.press("Of bob").await;
        browser.press("Disable").await;
        browser.click(YES).await;
        browser.wait_for_text("Disabled.").await;
        assert!(!passes(world, &secret).await);
        browser.press("Delete").await;
        browser.click(YES).await;
        browser.wait_for_text("Deleted.").await;
        api(world, "PATCH", "/policy", &json!({"delegated_creation": true})).await;
        browser.go("/admin/users/bob").await;
        assert!(browser.text().await.contains("Generate key"), "where the policy says so");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_is_disabled_with_the_keys_that_others_need_moved_first() {
    on(async |world, browser| {
        let kind = json!({"name": "Service", "slug": "service", "sign_in": "key_only", "api_sets": ["orders-read"]});
        call(world, "/application-types", &kind).await;
        call(world, "/applications", &json!({"name": "Nightly", "slug": "nightly", "type": "service"})).await;
        bob(world, &["developer"]).await;
        let other = as_bob(world).await;
        other.go("/admin/users/bob").await;
        let needed = generate(&other, "Needed").await;
        let own = generate(&other, "Own").await;
        browser.go("/admin/users/bob").await;
        browser.press("Disable").await;
        assert!(browser.text().await.contains("2 keys in service stop."));
        assert!(passes(world, &own).await, "to look changes nothing");
        browser.click("input[aria-label='Move Needed']").await;
        browser.click(SUBMIT).await;
        browser.wait_for("[role=alert]").await;
        assert!(browser.has("input[aria-label='Move Needed']:checked").await, "nothing is lost");
        browser.choose("[name='move_keys.application']", "nightly").await;
        browser.fill("#reason", "Has left").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("none of their keys passes from now on").await;
        let text = browser.text().await;
        assert!(text.contains("Has left") && !text.contains("Needed"), "{text}");
        assert!(passes(world, &needed).await && !passes(world, &own).await);
        other.go("/profile").await;
        assert!(other.path().await.starts_with("/sign-in"));
        browser.press("Enable").await;
        browser.click(YES).await;
        browser.wait_for_text("their keys pass again").await;
        assert!(passes(world, &own).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_23_who_is_locked_is_out_until_unlocked_and_who_is_removed_for_good() {
    on(async |world, browser| {
        bob(world, &["developer"]).await;
        let other = as_bob(world).await;
        other.go("/admin/users/bob").await;
        let secret = generate(&other, "Of bob").await;
        browser.go("/admin/users/bob").await;
        browser.press("Lock").await;
        browser.fill("dialog[open] #reason", "Lost laptop").await;
        browser.click(YES).await;
        browser.wait_for_text("Lost laptop").await;
        assert!(!passes(world, &secret).await);
        browser.press("Unlock").await;
        browser.click(YES).await;
        browser.wait_for_text("Unlocked.").await;
        assert!(passes(world, &secret).await);
        browser.press("Remove").await;
        browser.wait_for("dialog[open]").await;
        let asked = browser.script("return document.querySelector('dialog[open]').innerText", &[]).await;
        let asked = asked.as_str().expect("a question");
        for part in ["bob@example.com", "Last sign-in", "Their key ends for good."] {
            assert!(asked.contains(part), "no {part} in {asked}");
        }
        // It takes a password that was entered of late.
        world.clock.advance(Duration::from_mins(11));
        browser.click(YES).await;
        browser.wait_for_text("Confirm that it is you").await;
        browser.fill("#prompt-password", super::PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for_text("Removed.").await;
        assert!(!passes(world, &secret).await && !browser.text().await.contains("bob@example.com"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_known_already_accepts_an_invitation_as_who_they_are() {
    on(async |world, browser| {
        let founded = json!({"name": "Umbrella", "email": super::ADA});
        let operator = world.local_token();
        let founded = Request::post("/api/v1/organizations", &founded).bearer(&operator).send(world.control).await;
        let founded = founded.expect(201).json();
        let link = founded["invitation"]["link"].as_str().expect("a link").to_owned();
        let path = link.split_once("/invitation").map(|(_, token)| format!("/invitation{token}")).expect("a link");
        // Enter in a field is the first button: to come as somebody new.
        browser.forget().await;
        browser.go(&path).await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for_text("You are known by this address already").await;
        browser.fill("#prompt-login", super::ADA).await;
        browser.fill("#prompt-password", super::PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for_text("You have joined.").await;
        assert!(browser.text().await.contains("Umbrella") || browser.source().await.contains("Umbrella"));
        // Another person's invitation is none of theirs, and stays as it is.
        let made = call(world, "/users", &json!({"email": "bob@example.com", "roles": []})).await;
        let link = made["invitation"]["link"].as_str().expect("a link").to_owned();
        let path = link.split_once("/invitation").map(|(_, token)| format!("/invitation{token}")).expect("a link");
        browser.go(&path).await;
        browser.press("Accept as ada@example.com").await;
        browser.wait_for_text("for another address than yours").await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for_text("You have accepted your invitation").await;
        browser.sign_in("bob@example.com", PASSWORD).await;
        // C-05: without the right there is no way to keys of one's own, and no page that refuses to begin with.
        assert_eq!(browser.path().await, "/profile");
        assert!(!browser.has("a[href='/profile/keys']").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_a_password_where_no_mail_is_sent_reads_what_an_administrator_does_and_that_works() {
    const ANOTHER: &str = "walnut grove harbor seventeen";
    on(async |world, browser| {
        bob(world, &["developer"]).await;
        let other = Chromium::open(world.control).await;
        other.go("/sign-in").await;
        other.press("Forgot your password?").await;
        let text = other.text().await;
        assert!(text.contains("This server sends no mail") && text.contains("Under Users, Invite"), "{text}");
        assert!(!other.has("form").await, "there is nothing to send");
        browser.go("/admin/users").await;
        browser.press("Invite").await;
        browser.wait_for("#email").await;
        browser.fill("#email", "bob@home.example.com").await;
        browser.click(SUBMIT).await;
        browser.wait_for("shown-once").await;
        let link = browser.value("#link").await;
        browser.take().await;
        let path = link.split_once("/invitation").map(|(_, token)| format!("/invitation{token}")).expect("a link");
        other.go(&path).await;
        other.fill("#password", ANOTHER).await;
        other.click("form button[type=submit]").await;
        other.wait_for_text("You have accepted your invitation").await;
        other.sign_in("bob@home.example.com", ANOTHER).await;
        other.go("/profile").await;
        assert!(other.text().await.contains("bob@home.example.com"));
        browser.go("/admin/users/bob").await;
        browser.press("Remove").await;
        browser.click(YES).await;
        browser.wait_for_text("Removed.").await;
    })
    .await;
}
