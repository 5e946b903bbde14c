//! What people do with their accounts, by links that a real SMTP server takes, on both databases.

use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::raw_http::{Request, Response};
use crate::harness::smtp::{Mode, SmtpServer, header, token};
use crate::harness::world::World;

const ADA: &str = "ada@example.com";
const FIRST: &str = "tulip brisk canal forty";
const SECOND: &str = "harbour violet nine anvil";

/// A server that sends mail, and where its mails go.
async fn on(kind: Kind, scenario: impl AsyncFnOnce(&World, &SmtpServer)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (database, mails) = (TestDatabase::new(kind).await, folder.path().join("mails"));
    let server = SmtpServer::start(&mails, Mode::Plain, None);
    let url = format!("smtp://{}", server.address).parse().expect("a URL");
    let world = World::start_with(&database, |config| {
        config.mail.smtp_url = Some(url);
        config.mail.from = Some("keys@example.com".to_owned());
    })
    .await;
    scenario(&world, &server).await;
    world.stop_serving().await;
}

/// A scenario on each database under its own name.
macro_rules! accounts {
    ($($name:ident)*) => {
        $(mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on(Kind::Sqlite, super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on(Kind::Postgres, super::$name).await;
            }
        })*
    };
}

accounts! {
    a_password_is_reset_by_a_link_that_works_once
    a_new_address_counts_once_its_link_was_followed
}

async fn anybody(world: &World, path: &str, body: &Value) -> Response {
    Request::post(&format!("/api/v1{path}"), body).send(world.control).await
}

/// Gives ada a password by a link.
async fn choose_password(world: &World, server: &SmtpServer, password: &str) {
    let count = server.mails().len();
    anybody(world, "/password-resets", &json!({ "email": ADA })).await.expect(204);
    let mails = server.wait_for(count + 1).await;
    let body = json!({ "token": token(&mails[count]), "password": password });
    anybody(world, "/password-resets/choose", &body).await.expect(204);
    server.wait_for(count + 2).await;
}

/// The newest entry of this action in the audit log.
async fn audited(world: &World, action: &str) -> Value {
    let path = format!("/audit?action={action}&limit=1");
    world.api("GET", &path, None).await.expect(200).json()["data"][0].clone()
}

async fn a_password_is_reset_by_a_link_that_works_once(world: &World, server: &SmtpServer) {
    anybody(world, "/password-resets", &json!({ "email": "nobody@example.com" })).await.expect(204);
    anybody(world, "/password-resets", &json!({ "email": "ADA@example.com" })).await.expect(204);
    let mails = server.wait_for(1).await;
    assert_eq!(header(&mails[0], "X-Recipient"), ADA);
    assert_eq!(header(&mails[0], "Subject"), "Choose another password");
    assert!(mails[0].contains("/password-reset#"), "{}", mails[0]);
    let link = token(&mails[0]);
    let choose = json!({ "token": link, "password": FIRST });
    anybody(world, "/invitations/accept", &choose).await.expect(404);
    anybody(world, "/password-resets/choose", &choose).await.expect(204);
    anybody(world, "/password-resets/choose", &choose).await.expect(404);
    assert_eq!(header(&server.wait_for(2).await[1], "Subject"), "Your password was changed");
    let mut browser = Browser::signed_in(world.control, ADA, FIRST).await;
    browser.call("GET", "/session", None).await.expect(200);
    let before = browser.session();
    world.advance_to("2026-01-01T01:00:00Z");
    choose_password(world, server, SECOND).await;
    browser.call("GET", "/session", None).await.expect(401);
    browser.sign_in(ADA, FIRST).await.expect(401);
    browser.sign_in(ADA, SECOND).await.expect(200);
    assert_ne!(browser.session(), before);
    let ada = world.api("GET", "/users/ada", None).await.expect(200).json();
    assert_eq!(ada["last_sign_in"], "2026-01-01T01:00:00Z");
    let entry = audited(world, "user.reset_password").await;
    assert_eq!((&entry["actor"]["name"], &entry["after"]), (&json!("ada"), &json!({ "sessions_ended": 1 })));
}

async fn a_new_address_counts_once_its_link_was_followed(world: &World, server: &SmtpServer) {
    choose_password(world, server, FIRST).await;
    let mut browser = Browser::signed_in(world.control, ADA, FIRST).await;
    let body = json!({ "name": "Ada L.", "email": "lovelace@example.com" });
    let asked = browser.call("PATCH", "/me", Some(&body)).await.expect(200).json();
    assert_eq!((&asked["name"], &asked["email"]), (&json!("Ada L."), &json!(ADA)));
    let mails = server.wait_for(3).await;
    assert_eq!(header(&mails[2], "X-Recipient"), "lovelace@example.com");
    let link = json!({ "token": token(&mails[2]) });
    anybody(world, "/new-addresses/confirm", &link).await.expect(204);
    anybody(world, "/new-addresses/confirm", &link).await.expect(404);
    assert_eq!(header(&server.wait_for(4).await[3], "X-Recipient"), ADA);
    browser.call("GET", "/session", None).await.expect(200);
    browser.sign_in(ADA, FIRST).await.expect(401);
    browser.sign_in("lovelace@example.com", FIRST).await.expect(200);
    let entry = audited(world, "user.change_email").await;
    assert_eq!((&entry["before"]["email"], &entry["after"]["email"]), (&json!(ADA), &json!("lovelace@example.com")));
}
