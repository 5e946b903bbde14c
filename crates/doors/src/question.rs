//! The body of `/v1/verify`: read in one pass where it is well-formed, field by field where it is not, so that the
//! answer names every field that is wrong.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose};
use claviger_domain::credential_source::CredentialSource;
use claviger_domain::redact::redact;
use claviger_domain::signature::SIGNED_BODY_BYTES_MAX;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde_json::value::RawValue;

use crate::client_ip::parse_address;
use crate::credentials::is_bearer;
use crate::problem::FieldError;

/// The most questions of one batch.
pub(crate) const BATCH_MAX: usize = 100;
/// The most sets that one question may require.
pub(crate) const REQUIRES_MAX: usize = 100;
/// The largest cost: 2^53, up to which every JSON reader keeps integers whole.
pub(crate) const COST_MAX: u64 = 1 << 53;
/// Base64 of a body, with or without padding.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));
const TEXT: &str = "expected a string";

/// A string, borrowed from the body unless it had escapes. It may be a secret, so `Debug` does not show it.
pub(crate) struct Text<'b>(pub(crate) Cow<'b, str>);

/// A question as it stands in the body. Absent and `null` are the same.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'b"))]
pub(crate) struct Body<'b> {
    pub(crate) credential: Option<Text<'b>>,
    identifier: Option<Text<'b>>,
    password: Option<Text<'b>>,
    authorization: Option<Text<'b>>,
    x_api_key: Option<Text<'b>>,
    x_token: Option<Text<'b>>,
    x_api_signature: Option<Text<'b>>,
    /// What a signature is over.
    #[serde(rename = "body")]
    signed: Option<Text<'b>>,
    pub(crate) client_ip: Option<Text<'b>>,
    pub(crate) method: Option<Text<'b>>,
    pub(crate) path: Option<Text<'b>>,
    pub(crate) host: Option<Text<'b>>,
    api: Option<Text<'b>>,
    pub(crate) requires: Option<Vec<Text<'b>>>,
    pub(crate) cost: Option<u64>,
}

/// A question that makes sense.
pub(crate) struct Asked<'b> {
    body: Body<'b>,
    /// Identifier and password as they would stand in `Authorization`.
    login: Option<String>,
    /// The body that a signature is over.
    signed: Option<Vec<u8>>,
    pub(crate) client_ip: Option<IpAddr>,
}

/// Reads one question.
pub(crate) fn read(json: &[u8]) -> Result<Asked<'_>, Vec<FieldError>> {
    match serde_json::from_slice::<Body<'_>>(json) {
        Ok(body) => Asked::of(body),
        Err(error) => Err(explain(json, &error)),
    }
}

/// Cuts a batch into its questions, each still as it stands.
pub(crate) fn read_batch(json: &[u8]) -> Result<Vec<&RawValue>, Vec<FieldError>> {
    let expected = || format!("expected an array of at most {BATCH_MAX} questions");
    let items: Vec<&RawValue> = serde_json::from_slice(json).map_err(|error| {
        // Of JSON that is no array serde repeats the value, which may be a secret.
        let message = if error.is_data() { expected() } else { format!("{}: {error}", expected()) };
        vec![FieldError::new("", message)]
    })?;
    if items.is_empty() || items.len() > BATCH_MAX {
        return Err(vec![FieldError::new("", format!("{}, got {}", expected(), items.len()))]);
    }
    Ok(items)
}

/// Says what is wrong with a body that could not be read.
fn explain(json: &[u8], error: &serde_json::Error) -> Vec<FieldError> {
    let value: serde_json::Value = match serde_json::from_slice(json) {
        Ok(value) => value,
        Err(error) => return vec![FieldError::new("", format!("expected JSON: {error}"))],
    };
    let Some(object) = value.as_object() else {
        return vec![FieldError::new("", "expected a JSON object")];
    };
    let errors: Vec<_> = object
        .iter()
        .filter_map(|(name, value)| Some(FieldError::new(redact(name).into_owned(), expected_of(name, value)?)))
        .collect();
    if errors.is_empty() {
        // A field that stands there twice; serde names it.
        let message = error.to_string();
        let field = message.split('`').nth(1).unwrap_or_default();
        return vec![FieldError::new(redact(field).into_owned(), redact(&message).into_owned())];
    }
    errors
}

