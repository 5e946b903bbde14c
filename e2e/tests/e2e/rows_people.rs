//! The acceptance rows about people: their roles, their own keys, and what stops them.

use serde_json::{Value, json};

use crate::feed::becomes;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

const ISSUES: &str = "/repos/o/r/issues";

/// A user with these roles and a key of theirs for the management API: id and secret.
async fn person(world: &World, name: &str, roles: &[&str]) -> (String, String) {
    let body = json!({ "email": format!("{name}@example.com"), "name": name, "roles": roles });
    let user = world.api("POST", "/users", Some(&body)).await.expect(201).json();
    let id = user["id"].as_str().expect("an id").to_owned();
    let secret = key_for(world, &id, "management", &["claviger-admin"]).await;
    (id, secret)
}

/// A key that the administrator makes for somebody: people sign in nowhere yet.
async fn key_for(world: &World, user: &str, name: &str, sets: &[&str]) -> String {
    world.api("PATCH", "/policy", Some(&json!({ "delegated_creation": true }))).await.expect(200);
    let body = json!({ "name": name, "api_sets": sets });
    let made = world.api("POST", &format!("/users/{user}/keys"), Some(&body)).await.expect(201).json();
    world.api("PATCH", "/policy", Some(&json!({ "delegated_creation": false }))).await.expect(200);
    made["secret"].as_str().expect("a secret").to_owned()
}

/// A key that a person makes for themselves.
async fn own_key(world: &World, token: &str, body: Value) -> Response {
    world.api_as(token, "POST", "/me/keys", Some(&body)).await
}

fn secret(made: &Value) -> String {
    made["secret"].as_str().expect("a secret").to_owned()
}

async fn code(world: &World, secret: &str) -> Value {
    world.verdict(secret, "github", "GET", ISSUES).await["code"].clone()
}

fn names(list: &Value, field: &str) -> Vec<String> {
    let rows = list["data"].as_array().expect("a list").iter();
    rows.map(|row| row[field].as_str().expect("a text").to_owned()).collect()
}

