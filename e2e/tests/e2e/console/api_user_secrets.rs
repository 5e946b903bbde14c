//! What API users prove themselves by, as an administrator sees to it: passwords, codes and tokens.

use std::time::Duration;

use serde_json::json;

use super::api_users::SAVE;
use super::{ADA, PASSWORD as ADAS, furnish, on};
use crate::harness::app::App;
use crate::harness::chromium::Chromium;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::smtp::{Mode, SmtpServer};
use crate::harness::world::World;
use crate::webservice::portal::{PASSWORD, Portal, USER};

fn page(portal: &Portal<'_>) -> String {
    format!("/admin/api-users/{}", portal.user)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_13_a_password_is_generated_shown_and_checked_and_ends_sessions_where_an_administrator_sets_it() {
    on(async |world, browser| {
        let portal = Portal::new(world).await;
        let token = portal.sign_in().await;
        // Somebody has guessed, and the user waits.
        for _ in 0..4 {
            portal.send(portal.login(USER, "another one")).await;
        }
        assert_eq!(portal.send(portal.login(USER, PASSWORD)).await.status, 429);
        browser.go(&page(&portal)).await;
        browser.press("Unlock").await;
        browser.press("Yes, let it try again").await;
        browser.wait_for_text("Unlocked.").await;
        portal.sign_in().await;

        browser.press("Set a password").await;
        browser.fill("#password", "passwordpassword").await;
        browser.click(SAVE).await;
        browser.wait_for("#password-error").await;
        assert_eq!(browser.value("#password").await, "", "it is kept in no page");
        browser.press("Generate").await;
        let kind = "return document.getElementById('password').type";
        assert_eq!(browser.script(kind, &[]).await, json!("text"), "it is seen, to be handed over");
        let generated = browser.value("#password").await;
        assert!(generated.len() >= 24, "{generated}");
        browser.press("Hide").await;
        assert_eq!(browser.script(kind, &[]).await, json!("password"));
        assert!(browser.text().await.contains("Strong"));
        browser.press("Generate").await;
        let again = browser.value("#password").await;
        assert_ne!(generated, again);
        browser.click(SAVE).await;
        browser.wait_for_text("The password is set").await;
        assert!(!browser.source().await.contains(&again));
        assert_eq!(portal.refusal(portal.with_token("GET", "Modules", &token)).await.0, 401, "sessions end");
        assert_eq!(portal.refusal(portal.login(USER, PASSWORD)).await.0, 401);
        portal.result(portal.login(USER, &again)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_13_a_reset_mails_a_link_by_which_the_user_sets_a_password_and_never_a_password() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let database = TestDatabase::new(Kind::Sqlite).await;
    let world = World::start_with(&database, |config| {
        config.mail.smtp_url = Some(format!("smtp://{}", server.address).parse().expect("a URL"));
        config.mail.from = Some("keys@example.com".to_owned());
    })
    .await;
    furnish(&world).await;
    let portal = Portal::new(&world).await;
    // An administrator's own password comes by a link too.
    let browser = Chromium::open(world.control).await;
    browser.go("/password-reset/ask").await;
    browser.fill("#email", ADA).await;
    browser.click("form button[type=submit]").await;
    browser.wait_for_text("Check your mailbox").await;
    let link = crate::harness::smtp::token(&server.wait_for(1).await[0]);
    browser.go(&format!("/password-reset#{link}")).await;
    browser.fill("#password", ADAS).await;
    browser.click("form button[type=submit]").await;
    browser.wait_for_text("Your password is changed").await;
    browser.sign_in(ADA, ADAS).await;

    browser.go(&page(&portal)).await;
    browser.press("Mail a link").await;
    browser.press("Yes, mail the link").await;
    browser.wait_for_text("The link is on its way").await;
    let count = server.wait_for(3).await;
    let mail = count.iter().find(|mail| mail.contains(USER)).expect("a mail to the user");
    // A long line is broken in two (RFC 2045, 6.7).
    let mail = mail.replace("=\r\n", "");
    assert!(mail.contains("LoginPassReset") && !mail.contains(PASSWORD), "{mail}");
    portal.sign_in().await;

    // Without an address of the application it leads to Claviger's own page.
    let bare = json!({"public_url": null});
    world.api("PATCH", &format!("/applications/{}", portal.id), Some(&bare)).await.expect(200);
    world.clock.advance(Duration::from_mins(2));
    browser.press("Mail a link").await;
    browser.press("Yes, mail the link").await;
    let mails = server.wait_for(4).await;
    let mail = mails.last().expect("a mail").replace("=\r\n", "");
    assert!(mail.contains("/password?language=") && !mail.contains("LoginPassReset"), "{mail}");
    drop(browser);
    world.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_17_codes_are_seen_replaced_by_recovery_codes_and_reset_in_the_console() {
    on(async |world, browser| {
        let method = json!({"sign_in_method": "password_2fa"});
        let portal = Portal::of_type(world, "Webservice Standard", "WebserviceStandard", method).await;
        browser.go(&page(&portal)).await;
        let text = browser.text().await;
        assert!(text.contains("Password + 2FA") && text.contains("The user has not set it up yet."), "{text}");
        let token = portal.sign_in().await;
        let drawn = portal.result(portal.with_token("GET", "Users/TwoFactorAuth", &token)).await;
        let app = App::of(drawn["secretKey"].as_str().expect("a secret").to_owned());
        let body = json!({"methods": "TOTP", "secret": app.base32, "code": app.code(world.now(), 0)});
        portal.result(portal.with_token("POST", "Users/TwoFactorAuth", &token).json(&body)).await;

        browser.go(&page(&portal)).await;
        browser.wait_for_text("10 left").await;
        browser.press("New recovery codes").await;
        browser.press("Yes, make new codes").await;
        browser.wait_for("shown-once #codes").await;
        let codes: Vec<_> = browser.value("#codes").await.lines().map(str::to_owned).collect();
        assert_eq!(codes.len(), 10);
        browser.take().await;
        browser.press("Close").await;
        browser.wait_for_text("10 left").await;
        assert!(!browser.source().await.contains(&codes[0]), "shown once");

        let login = |code: &str| {
            portal.request("POST", "Users/Login").json(&json!({"userName": USER, "password": PASSWORD, "code": code}))
        };
        portal.result(login(&codes[0])).await;
        assert_eq!(portal.refusal(login(&codes[0])).await.0, 401, "each works once");
        browser.go(&page(&portal)).await;
        browser.wait_for_text("9 left").await;
        assert!(browser.text().await.contains("Signed in with a recovery code"));
        world.clock.advance(Duration::from_mins(1));
        browser.press("Reset two-factor").await;
        browser.press("Yes, turn their two-factor off").await;
        browser.wait_for_text("Their two-factor is off and their sessions have ended.").await;
        assert_eq!(portal.refusal(portal.with_token("GET", "Modules", &token)).await.0, 401);
        portal.result(login("")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_10_a_user_of_a_type_with_static_tokens_gets_one_once_and_another_one_ends_it() {
    on(async |world, browser| {
        let kind = json!({"name": "SMS", "slug": "sms", "sign_in": "key_and_token", "api_sets": ["full-access"]});
        super::call(world, "/application-types", &kind).await;
        let made = super::call(world, "/applications", &json!({"name": "Gateway", "type": "sms"})).await;
        let key = made["secret"].as_str().expect("a key").to_owned();
        browser.go("/admin/api-users/of/sms/new").await;
        assert!(!browser.has("#password").await && !browser.has("#sign_in_method").await);
        assert_eq!(browser.value("#server").await, "gateway", "the only one is chosen");
        browser.click("#profile_user option:last-child").await;
        browser.click(SAVE).await;
        browser.wait_for("shown-once #token").await;
        let first = browser.value("#token").await;
        let code = async |token: &str| {
            use crate::harness::raw_http::Request;
            let request = Request::new("GET", "/v1/authorize").header("X-Api-Key", &key).header("X-Token", token);
            let request = request.header("X-Forwarded-Method", "GET").header("X-Forwarded-Uri", "/orders");
            let request =
                request.header("X-Forwarded-Host", "shop.example.com").header("X-Forwarded-For", "203.0.113.9");
            request.send(world.doors).await.status
        };
        let before = code(&first).await;
        browser.press("Close").await;
        let question = browser.answer_question(true).await.expect("it asks");
        assert!(question.contains("cannot be shown again"), "{question}");
        browser.wait_for_text("Signing in").await;
        assert!(!browser.source().await.contains(&first));
        browser.press("New token").await;
        browser.press("Yes, make a new token").await;
        browser.wait_for("shown-once #token").await;
        let second = browser.value("#token").await;
        assert_ne!(first, second);
        assert_eq!((before, code(&first).await, code(&second).await), (200, 401, 200));
    })
    .await;
}
