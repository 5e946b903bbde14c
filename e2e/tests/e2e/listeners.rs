//! TLS and Unix sockets of every listener.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, free_address, run, text};
use crate::harness::raw_http::{Request, Response, exchange};
use crate::harness::tls::{Authority, Files};

const LISTENERS: [&str; 3] = ["CONTROL", "DOORS", "TELEMETRY"];

/// A folder with an authority and a certificate of it.
struct House {
    folder: TempDir,
    data: PathBuf,
    authority: Authority,
    files: Files,
}

// === impl House ===

impl House {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("claviger-tls-").tempdir().expect("a temporary folder");
        let (authority, files) = (Authority::new(folder.path()), Files::in_folder(folder.path()));
        authority.write(&files, 2040);
        Self { data: folder.path().join("data"), folder, authority, files }
    }

    async fn serve(&self, listeners: &[&str]) -> Serving {
        let variables: Vec<_> = listeners.iter().flat_map(|listener| self.files.variables(listener)).collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Serving::start_until_it_says_so(&self.data, &variables).await
    }

    async fn get(&self, address: SocketAddr, target: &str) -> Response {
        let stream = self.authority.connect(address, &["http/1.1"]).await.expect("a handshake");
        Request::get(target).send_over(stream, "localhost").await.expect("an answer")
    }

    fn cli(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let mut command = command(&self.data, arguments);
        command.envs(variables.iter().copied());
        let output = run(command, "");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    fn set_up(&self) -> String {
        let (code, out, err) =
            self.cli(&["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"], &[]);
        assert_eq!(code, Some(0), "{err}");
        let made: Value = serde_json::from_str(&out).expect("JSON");
        made["token"].as_str().expect("a token").to_owned()
    }
}

#[tokio::test]
async fn every_listener_speaks_tls_and_nothing_else_then() {
    let house = House::new();
    let serving = house.serve(&LISTENERS).await;
    assert!(serving.log().contains(&format!("management API on https://{}", serving.control)), "{}", serving.log());
    for (address, target) in
        [(serving.control, "/api/v1/openapi.json"), (serving.doors, "/v1/openapi.json"), (serving.telemetry, "/readyz")]
    {
        house.get(address, target).await.expect(200);
        for (offered, agreed) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1")] {
            let stream = house.authority.connect(address, offered).await.expect("a handshake");
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(agreed.as_bytes()));
        }
        let plain = exchange(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap_or_default();
        assert!(!plain.starts_with(b"HTTP/"), "{}", text(&plain));
    }
    serving.stop();
}

