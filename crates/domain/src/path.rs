//! The path of a request, read the one way in which every upstream reads it, or refused.
//!
//! A mistake here is a bypass. A target is decoded exactly once; whatever two programs could read differently is a
//! [`PathProblem`]. What stays open (letter case, a trailing slash, `%2F`) is kept as a fact for the router to judge.

pub mod fold;
pub mod query;

use std::borrow::Cow;
use std::fmt;

use query::QueryMethods;

/// Longest request target, in bytes, query included.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;
/// Most segments of a path. One bit of a `u64` belongs to each.
pub const MAX_SEGMENTS: usize = 64;

/// Why a request target is refused: somebody behind the door could read it in two ways, or it is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathProblem {
    /// Not an origin-form target (RFC 9112, 3.2.1): absolute form, `*`, or empty.
    NotOriginForm,
    /// More than [`MAX_TARGET_BYTES`].
    TooLong,
    /// More than [`MAX_SEGMENTS`].
    TooManySegments,
    /// `//`, also where one of the two slashes is encoded.
    EmptySegment,
    /// A segment of nothing but dots and spaces, also encoded; `..%2F` too.
    DotSegment,
    /// `;`, raw or encoded: some servers cut path parameters off, some do not.
    Semicolon,
    /// `\`, raw or encoded.
    Backslash,
    /// NUL or another control character, raw or encoded.
    ControlCharacter,
    /// A space as it stands.
    RawSpace,
    /// A byte above 0x7f as it stands in the path.
    RawNonAscii,
    /// `#` as it stands, in path or query.
    Fragment,
    /// `%3F` or `%23`: a server that decodes before it splits would end the path there.
    EncodedDelimiter,
    /// `%` without two hexadecimal digits (`%`, `%2`, `%u002e`).
    BrokenEscape,
    /// An escape that decodes to another escape (`%252e`).
    DoubleEncoding,
    /// Escapes that decode to no UTF-8.
    InvalidUtf8,
    /// A character that Unicode normalization turns into a slash, a backslash, `;` or a dot segment.
    Lookalike,
}

/// A request target that every upstream reads alike: decoded segments and the query as it stands.
///
/// Nothing is allocated for a path without escapes.
#[derive(Debug, Clone)]
pub struct RequestPath<'t> {
    /// The decoded segments joined by `/`, without the first and a trailing slash. An encoded slash stands here as
    /// `/` too: only `ends` tells the two apart.
    text: Cow<'t, str>,
    ends: [u16; MAX_SEGMENTS],
    count: u8,
    /// One bit a segment: it holds an encoded slash.
    slashed: u64,
    /// One bit a segment: its folded form differs from it.
    unfolded: u64,
    /// One bit a segment: it holds an escape that nobody has to write so.
    respelled: u64,
    /// The segments as they stand in the target, joined by `/`; empty where that is not known.
    raw: &'t str,
    trailing_slash: bool,
    query: Option<&'t str>,
}

// === impl PathProblem ===

impl PathProblem {
    /// A short text that stays the same from version to version.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOriginForm => "the target does not begin with `/`",
            Self::TooLong => "the target is longer than 8 KiB",
            Self::TooManySegments => "the path has more than 64 segments",
            Self::EmptySegment => "the path has an empty segment (`//`)",
            Self::DotSegment => "the path has a dot segment",
            Self::Semicolon => "the path has a `;`",
            Self::Backslash => "the path has a backslash",
            Self::ControlCharacter => "the target has a control character",
            Self::RawSpace => "the target has an unencoded space",
            Self::RawNonAscii => "the path has an unencoded non-ASCII character",
            Self::Fragment => "the target has a `#`",
            Self::EncodedDelimiter => "the path has an encoded `?` or `#`",
            Self::BrokenEscape => "the path has a broken percent escape",
            Self::DoubleEncoding => "the path is percent-encoded twice",
            Self::InvalidUtf8 => "the path does not decode to UTF-8",
            Self::Lookalike => "the path has a character that looks like a separator",
        }
    }
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for PathProblem {}

