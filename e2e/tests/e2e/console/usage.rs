//! Usage in the browser: charts with their tables, rights that a key never uses, and what a key did.

use serde_json::{Value, json};

use super::{call, on};
use crate::harness::chromium::Chromium;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// A key, and what it asks of the doors: `GET /orders` so many times, and once what it may not.
async fn used(world: &World, name: &str, times: usize) -> String {
    let set = json!({"name": "Customers", "slug": "customers", "operations": ["shop:getCustomer"]});
    call(world, "/api-sets", &set).await;
    let made = call(world, "/keys", &json!({"name": name, "api_sets": ["orders-read", "customers"]})).await;
    let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    for _ in 0..times {
        assert_eq!(ask(world, secret, "GET").await["code"], "VALID");
    }
    assert_eq!(ask(world, secret, "POST").await["code"], "OPERATION_NOT_ALLOWED");
    let counted = async || {
        let path = "/api/v1/usage?by=api&api=shop";
        let usage = Request::get(path).bearer(&world.token).send(world.control).await.expect(200).json();
        usage["series"][0]["total"] == json!(times + 1)
    };
    wait_until(counted, || "it is never counted".to_owned()).await;
    id.to_owned()
}

async fn ask(world: &World, secret: &str, method: &str) -> Value {
    let question = json!({
        "x_api_key": secret, "method": method, "path": "/orders", "host": "shop.example.com", "client_ip": "203.0.113.7",
    });
    Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()
}

/// The numbers in the table behind the chart.
async fn table(browser: &Chromium) -> Vec<String> {
    let rows = "return [...document.querySelectorAll('.chart-table tbody tr')].map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent).join(' '))";
    let rows = browser.script(rows, &[]).await;
    rows.as_array().expect("rows").iter().map(|row| row.as_str().expect("text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_drawn_by_each_subject_with_a_table_and_a_file() {
    on(async |world, browser| {
        browser.go("/usage?by=api").await;
        browser.wait_for_text("No requests in this time.").await;
        assert!(browser.has("main a[href='/gateways']").await, "the next step");
        used(world, "Reader", 3).await;
        // The calls of the test's own key are among them.
        for (by, column, count) in
            [("code", "OPERATION_NOT_ALLOWED", "1"), ("key", "Reader", "4"), ("api", "Shop", "4"), ("set", "Read orders", "4")]
        {
            browser.go(&format!("/usage?by={by}&range=7d")).await;
            browser.click(".chart-table summary").await;
            browser.wait_for_text(column).await;
            let rows = table(browser).await;
            assert!(rows.iter().any(|row| row.split(' ').any(|cell| cell == count)), "{by}: {rows:?}");
            let svg = "const svg = document.querySelector('.time-series > svg'); return svg.getAttribute('role') + ' ' + svg.querySelector('title').textContent";
            assert_eq!(browser.script(svg, &[]).await, json!("img Usage"));
        }
        let file = "return fetch(document.querySelector('main a[download], header a[download], a[download]').href).then((answer) => answer.text())";
        let file = browser.script(file, &[]).await;
        assert!(file.as_str().is_some_and(|text| text.starts_with("\"id\",\"name\",\"at\",\"count\"")), "{file}");
        browser.go("/overview").await;
        browser.wait_for_text("Requests in the last 24 hours").await;
        assert!(browser.has(".time-series > svg[role=img]").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_20_least_privilege_a_page_lists_what_the_key_never_used() {
    on(async |world, browser| {
        let id = used(world, "Reader", 1).await;
        let known = async || {
            let path = format!("/api/v1/keys/{id}/unused-rights?days=90");
            let unused = Request::get(&path).bearer(&world.token).send(world.control).await.expect(200).json();
            unused["operations"] == json!(["shop:getCustomer"])
        };
        wait_until(known, || "its use is never known".to_owned()).await;
        browser.go(&format!("/keys/{id}")).await;
        browser.click(&format!("a[href='/keys/{id}/unused-rights']")).await;
        browser.wait_for_text("Sets of which nothing was used").await;
        let text = browser.text().await;
        assert!(text.contains("Customers") && text.contains("shop:getCustomer"), "{text}");
        assert!(!text.contains("Read orders") && !text.contains("shop:listOrders"), "{text}");
        assert!(text.contains("1 of 2 operations"), "{text}");
        // From there to where they are taken off.
        browser.press("Edit the key's rights").await;
        browser.wait_for("form").await;
        assert_eq!(browser.path().await, format!("/keys/{id}/edit"));
        // A form to make a key in begins with nothing chosen.
        browser.go("/profile/keys/new").await;
        let chosen = "return document.querySelectorAll('main input[name=api_sets]:checked, main select[name=api_sets] option[selected]').length";
        assert_eq!(browser.script(chosen, &[]).await, json!(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_41_a_key_shows_when_from_where_and_by_what_it_was_used_and_what_was_refused() {
    on(async |world, browser| {
        let id = used(world, "Watched", 2).await;
        let seen = async || {
            let path = format!("/api/v1/keys/{id}/requests");
            let log = Request::get(&path).bearer(&world.token).send(world.control).await.expect(200).json();
            log["data"].as_array().is_some_and(|rows| rows.len() == 1)
        };
        wait_until(seen, || "the refusal is never there".to_owned()).await;
        browser.go(&format!("/keys/{id}")).await;
        browser.wait_for_text("Requests in the last 7 days").await;
        let text = browser.text().await;
        for part in ["Last used", "203.0.113.7", "Last refused", "OPERATION_NOT_ALLOWED", "POST /orders"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(browser.has(".time-series > svg[role=img]").await, "its requests over time");
        browser.click(".chart-table summary").await;
        assert_eq!(table(browser).await, ["2 1"], "what passed first, whatever was more");
    })
    .await;
}
