//! The program, built with `otel`, tells a collector of its spans. The collector is a small server that reads the protobuf.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// A key that is none, but looks like one.
const CREDENTIAL: &str = "clv_live_2222222222222222222222222222222222222222";
/// How long the machine may take for what should take moments.
const PATIENCE: Duration = Duration::from_mins(1);

/// What of a span is looked at.
#[derive(Debug, Default, PartialEq)]
struct Span {
    trace: String,
    parent: String,
    name: String,
    attributes: Vec<(String, String)>,
}

/// A field of a protobuf message: its number and its bytes, or the number that stands there.
enum Value<'b> {
    Bytes(&'b [u8]),
    Number(u64),
}

/// Reads a message's fields (protobuf's encoding, "Message Structure").
fn fields(mut message: &[u8]) -> Vec<(u64, Value<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = number(&mut message);
        let value = match tag & 7 {
            0 => Value::Number(number(&mut message)),
            kind @ (1 | 5) => Value::Bytes(take(&mut message, if kind == 1 { 8 } else { 4 })),
            2 => {
                let length = number(&mut message) as usize;
                Value::Bytes(take(&mut message, length))
            }
            kind => panic!("wire type {kind}"),
        };
        fields.push((tag >> 3, value));
    }
    fields
}

fn take<'b>(message: &mut &'b [u8], length: usize) -> &'b [u8] {
    let (taken, rest) = message.split_at(length);
    *message = rest;
    taken
}

fn number(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = take(message, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

/// The messages and byte strings that stand in a field.
fn all(message: &[u8], field: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).into_iter().filter_map(move |(number, value)| match value {
        Value::Bytes(bytes) if number == field => Some(bytes),
        _ => None,
    })
}

fn text(message: &[u8], field: u64) -> String {
    all(message, field).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
}

fn hexadecimal(message: &[u8], field: u64) -> String {
    all(message, field).flatten().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The spans of an `ExportTraceServiceRequest` (opentelemetry/proto/trace/v1/trace.proto).
fn spans(request: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for span in all(request, 1).flat_map(|resource| all(resource, 2)).flat_map(|scope| all(scope, 2)) {
        let attribute = |attribute| {
            let value = all(attribute, 2).flat_map(fields).map(|(_, value)| match value {
                Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Value::Number(number) => number.to_string(),
            });
            (text(attribute, 1), value.collect())
        };
        spans.push(Span {
            trace: hexadecimal(span, 1),
            parent: hexadecimal(span, 4),
            name: text(span, 5),
            attributes: all(span, 9).map(attribute).collect(),
        });
    }
    spans
}

/// Takes every export, and gives its body.
fn collector() -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while let Some((head, body)) = request(&mut reader) {
                    assert!(head.starts_with("POST /v1/traces "), "{head}");
                    assert!(head.contains("application/x-protobuf"), "{head}");
                    let _ = sender.send(body);
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                    if reader.get_mut().write_all(answer).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, bodies)
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let begin = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[begin..].to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// A running server; killed when it goes.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program, and gives it with the addresses of management and doors.
fn serve(data: &std::path::Path, variables: &[(&str, String)]) -> (Serving, SocketAddr, SocketAddr) {
    let child = Command::new(env!("CARGO_BIN_EXE_claviger"))
        .arg("serve")
        .env_clear()
        .env("CLAVIGER_DATA_DIR", data)
        .envs(["CONTROL", "DOORS", "TELEMETRY"].map(|name| (format!("CLAVIGER_{name}_LISTEN"), "127.0.0.1:0")))
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut serving = Serving(child);
    let mut lines = BufReader::new(serving.0.stderr.take().expect("a pipe")).lines();
    let ready = lines.by_ref().map_while(Result::ok).find(|line| line.contains("ready: management API on"));
    let ready = ready.expect("it becomes ready");
    // Somebody has to read on.
    std::thread::spawn(move || lines.for_each(drop));
    let mut addresses = ready.split("http://").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && !".:".contains(c)).unwrap_or(rest.len());
        rest[..end].parse().expect("an address")
    });
    let (control, doors) = (addresses.next().expect("management"), addresses.next().expect("doors"));
    (serving, control, doors)
}

/// Sends a request and waits for the answer's end.
fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let request = request.replacen("\r\n", &format!("\r\nHost: {address}\r\nConnection: close\r\n"), 1);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn stop(serving: &mut Serving) {
    let pid = rustix::process::Pid::from_child(&serving.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    assert!(serving.0.wait().expect("it ends").success());
}

#[test]
fn spans_of_calls_and_door_requests_go_on_with_the_callers_trace_and_hold_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let (collector, bodies) = collector();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"))];
    let (mut serving, control, doors) = serve(&folder.path().join("data"), &variables);
    let trace = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\nAuthorization: Bearer {CREDENTIAL}\r\n");
    let answer = send(control, &format!("GET /api/v1/keys?q={CREDENTIAL} HTTP/1.1\r\n{trace}\r\n"));
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let request = format!(
        "GET /v1/authorize/api/default HTTP/1.1\r\n{trace}X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /{CREDENTIAL}\r\n\r\n"
    );
    let answer = send(doors, &request);
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    // A caller that does not record its trace has no span here either.
    let silent = trace.replace("-01\r\n", "-00\r\n").replace(TRACE, "11112222333344445555666677778888");
    send(doors, &request.replace(&trace, &silent));
    send(control, &format!("GET /api/v1/keys HTTP/1.1\r\n{silent}\r\n"));
    stop(&mut serving);

    let mut all = Vec::new();
    while let Ok(body) = bodies.try_recv() {
        assert!(!String::from_utf8_lossy(&body).contains("clv_live_"), "a credential");
        all.extend(spans(&body));
    }
    let ours: Vec<_> = all.iter().filter(|span| span.trace == TRACE).collect();
    let names: Vec<_> = ours.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(ours.len(), 2, "{all:?}");
    for (name, route) in [("management request", "/api/v1/keys"), ("door request", "authorize")] {
        let span = ours.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {names:?}"));
        assert_eq!(span.parent, PARENT, "{name}");
        let value = |key: &str| span.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        assert!(value("http.route").is_some_and(|value| value.contains(route)), "{span:?}");
        assert!(value("http.response.status_code").is_some_and(|status| status.starts_with('4')), "{span:?}");
    }
    assert!(all.iter().any(|span| span.name == "feed load" && span.parent.is_empty()), "{all:?}");
    assert!(!all.iter().any(|span| span.trace.starts_with("1111")), "{all:?}");
}

#[test]
fn a_collector_that_is_away_keeps_nothing_from_going_on() {
    let folder = tempfile::tempdir().expect("a folder");
    // Bound and never answered.
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("bound");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}")),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200".to_owned()),
    ];
    let (mut serving, control, _) = serve(&folder.path().join("data"), &variables);
    let answer = send(control, "GET /api/v1/openapi.json HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stop(&mut serving);
}
