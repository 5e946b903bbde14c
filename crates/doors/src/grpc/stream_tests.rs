//! Calls that stay open: health as it changes, and what reflection says of the services.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use super::frames::framed;
use super::messages::{
    Allowed, CheckResponse, Denied, Entry, ErrorResponse, ExtensionName, FileDescriptors, Flag, HeaderOption,
    HeaderValue, HealthRequest, HealthResponse, HttpStatus, Outcome, ReflectionAnswer, ReflectionQuestion,
    ReflectionRequest, ReflectionResponse, ServiceList, ServiceName, Serving, Status,
};
use super::schema;
use super::tests::about;
use crate::Config;
use crate::testing::House;

const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A call that is open. With it its connection ends.
struct Call {
    body: Incoming,
    /// What has come and was not read yet.
    unread: Vec<u8>,
    status: Option<String>,
    _connection: tokio::task::JoinSet<()>,
}

// === impl Call ===

impl Call {
    async fn open(house: &House, path: &str, messages: Vec<u8>) -> Self {
        let address = house.running.local_addr().expect("a port");
        let stream = tokio::net::TcpStream::connect(address).await.expect("open doors");
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.expect("HTTP/2");
        let mut running = tokio::task::JoinSet::new();
        running.spawn(async move { drop(connection.await) });
        let request = Request::post(format!("http://doors{path}")).header("content-type", "application/grpc");
        let request = request.body(Full::new(Bytes::from(messages))).expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        let status = response.headers().get("grpc-status").map(|status| status.to_str().expect("ASCII").to_owned());
        Self { body: response.into_body(), unread: Vec::new(), status, _connection: running }
    }

    /// The next message; `None`: the call has ended.
    async fn next<M: Message + Default>(&mut self) -> Option<M> {
        loop {
            if let Some(length) = self.unread.get(1..5) {
                let end = 5 + length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                if self.unread.len() >= end {
                    let message = M::decode(&self.unread[5..end]).expect("a message");
                    self.unread.drain(..end);
                    return Some(message);
                }
            }
            let frame =
                tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("something comes")?.expect("whole");
            match frame.into_data() {
                Ok(data) => self.unread.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().expect("trailers");
                    self.status = trailers.get("grpc-status").map(|status| status.to_str().expect("ASCII").to_owned());
                }
            }
        }
    }

    async fn health(&mut self) -> Option<i32> {
        self.next::<HealthResponse>().await.map(|response| response.status)
    }
}

fn watch(service: &'static str) -> Vec<u8> {
    framed(&HealthRequest { service: service.into() })
}

#[tokio::test]
async fn who_watches_health_hears_of_every_change_until_the_doors_close() {
    let mut house = House::empty(Config { keep_alive_seconds: 1, request_timeout_seconds: 1, ..Config::default() });
    let mut all = Call::open(&house, WATCH, watch("")).await;
    let mut unknown = Call::open(&house, WATCH, watch("other")).await;
    assert_eq!(all.health().await, Some(Serving::NotServing.into()));
    assert_eq!(unknown.health().await, Some(Serving::ServiceUnknown.into()), "no failure: it may come");
    // Longer than a quiet connection may stand.
    tokio::time::sleep(Duration::from_secs(3)).await;
    house.load();
    assert_eq!(all.health().await, Some(Serving::Serving.into()));
    let ended = house.running.stop(Duration::from_secs(5));
    let (ended, more) = tokio::join!(tokio::time::timeout(Duration::from_secs(4), ended), all.health());
    assert!(ended.is_ok(), "an open call does not keep the doors from closing");
    assert_eq!((more, all.status.as_deref()), (None, Some("14")));
}

