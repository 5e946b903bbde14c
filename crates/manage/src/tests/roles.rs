//! Roles and levels: nobody gives more than they have, and what is changed counts with the next request.

use claviger_domain::RoleId;
use claviger_domain::authority::Authorities;
use claviger_domain::role::{Levels, ROLES_MAX, Role};
use claviger_store::{Scope, roles};
use serde_json::{Value, json};

use crate::testing::World;

fn names(reply: &crate::testing::Reply) -> Vec<String> {
    let rows = reply.body["data"].as_array().expect("rows").iter();
    rows.map(|row| row["slug"].as_str().expect("a slug").to_owned()).collect()
}

#[tokio::test]
async fn an_organization_begins_with_four_roles_that_nobody_changes() {
    let (world, admin) = World::with_organization().await;
    let listed = world.get(&admin, "/roles").await;
    assert_eq!(names(&listed), ["admin", "auditor", "developer", "key-manager"]);
    assert!(listed.body["data"].as_array().expect("rows").iter().all(|role| role["predefined"] == true));
    for slug in names(&listed) {
        let path = format!("/roles/{slug}");
        let before = world.get(&admin, &path).await;
        world.patch(&admin, &path, json!({"name": "Mine", "authorities": []})).await.problem(409, "conflict");
        world.call("DELETE", &admin, &path, None).await.problem(409, "conflict");
        assert_eq!(world.get(&admin, &path).await.body, before.body, "{slug}");
        let twin = world.post(&admin, "/roles", json!({"name": "Twin", "slug": slug, "authorities": []})).await;
        assert_eq!(twin.problem(409, "name_taken"), ["slug"]);
    }
    let known = world.get(&admin, "/authorities").await;
    let own = json!({"name": "keys.manage_own", "label": "Manage User API Key"});
    assert!(known.body["data"].as_array().expect("rows").contains(&own), "{known:?}");
    let all: Vec<&Value> = known.body["data"].as_array().expect("rows").iter().map(|row| &row["name"]).collect();
    let admins = world.get(&admin, "/roles/admin").await;
    assert_eq!(json!(all), admins.body["authorities"], "Admin has them all");
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted_with_evidence() {
    let (world, admin) = World::with_organization().await;
    let levels = json!({"max_lifetime_days": 30, "max_keys": 5, "api_sets": ["full-access", "claviger-keys-read"]});
    let body = json!({"name": "Partner desk", "authorities": ["keys.manage_own", "apis.read"], "levels": levels});
    let made = world.post(&admin, "/roles", body).await;
    assert_eq!(
        (made.status.as_u16(), made.header("etag"), made.text("slug")),
        (201, "\"1\"", "partner-desk".to_owned())
    );
    assert_eq!(made.header("location"), format!("/api/v1/roles/{}", made.text("id")));
    let shown = json!({"max_lifetime_days": 30, "max_keys": 5, "max_rate": null,
                       "api_sets": ["full-access", "claviger-keys-read"]});
    assert_eq!((&made.body["levels"], &made.body["predefined"]), (&shown, &json!(false)));
    assert_eq!(world.get(&admin, "/roles/partner-desk").await.body, made.body);
    let edited =
        world.patch(&admin, "/roles/partner-desk", json!({"levels": {"max_keys": null, "max_rate": 600}})).await;
    let merged = json!({"max_lifetime_days": 30, "max_keys": null, "max_rate": 600,
                        "api_sets": ["full-access", "claviger-keys-read"]});
    assert_eq!((&edited.body["levels"], edited.header("etag")), (&merged, "\"2\""), "{edited:?}");
    let same = world.patch(&admin, "/roles/partner-desk", json!({"name": "Partner desk"})).await;
    assert_eq!((same.header("etag"), same.header("x-claviger-change")), ("\"2\"", ""), "nothing changed");
    let (_, _) = world.user_with_key(&admin, "bob", &["partner-desk"], &[]).await;
    let refused = world.call("DELETE", &admin, "/roles/partner-desk", None).await;
    refused.problem(409, "conflict");
    assert!(refused.text("detail").contains("1 user has"), "{refused:?}");
    assert_eq!(world.patch(&admin, "/users/bob", json!({"roles": []})).await.status, 200);
    assert_eq!(world.call("DELETE", &admin, "/roles/partner-desk", None).await.status, 204);
    world.get(&admin, "/roles/partner-desk").await.problem(404, "not_found");
    let audit = world.get(&admin, &format!("/audit?object={}", made.text("id"))).await;
    let entries = audit.body["data"].as_array().expect("rows");
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().expect("a word")).collect();
    assert_eq!(actions, ["role.delete", "role.edit", "role.create"], "{audit:?}");
    assert_eq!(entries[1]["before"], json!({"levels": shown}));
    assert_eq!(entries[1]["after"], json!({"levels": merged}));
    assert_eq!((&entries[1]["ip"], &entries[1]["actor"]["type"]), (&json!("203.0.113.7"), &json!("key")));
}

