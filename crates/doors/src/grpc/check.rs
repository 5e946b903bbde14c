//! `envoy.service.auth.v3.Authorization/Check`: Envoy describes the request in a message and is told in one what the client
//! or the protected service gets. What is allowed or denied says the same as at the other gateway doors, line by line.
//!
//! What a route's configuration says stands in its `context_extensions`, where no client can write: `api` pins the API,
//! `host` is the gateway's own name, `requires` names sets that the key must hold, with commas between them, `cost` says what the
//! request takes of limits.

use std::borrow::Cow;

use bytes::Bytes;
use claviger_domain::usage::Door;
use claviger_engine::Provider;
use http::StatusCode;

use super::messages::{
    Allowed, CheckRequest, CheckResponse, Denied, Flag, HeaderOption, HeaderValue, HttpStatus, Outcome, Status,
};
use super::question::Question;
use super::status::{Code, Failure};
use crate::answer::Answer;
use crate::forward::{Asked, Gate, Judged, Terms, answer_judged};
use crate::headers::{self, Described, ENVOY, Undescribed};
use crate::lines::Lines;
use crate::request_id::Id;
use crate::service::Connection;
use crate::turn::{Turn, Unjudged};

/// gRPC's word for a request that may not pass.
const PERMISSION_DENIED: i32 = 7;
/// The identity headers, and which place the key stood in.
const IDENTITY: &str = "x-auth-";
const X_AUTH_CREDENTIAL: &str = "x-auth-credential";
/// How a place in the query is named.
const QUERY: &str = "query:";
/// Lines of an answer that are about the answer itself, and not about the request that it lets pass.
const OWN: [&str; 2] = ["x-request-id", "cache-control"];

/// Answers one call; `metadata` are the lines of the call itself. `None`: there will be an answer with the next turn.
pub(super) fn answer(
    connection: &Connection,
    request: &CheckRequest,
    metadata: Lines<'_>,
    id: &Id,
    answer: &mut Answer,
) -> Result<Option<CheckResponse>, Failure> {
    let Some(read) = Question::of(request) else {
        return Err(Failure::new(Code::InvalidArgument, "the message describes no request"));
    };
    let judged = judge(connection, &read, metadata, id, &mut answer.turn);
    // Denied by a message, and never by an error: for an error Envoy may be told to let a request pass.
    match &judged {
        Err(Unjudged::Waits) => return Ok(None),
        Err(Unjudged::Refused(problem)) if problem.status == StatusCode::SERVICE_UNAVAILABLE => {
            return Err(Failure::unavailable());
        }
        _ => answer_judged(&judged, id, answer),
    }
    Ok(Some(if answer.status() == StatusCode::OK { allowed(answer) } else { denied(answer) }))
}

fn judge<'h>(
    connection: &Connection,
    read: &'h Result<Question<'h>, Undescribed>,
    metadata: Lines<'_>,
    id: &Id,
    turn: &mut Turn,
) -> Result<Judged<'h>, Unjudged> {
    let gate = Gate { connection, door: Door::EnvoyGrpc, id };
    gate.check_peer()?;
    let question = gate.noted(read.as_ref().map_err(Clone::clone))?;
    let (lines, route) = (Lines::new(&question.lines), &question.route);
    let found = ENVOY.find(lines);
    let client_ip = gate.noted(question.client_ip_of(&found, &connection.trusted()))?;
    let provider = connection.provider(headers::door_token(metadata), id)?;
    gate.noted(known(connection, provider, &route.requires))?;
    let host = route.host.unwrap_or(&question.host).into();
    let method = Cow::Borrowed(&*question.method);
    let described = Described { method, target: Cow::Borrowed(&*question.target), host, client_ip };
    let terms = Terms { requires: &route.requires, cost: route.cost };
    gate.decide(Asked { lines, found, described, body: question.body() }, provider, route.api, terms, turn)
}

/// Sets that are required must be there.
fn known(connection: &Connection, provider: Provider, requires: &[&str]) -> Result<(), Undescribed> {
    if requires.is_empty() || connection.engine().unknown_set(provider, requires).is_none() {
        return Ok(());
    }
    Err(Undescribed {
        check: "gateway requires an unknown set",
        detail: "The context extension requires names an API set that does not exist.".to_owned(),
    })
}