/// What was expected of a field, if it is wrong.
fn expected_of(name: &str, value: &serde_json::Value) -> Option<&'static str> {
    let (is_right, expected) = match name {
        "requires" => {
            let strings = value.as_array().is_some_and(|items| items.iter().all(serde_json::Value::is_string));
            (strings, "expected an array of strings")
        }
        "cost" => (value.is_u64(), "expected a whole number from 0 on"),
        "credential" | "identifier" | "password" | "authorization" | "x_api_key" | "x_token" | "x_api_signature"
        | "body" | "client_ip" | "method" | "path" | "host" | "api" => (value.is_string(), TEXT),
        _ => return Some("unknown field"),
    };
    (!is_right && !value.is_null()).then_some(expected)
}

// === impl Asked ===

impl<'b> Asked<'b> {
    /// The question that a body asks.
    pub(crate) fn of(body: Body<'b>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        body.check_credentials(&mut errors);
        body.check_request(&mut errors);
        let signed = body.signed(&mut errors);
        let client_ip = body.client_ip.as_ref().map(|text| parse_address(text.as_str().as_bytes()));
        if matches!(client_ip, Some(Err(_))) {
            errors.push(FieldError::new("client_ip", "expected an IP address"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let login = match (&body.identifier, &body.password) {
            (Some(identifier), Some(password)) => Some(basic(identifier.as_str(), password.as_str())),
            _ => None,
        };
        Ok(Self { body, login, signed, client_ip: client_ip.and_then(Result::ok) })
    }

    /// The credentials, as the engine reads them. Of headers as they came only those count that the API accepts.
    pub(crate) fn credentials(&self, sources: Option<&[CredentialSource]>) -> claviger_engine::Presented<'_> {
        let accepts = |accepted: &dyn Fn(&CredentialSource) -> bool| sources.is_none_or(|all| all.iter().any(accepted));
        let authorization = self.body.authorization.as_ref().map(Text::as_str).filter(|value| {
            let scheme = if is_bearer(value.as_bytes()) { CredentialSource::Bearer } else { CredentialSource::Basic };
            accepts(&|source| *source == scheme)
        });
        let x_api_key = self.body.x_api_key.as_ref();
        let is_x_api_key =
            |source: &CredentialSource| matches!(source, CredentialSource::Header(name) if **name == *"x-api-key");
        let x_api_key = x_api_key.filter(|_| accepts(&is_x_api_key));
        let mut presented = claviger_engine::Presented::new();
        if let Some(credential) = &self.body.credential {
            presented = presented.with_credential(credential.as_str());
        }
        for value in self.login.as_deref().into_iter().chain(authorization) {
            presented = presented.with_authorization(value.as_bytes());
        }
        if let Some(key) = x_api_key {
            presented = presented.with_x_api_key(key.as_str().as_bytes());
        }
        if let Some(token) = &self.body.x_token {
            presented = presented.with_x_token(token.as_str().as_bytes());
        }
        if let (Some(signature), Some(body)) = (&self.body.x_api_signature, &self.signed) {
            presented = presented.with_x_api_signature(signature.as_str().as_bytes()).with_body(Ok(body));
        }
        presented
    }

    /// The bare key of the question.
    pub(crate) fn credential(&self) -> &str {
        self.body.credential.as_ref().map_or("", Text::as_str)
    }

    /// Method and target, if the question has them.
    pub(crate) fn request(&self) -> Option<(&str, &str)> {
        Some((self.body.method.as_ref()?.as_str(), self.body.path.as_ref()?.as_str()))
    }

    /// The host that the request was sent to.
    pub(crate) fn host(&self) -> Option<&str> {
        self.body.host.as_ref().map(Text::as_str).filter(|host| !host.is_empty())
    }

    /// The API that the question names.
    pub(crate) fn api(&self) -> Option<&str> {
        self.body.api.as_ref().map(Text::as_str)
    }

    /// What it counts for in limits.
    pub(crate) fn cost(&self) -> u64 {
        self.body.cost.unwrap_or(1)
    }

    /// The sets that the key must hold.
    pub(crate) fn requires(&self) -> impl Iterator<Item = &str> {
        self.body.requires.iter().flatten().map(Text::as_str)
    }
}

/// What would stand in `Authorization` (RFC 7617).
fn basic(identifier: &str, password: &str) -> String {
    if identifier.is_empty() && password.is_empty() {
        return String::new();
    }
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{identifier}:{password}")))
}

// === impl Body ===

impl<'b> Body<'b> {
    /// One that names no more than its API.
    pub(crate) fn about(api: Option<&'b str>) -> Self {
        Self { api: api.map(|api| Text(api.into())), ..Self::default() }
    }

    fn check_credentials(&self, errors: &mut Vec<FieldError>) {
        match (&self.identifier, &self.password) {
            (Some(_), None) => errors.push(FieldError::new("password", "expected a string beside identifier")),
            (None, Some(_)) => errors.push(FieldError::new("identifier", "expected a string beside password")),
            (Some(identifier), Some(_)) if identifier.as_str().contains(':') => {
                errors.push(FieldError::new("identifier", "expected a string without `:`"));
            }
            _ => {}
        }
        let given = [&self.credential, &self.identifier, &self.password, &self.authorization, &self.x_api_key];
        if given.into_iter().chain([&self.x_api_signature]).all(Option::is_none) {
            let message = "expected a credential: credential, identifier and password, authorization, x_api_key, or \
                           x_api_signature with body";
            errors.push(FieldError::new("credential", message));
        }
    }

    /// The body that a signature is over: nobody else's is decoded.
    fn signed(&self, errors: &mut Vec<FieldError>) -> Option<Vec<u8>> {
        self.x_api_signature.as_ref()?;
        let Some(body) = &self.signed else {
            errors.push(FieldError::new("body", "expected the request's body in base64 beside x_api_signature"));
            return None;
        };
        let decoded = BASE64.decode(body.as_str());
        match decoded {
            Ok(bytes) if bytes.len() <= SIGNED_BODY_BYTES_MAX => return Some(bytes),
            Ok(_) => {
                let expected = format!("expected at most {SIGNED_BODY_BYTES_MAX} bytes: a larger body is not signed");
                errors.push(FieldError::new("body", expected));
            }
            Err(_) => errors.push(FieldError::new("body", "expected base64")),
        }
        None
    }

    fn check_request(&self, errors: &mut Vec<FieldError>) {
        match (&self.method, &self.path) {
            (None, Some(_)) => errors.push(FieldError::new("method", "expected a string beside path")),
            (Some(_), None) => errors.push(FieldError::new("path", "expected a string beside method")),
            _ => {}
        }
        if self.requires.as_ref().is_some_and(|sets| sets.len() > REQUIRES_MAX) {
            errors.push(FieldError::new("requires", format!("expected at most {REQUIRES_MAX} sets")));
        }
        if self.cost.is_some_and(|cost| cost > COST_MAX) {
            errors.push(FieldError::new("cost", format!("expected a whole number from 0 to {COST_MAX}")));
        }
    }
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("body", &self.body).finish_non_exhaustive()
    }
}

// === impl Text ===

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Text<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `field: message` of each error.
    fn errors(json: &str) -> Vec<String> {
        match read(json.as_bytes()) {
            Ok(asked) => panic!("{json} was read: {asked:?}"),
            Err(errors) => errors.into_iter().map(|error| format!("{}: {}", error.field, error.message)).collect(),
        }
    }