// === impl RequestPath ===

impl<'t> RequestPath<'t> {
    /// Reads an origin-form target, `/a/b?query`.
    #[inline]
    pub fn parse(target: &'t str) -> Result<Self, PathProblem> {
        if target.len() > MAX_TARGET_BYTES {
            return Err(PathProblem::TooLong);
        }
        let rest = target.strip_prefix('/').ok_or(PathProblem::NotOriginForm)?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let escaped = check_raw_path(path)?;
        check_raw_query(query.unwrap_or_default())?;
        let (path, trailing_slash) = match path.strip_suffix('/') {
            Some("") => return Err(PathProblem::EmptySegment),
            Some(path) => (path, true),
            None => (path, false),
        };
        if escaped {
            Self::decode(path, trailing_slash, query)
        } else {
            let mut this = Self::empty(Cow::Borrowed(path), trailing_slash, query);
            this.cut_at_slashes()?;
            Ok(this)
        }
    }

    /// Whether no segment is left: the path is `/`.
    pub fn is_root(&self) -> bool {
        self.count == 0
    }

    /// How many segments there are.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is no segment, as [`Self::is_root`].
    pub fn is_empty(&self) -> bool {
        self.is_root()
    }

    /// Whether one slash follows the last segment.
    pub fn has_trailing_slash(&self) -> bool {
        self.trailing_slash
    }

