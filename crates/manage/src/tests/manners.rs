//! What every noun has in common: entity tags, two writers at once, absurd names.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::permissions::{body, fill, operations};
use crate::testing::{OPERATOR, Reply, World};

async fn with_if_match(world: &World, method: &str, token: &str, path: &str, tag: &str, body: Option<&Value>) -> Reply {
    let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    let request = request.header("authorization", format!("Bearer {token}")).header("if-match", tag);
    let request = request.header("content-type", "application/json");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    world.send(request.body(body).expect("a request")).await
}

#[tokio::test]
async fn every_edit_honours_if_match_and_every_record_that_can_be_edited_has_a_tag() {
    let all = operations();
    let mut edits = 0;
    for (number, operation) in all.iter().enumerate().filter(|(_, operation)| operation.method != "POST") {
        // A node's row and a session change by themselves, a password is read by nobody, and a second factor is there or not:
        // they have no version; an invitation never changes, and oneself is one person in several organizations.
        let has_none = [
            "nodes/forget",
            "invitations/revoke",
            "session/switch",
            "session/end",
            "me/password/change",
            "me/edit",
            "me/2fa/remove",
            "api-users/set-password",
            "api-users/sessions/end",
            "api-users/sessions/end-all",
        ];
        let has_none = has_none.contains(&operation.id.as_str()) || operation.id.starts_with("me/sessions/");
        if operation.method == "GET" || has_none {
            continue;
        }
        let (world, admin) = World::with_organization().await;
        let path = fill(&world, &admin, &operation.path, number).await;
        let tag = if all.iter().any(|other| other.method == "GET" && other.path == operation.path) {
            let read = world.get(&admin, &path).await;
            assert_eq!(read.status, 200, "{}: {read:?}", operation.id);
            read.header("etag").to_owned()
        } else {
            panic!("{} changes what nobody can read", operation.id)
        };
        let body = body(&operation.id);
        for stale in ["\"999\"", "\"0\", \"998\"", "W/\"1\"", "nonsense"] {
            let refused = with_if_match(&world, &operation.method, &admin, &path, stale, body.as_ref()).await;
            refused.problem(412, "stale");
        }
        let done =
            with_if_match(&world, &operation.method, &admin, &path, &format!("\"998\", {tag}"), body.as_ref()).await;
        assert!(done.status.is_success(), "{}: {done:?}", operation.id);
        if operation.method == "PATCH" {
            assert_ne!(done.header("etag"), tag, "{}", operation.id);
            assert_eq!(world.get(&admin, &path).await.header("etag"), done.header("etag"), "{}", operation.id);
        }
        edits += 1;
    }
    assert!(edits >= 8, "only {edits} operations edit");
}

#[tokio::test]
async fn of_two_writers_one_is_told_if_it_asks_and_the_last_wins_if_not() {
    let (world, admin) = World::with_organization().await;
    let path = format!("/keys/{}", world.key(&admin, "k", &[]).await.0);
    let (one, other) = (json!({"description": "one"}), json!({"description": "other"}));
    let (first, second) = tokio::join!(
        with_if_match(&world, "PATCH", &admin, &path, "\"1\"", Some(&one)),
        with_if_match(&world, "PATCH", &admin, &path, "\"1\"", Some(&other)),
    );
    let statuses = [first.status.as_u16(), second.status.as_u16()];
    assert!(statuses == [200, 412] || statuses == [412, 200], "{statuses:?}");
    let kept = world.get(&admin, &path).await;
    let winner = if statuses[0] == 200 { "one" } else { "other" };
    assert_eq!((kept.text("description").as_str(), kept.header("etag")), (winner, "\"2\""));
    let (first, second) = tokio::join!(
        world.patch(&admin, &path, json!({"description": "a"})),
        world.patch(&admin, &path, json!({"external_id": "b"})),
    );
    assert!(first.status == 200 && second.status == 200, "{first:?} {second:?}");
    let merged = world.get(&admin, &path).await;
    assert_eq!((merged.text("description"), merged.text("external_id")), ("a".to_owned(), "b".to_owned()));
}