#[tokio::test]
async fn wrong_roles_are_refused_field_by_field() {
    let (world, admin) = World::with_organization().await;
    for (body, fields) in [
        (
            json!({"name": "R", "authorities": ["keys.conjure", "keys.read", ""]}),
            vec!["authorities[0]", "authorities[2]"],
        ),
        (json!({"name": "R", "authorities": ["organizations.operate"]}), vec!["authorities[0]"]),
        (json!({"name": "R"}), vec!["authorities"]),
        (
            json!({"name": "R", "authorities": [], "levels": {"max_lifetime_days": 0, "max_keys": 1_000_001}}),
            vec!["levels.max_lifetime_days", "levels.max_keys"],
        ),
        (json!({"name": "R", "authorities": [], "levels": {"max_keys": -1}}), vec!["levels.max_keys"]),
        (json!({"name": "R", "authorities": [], "levels": {"api_sets": ["default-general"]}}), vec!["levels.api_sets"]),
        (json!({"name": "R", "authorities": [], "level": {}}), vec!["level"]),
    ] {
        let refused = world.post(&admin, "/roles", body.clone()).await;
        assert_eq!(refused.problem(400, "invalid_request"), fields, "{body}");
    }
    let unknown = json!({"name": "R", "authorities": [], "levels": {"api_sets": ["full-access", "nothing"]}});
    assert_eq!(world.post(&admin, "/roles", unknown).await.problem(404, "not_found"), ["levels.api_sets[1]"]);
    let many: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
    let refused = world.post(&admin, "/roles", json!({"name": "R", "authorities": many})).await;
    assert_eq!(refused.problem(400, "invalid_request")[0], "authorities");
}

#[tokio::test]
async fn there_is_a_most_of_roles() {
    let (world, admin) = World::with_organization().await;
    let organization = world.get(&admin, "/organization").await.text("id").parse().expect("an id");
    let there = roles::count(&mut world.manage.store.read().await.expect("a snapshot"), organization).await;
    let missing = ROLES_MAX as i64 - there.expect("a count") - 1;
    let filled = world.manage.store.write(Scope::Organization(organization), move |tx| {
        Box::pin(async move {
            for number in 0..missing {
                let role = Role {
                    id: RoleId::from_raw(number as u128 + 1),
                    organization,
                    slug: format!("r{number}").parse().expect("a slug"),
                    name: "R".parse().expect("a name"),
                    predefined: false,
                    authorities: Authorities::NONE,
                    levels: Levels::default(),
                    created_at: crate::testing::NOW,
                    updated_at: crate::testing::NOW,
                    version: 1,
                };
                roles::insert(tx, &role).await?;
            }
            Ok::<_, claviger_store::Error>(())
        })
    });
    filled.await.expect("roles");
    let role = |slug: &str| json!({"name": "Last", "slug": slug, "authorities": []});
    assert_eq!(world.post(&admin, "/roles", role("last")).await.status, 201);
    world.post(&admin, "/roles", role("beyond")).await.problem(409, "limit_reached");
    let many: Vec<&str> = std::iter::repeat_n("last", 10_000).collect();
    let refused = world.post(&admin, "/users", json!({"email": "bob@example.com", "roles": many})).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["roles"]);
}

