//! New secrets for many keys at once, by the command line, and what is left where somebody dies meanwhile.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::Request;
use crate::mail::set_up;

/// Keys that are rotated; more than one part of the answer.
const KEYS: usize = 400;

/// The keys of a file, by id, with what stands there of each.
fn told(file: &Path) -> BTreeMap<String, Value> {
    let lines = std::fs::read_to_string(file).unwrap_or_default();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| Some((line["id"].as_str()?.to_owned(), line))).collect()
}

/// The codes of these values, by the batch.
async fn codes(serving: &Serving, values: &[String]) -> Vec<String> {
    let mut codes = Vec::new();
    for part in values.chunks(100) {
        let ask = |value: &String| json!({"credential": value, "api": "default", "method": "GET", "path": "/x"});
        let body: Value = part.iter().map(ask).collect();
        let answer = Request::post("/v1/verify/batch", &body).send(serving.doors).await.expect(200).json();
        let items = answer.as_array().or_else(|| answer["results"].as_array()).expect("a list").iter();
        codes.extend(items.map(|item| item["code"].as_str().expect("a code").to_owned()));
    }
    codes
}

async fn a_kill_loses_no_secret_that_works(kind: Kind) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (data, database) = (folder.path().join("data"), TestDatabase::new(kind).await);
    std::fs::create_dir_all(&data).expect("a data directory");
    let variables = [("CLAVIGER_DATABASE_URL", database.url.as_str())];
    let serving = Serving::start_with(&data, &variables).await;
    let admin = set_up(&data);
    let value = |number: usize| format!("a-value-of-another-system-{number:04}");
    let row = |number| json!({"name": format!("key {number}"), "tags": ["moved"], "api_sets": ["full-access"], "import": {"value": value(number)}});
    let rows: Value = (0..KEYS).map(row).collect();
    let imported = Request::post("/api/v1/keys/import", &rows).bearer(&admin).send(serving.control).await.expect(200);
    assert_eq!(imported.json()["imported"], KEYS);
    let old: Vec<String> = (0..KEYS).map(value).collect();

    let rotate = |serving: &Serving, file: &Path, more: &[&str]| {
        let mut words = vec!["key", "rotate-many", "--overlap-seconds", "86400", "--tag", "moved"];
        words.extend(more);
        let mut command = command(&data, &words);
        if !more.contains(&"--dry-run") {
            command.arg("--output").arg(file);
        }
        command.env("CLAVIGER_URL", format!("http://{}", serving.control)).env("CLAVIGER_TOKEN", &admin);
        command
    };
    let first = folder.path().join("first.jsonl");
    let tried = run(rotate(&serving, &first, &["--dry-run"]), "");
    assert_eq!(text(&tried.stdout), format!("{KEYS} keys would be rotated\n"), "{}", text(&tried.stderr));
    assert!(!first.exists() && codes(&serving, &old).await.iter().all(|code| code == "VALID"));

    let mut rotating = rotate(&serving, &first, &[]).stderr(Stdio::piped()).spawn().expect("it starts");
    wait_until(async || told(&first).len() >= 40, || "some keys are rotated".to_owned()).await;
    serving.kill();
    let ended = rotating.wait().expect("it ends");
    let before = told(&first);
    assert!(before.len() < KEYS, "it was killed in the middle: {}", before.len());
    assert_eq!(ended.code(), Some(3), "the server is gone");
    assert_eq!(std::fs::metadata(&first).expect("the file").permissions().mode() & 0o777, 0o600);

    // The same command again: keys in their overlap stay as they are, the others are rotated.
    let serving = Serving::start_with(&data, &variables).await;
    let again = run(rotate(&serving, &first, &[]), "");
    assert_eq!(
        (again.status.code(), text(&again.stderr).contains("name another file")),
        (Some(2), true),
        "nothing is overwritten"
    );
    let second = folder.path().join("second.jsonl");
    let again = run(rotate(&serving, &second, &[]), "");
    assert_eq!(again.status.code(), Some(1), "some were rotated before: {}", text(&again.stderr));
    let after = told(&second);
    assert_eq!(after.len(), KEYS);
    let is_new = |line: &&Value| line["secret"].is_string();
    assert!(before.values().all(|line| line["secret"].is_string()), "each that was told of was rotated");
    let lost = after.iter().filter(|(id, line)| !line["secret"].is_string() && !before.contains_key(*id)).count();
    assert!(lost <= 20, "no more than a part of the answer was under way: {lost}");
    for (id, line) in &after {
        if line["secret"].is_string() {
            assert!(!before.contains_key(id), "{id} was rotated twice");
        } else {
            assert_eq!(line["code"], "conflict", "{line}");
        }
    }
    let new: Vec<String> = before
        .values()
        .chain(after.values())
        .filter(is_new)
        .filter_map(|line| line["secret"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(new.len() + lost, KEYS);
    assert!(codes(&serving, &new).await.iter().all(|code| code == "VALID"), "every secret that was told works");
    assert!(codes(&serving, &old).await.iter().all(|code| code == "VALID"), "and so does every old one");
    let rotations = "SELECT COUNT(*) FROM audit_entries WHERE action = 'key.rotate'".to_owned();
    assert_eq!(database.number(rotations).await, KEYS as i64, "each key once");
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_rotating_many_loses_no_secret_that_works_on_sqlite() {
    a_kill_loses_no_secret_that_works(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_rotating_many_loses_no_secret_that_works_on_postgres() {
    a_kill_loses_no_secret_that_works(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_rotate_the_same_key_at_once_one_is_refused_and_the_other_s_secret_works() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = TestDatabase::new(kind).await;
        let world = crate::harness::world::World::start_on(&database).await;
        let made = world.create_key(json!({"name": "Import", "api_sets": ["full-access"]})).await;
        for _ in 0..10 {
            let path = format!("/keys/{}/rotate", made.id);
            let body = json!({"overlap_seconds": 3_600});
            let rotate = || async { world.api("POST", &path, Some(&body)).await };
            let (one, other) = tokio::join!(rotate(), rotate());
            let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
            assert_eq!((won.status, lost.status), (200, 409), "{}", lost.text());
            let secret = won.json()["secret"].as_str().expect("a secret").to_owned();
            assert_eq!(world.verdict(&secret, "default", "GET", "/x").await["code"], "VALID");
            world.api("POST", &format!("/keys/{}/end-overlap", made.id), None).await.expect(200);
        }
        world.stop_serving().await;
    }
}
