//! The binary as a process: first start, `kill -9`, and every way in which a start must be refused.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::process::{Serving, binary, command, free_address, run, text};
use crate::harness::raw_http::Request;

const KILLS: usize = 50;

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("claviger-process-").tempdir().expect("a temporary folder")
}

/// Runs the printed set-up command against the running server; gives the management token.
fn set_up(data: &Path, database: Option<&str>) -> String {
    let mut command = command(data, &["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"]);
    if let Some(url) = database {
        command.env("CLAVIGER_DATABASE_URL", url);
    }
    let output = run(command, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).expect("only the result on stdout");
    assert!(result["organization"].as_str().is_some_and(|id| id.starts_with("org_")));
    assert!(result["user"].as_str().is_some_and(|id| id.starts_with("usr_")));
    result["token"].as_str().expect("a token").to_owned()
}

/// Asserts a refused start: exit code, and what the message must name.
#[track_caller]
fn assert_refused(command: Command, code: i32, names: &[&str]) {
    let output = run(command, "");
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for name in names {
        assert!(message.contains(name), "no {name:?} in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

async fn kill_in_the_middle_of_key_creation(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let folder = folder();
    let data = folder.path().join("data");
    let serving = Serving::start(&data, Some(&database.url)).await;
    let token = set_up(&data, Some(&database.url));
    let mut serving = Some(serving);
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..KILLS {
        let current = serving.take().expect("a running server");
        let control = current.control;
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, mut first) = tokio::sync::mpsc::channel::<()>(1);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (token, stop, sender) = (token.clone(), Arc::clone(&stop), sender.clone());
                tokio::spawn(async move {
                    let mut secrets = Vec::new();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let body = json!({ "name": format!("{round}-{writer}-{number}"), "api_sets": ["full-access"] });
                        let request = Request::post("/api/v1/keys", &body).bearer(&token);
                        match request.try_send(control).await {
                            Ok(answer) if answer.status == 201 => {
                                secrets.push(answer.json()["secret"].as_str().expect("a secret").to_owned());
                                // Full when another writer was first: that one is enough.
                                let _ = sender.try_send(());
                            }
                            Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
                            Err(_) => break,
                        }
                    }
                    secrets
                })
            })
            .collect();
        // A different moment in each round, while all writers are at it.
        first.recv().await.expect("a key was acknowledged");
        tokio::time::sleep(Duration::from_millis((round as u64 * 7) % 40)).await;
        current.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            acknowledged.extend(writer.await.expect("a writer"));
        }
        serving = Some(Serving::start(&data, Some(&database.url)).await);
    }
    let serving = serving.expect("a running server");
    assert!(acknowledged.len() >= KILLS, "only {} keys were acknowledged: the test proves nothing", acknowledged.len());
    for part in acknowledged.chunks(100) {
        let items: Vec<_> = part.iter().map(|secret| json!({ "credential": secret })).collect();
        let answers = Request::post("/v1/verify/batch", &json!(items)).send(serving.doors).await.expect(200).json();
        let answers = answers.as_array().or_else(|| answers["results"].as_array()).expect("a list").clone();
        assert!(answers.iter().all(|answer| answer["code"] == "VALID"), "{answers:?}");
    }
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_acknowledged_key_survives_kill_9_on_sqlite() {
    kill_in_the_middle_of_key_creation(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_acknowledged_key_survives_kill_9_on_postgres() {
    kill_in_the_middle_of_key_creation(Kind::Postgres).await;
}

#[tokio::test]
async fn the_first_start_prints_the_command_that_sets_up_and_it_works_as_pasted() {
    let folder = folder();
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    assert!(serving.log().contains("claviger setup --organization"), "{}", serving.log());
    let token = set_up(&data, None);
    let keys = Request::get("/api/v1/keys").bearer(&token).send(serving.control).await.expect(200).json();
    assert_eq!(keys["data"][0]["name"], "setup");
    // Once only.
    let again = run(command(&data, &["setup", "--organization", "B", "--email", "b@example.com"]), "");
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stderr));
    // Mode of what it made.
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("master-secret")), 0o600);
    serving.stop();
}

