//! An application whose users sign in, and a client of the web service.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

pub const PASSWORD: &str = "a walk by the lake";
pub const USER: &str = "carol@example.com";

/// An application with one user, as its client knows it.
#[derive(Clone)]
pub struct Portal<'w> {
    pub world: &'w World,
    pub container: &'static str,
    pub name: String,
    pub password: String,
    pub key: String,
    /// The application's id.
    pub id: String,
    /// The user's id.
    pub user: String,
}

// === impl Portal ===

impl<'w> Portal<'w> {
    /// An application of the type Webservice Standard, and a user who signs in by a password.
    pub async fn new(world: &'w World) -> Self {
        Self::of_type(world, "Webservice Standard", "WebserviceStandard", json!({})).await
    }

    /// One of this type, whose user has these fields too.
    pub async fn of_type(world: &'w World, name: &str, container: &'static str, more: Value) -> Self {
        let kind = json!({ "name": name, "sign_in": "session", "api_sets": ["full-access"] });
        let kind = world.api("POST", "/application-types", Some(&kind)).await.expect(201).json();
        let slug = kind["slug"].as_str().expect("a slug").to_owned();
        let mut portal = Self::add(world, "Customer portal", &slug, container).await;
        portal.user = portal.add_user(USER, more).await;
        portal
    }

    /// A further application of a type.
    pub async fn add(world: &'w World, name: &str, kind: &str, container: &'static str) -> Self {
        let body = json!({ "name": name, "type": kind, "public_url": "https://portal.example.com/shop" });
        let made = world.api("POST", "/applications", Some(&body)).await.expect(201).json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            world,
            container,
            name: name.to_owned(),
            password: text(&made["password"]),
            key: text(&made["secret"]),
            id: text(&made["application"]["id"]),
            user: String::new(),
        }
    }

    /// The same application, whose client calls another server.
    pub fn at(&self, world: &'w World) -> Self {
        Self { world, ..self.clone() }
    }

    /// A further user; gives its id.
    pub async fn add_user(&self, name: &str, more: Value) -> String {
        let mut body = json!({
            "application": self.id, "user_name": name, "permission_type": 1, "profile_user": "ada@example.com",
            "password": PASSWORD,
        });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let made = self.world.api("POST", "/api-users", Some(&body)).await.expect(201).json();
        made["api_user"]["id"].as_str().or(made["id"].as_str()).expect("an id").to_owned()
    }

    /// A request with the application's name, password and key.
    pub fn request(&self, method: &str, action: &str) -> Request {
        let path = format!("/webservice/{}/{action}", self.container);
        Request::new(method, &path).basic(&self.name, &self.password).header("X-API-KEY", &self.key)
    }

    /// The same with a session's token.
    pub fn with_token(&self, method: &str, action: &str, token: &str) -> Request {
        self.request(method, action).header("X-TOKEN", token)
    }

    pub async fn send(&self, request: Request) -> Response {
        request.send(self.world.public).await
    }

    /// Calls, and gives what is in the envelope.
    pub async fn result(&self, request: Request) -> Value {
        let answer = self.send(request).await.expect(200).json();
        assert_eq!(answer["status"], 1, "{answer}");
        answer["result"].clone()
    }

    /// Calls in vain: the status, which the envelope repeats, and the message.
    pub async fn refusal(&self, request: Request) -> (u16, String) {
        let answer = self.send(request).await;
        let body = answer.json();
        assert_eq!((&body["status"], &body["error"]["code"]), (&json!(0), &json!(answer.status)), "{body}");
        (answer.status, body["error"]["message"].as_str().expect("a message").to_owned())
    }

    pub fn login(&self, user: &str, password: &str) -> Request {
        self.request("POST", "Users/Login").json(&json!({ "userName": user, "password": password }))
    }

    /// Signs the user in, and gives the token.
    pub async fn sign_in(&self) -> String {
        let result = self.result(self.login(USER, PASSWORD)).await;
        result["token"].as_str().expect("a token").to_owned()
    }

    /// What the doors say of a call with a session's token.
    pub async fn code(&self, token: &str) -> String {
        let basic = STANDARD.encode(format!("{}:{}", self.name, self.password));
        let question = json!({ "authorization": format!("Basic {basic}"), "x_api_key": self.key, "x_token": token,
            "api": "default", "method": "GET", "path": "/x" });
        let verdict = Request::post("/v1/verify", &question).send(self.world.doors).await.expect(200).json();
        verdict["code"].as_str().expect("a code").to_owned()
    }

    /// What the diagnostic log of the application says of the newest refusals, once there are `count`.
    pub async fn checks(&self, count: usize) -> Vec<String> {
        let path = format!("/applications/{}/requests?limit=100", self.id);
        for _ in 0..100 {
            let rows = self.world.api("GET", &path, None).await.expect(200).json();
            let rows = rows["data"].as_array().expect("rows").clone();
            if rows.len() >= count {
                return rows.iter().map(|row| row["check"].as_str().expect("a check").to_owned()).collect();
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("{count} refusals were not written");
    }
}
