//! What a report says: the array that GitHub's secret scanning sends to its partners, which others can send as well.
//! <https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partner-program/secret-scanning-partner-program>

use claviger_domain::credential::CREDENTIAL_LENGTH_MAX;
use claviger_domain::digest::sha256_of_text;
use claviger_domain::{Secret, pair};
use serde_json::Value;

use crate::error::{Error, FIELD_ERRORS_MAX, FieldError};

/// The most values of one report.
pub const REPORTS_MAX: usize = 1_000;
/// The most bytes of the other members.
const MEMBER_BYTES_MAX: usize = 4_096;
/// The most characters of a pair: identifier, colon, password.
const TOKEN_LENGTH_MAX: usize = CREDENTIAL_LENGTH_MAX + pair::IDENTIFIER_LENGTH + 1;

/// What was found.
#[derive(Debug, Clone)]
pub enum Found {
    /// The value itself.
    Value(Secret),
    /// Its SHA-256.
    Sha256([u8; 32]),
}

/// A value that was found somewhere.
#[derive(Debug, Clone)]
pub struct LeakReport {
    /// The value.
    pub found: Found,
    /// What the scanner takes it for; repeated in the answer.
    pub kind: String,
    /// Where it is to be seen.
    pub url: String,
    /// What that is, such as `commit` or `npm`.
    pub source: String,
}

/// Reads a report: members that are not known here are let be, as GitHub may add some.
///
/// # Errors
/// 400 that names each wrong member and repeats none.
pub fn read(body: &[u8]) -> Result<Vec<LeakReport>, Error> {
    let whole: Value = serde_json::from_slice(body).map_err(|_| Error::field("body", "expected JSON"))?;
    let Value::Array(items) = whole else { return Err(Error::field("body", "expected an array")) };
    if items.len() > REPORTS_MAX {
        return Err(Error::field("body", format!("expected at most {REPORTS_MAX} values")));
    }
    let (mut reports, mut errors) = (Vec::with_capacity(items.len()), Vec::new());
    for (at, item) in items.iter().enumerate() {
        match read_one(at, item) {
            Ok(report) => reports.push(report),
            Err(error) if errors.len() < FIELD_ERRORS_MAX => errors.push(error),
            Err(_) => break,
        }
    }
    if errors.is_empty() { Ok(reports) } else { Err(Error::invalid(errors)) }
}

fn read_one(at: usize, item: &Value) -> Result<LeakReport, FieldError> {
    let wrong = |member: &str, expected: String| FieldError::new(format!("[{at}].{member}"), expected);
    if !item.is_object() {
        return Err(FieldError::new(format!("[{at}]"), "expected an object".to_owned()));
    }
    let text = |member: &str| match item.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim())),
        Some(_) => Err(wrong(member, "expected a string".to_owned())),
    };
    let short = |member: &str| match text(member)?.unwrap_or_default() {
        text if text.len() <= MEMBER_BYTES_MAX => Ok(text.to_owned()),
        _ => Err(wrong(member, format!("expected at most {MEMBER_BYTES_MAX} bytes"))),
    };
    let found = match (text("token")?, text("token_hash")?) {
        (Some(token), None) if (1..=TOKEN_LENGTH_MAX).contains(&token.len()) => {
            Found::Value(Secret::new(token.to_owned()))
        }
        (Some(_), None) => return Err(wrong("token", format!("expected 1 to {TOKEN_LENGTH_MAX} bytes"))),
        (None, Some(hash)) => {
            let expected = || wrong("token_hash", "expected a SHA-256, in hexadecimal or base64".to_owned());
            Found::Sha256(sha256_of_text(hash).ok_or_else(expected)?)
        }
        (Some(_), Some(_)) => return Err(wrong("token_hash", "expected one of token and token_hash".to_owned())),
        (None, None) => return Err(wrong("token", "is required, or token_hash".to_owned())),
    };
    Ok(LeakReport { found, kind: short("type")?, url: short("url")?, source: short("source")? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(body: &Value) -> Vec<(String, String)> {
        let error = read(body.to_string().as_bytes()).expect_err("it is wrong");
        error.errors().iter().map(|error| (error.field.clone(), error.message.clone())).collect()
    }

    #[test]
    fn a_report_is_read_with_what_others_add_to_it() {
        let body = json!([
            {"token": " some-token-of-somebody ", "type": "claviger", "url": "https://x.example", "source": "commit", "new": 1},
            {"token_hash": "AQ".repeat(21) + "A=", "type": null},
        ]);
        let reports = read(body.to_string().as_bytes()).expect("it is a report");
        assert!(matches!(&reports[0].found, Found::Value(value) if value.expose() == "some-token-of-somebody"));
        assert_eq!((reports[0].kind.as_str(), reports[0].source.as_str()), ("claviger", "commit"));
        assert!(matches!(reports[1].found, Found::Sha256(_)));
    }

    #[test]
    fn each_wrong_member_is_named_and_none_repeated() {
        let long = "x".repeat(TOKEN_LENGTH_MAX + 1);
        let found = wrong(&json!([
            1, {}, {"token": 5}, {"token": ""}, {"token": long}, {"token_hash": "zz"},
            {"token": "a", "token_hash": "00".repeat(32)}, {"token": "a", "url": "u".repeat(MEMBER_BYTES_MAX + 1)},
        ]));
        let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        let expected =
            ["[0]", "[1].token", "[2].token", "[3].token", "[4].token", "[5].token_hash", "[6].token_hash", "[7].url"];
        assert_eq!(fields, expected);
        assert!(found.iter().all(|(_, message)| !message.contains("zz")));
        assert_eq!(wrong(&json!({}))[0].0, "body");
        assert_eq!(wrong(&Value::from(vec![json!({"token": "a"}); REPORTS_MAX + 1]))[0].0, "body");
        assert!(read(b"[").is_err());
    }
}
