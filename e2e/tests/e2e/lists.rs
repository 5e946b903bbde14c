//! Lists: filters, search, order, pages and files, alike on both databases.

use serde_json::{Value, json};

use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
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

/// A list of the document: where it is, and its parameters.
struct List {
    path: String,
    parameters: Vec<Value>,
}

impl List {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.iter().find(|parameter| parameter["name"] == name)
    }

    /// The values of `?sort=`: no list is without an order that can be chosen.
    fn orders(&self) -> Vec<String> {
        let sort = self.parameter("sort").unwrap_or_else(|| panic!("{} has no sort", self.path));
        let values = sort["schema"]["enum"].as_array().unwrap_or_else(|| panic!("{}: {sort}", self.path));
        values.iter().map(|value| value.as_str().expect("a word").to_owned()).collect()
    }

    /// The same with the ids of what [`fill_lists`] made, and who may read it.
    fn path_and_token(&self, world: &World, things: &Things) -> (String, String) {
        let path = self.path.replace("{id}", &things.key).replace("{api}", "mail");
        // Those that sign in are of an application whose type has them.
        let application = if path.ends_with("/api-users") { "customers" } else { "portal" };
        let path = path.replace("{application}", application).replace("{user}", &things.user);
        let token = match path.as_str() {
            "/organizations" => world.local_token(),
            "/me/keys" => things.users_secret.clone(),
            _ => world.token.clone(),
        };
        (path, token)
    }
}

/// Lists that are histories: read from the newest entry on, they have no other order.
const HISTORIES: [&str; 2] = ["/api-users/{user}/history", "/webhooks/{id}/deliveries"];

/// Every `GET` of the document that takes a `limit`, but histories.
async fn lists(world: &World) -> Vec<List> {
    let document = Request::get("/api/v1/openapi.json").send(world.control).await.expect(200).json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let list = List { path: path.strip_prefix("/api/v1").expect("below it").to_owned(), parameters };
        if list.parameter("limit").is_some() && !HISTORIES.contains(&list.path.as_str()) {
            found.push(list);
        }
    }
    assert!(found.len() >= 15, "only {} lists", found.len());
    found
}

/// What lists are asked for.
struct Things {
    key: String,
    user: String,
    users_secret: String,
}

/// Puts several rows into every list, refused requests among them.
async fn fill_lists(world: &World) -> Things {
    let operations = json!([
        { "name": "b", "method": "GET", "path": "/b" }, { "name": "c", "method": "POST", "path": "/b" },
        { "name": "a", "method": "GET", "path": "/a" },
    ]);
    let post = async |path: &str, body: Value| world.api("POST", path, Some(&body)).await.expect(201).json();
    post("/apis", json!({ "slug": "mail", "name": "Mail", "operations": operations })).await;
    for name in ["Zeta", "beta"] {
        post("/application-types", json!({ "name": name, "sign_in": "key_only", "api_sets": ["full-access"] })).await;
        post("/roles", json!({ "name": name, "authorities": [] })).await;
    }
    let mut application = Value::Null;
    for name in ["Portal", "zoo", "Attic"] {
        let made = post("/applications", json!({ "name": name, "type": "zeta" })).await;
        application = if name == "Portal" { made } else { application };
    }
    let mut user = String::new();
    for name in ["bob", "Ann"] {
        let body = json!({ "email": format!("{name}@example.com"), "name": name, "roles": ["developer"] });
        post("/users", body).await["id"].as_str().expect("an id").clone_into(&mut user);
    }
    post("/application-types", json!({ "name": "Web", "sign_in": "session", "api_sets": ["full-access"] })).await;
    post("/applications", json!({ "name": "Customers", "type": "web" })).await;
    for name in ["carol", "Dave"] {
        let signs_in = json!({
            "application": "customers", "user_name": name, "permission_type": 1, "profile_user": user, "password": "a walk by the lake",
        });
        post("/api-users", signs_in).await;
    }
    world.api("PATCH", "/policy", Some(&json!({ "delegated_creation": true }))).await.expect(200);
    let mut users_secret = String::new();
    let (mut key, mut secret) = (String::new(), String::new());
    for name in ["one", "Two", "three"] {
        let made = world.create_key(json!({ "name": name, "api_sets": [] })).await;
        (key, secret) = (made.id, made.secret);
        post("/applications/portal/keys", json!({ "name": name, "api_sets": [] })).await;
        let made = post(&format!("/users/{user}/keys"), json!({ "name": name, "api_sets": ["claviger-admin"] })).await;
        made["secret"].as_str().expect("a secret").clone_into(&mut users_secret);
    }
    world.api("POST", &format!("/keys/{key}/disable"), None).await.expect(200);
    let id = application["key"]["id"].as_str().expect("an id");
    world.api("POST", &format!("/keys/{id}/disable"), None).await.expect(200);
    let secrets = [json!(secret), application["secret"].clone(), json!("clv_nobody")];
    for (number, secret) in (0..4).flat_map(|number| secrets.iter().map(move |secret| (number, secret))) {
        world.clock.advance(std::time::Duration::from_millis(7));
        let path = if number == 1 { "/a" } else { "/b" };
        world.verdict(secret.as_str().expect("a secret"), "mail", "GET", path).await;
    }
    for path in
        [format!("/keys/{key}/requests"), "/applications/portal/requests".into(), "/organization/requests".into()]
    {
        let rows = async || all_rows(world, &world.token, &path, 100).await.len();
        wait_until(async || rows().await == 4, || format!("the refusals are in {path}")).await;
    }
    // Last: with several organizations a door needs a token.
    for slug in ["zeta", "beta"] {
        world.second_organization(slug).await;
    }
    Things { key, user, users_secret }
}

