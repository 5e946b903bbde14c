//! Where a request's key may stand, as the API in Claviger says, and what a client is told of it.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};

use crate::error::SettingError;
use crate::question::{Question, Secret};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_TOKEN: HeaderName = HeaderName::from_static("x-token");
const BASIC: &str = "Basic realm=\"claviger\", charset=\"UTF-8\"";
const BEARER: &str = "Bearer realm=\"claviger\"";

/// The headers that are read.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    basic: bool,
    bearer: bool,
    x_api_key: bool,
    /// A header of the API's own.
    own: Option<HeaderName>,
}

/// A header that stands there twice, with two values: nobody has to guess which one is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

// === impl Sources ===

impl Sources {
    /// The same words as the API's `credential_sources`, but for the query, which gets into logs.
    pub(crate) fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, SettingError> {
        let mut sources = Self { basic: false, bearer: false, x_api_key: false, own: None };
        for word in words {
            match word.to_ascii_lowercase().as_str() {
                "basic" => sources.basic = true,
                "bearer" => sources.bearer = true,
                "x-api-key" => sources.x_api_key = true,
                name => {
                    let header = name.parse().map_err(|_| SettingError(format!("{word} is no header")))?;
                    if sources.own.replace(header).is_some() {
                        return Err(SettingError("one header of an API's own is read at most".to_owned()));
                    }
                }
            }
        }
        Ok(sources)
    }

    /// Puts what stands there into the question, and the token of an API user, which stands in `X-Token` alone. Without a key it gets an
    /// empty one, which the server calls missing.
    pub(crate) fn read(&self, headers: &HeaderMap, question: &mut Question) -> Result<(), Ambiguous> {
        if self.basic || self.bearer {
            question.authorization = only(headers, &AUTHORIZATION)?.filter(|value| self.takes(value));
        }
        if self.x_api_key {
            question.x_api_key = only(headers, &X_API_KEY)?;
        }
        if let Some(own) = &self.own {
            question.credential = only(headers, own)?;
        }
        question.x_token = only(headers, &X_TOKEN)?;
        if question.authorization.is_none() && question.x_api_key.is_none() && question.credential.is_none() {
            question.credential = Some(Secret::default());
        }
        Ok(())
    }

    /// Whether a value of `Authorization` has a scheme that is read.
    fn takes(&self, value: &Secret) -> bool {
        let scheme = value.expose().split_ascii_whitespace().next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") { self.bearer } else { self.basic }
    }

    /// By which schemes to try again. Keys in a header have no registered one, so theirs stands only where there is no other.
    pub(crate) fn challenges(&self, is_missing: bool) -> Vec<String> {
        let mut challenges = Vec::new();
        if self.basic {
            challenges.push(BASIC.to_owned());
        }
        if self.bearer {
            challenges.push(format!("{BEARER}{}", if is_missing { "" } else { ", error=\"invalid_token\"" }));
        }
        let headers =
            self.x_api_key.then_some("x-api-key").into_iter().chain(self.own.as_ref().map(HeaderName::as_str));
        if challenges.is_empty() {
            challenges.extend(headers.map(|name| format!("ApiKey realm=\"claviger\", in=\"{name}\"")));
        }
        challenges
    }

    /// What a key that may not do this is told.
    pub(crate) fn scope_challenge(&self) -> Option<String> {
        let mut challenge = BEARER.to_owned();
        let written = write!(challenge, ", error=\"insufficient_scope\"");
        (self.bearer && written.is_ok()).then_some(challenge)
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self { basic: true, bearer: true, x_api_key: true, own: None }
    }
}

/// The one value of a header; the same one twice is one.
fn only(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Secret>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) {
        return Err(Ambiguous);
    }
    // Bytes that are no text are in no key; what remains of them is refused.
    Ok(Some(String::from_utf8_lossy(first.as_bytes()).into_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sources: &[&str], headers: &[(&'static str, &str)]) -> Result<Question, Ambiguous> {
        let sources = Sources::parse(sources.iter().copied()).expect("sources");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        let mut question = Question::default();
        sources.read(&map, &mut question).map(|()| question)
    }

    #[test]
    fn headers_go_into_the_question_as_they_came() {
        let usual = ["basic", "bearer", "x-api-key"];
        let question = read(&usual, &[("authorization", "Basic YTpi"), ("x-api-key", "k")]).expect("a question");
        assert_eq!(question.authorization, Some("Basic YTpi".into()));
        assert_eq!((question.x_api_key, question.credential), (Some("k".into()), None));
        let own = read(&["X-Company-Key"], &[("x-company-key", "k"), ("x-api-key", "j")]).expect("a question");
        assert_eq!((own.credential, own.x_api_key), (Some("k".into()), None));
    }

    #[test]
    fn a_token_goes_beside_the_key_whatever_the_sources_and_is_no_key() {
        for words in [&["basic"][..], &["X-Company-Key"]] {
            let question = read(words, &[("x-token", "t"), ("authorization", "Basic YTpi")]).expect("a question");
            assert_eq!(question.x_token, Some("t".into()));
        }
        let alone = read(&["basic"], &[("x-token", "t")]).expect("a question");
        assert_eq!((alone.x_token, alone.credential), (Some("t".into()), Some(Secret::default())));
        assert_eq!(read(&["basic"], &[("x-token", "t"), ("x-token", "u")]), Err(Ambiguous));
    }

    #[test]
    fn a_request_without_a_key_is_asked_about_too() {
        let missing = Some(Secret::default());
        assert_eq!(read(&["basic"], &[("x-api-key", "k")]).expect("a question").credential, missing);
        assert_eq!(read(&["basic"], &[("authorization", "Bearer k")]).expect("a question").credential, missing);
    }

    #[test]
    fn two_values_of_one_header_are_nobodys_and_the_same_twice_is_one() {
        assert_eq!(read(&["x-api-key"], &[("x-api-key", "a"), ("x-api-key", "b")]), Err(Ambiguous));
        let twice = read(&["x-api-key"], &[("x-api-key", "a"), ("x-api-key", "a")]).expect("a question");
        assert_eq!(twice.x_api_key, Some("a".into()));
    }

    #[test]
    fn each_accepted_scheme_has_its_challenge() {
        let challenges = |words: &[&str], missing| {
            Sources::parse(words.iter().copied()).expect("sources").challenges(missing).join("; ")
        };
        let invalid = "Bearer realm=\"claviger\", error=\"invalid_token\"";
        assert_eq!(Sources::default().challenges(true), [BASIC, BEARER]);
        assert_eq!(challenges(&["bearer"], false), invalid);
        assert_eq!(challenges(&["x-api-key", "basic"], true), BASIC);
        assert_eq!(challenges(&["X-Company-Key"], true), "ApiKey realm=\"claviger\", in=\"x-company-key\"");
        assert!(Sources::parse(["a", "b"]).is_err() && Sources::parse(["query:key"]).is_err());
    }
}
