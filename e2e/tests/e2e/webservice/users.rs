//! Passwords, changed and reset by their users.

use std::path::Path;

use serde_json::{Value, json};

use super::portal::{PASSWORD, Portal, USER};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::on_both_databases;
use crate::harness::smtp::{Mode, SmtpServer};
use crate::harness::world::World;

const NEW: &str = "an umbrella on the roof";

on_both_databases! {
    async fn w_08_a_password_is_changed_by_who_knows_it_and_other_sessions_end(world: &World) {
        let portal = Portal::new(world).await;
        let (own, other) = (portal.sign_in().await, portal.sign_in().await);
        let change = |current: &str, new: &str| {
            let body = json!({ "currentPassword": current, "newPassword": new });
            portal.with_token("PUT", "Users/ChangePassword", &own).json(&body)
        };
        assert_eq!(portal.result(change("another one", NEW)).await, false);
        let (status, message) = portal.refusal(change(PASSWORD, "short")).await;
        assert!(status == 400 && message.starts_with("newPassword"), "{status} {message}");
        assert_eq!(portal.result(change(PASSWORD, NEW)).await, true);
        portal.result(portal.with_token("GET", "Modules", &own)).await;
        let ended = portal.with_token("GET", "Modules", &other);
        assert_eq!(portal.refusal(ended).await, (401, "Invalid token".to_owned()));
        portal.result(portal.login(USER, NEW)).await;
        assert_eq!(portal.refusal(portal.login(USER, PASSWORD)).await.0, 401);
    }

    async fn w_09_whether_there_is_a_user_nobody_is_told(world: &World) {
        let portal = Portal::new(world).await;
        let ask = |name: &str| portal.request("POST", "Users/ResetPassword").json(&json!({ "userName": name, "deviceId": "x" }));
        let (known, unknown) = (portal.result(ask(USER)).await, portal.result(ask("nobody")).await);
        assert_eq!(known, unknown);
        assert_eq!(known, json!({ "expirationDate": "2026-01-01 00:59:59 (UTC +00:00)", "mailerStatus": true }));
    }
}

/// The token in the link of a mail, which leads through the application's public URL.
fn token_of(mail: &str) -> String {
    let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let link = "https://portal.example.com/shop/index.php?module=Users&view=LoginPassReset&mode=token&token=";
    let (_, rest) = plain.split_once(link).unwrap_or_else(|| panic!("no link: {plain}"));
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

async fn reset(kind: Kind) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let database = TestDatabase::new(kind).await;
    let world = World::start_with(&database, |config| {
        config.mail.smtp_url = Some(format!("smtp://localhost:{}", server.address.port()).parse().expect("a URL"));
        config.mail.from = Some("Key server <keys@example.com>".into());
        config.control.url = Some("http://keys.example.com".parse().expect("a URL"));
    })
    .await;
    let portal = Portal::new(&world).await;
    let session = portal.sign_in().await;
    let ask = portal.request("POST", "Users/ResetPassword").json(&json!({ "userName": USER }));
    portal.result(ask).await;
    let token = token_of(&server.wait_for(1).await[0]);
    let choose = |token: &str, password: &str| {
        portal.request("PUT", "Users/ResetPassword").json(&json!({ "token": token, "password": password }))
    };
    let gone = (405, "The token does not exist or has expired".to_owned());
    assert_eq!(portal.refusal(choose("0", NEW)).await, gone);
    let other = Portal::add(&world, "Other", "webservice-standard", "WebserviceStandard").await;
    let elsewhere = other.request("PUT", "Users/ResetPassword").json(&json!({ "token": token, "password": NEW }));
    assert_eq!(portal.refusal(elsewhere).await, gone, "another application's");
    assert_eq!(portal.result(choose(&token, NEW)).await, Value::Bool(true));
    assert_eq!(portal.refusal(choose(&token, PASSWORD)).await, gone, "once");
    assert_eq!(portal.refusal(portal.with_token("GET", "Modules", &session)).await.0, 401, "sessions end");
    portal.result(portal.login(USER, NEW)).await;
    assert!(Path::new(folder.path()).exists());
    world.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w_09_a_mailed_link_resets_a_password_once_on_sqlite() {
    reset(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w_09_a_mailed_link_resets_a_password_once_on_postgres() {
    reset(Kind::Postgres).await;
}
