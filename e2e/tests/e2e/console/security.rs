//! What a browser must not be made to do.

use serde_json::json;

use super::{ADA, PASSWORD, call, on};
use crate::harness::raw_http::Request;

/// Markup that would show if it were taken for such.
const MARKUP: &str = "<img src=x onerror=\"window.struck=1\"><script>window.struck=1</script>'\"&amp;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_bears_a_strict_policy_and_is_kept_nowhere() {
    on(async |world, _| {
        for path in ["/sign-in", "/setup", "/invitation", "/password-reset"] {
            let answer = Request::get(path).send(world.control).await;
            let header = |name: &str| answer.header(name).unwrap_or_default();
            let policy = header("content-security-policy");
            for part in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "frame-ancestors 'none'",
                "form-action 'self'",
                "base-uri 'none'",
            ] {
                assert!(policy.contains(part), "{path}: no {part} in {policy}");
            }
            assert!(!policy.contains("unsafe"), "{path}");
            assert_eq!(header("cache-control"), "no-store", "{path}");
            assert_eq!(
                (header("x-frame-options").as_str(), header("x-content-type-options").as_str()),
                ("DENY", "nosniff"),
                "{path}"
            );
            assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        }
        let style = Request::get("/sign-in").send(world.control).await.text();
        assert!(!style.contains("style=") && !style.contains("onclick"), "nothing inline");
        let foreign = Request::get("/sign-in").header("Host", "evil.example").send(world.control).await;
        assert_eq!(foreign.status, 421, "a rebound name");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_the_session_s_token_changes_nothing() {
    on(async |world, browser| {
        let made = call(world, "/keys", &json!({"name": "Guarded", "api_sets": ["orders-read"]})).await;
        let id = made["key"]["id"].as_str().expect("an id");
        browser.go("/keys").await;
        let script = "const done = arguments[arguments.length - 1]; fetch(PATH, {method: 'POST', body: new URLSearchParams(BODY)}).then((r) => done(r.status))";
        for (path, body) in [
            (format!("/keys/{id}/delete"), "{}"),
            (format!("/keys/{id}/disable"), "{csrf: 'another'}"),
            ("/keys/new".to_owned(), "{description: 'x', right: 'full-access'}"),
            ("/keys/download".to_owned(), "{value: 'x', name: 'y'}"),
            ("/profile/security/sessions/end-others".to_owned(), "{}"),
        ] {
            let status = browser.script_with_answer(&script.replace("PATH", &format!("'{path}'")).replace("BODY", body)).await;
            assert!([json!(403), json!(400)].contains(&status), "{path}: {status}");
        }
        let key = Request::get(&format!("/api/v1/keys/{id}")).bearer(&world.token).send(world.control).await.expect(200).json();
        assert_eq!(key["state"], "active");
        // A cookie alone, sent by another site's page.
        let foreign = Request::new("POST", "/sign-in").header("Sec-Fetch-Site", "cross-site");
        let foreign = foreign.header("Content-Type", "application/x-www-form-urlencoded");
        let body = format!("prompt-login={ADA}&prompt-password={}", PASSWORD.replace(' ', "+"));
        let answer = foreign.body(body.into_bytes()).send(world.control).await;
        assert!(answer.status >= 400 && answer.header("set-cookie").is_none(), "{}", answer.status);
        // Where the browser says nothing of the site, the origin counts.
        let sent = async |origin: &str| {
            let request = Request::new("POST", "/sign-in").header("Origin", origin);
            let request = request.header("Content-Type", "application/x-www-form-urlencoded");
            let body = format!("prompt-login={ADA}&prompt-password={}", PASSWORD.replace(' ', "+"));
            request.header("Host", &world.control.to_string()).body(body.into_bytes()).send(world.control).await
        };
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            let answer = sent(origin).await;
            assert!(answer.status >= 400 && answer.header("set-cookie").is_none(), "{origin}: {}", answer.status);
        }
        let own = sent(&format!("http://{}", world.control)).await;
        assert!(own.status == 303 && own.header("set-cookie").is_some(), "{}", own.status);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_type_is_shown_as_they_typed_it_on_every_page() {
    on(async |world, browser| {
        let key = json!({"name": MARKUP, "description": MARKUP, "external_id": MARKUP, "tags": ["<script>window.struck=1</script>"], "api_sets": ["orders-read"],
            "allowed_ips": [{"range": "203.0.113.7", "label": MARKUP}]});
        let made = call(world, "/keys", &key).await;
        let id = made["key"]["id"].as_str().expect("an id").to_owned();
        call(world, "/api-sets", &json!({"slug": "odd", "name": MARKUP, "operations": ["shop:getCustomer"]})).await;
        let user = call(world, "/users", &json!({"email": "eve@example.com", "name": MARKUP, "username": MARKUP, "roles": []})).await;
        let user = user["id"].as_str().expect("an id");
        let disable = json!({"reason": MARKUP});
        Request::post(&format!("/api/v1/keys/{id}/disable"), &disable).bearer(&world.token).send(world.control).await.expect(200);
        for path in [
            "/keys".to_owned(),
            format!("/keys/{id}"),
            format!("/keys/{id}/edit"),
            "/keys/new".to_owned(),
            "/profile/keys/new".to_owned(),
            "/admin/users".to_owned(),
            format!("/admin/users/{user}"),
            "/admin/audit".to_owned(),
            "/keys?text=%3Cscript%3Ewindow.struck%3D1%3C%2Fscript%3E".to_owned(),
        ] {
            browser.go(&path).await;
            assert_eq!(browser.script("return window.struck ?? null", &[]).await, json!(null), "{path}");
            let parsed = browser.script("return document.querySelectorAll('main img, main script').length", &[]).await;
            assert_eq!(parsed, json!(0), "{path}");
            let complaints = browser.complaints().await;
            assert!(complaints.is_empty(), "{path}: {complaints:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_signing_in_one_goes_to_pages_of_this_console_alone() {
    on(async |_, browser| {
        for next in ["//evil.example/", "/%5Cevil.example", "https://evil.example", "javascript:alert(1)"] {
            browser.forget().await;
            browser.go(&format!("/sign-in?next={next}")).await;
            browser.fill("#prompt-login", ADA).await;
            browser.fill("#prompt-password", PASSWORD).await;
            browser.click("form button[type=submit]").await;
            browser.wait_for("nav.places").await;
            assert_eq!(browser.path().await, "/keys", "{next}");
        }
    })
    .await;
}
