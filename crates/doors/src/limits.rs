//! What is left of limits, as clients are told it: `RateLimit` and `RateLimit-Policy` of the IETF's draft on rate limit headers
//! (draft-ietf-httpapi-ratelimit-headers-10), structured fields (RFC 9651), and `Retry-After`.

use std::io::Write as _;

use claviger_engine::{LimitView, Verdict};

use crate::answer::Answer;
use crate::json::push_string;
use crate::turn::is_of_limit;

/// The most limits that the headers name; the JSON of `/v1/verify` names all. nginx reads an answer's headers into 4 KB, of which the
/// identity headers may take three.
const NAMED_MAX: usize = 6;
/// The largest integer of a structured field.
const INTEGER_MAX: u64 = 999_999_999_999_999;

/// Adds the headers; none where no limit applied.
pub(crate) fn write_headers(verdict: &Verdict, answer: &mut Answer) {
    if verdict.limits().next().is_none() {
        return;
    }
    let out = answer.lines_mut();
    // Names need no escaping, and writing to a vector does not fail.
    push_list(out, verdict, b"ratelimit-policy: ", |out, limit| {
        let _ = write!(out, "\"{}\";q={}", limit.name, limit.limit.min(INTEGER_MAX));
        if let Some(window) = limit.window_seconds {
            let _ = write!(out, ";w={window}");
        }
    });
    push_list(out, verdict, b"ratelimit: ", |out, limit| {
        let _ = write!(out, "\"{}\";r={}", limit.name, limit.remaining.min(INTEGER_MAX));
        if let Some(reset) = limit.reset_seconds {
            let _ = write!(out, ";t={reset}");
        }
    });
}

fn push_list(out: &mut Vec<u8>, verdict: &Verdict, begin: &[u8], push: impl Fn(&mut Vec<u8>, &LimitView<'_>)) {
    out.extend_from_slice(begin);
    for (at, limit) in first(verdict).enumerate() {
        if at > 0 {
            out.extend_from_slice(b", ");
        }
        push(out, &limit);
    }
    out.extend_from_slice(b"\r\n");
}

/// Those that the headers name: what refused before all others.
fn first(verdict: &Verdict) -> impl Iterator<Item = LimitView<'_>> {
    let refused = verdict.limits().filter(|limit| limit.has_refused);
    refused.chain(verdict.limits().filter(|limit| !limit.has_refused)).take(NAMED_MAX)
}

/// The names of the limits that refused.
pub(crate) fn violated(verdict: &Verdict) -> Vec<String> {
    verdict.limits().filter(|limit| limit.has_refused).map(|limit| limit.name.to_owned()).collect()
}

/// Appends `,"retry_after_seconds":…` where it is known, and `,"limits":[…]`.
pub(crate) fn push_json(out: &mut Vec<u8>, verdict: &Verdict) {
    if let Some(seconds) = verdict.retry_after_seconds.filter(|_| is_of_limit(verdict.code)) {
        let _ = write!(out, ",\"retry_after_seconds\":{seconds}");
    }
    out.extend_from_slice(b",\"limits\":[");
    for (at, limit) in verdict.limits().enumerate() {
        out.extend_from_slice(if at == 0 { b"{\"name\":" } else { b",{\"name\":" });
        push_string(out, limit.name);
        let _ = write!(out, ",\"limit\":{},\"remaining\":{},\"reset_seconds\":", limit.limit, limit.remaining);
        match limit.reset_seconds {
            Some(seconds) => drop(write!(out, "{seconds}}}")),
            None => out.extend_from_slice(b"null}"),
        }
    }
    out.push(b']');
}
