//! Who asks: the headers that a gateway passes on to the protected service.
//!
//! All of them are always there, empty where nothing applies, so that a client's forged copies are overwritten.

use claviger_domain::id::ID_TEXT_LENGTH;
use claviger_domain::key::Owner;
use claviger_engine::{ApiUserView, KeyView, Verdict};

use crate::answer::Answer;

/// The most bytes of one value, encoded.
pub(crate) const VALUE_BYTES_MAX: usize = 256;
/// The most bytes of all values together: nginx reads an answer's headers into a buffer of 4 KB.
pub(crate) const VALUES_BYTES_MAX: usize = 3 * 1024;
/// What a list that was cut ends in.
const CUT_MARK: &[u8] = b",...";

/// Names of headers, and how the line of each begins.
macro_rules! headers {
    ($($name:literal)*) => {
        /// The names, in the order of [`Lines`].
        pub(crate) static NAMES: [&str; COUNT] = [$($name),*];
        static BEGINNINGS: [&[u8]; COUNT] = [$(concat!($name, ": ").as_bytes()),*];
    };
}

const COUNT: usize = 16;
headers! {
    "x-auth-organization" "x-auth-key-id" "x-auth-key-name" "x-auth-owner-type" "x-auth-owner-id" "x-auth-owner-name"
    "x-auth-external-id" "x-auth-environment" "x-auth-api" "x-auth-api-sets" "x-auth-operation"
    "x-auth-user" "x-auth-profile" "x-auth-profile-external" "x-auth-permission-type" "x-auth-contact"
}

/// The places that the key stood in: what the gateway keeps from the protected service.
const X_AUTH_CREDENTIAL: &str = "x-auth-credential";

/// The places and all values in the order of [`NAMES`], with semicolons between them, which no value has: nginx is slow with many
/// headers.
const CLAVIGER_IDENTITY: &str = "claviger-identity: ";

/// The lines as they are written, one after the other.
struct Lines<'a> {
    out: &'a mut Vec<u8>,
    shape: Shape,
    count: usize,
    /// Bytes of all values so far.
    bytes: usize,
}

/// How an answer tells who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In a header each.
    Headers,
    /// All in one.
    Line,
}

/// Adds the headers of an accepted request: who asks, and in which of its places the key stood (`places`).
pub(crate) fn write(verdict: &Verdict, places: &str, shape: Shape, answer: &mut Answer) {
    match shape {
        Shape::Headers => answer.header(X_AUTH_CREDENTIAL, places),
        Shape::Line => {
            answer.lines_mut().extend_from_slice(CLAVIGER_IDENTITY.as_bytes());
            answer.lines_mut().extend_from_slice(places.as_bytes());
        }
    }
    let mut lines = Lines { out: answer.lines_mut(), shape, count: 0, bytes: 0 };
    match verdict.key() {
        Some(key) => lines.push_key(verdict, &key),
        // A preflight bears no key: nothing is known but its API.
        None => lines.push_api(verdict.api().unwrap_or_default()),
    }
    if let Some(user) = verdict.api_user() {
        lines.push_user(user);
    }
    while lines.count < COUNT {
        lines.push(|_, _| {});
    }
    if shape == Shape::Line {
        lines.out.extend_from_slice(b"\r\n");
    }
}

// === impl Lines ===

impl Lines<'_> {
    fn push_key(&mut self, verdict: &Verdict, key: &KeyView<'_>) {
        let (owner_type, owner_id) = owner(key.owner());
        // Ids need no encoding.
        self.push(|out, _| out.extend_from_slice(&key.organization().to_text()));
        self.push(|out, _| out.extend_from_slice(&key.id().to_text()));
        self.push_text(key.name());
        self.push_text(owner_type);
        self.push(|out, _| out.extend_from_slice(&owner_id));
        self.push_text(key.owner_name());
        self.push_text(key.external_id().unwrap_or_default());
        self.push_text(key.environment().as_str());
        self.push_text(verdict.api().unwrap_or_default());
        self.push(|out, room| push_list(out, key.api_sets(), room));
        self.push_text(verdict.operation().unwrap_or_default());
    }

    fn push_user(&mut self, user: ApiUserView<'_>) {
        self.push(|out, _| out.extend_from_slice(&user.id().to_text()));
        self.push(|out, _| out.extend_from_slice(&user.profile_user().to_text()));
        self.push_text(user.profile_external().unwrap_or_default());
        self.push_text(user.permission_type().as_str());
        self.push_text(user.contact().map_or("", |(id, _)| id));
    }

    fn push_api(&mut self, api: &str) {
        while self.count < COUNT {
            self.push_text(if NAMES[self.count] == "x-auth-api" { api } else { "" });
        }
    }

    fn push_text(&mut self, text: &str) {
        self.push(|out, room| {
            // A value that is too long is cut.
            let _ = push_encoded(out, text, room);
        });
    }

    /// Appends a line, or a part of the one, with the value that `write` writes; it is told how many bytes it may have.
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>, usize)) {
        let (beginning, end) = match self.shape {
            Shape::Headers => (BEGINNINGS[self.count], &b"\r\n"[..]),
            Shape::Line => (&b";"[..], &b""[..]),
        };
        self.out.extend_from_slice(beginning);
        let before = self.out.len();
        write(self.out, VALUE_BYTES_MAX.min(VALUES_BYTES_MAX.saturating_sub(self.bytes)));
        self.bytes += self.out.len() - before;
        self.out.extend_from_slice(end);
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
    if text.len() <= room && text.bytes().all(|byte| is_plain(char::from(byte))) {
        out.extend_from_slice(text.as_bytes());
        return true;
    }
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
