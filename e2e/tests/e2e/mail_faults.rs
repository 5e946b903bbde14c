//! SMTP servers that hang or refuse for good, and stops with mails on the way: nothing else waits, and no mail is lost.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::Serving;
use crate::harness::raw_http::Request;
use crate::harness::smtp::{BadServer, Fault, header};
use crate::mail::{FROM, invite, post, set_up};

/// A stop with a server that hangs: its five seconds, and what a stop takes anyway.
const STOP_AT_MOST: Duration = Duration::from_secs(12);

async fn metrics(serving: &Serving) -> String {
    Request::get("/metrics").send(serving.telemetry).await.expect(200).text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_holds_nothing_else_up_and_its_mail_goes_later() {
    for fault in [&[Fault::Hangs], &[Fault::HangsInData]] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = TestDatabase::new(Kind::Postgres).await;
        let server = BadServer::start(fault).await;
        let (data, url) = (folder.path().join("data"), format!("smtp://{}", server.address));
        let variables = [
            ("CLAVIGER_SMTP_URL", url.as_str()),
            ("CLAVIGER_MAIL_FROM", FROM),
            ("CLAVIGER_DATABASE_URL", database.url.as_str()),
        ];
        let serving = Serving::start_with(&data, &variables).await;
        let admin = set_up(&data);
        invite(&serving, &admin, "bob").await;
        wait_until(async || server.connections() == 1, || serving.log()).await;
        // Changes and their mails go on being taken meanwhile.
        invite(&serving, &admin, "eve").await;
        assert!(server.mails().is_empty());
        #[allow(clippy::disallowed_methods, reason = "how long a stop takes, by the clock on the wall")]
        let began = Instant::now();
        serving.signal(Signal::TERM);
        let log = serving.log_file();
        assert!(serving.ended().await.success());
        assert!(began.elapsed() < STOP_AT_MOST, "{:?}", began.elapsed());
        let log = std::fs::read_to_string(log).expect("the log");
        assert!(log.contains("stopped with mails on the way"), "{log}");
        assert_eq!(server.connections(), 1, "nothing is leased after the stop");
        assert_eq!(database.number("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'".to_owned()).await, 2);
        // The lease is over before long; let it be over now.
        database.execute("UPDATE outbox SET leased_until = 0").await;
        let serving = Serving::start_with(&data, &variables).await;
        wait_until(async || server.mails().len() == 2, || serving.log()).await;
        serving.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_mails_on_the_way_and_leases_none_after_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = BadServer::start(&[Fault::TakesLate; 6]).await;
    let (data, url) = (folder.path().join("data"), format!("smtp://{}", server.address));
    let variables = [("CLAVIGER_SMTP_URL", url.as_str()), ("CLAVIGER_MAIL_FROM", FROM)];
    let serving = Serving::start_with(&data, &variables).await;
    let admin = set_up(&data);
    invite(&serving, &admin, "bob").await;
    wait_until(async || server.mails().len() == 1, || serving.log()).await;
    // One is read and not yet answered; the other waits for its turn.
    invite(&serving, &admin, "eve").await;
    serving.signal(Signal::TERM);
    let log = serving.log_file();
    assert!(serving.ended().await.success());
    let log = std::fs::read_to_string(log).expect("the log");
    assert!(log.contains("mail sent") && !log.contains("stopped with mails on the way"), "{log}");
    assert_eq!(server.mails().len(), 1);
    let serving = Serving::start_with(&data, &variables).await;
    wait_until(async || server.mails().len() == 2, || serving.log()).await;
    let mut recipients: Vec<String> = server.mails().iter().map(|mail| header(mail, "To")).collect();
    recipients.sort();
    assert_eq!(recipients, ["bob@example.com", "eve@example.com"], "each once");
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_good_is_given_up_counted_and_in_the_audit_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = BadServer::start(&[Fault::Never]).await;
    let (data, url) = (folder.path().join("data"), format!("smtp://{}", server.address));
    let variables = [("CLAVIGER_SMTP_URL", url.as_str()), ("CLAVIGER_MAIL_FROM", FROM)];
    let serving = Serving::start_with(&data, &variables).await;
    let admin = set_up(&data);
    invite(&serving, &admin, "bob").await;
    serving.wait_for_log("mail given up").await;
    assert!(metrics(&serving).await.contains("claviger_mail_given_up_total 1\n"));
    let audit = Request::get("/api/v1/audit?action=mail.fail").bearer(&admin).header("Host", "localhost");
    let audit = audit.send(serving.control).await.expect(200).json();
    assert_eq!(audit["data"][0]["object"]["name"], "bob@example.com");
    assert!(audit["data"][0]["after"]["reason"].to_string().contains("550"), "{audit}");
    // The address is put right, and a new link goes there.
    post(&serving, &admin, "/invitations", &json!({ "user": "bob@example.com" })).await.expect(201);
    wait_until(async || server.mails().len() == 1, || serving.log()).await;
    serving.stop();
}
