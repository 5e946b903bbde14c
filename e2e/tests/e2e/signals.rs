//! What signals do: SIGTERM drains and ends, a second one ends at once, SIGHUP reloads.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run};
use crate::harness::raw_http::Request;

/// A connection that is asked again and again.
struct Kept(TcpStream);

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Answer {
        status: u16,
        is_last: bool,
    },
    /// The connection ended before a byte of an answer.
    Nothing,
}

// === impl Kept ===

impl Kept {
    async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("it listens"))
    }

    async fn ask(&mut self, request: Request) -> Came {
        if self.0.write_all(&request.into_bytes("localhost", "keep-alive")).await.is_err() {
            return Came::Nothing;
        }
        let mut answer = Vec::new();
        loop {
            let mut part = [0; 4_096];
            match self.0.read(&mut part).await {
                Ok(0) | Err(_) if answer.is_empty() => return Came::Nothing,
                Ok(0) | Err(_) => panic!("half an answer: {}", String::from_utf8_lossy(&answer)),
                Ok(count) => answer.extend_from_slice(&part[..count]),
            }
            if let Some(came) = whole(&answer) {
                return came;
            }
        }
    }
}

fn whole(answer: &[u8]) -> Option<Came> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse::<usize>().ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    (body.len() >= length).then(|| Came::Answer { status, is_last: head.contains("\r\nconnection: close") })
}

fn verify() -> Request {
    Request::post("/v1/verify", &json!({ "credential": "clv_live_x" }))
}

fn set_up(data: &Path) -> String {
    let made = run(command(data, &["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"]), "");
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    made["token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_answers_every_request_that_was_sent() {
    const CLIENTS: usize = 12;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    // A right key: however often it comes from one address, it is not turned away.
    let key = set_up(&data);
    let verify = || Request::post("/v1/verify", &json!({ "credential": key }));
    let (asked, stopping) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut idle = Kept::to(serving.doors).await;
    assert_eq!(idle.ask(verify()).await, Came::Answer { status: 200, is_last: false });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (asked, stopping, address) = (Arc::clone(&asked), Arc::clone(&stopping), serving.doors);
            let question = verify();
            tokio::spawn(async move {
                let mut connection = Kept::to(address).await;
                loop {
                    let came = connection.ask(question.clone()).await;
                    asked.fetch_add(1, Ordering::Relaxed);
                    match came {
                        Came::Answer { status: 200, is_last: false } => {}
                        Came::Answer { status: 200, is_last: true } => {
                            assert!(stopping.load(Ordering::Relaxed), "not before it is told to stop");
                            return number;
                        }
                        came => panic!("client {number}: {came:?}"),
                    }
                }
            })
        })
        .collect();
    wait_until(async || asked.load(Ordering::Relaxed) > 100 * CLIENTS, || "no load".to_owned()).await;
    stopping.store(true, Ordering::Relaxed);
    serving.signal(Signal::TERM);
    for client in clients {
        client.await.expect("every request had its answer");
    }
    // One that asks nothing more is closed in the end, and nothing was said to it.
    assert_eq!(idle.0.read(&mut [0; 16]).await.expect("its end"), 0);
    assert!(serving.ended().await.success());
}

#[tokio::test]
async fn readiness_goes_first_and_everything_else_after_the_time_to_drain() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let serving = Serving::start_with(&folder.path().join("data"), &[("CLAVIGER_DRAIN_SECONDS", "3")]).await;
    serving.signal(Signal::TERM);
    wait_until(
        async || Request::get("/readyz").send(serving.telemetry).await.status == 503,
        || "still ready".to_owned(),
    )
    .await;
    // New connections are served as before.
    let mut connection = Kept::to(serving.doors).await;
    assert_eq!(connection.ask(verify()).await, Came::Answer { status: 200, is_last: false });
    Request::get("/api/v1/openapi.json").send(serving.control).await.expect(200);
    let doors = serving.doors;
    assert!(serving.ended().await.success());
    assert!(TcpStream::connect(doors).await.is_err());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let serving = Serving::start_with(&data, &[("CLAVIGER_DRAIN_SECONDS", "300")]).await;
    serving.signal(Signal::TERM);
    serving.wait_for_log("the listeners close in 300 s").await;
    serving.signal(Signal::TERM);
    assert_eq!(serving.ended().await.code(), Some(1));
    // Nothing is left that hinders the next start.
    Serving::start(&data, None).await.stop();
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("written");
}

#[tokio::test]
async fn a_hang_up_puts_in_force_what_it_can_names_what_it_cannot_and_keeps_the_old_beside_a_bad_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("claviger.toml");
    write(&file, "[doors]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let serving = Serving::start_configured(&folder.path().join("data"), &file).await;
    let mut open = Kept::to(serving.doors).await;
    let forwarded = || {
        Request::get("/v1/authorize")
            .header("X-Forwarded-Method", "GET")
            .header("X-Forwarded-Uri", "/")
            .header("X-Forwarded-Host", "example.com")
            .header("X-Forwarded-For", "203.0.113.7")
    };
    let status = async |open: &mut Kept| match open.ask(forwarded()).await {
        Came::Answer { status, is_last: false } => status,
        came => panic!("{came:?}"),
    };
    assert_eq!(status(&mut open).await, 401, "a trusted proxy that passes on no key");

    let changed = "[doors]\ntrusted_proxies = [\"10.0.0.0/8\"]\nthreads = 1\n[log]\nfilter = \"debug,sqlx=warn\"\n";
    write(&file, changed);
    serving.signal(Signal::HUP);
    serving.wait_for_log("and in force: doors.trusted_proxies, log.filter").await;
    serving.wait_for_log("in force after a restart: doors.threads").await;
    assert_eq!(status(&mut open).await, 403, "on an open connection too");

    write(&file, "[doors]\ntrusted_proxies = [\"127.0.0.1\"]\nthreads = -1\n");
    serving.signal(Signal::HUP);
    serving.wait_for_log("the configuration in force stays").await;
    assert!(serving.log().contains("line 3") && serving.log().contains("threads"), "{}", serving.log());
    assert_eq!(status(&mut open).await, 403, "nothing of a bad file");

    write(&file, "[doors]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    serving.signal(Signal::HUP);
    wait_until(async || status(&mut open).await == 401, || serving.log()).await;
    serving.stop();
}
