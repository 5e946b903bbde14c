//! The acceptance rows about addresses, about several keys of one account, and about what a refusal says, by their names.

use serde_json::{Value, json};

use crate::harness::gateway::{Caddy, Nginx};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::{CreatedKey, World};

const ISSUES: &str = "/repos/o/r/issues";

/// Asks `/v1/authorize` about a request from `ip`.
async fn from(world: &World, ip: &str, key: &CreatedKey) -> Response {
    let request = Request::get("/v1/authorize/api/default")
        .header("X-Forwarded-Method", "GET")
        .header("X-Forwarded-Uri", "/x")
        .header("X-Forwarded-Host", "api.example.com")
        .header("X-Forwarded-For", ip);
    request.bearer(&key.secret).send(world.doors).await
}

/// A key for everything, from these addresses.
async fn key(world: &World, name: &str, allowed_ips: Value) -> CreatedKey {
    world.create_key(json!({ "name": name, "api_sets": ["full-access"], "allowed_ips": allowed_ips })).await
}

async fn edit(world: &World, key: &CreatedKey, allowed_ips: &Value) -> Response {
    world.api("PATCH", &format!("/keys/{}", key.id), Some(&json!({ "allowed_ips": allowed_ips }))).await
}

/// The field that a refusal names first.
fn field(refused: &Response) -> String {
    refused.json()["errors"][0]["field"].as_str().unwrap_or_default().to_owned()
}

fn addresses(count: u32) -> Value {
    (0..count).map(|number| json!(std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string())).collect()
}

