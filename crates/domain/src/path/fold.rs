//! The widest folding that an upstream could apply before it compares a segment with a route.
//!
//! Wider than any one of them on purpose: what folds alike must be held by a key *in addition*, so a folding that is
//! too wide refuses, one that is too narrow lets pass.

use std::borrow::Cow;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// Characters that some file systems and comparisons leave out (Unicode: `Default_Ignorable_Code_Point`).
const IGNORABLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Folds the whole text of a segment: letters, then what Windows drops at its end.
pub fn fold(segment: &str) -> String {
    let mut folded = fold_letters(segment);
    folded.truncate(trim_end(&folded).len());
    folded
}

/// Folds text that stands somewhere in a segment: compatibility caseless matching (Unicode 3.13, D146), without
/// ignorable characters, and with the Turkish letters that simple mappings take for `i` (Java's `equalsIgnoreCase`).
///
/// The standard library's mappings come first: its tables are newer than those of `caseless`, and an upstream's may be.
pub fn fold_letters(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = visible(text).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let once: String = lower.nfd().default_case_fold().nfkd().default_case_fold().nfkd().collect();
    visible(&once).collect::<String>().replace("i\u{307}", "i")
}

/// The folded text, borrowed where nothing changes.
pub fn folded(segment: &str) -> Cow<'_, str> {
    if is_folded(segment) { Cow::Borrowed(segment) } else { Cow::Owned(fold(segment)) }
}

/// Whether [`fold`] would change nothing. `false` may be wrong, `true` never is.
pub fn is_folded(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) && !segment.ends_with(['.', ' '])
}

/// The segment without the dots and spaces at its end, which Windows ignores.
pub fn trim_end(segment: &str) -> &str {
    segment.trim_end_matches(['.', ' '])
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .map(|character| if matches!(character, 'ı' | 'İ') { 'i' } else { character })
        .filter(|character| !IGNORABLE.iter().any(|(first, last)| (first..=last).contains(&character)))
}
