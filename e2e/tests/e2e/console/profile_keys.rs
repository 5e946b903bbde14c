//! One's own pairs at *View profile → API Keys*, as CERRIX describes them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ADA, PASSWORD, call, on};
use crate::harness::chromium::Chromium;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const SAVE: &str = "main form.form button[type=submit]";
const YEAR_END: &str = "2026-12-31";

/// A pair as the page showed it.
struct Pair {
    id: String,
    identifier: String,
    password: String,
}

impl Pair {
    /// Makes one; `more` fills what else the form has.
    async fn make(world: &World, browser: &Chromium, name: &str, more: impl AsyncFnOnce()) -> Self {
        browser.go("/profile/keys/new").await;
        browser.fill("#name", name).await;
        browser.click("input[name=api_sets][value=orders-read]").await;
        more().await;
        browser.click(SAVE).await;
        browser.wait_for("shown-once").await;
        let (identifier, password) = (browser.value("#identifier").await, browser.value("#password").await);
        browser.take().await;
        let keys = Request::get("/api/v1/keys?limit=100").bearer(&world.token).send(world.control).await;
        let keys = keys.expect(200).json();
        let found = keys["data"].as_array().expect("rows").iter().find(|key| key["name"] == name.trim()).cloned();
        let id = found.expect("it is listed")["id"].as_str().expect("an id").to_owned();
        Self { id, identifier, password }
    }

    async fn code(&self, world: &World, path: &str, ip: &str) -> Value {
        let question = json!({"identifier": self.identifier, "password": self.password, "method": "GET", "path": path, "api": "shop", "client_ip": ip});
        Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()["code"].clone()
    }