#[tokio::test]
async fn setup_without_a_server_opens_the_store_itself() {
    let folder = folder();
    let data = folder.path().join("data");
    let token = set_up(&data, None);
    let serving = Serving::start(&data, None).await;
    Request::get("/api/v1/keys").bearer(&token).send(serving.control).await.expect(200);
    serving.stop();
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let folder = folder();
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    let mut second = command(&data, &["serve"]);
    second
        .env("CLAVIGER_CONTROL_LISTEN", free_address().to_string())
        .env("CLAVIGER_DOORS_LISTEN", free_address().to_string())
        .env("CLAVIGER_TELEMETRY_LISTEN", free_address().to_string());
    assert_refused(second, 2, &[data.to_str().expect("a path"), "another"]);
    serving.stop();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = folder();
    let serving = Serving::start(&folder.path().join("one"), None).await;
    for variable in ["CLAVIGER_CONTROL_LISTEN", "CLAVIGER_DOORS_LISTEN", "CLAVIGER_TELEMETRY_LISTEN"] {
        let taken = match variable {
            "CLAVIGER_CONTROL_LISTEN" => serving.control,
            "CLAVIGER_DOORS_LISTEN" => serving.doors,
            _ => serving.telemetry,
        };
        let mut second = command(&folder.path().join(variable), &["serve"]);
        second
            .env("CLAVIGER_CONTROL_LISTEN", free_address().to_string())
            .env("CLAVIGER_DOORS_LISTEN", free_address().to_string())
            .env("CLAVIGER_TELEMETRY_LISTEN", free_address().to_string())
            .env(variable, taken.to_string());
        assert_refused(second, 2, &[&taken.to_string()]);
    }
    serving.stop();
}

#[tokio::test]
async fn the_wrong_master_secret_is_refused_and_never_replaced() {
    let folder = folder();
    let data = folder.path().join("data");
    Serving::start(&data, None).await.stop();
    let file = data.join("master-secret");
    let right = std::fs::read(&file).expect("the master secret");
    let (file_name, database) = (file.display().to_string(), data.join("claviger.db").display().to_string());

    std::fs::write(&file, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("written");
    assert_refused(command(&data, &["serve"]), 2, &[&file_name, &database]);
    std::fs::write(&file, "no base64 at all").expect("written");
    assert_refused(command(&data, &["serve"]), 2, &[&file_name]);
    std::fs::remove_file(&file).expect("removed");
    assert_refused(command(&data, &["serve"]), 2, &[&file_name, &database]);
    assert!(!file.exists(), "no new secret beside an old database");

    std::fs::write(&file, right).expect("written");
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("0600");
    Serving::start(&data, None).await.stop();
}

#[tokio::test]
async fn a_corrupted_database_is_refused_with_its_path() {
    let folder = folder();
    let data = folder.path().join("data");
    Serving::start(&data, None).await.stop();
    let database = data.join("claviger.db");
    let mut bytes = std::fs::read(&database).expect("the database");
    bytes[..4_096].fill(0x5a);
    std::fs::write(&database, bytes).expect("written");
    assert_refused(command(&data, &["serve"]), 2, &[&database.display().to_string()]);
}

#[test]
fn a_read_only_data_directory_is_refused_with_its_path() {
    let folder = folder();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let script = format!("mount -t tmpfs -o ro none {0} && exec {1} serve", data.display(), binary().display());
    assert_refused(in_a_namespace(&data, &script), 2, &[data.to_str().expect("a path"), "Read-only"]);
}

#[test]
fn a_full_data_directory_is_refused_with_its_path() {
    let folder = folder();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("made");
    let script = format!("mount -t tmpfs -o size=48k none {0} && exec {1} serve", data.display(), binary().display());
    assert_refused(in_a_namespace(&data, &script), 2, &[data.to_str().expect("a path"), "no room"]);
}

/// A shell that may mount without harm: in a mount namespace of its own.
fn in_a_namespace(data: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    let own: &[&str] = if rustix::process::geteuid().is_root() { &["-m"] } else { &["-U", "-r", "-m"] };
    command
        .args(own)
        .args(["sh", "-c", script])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("CLAVIGER_DATA_DIR", data);
    command
}

#[test]
fn a_config_with_a_typo_names_the_nearest_key() {
    let folder = folder();
    let file = folder.path().join("claviger.toml");
    std::fs::write(&file, "[doors]\nlissten = \"127.0.0.1:1\"\n").expect("written");
    let path = file.to_str().expect("a path");
    assert_refused(command(&folder.path().join("data"), &["serve", "--config", path]), 2, &[path, "lissten", "listen"]);
    let mut typo = command(&folder.path().join("data"), &["serve"]);
    typo.env("CLAVIGER_DOORS_LISTN", "127.0.0.1:1");
    assert_refused(typo, 2, &["CLAVIGER_DOORS_LISTN", "CLAVIGER_DOORS_LISTEN"]);
}

#[test]
fn a_wrong_flag_is_a_usage_error() {
    let folder = folder();
    assert_refused(command(folder.path(), &["serve", "--dmo"]), 2, &["--dmo", "--demo"]);
    assert_refused(command(folder.path(), &["key", "crate"]), 2, &["crate", "create"]);
}

#[test]
fn every_command_in_the_documents_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = folder();
    let mut asked = 0;
    for document in [
        "README.md",
        "docs/operating.md",
        "docs/backup.md",
        "docs/configuration.md",
        "docs/policy.md",
        "docs/security.md",
        "docs/credentials.md",
        "docs/addresses.md",
        "docs/api-guide.md",
    ] {
        let text_of = std::fs::read_to_string(root.join(document)).expect("the document");
        for line in text_of.lines().filter(|line| line.starts_with("claviger ")) {
            let words = shell_words(line);
            // Help is printed where every word before it is known; an unknown one is a usage error.
            let arguments: Vec<&str> = words.iter().skip(1).map(String::as_str).chain(["--help"]).collect();
            let output = run(command(folder.path(), &arguments), "");
            assert!(output.status.success(), "{document}: {line}: {}", text(&output.stderr));
            asked += 1;
        }
    }
    assert!(asked >= 9, "only {asked} commands were found");
}

