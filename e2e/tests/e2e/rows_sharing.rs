//! APIs that organizations share, whose keys count at which door, and what a provider answers: the acceptance rows by
//! their names, and what else can go wrong.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::gateways::headers_of;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::gateway::{Caddy, Nginx};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;
use crate::rows_apis::{file, import};

const ISSUES: &str = "/repos/o/r/issues";

/// An organization with its administrator and the token of its gateways.
struct Tenant<'w> {
    world: &'w World,
    token: String,
    door: String,
    id: String,
}

impl<'w> Tenant<'w> {
    async fn of(world: &'w World, token: String) -> Self {
        let mut tenant = Self { world, token, door: String::new(), id: String::new() };
        tenant.id = text(&tenant.get("/organization").await["id"]);
        tenant.door = tenant.key(json!({ "name": "door", "api_sets": ["claviger-verify"] })).await;
        tenant
    }

    /// The first organization with GitHub's API, and two more.
    async fn three(world: &'w World) -> [Self; 3] {
        world.import_github().await;
        let issues = json!({ "slug": "issues", "name": "Issues", "operations": ["github:issues/*"] });
        world.api("POST", "/api-sets", Some(&issues)).await.expect(201);
        let (bravo, cargo) = (world.second_organization("bravo").await, world.second_organization("cargo").await);
        let acme = Self::of(world, world.token.clone()).await;
        [acme, Self::of(world, bravo).await, Self::of(world, cargo).await]
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Response {
        self.world.api_as(&self.token, method, path, (!body.is_null()).then_some(&body)).await
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await.expect(200).json()
    }

    async fn id_of(&self, path: &str) -> String {
        text(&self.get(path).await["id"])
    }

    /// A new key's secret.
    async fn key(&self, body: Value) -> String {
        text(&self.call("POST", "/keys", body).await.expect(201).json()["secret"])
    }

    /// Shares an API with organizations.
    async fn share(&self, api: &str, with: Value) {
        self.call("PATCH", &format!("/apis/{api}"), json!({ "shared_with": with })).await.expect(200);
    }

    /// What this organization's door says about a request with a key.
    async fn verdict(&self, secret: &str, api: &str, method: &str, path: &str) -> Value {
        let body =
            json!({ "credential": secret, "api": api, "method": method, "path": path, "client_ip": "203.0.113.7" });
        let request = Request::post("/v1/verify", &body).header("X-Claviger-Door", &self.door);
        request.send(self.world.doors).await.expect(200).json()
    }

    async fn code(&self, secret: &str, api: &str, method: &str, path: &str) -> String {
        text(&self.verdict(secret, api, method, path).await["code"])
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The fields that a refusal names.
fn fields(refused: &Response) -> Vec<String> {
    refused.json()["errors"].as_array().into_iter().flatten().map(|error| text(&error["field"])).collect()
}

on_both_databases! {
    async fn previews_count_what_tenants_lose_and_name_none_of_it(world: &World) {
        let acme = Tenant::of(world, world.token.clone()).await;
        let bravo = Tenant::of(world, world.second_organization("bravo").await).await;
        let cargo = Tenant::of(world, world.second_organization("cargo").await).await;
        let paths = |names: &[&str]| {
            let path = |name: &&str| (format!("/{name}"), json!({ "get": { "operationId": name, "responses": {} } }));
            let paths: serde_json::Map<String, Value> = names.iter().map(path).collect();
            json!({ "openapi": "3.0.0", "info": { "title": "Mail", "version": "1" }, "paths": paths })
        };
        acme.call("POST", "/apis/import?slug=mail&name=Mail", paths(&["a", "b", "c"])).await.expect(201);
        acme.call("POST", "/api-sets", json!({ "slug": "ours", "name": "Ours", "operations": ["mail:a"] })).await.expect(201);
        let [mail, ours] = [acme.id_of("/apis/mail").await, acme.id_of("/api-sets/ours").await];
        acme.share("mail", json!([bravo.id, cargo.id])).await;
        let zero = json!({ "keys": 0, "sets": 0, "keys_by_sets": 0 });
        let import = async |names: &[&str]| {
            acme.call("POST", "/apis/import?slug=mail&dry_run=true", paths(names)).await.expect(200).json()
        };
        let nobody = import(&["b", "c"]).await;
        assert_eq!((&nobody["losing_others"], &nobody["gaining_others"]), (&zero, &zero));
        for tenant in [&bravo, &cargo] {
            let set = json!({ "slug": "theirs", "name": "Tenant's secret set", "operations": [format!("{mail}:*")] });
            tenant.call("POST", "/api-sets", set).await.expect(201);
            for (name, body) in [
                ("named", json!({ "api_sets": [], "operations": [format!("{mail}:a")] })),
                ("other", json!({ "api_sets": [], "operations": [format!("{mail}:b")] })),
                ("lent", json!({ "api_sets": [ours] })), ("held", json!({ "api_sets": ["theirs"] })),
            ] {
                let mut body = body;
                body["name"] = json!(format!("Tenant's secret {name}"));
                tenant.key(body).await;
            }
        }
        let lost = import(&["b", "c"]).await;
        assert_eq!(lost["losing_others"], json!({ "keys": 2, "sets": 2, "keys_by_sets": 4 }), "{lost}");
        assert_eq!(lost["gaining_others"], zero);
        assert!(!lost.to_string().contains("secret"), "{lost}");
        let gained = import(&["a", "b", "c", "d"]).await;
        assert_eq!(gained["gaining_others"], json!({ "keys": 0, "sets": 2, "keys_by_sets": 2 }), "{gained}");
        assert_eq!(gained["losing_others"], zero);
        let deletion = async || acme.call("DELETE", "/apis/mail?dry_run=true", Value::Null).await.expect(200).json();
        let gone = deletion().await;
        assert_eq!(gone["losing_others"], json!({ "keys": 4, "sets": 2, "keys_by_sets": 4 }), "{gone}");
        assert!(!gone.to_string().contains("secret"), "{gone}");
        // Whoever it is shared with no longer holds nothing by it.
        acme.share("mail", json!([bravo.id])).await;
        let lost = import(&["b", "c"]).await;
        assert_eq!((&lost["losing_others"]["keys"], &lost["losing_others"]["sets"]), (&json!(1), &json!(1)), "{lost}");
        acme.share("mail", json!([])).await;
        assert_eq!(deletion().await["losing_others"], zero);
    }

    async fn an_edit_of_the_sharing_says_whose_keys_gain_and_lose(world: &World) {
        let [acme, bravo, cargo] = Tenant::three(world).await;
        let (github, issues) = (acme.id_of("/apis/github").await, acme.id_of("/api-sets/issues").await);
        let preview = async |edit: Value| {
            acme.call("PATCH", "/apis/github?dry_run=true", edit).await.expect(200).json()
        };
        let shares = |tenants: &[(&Tenant<'_>, u64)]| {
            let mut tenants: Vec<_> = tenants.iter().map(|(tenant, keys)| (*keys, tenant.id.clone())).collect();
            tenants.sort_by_key(|(keys, id)| (std::cmp::Reverse(*keys), id.clone()));
            let first = tenants.iter().map(|(keys, id)| json!({ "organization": id, "keys": keys }));
            let keys = tenants.iter().map(|(keys, _)| keys).sum::<u64>();
            json!({ "organizations": tenants.len(), "keys": keys, "first": first.collect::<Vec<_>>() })
        };
        let none = shares(&[]);
        assert_eq!(preview(json!({ "shared_with": "all" })).await["gaining_organizations"], none, "nobody holds any of it yet");
        acme.share("github", json!([bravo.id, cargo.id])).await;
        for tenant in [&bravo, &cargo] {
            let own = json!({ "slug": "own", "name": "Secret set", "operations": [format!("{github}:repos/*")] });
            tenant.call("POST", "/api-sets", own).await.expect(201);
            tenant.key(json!({ "name": "Secret full", "api_sets": ["full-access"] })).await;
            tenant.key(json!({ "name": "Secret nothing", "api_sets": [] })).await;
            // One key counts once, in however many ways it holds it.
            let much = json!({ "name": "Secret much", "api_sets": ["own", issues, "full-access"], "operations": [format!("{github}:gists/list")] });
            tenant.key(much).await;
        }
        bravo.key(json!({ "name": "Secret lent", "api_sets": [issues] })).await;
        bravo.key(json!({ "name": "Secret named", "api_sets": [], "operations": [format!("{github}:gists/list")] })).await;
        let lost = preview(json!({ "shared_with": "none" })).await;
        assert_eq!(lost["losing_organizations"], shares(&[(&bravo, 3), (&cargo, 1)]), "{lost}");
        assert_eq!((&lost["gaining_organizations"], &lost["dry_run"]), (&none, &json!(true)));
        assert_eq!((&lost["api"]["shared_with"], &lost["operations"]["removed"]), (&json!("none"), &json!(0)));
        assert!(!lost.to_string().contains("Secret") && !lost.to_string().contains("key_"), "{lost}");
        assert_eq!(acme.get("/apis/github").await["shared_with"].as_array().map(Vec::len), Some(2), "nothing was changed");
        let one = preview(json!({ "shared_with": [bravo.id] })).await;
        assert_eq!((&one["losing_organizations"], &one["gaining_organizations"]), (&shares(&[(&cargo, 1)]), &none));
        let all = preview(json!({ "shared_with": "all" })).await;
        assert_eq!((&all["losing_organizations"], &all["gaining_organizations"]), (&none, &none), "those two have it");
        // Full access of others' keys, and what it adds to those that hold nothing else of it.
        let full = preview(json!({ "shared_full_access": true })).await;
        assert_eq!(full["gaining_organizations"], shares(&[(&bravo, 1), (&cargo, 1)]), "{full}");
        acme.call("PATCH", "/apis/github", json!({ "shared_full_access": true })).await.expect(200);
        let lost = preview(json!({ "shared_with": [cargo.id] })).await;
        assert_eq!(lost["losing_organizations"], shares(&[(&bravo, 4)]), "{lost}");
        let lost = preview(json!({ "shared_full_access": false })).await;
        assert_eq!(lost["losing_organizations"], shares(&[(&bravo, 1), (&cargo, 1)]), "{lost}");
        acme.share("github", json!("none")).await;
        let back = preview(json!({ "shared_with": [cargo.id] })).await;
        assert_eq!(back["gaining_organizations"], shares(&[(&cargo, 2)]), "{back}");
        // What the same edit does to operations is said beside it; nothing of it is a tenant's to look at.
        let fewer = preview(json!({ "operations": [{ "name": "gists/list", "method": "GET", "path": "/gists" }] })).await;
        let losing: Vec<_> = fewer["losing_sets"].as_array().expect("a list").iter().map(|set| text(&set["slug"])).collect();
        assert_eq!((&fewer["operations"]["removed"], &losing[..]), (&json!(1222), &["full-access".to_owned(), "issues".to_owned()][..]));
        bravo.call("PATCH", &format!("/apis/{github}?dry_run=true"), json!({ "name": "Mine" })).await.expect(404);
        acme.share("github", json!("all")).await;
        bravo.call("PATCH", &format!("/apis/{github}?dry_run=true"), json!({ "name": "Mine" })).await.expect(403);
        for (edit, field) in [(json!({ "shared_with": "some" }), "shared_with"), (json!({ "hosts": [{ "host": "a b" }] }), "hosts[0].host")] {
            let refused = acme.call("PATCH", "/apis/github?dry_run=true", edit).await.expect(400);
            assert_eq!(fields(&refused)[0], field);
        }
    }

    async fn a_shared_api_is_there_for_those_it_is_shared_with_by_its_id(world: &World) {
        let [acme, bravo, cargo] = Tenant::three(world).await;
        let (github, issues) = (acme.id_of("/apis/github").await, acme.id_of("/api-sets/issues").await);
        let (api_path, set_path) = (format!("/apis/{github}"), format!("/api-sets/{issues}"));
        // Before: like nothing.
        for path in [&api_path, &set_path, &format!("{api_path}/operations")] {
            bravo.call("GET", path, Value::Null).await.expect(404);
        }
        let key = json!({ "name": "k", "api_sets": [issues], "operations": [format!("{github}:repos/get")] });
        let refused = bravo.call("POST", "/keys", key.clone()).await.expect(404);
        let unknown = json!({
            "name": "k", "api_sets": ["set_01jd2v3w4x5y6z7a8b9c0d1e2f"], "operations": ["api_01jd2v3w4x5y6z7a8b9c0d1e2f:repos/get"],
        });
        let alike = bravo.call("POST", "/keys", unknown).await.expect(404);
        assert_eq!(fields(&refused)[0], "api_sets[0]");
        assert_eq!((&refused.json()["code"], fields(&refused)), (&alike.json()["code"], fields(&alike)));

        acme.share("github", json!([bravo.id])).await;
        let seen = bravo.get(&api_path).await;
        assert_eq!((&seen["organization"], &seen["shared_with"]), (&json!(acme.id), &Value::Null), "not with whom else");
        assert_eq!(acme.get("/apis/github").await["shared_with"], json!([bravo.id]));
        let listed = bravo.get(&format!("{api_path}/operations?text=issues/get&limit=1")).await;
        assert!(text(&listed["data"][0]["name"]).starts_with(&format!("{github}:issues/get")), "{listed}");
        assert_eq!(bravo.get(&set_path).await["operations"], json!([format!("{github}:issues/*")]));
        assert_eq!(bravo.get("/apis?shared=true").await["data"][0]["id"], github);
        assert_eq!(bravo.get(&format!("/api-sets?shared=true&api={github}&kind=plain")).await["data"][0]["id"], issues);
        assert!(!bravo.get("/apis").await.to_string().contains(&github), "one's own list is one's own");
        // Seen, not changed; a slug is one's own.
        for (method, path, body) in [
            ("PATCH", &api_path, json!({ "name": "Mine" })), ("DELETE", &api_path, Value::Null),
            ("PATCH", &set_path, json!({ "name": "Mine" })), ("DELETE", &set_path, Value::Null),
        ] {
            bravo.call(method, path, body).await.expect(403);
        }
        bravo.call("GET", "/apis/github", Value::Null).await.expect(404);
        for path in [&api_path, &set_path] {
            cargo.call("GET", path, Value::Null).await.expect(404);
            cargo.call("PATCH", path, json!({ "name": "Mine" })).await.expect(404);
        }
        // What is no tenant's: Full access, rights in Claviger, sets without anything shared.
        acme.call("POST", "/apis", json!({ "name": "Private", "base_paths": ["/private"], "operations": [{ "method": "GET", "path": "/x" }] })).await.expect(201);
        acme.call("POST", "/api-sets", json!({ "slug": "hidden", "name": "Hidden", "apis": ["private"] })).await.expect(201);
        for slug in ["full-access", "claviger-admin", "claviger-verify", "hidden", "private-general"] {
            let id = acme.id_of(&format!("/api-sets/{slug}")).await;
            bravo.call("GET", &format!("/api-sets/{id}"), Value::Null).await.expect(404);
            let refused = bravo.call("POST", "/keys", json!({ "name": "x", "api_sets": [id] })).await.expect(404);
            assert_eq!(fields(&refused), ["api_sets[0]"], "{slug}");
        }

        let made = bravo.call("POST", "/keys", key).await.expect(201).json();
        assert_eq!(made["key"]["api_sets"], json!([issues]));
        assert_eq!(made["key"]["operations"], json!([format!("{github}:repos/get")]));
        let secret = text(&made["secret"]);
        let verdict = acme.verdict(&secret, "github", "GET", ISSUES).await;
        assert_eq!((&verdict["code"], &verdict["organization"]), (&json!("VALID"), &json!(bravo.id)));
        assert_eq!(verdict["key"]["owner"], json!({ "type": "organization", "id": bravo.id, "name": "bravo" }));
        assert_eq!(verdict["key"]["api_sets"], json!(["issues"]), "the provider's sets by its slugs");
        assert_eq!(acme.code(&secret, "github", "GET", "/gists").await, "OPERATION_NOT_ALLOWED");
        let explain = format!("/keys/{}/check", text(&made["key"]["id"]));
        for (path, code) in [("/gists", "OPERATION_NOT_ALLOWED"), (ISSUES, "VALID")] {
            let asked = json!({ "api": github, "method": "GET", "path": path });
            assert_eq!(bravo.call("POST", &explain, asked).await.expect(200).json()["code"], code);
        }
        // No longer shared: at once, and only what was shared.
        acme.share("github", json!("none")).await;
        assert_eq!(acme.code(&secret, "github", "GET", ISSUES).await, "NOT_FOUND");
        bravo.call("GET", &api_path, Value::Null).await.expect(404);
        acme.share("github", json!("all")).await;
        assert_eq!(acme.code(&secret, "github", "GET", ISSUES).await, "VALID");
        cargo.call("GET", &api_path, Value::Null).await.expect(200);
    }

    async fn a_tenants_set_of_a_shared_api_is_its_own_affair(world: &World) {
        let [acme, bravo, _] = Tenant::three(world).await;
        let github = acme.id_of("/apis/github").await;
        acme.share("github", json!([bravo.id])).await;
        let set = json!({ "slug": "reading", "name": "Reading", "operations": [format!("{github}:repos/get")] });
        let made = bravo.call("POST", "/api-sets", set).await.expect(201).json();
        assert_eq!(made["operations"], json!([format!("{github}:repos/get")]));
        let (limited, full) = (
            bravo.key(json!({ "name": "limited", "api_sets": ["reading"] })).await,
            bravo.key(json!({ "name": "full", "api_sets": ["full-access"] })).await,
        );
        let verdict = acme.verdict(&limited, "github", "GET", "/repos/o/r").await;
        assert_eq!((&verdict["code"], &verdict["key"]["api_sets"]), (&json!("VALID"), &json!([])), "never named there");
        let requires = json!({ "credential": limited, "requires": ["reading"] });
        let refused = Request::post("/v1/verify", &requires).header("X-Claviger-Door", &acme.door).send(world.doors).await;
        assert_eq!(fields(&refused.expect(400)), ["requires[0]"], "nor known there");
        // A change of the tenant's set reaches its keys at the provider's door.
        bravo.call("PATCH", "/api-sets/reading", json!({ "operations": [format!("{github}:gists/list")] })).await.expect(200);
        assert_eq!(acme.code(&limited, "github", "GET", "/repos/o/r").await, "OPERATION_NOT_ALLOWED");
        assert_eq!(acme.code(&limited, "github", "GET", "/gists").await, "VALID");
        // Full access covers it where the provider says so.
        assert_eq!(acme.code(&full, "github", "GET", "/gists").await, "OPERATION_NOT_ALLOWED");
        acme.call("PATCH", "/apis/github", json!({ "shared_full_access": true })).await.expect(200);
        assert_eq!(acme.code(&full, "github", "GET", "/gists").await, "VALID");
        assert_eq!(acme.code(&full, "github", "GET", "/no/such").await, "VALID");
        // So does the API's General set, for keys that hold anything of it.
        acme.call("PATCH", "/api-sets/github-general", json!({ "operations": ["github:meta/root"] })).await.expect(200);
        assert_eq!(acme.code(&limited, "github", "GET", "/").await, "VALID");
    }

    async fn what_a_provider_deletes_tenants_hold_no_longer(world: &World) {
        let [acme, bravo, _] = Tenant::three(world).await;
        let (github, issues) = (acme.id_of("/apis/github").await, acme.id_of("/api-sets/issues").await);
        acme.share("github", json!("all")).await;
        let body = json!({ "name": "k", "api_sets": [issues], "operations": [format!("{github}:repos/get")] });
        let made = bravo.call("POST", "/keys", body).await.expect(201).json();
        let (secret, path) = (text(&made["secret"]), format!("/keys/{}", text(&made["key"]["id"])));
        let own = json!({ "slug": "own", "name": "Own", "apis": [github], "operations": [format!("{github}:gists/*")] });
        bravo.call("POST", "/api-sets", own).await.expect(201);
        // A set that counts for others is kept, as one that keys of one's own hold.
        let refused = acme.call("DELETE", "/api-sets/issues", Value::Null).await.expect(409);
        assert!(refused.text().contains("other organizations hold this set: 1"), "{}", refused.text());
        acme.share("github", json!("none")).await;
        acme.call("DELETE", "/api-sets/issues", Value::Null).await.expect(204);
        acme.share("github", json!("all")).await;
        assert_eq!(bravo.get(&path).await["api_sets"], json!([]));
        assert_eq!(acme.code(&secret, "github", "GET", ISSUES).await, "OPERATION_NOT_ALLOWED");
        assert_eq!(acme.code(&secret, "github", "GET", "/repos/o/r").await, "VALID");
        // The tenant can still change its key.
        bravo.call("PATCH", &path, json!({ "description": "still mine" })).await.expect(200);
        acme.call("DELETE", "/apis/github", Value::Null).await.expect(204);
        assert_eq!(acme.code(&secret, "github", "GET", "/repos/o/r").await, "NOT_FOUND", "nothing is shared any more");
        let shown = bravo.get(&path).await;
        assert_eq!((&shown["api_sets"], &shown["operations"]), (&json!([]), &json!([])));
        bravo.call("PATCH", &path, json!({ "description": "and again" })).await.expect(200);
        assert_eq!(bravo.get("/api-sets/own").await["operations"], json!([]));
        bravo.call("PATCH", "/api-sets/own", json!({ "name": "Still own" })).await.expect(200);
        bravo.call("DELETE", &path, Value::Null).await.expect(204);
    }

    async fn g_25_the_tenant_follows_from_the_credential_alone(world: &World) {
        let [acme, bravo, cargo] = Tenant::three(world).await;
        let issues = acme.id_of("/api-sets/issues").await;
        acme.share("github", json!([bravo.id, cargo.id])).await;
        let body = json!({ "name": "k", "api_sets": [issues], "external_id": "same" });
        let keys = [bravo.key(body.clone()).await, cargo.key(body).await];
        let nginx = Nginx::start_with_token(world.doors, "github", &acme.door).await;
        let caddy = Caddy::start_for_header(world.doors, "github", &acme.door, None).await;
        for gateway in [nginx.address, caddy.address] {
            for (secret, tenant) in keys.iter().zip([&bravo, &cargo]) {
                let mut request = Request::get(ISSUES).bearer(secret);
                // No header names a tenant.
                for name in ["X-Auth-Organization", "X-Tenant", "X-Tenant-Id", "X-Organization", "X-Claviger-Organization", "X-Claviger-Door", "X_Auth_Organization"] {
                    request = request.header(name, &cargo.id).header(name, &acme.id);
                }
                let echoed = request.send(gateway).await.expect(200).json();
                assert_eq!(headers_of(&echoed)["x-auth-organization"], tenant.id);
                assert_eq!(headers_of(&echoed)["x-auth-api-sets"], "issues", "the provider's word for it");
            }
        }
        // Each has its own doors, and no key of another counts there unless something is shared.
        assert_eq!(bravo.code(&keys[0], "default", "GET", "/x").await, "OPERATION_NOT_ALLOWED");
        assert_eq!(bravo.code(&keys[1], "default", "GET", "/x").await, "NOT_FOUND");
        assert_eq!(acme.code(&bravo.door, "github", "GET", ISSUES).await, "OPERATION_NOT_ALLOWED", "a door token opens no API");
        // Who asks sees its own.
        let own = Request::get("/v1/whoami").bearer(&keys[0]).send(world.doors).await.expect(200).json();
        assert_eq!(own["organization"], bravo.id);
        // Each log has what concerns it.
        assert_eq!(acme.code(&keys[0], "github", "GET", "/gists").await, "OPERATION_NOT_ALLOWED");
        let checks = async |tenant: &Tenant<'_>| {
            let log = tenant.get("/organization/requests").await;
            let entries = log["data"].as_array().expect("a list").iter();
            entries.map(|entry| entry["check"].as_str().expect("a check").to_owned()).collect::<Vec<_>>()
        };
        let is_there = async || checks(&acme).await.len() >= 2 && !checks(&bravo).await.is_empty();
        wait_until(is_there, || "the logs are not full".to_owned()).await;
        assert_eq!(checks(&acme).await, ["lacks the operation"; 2], "two guests");
        assert_eq!(checks(&bravo).await, ["unknown"], "another organization's key");
        assert!(!acme.get("/organization/requests").await.to_string().contains("\"key_"), "the provider's names no key of others");
    }

    async fn refusals_are_found_by_the_api_that_was_asked_for(world: &World) {
        let [acme, bravo, _] = Tenant::three(world).await;
        let notes = json!({ "slug": "notes", "name": "Notes", "base_paths": ["/notes"], "operations": [{ "name": "list", "method": "GET", "path": "/all" }] });
        acme.call("POST", "/apis", notes).await.expect(201);
        // A slug that begins with another one is another API's.
        let more = json!({ "slug": "notes-2", "name": "Notes 2", "base_paths": ["/more"], "operations": [{ "name": "list", "method": "GET", "path": "/all" }] });
        acme.call("POST", "/apis", more).await.expect(201);
        let kind = json!({ "name": "Partner", "slug": "partner", "sign_in": "key_only", "api_sets": ["issues"] });
        acme.call("POST", "/application-types", kind).await.expect(201);
        let application = json!({ "name": "Portal", "slug": "portal", "type": "partner" });
        let portal = text(&acme.call("POST", "/applications", application).await.expect(201).json()["key"]["secret"]);
        let made = acme.call("POST", "/applications/portal/keys", json!({ "name": "more", "api_sets": ["issues"] })).await.expect(201).json();
        let portal = if portal.is_empty() { text(&made["secret"]) } else { portal };
        let own = acme.call("POST", "/keys", json!({ "name": "own", "api_sets": ["issues"] })).await.expect(201).json();
        for api in ["github", "notes", "notes-2"] {
            acme.share(api, json!([bravo.id])).await;
        }
        let guest = bravo.key(json!({ "name": "guest", "api_sets": [acme.id_of("/api-sets/issues").await] })).await;
        let secrets = [text(&own["secret"]), portal, guest];
        for secret in &secrets {
            for (api, path, count) in [("github", "/gists", 3), ("notes", "/notes/all", 2), ("notes-2", "/more/all", 1), ("nowhere", "/x", 1)] {
                for _ in 0..count {
                    assert_eq!(acme.code(secret, api, "GET", path).await, "OPERATION_NOT_ALLOWED", "{api}");
                }
            }
        }
        let key = format!("/keys/{}/requests", text(&own["key"]["id"]));
        for log in [&*key, "/applications/portal/requests", "/organization/requests"] {
            let count = async |query: &str| acme.get(&format!("{log}?{query}")).await["data"].as_array().map_or(0, Vec::len);
            wait_until(async || count("").await >= 7, || format!("{log} is not full")).await;
            let named = async |api: &str| {
                let rows = acme.get(&format!("{log}?api={api}")).await;
                let rows = rows["data"].as_array().expect("a list").iter();
                rows.map(|row| text(&row["api"])).collect::<Vec<_>>()
            };
            for (api, count) in [("github", 3), ("notes", 2), ("notes-2", 1), ("nowhere", 0), ("note", 0)] {
                assert_eq!(named(api).await, vec![api; count], "{log}");
            }
            // Together with another filter, and page by page.
            assert_eq!(count("api=github&code=OPERATION_NOT_ALLOWED").await, 3, "{log}");
            assert_eq!(count("api=github&code=EXPIRED").await, 0, "{log}");
            let (mut found, mut cursor) = (0, String::new());
            loop {
                let page = acme.get(&format!("{log}?api=github&limit=2{cursor}")).await;
                found += page["data"].as_array().map_or(0, Vec::len);
                let Some(next) = page["next_cursor"].as_str() else { break };
                let foreign = acme.call("GET", &format!("{log}?api=notes&limit=2&cursor={next}"), Value::Null).await;
                assert_eq!(fields(&foreign.expect(400)), ["cursor"], "{log}: a cursor goes on where it came from");
                cursor = format!("&cursor={next}");
            }
            assert_eq!(found, 3, "{log}");
            let refused = acme.call("GET", &format!("{log}?api=No%20slug"), Value::Null).await.expect(400);
            assert_eq!(fields(&refused), ["api"], "{log}");
        }
        // In its own organization's log the guest's refusals name no API of the provider.
        assert_eq!(bravo.get("/organization/requests?api=github").await["data"], json!([]));
    }

    async fn g_24_a_provider_can_answer_as_gotransverse_does(world: &World) {
        world.import_github().await;
        let key = async |name: &str, more: Value| {
            let mut body = json!({ "name": name, "operations": ["github:repos/get"] });
            body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
            world.create_key(body).await.secret
        };
        let (good, off) = (key("good", json!({})).await, key("off", json!({ "disabled": true })).await);
        let away = key("away", json!({ "allowed_ips": ["192.0.2.1"] })).await;
        let asked = async |secret: Option<&str>, path: &str| {
            world.authorize("github", "GET", path, |r| match secret { Some(secret) => r.bearer(secret), None => r }).await
        };
        assert_eq!(asked(Some(&off), "/repos/o/r").await.status, 401, "the default");
        world.api("PATCH", "/policy", Some(&json!({ "status_profile": "gotransverse" }))).await.expect(200);
        asked(Some(&good), "/repos/o/r").await.expect(200);
        let nginx = Nginx::start(world.doors, "github").await;
        for (secret, path, status, detail, code) in [
            (None, "/repos/o/r", 401, "Authorization header not found", "MISSING"),
            (Some(good.as_str()), ISSUES, 403, "Access Denied", "OPERATION_NOT_ALLOWED"),
            (Some(away.as_str()), "/repos/o/r", 403, "Access Denied", "IP_NOT_ALLOWED"),
            (Some("clv_live_00000000000000000000000000000000000000"), "/repos/o/r", 403, "Access to this API has been disallowed", "MALFORMED"),
            (Some("no-key-of-any-kind-at-all"), "/repos/o/r", 403, "Access to this API has been disallowed", "NOT_FOUND"),
            (Some(off.as_str()), "/repos/o/r", 403, "Access to this API has been disallowed", "DISABLED"),
        ] {
            let direct = asked(secret, path).await.expect(status);
            assert_eq!((&direct.json()["detail"], &direct.json()["code"]), (&json!(detail), &json!(code)));
            assert_eq!(direct.header("www-authenticate").is_some(), status == 401 || code == "OPERATION_NOT_ALLOWED", "{code}");
            let request = Request::get(path);
            let request = match secret { Some(secret) => request.bearer(secret), None => request };
            let passed_on = request.send(nginx.address).await.expect(status);
            assert_eq!((&passed_on.json()["detail"], &passed_on.json()["code"]), (&json!(detail), &json!(code)), "nginx");
        }
        // Whoever asks by `/v1/verify` gets the code as ever.
        assert_eq!(world.verdict(&off, "github", "GET", "/repos/o/r").await["detail"], "The API key is disabled.");
        let refused = world.api("PATCH", "/policy", Some(&json!({ "status_profile": "other" }))).await.expect(400);
        assert_eq!(fields(&refused), ["status_profile"]);
    }

    async fn an_api_in_report_only_mode_lets_pass_what_it_logs(world: &World) {
        world.import_github().await;
        let body = json!({ "name": "k", "operations": ["github:repos/get"], "allowed_ips": ["192.0.2.1"] });
        let key = world.create_key(body).await;
        let asked = async |path: &str| world.authorize("github", "GET", path, |r| r.bearer(&key.secret)).await;
        asked(ISSUES).await.expect(403);
        let set = async |report: bool| world.api("PATCH", "/apis/github", Some(&json!({ "report_only": report }))).await.expect(200).json();
        assert_eq!(set(true).await["report_only"], true);
        asked(ISSUES).await.expect(200);
        let verdict = world.verdict(&key.secret, "github", "GET", ISSUES).await;
        assert_eq!((&verdict["valid"], &verdict["code"], &verdict["would_be"]), (&json!(true), &json!("VALID"), &json!("IP_NOT_ALLOWED")));
        let nginx = Nginx::start(world.doors, "github").await;
        Request::get(ISSUES).bearer(&key.secret).send(nginx.address).await.expect(200);
        Request::get(ISSUES).bearer("no-key-of-any-kind-at-all").send(nginx.address).await.expect(401);
        Request::get(ISSUES).send(nginx.address).await.expect(401);
        world.api("POST", &format!("/keys/{}/disable", key.id), None).await.expect(200);
        asked(ISSUES).await.expect(401);
        world.api("POST", &format!("/keys/{}/enable", key.id), None).await.expect(200);
        let path = format!("/keys/{}/requests", key.id);
        let log = async || world.api("GET", &path, None).await.expect(200).json()["data"].clone();
        let passed = async || log().await.as_array().expect("a list").iter().filter(|it| it["report_only"] == true).count();
        wait_until(async || passed().await == 3, || "three that passed are not in the log".to_owned()).await;
        let entry = log().await.as_array().expect("a list").iter().find(|it| it["report_only"] == true).cloned().expect("one");
        assert_eq!((&entry["code"], &entry["path"], &entry["api"]), (&json!("IP_NOT_ALLOWED"), &json!(ISSUES), &json!("github")));
        let metrics = Request::get("/metrics").send(world.telemetry).await.expect(200).text();
        assert!(metrics.contains("claviger_report_only_total{code=\"IP_NOT_ALLOWED\"} 3"), "{metrics}");
        set(false).await;
        asked(ISSUES).await.expect(403);
    }

    async fn keys_come_where_their_api_says_and_nowhere_else(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await.secret;
        let edit = json!({ "credential_sources": ["X-Company-Key", "basic"] });
        let edited = world.api("PATCH", "/apis/default", Some(&edit)).await.expect(200).json();
        assert_eq!(edited["credential_sources"], json!(["x-company-key", "basic"]));
        let header = Some("x-company-key");
        let nginx = Nginx::start_for_header(world.doors, "default", "", header).await;
        let caddy = Caddy::start_for_header(world.doors, "default", "", header).await;
        for gateway in [nginx.address, caddy.address] {
            let mine = Request::get("/x").header("X-Company-Key", &key).bearer("a-token-of-the-service-itself");
            let echoed = mine.send(gateway).await.expect(200).json();
            assert!(!echoed.to_string().contains(&key), "the key stays at the gateway");
            assert!(echoed.to_string().contains("a-token-of-the-service-itself"), "a token beside it passes");
            let basic = Request::get("/x").basic("u", &key).header("X-Company-Key", "").send(gateway).await.expect(200).json();
            assert!(!basic.to_string().contains("\"Basic"), "{basic}");
            let elsewhere = Request::get("/x").header("X-Api-Key", &key).send(gateway).await.expect(401);
            assert_eq!(elsewhere.json()["code"], "MISSING");
            let challenge = elsewhere.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Basic") && !challenge.contains("Bearer"), "{challenge}");
            Request::get("/x").bearer(&key).send(gateway).await.expect(401);
        }
        // As headers came, so they are judged when a service asks by itself.
        let asked = async |body: Value| Request::post("/v1/verify", &body).send(world.doors).await.expect(200).json()["code"].clone();
        assert_eq!(asked(json!({ "x_api_key": key, "api": "default" })).await, "MISSING");
        assert_eq!(asked(json!({ "authorization": format!("Bearer {key}"), "api": "default" })).await, "MISSING");
        assert_eq!(asked(json!({ "credential": key, "api": "default" })).await, "VALID");
        world.api("PATCH", "/apis/default", Some(&json!({ "credential_sources": [] }))).await.expect(200);
        assert_eq!(asked(json!({ "x_api_key": key, "api": "default" })).await, "VALID");
    }

    async fn a_preflight_passes_without_a_key_where_its_api_says_so(world: &World) {
        world.import_github().await;
        let (nginx, caddy) = (Nginx::start(world.doors, "github").await, Caddy::start(world.doors, "github").await);
        let preflight = |method: &str| {
            Request::new(method, ISSUES).header("Origin", "https://app.example.com").header("Access-Control-Request-Method", "POST")
        };
        for gateway in [nginx.address, caddy.address] {
            preflight("OPTIONS").send(gateway).await.expect(401);
        }
        world.api("PATCH", "/apis/github", Some(&json!({ "preflight_without_key": true }))).await.expect(200);
        for gateway in [nginx.address, caddy.address] {
            let echoed = preflight("OPTIONS").send(gateway).await.expect(200).json();
            assert_eq!(echoed["method"], "OPTIONS");
            preflight("GET").send(gateway).await.expect(401);
            preflight("OPTIONS").header("X-HTTP-Method-Override", "DELETE").send(gateway).await.expect(401);
            Request::new("OPTIONS", ISSUES).send(gateway).await.expect(401);
            preflight("OPTIONS").bearer("no-key-of-any-kind-at-all").send(gateway).await.expect(401);
        }
    }

    async fn what_cannot_be_shared_or_looked_for_is_refused_by_field(world: &World) {
        let [acme, bravo, _] = Tenant::three(world).await;
        let nobody = "org_01jd2v3w4x5y6z7a8b9c0d1e2f";
        let many: Vec<_> = (0..1_001).map(|_| nobody).collect();
        for (edit, status, field) in [
            (json!({ "shared_with": [bravo.id, nobody] }), 404, "shared_with[1]"),
            (json!({ "shared_with": [acme.id] }), 400, "shared_with[0]"),
            (json!({ "shared_with": ["bravo"] }), 400, "shared_with[0]"),
            (json!({ "shared_with": "some" }), 400, "shared_with"),
            (json!({ "shared_with": null }), 400, "shared_with"),
            (json!({ "shared_with": many }), 400, "shared_with"),
            (json!({ "shared_full_access": "yes" }), 400, "shared_full_access"),
            (json!({ "report_only": 1 }), 400, "report_only"),
            (json!({ "preflight_without_key": null }), 400, "preflight_without_key"),
            (json!({ "credential_sources": ["basic", "X Key"] }), 400, "credential_sources[1]"),
            (json!({ "credential_sources": ["Authorization"] }), 400, "credential_sources[0]"),
            (json!({ "credential_sources": ["X-Forwarded-For"] }), 400, "credential_sources[0]"),
            (json!({ "credential_sources": ["X-Key", "x-key"] }), 400, "credential_sources[1]"),
            (json!({ "credential_sources": ["query:"] }), 400, "credential_sources[0]"),
            (json!({ "credential_sources": ["a", "b", "c", "d", "e", "f", "g", "h", "i"] }), 400, "credential_sources"),
        ] {
            let refused = acme.call("PATCH", "/apis/github", edit.clone()).await.expect(status);
            assert_eq!(fields(&refused), [field], "{edit}: {}", refused.text());
        }
        assert_eq!(acme.get("/apis/github").await["shared_with"], "none", "nothing was half done");
        acme.call("PATCH", "/apis/claviger", json!({ "shared_with": "all" })).await.expect(409);
        acme.share("github", json!([])).await;
        assert_eq!(acme.get("/apis/github").await["shared_with"], "none");
        // A tenant may not go on from what is shared with it.
        acme.share("github", json!([bravo.id])).await;
        let github = acme.id_of("/apis/github").await;
        let refused = bravo.call("POST", "/api-sets", json!({ "name": "s", "operations": [format!("{github}:no/such")] })).await;
        assert_eq!(fields(&refused.expect(404)), ["operations[0]"]);
        bravo.call("PATCH", &format!("/apis/{github}"), json!({ "shared_with": "all" })).await.expect(403);
        bravo.call("POST", "/api-sets", json!({ "name": "s", "apis": [acme.id_of("/apis/claviger").await] })).await.expect(404);
    }

    async fn real_documents_in_several_versions_are_shared_with_a_second_organization(world: &World) {
        for (version, name) in [("v70", "adyen-CheckoutService-v70.json.gz"), ("v71", "adyen-CheckoutService-v71.json"), ("v72", "adyen-CheckoutService-v72.json.gz")] {
            import(world, "checkout", "Checkout", version, &file(name)).await;
        }
        let management = import(world, "management", "Management", "", &file("adyen-ManagementService-v3.yaml.gz")).await;
        let [acme, bravo, _] = Tenant::three(world).await;
        for api in ["checkout", "management", "github"] {
            acme.share(api, json!([bravo.id])).await;
        }
        let (checkout, github) = (acme.id_of("/apis/checkout").await, acme.id_of("/apis/github").await);
        let management = text(&management["api"]["id"]);
        let of = |name: &str, operations: Value| bravo.key(json!({ "name": name, "operations": operations }));
        let payer = of("payer", json!([format!("{checkout}:post-payments"), format!("{github}:repos/get")])).await;
        let only_72 = of("only v72", json!([format!("{checkout}:*@v72"), format!("{management}:get-merchants*")])).await;
        let set = json!({ "slug": "not-70", "name": "Not v70", "apis": [checkout], "operations": [format!("!{checkout}:*@v70")] });
        bravo.call("POST", "/api-sets", set).await.expect(201);
        let not_70 = bravo.key(json!({ "name": "not v70", "api_sets": ["not-70"] })).await;
        let unknown = json!({ "name": "x", "operations": [format!("{checkout}:post-payments@v99")] });
        assert_eq!(fields(&bravo.call("POST", "/keys", unknown).await.expect(404)), ["operations[0]"]);

        let nginx = Nginx::start_with_token(world.doors, "checkout", &acme.door).await;
        let caddy = Caddy::start_for_header(world.doors, "checkout", &acme.door, None).await;
        for gateway in [nginx.address, caddy.address] {
            for (secret, path, status) in [
                (&payer, "/v70/payments", 200), (&payer, "/v72/payments", 200), (&payer, "/v72/payments/details", 403),
                (&only_72, "/v72/payments", 200), (&only_72, "/v71/payments", 403), (&only_72, "/V71/payments", 403),
                (&not_70, "/v71/payments", 200), (&not_70, "/v72/payments/details", 200), (&not_70, "/v70/payments", 403),
                (&not_70, "/v070/payments", 403),
            ] {
                let answer = Request::new("POST", path).bearer(secret).body(b"{}".to_vec()).send(gateway).await;
                assert_eq!(answer.status, status, "{path}: {}", answer.text());
            }
        }
        let yaml = Caddy::start_for_header(world.doors, "management", &acme.door, None).await;
        for (secret, path, status) in [(&only_72, "/v3/merchants", 200), (&only_72, "/v3/companies", 403), (&payer, "/v3/merchants", 403)] {
            assert_eq!(Request::get(path).bearer(secret).send(yaml.address).await.status, status, "{path}");
        }
        assert_eq!(acme.code(&payer, "github", "GET", "/repos/o/r").await, "VALID");
        // A version that the provider takes away is gone for the tenant too.
        acme.call("PATCH", "/apis/checkout", json!({ "versions": ["v70", "v71"] })).await.expect(200);
        assert_eq!(acme.code(&only_72, "checkout", "POST", "/v72/payments").await, "OPERATION_NOT_ALLOWED");
        assert_eq!(acme.code(&payer, "checkout", "POST", "/v71/payments").await, "VALID");
    }

    async fn keys_of_two_organizations_through_real_gateways(world: &World) {
        let [acme, bravo, cargo] = Tenant::three(world).await;
        let github = acme.id_of("/apis/github").await;
        acme.share("github", json!([bravo.id])).await;
        let own = acme.key(json!({ "name": "own", "operations": ["github:issues/*"] })).await;
        let guest = bravo.key(json!({ "name": "guest", "operations": [format!("{github}:issues/*")] })).await;
        let stranger = cargo.key(json!({ "name": "stranger", "api_sets": ["full-access"] })).await;
        let nginx = Nginx::start_with_token(world.doors, "github", &acme.door).await;
        let caddy = Caddy::start_for_header(world.doors, "github", &acme.door, None).await;
        let get = async |gateway: SocketAddr, path: &str, secret: &str| Request::get(path).bearer(secret).send(gateway).await.status;
        for gateway in [nginx.address, caddy.address] {
            for secret in [&own, &guest] {
                assert_eq!(get(gateway, ISSUES, secret).await, 200);
                assert_eq!(get(gateway, "/repos/o/r/issues/7", secret).await, 200);
                assert_eq!(get(gateway, "/repos/o/r/pulls", secret).await, 403);
            }
            assert_eq!(get(gateway, ISSUES, &stranger).await, 401);
        }
        // The same host with another tenant's door token is another world.
        let theirs = Nginx::start_with_token(world.doors, "default", &bravo.door).await;
        assert_eq!(get(theirs.address, ISSUES, &own).await, 401);
        acme.share("github", json!("none")).await;
        for gateway in [nginx.address, caddy.address] {
            assert_eq!(get(gateway, ISSUES, &guest).await, 401);
            assert_eq!(get(gateway, ISSUES, &own).await, 200);
        }
    }
}

/// Each kind of change reaches keys that were there before, on the other node too, with the change that made it.
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_change_reaches_existing_keys_on_every_node() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    let two = one.second_node(&database).await;
    let [acme, bravo, _] = Tenant::three(&one).await;
    let issues = acme.id_of("/api-sets/issues").await;
    acme.share("github", json!([bravo.id])).await;
    let own = acme.key(json!({ "name": "own", "api_sets": ["issues"] })).await;
    let guest = bravo.key(json!({ "name": "guest", "api_sets": [issues] })).await;
    let kind = json!({ "name": "Partner", "slug": "partner", "sign_in": "key_only", "api_sets": [issues] });
    bravo.call("POST", "/application-types", kind).await.expect(201);
    let application =
        bravo.call("POST", "/applications", json!({ "name": "CRM", "slug": "crm", "type": "partner" })).await;
    let owned = text(&application.expect(201).json()["secret"]);
    let becomes = async |secret: &str, field: &str, expected: Value| {
        // At once on its own node, and soon on the other one.
        assert_eq!(verdict_at(&one, &acme.door, secret).await[field], expected, "{field} on its own node");
        let is_so = async || verdict_at(&two, &acme.door, secret).await[field] == expected;
        wait_until(is_so, || format!("never {field} {expected} on the other node")).await;
    };
    for secret in [&own, &guest, &owned] {
        becomes(secret, "code", json!("VALID")).await;
    }
    let (code, refused) = ("code", || json!("OPERATION_NOT_ALLOWED"));
    let valid = || json!("VALID");
    for (changer, path, change, undo, secret, field, after, before) in [
        (
            &acme,
            "/api-sets/issues",
            json!({ "operations": ["github:gists/*"] }),
            json!({ "operations": ["github:issues/*"] }),
            &guest,
            code,
            refused(),
            valid(),
        ),
        (
            &acme,
            "/apis/github",
            json!({ "shared_with": "none" }),
            json!({ "shared_with": "all" }),
            &guest,
            code,
            json!("NOT_FOUND"),
            valid(),
        ),
        (
            &acme,
            "/apis/github",
            json!({ "base_paths": ["/v9"] }),
            json!({ "base_paths": ["/"] }),
            &own,
            code,
            refused(),
            valid(),
        ),
        (
            &acme,
            "/apis/github",
            json!({ "credential_sources": ["X-Key"] }),
            json!({ "credential_sources": [] }),
            &own,
            code,
            json!("MISSING"),
            valid(),
        ),
        (
            &acme,
            "/organization",
            json!({ "allowed_ips": ["192.0.2.1"] }),
            json!({ "allowed_ips": [] }),
            &own,
            code,
            json!("IP_NOT_ALLOWED"),
            valid(),
        ),
        (
            &bravo,
            "/applications/crm",
            json!({ "active": false }),
            json!({ "active": true }),
            &owned,
            code,
            json!("OWNER_DISABLED"),
            valid(),
        ),
        (
            &bravo,
            "/applications/crm",
            json!({ "allowed_ips": ["192.0.2.1"] }),
            json!({ "allowed_ips": [] }),
            &owned,
            code,
            json!("IP_NOT_ALLOWED"),
            valid(),
        ),
        (
            &bravo,
            "/application-types/partner",
            json!({ "api_sets": [] }),
            json!({ "api_sets": [issues] }),
            &owned,
            code,
            refused(),
            valid(),
        ),
        (
            &bravo,
            "/organization",
            json!({ "allowed_ips": ["192.0.2.1"] }),
            json!({ "allowed_ips": [] }),
            &guest,
            code,
            json!("IP_NOT_ALLOWED"),
            valid(),
        ),
        (
            &acme,
            "/api-sets/issues",
            json!({ "operations": ["github:gists/*"] }),
            json!({ "operations": ["github:issues/*"] }),
            &own,
            code,
            refused(),
            valid(),
        ),
    ] {
        changer.call("PATCH", path, change.clone()).await.expect(200);
        becomes(secret, field, after).await;
        changer.call("PATCH", path, undo).await.expect(200);
        becomes(secret, field, before).await;
    }
    // Report-only mode, and the owner: the name that verdicts bear.
    acme.call("PATCH", "/apis/github", json!({ "report_only": true })).await.expect(200);
    acme.call("PATCH", "/api-sets/issues", json!({ "operations": ["github:gists/*"] })).await.expect(200);
    becomes(&own, "would_be", refused()).await;
    bravo.call("PATCH", "/organization", json!({ "name": "Bravissimo" })).await.expect(200);
    let shown = async || text(&verdict_at(&two, &acme.door, &guest).await["key"]["owner"]["name"]);
    wait_until(async || shown().await == "Bravissimo", || "the owner's name does not reach the other node".to_owned())
        .await;
    // The policy: the profile of gateway doors.
    acme.call("PATCH", "/policy", json!({ "status_profile": "gotransverse" })).await.expect(200);
    for node in [&one, &two] {
        let status = async || gateway_status(node, &acme.door).await;
        wait_until(async || status().await == 403, || "the profile does not reach a node".to_owned()).await;
    }
    two.stop_serving().await;
    one.stop_serving().await;
}

/// The verdict of a node about one request, asked with the headers as they came.
async fn verdict_at(node: &World, door: &str, secret: &str) -> Value {
    let body =
        json!({ "x_api_key": secret, "api": "github", "method": "GET", "path": ISSUES, "client_ip": "203.0.113.7" });
    Request::post("/v1/verify", &body).header("X-Claviger-Door", door).send(node.doors).await.expect(200).json()
}

/// The status of an unknown key at a gateway door.
async fn gateway_status(node: &World, door: &str) -> u16 {
    let asked = node
        .authorize("github", "GET", ISSUES, |r| r.bearer("no-key-of-any-kind-at-all").header("X-Claviger-Door", door));
    asked.await.status
}