    /// Its form.
    async fn edit(&self, browser: &Chromium) {
        browser.go(&format!("/keys/{}/edit", self.id)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_07_the_name_is_required_trimmed_listed_and_one_s_own() {
    on(async |world, browser| {
        browser.go("/profile/keys/new").await;
        browser.click("input[name=api_sets][value=orders-read]").await;
        browser.script("document.querySelector('main form').noValidate = true", &[]).await;
        browser.click(SAVE).await;
        browser.wait_for("#name-error").await;
        let pair = Pair::make(world, browser, "  My import ", async || ()).await;
        browser.go("/profile/keys").await;
        let name = browser
            .script(
                "return document.getElementById(arguments[0]).querySelector('th').innerText.trim()",
                &[json!(pair.id)],
            )
            .await;
        assert_eq!(name, json!("My import"));
        browser.go("/profile/keys/new").await;
        browser.fill("#name", "my import").await;
        browser.click("input[name=api_sets][value=orders-read]").await;
        browser.click(SAVE).await;
        browser.wait_for("#name-error").await;
        browser.press("Show it").await;
        assert_eq!(browser.path().await, format!("/keys/{}", pair.id), "the other's page");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_10_an_end_may_be_brought_nearer_and_now_only_when_it_is_said() {
    on(async |world, browser| {
        let pair = Pair::make(world, browser, "Short", async || browser.set("#expires_at", "2026-10-27").await).await;
        pair.edit(browser).await;
        assert_eq!(browser.value("#expires_at").await, "2026-10-27");
        browser.set("#expires_at", "2026-01-30").await;
        browser.click(SAVE).await;
        browser.wait_for_text("30 Jan 2026").await;
        world.clock.advance(Duration::from_hours(30));
        browser.go("/profile").await;
        if browser.path().await.starts_with("/sign-in") {
            browser.sign_in(ADA, PASSWORD).await;
        }
        pair.edit(browser).await;
        browser.set("#expires_at", "2026-01-01").await;
        browser.click(SAVE).await;
        browser.wait_for("[role=alert]").await;
        assert!(browser.has("#expires_at-error").await || browser.has("#expire_now-error").await, "it is asked about");
        assert_eq!(pair.code(world, "/orders", "203.0.113.7").await, "VALID");
        browser.click("#expire_now").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Expired").await;
        assert_eq!(pair.code(world, "/orders", "203.0.113.7").await, "EXPIRED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_08_c_11_the_end_is_a_year_by_itself_and_counts_from_the_creation_for_good() {
    on(async |world, browser| {
        let pair = Pair::make(world, browser, "Year", async || ()).await;
        browser.go(&format!("/keys/{}", pair.id)).await;
        browser.wait_for_text("31 Dec 2026").await;
        pair.edit(browser).await;
        browser.set("#expires_at", "2026-06-30").await;
        browser.click(SAVE).await;
        browser.wait_for_text("30 Jun 2026").await;
        world.clock.advance(Duration::from_hours(24 * 60));
        browser.sign_in(ADA, PASSWORD).await;
        pair.edit(browser).await;
        browser.set("#expires_at", "2027-01-02").await;
        browser.click(SAVE).await;
        browser.wait_for("#expires_at-error").await;
        browser.set("#expires_at", YEAR_END).await;
        browser.click(SAVE).await;
        browser.wait_for_text("31 Dec 2026").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_12_c_15_c_30_addresses_bear_notes_and_an_edit_is_in_force_at_once() {
    on(async |world, browser| {
        let pair = Pair::make(world, browser, "Office", async || ()).await;
        browser.go(&format!("/keys/{}", pair.id)).await;
        assert!(browser.text().await.contains("Anywhere"), "an empty list says what it means");
        assert_eq!(pair.code(world, "/orders", "198.51.100.1").await, "VALID");
        pair.edit(browser).await;
        browser.fill("#name", "Head office").await;
        browser.fill("#allowed_ips", "203.0.113.7 # integration host\n2001:db8::/32").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        let text = browser.text().await;
        assert!(text.contains("203.0.113.7 # integration host") && text.contains("Head office"), "{text}");
        assert_eq!(pair.code(world, "/orders", "203.0.113.7").await, "VALID", "the secret is the same");
        assert_eq!(pair.code(world, "/orders", "198.51.100.1").await, "IP_NOT_ALLOWED");
        // The history has what was there before, and after.
        let history = browser.script("return [document.querySelector('main del')?.textContent, document.querySelector('main').textContent.includes('integration host')]", &[]).await;
        assert!(history[0].is_string() && history[1] == true, "{history}");
        // Its rights.
        call(world, "/api-sets", &json!({"name": "Customers", "slug": "customers", "operations": ["shop:getCustomer"]})).await;
        assert_eq!(pair.code(world, "/customers/7", "203.0.113.7").await, "OPERATION_NOT_ALLOWED");
        pair.edit(browser).await;
        browser.script("for (const option of document.querySelectorAll('#api_sets option')) option.selected = option.value === 'customers'", &[]).await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        assert_eq!(pair.code(world, "/customers/7", "203.0.113.7").await, "VALID");
        assert_eq!(pair.code(world, "/orders", "203.0.113.7").await, "OPERATION_NOT_ALLOWED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_17_the_form_says_to_confirm_the_address_and_believes_no_forged_header() {
    on(async |_, browser| {
        browser.go("/profile/keys/new").await;
        let hint = browser.script("return document.getElementById('allowed_ips-hint').innerText", &[]).await;
        assert!(hint.as_str().is_some_and(|hint| hint.contains("Confirm with your administrator")), "{hint}");
        let forged = "const done = arguments[arguments.length - 1]; \
                      fetch('/profile/keys/new', {headers: {'X-Forwarded-For': '198.51.100.9', 'X-Real-IP': '198.51.100.9', 'Forwarded': 'for=198.51.100.9'}}).then((r) => r.text()).then(done)";
        let page = browser.script_with_answer(forged).await;
        let page = page.as_str().expect("a page");
        assert!(page.contains("The server sees you at 127.0.0.1.") && !page.contains("198.51.100.9"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_17_the_form_names_whom_the_organization_says_to_ask() {
    on(async |_, browser| {
        let asked = "return [...document.querySelectorAll('form .hint')].find((hint) => hint.textContent.startsWith('Your administrator:'))?.innerHTML ?? ''";
        browser.go("/profile/keys/new").await;
        assert_eq!(browser.script(asked, &[]).await, json!(""), "nobody is named yet");
        let set = async |contact: &str| {
            browser.go("/admin/organization").await;
            browser.fill("#admin_contact", contact).await;
            browser.press("Save").await;
            browser.wait_for_text("Saved.").await;
            browser.go("/profile/keys/new").await;
            browser.script(asked, &[]).await.as_str().expect("a text").to_owned()
        };
        assert!(set("it-desk@example.com").await.contains("href=\"mailto:it-desk@example.com\""));
        browser.go("/keys/new").await;
        assert_ne!(browser.script(asked, &[]).await, json!(""), "and in the form of the organization's keys");
        let shown = set("<b>Anna</b>, extension 47").await;
        assert!(shown.contains("&lt;b&gt;Anna&lt;/b&gt;, extension 47") && !shown.contains("href"), "{shown}");
        assert_eq!(set(" ").await, "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_18_the_pick_list_begins_empty_is_searched_and_ticks_what_is_shown() {
    on(async |world, browser| {
        for number in 0..8 {
            let group = if number < 3 { "Billing" } else { "Stock" };
            let set = json!({"name": format!("{group} {number}"), "slug": format!("{}-{number}", group.to_lowercase()), "operations": ["shop:listOrders"]});
            call(world, "/api-sets", &set).await;
        }
        browser.go("/profile/keys/new").await;
        let ticked = "return [...document.querySelectorAll('input[name=api_sets]:checked')].map((i) => i.value).sort()";
        assert_eq!(browser.script(ticked, &[]).await, json!([]), "nothing by default");
        browser.fill(".pick-tools input", "bill").await;
        let shown = "return [...document.querySelectorAll('.pick')].filter((p) => p.offsetParent !== null).length";
        assert_eq!(browser.script(shown, &[]).await, json!(3));
        browser.press("Tick all shown").await;
        assert_eq!(browser.script(ticked, &[]).await, json!(["billing-0", "billing-1", "billing-2"]));
        browser.fill("#name", "Billing").await;
        browser.click(SAVE).await;
        browser.wait_for("shown-once").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_22_c_25_a_pair_is_shown_this_once_and_a_lost_one_is_replaced() {
    on(async |world, browser| {
        let pair = Pair::make(world, browser, "Lost", async || ()).await;
        assert!(pair.identifier.starts_with("ci_") && pair.password.len() >= 22, "{}", pair.identifier);
        let parts = pair.identifier.trim_start_matches("ci_");
        assert!(!pair.password.contains(parts) && !parts.contains(&pair.password), "one does not tell the other");
        let path = format!("/keys/{}", pair.id);
        browser.go(&path).await;
        let source = browser.source().await;
        assert!(!source.contains(&pair.password) && !source.contains(&pair.identifier), "a hint alone");
        assert!(!source.contains("Show the secret"));
        let reveal = format!(
            "const done = arguments[arguments.length - 1]; const csrf = document.querySelector('[name=csrf]').value; \
             fetch('{path}/reveal', {{method: 'POST', body: new URLSearchParams({{csrf}})}}).then((r) => done(r.status))"
        );
        assert_eq!(browser.script_with_answer(&reveal).await, json!(409));
        browser.press("Replace").await;
        browser.wait_for("main form .pick").await;
        let same = browser.has("input[name=api_sets][value=orders-read]:checked").await;
        assert!(same, "the same settings: {}", browser.text().await);
        browser.fill("#name", "Found").await;
        browser.click(SAVE).await;
        browser.wait_for("shown-once").await;
        assert_ne!(browser.value("#password").await, pair.password);
    })
    .await;
}
