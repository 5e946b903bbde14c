//! The console in a real browser. Each test has a server and a browser of its own.

mod account_keys;
mod accounts;
mod answered;
mod api_user_secrets;
mod api_users;
mod applications;
mod approval;
mod audit;
mod back;
mod copying;
mod every_page;
mod forms;
mod forms_outside;
mod key_form;
mod keys;
mod limits;
mod mails;
mod pages;
mod people;
mod people_pages;
mod pictures;
mod profile_keys;
mod rights;
mod rules;
mod secrets;
mod security;
mod sessions;
mod speed;
mod try_it;
mod usage;

use serde_json::json;

use crate::harness::chromium::{Chromium, View};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// The administrator who was there first.
const ADA: &str = "ada@example.com";
const PASSWORD: &str = "tulip brisk canal forty";

/// A server with a small API, and a browser in which the administrator has signed in.
async fn on(scenario: impl AsyncFnOnce(&World, &Chromium)) {
    on_as(View::DESK, scenario).await;
}

/// The same in another window.
async fn on_as(view: View, scenario: impl AsyncFnOnce(&World, &Chromium)) {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let world = World::start_with_password(&database, PASSWORD).await;
    furnish(&world).await;
    let browser = Chromium::open_as(world.control, view).await;
    browser.sign_in(ADA, PASSWORD).await;
    scenario(&world, &browser).await;
    drop(browser);
    world.stop_serving().await;
}

/// An API of three operations and a set.
async fn furnish(world: &World) {
    let operations = json!([
        {"method": "GET", "path": "/orders", "name": "listOrders", "summary": "Lists orders"},
        {"method": "POST", "path": "/orders", "name": "createOrder", "summary": "Makes an order"},
        {"method": "GET", "path": "/customers/{id}", "name": "getCustomer", "summary": "Reads a customer"},
    ]);
    let api = json!({"name": "Shop", "slug": "shop", "hosts": ["shop.example.com"], "manual_url": "https://shop.example.com/manual", "operations": operations});
    call(world, "/apis", &api).await;
    let set = json!({"name": "Read orders", "slug": "orders-read", "operations": ["shop:listOrders"]});
    call(world, "/api-sets", &set).await;
}

/// On each page axe finds nothing serious, and none is wider than the window.
async fn accessible(browser: &Chromium, paths: &[String]) {
    for path in paths {
        browser.go(path).await;
        nothing_serious(browser, path).await;
        assert!(!browser.text().await.contains("This did not work"), "{path}");
    }
}

/// On what the browser shows axe finds nothing serious, it is no wider than the window, and nothing in it is a size container:
/// Chromium draws no fields of such a group before the place where a page was cut on its way.
async fn nothing_serious(browser: &Chromium, what: &str) {
    let found = browser.axe().await;
    assert!(found.is_empty(), "{what}: {found:#?}");
    let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.script(wide, &[]).await, json!(0), "{what} is wider than the window");
    let containers = "return [...document.querySelectorAll('main, main *')].filter((e) => getComputedStyle(e).containerType !== 'normal').map((e) => e.outerHTML.slice(0, 100))";
    assert_eq!(browser.script(containers, &[]).await, json!([]), "{what}");
}

/// Makes something by the management API.
async fn call(world: &World, path: &str, body: &serde_json::Value) -> serde_json::Value {
    Request::post(&format!("/api/v1{path}"), body).bearer(&world.token).send(world.control).await.expect(201).json()
}
