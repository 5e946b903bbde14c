//! Lists: filters, search, order, pages and files, alike on both databases.

use serde_json::{Value, json};

use crate::harness::on_both_databases;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Names that fold, compose, sort and expand differently in databases that do it themselves.
const NAMES: [&str; 12] = [
    "Zebra",
    "apple",
    "Äpfel",
    "ÉCLAIR",
    "e\u{301}clair two",
    "ﬁne",
    "ＷＩＤＥ",
    "straße",
    "Ωmega",
    "日本",
    "_under%",
    "a!b",
];

/// All values of `field`, page after page of `limit`.
async fn all(world: &World, token: &str, path: &str, limit: usize, field: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    let joint = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = format!("{path}{joint}limit={limit}{cursor}");
        let page = world.api_as(token, "GET", &page, None).await.expect(200).json();
        let rows = page["data"].as_array().expect("rows");
        assert!(rows.len() <= limit);
        found.extend(rows.iter().map(|row| row[field].as_str().expect("a text").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

fn reversed(mut list: Vec<String>) -> Vec<String> {
    list.reverse();
    list
}

/// Every `GET` of the document that takes a `limit`, with its parameters.
async fn lists(world: &World) -> Vec<(String, Vec<String>)> {
    let document = Request::get("/api/v1/openapi.json").send(world.control).await.expect(200).json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let names: Vec<String> =
            parameters.iter().filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned())).collect();
        if names.iter().any(|name| name == "limit") {
            found.push((path.strip_prefix("/api/v1").expect("below it").to_owned(), names));
        }
    }
    found
}

