//! *Try it*: which request is tried, why it is refused, and what to do next.

use serde_json::json;

use super::{call, on, on_as};
use crate::harness::chromium::{Chromium, View};
use crate::harness::world::World;

/// The page of a new key with these rights, as far as an address.
async fn page(world: &World, api_sets: &[&str]) -> String {
    let key = json!({"name": "Tried", "api_sets": api_sets, "allowed_ips": ["203.0.113.0/24"]});
    let made = call(world, "/keys", &key).await;
    format!("/keys/{}", made["key"]["id"].as_str().expect("an id"))
}

/// What the panel says on the whole.
async fn outcome(browser: &Chromium) -> String {
    browser.wait_for(".outcome").await;
    text(browser, ".outcome").await
}

async fn text(browser: &Chromium, css: &str) -> String {
    let said = browser.script("return document.querySelector(arguments[0]).innerText", &[json!(css)]).await;
    said.as_str().unwrap_or_default().to_owned()
}

async fn link(browser: &Chromium) -> String {
    let href = "return document.querySelector('.outcome a')?.getAttribute('href') ?? ''";
    browser.script(href, &[]).await.as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn try_it_says_why_a_request_is_refused_and_that_another_passes() {
    on(async |world, browser| {
        let page = page(world, &["orders-read"]).await;
        let attempt = async |operation: &str, ip: &str| {
            browser.go(&page).await;
            assert_eq!(browser.value("#api").await, "shop", "the key's only API");
            browser.choose("#operation", operation).await;
            browser.fill("#client_ip", ip).await;
            browser.press("Check").await;
            outcome(browser).await
        };
        let passed = attempt("listOrders", "203.0.113.7").await;
        assert!(passed.starts_with("The request passes: it is shop:listOrders"), "{passed}");
        let results = "return [...document.querySelectorAll('.checks tbody tr')].map((row) => [row.dataset.check, row.querySelector('.result').innerText])";
        let expected = json!([["credential", "Passed"], ["state", "Passed"], ["ip", "Passed"], ["operation", "Passed"], ["limits", "Not checked"]]);
        assert_eq!(browser.script(results, &[]).await, expected);

        let refused = attempt("listOrders", "198.51.100.7").await;
        assert!(refused.starts_with("Refused: 198.51.100.7 is none of the key's allowed IPs"), "{refused}");
        assert!(refused.contains("IP_NOT_ALLOWED"), "{refused}");
        assert_eq!(link(browser).await, format!("{page}/edit#allowed_ips"));
        let why = text(browser, ".checks [data-check=ip]").await;
        assert!(why.contains("Failed") && why.contains("none of the key's allowed IPs"), "{why}");

        let refused = attempt("getCustomer", "203.0.113.7").await;
        assert!(refused.starts_with("Refused: this key does not hold getCustomer"), "{refused}");
        assert_eq!(link(browser).await, format!("{page}/edit"));
        assert_eq!(browser.value("#path").await, "/customers/id", "parameters stand by their names");

        // An operation that no API lists is said to be none, with the way to those that there are.
        browser.fill("#path", "/nothing").await;
        browser.press("Check").await;
        browser.wait_for_text("GET /nothing is none of the operations of Shop").await;
        assert_eq!(link(browser).await, "/apis/shop#operations");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_is_picked_fills_in_method_and_path_with_scripts_at_once_and_without_when_sent() {
    for view in [View::DESK, View::PLAIN] {
        on_as(view, async |world, browser| {
            let page = page(world, &["full-access"]).await;
            browser.go(&page).await;
            browser.choose("#operation", "createOrder").await;
            let at_once = (browser.value("#method").await, browser.value("#path").await);
            let filled = ("POST".to_owned(), "/orders".to_owned());
            assert_eq!(at_once == filled, view.has_scripts, "{at_once:?}");
            browser.fill("#client_ip", "203.0.113.7").await;
            browser.press("Check").await;
            let said = outcome(browser).await;
            assert!(said.starts_with("The request passes: it is shop:createOrder"), "{said}");
            assert_eq!((browser.value("#method").await, browser.value("#path").await), filled);
            // What is changed by hand afterwards counts, whatever is picked still.
            browser.fill("#path", "/customers/7").await;
            browser.choose("#method", "GET").await;
            browser.press("Check").await;
            browser.wait_for_text("it is shop:getCustomer").await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_api_is_chosen_by_a_link_or_in_the_panel_and_its_hosts_with_it() {
    for view in [View::DESK, View::PLAIN] {
        on_as(view, async |world, browser| {
            let hosts = json!(["mail.example.com", {"host": "sandbox.example.com", "environment": "test"}]);
            let operations = json!([{"method": "GET", "path": "/messages", "name": "listMessages"}]);
            let api = json!({"name": "Mail", "slug": "mail", "hosts": hosts, "operations": operations});
            call(world, "/apis", &api).await;
            let page = page(world, &["full-access"]).await;
            browser.go(&format!("{page}?api=mail#try")).await;
            assert_eq!(
                (browser.value("#api").await, browser.value("#host").await),
                ("mail".to_owned(), "mail.example.com".to_owned())
            );
            browser.choose("#operation", "listMessages").await;
            browser.fill("#host", "sandbox.example.com").await;
            browser.fill("#client_ip", "203.0.113.7").await;
            browser.press("Check").await;
            let said = outcome(browser).await;
            assert!(
                said.starts_with("Refused: sandbox.example.com is for test keys, and this is a live key"),
                "{said}"
            );
            // The other API has one host: there is nothing to choose.
            browser.choose("#api", "shop").await;
            if !view.has_scripts {
                browser.press("Show its operations").await;
            }
            browser.wait_for("#operation option[value=listOrders]").await;
            assert!(!browser.has("#host").await && browser.value("#path").await.is_empty());
            assert_eq!(browser.value("#client_ip").await, "203.0.113.7", "what was typed stays");
        })
        .await;
    }
}
