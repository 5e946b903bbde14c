//! The rotation of the master secret: whatever interrupts it, a start finds the file that opens the ring.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::Request;

/// A data directory that was set up, and a key of it.
struct Place {
    folder: TempDir,
    data: PathBuf,
    url: Option<String>,
    key: String,
}

#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn refused(output: &Output, code: i32, names: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for name in names {
        assert!(message.contains(name), "no {name:?} in: {message}");
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).expect("readable")
}

// === impl Place ===

impl Place {
    async fn new(database: Option<&TestDatabase>) -> Self {
        let folder = tempfile::Builder::new().prefix("claviger-rotation-").tempdir().expect("a temporary folder");
        let mut place = Self {
            data: folder.path().join("data"),
            folder,
            url: database.map(|database| database.url.clone()),
            key: String::new(),
        };
        let serving = place.start().await;
        done(&run(place.command(&["setup", "--organization", "Acme", "--email", "ada@example.com"]), ""));
        let made =
            done(&run(place.command(&["key", "create", "--name", "k", "--api-set", "full-access", "--json"]), ""));
        let made: Value = serde_json::from_str(&made).expect("JSON");
        made["secret"].as_str().expect("a secret").clone_into(&mut place.key);
        serving.stop();
        place
    }

    async fn start(&self) -> Serving {
        Serving::start(&self.data, self.url.as_deref()).await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.data, arguments);
        command.envs(self.url.as_ref().map(|url| ("CLAVIGER_DATABASE_URL", url)));
        command
    }

    fn rotate(&self) -> Command {
        self.command(&["master-secret", "rotate"])
    }

    fn secret(&self) -> PathBuf {
        self.data.join("master-secret")
    }

    fn next(&self) -> PathBuf {
        self.data.join("master-secret.next")
    }

    async fn asked(&self, serving: &Serving) -> Value {
        let body = json!({ "credential": self.key, "api": "default", "method": "GET", "path": "/x" });
        Request::post("/v1/verify", &body).send(serving.doors).await.expect(200).json()["code"].clone()
    }

    /// A start finds the secret, the key is valid, and the chain is whole; then no other secret waits.
    async fn assert_starts(&self, case: &str) {
        let serving = self.start().await;
        assert_eq!(self.asked(&serving).await, "VALID", "{case}");
        for chain in ["organization", "installation"] {
            done(&run(self.command(&["audit", "verify", "--chain", chain]), ""));
        }
        serving.stop();
    }
}

async fn rotated(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let place = Place::new(Some(&database)).await;
    let first = read(&place.secret());
    // While a server runs, and while none does.
    let serving = place.start().await;
    let told = run(place.rotate(), "");
    assert!(done(&told).contains("new master secret"));
    let second = read(&place.secret());
    assert!(first != second && !place.next().exists());
    assert!(!text(&told.stdout).contains(second.trim()) && !text(&told.stderr).contains(second.trim()));
    assert_eq!(place.asked(&serving).await, "VALID", "the ring in memory is the same");
    let listed = done(&run(place.command(&["audit", "list", "--chain", "installation", "--json"]), ""));
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed["data"][0]["action"], "master_secret.rotate");
    assert_eq!(listed["data"][0]["actor"]["type"], "operator");
    serving.stop();
    place.assert_starts("after the first").await;
    done(&run(place.rotate(), ""));
    assert!(![&first, &second].contains(&&read(&place.secret())));
    place.assert_starts("after the second").await;
    // The old ones open nothing.
    let now = read(&place.secret());
    for old in [&first, &second] {
        std::fs::write(place.secret(), old).expect("written");
        refused(&run(place.command(&["serve"]), ""), 2, &["not the one"]);
        refused(&run(place.rotate(), ""), 2, &["not the one"]);
    }
    std::fs::write(place.secret(), now).expect("written");
    place.assert_starts("with the right one again").await;
}

#[tokio::test]
async fn the_ring_opens_with_the_new_master_secret_alone_on_sqlite() {
    rotated(Kind::Sqlite).await;
}

