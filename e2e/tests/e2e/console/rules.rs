//! Applications, the policy, APIs, gateways and the search box: the rest of the console's places.

use serde_json::json;

use super::{accessible, call, on, on_as};
use crate::harness::chromium::View;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// The pages, with something on them.
async fn furnished(world: &World) -> Vec<String> {
    let kind = json!({"name": "Handhelds", "slug": "handhelds", "sign_in": "key_only", "api_sets": ["orders-read"]});
    call(world, "/application-types", &kind).await;
    let made =
        json!({"name": "An application with a rather long name", "type": "handhelds", "allowed_ips": ["203.0.113.7"]});
    let made = call(world, "/applications", &made).await;
    let application = made["application"]["id"].as_str().expect("an id").to_owned();
    let own = ["", "/edit", "/requests", "/keys/new"].map(|end| format!("/admin/applications/{application}{end}"));
    let fixed = [
        "/overview",
        "/apis",
        "/apis/new",
        "/apis/import",
        "/apis/shop",
        "/apis/shop/edit",
        "/apis/shop/manual",
        "/api-sets",
        "/api-sets/new",
        "/api-sets/orders-read",
        "/api-sets/orders-read/edit",
        "/api-sets/templates",
        "/admin/policy",
        "/admin/organization",
        "/admin/organization/requests",
        "/admin/applications",
        "/admin/applications/new",
        "/admin/applications/types",
        "/admin/applications/types/new",
        "/gateways",
        "/search?q=shop",
    ];
    fixed.map(str::to_owned).into_iter().chain(own).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_other_pages_in_light() {
    on(async |world, browser| accessible(browser, &furnished(world).await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_other_pages_in_the_dark() {
    on_as(View::DARK, async |world, browser| accessible(browser, &furnished(world).await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_serious_on_the_other_pages_on_a_telephone() {
    on_as(View::NARROW, async |world, browser| accessible(browser, &furnished(world).await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_01_f_07_applications_stand_under_integration_and_take_addresses_with_commas_and_blanks() {
    on(async |world, browser| {
        let kind =
            json!({"name": "Handhelds", "slug": "handhelds", "sign_in": "key_only", "api_sets": ["orders-read"]});
        call(world, "/application-types", &kind).await;
        assert!(browser.text().await.contains("Integration"));
        browser.press("Web service - Applications").await;
        assert_eq!(browser.path().await, "/admin/applications");
        browser.go("/admin/applications/new").await;
        browser.fill("#name", "Scanner").await;
        browser.choose("#type", "handhelds").await;
        browser.fill("#allowed_ips", "203.0.113.7 , 300.1.1.1").await;
        browser.click("main form button.btn[type=submit]:not([name])").await;
        browser.wait_for("#allowed_ips-error").await;
        let said = browser.script("return document.querySelector('#allowed_ips-error').innerText", &[]).await;
        assert!(said.as_str().is_some_and(|said| said.starts_with("2: ")), "its position: {said}");
        assert_eq!(browser.value("#name").await, "Scanner");
        browser.fill("#allowed_ips", "203.0.113.7 , 203.0.113.9").await;
        browser.click("main form button.btn[type=submit]:not([name])").await;
        browser.wait_for("shown-once").await;
        let secret = browser.value("#secret").await;
        let code = async |ip: &str| {
            let question =
                json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop", "client_ip": ip});
            Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()["code"].clone()
        };
        assert_eq!((code("203.0.113.9").await, code("203.0.113.8").await), (json!("VALID"), json!("IP_NOT_ALLOWED")));
        browser.press("Copy to clipboard").await;
        browser.wait_for("[data-copy][data-done]").await;
        browser.go("/admin/applications").await;
        let text = browser.text().await;
        for part in ["Scanner", "Active", "Handhelds", "203.0.113.7"] {
            assert!(text.contains(part), "no {part} in {text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_44_a_pasted_key_is_found_and_ended_with_two_clicks_and_stands_in_no_address() {
    on(async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Leaked", "api_sets": ["orders-read"]})).await;
        let secret = made["secret"].as_str().expect("a secret");
        browser.keys("/").await;
        assert_eq!(
            browser.script("return document.activeElement.id", &[]).await,
            json!("search"),
            "/ goes to the search box"
        );
        browser.fill("#search", secret).await;
        browser.keys("\u{e007}").await;
        browser.wait_for_text("Leaked").await;
        assert!(!browser.path().await.contains(secret) && !browser.source().await.contains(secret));
        browser.press("Disable").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("refused from now on").await;
        let question = json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop"});
        let answer = Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json();
        assert_eq!(answer["code"], "DISABLED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_policy_is_seen_before_it_is_saved() {
    on(async |world, browser| {
        call(world, "/keys", &json!({"name": "Long-lived", "api_sets": ["orders-read"]})).await;
        browser.go("/admin/policy").await;
        browser.fill("#idle_days", "7").await;
        browser.press("Preview").await;
        browser.wait_for_text("What this would change").await;
        let policy = async || {
            let read = Request::get("/api/v1/policy").bearer(&world.token).send(world.control).await.expect(200).json();
            read["idle_days"].clone()
        };
        assert_eq!(policy().await, json!(90), "nothing is saved by a preview");
        assert_eq!(browser.value("#idle_days").await, "7");
        browser.press("Save").await;
        browser.wait_for_text("Saved.").await;
        assert_eq!(policy().await, json!(7));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_02_the_form_of_a_key_leads_to_each_api_s_manual() {
    on(async |world, browser| {
        call(world, "/apis", &json!({"name": "Plain", "slug": "plain", "operations": [{"method": "GET", "path": "/things", "name": "listThings", "summary": "Lists things"}]})).await;
        browser.go("/profile/keys/new").await;
        let links = browser.script("return [...document.querySelectorAll('main .links a')].map((a) => a.getAttribute('href'))", &[]).await;
        let links = links.as_array().expect("links").clone();
        assert!(links.contains(&json!("https://shop.example.com/manual")), "its own: {links:?}");
        assert!(links.contains(&json!("/apis/plain/manual")), "else ours: {links:?}");
        browser.go("/apis/plain/manual").await;
        let text = browser.text().await;
        assert!(text.contains("/things") && text.contains("Lists things") && text.contains("plain:listThings"), "{text}");
    })
    .await;
}
