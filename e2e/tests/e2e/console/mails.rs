//! The editor of mails, links to records, and the page on which users of applications choose a password.

use serde_json::json;

use super::{ADA, PASSWORD, call};
use crate::harness::chromium::{Chromium, View};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::letter::read;
use crate::harness::smtp::{Mode, SmtpServer, header};
use crate::harness::world::World;

const EDITOR: &str = "/admin/mail/record_link/en";
const SUBMIT: &str = "main form button[type=submit]";

/// A server that sends mail, with an application that has a user, and a window in which the administrator has signed in.
async fn with_mail(view: View, scenario: impl AsyncFnOnce(&World, &SmtpServer, &Chromium)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let database = TestDatabase::new(Kind::Sqlite).await;
    let url = format!("smtp://{}", server.address).parse().expect("a URL");
    let world = World::start_with_password_and(&database, PASSWORD, |config| {
        config.mail.smtp_url = Some(url);
        config.mail.from = Some("keys@example.com".to_owned());
    })
    .await;
    let kind = json!({"name": "Portal", "slug": "portal", "sign_in": "session", "api_sets": ["full-access"]});
    call(&world, "/application-types", &kind).await;
    let application = json!({"name": "Shop", "type": "portal", "public_url": "https://shop.example.com/"});
    call(&world, "/applications", &application).await;
    let user = json!({
        "application": "shop", "user_name": "carol@example.com", "permission_type": 1, "profile_user": ADA,
        "password": PASSWORD,
    });
    call(&world, "/api-users", &user).await;
    let browser = Chromium::open_as(world.control, view).await;
    browser.sign_in(ADA, PASSWORD).await;
    scenario(&world, &server, &browser).await;
    drop(browser);
    world.stop_serving().await;
}

