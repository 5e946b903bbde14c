//! How programs behind a door could read a request target: naive, many, and without the code under test.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// One way to read a path: its segments, and whether a slash follows the last one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reading {
    pub(crate) segments: Vec<String>,
    pub(crate) trailing_slash: bool,
}

/// How an upstream compares a segment with a route's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Exact,
    AsciiCase,
    Lower,
    Upper,
    Compatible,
}

pub(crate) const COMPARISONS: [Comparison; 5] =
    [Comparison::Exact, Comparison::AsciiCase, Comparison::Lower, Comparison::Upper, Comparison::Compatible];

/// What some upstream does with a target before it looks for a route.
#[derive(Debug, Clone, Copy)]
struct Habits {
    /// How often escapes are decoded.
    decodes: u8,
    /// Whether it decodes before it splits at slashes.
    decodes_first: bool,
    /// Resolves `.` and `..`, and drops empty segments.
    normalizes: bool,
    /// Cuts `;…` off each segment.
    cuts_parameters: bool,
    /// Takes `\` for `/`.
    backslashes: bool,
    /// Ends the text at NUL, as C does.
    ends_at_nul: bool,
    /// Composes characters by compatibility before it splits.
    composes: bool,
    /// Drops dots and spaces at the end of a segment, as Windows does.
    trims: bool,
}

/// Every reading of `target` by one of these upstreams.
pub(crate) fn readings(target: &str) -> BTreeSet<Reading> {
    let mut all = BTreeSet::new();
    for decodes in 0..=2 {
        for bits in 0..128_u8 {
            let has = |bit: u8| bits >> bit & 1 == 1;
            let habits = Habits {
                decodes,
                decodes_first: has(0),
                normalizes: has(1),
                cuts_parameters: has(2),
                backslashes: has(3),
                ends_at_nul: has(4),
                composes: has(5),
                trims: has(6),
            };
            // Of the rarer habits at most two at once: the rest would only be slow.
            if (bits >> 2).count_ones() <= 2 {
                all.insert(habits.read(target));
            }
        }
    }
    all
}

impl Habits {
    fn read(self, target: &str) -> Reading {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let whole = if self.decodes_first { self.decode(path) } else { path.to_owned() };
        let whole = self.before_split(whole);
        let mut segments: Vec<String> = whole.split('/').skip(1).map(str::to_owned).collect();
        let trailing_slash = segments.last().is_some_and(String::is_empty) && segments.len() > 1;
        if segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        if !self.decodes_first {
            segments = segments.iter().map(|segment| self.decode(segment)).collect();
        }
        for segment in &mut segments {
            if self.cuts_parameters
                && let Some(at) = segment.find(';')
            {
                segment.truncate(at);
            }
            if self.trims && !matches!(segment.as_str(), "." | "..") {
                segment.truncate(segment.trim_end_matches(['.', ' ']).len());
            }
        }
        if self.normalizes {
            segments = normalized(segments);
        }
        Reading { segments, trailing_slash }
    }

    fn before_split(self, mut text: String) -> String {
        if self.ends_at_nul
            && let Some(at) = text.find('\0')
        {
            text.truncate(at);
        }
        if self.composes {
            text = text.nfkc().collect();
        }
        if self.backslashes { text.replace('\\', "/") } else { text }
    }

    fn decode(self, text: &str) -> String {
        (0..self.decodes).fold(text.to_owned(), |text, _| percent_decoded(&text))
    }
}

fn normalized(segments: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for segment in segments {
        match segment.as_str() {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    kept
}

/// Leaves what is no escape as it stands; what is no UTF-8 afterwards becomes U+FFFD.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let value = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match value.and_then(|digits| hexadecimal(digits)) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hexadecimal(digits: &str) -> Option<u8> {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

// === impl Comparison ===

impl Comparison {
    /// The text in the form in which this upstream compares.
    pub(crate) fn form(self, text: &str) -> String {
        match self {
            Self::Exact => text.to_owned(),
            Self::AsciiCase => text.to_ascii_lowercase(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Compatible => text.nfkc().collect::<String>().to_lowercase().nfkc().collect(),
        }
    }
}
