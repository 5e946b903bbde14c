//! Backups and restores: verdicts are the same before and after, in either database, and nothing half done is ever found.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::golden::Golden;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, binary, command, run, text};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Rows that a restore has to write for a while.
const MANY_ROWS: u32 = 150_000;
/// What making the tables leaves in the write-ahead log at the most: beyond it rows are written.
const MADE_TABLES_BYTES_MAX: u64 = 5_000_000;

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("claviger-backup-").tempdir().expect("a temporary folder")
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
    assert!(!message.contains("panicked"), "{message}");
}

/// `claviger restore` on a data directory of its own.
fn restore(data: &Path, database: Option<&str>, master_secret: Option<&Path>, file: &Path) -> Command {
    let mut command = command(data, &["restore", file.to_str().expect("a path")]);
    command.envs(database.map(|url| ("CLAVIGER_DATABASE_URL", url)));
    command.envs(master_secret.map(|file| ("CLAVIGER_MASTER_SECRET_FILE", file)));
    command
}

async fn execute(file: &Path, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("the file");
    connection.execute(sqlx::raw_sql(sql)).await.expect("executed");
}

/// Golden verdicts, asked of a server and of another one that a backup of the first was restored into; each door `fewest` at
/// least.
async fn moved(from: Kind, to: Kind, corpus: &str, fewest: usize) {
    let (database, other, folder) = (TestDatabase::new(from).await, TestDatabase::new(to).await, folder());
    let world = World::start_on(&database).await;
    let golden = Golden::make(&world, corpus).await;
    let file = folder.path().join("claviger.backup");
    let mut backup = command(folder.path(), &["backup", file.to_str().expect("a path"), "--json"]);
    backup.env("CLAVIGER_URL", format!("http://{}", world.control)).env("CLAVIGER_TOKEN", world.local_token());
    let told: Value = serde_json::from_str(&done(&run(backup, ""))).expect("JSON");
    assert_eq!(told["bytes"].as_u64(), file.metadata().map(|facts| facts.len()).ok());

    let data = folder.path().join("data");
    let output = run(restore(&data, Some(&other.url), Some(&world.master_secret()), &file), "");
    let made_at = told["made_at"].as_str().expect("an instant");
    assert!(done(&output).contains(made_at), "it says of when the backup is");
    assert!(text(&output.stderr).contains("undone") && text(&output.stderr).contains(made_at));

    let asked = golden.ask(&world).await;
    let restored = world.restored_on(&other).await;
    assert_eq!(golden.ask(&restored).await, asked, "the same verdicts");
    assert!(asked.iter().all(|&count| count >= fewest), "{asked:?}");
    // Keys of the management API work, and the chains are whole, each by the key of the restored ring.
    let chains = [("organization", restored.token.clone()), ("installation", restored.local_token())];
    for (chain, token) in chains {
        let path = format!("/audit/verify?chain={chain}");
        let verified = restored.api_as(&token, "GET", &path, None).await;
        let several = chain == "organization" && verified.status == 403;
        assert!(several || verified.expect(200).json()["intact"] == true, "{chain}");
    }
    let local = restored.local_token();
    let entries = restored.api_as(&local, "GET", "/audit?chain=installation&limit=2", None).await.expect(200).json();
    let actions: Vec<_> = entries["data"].as_array().expect("entries").iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["backup.restore", "backup.create"]);
    let key = restored.create_key(json!({ "name": "after", "api_sets": ["full-access"] })).await;
    Request::get("/v1/whoami").bearer(&key.secret).send(restored.doors).await.expect(200);
    world.stop_serving().await;
    restored.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_the_same_after_a_restore_into_sqlite() {
    Box::pin(moved(Kind::Sqlite, Kind::Sqlite, include_str!("../../golden/verdicts.json"), 60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_the_same_after_a_move_from_sqlite_to_postgres() {
    Box::pin(moved(Kind::Sqlite, Kind::Postgres, include_str!("../../golden/sharing.json"), 60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn w_14_signatures_are_the_same_after_a_move_from_sqlite_to_postgres() {
    Box::pin(moved(Kind::Sqlite, Kind::Postgres, include_str!("../../golden/signatures.json"), 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_the_same_after_a_move_from_postgres_to_sqlite() {
    Box::pin(moved(Kind::Postgres, Kind::Sqlite, include_str!("../../golden/owners.json"), 60)).await;
}

/// So many rows of usage, behind the server's back.
async fn add_usage(data: &Path, rows: u32) {
    let sql = format!(
        "INSERT INTO usage_counts (organization_id, key_id, hour, door, code, count) \
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows}) \
         SELECT 'org_x', 'key_' || n, n, 'verify', 'VALID', 1 FROM n"
    );
    execute(&data.join("claviger.db"), &sql).await;
}

/// A server that was set up, its backup, and its secret.
struct Backed {
    folder: TempDir,
    file: PathBuf,
    master_secret: PathBuf,
}

impl Backed {
    /// With so many rows of usage.
    async fn new(rows: u32) -> Self {
        let folder = folder();
        let (data, file) = (folder.path().join("source"), folder.path().join("claviger.backup"));
        let serving = Serving::start(&data, None).await;
        done(&run(command(&data, &["setup", "--organization", "Acme", "--email", "ada@example.com"]), ""));
        if rows > 0 {
            add_usage(&data, rows).await;
        }
        done(&run(command(&data, &["backup", file.to_str().expect("a path")]), ""));
        serving.stop();
        Self { master_secret: data.join("master-secret"), file, folder }
    }

    /// A new data directory, with the secret in its place or without.
    fn target(&self, name: &str, with_secret: bool) -> PathBuf {
        let data = self.folder.path().join(name);
        std::fs::create_dir(&data).expect("made");
        if with_secret {
            std::fs::copy(&self.master_secret, data.join("master-secret")).expect("copied");
        }
        data
    }

    /// The backup, changed.
    fn altered(&self, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = std::fs::read(&self.file).expect("the backup");
        change(&mut bytes);
        let file = self.folder.path().join("altered.backup");
        std::fs::write(&file, bytes).expect("written");
        file
    }
}

/// What is done to a backup.
type Change = fn(&mut Vec<u8>);

#[tokio::test]
async fn what_is_no_whole_backup_is_refused_before_anything_is_written() {
    let backed = Backed::new(0).await;
    let data = backed.target("data", true);
    let cases: [(&str, Change); 5] = [
        ("no backup of claviger", |bytes| *bytes = b"{\"users\": []}\n".to_vec()),
        ("cut off after line", |bytes| bytes.truncate(bytes.len() * 2 / 3)),
        ("altered or damaged", |bytes| {
            let at = bytes.len() - 1_000;
            bytes[at] ^= 1;
        }),
        ("schema 900", |bytes| {
            let text = text(bytes);
            let after = text.split_once("\"schema\":").expect("a header").1;
            let schema = after.split_once(',').expect("a number").0;
            *bytes = text.replacen(&format!("\"schema\":{schema},"), "\"schema\":900,", 1).into_bytes();
        }),
        ("format 2", |bytes| *bytes = text(bytes).replacen("\"version\":1,", "\"version\":2,", 1).into_bytes()),
    ];
    for (what, change) in cases {
        let file = backed.altered(change);
        let altered = std::fs::read(&file).expect("readable");
        refused(&run(restore(&data, None, None, &file), ""), 1, &[what, "nothing was changed"]);
        refused(&run(restore(&data, None, None, Path::new("-")), &text(&altered)), 1, &[what]);
        assert!(!data.join("claviger.db").exists(), "{what}");
    }
    refused(&run(restore(&data, None, None, Path::new("/nowhere")), ""), 2, &["/nowhere"]);
    done(&run(restore(&data, None, None, &backed.file), ""));
}

#[tokio::test]
async fn a_backup_opens_with_the_master_secret_of_its_server_and_none_is_made() {
    let backed = Backed::new(0).await;
    let data = backed.target("data", false);
    let secret = data.join("master-secret");
    let path = secret.to_str().expect("a path");
    refused(&run(restore(&data, None, None, &backed.file), ""), 2, &[path, "No new one is made"]);
    assert!(!secret.exists());
    std::fs::write(&secret, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("written");
    refused(&run(restore(&data, None, None, &backed.file), ""), 2, &[path, "not the one"]);
    std::fs::write(&secret, "garbage").expect("written");
    refused(&run(restore(&data, None, None, &backed.file), ""), 2, &[path, "32 bytes"]);
    assert!(!data.join("claviger.db").exists());
    done(&run(restore(&data, None, Some(&backed.master_secret), &backed.file), ""));
}

#[tokio::test]
async fn a_backup_is_restored_into_an_empty_database_alone_and_while_no_server_runs() {
    let backed = Backed::new(0).await;
    let source = backed.folder.path().join("source");
    refused(&run(restore(&source, None, None, &backed.file), ""), 1, &["has an organization", "nothing was changed"]);
    // A server that was started once and never set up: its ring gives way.
    let data = backed.target("data", true);
    let serving = Serving::start(&data, None).await;
    refused(
        &run(restore(&data, None, None, &backed.file), ""),
        2,
        &["in use by another claviger process", "no server runs"],
    );
    serving.stop();
    done(&run(restore(&data, None, None, &backed.file), ""));
    let serving = Serving::start(&data, None).await;
    let keys = done(&run(command(&data, &["key", "list", "--json"]), ""));
    assert_eq!(serde_json::from_str::<Value>(&keys).expect("JSON")["data"][0]["name"], "setup");
    serving.stop();
}

#[tokio::test]
async fn a_backup_file_is_whole_private_and_written_over_only_by_force() {
    let folder = folder();
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    done(&run(command(&data, &["setup", "--organization", "Acme", "--email", "ada@example.com"]), ""));
    let backups = folder.path().join("backups");
    std::fs::create_dir(&backups).expect("made");
    let file = backups.join("one");
    let path = file.to_str().expect("a path");
    done(&run(command(&data, &["backup", path]), ""));
    assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    let first = std::fs::read(&file).expect("readable");
    refused(&run(command(&data, &["backup", path]), ""), 2, &[path, "--force"]);
    assert_eq!(std::fs::read(&file).expect("readable"), first);
    done(&run(command(&data, &["backup", path, "--force"]), ""));
    refused(&run(command(&data, &["backup", backups.to_str().expect("a path"), "--force"]), ""), 2, &["is no file"]);
    refused(&run(command(&data, &["backup", "/dev/null", "--force"]), ""), 2, &["is no file"]);
    refused(&run(command(&data, &["backup", "/nowhere/file"]), ""), 2, &["/nowhere/file"]);
    assert_eq!(std::fs::read_dir(&backups).expect("listed").count(), 1, "no draft stays");
    // Through pipes, from one to the other.
    let output = run(command(&data, &["backup", "-"]), "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let target = folder.path().join("target");
    std::fs::create_dir(&target).expect("made");
    let secret = data.join("master-secret");
    done(&run(restore(&target, None, Some(&secret), Path::new("-")), &text(&output.stdout)));
    // Only the operator may.
    let made =
        done(&run(command(&data, &["key", "create", "--name", "admin", "--api-set", "claviger-admin", "--json"]), ""));
    let token = serde_json::from_str::<Value>(&made).expect("JSON")["secret"].as_str().expect("a secret").to_owned();
    Request::get("/api/v1/backup").bearer(&token).send(serving.control).await.expect(403);
    serving.stop();
}

/// Runs a script with a small disk at `disk`, in a mount namespace of its own, where the master secret of `backed` is.
fn on_a_small_disk(backed: &Backed, data: &Path, disk: &Path, size: &str, script: &str) -> Output {
    let secret = backed.master_secret.display();
    let script = format!("mount -t tmpfs -o size={size} none {0} && cp {secret} {0}/ && {script}", disk.display());
    let mut command = Command::new("unshare");
    let own: &[&str] = if rustix::process::geteuid().is_root() { &["-m"] } else { &["-U", "-r", "-m"] };
    command.args(own).args(["sh", "-c", &script]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("CLAVIGER_DATA_DIR", data);
    run(command, "")
}

#[tokio::test]
async fn a_full_disk_is_named_and_leaves_neither_file_nor_half_a_database() {
    let backed = Backed::new(20_000).await;
    let (disk, binary, file) = (backed.target("disk", false), binary().display(), backed.file.display());
    // Once there is room, the same database can be filled.
    let larger = format!("mount -o remount,size=100m none {}", disk.display());
    let twice = format!("{{ {binary} restore {file} && exit 9; {larger} && {binary} restore {file}; }}");
    let output = on_a_small_disk(&backed, &disk, &disk, "3m", &twice);
    assert!(done(&output).contains("Restored the backup"));
    assert!(text(&output.stderr).contains("no room left"), "{}", text(&output.stderr));

    let source = backed.folder.path().join("source");
    let serving = Serving::start(&source, None).await;
    let writing = format!("{{ {binary} backup {0}/file; code=$?; ls -A {0}; exit $code; }}", disk.display());
    let output = on_a_small_disk(&backed, &source, &disk, "300k", &writing);
    refused(&output, 2, &["No space left", "Nothing was written"]);
    assert_eq!(text(&output.stdout), "master-secret\n", "no draft stays");
    serving.stop();
}

#[tokio::test]
async fn a_backup_whose_server_dies_is_broken_off() {
    let backed = Backed::new(0).await;
    let source = backed.folder.path().join("source");
    add_usage(&source, 400_000).await;
    let serving = Serving::start(&source, None).await;
    let mut child = command(&source, &["backup", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // It has begun, and cannot go on while nobody reads: there is more than buffers hold.
    let mut first = [0; 100];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut first).expect("the header");
    serving.kill();
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).expect("what was on its way");
    let output = child.wait_with_output().expect("it ends");
    refused(&output, 3, &["broke the answer off"]);
    let file = backed.altered(|bytes| *bytes = [&first[..], &rest].concat());
    let data = backed.target("data", true);
    refused(&run(restore(&data, None, None, &file), ""), 1, &["cut off after line"]);
}

/// `kill -9` while a restore writes: the database is empty, and can be filled.
async fn killed_in_the_middle(kind: Kind) {
    let backed = Backed::new(MANY_ROWS).await;
    let database = TestDatabase::new(kind).await;
    let data = backed.target("data", true);
    for _ in 0..2 {
        let mut child = restore(&data, Some(&database.url), None, &backed.file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        wait_until(
            async || {
                assert!(child.try_wait().expect("its state").is_none(), "it was done before it could be killed");
                is_writing(&database.url).await
            },
            || "it never wrote".to_owned(),
        )
        .await;
        child.kill().expect("it was running");
        child.wait().expect("it ends");
    }
    // What is there is an empty database: a server starts on it.
    let serving = Serving::start(&data, Some(&database.url)).await;
    let list = on(&data, &database.url, &["organization", "list", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&done(&run(list, ""))).expect("JSON")["data"], json!([]));
    serving.stop();
    done(&run(restore(&data, Some(&database.url), None, &backed.file), ""));
    let serving = Serving::start(&data, Some(&database.url)).await;
    done(&run(on(&data, &database.url, &["audit", "verify", "--chain", "installation"]), ""));
    serving.stop();
}

/// Whether rows of the transaction have reached the database.
async fn is_writing(url: &str) -> bool {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return Path::new(&format!("{path}-wal")).metadata().is_ok_and(|facts| facts.len() > MADE_TABLES_BYTES_MAX);
    }
    let mut connection = sqlx::PgConnection::connect(url).await.expect("the database");
    let statement = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND query LIKE 'INSERT INTO usage_counts%'";
    sqlx::query_scalar::<_, i64>(statement).fetch_one(&mut connection).await.expect("a number") > 0
}

#[tokio::test]
async fn a_server_of_another_directory_that_runs_on_the_database_stops_a_restore() {
    let backed = Backed::new(0).await;
    let database = TestDatabase::new(Kind::Postgres).await;
    let (data, other) = (backed.target("data", true), backed.target("other", true));
    let serving = Serving::start(&other, Some(&database.url)).await;
    let output = run(restore(&data, Some(&database.url), None, &backed.file), "");
    refused(&output, 2, &["a server runs on this database", "nod_", "nothing was changed"]);
    // One that died without a word is waited for, and then taken for dead.
    serving.kill();
    done(&run(restore(&data, Some(&database.url), None, &backed.file), ""));
}

#[tokio::test]
async fn a_server_that_starts_on_postgres_during_a_restore_waits_for_it() {
    let backed = Backed::new(MANY_ROWS).await;
    let database = TestDatabase::new(Kind::Postgres).await;
    let (data, other) = (backed.target("data", true), backed.target("other", true));
    // The tables are there, so that nothing but the restore is waited for.
    Serving::start(&other, Some(&database.url)).await.stop();
    let mut command = restore(&data, Some(&database.url), None, &backed.file);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    wait_until(async || is_writing(&database.url).await, || "it never wrote".to_owned()).await;
    let serving = Serving::start(&other, Some(&database.url)).await;
    assert!(child.wait().expect("it ends").success());
    let keys = done(&run(on(&other, &database.url, &["key", "list", "--json"]), ""));
    assert_eq!(serde_json::from_str::<Value>(&keys).expect("JSON")["data"][0]["name"], "setup");
    serving.stop();
}

/// A command on this database.
fn on(data: &Path, url: &str, arguments: &[&str]) -> Command {
    let mut command = command(data, arguments);
    command.env("CLAVIGER_DATABASE_URL", url);
    command
}

#[tokio::test]
async fn a_restore_that_was_killed_left_sqlite_empty() {
    killed_in_the_middle(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_restore_that_was_killed_left_postgres_empty() {
    killed_in_the_middle(Kind::Postgres).await;
}
