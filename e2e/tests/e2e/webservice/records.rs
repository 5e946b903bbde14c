//! Signing in and records at one address: nginx with the lines for clients of the web service.

use claviger_server::config::SecondFactor;
use serde_json::{Value, json};

use super::portal::{PASSWORD, Portal, USER};
use super::second_factor::enrol;
use crate::harness::database::{Kind as DatabaseKind, TestDatabase};
use crate::harness::gateway::{Front, Kind, Running};
use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

const RECORD: &str = "HelpDesk/Record/7";

/// An application, and nginx before its records and before the public listener.
struct Site<'w> {
    portal: Portal<'w>,
    nginx: Running,
}

// === impl Site ===

impl<'w> Site<'w> {
    /// One whose user has these fields too.
    async fn start(world: &'w World, more: Value) -> Self {
        let portal = Portal::of_type(world, "Webservice Premium", "WebservicePremium", more).await;
        let front = Front { public: Some(world.public), ..Front::of(world.doors, "default") };
        Self { portal, nginx: Kind::Nginx.start(front).await }
    }

    /// Calls with a session's token.
    async fn call(&self, method: &str, action: &str, token: &str) -> Response {
        self.nginx.send(self.portal.with_token(method, action, token)).await
    }

    async fn result(&self, request: Request) -> Value {
        let answer = self.nginx.send(request).await.expect(200).json();
        assert_eq!(answer["status"], 1, "{answer}");
        answer["result"].clone()
    }

    async fn sign_in(&self, password: &str) -> String {
        let result = self.result(self.portal.login(USER, password)).await;
        result["token"].as_str().expect("a token").to_owned()
    }

    /// Whether the service behind nginx saw the call.
    async fn reaches_the_service(&self, method: &str, action: &str, token: &str) -> bool {
        self.call(method, action, token).await.expect(200).json()["upstream"] == true
    }
}

on_both_databases! {
    async fn f_18_a_client_signs_in_and_reads_records_at_one_address_until_its_session_is_ended(world: &World) {
        let site = Site::start(world, json!({})).await;
        let check = site.portal.request("PUT", "Install").json(&json!({ "data": "Install Wizard" }));
        assert_eq!(site.result(check).await, "Install Wizard");
        let token = site.sign_in(PASSWORD).await;

        let seen = site.call("GET", RECORD, &token).await.expect(200).json();
        let header = |name: &str| seen["headers"].as_array().and_then(|all| all.iter().find(|line| line[0] == name));
        assert_eq!(header("x-auth-user").map(|line| &line[1]), Some(&json!(site.portal.user)));
        assert!(["authorization", "x-api-key", "x-token"].iter().all(|name| header(name).is_none()), "{seen}");
        // What lists the service's own is the service's; what is about the account is not.
        for action in ["Modules", "Menu", "Users/Record/7", "HelpDesk/Users/Login", "Users/LoginAs"] {
            assert!(site.reaches_the_service("GET", action, &token).await, "{action}");
        }
        let preferences = site.portal.with_token("PUT", "Users/Preferences/", &token).json(&json!({ "menuPin": "1" }));
        assert_eq!(site.result(preferences).await, true);
        let history = site.result(site.portal.with_token("GET", "Users/AccessActivityHistory", &token)).await;
        assert_eq!(history["0"]["status"], "Signed in");
        let new = "another walk by the lake";
        let change = json!({ "currentPassword": PASSWORD, "newPassword": new });
        assert_eq!(site.result(site.portal.with_token("PUT", "Users/ChangePassword", &token).json(&change)).await, true);
        let token = site.sign_in(new).await;

        let sessions = format!("/api-users/{}/sessions", site.portal.user);
        let listed = world.api("GET", &sessions, None).await.expect(200).json();
        for session in listed["data"].as_array().expect("sessions") {
            let id = session["id"].as_str().expect("an id");
            world.api("DELETE", &format!("{sessions}/{id}"), None).await.expect(204);
        }
        let refused = site.call("GET", RECORD, &token).await.expect(401);
        // The client reads no other type than this one, and by the code that it has to let its user sign in again.
        assert_eq!(refused.header("content-type").as_deref(), Some("application/json"));
        let over = json!({ "status": 0, "error": { "message": "Invalid token", "code": 401 } });
        assert_eq!(refused.json(), over);
        assert_eq!(site.nginx.send(site.portal.request("GET", RECORD)).await.expect(401).json(), over, "no token");
        assert_eq!(site.call("GET", "Modules", &token).await.expect(401).json()["error"], over["error"]);
        let elsewhere = site.nginx.send(Request::get("/files/7").header("X-Token", &token)).await.expect(401);
        assert_eq!(elsewhere.header("content-type").as_deref(), Some("application/problem+json"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f_17_who_has_codes_to_set_up_is_told_so_at_one_address_and_reads_records_afterwards() {
    let database = TestDatabase::new(DatabaseKind::Sqlite).await;
    let world = World::start_with(&database, |config| config.api_users.second_factor = SecondFactor::Obligatory).await;
    let site = Site::start(&world, json!({ "sign_in_method": "password_2fa" })).await;
    let token = site.sign_in(PASSWORD).await;
    for action in ["Modules", "Menu"] {
        let told = site.call("GET", action, &token).await.expect(403).json();
        assert_eq!(told["error"]["message"], "Two-factor authentication must be set up first", "{action}");
    }
    site.call("GET", RECORD, &token).await.expect(401);
    enrol(&site.portal, &token).await;
    assert!(site.reaches_the_service("GET", "Modules", &token).await);
    assert!(site.reaches_the_service("GET", RECORD, &token).await);
    world.stop_serving().await;
}
