//! Every operation of the document × every actor, as a table that is committed: who may do what is read there, and a
//! change of it is seen in review. An operation that is not in it fails the test. `UPDATE_PERMISSIONS=1 cargo test -p claviger-manage permission` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::testing::{NOW, OPERATOR, World};

/// The columns: built-in sets by slug that a key of the organization holds, and who has none; an application's key and
/// those of people by their role, all with `claviger-admin`; an administrator's session; and the operator.
const ACTORS: [&str; 20] = [
    "anonymous",
    "bare-key",
    "claviger-verify",
    "claviger-keys-read",
    "claviger-keys-write",
    "claviger-apis-write",
    "claviger-own-keys",
    "claviger-users-write",
    "claviger-audit-read",
    "claviger-admin",
    "application",
    "user:admin",
    "user:key-manager",
    "user:developer",
    "user:auditor",
    "user:own-keys",
    "user:none",
    "session:admin",
    "operator",
    "operator-of-two",
];

/// Operations that ask nobody who they are, and what they answer everybody: those for whoever has a link, which proves enough,
/// and the one that sends such a link, which this installation sends to nobody.
pub(super) const OPEN: [(&str, u16); 5] = [
    ("api-users/choose-password", 404),
    ("new-addresses/confirm", 404),
    ("invitations/accept", 404),
    ("password-resets/choose", 404),
    ("password-resets/create", 409),
];

/// An operation of the document.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    /// Whether it answers 201.
    pub(super) creates: bool,
}

/// What a call that may be made is made with; every operation with a required body has its row.
pub(super) fn body(id: &str) -> Option<Value> {
    Some(match id {
        "setup" => json!({"organization": "Example", "email": "ann@example.com"}),
        "organizations/create" => json!({"slug": "one-more", "name": "One more", "email": "eve@example.com"}),
        "organizations/invite" => json!({"email": "dan@example.com"}),
        "keys/create" => json!({"name": "made", "api_sets": ["full-access"]}),
        "keys/edit" => json!({"description": "changed"}),
        "keys/deny" => json!({"reason": "not agreed"}),
        "keys/rotate" => json!({"overlap_seconds": 60}),
        "keys/rotate-many" => json!({"overlap_seconds": 60, "dry_run": true}),
        "applications/create" => json!({"name": "made", "type": "permission-type"}),
        "applications/import" => json!({
            "application": {"name": "imported", "type": "permission-type", "password": "p"},
            "key": {"value": "a-value-that-other-systems-made"},
        }),
        "api-users/create" => json!({
            "application": "permission-app", "user_name": "made", "permission_type": 1, "profile_user": "ann@example.com",
        }),
        "applications/mails/create" => json!({"template": "record_link", "api_user": "target", "record": "1"}),
        "mail-templates/set" => json!({"subject": "a", "text": "{link}", "html": "{link}"}),
        "api-users/edit" => json!({"user_name": "renamed"}),
        "api-users/set-password" => json!({"password": "harbour violet nine anvil"}),
        "applications/rotate-password" => json!({"overlap_seconds": 0}),
        "applications/keys/create" | "users/keys/create" | "me/keys/create" => json!({"name": "made", "api_sets": []}),
        "application-types/create" => json!({"name": "made", "sign_in": "key_only", "api_sets": ["full-access"]}),
        "keys/import" => {
            json!([{"name": "imported", "api_sets": [], "import": {"value": "a-value-that-others-have-made"}}])
        }
        "keys/lookup" => json!({"credential": "a-key-that-nobody-ever-had"}),
        "keys/check" => json!({"method": "GET", "path": "/"}),
        "apis/create" | "api-sets/create" => json!({"slug": "made", "name": "Made"}),
        "roles/create" => json!({"name": "made", "authorities": ["keys.manage_own"]}),
        "users/create" => json!({"email": "made@example.com", "roles": ["developer"]}),
        "users/edit" => json!({"username": "renamed"}),
        "sign-in" => json!({"login": "ann@example.com", "password": "a password that nobody has"}),
        "sign-in/code" => json!({"challenge": "a-sign-in-that-never-was", "code": "000000"}),
        "me/2fa/confirm" => json!({"code": "000000"}),
        "session/step-up" => json!({"password": "tulip brisk canal forty"}),
        "session/switch" => json!({"organization": "example"}),
        "me/password/change" => {
            json!({"current": "tulip brisk canal forty", "password": "tulip brisk canal forty"})
        }
        // A user whom `fill` makes; and a link that never was.
        "invitations/create" => json!({"user": "waiting@example.com"}),
        "invitations/accept" | "new-addresses/confirm" => json!({"token": "a-link-that-nobody-ever-had"}),
        "me/edit" => json!({"language": "pl"}),
        "password-resets/create" => json!({"email": "nobody@example.com"}),
        "password-resets/choose" | "api-users/choose-password" => {
            json!({"token": "a-link-that-nobody-ever-had", "password": "tulip brisk canal forty"})
        }
        "policy/edit" => json!({"idle_days": 30}),
        "webhooks/create" => json!({"name": "made", "url": "https://hooks.example.com/"}),
        "webhooks/edit" => json!({"name": "renamed"}),
        "notices/edit" => json!({"addresses": ["ops@example.com"]}),
        "api-sets/apply-template" => json!({"api": "default"}),
        "organization/edit"
        | "apis/edit"
        | "api-sets/edit"
        | "applications/edit"
        | "application-types/edit"
        | "roles/edit" => {
            json!({"name": "Renamed"})
        }
        "apis/import" => {
            json!({"openapi": "3.1.0", "info": {"title": "Imported", "version": "1"}, "paths": {"/x": {"get": {}}}})
        }
        _ => return None,
    })
}

