//! Who asks: the headers that a gateway passes on to the protected service.
//!
//! All of them are always there, empty where nothing applies, so that a client's forged copies are overwritten.

use std::sync::LazyLock;

use bytes::Bytes;
use claviger_domain::id::ID_TEXT_LENGTH;
use claviger_domain::key::Owner;
use claviger_engine::Verdict;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

use crate::problem::{NO_STORE, X_REQUEST_ID};
use crate::request_id::Id;

/// The most bytes of one value, encoded.
pub(crate) const VALUE_BYTES_MAX: usize = 256;
/// The most bytes of all values together: nginx reads an answer's headers into a buffer of 4 KB.
pub(crate) const VALUES_BYTES_MAX: usize = 3 * 1024;
/// What a list that was cut ends in.
const CUT_MARK: &[u8] = b",...";

const COUNT: usize = 16;
/// The names, in the order of [`Values`].
pub(crate) static NAMES: [HeaderName; COUNT] = [
    HeaderName::from_static("x-auth-organization"),
    HeaderName::from_static("x-auth-key-id"),
    HeaderName::from_static("x-auth-key-name"),
    HeaderName::from_static("x-auth-owner-type"),
    HeaderName::from_static("x-auth-owner-id"),
    HeaderName::from_static("x-auth-owner-name"),
    HeaderName::from_static("x-auth-external-id"),
    HeaderName::from_static("x-auth-environment"),
    HeaderName::from_static("x-auth-api"),
    HeaderName::from_static("x-auth-api-sets"),
    HeaderName::from_static("x-auth-operation"),
    HeaderName::from_static("x-auth-user"),
    HeaderName::from_static("x-auth-profile"),
    HeaderName::from_static("x-auth-profile-external"),
    HeaderName::from_static("x-auth-permission-type"),
    HeaderName::from_static("x-auth-contact"),
];

/// The places that the key stood in: what the gateway keeps from the protected service.
pub(crate) const X_AUTH_CREDENTIAL: HeaderName = HeaderName::from_static("x-auth-credential");
const EMPTY: HeaderValue = HeaderValue::from_static("");
/// All headers of an accepted request, in the order in which [`headers`] fills them, the constant ones last. A copy is
/// far cheaper than a new map: no name is hashed.
static TEMPLATE: LazyLock<HeaderMap> = LazyLock::new(|| {
    let filled = NAMES.iter().cloned().chain([X_REQUEST_ID, X_AUTH_CREDENTIAL]).map(|name| (name, EMPTY));
    filled.chain([(CACHE_CONTROL, NO_STORE)]).collect()
});

/// Values one behind the other in one buffer, so that they cost one allocation.
struct Values {
    bytes: Vec<u8>,
    ends: [usize; COUNT],
    count: usize,
}

/// The headers of an accepted request: who asks, in which of its places the key stood (`places`), the request's id.
pub(crate) fn headers(verdict: &Verdict, places: HeaderValue, id: &Id) -> HeaderMap {
    let mut values = Values::of(verdict);
    values.bytes.extend_from_slice(id.as_bytes());
    let bytes = Bytes::from(values.bytes);
    // Encoded values are printable ASCII, so there is always one.
    let value = |range| HeaderValue::from_maybe_shared(bytes.slice(range)).unwrap_or(EMPTY);
    let mut headers = TEMPLATE.clone();
    let mut values_mut = headers.values_mut();
    let mut start = 0;
    for (end, place) in values.ends.into_iter().zip(&mut values_mut) {
        if end > start {
            *place = value(start..end);
        }
        start = end;
    }
    for (value, place) in [value(start..bytes.len()), places].into_iter().zip(values_mut) {
        *place = value;
    }
    headers
}

// === impl Values ===

impl Values {
    fn of(verdict: &Verdict) -> Self {
        let mut values = Self { bytes: Vec::with_capacity(512), ends: [0; COUNT], count: 0 };
        let Some(key) = verdict.key() else { return Self::without_key(verdict, values) };
        let (owner_type, owner_id) = owner(key.owner());
        // Ids need no encoding.
        values.push(|out, _| out.extend_from_slice(&key.organization().to_text()));
        values.push(|out, _| out.extend_from_slice(&key.id().to_text()));
        values.push_text(key.name());
        values.push_text(owner_type);
        values.push(|out, _| out.extend_from_slice(&owner_id));
        values.push_text(key.owner_name());
        values.push_text(key.external_id().unwrap_or_default());
        values.push_text(key.environment().as_str());
        values.push_text(verdict.api().unwrap_or_default());
        values.push(|out, room| push_list(out, key.api_sets(), room));
        values.push_text(verdict.operation().unwrap_or_default());
        // Of API users, which no key stands for yet.
        while values.count < COUNT {
            values.push(|_, _| {});
        }
        values
    }