#[tokio::test]
async fn absurd_names_are_refused_by_every_noun() {
    let (world, admin) = World::with_organization().await;
    let long = "n".repeat(10_000);
    for (noun, token, rest) in [
        ("/keys", admin.as_str(), json!({"api_sets": []})),
        ("/apis", admin.as_str(), json!({"slug": "a"})),
        ("/api-sets", admin.as_str(), json!({"slug": "a"})),
        ("/organizations", OPERATOR, json!({"slug": "a", "email": "a@example.com"})),
        ("/roles", admin.as_str(), json!({"slug": "a", "authorities": []})),
        ("/users", admin.as_str(), json!({"email": "a@example.com"})),
        ("/application-types", admin.as_str(), json!({"slug": "a", "sign_in": "key_only", "api_sets": []})),
        ("/applications", admin.as_str(), json!({"slug": "a", "type": "service"})),
    ] {
        let names = [
            "",
            " ",
            "\u{3000}",
            "a\u{0}b",
            "a\u{7}b",
            "a\nb",
            "a\u{85}b",
            "a\u{9f}",
            "\u{1b}[2Jgone",
            "\u{200b}",
            "a\u{202e}b",
            "\u{200d}",
            "Im\u{200d}port",
            "Im\u{fe0f}port",
            "\u{2800}",
            "a\u{2028}b",
            "a\u{2029}b",
            &long,
        ];
        for name in names {
            let mut body = rest.clone();
            body["name"] = json!(name);
            let refused = world.post(token, noun, body).await;
            let shown = name.escape_debug().take(20).collect::<String>();
            assert_eq!(refused.problem(400, "invalid_request"), ["name"], "{noun} {shown}");
        }
        for name in [json!(7), json!(null), json!(["a"])] {
            if name.is_null() && noun == "/users" {
                continue;
            }
            let mut body = rest.clone();
            body["name"] = name;
            assert_eq!(world.post(token, noun, body).await.problem(400, "invalid_request"), ["name"], "{noun}");
        }
        for slug in ["", "A", "a_b", "-a", "a-", "é", "a\u{0}", long.as_str()] {
            if !["/keys", "/users"].contains(&noun) {
                let mut body = rest.clone();
                (body["name"], body["slug"]) = (json!("n"), json!(slug));
                let refused = world.post(token, noun, body).await;
                assert_eq!(refused.problem(400, "invalid_request"), ["slug"], "{noun} {slug:.10}");
            }
        }
    }
}

#[tokio::test]
async fn names_that_read_alike_are_taken_and_look_alikes_of_other_letters_are_names_of_their_own() {
    let (world, admin) = World::with_organization().await;
    world.key(&admin, "Straße É", &[]).await;
    for alike in ["STRASSE é", "straße E\u{301}", "  Straße É ", "Ｓtrasse É"] {
        let refused = world.post(&admin, "/keys", json!({"name": alike, "api_sets": []})).await;
        refused.problem(409, "name_taken");
    }
    // A joiner where its script needs one makes no other name; elsewhere it is none.
    world.key(&admin, "می\u{200c}خواهم", &[]).await;
    let joined = world.post(&admin, "/keys", json!({"name": "میخواهم", "api_sets": []})).await;
    joined.problem(409, "name_taken");
    let unseen = world.post(&admin, "/keys", json!({"name": "Straße\u{200d} É", "api_sets": []})).await;
    assert_eq!(unseen.problem(400, "invalid_request"), ["name"]);
    // Cyrillic: no folding makes it the Latin letter, so it is shown as it is and told apart by its id.
    world.key(&admin, "Strаße É", &[]).await;
}

#[tokio::test]
async fn a_hundred_thousand_tags_are_one_sentence() {
    let (world, admin) = World::with_organization().await;
    let tags: Vec<String> = (0..100_000).map(|number| format!("{number:x}")).collect();
    let refused = world.post(&admin, "/keys", json!({"name": "k", "api_sets": [], "tags": tags})).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["tags"]);
    let (id, _) = world.key(&admin, "k", &[]).await;
    let refused = world.patch(&admin, &format!("/keys/{id}"), json!({"tags": tags})).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["tags"]);
    for (tag, field) in [("t".repeat(10_000), "tags[0]"), ("a\u{0}".to_owned(), "tags[0]"), (" ".to_owned(), "tags[0]")]
    {
        let refused = world.post(&admin, "/keys", json!({"name": "l", "api_sets": [], "tags": [tag]})).await;
        assert_eq!(refused.problem(400, "invalid_request"), [field]);
    }
}