on_both_databases! {
    async fn every_list_names_what_it_does_not_know(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": [] })).await;
        world.api("POST", "/apis", Some(&json!({ "slug": "mail", "name": "Mail" }))).await.expect(201);
        let foreign = world.api("GET", "/api-sets?limit=1", None).await.expect(200).json()["next_cursor"].clone();
        let foreign = foreign.as_str().expect("there are more sets than one").to_owned();
        let lists = lists(world).await;
        assert!(lists.len() >= 8, "{lists:?}");
        for (path, parameters) in lists {
            if path.contains("{application}") || ["/me/keys", "/users/{user}/keys"].contains(&path.as_str()) {
                // An application's keys and refusals, and a person's keys, are lists of the same code.
                continue;
            }
            let operators = path == "/organizations";
            let token = if operators { world.local_token() } else { world.token.clone() };
            let filled = path.replace("{id}", &key.id).replace("{api}", "mail");
            let refused = async |query: &str| {
                let answer = world.api_as(&token, "GET", &format!("{filled}?{query}"), None).await;
                let answer = answer.expect(400).json();
                answer["errors"][0]["field"].as_str().expect("a field").to_owned()
            };
            for limit in ["0", "101", "-1", "abc", "", "1e1", "18446744073709551616"] {
                assert_eq!(refused(&format!("limit={limit}")).await, "limit", "{path} {limit}");
            }
            assert_eq!(refused("nonsense=1").await, "nonsense", "{path}");
            assert_eq!(refused("limit=1&limit=2").await, "limit", "{path}");
            let sort = refused("sort=nonsense").await;
            assert_eq!(sort, "sort", "{path}");
            let mut changed = foreign.clone().into_bytes();
            changed[3] ^= 1;
            let changed = String::from_utf8_lossy(&changed).into_owned();
            for cursor in ["", "x", "%00", changed.as_str()] {
                assert_eq!(refused(&format!("cursor={cursor}")).await, "cursor", "{path} {cursor}");
            }
            if path == "/api-sets" {
                for other in ["kind=plain&", "text=a&", "sort=-slug&"] {
                    assert_eq!(refused(&format!("{other}cursor={foreign}")).await, "cursor", "{path}: {other}");
                }
            } else {
                assert_eq!(refused(&format!("cursor={foreign}")).await, "cursor", "{path}: another list's");
            }
            if parameters.iter().any(|name| name == "text") {
                assert_eq!(refused("text=%00").await, "text", "{path}");
                assert_eq!(refused(&format!("text={}", "x".repeat(201))).await, "text", "{path}");
            }
        }
    }

    async fn keys_are_sorted_searched_and_paged_alike_in_both_databases(world: &World) {
        for name in NAMES {
            world.clock.advance(std::time::Duration::from_secs(1));
            world.create_key(json!({ "name": name, "api_sets": [], "tags": [format!("Tag {name}")] })).await;
        }
        // The order of the folded forms' bytes; the first key is the one of the set-up.
        let by_name = [
            "_under%", "a!b", "apple", "fine", "setup", "strasse", "wide", "zebra", "äpfel", "éclair", "éclair two", "ωmega",
            "日本",
        ];
        let expected: Vec<&str> = vec![
            "_under%", "a!b", "apple", "ﬁne", "setup", "straße", "ＷＩＤＥ", "Zebra", "Äpfel", "ÉCLAIR", "éclair two", "Ωmega",
            "日本",
        ];
        assert!(by_name.is_sorted());
        for limit in [1, 3, 100] {
            assert_eq!(all(world, &world.token, "/keys?sort=name", limit, "name").await, expected, "{limit}");
            let descending = all(world, &world.token, "/keys?sort=-name", limit, "name").await;
            assert_eq!(reversed(descending), expected);
            let oldest = all(world, &world.token, "/keys?sort=created_at", limit, "name").await;
            assert_eq!(oldest[0], "setup");
            assert_eq!(reversed(all(world, &world.token, "/keys", limit, "name").await), oldest);
        }
        for (text, found) in [
            ("%C3%89clair", vec!["ÉCLAIR", "éclair two"]), ("E%CC%81CLAIR", vec!["ÉCLAIR", "éclair two"]), ("FINE", vec!["ﬁne"]),
            ("wide", vec!["ＷＩＤＥ"]), ("STRASSE", vec!["straße"]), ("%CF%89", vec!["Ωmega"]), ("%25", vec!["_under%"]),
            ("_under", vec!["_under%"]), ("un_er", vec![]), ("!", vec!["a!b"]), ("tag%20z", vec!["Zebra"]), ("nothing", vec![]),
        ] {
            assert_eq!(all(world, &world.token, &format!("/keys?sort=name&text={text}"), 1, "name").await, found, "{text}");
        }
        // A key made while somebody pages neither hides nor doubles one.
        let first = world.api("GET", "/keys?sort=name&limit=6", None).await.expect(200).json();
        world.create_key(json!({ "name": "aaa", "api_sets": [] })).await;
        let next = first["next_cursor"].as_str().expect("more");
        let rest = all(world, &world.token, "/keys?sort=name", 100, "name").await;
        let second = world.api("GET", &format!("/keys?sort=name&limit=100&cursor={next}"), None).await.expect(200).json();
        let second: Vec<&str> = second["data"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
        assert_eq!(second, expected[6..]);
        assert_eq!(rest.len(), expected.len() + 1);
        // The longest folded name still makes a cursor that is taken back.
        for number in 0..2 {
            let long = format!("{}{number}", "\u{fdfa}".repeat(119));
            world.create_key(json!({ "name": long, "api_sets": [] })).await;
        }
        assert_eq!(all(world, &world.token, "/keys?sort=name", 1, "name").await.len(), expected.len() + 3);
    }

    async fn apis_operations_sets_and_organizations_have_an_order_and_a_search(world: &World) {
        for (slug, name) in [("zeta", "Älpha"), ("beta", "omega"), ("mid", "Beta ÉTÉ")] {
            world.clock.advance(std::time::Duration::from_secs(1));
            let operations = json!([
                { "name": "b", "method": "GET", "path": "/b" }, { "name": "c", "method": "POST", "path": "/b" },
                { "name": "a", "method": "GET", "path": "/a" },
            ]);
            let api = json!({ "slug": slug, "name": name, "operations": operations });
            world.api("POST", "/apis", Some(&api)).await.expect(201);
            world.api("POST", "/api-sets", Some(&json!({ "slug": format!("set-{slug}"), "name": name }))).await.expect(201);
        }
        let admin = world.token.clone();
        for limit in [1, 100] {
            let by_slug = all(world, &admin, "/apis", limit, "slug").await;
            assert_eq!(by_slug, ["beta", "claviger", "default", "mid", "zeta"]);
            assert_eq!(reversed(all(world, &admin, "/apis?sort=-slug", limit, "slug").await), by_slug);
            let by_name = all(world, &admin, "/apis?sort=name", limit, "slug").await;
            assert_eq!(by_name, ["mid", "claviger", "default", "beta", "zeta"], "Beta, Claviger, Default, omega, Älpha");
            assert_eq!(reversed(all(world, &admin, "/apis?sort=-name", limit, "slug").await), by_name);
            assert_eq!(all(world, &admin, "/apis?sort=-created_at&text=%C3%A9t%C3%A9", limit, "slug").await, ["mid"]);
            assert_eq!(all(world, &admin, "/apis?sort=-created_at", limit, "slug").await[..3], ["mid", "beta", "zeta"]);
            assert_eq!(all(world, &admin, "/api-sets?text=set-&sort=name", limit, "slug").await, ["set-mid", "set-beta", "set-zeta"]);
            assert_eq!(all(world, &admin, "/api-sets?kind=plain&sort=-slug", limit, "slug").await, ["set-zeta", "set-mid", "set-beta"]);
            assert_eq!(all(world, &admin, "/apis/mid/operations", limit, "name").await, ["mid:b", "mid:c", "mid:a"]);
            assert_eq!(all(world, &admin, "/apis/mid/operations?sort=name", limit, "name").await, ["mid:a", "mid:b", "mid:c"]);
            assert_eq!(all(world, &admin, "/apis/mid/operations?sort=-name&method=GET", limit, "name").await, ["mid:b", "mid:a"]);
        }
        let page = world.api("GET", "/apis", None).await.expect(200).json();
        let counts: Vec<&Value> = page["data"].as_array().expect("rows").iter().map(|api| &api["operations"]).collect();
        let one = world.api("GET", "/apis/mid", None).await.expect(200).json();
        assert_eq!(counts[3], &one["operations"], "counted together or alone: {page}");
        for slug in ["north", "east"] {
            world.second_organization(slug).await;
        }
        let operator = world.local_token();
        assert_eq!(all(world, &operator, "/organizations?sort=-slug", 1, "slug").await, ["north", "east", "acme"]);
        assert_eq!(all(world, &operator, "/organizations?sort=name&text=A", 1, "slug").await, ["acme", "east"]);
    }

    async fn keys_are_exported_as_csv_and_json_lines(world: &World) {
        for number in 0..130 {
            let body = json!({ "name": format!("={number}"), "api_sets": ["full-access"], "tags": ["a", "b"], "external_id": "+49" });
            world.create_key(body).await;
        }
        let get = |target: &str| Request::get(&format!("/api/v1{target}")).bearer(&world.token);
        let lines = get("/keys?format=jsonl&sort=created_at").send(world.control).await.expect(200);
        assert_eq!(lines.header("content-type").as_deref(), Some("application/jsonl"));
        let rows: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(rows.len(), 131);
        assert!((0..130).all(|number| rows.iter().any(|row| row["name"] == format!("={number}"))), "each of them");
        let csv = get("/keys?sort=created_at&text=%3D12").header("Accept", "text/csv").send(world.control).await.expect(200);
        assert_eq!(csv.header("content-type").as_deref(), Some("text/csv; charset=utf-8"));
        assert!(csv.header("content-disposition").is_some_and(|value| value.contains("keys.csv")));
        let text = csv.text();
        assert!(text.starts_with("\"id\",\"name\",\"state\""), "{text}");
        assert!(text.contains("\"'=12\"") && text.contains("\"'+49\"") && text.contains("\"a, b\""), "{text}");
        assert_eq!(text.lines().count(), 1 + 11, "12, 120 to 129 and no other: {text}");
        let refused = get("/keys?format=csv&limit=5").send(world.control).await.expect(400).json();
        assert_eq!(refused["errors"][0]["field"], "limit");
        let refused = get("/keys?format=xml").send(world.control).await.expect(400).json();
        assert_eq!(refused["errors"][0]["field"], "format");
    }
}
