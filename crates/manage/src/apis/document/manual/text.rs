//! Texts of a document, cut to what a manual keeps of them.

use serde_json::value::RawValue;

use super::object::text_of;

/// The most characters of a name, and of a format or media type.
pub(super) const NAME_LENGTH_MAX: usize = 100;
/// The most characters of a value.
const VALUE_LENGTH_MAX: usize = 60;
/// The most bytes of an example, written over several lines.
const EXAMPLE_BYTES_MAX: usize = 4_096;

/// A text in one line of at most `max` characters.
pub(super) fn line(text: &str, max: usize) -> String {
    // No more is looked at than could be kept, however long it is.
    let start: String = text.chars().take(max * 4).collect();
    let words: Vec<&str> =
        start.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let plain = words.join(" ");
    match plain.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", plain[..end].trim_end()),
        None if start.len() < text.trim_end().len() => format!("{plain}…"),
        None => plain,
    }
}

/// A text of several lines of at most `max` characters.
pub(super) fn lines(text: &str, max: usize) -> String {
    let text = text.trim();
    let start: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).take(max).collect();
    if start.len() < text.len() && start.chars().count() == max { format!("{}…", start.trim_end()) } else { start }
}

/// A value: a text as it is, anything else as JSON.
pub(super) fn literal(raw: &RawValue) -> String {
    text_of(raw).map_or_else(|| line(raw.get(), VALUE_LENGTH_MAX), |text| line(&text, VALUE_LENGTH_MAX))
}

/// An example: a text as it is, anything else as JSON over several lines. `None`: it is too long, or nests too deep.
pub(super) fn example(raw: &RawValue) -> Option<String> {
    if raw.get().len() > 4 * EXAMPLE_BYTES_MAX {
        return None;
    }
    let whole = match text_of(raw) {
        Some(text) => lines(&text, EXAMPLE_BYTES_MAX),
        None => serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(raw.get()).ok()?).ok()?,
    };
    (whole.len() <= EXAMPLE_BYTES_MAX).then_some(whole)
}
