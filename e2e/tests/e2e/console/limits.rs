//! Limits on the forms of keys, applications and API sets, and on their pages.

use std::time::Duration;

use serde_json::{Value, json};

use super::{accessible, call, on};
use crate::harness::chromium::Chromium;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// The field of a row.
fn field(row: usize, name: &str) -> String {
    format!("[name='limits[{row}].{name}']")
}

async fn fill(browser: &Chromium, row: usize, name: &str, number: &str, per: &str) {
    browser.fill(&field(row, "name"), name).await;
    browser.fill(&field(row, "limit"), number).await;
    browser.choose(&field(row, "per"), per).await;
}

async fn save(browser: &Chromium) {
    browser.click("main form[method=post] .buttons button[type=submit]").await;
}

async fn limits_of(world: &World, path: &str) -> Value {
    let path = format!("/api/v1{path}");
    Request::get(&path).bearer(&world.token).send(world.control).await.expect(200).json()["limits"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_gets_limits_under_advanced_and_its_page_shows_them() {
    on(async |world, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "Shop window").await;
        browser.choose("#right", "orders-read").await;
        browser.click("details.advanced:last-of-type > summary").await;
        fill(browser, 0, "minute", "many", "60").await;
        fill(browser, 1, "daily", "5000", "day").await;
        browser.choose(&field(1, "scope"), "owner").await;
        save(browser).await;
        browser.wait_for("[role=alert]").await;
        let wrong = browser.script("return document.getElementById('limits[0].limit-error')?.textContent", &[]).await;
        assert!(wrong.as_str().is_some_and(|text| text.contains("whole number")), "by the field: {wrong}");
        assert_eq!(browser.value(&field(1, "name")).await, "daily", "nothing typed is lost");
        browser.fill(&field(0, "limit"), "600").await;
        save(browser).await;
        browser.wait_for("shown-once").await;

        let keys = Request::get("/api/v1/keys?text=Shop").bearer(&world.token).send(world.control).await.expect(200).json();
        let id = keys["data"][0]["id"].as_str().expect("a key").to_owned();
        let minute = json!({"name": "minute", "kind": "rate", "limit": 600, "window_seconds": 60, "burst": 600, "cost": 1, "scope": "key"});
        let daily = json!({"name": "daily", "kind": "quota", "limit": 5000, "period": "day", "cost": 1, "scope": "owner"});
        assert_eq!(limits_of(world, &format!("/keys/{id}")).await, json!([minute, daily]));
        browser.take().await;
        accessible(browser, &[format!("/keys/{id}"), format!("/keys/{id}/edit")]).await;
        browser.go(&format!("/keys/{id}")).await;
        browser.wait_for_text("minute: 600 in a minute, counted by key").await;
        browser.wait_for_text("daily: 5000 in a calendar day (quota), counted by owner").await;

        // A row that is emptied is a limit less; the other one stays as it was.
        browser.go(&format!("/keys/{id}/edit")).await;
        browser.fill(&field(0, "name"), "").await;
        browser.fill(&field(0, "limit"), "").await;
        save(browser).await;
        browser.wait_for("main dl.facts").await;
        assert_eq!(limits_of(world, &format!("/keys/{id}")).await, json!([daily]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_form_does_not_show_of_a_limit_outlives_it() {
    on(async |world, browser| {
        let limits = json!([{"name": "credits", "kind": "quota", "limit": 100, "period": "total", "cost": 2,
            "refill": {"amount": 10, "every": "day"}, "scope": "key"}]);
        let key = json!({"name": "Paid", "api_sets": ["orders-read"], "limits": limits});
        let id = call(world, "/keys", &key).await["key"]["id"].as_str().expect("an id").to_owned();
        browser.go(&format!("/keys/{id}")).await;
        browser
            .wait_for_text("credits: 100 in total (quota), counted by key, 2 a request, 10 come back each day")
            .await;
        browser.go(&format!("/keys/{id}/edit")).await;
        browser.fill(&field(0, "limit"), "200").await;
        save(browser).await;
        browser.wait_for("main dl.facts").await;
        let now = limits_of(world, &format!("/keys/{id}")).await;
        assert_eq!((&now[0]["limit"], &now[0]["cost"]), (&json!(200), &json!(2)));
        assert_eq!(now[0]["refill"], limits[0]["refill"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_and_api_sets_have_limits_too() {
    on(async |world, browser| {
        let kind = json!({"name": "Partner", "slug": "partner", "sign_in": "key_only", "api_sets": ["orders-read"]});
        call(world, "/application-types", &kind).await;
        let made = call(world, "/applications", &json!({"name": "Portal", "slug": "portal", "type": "partner"})).await;
        let id = made["application"]["id"].as_str().expect("an id").to_owned();
        for (place, page, scope) in [
            (format!("/admin/applications/{id}"), format!("/applications/{id}"), "owner"),
            ("/api-sets/orders-read".to_owned(), "/api-sets/orders-read".to_owned(), "set"),
        ] {
            browser.go(&format!("{place}/edit")).await;
            fill(browser, 0, "hourly", "900", "3600").await;
            browser.fill(&field(0, "burst"), "50").await;
            save(browser).await;
            browser.wait_for("main dl.facts").await;
            let expected = json!([{"name": "hourly", "kind": "rate", "limit": 900, "window_seconds": 3600, "burst": 50, "cost": 1,
                "scope": scope}]);
            assert_eq!(limits_of(world, &page).await, expected, "{place}");
            browser.wait_for_text("hourly: 900 in an hour, 50 at once").await;
            accessible(browser, &[place.clone(), format!("{place}/edit")]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_of_limits_stands_on_the_pages_of_all_that_have_some_with_a_bar() {
    on(async |world, browser| {
        let quota =
            |name: &str, scope: &str| json!({"name": name, "kind": "quota", "limit": 10, "period": "day", "scope": scope});
        let slow = json!({"name": "slow", "kind": "rate", "limit": 1, "window_seconds": 86400, "burst": 5});
        let set = json!({"name": "Few", "slug": "few", "operations": ["shop:listOrders"], "limits": [quota("all", "set")]});
        call(world, "/api-sets", &set).await;
        let kind = json!({"name": "Partner", "slug": "partner", "sign_in": "key_only", "api_sets": ["few"]});
        call(world, "/application-types", &kind).await;
        let portal = json!({"name": "Portal", "slug": "portal", "type": "partner", "limits": [slow, quota("each", "key")]});
        let made = call(world, "/applications", &portal).await;
        let [key, application] =
            ["key", "application"].map(|what| made[what]["id"].as_str().expect("an id").to_owned());
        for _ in 0..2 {
            let secret = made["secret"].as_str().expect("a secret");
            let passes = async || {
                world.advance(Duration::from_secs(1));
                world.verdict(secret, "shop", "GET", "/orders").await["code"] == "VALID"
            };
            wait_until(passes, || "it never passes".to_owned()).await;
        }
        let of_key = format!("/keys/{key}");
        let told = async || {
            let path = format!("/api/v1{of_key}/limits");
            Request::get(&path).bearer(&world.token).send(world.control).await.expect(200).json()["data"].clone()
        };
        let is_back = async || told().await.as_array().expect("limits").iter().all(|limit| limit["held"] == 0);
        world.advance(Duration::from_secs(3));
        wait_until(is_back, || "blocks never go back".to_owned()).await;
        let pages = [
            (of_key.clone(), "2 taken, 8 left", vec!["slow: 2 of 5", "each: 2 of 10", "all: 2 of 10"]),
            (format!("/admin/applications/{application}"), "2 taken, 3 left", vec!["slow: 2 of 5"]),
            ("/api-sets/few".to_owned(), "2 taken, 8 left", vec!["all: 2 of 10"]),
        ];
        for (page, words, bars) in &pages {
            accessible(browser, std::slice::from_ref(page)).await;
            browser.wait_for_text(words).await;
            let drawn = "return [...document.querySelectorAll('.taken meter')].map(bar => `${bar.ariaLabel}: ${bar.value} of ${bar.max}`)";
            assert_eq!(browser.script(drawn, &[]).await, json!(bars), "{page}");
        }
        browser.go(&pages[1].0).await;
        browser.wait_for_text("Each has a counter of its own.").await;
        browser.go("/api-sets/orders-read").await;
        browser.wait_for("main dl.facts").await;
        assert!(!browser.text().await.contains("Limits and what is taken"), "nothing where there is none");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_no_limit_can_have_are_told_by_their_field() {
    on(async |_, browser| {
        for number in ["-1", "9223372036854775808", "18446744073709551616", "1.5"] {
            browser.go("/api-sets/orders-read/edit").await;
            fill(browser, 0, "minute", number, "60").await;
            save(browser).await;
            browser.wait_for("[role=alert]").await;
            let wrong =
                browser.script("return document.getElementById('limits[0].limit-error')?.textContent", &[]).await;
            assert_eq!(wrong, "expected a whole number from 0 to 9007199254740992", "{number}");
            assert_eq!(browser.value(&field(0, "limit")).await, number, "what was typed stands there");
        }
        browser.go("/api-sets/orders-read/edit").await;
        fill(browser, 0, "minute", "0", "60").await;
        save(browser).await;
        browser.wait_for_text("minute: 0 in a minute").await;
    })
    .await;
}
