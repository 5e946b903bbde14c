//! A browser at the control listener: what it holds goes along with each call.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::raw_http::{Request, Response};

/// A browser of one person.
pub struct Browser {
    control: SocketAddr,
    /// The values of the cookies by their names.
    cookies: Vec<(String, String)>,
    /// What changes bear.
    pub csrf: String,
}

// === impl Browser ===

impl Browser {
    /// One that has never been here.
    pub fn at(control: SocketAddr) -> Self {
        Self { control, cookies: Vec::new(), csrf: String::new() }
    }

    /// One in which somebody has signed in.
    pub async fn signed_in(control: SocketAddr, login: &str, password: &str) -> Self {
        let mut browser = Self::at(control);
        browser.sign_in(login, password).await.expect(200);
        browser
    }

    /// Signs in.
    pub async fn sign_in(&mut self, login: &str, password: &str) -> Response {
        self.call("POST", "/sign-in", Some(&json!({ "login": login, "password": password }))).await
    }

    /// A call; `path` from behind `/api/v1`.
    pub async fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let mut request = Request::new(method, &format!("/api/v1{path}")).header("User-Agent", "Test/1");
        for (name, value) in &self.cookies {
            request = request.header("Cookie", &format!("{name}={value}"));
        }
        if !self.csrf.is_empty() && method != "GET" {
            request = request.header("X-Claviger-CSRF", &self.csrf);
        }
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = request.send(self.control).await;
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.retain(|(held, _)| held != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        // An export is no JSON as a whole.
        if let Ok(body) = serde_json::from_slice::<Value>(&answer.body)
            && let Some(token) = body["csrf_token"].as_str()
        {
            token.clone_into(&mut self.csrf);
        }
        answer
    }

    /// The value of the session's cookie: a secret.
    pub fn session(&self) -> String {
        let found = self.cookies.iter().find(|(name, _)| name == "claviger");
        found.expect("a session").1.clone()
    }
}
