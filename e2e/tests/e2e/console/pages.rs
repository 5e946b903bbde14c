//! Every page: accessible in both themes, as wide as a telephone, and without scripts.

use serde_json::json;

use super::{accessible, call, on, on_as};
use crate::harness::chromium::{Chromium, View};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// The pages, with something on them.
pub(super) async fn pages(world: &World) -> Vec<String> {
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
        "/keys/rotate",
        "/profile",
        "/profile/keys",
        "/profile/keys/new",
        "/profile/security",
        "/admin/users",
        "/admin/audit",
        "/usage",
        "/usage?by=key&range=30d",
        "/nowhere",
    ];
    let own = [
        format!("/keys/{key}"),
        format!("/keys/{key}/edit"),
        format!("/keys/{key}/unused-rights"),
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
async fn nothing_moves_for_who_has_asked_for_less_motion() {
    on_as(View::CALM, async |world, browser| {
        for path in pages(world).await {
            browser.go(&path).await;
            let moving = "return [...document.querySelectorAll('*')].filter((e) => { const style = getComputedStyle(e);                           return style.animationName !== 'none' || style.transitionDuration.split(', ').some((d) => d !== '0s') && style.transitionProperty !== 'none'; })                           .map((e) => e.outerHTML.slice(0, 80))";
            assert_eq!(browser.script(moving, &[]).await, json!([]), "{path}");
        }
        assert_eq!(browser.script("return matchMedia('(prefers-reduced-motion: reduce)').matches", &[]).await, json!(true));
    })
    .await;
}

/// Pages for those who have not signed in.
pub(super) const OUTSIDE: [&str; 4] = ["/sign-in", "/setup", "/password", "/password?language=pl"];

/// Pages that one comes to by doing something, and those that ask before something goes.
pub(super) async fn between(world: &World) -> Vec<String> {
    let kind = json!({"name": "Terminals", "slug": "terminals", "sign_in": "key_only", "api_sets": ["orders-read"]});
    let kind = call(world, "/application-types", &kind).await["id"].as_str().expect("an id").to_owned();
    let made = call(world, "/applications", &json!({"name": "Terminal", "type": "terminals"})).await;
    let application = made["application"]["id"].as_str().expect("an id").to_owned();
    let key = call(world, "/keys", &json!({"name": "Leaked", "api_sets": ["orders-read"]})).await;
    let key = key["key"]["id"].as_str().expect("an id").to_owned();
    let fixed = ["/api-sets/templates/yespo", "/apis/shop/delete", "/search?q=nothing+like+it", "/keys?text=nothing"];
    let own = [
        format!("/admin/applications/types/{kind}"),
        format!("/admin/applications/{application}/delete"),
        format!("/keys/{key}/leaked"),
    ];
    fixed.into_iter().map(str::to_owned).chain(own).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_pages_between() {
    for view in [View::DESK, View::DARK] {
        on_as(view, async |world, browser| {
            accessible(browser, &between(world).await).await;
            // The secret, the question who one is, an error, and the sign-in.
            browser.go("/keys/new").await;
            browser.fill("#description", "Shop window").await;
            browser.click("main form button[type=submit]").await;
            browser.wait_for("[role=alert]").await;
            let found = browser.axe().await;
            assert!(found.is_empty(), "an error: {found:#?}");
            browser.choose("#right", "orders-read").await;
            browser.click("main form button[type=submit]").await;
            browser.wait_for("shown-once").await;
            let found = browser.axe().await;
            assert!(found.is_empty(), "a secret: {found:#?}");
            browser.take().await;
            world.clock.advance(std::time::Duration::from_mins(11));
            call(world, "/users", &json!({"email": "bob@example.com", "roles": []})).await;
            browser.go("/admin/users/bob").await;
            browser.press("Remove").await;
            let found = browser.axe().await;
            assert!(found.is_empty(), "a question: {found:#?}");
            browser.click("dialog[open] button[type=submit]").await;
            browser.wait_for_text("Confirm that it is you").await;
            let found = browser.axe().await;
            assert!(found.is_empty(), "who one is: {found:#?}");
            browser.forget().await;
            accessible(browser, &OUTSIDE.map(str::to_owned)).await;
        })
        .await;
    }
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
        browser.press("Yes, disable the key").await;
        browser.wait_for_text("Disabled.").await;
        browser.press("Delete").await;
        browser.press("Yes, delete the key").await;
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
async fn a_key_is_made_disabled_and_deleted_by_keyboard_alone() {
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    on(async |world, browser| {
        browser.go("/keys").await;
        // The first stop is the way past the menu.
        browser.keys(TAB).await;
        assert_eq!(browser.script("return document.activeElement.className", &[]).await, json!("skip"));
        browser.keys(ENTER).await;
        let to = async |css: &str| {
            let mut way = Vec::new();
            for _ in 0..60 {
                browser.keys(TAB).await;
                let focused =
                    "const at = document.activeElement; return [at.matches(arguments[0]), at.outerHTML.slice(0, 100)]";
                let focused = browser.script(focused, &[json!(css)]).await;
                if focused[0] == json!(true) {
                    return;
                }
                way.push(focused[1].to_string());
            }
            panic!("no way to {css} by Tab, which leads to:\n{}", way.join("\n"));
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
        browser.drawn().await;
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
        to("summary[aria-label='Options of By keyboard']").await;
        browser.keys(ENTER).await;
        browser.wait_for(".row-menu[open]").await;
        browser.drawn().await;
        to(".row-menu[open] button[data-variant=destructive]").await;
        browser.keys(ENTER).await;
        browser.wait_for("dialog[open]").await;
        browser.drawn().await;
        to("dialog[open] button[type=submit]").await;
        browser.keys(ENTER).await;
        browser.wait_for_text("Deleted.").await;
        assert!(!browser.text().await.contains("By keyboard"));
    })
    .await;
}
