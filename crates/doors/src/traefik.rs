//! `/v1/authorize/traefik`: for Traefik's `ForwardAuth`, which takes headers out of the request by their names alone and puts
//! those of the answer in their place. So its file names every header that a key may stand in, and those in which there was
//! none of ours come back with the answer.

use claviger_domain::usage::Door;

use crate::answer::Answer;
use crate::forward::{answer_judged, judge};
use crate::headers::FORWARDED;
use crate::lines::{Lines, visible};
use crate::request_id::Id;
use crate::service::Connection;

/// Answers one call.
pub(crate) fn answer(connection: &Connection, lines: Lines<'_>, pin: Option<&str>, id: &Id, answer: &mut Answer) {
    let judged = judge(connection, lines, pin, Door::Authorize, &FORWARDED, id, &mut answer.turn);
    answer_judged(&judged, id, answer);
    if let Ok(judged) = &judged
        && answer.status().is_success()
    {
        for (name, value) in judged.spared() {
            answer.header(name, visible(value).unwrap_or_default());
        }
    }
}
