//! Keys that a second person has to approve: the policy's field, the page that lists them, and who may not decide.

use serde_json::{Value, json};

use super::{on, on_as};
use crate::harness::app::{PASSWORD, person};
use crate::harness::chromium::{Chromium, View};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const SUBMIT: &str = "main form.form button[type=submit]";
const YES: &str = "dialog[open] button[type=submit]";

/// What the doors say of a key.
async fn code(world: &World, secret: &str) -> Value {
    let question = json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop"});
    Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()["code"].clone()
}

/// Makes a key with the set that has to be approved, and answers its secret.
async fn make(browser: &Chromium, description: &str) -> String {
    browser.go("/keys/new").await;
    assert!(browser.has("#approval-note").await, "said before it is made");
    browser.fill("#description", description).await;
    browser.choose("#right", "orders-read").await;
    browser.click(SUBMIT).await;
    browser.wait_for("#not-yet").await;
    let secret = browser.value("#secret").await;
    browser.take().await;
    secret
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_waits_is_approved_by_a_second_person_and_by_nobody_who_made_it() {
    on(async |world, browser| {
        browser.go("/admin/policy").await;
        browser.click("input[name=approval][value=orders-read]").await;
        browser.click(SUBMIT).await;
        browser.wait_for("#effect").await;
        assert!(browser.text().await.contains("A second person has to approve keys with"));
        browser.click("#effect button[name=step]").await;
        browser.wait_for_text("Saved.").await;
        assert!(browser.has("input[name=approval][value=orders-read]:checked").await);

        let (good, bad) = (make(browser, "Good window").await, make(browser, "Bad window").await);
        assert_eq!(code(world, &good).await, "PENDING");
        browser.go("/overview").await;
        assert!(browser.text().await.contains("2 keys wait until somebody approves them."));
        browser.press("Approvals").await;
        let text = browser.text().await;
        assert!(text.contains("Good window") && text.contains("You made this key"), "{text}");
        assert!(!browser.has("form[action$='/approve']").await, "who made it has no button");

        person(world.control, &world.token, "bob", &["admin"]).await;
        let second = Chromium::open(world.control).await;
        second.sign_in("bob@example.com", PASSWORD).await;
        second.go("/approvals").await;
        // Both were made at one instant: which row is the first is chance.
        let row =
            "return [...document.querySelectorAll('tbody tr')].find((r) => r.innerText.includes('Good window')).id";
        let row = second.script(row, &[]).await;
        second.click(&format!("#{} .buttons button", row.as_str().expect("an id"))).await;
        second.wait_for("dialog[open]").await;
        second.fill("dialog[open] input[name=reason]", "as agreed").await;
        second.click(YES).await;
        second.wait_for_text("Approved. Requests with this key pass from now on.").await;
        assert_eq!((code(world, &good).await, code(world, &bad).await), (json!("VALID"), json!("PENDING")));
        second.press("Bad window").await;
        assert!(second.text().await.contains("Waits for approval"));
        second.press("Deny").await;
        second.wait_for("dialog[open]").await;
        second.fill("dialog[open] input[name=reason]", "too wide").await;
        second.click(YES).await;
        second.wait_for_text("Denied. The key is disabled.").await;
        assert!(second.text().await.contains("denied: too wide"));
        assert_eq!(code(world, &bad).await, "DISABLED");
        second.go("/approvals").await;
        assert!(second.text().await.contains("No key waits for approval"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_approved_without_scripts_and_not_once_it_was_changed() {
    on_as(View::PLAIN, async |world, browser| {
        let policy = json!({"approval": ["orders-read"]});
        let request = Request::new("PATCH", "/api/v1/policy").json(&policy).bearer(&world.token);
        request.send(world.control).await.expect(200);
        let key = super::call(world, "/keys", &json!({"name": "By hand", "api_sets": ["orders-read"]})).await;
        let path = format!("/keys/{}", key["key"]["id"].as_str().expect("an id"));
        browser.go(&path).await;
        // Somebody widens it while the page is looked at.
        let wider = json!({"api_sets": ["orders-read", "full-access"]});
        let request = Request::new("PATCH", &format!("/api/v1{path}")).json(&wider).bearer(&world.token);
        request.send(world.control).await.expect(200);
        browser.press("Approve").await;
        browser.press("Yes, approve the key").await;
        assert_eq!(code(world, key["secret"].as_str().expect("a secret")).await, "PENDING");
        browser.go(&path).await;
        browser.press("Approve").await;
        browser.press("Yes, approve the key").await;
        browser.wait_for_text("Approved. Requests with this key pass from now on.").await;
        assert_eq!(code(world, key["secret"].as_str().expect("a secret")).await, "VALID");
    })
    .await;
}
