//! A credential's form, and which of several fields counts.

use claviger_domain::credential::{Form, form};
use claviger_domain::verdict::Code;
use claviger_engine::{FIELDS_MAX, Presented};

use crate::basic_header::alone;
use crate::credentials::{Bare, FOREIGN, NATIVE, bare, verdict};

/// Lines: each is a field, its first character says where it stands and what of it is spelled out.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for line in text.lines() {
        check_form(line);
    }
    let fields: Vec<(bool, String)> = text.lines().take(FIELDS_MAX + 2).map(field).collect();
    check_selection(&fields);
}

/// Whether the field is a JSON body's, and its value.
fn field(line: &str) -> (bool, String) {
    let rest = line.get(1..).unwrap_or_default();
    match line.chars().next() {
        Some('n') => (true, NATIVE.clone()),
        Some('N') => (false, format!(" {}", &*NATIVE)),
        Some('f') => (true, FOREIGN.to_owned()),
        Some('F') => (false, FOREIGN.to_owned()),
        // One character of the key is another.
        Some('c') => {
            let at = rest.len() % NATIVE.len();
            let other = if NATIVE.as_bytes()[at] == b'x' { "y" } else { "x" };
            (true, format!("{}{other}{}", &NATIVE[..at], &NATIVE[at + 1..]))
        }
        Some('b') => (true, rest.to_owned()),
        _ => (false, rest.to_owned()),
    }
}

fn check_form(text: &str) {
    let expected = match bare(text.as_bytes()) {
        Bare::Empty | Bare::Unfit => Form::Unfit,
        Bare::Known if text == FOREIGN => Form::Opaque,
        Bare::Known | Bare::Native => Form::Native,
        Bare::BadChecksum => Form::BadChecksum,
        Bare::Opaque => Form::Opaque,
    };
    assert_eq!(form(text), expected, "{text:?}");
}

fn check_selection(fields: &[(bool, String)]) {
    let presented = fields.iter().fold(Presented::new(), |presented, (is_body, value)| {
        if *is_body { presented.with_credential(value) } else { presented.with_x_api_key(value.as_bytes()) }
    });
    assert_eq!(verdict(&presented), naive_selection(fields), "{fields:?}");
}

/// security.md, rule 7: beside another one, only a value of native shape or one that is known counts.
fn naive_selection(fields: &[(bool, String)]) -> Code {
    if fields.len() > FIELDS_MAX {
        return Code::Malformed;
    }
    let value = |(is_body, value): &(bool, String)| if *is_body { value.clone() } else { value.trim_ascii_owned() };
    let mut values: Vec<String> = fields.iter().map(value).filter(|value| !value.is_empty()).collect();
    if values.iter().any(|value| bare(value.as_bytes()) == Bare::BadChecksum) {
        return Code::Malformed;
    }
    values.sort_unstable();
    values.dedup();
    let kinds: Vec<Bare> = values.iter().map(|value| bare(value.as_bytes())).collect();
    match kinds.as_slice() {
        [] => Code::Missing,
        [only] => alone(*only),
        kinds => {
            let counted: Vec<&Bare> = kinds.iter().filter(|kind| matches!(kind, Bare::Known | Bare::Native)).collect();
            match counted.as_slice() {
                [] if kinds.contains(&Bare::Opaque) => Code::NotFound,
                [] => Code::Malformed,
                [only] => alone(**only),
                _ => Code::Malformed,
            }
        }
    }
}

/// `trim_ascii` of a text, as one of its own.
trait TrimAscii {
    fn trim_ascii_owned(&self) -> String;
}

impl TrimAscii for String {
    fn trim_ascii_owned(&self) -> String {
        self.trim_ascii().to_owned()
    }
}
