//! Every page: accessible in both themes, as wide as a telephone, and without scripts.

use serde_json::json;

use super::{accessible, call, on, on_as};
use crate::harness::chromium::{Chromium, View};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// The pages, with something on them.
async fn pages(world: &World) -> Vec<String> {
    let made = call(
        world,
        "/keys",
        &json!({"name": "A key with a long name that goes on for quite a while", "api_sets": ["orders-read"]}),
    )
    .await;
    let key = made["key"]["id"].as_str().expect("an id").to_owned();
    let user =
        Request::get("/api/v1/users/ada@example.com").bearer(&world.token).send(world.control).await.expect(200).json();
    let user = user["id"].as_str().expect("an id").to_owned();
    let fixed = [
        "/keys",
        "/keys/new",
        "/profile",
        "/profile/keys",
        "/profile/keys/new",
        "/profile/security",
        "/admin/users",
        "/admin/audit",
        "/nowhere",
    ];
    let own = [
        format!("/keys/{key}"),
        format!("/keys/{key}/edit"),
        format!("/keys/{key}/replace"),
        format!("/admin/users/{user}"),
        format!("/admin/users/{user}/keys/new"),
    ];
    fixed.into_iter().map(str::to_owned).chain(own).collect()
}

async fn nothing_serious(world: &World, browser: &Chromium) {
    accessible(browser, &pages(world).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_in_light() {
    on(async |world, browser| nothing_serious(world, browser).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_in_the_dark() {
    on_as(View::DARK, async |world, browser| {
        nothing_serious(world, browser).await;
        assert_eq!(
            browser.script("return document.documentElement.classList.contains('dark')", &[]).await,
            json!(true)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_a_telephone_and_no_page_is_wider() {
    on_as(View::NARROW, async |world, browser| {
        assert_eq!(browser.script("return window.innerWidth", &[]).await, json!(360));
        nothing_serious(world, browser).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_disabled_and_deleted_without_scripts() {
    on_as(View::PLAIN, async |world, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "By hand").await;
        browser.choose("#right", "orders-read").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("#secret").await;
        browser.press("Close").await;
        browser.press("By hand").await;
        browser.press("Disable").await;
        browser.press("Yes").await;
        browser.wait_for_text("Disabled.").await;
        browser.press("Delete").await;
        browser.press("Yes").await;
        browser.wait_for_text("Deleted.").await;
        let keys = Request::get("/api/v1/keys?text=By%20hand")
            .bearer(&world.token)
            .send(world.control)
            .await
            .expect(200)
            .json();
        assert_eq!(keys["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_and_disabled_by_keyboard_alone() {
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    on(async |world, browser| {
        browser.go("/keys").await;
        // The first stop is the way past the menu.
        browser.keys(TAB).await;
        assert_eq!(browser.script("return document.activeElement.className", &[]).await, json!("skip"));
        browser.keys(ENTER).await;
        let to = async |css: &str| {
            for _ in 0..60 {
                browser.keys(TAB).await;
                if browser.script("return document.activeElement.matches(arguments[0])", &[json!(css)]).await
                    == json!(true)
                {
                    return;
                }
            }
            panic!("no way to {css} by Tab");
        };
        to("a[href='/keys/new']").await;
        browser.keys(ENTER).await;
        browser.wait_for("#description").await;
        to("#description").await;
        browser.keys("By keyboard").await;
        to("#right").await;
        browser.keys("Read").await;
        assert_eq!(browser.value("#right").await, "orders-read");
        to("main form button[type=submit]").await;
        browser.keys(ENTER).await;
        browser.wait_for("shown-once").await;
        to("[data-copy]").await;
        browser.keys(ENTER).await;
        browser.wait_for("[data-copy][data-done]").await;
        to("[data-leaves]").await;
        browser.keys(ENTER).await;
        browser.wait_for("#text").await;
        to("[role=switch][aria-label='Disable By keyboard']").await;
        browser.keys(ENTER).await;
        browser.wait_for("dialog[open]").await;
        to("dialog[open] button[type=submit]").await;
        browser.keys(ENTER).await;
        browser.wait_for("[role=switch][aria-checked=false]").await;
        let keys = Request::get("/api/v1/keys?state=disabled")
            .bearer(&world.token)
            .send(world.control)
            .await
            .expect(200)
            .json();
        assert_eq!(keys["data"][0]["name"], "By keyboard");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn try_it_says_why_a_request_is_refused_and_that_another_passes() {
    on(async |world, browser| {
        let key = json!({"name": "Tried", "api_sets": ["orders-read"], "allowed_ips": ["203.0.113.0/24"]});
        let made = call(world, "/keys", &key).await;
        let page = format!("/keys/{}", made["key"]["id"].as_str().expect("an id"));
        let attempt = async |path: &str, ip: &str| {
            browser.go(&page).await;
            browser.choose("#api", "shop").await;
            browser.fill("#path", path).await;
            browser.fill("#client_ip", ip).await;
            browser.press("Check").await;
            browser.wait_for(".outcome").await;
            browser.script("return document.querySelector('.outcome').innerText", &[]).await
        };
        let passed = attempt("/orders", "203.0.113.7").await;
        assert!(
            passed.as_str().is_some_and(|text| text.contains("passes") && text.contains("shop:listOrders")),
            "{passed}"
        );
        let refused = attempt("/orders", "198.51.100.7").await;
        assert!(refused.as_str().is_some_and(|text| text.contains("IP_NOT_ALLOWED")), "{refused}");
        let refused = attempt("/customers/7", "203.0.113.7").await;
        assert!(refused.as_str().is_some_and(|text| text.contains("OPERATION_NOT_ALLOWED")), "{refused}");
    })
    .await;
}
