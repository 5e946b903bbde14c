//! Applications, their types and their keys.

use serde_json::{Value, json};

use crate::testing::{Reply, World};

/// An organization with an API of two sets, and a type that allows the first of them.
async fn world() -> (World, String) {
    let (world, admin) = World::with_organization().await;
    let operations = json!([
        {"method": "GET", "path": "/issues", "name": "issues/list"},
        {"method": "GET", "path": "/pulls", "name": "pulls/list"},
    ]);
    let api = json!({"name": "Git", "slug": "git", "operations": operations});
    assert_eq!(world.post(&admin, "/apis", api).await.status, 201);
    for slug in ["issues", "pulls"] {
        let set = json!({"name": slug, "operations": [format!("git:{slug}/*")]});
        assert_eq!(world.post(&admin, "/api-sets", set).await.status, 201);
    }
    let kind = json!({"name": "Partner", "sign_in": "key_only", "api_sets": ["issues"]});
    let made = world.post(&admin, "/application-types", kind).await;
    assert_eq!((made.status.as_u16(), made.text("slug")), (201, "partner".to_owned()), "{made:?}");
    (world, admin)
}

async fn application(world: &World, admin: &str, name: &str) -> Reply {
    let made = world.post(admin, "/applications", json!({"name": name, "type": "partner"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_application_comes_with_its_first_key() {
    let (world, admin) = world().await;
    let made = application(&world, &admin, "Portal").await;
    assert_eq!((made.header("cache-control"), made.header("etag")), ("no-store", "\"1\""));
    assert_eq!(made.body["password"], Value::Null);
    assert!(made.text("secret").starts_with("clv_live_"));
    let (application, key) = (&made.body["application"], &made.body["key"]);
    assert_eq!(
        (&application["type"], &application["active"], &application["api_sets"], &application["counts"]["keys"]),
        (&json!("partner"), &json!(true), &json!(["issues"]), &json!(1))
    );
    let owner = json!({"type": "application", "id": application["id"], "name": "Portal"});
    assert_eq!((&key["owner"], &key["api_sets"], &key["name"]), (&owner, &json!(["issues"]), &json!("Portal")));
    let read = world.get(&admin, "/applications/portal").await;
    assert_eq!(read.body, *application);
    let listed = world.get(&admin, "/applications?type=partner&active=true&text=PORT").await;
    assert_eq!(listed.body["data"], json!([application]));
    let keys = world.get(&admin, "/applications/portal/keys").await;
    assert_eq!(keys.body["data"][0]["id"], key["id"]);
    assert_eq!(keys.body["data"].as_array().map(Vec::len), Some(1), "the organization's own key is not its");
}

#[tokio::test]
async fn keys_of_an_application_stay_within_its_type() {
    let (world, admin) = world().await;
    application(&world, &admin, "Portal").await;
    let body = json!({"name": "second", "api_sets": ["issues"], "owner": {"type": "application", "id": "portal"}});
    let made = world.post(&admin, "/keys", body).await;
    assert_eq!((made.status.as_u16(), &made.body["key"]["owner"]["name"]), (201, &json!("Portal")), "{made:?}");
    let path = format!("/keys/{}", id(&made.body["key"]));
    let outside = json!({"name": "third", "api_sets": ["pulls"], "owner": {"type": "application", "id": "portal"}});
    assert_eq!(world.post(&admin, "/keys", outside).await.problem(400, "invalid_request"), ["api_sets"]);
    let widened = world.patch(&admin, &path, json!({"api_sets": ["issues", "full-access"]})).await;
    assert_eq!(widened.problem(400, "invalid_request"), ["api_sets"]);
    let by_path = world.post(&admin, "/applications/portal/keys", json!({"name": "third", "api_sets": []})).await;
    assert_eq!(by_path.status, 201, "{by_path:?}");
    let twice = json!({"name": "x", "api_sets": [], "owner": {"type": "organization"}});
    assert_eq!(world.post(&admin, "/applications/portal/keys", twice).await.problem(400, "invalid_request"), ["owner"]);
    for (owner, field) in [
        (json!({"type": "application", "id": "nobody"}), "owner.id"),
        (json!({"type": "application", "id": "app_00000000000000000000000000"}), "owner.id"),
    ] {
        let body = json!({"name": "x", "api_sets": [], "owner": owner});
        assert_eq!(world.post(&admin, "/keys", body).await.problem(404, "not_found"), [field]);
    }
    let nameless = json!({"name": "x", "api_sets": [], "owner": {"type": "application"}});
    assert_eq!(world.post(&admin, "/keys", nameless).await.problem(400, "invalid_request"), ["owner.id"]);
    let listed = world.get(&admin, "/keys?owner=portal").await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(3));
    let own = world.get(&admin, "/keys?owner=organization").await;
    assert_eq!(own.body["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get(&admin, "/keys?owner=nobody").await.problem(404, "not_found"), ["owner"]);
}

#[tokio::test]
async fn names_are_unique_per_type_and_slugs_in_the_organization() {
    let (world, admin) = world().await;
    application(&world, &admin, "Portal").await;
    let again = world.post(&admin, "/applications", json!({"name": "PORTAL", "type": "partner"})).await;
    assert_eq!(again.problem(409, "name_taken"), ["name"]);
    let other = json!({"name": "Other", "sign_in": "key_only", "api_sets": []});
    world.post(&admin, "/application-types", other).await;
    let same = world.post(&admin, "/applications", json!({"name": "Portal", "type": "other"})).await;
    assert_eq!((same.status.as_u16(), &same.body["application"]["slug"]), (201, &json!("portal-2")), "{same:?}");
    world.post(&admin, "/applications", json!({"name": "Archive", "type": "other", "slug": "zoo"})).await;
    for (sort, expected) in [
        ("slug", ["portal", "portal-2", "zoo"]),
        ("-slug", ["zoo", "portal-2", "portal"]),
        ("name", ["zoo", "portal", "portal-2"]),
    ] {
        let mut slugs = Vec::new();
        let mut path = format!("/applications?limit=1&sort={sort}");
        while slugs.len() < 3 {
            let page = world.get(&admin, &path).await;
            slugs.push(page.body["data"][0]["slug"].as_str().unwrap_or_default().to_owned());
            let next = page.body["next_cursor"].as_str().unwrap_or_default();
            path = format!("/applications?limit=1&sort={sort}&cursor={next}");
        }
        assert_eq!(slugs, expected, "{sort}");
    }
    let taken = world.post(&admin, "/applications", json!({"name": "New", "type": "other", "slug": "portal"})).await;
    assert_eq!(taken.problem(409, "name_taken"), ["slug"]);
    let renamed = world.patch(&admin, "/applications/portal-2", json!({"slug": "portal"})).await;
    assert_eq!(renamed.problem(409, "name_taken"), ["slug"]);
}

#[tokio::test]
async fn wrong_applications_are_refused_by_their_fields() {
    let (world, admin) = world().await;
    for (body, status, code, field) in [
        (json!({"name": "a:b", "type": "partner"}), 400, "invalid_request", "name"),
        (json!({"name": " ", "type": "partner"}), 400, "invalid_request", "name"),
        (json!({"name": "a\u{0}b", "type": "partner"}), 400, "invalid_request", "name"),
        (json!({"name": "x".repeat(10_000), "type": "partner"}), 400, "invalid_request", "name"),
        (json!({"name": "x", "type": "nothing"}), 404, "not_found", "type"),
        (json!({"name": "x"}), 400, "invalid_request", "type"),
        (
            json!({"name": "x", "type": "partner", "allowed_ips": ["300.1.1.1"]}),
            400,
            "invalid_request",
            "allowed_ips[0]",
        ),
        (json!({"name": "x", "type": "partner", "public_url": "ftp://x"}), 400, "invalid_request", "public_url"),
        (json!({"name": "x", "type": "partner", "password": "hunter2hunter2"}), 400, "invalid_request", "password"),
    ] {
        assert_eq!(world.post(&admin, "/applications", body.clone()).await.problem(status, code), [field], "{body}");
    }
    let kind = json!({"name": "x", "sign_in": "signature", "api_sets": [], "fields": {"allowed_ips": "optional"}});
    let refused = world.post(&admin, "/application-types", kind).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["fields.allowed_ips"]);
    for set in ["git-general", "claviger-verify"] {
        let kind = json!({"name": "x", "sign_in": "key_only", "api_sets": [set]});
        let refused = world.post(&admin, "/application-types", kind).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["api_sets"], "{set}");
    }
    assert_eq!(world.get(&admin, "/applications").await.body["data"], json!([]), "nothing was made");
}

#[tokio::test]
async fn a_stale_edit_is_refused_and_another_organization_sees_nothing() {
    let (world, admin) = world().await;
    let made = application(&world, &admin, "Portal").await;
    let path = format!("/applications/{}", id(&made.body["application"]));
    let changed = world.patch(&admin, &path, json!({"public_url": "https://portal.example.com"})).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"2\""), "{changed:?}");
    let request = http::Request::builder()
        .method("PATCH")
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {admin}"))
        .header("content-type", "application/json")
        .header("if-match", "\"1\"")
        .body(axum::body::Body::from(r#"{"name": "Stale"}"#));
    world.send(request.expect("a request")).await.problem(412, "stale");
    let other = world.another_organization("other", "eve@example.com").await;
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/disable"))] {
        world.call(method, &other, &path, None).await.problem(404, "not_found");
    }
    world.get(&other, "/application-types/partner").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_deleted_application_takes_its_keys_along_however_many() {
    let (world, admin) = world().await;
    let made = application(&world, &admin, "Portal").await;
    for number in 0..130 {
        let body = json!({"name": format!("key {number}"), "api_sets": []});
        assert_eq!(world.post(&admin, "/applications/portal/keys", body).await.status, 201);
    }
    world.call("DELETE", &admin, "/application-types/partner", None).await.problem(409, "conflict");
    assert_eq!(world.call("DELETE", &admin, "/applications/portal", None).await.status, 204);
    world.get(&admin, "/applications/portal").await.problem(404, "not_found");
    assert_eq!(world.get(&admin, "/keys").await.body["data"].as_array().map(Vec::len), Some(1), "the first key alone");
    let found = world.post(&admin, "/keys/lookup", json!({"credential": made.text("secret")})).await;
    assert_eq!((found.text("standing"), &found.body["key"]["state"]), ("ended".to_owned(), &json!("deleted")));
    assert_eq!(world.call("DELETE", &admin, "/application-types/partner", None).await.status, 204);
}

#[tokio::test]
async fn a_set_that_a_type_allows_is_not_deleted() {
    let (world, admin) = world().await;
    let refused = world.call("DELETE", &admin, "/api-sets/issues", None).await;
    refused.problem(409, "conflict");
    assert!(refused.text("detail").contains("1 type of applications allows"), "{refused:?}");
    let changed = world.patch(&admin, "/application-types/partner", json!({"api_sets": ["pulls"]})).await;
    assert_eq!((changed.status.as_u16(), &changed.body["api_sets"]), (200, &json!(["pulls"])));
    assert_eq!(world.call("DELETE", &admin, "/api-sets/issues", None).await.status, 204);
}

#[tokio::test]
async fn a_management_key_of_an_application_ends_with_it_and_with_its_type() {
    let (world, admin) = world().await;
    let kind = json!({"name": "Robot", "sign_in": "key_only", "api_sets": ["claviger-keys-read"]});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let token = world.post(&admin, "/applications", json!({"name": "Robot", "type": "robot"})).await.text("secret");
    assert_eq!(world.get(&token, "/keys").await.status, 200);
    world.call("POST", &admin, "/applications/robot/disable", None).await;
    world.get(&token, "/keys").await.problem(401, "unauthenticated");
    world.call("POST", &admin, "/applications/robot/enable", None).await;
    assert_eq!(world.get(&token, "/keys").await.status, 200);
    let listed = world.patch(&admin, "/applications/robot", json!({"allowed_ips": ["192.0.2.1"]})).await;
    assert_eq!(listed.status, 200, "{listed:?}");
    world.get(&token, "/keys").await.problem(403, "forbidden");
    world.patch(&admin, "/applications/robot", json!({"allowed_ips": null})).await;
    world.patch(&admin, "/application-types/robot", json!({"api_sets": []})).await;
    world.get(&token, "/keys").await.problem(403, "forbidden");
}

#[tokio::test]
async fn nobody_opens_more_to_applications_than_they_have() {
    let (world, admin) = world().await;
    // Who may manage applications and nothing else cannot be made by sets yet: the operator of two organizations and a
    // key with fewer sets stand at the door already, which the permission table shows. Here: the sets of a type.
    let (_, writer) = world.key(&admin, "writer", &["claviger-keys-write"]).await;
    let kind = json!({"name": "Robot", "sign_in": "key_only", "api_sets": ["claviger-admin"]});
    world.post(&writer, "/application-types", kind.clone()).await.problem(403, "forbidden");
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let application = world.post(&admin, "/applications", json!({"name": "Robot", "type": "robot"})).await;
    assert_eq!(application.status, 201, "{application:?}");
    let body = json!({"name": "more", "api_sets": ["claviger-admin"]});
    world.post(&writer, "/applications/robot/keys", body).await.problem(403, "forbidden");
}

#[tokio::test]
async fn nobody_puts_to_work_an_application_that_may_do_more_than_they() {
    use claviger_domain::authority::{Authorities, Authority};
    let (world, admin) = world().await;
    let kind = json!({"name": "Robot", "sign_in": "key_only", "api_sets": ["claviger-keys-read"]});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    for (name, kind) in [("Robot", "robot"), ("Portal", "partner")] {
        let made = world.post(&admin, "/applications", json!({"name": name, "type": kind})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    // No set stands for applications alone: such a caller is made by hand.
    let id = world.get(&admin, "/organization").await.text("id");
    let held = [Authority::ApplicationsManage];
    let request_id = claviger_domain::RequestId::new(crate::testing::NOW, &*world.manage.random);
    let ctx = crate::Ctx {
        organization: Some(id.parse().expect("an id")),
        authorities: Authorities::of(&held),
        ..crate::Ctx::operator(request_id, crate::testing::NOW)
    };
    let (manage, any) = (&world.manage, crate::body::IfMatch::ANY);
    let edit = |field: &str, value: Value| serde_json::from_value(json!({field: value})).expect("an edit");
    let refused = |error: crate::Error| error.code() == crate::ErrorCode::Forbidden;
    for change in [edit("active", json!(true)), edit("allowed_ips", json!(null)), edit("name", json!("Other"))] {
        let edited = crate::applications::edit(manage, &ctx, "robot".to_owned(), any.clone(), change).await;
        assert!(edited.is_err_and(refused));
    }
    let reason = crate::keys::Reason::default;
    // Ending is free to whoever manages applications; what it ended, only who holds as much starts again.
    crate::applications::disable(manage, &ctx, "robot".to_owned(), reason()).await.expect("disabled");
    let enabled = crate::applications::enable(manage, &ctx, "robot".to_owned(), reason()).await;
    assert!(enabled.is_err_and(refused));
    let change = edit("name", json!("Other portal"));
    crate::applications::edit(manage, &ctx, "portal".to_owned(), any, change).await.expect("its type is none of ours");
    assert_eq!(world.call("POST", &admin, "/applications/robot/enable", None).await.status, 200);
}

#[tokio::test]
async fn keys_are_found_by_a_tag() {
    let (world, admin) = World::with_organization().await;
    for (name, tags) in [("one", json!(["blue", "red"])), ("two", json!(["blueish"])), ("three", json!([]))] {
        let body = json!({"name": name, "api_sets": [], "tags": tags, "description": "blue\nred"});
        assert_eq!(world.post(&admin, "/keys", body).await.status, 201);
    }
    let found = world.get(&admin, "/keys?tag=BLUE").await;
    assert_eq!(found.body["data"].as_array().map(Vec::len), Some(1), "{found:?}");
    assert_eq!(found.body["data"][0]["name"], "one");
    assert_eq!(world.get(&admin, "/keys?tag=blu").await.body["data"], json!([]));
}

#[tokio::test]
async fn f_04_a_password_is_made_or_chosen_shown_once_and_rotated() {
    let (world, admin) = world().await;
    let kind = json!({"name": "Portal", "sign_in": "session", "api_sets": ["issues"]});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let made = world.post(&admin, "/applications", json!({"name": "Ours", "type": "portal"})).await;
    assert_eq!((made.status.as_u16(), made.header("cache-control")), (201, "no-store"), "{made:?}");
    let password = made.text("password");
    assert_eq!(password.len(), 32, "made where none is chosen");
    let chosen = json!({"name": "Theirs", "type": "portal", "password": "a chosen one of theirs"});
    assert_eq!(world.post(&admin, "/applications", chosen).await.text("password"), "a chosen one of theirs");
    for (password, number) in [("short", 1), (&*format!("clv_live_{}", "a".repeat(38)), 2)] {
        let body = json!({"name": format!("No {number}"), "type": "portal", "password": password});
        let refused = world.post(&admin, "/applications", body).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["password"]);
    }
    let read = world.get(&admin, "/applications/ours").await;
    assert!(read.body["password_set_at"].is_string() && !read.body.to_string().contains(&password), "{read:?}");
    let rotated = world.post(&admin, "/applications/ours/rotate-password", json!({"overlap_seconds": 60})).await;
    assert_eq!((rotated.status.as_u16(), rotated.header("cache-control")), (200, "no-store"), "{rotated:?}");
    assert_ne!(rotated.text("password"), password);
    let entry = world.audited(&admin, "application.rotate_password").await;
    assert!(!entry.to_string().contains(&rotated.text("password")), "{entry}");
    let edited = world.patch(&admin, "/applications/ours", json!({"password": "another one of ours"})).await;
    assert_eq!(edited.status, 200, "{edited:?}");
    assert_ne!(edited.body["password_set_at"], json!(null));
    let entry = world.audited(&admin, "application.edit").await;
    assert!(!entry.to_string().contains("another one"), "{entry}");
    let weak = world.patch(&admin, "/applications/ours", json!({"password": "short"})).await;
    assert_eq!(weak.problem(400, "invalid_request"), ["password"]);
    let late = json!({"overlap_seconds": 2_592_001});
    let refused = world.post(&admin, "/applications/ours/rotate-password", late).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["overlap_seconds"]);
    application(&world, &admin, "Plain").await;
    let none = world.post(&admin, "/applications/plain/rotate-password", json!({"overlap_seconds": 0})).await;
    assert_eq!(none.problem(409, "conflict"), [""; 0]);
    let none = world.patch(&admin, "/applications/plain", json!({"password": "another one of ours"})).await;
    assert_eq!(none.problem(400, "invalid_request"), ["password"]);
}

#[tokio::test]
async fn f_06_predefined_types_come_once_with_the_sets_of_the_template() {
    let (world, admin) = world().await;
    let made = world.call("POST", &admin, "/application-types/predefined", None).await;
    assert_eq!(made.status, 200, "{made:?}");
    let slugs: Vec<_> = made.body["types"].as_array().expect("types").iter().map(|kind| kind["slug"].clone()).collect();
    let expected = ["webservice-standard", "webservice-premium", "manage-consents", "sms", "pbx", "token"];
    assert_eq!(slugs, expected.map(Value::from));
    let sms = world.get(&admin, "/application-types/sms").await;
    assert_eq!(
        (&sms.body["sign_in"], &sms.body["fields"], &sms.body["predefined"]),
        (
            &json!("key_and_token"),
            &json!({"name": "required", "password": "hidden", "allowed_ips": "required", "public_url": "hidden"}),
            &json!(true)
        )
    );
    let nowhere = world.post(&admin, "/applications", json!({"name": "Gateway", "type": "sms"})).await;
    assert_eq!(nowhere.problem(400, "invalid_request"), ["allowed_ips"]);
    let url =
        json!({"name": "Gateway", "type": "sms", "allowed_ips": ["192.0.2.1"], "public_url": "https://x.example"});
    assert_eq!(world.post(&admin, "/applications", url).await.problem(400, "invalid_request"), ["public_url"]);
    let operations = json!([{"method": "POST", "path": "/webservice/SMS/Reception", "name": "reception"}]);
    let api = json!({"name": "CRM", "slug": "crm", "operations": operations});
    assert_eq!(world.post(&admin, "/apis", api).await.status, 201);
    let applied = world.post(&admin, "/api-sets/templates/yetiforce", json!({"api": "crm"})).await;
    assert_eq!(applied.status, 200, "{applied:?}");
    let again = world.call("POST", &admin, "/application-types/predefined", None).await;
    assert_eq!(again.body["types"][3]["api_sets"], json!(["crm-sms"]), "{again:?}");
    let nothing = world.call("POST", &admin, "/application-types/predefined", None).await;
    assert_eq!(nothing.body, again.body, "what is there stays");
}
