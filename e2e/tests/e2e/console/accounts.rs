//! One's own account: the second factor, a password that was lost, and a new address.

use std::time::Duration;

use claviger_domain::Clock as _;

use super::{ADA, PASSWORD, on};
use crate::harness::app::{App, PASSWORD as BOBS, person};
use crate::harness::chromium::Chromium;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::smtp::{Mode, SmtpServer, token};
use crate::harness::world::World;

const SUBMIT: &str = "form button[type=submit]";
const SECOND: &str = "harbour violet nine anvil";

/// Sets a second factor up in the browser; the app, with its recovery codes.
pub(super) async fn enrol(world: &World, browser: &Chromium) -> App {
    browser.go("/profile/security").await;
    browser.press("Set up two-factor").await;
    browser.wait_for(".qr svg").await;
    let mut app = App::of(browser.value("#secret").await);
    browser.fill("#code", "12345").await;
    browser.press("Turn two-factor on").await;
    browser.wait_for("#code-error").await;
    assert!(!browser.source().await.contains(&app.base32), "the secret is not shown again");
    browser.fill("#code", &app.code(world.clock.now(), 0)).await;
    browser.press("Turn two-factor on").await;
    browser.wait_for("shown-once").await;
    app.recovery_codes = browser.value("#codes").await.lines().map(str::to_owned).collect();
    browser.press("Close").await;
    let question = browser.answer_question(false).await.expect("it asks");
    assert!(question.contains("neither copied nor downloaded"), "{question}");
    browser.take().await;
    browser.press("Close").await;
    browser.wait_for_text("10 left").await;
    assert!(!browser.source().await.contains(&app.recovery_codes[0]));
    app
}