on_both_databases! {
    async fn g_03_only_for_oneself_and_administrators_see_and_revoke(world: &World) {
        world.import_github().await;
        let (bob, bobs) = person(world, "bob", &["developer"]).await;
        let (_, admins) = person(world, "eve", &["admin"]).await;
        let body = json!({ "name": "for bob", "api_sets": [] });
        for token in [&admins, &world.token] {
            let refused = world.api_as(token, "POST", &format!("/users/{bob}/keys"), Some(&body)).await.expect(403).json();
            assert_eq!(refused["code"], "forbidden");
            let by_owner = json!({ "name": "x", "api_sets": [], "owner": { "type": "user", "id": bob } });
            world.api_as(token, "POST", "/keys", Some(&by_owner)).await.expect(403);
        }
        let made = own_key(world, &bobs, json!({ "name": "mine", "api_sets": ["full-access"] })).await.expect(201).json();
        assert_eq!(code(world, &secret(&made)).await, "VALID");
        let seen = world.api_as(&admins, "GET", &format!("/users/{bob}/keys"), None).await.expect(200).json();
        assert!(names(&seen, "name").contains(&"mine".to_owned()), "{seen}");
        let path = format!("/keys/{}", made["key"]["id"].as_str().expect("an id"));
        world.api_as(&admins, "POST", &format!("{path}/disable"), None).await.expect(200);
        assert_eq!(code(world, &secret(&made)).await, "DISABLED");
        world.api_as(&admins, "DELETE", &path, None).await.expect(204);
        assert_eq!(code(world, &secret(&made)).await, "NOT_FOUND");
    }

    async fn g_04_g_05_g_10_users_are_listed_with_their_roles_and_states(world: &World) {
        let body = json!({ "email": "bob@example.com", "name": "Bob", "username": "bob", "roles": ["developer", "auditor"] });
        world.api("POST", "/users", Some(&body)).await.expect(201);
        let listed = world.api("GET", "/users?text=bob", None).await.expect(200).json();
        let row = &listed["data"][0];
        for (column, value) in [
            ("username", json!("bob")),
            ("name", json!("Bob")),
            ("email", json!("bob@example.com")),
            ("roles", json!(["developer", "auditor"])),
            ("enabled", json!(true)),
            ("locked", json!(false)),
            ("account_expires_at", json!(null)),
        ] {
            assert_eq!(row[column], value, "{column}");
        }
        let details = world.api("GET", "/users/bob", None).await.expect(200).json();
        assert_eq!(&details, row, "opened by the user name");
        // Several roles are their union; predefined ones stay as they are, others come and go.
        let (_, token) = person(world, "eve", &["developer", "auditor"]).await;
        world.api_as(&token, "GET", "/audit", None).await.expect(200);
        own_key(world, &token, json!({ "name": "mine", "api_sets": [] })).await.expect(201);
        world.api("PATCH", "/roles/admin", Some(&json!({ "authorities": [] }))).await.expect(409);
        let role = json!({ "name": "Desk", "authorities": ["keys.manage_own"] });
        world.api("POST", "/roles", Some(&role)).await.expect(201);
        world.api("PATCH", "/roles/desk", Some(&json!({ "name": "Front desk" }))).await.expect(200);
        world.api("DELETE", "/roles/desk", None).await.expect(204);
        let last = world.api("POST", "/users/ada/disable", None).await.expect(409).json();
        assert!(last["detail"].as_str().expect("a text").contains("last Admin"), "{last}");
    }

    async fn g_06_g_07_own_keys_are_there_for_who_may_and_for_nobody_else(world: &World) {
        let (bob, bobs) = person(world, "bob", &["developer"]).await;
        let own = world.api_as(&bobs, "GET", &format!("/users/{bob}/keys"), None).await.expect(200).json();
        assert_eq!(names(&own, "name"), ["management"]);
        let plain = json!({ "name": "Reader", "authorities": ["users.read"] });
        world.api("POST", "/roles", Some(&plain)).await.expect(201);
        let (eve, eves) = person(world, "eve", &["reader"]).await;
        for path in [format!("/users/{eve}/keys"), "/me/keys".to_owned(), "/keys".to_owned()] {
            world.api_as(&eves, "GET", &path, None).await.expect(403);
            world.api_as(&eves, "POST", &path, Some(&json!({ "name": "x", "api_sets": [] }))).await.expect(403);
        }
        let details = world.api_as(&eves, "GET", &format!("/users/{eve}"), None).await.expect(200).json();
        assert_eq!(details.get("counts"), None, "not even how many there are");
    }

    async fn g_08_y_08_the_admin_role_suffices_with_the_next_request(world: &World) {
        let (bob, token) = person(world, "bob", &["auditor"]).await;
        let body = json!({ "name": "mine", "api_sets": [] });
        let refused = own_key(world, &token, body.clone()).await.expect(403).json();
        assert!(refused["detail"].as_str().expect("a text").contains("keys.manage_own"), "{refused}");
        world.api_as(&token, "POST", "/keys", Some(&json!({ "name": "y", "api_sets": [] }))).await.expect(403);
        world.api("PATCH", &format!("/users/{bob}"), Some(&json!({ "roles": ["admin"] }))).await.expect(200);
        own_key(world, &token, body).await.expect(201);
        world.api_as(&token, "POST", "/keys", Some(&json!({ "name": "y", "api_sets": [] }))).await.expect(201);
    }

    async fn g_09_a_role_with_that_authority_alone_shows_oneself_and_keys_outlive_it(world: &World) {
        world.import_github().await;
        let role = json!({ "name": "API user", "authorities": ["keys.manage_own"] });
        world.api("POST", "/roles", Some(&role)).await.expect(201);
        let known = world.api("GET", "/authorities", None).await.expect(200).json();
        let label = json!({ "name": "keys.manage_own", "label": "Manage User API Key" });
        assert!(known["data"].as_array().expect("a list").contains(&label), "{known}");
        let (bob, token) = person(world, "bob", &["api-user"]).await;
        let users = world.api_as(&token, "GET", "/users", None).await.expect(200).json();
        assert_eq!(names(&users, "username"), ["bob"], "oneself only");
        world.api_as(&token, "GET", "/users/ada", None).await.expect(404);
        let made = own_key(world, &token, json!({ "name": "mine", "api_sets": ["full-access"] })).await.expect(201).json();
        assert_eq!(code(world, &secret(&made)).await, "VALID");
        for (method, path, body) in [
            ("PATCH", "/roles/api-user".to_owned(), json!({ "authorities": [] })),
            ("PATCH", format!("/users/{bob}"), json!({ "roles": [] })),
        ] {
            world.api(method, &path, Some(&body)).await.expect(200);
            world.api_as(&token, "GET", "/me/keys", None).await.expect(403);
            assert_eq!(code(world, &secret(&made)).await, "VALID", "existing keys keep working");
        }
        let path = format!("/keys/{}/disable", made["key"]["id"].as_str().expect("an id"));
        world.api_as(&token, "POST", &path, None).await.expect(403);
        world.api("POST", &path, None).await.expect(200);
        assert_eq!(code(world, &secret(&made)).await, "DISABLED", "who administers revokes it");
    }

    async fn g_01_a_person_has_as_many_keys_as_the_policy_grants(world: &World) {
        world.import_github().await;
        let (bob, bobs) = person(world, "bob", &["developer"]).await;
        let (_, eves) = person(world, "eve", &["developer"]).await;
        let most = async |count: Value| world.api("PATCH", "/policy", Some(&json!({ "max_keys": { "user": count } }))).await;
        let key = |name: &str| json!({ "name": name, "api_sets": ["full-access"] });
        let made = async |token: &str, name: &str| own_key(world, token, key(name)).await;
        // Each has the key that they call with.
        most(json!(3)).await.expect(200);
        let two = [made(&bobs, "one").await.expect(201).json(), made(&bobs, "two").await.expect(201).json()];
        for one in &two {
            assert_eq!(code(world, &secret(one)).await, "VALID", "both work");
        }
        let refused = made(&bobs, "three").await.expect(409).json();
        assert_eq!(refused["code"], "limit_reached");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("max_keys.user") && detail.contains("3 keys")), "{refused}");
        made(&eves, "one").await.expect(201);
        // Nor by an administrator whom the policy lets make keys for others; the organization's own are not counted.
        world.api("PATCH", "/policy", Some(&json!({ "delegated_creation": true }))).await.expect(200);
        world.api("POST", &format!("/users/{bob}/keys"), Some(&key("three"))).await.expect(409);
        for name in ["a", "b", "c", "d"] {
            world.api("POST", "/keys", Some(&key(name))).await.expect(201);
        }
        let path = format!("/keys/{}", two[0]["key"]["id"].as_str().expect("an id"));
        world.api_as(&bobs, "DELETE", &path, None).await.expect(204);
        made(&bobs, "three").await.expect(201);
        most(Value::Null).await.expect(200);
        made(&bobs, "four").await.expect(201);
    }

    async fn g_12_names_are_needed_and_each_persons_own(world: &World) {
        let (_, bobs) = person(world, "bob", &["developer"]).await;
        let (_, eves) = person(world, "eve", &["developer"]).await;
        for name in [json!(""), json!("   "), json!("x".repeat(121)), json!(null)] {
            let refused = own_key(world, &bobs, json!({ "name": name, "api_sets": [] })).await.expect(400).json();
            assert_eq!(refused["errors"][0]["field"], "name", "{refused}");
        }
        own_key(world, &bobs, json!({ "name": "Batch", "api_sets": [] })).await.expect(201);
        let twin = own_key(world, &bobs, json!({ "name": "BATCH", "api_sets": [] })).await.expect(409).json();
        assert_eq!(twin["code"], "name_taken");
        own_key(world, &eves, json!({ "name": "Batch", "api_sets": [] })).await.expect(201);
    }

    async fn g_23_each_state_of_the_owner_has_its_message_and_undone_the_key_works_untouched(world: &World) {
        world.import_github().await;
        world.api("PATCH", "/policy", Some(&json!({ "status_profile": "gotransverse" }))).await.expect(200);
        let (bob, token) = person(world, "bob", &["developer"]).await;
        let made = own_key(world, &token, json!({ "name": "mine", "api_sets": ["full-access"] })).await.expect(201).json();
        let (secret, id) = (secret(&made), made["key"]["id"].as_str().expect("an id").to_owned());
        let before = world.get_key(&id).await;
        let path = format!("/users/{bob}");
        let refused = async |code: &str, detail: &str| {
            let verdict = world.verdict(&secret, "github", "GET", ISSUES).await;
            assert_eq!(verdict["code"], code);
            let answer = world.authorize("github", "GET", ISSUES, |r| r.bearer(&secret)).await.expect(401).json();
            assert_eq!((&answer["code"], &answer["detail"]), (&json!(code), &json!(detail)));
            // The management API refuses whoever is stopped too.
            world.api_as(&token, "GET", "/me", None).await.expect(401);
        };
        for (stop, back, code_, detail) in [
            ("disable", "enable", "OWNER_DISABLED", "User is Disabled"),
            ("lock", "unlock", "OWNER_LOCKED", "User account is locked"),
        ] {
            world.api("POST", &format!("{path}/{stop}"), None).await.expect(200);
            refused(code_, detail).await;
            world.api("POST", &format!("{path}/{back}"), None).await.expect(200);
            assert_eq!(code(world, &secret).await, "VALID", "{back}");
        }
        let end = json!({ "account_expires_at": "2026-01-02T00:00:00Z" });
        world.api("PATCH", &path, Some(&end)).await.expect(200);
        assert_eq!(code(world, &secret).await, "VALID");
        world.advance_to("2026-01-02T00:00:00Z");
        refused("OWNER_EXPIRED", "User account has expired").await;
        world.api("PATCH", &path, Some(&json!({ "account_expires_at": null }))).await.expect(200);
        assert_eq!(code(world, &secret).await, "VALID");
        let after = world.get_key(&id).await;
        assert_eq!((&before["hint"], &before["updated_at"]), (&after["hint"], &after["updated_at"]), "untouched");
    }

    async fn c_08_c_09_c_10_c_11_ones_own_keys_end_within_a_year_of_their_creation(world: &World) {
        world.advance_to("2026-01-01T12:00:00Z");
        let (_, token) = person(world, "bob", &["developer"]).await;
        let make = async |name: &str, end: Value| {
            own_key(world, &token, json!({ "name": name, "api_sets": [], "expires_at": end })).await
        };
        let usual = make("usual", Value::Null).await.expect(201).json();
        assert_eq!(usual["key"]["expires_at"], "2027-01-02T00:00:00Z", "the end of the day a year later");
        make("a year", json!("2027-01-01")).await.expect(201);
        let beyond = make("beyond", json!("2027-01-02")).await.expect(400).json();
        assert!(beyond["errors"][0]["message"].as_str().expect("a text").contains("2027-01-01"), "{beyond}");
        make("past", json!("2025-12-31")).await.expect(400);
        let path = format!("/keys/{}", usual["key"]["id"].as_str().expect("an id"));
        let edit = async |body: Value| world.api_as(&token, "PATCH", &path, Some(&body)).await;
        edit(json!({ "expires_at": "2026-01-31" })).await.expect(200);
        world.advance_to("2026-01-20T00:00:00Z");
        edit(json!({ "expires_at": "2026-12-31" })).await.expect(200);
        edit(json!({ "expires_at": "2027-01-02" })).await.expect(400);
        edit(json!({ "expires_at": "2026-01-01" })).await.expect(400);
        let ended = edit(json!({ "expires_at": "2026-01-01", "expire_now": true })).await.expect(200).json();
        assert_eq!(ended["state"], "expired");
        // Rotation does not move the cap: renewal is a new key.
        let other = make("rotated", Value::Null).await.expect(201).json();
        let rotate = format!("/keys/{}/rotate", other["key"]["id"].as_str().expect("an id"));
        world.advance_to("2026-02-01T00:00:00Z");
        let body = json!({ "overlap_seconds": 0 });
        let rotated = world.api_as(&token, "POST", &rotate, Some(&body)).await.expect(200).json();
        assert_eq!(rotated["key"]["expires_at"], other["key"]["expires_at"]);
    }

    async fn c_17_a_person_restricts_their_key_and_a_forged_address_does_not_pass(world: &World) {
        world.import_github().await;
        let (_, token) = person(world, "bob", &["developer"]).await;
        let list = json!({ "name": "mine", "api_sets": ["full-access"], "allowed_ips": ["203.0.113.0/24"] });
        let made = secret(&own_key(world, &token, list).await.expect(201).json());
        let ask = async |ip: &str, forged: &str| {
            let body = json!({ "credential": made, "api": "github", "method": "GET", "path": ISSUES, "client_ip": ip });
            let request = Request::post("/v1/verify", &body).header("X-Forwarded-For", forged);
            request.send(world.doors).await.expect(200).json()["code"].clone()
        };
        assert_eq!(ask("203.0.113.7", "192.0.2.1").await, "VALID");
        assert_eq!(ask("192.0.2.1", "203.0.113.7").await, "IP_NOT_ALLOWED");
    }

    async fn y_13_keys_of_one_user_are_visible_to_another_with_the_right(world: &World) {
        let (bob, bobs) = person(world, "bob", &["developer"]).await;
        let (_, eves) = person(world, "eve", &["auditor"]).await;
        for name in ["Alpha", "Beta"] {
            own_key(world, &bobs, json!({ "name": name, "api_sets": ["full-access"] })).await.expect(201);
        }
        let list = async |query: &str| {
            let listed = world.api_as(&eves, "GET", &format!("/keys?{query}&sort=name"), None).await.expect(200).json();
            names(&listed, "name")
        };
        assert_eq!(list(&format!("owner={bob}")).await, ["Alpha", "Beta", "management"]);
        assert_eq!(list("owner=bob&text=beta").await, ["Beta"]);
        assert_eq!(list(&format!("creator={bob}&set=full-access&state=active")).await, ["Alpha", "Beta"]);
        let page = world.api_as(&eves, "GET", "/keys?owner=bob&limit=2", None).await.expect(200).json();
        assert!(page["next_cursor"].is_string(), "{page}");
        world.api_as(&eves, "POST", "/me/keys", Some(&json!({ "name": "x", "api_sets": [] }))).await.expect(403);
    }

    async fn y_15_the_creator_stays_readable_after_they_are_gone(world: &World) {
        let (bob, bobs) = person(world, "bob", &["key-manager"]).await;
        let body = json!({ "name": "integration", "api_sets": [] });
        let made = world.api_as(&bobs, "POST", "/keys", Some(&body)).await.expect(201).json();
        let by = json!({ "type": "user", "id": bob, "name": "bob" });
        assert_eq!(made["key"]["created_by"], by);
        let id = made["key"]["id"].as_str().expect("an id");
        let forged = json!({ "created_by": { "type": "user", "id": "usr_x", "name": "x" } });
        world.api("PATCH", &format!("/keys/{id}"), Some(&forged)).await.expect(400);
        world.api("DELETE", &format!("/users/{bob}"), None).await.expect(204);
        assert_eq!(world.get_key(id).await["created_by"], by);
    }

    async fn f_16_rule_what_a_role_leaves_is_in_force_at_every_door_with_the_change(world: &World) {
        world.import_github().await;
        for name in ["issues", "pulls"] {
            let set = json!({ "name": name, "slug": name, "operations": [format!("github:{name}/*")] });
            world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        }
        let role = json!({ "name": "Partner", "authorities": ["keys.manage_own"],
                           "levels": { "api_sets": ["issues", "pulls", "claviger-admin"] } });
        world.api("POST", "/roles", Some(&role)).await.expect(201);
        let (bob, token) = person(world, "bob", &["partner"]).await;
        let made = secret(&own_key(world, &token, json!({ "name": "mine", "api_sets": ["issues", "pulls"] })).await.expect(201).json());
        own_key(world, &token, json!({ "name": "more", "api_sets": ["full-access"] })).await.expect(400);
        assert_eq!(code(world, &made).await, "VALID");
        world.api("PATCH", "/roles/partner", Some(&json!({ "levels": { "api_sets": ["pulls"] } }))).await.expect(200);
        assert_eq!(code(world, &made).await, "OPERATION_NOT_ALLOWED");
        let passed = world.verdict(&made, "github", "GET", "/repos/o/r/pulls").await;
        assert_eq!((&passed["code"], &passed["key"]["api_sets"]), (&json!("VALID"), &json!(["pulls"])));
        assert_eq!(passed["key"]["owner"], json!({ "type": "user", "id": bob, "name": "bob" }));
        world.api("PATCH", "/users/bob", Some(&json!({ "roles": ["developer"] }))).await.expect(200);
        assert_eq!(code(world, &made).await, "VALID");
    }

    async fn the_operator_makes_organizations_and_sees_none_of_their_keys(world: &World) {
        let operator = world.local_token();
        let bob = &world.second_organization("bob").await;
        for path in ["/keys", "/users", "/roles", "/policy", "/audit", "/me/keys", "/applications", "/organization"] {
            world.api_as(&operator, "GET", path, None).await.expect(403);
            if path != "/me/keys" {
                world.api_as(bob, "GET", path, None).await.expect(200);
            }
        }
        let users = world.api_as(bob, "GET", "/users", None).await.expect(200).json();
        assert_eq!(names(&users, "email"), ["bob@example.com"], "each organization its own");
    }
}

