//! The canary of links and sessions: their tokens, sent through every feature and put where they do not belong, are then looked for in
//! logs, audit entries, exports, answers, backups and the database.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::Request;
use crate::harness::smtp::{Mode, SmtpServer, token};
use crate::harness::world::dump_postgres;
use crate::mail::{FROM, set_up};

const PASSWORD: &str = "tulip brisk canal forty";

/// What was seen somewhere, and where that was.
type Seen = Vec<(String, Vec<u8>)>;

async fn y_05_tokens_of_links_and_sessions_are_nowhere_they_can_be_read(kind: Kind) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (database, data) = (TestDatabase::new(kind).await, folder.path().join("data"));
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let smtp = format!("smtp://{}", server.address);
    let variables = [
        ("CLAVIGER_SMTP_URL", smtp.as_str()),
        ("CLAVIGER_MAIL_FROM", FROM),
        ("CLAVIGER_DATABASE_URL", database.url.as_str()),
        ("CLAVIGER_LOG", "debug"),
    ];
    let serving = Serving::start_with(&data, &variables).await;
    let admin = set_up(&data);
    let post = async |path: &str, body: serde_json::Value| {
        Request::post(&format!("/api/v1{path}"), &body).send(serving.control).await
    };
    let mut seen = Seen::new();

    // Two links of each kind: one is used, the other one waits.
    for name in ["bob", "eve"] {
        let invite =
            Request::post("/api/v1/users", &json!({ "email": format!("{name}@example.com"), "roles": ["auditor"] }));
        let made = invite.bearer(&admin).send(serving.control).await.expect(201);
        seen.push(("the answer to an invitation".to_owned(), made.body));
    }
    let mails = server.wait_for(2).await;
    let mut secrets: Vec<String> = mails.iter().map(|mail| token(mail)).collect();
    let bob = mails.iter().position(|mail| mail.contains("bob@example.com")).expect("bob's mail");
    let accept = json!({ "token": secrets[bob], "password": PASSWORD });
    misplace(&serving, &secrets[bob], &mut seen).await;
    seen.push(("an acceptance".to_owned(), post("/invitations/accept", accept).await.expect(200).body));
    post("/password-resets", json!({ "email": "bob@example.com" })).await.expect(204);
    let reset = token(&server.wait_for(3).await[2]);
    misplace(&serving, &reset, &mut seen).await;
    post("/password-resets/choose", json!({ "token": reset, "password": PASSWORD })).await.expect(204);
    server.wait_for(4).await;
    post("/password-resets", json!({ "email": "ada@example.com" })).await.expect(204);
    secrets.extend([reset, token(&server.wait_for(5).await[4])]);
    let mut browser = Browser::signed_in(serving.control, "bob@example.com", PASSWORD).await;
    let body = json!({ "email": "robert@example.com" });
    seen.push(("one's own change".to_owned(), browser.call("PATCH", "/me", Some(&body)).await.expect(200).body));
    let address = token(&server.wait_for(6).await[5]);
    misplace(&serving, &address, &mut seen).await;
    post("/new-addresses/confirm", json!({ "token": address })).await.expect(204);
    secrets.extend([address, browser.session(), browser.csrf.clone()]);
    misplace(&serving, &browser.session(), &mut seen).await;
    misplace(&serving, &browser.csrf, &mut seen).await;
    for path in ["/me/sessions", "/audit?limit=100", "/audit/export", "/users", "/organization/requests"] {
        seen.push((path.to_owned(), browser.call("GET", path, None).await.body));
        let answer = Request::get(&format!("/api/v1{path}")).bearer(&admin).send(serving.control).await;
        seen.push((path.to_owned(), answer.body));
    }
    seen.push(("metrics".to_owned(), Request::get("/metrics").send(serving.telemetry).await.expect(200).body));
    let file = folder.path().join("claviger.backup");
    let backup = run(command(&data, &["backup", file.to_str().expect("a path")]), "");
    assert!(backup.status.success(), "{}", text(&backup.stderr));
    seen.push(("the backup".to_owned(), std::fs::read(&file).expect("the backup")));
    seen.push(("the command line".to_owned(), serving.arguments().into_bytes()));
    let log = serving.log_file();
    serving.stop();
    seen.push(("the log".to_owned(), std::fs::read(log).expect("the log")));
    files(&data, &mut seen);
    match database.url.strip_prefix("sqlite://") {
        Some(path) => files(Path::new(path).parent().expect("a folder"), &mut seen),
        None => seen.push(("the database".to_owned(), dump_postgres(&database.url).await)),
    }
    for secret in &secrets {
        let encoded = STANDARD.encode(secret);
        for form in [secret.as_bytes(), &encoded.as_bytes()[..encoded.len() - 4]] {
            for (place, bytes) in &seen {
                let found = bytes.windows(form.len()).position(|window| window == form);
                let around = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]).into_owned());
                assert_eq!(around, None, "a token was found in {place}");
            }
        }
    }
}

/// Puts a token where people and programs put it by mistake.
async fn misplace(serving: &Serving, secret: &str, seen: &mut Seen) {
    for request in [
        Request::get(&format!("/api/v1/invitations/{secret}")),
        Request::get(&format!("/{secret}?token={secret}")).header("User-Agent", secret).header("Referer", secret),
        Request::get("/api/v1/keys").bearer(secret).header("traceparent", secret),
        Request::get("/api/v1/me").header("Cookie", &format!("claviger={secret}; claviger-browser={secret}")),
        Request::post("/api/v1/sign-in", &json!({ "login": "bob@example.com", "password": secret, "token": secret })),
        Request::post("/api/v1/sign-in", &json!({ "login": secret, "password": secret })),
        Request::post("/api/v1/invitations/accept", &json!({ "token": [secret] })),
        Request::post("/api/v1/invitations/accept", &json!({ "token": secret, secret: secret })),
        Request::post("/api/v1/password-resets", &json!({ "email": secret })),
        Request::post("/api/v1/password-resets/choose", &json!({ "token": format!("{secret}x"), "password": secret })),
        Request::post("/api/v1/password-resets/choose", &json!({ "token": secret, "password": "short" })),
        Request::post("/api/v1/new-addresses/confirm", &json!({ "token": secret, "email": secret })),
        Request::new("DELETE", "/api/v1/session").header("X-Claviger-CSRF", secret),
    ] {
        let answer = request.send(serving.control).await;
        assert_ne!(answer.status, 500, "{}", answer.text());
        let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "set-cookie").collect();
        let mut bytes = format!("{headers:?}\n").into_bytes();
        bytes.extend(answer.body);
        seen.push(("an answer to a misplaced token".to_owned(), bytes));
    }
}

/// All files of a folder but the two that are secrets by design.
fn files(folder: &Path, seen: &mut Seen) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let is_secret = ["master-secret", "local-token"].iter().any(|name| entry.file_name() == *name);
        if !is_secret && entry.path().is_file() {
            seen.push((entry.path().display().to_string(), std::fs::read(entry.path()).expect("readable")));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_05_tokens_of_links_and_sessions_on_sqlite() {
    y_05_tokens_of_links_and_sessions_are_nowhere_they_can_be_read(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y_05_tokens_of_links_and_sessions_on_postgres() {
    y_05_tokens_of_links_and_sessions_are_nowhere_they_can_be_read(Kind::Postgres).await;
}
