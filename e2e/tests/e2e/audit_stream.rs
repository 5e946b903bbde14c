//! The audit log as a file that a node appends to: whole, in order, whatever dies and whoever takes the file away.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::Request;

const KILLS: u64 = 12;

/// A server that writes its log to `audit.jsonl`.
struct Place {
    folder: tempfile::TempDir,
    database: TestDatabase,
    token: String,
}

impl Place {
    async fn new(kind: Kind) -> Self {
        let folder = tempfile::Builder::new().prefix("claviger-stream-").tempdir().expect("a folder");
        let database = TestDatabase::new(kind).await;
        let mut place = Self { folder, database, token: String::new() };
        let mut set_up =
            command(&place.data(), &["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"]);
        set_up.env("CLAVIGER_DATABASE_URL", &place.database.url);
        let made = run(set_up, "");
        assert!(made.status.success(), "{}", text(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
        made["token"].as_str().expect("a token").clone_into(&mut place.token);
        place
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("logs/audit.jsonl")
    }

    async fn start(&self) -> Serving {
        let file = self.file();
        let variables = [
            ("CLAVIGER_DATABASE_URL", self.database.url.as_str()),
            ("CLAVIGER_AUDIT_STREAM_FILE", file.to_str().expect("a path")),
        ];
        Serving::start_with(&self.data(), &variables).await
    }

    async fn create_key(&self, serving: &Serving, name: &str) {
        let body = json!({ "name": name, "api_sets": [] });
        Request::post("/api/v1/keys", &body).bearer(&self.token).send(serving.control).await.expect(201);
    }

    /// The organization's log as its export has it, without the head.
    async fn export(&self, serving: &Serving) -> Vec<Value> {
        let answer = Request::get("/api/v1/audit/export").bearer(&self.token).send(serving.control).await.expect(200);
        let text = answer.text();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(lines.pop().is_some_and(|head| head.get("head").is_some()));
        lines
    }
}

/// The entries of each chain in the order in which they stand in a file, and how many of them stand there again.
fn chains(files: &[&Path]) -> (BTreeMap<String, Vec<Value>>, usize) {
    let (mut chains, mut again) = (BTreeMap::<String, Vec<Value>>::new(), 0);
    for file in files {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with('\n'), "whole lines");
        for line in text.lines() {
            let mut entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let chain = entry.as_object_mut().and_then(|members| members.remove("chain")).expect("a chain");
            let known = chains.entry(chain.as_str().expect("a name").to_owned()).or_default();
            let next = known.len() as u64 + 1;
            match entry["seq"].as_u64().expect("a number") {
                seq if seq == next => known.push(entry),
                seq => {
                    assert!(seq < next, "{seq} stands before {next}");
                    assert_eq!(known[seq as usize - 1], entry, "the same again");
                    again += 1;
                }
            }
        }
    }
    (chains, again)
}

/// Waits until the files hold the log whole; how many entries stand there twice.
async fn assert_whole(place: &Place, serving: &Serving, files: &[&Path]) -> usize {
    let organization = |chains: &BTreeMap<String, Vec<Value>>| {
        chains.iter().find(|(name, _)| name.starts_with("org_")).map(|(_, entries)| entries.clone()).unwrap_or_default()
    };
    let expected = place.export(serving).await;
    wait_until(
        async || organization(&chains(files).0).len() >= expected.len(),
        || format!("{} of {}: {}", organization(&chains(files).0).len(), expected.len(), serving.log()),
    )
    .await;
    let (found, again) = chains(files);
    assert_eq!(organization(&found), expected, "as the export has it");
    assert!(found["installation"].iter().any(|entry| entry["action"] == "organization.create"), "{found:?}");
    again
}

async fn killed_while_it_writes(kind: Kind) {
    let place = Place::new(kind).await;
    std::fs::create_dir(place.folder.path().join("logs")).expect("a folder");
    let mut serving = place.start().await;
    for round in 0..KILLS {
        for number in 0..20 {
            place.create_key(&serving, &format!("{round}-{number}")).await;
        }
        // At another moment each time: before, while and after it writes.
        tokio::time::sleep(Duration::from_millis(round * 97 % 1_100)).await;
        serving.kill();
        if round == KILLS / 2 {
            // Somebody who ships the file takes it away meanwhile.
            std::fs::rename(place.file(), place.file().with_extension("old")).expect("moved");
        }
        serving = place.start().await;
    }
    let old = place.file().with_extension("old");
    assert_whole(&place, &serving, &[&old, &place.file()]).await;
    let mode = std::fs::metadata(place.file()).expect("it").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_has_every_entry_after_each_kill_9_on_sqlite() {
    killed_while_it_writes(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_has_every_entry_after_each_kill_9_on_postgres() {
    killed_while_it_writes(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_rotated_while_the_server_writes_goes_on_in_a_new_one_and_nothing_is_twice() {
    let place = Place::new(Kind::Sqlite).await;
    std::fs::create_dir(place.folder.path().join("logs")).expect("a folder");
    let serving = place.start().await;
    let mut files = Vec::new();
    for round in 0..4 {
        for number in 0..30 {
            place.create_key(&serving, &format!("{round}-{number}")).await;
        }
        wait_until(async || place.file().exists(), || serving.log()).await;
        let old = place.file().with_extension(format!("{round}"));
        std::fs::rename(place.file(), &old).expect("moved");
        files.push(old);
    }
    wait_until(async || place.file().exists(), || serving.log()).await;
    let current = place.file();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).chain([current.as_path()]).collect();
    assert_eq!(assert_whole(&place, &serving, &files).await, 0);
    // A clean stop and start repeats nothing either.
    serving.stop();
    let serving = place.start().await;
    place.create_key(&serving, "after").await;
    assert_eq!(assert_whole(&place, &serving, &files).await, 0);
    // And what was done last is there when it has ended.
    place.create_key(&serving, "last").await;
    serving.stop();
    let text = std::fs::read_to_string(&current).expect("it");
    assert!(text.contains("\"name\":\"last\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_told_of_and_made_up_for() {
    let place = Place::new(Kind::Sqlite).await;
    let serving = place.start().await;
    place.create_key(&serving, "while there is no folder").await;
    serving.wait_for_log("the audit log cannot be written").await;
    let metrics = async || Request::get("/metrics").send(serving.telemetry).await.expect(200).text();
    wait_until(async || metrics().await.contains("claviger_audit_stream_failing 1"), || "no metric".to_owned()).await;
    std::fs::create_dir(place.folder.path().join("logs")).expect("a folder");
    serving.wait_for_log("again").await;
    assert_eq!(assert_whole(&place, &serving, &[&place.file()]).await, 0);
    let figures = metrics().await;
    assert!(figures.contains("claviger_audit_stream_failing 0"), "{figures}");
    assert!(figures.contains("claviger_audit_stream_missed_total 0"), "{figures}");
    assert!(!figures.contains("claviger_audit_stream_failures_total 0"), "{figures}");
    serving.stop();
}
