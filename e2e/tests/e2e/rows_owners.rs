//! Applications as owners of keys, at the doors.

use serde_json::{Value, json};

use crate::harness::gateway::Nginx;
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const ISSUES: &str = "/repos/o/r/issues";
const PULLS: &str = "/repos/o/r/pulls";

/// GitHub with two sets, a type that allows the first one, and an application with its first key.
async fn portal(world: &World) -> (String, String) {
    world.import_github().await;
    for name in ["issues", "pulls"] {
        let set = json!({ "name": name, "slug": name, "operations": [format!("github:{name}/*")] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
    }
    let kind = json!({ "name": "Partner", "sign_in": "key_only", "api_sets": ["issues"] });
    world.api("POST", "/application-types", Some(&kind)).await.expect(201);
    let made = world
        .api("POST", "/applications", Some(&json!({ "name": "Portal Żółw", "slug": "portal", "type": "partner" })))
        .await;
    let made = made.expect(201).json();
    (made["key"]["id"].as_str().expect("an id").to_owned(), made["secret"].as_str().expect("a secret").to_owned())
}

async fn code(world: &World, secret: &str, path: &str) -> Value {
    world.verdict(secret, "github", "GET", path).await["code"].clone()
}

on_both_databases! {
    async fn an_inactive_application_stops_its_keys_at_once_and_undone_they_work_untouched(world: &World) {
        let (id, secret) = portal(world).await;
        let nginx = Nginx::start(world.doors, "github").await;
        Request::get(ISSUES).bearer(&secret).send(nginx.address).await.expect(200);
        let before = world.get_key(&id).await;

        world.api("POST", "/applications/portal/disable", Some(&json!({ "reason": "contract ended" }))).await.expect(200);
        assert_eq!(code(world, &secret, ISSUES).await, "OWNER_DISABLED");
        Request::get(ISSUES).bearer(&secret).send(nginx.address).await.expect(401);
        let refused = world.authorize("github", "GET", ISSUES, |r| r.bearer(&secret)).await.expect(401).json();
        assert_eq!(refused["code"], "OWNER_DISABLED");
        // The state of the key itself is named first.
        world.api("POST", &format!("/keys/{id}/disable"), None).await.expect(200);
        assert_eq!(code(world, &secret, ISSUES).await, "DISABLED");
        world.api("POST", &format!("/keys/{id}/enable"), None).await.expect(200);
        let explained = json!({ "method": "GET", "path": ISSUES, "api": "github" });
        let explained = world.api("POST", &format!("/keys/{id}/check"), Some(&explained)).await.expect(200).json();
        assert_eq!(explained["code"], "OWNER_DISABLED", "{explained}");

        world.api("POST", "/applications/portal/enable", None).await.expect(200);
        assert_eq!(code(world, &secret, ISSUES).await, "VALID");
        let after = world.get_key(&id).await;
        assert_eq!((&before["hint"], &before["api_sets"]), (&after["hint"], &after["api_sets"]));
    }

    async fn a_change_of_the_type_reaches_existing_keys_at_once(world: &World) {
        let (_, secret) = portal(world).await;
        assert_eq!((code(world, &secret, ISSUES).await, code(world, &secret, PULLS).await), (json!("VALID"), json!("OPERATION_NOT_ALLOWED")));
        let both = json!({ "api_sets": ["issues", "pulls"] });
        world.api("PATCH", "/application-types/partner", Some(&both)).await.expect(200);
        assert_eq!(code(world, &secret, PULLS).await, "OPERATION_NOT_ALLOWED", "the key itself holds the first alone");
        world.api("PATCH", "/application-types/partner", Some(&json!({ "api_sets": ["pulls"] }))).await.expect(200);
        assert_eq!(code(world, &secret, ISSUES).await, "OPERATION_NOT_ALLOWED", "its type allows the second alone");
        let verdict = world.verdict(&secret, "github", "GET", ISSUES).await;
        assert_eq!(verdict["key"]["api_sets"], json!([]), "an upstream is told of no set that the key may not use");
        world.api("PATCH", "/application-types/partner", Some(&json!({ "api_sets": ["full-access"] }))).await.expect(200);
        let verdict = world.verdict(&secret, "github", "GET", ISSUES).await;
        assert_eq!((&verdict["code"], &verdict["key"]["api_sets"]), (&json!("VALID"), &json!(["issues"])));
    }

    async fn verdicts_and_identity_headers_name_the_application(world: &World) {
        let (_, secret) = portal(world).await;
        let verdict = world.verdict(&secret, "github", "GET", ISSUES).await;
        let application = world.api("GET", "/applications/portal", None).await.expect(200).json();
        let owner = json!({ "type": "application", "id": application["id"], "name": "Portal Żółw" });
        assert_eq!(verdict["key"]["owner"], owner);
        let passed = world.authorize("github", "GET", ISSUES, |r| r.bearer(&secret)).await.expect(200);
        for (header, value) in [
            ("x-auth-owner-type", "application"),
            ("x-auth-owner-id", application["id"].as_str().expect("an id")),
            ("x-auth-owner-name", "Portal %C5%BB%C3%B3%C5%82w"),
        ] {
            assert_eq!(passed.header(header).as_deref(), Some(value), "{header}");
        }
    }

    async fn the_lists_of_key_and_application_must_both_match(world: &World) {
        let (id, secret) = portal(world).await;
        let ask = async |ip: &str| {
            let body = json!({ "credential": secret, "api": "github", "method": "GET", "path": ISSUES, "client_ip": ip });
            Request::post("/v1/verify", &body).send(world.doors).await.expect(200).json()["code"].clone()
        };
        let list = json!({ "allowed_ips": ["203.0.113.0/24", "2001:db8::/32"] });
        world.api("PATCH", "/applications/portal", Some(&list)).await.expect(200);
        assert_eq!((ask("203.0.113.7").await, ask("192.0.2.1").await), (json!("VALID"), json!("IP_NOT_ALLOWED")));
        assert_eq!(ask("::ffff:203.0.113.7").await, "VALID");
        let own = json!({ "allowed_ips": ["203.0.113.7", "192.0.2.1"] });
        world.api("PATCH", &format!("/keys/{id}"), Some(&own)).await.expect(200);
        assert_eq!(
            (ask("203.0.113.7").await, ask("203.0.113.8").await, ask("192.0.2.1").await),
            (json!("VALID"), json!("IP_NOT_ALLOWED"), json!("IP_NOT_ALLOWED"))
        );
        assert_eq!(code(world, &secret, ISSUES).await, "IP_NOT_ALLOWED", "an unknown address is in no list");
        let log = async || world.api("GET", "/applications/portal/requests", None).await.expect(200).json();
        let is_written = async || log().await["data"].as_array().is_some_and(|rows| rows.len() == 4);
        wait_until(is_written, || "the refusals are in the application's log".to_owned()).await;
        let checks: Vec<_> = log().await["data"].as_array().expect("a list").iter().map(|row| row["check"].clone()).collect();
        assert!(checks.contains(&json!("address not in the application's list")), "{checks:?}");
        assert!(checks.contains(&json!("address not in the key's list")), "{checks:?}");
        assert_eq!(log().await["data"][0]["key"], json!(id));
    }

    async fn deleting_an_application_ends_its_keys(world: &World) {
        let (_, secret) = portal(world).await;
        world.api("DELETE", "/applications/portal", None).await.expect(204);
        let refused = world.authorize("github", "GET", ISSUES, |r| r.bearer(&secret)).await.expect(401).json();
        assert_eq!(refused["code"], "NOT_FOUND");
    }
}