    /// The decoded segments in order. An encoded slash stands in them as `/`.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.segment(at))
    }

    /// The query as it stands, without its `?`.
    pub fn query(&self) -> Option<&'t str> {
        self.query
    }

    /// The decoded value of every parameter of the query that some framework takes for `_method`.
    pub fn query_methods(&self) -> QueryMethods<'t> {
        QueryMethods::new(self.query.unwrap_or_default())
    }

    /// Segment `at`; the caller keeps `at` below [`Self::len`], else the answer is empty.
    pub(crate) fn segment(&self, at: usize) -> &str {
        self.span(at, at + 1)
    }

    /// Segments `from..to` as they stand decoded, joined by `/`.
    pub(crate) fn span(&self, from: usize, to: usize) -> &str {
        if from >= to || to > self.len() {
            return "";
        }
        let start = if from == 0 { 0 } else { usize::from(self.ends[from - 1]) + 1 };
        &self.text[start..usize::from(self.ends[to - 1])]
    }

    /// Whether segment `at` holds an encoded slash.
    pub(crate) fn is_slashed(&self, at: usize) -> bool {
        at < MAX_SEGMENTS && self.slashed >> at & 1 == 1
    }

    /// Whether any segment holds an encoded slash.
    pub(crate) fn has_slashed(&self) -> bool {
        self.slashed != 0
    }

    /// Whether segment `at` holds an escape that nobody has to write so.
    pub(crate) fn is_respelled(&self, at: usize) -> bool {
        at < MAX_SEGMENTS && self.respelled >> at & 1 == 1
    }

    /// The segments `from..to` as they stand in the target, if an escape in them has not to be written so: an upstream that
    /// compares paths as they stand finds other literals there than one that decodes them.
    pub(crate) fn respelled(&self, from: usize, to: usize) -> Option<&str> {
        if !(from..to).any(|at| self.is_respelled(at)) {
            return None;
        }
        let mut slashes = self.raw.match_indices('/').map(|(at, _)| at);
        let start = from.checked_sub(1).map_or(Some(0), |before| slashes.by_ref().nth(before).map(|at| at + 1));
        let end = (to - from).checked_sub(1).and_then(|count| slashes.nth(count)).unwrap_or(self.raw.len());
        self.raw.get(start?..end)
    }

    /// Whether any of the segments `from..to` differs from its folded form.
    pub(crate) fn needs_folding(&self, from: usize, to: usize) -> bool {
        (from..to.min(MAX_SEGMENTS)).any(|at| self.unfolded >> at & 1 == 1)
    }

    /// The path as an upstream reads it that decodes first and splits afterwards: encoded slashes are separators.
    pub(crate) fn split_slashed(&self) -> Result<RequestPath<'_>, PathProblem> {
        let mut split = RequestPath::empty(Cow::Borrowed(&*self.text), self.trailing_slash, self.query);
        split.cut_at_slashes()?;
        Ok(split)
    }

    fn empty(text: Cow<'t, str>, trailing_slash: bool, query: Option<&'t str>) -> Self {
        let ends = [0; MAX_SEGMENTS];
        Self { text, ends, count: 0, slashed: 0, unfolded: 0, respelled: 0, raw: "", trailing_slash, query }
    }

    /// Cuts text without escapes (or decoded and checked) at its slashes, in one pass.
    fn cut_at_slashes(&mut self) -> Result<(), PathProblem> {
        if self.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        let mut classes = 0;
        let mut before = b'/';
        for (at, byte) in text.bytes().chain([b'/']).enumerate() {
            if byte != b'/' {
                classes |= CLASSES[usize::from(byte)];
            } else if before == b'/' {
                return Err(PathProblem::EmptySegment);
            } else if classes == DOT {
                return Err(PathProblem::DotSegment);
            } else {
                self.push(at, false, classes & UNFOLDED != 0 || matches!(before, b'.' | b' '))?;
                classes = 0;
            }
            before = byte;
        }
        self.text = text;
        Ok(())
    }

    fn push(&mut self, end: usize, slashed: bool, unfolded: bool) -> Result<(), PathProblem> {
        let at = self.len();
        *self.ends.get_mut(at).ok_or(PathProblem::TooManySegments)? =
            u16::try_from(end).map_err(|_| PathProblem::TooLong)?;
        self.slashed |= u64::from(slashed) << at;
        self.unfolded |= u64::from(unfolded) << at;
        self.count += 1;
        Ok(())
    }

    fn decode(path: &'t str, trailing_slash: bool, query: Option<&'t str>) -> Result<Self, PathProblem> {
        let mut this = Self { raw: path, ..Self::empty(Cow::Borrowed(""), trailing_slash, query) };
        let mut text = String::with_capacity(path.len());
        for raw in path.split('/') {
            if this.count > 0 {
                text.push('/');
            }
            let segment = decode_once(raw)?;
            check_decoded_segment(&segment)?;
            text.push_str(&segment);
            let at = this.count;
            this.push(text.len(), segment.contains('/'), !fold::is_folded(&segment))?;
            this.respelled |= u64::from(has_needless_escape(raw)) << at;
        }
        // The second reading, in which encoded slashes separate, has to fit too.
        if text.bytes().filter(|byte| *byte == b'/').count() >= MAX_SEGMENTS {
            return Err(PathProblem::TooManySegments);
        }
        this.text = Cow::Owned(text);
        Ok(this)
    }
}

/// A byte that a path may not hold as it stands.
const REFUSED: u8 = 1;
/// `%`.
const ESCAPE: u8 = 2;
/// `.`.
const DOT: u8 = 4;
/// A byte that folding may change wherever it stands.
const UNFOLDED: u8 = 8;
/// Any other.
const PLAIN: u8 = 16;
/// The classes of each byte, so that most paths are read with one look-up a byte.
const CLASSES: [u8; 256] = {
    let mut classes = [PLAIN; 256];
    let mut byte = 0;
    while byte < classes.len() {
        let value = byte as u8;
        if raw_problem(value).is_some() {
            classes[byte] |= REFUSED;
        }
        if value.is_ascii_uppercase() || !value.is_ascii() {
            classes[byte] |= UNFOLDED;
        }
        byte += 1;
    }
    classes[b'%' as usize] |= ESCAPE;
    classes[b'.' as usize] = DOT;
    classes
};