/// What becomes of people and roles at one server is in force at the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_roles_are_the_same_at_two_servers() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    let two = one.second_node(&database).await;
    let levels = json!({ "api_sets": ["full-access", "claviger-admin"] });
    let role = json!({ "name": "Partner", "authorities": ["keys.manage_own"], "levels": levels });
    one.api("POST", "/roles", Some(&role)).await.expect(201);
    let (bob, token) = person(&one, "bob", &["partner"]).await;
    let key = json!({ "name": "mine", "api_sets": ["full-access"] });
    let key = secret(&own_key(&one, &token, key).await.expect(201).json());
    becomes(&two, &key, "VALID").await;
    one.api("POST", &format!("/users/{bob}/lock"), None).await.expect(200);
    becomes(&two, &key, "OWNER_LOCKED").await;
    two.api("POST", &format!("/users/{bob}/unlock"), None).await.expect(200);
    becomes(&one, &key, "VALID").await;
    let narrowed = json!({ "levels": { "api_sets": ["claviger-admin"] } });
    two.api("PATCH", "/roles/partner", Some(&narrowed)).await.expect(200);
    becomes(&one, &key, "OPERATION_NOT_ALLOWED").await;
    one.api("PATCH", &format!("/users/{bob}"), Some(&json!({ "roles": ["developer"] }))).await.expect(200);
    becomes(&two, &key, "VALID").await;
    two.api("DELETE", &format!("/users/{bob}"), None).await.expect(204);
    becomes(&one, &key, "NOT_FOUND").await;
    two.stop_serving().await;
    one.stop_serving().await;
}