/// The words of a command line with single quotes and a comment, as the documents have them.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.split(" #").next().unwrap_or_default().chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is always one").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn a_server_that_is_not_there_is_exit_3() {
    let folder = folder();
    let mut list = command(folder.path(), &["key", "list"]);
    list.env("CLAVIGER_URL", format!("http://{}", free_address())).env("CLAVIGER_TOKEN", "clv_live_x");
    assert_refused(list, 3, &["claviger serve"]);
}

#[test]
fn an_unreachable_database_is_tried_again_and_the_log_says_where_and_how_long() {
    let folder = folder();
    let address = free_address();
    let file = folder.path().join("claviger.toml");
    std::fs::write(&file, "[database]\nconnect_timeout_seconds = 2\n").expect("written");
    let mut serve = command(&folder.path().join("data"), &["serve", "--config", file.to_str().expect("a path")]);
    serve
        .env("CLAVIGER_DATABASE_URL", format!("postgres://claviger:hidden-password@{address}/claviger"))
        .env("CLAVIGER_CONTROL_LISTEN", free_address().to_string())
        .env("CLAVIGER_DOORS_LISTEN", free_address().to_string())
        .env("CLAVIGER_TELEMETRY_LISTEN", free_address().to_string());
    let output = run(serve, "");
    let printed = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{printed}");
    assert!(printed.contains(&address.to_string()), "where: {printed}");
    assert!(!printed.contains("hidden-password"), "never the password: {printed}");
}

