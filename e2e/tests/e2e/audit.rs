//! The audit chain, and what is done to it by somebody who may write the database, found by the command line.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

use crate::harness::database::Kind;
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::Request;
use crate::harness::world::{World, run_with};

/// `claviger audit …` as the administrator.
fn audit(world: &World, folder: &tempfile::TempDir, arguments: &[&str]) -> Output {
    let mut command: Command = command(folder.path(), &[&["audit"], arguments].concat());
    command.env("CLAVIGER_URL", format!("http://{}", world.control)).env("CLAVIGER_TOKEN", &world.token);
    run(command, "")
}

/// Asserts that the command finds something wrong, beginning with entry `seq`.
#[track_caller]
fn assert_found(output: &Output, seq: i64, case: &str) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{case}: {message}{}", text(&output.stdout));
    let answer: Value = serde_json::from_str(&message).unwrap_or_else(|_| panic!("{case}: JSON: {message}"));
    if let Some(first_bad) = answer.get("first_bad") {
        assert_eq!(*first_bad, seq, "{case}: {message}");
    } else {
        // Of a file the sentence names it.
        let detail = answer["detail"].as_str().unwrap_or_else(|| panic!("{case}: {message}"));
        let names = detail.contains(&format!("Entry {seq} ")) || detail.contains(&format!("after entry {seq}."));
        assert!(names, "{case}: {detail}");
    }
}

/// Somebody with the database's password.
struct Intruder(AnyConnection);

impl Intruder {
    async fn new(world: &World) -> Self {
        sqlx::any::install_default_drivers();
        let mut intruder = Self(AnyConnection::connect(world.database_url()).await.expect("the database"));
        for table in ["audit_entries", "audit_heads", "audit_checkpoints"] {
            intruder.execute(&format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).await;
        }
        intruder
    }

