//! What is answered. Fields and codes that a newer server adds are kept as they came.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// May the request pass, and whose key it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Whether the server lets it pass. Ask [`Verdict::is_allowed`].
    pub valid: bool,
    /// Why, in a word.
    pub code: Code,
    /// By this the server's logs name the question.
    pub request_id: String,
    /// One sentence for a person, of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// After how many seconds it is worth to try again, where a limit refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// What an API in report-only mode would have refused it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_be: Option<Code>,
    /// The key's organization, if the secret was right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The key, if the secret was right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The API user who is signed in.
    pub api_user: Option<ApiUser>,
    /// The API that the request belongs to.
    pub api: Option<String>,
    /// Its version, where the path has one that the API lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// The operation that the request is.
    pub operation: Option<String>,
    /// False if no right was asked about: no method and path, and no `requires`.
    #[serde(default = "checked", skip_serializing_if = "is_checked")]
    pub operation_checked: bool,
    /// The limits that were asked, each with what is left.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// What a newer server says besides.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Whose key it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// `key_…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `live` or `test`.
    pub environment: String,
    /// Beginning and end of the secret that was used.
    pub hint: String,
    /// Who owns it.
    pub owner: Owner,
    /// The provider's sets that it holds.
    pub api_sets: Vec<String>,
    /// What the key stands for elsewhere.
    #[serde(default)]
    pub external_id: Option<String>,
    /// What its maker wrote beside it.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// When it ends, RFC 3339 in UTC.
    pub expires_at: Option<String>,
    /// What a newer server says besides.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Who owns a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Owner {
    /// `organization`, `user` or `application`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What a newer server says besides.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The API user whose session the request belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiUser {
    /// `apu_…`.
    pub id: String,
    /// The name it signs in by.
    pub user_name: String,
    /// How much it sees, 1 to 5.
    #[serde(default)]
    pub permission_type: Option<u8>,
    /// Everything else of it.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// A limit and what is left of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// How much there is in a window.
    pub limit: u64,
    /// How much is left.
    pub remaining: u64,
    /// Until all of it is there again.
    #[serde(default)]
    pub reset_seconds: Option<u64>,
    /// What a newer server says besides.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

macro_rules! codes {
    ($($(#[doc = $text:literal])* $name:ident = $word:literal,)*) => {
        /// Why a request may pass or not, in the order in which the server asks.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $text])* $name,)*
            /// A word that this client does not know, of a newer server: a refusal, whatever else the verdict says.
            Unknown(String),
        }

        impl Code {
            /// All that this client knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];

            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $word,)*
                    Self::Unknown(word) => word,
                }
            }
        }

        impl From<String> for Code {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$name,)*
                    _ => Self::Unknown(word),
                }
            }
        }
    };
}

codes! {
    /// No credential.
    Missing = "MISSING",
    /// No credential of a known form, or two that could each stand alone.
    Malformed = "MALFORMED",
    /// Unknown, deleted, or a wrong secret.
    NotFound = "NOT_FOUND",
    /// Taken out of service.
    Disabled = "DISABLED",
    /// Awaits approval.
    Pending = "PENDING",
    /// Its end has come.
    Expired = "EXPIRED",
    /// Its beginning has not.
    NotYetValid = "NOT_YET_VALID",
    /// Its owner is disabled.
    OwnerDisabled = "OWNER_DISABLED",
    /// Its owner is locked.
    OwnerLocked = "OWNER_LOCKED",
    /// Its owner's account has expired.
    OwnerExpired = "OWNER_EXPIRED",
    /// The client's address is outside a list.
    IpNotAllowed = "IP_NOT_ALLOWED",
    /// The key does not hold the operation, or the request is none.
    OperationNotAllowed = "OPERATION_NOT_ALLOWED",
    /// Too many requests in a window.
    RateLimited = "RATE_LIMITED",
    /// Too many requests in a period.
    QuotaExceeded = "QUOTA_EXCEEDED",
    /// May pass.
    Valid = "VALID",
}

// === impl Verdict ===

impl Verdict {
    /// Whether the request may pass: the server says so, with the one code that means it.
    pub fn is_allowed(&self) -> bool {
        self.valid && self.code == Code::Valid
    }
}

// === impl Code ===

impl Code {
    /// The status that a refused client gets; 403 for a word that this client does not know.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Valid => 200,
            Self::IpNotAllowed | Self::OperationNotAllowed | Self::Unknown(_) => 403,
            Self::RateLimited | Self::QuotaExceeded => 429,
            _ => 401,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

const fn checked() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
const fn is_checked(checked: &bool) -> bool {
    *checked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(valid: bool, code: &str) -> Verdict {
        let answer = json!({
            "valid": valid, "code": code, "request_id": "r", "api_user": null, "api": null, "operation": null,
            "limits": [],
        });
        serde_json::from_value(answer).expect("a verdict")
    }

    #[test]
    fn only_valid_with_its_own_word_may_pass() {
        assert!(verdict(true, "VALID").is_allowed());
        assert!(!verdict(false, "VALID").is_allowed());
        for code in ["NOT_FOUND", "valid", "", "VALID_FOR_NOW"] {
            assert!(!verdict(true, code).is_allowed(), "{code}");
        }
    }

    #[test]
    fn an_unknown_code_is_a_refusal_that_says_its_word() {
        let newer = verdict(true, "ON_HOLIDAY");
        assert_eq!(newer.code, Code::Unknown("ON_HOLIDAY".to_owned()));
        assert_eq!((newer.code.to_string().as_str(), newer.code.http_status()), ("ON_HOLIDAY", 403));
    }

    #[test]
    fn every_code_is_its_word_both_ways() {
        assert_eq!(Code::KNOWN.len(), 15);
        for code in Code::KNOWN {
            assert_eq!(Code::from(code.as_str().to_owned()), *code);
        }
    }

    #[test]
    fn what_a_newer_server_adds_is_passed_on() {
        let answer = json!({
            "valid": true, "code": "VALID", "request_id": "r", "organization": "org_1", "weather": {"rain": 3},
            "key": {
                "id": "key_1", "name": "n", "environment": "live", "hint": "h", "api_sets": ["a"], "external_id": null,
                "owner": {"type": "application", "id": "app_1", "name": "App", "since": 7}, "metadata": {"plan": "b"},
                "expires_at": null, "colour": "red",
            },
            "api_user": {"id": "apu_1", "user_name": "u", "permission_type": 2, "language": "en",
                "contact": {"id": "c", "email": null}},
            "api": "shop", "operation": "shop:get", "operation_checked": false, "api_version": "v2",
            "limits": [{"name": "minute", "limit": 600, "remaining": 599, "reset_seconds": 12, "window": 60}],
        });
        let verdict: Verdict = serde_json::from_value(answer.clone()).expect("a verdict");
        assert_eq!(serde_json::to_value(&verdict).expect("JSON"), answer);
    }
}