#[tokio::test]
async fn y_05_a_secret_is_in_no_log_and_no_argument_of_the_binary() {
    let folder = folder();
    let data = folder.path().join("data");
    for format in ["text", "json"] {
        let serving = Serving::start_with(&data, &[("CLAVIGER_LOG", "debug"), ("CLAVIGER_LOG_FORMAT", format)]).await;
        let token = if format == "text" { set_up(&data, None) } else { make_key(&data, format) };
        let secret = make_key(&data, &format!("canary {format}"));
        let secrets = [token, secret.clone()];
        for (address, target) in [
            (serving.doors, format!("/v1/whoami?key={secret}")),
            (serving.doors, format!("/{secret}")),
            (serving.control, format!("/api/v1/keys?text={secret}")),
            (serving.control, format!("/{secret}")),
            (serving.telemetry, format!("/{secret}?{secret}")),
        ] {
            for request in [
                Request::get(&target).bearer(&secret).header("X-Request-Id", &secret).header("traceparent", &secret),
                Request::get(&target).basic(&secret, &secret).header("User-Agent", &secret),
                Request::post(&target, &json!({ "credential": secret, secret.as_str(): secret })),
            ] {
                let answer = request.send(address).await;
                assert!(answer.status < 500, "{target}: {}", answer.text());
            }
        }
        let check = ["check", "--method", "GET", "--path", "/x", "--ip", "203.0.113.7"];
        assert!(run(command(&data, &check), &secret).status.code().is_some());
        let arguments = serving.arguments();
        let log = serving.log();
        serving.stop();
        assert!(log.contains("ready"), "a log with content");
        for secret in &secrets {
            let part = &secret[secret.len() - 38..secret.len() - 6];
            assert!(!log.contains(part) && !arguments.contains(part));
        }
    }
}

