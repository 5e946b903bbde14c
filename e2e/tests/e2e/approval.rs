//! Keys that a second person has to approve: at the doors, on the command line, and after a restart.

use serde_json::{Value, json};

use crate::harness::on_both_databases;
use crate::harness::process::{command, run, text};
use crate::harness::world::World;

const ISSUES: &str = "/repos/o/r/issues";

/// A person with a key of their own that administers the organization.
async fn administrator(world: &World, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "name": name, "roles": ["admin"] });
    let user = world.api("POST", "/users", Some(&body)).await.expect(201).json();
    world.api("PATCH", "/policy", Some(&json!({ "delegated_creation": true }))).await.expect(200);
    let path = format!("/users/{}/keys", user["id"].as_str().expect("an id"));
    let key = json!({ "name": "management", "api_sets": ["claviger-admin"] });
    let made = world.api("POST", &path, Some(&key)).await.expect(201).json();
    made["secret"].as_str().expect("a secret").to_owned()
}

async fn code(world: &World, secret: &str) -> Value {
    world.verdict(secret, "github", "GET", ISSUES).await["code"].clone()
}

/// What the command line answers a person.
fn claviger(world: &World, token: &str, arguments: &[&str]) -> (bool, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(folder.path(), arguments);
    command.env("CLAVIGER_URL", format!("http://{}", world.control)).env("CLAVIGER_TOKEN", token);
    let output = run(command, "");
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// A key that `maker` makes: its path and its secret.
async fn key(world: &World, maker: &str, name: &str, sets: &[&str]) -> (String, String) {
    let made = world.api_as(maker, "POST", "/keys", Some(&json!({ "name": name, "api_sets": sets }))).await;
    let made = made.expect(201).json();
    let path = format!("/keys/{}", made["key"]["id"].as_str().expect("an id"));
    (path, made["secret"].as_str().expect("a secret").to_owned())
}

on_both_databases! {
    async fn a_key_that_waits_is_refused_until_a_second_person_approves_it(world: &World) {
        world.import_github().await;
        let set = json!({ "name": "Guarded", "slug": "guarded", "operations": ["github:issues/*"] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        let set = json!({ "name": "Other", "slug": "other", "operations": ["github:issues/list-for-repo"] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        world.api("PATCH", "/policy", Some(&json!({ "approval": ["guarded"] }))).await.expect(200);
        let (bob, eve) = (administrator(world, "bob").await, administrator(world, "eve").await);

        let (path, secret) = key(world, &bob, "waits", &["guarded"]).await;
        assert_eq!(code(world, &secret).await, "PENDING");
        world.authorize("github", "GET", ISSUES, |request| request.bearer(&secret)).await.expect(401);
        world.api_as(&bob, "POST", &format!("{path}/approve"), None).await.expect(403);
        world.api("POST", &format!("{path}/approve"), None).await.expect(403);
        assert_eq!(code(world, &secret).await, "PENDING");
        let waits = world.api("GET", "/keys?state=pending", None).await.expect(200).json();
        assert_eq!(waits["data"].as_array().map(Vec::len), Some(1), "{waits}");
        let approved = world.api_as(&eve, "POST", &format!("{path}/approve?wait=all"), None).await.expect(200).json();
        assert_eq!((&approved["state"], &approved["lost"]), (&json!("active"), &json!([])), "{approved}");
        assert_eq!(code(world, &secret).await, "VALID");

        // An edit that adds the right takes a key out of service until it is approved.
        let (path, secret) = key(world, &bob, "edited", &["other"]).await;
        assert_eq!(code(world, &secret).await, "VALID");
        world.api_as(&bob, "PATCH", &path, Some(&json!({ "api_sets": ["other", "guarded"] }))).await.expect(200);
        assert_eq!(code(world, &secret).await, "PENDING");
        // On the command line.
        let id = path.trim_start_matches("/keys/");
        let (_, listed, _) = claviger(world, &eve, &["key", "list", "--state", "pending"]);
        assert!(listed.contains(id), "{listed}");
        let (is_done, _, said) = claviger(world, &bob, &["key", "approve", id]);
        assert!(!is_done && said.contains("somebody else"), "{said}");
        let (is_done, shown, said) = claviger(world, &eve, &["key", "approve", id, "--reason", "as agreed", "--json"]);
        assert!(is_done && shown.contains("\"active\""), "{shown}{said}");
        assert_eq!(code(world, &secret).await, "VALID");
        world.api_as(&bob, "PATCH", &path, Some(&json!({ "operations": ["github:issues/create"] }))).await.expect(200);
        let (is_done, shown, said) = claviger(world, &eve, &["key", "deny", id, "--reason", "too wide", "--json"]);
        assert!(is_done && shown.contains("denied: too wide"), "{shown}{said}");
        assert_eq!(code(world, &secret).await, "DISABLED");
    }
}