#[tokio::test]
async fn nobody_gives_a_role_more_than_they_have() {
    let (world, admin) = World::with_organization().await;
    let authorities = json!(["roles.manage", "users.manage", "users.read", "keys.manage_own"]);
    let levels = json!({"max_lifetime_days": 30, "max_keys": 3, "api_sets": ["full-access", "claviger-admin"]});
    let body = json!({"name": "Desk", "authorities": authorities, "levels": levels});
    assert_eq!(world.post(&admin, "/roles", body).await.status, 201);
    let (_, desk) = world.user_with_key(&admin, "desk", &["desk"], &["claviger-admin"]).await;
    let role = |authorities: &[&str], levels: Value| json!({"name": "Given", "slug": "given", "authorities": authorities, "levels": levels});
    let within = json!({"max_lifetime_days": 7, "max_keys": 3, "api_sets": []});
    for (body, told) in [
        (role(&["audit.read"], within.clone()), "audit.read"),
        (role(&["keys.manage_all", "keys.reveal"], within.clone()), "keys.manage_all, keys.reveal"),
        (role(&["keys.manage_own"], json!({})), "max_lifetime_days"),
        (
            role(&["keys.manage_own"], json!({"max_lifetime_days": 31, "max_keys": 3, "api_sets": []})),
            "max_lifetime_days",
        ),
        (role(&["keys.manage_own"], json!({"max_lifetime_days": 7, "max_keys": 4, "api_sets": []})), "max_keys"),
        (role(&["keys.manage_own"], json!({"max_lifetime_days": 7, "max_keys": 3})), "api_sets"),
        (
            role(&["keys.manage_own"], json!({"max_lifetime_days": 7, "max_keys": 3, "api_sets": ["claviger-verify"]})),
            "api_sets",
        ),
    ] {
        let refused = world.post(&desk, "/roles", body.clone()).await;
        refused.problem(403, "forbidden");
        assert!(refused.text("detail").contains(told), "{body}: {refused:?}");
    }
    assert_eq!(world.post(&desk, "/roles", role(&["keys.manage_own"], within)).await.status, 201);
    // Neither by a change of a role that is there, nor by giving one to somebody, nor by inviting somebody with one.
    world.patch(&desk, "/roles/given", json!({"authorities": ["policy.manage"]})).await.problem(403, "forbidden");
    world.patch(&desk, "/roles/given", json!({"levels": {"max_keys": null}})).await.problem(403, "forbidden");
    let (bob, _) = world.user_with_key(&admin, "bob", &[], &[]).await;
    for role in ["admin", "auditor", "key-manager", "developer"] {
        let given = world.patch(&desk, &format!("/users/{bob}"), json!({"roles": [role]})).await;
        given.problem(403, "forbidden");
        let invited = json!({"email": "eve@example.com", "roles": [role]});
        world.post(&desk, "/users", invited).await.problem(403, "forbidden");
    }
    assert_eq!(world.patch(&desk, &format!("/users/{bob}"), json!({"roles": ["given"]})).await.status, 200);
    // A key of nobody has the authorities of its sets without bounds.
    let (_, unbounded) = world.key(&admin, "automation", &["claviger-users-write"]).await;
    let wide = json!({"name": "Wide", "authorities": ["users.manage"]});
    assert_eq!(world.post(&unbounded, "/roles", wide).await.status, 201);
    let wider = json!({"name": "Wider", "authorities": ["keys.manage_own"]});
    world.post(&unbounded, "/roles", wider).await.problem(403, "forbidden");
}