pub(super) fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(crate::openapi()).expect("the document is JSON");
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let path = path.strip_prefix("/api/v1").expect("everything stands below /api/v1");
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            let required = operation["requestBody"]["required"] == true;
            assert!(!required || body(&id).is_some(), "{id} needs a row in `body`");
            let creates = operation["responses"].get("201").is_some();
            operations.push(Operation { id, method: method.to_uppercase(), path: path.to_owned(), creates });
        }
    }
    // A second organization takes the administrator's rights from the operator: last.
    operations
        .sort_by_key(|operation| ["organizations/create", "organizations/invite"].contains(&operation.id.as_str()));
    operations
}

/// The path with its parameter filled in by a thing made for this call.
pub(super) async fn fill(world: &World, admin: &str, path: &str, number: usize) -> String {
    let made = |noun: &'static str, body: Value| async move {
        let made = world.post(admin, noun, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let record = match noun {
            "/keys" => &made.body["key"],
            "/api-users" => &made.body["api_user"],
            _ => &made.body,
        };
        record["id"].as_str().expect("an id").to_owned()
    };
    if path.starts_with("/applications") || path.starts_with("/api-users") {
        // There from the second time on.
        let kind = json!({"name": "Permission type", "sign_in": "session", "api_sets": ["full-access"]});
        world.post(admin, "/application-types", kind).await;
    }
    if path.starts_with("/api-users") {
        let application =
            json!({"name": "Permission app", "type": "permission-type", "public_url": "https://x.example"});
        world.post(admin, "/applications", application).await;
    }
    if path == "/invitations" {
        world.post(admin, "/users", json!({"email": "waiting@example.com"})).await;
    }
    let Some((before, rest)) = path.split_once('{') else { return path.to_owned() };
    let id = match before {
        "/keys/" => {
            let waits = path.ends_with("/approve") || path.ends_with("/deny");
            let sets = if waits { json!(["full-access"]) } else { json!([]) };
            if waits {
                world.patch(admin, "/policy", json!({"approval": ["full-access"]})).await;
            }
            let id = made("/keys", json!({"name": format!("target {number}"), "api_sets": sets})).await;
            world.patch(admin, "/policy", json!({"approval": []})).await;
            if path.ends_with("/end-overlap") {
                world.post(admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await;
            }
            id
        }
        "/apis/" if path.ends_with("/manual") => {
            let operations = json!([{"name": "list", "method": "GET", "path": "/x"}]);
            let body = json!({"slug": format!("target-{number}"), "name": "Target", "operations": operations});
            return format!("/apis/{}/manual?operation=list", made("/apis", body).await);
        }
        "/apis/" => made("/apis", json!({"slug": format!("target-{number}"), "name": "Target"})).await,
        "/api-sets/" => made("/api-sets", json!({"slug": format!("target-{number}"), "name": "Target"})).await,
        "/api-sets/templates/" => "yespo".to_owned(),
        "/applications/" => {
            let body = json!({
                "name": format!("target {number}"), "type": "permission-type", "public_url": "https://x.example",
            });
            let application = world.post(admin, "/applications", body).await;
            assert_eq!(application.status, 201, "{application:?}");
            let id = application.body["application"]["id"].as_str().expect("an id").to_owned();
            if path.ends_with("/mails") {
                let body = json!({
                    "application": id, "user_name": "target", "permission_type": 1, "profile_user": "ann@example.com",
                });
                made("/api-users", body).await;
            }
            id
        }
        "/api-users/" => {
            let body = json!({
                "application": "permission-app", "user_name": format!("target {number}"), "permission_type": 1,
                "profile_user": "ann@example.com",
            });
            made("/api-users", body).await
        }
        "/application-types/" => {
            let body = json!({"name": format!("target {number}"), "sign_in": "key_only", "api_sets": []});
            made("/application-types", body).await
        }
        "/webhooks/" => {
            let body = json!({"name": format!("target {number}"), "url": "https://hooks.example.com/"});
            let made = world.post(admin, "/webhooks", body).await;
            made.body["webhook"]["id"].as_str().expect("an id").to_owned()
        }
        "/roles/" => made("/roles", json!({"name": format!("target {number}"), "authorities": []})).await,
        "/invitations/" => {
            let body = json!({"email": format!("target{number}@example.com")});
            let made = world.post(admin, "/users", body).await;
            made.body["invitation"]["id"].as_str().expect("an id").to_owned()
        }
        "/users/" => made("/users", json!({"email": format!("target{number}@example.com")})).await,
        "/me/sessions/" => claviger_domain::SessionId::from_raw(1).to_string(),
        "/leaks/rules/" => return path.replace("{scanner}", "gitleaks"),
        "/mail/templates/" => return path.replace("{template}", "record_link").replace("{language}", "en"),
        "/nodes/" => a_node_that_signed_off(world, number).await,
        "/organizations/" if path.ends_with("/invite") => {
            let body = json!({"slug": "waiting", "name": "Waiting", "email": "dan@example.com"});
            let made = world.post(OPERATOR, "/organizations", body).await;
            made.body["organization"]["id"].as_str().expect("an id").to_owned()
        }
        "/organizations/" => world.get(admin, "/organization").await.text("id"),
        other => panic!("{other}: say how a thing for this path is made"),
    };
    let after = rest.split_once('}').expect("a closing brace").1;
    // A session that is not there.
    let after = after.replace("{session}", "aps_00000000000000000000000000");
    let after = after.replace("{delivery}", "evt_00000000000000000000000000");
    format!("{before}{id}{after}")
}

/// A management key of an application.
async fn application_key(world: &World, admin: &str) -> String {
    let kind = json!({"name": "Automation", "sign_in": "key_only", "api_sets": ["claviger-admin"]});
    assert_eq!(world.post(admin, "/application-types", kind).await.status, 201);
    let made = world.post(admin, "/applications", json!({"name": "actor", "type": "automation"})).await;
    made.text("secret")
}

/// A management key of a person with this role.
async fn user_key(world: &World, admin: &str, role: &str) -> String {
    let own = json!({"name": "Own keys", "slug": "own-keys", "authorities": ["keys.manage_own"]});
    assert_eq!(world.post(admin, "/roles", own).await.status, 201);
    let roles: Vec<&str> = Some(role).filter(|role| *role != "none").into_iter().collect();
    world.user_with_key(admin, "actor", &roles, &["claviger-admin"]).await.1
}

/// A node that can be forgotten: its id.
async fn a_node_that_signed_off(world: &World, number: usize) -> String {
    let row = crate::nodes::testing::row(1_000 + number as u128);
    claviger_store::nodes::join(&world.manage.store, &row.own, claviger_store::nodes::Progress::default())
        .await
        .expect("a node");
    claviger_store::nodes::sign_off(&world.manage.store, &row.own, NOW).await.expect("noted");
    row.own.id.to_string()
}

/// The status of each operation for one actor.
async fn statuses(actor: &str, operations: &[Operation]) -> Vec<u16> {
    let (world, admin) = World::with_organization().await;
    if actor == "operator-of-two" {
        let body = json!({"slug": "second", "name": "Second", "email": "bob@example.com"});
        assert_eq!(world.post(OPERATOR, "/organizations", body).await.status, 201);
    }
    let token = match actor {
        "anonymous" | "session:admin" => String::new(),
        "operator" | "operator-of-two" => OPERATOR.to_owned(),
        "bare-key" => world.key(&admin, "actor", &["full-access"]).await.1,
        "application" => application_key(&world, &admin).await,
        user if user.starts_with("user:") => user_key(&world, &admin, user.trim_start_matches("user:")).await,
        set => world.key(&admin, "actor", &[set]).await.1,
    };
    let password = "tulip brisk canal forty";
    if actor == "session:admin" {
        world.give_password(&admin, password).await;
    }
    let mut statuses = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        let path = fill(&world, &admin, &operation.path, number).await;
        let (method, body) = (&operation.method, body(&operation.id));
        if number % 50 == 49 {
            // An address signs in so often a minute.
            world.clock.advance(crate::visitor::WINDOW);
        }
        let reply = match actor {
            "session:admin" => world.call_in_session(password, method, &path, body).await,
            _ => world.call(method, &token, &path, body).await,
        };
        statuses.push(reply.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn the_permission_table_is_the_committed_one() {
    let operations = operations();
    let mut columns = Vec::new();
    for actor in ACTORS {
        columns.push(statuses(actor, &operations).await);
    }
    for (operation, (anonymous, bare)) in operations.iter().zip(columns[0].iter().zip(&columns[1])) {
        let open = OPEN.iter().find(|(id, _)| *id == operation.id).map(|(_, status)| *status);
        assert_eq!(*anonymous, open.unwrap_or(401), "{} is open to anybody", operation.id);
        // It asks who it is in its body, and each actor names nobody.
        assert!(
            [403, 404].contains(bare)
                || open == Some(*bare)
                || ["sign-in", "sign-in/code"].contains(&operation.id.as_str()),
            "{} is open to every key: {bare}",
            operation.id
        );
    }
    let mut table =
        String::from("# Who may do what: the status that each actor gets. Written by the test `permissions`.\n");
    let _ = writeln!(table, "{:<42} {}", "operation", ACTORS.join(" "));
    let mut rows: Vec<String> = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        let mut row = format!("{:<42}", format!("{} {}", operation.method, operation.path));
        for (actor, column) in ACTORS.iter().zip(&columns) {
            let _ = write!(row, " {:<width$}", column[at], width = actor.len());
        }
        rows.push(row.trim_end().to_owned());
    }
    rows.sort_by_key(|row| row.split_once(' ').map(|(method, path)| (path.to_owned(), method.to_owned())));
    table.push_str(&rows.join("\n"));
    table.push('\n');
    compare(&table);
}

#[allow(clippy::disallowed_methods, reason = "the wish to write the table anew comes from whoever runs the test")]
fn compare(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/permissions.txt");
    if std::env::var("UPDATE_PERMISSIONS").is_ok() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, table).expect("the table is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(table, committed, "run it with UPDATE_PERMISSIONS=1 and look at what changed");
}
