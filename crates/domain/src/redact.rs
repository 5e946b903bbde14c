//! Texts that came from outside, as answers and logs may repeat them: nothing in them that could be a key.

use std::borrow::Cow;

/// What stands in a key's place.
pub const MARK: &str = "[key]";
/// From this many characters behind `_live_` or `_test_` on it is taken for a key, a cut or mistyped one included.
const SECRET_PART_MIN: usize = 16;

/// `text` with a mark in the place of everything of native key shape.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut kept = 0;
    let mut from = 0;
    while let Some(at) = find_environment(text, from) {
        let bytes = text.as_bytes();
        let end = at + 6 + bytes[at + 6..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if end - (at + 6) < SECRET_PART_MIN {
            from = at + 6;
            continue;
        }
        let before = bytes[kept..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        clean.push_str(&text[kept..at - before]);
        clean.push_str(MARK);
        (kept, from) = (end, end);
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[kept..]);
    Cow::Owned(clean)
}

fn find_environment(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let found = [rest.find("_live_"), rest.find("_test_")];
    found.into_iter().flatten().min().map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_in_a_text_is_hidden() {
        let key = format!("abc_test_{}", "Z9".repeat(19));
        assert_eq!(redact(&format!("{key},{key} _live_ x")), "[key],[key] _live_ x");
        assert_eq!(redact("my_live_show"), "my_live_show");
        assert_eq!(redact(&format!("_live_{}", "x".repeat(38))), "[key]");
    }
}
