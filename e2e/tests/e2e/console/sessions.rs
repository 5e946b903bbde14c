//! Signing in, and sessions that end in the middle of something.

use serde_json::json;

use super::{ADA, PASSWORD, call, on};
use crate::harness::chromium::Chromium;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_03_who_has_not_signed_in_does_and_comes_back_to_the_page() {
    on(async |_, browser| {
        browser.forget().await;
        browser.go("/admin/audit?text=key.create").await;
        assert!(browser.path().await.starts_with("/sign-in?next="));
        browser.fill("#prompt-login", ADA).await;
        browser.fill("#prompt-password", "not it at all").await;
        browser.click("form button[type=submit]").await;
        browser.wait_for("[role=alert]").await;
        assert_eq!(browser.value("#prompt-login").await, ADA, "kept");
        assert_eq!(browser.value("#prompt-password").await, "");
        browser.fill("#prompt-password", PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for("nav.places").await;
        assert_eq!(browser.path().await, "/admin/audit?text=key.create");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_in_the_middle_of_a_form_loses_nothing_that_was_typed() {
    on(async |_, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "Typed with care").await;
        browser.choose("#right", "orders-read").await;
        browser.forget().await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for_text("Your session has ended").await;
        browser.fill("#prompt-login", ADA).await;
        browser.fill("#prompt-password", PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        assert!(browser.text().await.contains("Typed with care"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_undone_asks_for_the_password_again_and_goes_on() {
    on(async |world, browser| {
        let policy = json!({"reveal": {"organization": "recoverable"}});
        let patch =
            crate::harness::raw_http::Request::new("PATCH", "/api/v1/policy").json(&policy).bearer(&world.token);
        patch.send(world.control).await.expect(200);
        let made = call(world, "/keys", &json!({"name": "Recoverable", "api_sets": ["orders-read"]})).await;
        let id = made["key"]["id"].as_str().expect("an id");
        // Eleven minutes after the sign-in nobody has proved of late who they are.
        world.clock.advance(std::time::Duration::from_mins(11));
        browser.go(&format!("/keys/{id}")).await;
        browser.press("Show the secret").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("Confirm that it is you").await;
        browser.fill("#prompt-password", "not it at all").await;
        browser.click("form button[type=submit]").await;
        browser.wait_for("[role=alert]").await;
        browser.fill("#prompt-password", PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        assert_eq!(browser.value("#secret").await, made["secret"].as_str().expect("a secret"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_and_end_one_by_one_and_a_changed_password_ends_the_others() {
    on(async |world, browser| {
        let other = Chromium::open(world.control).await;
        other.sign_in(ADA, PASSWORD).await;
        browser.go("/profile/security").await;
        assert!(browser.text().await.contains("This one"));
        browser.press("End").await;
        browser.wait_for_text("The session has ended.").await;
        other.go("/keys").await;
        assert!(other.path().await.starts_with("/sign-in"));
        other.sign_in(ADA, PASSWORD).await;
        let next = "harbour violet nine anvil";
        browser.fill("#current", PASSWORD).await;
        browser.fill("#password", next).await;
        browser.click("form[action$=password] button[type=submit]").await;
        browser.wait_for_text("The password is changed").await;
        other.go("/keys").await;
        assert!(other.path().await.starts_with("/sign-in"));
        other.sign_in(ADA, next).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_is_set_up_by_its_link_in_the_browser() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let world = World::start_empty(&database).await;
    let browser = Chromium::open(world.control).await;
    browser.go("/").await;
    browser.wait_for_text("This server is not set up yet").await;
    let link = world.setup_link().await;
    let path = link.split_once("/setup").map(|(_, token)| format!("/setup{token}")).expect("a link");
    browser.go(&path).await;
    assert_eq!(browser.path().await, "/setup", "the token leaves the address");
    browser.fill("#organization", "Acme").await;
    browser.fill("#email", ADA).await;
    browser.fill("#password", "acme").await;
    browser.click("form button[type=submit]").await;
    browser.wait_for("#password-error").await;
    assert_eq!(browser.value("#organization").await, "Acme");
    browser.fill("#password", PASSWORD).await;
    browser.click("form button[type=submit]").await;
    browser.wait_for("nav.places").await;
    assert_eq!(browser.path().await, "/overview");
    browser.wait_for_text("First steps").await;
    browser.go("/keys").await;
    browser.wait_for_text("No keys yet").await;
    browser.go(&path).await;
    browser.fill("#organization", "Other").await;
    browser.fill("#email", "eve@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("form button[type=submit]").await;
    browser.wait_for_text("There is an organization already").await;
    drop(browser);
    world.stop_serving().await;
}
