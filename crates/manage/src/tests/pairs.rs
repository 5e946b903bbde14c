//! Pairs: identifier and password.

use serde_json::json;

use crate::testing::World;

/// A new pair: its id, identifier and password.
async fn pair(world: &World, admin: &str, name: &str) -> (String, String, String) {
    let made = world.post(admin, "/keys", json!({"name": name, "api_sets": ["full-access"], "shape": "pair"})).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, "no-store"), "{made:?}");
    assert!(made.body.get("secret").is_none(), "{made:?}");
    let id = made.body["key"]["id"].as_str().expect("an id").to_owned();
    (id, made.text("identifier"), made.text("password"))
}

#[tokio::test]
async fn a_pair_is_answered_once_and_shows_its_identifiers_hint_afterwards() {
    let (world, admin) = World::with_organization().await;
    let (id, identifier, password) = pair(&world, &admin, "p").await;
    assert!(claviger_domain::pair::is_identifier(identifier.as_bytes()) && password.len() == 43);
    let read = world.get(&admin, &format!("/keys/{id}")).await;
    assert_eq!((read.text("shape"), read.text("reveal")), ("pair".to_owned(), "once".to_owned()));
    assert_eq!(read.text("hint"), format!("ci_…{}", &identifier[19..]));
    for text in [read.body.to_string(), world.get(&admin, "/keys").await.body.to_string()] {
        assert!(!text.contains(&identifier) && !text.contains(&password));
    }
}

#[tokio::test]
async fn a_pair_is_found_by_its_identifier_and_by_both_parts() {
    let (world, admin) = World::with_organization().await;
    let (id, identifier, password) = pair(&world, &admin, "p").await;
    for (pasted, standing) in [(identifier.clone(), "current"), (format!("{identifier}:{password}"), "current")] {
        let found = world.post(&admin, "/keys/lookup", json!({"credential": pasted})).await;
        assert_eq!((found.text("standing").as_str(), found.body["key"]["id"].as_str()), (standing, Some(&*id)));
    }
    for pasted in [format!("{identifier}:wrong-password"), password.clone(), "ci_0123456789abcdefghij".to_owned()] {
        world.post(&admin, "/keys/lookup", json!({"credential": pasted})).await.problem(404, "not_found");
    }
    world.call("DELETE", &admin, &format!("/keys/{id}"), None).await;
    let found = world.post(&admin, "/keys/lookup", json!({"credential": identifier})).await;
    assert_eq!(found.text("standing"), "ended");
}

#[tokio::test]
async fn another_organization_does_not_find_a_pair() {
    let (world, admin) = World::with_organization().await;
    let (_, identifier, _) = pair(&world, &admin, "p").await;
    let other = world.another_organization("other", "bob@example.com").await;
    world.post(&other, "/keys/lookup", json!({"credential": identifier})).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_rotation_changes_the_password_and_keeps_identifier_and_record() {
    let (world, admin) = World::with_organization().await;
    let (id, identifier, first) = pair(&world, &admin, "p").await;
    let path = format!("/keys/{id}/rotate");
    let rotated = world.post(&admin, &path, json!({"overlap_seconds": 60})).await;
    let second = rotated.text("password");
    assert!(second != first && rotated.body.get("identifier").is_none() && rotated.body.get("secret").is_none());
    assert_eq!(rotated.body["key"]["hint"], rotated.body["key"]["rotation"]["old_hint"]);
    for (password, standing) in [(&first, "overlapping"), (&second, "current")] {
        let pasted = format!("{identifier}:{password}");
        let found = world.post(&admin, "/keys/lookup", json!({"credential": pasted})).await;
        assert_eq!((found.text("standing").as_str(), found.body["key"]["id"].as_str()), (standing, Some(&*id)));
    }
}

#[tokio::test]
async fn another_shape_is_refused_by_its_field() {
    let (world, admin) = World::with_organization().await;
    let made = world.post(&admin, "/keys", json!({"name": "p", "api_sets": [], "shape": "triple"})).await;
    assert_eq!(made.problem(400, "invalid_request"), ["shape"]);
}
