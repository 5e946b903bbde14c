//! Keys that can be shown again are copied from their row; no key is anywhere else.

use std::time::Duration;

use serde_json::{Value, json};

use super::{PASSWORD, call, on, on_as};
use crate::harness::chromium::{Chromium, View};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// A key whose secret can be shown again: its id and secret.
async fn recoverable(world: &World, name: &str) -> (String, String) {
    let policy = json!({"reveal": {"organization": "recoverable"}});
    let patch = Request::new("PATCH", "/api/v1/policy").json(&policy).bearer(&world.token);
    patch.send(world.control).await.expect(200);
    let made = call(world, "/keys", &json!({"name": name, "api_sets": ["orders-read"]})).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["key"]["id"]), text(&made["secret"]))
}

/// Waits until it can be seen, or cannot: what a transition goes to.
async fn wait_for_opacity(browser: &Chromium, css: &str, opacity: &str) {
    let read = "return getComputedStyle(document.querySelector(arguments[0])).opacity";
    let mut seen = json!(null);
    for _ in 0..100 {
        seen = browser.script(read, &[json!(css)]).await;
        if seen == json!(opacity) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{css} has opacity {seen}");
}

/// Presses Copy in a row, as one does with a mouse.
async fn press_copy(browser: &Chromium, id: &str) {
    let copy = format!("#{id} copy-key button");
    browser.hover(&format!("#{id} code")).await;
    wait_for_opacity(browser, &copy, "1").await;
    browser.click(&copy).await;
}

async fn reveals(world: &World) -> usize {
    let path = "/api/v1/audit?action=key.reveal";
    let found = Request::get(path).bearer(&world.token).send(world.control).await.expect(200).json();
    found["data"].as_array().expect("entries").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_27_y_28_copy_shows_on_hover_and_focus_and_takes_exactly_the_key_along() {
    on(async |world, browser| {
        call(world, "/keys", &json!({"name": "Once", "api_sets": ["orders-read"]})).await;
        let (id, secret) = recoverable(world, "Again").await;
        browser.go("/keys").await;
        let copy = format!("#{id} copy-key button");
        // The mouse is where the button of the sign-in was.
        browser.hover("h1").await;
        wait_for_opacity(browser, &copy, "0").await;
        browser.hover(&format!("#{id} code")).await;
        wait_for_opacity(browser, &copy, "1").await;
        browser.hover("h1").await;
        wait_for_opacity(browser, &copy, "0").await;
        for _ in 0..60 {
            browser.keys(TAB).await;
            if browser.script("return document.activeElement.matches(arguments[0])", &[json!(copy)]).await == json!(true) {
                break;
            }
        }
        wait_for_opacity(browser, &copy, "1").await;
        browser.keys(ENTER).await;
        browser.wait_for("#said.toast").await;
        let said = browser.script("const said = document.getElementById('said'); return [said.textContent, said.getAttribute('aria-live')]", &[]).await;
        assert_eq!(said, json!(["The key is in the clipboard. The audit log says that you have seen it.", "polite"]));
        assert_eq!(browser.clipboard().await, secret, "exactly the key");
        assert_eq!(reveals(world).await, 1, "copying is audited");
        assert!(!browser.source().await.contains(&secret), "nothing of it stays in the page");
        // One that was shown once has no Copy, and says why.
        let rows = "return [...document.querySelectorAll('tbody tr')].filter((row) => row.innerText.includes('shown once')).map((row) => [row.querySelector('copy-key'), row.querySelector('[title^=\"Its secret was shown once\"]') !== null])";
        assert_eq!(browser.script(rows, &[]).await, json!([[null, true], [null, true]]), "this one and the set-up's");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_28_where_the_clipboard_is_kept_from_the_page_the_key_can_be_selected() {
    on(async |world, browser| {
        let (id, secret) = recoverable(world, "Again").await;
        browser.go("/keys").await;
        browser.script("Object.defineProperty(navigator, 'clipboard', {value: undefined})", &[]).await;
        press_copy(browser, &id).await;
        browser.wait_for("dialog[open] input").await;
        assert_eq!(browser.value("dialog[open] input").await, secret);
        let selected = "const field = document.querySelector('dialog[open] input'); return field.value.slice(field.selectionStart, field.selectionEnd)";
        assert_eq!(browser.script(selected, &[]).await, json!(secret));
        assert!(browser.axe().await.is_empty());
        browser.press("Close").await;
        assert!(!browser.has("dialog[open]").await && !browser.source().await.contains(&secret));
        // Copying asks who one is, as showing does.
        world.clock.advance(Duration::from_mins(11));
        browser.go("/keys").await;
        press_copy(browser, &id).await;
        browser.wait_for_text("Confirm that it is you").await;
        browser.fill("#prompt-password", PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        assert_eq!(browser.value("#secret").await, secret);
        browser.press("Close").await;
        browser.wait_for_text("Settings").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_27_copy_is_always_there_on_touch_and_works_without_scripts() {
    on_as(View::NARROW, async |world, browser| {
        let (id, _) = recoverable(world, "Again").await;
        browser.go("/keys").await;
        wait_for_opacity(browser, &format!("#{id} copy-key button"), "1").await;
    })
    .await;
    on_as(View::PLAIN, async |world, browser| {
        let (id, secret) = recoverable(world, "Again").await;
        browser.go("/keys").await;
        press_copy(browser, &id).await;
        browser.wait_for("#secret").await;
        assert_eq!(browser.value("#secret").await, secret);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_05_y_40_y_42_a_secret_is_seen_where_it_is_made_and_nowhere_else() {
    on(async |world, browser| {
        browser.go("/keys/new").await;
        browser.fill("#description", "Shop window").await;
        browser.choose("#right", "orders-read").await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for("shown-once").await;
        assert!(browser.text().await.contains("Treat it like a password"), "guidance (Y-40)");
        let secret = browser.value("#secret").await;
        browser.take().await;
        browser.go("/keys?text=Shop").await;
        let id = browser.script("return document.querySelector('tbody tr').id", &[]).await;
        let id = id.as_str().expect("an id").to_owned();
        let own = ["", "/edit", "/replace", "/leaked"].map(|end| format!("/keys/{id}{end}"));
        let fixed = ["/keys", "/overview", "/admin/audit", "/admin/organization/requests"].map(str::to_owned);
        for path in own.into_iter().chain(fixed) {
            browser.go(&path).await;
            browser.script("document.querySelectorAll('dialog').forEach((d) => d.showModal())", &[]).await;
            assert!(!browser.source().await.contains(&secret), "{path}, its questions included");
        }
        browser.go("/keys").await;
        browser.fill("#search", &secret).await;
        browser.keys(ENTER).await;
        browser.wait_for_text("This is the key that the secret you pasted belongs to").await;
        assert!(!browser.path().await.contains(&secret) && !browser.source().await.contains(&secret));
        let stored = world.dump().await;
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()), "the database yields no key");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_39_a_key_that_has_leaked_is_deleted_and_replaced_with_the_same_settings() {
    on(async |world, browser| {
        let body = json!({"name": "Shop window", "api_sets": ["orders-read"], "allowed_ips": ["203.0.113.7"], "tags": ["web"]});
        let made = call(world, "/keys", &body).await;
        let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
        browser.go("/keys").await;
        browser.click(&format!("#{id} .row-menu summary")).await;
        browser.press("It has leaked").await;
        let text = browser.text().await;
        assert!(text.contains("Shop window has leaked") && text.contains("never used"), "{text}");
        browser.choose("#end", "delete").await;
        browser.press("Stop it and make a new one").await;
        browser.wait_for_text("The old key is deleted").await;
        let code = async |secret: &str, ip: &str| {
            let question = json!({"credential": secret, "method": "GET", "path": "/orders", "api": "shop", "client_ip": ip});
            Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()["code"].clone()
        };
        assert_eq!(code(secret, "203.0.113.7").await, "NOT_FOUND", "stopped before anything else");
        browser.press("New key").await;
        browser.wait_for("shown-once").await;
        let second = browser.value("#secret").await;
        assert_ne!(second, secret);
        assert_eq!(code(&second, "203.0.113.7").await, "VALID");
        assert_eq!(code(&second, "203.0.113.8").await, "IP_NOT_ALLOWED", "the same settings");
        let found = Request::get("/api/v1/keys?text=Shop").bearer(&world.token).send(world.control).await.expect(200).json();
        assert_eq!((&found["data"][0]["name"], &found["data"][0]["tags"]), (&json!("Shop window"), &json!(["web"])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_39_a_key_that_has_leaked_is_disabled_and_stays_to_be_looked_at() {
    on_as(View::PLAIN, async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Shop window", "api_sets": ["orders-read"]})).await;
        let id = made["key"]["id"].as_str().expect("an id");
        browser.go(&format!("/keys/{id}/leaked")).await;
        browser.press("Stop it and make a new one").await;
        browser.wait_for_text("refused from now on").await;
        browser.press("New key").await;
        browser.wait_for("#secret").await;
        let old = Request::get(&format!("/api/v1/keys/{id}"))
            .bearer(&world.token)
            .send(world.control)
            .await
            .expect(200)
            .json();
        assert_eq!(old["state"], "disabled");
    })
    .await;
}
