//! The pages of people: accessible in both themes, as wide as a telephone, and without scripts.

use serde_json::json;

use super::{accessible, call, on_as};
use crate::harness::app::person;
use crate::harness::chromium::View;
use crate::harness::world::World;

/// The pages of people, with something on them.
pub(super) async fn furnished(world: &World) -> Vec<String> {
    let long = json!({"email": "somebody.with.a.rather.long.address@engineering.example.com", "roles": ["auditor"]});
    call(world, "/users", &long).await;
    person(world.control, &world.token, "bob", &["developer"]).await;
    let levels = json!({"max_lifetime_days": 30, "api_sets": ["orders-read"]});
    call(world, "/roles", &json!({"name": "Desk", "authorities": ["keys.manage_own"], "levels": levels})).await;
    let paths = [
        "/admin/users",
        "/admin/users/new",
        "/admin/users/bob",
        "/admin/users/bob/edit",
        "/admin/users/bob/disable",
        "/admin/invitations",
        "/admin/roles",
        "/admin/roles/new",
        "/admin/roles/desk",
        "/admin/roles/desk/edit",
        "/admin/roles/admin",
        "/profile",
        "/profile/edit",
        "/profile/roles",
        "/profile/security",
        "/invitation",
        "/new-address",
        "/password-reset",
        "/password-reset/ask",
    ];
    paths.map(str::to_owned).into()
}

async fn nothing_serious(view: View) {
    on_as(view, async |world, browser| {
        accessible(browser, &furnished(world).await).await;
        browser.go("/profile/security").await;
        browser.press("Set up two-factor").await;
        browser.wait_for(".qr svg").await;
        let found = browser.axe().await;
        assert!(found.is_empty(), "{found:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_pages_of_people_in_light() {
    nothing_serious(View::DESK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_pages_of_people_in_the_dark() {
    nothing_serious(View::DARK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_pages_of_people_on_a_telephone() {
    nothing_serious(View::NARROW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_invited_locked_and_removed_without_scripts() {
    on_as(View::PLAIN, async |_, browser| {
        browser.go("/admin/users/new").await;
        browser.fill("#email", "bob@example.com").await;
        browser.click("input[name=roles][value=developer]").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for("#link").await;
        browser.press("Close").await;
        browser.press("Lock").await;
        browser.press("Yes, lock the user").await;
        browser.wait_for_text("Locked.").await;
        browser.press("Remove").await;
        browser.press("Yes, remove the user").await;
        browser.wait_for_text("Removed.").await;
    })
    .await;
}
