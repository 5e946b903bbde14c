//! gRPC on the doors' port. Messages are read and written by prost; what stands around them, five bytes before each and a status
//! behind, is too little to need a framework.

mod check;
mod frames;
mod health;
pub mod messages;
mod question;
mod reflection;
mod schema;
mod schema_files;
mod status;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use claviger_domain::usage::Door;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use prost::Message;

pub use self::question::{Question, Route};

use self::frames::{framed, unframed};
use self::messages::CheckRequest;
use self::status::{Code, Failure};
use crate::answer::Answer;
use crate::body::Outgoing;
use crate::lines::{self, Lines};
use crate::request_id::Id;
use crate::request_log::RequestLog;
use crate::rest;
use crate::route::Call;
use crate::service::{Connection, Head};

/// The media type, which may say the encoding of messages behind it.
const GRPC: &str = "application/grpc";
const PROTO: &str = "+proto";

/// Whether a request is a call of gRPC.
pub(crate) fn is_call(parts: &Parts) -> bool {
    let media = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    media.strip_prefix(GRPC.as_bytes()).is_some_and(|rest| rest.is_empty() || matches!(rest[0], b'+' | b';'))
}

/// Answers a call.
pub(crate) async fn answer(connection: &Arc<Connection>, parts: &Parts, body: Incoming, id: Id) -> Response<Outgoing> {
    let log = {
        let lines = lines::of_map(&parts.headers);
        let head = Head::of(parts, Lines::new(&lines));
        id.read_callers(head.lines);
        RequestLog::begin(&head, &id)
    };
    let answered = match Call::of_path(parts.uri.path()) {
        _ if !is_proto(&parts.headers) => Err(unimplemented()),
        Call::Check => check(connection, &parts.headers, body, id.clone()).await.map(whole),
        Call::Health => {
            message(connection, body).await.and_then(|message| health::check(connection, message)).map(whole)
        }
        Call::HealthWatch => message(connection, body).await.and_then(|message| {
            let request = decoded(connection, message)?;
            Ok(stream::answer(connection, |connection, replies| health::watch(connection, request, replies)))
        }),
        Call::Reflection => {
            Ok(stream::answer(connection, |connection, replies| reflection::answer(connection, body, replies)))
        }
        _ => Err(unimplemented()),
    };
    log.end(&id, StatusCode::OK);
    answered.unwrap_or_else(refused)
}

/// What Envoy is told, as it is sent.
async fn check(connection: &Connection, metadata: &HeaderMap, body: Incoming, id: Id) -> Result<Vec<u8>, Failure> {
    let request: CheckRequest = decoded(connection, message(connection, body).await?)?;
    let times = &connection.doors().counters.answer_times;
    let mut answer = Answer::default();
    // In the last of its turns.
    loop {
        let response = {
            let lines = lines::of_map(metadata);
            let metadata = Lines::new(&lines);
            times.time(Door::EnvoyGrpc, || check::answer(connection, &request, metadata, &id, &mut answer))?
        };
        if let Some(response) = response {
            return Ok(framed(&response));
        }
        if let Some(wait) = answer.turn.take_wait() {
            answer.turn.settle(wait.settle().await);
        }
    }
}

/// The one message of a call.
async fn message(connection: &Connection, body: Incoming) -> Result<Bytes, Failure> {
    let body = rest::collect(connection, body).await.map_err(|problem| Failure::of(&problem))?;
    unframed(body)
}

fn decoded<M: Message + Default>(connection: &Connection, message: Bytes) -> Result<M, Failure> {
    M::decode(message).map_err(|_| {
        rest::count_refused(connection);
        Failure::new(Code::InvalidArgument, "the message is malformed")
    })
}

/// Whether messages come as protobuf, which is what the media type says by itself.
fn is_proto(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim_end();
    media.strip_prefix(GRPC).is_some_and(|encoding| encoding.is_empty() || encoding == PROTO)
}

fn unimplemented() -> Failure {
    Failure::new(Code::Unimplemented, "there is no such method")
}

/// One message, and gRPC's status behind it.
fn whole(message: Vec<u8>) -> Response<Outgoing> {
    with_media_type(Response::new(Outgoing::with_trailers(message, status::lines(Ok(())))))
}

/// No message: the status stands in the place of the headers.
fn refused(failure: Failure) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::default());
    *response.headers_mut() = status::lines(Err(failure));
    with_media_type(response)
}

fn with_media_type(mut response: Response<Outgoing>) -> Response<Outgoing> {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    response
}

#[cfg(test)]
mod media_tests {
    use super::*;

    #[test]
    fn protobuf_is_what_the_media_type_says_by_itself() {
        let is_proto =
            |media: &'static str| is_proto(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media))]));
        for media in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
            assert!(is_proto(media), "{media}");
        }
        for media in ["application/grpc+json", "application/grpc-web", "text/plain"] {
            assert!(!is_proto(media), "{media}");
        }
    }
}
