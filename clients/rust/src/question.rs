//! What is asked.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A question to the doors. It needs one credential at least; what is `None` or empty is not sent.
///
/// ```
/// use claviger_client::Question;
///
/// let question = Question::of_key("clv_live_…").request("GET", "/orders/7").client_ip("203.0.113.7".parse().unwrap());
/// assert!(!format!("{question:?}").contains("clv_live_"), "a secret is never printed");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// A key by itself. An empty one is a request without a key, which gets a verdict too: `MISSING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
    /// The identifier of a pair, beside `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Secret>,
    /// The password of a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// The header `Authorization` as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Secret>,
    /// The header `X-Api-Key` as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_api_key: Option<Secret>,
    /// The header `X-Token` as it came: the token of an API user, beside the key of its application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_token: Option<Secret>,
    /// The header `X-Api-Signature` as it came, beside `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_api_signature: Option<Secret>,
    /// The body that was signed, in base64: see [`Question::signed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Secret>,
    /// The client's address, as far as you know it by yourself. Without it a key that is bound to addresses is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    /// The request's method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The request's target as it came, query included: nothing decoded, nothing normalised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The host that the request was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The API that is asked for, by slug or id. Without it host and path tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// API sets that the key must hold, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// How much of a limit this request takes; 1 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
}

/// What may be a secret: `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

// === impl Question ===

impl Question {
    /// About a key by itself.
    pub fn of_key(key: impl Into<Secret>) -> Self {
        Self { credential: Some(key.into()), ..Self::default() }
    }

    /// About a pair.
    pub fn of_pair(identifier: impl Into<Secret>, password: impl Into<Secret>) -> Self {
        Self { identifier: Some(identifier.into()), password: Some(password.into()), ..Self::default() }
    }

    /// The token of an API user as it came in `X-Token`, beside what its application sent.
    #[must_use]
    pub fn token(self, token: impl Into<Secret>) -> Self {
        Self { x_token: Some(token.into()), ..self }
    }

    /// The signature as it came in `X-Api-Signature`, and the body that it is over, byte for byte as it came: of 1 to 65,536 bytes.
    #[must_use]
    pub fn signed(self, signature: impl Into<Secret>, body: impl AsRef<[u8]>) -> Self {
        Self { x_api_signature: Some(signature.into()), body: Some(STANDARD.encode(body).into()), ..self }
    }

    /// Method, and target as it came.
    #[must_use]
    pub fn request(self, method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: Some(method.into()), path: Some(path.into()), ..self }
    }

    /// The client's address.
    #[must_use]
    pub fn client_ip(self, address: IpAddr) -> Self {
        Self { client_ip: Some(address), ..self }
    }

    /// The API that is asked for.
    #[must_use]
    pub fn api(self, api: impl Into<String>) -> Self {
        Self { api: Some(api.into()), ..self }
    }
}

// === impl Secret ===

impl Secret {
    /// The value itself, for who sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_sent() {
        let question = Question::of_key("k").request("GET", "/a%2fb?c").api("shop");
        let sent = serde_json::to_string(&question).expect("JSON");
        assert_eq!(sent, r#"{"credential":"k","method":"GET","path":"/a%2fb?c","api":"shop"}"#);
        let signed = serde_json::to_string(&Question::default().signed("s=", b"\xff\xfe\x00")).expect("JSON");
        assert_eq!(signed, r#"{"x_api_signature":"s=","body":"//4A"}"#);
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let mut question = Question::of_pair("ci_identifier", "password-1");
        question.authorization = Some("Bearer token-2".into());
        question.x_api_key = Some("key-3".into());
        question.credential = Some("key-4".into());
        let question = question.token("token-5").signed("signature-6", "body-7");
        let printed = format!("{question:?} {question:#?}");
        let secrets =
            ["ci_identifier", "password-1", "token-2", "key-3", "key-4", "token-5", "signature-6", "Ym9keS03"];
        for secret in secrets {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
