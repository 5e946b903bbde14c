//! Texts of requests as logs may keep them: nothing in them that could be a key.

use std::borrow::Cow;

use claviger_domain::operation::MAX_METHOD_BYTES;
use claviger_domain::redact::redact;
use claviger_domain::usage::PATH_LENGTH_MAX;

/// The most bytes of a target that are looked at.
const TARGET_BYTES_MAX: usize = 8_192;

/// The beginning of `text`, at most `bytes_max` bytes.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// The path of a request target as the diagnostic log keeps it: without query and keys, not too long.
pub(crate) fn kept_path(target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = cut(path, TARGET_BYTES_MAX);
    let decoded = decode(path);
    // A key that stands there percent-encoded is one too; then the decoded path is shown.
    let clean = match redact(&decoded) {
        Cow::Borrowed(_) => redact(path),
        Cow::Owned(clean) => Cow::Owned(clean),
    };
    let clean: String = clean.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    cut(&clean, PATH_LENGTH_MAX).to_owned()
}

/// A method as the diagnostic log keeps it. What is no method may be a key that a client put in the wrong place.
pub(crate) fn kept_method(method: &str) -> String {
    let clean = redact(cut(method, TARGET_BYTES_MAX));
    let clean: String = clean.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    cut(&clean, MAX_METHOD_BYTES).to_owned()
}

/// Decodes escapes once, for looking alone: broken ones stand for themselves.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let value = |at: usize| tail.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, value(0), value(1)) {
            bytes.push((high << 4 | low) as u8);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_request_has_no_query_no_key_and_a_bounded_length() {
        let secret = "a1B2".repeat(9) + "zz";
        for target in [
            format!("/x/clv_live_{secret}/y?token=1"),
            format!("/x/clv%5Flive%5f{secret}/y"),
            format!("/x/%63lv_live_{secret}/y#z"),
        ] {
            assert_eq!(kept_path(&target), "/x/[key]/y", "{target}");
        }
        assert_eq!(kept_path(&format!("/a?key=clv_live_{secret}")), "/a");
        assert_eq!(kept_method(&format!("clv_live_{secret}")), "[key]");
        assert_eq!((kept_method("DELETE").as_str(), kept_method("A\nB").as_str()), ("DELETE", "A\u{fffd}B"));
        assert_eq!(kept_path("/plain/path%20x"), "/plain/path%20x");
        assert_eq!(kept_path(&format!("/{}", "ż".repeat(9_000))).len(), PATH_LENGTH_MAX - 1);
    }
}
