//! An application whose users sign in, and one of them.

use serde_json::{Value, json};

use super::raw_http::Request;
use super::world::{CreatedKey, World};

const NAME: &str = "Customer portal";
const USER_NAME: &str = "bob@example.com";
const USER_PASSWORD: &str = "wobbly kettle orbit nine";

/// An application with a key that may do everything, and a user of it in a session.
pub struct Portal {
    /// The application's password.
    pub password: String,
    /// The key.
    pub key: CreatedKey,
    /// The user's record.
    pub user: Value,
    /// The session's token.
    pub token: String,
}

// === impl Portal ===

impl Portal {
    /// Makes them; `contact` is what the protected service calls the one that the user stands for, `external` what it calls the
    /// administrator, whose rights bound the session.
    pub async fn make(world: &World, contact: &str, external: &str) -> Self {
        let post = async |path: &str, body: Value| world.api("POST", path, Some(&body)).await.expect(201).json();
        post("/application-types", json!({ "name": "Portal", "sign_in": "session", "api_sets": ["full-access"] }))
            .await;
        let made = post("/applications", json!({ "slug": "portal", "name": NAME, "type": "portal" })).await;
        let owner = json!({ "type": "application", "id": "portal" });
        let key = world.create_key(json!({ "name": "portal", "owner": owner, "api_sets": ["full-access"] })).await;
        let user = json!({
            "application": "portal", "user_name": USER_NAME, "password": USER_PASSWORD, "permission_type": 3,
            "contact": { "id": contact, "email": "bob@example.com" },
            "profile_user": "ada@example.com", "profile_external": external,
        });
        let user = post("/api-users", user).await["api_user"].clone();
        let token = world.sign_in(&key.record, USER_NAME, USER_PASSWORD).await;
        Self { password: made["password"].as_str().expect("a password").to_owned(), key, user, token }
    }

    /// Adds name and password, key and token to a request.
    pub fn present(&self, request: Request) -> Request {
        self.present_without_token(request).header("X-Token", &self.token)
    }

    /// Adds the same but for the token.
    pub fn present_without_token(&self, request: Request) -> Request {
        request.basic(NAME, &self.password).header("X-Api-Key", &self.key.secret)
    }

    /// Ends the session.
    pub async fn sign_out(&self, world: &World) {
        let sessions = format!("/api-users/{}/sessions", self.user["id"].as_str().expect("an id"));
        let listed = world.api("GET", &sessions, None).await.expect(200).json();
        let session = listed["data"][0]["id"].as_str().expect("a session");
        world.api("DELETE", &format!("{sessions}/{session}"), None).await.expect(204);
    }
}
