//! The verdict's codes: stable words, their order and their HTTP status.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::key::State;

/// The answer to "may this request pass?". The checks run in the order of the variants; the first that fails names
/// the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(u8)]
pub enum Code {
    /// No credential.
    Missing,
    /// No credential of a known form, a bad checksum, or two that could each stand alone.
    Malformed,
    /// Unknown, deleted, or a wrong secret.
    NotFound,
    /// Taken out of service.
    Disabled,
    /// Awaits approval.
    Pending,
    /// Its end has come.
    Expired,
    /// Its beginning has not.
    NotYetValid,
    /// Its owner is disabled.
    OwnerDisabled,
    /// Its owner is locked.
    OwnerLocked,
    /// Its owner's account has expired.
    OwnerExpired,
    /// The client's address is outside a list.
    IpNotAllowed,
    /// The operation is in none of its sets, the request belongs to no API, or its path can be read in two ways.
    OperationNotAllowed,
    /// Too many requests in a window.
    RateLimited,
    /// Too many requests in a period.
    QuotaExceeded,
    /// May pass.
    Valid,
}

/// All codes, in the order of the checks.
pub const CODES: [Code; 15] = [
    Code::Missing,
    Code::Malformed,
    Code::NotFound,
    Code::Disabled,
    Code::Pending,
    Code::Expired,
    Code::NotYetValid,
    Code::OwnerDisabled,
    Code::OwnerLocked,
    Code::OwnerExpired,
    Code::IpNotAllowed,
    Code::OperationNotAllowed,
    Code::RateLimited,
    Code::QuotaExceeded,
    Code::Valid,
];

// === impl Code ===

impl Code {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Malformed => "MALFORMED",
            Self::NotFound => "NOT_FOUND",
            Self::Disabled => "DISABLED",
            Self::Pending => "PENDING",
            Self::Expired => "EXPIRED",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::OwnerDisabled => "OWNER_DISABLED",
            Self::OwnerLocked => "OWNER_LOCKED",
            Self::OwnerExpired => "OWNER_EXPIRED",
            Self::IpNotAllowed => "IP_NOT_ALLOWED",
            Self::OperationNotAllowed => "OPERATION_NOT_ALLOWED",
            Self::RateLimited => "RATE_LIMITED",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::Valid => "VALID",
        }
    }

    /// The status at a gateway door.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Valid => 200,
            Self::IpNotAllowed | Self::OperationNotAllowed => 403,
            Self::RateLimited | Self::QuotaExceeded => 429,
            _ => 401,
        }
    }

    /// One sentence for a person; says nothing that the code does not.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Missing => "The request carries no API key.",
            Self::Malformed => "The credential has no valid form, or there are two different ones.",
            Self::NotFound => "The API key is not valid.",
            Self::Disabled => "The API key is disabled.",
            Self::Pending => "The API key awaits approval.",
            Self::Expired => "The API key has expired.",
            Self::NotYetValid => "The API key is not valid yet.",
            Self::OwnerDisabled => "The owner of the API key is disabled.",
            Self::OwnerLocked => "The owner of the API key is locked.",
            Self::OwnerExpired => "The account of the API key's owner has expired.",
            Self::IpNotAllowed => "The API key may not be used from this address.",
            Self::OperationNotAllowed => "The API key does not allow this operation.",
            Self::RateLimited => "Too many requests.",
            Self::QuotaExceeded => "The quota is used up.",
            Self::Valid => "The request may pass.",
        }
    }

    /// Whether the caller has proved the secret, and so may learn whose key it is.
    pub const fn secret_was_right(self) -> bool {
        !matches!(self, Self::Missing | Self::Malformed | Self::NotFound)
    }

    /// Whether the request passed every check up to the limits: what counts as a use of the key.
    pub const fn is_use(self) -> bool {
        matches!(self, Self::Valid | Self::RateLimited | Self::QuotaExceeded)
    }

    /// The code of a key's state; `None` for an active one.
    pub const fn of_state(state: State) -> Option<Self> {
        match state {
            State::Deleted => Some(Self::NotFound),
            State::Disabled => Some(Self::Disabled),
            State::Pending => Some(Self::Pending),
            State::Expired => Some(Self::Expired),
            State::NotYetValid => Some(Self::NotYetValid),
            State::Active => None,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_the_order_and_serde_agree() {
        assert!(CODES.is_sorted());
        for code in CODES {
            assert_eq!(serde_json::to_value(code).expect("a code is a word"), code.as_str());
        }
    }

    #[test]
    fn only_proved_secrets_get_answers_beyond_401_not_found() {
        let silent: Vec<_> = CODES.into_iter().filter(|code| !code.secret_was_right()).collect();
        assert_eq!(silent, [Code::Missing, Code::Malformed, Code::NotFound]);
    }
}