/// The rows of a list page after page, each by what tells it from the others.
async fn all_rows(world: &World, token: &str, path: &str, limit: usize) -> Vec<String> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = format!("{path}{joint}limit={limit}{cursor}");
        let page = world.api_as(token, "GET", &page, None).await.expect(200).json();
        let rows = page["data"].as_array().expect("rows");
        assert!(rows.len() <= limit);
        // Some members of a row, such as its last use, change by themselves.
        let stable = |row: &Value| {
            ["id", "seq", "request_id"].into_iter().map(|name| &row[name]).find(|id| !id.is_null()).cloned()
        };
        found.extend(rows.iter().map(|row| stable(row).unwrap_or_else(|| row.clone()).to_string()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

on_both_databases! {
    async fn every_list_names_what_it_does_not_know(world: &World) {
        let things = fill_lists(world).await;
        let foreign = world.api("GET", "/api-sets?limit=1", None).await.expect(200).json()["next_cursor"].clone();
        let foreign = foreign.as_str().expect("there are more sets than one").to_owned();
        for list in lists(world).await {
            list.orders();
            let (filled, token) = list.path_and_token(world, &things);
            let path = &list.path;
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
            if list.parameter("text").is_some() {
                assert_eq!(refused("text=%00").await, "text", "{path}");
                assert_eq!(refused(&format!("text={}", "x".repeat(201))).await, "text", "{path}");
            }
        }
    }

    async fn every_order_of_every_list_has_its_reverse_and_the_same_rows_on_pages_of_any_size(world: &World) {
        let things = fill_lists(world).await;
        for list in lists(world).await {
            let (path, token) = list.path_and_token(world, &things);
            let orders = list.orders();
            let mut default = all_rows(world, &token, &path, 100).await;
            assert!(default.len() > 1 || path == "/nodes", "{path} has {} rows", default.len());
            let mut is_default = false;
            for order in &orders {
                let turned = order.strip_prefix('-').map_or_else(|| format!("-{order}"), str::to_owned);
                assert!(orders.contains(&turned), "{path}: {order} has no reverse");
                let rows = all_rows(world, &token, &format!("{path}?sort={order}"), 100).await;
                is_default |= rows == default;
                assert_eq!(all_rows(world, &token, &format!("{path}?sort={order}"), 1).await, rows, "{path} {order}");
                let turned = all_rows(world, &token, &format!("{path}?sort={turned}"), 100).await;
                assert_eq!(reversed(turned), rows, "{path} {order}");
                let mut same = rows.clone();
                same.sort_unstable();
                same.dedup();
                assert_eq!(same.len(), rows.len(), "{path} {order}: a row stands twice");
                default.sort_unstable();
                assert_eq!(same, default, "{path} {order}");
                default = all_rows(world, &token, &path, 100).await;
            }
            assert!(is_default, "{path}: without sort it is in one of the orders");
        }
    }

    async fn diagnostic_logs_nodes_and_the_audit_log_are_filtered_and_searched(world: &World) {
        let things = fill_lists(world).await;
        let count = async |path: &str| all_rows(world, &world.token, path, 1).await.len();
        let key = format!("/keys/{}/requests", things.key);
        for (log, code) in [(key.as_str(), "DISABLED"), ("/applications/portal/requests", "DISABLED")] {
            assert_eq!(count(&format!("{log}?code={code}")).await, 4, "{log}");
            for none in ["code=EXPIRED", "api=other", "ip=192.0.2.77", "text=nothing", "before=2001-01-01T00:00:00Z"] {
                assert_eq!(count(&format!("{log}?{none}")).await, 0, "{log} {none}");
            }
            let rows = world.api("GET", &format!("{log}?sort=at"), None).await.expect(200).json();
            let third = rows["data"][2]["at"].as_str().expect("an instant");
            assert_eq!((count(&format!("{log}?after={third}")).await, count(&format!("{log}?before={third}")).await), (2, 2));
            let id = rows["data"][1]["request_id"].as_str().expect("an id").to_uppercase();
            assert_eq!(count(&format!("{log}?text={id}")).await, 1, "{log}");
        }
        for (query, field) in [("code=nonsense", "code"), ("ip=nonsense", "ip"), ("api=A", "api"), ("after=x", "after"), ("before=x", "before")] {
            let refused = world.api("GET", &format!("/organization/requests?{query}"), None).await.expect(400).json();
            assert_eq!(refused["errors"][0]["field"], field);
        }
        assert_eq!((count("/nodes?state=live").await, count("/nodes?state=lost").await), (1, 0));
        let refused = world.api("GET", "/nodes?state=gone", None).await.expect(400).json();
        assert_eq!(refused["errors"][0]["field"], "state");
        // By a name of then, whatever its case, in both directions; of an actor, an object and a changed text.
        let renamed = json!({ "name": "ÉCLAIR" });
        world.api("PATCH", &format!("/keys/{}", things.key), Some(&renamed)).await.expect(200);
        assert_eq!(count("/audit?text=e%CC%81clair").await, 1);
        assert_eq!(count("/audit?text=%C3%89CLAIR&sort=at&action=key.edit").await, 1);
        assert_eq!(count("/audit?text=PORTAL&action=application.create").await, 1);
        assert_eq!(count("/audit?text=nothing-of-the-kind").await, 0);
        let exported = "/api/v1/audit/export?text=%C3%89clair";
        let exported = Request::get(exported).bearer(&world.token).send(world.control).await.expect(200).text();
        assert_eq!(exported.lines().count(), 2, "the entry and the head: {exported}");
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
