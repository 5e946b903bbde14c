//! People with an authenticator app.

use std::net::SocketAddr;

use claviger_domain::totp::{Step, TotpSecret};
use claviger_domain::{Secret, Timestamp};
use serde_json::{Value, json};

use super::browser::Browser;
use super::raw_http::{Request, Response};

/// The password of everybody here.
pub const PASSWORD: &str = "tulip brisk canal forty";

/// An app on a phone.
pub struct App {
    secret: TotpSecret,
    /// As it was typed in: a secret.
    pub base32: String,
    /// The recovery codes that came with it: secrets.
    pub recovery_codes: Vec<String>,
}

// === impl App ===

impl App {
    /// One that was given this secret.
    pub fn of(base32: String) -> Self {
        let secret = TotpSecret::from_base32(&Secret::new(base32.clone())).expect("Base32");
        Self { secret, base32, recovery_codes: Vec::new() }
    }

    /// Sets a second factor up in a session that has just begun.
    pub async fn set_up(browser: &mut Browser, now: Timestamp) -> Self {
        let begun = browser.call("POST", "/me/2fa", None).await.expect(200);
        assert_eq!(begun.header("cache-control").as_deref(), Some("no-store"));
        let base32 = begun.json()["secret"].as_str().expect("a secret").to_owned();
        let mut app = Self::of(base32);
        let body = json!({ "code": app.code(now, 0) });
        let confirmed = browser.call("POST", "/me/2fa/confirm", Some(&body)).await.expect(200);
        assert_eq!(confirmed.header("cache-control").as_deref(), Some("no-store"));
        app.recovery_codes = texts(&confirmed.json()["recovery_codes"]);
        app
    }

    /// What it shows so many steps after `now`.
    pub fn code(&self, now: Timestamp, off: i64) -> String {
        let step = Step::new(Step::at(now).number() + off);
        self.secret.code_at(step).to_text().expose().to_owned()
    }
}

/// The texts of a list.
pub fn texts(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// Somebody with these roles, who has come and has a password.
pub async fn person(control: SocketAddr, token: &str, name: &str, roles: &[&str]) {
    let body = json!({ "email": format!("{name}@example.com"), "roles": roles });
    let made = Request::post("/api/v1/users", &body).bearer(token).send(control).await.expect(201).json();
    let link = made["invitation"]["link"].as_str().expect("a link").to_owned();
    let (_, link) = link.split_once('#').expect("a token");
    let body = json!({ "token": link, "password": PASSWORD });
    Request::post("/api/v1/invitations/accept", &body).send(control).await.expect(200);
}

/// The first step of a sign-in: what the second one bears.
pub async fn challenge(browser: &mut Browser, login: &str) -> String {
    let waits = browser.sign_in(login, PASSWORD).await.expect(202).json();
    waits["challenge"].as_str().expect("a challenge").to_owned()
}

/// The second step.
pub async fn enter(browser: &mut Browser, challenge: &str, code: &str) -> Response {
    browser.call("POST", "/sign-in/code", Some(&json!({ "challenge": challenge, "code": code }))).await
}