#[tokio::test]
async fn nobody_edits_their_own_role_so_that_they_could_not_take_it_back() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "Desk", "authorities": ["roles.manage", "users.read"]});
    assert_eq!(world.post(&admin, "/roles", body).await.status, 201);
    let (_, desk) = world.user_with_key(&admin, "desk", &["desk"], &["claviger-admin"]).await;
    let without = json!({"authorities": ["users.read"]});
    world.patch(&desk, "/roles/desk", without.clone()).await.problem(409, "conflict");
    assert_eq!(world.patch(&desk, "/roles/desk", json!({"authorities": ["roles.manage"]})).await.status, 200);
    assert_eq!(world.patch(&admin, "/roles/desk", without).await.status, 200, "another administrator may");
    world.post(&desk, "/roles", json!({"name": "x", "authorities": []})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_set_that_a_level_names_cannot_be_deleted() {
    let (world, admin) = World::with_organization().await;
    assert_eq!(world.post(&admin, "/api-sets", json!({"name": "Orders", "slug": "orders"})).await.status, 201);
    let body = json!({"name": "Desk", "authorities": [], "levels": {"api_sets": ["orders"]}});
    assert_eq!(world.post(&admin, "/roles", body).await.status, 201);
    let refused = world.call("DELETE", &admin, "/api-sets/orders", None).await;
    refused.problem(409, "conflict");
    assert!(refused.text("detail").contains("1 role names"), "{refused:?}");
    assert_eq!(world.call("DELETE", &admin, "/roles/desk", None).await.status, 204);
    assert_eq!(world.call("DELETE", &admin, "/api-sets/orders", None).await.status, 204);
}

#[tokio::test]
async fn who_may_give_certain_sets_alone_makes_no_set_or_type_hold_more() {
    let (world, admin) = World::with_organization().await;
    let kind = json!({"name": "Kind", "sign_in": "key_only", "api_sets": ["mine"]});
    for slug in ["mine", "theirs"] {
        let made = world.post(&admin, "/api-sets", json!({"slug": slug, "name": slug})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let authorities = ["keys.manage_own", "apis.read", "apis.manage", "applications.manage"];
    let role = json!({"name": "Desk", "authorities": authorities, "levels": {"api_sets": ["mine", "claviger-admin"]}});
    let role = world.post(&admin, "/roles", role).await;
    assert_eq!(role.status, 201, "{role:?}");
    let (_, desk) = world.user_with_key(&admin, "bob", &["desk"], &["claviger-admin"]).await;
    for slug in ["mine", "theirs"] {
        let refused = world.patch(&desk, &format!("/api-sets/{slug}"), json!({"apis": ["default"]})).await;
        refused.problem(403, "forbidden");
        assert!(refused.text("detail").contains("level `api_sets`"), "{refused:?}");
        assert_eq!(
            world.patch(&desk, &format!("/api-sets/{slug}"), json!({"name": format!("{slug} 2")})).await.status,
            200
        );
    }
    let refused = world.patch(&desk, "/application-types/kind", json!({"api_sets": ["mine", "theirs"]})).await;
    refused.problem(403, "forbidden");
    assert!(refused.text("detail").contains("`theirs`"), "{refused:?}");
    let other = json!({"name": "Other", "sign_in": "key_only", "api_sets": ["theirs"]});
    world.post(&desk, "/application-types", other).await.problem(403, "forbidden");
    assert_eq!(world.patch(&desk, "/application-types/kind", json!({"api_sets": []})).await.status, 200);
    assert_eq!(world.patch(&desk, "/application-types/kind", json!({"api_sets": ["mine"]})).await.status, 200);
    // What others may do is not his to bound.
    assert_eq!(world.patch(&admin, "/api-sets/mine", json!({"apis": ["default"]})).await.status, 200);
    assert_eq!(world.patch(&desk, "/api-sets/mine", json!({"apis": []})).await.status, 200, "less is his");
}

#[tokio::test]
async fn who_may_give_certain_sets_alone_lets_no_set_hold_more_by_its_api() {
    let (world, admin) = World::with_organization().await;
    let operations = json!([{"name": "list", "method": "GET", "path": "/orders"},
                            {"name": "end", "method": "DELETE", "path": "/orders/{id}"},
                            {"name": "event", "method": "POST", "path": "/event"}]);
    let api = json!({"name": "Shop", "slug": "shop", "base_paths": ["/shop"], "operations": operations});
    assert_eq!(world.post(&admin, "/apis", api).await.status, 201);
    for (slug, held) in [("mine", json!({"apis": ["shop"]})), ("most", json!({"operations": ["shop:*", "!shop:end"]}))]
    {
        let mut set = json!({"slug": slug, "name": slug});
        set.as_object_mut().expect("an object").extend(held.as_object().cloned().expect("an object"));
        assert_eq!(world.post(&admin, "/api-sets", set).await.status, 201);
    }
    let template = json!({"api": "shop"});
    assert_eq!(world.post(&admin, "/api-sets/templates/yespo", template.clone()).await.status, 200);
    let authorities = ["keys.manage_own", "keys.manage_all", "keys.read", "usage.read", "apis.read", "apis.manage"];
    let sets = ["mine", "most", "claviger-admin", "claviger-apis-write", "claviger-keys-read"];
    let role = json!({"name": "Desk", "authorities": authorities, "levels": {"api_sets": sets}});
    assert_eq!(world.post(&admin, "/roles", role).await.status, 201);
    let (_, desk) = world.user_with_key(&admin, "bob", &["desk"], &["claviger-admin"]).await;

    for edit in [
        json!({"unlisted_paths": true}),
        json!({"hosts": [{"host": "other.example"}]}),
        json!({"base_paths": ["/"]}),
        json!({"operations": [{"name": "list", "method": "GET", "path": "/{any}"}]}),
        json!({"version_pattern": "v#", "versions": ["v1"]}),
        json!({"report_only": true}),
        json!({"preflight_without_key": true}),
        json!({"credential_sources": ["query:key"]}),
        json!({"shared_with": "all"}),
        json!({"shared_full_access": true}),
    ] {
        let refused = world.patch(&desk, "/apis/shop", edit.clone()).await;
        refused.problem(403, "forbidden");
        assert!(refused.text("detail").contains("level `api_sets`"), "{edit}: {refused:?}");
        assert_eq!(world.patch(&desk, "/apis/shop?dry_run=true", edit.clone()).await.status, 200, "{edit}");
    }
    let paths = json!({"/all": {"get": {"operationId": "all", "responses": {}}}});
    let document = json!({"openapi": "3.0.0", "info": {"title": "Shop", "version": "1"}, "paths": paths});
    world.post(&desk, "/apis/import?slug=shop", document.clone()).await.problem(403, "forbidden");
    world.call("DELETE", &desk, "/apis/shop", None).await.problem(403, "forbidden");
    let lax = json!({"name": "Lax", "base_paths": ["/lax"], "report_only": true});
    world.post(&desk, "/apis", lax).await.problem(403, "forbidden");
    // An exception that is left out, and a template that brings back what was taken out.
    world.patch(&desk, "/api-sets/most", json!({"operations": ["shop:*"]})).await.problem(403, "forbidden");
    let events = world.get(&admin, "/api-sets?text=events").await.body["data"][0]["slug"].clone();
    let events = format!("/api-sets/{}", events.as_str().expect("a slug"));
    assert_eq!(world.patch(&admin, &events, json!({"operations": []})).await.status, 200);
    world.post(&desk, "/api-sets/templates/yespo", template).await.problem(403, "forbidden");
    // A key of nobody would have no such bound.
    let refused = world.post(&desk, "/keys", json!({"name": "automation", "api_sets": ["claviger-apis-write"]})).await;
    refused.problem(403, "forbidden");
    assert!(refused.text("detail").contains("would have no bounds"), "{refused:?}");
    let reader = json!({"name": "reader", "api_sets": ["claviger-keys-read"]});
    assert_eq!(world.post(&desk, "/keys", reader).await.status, 201);

    // What gives nobody more is theirs to do.
    assert_eq!(world.patch(&desk, "/apis/shop", json!({"name": "Our shop", "slug": "our-shop"})).await.status, 200);
    assert_eq!(world.patch(&desk, "/api-sets/most", json!({"operations": ["!our-shop:end"]})).await.status, 200);
    assert_eq!(world.post(&desk, "/apis/import?slug=other", document).await.status, 201);
    assert_eq!(world.patch(&admin, "/apis/our-shop", json!({"unlisted_paths": true})).await.status, 200);
}
