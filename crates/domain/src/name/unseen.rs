//! Characters of a new name that nobody sees: it would look like another name, or like none.

/// Characters that are shown as nothing (Unicode's `Default_Ignorable_Code_Point`): two texts that differ by one look the
/// same, and no folding takes it out.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfff8
        | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

/// The first character of a name that is not seen where it stands, and its place in bytes.
pub(super) fn first(name: &str) -> Option<(usize, char)> {
    let mut before = None;
    let mut rest = name.char_indices().peekable();
    while let Some((place, c)) = rest.next() {
        let after = rest.peek().map(|(_, after)| *after);
        let is_seen = match c {
            ZWNJ | ZWJ => joins(before, c, after),
            '\u{fe00}'..='\u{fe0f}' => varies(before, c, after),
            _ => !is_invisible(c) && !is_blank(c),
        };
        if !is_seen {
            return Some((place, c));
        }
        // What a variant is chosen of is still what a joiner behind it joins.
        if !is_variation_selector(c) {
            before = Some(c);
        }
    }
    None
}

/// Keeps two letters apart that would be written together.
const ZWNJ: char = '\u{200c}';
/// Joins what would be written apart: letters, and pictures to one picture.
const ZWJ: char = '\u{200d}';

/// Characters that Unicode does not call ignorable and that are shown as nothing all the same: line and paragraph separators,
/// the braille pattern without a dot, the marks of annotations and of replaced objects, controls and fillers of old scripts, and
/// what is no character.
fn is_blank(c: char) -> bool {
    matches!(u32::from(c),
        0x2028..=0x2029 | 0x2800 | 0xfdd0..=0xfdef | 0xfff9..=0xfffc | 0x13430..=0x1343f | 0x16fe4 | 0x1d159)
        || u32::from(c) & 0xfffe == 0xfffe
}

fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// Whether a joiner changes how its neighbours look: between pictures, and among letters of scripts that are written
/// together. ZWJ also ends a word in them, which shows the letter before it as one inside a word.
fn joins(before: Option<char>, joiner: char, after: Option<char>) -> bool {
    match before {
        Some(before) if is_picture(before) => joiner == ZWJ && after.is_some_and(is_picture),
        Some(before) if is_written_together(before) => {
            let ends_a_word = || after.is_none_or(|after| !after.is_alphanumeric() && !is_invisible(after));
            after.is_some_and(is_written_together) || joiner == ZWJ && ends_a_word()
        }
        _ => false,
    }
}

/// Whether a variation selector chooses another look: of a picture or sign, of a digit on its key (`1️⃣`), of an ideograph, of
/// a Burmese letter. Behind other letters it is nothing.
fn varies(before: Option<char>, selector: char, after: Option<char>) -> bool {
    match before {
        Some('0'..='9' | '#' | '*') => selector == '\u{fe0f}' && after == Some('\u{20e3}'),
        Some('©' | '®' | 'ℹ' | 'Ⓜ' | '🅰' | '🅱' | '🅾' | '🅿') => true,
        Some(before) if before.is_alphabetic() => matches!(u32::from(before),
            0x1000..=0x109f | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xa9e0..=0xa9ff | 0xaa60..=0xaa7f | 0xf900..=0xfaff
            | 0x20000..=0x323af),
        Some(before) => u32::from(before) >= 0x2010 && !before.is_whitespace() && !is_invisible(before),
        None => false,
    }
}

/// Pictures and signs that emoji are put together of, tones of skin included.
fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x21ff | 0x2300..=0x23ff | 0x25a0..=0x27bf | 0x2b00..=0x2bff | 0x1f000..=0x1faff)
}

