//! Calls over HTTP/2 as clients of gRPC make them, right ones and absurd ones.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;

use super::frames::{framed, unframed};
use super::messages::{
    Address, Attributes, CheckRequest, CheckResponse, Entry, HeaderMap as Lines, HeaderValue, HealthRequest,
    HealthResponse, HttpRequest, Outcome, Peer, Request as Asked, SocketAddress,
};
use crate::Config;
use crate::limit_tests::rate;
use crate::testing::House;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// The status of gRPC, and the message if there is one.
type Answer = (String, Option<Bytes>);

async fn call(house: &House, path: &str, body: Vec<u8>, metadata: &[(&'static str, &str)]) -> Answer {
    let address = house.running.local_addr().expect("a port");
    let stream = tokio::net::TcpStream::connect(address).await.expect("open doors");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut request = Request::post(format!("http://doors{path}")).header("te", "trailers");
    if !metadata.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in metadata {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let status =
        |headers: &HeaderMap| headers.get("grpc-status").map(|status| status.to_str().expect("ASCII").to_owned());
    let in_headers = status(response.headers());
    let collected = response.into_body().collect().await.expect("a whole answer");
    let in_trailers = collected.trailers().and_then(status);
    let bytes = collected.to_bytes();
    let message = (!bytes.is_empty()).then(|| unframed(bytes).expect("one message"));
    (in_headers.or(in_trailers).expect("a status"), message)
}

pub(super) fn about(lines: &[(&'static str, Bytes)]) -> CheckRequest {
    let line = |(key, value): &(&'static str, Bytes)| HeaderValue {
        key: (*key).into(),
        value: Bytes::new(),
        raw_value: value.clone(),
    };
    let http = HttpRequest {
        method: "GET".into(),
        path: "/items?x=1".into(),
        host: "shop.example.com".into(),
        header_map: Some(Lines { headers: lines.iter().map(line).collect() }),
        ..HttpRequest::default()
    };
    let address = Address { socket_address: Some(SocketAddress { address: "203.0.113.7".into() }) };
    let attributes = Attributes {
        source: Some(Peer { address: Some(address) }),
        request: Some(Asked { http: Some(http) }),
        context_extensions: vec![Entry { key: "api".into(), value: "shop".into() }],
    };
    CheckRequest { attributes: Some(attributes) }
}

fn with_extension(mut request: CheckRequest, key: &'static str, value: &'static str) -> CheckRequest {
    let attributes = request.attributes.as_mut().expect("they are there");
    attributes.context_extensions.push(Entry { key: key.into(), value: value.into() });
    request
}

/// The status that the client gets; 200: the request passes.
async fn checked(house: &House, request: &CheckRequest, metadata: &[(&'static str, &str)]) -> (i32, String) {
    let (status, message) = call(house, CHECK, framed(request), metadata).await;
    assert_eq!(status, "0");
    match CheckResponse::decode(message.expect("a message")).expect("an answer").outcome.expect("an outcome") {
        Outcome::Allowed(_) => (200, String::new()),
        Outcome::Denied(denied) => {
            (denied.status.expect("a status").code, String::from_utf8_lossy(&denied.body).into_owned())
        }
    }
}

#[tokio::test]
async fn a_right_key_passes_and_a_route_may_require_sets() {
    let house = House::new();
    let key = |key: &str| about(&[("x-api-key", Bytes::copy_from_slice(key.as_bytes()))]);
    assert_eq!(checked(&house, &key(&house.reader), &[]).await.0, 200);
    let full = key(&house.full);
    assert_eq!(checked(&house, &with_extension(full, "requires", "full-access"), &[]).await.0, 200);
    for (key_word, value, code) in [
        ("requires", "full-access", "OPERATION_NOT_ALLOWED"),
        ("requires", "no-such-set", "gateway_headers"),
        ("require", "full-access", "gateway_headers"),
        ("api", "other", "OPERATION_NOT_ALLOWED"),
    ] {
        let (status, body) = checked(&house, &with_extension(key(&house.reader), key_word, value), &[]).await;
        assert!(status == 403 && body.contains(code), "{key_word} {value}: {status} {body}");
    }
}

#[tokio::test]
async fn a_route_says_what_its_requests_take_and_the_client_gets_the_whole_refusal() {
    let house = House::new();
    house.limit_reader(vec![rate("minute", 5)]);
    let asked = about(&[("x-api-key", Bytes::copy_from_slice(house.reader.as_bytes()))]);
    let costs = |cost| with_extension(asked.clone(), "cost", cost);
    assert_eq!(checked(&house, &costs("3"), &[]).await.0, 200);
    assert_eq!(checked(&house, &costs("0"), &[]).await.0, 200, "it takes nothing");
    let (status, body) = checked(&house, &costs("3"), &[]).await;
    assert!(status == 429 && body.contains("\"code\":\"RATE_LIMITED\""), "{status} {body}");
    assert!(body.contains("\"violated-policies\":[\"minute\"]"), "{body}");
    assert_eq!(checked(&house, &costs("2"), &[]).await.0, 200, "so much is left");
    assert_eq!(checked(&house, &asked, &[]).await.0, 429, "one where nothing is said");
    for wrong in ["", "-1", "many", "9007199254740993"] {
        let (status, body) = checked(&house, &costs(wrong), &[]).await;
        assert!(status == 403 && body.contains("gateway_headers"), "{wrong}: {status} {body}");
    }
}

#[tokio::test]
async fn a_door_token_is_of_the_call_and_never_of_the_client() {
    let house = House::with(Config { require_token: Some(true), ..Config::default() });
    let key = Bytes::copy_from_slice(house.reader.as_bytes());
    let token = house.token.clone();
    let forging = about(&[("x-api-key", key), ("x-claviger-door", Bytes::from(token.clone()))]);
    assert_eq!(checked(&house, &forging, &[("x-claviger-door", &token)]).await.0, 200);
    for metadata in [&[][..], &[("x-claviger-door", "wrong")]] {
        let (status, body) = checked(&house, &forging, metadata).await;
        assert!(status == 403 && body.contains("door_token"), "{body}");
    }
}

#[tokio::test]
async fn absurd_calls_get_a_clear_status_and_the_doors_stay_open() {
    let house = House::new();
    let invalid = "3";
    for (body, status) in [
        (Vec::new(), invalid),
        (vec![0; 5], invalid),
        (framed(&CheckRequest { attributes: Some(Attributes::default()) }), invalid),
        (b"\0\0\0\0\x03\xff\xff\xff".to_vec(), invalid),
        (b"\0\xff\xff\xff\xff".to_vec(), invalid),
        (
            framed(&CheckRequest {
                attributes: Some(Attributes { request: Some(Asked::default()), ..Attributes::default() }),
            }),
            invalid,
        ),
        ([framed(&about(&[])), framed(&about(&[]))].concat(), invalid),
        (framed(&about(&[])).split_last().expect("bytes").1.to_vec(), invalid),
        (b"\x01\0\0\0\0".to_vec(), "12"),
        (framed(&about(&[("x-api-key", vec![b'k'; 1 << 20].into())])), "8"),
    ] {
        assert_eq!(call(&house, CHECK, body, &[]).await.0, status);
    }
    let json = [("content-type", "application/grpc+json")];
    assert_eq!(call(&house, CHECK, framed(&about(&[])), &json).await.0, "12");
    assert_eq!(call(&house, "/v1/verify", framed(&about(&[])), &[]).await.0, "12");
    // Any bytes are some header, and no key.
    for value in [&b"\xff\xfe"[..], b"\0", b""] {
        let lines = [("x-api-key", Bytes::from_static(value)), ("x-\u{e9}", Bytes::from_static(value))];
        assert_eq!(checked(&house, &about(&lines), &[]).await.0, 401, "{value:?}");
    }
    let reader = Bytes::copy_from_slice(house.reader.as_bytes());
    assert_eq!(checked(&house, &about(&[("x-api-key", reader)]), &[]).await.0, 200);
}

#[tokio::test]
async fn a_door_that_cannot_judge_is_unavailable_and_not_serving() {
    let empty = House::empty(Config::default());
    assert_eq!(call(&empty, CHECK, framed(&about(&[])), &[]).await, ("14".to_owned(), None));
    let house = House::new();
    for (house, service, status) in [
        (&empty, "", "\u{8}\u{2}"),
        (&house, "", "\u{8}\u{1}"),
        (&house, "envoy.service.auth.v3.Authorization", "\u{8}\u{1}"),
    ] {
        let (code, message) = call(house, HEALTH, framed(&HealthRequest { service: service.into() }), &[]).await;
        assert_eq!((&*code, message.as_deref()), ("0", Some(status.as_bytes())), "{service}");
        assert!(HealthResponse::decode(message.expect("a message")).is_ok());
    }
    assert_eq!(call(&house, HEALTH, framed(&HealthRequest { service: "other".into() }), &[]).await.0, "5");
}

#[tokio::test]
async fn a_peer_that_is_no_trusted_proxy_may_not_ask() {
    let house = House::with(Config { trusted_proxies: Vec::new(), ..Config::default() });
    let (status, body) = checked(&house, &about(&[]), &[]).await;
    assert!(status == 403 && body.contains("untrusted_peer"), "{body}");
}

/// A request with this body, as Envoy sends it where it is told to: `is_partial` is what it says of it.
fn with_body(signature: &str, raw: &[u8], text: &[u8], is_partial: &[&'static str]) -> CheckRequest {
    let lines = is_partial.iter().map(|value| ("x-envoy-auth-partial-body", Bytes::from_static(value.as_bytes())));
    let signature = ("x-api-signature", Bytes::copy_from_slice(signature.as_bytes()));
    let mut request = about(&lines.chain([signature]).collect::<Vec<_>>());
    let http = request.attributes.as_mut().and_then(|attributes| attributes.request.as_mut()?.http.as_mut());
    let http = http.expect("a request");
    (http.raw_body, http.body) = (Bytes::copy_from_slice(raw), Bytes::copy_from_slice(text));
    request
}

#[tokio::test]
async fn w_14_envoy_sends_the_body_and_its_signature_is_the_key() {
    let house = House::new();
    let body = b"a body with \xff in it";
    let signature = house.signature(body);
    let request = with_body(&signature, body, b"", &["false"]);
    let (status, message) = call(&house, CHECK, framed(&request), &[]).await;
    assert_eq!(status, "0");
    let outcome = CheckResponse::decode(message.expect("a message")).expect("an answer").outcome;
    let Some(Outcome::Allowed(allowed)) = outcome else { panic!("{outcome:?}") };
    assert!(allowed.headers_to_remove.iter().any(|name| name == "x-api-signature"), "it could be sent again");

    let largest = vec![b'x'; 65_536];
    assert_eq!(checked(&house, &with_body(&house.signature(&largest), &largest, b"", &[]), &[]).await.0, 200);
    let larger = vec![b'x'; 65_537];
    for (request, check) in [
        (with_body(&signature, b"another", b"", &["false"]), "signature of no key"),
        (with_body(&signature, body, b"", &["true"]), "signature of a body that came in part"),
        (with_body(&signature, body, b"", &["false", "true"]), "signature of a body that came in part"),
        (with_body(&signature, b"", body, &["false"]), "signature of a body that came as text"),
        (with_body(&house.signature(b""), b"", b"", &["false"]), "signature at a door without the body"),
        (with_body(&house.signature(&larger), &larger, b"", &["false"]), "body too large for a signature"),
    ] {
        assert_eq!(checked(&house, &request, &[]).await.0, 401, "{check}");
        assert_eq!(house.last_check(), check);
    }
}