#[tokio::test]
async fn the_ring_opens_with_the_new_master_secret_alone_on_postgres() {
    rotated(Kind::Postgres).await;
}

#[tokio::test]
async fn a_start_finds_the_secret_in_whichever_file_an_interrupted_rotation_left_it() {
    let place = Place::new(None).await;
    let old = read(&place.secret());
    // Stopped before the ring was sealed anew: the new secret waits, unused.
    let new = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    std::fs::write(place.next(), new).expect("written");
    place.assert_starts("before the ring").await;
    assert_eq!((read(&place.secret()).as_str(), read(&place.next()).as_str()), (old.as_str(), new));
    // Going on takes the one that waits.
    done(&run(place.rotate(), ""));
    assert_eq!(read(&place.secret()), new);
    // Stopped before the files were swapped: a start finishes it, or the command does.
    for by_start in [true, false] {
        std::fs::write(place.secret(), &old).expect("written");
        std::fs::write(place.next(), new).expect("written");
        if by_start {
            place.assert_starts("before the swap").await;
        } else {
            assert!(done(&run(place.rotate(), "")).contains("interrupted is finished"));
        }
        assert!(read(&place.secret()) == new && !place.next().exists());
    }
    // Only the waiting one is left.
    std::fs::rename(place.secret(), place.next()).expect("renamed");
    place.assert_starts("without the old file").await;
}

#[tokio::test]
async fn kill_9_in_a_rotation_leaves_a_secret_that_opens_the_ring() {
    let place = Place::new(None).await;
    for round in 0..4 {
        // What waits unused was left by the round before.
        let _ = std::fs::remove_file(place.next());
        let mut child = place.rotate().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
        let begun = async || place.next().exists() || child.try_wait().expect("its state").is_some();
        wait_until(begun, || "it never began".to_owned()).await;
        // Where it had ended by itself, it was done.
        let _ = child.kill();
        child.wait().expect("it ends");
        place.assert_starts(&format!("round {round}")).await;
    }
}

#[tokio::test]
async fn a_secret_of_ones_own_comes_by_file_or_standard_input() {
    let place = Place::new(None).await;
    let own = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";
    let file = place.folder.path().join("own");
    std::fs::write(&file, own).expect("written");
    let by_file = ["master-secret", "rotate", "--new-secret-file", file.to_str().expect("a path")];
    done(&run(place.command(&by_file), ""));
    assert_eq!(read(&place.secret()).trim(), own);
    refused(&run(place.command(&by_file), ""), 2, &["is the old one"]);
    let by_stdin = ["master-secret", "rotate", "--new-secret-file", "-"];
    refused(&run(place.command(&by_stdin), "short"), 2, &["32 bytes"]);
    assert!(!place.next().exists());
    done(&run(place.command(&by_stdin), "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA=\n"));
    place.assert_starts("with its own").await;
    // A secret in a variable cannot be changed from here.
    let in_variable = |arguments: &[&str], secret: &str| {
        let mut command = place.command(arguments);
        command.env("CLAVIGER_MASTER_SECRET", secret);
        command
    };
    let now = read(&place.secret());
    refused(&run(in_variable(&["master-secret", "rotate"], now.trim()), ""), 2, &["--new-secret-file"]);
    let told = done(&run(in_variable(&by_file, now.trim()), ""));
    assert!(told.contains("set CLAVIGER_MASTER_SECRET"), "{told}");
    refused(&run(in_variable(&["serve"], now.trim()), ""), 2, &["CLAVIGER_MASTER_SECRET"]);
    std::fs::write(place.secret(), own).expect("written");
    place.assert_starts("with what the variable should hold").await;
}

#[tokio::test]
async fn a_wrong_directory_makes_no_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("elsewhere");
    refused(&run(command(&data, &["master-secret", "rotate"]), ""), 2, &["no database", "--data"]);
    assert!(!data.exists());
}
