//! `POST /v1/introspect` at the real server, as a client of OAuth asks.

use serde_json::json;

use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

on_both_databases! {
    async fn a_disabled_key_is_not_active_from_the_next_call_on(world: &World) {
        world.import_github().await;
        let end = "2027-06-30T12:00:00Z";
        let rights = json!(["github:repos/get"]);
        let key = json!({ "name": "k", "operations": rights, "expires_at": end, "not_before": "2025-12-31T23:59:59Z" });
        let key = world.create_key(key).await;
        let asked = format!("token={}&method=GET&path=/repos/o/r&client_ip=203.0.113.7", key.secret);
        let told = introspect(world, "/api/github", None, &asked).await.expect(200).json();
        assert_eq!((&told["active"], &told["jti"], &told["aud"]), (&json!(true), &json!(key.id), &json!("github")));
        assert_eq!((&told["operation"], &told["scope"]), (&json!("github:repos/get"), &json!("")));
        let seconds = [&told["iat"], &told["nbf"], &told["exp"]];
        assert_eq!(seconds, [&json!(1_767_225_599), &json!(1_767_225_599), &json!(1_814_356_800)]);
        world.api("POST", &format!("/keys/{}/disable", key.id), Some(&json!({}))).await.expect(200);
        let told = introspect(world, "/api/github", None, &asked).await.expect(200);
        assert_eq!(told.text(), r#"{"active":false}"#);
        // The administrator sees why, and at which door.
        let path = format!("/keys/{}/requests", key.id);
        let log = async || world.api("GET", &path, None).await.expect(200).json()["data"].clone();
        wait_until(async || log().await != json!([]), || "the log stays empty".to_owned()).await;
        let log = log().await;
        assert_eq!((&log[0]["door"], &log[0]["code"]), (&json!("introspect"), &json!("DISABLED")));
    }

    async fn with_two_organizations_the_client_says_for_which_it_asks(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let door = world.create_key(json!({ "name": "door", "api_sets": ["claviger-verify"] })).await;
        let asked = format!("token={}", key.secret);
        assert_eq!(introspect(world, "", None, &asked).await.expect(200).json()["active"], true);
        let other = world.second_organization("other").await;
        let others = json!({ "name": "door", "api_sets": ["claviger-verify"] });
        let others = world.api_as(&other, "POST", "/keys", Some(&others)).await.expect(201).json();
        let others = others["secret"].as_str().expect("a secret");
        let refused = introspect(world, "", None, &asked).await.expect(401);
        assert_eq!((&refused.json()["code"], &refused.json()["error"]), (&json!("door_token"), &json!("invalid_client")));
        assert!(refused.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Basic")));
        introspect(world, "", Some(&key.secret), &asked).await.expect(401);
        assert_eq!(introspect(world, "", Some(&door.secret), &asked).await.expect(200).json()["active"], true);
        let elsewhere = introspect(world, "", Some(others), &asked).await.expect(200);
        assert_eq!(elsewhere.text(), r#"{"active":false}"#, "it is nobody's key there");
        // A door token is a key as well, of no API.
        let itself = format!("token={}&method=GET&path=/x", door.secret);
        let told = introspect(world, "/api/default", Some(&door.secret), &itself).await.expect(200);
        assert_eq!(told.text(), r#"{"active":false}"#);
    }
}

async fn introspect(world: &World, pin: &str, client: Option<&str>, form: &str) -> Response {
    let request = Request::new("POST", &format!("/v1/introspect{pin}"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form.as_bytes().to_vec());
    match client {
        Some(token) => request.basic("gateway", token),
        None => request,
    }
    .send(world.doors)
    .await
}
