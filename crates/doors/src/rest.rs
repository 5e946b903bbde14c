//! `POST /v1/verify` and its batch: a verdict for whoever asks in JSON. 200 whatever the verdict is.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use claviger_domain::usage::Door;
use claviger_engine::{Provider, Question, RequestLine, Verdict};
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use crate::answer::Answer;
use crate::headers;
use crate::introspect;
use crate::json::push_verdict;
use crate::lines::Lines;
use crate::problem::{FieldError, Problem};
use crate::question::{Asked, read, read_batch};
use crate::request_id::Id;
use crate::request_log::RequestLog;
use crate::service::Connection;
use crate::turn::{Turn, Unjudged};

/// A call whose head was taken: its body may come.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) provider: Provider,
    pub(crate) asking: Asking,
    pub(crate) log: RequestLog,
}

/// What a body is read as.
#[derive(Debug)]
pub(crate) enum Asking {
    /// One question of `/v1/verify`.
    One,
    /// Several.
    Batch,
    /// A form of `/v1/introspect`.
    Form {
        /// The API that the path names.
        pin: Option<Box<str>>,
        /// Whether it is Apache that asks.
        is_apache: bool,
    },
}

// === impl Admitted ===

impl Admitted {
    /// Answers a call whose body is refused as it is.
    pub(crate) fn refuse(self, problem: &Problem, id: &Id, answer: &mut Answer) {
        problem.answer(id, answer);
        self.log.end(id, answer.status());
    }
}

/// What must be right before a body is read.
pub(crate) fn admit(connection: &Connection, lines: Lines<'_>, id: &Id) -> Result<Provider, Problem> {
    connection.check_ready()?;
    connection.provider(headers::door_token(lines), id)
}

/// Whether a body may have this length.
pub(crate) fn check_length(connection: &Connection, length: u64) -> Result<(), Problem> {
    let bytes_max = connection.doors().config().body_max_bytes;
    if length <= bytes_max as u64 {
        return Ok(());
    }
    count_refused(connection);
    Err(Problem::too_large(bytes_max))
}

/// Counts a body that is refused as it is.
pub(crate) fn count_refused(connection: &Connection) {
    connection.doors().counters.malformed.count();
}

/// The whole body as hyper reads it, if it is not over the limit.
pub(crate) async fn collect(connection: &Connection, body: Incoming) -> Result<Bytes, Problem> {
    let config = connection.doors().config();
    check_length(connection, body.size_hint().lower())?;
    let mut collecting = pin!(Limited::new(body, config.body_max_bytes).collect());
    // One that is there already costs neither a place nor a timer.
    let collected = match poll_fn(|cx| Poll::Ready(collecting.as_mut().poll(cx))).await {
        Poll::Ready(collected) => Ok(collected),
        Poll::Pending => {
            let _place = connection.take_body()?;
            // The meter hangs up on a connection that is quiet. On HTTP/2 others may keep it busy, so a body has a time of
            // its own.
            timeout(config.request_timeout(), collecting).await.map_err(|_| Problem::body_late())
        }
    };
    let problem = match collected {
        Ok(Ok(collected)) => return Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Problem::too_large(config.body_max_bytes),
        Ok(Err(_)) => Problem::body_torn(),
        Err(problem) => problem,
    };
    count_refused(connection);
    Err(problem)
}

/// Answers a call whose body is there; its log ends with it. `Some`: there will be an answer with the next turn.
pub(crate) fn answer(
    connection: &Connection,
    admitted: Admitted,
    body: &[u8],
    id: &Id,
    answer: &mut Answer,
) -> Option<Admitted> {
    let (provider, times) = (admitted.provider, &connection.doors().counters.answer_times);
    let answered = match &admitted.asking {
        Asking::One => times.time(Door::Verify, || one(connection, provider, body, id, answer)),
        Asking::Batch => batch(connection, provider, body, id, answer),
        Asking::Form { pin, is_apache } => times.time(Door::Introspect, || {
            introspect::answer(connection, provider, (pin.as_deref(), *is_apache), body, id, answer)
        }),
    };
    match answered {
        Ok(()) => {}
        Err(Unjudged::Refused(problem)) => problem.answer(id, answer),
        Err(Unjudged::Waits) => return Some(admitted),
    }
    admitted.log.end(id, answer.status());
    None
}