#[tokio::test]
async fn calls_that_stay_open_are_bounded() {
    let house = House::with(Config { trusted_proxies: Vec::new(), ..Config::default() });
    let mut open = Vec::new();
    for _ in 0..64 {
        let mut call = Call::open(&house, WATCH, watch("")).await;
        assert_eq!(call.health().await, Some(Serving::Serving.into()));
        open.push(call);
    }
    assert_eq!(Call::open(&house, WATCH, watch("")).await.status.as_deref(), Some("8"));
    drop(open.pop());
    // As soon as the doors have seen that it is gone.
    let began = tokio::time::Instant::now();
    while Call::open(&house, WATCH, watch("")).await.status.is_some() {
        assert!(began.elapsed() < PATIENCE, "the place is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What reflection answers to these questions.
async fn asked(house: &House, questions: Vec<ReflectionQuestion>) -> Vec<ReflectionAnswer> {
    let count = questions.len();
    let requests =
        questions.into_iter().map(|question| ReflectionRequest { host: "h".into(), question: Some(question) });
    let bytes = requests.flat_map(|request| framed(&request)).collect();
    let mut call = Call::open(house, REFLECTION, bytes).await;
    let mut answers = Vec::new();
    for _ in 0..count {
        let response: ReflectionResponse = call.next().await.expect("an answer");
        assert_eq!(response.host, "h");
        answers.push(response.answer.expect("an answer"));
    }
    assert!(call.next::<ReflectionResponse>().await.is_none());
    assert_eq!(call.status.as_deref(), Some("0"), "there were no more questions");
    answers
}

#[tokio::test]
async fn reflection_names_the_services_and_describes_what_each_needs() {
    let house = House::new();
    let symbol = |name: &str| ReflectionQuestion::FileOf(name.to_owned());
    let answers = asked(&house, vec![ReflectionQuestion::Services("*".into())]).await;
    let [ReflectionAnswer::Services(list)] = &answers[..] else { panic!("{answers:?}") };
    let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
    let known = ["envoy.service.auth.v3.Authorization", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];
    assert_eq!(names, known);
    for name in known.into_iter().chain([
        "envoy.service.auth.v3.Authorization.Check",
        "envoy.service.auth.v3.AttributeContext.HttpRequest",
        "grpc.health.v1.HealthCheckResponse.ServingStatus",
    ]) {
        let answers = asked(&house, vec![symbol(name)]).await;
        let [ReflectionAnswer::Files(files)] = &answers[..] else { panic!("{name}: {answers:?}") };
        let file = files.bytes.iter().map(|bytes| FileDescriptorProto::decode(&**bytes).expect("a file"));
        // Whole: nothing that they name is missing.
        let pool = DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: file.collect() });
        let pool = pool.expect("they fit together");
        assert!(pool.files().any(|file| name.starts_with(file.package_name())), "{name}");
    }
    let unknown = vec![
        symbol("envoy.service.auth.v3.Other"),
        symbol("envoy.service.auth.v3.AuthorizationOther"),
        ReflectionQuestion::FileByName("other.proto".into()),
        ReflectionQuestion::Extensions("google.rpc.Status".into()),
        ReflectionQuestion::FileOfExtension(ExtensionName { message: "google.rpc.Status".into(), number: 1 }),
    ];
    for answer in asked(&house, unknown).await {
        assert!(matches!(&answer, ReflectionAnswer::Error(error) if error.code == 5), "{answer:?}");
    }
}

#[tokio::test]
async fn absurd_questions_to_reflection_end_the_call_with_a_clear_status() {
    let house = House::with(Config { request_timeout_seconds: 1, ..Config::default() });
    let long = ReflectionRequest { host: "h".repeat(5_000), question: None };
    for (bytes, status) in [
        (framed(&long), "8"),
        (b"\0\xff\xff\xff\xff".to_vec(), "8"),
        (b"\0\0\0\0\x02\xff\xff".to_vec(), "3"),
        (b"\0\0\0\0\x05ab".to_vec(), "3"),
        (b"\x01\0\0\0\0".to_vec(), "12"),
        (Vec::new(), "0"),
    ] {
        let mut call = Call::open(&house, REFLECTION, bytes.clone()).await;
        assert!(call.next::<ReflectionResponse>().await.is_none(), "{bytes:?}");
        assert_eq!(call.status.as_deref(), Some(status), "{bytes:?}");
    }
    let answers = Call::open(&house, REFLECTION, framed(&ReflectionRequest::default())).await.next().await;
    let response: ReflectionResponse = answers.expect("an answer");
    assert!(matches!(response.answer, Some(ReflectionAnswer::Error(error)) if error.code == 3), "no question is none");
}

/// How many fields of a message, and of those in it, its description does not know.
fn unknown_in(message: &DynamicMessage) -> usize {
    message.unknown_fields().count() + message.fields().map(|(_, value)| unknown_in_value(value)).sum::<usize>()
}

fn unknown_in_value(value: &Value) -> usize {
    match value {
        Value::Message(message) => unknown_in(message),
        Value::List(values) => values.iter().map(unknown_in_value).sum(),
        Value::Map(values) => values.values().map(unknown_in_value).sum(),
        _ => 0,
    }
}

/// The descriptions are of the very messages: nothing that is read or written is unknown to them.
#[test]
fn messages_are_what_reflection_says() {
    let pool = DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: schema::files() }).expect("a schema");
    let mut check = about(&[("x-api-key", Bytes::from_static(b"k"))]);
    let http = check.attributes.as_mut().and_then(|attributes| attributes.request.as_mut()?.http.as_mut());
    http.expect("a request").headers.push(Entry { key: "name".into(), value: "joined".into() });
    let header = HeaderValue { key: "k".into(), value: "v".into(), raw_value: "r".into() };
    let option = HeaderOption { header: Some(header), append: Some(Flag { value: true }) };
    let denied = Denied { status: Some(HttpStatus { code: 429 }), headers: vec![option.clone()], body: "b".into() };
    let allowed = Allowed {
        headers: vec![option.clone()],
        headers_to_remove: vec!["n".into()],
        response_headers_to_add: vec![option],
        query_parameters_to_remove: vec!["p".into()],
    };
    let response = |outcome| CheckResponse { status: Some(Status { code: 7 }), outcome: Some(outcome) }.encode_to_vec();
    let question = ReflectionQuestion::FileOfExtension(ExtensionName { message: "m".into(), number: 1 });
    let asked = ReflectionRequest { host: "h".into(), question: Some(question) };
    let answered = |answer| ReflectionResponse { host: "h".into(), request: Some(asked.clone()), answer: Some(answer) };
    let list = ServiceList { service: vec![ServiceName { name: "s".into() }] };
    for (name, bytes, word) in [
        ("envoy.service.auth.v3.CheckRequest", check.encode_to_vec(), "shop.example.com"),
        ("envoy.service.auth.v3.CheckRequest", check.encode_to_vec(), "joined"),
        ("envoy.service.auth.v3.CheckRequest", check.encode_to_vec(), "203.0.113.7"),
        ("envoy.service.auth.v3.CheckResponse", response(Outcome::Denied(denied)), "429"),
        ("envoy.service.auth.v3.CheckResponse", response(Outcome::Allowed(allowed)), "\"p\""),
        ("grpc.health.v1.HealthCheckRequest", HealthRequest { service: "s".into() }.encode_to_vec(), "\"s\""),
        ("grpc.health.v1.HealthCheckResponse", HealthResponse { status: 3 }.encode_to_vec(), "3"),
        ("grpc.reflection.v1.ServerReflectionRequest", asked.encode_to_vec(), "\"m\""),
        (
            "grpc.reflection.v1.ServerReflectionResponse",
            answered(ReflectionAnswer::Services(list)).encode_to_vec(),
            "\"s\"",
        ),
        (
            "grpc.reflection.v1.ServerReflectionResponse",
            answered(ReflectionAnswer::Error(ErrorResponse { code: 5, message: "e".into() })).encode_to_vec(),
            "\"e\"",
        ),
        (
            "grpc.reflection.v1.ServerReflectionResponse",
            answered(ReflectionAnswer::Files(FileDescriptors { bytes: vec![b"f".to_vec()] })).encode_to_vec(),
            "b\"f\"",
        ),
    ] {
        let descriptor = pool.get_message_by_name(name).unwrap_or_else(|| panic!("{name} is not described"));
        let read = DynamicMessage::decode(descriptor, &*bytes).expect("its own form");
        assert_eq!(unknown_in(&read), 0, "{name}: {read:?}");
        assert!(format!("{read:?}").contains(word), "{name} without {word}: {read:?}");
    }
}
