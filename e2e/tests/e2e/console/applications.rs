//! *Web service - Applications*: passwords, the first call, and the types.

use std::process::Command;

use serde_json::{Value, json};

use super::{ADA, call, on};
use crate::harness::chromium::Chromium;
use crate::harness::raw_http::Request;
use crate::harness::world::World;
use crate::webservice::portal::{PASSWORD, USER};

const SAVE: &str = "main form.form button.btn[type=submit]:not([name])";

/// Types of every kind, and the form of a new application of one.
async fn new_application(world: &World, browser: &Chromium, kind: &str) {
    world.api("POST", "/application-types/predefined", None).await.expect(200);
    browser.go("/admin/applications").await;
    browser.press("Add application").await;
    browser.choose("#type", kind).await;
    if browser.has("button[name=step]").await {
        browser.press("Show its fields").await;
        browser.wait_for(&format!("#type option[value='{kind}'][selected]")).await;
    }
}

/// What a shell says of a line.
fn in_a_shell(line: &str) -> Value {
    let ran = Command::new("sh").args(["-c", &format!("{line} -s")]).output().expect("a shell");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{line}: {ran:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_02_f_03_f_04_an_application_is_made_with_key_and_password_shown_once_and_a_first_call_that_works() {
    on(async |world, browser| {
        new_application(world, browser, "webservice-standard").await;
        let labels = "return [...document.querySelectorAll('main form.form label')].filter((label) => label.checkVisibility()).map((label) => label.innerText.trim().replace(/\\s+\\*$/, '*'))";
        let labels = browser.script(labels, &[]).await;
        let in_order = json!(["Name*", "Password", "Active", "Type*", "Allowed IPs", "Public URL address"]);
        assert_eq!(labels.as_array().map(|labels| json!(labels[..6])), Some(in_order));
        browser.fill("#name", "Shop: north").await;
        browser.fill("#password", "short").await;
        browser.click(SAVE).await;
        browser.wait_for("#name-error").await;
        assert_eq!(browser.value("#name").await, "Shop: north", "nothing typed is lost");
        browser.fill("#name", "Zażółć's shop").await;
        browser.fill("#password", "short").await;
        browser.click(SAVE).await;
        browser.wait_for("#password-error").await;
        browser.press("Generate").await;
        browser.wait_for_text("Strong").await;
        let password = browser.value("#password").await;
        browser.click(SAVE).await;
        browser.wait_for("shown-once").await;
        assert_eq!(browser.value("#password").await, password, "shown this once");
        let key = browser.value("#secret").await;
        let copies = "return document.querySelectorAll('shown-once copy-once button[data-copy]').length";
        assert_eq!(browser.script(copies, &[]).await, json!(3), "key, password and the line");

        let listed = world.api("GET", "/applications?text=shop", None).await.expect(200).json();
        let id = &listed["data"][0]["id"];
        let user = json!({"application": id, "user_name": USER, "permission_type": 1, "profile_user": ADA, "password": PASSWORD});
        call(world, "/api-users", &user).await;
        let line = browser.value("#curl").await.replace("USER_NAME", USER).replace("USER_PASSWORD", PASSWORD);
        let answer = in_a_shell(&line);
        assert_eq!(answer["result"]["token"].as_str().map(str::len), Some(64), "{answer}");

        browser.press("Close").await;
        browser.answer_question(true).await;
        browser.wait_for_text("Connect from a shell").await;
        let source = browser.source().await;
        assert!(!source.contains(&password) && !source.contains(&key), "never again");
        let line = browser.value("#connect").await.replace("APPLICATION_PASSWORD", &password).replace("KEY", &key);
        let answer = in_a_shell(&line.replace("USER_NAME", USER).replace("USER_PASSWORD", PASSWORD));
        assert_eq!(answer["status"], 1, "{answer}");
        assert!(browser.has("main dd a[href^='/admin/api-users/of/webservice-standard?application=']").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_04_f_05_an_empty_password_stays_another_one_takes_over_and_an_inactive_application_has_no_sign_ins() {
    on(async |world, browser| {
        let portal = crate::webservice::portal::Portal::new(world).await;
        let page = format!("/admin/applications/{}", portal.id);
        let login = |password: &str| {
            let path = "/webservice/WebserviceStandard/Users/Login";
            let body = json!({"userName": USER, "password": PASSWORD});
            Request::new("POST", path).basic(&portal.name, password).header("X-API-KEY", &portal.key).json(&body)
        };
        let status = async |password: &str| login(password).send(world.public).await.status;
        browser.go(&format!("{page}/edit")).await;
        browser.fill("#public_url", "https://other.example.com").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        assert_eq!(status(&portal.password).await, 200, "the field was empty");

        browser.press("New password").await;
        browser.choose("dialog[open] select", "3600").await;
        browser.press("Yes, make a new password").await;
        browser.wait_for("shown-once #password").await;
        let second = browser.value("#password").await;
        browser.take().await;
        assert_eq!((status(&portal.password).await, status(&second).await), (200, 200), "for an hour both");
        world.clock.advance(std::time::Duration::from_mins(61));
        assert_eq!((status(&portal.password).await, status(&second).await), (401, 200));

        browser.go(&format!("{page}/edit")).await;
        browser.fill("#password", "an edit sets this one").await;
        browser.click(SAVE).await;
        // It asks who one is; a password that was typed before is kept nowhere, and is not taken for none.
        browser.wait_for_text("Confirm that it is you").await;
        browser.fill("#prompt-password", super::PASSWORD).await;
        browser.click("form button[type=submit]").await;
        browser.wait_for("#password-error").await;
        browser.fill("#password", "an edit sets this one").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        assert_eq!((status(&second).await, status("an edit sets this one").await), (401, 200));

        browser.go(&format!("{page}/edit")).await;
        browser.click("#active").await;
        browser.click(SAVE).await;
        browser.wait_for_text("Saved.").await;
        assert_eq!(status("an edit sets this one").await, 401);
        browser.press("Enable").await;
        browser.press("Yes, enable the application").await;
        browser.wait_for_text("pass again").await;
        assert_eq!(status("an edit sets this one").await, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_06_types_are_added_and_made_with_their_proof_their_sets_and_their_fields() {
    on(async |world, browser| {
        browser.go("/admin/applications/types").await;
        browser.press("Add the predefined types").await;
        browser.press("Yes, add them").await;
        browser.wait_for_text("Created.").await;
        let text = browser.text().await;
        for name in ["Webservice Standard", "Webservice Premium", "Manage consents", "SMS", "PBX", "Token"] {
            assert!(text.contains(name), "{name}: {text}");
        }
        browser.press("New type").await;
        browser.fill("#name", "Exchange").await;
        browser.choose("#sign_in", "signature").await;
        browser.choose("#allowed_ips", "hidden").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for("#allowed_ips-error").await;
        assert_eq!(
            (browser.value("#name").await, browser.value("#sign_in").await),
            ("Exchange".to_owned(), "signature".to_owned())
        );
        browser.choose("#allowed_ips", "required").await;
        browser.choose("#public_url", "hidden").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for_text("Created.").await;
        let made = world.api("GET", "/application-types/exchange", None).await.expect(200).json();
        let fields = (&made["fields"]["allowed_ips"], &made["fields"]["public_url"]);
        assert_eq!((&made["sign_in"], fields), (&json!("signature"), (&json!("required"), &json!("hidden"))));
        browser.press("Exchange").await;
        browser.choose("#public_url", "optional").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for_text("Saved.").await;
        let made = world.api("GET", "/application-types/exchange", None).await.expect(200).json();
        assert_eq!((&made["name"], &made["fields"]["public_url"]), (&json!("Exchange"), &json!("optional")));
    })
    .await;
}
