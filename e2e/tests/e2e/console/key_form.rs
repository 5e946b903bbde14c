//! The form of a key: how rights are said, and what it says where something is wrong.

use serde_json::json;

use super::{call, on, on_as};
use crate::harness::app::person;
use crate::harness::chromium::{Chromium, View};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const MAKE: &str = "main form button[type=submit]";

/// The operations of the key that the form has made.
async fn operations(world: &World, name: &str) -> serde_json::Value {
    let path = format!("/api/v1/keys?text={name}");
    let keys = Request::get(&path).bearer(&world.token).send(world.control).await.expect(200).json();
    keys["data"][0]["operations"].clone()
}

async fn open(browser: &Chromium, description: &str) {
    browser.go("/keys/new").await;
    browser.fill("#description", description).await;
    browser.click("details.advanced summary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_reads_of_an_api_is_given_in_few_presses() {
    on(async |world, browser| {
        open(browser, "Reader").await;
        browser.click("#operations-available option[value=\"GET shop:*\"]").await;
        browser.keys("\u{e007}").await;
        browser.click(MAKE).await;
        browser.wait_for("shown-once").await;
        assert_eq!(operations(world, "Reader").await, json!(["shop:listOrders", "shop:getCustomer"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_are_found_and_chosen_without_scripts_and_enter_makes_the_key() {
    on_as(View::PLAIN, async |world, browser| {
        open(browser, "Finder").await;
        browser.fill("#find_text", "createOrder").await;
        browser.click("input[name=find-operations]").await;
        browser.wait_for_text("1 operation found.").await;
        assert_eq!(browser.value("#description").await, "Finder", "nothing typed is lost");
        browser.choose("#operations", "shop:createOrder").await;
        browser.fill("#patterns", "GET /customers/17").await;
        browser.fill("#description", "Finder\u{e007}").await;
        browser.wait_for("#secret").await;
        assert_eq!(operations(world, "Finder").await, json!(["shop:createOrder", "shop:getCustomer"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn add_all_takes_nothing_of_the_administration_of_claviger() {
    on(async |_, browser| {
        open(browser, "All").await;
        let add_all = "document.querySelector('dual-list .dual-buttons button:nth-child(2)').click()";
        browser.script(add_all, &[]).await;
        let chosen = "return [...document.querySelector('#api_sets').selectedOptions].map((o) => o.value)";
        let chosen = browser.script(chosen, &[]).await;
        assert_eq!(chosen, json!(["full-access", "orders-read"]));
        let group = "return document.querySelector('#api_sets-available optgroup').label";
        assert_eq!(browser.script(group, &[]).await, json!("Administration of Claviger"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_of_all_fields_at_once_in_the_words_of_people() {
    on(async |_, browser| {
        open(browser, "Wrong").await;
        browser.fill("#patterns", "shop:listOrder\nGET /nothing").await;
        browser.script("document.querySelectorAll('details.advanced').forEach((d) => { d.open = true; })", &[]).await;
        browser.fill("#allowed_ips", "10.0.0.1\n\nnot an ip\n999.1.1.1").await;
        browser.set("#expires_at", "2020-01-01").await;
        browser.click(MAKE).await;
        browser.wait_for("[role=alert]").await;
        let text = browser.script("return document.querySelector('[role=alert]').innerText", &[]).await;
        let text = text.as_str().expect("a text");
        for part in [
            "Line 3, “not an ip”",
            "Line 4, “999.1.1.1”",
            "Expiration date: must be in the future",
            "did you mean shop:listOrders?",
            "“GET /nothing”: none of your APIs has such an operation",
        ] {
            assert!(text.contains(part), "no {part} in {text}");
        }
        assert!(!text.contains('[') && !text.contains('_') && !text.contains('`'), "{text}");
        for field in ["patterns", "allowed_ips", "expires_at"] {
            assert!(browser.has(&format!("#{field}-error")).await, "by {field}");
        }
        let wider = "return document.querySelector('[role=alert]').offsetWidth > document.querySelector('main form.form').offsetWidth";
        assert_eq!(browser.script(wider, &[]).await, json!(false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_without_rights_is_asked_for_them_in_one_sentence() {
    on(async |_, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "Nothing").await;
        browser.click(MAKE).await;
        browser.wait_for("#right-error").await;
        let text = browser.text().await;
        assert_eq!(text.matches("Say what the key may do").count(), 2, "on top and by the field: {text}");
        assert!(!text.contains("api_sets"), "{text}");
    })
    .await;
}

/// When the key of this name ends.
async fn end(world: &World, name: &str) -> serde_json::Value {
    let path = format!("/api/v1/keys?text={name}");
    let keys = Request::get(&path).bearer(&world.token).send(world.control).await.expect(200).json();
    keys["data"][0]["expires_at"].clone()
}

async fn make(browser: &Chromium, name: &str, choose: impl AsyncFnOnce()) {
    browser.go("/keys/new").await;
    browser.fill("#description", name).await;
    browser.choose("#right", "orders-read").await;
    browser.press("Advanced").await;
    choose().await;
    browser.click(MAKE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_or_a_day_is_chosen_with_and_without_scripts() {
    for view in [View::DESK, View::PLAIN] {
        on_as(view, async |world, browser| {
            let made = async || {
                browser.wait_for("#secret").await;
                browser.take().await;
            };
            make(browser, "Month", async || browser.choose("#expires_in", "30d").await).await;
            made().await;
            assert_eq!(end(world, "Month").await, json!("2026-01-31T00:00:00Z"), "to the end of its thirtieth day");
            make(browser, "Year", async || browser.choose("#expires_in", "1y").await).await;
            made().await;
            assert_eq!(end(world, "Year").await, json!("2027-01-01T00:00:00Z"));
            make(browser, "Ever", async || ()).await;
            made().await;
            assert_eq!(end(world, "Ever").await, json!(null));
            make(browser, "Day", async || {
                browser.choose("#expires_in", "date").await;
                browser.set("#expires_at", "2026-05-17").await;
            })
            .await;
            made().await;
            assert_eq!(end(world, "Day").await, json!("2026-05-18T00:00:00Z"));
            make(browser, "None", async || browser.choose("#expires_in", "date").await).await;
            browser.wait_for("#expires_at-error").await;
            assert!(browser.text().await.contains("choose the last day on which the key works"));
            assert_eq!(browser.value("#expires_in").await, "date");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_asked_for_where_it_is_meant_and_gone_with_another_choice() {
    on(async |_, browser| {
        browser.go("/profile/keys/new").await;
        let is_shown = "return document.getElementById('expires_at').offsetParent !== null";
        assert_eq!(browser.script(is_shown, &[]).await, json!(false));
        browser.choose("#expires_in", "date").await;
        assert_eq!(browser.script(is_shown, &[]).await, json!(true));
        browser.set("#expires_at", "2026-05-17").await;
        browser.choose("#expires_in", "7d").await;
        assert_eq!(browser.script(is_shown, &[]).await, json!(false));
        assert_eq!(browser.value("#expires_at").await, "", "what is out of sight is not sent");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policy_and_one_s_roles_make_of_the_end_stands_on_the_form() {
    on(async |world, browser| {
        let choices = "return [...document.querySelectorAll('#expires_in option')].map((option) => option.text)";
        browser.go("/profile/keys/new").await;
        let offered = browser.script(choices, &[]).await;
        assert_eq!(offered[0], "The longest allowed (until 31 Dec 2026)", "a year, by the policy");
        assert_eq!(offered[4], "1 year (until 31 Dec 2026)");
        let hint = browser.script("return document.getElementById('expires_in-hint').innerText", &[]).await;
        let hint = hint.as_str().expect("a hint");
        assert!(hint.contains("UTC, the organization's time zone") && hint.contains("not used for 90 days"), "{hint}");
        browser.go("/keys/new").await;
        assert!(browser.text().await.contains(
            "The key has no expiry unless you choose one under Advanced. A key that is not used for 90 days"
        ));
        let policy = json!({"max_lifetime": {"organization": {"days": 60}}, "idle_days": 0});
        let patch = Request::new("PATCH", "/api/v1/policy").json(&policy).bearer(&world.token);
        patch.send(world.control).await.expect(200);
        browser.go("/keys/new").await;
        let text = browser.text().await;
        assert!(
            text.contains("The key works until 1 Mar 2026, the longest allowed") && !text.contains("not used for"),
            "{text}"
        );
        let offered = browser.script(choices, &[]).await;
        assert_eq!(offered.as_array().map(Vec::len), Some(4), "nothing beyond it: {offered}");
        // A role's bound, which is less than the policy's.
        let levels = json!({"max_lifetime_days": 10, "api_sets": ["orders-read"]});
        call(
            world,
            "/roles",
            &json!({"name": "Desk", "authorities": ["keys.manage_own", "apis.read"], "levels": levels}),
        )
        .await;
        person(world.control, &world.token, "bob", &["desk"]).await;
        browser.forget().await;
        browser.sign_in("bob@example.com", super::PASSWORD).await;
        browser.go("/profile/keys/new").await;
        assert_eq!(browser.script(choices, &[]).await[0], "The longest allowed (until 10 Jan 2026)");
    })
    .await;
}
