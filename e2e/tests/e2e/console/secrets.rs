//! The secret of a key: shown once, taken away, and nowhere afterwards.

use serde_json::json;

use super::{call, on, on_as};
use crate::harness::chromium::{Chromium, View};

async fn make(browser: &Chromium) -> String {
    browser.go("/keys/new").await;
    browser.fill("#description", "Shop window").await;
    browser.choose("#right", "orders-read").await;
    browser.click("main form button[type=submit]").await;
    browser.wait_for("shown-once").await;
    browser.value("#secret").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_23_g_18_after_it_was_left_the_secret_is_nowhere() {
    on(async |world, browser| {
        let secret = make(browser).await;
        browser.take().await;
        browser.press("Close").await;
        browser.wait_for_text("Shop window").await;
        assert!(!browser.source().await.contains(&secret));
        // The answer to a form that was kept nowhere is not there any more.
        browser.back().await;
        assert!(!browser.source().await.contains(&secret), "not by the back button");
        let keys = crate::harness::raw_http::Request::get("/api/v1/keys").bearer(&world.token);
        assert!(!keys.send(world.control).await.expect(200).text().contains(&secret));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_23_g_21_leaving_without_taking_it_asks_once() {
    on(async |_, browser| {
        let secret = make(browser).await;
        browser.press("Close").await;
        let question = browser.answer_question(false).await.expect("it asks");
        assert!(question.contains("neither copied nor downloaded"), "{question}");
        assert_eq!(browser.value("#secret").await, secret, "it is still there");
        browser.press("Close").await;
        assert!(browser.answer_question(true).await.is_some());
        browser.wait_for("#text").await;
        assert_eq!(browser.path().await, "/keys");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_24_g_19_copy_leaves_the_page_as_it_is_and_says_so() {
    on(async |_, browser| {
        let secret = make(browser).await;
        browser.press("Copy to clipboard").await;
        browser.wait_for("[data-copy][data-done]").await;
        assert_eq!(browser.value("#secret").await, secret);
        let said = browser.script("return document.querySelector('copy-once [aria-live]').textContent", &[]).await;
        assert_eq!(said, json!("Copied"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_the_secret_stand_what_the_key_may_do_and_a_line_that_works_as_pasted() {
    on(async |_, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "Shop's window").await;
        browser.choose("#right", "orders-read").await;
        browser.script("document.querySelectorAll('details.advanced').forEach((d) => { d.open = true; })", &[]).await;
        browser.fill("#allowed_ips", "127.0.0.0/8").await;
        browser.choose("#expires_in", "30d").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let review = browser.script("return document.querySelector('shown-once .facts').innerText", &[]).await;
        let review = review.as_str().expect("facts");
        for part in ["Acme", "orders-read", "127.0.0.0/8", "30 Jan 2026", "90 days"] {
            assert!(review.contains(part), "no {part} in {review}");
        }
        let looks =
            "return ['[data-copy=secret]', '[data-leaves]'].map((css) => document.querySelector(css).dataset.variant)";
        assert_eq!(
            browser.script(looks, &[]).await,
            json!(["primary", "outline"]),
            "taking it is the first thing to do"
        );
        let line = browser.value("#curl").await;
        let asked = tokio::process::Command::new("sh").args(["-c", &format!("{line} --silent --fail")]).output().await;
        let answer = String::from_utf8(asked.expect("a shell").stdout).expect("text");
        assert!(answer.contains("Shop's window") && answer.contains("orders-read"), "{line}: {answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_20_download_is_the_bare_key_in_a_file_of_its_name() {
    on(async |_, browser| {
        let secret = make(browser).await;
        browser.press("Download").await;
        assert_eq!(browser.downloaded("Shop-window.APIKEY").await, secret);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g_20_without_scripts_the_server_answers_the_file() {
    on_as(View::PLAIN, async |_, browser| {
        let secret = make(browser).await;
        browser.press("Download").await;
        assert_eq!(browser.downloaded("Shop-window.APIKEY").await, secret);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_shows_the_new_secret_once_and_both_work_for_the_overlap() {
    on(async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Turning", "api_sets": ["orders-read"]})).await;
        let id = made["key"]["id"].as_str().expect("an id");
        browser.go(&format!("/keys/{id}")).await;
        browser.press("Rotate").await;
        browser.choose("dialog[open] select", "86400").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for("shown-once").await;
        let second = browser.value("#secret").await;
        assert_ne!(second, made["secret"].as_str().expect("a secret"));
        browser.press("Copy to clipboard").await;
        browser.press("Close").await;
        browser.wait_for_text("still works until").await;
        assert!(!browser.source().await.contains(&second));
    })
    .await;
}
