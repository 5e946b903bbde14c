//! The section of keys on User Account Details, and its form, as Gotransverse describes them.

use serde_json::json;

use super::{call, on};
use crate::harness::app::{PASSWORD, person};
use crate::harness::chromium::Chromium;
use crate::harness::raw_http::Request;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_07_without_the_authority_there_is_no_section_and_no_count() {
    on(async |world, browser| {
        call(world, "/roles", &json!({"name": "Desk", "authorities": ["users.read"]})).await;
        person(world.control, &world.token, "bob", &["desk"]).await;
        // The set-up's key is the organization's: ada makes one of her own.
        browser.go("/admin/users/ada/keys/new").await;
        browser.fill("#name", "Of ada").await;
        browser.script("document.querySelector('#api_sets option[value=orders-read]').selected = true", &[]).await;
        browser.press("Finish").await;
        browser.wait_for("shown-once").await;
        browser.take().await;
        let other = Chromium::open(world.control).await;
        other.sign_in("bob@example.com", PASSWORD).await;
        for who in ["ada", "bob"] {
            other.go(&format!("/admin/users/{who}")).await;
            let text = other.text().await;
            assert!(text.contains("User Account Details") && !text.contains("API Keys"), "{text}");
            let source = other.source().await;
            assert!(!source.contains("id=\"keys\"") && !source.contains("Of ada"), "absent, not hidden");
        }
        let status =
            "const done = arguments[arguments.length - 1]; fetch('/api/v1/users/ada/keys').then((r) => done(r.status))";
        assert_eq!(other.script_with_answer(status).await, json!(403));
        let body =
            "const done = arguments[arguments.length - 1]; fetch('/api/v1/users/ada').then((r) => r.json()).then(done)";
        let ada = other.script_with_answer(body).await;
        assert!(ada["counts"]["keys"].is_null() && ada["keys"].is_null(), "no count: {ada}");
        other.go("/admin/users/bob/keys/new").await;
        assert!(other.text().await.contains("You may not do this") && !other.has("form").await, "no form either");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_12_g_13_the_name_must_be_one_s_own_and_the_description_may_be_left_out() {
    on(async |world, browser| {
        let finish = async |name: &str| {
            browser.go("/admin/users/ada/keys/new").await;
            browser.script("document.querySelector('main form').noValidate = true; document.querySelector('#api_sets option[value=orders-read]').selected = true", &[]).await;
            browser.set("#name", name).await;
            browser.press("Finish").await;
        };
        for name in ["", "   ", &"n".repeat(300)] {
            finish(name).await;
            browser.wait_for("#name-error").await;
            assert_eq!(browser.value("#name").await, name, "nothing typed is lost");
        }
        finish("Window").await;
        browser.wait_for("shown-once").await;
        browser.take().await;
        let found = Request::get("/api/v1/keys?text=Window").bearer(&world.token).send(world.control).await;
        let key = found.expect(200).json()["data"][0].clone();
        assert_eq!(key["description"], "", "without a description");
        finish(" window ").await;
        browser.wait_for("#name-error a").await;
        browser.press("Show it").await;
        assert_eq!(browser.path().await, format!("/keys/{}", key["id"].as_str().expect("an id")), "the other's page");
    })
    .await;
}
