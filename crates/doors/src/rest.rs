//! `POST /v1/verify` and its batch: a verdict for whoever asks in JSON. 200 whatever the verdict is.

use std::sync::LazyLock;

use bytes::Bytes;
use claviger_domain::usage::Door;
use claviger_engine::{Provider, Question, RequestLine, Verdict};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use crate::headers;
use crate::json::push_verdict;
use crate::problem::{Answer, FieldError, NO_STORE, Problem, X_REQUEST_ID};
use crate::question::{Asked, read, read_batch};
use crate::request_id::Id;
use crate::service::Connection;
use crate::template::with_id;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Room for the usual answer, so that it is allocated once.
const ANSWER_ROOM: usize = 640;

/// Answers one question.
pub(crate) async fn verify(connection: &Connection, request: Request<Incoming>, id: &Id) -> Answer {
    match body_and_provider(connection, request, id).await {
        Ok((body, provider)) => match judge(connection, provider, &body, id) {
            Ok(verdict) => {
                let mut out = Vec::with_capacity(ANSWER_ROOM);
                push_verdict(&mut out, &verdict, id);
                json(out, id)
            }
            Err(errors) => malformed(connection, errors).answer(id),
        },
        Err(problem) => problem.answer(id),
    }
}

/// Answers up to a hundred questions, each with an id of its own. A malformed one is a problem at its place.
pub(crate) async fn verify_batch(connection: &Connection, request: Request<Incoming>, id: &Id) -> Answer {
    let (body, provider) = match body_and_provider(connection, request, id).await {
        Ok(both) => both,
        Err(problem) => return problem.answer(id),
    };
    let questions = match read_batch(&body) {
        Ok(questions) => questions,
        Err(errors) => return malformed(connection, errors).answer(id),
    };
    let mut out = Vec::with_capacity(ANSWER_ROOM * questions.len());
    out.push(b'[');
    for (at, question) in questions.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let id = Id::new(connection.engine().new_request_id());
        match judge(connection, provider, question.get().as_bytes(), &id) {
            Ok(verdict) => push_verdict(&mut out, &verdict, &id),
            Err(errors) => malformed(connection, errors).write(&mut out, &id),
        }
    }
    out.push(b']');
    json(out, id)
}

/// What both need before they read a question.
async fn body_and_provider(
    connection: &Connection,
    request: Request<Incoming>,
    id: &Id,
) -> Result<(Bytes, Provider), Problem> {
    connection.check_ready()?;
    let (parts, body) = request.into_parts();
    let provider = connection.provider(headers::door_token(&parts.headers), id)?;
    Ok((collect(connection, body).await?, provider))
}

/// The whole body, if it is not over the limit.
async fn collect(connection: &Connection, body: Incoming) -> Result<Bytes, Problem> {
    let bytes_max = connection.doors().config().body_max_bytes;
    let refused = |problem| {
        connection.doors().counters.malformed.count();
        Err(problem)
    };
    if body.size_hint().lower() > bytes_max as u64 {
        return refused(Problem::too_large(bytes_max));
    }
    // The meter hangs up on a connection that is quiet. On HTTP/2 others may keep it busy, so a body has a time of its
    // own; one that is there already costs no timer.
    let patience = connection.doors().config().request_timeout();
    let Ok(collected) = timeout(patience, Limited::new(body, bytes_max).collect()).await else {
        return refused(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body did not arrive in time."));
    };
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => refused(Problem::too_large(bytes_max)),
        Err(_) => refused(Problem::new(StatusCode::BAD_REQUEST, "invalid_request", "The body did not arrive whole.")),
    }
}

fn judge(connection: &Connection, provider: Provider, json: &[u8], id: &Id) -> Result<Verdict, Vec<FieldError>> {
    let asked = read(json)?;
    let requires: Vec<&str> = asked.requires().collect();
    if let Some(unknown) = connection.engine().unknown_set(provider, &requires).filter(|_| !requires.is_empty()) {
        let message = "expected the slug or id of an API set that exists";
        return Err(vec![FieldError::new(format!("requires[{unknown}]"), message)]);
    }
    Ok(decide(connection, provider, &asked, &requires, id))
}

fn decide(connection: &Connection, provider: Provider, asked: &Asked<'_>, requires: &[&str], id: &Id) -> Verdict {
    let request = asked.request().map(|(method, target)| RequestLine {
        method,
        target,
        host: asked.host(),
        method_overrides: &[],
    });
    let sources = connection.engine().credential_sources(provider, asked.api(), request.as_ref());
    connection.engine().decide(&Question {
        provider,
        credentials: &asked.credentials(sources.as_deref()),
        client_ip: asked.client_ip,
        request,
        pin: asked.api(),
        requires,
        preflight: false,
        door: Door::Verify,
        // The caller's user agent is not the client's.
        agent: None,
        request_id: id.id(),
    })
}

fn malformed(connection: &Connection, errors: Vec<FieldError>) -> Problem {
    connection.doors().counters.malformed.count();
    Problem::invalid_request(errors)
}

/// 200 with a body of JSON.
pub(crate) fn json(body: Vec<u8>, id: &Id) -> Answer {
    static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
        let id = (X_REQUEST_ID, HeaderValue::from_static(""));
        HeaderMap::from_iter([(CONTENT_TYPE, JSON), (CACHE_CONTROL, NO_STORE), id])
    });
    let mut answer = Answer::new(Full::new(Bytes::from(body)));
    *answer.headers_mut() = with_id(&HEADERS, id.to_header());
    answer
}
