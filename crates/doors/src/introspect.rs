//! `POST /v1/introspect`: OAuth 2.0 token introspection (RFC 7662), for resource servers and gateways that know no other way
//! to ask. A key is a token there; whatever does not pass is not active, and no more is said.
//!
//! Beside the RFC's own parameters a caller may tell the request that the key came with (2.1 leaves room for that): then the
//! answer is about this request, as at every other door.

mod apache;
mod client;
mod form;
mod openapi;

use std::io::Write as _;

use claviger_domain::Timestamp;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{KeyView, Provider, Verdict};
use http::StatusCode;

use crate::answer::Answer;
use crate::challenge;
use crate::identity::owner;
use crate::json::{push_string, push_subject};
use crate::limits;
use crate::lines::{Lines, visible};
use crate::problem::{FieldError, Problem, RETRY_AFTER};
use crate::question::Asked;
use crate::request_id::Id;
use crate::rest::{self, json};
use crate::service::Connection;
use crate::turn::{Unjudged, is_of_limit};

pub(crate) use openapi::paths;

/// The only media type of the question.
const FORM: &str = "application/x-www-form-urlencoded";
const MICROS_PER_SECOND: i64 = 1_000_000;

/// What must be right before a body is read; `None`: it was answered.
pub(crate) fn admit(connection: &Connection, lines: Lines<'_>, id: &Id, answer: &mut Answer) -> Option<Provider> {
    if let Err(problem) = connection.check_ready() {
        problem.answer(id, answer);
        return None;
    }
    let token = client::token(lines);
    let Ok(provider) = connection.provider(token.as_ref().map(|token| token.as_slice()), id) else {
        Problem::oauth_client().answer(id, answer);
        challenge::add(answer, Code::Missing, StatusCode::UNAUTHORIZED.as_u16(), None);
        return None;
    };
    if !is_form(lines) {
        rest::count_refused(connection);
        Problem::no_form().answer(id, answer);
        return None;
    }
    Some(provider)
}

/// Answers a call whose body is there. `pin`: the API that its path names; `is_apache`: the path is Apache's.
pub(crate) fn answer(
    connection: &Connection,
    provider: Provider,
    (pin, is_apache): (Option<&str>, bool),
    body: &[u8],
    id: &Id,
    answer: &mut Answer,
) -> Result<(), Unjudged> {
    let asked = form::read(body, pin).and_then(Asked::of).map_err(|errors| malformed(connection, errors))?;
    if is_apache {
        return apache::answer(connection, provider, pin, asked.credential(), id, answer);
    }
    let judged = rest::judge_asked(connection, provider, &asked, Door::Introspect, id, &mut answer.turn);
    let verdict = judged.map_err(in_words_of_oauth)?;
    match verdict.key() {
        Some(key) if verdict.code == Code::Valid => push_active(json(id, answer), &verdict, &key),
        _ => json(id, answer).extend_from_slice(b"{\"active\":false}"),
    }
    if let Some(seconds) = verdict.retry_after_seconds.filter(|_| is_of_limit(verdict.code)) {
        answer.header(RETRY_AFTER, &seconds.to_string());
    }
    limits::write_headers(&verdict, answer);
    Ok(())
}

/// What was found to be malformed on the way, in OAuth's words too.
fn in_words_of_oauth(unjudged: Unjudged) -> Unjudged {
    match unjudged {
        Unjudged::Refused(problem) if problem.status == StatusCode::BAD_REQUEST => {
            Unjudged::Refused(Problem { oauth_error: Some("invalid_request"), ..problem })
        }
        other => other,
    }
}

/// A question that makes no sense, in OAuth's words too.
fn malformed(connection: &Connection, errors: Vec<FieldError>) -> Problem {
    Problem { oauth_error: Some("invalid_request"), ..rest::malformed(connection, errors) }
}

/// Whether there is one content type, and it is a form's; its parameters say nothing of a form.
fn is_form(lines: Lines<'_>) -> bool {
    let mut types = lines.all("content-type").map(|value| visible(value).unwrap_or_default());
    let media_type = types.next().and_then(|value| value.split(';').next()).unwrap_or_default();
    types.next().is_none() && media_type.trim().eq_ignore_ascii_case(FORM)
}

/// Appends the answer about a key that passes: the members of RFC 7662, 2.2, and what `/v1/verify` says.
fn push_active(out: &mut Vec<u8>, verdict: &Verdict, key: &KeyView<'_>) {
    out.extend_from_slice(b"{\"active\":true,\"token_type\":\"api_key\"");
    let (_, owner) = owner(key.owner());
    let owner = String::from_utf8_lossy(&owner);
    let user = verdict.api_user();
    let subject = user.map(|user| user.id().to_string());
    let scope: Vec<&str> = key.api_sets().collect();
    push_member(out, "scope", &scope.join(" "));
    push_member(out, "client_id", &owner);
    push_member(out, "username", user.map_or(key.owner_name(), |user| user.user_name()));
    push_member(out, "sub", subject.as_deref().unwrap_or(&owner));
    if let Some(api) = verdict.api() {
        push_member(out, "aud", api);
    }
    push_member(out, "iss", &key.organization().to_string());
    push_member(out, "jti", &key.id().to_string());
    push_instant(out, "iat", Some(key.created_at()));
    push_instant(out, "nbf", key.not_before());
    push_instant(out, "exp", key.expires_at());
    push_subject(out, verdict);
    out.push(b'}');
}

fn push_member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b',');
    push_string(out, name);
    out.push(b':');
    push_string(out, value);
}

/// An instant in whole seconds, as JWTs have it (RFC 7519, 2).
fn push_instant(out: &mut Vec<u8>, name: &str, instant: Option<Timestamp>) {
    if let Some(instant) = instant {
        // Writing to a vector does not fail.
        let _ = write!(out, ",\"{name}\":{}", instant.as_micros().div_euclid(MICROS_PER_SECOND));
    }
}

// === impl Problem (of OAuth) ===

impl Problem {
    /// A caller that has not said who it is, or not rightly.
    fn oauth_client() -> Self {
        let detail = "The call needs a valid door token: as the password of Basic, in Bearer or in X-Claviger-Door.";
        Self { oauth_error: Some("invalid_client"), ..Self::new(StatusCode::UNAUTHORIZED, "door_token", detail) }
    }

    /// A body of another kind.
    fn no_form() -> Self {
        let detail = format!("Expected a body with Content-Type: {FORM}.");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self { oauth_error: Some("invalid_request"), ..Self::new(status, "unsupported_media_type", detail) }
    }
}

#[cfg(test)]
mod tests;