on_both_databases! {
    async fn y_12_each_integration_has_its_key_and_each_key_its_own_right(world: &World) {
        world.import_github().await;
        let paths = [("issues/list-for-repo", ISSUES), ("repos/get", "/repos/o/r"), ("gists/list", "/gists")];
        let mut keys = Vec::new();
        for (operation, _) in paths {
            let body = json!({ "name": operation, "operations": [format!("github:{operation}")] });
            keys.push(world.create_key(body).await);
        }
        for (holder, key) in keys.iter().enumerate() {
            for (asked, (_, path)) in paths.iter().enumerate() {
                let expected = if asked == holder { 200 } else { 403 };
                let answer = world.authorize("github", "GET", path, |r| r.bearer(&key.secret)).await;
                assert_eq!(answer.status, expected, "key {holder}, {path}");
            }
        }
        world.api("POST", &format!("/keys/{}/disable", keys[0].id), None).await.expect(200);
        world.authorize("github", "GET", ISSUES, |r| r.bearer(&keys[0].secret)).await.expect(401);
        world.authorize("github", "GET", "/repos/o/r", |r| r.bearer(&keys[1].secret)).await.expect(200);
    }

    async fn c_12_a_key_can_be_restricted_to_addresses(world: &World) {
        let key = key(world, "k", json!(["203.0.113.7"])).await;
        from(world, "203.0.113.7", &key).await.expect(200);
        let refused = from(world, "203.0.113.8", &key).await.expect(403);
        assert_eq!(refused.json()["code"], "IP_NOT_ALLOWED");
        // An empty list is any address.
        edit(world, &key, &json!([])).await.expect(200);
        from(world, "203.0.113.8", &key).await.expect(200);
        // Without an address a list cannot hold it.
        edit(world, &key, &json!(["203.0.113.7"])).await.expect(200);
        let body = json!({ "credential": key.secret });
        let verdict = Request::post("/v1/verify", &body).send(world.doors).await.expect(200).json();
        assert_eq!(verdict["code"], "IP_NOT_ALLOWED");
    }

    async fn c_13_addresses_are_added_and_removed_in_any_order_and_kept_once(world: &World) {
        let list = json!(["203.0.113.7", "198.51.100.0/24", "203.0.113.7/32", "::ffff:203.0.113.7", "198.51.100.77/24"]);
        let key = key(world, "k", list).await;
        let kept: Vec<_> = key.record["allowed_ips"].as_array().expect("a list").iter().map(|it| it["range"].clone()).collect();
        assert_eq!(kept, [json!("203.0.113.7"), json!("198.51.100.0/24")], "duplicates are merged");
        edit(world, &key, &json!(["192.0.2.1", "198.51.100.0/24", "203.0.113.7"])).await.expect(200);
        for ip in ["192.0.2.1", "198.51.100.200", "203.0.113.7"] {
            from(world, ip, &key).await.expect(200);
        }
        edit(world, &key, &json!(["203.0.113.7", "192.0.2.1"])).await.expect(200);
        from(world, "198.51.100.200", &key).await.expect(403);
        from(world, "192.0.2.1", &key).await.expect(200);
        // Many at once.
        edit(world, &key, &addresses(10_000)).await.expect(200);
        from(world, "10.0.39.15", &key).await.expect(200);
        from(world, "10.0.39.16", &key).await.expect(403);
        assert_eq!(field(&edit(world, &key, &addresses(10_001)).await.expect(400)), "allowed_ips");
        from(world, "10.0.39.15", &key).await.expect(200);
    }

    async fn c_14_an_address_is_entered_in_any_of_its_forms(world: &World) {
        let key = key(world, "k", json!([])).await;
        for (entry, inside, outside, written) in [
            ("203.0.113.7", "203.0.113.7", "203.0.113.8", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.8", "203.0.113.7"),
            ("203.0.113.7", "::ffff:203.0.113.7", "::ffff:203.0.113.8", "203.0.113.7"),
            ("203.0.113.0/24", "203.0.113.255", "203.0.114.0", "203.0.113.0/24"),
            ("203.0.113.7-203.0.113.9", "203.0.113.9", "203.0.113.10", "203.0.113.7-203.0.113.9"),
            ("203.0.113.0 - 203.0.113.255", "203.0.113.1", "203.0.112.255", "203.0.113.0/24"),
            ("2001:DB8:0::1", "2001:db8::1", "2001:db8::2", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1", "2001:db8::/32"),
            ("::/0", "2001:db8::1", "203.0.113.7", "::/0"),
        ] {
            let edited = edit(world, &key, &json!([entry])).await.expect(200).json();
            assert_eq!(edited["allowed_ips"][0]["range"], written, "{entry}");
            assert_eq!(from(world, inside, &key).await.status, 200, "{entry}: {inside}");
            assert_eq!(from(world, outside, &key).await.status, 403, "{entry}: {outside}");
        }
        // Overlapping ones are no contradiction.
        edit(world, &key, &json!(["203.0.113.0/24", "203.0.113.128/25", "203.0.113.1-203.0.114.4"])).await.expect(200);
        from(world, "203.0.114.4", &key).await.expect(200);
        for wrong in [
            "300.1.1.1", "10.0.0.0/33", "api.example.com", "localhost", "", "203.0.113", "203.0.113.7:80", "fe80::1%eth0",
            "2001:db8::/129", "203.0.113.9-203.0.113.7", "203.0.113.7-2001:db8::1", "10.0.0.0/-1", "10.0.0.0/08", "*",
        ] {
            let list = json!(["192.0.2.1", "192.0.2.2", "192.0.2.3", wrong]);
            let refused = edit(world, &key, &list).await.expect(400);
            assert_eq!(field(&refused), "allowed_ips[3]", "{wrong}: {}", refused.text());
            let list = json!(["192.0.2.1", { "range": wrong }]);
            assert_eq!(field(&edit(world, &key, &list).await.expect(400)), "allowed_ips[1].range", "{wrong}");
        }
        from(world, "203.0.114.4", &key).await.expect(200);
    }

    async fn c_15_an_address_has_a_label(world: &World) {
        let key = key(world, "k", json!([{ "range": "203.0.113.7", "label": "Serwer łódzki" }, "192.0.2.1"])).await;
        let shown = world.get_key(&key.id).await;
        assert_eq!(shown["allowed_ips"][0], json!({ "range": "203.0.113.7", "label": "Serwer łódzki", "until": null }));
        assert_eq!(shown["allowed_ips"][1]["label"], Value::Null);
        let long = json!([{ "range": "203.0.113.7", "label": "x".repeat(101) }]);
        assert_eq!(field(&edit(world, &key, &long).await.expect(400)), "allowed_ips[0].label");
    }

    async fn c_16_an_address_has_an_end_that_holds_at_every_door(world: &World) {
        let entry = json!({ "range": "203.0.113.7", "label": "my own, for testing", "until": "2026-01-10T12:00:00Z" });
        let key = key(world, "k", json!(["192.0.2.1", entry])).await;
        let at_each_door = async || {
            let authorize = from(world, "203.0.113.7", &key).await.status;
            let nginx = Request::get("/v1/authorize/api/default/nginx")
                .header("X-Original-Method", "GET")
                .header("X-Original-URI", "/x")
                .header("X-Original-Host", "api.example.com")
                .header("X-Real-IP", "203.0.113.7")
                .bearer(&key.secret);
            let nginx = nginx.send(world.doors).await.status;
            let body = json!({ "credential": key.secret, "client_ip": "203.0.113.7" });
            let verify = Request::post("/v1/verify", &body).send(world.doors).await.json()["valid"] == true;
            let own = Request::get("/v1/whoami").bearer(&key.secret).header("X-Forwarded-For", "203.0.113.7");
            (authorize, nginx, verify, own.send(world.doors).await.status)
        };
        world.advance_to("2026-01-10T11:59:59Z");
        assert_eq!(at_each_door().await, (200, 200, true, 200));
        world.advance_to("2026-01-10T12:00:00Z");
        assert_eq!(at_each_door().await, (403, 403, false, 403), "no sweeper, no request before: the end alone");
        from(world, "192.0.2.1", &key).await.expect(200);
        // An end in the past is refused at save, but not in the way of another edit.
        let late = json!([{ "range": "192.0.2.9", "until": "2026-01-09" }]);
        assert_eq!(field(&edit(world, &key, &late).await.expect(400)), "allowed_ips[0].until");
        edit(world, &key, &json!(["192.0.2.1", entry, "192.0.2.2"])).await.expect(200);
        // A bare date is that whole day, in the organization's zone.
        let zone = json!({ "time_zone": "Europe/Warsaw" });
        world.api("PATCH", "/organization", Some(&zone)).await.expect(200);
        let dated = edit(world, &key, &json!([{ "range": "192.0.2.1", "until": "2026-01-15" }])).await.expect(200).json();
        assert_eq!(dated["allowed_ips"][0]["until"], "2026-01-15T23:00:00Z");
    }

    async fn c_17_a_forged_address_does_not_pass(world: &World) {
        let key = key(world, "k", json!(["203.0.113.7"])).await;
        // The right end is what a trusted proxy wrote; what stands left of it a client could have sent.
        for (list, status) in [
            ("203.0.113.7, 198.51.100.1", 403),
            ("203.0.113.7, 198.51.100.1, 127.0.0.1", 403),
            ("203.0.113.7,203.0.113.7,198.51.100.1", 403),
            ("198.51.100.1, 203.0.113.7", 200),
            ("198.51.100.1, 203.0.113.7, 127.0.0.1", 200),
            ("unknown, 203.0.113.7", 200),
            ("203.0.113.7, unknown", 403),
        ] {
            assert_eq!(from(world, list, &key).await.status, status, "{list}");
        }
        // Two lines, another family, other headers: none of them counts.
        let asked = |request: Request| {
            request
                .header("X-Forwarded-Method", "GET")
                .header("X-Forwarded-Uri", "/x")
                .header("X-Forwarded-Host", "api.example.com")
                .bearer(&key.secret)
        };
        let door = || Request::get("/v1/authorize/api/default");
        let twice = asked(door()).header("X-Forwarded-For", "203.0.113.7").header("X-Forwarded-For", "198.51.100.1");
        twice.send(world.doors).await.expect(403);
        let beside = asked(door()).header("X-Forwarded-For", "198.51.100.1").header("X-Real-IP", "203.0.113.7");
        beside.header("Forwarded", "for=203.0.113.7").send(world.doors).await.expect(403);
        // Through real gateways a client's own header is no address of its.
        let here = crate::rows_addresses::key(world, "here", json!(["127.0.0.1"])).await;
        let (nginx, caddy) = (Nginx::start(world.doors, "default").await, Caddy::start(world.doors, "default").await);
        for gateway in [nginx.address, caddy.address] {
            for name in ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP"] {
                let forged = Request::get("/x").bearer(&key.secret).header(name, "203.0.113.7");
                assert_eq!(forged.send(gateway).await.status, 403, "{name}");
            }
            Request::get("/x").bearer(&here.secret).header("X-Forwarded-For", "203.0.113.7").send(gateway).await.expect(200);
        }
    }

    async fn c_27_the_log_states_the_refused_address(world: &World) {
        let key = key(world, "k", json!(["203.0.113.7"])).await;
        from(world, "198.51.100.1", &key).await.expect(403);
        let path = format!("/keys/{}/requests", key.id);
        let log = async || world.api("GET", &path, None).await.expect(200).json()["data"].clone();
        wait_until(async || log().await[0].is_object(), || "the refusal is not in the log".to_owned()).await;
        let entry = log().await[0].clone();
        assert_eq!((&entry["code"], &entry["ip"]), (&json!("IP_NOT_ALLOWED"), &json!("198.51.100.1")));
        assert_eq!(entry["check"], "address not in the key's list");
    }

    async fn c_28_the_log_states_the_refused_api_and_the_body_none(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "operations": ["github:repos/get"] })).await;
        let refused = world.authorize("github", "GET", ISSUES, |r| r.bearer(&key.secret)).await.expect(403);
        let nowhere = world.authorize("github", "GET", "/no/such", |r| r.bearer(&key.secret)).await.expect(403);
        for body in [refused.json(), nowhere.json()] {
            assert_eq!(body["code"], "OPERATION_NOT_ALLOWED");
            assert!(!body.to_string().contains("github") && !body.to_string().contains("issues"), "{body}");
        }
        assert_eq!(refused.json()["detail"], nowhere.json()["detail"]);
        let path = format!("/keys/{}/requests", key.id);
        let log = async || world.api("GET", &path, None).await.expect(200).json()["data"].clone();
        wait_until(async || log().await[1].is_object(), || "the refusals are not in the log".to_owned()).await;
        let entries = log().await;
        let of = |path: &str| entries.as_array().expect("a list").iter().find(|it| it["path"] == path).cloned().expect(path);
        assert_eq!((&of(ISSUES)["api"], &of(ISSUES)["operation"]), (&json!("github"), &json!("github:issues/list-for-repo")));
        assert_eq!((&of("/no/such")["api"], &of("/no/such")["check"]), (&json!("github"), &json!("an unlisted path")));
    }

    async fn every_list_that_is_not_empty_must_hold_the_address(world: &World) {
        let kind = json!({ "name": "Partner", "slug": "partner", "sign_in": "key_only", "api_sets": ["full-access"] });
        world.api("POST", "/application-types", Some(&kind)).await.expect(201);
        let application = json!({ "name": "CRM", "slug": "crm", "type": "partner" });
        let made = world.api("POST", "/applications", Some(&application)).await.expect(201).json();
        let key = CreatedKey {
            id: made["key"]["id"].as_str().expect("an id").to_owned(),
            secret: made["secret"].as_str().expect("a secret").to_owned(),
            record: made["key"].clone(),
        };
        let lists = [(format!("/keys/{}", key.id), "192.0.2.0-192.0.2.3"), ("/applications/crm".to_owned(), "192.0.2.2-192.0.2.5"), ("/organization".to_owned(), "192.0.2.3-192.0.2.9")];
        let addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.7", "203.0.113.1"];
        // Every choice of lists: those that are not empty all count.
        for chosen in 0..8_u32 {
            let mut inside: Vec<bool> = vec![true; addresses.len()];
            for (at, (path, range)) in lists.iter().enumerate() {
                let is_chosen = chosen >> at & 1 == 1;
                let list = if is_chosen { json!([range]) } else { json!([]) };
                world.api("PATCH", path, Some(&json!({ "allowed_ips": list }))).await.expect(200);
                let (begin, end) = range.split_once('-').expect("a range");
                let number = |ip: &str| ip.parse::<std::net::Ipv4Addr>().expect("an address");
                for (inside, ip) in inside.iter_mut().zip(addresses) {
                    *inside &= !is_chosen || (number(begin)..=number(end)).contains(&number(ip));
                }
            }
            for (inside, ip) in inside.into_iter().zip(addresses) {
                let answer = from(world, ip, &key).await;
                assert_eq!(answer.status, if inside { 200 } else { 403 }, "lists {chosen:03b}, {ip}: {}", answer.text());
            }
        }
    }

    async fn an_organization_has_a_list_beside_those_of_its_keys(world: &World) {
        let (anywhere, limited) = (key(world, "any", json!([])).await, key(world, "one", json!(["203.0.113.7"])).await);
        let list = json!({ "allowed_ips": [{ "range": "203.0.113.0/24", "label": "office", "until": "2026-06-01" }, "192.0.2.1"] });
        let saved = world.api("PATCH", "/organization", Some(&list)).await.expect(200).json();
        assert_eq!(saved["allowed_ips"][0], json!({ "range": "203.0.113.0/24", "label": "office", "until": "2026-06-02T00:00:00Z" }));
        assert_eq!(world.api("GET", "/organization", None).await.expect(200).json()["allowed_ips"], saved["allowed_ips"]);
        for (ip, key, status) in [
            ("203.0.113.9", &anywhere, 200), ("198.51.100.1", &anywhere, 403), ("192.0.2.1", &anywhere, 200),
            ("203.0.113.7", &limited, 200), ("203.0.113.9", &limited, 403), ("192.0.2.1", &limited, 403),
        ] {
            assert_eq!(from(world, ip, key).await.status, status, "{ip}");
        }
        let explained = world.api("POST", &format!("/keys/{}/check", anywhere.id), Some(&json!({ "client_ip": "198.51.100.1" }))).await;
        assert_eq!(explained.expect(200).json()["code"], "IP_NOT_ALLOWED");
        // Management keys and door tokens have their own lists alone, so that a mistake can be undone.
        for (wrong, at) in [
            (json!(["10.0.0.0/33"]), "allowed_ips[0]"),
            (json!(["192.0.2.1", { "range": "192.0.2.2", "until": "2020-01-01" }]), "allowed_ips[1].until"),
            (addresses(10_001), "allowed_ips"),
            (json!("192.0.2.1"), "allowed_ips"),
        ] {
            let refused = world.api("PATCH", "/organization", Some(&json!({ "allowed_ips": wrong }))).await.expect(400);
            assert_eq!(field(&refused), at, "{}", refused.text());
        }
        world.api("PATCH", "/organization", Some(&json!({ "allowed_ips": addresses(10_000) }))).await.expect(200);
        from(world, "10.0.0.77", &anywhere).await.expect(200);
        world.api("PATCH", "/organization", Some(&json!({ "allowed_ips": null }))).await.expect(200);
        from(world, "198.51.100.1", &anywhere).await.expect(200);
        from(world, "198.51.100.1", &limited).await.expect(403);
    }
}