/// Answers one question.
fn one(connection: &Connection, provider: Provider, body: &[u8], id: &Id, answer: &mut Answer) -> Result<(), Unjudged> {
    let verdict = judge(connection, provider, body, id, &mut answer.turn)?;
    push_verdict(json(id, answer), &verdict, id);
    Ok(())
}

/// Answers up to a hundred questions, each with an id of its own. A malformed one is a problem at its place.
fn batch(
    connection: &Connection,
    provider: Provider,
    body: &[u8],
    id: &Id,
    answer: &mut Answer,
) -> Result<(), Unjudged> {
    let questions = read_batch(body).map_err(|errors| malformed(connection, errors))?;
    // What was answered before a wait was decided, and taken: it is not asked again.
    let (answered, mut out) = answer.turn.answered.take().unwrap_or((0, vec![b'[']));
    for (at, question) in questions.iter().enumerate().skip(answered) {
        let id = Id::new(connection.engine().new_request_id());
        let judged = judge(connection, provider, question.get().as_bytes(), &id, &mut answer.turn);
        if matches!(judged, Err(Unjudged::Waits)) {
            answer.turn.answered = Some((at, out));
            return Err(Unjudged::Waits);
        }
        if at > 0 {
            out.push(b',');
        }
        match judged {
            Ok(verdict) => push_verdict(&mut out, &verdict, &id),
            Err(Unjudged::Refused(problem)) => problem.write(&mut out, &id),
            Err(Unjudged::Waits) => {}
        }
    }
    out.push(b']');
    json(id, answer).append(&mut out);
    Ok(())
}

fn judge(
    connection: &Connection,
    provider: Provider,
    json: &[u8],
    id: &Id,
    turn: &mut Turn,
) -> Result<Verdict, Unjudged> {
    let asked = read(json).map_err(|errors| malformed(connection, errors))?;
    judge_asked(connection, provider, &asked, Door::Verify, id, turn)
}

/// The verdict on a question that makes sense.
pub(crate) fn judge_asked(
    connection: &Connection,
    provider: Provider,
    asked: &Asked<'_>,
    door: Door,
    id: &Id,
    turn: &mut Turn,
) -> Result<Verdict, Unjudged> {
    let requires: Vec<&str> = asked.requires().collect();
    if let Some(unknown) = connection.engine().unknown_set(provider, &requires).filter(|_| !requires.is_empty()) {
        let message = "expected the slug or id of an API set that exists";
        return Err(malformed(connection, vec![FieldError::new(format!("requires[{unknown}]"), message)]).into());
    }
    let verdict = decide(connection, provider, asked, &requires, (door, id), turn)?;
    // What a peer says about others counts only if it is a trusted one.
    let client_ip = asked.client_ip.filter(|_| connection.is_trusted()).or(connection.peer());
    connection.check_shed(verdict.code, client_ip)?;
    Ok(verdict)
}

fn decide(
    connection: &Connection,
    provider: Provider,
    asked: &Asked<'_>,
    requires: &[&str],
    (door, id): (Door, &Id),
    turn: &mut Turn,
) -> Result<Verdict, Unjudged> {
    let request = asked.request().map(|(method, target)| RequestLine {
        method,
        target,
        host: asked.host(),
        method_overrides: &[],
    });
    let sources = connection.engine().credential_sources(provider, asked.api(), request.as_ref());
    let question = Question {
        provider,
        credentials: &asked.credentials(sources.as_deref()),
        client_ip: asked.client_ip,
        request,
        pin: asked.api(),
        requires,
        cost: asked.cost(),
        preflight: false,
        door,
        // The caller's user agent is not the client's.
        agent: None,
        request_id: id.id(),
    };
    connection.decide(&question, turn)
}

/// A question that makes no sense, counted.
pub(crate) fn malformed(connection: &Connection, errors: Vec<FieldError>) -> Problem {
    count_refused(connection);
    Problem::invalid_request(errors)
}

/// 200 with a body of JSON, which is to be written.
pub(crate) fn json<'a>(id: &Id, answer: &'a mut Answer) -> &'a mut Vec<u8> {
    answer.begin(StatusCode::OK, id);
    answer.lines_mut().extend_from_slice(b"content-type: application/json\r\n");
    answer.body_mut()
}
