//! JSON by hand: a verdict is written in one pass, without a tree and without reflection.

use std::io::Write as _;

use claviger_domain::verdict::Code;
use claviger_engine::{ApiUserView, KeyView, Verdict};

use crate::identity::owner;
use crate::limits;
use crate::request_id::Id;

/// Appends the answer of `/v1/verify`.
pub(crate) fn push_verdict(out: &mut Vec<u8>, verdict: &Verdict, id: &Id) {
    out.extend_from_slice(if verdict.code == Code::Valid { b"{\"valid\":true" } else { b"{\"valid\":false" });
    out.extend_from_slice(b",\"code\":\"");
    out.extend_from_slice(verdict.code.as_str().as_bytes());
    out.extend_from_slice(b"\",\"request_id\":\"");
    out.extend_from_slice(id.as_bytes());
    out.push(b'"');
    if verdict.code != Code::Valid {
        out.extend_from_slice(b",\"detail\":");
        push_string(out, verdict.code.detail());
    }
    push_subject(out, verdict);
    out.push(b'}');
}

/// Appends whom and what a verdict is about: `,"key":…` up to `,"limits":…`.
pub(crate) fn push_subject(out: &mut Vec<u8>, verdict: &Verdict) {
    if let Some(code) = verdict.would_be {
        out.extend_from_slice(b",\"would_be\":\"");
        out.extend_from_slice(code.as_str().as_bytes());
        out.push(b'"');
    }
    if let Some(key) = verdict.key() {
        push_key(out, &key);
    }
    out.extend_from_slice(b",\"api_user\":");
    match verdict.api_user() {
        Some(user) => push_api_user(out, user),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"api\":");
    push_optional(out, verdict.api());
    if let Some(version) = verdict.api_version() {
        out.extend_from_slice(b",\"api_version\":");
        push_string(out, version);
    }
    out.extend_from_slice(b",\"operation\":");
    push_optional(out, verdict.operation());
    if !verdict.operation_checked {
        out.extend_from_slice(b",\"operation_checked\":false");
    }
    limits::push_json(out, verdict);
}

/// Appends the answer of `/v1/whoami`.
pub(crate) fn push_whoami(out: &mut Vec<u8>, key: &KeyView<'_>, id: &Id) {
    out.extend_from_slice(b"{\"request_id\":\"");
    out.extend_from_slice(id.as_bytes());
    out.push(b'"');
    push_key(out, key);
    out.push(b'}');
}

/// Appends `,"organization":…,"key":…`.
fn push_key(out: &mut Vec<u8>, key: &KeyView<'_>) {
    // Ids, words and times need no escaping.
    out.extend_from_slice(b",\"organization\":\"");
    out.extend_from_slice(&key.organization().to_text());
    out.extend_from_slice(b"\",\"key\":{\"id\":\"");
    out.extend_from_slice(&key.id().to_text());
    out.extend_from_slice(b"\",\"name\":");
    push_string(out, key.name());
    out.extend_from_slice(b",\"environment\":\"");
    out.extend_from_slice(key.environment().as_str().as_bytes());
    out.extend_from_slice(b"\",\"hint\":");
    push_string(out, &key.hint());
    let (owner_type, owner_id) = owner(key.owner());
    out.extend_from_slice(b",\"owner\":{\"type\":\"");
    out.extend_from_slice(owner_type.as_bytes());
    out.extend_from_slice(b"\",\"id\":\"");
    out.extend_from_slice(&owner_id);
    out.extend_from_slice(b"\",\"name\":");
    push_string(out, key.owner_name());
    out.extend_from_slice(b"},\"api_sets\":[");
    for (at, set) in key.api_sets().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_string(out, set);
    }
    out.extend_from_slice(b"],\"external_id\":");
    push_optional(out, key.external_id());
    out.extend_from_slice(b",\"metadata\":");
    out.extend_from_slice(key.metadata_json().as_bytes());
    out.extend_from_slice(b",\"expires_at\":");
    match key.expires_at() {
        // Writing to a vector does not fail.
        Some(instant) => drop(write!(out, "\"{instant}\"")),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

fn push_api_user(out: &mut Vec<u8>, user: ApiUserView<'_>) {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&user.id().to_text());
    out.extend_from_slice(b"\",\"user_name\":");
    push_string(out, user.user_name());
    out.extend_from_slice(b",\"permission_type\":");
    out.extend_from_slice(user.permission_type().as_str().as_bytes());
    out.extend_from_slice(b",\"language\":");
    push_string(out, user.language());
    out.extend_from_slice(b",\"contact\":");
    match user.contact() {
        Some((id, email)) => {
            out.extend_from_slice(b"{\"id\":");
            push_string(out, id);
            out.extend_from_slice(b",\"email\":");
            push_string(out, email);
            out.push(b'}');
        }
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"profile_user\":{\"id\":\"");
    out.extend_from_slice(&user.profile_user().to_text());
    out.extend_from_slice(b"\",\"external\":");
    push_optional(out, user.profile_external());
    out.extend_from_slice(b"}}");
}

fn push_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a JSON string (RFC 8259, 7).
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => &control(byte),
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        out.extend_from_slice(escape);
        plain = at + 1;
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

fn control(byte: u8) -> [u8; 6] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [b'\\', b'u', b'0', b'0', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_back_as_they_were() {
        let all: String = (0u8..0x80).map(char::from).chain("é„🦀\u{2028}".chars()).collect();
        for text in ["", "plain", "\"", "a\"b\\c\nd", &all] {
            let mut out = Vec::new();
            push_string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).expect("a string"), text);
        }
    }
}