/// Refuses raw bytes that no path may hold; says whether there are escapes.
fn check_raw_path(path: &str) -> Result<bool, PathProblem> {
    let classes = path.bytes().fold(0, |classes, byte| classes | CLASSES[usize::from(byte)]);
    if classes & REFUSED == 0 {
        return Ok(classes & ESCAPE != 0);
    }
    Err(path.bytes().find_map(raw_problem).unwrap_or(PathProblem::ControlCharacter))
}

/// What is wrong with a byte of a path that stands there as it is.
const fn raw_problem(byte: u8) -> Option<PathProblem> {
    match byte {
        b'#' => Some(PathProblem::Fragment),
        b'\\' => Some(PathProblem::Backslash),
        b';' => Some(PathProblem::Semicolon),
        b' ' => Some(PathProblem::RawSpace),
        0..=0x1f | 0x7f => Some(PathProblem::ControlCharacter),
        0x80.. => Some(PathProblem::RawNonAscii),
        _ => None,
    }
}

/// The query names no operation, so only what could end the request line or the target early is refused.
fn check_raw_query(query: &str) -> Result<(), PathProblem> {
    for byte in query.bytes() {
        match byte {
            b'#' => return Err(PathProblem::Fragment),
            b' ' => return Err(PathProblem::RawSpace),
            0..=0x1f | 0x7f => return Err(PathProblem::ControlCharacter),
            _ => {}
        }
    }
    Ok(())
}

/// Refuses a decoded segment (of a path or a template) that could be read in two ways. Slashes in it came encoded.
pub(crate) fn check_decoded_segment(segment: &str) -> Result<(), PathProblem> {
    check_decoded_text(segment)?;
    for part in segment.split('/') {
        if part.is_empty() {
            return Err(PathProblem::EmptySegment);
        }
        if fold::trim_end(part).is_empty() {
            return Err(PathProblem::DotSegment);
        }
        if !part.is_ascii() {
            let folded = fold::fold(part);
            if folded.contains(['/', '\\', ';']) || folded.chars().any(char::is_control) || folded.is_empty() {
                return Err(PathProblem::Lookalike);
            }
        }
    }
    Ok(())
}

/// The characters of decoded text, wherever it stands in a segment.
pub(crate) fn check_decoded_text(text: &str) -> Result<(), PathProblem> {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => return Err(PathProblem::Backslash),
            ';' => return Err(PathProblem::Semicolon),
            '?' | '#' => return Err(PathProblem::EncodedDelimiter),
            '%' if begins_escape(rest.as_str()) => return Err(PathProblem::DoubleEncoding),
            _ if character.is_control() => return Err(PathProblem::ControlCharacter),
            _ => {}
        }
    }
    Ok(())
}

/// Whether an escape stands for a character that a segment could hold as it is (`pchar`, RFC 3986, 3.3), or is written
/// in small letters (6.2.2.1): spellings that are normal to none.
fn has_needless_escape(raw: &str) -> bool {
    raw.split('%').skip(1).filter_map(|tail| tail.get(..2)).any(|digits| {
        let byte = u8::from_str_radix(digits, 16).unwrap_or_default();
        let could_stand = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte);
        could_stand || digits.bytes().any(|digit| digit.is_ascii_lowercase())
    })
}

/// Whether what follows a `%` makes it an escape: `2e`, or IIS's `u002e`.
fn begins_escape(rest: &str) -> bool {
    match rest.as_bytes() {
        [b'u' | b'U', digit, ..] => digit.is_ascii_hexdigit(),
        [high, low, ..] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    }
}

/// Decodes percent escapes exactly once; an escape that is none is an error.
pub(crate) fn decode_once(raw: &str) -> Result<Cow<'_, str>, PathProblem> {
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else { return Err(PathProblem::BrokenEscape) };
        let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low)) else {
            return Err(PathProblem::BrokenEscape);
        };
        bytes.push(high << 4 | low);
        rest = tail;
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| PathProblem::InvalidUtf8)
}

/// The value of a hexadecimal digit.
pub(crate) fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