#[tokio::test]
async fn the_public_listener_speaks_tls_as_the_others_do_and_is_off_until_it_is_configured() {
    let house = House::new();
    let address = free_address();
    let [certificate, key] = house.files.variables("PUBLIC");
    let variables = [certificate, key, ("CLAVIGER_PUBLIC_LISTEN".to_owned(), address.to_string())];
    let variables = variables.each_ref().map(|(name, value)| (name.as_str(), value.as_str()));
    let serving = Serving::start_until_it_says_so(&house.data, &variables).await;
    assert!(serving.log().contains(&format!("public listener on https://{address}")), "{}", serving.log());
    house.get(address, "/revoke").await.expect(405);
    let plain = exchange(address, b"GET /revoke HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap_or_default();
    assert!(!plain.starts_with(b"HTTP/"), "{}", text(&plain));
    serving.stop();
    let serving = Serving::start_until_it_says_so(&house.data, &[]).await;
    assert!(serving.log().contains("public listener off"), "{}", serving.log());
    serving.stop();
}

#[tokio::test]
async fn the_command_line_knows_the_server_by_its_certificate_or_its_authority() {
    let house = House::new();
    let serving = house.serve(&["CONTROL"]).await;
    // By the data directory: the certificate is for another name than the address, and its authority is unknown.
    let token = house.set_up();
    assert_eq!(house.cli(&["key", "list"], &[]).0, Some(0));
    let url = format!("https://localhost:{}", serving.control.port());
    let elsewhere = [("CLAVIGER_URL", url.as_str()), ("CLAVIGER_TOKEN", &token)];
    let ca_file = house.authority.file.display().to_string();
    let with_ca = |file: &str| {
        let variables = [elsewhere[0], elsewhere[1], ("CLAVIGER_CA_FILE", file)];
        house.cli(&["key", "list"], &variables)
    };
    let (code, out, err) = with_ca(&ca_file);
    assert!(code == Some(0) && out.contains("setup"), "{err}");
    let (code, _, err) = house.cli(&["key", "list"], &elsewhere);
    assert!(code == Some(3) && err.to_lowercase().contains("certificate"), "an unknown authority: {err}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = Authority::new(folder.path()).file.display().to_string();
    assert_eq!(with_ca(&other).0, Some(3), "another authority");
    assert_eq!(with_ca("/nowhere/ca.pem").0, Some(2), "a file that is not there");
    let key = house.files.key.display().to_string();
    let (code, _, err) = with_ca(&key);
    assert!(code == Some(2) && err.contains("CLAVIGER_CA_FILE") && err.contains(&key), "{err}");
    serving.stop();
    assert!(!house.data.join("control-certificate-sha256").exists());
}

#[tokio::test]
async fn another_server_on_the_port_does_not_get_the_local_token() {
    let house = House::new();
    let serving = house.serve(&["CONTROL"]).await;
    // What the directory says is another certificate: as if somebody else had taken the port.
    std::fs::write(house.data.join("control-certificate-sha256"), "0".repeat(64)).expect("written");
    let (code, _, err) = house.cli(&["key", "list"], &[]);
    assert!(code == Some(3) && err.contains("cannot reach"), "{err}");
    serving.stop();
}

#[tokio::test]
async fn a_certificate_is_exchanged_while_connections_live_on_and_a_bad_one_is_not() {
    let house = House::new();
    let serving = house.serve(&["CONTROL", "DOORS"]).await;
    house.set_up();
    let mut open = house.authority.connect(serving.doors, &["http/1.1"]).await.expect("a handshake");
    let certificate = async |address: SocketAddr| {
        let stream = house.authority.connect(address, &[]).await.expect("a handshake");
        stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone()
    };
    let first = house.files.leaf();
    assert_eq!(certificate(serving.doors).await, first);

    // A bad key: said once a file, and the old pair stays in force.
    std::fs::write(&house.files.key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        .expect("written");
    serving.signal(Signal::HUP);
    serving.wait_for_log("doors.tls: ").await;
    serving.wait_for_log("stays in force").await;
    assert!(serving.log().contains(&house.files.key.display().to_string()), "{}", serving.log());
    assert_eq!((certificate(serving.doors).await, certificate(serving.control).await), (first.clone(), first.clone()));

    house.authority.write(&house.files, 2041);
    let second = house.files.leaf();
    serving.signal(Signal::HUP);
    for address in [serving.doors, serving.control] {
        wait_until(async || certificate(address).await == second, || serving.log()).await;
    }
    ask(&mut open).await;
    wait_until(async || house.cli(&["key", "list"], &[]).0 == Some(0), || serving.log()).await;

    // Without a signal too.
    house.authority.write(&house.files, 2042);
    let third = house.files.leaf();
    wait_until(async || certificate(serving.doors).await == third, || serving.log()).await;
    ask(&mut open).await;
    serving.stop();
}

/// A request on a connection that goes on afterwards.
async fn ask(stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin)) {
    let request = Request::post("/v1/verify", &json!({ "credential": "x" })).into_bytes("localhost", "keep-alive");
    stream.write_all(&request).await.expect("an open connection");
    let mut answer = vec![0; 4_096];
    let read = stream.read(&mut answer).await.expect("an answer");
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", text(&answer[..read]));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_ends_the_start_and_an_expired_one_is_warned_of() {
    let house = House::new();
    let refused = |listener: &str, certificate: &str, key: &str, names: &[&str]| {
        let variables = house.files.variables(listener);
        let variables = [(&*variables[0].0, certificate), (&*variables[1].0, key)];
        let (code, _, err) = house.cli(&["serve"], &variables);
        assert_eq!(code, Some(2), "{err}");
        assert!(names.iter().all(|name| err.contains(name)) && !err.contains("panicked"), "{names:?} in {err}");
    };
    let [certificate, key] = [&house.files.certificate, &house.files.key].map(|file| file.display().to_string());
    for (listener, section) in LISTENERS.into_iter().zip(["control.tls", "doors.tls", "telemetry.tls"]) {
        refused(listener, "/nowhere/a.pem", &key, &[section, "/nowhere/a.pem"]);
        refused(listener, &certificate, "", &[section, "key_file"]);
    }
    refused("DOORS", &key, &key, &["doors.tls", &key, "BEGIN CERTIFICATE"]);
    std::fs::create_dir(house.folder.path().join("other")).expect("made");
    let other = Files::in_folder(&house.folder.path().join("other"));
    house.authority.write(&other, 2040);
    let other_key = other.key.display().to_string();
    refused("DOORS", &certificate, &other_key, &["doors.tls", &other_key, "is not that of"]);
    assert!(!house.data.join("claviger.db").exists(), "nothing is made before that");

    house.authority.write(&house.files, 2020);
    std::fs::set_permissions(&house.files.key, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let serving = house.serve(&["TELEMETRY"]).await;
    serving.wait_for_log("expired at 2020-01-01").await;
    assert!(serving.log().contains("everybody on this machine can read the key"), "{}", serving.log());
    serving.stop();
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_handshake_is_hung_up_on() {
    let house = House::new();
    let serving = house.serve(&LISTENERS).await;
    for address in [serving.control, serving.doors, serving.telemetry] {
        // The beginning of a ClientHello.
        let answer = exchange(address, b"\x16\x03\x01\x02\x00\x01").await.unwrap_or_default();
        assert!(!answer.starts_with(b"HTTP/"), "{}", text(&answer));
    }
    serving.stop();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

async fn over(socket: &Path, request: Request) -> Response {
    let stream = UnixStream::connect(socket).await.expect("it listens");
    request.send_over(stream, "localhost").await.expect("an answer")
}

#[tokio::test]
async fn every_listener_can_be_a_unix_socket_and_the_command_line_finds_it() {
    let house = House::new();
    let sockets = LISTENERS.map(|listener| house.folder.path().join(listener));
    let variables: Vec<_> = LISTENERS
        .iter()
        .zip(&sockets)
        .map(|(listener, socket)| (format!("CLAVIGER_{listener}_LISTEN"), format!("unix:{}", socket.display())))
        .chain([("CLAVIGER_DOORS_SOCKET_MODE".to_owned(), "0660".to_owned())])
        .collect();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let serving = Serving::start_until_it_says_so(&house.data, &variables).await;
    let [control, doors, telemetry] = &sockets;
    assert_eq!([mode(control), mode(doors), mode(telemetry)], [0o600, 0o660, 0o600]);
    let token = house.set_up();
    assert_eq!(house.cli(&["key", "list"], &[]).0, Some(0));
    over(telemetry, Request::get("/readyz")).await.expect(200);
    over(control, Request::get("/api/v1/keys").bearer(&token)).await.expect(200);
    let question = Request::post("/v1/verify", &json!({ "credential": token }));
    assert_eq!(over(doors, question.clone()).await.expect(200).json()["code"], "VALID");

    // A second server on one of them is refused, and takes nothing away.
    for (listener, socket) in LISTENERS.iter().zip(&sockets) {
        let mut second = command(&house.folder.path().join("second"), &["serve"]);
        for other in LISTENERS {
            second.env(format!("CLAVIGER_{other}_LISTEN"), "127.0.0.1:0");
        }
        second.env(format!("CLAVIGER_{listener}_LISTEN"), format!("unix:{}", socket.display()));
        let output = run(second, "");
        let message = text(&output.stderr);
        assert!(output.status.code() == Some(2) && message.contains(&socket.display().to_string()), "{message}");
    }
    over(doors, question.clone()).await.expect(200);

    // What a killed server leaves behind is taken over; a clean stop leaves nothing.
    serving.kill();
    assert!(sockets.iter().all(|socket| socket.exists()));
    let serving = Serving::start_until_it_says_so(&house.data, &variables).await;
    assert_eq!(over(doors, question).await.expect(200).json()["code"], "VALID");
    serving.stop();
    assert!(!sockets.iter().any(|socket| socket.exists()));
}