/// The request passes: who asks goes to the service, the key does not, and what is left is for the client.
fn allowed(answer: &Answer) -> CheckResponse {
    let mut allowed = Allowed::default();
    for (name, value) in answer.lines() {
        if name == X_AUTH_CREDENTIAL {
            allowed.remove_places(value);
        } else if !name.starts_with(IDENTITY) {
            if !OWN.contains(&name) {
                allowed.response_headers_to_add.push(line(name, value));
            }
        } else if value.is_empty() {
            // Envoy would leave a client's copy where it is told an empty one.
            allowed.headers_to_remove.push(name.to_owned());
        } else {
            allowed.headers.push(line(name, value));
        }
    }
    CheckResponse { status: Some(Status { code: Code::Ok as i32 }), outcome: Some(Outcome::Allowed(allowed)) }
}

/// The request does not pass: the client gets the whole answer. Lines of one name become one, as Envoy keeps one.
fn denied(answer: &Answer) -> CheckResponse {
    let mut lines: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (name, value) in answer.lines() {
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => *values = format!("{values}, {value}").into(),
            None => lines.push((name, value.into())),
        }
    }
    let denied = Denied {
        status: Some(HttpStatus { code: answer.status().as_u16().into() }),
        headers: lines.iter().map(|(name, value)| line(name, value)).collect(),
        body: Bytes::copy_from_slice(answer.body()),
    };
    CheckResponse { status: Some(Status { code: PERMISSION_DENIED }), outcome: Some(Outcome::Denied(denied)) }
}

/// A line that overwrites those that are there.
fn line(name: &str, value: &str) -> HeaderOption {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let header = HeaderValue { key: bytes(name), value: bytes(value), raw_value: Bytes::new() };
    HeaderOption { header: Some(header), append: Some(Flag { value: false }) }
}

// === impl Allowed ===

impl Allowed {
    fn remove_places(&mut self, places: &str) {
        for place in places.split(", ").filter(|place| !place.is_empty()) {
            match place.strip_prefix(QUERY) {
                Some(parameter) => self.query_parameters_to_remove.push(parameter.to_owned()),
                None => self.headers_to_remove.push(place.to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::super::messages::{Attributes, HttpRequest, Request};
    use super::*;

    fn answered(lines: &[(&str, &str)]) -> Answer {
        let mut answer = Answer::default();
        for (name, value) in lines {
            answer.header(name, value);
        }
        answer
    }

    #[test]
    fn a_message_is_read_whatever_else_stands_in_it() {
        let http = HttpRequest { method: "GET".into(), path: "/a".into(), ..HttpRequest::default() };
        let attributes = Attributes { request: Some(Request { http: Some(http) }), ..Attributes::default() };
        let request = CheckRequest { attributes: Some(attributes) };
        let mut bytes = request.encode_to_vec();
        // A field 99 of two bytes.
        bytes.extend_from_slice(&[0x9a, 0x06, 2, 0xff, 0xfe]);
        assert_eq!(CheckRequest::decode(&*bytes), Ok(request));
    }

    #[test]
    fn who_asks_goes_to_the_service_the_key_does_not_and_limits_are_the_clients() {
        let answer = answered(&[
            ("x-request-id", "req_1"),
            ("cache-control", "no-store"),
            ("x-auth-credential", "authorization, query:key"),
            ("x-auth-key-id", "key_1"),
            ("x-auth-user", ""),
            ("ratelimit", "\"a\";r=1;t=2"),
        ]);
        let Some(Outcome::Allowed(allowed)) = allowed(&answer).outcome else { panic!("it passes") };
        assert_eq!(allowed.headers, [line("x-auth-key-id", "key_1")]);
        assert_eq!(allowed.headers_to_remove, ["authorization", "x-auth-user"]);
        assert_eq!(allowed.query_parameters_to_remove, ["key"]);
        assert_eq!(allowed.response_headers_to_add, [line("ratelimit", "\"a\";r=1;t=2")]);
    }

    #[test]
    fn the_client_gets_the_whole_refusal() {
        let mut answer =
            answered(&[("www-authenticate", "Basic"), ("retry-after", "7"), ("www-authenticate", "Bearer")]);
        answer.set_status(StatusCode::TOO_MANY_REQUESTS);
        answer.body_mut().extend_from_slice(b"{}");
        let Some(Outcome::Denied(denied)) = denied(&answer).outcome else { panic!("it does not pass") };
        assert_eq!(denied.status, Some(HttpStatus { code: 429 }));
        assert_eq!(denied.headers, [line("www-authenticate", "Basic, Bearer"), line("retry-after", "7")]);
        assert_eq!(&*denied.body, b"{}");
    }
}