/// Changes, previews, tries and restores the words of a mail.
async fn edit(view: View, server: &SmtpServer, browser: &Chromium) {
    browser.go("/admin/mail").await;
    browser.press("Link to a record – English").await;
    assert_eq!(browser.path().await, EDITOR);
    let typed = "<p>{user_name}</p><p style=\"color: red\">Look: <a href=\"{link}\">{record}</a></p>";
    browser.fill("#subject", "For {user_name} from {somebody}").await;
    browser.fill("#html", typed).await;
    browser.press("Preview").await;
    browser.wait_for("#subject-error").await;
    assert!(browser.text().await.contains("unknown placeholder {somebody}"));
    assert_eq!(browser.value("#html").await, typed, "nothing that was typed is lost");
    browser.fill("#subject", "For {user_name}").await;
    browser.press("Preview").await;
    browser.wait_for("#preview iframe[sandbox='']").await;
    assert!(browser.text().await.contains("For ann@example.com"));
    assert_eq!(browser.value("#html").await, typed);
    if view.has_scripts {
        assert!(browser.axe().await.is_empty());
    }
    let taken = server.mails().len();
    browser.press("Send a test to me").await;
    browser.wait_for_text("A test is on its way to ada@example.com").await;
    let mails = server.wait_for(taken + 1).await;
    let sent = &mails[taken];
    assert_eq!(
        (header(sent, "X-Recipient"), header(sent, "Subject")),
        (ADA.to_owned(), "For ann@example.com".to_owned())
    );
    assert_eq!(browser.value("#subject").await, "For {user_name}");
    browser.press("Send a test to me").await;
    browser.wait_for("[role=alert]").await;
    assert_eq!(browser.value("#html").await, typed, "not at once again, and it stays typed");
    browser.click(SUBMIT).await;
    browser.wait_for_text("Saved.").await;
    assert_eq!(browser.value("#html").await, typed);
    browser.go("/admin/mail").await;
    browser.wait_for_text("changed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_08_the_words_of_a_mail_are_changed_previewed_tried_and_restored() {
    with_mail(View::DESK, async |world, server, browser| {
        edit(View::DESK, server, browser).await;
        // What stands in the frame runs nothing, and is told what it would be.
        let words = json!({"subject": "a", "text": "{link}", "html": "{link}<img src=x onerror=\"parent.document.title='struck'\">"});
        world.api("PUT", "/mail/templates/record_link/en", Some(&words)).await.expect(200);
        browser.go(EDITOR).await;
        browser.press("Preview").await;
        browser.wait_for("#preview iframe").await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let title = browser.script("return document.title", &[]).await;
        assert!(!title.as_str().expect("a title").contains("struck"), "{title}");
        let inside = browser.script("return document.querySelector('#preview iframe').contentDocument === null", &[]).await;
        assert_eq!(inside, true, "the frame is of no origin of ours");
        browser.press("Restore the words as delivered").await;
        browser.press("Yes, restore the words").await;
        browser.wait_for_text("The mail says again what was delivered").await;
        assert_eq!(browser.value("#subject").await, "{application}: {record}");
        assert!(!browser.has("details.confirm").await, "there is nothing to restore");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_08_the_words_of_a_mail_are_changed_without_scripts() {
    with_mail(View::PLAIN, async |_, server, browser| edit(View::PLAIN, server, browser).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_08_a_change_meanwhile_is_told_and_keeps_what_was_typed() {
    with_mail(View::DESK, async |world, _, browser| {
        browser.go(EDITOR).await;
        let words = json!({"subject": "meanwhile", "text": "{link}", "html": "{link}"});
        world.api("PUT", "/mail/templates/record_link/en", Some(&words)).await.expect(200);
        browser.fill("#subject", "typed").await;
        browser.click(SUBMIT).await;
        browser.wait_for("[role=alert]").await;
        assert!(browser.text().await.contains("meanwhile"));
        assert_eq!(browser.value("#subject").await, "typed");
        browser.click(SUBMIT).await;
        browser.wait_for_text("Saved.").await;
        assert_eq!(browser.value("#subject").await, "typed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_08_a_record_link_is_sent_from_an_applications_page() {
    with_mail(View::DESK, async |_, server, browser| {
        browser.go("/admin/applications").await;
        browser.press("Shop").await;
        browser.press("Send a record link").await;
        browser.fill("#api_user", "nobody").await;
        browser.fill("#record", "Invoices/7").await;
        browser.click(SUBMIT).await;
        browser.wait_for("#api_user-error").await;
        assert_eq!(browser.value("#record").await, "Invoices/7");
        assert!(browser.axe().await.is_empty());
        browser.fill("#api_user", "carol@example.com").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("The link goes to the user by mail").await;
        let mails = server.wait_for(1).await;
        assert_eq!(
            (header(&mails[0], "X-Recipient"), header(&mails[0], "Subject")),
            ("carol@example.com".to_owned(), "Shop: Invoices/7".to_owned())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_08_a_link_without_a_public_url_opens_our_own_page_in_the_users_language() {
    with_mail(View::DESK, async |world, server, _| {
        call(world, "/applications", &json!({"name": "Bez adresu", "type": "portal"})).await;
        let user = json!({
            "application": "bez-adresu", "user_name": "dora@example.com", "permission_type": 1, "profile_user": ADA,
            "language": "pl-PL",
        });
        call(world, "/api-users", &user).await;
        let mails = server.wait_for(1).await;
        let token = read(&mails[0]).behind(&format!("http://{}/password?language=pl#", world.public));
        let browser = Chromium::open(world.public).await;
        let path = format!("/password?language=pl#{token}");
        browser.go(&path).await;
        assert!(browser.text().await.contains("Nowe hasło"));
        assert_eq!(browser.value("#token").await, token);
        let address = browser.script("return location.href", &[]).await;
        assert!(!address.as_str().expect("an address").contains(&token), "{address}");
        assert!(browser.axe().await.is_empty());
        for (password, wrong) in [
            ("krótkie", "musi mieć co najmniej 12 znaków"),
            ("dora dora dora", "musi mieć co najmniej 12 znaków poza własnym imieniem"),
            ("123456789012", "łatwo zgadnąć: proszę wziąć kilka słów"),
            (&"ab ".repeat(90), "może mieć najwyżej 256 znaków"),
        ] {
            browser.fill("#password", password).await;
            browser.click(SUBMIT).await;
            browser.wait_for_text(&format!("Nowe hasło: {wrong}")).await;
            let page = browser.text().await;
            assert!(page.contains("Tak się nie da") && page.matches(wrong).count() == 2, "at the field too: {page}");
        }
        assert!(browser.axe().await.is_empty());
        browser.fill("#password", "a bicycle in the cellar").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Hasło zostało wybrane").await;
        browser.go("/sign-in").await;
        browser.go(&path).await;
        browser.fill("#password", "a bicycle in the attic").await;
        browser.click(SUBMIT).await;
        browser.wait_for_text("Ten odnośnik został już użyty").await;
        assert!(browser.axe().await.is_empty());
    })
    .await;
}
