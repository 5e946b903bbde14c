//! Mail with the binary itself: a real SMTP server with TLS and sign-in, bad ones, and nodes that die.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::{Request, Response};
use crate::harness::smtp::{BadServer, Fault, Mode, PASSWORD, SmtpServer, USER, header, token};
use crate::harness::tls::{Authority, Files};

pub const FROM: &str = "Key server <keys@example.com>";
const CONTROL_URL: &str = "https://keys.example.com/claviger";

pub async fn post(serving: &Serving, token: &str, path: &str, body: &Value) -> Response {
    let request = Request::post(&format!("/api/v1{path}"), body);
    let request = if token.is_empty() { request } else { request.bearer(token) };
    request.header("Host", "localhost").send(serving.control).await
}

/// The first organization, made at the command line: its token.
pub fn set_up(data: &Path) -> String {
    let done = run(command(data, &["setup", "--organization", "Acme", "--email", "ada@example.com"]), "");
    assert!(done.status.success(), "{}", text(&done.stderr));
    text(&done.stdout).trim().to_owned()
}

pub async fn invite(serving: &Serving, token: &str, name: &str) -> Value {
    post(serving, token, "/users", &json!({ "email": format!("{name}@example.com") })).await.expect(201).json()
}

async fn with_tls(mode: Mode) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let authority = Authority::new(folder.path());
    let files = Files::in_folder(folder.path());
    authority.write(&files, 2040);
    let server = SmtpServer::start(&folder.path().join("mails"), mode, Some(&files));
    let password = folder.path().join("password");
    std::fs::write(&password, format!("{PASSWORD}\n")).expect("written");
    let scheme = if mode == Mode::Implicit { "smtps" } else { "smtp" };
    let url = format!("{scheme}://{}@localhost:{}", USER.replace('@', "%40"), server.address.port());
    let data = folder.path().join("data");
    let text_of = |path: &Path| path.to_str().expect("a path").to_owned();
    let (password, ca) = (text_of(&password), text_of(&authority.file));
    let variables = [
        ("CLAVIGER_SMTP_URL", url.as_str()),
        ("CLAVIGER_SMTP_PASSWORD_FILE", &password),
        ("CLAVIGER_SMTP_CA_FILE", &ca),
        ("CLAVIGER_MAIL_FROM", FROM),
        ("CLAVIGER_CONTROL_URL", CONTROL_URL),
    ];
    let serving = Serving::start_with(&data, &variables).await;
    let admin = set_up(&data);
    let invited = invite(&serving, &admin, "bob").await;
    assert_eq!((&invited["invitation"]["mailed"], &invited["invitation"]["link"]), (&json!(true), &Value::Null));
    let mails = server.wait_for(1).await;
    for (name, value) in [
        ("X-Recipient", "bob@example.com"),
        ("X-Signed-In", USER),
        // With TLS from the first byte the server's program knows nothing of it; in the clear it answers nobody.
        ("X-Secure", if mode == Mode::StartTls { "yes" } else { "no" }),
        ("Subject", "Invitation to Acme"),
        ("Auto-Submitted", "auto-generated"),
    ] {
        assert_eq!(header(&mails[0], name), value, "{}", mails[0]);
    }
    assert!(header(&mails[0], "Message-ID").ends_with("@example.com>"), "{}", mails[0]);
    assert!(header(&mails[0], "From").contains("keys@example.com"), "{}", mails[0]);
    assert!(mails[0].contains(&format!("{CONTROL_URL}/invitation#")), "{}", mails[0]);
    let link = token(&mails[0]);
    // A second one over the pool's connection.
    invite(&serving, &admin, "eve").await;
    server.wait_for(2).await;
    let body = json!({ "token": link, "name": "Bob" });
    let came = post(&serving, "", "/invitations/accept", &body).await.expect(200).json();
    assert_eq!(came["user"], invited["id"]);
    post(&serving, "", "/invitations/accept", &body).await.expect(404);
    let page = Request::get("/metrics").send(serving.telemetry).await.expect(200).text();
    assert!(page.contains("claviger_mail_sent_total 2\n"), "{page}");
    let log = serving.log();
    assert!(!log.contains(&link) && !log.contains(PASSWORD), "{log}");
    serving.stop();
    for file in std::fs::read_dir(&data).expect("the data directory") {
        let bytes = std::fs::read(file.expect("an entry").path()).unwrap_or_default();
        assert!(!bytes.windows(link.len()).any(|part| part == link.as_bytes()), "a token in the clear");
    }
}

