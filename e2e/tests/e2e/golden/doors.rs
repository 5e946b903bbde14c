//! How a case is asked at each door.

use std::net::SocketAddr;

use bytes::Bytes;
use claviger_doors::grpc::messages::{
    Address, Attributes, CheckRequest, CheckResponse, Entry, HeaderMap, HeaderOption, HeaderValue, HttpRequest,
    Outcome, Peer, Request as AboutRequest, SocketAddress,
};

use super::question::{Described, Question};
use crate::harness::grpc;
use crate::harness::raw_http::{Request, Response};

/// A door of the data plane that is asked about requests.
#[derive(Debug, Clone, Copy)]
pub(super) enum Door {
    Verify,
    Authorize,
    Nginx,
    Envoy,
    EnvoyGrpc,
    Introspect,
}

// === impl Door ===

impl Door {
    pub(super) const ALL: [Self; 6] =
        [Self::Verify, Self::Authorize, Self::Nginx, Self::Envoy, Self::EnvoyGrpc, Self::Introspect];

    /// Its answer; `None` where it cannot express the case.
    pub(super) async fn ask(self, question: &Question<'_>, doors: SocketAddr) -> Option<Response> {
        let request = match self {
            Self::Verify => question.with_token(Request::post("/v1/verify", &question.json()?)),
            Self::Authorize => forwarded(
                question,
                "",
                ["X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host", "X-Forwarded-For"],
            )?,
            Self::Nginx => {
                forwarded(question, "/nginx", ["X-Original-Method", "X-Original-URI", "X-Original-Host", "X-Real-IP"])?
            }
            Self::Envoy => envoy(question)?,
            Self::Introspect => introspect(question)?,
            Self::EnvoyGrpc => return envoy_grpc(question, doors).await,
        };
        Some(request.send(doors).await)
    }
}

/// The key in a form, with the request beside it.
fn introspect(question: &Question<'_>) -> Option<Request> {
    let pin = question.pin().map(|api| format!("/api/{api}")).unwrap_or_default();
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(question.parameters()?).finish();
    let request = Request::new("POST", &format!("/v1/introspect{pin}"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form.into_bytes());
    Some(match question.token() {
        Some(token) => request.basic("golden", token),
        None => request,
    })
}

/// The request described in headers.
fn forwarded(question: &Question<'_>, suffix: &str, names: [&str; 4]) -> Option<Request> {
    let Described { method, target, host, client_ip } = question.described()?;
    let mut request = Request::get(&format!("/v1/authorize{}{suffix}", pin(question)?));
    for (name, value) in names.iter().zip([method, target, host, client_ip]) {
        request = request.header(name, &value);
    }
    with_lines(question, request)
}

/// The request itself, under the door's prefix.
fn envoy(question: &Question<'_>) -> Option<Request> {
    let Described { method, target, host, client_ip } = question.described()?;
    // What Envoy itself would not take for a request.
    let is_target = target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    // An answer to HEAD has no body that would tell the code.
    if !is_target || method == "HEAD" || !method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let request = Request::new(&method, &format!("/v1/authorize{}/envoy{target}", pin(question)?));
    with_lines(question, request.header("Host", &host).header("X-Forwarded-For", &client_ip))
}

/// The API in the path of the question, which has no place for sets.
fn pin(question: &Question<'_>) -> Option<String> {
    let pin = question.pin().map(|api| format!("/api/{api}")).unwrap_or_default();
    question.requires().is_empty().then_some(pin)
}

/// At doors that are not told the request's body.
fn with_lines(question: &Question<'_>, request: Request) -> Option<Request> {
    let lines = question.lines().filter(|_| question.body().is_none())?;
    let request = lines.iter().fold(request, |request, (name, value)| request.header_bytes(name, value));
    Some(question.with_token(request))
}

/// The request in a message.
async fn envoy_grpc(question: &Question<'_>, doors: SocketAddr) -> Option<Response> {
    let Described { method, target, host, client_ip } = question.described()?;
    let line = |(name, value): (&str, Vec<u8>)| HeaderValue {
        key: name.to_ascii_lowercase().into(),
        value: Bytes::new(),
        raw_value: value.into(),
    };
    let http = HttpRequest {
        method: method.into(),
        path: target.into(),
        host: host.into(),
        headers: Vec::new(),
        raw_body: question.body().unwrap_or_default().to_owned().into(),
        body: Bytes::new(),
        header_map: Some(HeaderMap { headers: question.lines()?.into_iter().map(line).collect() }),
    };
    let source = Peer { address: Some(Address { socket_address: Some(SocketAddress { address: client_ip.into() }) }) };
    let extension = |key: &'static str, value: String| Entry { key: key.into(), value: value.into() };
    let mut context_extensions: Vec<_> =
        question.pin().map(|api| extension("api", api.to_owned())).into_iter().collect();
    if !question.requires().is_empty() {
        context_extensions.push(extension("requires", question.requires().join(",")));
    }
    let request = CheckRequest {
        attributes: Some(Attributes {
            source: Some(source),
            request: Some(AboutRequest { http: Some(http) }),
            context_extensions,
        }),
    };
    let metadata: Vec<_> = question.token().map(|token| ("x-claviger-door", token)).into_iter().collect();
    let path = "/envoy.service.auth.v3.Authorization/Check";
    let answer: CheckResponse = grpc::call(doors, path, &request, &metadata).await.expect("a message");
    Some(as_http(answer.outcome.expect("an outcome")))
}

/// What Envoy is told, as the other doors tell it.
fn as_http(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Denied(denied) => Response {
            status: denied.status.and_then(|status| status.code.try_into().ok()).expect("a status"),
            headers: lines_of(&denied.headers),
            body: denied.body.to_vec(),
        },
        Outcome::Allowed(allowed) => {
            let (overwritten, stripped): (Vec<_>, Vec<_>) =
                allowed.headers_to_remove.into_iter().partition(|name| name.starts_with("x-auth-"));
            let parameters = allowed.query_parameters_to_remove.iter().map(|name| format!("query:{name}"));
            let places: Vec<_> = stripped.into_iter().chain(parameters).collect();
            let mut headers = lines_of(&allowed.headers);
            headers.extend(overwritten.into_iter().map(|name| (name, String::new())));
            headers.push(("x-auth-credential".to_owned(), places.join(", ")));
            Response { status: 200, headers, body: Vec::new() }
        }
    }
}

fn lines_of(headers: &[HeaderOption]) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("text");
    let lines = headers.iter().filter_map(|option| option.header.as_ref());
    lines.map(|line| (text(&line.key), text(&line.value))).collect()
}
