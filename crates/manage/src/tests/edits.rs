//! Every member that an edit can change × the audit log: what it was before, and what it is after.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::permissions::{fill, operations};
use crate::testing::World;

/// Members whose change is no edit of a record.
const OTHERWISE: [(&str, &str); 2] = [
    // A link goes to the address, which a session alone may ask for; following it is the change, `user.change_email`.
    ("me/edit", "email"),
    // The session is another organization's from then on, and no record changes.
    ("session/switch", "organization"),
];
/// Members that are shown as part of another one.
const SHOWN_AS: [(&str, &str); 3] =
    [("profile_external", "profile_user"), ("expire_now", "expires_at"), ("password", "password_set_at")];

/// An edit of a thing as `fill` makes it that changes this member, and whatever must go with it.
fn edit(operation: &str, member: &str) -> Option<Value> {
    let noun = operation.split_once('/').map_or(operation, |(noun, _)| noun);
    let limit = || json!([{"name": "minute", "kind": "rate", "limit": 5, "window_seconds": 60}]);
    Some(match (noun, member) {
        ("organization", "slug") => json!({"slug": "another"}),
        (_, "name") => json!({"name": "Another"}),
        (_, "slug") => json!({"slug": "another-slug"}),
        (_, "allowed_ips") => json!({"allowed_ips": ["192.0.2.0/24"]}),
        (_, "limits") => json!({"limits": limit()}),
        (_, "language") => json!({"language": "pl"}),
        ("organization", "time_zone") => json!({"time_zone": "Asia/Tokyo"}),
        (_, "time_zone") => json!({"time_zone": "Europe/Warsaw"}),
        ("api-sets", "apis") => json!({"apis": ["default"]}),
        ("api-sets" | "keys", "operations") => json!({"operations": ["shop:*"]}),
        ("api-users", "user_name") => json!({"user_name": "another"}),
        ("applications" | "api-users", "active") => json!({"active": false}),
        ("api-users", "permission_type" | "contact") => {
            json!({"permission_type": 2, "contact": {"id": "C-7", "email": "bob@example.com"}})
        }
        ("api-users", "profile_user") => json!({"profile_user": "another@example.com"}),
        ("api-users", "profile_external") => json!({"profile_external": "another"}),
        ("api-users", "sign_in_method") => json!({"sign_in_method": "password_2fa"}),
        ("apis", "hosts") => json!({"hosts": [{"host": "api.example.com", "environment": "live"}]}),
        ("apis", "base_paths") => json!({"base_paths": ["/another"]}),
        ("apis", "unlisted_paths" | "report_only" | "preflight_without_key")
        | ("policy", "ip_list_required" | "delegated_creation") => json!({member: true}),
        ("apis", "manual_url") => json!({"manual_url": "https://manual.example.com/"}),
        ("apis", "version_pattern" | "versions") => json!({"version_pattern": "v#", "versions": ["v1"]}),
        ("apis", "credential_sources") => json!({"credential_sources": ["basic"]}),
        ("apis", "shared_with") => json!({"shared_with": "all"}),
        ("apis", "shared_full_access") => json!({"shared_full_access": true}),
        ("apis", "operations") => json!({"operations": [{"name": "list", "method": "GET", "path": "/x"}]}),
        ("application-types" | "keys", "api_sets") => json!({"api_sets": ["full-access"]}),
        ("application-types", "fields") => json!({"fields": {"public_url": "required"}}),
        ("applications", "password") => json!({"password": "harbour violet nine anvil"}),
        ("applications", "public_url") => json!({"public_url": "https://another.example.com"}),
        ("keys", "description") => json!({"description": "another"}),
        ("keys", "not_before") => json!({"not_before": "2026-02-01"}),
        ("keys", "idle_exempt") => json!({"idle_exempt": true}),
        ("keys", "external_id") => json!({"external_id": "C-7"}),
        ("keys", "tags") => json!({"tags": ["another"]}),
        ("keys", "metadata") => json!({"metadata": {"another": 1}}),
        ("keys", "expires_at") => json!({"expires_at": "2026-03-01"}),
        ("keys", "expire_now") => json!({"expire_now": true}),
        ("notices", "kinds") => json!({"kinds": {"created": {"administrators": true, "addresses": true}}}),
        ("notices", "addresses") => json!({"addresses": ["another@example.com"]}),
        ("organization", "key_prefix") => json!({"key_prefix": "another"}),
        ("organization", "admin_contact") => json!({"admin_contact": "it-desk@example.com"}),
        ("policy", "max_lifetime") => json!({"max_lifetime": {"organization": {"days": 365}}}),
        ("policy", "idle_days") => json!({"idle_days": 60}),
        ("policy", "reveal") => json!({"reveal": {"organization": "recoverable"}}),
        ("policy", "approval") => json!({"approval": ["full-access"]}),
        ("policy", "max_keys") => json!({"max_keys": {"organization": 1_000}}),
        ("policy", "unique_names") => json!({"unique_names": "organization"}),
        ("policy", "old_secret_use") => json!({"old_secret_use": "disable"}),
        ("policy", "status_profile") => json!({"status_profile": "gotransverse"}),
        ("roles", "authorities") => json!({"authorities": ["keys.manage_own"]}),
        ("roles", "levels") => json!({"levels": {"max_keys": 7}}),
        ("users", "username") => json!({"username": "renamed"}),
        ("users", "roles") => json!({"roles": ["developer"]}),
        ("users", "account_expires_at") => json!({"account_expires_at": "2027-01-01"}),
        ("users", "email") => json!({"email": "elsewhere@example.com"}),
        ("webhooks", "url") => json!({"url": "https://another.example.com/"}),
        ("webhooks", "events") => json!({"events": ["key.created"]}),
        _ => return None,
    })
}