/// Letters and marks of scripts whose letters take other forms beside each other: from Arabic and its relatives to those of
/// India and South-East Asia.
fn is_written_together(c: char) -> bool {
    matches!(u32::from(c),
        0x600..=0x7ff | 0x840..=0x8ff | 0x900..=0xdff | 0xf00..=0x109f | 0x1700..=0x18af | 0x1900..=0x1cff | 0xa800..=0xabff
        | 0xfb50..=0xfdcf | 0xfdf0..=0xfdff | 0xfe70..=0xfefc | 0x10a00..=0x10fff | 0x11000..=0x11fff | 0x1e900..=0x1e95f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_found_where_it_stands() {
        for (name, unseen) in [
            // Joiners and variants among letters that know neither.
            ("Im\u{200d}port", Some('\u{200d}')),
            ("Im\u{200c}port", Some('\u{200c}')),
            ("Import\u{200d}", Some('\u{200d}')),
            ("\u{200d}Import", Some('\u{200d}')),
            ("Им\u{200c}порт", Some('\u{200c}')),
            ("1\u{200d}2", Some('\u{200d}')),
            ("I\u{fe0f}mport", Some('\u{fe0f}')),
            ("key 1\u{fe0f}", Some('\u{fe0f}')),
            ("ﬁ\u{fe00}", Some('\u{fe00}')),
            ("a \u{fe0f}b", Some('\u{fe0f}')),
            // Where they would join something, and nothing is there, or twice.
            ("👨\u{200d}", Some('\u{200d}')),
            ("👨\u{200c}👩", Some('\u{200c}')),
            ("👨\u{200d}Import", Some('\u{200d}')),
            ("می\u{200c}", Some('\u{200c}')),
            ("می\u{200c}\u{200c}خواهم", Some('\u{200c}')),
            ("می\u{200c}Import", Some('\u{200c}')),
            ("ن\u{200d}\u{200d}", Some('\u{200d}')),
            // Blank without being called ignorable.
            ("\u{2800}", Some('\u{2800}')),
            ("Im\u{2800}port", Some('\u{2800}')),
            ("one\u{2028}two", Some('\u{2028}')),
            ("one\u{2029}two", Some('\u{2029}')),
            ("Im\u{fff9}port", Some('\u{fff9}')),
            ("Im\u{fffc}port", Some('\u{fffc}')),
            ("Im\u{ffff}port", Some('\u{ffff}')),
            ("Im\u{1fffe}port", Some('\u{1fffe}')),
            ("Im\u{fdd0}port", Some('\u{fdd0}')),
            ("Im\u{13430}port", Some('\u{13430}')),
            ("Im\u{16fe4}port", Some('\u{16fe4}')),
            ("Im\u{1d159}port", Some('\u{1d159}')),
            ("Im\u{200b}port", Some('\u{200b}')),
            ("Im\u{e0041}port", Some('\u{e0041}')),
            // Persian, Hindi with its half letter inside a word and at its end, Sinhala, Bengali.
            ("می\u{200c}خواهم", None),
            ("क्\u{200d}ष", None),
            ("र्\u{200d}", None),
            ("र्\u{200d} Import", None),
            ("ශ්\u{200d}රී ලංකා", None),
            ("ক্\u{200c}ষ", None),
            // A family, a tone of skin, a flag, a heart on fire, one that turns; keys and signs.
            ("👨\u{200d}👩\u{200d}👧", None),
            ("👩🏽\u{200d}💻 Ada", None),
            ("🏳\u{fe0f}\u{200d}🌈", None),
            ("❤\u{fe0f}\u{200d}🔥", None),
            ("🙂\u{200d}↔\u{fe0f}", None),
            ("🏃🏽\u{200d}♀\u{fe0f}\u{200d}➡\u{fe0f}", None),
            ("Key 1\u{fe0f}\u{20e3}", None),
            ("©\u{fe0f} Acme", None),
            ("葛\u{fe00}", None),
            ("Plain – “text”, 日本, École", None),
        ] {
            assert_eq!(first(name).map(|(_, c)| c), unseen, "{}", name.escape_unicode());
        }
    }
}