/// The first step of a sign-in, wherever it is asked for.
pub(super) async fn enter_password(browser: &Chromium) {
    browser.fill("#prompt-login", ADA).await;
    browser.fill("#prompt-password", PASSWORD).await;
    browser.click(SUBMIT).await;
    browser.wait_for("#prompt-code").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_takes_a_code_of_the_app_or_a_recovery_code() {
    on(async |world, browser| {
        let app = enrol(world, browser).await;
        assert_eq!(app.recovery_codes.len(), 10);
        world.clock.advance(Duration::from_mins(1));
        browser.forget().await;
        browser.go("/profile/security").await;
        enter_password(browser).await;
        browser.fill("#prompt-code", "not a code").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("The code is wrong.").await;
        browser.fill("#prompt-code", &app.code(world.clock.now(), 0)).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("10 left").await;
        assert_eq!(browser.path().await, "/profile/security", "back to the page");
        browser.forget().await;
        browser.go("/profile/security").await;
        enter_password(browser).await;
        browser.fill("#prompt-code", &app.recovery_codes[3]).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("9 left").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_is_kept_through_both_steps_of_a_sign_in_and_where_it_begins_again() {
    on(async |world, browser| {
        let app = enrol(world, browser).await;
        world.clock.advance(Duration::from_mins(1));
        browser.go("/admin/roles/new").await;
        browser.fill("#name", "Typed with care").await;
        browser.forget().await;
        browser.click("main form button[type=submit]").await;
        browser.wait_for_text("Your session has ended").await;
        enter_password(browser).await;
        browser.press("Start over with the password").await;
        browser.wait_for("#prompt-password").await;
        enter_password(browser).await;
        browser.fill("#prompt-code", &app.code(world.clock.now(), 0)).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Created.").await;
        assert!(browser.text().await.contains("Typed with care"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_undone_takes_a_code_in_the_place_of_the_password() {
    on(async |world, browser| {
        let app = enrol(world, browser).await;
        world.clock.advance(Duration::from_mins(11));
        browser.go("/profile/security").await;
        browser.press("Turn off").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("Confirm that it is you").await;
        browser.press("Use a code in the place of the password").await;
        browser.fill("#prompt-code", "000000").await;
        browser.click(SUBMIT).await;
        browser.wait_for("[role=alert]").await;
        browser.press("Use a code in the place of the password").await;
        browser.fill("#prompt-code", &app.code(world.clock.now(), 0)).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Two-factor is off.").await;
        browser.forget().await;
        browser.sign_in(ADA, PASSWORD).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_recovery_codes_take_the_place_of_those_of_before() {
    on(async |world, browser| {
        let app = enrol(world, browser).await;
        browser.press("New recovery codes").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for("shown-once #codes").await;
        let codes: Vec<_> = browser.value("#codes").await.lines().map(str::to_owned).collect();
        assert!(codes.len() == 10 && !codes.iter().any(|code| app.recovery_codes.contains(code)));
        browser.press("Download").await;
        assert_eq!(browser.downloaded("claviger-recovery-codes.txt").await, codes.join("\n"));
        browser.press("Close").await;
        browser.wait_for_text("10 left").await;
        browser.forget().await;
        browser.go("/profile/security").await;
        enter_password(browser).await;
        browser.fill("#prompt-code", &app.recovery_codes[0]).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("The code is wrong.").await;
        browser.fill("#prompt-code", &codes[0]).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("9 left").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_app_takes_the_place_of_the_first_once_it_has_shown_a_code() {
    on(async |world, browser| {
        let first = enrol(world, browser).await;
        browser.press("Use another app").await;
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for(".qr svg").await;
        let second = App::of(browser.value("#secret").await);
        assert_ne!(first.base32, second.base32);
        world.clock.advance(Duration::from_mins(1));
        browser.fill("#code", &second.code(world.clock.now(), 0)).await;
        browser.press("Turn two-factor on").await;
        browser.wait_for("shown-once").await;
        browser.take().await;
        world.clock.advance(Duration::from_mins(1));
        browser.forget().await;
        browser.go("/profile/security").await;
        enter_password(browser).await;
        browser.fill("#prompt-code", &first.code(world.clock.now(), 0)).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("The code is wrong.").await;
        browser.fill("#prompt-code", &second.code(world.clock.now(), 0)).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("10 left").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_resets_the_second_factor_of_who_has_lost_it() {
    on(async |world, browser| {
        person(world.control, &world.token, "bob", &["developer"]).await;
        let other = Chromium::open(world.control).await;
        other.sign_in("bob@example.com", BOBS).await;
        enrol(world, &other).await;
        browser.go("/admin/users/bob").await;
        browser.press("Reset two-factor").await;
        browser.wait_for("dialog[open]").await;
        let asked = browser.script("return document.querySelector('dialog[open]').innerText", &[]).await;
        assert!(
            asked
                .as_str()
                .is_some_and(|asked| asked.contains("bob@example.com") && asked.contains("their sessions end")),
            "{asked}"
        );
        browser.click("dialog[open] button[type=submit]").await;
        browser.wait_for_text("Their two-factor is off and their sessions have ended.").await;
        other.go("/profile").await;
        assert!(other.path().await.starts_with("/sign-in"));
        other.sign_in("bob@example.com", BOBS).await;
        other.go("/profile/security").await;
        assert!(other.text().await.contains("Set up two-factor"), "by the password alone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_goes_by_mail_and_is_accepted_by_its_link() {
    with_mail(async |server, browser| {
        reset(server, browser, PASSWORD).await;
        let count = server.mails().len();
        browser.go("/admin/users/new").await;
        browser.fill("#email", "bob@example.com").await;
        browser.click("input[name=roles][value=developer]").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for_text("The link goes to them by mail.").await;
        let mails = server.wait_for(count + 1).await;
        let mail = mails.iter().find(|mail| mail.contains("bob@example.com")).expect("the invitation");
        let token = token(mail);
        assert!(!browser.source().await.contains(&token), "nobody else sees the link");
        browser.forget().await;
        browser.go(&format!("/invitation#{token}")).await;
        browser.fill("#password", SECOND).await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("You have accepted your invitation").await;
        browser.sign_in("bob@example.com", SECOND).await;
        browser.go("/profile/roles").await;
        assert!(browser.text().await.contains("Manage User API Key"));
    })
    .await;
}

/// A server that sends mail, and a window.
async fn with_mail(scenario: impl AsyncFnOnce(&SmtpServer, &Chromium)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (database, mails) = (TestDatabase::new(Kind::Sqlite).await, folder.path().join("mails"));
    let server = SmtpServer::start(&mails, Mode::Plain, None);
    let url = format!("smtp://{}", server.address).parse().expect("a URL");
    let world = World::start_with(&database, |config| {
        config.mail.smtp_url = Some(url);
        config.mail.from = Some("keys@example.com".to_owned());
    })
    .await;
    let browser = Chromium::open(world.control).await;
    scenario(&server, &browser).await;
    drop(browser);
    world.stop_serving().await;
}

/// Asks for a link on the page of sign-in, and chooses this password by it.
async fn reset(server: &SmtpServer, browser: &Chromium, password: &str) -> String {
    let count = server.mails().len();
    browser.go("/sign-in").await;
    browser.press("Forgot your password?").await;
    browser.fill("#email", ADA).await;
    browser.click(SUBMIT).await;
    browser.wait_for_text("Check your mailbox").await;
    let mails = server.wait_for(count + 1).await;
    let path = format!("/password-reset#{}", token(&mails[count]));
    browser.go(&path).await;
    assert_eq!(browser.path().await, "/password-reset", "the token leaves the address");
    browser.fill("#password", "short").await;
    browser.click(SUBMIT).await;
    browser.wait_for("#password-error").await;
    browser.fill("#password", password).await;
    browser.click(SUBMIT).await;
    browser.wait_for_text("Your password is changed").await;
    browser.sign_in(ADA, password).await;
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_password_is_chosen_anew_by_the_link_of_a_mail_that_works_once() {
    with_mail(async |server, browser| {
        let path = reset(server, browser, PASSWORD).await;
        browser.go("/profile").await;
        browser.forget().await;
        browser.go(&path).await;
        browser.fill("#password", SECOND).await;
        browser.click(SUBMIT).await;
        browser.wait_for("[role=alert]").await;
        // Nobody learns whether there is such a person.
        browser.go("/password-reset/ask").await;
        browser.fill("#email", "nobody@example.com").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Check your mailbox").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_changes_oneself_and_a_new_address_counts_once_its_link_was_followed() {
    with_mail(async |server, browser| {
        reset(server, browser, PASSWORD).await;
        browser.go("/profile").await;
        browser.press("Edit").await;
        browser.fill("#name", "Ada L.").await;
        browser.fill("#time_zone", "Nowhere/At all").await;
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for("#time_zone-error").await;
        assert_eq!(browser.value("#name").await, "Ada L.");
        browser.fill("#time_zone", "Europe/Warsaw").await;
        browser.fill("#email", "lovelace@example.com").await;
        let count = server.mails().len();
        browser.click("main form.form button[type=submit]").await;
        browser.wait_for_text("A link is on its way to the new address").await;
        let text = browser.text().await;
        assert!(text.contains("Ada L.") && text.contains("Europe/Warsaw") && text.contains(ADA), "{text}");
        let mails = server.wait_for(count + 1).await;
        let mail = mails.iter().find(|mail| mail.contains("lovelace@example.com")).expect("the link");
        browser.go(&format!("/new-address#{}", token(mail))).await;
        browser.press("Confirm").await;
        browser.wait_for_text("Your new address counts").await;
        browser.go("/profile").await;
        assert!(browser.text().await.contains("lovelace@example.com"));
        browser.forget().await;
        browser.sign_in("lovelace@example.com", PASSWORD).await;
    })
    .await;
}
