//! What stands at no address of its own, as only a form is answered with it: previews, outcomes, second steps.

use std::time::Duration;

use serde_json::json;

use super::{accounts, call, nothing_serious, on_as};
use crate::harness::chromium::{Chromium, View};
use crate::harness::world::World;

/// A document that replaces the API's operations: one stays, one is new, two go.
const DOCUMENT: &str = r#"{"openapi": "3.1.0", "info": {"title": "Shop", "version": "2"}, "paths": {
    "/orders": {"get": {"operationId": "listOrders", "tags": ["Orders"]}},
    "/orders/{id}": {"delete": {"operationId": "cancelOrder", "summary": "Cancels an order", "tags": ["Orders"]}}}}"#;

async fn the_preview_of_an_import(browser: &Chromium) {
    browser.go("/apis/import").await;
    browser.set("#text", DOCUMENT).await;
    browser.fill("#slug", "shop").await;
    browser.press("Preview").await;
    browser.wait_for_text("Operations removed: 2").await;
    nothing_serious(browser, "the preview of an import").await;
}

async fn what_is_tried(world: &World, browser: &Chromium) {
    let key = json!({"name": "Tried", "api_sets": ["orders-read"], "allowed_ips": ["203.0.113.0/24"]});
    let key = call(world, "/keys", &key).await["key"]["id"].as_str().expect("an id").to_owned();
    for ip in ["203.0.113.7", "198.51.100.7"] {
        browser.go(&format!("/keys/{key}")).await;
        browser.choose("#operation", "listOrders").await;
        browser.fill("#client_ip", ip).await;
        browser.press("Check").await;
        browser.wait_for(".outcome").await;
        nothing_serious(browser, ip).await;
    }
}

async fn the_preview_of_a_policy(browser: &Chromium) {
    browser.go("/admin/policy").await;
    browser.fill("#idle_days", "30").await;
    browser.press("Preview").await;
    browser.wait_for_text("What this would change").await;
    nothing_serious(browser, "the preview of a policy").await;
}

/// The secret of the app, its recovery codes, and where a code is asked for.
async fn the_second_factor(world: &World, browser: &Chromium) {
    browser.go("/profile/security").await;
    browser.press("Set up two-factor").await;
    browser.wait_for(".qr svg").await;
    nothing_serious(browser, "the secret of an app").await;
    accounts::enrol(world, browser).await;
    world.clock.advance(Duration::from_mins(1));
    browser.forget().await;
    browser.go("/profile/security").await;
    accounts::enter_password(browser).await;
    nothing_serious(browser, "the second step of a sign-in").await;
}

async fn gateways(browser: &Chromium) {
    for what in ["nginx", "caddy", "envoy-grpc", "haproxy", "traefik", "apache", "curl"] {
        browser.go(&format!("/gateways?what={what}")).await;
        nothing_serious(browser, what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_in_what_forms_answer() {
    for view in [View::DESK, View::DARK, View::NARROW] {
        on_as(view, async |world, browser| {
            the_preview_of_an_import(browser).await;
            what_is_tried(world, browser).await;
            the_preview_of_a_policy(browser).await;
            gateways(browser).await;
            the_second_factor(world, browser).await;
        })
        .await;
    }
}
