//! The header lines of a request, wherever they were read: what the doors judge by has one form.

use http::HeaderMap;
use httparse::Header;

/// Longest name that is looked at, in bytes.
const NAME_MAX: usize = 32;

/// Header lines in their order; names in any case, values without white space around them. No `Debug`: a value may be a
/// secret.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'h>(&'h [Header<'h>]);

/// A name in lower case.
pub(crate) struct Lower {
    text: [u8; NAME_MAX],
    length: usize,
}

/// The lines of a map: those of one name stand together, in the order in which they came.
pub(crate) fn of_map(headers: &HeaderMap) -> Vec<Header<'_>> {
    headers.iter().map(|(name, value)| Header { name: name.as_str(), value: value.as_bytes() }).collect()
}

/// Text of visible ASCII, spaces and tabs: of anything else there is none.
pub(crate) fn visible(value: &[u8]) -> Option<&str> {
    let is_visible = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    if is_visible { std::str::from_utf8(value).ok() } else { None }
}

// === impl Lines ===

impl<'h> Lines<'h> {
    pub(crate) fn new(lines: &'h [Header<'h>]) -> Self {
        Self(lines)
    }

    /// Every line with its name in lower case; those with names longer than any that is looked at are left out.
    pub(crate) fn iter(self) -> impl Iterator<Item = (Lower, &'h [u8])> {
        self.0.iter().filter_map(|line| Some((Lower::of(line.name)?, line.value)))
    }

    /// The values of the lines of one name, in their order.
    pub(crate) fn all<'n>(self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        self.0.iter().filter(move |line| line.name.eq_ignore_ascii_case(name)).map(|line| line.value)
    }
}

// === impl Lower ===

impl Lower {
    fn of(name: &str) -> Option<Self> {
        let mut text = [0; NAME_MAX];
        text.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        // All of it: a length that is known takes no loop.
        text.make_ascii_lowercase();
        Some(Self { text, length: name.len() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_any_case_and_in_their_order() {
        let line = |name, value| Header { name, value };
        let lines =
            [line("X-Api-Key", &b"a"[..]), line("Host", b"h"), line("x-aPI-kEY", b"b"), line("X-Api-Keys", b"c")];
        assert_eq!(Lines::new(&lines).all("x-api-key").collect::<Vec<_>>(), [b"a", b"b"]);
        let names: Vec<_> = Lines::new(&lines).iter().map(|(name, _)| name.as_bytes().to_vec()).collect();
        assert_eq!(names, [&b"x-api-key"[..], b"host", b"x-api-key", b"x-api-keys"]);
    }

    #[test]
    fn a_name_longer_than_all_that_count_is_passed_over() {
        let longest = "x".repeat(NAME_MAX);
        let longer = "x".repeat(NAME_MAX + 1);
        let lines = [Header { name: &longer, value: b"1" }, Header { name: &longest, value: b"2" }];
        assert_eq!(Lines::new(&lines).iter().map(|(_, value)| value).collect::<Vec<_>>(), [b"2"]);
        assert_eq!(Lines::new(&lines).all(&longer).count(), 1);
    }

    #[test]
    fn a_map_gives_the_lines_that_it_holds() {
        let mut map = HeaderMap::new();
        for (name, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            map.append(name, http::HeaderValue::from_static(value));
        }
        let lines = of_map(&map);
        assert_eq!(Lines::new(&lines).all("A").collect::<Vec<_>>(), [b"1", b"3"]);
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn visible_text_is_ascii_without_controls() {
        assert_eq!(visible(b"a\tb ~"), Some("a\tb ~"));
        for value in [&b"a\x7f"[..], b"\0", "ż".as_bytes(), b"\xff", b"a\nb"] {
            assert_eq!(visible(value), None, "{value:?}");
        }
    }
}