/// The members of the body that an operation of the document takes.
fn members(document: &Value, path: &str) -> Vec<String> {
    let body = &document["paths"][format!("/api/v1{path}")]["patch"]["requestBody"]["content"]["application/json"];
    let reference = body["schema"]["$ref"].as_str().unwrap_or_else(|| panic!("{path}: {body}"));
    let schema = &document["components"]["schemas"][reference.rsplit('/').next().unwrap_or_default()];
    schema["properties"].as_object().unwrap_or_else(|| panic!("{reference}")).keys().cloned().collect()
}

/// The entries behind number `seq`, the oldest first.
async fn entries_behind(world: &World, admin: &str, seq: i64) -> Vec<Value> {
    let list = world.get(admin, "/audit?limit=100").await.body;
    let entries = list["data"].as_array().expect("entries").iter().rev();
    entries.filter(|entry| entry["seq"].as_i64() > Some(seq)).cloned().collect()
}

#[tokio::test]
async fn every_member_of_every_edit_leaves_an_entry_with_before_and_after() {
    let (world, admin) = World::with_organization().await;
    let (_, person) = world.user_with_key(&admin, "another", &["admin"], &["claviger-admin"]).await;
    let operations_of_it = json!([{"name": "list", "method": "GET", "path": "/x"}]);
    let shop = json!({"slug": "shop", "name": "Shop", "operations": operations_of_it});
    assert_eq!(world.post(&admin, "/apis", shop).await.status, 201);
    let document = serde_json::to_value(crate::openapi()).expect("the document is JSON");
    let edits = operations().into_iter().filter(|operation| operation.method == "PATCH");
    let (mut number, mut wrong) = (0, Vec::new());
    for operation in edits {
        for member in members(&document, &operation.path) {
            let id = operation.id.as_str();
            if OTHERWISE.contains(&(id, &*member)) {
                continue;
            }
            let Some(body) = edit(id, &member) else { panic!("say how {id} changes {member}") };
            number += 1;
            let path = fill(&world, &admin, &operation.path, number).await;
            let token = if id == "me/edit" { &person } else { &admin };
            // What is told by an instant differs.
            world.clock.advance(Duration::from_millis(1));
            let seq = world.get(&admin, "/audit?limit=1").await.body["data"][0]["seq"].as_i64().expect("a number");
            let done = world.patch(token, &path, body.clone()).await;
            if !done.status.is_success() {
                wrong.push(format!("{id} {body}: {done:?}"));
                continue;
            }
            let entries = entries_behind(&world, &admin, seq).await;
            if !entries.iter().any(|entry| is_of_both(entry, &member)) {
                wrong.push(format!("{id} {body}: {}", Value::Array(entries)));
            }
        }
    }
    assert!(number > 60, "{number}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether an entry has the same members before and after, this one among them, and with other values.
fn is_of_both(entry: &Value, member: &str) -> bool {
    let shown = SHOWN_AS.iter().find(|(name, _)| *name == member).map_or(member, |(_, shown)| shown);
    let members = |name: &str| entry[name].as_object().cloned().unwrap_or_default();
    let (before, after): (Map<_, _>, Map<_, _>) = (members("before"), members("after"));
    before.keys().eq(after.keys())
        && after.contains_key(shown)
        && before.iter().all(|(name, value)| after[name] != *value)
}

#[tokio::test]
async fn operations_that_are_exchanged_are_shown_as_they_were_and_as_they_are() {
    let (world, admin) = World::with_organization().await;
    let list = json!({"name": "list", "method": "GET", "path": "/x", "tags": ["a"]});
    let kept = json!({"name": "kept", "method": "GET", "path": "/kept"});
    let shop = json!({"slug": "shop", "name": "Shop", "operations": [list, kept]});
    assert_eq!(world.post(&admin, "/apis", shop).await.status, 201);
    let drop = json!({"name": "drop", "method": "DELETE", "path": "/x"});
    let edited = world.patch(&admin, "/apis/shop", json!({"operations": [drop, kept]})).await;
    assert_eq!(edited.status, 200, "{edited:?}");
    let entry = world.audited(&admin, "api.edit").await;
    let operations = |side: &str| json!({"operations": entry[side]["operations"]});
    assert_eq!(operations("before"), json!({"operations": [list]}), "{entry}");
    assert_eq!(operations("after"), json!({"operations": [drop]}), "{entry}");
    // An import over them, of more than an entry shows.
    let path = |number: usize| (format!("/p{number}"), json!({"get": {"operationId": format!("o{number}")}}));
    let paths: Map<_, _> = (0..60).map(path).collect();
    let document = json!({"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": paths});
    let imported = world.post(&admin, "/apis/import?slug=shop", document).await;
    assert!(imported.status.is_success(), "{imported:?}");
    let entry = world.audited(&admin, "api.import").await;
    let shown = entry["after"]["operations"].as_array().expect("operations").clone();
    assert_eq!((shown.len(), shown.last()), (51, Some(&json!({"more": 10}))), "{entry}");
    assert_eq!(entry["before"]["operations"].as_array().map(Vec::len), Some(2), "{entry}");
}
