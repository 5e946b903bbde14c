//! Challenges: by which schemes a refused client may try again (RFC 9110, 11.6.1), one for each that the API accepts.

use std::borrow::Cow;

use claviger_domain::credential_source::CredentialSource;
use claviger_domain::verdict::Code;

use crate::answer::Answer;

pub(crate) const WWW_AUTHENTICATE: &str = "www-authenticate";

/// RFC 7617.
const BASIC: &str = "Basic realm=\"claviger\", charset=\"UTF-8\"";
/// RFC 6750, 3.1: without an error where no credential was sent.
const BEARER: &str = "Bearer realm=\"claviger\"";
const BEARER_INVALID: &str = "Bearer realm=\"claviger\", error=\"invalid_token\"";
const BEARER_SCOPE: &str = "Bearer realm=\"claviger\", error=\"insufficient_scope\"";
/// The usual ones in one line: with an error, and without for a request that carries no credential.
const USUAL_IN_ONE: [&str; 2] = [
    "Basic realm=\"claviger\", charset=\"UTF-8\", Bearer realm=\"claviger\", error=\"invalid_token\"",
    "Basic realm=\"claviger\", charset=\"UTF-8\", Bearer realm=\"claviger\"",
];

/// Adds the challenges of a refusal with this status: on every 401, and RFC 6750's word for a key that may not do this.
pub(crate) fn add(answer: &mut Answer, code: Code, status: u16, sources: Option<&[CredentialSource]>) {
    let bearer = match (code, status) {
        (Code::Missing, 401) => BEARER,
        (_, 401) => BEARER_INVALID,
        (Code::OperationNotAllowed, _) if sources.is_none_or(|all| all.contains(&CredentialSource::Bearer)) => {
            answer.header(WWW_AUTHENTICATE, BEARER_SCOPE);
            return;
        }
        _ => return,
    };
    let Some(sources) = sources else {
        answer.header(WWW_AUTHENTICATE, BASIC);
        answer.header(WWW_AUTHENTICATE, bearer);
        return;
    };
    for challenge in own(sources, bearer) {
        // Names of sources are printable ASCII without quotes.
        answer.header(WWW_AUTHENTICATE, &challenge);
    }
}

/// All challenges of a 401 in one line: nginx before 1.23 passes one line of this header on.
pub(crate) fn in_one_line(code: Code, sources: Option<&[CredentialSource]>) -> Cow<'static, str> {
    let is_missing = code == Code::Missing;
    match sources {
        None => USUAL_IN_ONE[usize::from(is_missing)].into(),
        Some(sources) => own(sources, if is_missing { BEARER } else { BEARER_INVALID }).join(", ").into(),
    }
}

/// Those of an API with sources of its own, in their order. Keys in a header or in the query have no registered scheme; a
/// 401 needs a challenge all the same, so it says where the key goes where it says nothing else.
fn own(sources: &[CredentialSource], bearer: &str) -> Vec<String> {
    let schemes: Vec<String> = sources
        .iter()
        .filter_map(|source| match source {
            CredentialSource::Basic => Some(BASIC.to_owned()),
            CredentialSource::Bearer => Some(bearer.to_owned()),
            CredentialSource::Header(_) | CredentialSource::Query(_) => None,
        })
        .collect();
    if !schemes.is_empty() {
        return schemes;
    }
    sources.iter().map(|source| format!("ApiKey realm=\"claviger\", in=\"{source}\"")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenges(code: Code, status: u16, given: Option<&[&str]>) -> Vec<String> {
        let sources: Option<Vec<CredentialSource>> =
            given.map(|texts| texts.iter().map(|text| text.parse().expect("a source")).collect());
        let mut answer = Answer::default();
        add(&mut answer, code, status, sources.as_deref());
        let response = answer.into_response();
        let all = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let all: Vec<String> = all.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
        if status == 401 {
            assert_eq!(in_one_line(code, sources.as_deref()), all.join(", "), "one line says the same");
        }
        all
    }

    #[test]
    fn each_accepted_scheme_has_its_challenge() {
        assert_eq!(challenges(Code::Missing, 401, None), [BASIC, BEARER]);
        assert_eq!(challenges(Code::NotFound, 401, None), [BASIC, BEARER_INVALID]);
        assert_eq!(challenges(Code::Missing, 401, Some(&["bearer", "basic"])), [BEARER, BASIC]);
        assert_eq!(challenges(Code::Expired, 401, Some(&["x-api-key", "basic"])), [BASIC]);
        let named = "ApiKey realm=\"claviger\", in=\"x-company-key\"";
        assert_eq!(challenges(Code::Missing, 401, Some(&["X-Company-Key"])), [named]);
    }

    #[test]
    fn a_refusal_that_is_no_401_asks_for_no_credential() {
        assert_eq!(challenges(Code::OperationNotAllowed, 403, None), [BEARER_SCOPE]);
        assert_eq!(challenges(Code::OperationNotAllowed, 403, Some(&["basic"])), Vec::<String>::new());
        assert_eq!(challenges(Code::NotFound, 403, None), Vec::<String>::new(), "the Gotransverse profile");
        assert_eq!(challenges(Code::IpNotAllowed, 403, None), Vec::<String>::new());
    }
}