#[tokio::test]
async fn mail_goes_by_starttls_with_a_sign_in() {
    with_tls(Mode::StartTls).await;
}

#[tokio::test]
async fn mail_goes_by_implicit_tls_with_a_sign_in() {
    with_tls(Mode::Implicit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_or_dies_gets_the_mail_again_under_its_message_id() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let faults = &[Fault::Refuses, Fault::DiesInData, Fault::DiesAfterData];
    let server = BadServer::start(faults).await;
    let data = folder.path().join("data");
    let url = format!("smtp://{}", server.address);
    let serving =
        Serving::start_with(&data, &[("CLAVIGER_SMTP_URL", url.as_str()), ("CLAVIGER_MAIL_FROM", FROM)]).await;
    let admin = set_up(&data);
    invite(&serving, &admin, "bob").await;
    wait_until(async || server.mails().len() == 2, || format!("{:?}\n{}", server.mails(), serving.log())).await;
    let mails = server.mails();
    assert_eq!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
    assert_eq!(token(&mails[0]), token(&mails[1]));
    assert!(server.connections() >= 4);
    serving.wait_for_log("mail sent").await;
    assert!(!serving.log().contains(&token(&mails[0])));
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_4xx_answer_is_tried_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = BadServer::start(&[Fault::Later]).await;
    let data = folder.path().join("data");
    let url = format!("smtp://{}", server.address);
    let serving =
        Serving::start_with(&data, &[("CLAVIGER_SMTP_URL", url.as_str()), ("CLAVIGER_MAIL_FROM", FROM)]).await;
    let admin = set_up(&data);
    invite(&serving, &admin, "bob").await;
    serving.wait_for_log("mail sent").await;
    assert!(serving.log().contains("mail not sent, tried again"), "{}", serving.log());
    assert_eq!(server.mails().len(), 1);
    serving.stop();
}

#[tokio::test]
async fn of_two_nodes_one_sends_each_mail_and_a_kill_loses_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = TestDatabase::new(Kind::Postgres).await;
    let server = SmtpServer::start(&folder.path().join("mails"), Mode::Plain, None);
    let url = format!("smtp://{}", server.address);
    let start = async |name: &str| {
        let data = folder.path().join(name);
        std::fs::create_dir_all(&data).expect("a data directory");
        let secret = folder.path().join("one/master-secret");
        let secret = secret.to_str().expect("a path");
        let variables = [
            ("CLAVIGER_SMTP_URL", url.as_str()),
            ("CLAVIGER_MAIL_FROM", FROM),
            ("CLAVIGER_DATABASE_URL", database.url.as_str()),
            ("CLAVIGER_MASTER_SECRET_FILE", secret),
        ];
        Serving::start_with(&data, &variables).await
    };
    let one = start("one").await;
    let admin = set_up(&folder.path().join("one"));
    let two = start("two").await;
    for number in 0..10 {
        invite(if number % 2 == 0 { &one } else { &two }, &admin, &format!("user{number}")).await;
    }
    server.wait_for(10).await;
    // What was acknowledged is in the outbox; whoever is left sends it.
    for number in 10..15 {
        invite(&one, &admin, &format!("user{number}")).await;
    }
    one.kill();
    let sent = "SELECT COUNT(*) FROM outbox WHERE state = 'sent'".to_owned();
    // What the dead node had leased is sent when its lease is over: let it be over now.
    database.execute("UPDATE outbox SET leased_until = 0 WHERE state = 'waiting'").await;
    wait_until(async || database.number(sent.clone()).await == 15, || two.log()).await;
    let mut recipients: Vec<String> = server.mails().iter().map(|mail| header(mail, "X-Recipient")).collect();
    recipients.sort();
    recipients.dedup();
    assert_eq!(recipients.len(), 15, "each person has a mail");
    let mut ids: Vec<String> = server.mails().iter().map(|mail| header(mail, "Message-ID")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 15, "and one only, by its Message-ID");
    two.stop();
}
