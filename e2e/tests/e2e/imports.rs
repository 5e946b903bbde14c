//! Imports of keys that others made, through the management API and by `claviger key import`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

/// Good rows; as many broken ones stand between them. More than one transaction's worth.
const GOOD: usize = 600;

fn value(number: usize) -> String {
    format!("sk-good-{number:06}-0123456789")
}

fn row(name: &str, value: &str) -> Value {
    json!({ "name": name, "api_sets": ["full-access"], "import": { "value": value } })
}

/// A file in which every second row is broken, each in another way; which rows those are, and the field that is named.
fn every_second_broken() -> (String, Vec<(usize, &'static str)>) {
    let broken = |value: &str, more: Value| {
        let mut row = row("broken", value);
        row.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        row.to_string()
    };
    let native = format!("clv_live_{}", "0".repeat(38));
    let ways: [(String, &str); 14] = [
        ("{\"name\": \"sk-secret-0123456789abcdef\", ".to_owned(), "body"),
        ("[1, 2]".to_owned(), "body"),
        (broken("short", json!({})), "import.value"),
        (broken(&native, json!({})), "import.value"),
        (broken(&value(0), json!({})), "import.value"),
        (broken("sk-a-0123456789abcdefghij", json!({ "name": "good 0" })), "name"),
        (broken("sk-b-0123456789abcdefghij", json!({ "name": "Im\u{200d}port" })), "name"),
        (broken("sk-c-0123456789abcdefghij", json!({ "name": "a\u{0}b" })), "name"),
        (broken("sk-d-0123456789abcdefghij", json!({ "api_sets": ["nowhere"] })), "api_sets[0]"),
        (broken("sk-e-0123456789abcdefghij", json!({ "expires_at": "2001-01-01" })), "expires_at"),
        (broken("sk-f-0123456789abcdefghij", json!({ "allowed_ips": ["192.0.2.1", "10.0.0.0/33"] })), "allowed_ips[1]"),
        (broken("sk-g-0123456789abcdefghij", json!({ "colour": "red" })), "colour"),
        (broken("x", json!({ "import": { "sha256": "no digits" } })), "import.sha256"),
        (json!({ "name": "nothing to import", "api_sets": [] }).to_string(), "import"),
    ];
    let (mut lines, mut wrong) = (String::new(), Vec::new());
    for number in 0..GOOD {
        let (line, field) = &ways[number % ways.len()];
        let _ = writeln!(lines, "{}\n{line}", row(&format!("good {number}"), &value(number)));
        wrong.push((2 * number + 2, *field));
    }
    (lines, wrong)
}

/// The rows that an answer calls wrong, with the first field of each.
fn wrong_rows(answer: &Value) -> Vec<(usize, String)> {
    let rows = answer["errors"].as_array().expect("a list").iter();
    let one = |row: &Value| {
        let number = usize::try_from(row["row"].as_u64().expect("a number")).expect("a small one");
        let field = row["errors"][0]["field"].as_str().expect("a field");
        // What is wrong with an address is said of the part of it.
        (number, field.split(".range").next().unwrap_or(field).to_owned())
    };
    rows.map(one).collect()
}

fn owned(rows: &[(usize, &str)]) -> Vec<(usize, String)> {
    rows.iter().map(|(row, field)| (*row, (*field).to_owned())).collect()
}

async fn send(world: &World, token: &str, query: &str, lines: &str) -> Response {
    let request = Request::new("POST", &format!("/api/v1/keys/import{query}")).bearer(token);
    request.header("Content-Type", "application/x-ndjson").body(lines.as_bytes().to_vec()).send(world.control).await
}

on_both_databases! {
    async fn an_import_in_which_every_second_row_is_broken_takes_the_others(world: &World) {
        let (lines, wrong) = every_second_broken();
        let tried = send(world, &world.token, "?dry_run=true", &lines).await.expect(200).json();
        assert_eq!((&tried["rows"], &tried["imported"], &tried["keys"]), (&json!(2 * GOOD), &json!(GOOD), &json!([])));
        assert_eq!(wrong_rows(&tried), owned(&wrong));
        assert_eq!(world.key_count().await, 1, "nothing was changed");

        let done = send(world, &world.token, "", &lines).await.expect(200);
        assert!(!done.text().contains("sk-"), "no value is repeated");
        let done = done.json();
        assert_eq!((&done["imported"], &done["dry_run"]), (&json!(GOOD), &json!(false)));
        assert_eq!(wrong_rows(&done), owned(&wrong));
        let rows: Vec<_> = done["keys"].as_array().expect("a list").iter().map(|key| key["row"].as_u64()).collect();
        assert_eq!(rows, (0..GOOD as u64).map(|number| Some(2 * number + 1)).collect::<Vec<_>>(), "all the others, in order");
        for number in [0, 1, 499, 500, GOOD - 1] {
            assert_eq!(world.verdict(&value(number), "default", "GET", "/x").await["code"], "VALID", "{number}");
        }
        for never in ["sk-a-0123456789abcdefghij", "sk-e-0123456789abcdefghij"] {
            assert_eq!(world.verdict(never, "default", "GET", "/x").await["code"], "NOT_FOUND");
        }
        // The same once more makes nothing twice and loses nothing.
        let again = send(world, &world.token, "", &lines).await.expect(200).json();
        assert_eq!((&again["imported"], wrong_rows(&again).len()), (&json!(0), 2 * GOOD));
        assert_eq!(world.verdict(&value(7), "default", "GET", "/x").await["code"], "VALID");
        let entries = world.api("GET", "/audit?action=key.import&limit=100", None).await.expect(200).json();
        assert_eq!(entries["data"].as_array().map(Vec::len), Some(100), "each key has its entry");
        world.api("GET", "/audit/verify", None).await.expect(200);
    }

    async fn keys_of_djangorestframework_api_key_verify_unchanged(world: &World) {
        let value = "pcDGmEEm.1ZgAj1sNMyPuqFCjlUNfRVZg8hrSOOPO";
        // What its table has in `hashed_key`.
        let stored = "sha512$$a7a10840dbe3c2a0a371a37c60d57afff479e0e50005b21871e2d467928aceeaa2de3418cfb57b6b7012c935e70c5cbfb42495506214e0692e035e01a5820625";
        let ask = async |value: &str| world.verdict(value, "default", "GET", "/x").await["code"].clone();
        assert_eq!(ask(value).await, "NOT_FOUND");
        let table = format!("name,sha512,api_sets,disabled\nPartner,{stored},full-access,false\nOther,{stored},,\nBroken,sha512$$ab,,\n");
        let request = Request::new("POST", "/api/v1/keys/import").bearer(&world.token).header("Content-Type", "text/csv");
        let done = request.body(table.into_bytes()).send(world.control).await.expect(200).json();
        assert_eq!(done["imported"], 1, "{done}");
        assert_eq!(wrong_rows(&done), owned(&[(3, "import.sha512"), (4, "import.sha512")]));
        assert_eq!((ask(value).await, ask(stored).await), (json!("VALID"), json!("NOT_FOUND")));
        for header in [format!("Api-Key {value}"), format!("Bearer {value}")] {
            let passed = world.authorize("default", "GET", "/x", |request| request.header("Authorization", &header)).await;
            assert_eq!(passed.status, 200, "{header}");
        }
        let wrong = world.authorize("default", "GET", "/x", |request| request.header("Authorization", &format!("Api-Key {value}x"))).await;
        assert_eq!(wrong.status, 401);
        let id = done["keys"][0]["id"].as_str().expect("an id").to_owned();
        for pasted in [value, stored] {
            let found = world.api("POST", "/keys/lookup", Some(&json!({"credential": pasted}))).await.expect(200).json();
            assert_eq!((&found["key"]["id"], &found["key"]["hint"]), (&json!(id), &json!("… (SHA-512)")));
        }
        world.api("POST", "/keys", Some(&row("the same value", value))).await.expect(400);
        // A value of another key beside it: both count.
        let other = world.create_key(json!({"name": "native", "api_sets": ["full-access"]})).await;
        let both = world.authorize("default", "GET", "/x", |request| request.header("Authorization", &format!("Api-Key {value}")).header("X-Api-Key", &other.secret));
        assert_eq!(both.await.json()["code"], "MALFORMED");
        let rotate = json!({"overlap_seconds": 3_600});
        let new = world.api("POST", &format!("/keys/{id}/rotate"), Some(&rotate)).await.expect(200).json();
        assert_eq!((ask(value).await, ask(new["secret"].as_str().expect("a secret")).await), (json!("VALID"), json!("VALID")));
        world.api("POST", &format!("/keys/{id}/end-overlap"), None).await.expect(200);
        assert_eq!(ask(value).await, "NOT_FOUND");
    }

    async fn with_a_second_organization_nobody_imports_without_the_operators_leave(world: &World) {
        let bravo = world.second_organization("bravo").await;
        let body = row("foreign", &value(1));
        for token in [&world.token, &bravo] {
            for query in ["", "?dry_run=true"] {
                let refused = send(world, token, query, &body.to_string()).await.expect(403).json();
                assert!(refused["detail"].as_str().is_some_and(|it| it.contains("imports_with_several_organizations")));
            }
            world.api_as(token, "POST", "/keys", Some(&body)).await.expect(403);
        }
        let asked = json!({ "credential": value(1) });
        world.api("POST", "/keys/lookup", Some(&asked)).await.expect(404);
    }
}

/// With the operator's leave several organizations import, and a value that another one has reads like any other bad one.
async fn several_organizations_import(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let world = World::start_with(&database, |config| config.control.imports_with_several_organizations = true).await;
    let bravo = world.second_organization("bravo").await;
    let theirs = [row("one", &value(1)), row("two", &value(2))].map(|row| row.to_string()).join("\n");
    assert_eq!(send(&world, &bravo, "", &theirs).await.expect(200).json()["imported"], 2);
    let native = world.api_as(&bravo, "POST", "/keys", Some(&json!({ "name": "native", "api_sets": [] }))).await;
    let native = native.expect(201).json()["secret"].as_str().expect("a secret").to_owned();

    // Theirs, theirs again by its SHA-256, one of native shape that is theirs, one that is nobody's, one that is too short; then
    // one that is free.
    let hashed = |value: &str| json!({ "name": "hashed", "api_sets": [], "import": { "sha256": sha256(value) } });
    let free = "sk-free-0123456789abcdef";
    let rows = [
        row("theirs", &value(1)),
        row("native, theirs", &native),
        row("native, nobody's", &format!("clv_live_{}", "0".repeat(38))),
        row("short", "short"),
        hashed(&value(2)),
        json!({ "name": "no digits", "api_sets": [], "import": { "sha256": "no digits" } }),
        row("free", free),
    ];
    let lines = rows.map(|row| row.to_string()).join("\n");
    for query in ["?dry_run=true", ""] {
        let done = send(&world, &world.token, query, &lines).await.expect(200).json();
        let errors = done["errors"].as_array().expect("a list");
        let rows: Vec<_> = errors.iter().map(|row| row["row"].as_u64().expect("a number")).collect();
        assert_eq!((&done["imported"], &rows[..]), (&json!(1), &[1, 2, 3, 4, 5, 6][..]), "{query}: {done}");
        assert!(errors[..4].iter().all(|row| row["errors"] == errors[0]["errors"]), "{query}: {done}");
        assert_eq!(errors[4]["errors"], errors[5]["errors"], "{query}");
    }
    // One by one it reads the same.
    let told = async |body: Value| {
        let refused = world.api("POST", "/keys", Some(&body)).await.expect(400).json();
        (refused["code"].clone(), refused["detail"].clone(), refused["errors"].clone())
    };
    assert_eq!(told(row("x", &value(1))).await, told(row("x", "short")).await);
    // Each organization has its own, and by a door of the other one it is unknown.
    let owner = async |token: &str, value: &str| {
        let found = world.api_as(token, "POST", "/keys/lookup", Some(&json!({ "credential": value }))).await;
        (found.status == 200).then(|| found.json()["key"]["name"].as_str().expect("a name").to_owned())
    };
    assert_eq!(owner(&world.token, free).await.as_deref(), Some("free"));
    assert_eq!(owner(&bravo, free).await, None);
    assert_eq!((owner(&bravo, &value(1)).await.as_deref(), owner(&world.token, &value(1)).await), (Some("one"), None));
    world.stop_serving().await;
}

fn sha256(value: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(value).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn several_organizations_import_with_the_operators_leave_sqlite() {
    several_organizations_import(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_organizations_import_with_the_operators_leave_postgres() {
    several_organizations_import(Kind::Postgres).await;
}

/// The same file by `claviger key import`: sent in parts, told by the numbers of the file.
async fn by_the_command_line(kind: Kind) {
    let (folder, database) = (tempfile::tempdir().expect("a temporary folder"), TestDatabase::new(kind).await);
    let data = folder.path().join("data");
    let serving = Serving::start(&data, Some(&database.url)).await;
    let done = |arguments: &[&str], input: &str| {
        let output = run(command(&data, arguments), input);
        assert!(!format!("{}{}", text(&output.stdout), text(&output.stderr)).contains("sk-"), "no value is repeated");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(done(&["setup", "--organization", "Acme", "--email", "ada@example.com"], "").0, Some(0));
    let (lines, wrong) = every_second_broken();
    let file = folder.path().join("keys.jsonl");
    std::fs::write(&file, &lines).expect("written");
    let file = file.to_str().expect("a path");

    let (code, shown, _) = done(&["key", "import", file, "--dry-run", "--json"], "");
    let tried: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((code, &tried["imported"], &tried["keys"]), (Some(1), &json!(GOOD), &json!([])));
    // A broken line keeps its number, though it is sent as an empty text.
    assert_eq!(wrong_rows(&tried), owned(&wrong));
    let (code, shown, told) = done(&["key", "import", file], "");
    assert_eq!((code, shown.trim()), (Some(1), &*format!("{GOOD} of {} rows imported", 2 * GOOD)), "{told}");
    assert!(told.contains("row 2: body: ") && told.contains("row 6: import.value: "), "{told}");
    assert!(told.contains(&format!("{} more rows are wrong; --json names them all.", GOOD - 50)), "{told}");
    for number in [0, 499, 500, GOOD - 1] {
        let asked = json!({ "credential": value(number), "method": "GET", "path": "/x" });
        let verdict = Request::post("/v1/verify", &asked).send(serving.doors).await.expect(200).json();
        assert_eq!(verdict["code"], "VALID", "{number}");
    }
    // Again, from standard input: nothing is made twice.
    let (code, shown, _) = done(&["key", "import", "-", "--json"], &lines);
    let again: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((code, &again["imported"], wrong_rows(&again).len()), (Some(1), &json!(0), 2 * GOOD));
    // An array is told by places, and one without a wrong row is done.
    let array = json!([row("last", "sk-last-0123456789abcdef")]).to_string();
    assert_eq!(done(&["key", "import", "-"], &array), (Some(0), "1 of 1 rows imported\n".to_owned(), String::new()));
    let (code, _, told) = done(&["key", "import", "-"], "[{\"name\": \"sk-secret-0123456789abcdef\",");
    assert_eq!(code, Some(2), "{told}");
    serving.stop();
}

#[tokio::test]
async fn the_command_line_imports_a_file_in_which_every_second_row_is_broken_sqlite() {
    by_the_command_line(Kind::Sqlite).await;
}

#[tokio::test]
async fn the_command_line_imports_a_file_in_which_every_second_row_is_broken_postgres() {
    by_the_command_line(Kind::Postgres).await;
}

/// Rows of an import that somebody dies in.
const MANY: usize = 4_000;

async fn a_kill_loses_no_row(kind: Kind) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, database) = (folder.path().join("data"), TestDatabase::new(kind).await);
    std::fs::create_dir_all(&data).expect("a data directory");
    let variables = [("CLAVIGER_DATABASE_URL", database.url.as_str())];
    let serving = Serving::start_with(&data, &variables).await;
    let admin = crate::mail::set_up(&data);
    let file = folder.path().join("keys.csv");
    let rows: String = (0..MANY).fold("name,value,api_sets\n".to_owned(), |mut rows, number| {
        let _ = writeln!(rows, "key {number},{},full-access", value(number));
        rows
    });
    std::fs::write(&file, rows).expect("written");
    let import = |serving: &Serving| {
        let mut import = command(&data, &["key", "import", file.to_str().expect("a path")]);
        import.env("CLAVIGER_URL", format!("http://{}", serving.control)).env("CLAVIGER_TOKEN", &admin);
        import
    };
    let imported = "SELECT COUNT(*) FROM audit_entries WHERE action = 'key.import'".to_owned();
    let begun = std::thread::spawn({
        let import = import(&serving);
        move || run(import, "")
    });
    wait_until(async || database.number(imported.clone()).await > 0, || "some rows are in".to_owned()).await;
    serving.kill();
    let ended = begun.join().expect("it ends");
    let before = database.number(imported.clone()).await;
    assert!(before < MANY as i64, "it was killed in the middle: {before}");
    assert_eq!((ended.status.code(), before % 500), (Some(3), 0), "{}", text(&ended.stderr));
    let serving = Serving::start_with(&data, &variables).await;
    let again = run(import(&serving), "");
    assert_eq!(again.status.code(), Some(1), "those that are in are refused");
    assert_eq!(database.number(imported).await, MANY as i64, "each row once");
    assert_eq!(database.number("SELECT COUNT(*) FROM keys".to_owned()).await, 1 + MANY as i64, "and the first key");
    for number in [0, 499, 500, before as usize, MANY - 1] {
        let question = json!({"credential": value(number), "api": "default", "method": "GET", "path": "/x"});
        let answer = Request::post("/v1/verify", &question).send(serving.doors).await.expect(200).json();
        assert_eq!(answer["code"], "VALID", "{number}");
    }
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_an_import_loses_no_row_and_takes_none_twice_on_sqlite() {
    a_kill_loses_no_row(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_an_import_loses_no_row_and_takes_none_twice_on_postgres() {
    a_kill_loses_no_row(Kind::Postgres).await;
}