    #[test]
    fn every_wrong_field_is_named_with_what_was_expected() {
        for (json, expected) in [
            (
                r#"{"credential":5,"nope":1,"requires":"x","cost":-1}"#,
                &[
                    "credential: expected a string",
                    "nope: unknown field",
                    "requires: expected an array of strings",
                    "cost: expected a whole number from 0 on",
                ][..],
            ),
            (r#"{"credential":"x","client_ip":"300.1.1.1"}"#, &["client_ip: expected an IP address"]),
            (r#"{"credential":"x","path":"/"}"#, &["method: expected a string beside path"]),
            (r#"{"credential":"x","method":"GET"}"#, &["path: expected a string beside method"]),
            (r#"{"identifier":"x"}"#, &["password: expected a string beside identifier"]),
            (r#"{"password":"x"}"#, &["identifier: expected a string beside password"]),
            (r#"{"identifier":"a:b","password":"x"}"#, &["identifier: expected a string without `:`"]),
            (r#"{"requires":[1],"credential":""}"#, &["requires: expected an array of strings"]),
            ("[]", &[": expected a JSON object"]),
            ("null", &[": expected a JSON object"]),
        ] {
            assert_eq!(errors(json), expected, "{json}");
        }
    }

    #[test]
    fn a_question_without_a_credential_or_without_json_is_malformed() {
        for json in ["{}", r#"{"credential":null}"#, r#"{"client_ip":"203.0.113.7"}"#] {
            assert!(errors(json)[0].starts_with("credential: expected a credential"), "{json}");
        }
        for json in ["", "{", r#"{"credential":"x"} x"#, r#"{"credential":"\ud800"}"#, "\u{0}"] {
            assert!(errors(json)[0].starts_with(": expected JSON"), "{json}");
        }
        assert!(read(b"{\"credential\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_field_that_stands_there_twice_is_malformed() {
        assert!(errors(r#"{"credential":"a","credential":"b"}"#)[0].starts_with("credential: duplicate field"));
    }

    #[test]
    fn w_14_a_signature_needs_a_whole_body_in_base64() {
        let of = |body: &[u8]| {
            format!(r#"{{"x_api_signature":"s","body":"{}"}}"#, base64::engine::general_purpose::STANDARD.encode(body))
        };
        let json = of(b"a body");
        let asked = read(json.as_bytes()).expect("a question");
        assert_eq!(asked.signed.as_deref(), Some(&b"a body"[..]));
        let larger = vec![7; SIGNED_BODY_BYTES_MAX + 1];
        for body in [&b""[..], &larger[1..]] {
            assert!(read(of(body).as_bytes()).is_ok());
        }
        let too_large = of(&larger);
        for (json, expected) in [
            (&*too_large, "body: expected at most 65536 bytes: a larger body is not signed"),
            (r#"{"x_api_signature":"s","body":"a body"}"#, "body: expected base64"),
            (r#"{"x_api_signature":"s","body":7}"#, "body: expected a string"),
            (r#"{"x_api_signature":"s"}"#, "body: expected the request's body in base64 beside x_api_signature"),
            (
                r#"{"x_api_signature":"s","credential":"x"}"#,
                "body: expected the request's body in base64 beside x_api_signature",
            ),
        ] {
            assert_eq!(errors(json), [expected], "{}", &json[..json.len().min(60)]);
        }
        // Without a signature nobody asks what the body is.
        assert!(read(br#"{"x_api_key":"x","body":"a body"}"#).is_ok());
    }

    #[test]
    fn empty_and_hostile_values_are_questions() {
        for json in [
            r#"{"credential":""}"#,
            r#"{"authorization":""}"#,
            r#"{"identifier":"","password":""}"#,
            r#"{"credential":"x","method":"","path":"/../%00"}"#,
            r#"{"credential":"x","client_ip":null,"requires":[],"cost":0,"host":""}"#,
        ] {
            assert!(read(json.as_bytes()).is_ok(), "{json}");
        }
        let asked = read(br#"{"credential":"\u0061","host":"","client_ip":"::ffff:203.0.113.7"}"#).expect("a question");
        assert_eq!((asked.host(), asked.client_ip.map(|ip| ip.to_string()).as_deref()), (None, Some("203.0.113.7")));
    }

    #[test]
    fn a_batch_is_an_array_of_one_to_a_hundred() {
        let batch = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(read_batch(batch(BATCH_MAX).as_bytes()).map(|items| items.len()), Ok(BATCH_MAX));
        for json in [batch(0), batch(BATCH_MAX + 1), "{}".to_owned(), "[".to_owned()] {
            assert!(read_batch(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn a_value_in_the_place_of_a_batch_is_not_repeated() {
        let errors = read_batch(br#""an-imported-key-of-22-characters""#).expect_err("no array");
        assert_eq!(errors, [FieldError::new("", "expected an array of at most 100 questions")]);
    }
}