/// Makes a key with Full access by the command line; gives its secret.
fn make_key(data: &Path, name: &str) -> String {
    let output = run(command(data, &["key", "create", "--name", name, "--api-set", "full-access", "--json"]), "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let created: Value = serde_json::from_slice(&output.stdout).expect("only the result on stdout");
    created["secret"].as_str().expect("a secret").to_owned()
}

#[tokio::test]
async fn the_command_line_does_the_main_job() {
    let folder = folder();
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    set_up(&data, None);
    let cli = |arguments: &[&str], input: &str| {
        let output = run(command(&data, arguments), input);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let document = folder.path().join("github.json");
    std::fs::write(&document, crate::harness::world::github_document()).expect("written");
    let (code, out, err) =
        cli(&["api", "import", document.to_str().expect("a path"), "--slug", "github", "--json"], "");
    assert_eq!(code, Some(0), "{err}");
    let imported: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(imported["operations"]["added"], 1_223);

    let (code, out, err) = cli(
        &[
            "key",
            "create",
            "--name",
            "cli",
            "--operation",
            "github:repos/get",
            "--operation",
            "github:issues/*",
            "--json",
        ],
        "",
    );
    assert_eq!(code, Some(0), "{err}");
    let created: Value = serde_json::from_str(&out).expect("JSON");
    let (id, secret) = (created["key"]["id"].as_str().expect("id"), created["secret"].as_str().expect("secret"));

    let check = |method: &str, path: &str| {
        cli(&["check", "--api", "github", "--method", method, "--path", path, "--ip", "203.0.113.7", "--json"], secret)
    };
    let (code, out, err) = check("GET", "/repos/o/r");
    assert_eq!((code, out.contains("VALID")), (Some(0), true), "{out}{err}");
    let (code, out, err) = check("DELETE", "/repos/o/r");
    assert_eq!((code, out.contains("OPERATION_NOT_ALLOWED")), (Some(1), true), "{out}{err}");

    let (code, out, _) = cli(&["key", "list"], "");
    assert!(code == Some(0) && out.contains("cli") && !out.contains(secret), "{out}");
    let (code, out, err) = cli(&["key", "lookup", "--json"], secret);
    assert!(code == Some(0) && out.contains(id), "{out}{err}");
    let (code, out, err) = cli(&["key", "disable", id, "--reason", "test", "--json"], "");
    assert!(code == Some(0) && out.contains("\"disabled\""), "{out}{err}");
    let (code, _, err) = cli(&["key", "enable", id], "");
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) = cli(&["key", "rotate", id, "--overlap-seconds", "0", "--json"], "");
    assert_eq!(code, Some(0), "{err}");
    assert_ne!(serde_json::from_str::<Value>(&out).expect("JSON")["secret"], json!(secret));
    let (code, _, err) = cli(&["key", "show", "key_00000000000000000000000000"], "");
    assert_eq!(code, Some(1), "{err}");
    let (code, _, err) = cli(&["key", "delete", id], "");
    assert_eq!(code, Some(0), "{err}");
    let (code, out, _) = cli(&["version"], "");
    assert!(code == Some(0) && out.contains("claviger"), "{out}");
    serving.stop();
}

#[tokio::test]
async fn the_command_line_imports_versions_and_applies_templates() {
    let folder = folder();
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    set_up(&data, None);
    let cli = |arguments: &[&str]| {
        let output = run(command(&data, arguments), "");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/openapi/yespo-like.yaml");
    let document = document.to_str().expect("a path");
    let (code, out, err) = cli(&["api", "import", document, "--slug", "mail", "--dry-run"]);
    assert!(code == Some(0) && out.contains("operations added") && out.contains("(nothing is changed)"), "{out}{err}");
    assert_eq!(cli(&["api", "show", "mail"]).0, Some(1), "a preview makes nothing");
    let (code, out, err) = cli(&["api", "import", document, "--slug", "mail"]);
    assert!(code == Some(0) && out.contains("the API has v1, v2, v3"), "{out}{err}");
    let (code, out, err) = cli(&["api", "operations", "mail", "--text", "createEvent"]);
    assert!(code == Some(0) && out.contains("mail:createEvent") && out.contains("v1, v2, v3"), "{out}{err}");

    let (code, out, err) = cli(&["api-set", "apply", "yespo", "--api", "mail"]);
    assert!(code == Some(0) && out.contains("mail-events `Mail: Access to events`: made, 3 operations"), "{out}{err}");
    let (code, out, err) =
        cli(&["api-set", "edit", "mail-events", "--operation", "mail:*", "--operation", "!mail:createEvent@v3"]);
    assert!(code == Some(0) && out.contains("!mail:createEvent@v3"), "{out}{err}");
    let (code, _, err) = cli(&["api-set", "edit", "mail-events", "--operation", "mail:createEvent@v9"]);
    assert!(code == Some(1) && err.contains("operations[0]"), "{err}");
    let (code, out, _) = cli(&["api-set", "list", "--api", "mail", "--kind", "plain"]);
    assert!(code == Some(0) && out.contains("yespo/messages"), "{out}");

    // A document that removes what the set holds, as a file that is cut off, and as one that is none.
    let smaller = folder.path().join("smaller.yaml");
    std::fs::write(&smaller, "openapi: 3.0.3\ninfo: {title: Mail, version: 4}\npaths:\n  /v1/event: {post: {}}\n  /v2/event: {post: {}}\n  /v3/event: {post: {}}\n").expect("written");
    let (code, out, err) = cli(&["api", "import", smaller.to_str().expect("a path"), "--slug", "mail", "--dry-run"]);
    assert!(code == Some(0) && out.contains("set loses") && out.contains("`mail-events`"), "{out}{err}");
    std::fs::write(&smaller, "openapi: 3.0.3\npaths: {/a: {get: {summary: 'cut off").expect("written");
    let (code, _, err) = cli(&["api", "import", smaller.to_str().expect("a path"), "--slug", "other"]);
    assert!(code == Some(1) && err.contains("cut off") && err.contains("line 2"), "{err}");
    let (code, out, err) = cli(&[
        "api",
        "edit",
        "mail",
        "--host",
        "a.example.com",
        "--test-host",
        "t.example.com",
        "--version",
        "v2",
        "--version",
        "v3",
    ]);
    assert!(code == Some(0) && out.contains("v2, v3") && out.contains("a.example.com"), "{out}{err}");
    let (code, out, err) = cli(&["api", "delete", "mail", "--dry-run"]);
    assert!(code == Some(0) && out.contains("set loses") && out.contains("(nothing is changed)"), "{out}{err}");
    // From an address the command line fetches it itself; the server's own document is one.
    let url = format!("http://{}/v1/openapi.json", serving.doors);
    let (code, out, err) = cli(&["api", "import", &url, "--slug", "doors"]);
    assert!(code == Some(0) && out.contains("doors"), "{out}{err}");
    let (code, _, err) = cli(&["api", "import", &format!("http://{}/none", serving.doors), "--slug", "none"]);
    assert!(code == Some(2) && err.contains("cannot fetch"), "{err}");
    let (code, out, err) = cli(&["api", "delete", "mail"]);
    assert!(code == Some(0) && out.contains("deleted"), "{out}{err}");
    serving.stop();
}