/// Two administrators who disable each other at once, each at a server of their own: the organization keeps one. What a page of
/// the invitation will do, the test does in the database: both have come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_admins_who_disable_each_other_at_once_at_two_servers_one_stays() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let world = World::start_on(&database).await;
    let other = world.second_node(&database).await;
    let (bob, bobs) = person(&world, "bob", &["admin"]).await;
    let ada = world.api("GET", "/users/ada", None).await.expect(200).json()["id"].as_str().expect("an id").to_owned();
    let adas = key_for(&world, &ada, "ada's", &["claviger-admin"]).await;
    database.execute("UPDATE memberships SET accepted_at = 1").await;
    for _ in 0..10 {
        let (of_ada, of_bob) = (format!("/users/{ada}/disable"), format!("/users/{bob}/disable"));
        let (one, two) =
            tokio::join!(world.api_as(&bobs, "POST", &of_ada, None), other.api_as(&adas, "POST", &of_bob, None),);
        let statuses = [one.status, two.status];
        assert_eq!(statuses.iter().filter(|&&status| status == 200).count(), 1, "{statuses:?}");
        let enabled = world.api("GET", "/users?role=admin&enabled=true", None).await.expect(200).json();
        assert_eq!(names(&enabled, "username").len(), 1, "{enabled}");
        for id in [&ada, &bob] {
            world.api("POST", &format!("/users/{id}/enable"), None).await.expect(200);
        }
        // The other server has heard of both before the next round.
        wait_until(
            async || {
                let (one, two) =
                    (other.api_as(&adas, "GET", "/me", None).await, other.api_as(&bobs, "GET", "/me", None).await);
                one.status == 200 && two.status == 200
            },
            || "both are back at the other server".to_owned(),
        )
        .await;
    }
    world.stop_serving().await;
    other.stop_serving().await;
}