    async fn execute(&mut self, sql: &str) {
        self.0.execute(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn undo(&mut self) {
        for table in ["audit_entries", "audit_heads", "audit_checkpoints"] {
            self.execute(&format!("DELETE FROM {table}")).await;
            self.execute(&format!("INSERT INTO {table} SELECT * FROM saved_{table}")).await;
        }
    }
}

#[tokio::test]
async fn the_ends_of_the_chains_stand_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let made = run(command(&data, &["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"]), "");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let serving = Serving::start(&data, None).await;
    let line = format!("audit head of {}: ", made["organization"].as_str().expect("an id"));
    wait_until(async || serving.log().contains(&line), || format!("no {line:?} in: {}", serving.log())).await;
    let log = serving.log();
    let noted = log.split(&line).nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a head");
    // As the log has it, the command takes it.
    let verified = run(command(&data, &["audit", "verify", "--head", noted]), "");
    assert!(verified.status.success(), "{noted}: {}", text(&verified.stderr));
    serving.stop();
}

#[test]
fn the_server_removes_by_itself_what_is_older_than_is_configured() {
    run_with(
        Kind::Sqlite,
        |config| config.audit.retention_days = Some(30),
        async |world: &World| {
            let first = async || world.api("GET", "/audit?sort=at&limit=1", None).await.expect(200).json();
            assert_eq!(first().await["removed"], Value::Null);
            world.advance(Duration::from_hours(31 * 24));
            world.create_key(json!({ "name": "kept", "api_sets": [] })).await;
            let has_begun = async || {
                // It looks each hour.
                world.advance(Duration::from_hours(1));
                first().await["data"][0]["action"] == "key.create" && !first().await["removed"].is_null()
            };
            wait_until(has_begun, || "nothing was removed".to_owned()).await;
            let trimmed = world.api("GET", "/audit?action=audit.trim", None).await.expect(200).json();
            assert_eq!(trimmed["data"][0]["after"]["kept_days"], 30, "{trimmed}");
        },
    );
}

on_both_databases! {
    async fn what_is_done_to_the_audit_chain_is_found_by_the_command(world: &World) {
        for name in ["alpha", "beta", "gamma", "delta"] {
            world.create_key(json!({ "name": name, "api_sets": [] })).await;
        }
        let list = world.api("GET", "/audit?sort=at&limit=100", None).await.expect(200).json();
        let entries = list["data"].as_array().expect("entries").clone();
        let (count, chain) = (entries.len() as i64, world.api("GET", "/me", None).await.json()["organization"].clone());
        let of = |seq: i64| format!("chain = '{}' AND seq = {seq}", chain.as_str().expect("an id"));
        let folder = tempfile::tempdir().expect("a folder");
        let whole = audit(world, &folder, &["verify", "--json"]);
        assert!(whole.status.success(), "{}", text(&whole.stderr));
        let answer: Value = serde_json::from_slice(&whole.stdout).expect("JSON");
        assert_eq!((&answer["intact"], &answer["head"]["seq"]), (&json!(true), &json!(count)));
        let export = folder.path().join("audit.jsonl");
        let file = export.to_str().expect("a path");
        assert!(audit(world, &folder, &["export", "--output", file]).status.success());
        let noted = format!("{count}:{}", answer["head"]["mac"].as_str().expect("a MAC"));
        let check = |arguments: &[&str]| audit(world, &folder, &[&["verify", "--json"], arguments].concat());
        assert!(check(&["--export", file]).status.success() && check(&["--head", &noted]).status.success());

        let mut intruder = Intruder::new(world).await;
        let third_last = count - 2;
        let changed = format!("UPDATE audit_entries SET entry = REPLACE(entry, 'beta', 'omega') WHERE {}", of(third_last));
        let harmless = format!("UPDATE audit_entries SET action = 'key.read' WHERE {}", of(third_last));
        let actor = format!("UPDATE audit_entries SET actor = 'key_nobody' WHERE {}", of(third_last));
        let removed = format!("DELETE FROM audit_entries WHERE {}", of(third_last));
        for (case, statement) in [("changed", changed), ("column", harmless), ("actor", actor), ("removed", removed)] {
            intruder.execute(&statement).await;
            assert_found(&check(&[]), third_last, case);
            intruder.undo().await;
        }
        for (from, to) in [(third_last, 1_000), (third_last + 1, third_last), (1_000, third_last + 1)] {
            intruder.execute(&format!("UPDATE audit_entries SET seq = {to} WHERE {}", of(from))).await;
        }
        assert_found(&check(&[]), third_last, "reordered");
        intruder.undo().await;
        intruder.execute(&format!("DELETE FROM audit_entries WHERE {}", of(count))).await;
        assert_found(&check(&[]), count, "cut");
        // With the head put back too, only what was noted elsewhere tells.
        let (kept, mac) = (count - 1, format!("(SELECT mac FROM audit_entries WHERE {})", of(count - 1)));
        let head = format!("UPDATE audit_heads SET seq = {kept}, mac = {mac} WHERE chain = '{}'", chain.as_str().expect("an id"));
        intruder.execute(&head).await;
        assert!(check(&[]).status.success(), "nothing in the database tells");
        assert_found(&check(&["--head", &noted]), count, "cut with its head, by the noted head");
        assert_found(&check(&["--export", file]), count, "cut with its head, by the export");
        intruder.undo().await;
        assert!(check(&["--export", file]).status.success(), "whole again");

        // And a file that was changed, cut or reordered.
        let lines: Vec<String> = std::fs::read_to_string(&export).expect("it").lines().map(str::to_owned).collect();
        let write = |lines: &[String]| std::fs::write(&export, lines.join("\n") + "\n").expect("it");
        let mut other = lines.clone();
        other[1] = other[1].replace("create", "delete");
        write(&other);
        assert_found(&check(&["--export", file]), 2, "a changed file");
        other.clone_from(&lines);
        other.swap(2, 3);
        write(&other);
        assert_found(&check(&["--export", file]), 3, "a reordered file");
        write(&lines[..lines.len() - 1]);
        assert_found(&check(&["--export", file]), count, "a file that broke off");
    }

    async fn a_log_that_is_not_kept_for_ever_is_proven_by_the_command_from_its_checkpoint(world: &World) {
        for name in ["alpha", "beta", "gamma"] {
            world.create_key(json!({ "name": name, "api_sets": [] })).await;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| {
            let path = folder.path().join(name);
            let output = audit(world, &folder, &["export", "--output", path.to_str().expect("a path")]);
            assert!(output.status.success(), "{}", text(&output.stderr));
            path.to_str().expect("a path").to_owned()
        };
        let check = |arguments: &[&str]| audit(world, &folder, &[&["verify", "--json"], arguments].concat());
        let head = async || {
            let head = world.api("GET", "/audit/verify", None).await.expect(200).json()["head"].clone();
            (head["seq"].as_i64().expect("a number"), format!("{}:{}", head["seq"], head["mac"].as_str().expect("a MAC")))
        };
        let before = write("before.jsonl");
        let (count, noted) = head().await;
        // Notices look at what may go first, by the second.
        world.advance(Duration::from_hours(31 * 24));
        let kept = world.create_key(json!({ "name": "kept", "api_sets": [] })).await;
        wait_until(async || world.trim_audit(30).await > 0, || "nothing is removed".to_owned()).await;
        let removed = world.api("GET", "/audit", None).await.expect(200).json()["removed"].clone();
        wait_until(async || { world.trim_audit(30).await; world.api("GET", "/audit", None).await.json()["removed"]["seq"] == count },
            || format!("not all: {removed}")).await;

        let shown = audit(world, &folder, &["verify"]);
        assert!(text(&shown.stdout).contains(&format!("Entries up to {count}, of ")), "{}", text(&shown.stdout));
        let listed = audit(world, &folder, &["list"]);
        assert!(text(&listed.stdout).contains(&format!("Entries up to {count}, of ")), "{}", text(&listed.stdout));
        assert!(check(&["--head", &noted]).status.success(), "the last that went is known by its MAC");
        assert!(check(&["--head", &format!("1:{}", "0".repeat(64))]).status.success(), "of one before it nothing is");
        assert_found(&check(&["--head", &format!("{count}:{}", "0".repeat(64))]), count, "another MAC");
        assert!(check(&["--export", &before]).status.success(), "nothing of it is left to compare");
        let after = write("after.jsonl");
        assert!(check(&["--export", &after]).status.success());
        let lines = std::fs::read_to_string(&after).expect("it");
        let first: Value = serde_json::from_str(lines.lines().next().unwrap_or_default()).expect("JSON");
        assert_eq!(first["checkpoint"]["seq"], count, "{first}");
        std::fs::write(&after, lines.replace("key.create", "key.delete")).expect("it");
        assert_found(&check(&["--export", &after]), count + 1, "a changed file");

        let mut intruder = Intruder::new(world).await;
        let (_, noted) = head().await;
        let chain = world.api("GET", "/me", None).await.json()["organization"].as_str().expect("an id").to_owned();
        let next = count + 1;
        for (case, statement, seq) in [
            ("no checkpoint", format!("DELETE FROM audit_checkpoints WHERE chain = '{chain}'"), 1),
            ("a longer cut", format!("DELETE FROM audit_entries WHERE chain = '{chain}' AND seq = {next}"), next),
            ("a forged checkpoint", format!("UPDATE audit_checkpoints SET seq = {next}, mac = (SELECT mac FROM audit_entries \
                WHERE chain = '{chain}' AND seq = {next}) WHERE chain = '{chain}'"), next),
        ] {
            intruder.execute(&statement).await;
            assert_found(&check(&[]), seq, case);
            assert_found(&check(&["--head", &noted]), seq, case);
            intruder.undo().await;
        }
        assert!(check(&["--head", &noted]).status.success(), "whole again");
        // What is left of histories is there.
        let history = world.api("GET", &format!("/audit?object={}", kept.id), None).await.expect(200).json();
        assert_eq!(history["data"].as_array().map(Vec::len), Some(1), "{history}");
    }

    async fn c_30_edits_are_audited_with_before_and_after(world: &World) {
        let key = world.create_key(json!({ "name": "before", "api_sets": ["full-access"], "tags": ["a"] })).await;
        let edit = json!({ "name": "after", "allowed_ips": ["192.0.2.0/24"], "api_sets": [], "tags": ["a"] });
        world.authorize("default", "GET", "/a", |request| request.bearer(&key.secret)).await.expect(200);
        let edited = world.api("PATCH", &format!("/keys/{}", key.id), Some(&edit)).await.expect(200);
        // In force with the next request, and for the same secret.
        world.authorize("default", "GET", "/a", |request| request.bearer(&key.secret)).await.expect(403);
        assert_eq!(edited.json()["hint"], key.record["hint"]);
        let request_id = edited.header("x-request-id").expect("a request id");
        let list = world.api("GET", &format!("/audit?object={}&action=key.edit", key.id), None).await.expect(200).json();
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
        let entry = &list["data"][0];
        assert_eq!(entry["before"], json!({ "name": "before", "allowed_ips": [], "api_sets": ["full-access"] }));
        let after = &entry["after"];
        assert_eq!((&after["name"], &after["api_sets"]), (&json!("after"), &json!([])));
        assert_eq!(after["allowed_ips"][0]["range"], "192.0.2.0/24");
        assert_eq!(after.as_object().map(serde_json::Map::len), Some(3), "what did not change is not there: {after}");
        assert_eq!(entry["object"], json!({ "type": "key", "id": key.id, "name": "after" }));
        assert_eq!((&entry["request_id"], &entry["session"]), (&json!(request_id), &Value::Null));
        assert_eq!(entry["hash"].as_str().map(str::len), Some(64));
        assert!(!list.to_string().contains(&key.secret));
        // The same again changes nothing and is no entry.
        world.api("PATCH", &format!("/keys/{}", key.id), Some(&edit)).await.expect(200);
        let again = world.api("GET", "/audit?action=key.edit", None).await.expect(200).json();
        assert_eq!(again["data"].as_array().map(Vec::len), Some(1));
    }

    async fn the_audit_log_is_filtered_paged_and_exported_with_its_head(world: &World) {
        for number in 0..120 {
            world.create_key(json!({ "name": format!("=cmd {number}"), "api_sets": [] })).await;
        }
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/audit?action=key.*&sort=at&limit=7{cursor}");
            let page = world.api("GET", &path, None).await.expect(200).json();
            seen.extend(page["data"].as_array().expect("entries").iter().map(|entry| entry["seq"].as_i64().expect("a number")));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert!(seen.len() >= 120 && seen.is_sorted(), "{seen:?}");
        let me = world.api("GET", "/me", None).await.expect(200).json();
        let actor = me["actor"]["id"].as_str().expect("the key's id");
        for (filter, some) in [
            (format!("actor={actor}"), true), ("actor=key".into(), true), ("actor=user".into(), false),
            ("action=key.create".into(), true), ("action=key".into(), false), ("object=key".into(), true),
            ("after=2025-12-31T00:00:00Z".into(), true), ("before=2025-12-31T00:00:00Z".into(), false),
        ] {
            let list = world.api("GET", &format!("/audit?{filter}"), None).await.expect(200).json();
            assert_eq!(list["data"].as_array().is_some_and(|rows| !rows.is_empty()), some, "{filter}");
        }
        for (wrong, field) in [("sort=name", "sort"), ("who=me", "who"), ("limit=101", "limit"), ("actor=%00", "actor"),
            ("chain=other", "chain"), ("cursor=x", "cursor"), ("after=yesterday", "after")]
        {
            let refused = world.api("GET", &format!("/audit?{wrong}"), None).await.expect(400).json();
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        world.api("GET", "/audit?chain=installation", None).await.expect(403);

        let request = |target: &str| Request::get(&format!("/api/v1{target}")).bearer(&world.token);
        let export = request("/audit/export").send(world.control).await.expect(200);
        assert_eq!(export.header("content-type").as_deref(), Some("application/jsonl"));
        let text = export.text();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let head = &lines[lines.len() - 1]["head"];
        assert_eq!(head["seq"].as_u64(), Some(lines.len() as u64 - 1));
        assert_eq!(head["mac"], lines[lines.len() - 2]["hash"]);
        let noted = format!("{}:{}", head["seq"], head["mac"].as_str().expect("a MAC"));
        assert_eq!(export.header("x-claviger-audit-head"), Some(noted));
        let csv = request("/audit/export").header("Accept", "text/csv").send(world.control).await.expect(200);
        assert_eq!(csv.header("content-type").as_deref(), Some("text/csv; charset=utf-8"));
        let text = csv.text();
        assert!(text.starts_with("\"seq\",\"at\",") && text.contains("\"'=cmd 7\"") && text.contains("\"audit.head\""));
        assert!(!text.contains(",\"=cmd"), "no formula");
    }
}