    /// A preflight bears no key: nothing is known but its API.
    fn without_key(verdict: &Verdict, mut values: Self) -> Self {
        let api = NAMES.iter().position(|name| name == "x-auth-api").unwrap_or(COUNT);
        while values.count < COUNT {
            values.push_text(verdict.api().filter(|_| values.count == api).unwrap_or_default());
        }
        values
    }

    fn push_text(&mut self, text: &str) {
        self.push(|out, room| {
            // A value that is too long is cut.
            let _ = push_encoded(out, text, room);
        });
    }

    /// Appends the value that `write` writes; it is told how many bytes it may have.
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>, usize)) {
        let room = VALUE_BYTES_MAX.min(VALUES_BYTES_MAX.saturating_sub(self.bytes.len()));
        write(&mut self.bytes, room);
        self.ends[self.count] = self.bytes.len();
        self.count += 1;
    }
}

/// The type's word and the id.
pub(crate) fn owner(owner: Owner) -> (&'static str, [u8; ID_TEXT_LENGTH]) {
    match owner {
        Owner::Organization(id) => ("organization", id.to_text()),
        Owner::User(id) => ("user", id.to_text()),
        Owner::Application(id) => ("application", id.to_text()),
    }
}

/// Appends percent-encoded UTF-8, whole characters only, at most `room` bytes; `false` if that is not all of it.
fn push_encoded(out: &mut Vec<u8>, text: &str, room: usize) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let limit = out.len() + room;
    for character in text.chars() {
        let plain = is_plain(character);
        let width = if plain { 1 } else { 3 * character.len_utf8() };
        if out.len() + width > limit {
            return false;
        }
        if plain {
            out.push(character as u8);
            continue;
        }
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    true
}

/// `[A-Za-z0-9 ._~@:,-]`.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, ' ' | '.' | '_' | '~' | '@' | ':' | ',' | '-')
}

/// Appends the items with commas between them; a list that is too long ends in `,...` behind the last whole item.
fn push_list<'s>(out: &mut Vec<u8>, items: impl Iterator<Item = &'s str>, room: usize) {
    let start = out.len();
    let room = room.saturating_sub(CUT_MARK.len());
    for item in items {
        let before = out.len();
        if before > start {
            out.push(b',');
        }
        let left = room.saturating_sub(out.len() - start);
        if !push_encoded(out, item, left) {
            out.truncate(before);
            out.extend_from_slice(CUT_MARK);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, room: usize) -> String {
        let mut out = Vec::new();
        push_encoded(&mut out, text, room);
        String::from_utf8(out).expect("ASCII")
    }

    fn list(items: &[&str], room: usize) -> String {
        let mut out = b"before".to_vec();
        push_list(&mut out, items.iter().copied(), room);
        String::from_utf8(out.split_off(6)).expect("ASCII")
    }

    #[test]
    fn what_a_header_or_a_parser_could_misread_is_percent_encoded() {
        assert_eq!(encoded("Ab9 ._~@:,-", 99), "Ab9 ._~@:,-");
        assert_eq!(encoded("ż%\"\r\n;\u{7f}", 99), "%C5%BC%25%22%0D%0A%3B%7F");
    }

    #[test]
    fn a_value_is_cut_between_characters() {
        assert_eq!(encoded("aż", 7), "a%C5%BC");
        assert_eq!(encoded("ażb", 6), "a");
        assert_eq!(encoded(&"x".repeat(300), VALUE_BYTES_MAX).len(), VALUE_BYTES_MAX);
    }

    #[test]
    fn a_list_is_cut_between_items_and_says_so() {
        assert_eq!(list(&[], 20), "");
        assert_eq!(list(&["one", "two", "three"], 20), "one,two,three");
        assert_eq!(list(&["one", "two", "three"], 16), "one,two,...");
        let many = vec!["set-with-a-name"; 40];
        let cut = list(&many, VALUE_BYTES_MAX);
        assert!(cut.len() <= VALUE_BYTES_MAX && cut.ends_with(",..."), "{cut}");
    }
}
