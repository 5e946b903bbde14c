//! The back button: a page that answers a form is in the history as the page that the form stood on.

use serde_json::json;

use super::{call, on};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_to_a_form_that_failed_finds_what_was_typed_and_nothing_to_send_again() {
    on(async |_, browser| {
        browser.go("/keys/new").await;
        browser.press("Advanced").await;
        browser.fill("#description", "Typed with care").await;
        browser.fill("#tags", "web, shop").await;
        browser.choose("#environment", "test").await;
        browser.script("document.querySelector('#idle_exempt').click()", &[]).await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for("#right-error").await;
        browser.press("APIs").await;
        browser.wait_for_text("shop").await;
        browser.back().await;
        browser.wait_for("#description").await;
        assert_eq!(browser.path().await, "/keys/new");
        assert!(!browser.has("[role=alert]").await, "the form, not the answer");
        for (field, value) in [("#description", "Typed with care"), ("#tags", "web, shop"), ("#environment", "test")] {
            assert_eq!(browser.value(field).await, value, "{field}");
        }
        assert_eq!(browser.script("return document.querySelector('#idle_exempt').checked", &[]).await, json!(true));
        browser.choose("#right", "orders-read").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for("shown-once").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_that_failed_and_operations_that_were_found_are_there_again() {
    on(async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Old", "api_sets": ["orders-read"]})).await;
        let path = format!("/keys/{}/replace", made["key"]["id"].as_str().expect("an id"));
        browser.go(&path).await;
        browser.press("More rights: further API sets and single operations").await;
        let pick = "const option = document.querySelector('#operations option[value=\"shop:createOrder\"]'); option.selected = true;";
        browser.script(pick, &[]).await;
        browser.fill("#description", " ").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for("#description-error").await;
        assert_eq!(browser.path().await, path, "the address says what the page is");
        browser.press("APIs").await;
        browser.back().await;
        browser.wait_for_text("Replacement for Old").await;
        let chosen = "return [...document.querySelector('#operations').selectedOptions].map((o) => o.value)";
        assert_eq!(browser.script(chosen, &[]).await, json!(["shop:createOrder"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_to_a_secret_finds_its_key_and_to_a_question_the_page_before_it() {
    on(async |world, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "Shop window").await;
        browser.choose("#right", "orders-read").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let secret = browser.value("#secret").await;
        browser.take().await;
        browser.press("Close").await;
        browser.wait_for("#text").await;
        browser.back().await;
        browser.wait_for_text("Latest refusals").await;
        let path = browser.path().await;
        assert!(path.starts_with("/keys/key_") && !browser.source().await.contains(&secret), "{path}");
        world.clock.advance(std::time::Duration::from_mins(11));
        browser.go("/profile/security").await;
        browser.press("Set up two-factor").await;
        browser.wait_for_text("Confirm that it is you").await;
        browser.go("/keys").await;
        browser.back().await;
        browser.wait_for_text("Two-factor").await;
        assert_eq!(browser.path().await, "/profile/security");
    })
    .await;
}
