//! The pictures of README and docs: `cargo xtask pictures` writes them to `docs/images`, every run makes them.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{ADA, PASSWORD, call, furnish};
use crate::harness::chromium::{Chromium, View};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Where the pictures go; nowhere without it.
const FOLDER_VARIABLE: &str = "CLAVIGER_PICTURES";
/// What a PNG begins with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// An organization as one might find it.
async fn inhabit(world: &World) -> String {
    let key = async |name: &str, description: &str, body: Value| {
        let mut key = json!({"name": name, "description": description, "api_sets": ["orders-read"]});
        key.as_object_mut().expect("members").extend(body.as_object().expect("members").clone());
        call(world, "/keys", &key).await
    };
    key("Warehouse import", "Nightly stock", json!({"api_sets": ["full-access"], "allowed_ips": ["203.0.113.0/24"]}))
        .await;
    key("Partner portal", "For resellers", json!({"expires_at": "2026-01-20"})).await;
    let retired = key("Old storefront", "Replaced in autumn", json!({})).await;
    let retired = retired["key"]["id"].as_str().expect("an id").to_owned();
    let reason = json!({"reason": "replaced"});
    Request::post(&format!("/api/v1/keys/{retired}/disable"), &reason)
        .bearer(&world.token)
        .send(world.control)
        .await
        .expect(200);
    let made =
        key("Shop window", "Reads orders for the website", json!({"allowed_ips": ["198.51.100.7"], "tags": ["web"]}))
            .await;
    for (path, ip) in [("/orders", "198.51.100.7"), ("/orders", "192.0.2.9"), ("/customers/7", "198.51.100.7")] {
        let question =
            json!({"credential": made["secret"], "method": "GET", "path": path, "api": "shop", "client_ip": ip});
        Request::post("/v1/verify", &question).send(world.doors).await.expect(200);
    }
    for (email, name) in [("grace@example.com", "Grace"), ("linus@example.com", "Linus")] {
        call(world, "/users", &json!({"email": email, "name": name, "roles": ["key-manager"]})).await;
    }
    made["key"]["id"].as_str().expect("an id").to_owned()
}

async fn picture(browser: &Chromium, name: &str) {
    let picture = browser.picture().await;
    assert!(picture.starts_with(PNG) && picture.len() > 10_000, "{name}: {} bytes", picture.len());
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        std::fs::write(PathBuf::from(folder).join(format!("{name}.png")), picture).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_six_pictures_of_the_docs_can_be_made() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let world = World::start_with_password(&database, PASSWORD).await;
    furnish(&world).await;
    let key = inhabit(&world).await;
    let browser = Chromium::open(world.control).await;
    browser.sign_in(ADA, PASSWORD).await;
    browser.go("/keys").await;
    picture(&browser, "keys").await;
    browser.go(&format!("/keys/{key}")).await;
    browser.choose("#api", "shop").await;
    browser.fill("#path", "/customers/7").await;
    browser.fill("#client_ip", "198.51.100.7").await;
    browser.press("Check").await;
    browser.wait_for(".outcome").await;
    browser.script("document.querySelector('#try').scrollIntoView({behavior: 'instant'})", &[]).await;
    picture(&browser, "try-it").await;
    browser.go("/keys/new").await;
    browser.fill("#description", "Newsletter").await;
    browser.choose("#right", "orders-read").await;
    browser.click("main form button[type=submit]").await;
    browser.wait_for("shown-once").await;
    picture(&browser, "created").await;
    browser.take().await;
    browser.go("/admin/audit").await;
    picture(&browser, "audit").await;
    drop(browser);
    let dark = Chromium::open_as(world.control, View::DARK).await;
    dark.sign_in(ADA, PASSWORD).await;
    dark.go("/keys").await;
    picture(&dark, "keys-dark").await;
    drop(dark);
    let narrow = Chromium::open_as(world.control, View::NARROW).await;
    narrow.sign_in(ADA, PASSWORD).await;
    narrow.go(&format!("/keys/{key}")).await;
    picture(&narrow, "key-narrow").await;
    drop(narrow);
    world.stop_serving().await;
}
