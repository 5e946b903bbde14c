//! Status profiles: with which status and sentence a provider's gateway doors refuse.

use crate::policy::StatusProfile;
use crate::verdict::Code;

// === impl StatusProfile ===

impl StatusProfile {
    /// The status at a gateway door.
    pub const fn http_status(self, code: Code) -> u16 {
        match self {
            Self::Default => code.http_status(),
            Self::Gotransverse => match code {
                Code::Missing | Code::OwnerDisabled | Code::OwnerLocked | Code::OwnerExpired => 401,
                _ if code.http_status() == 401 => 403,
                _ => code.http_status(),
            },
        }
    }

    /// The sentence at a gateway door.
    pub const fn detail(self, code: Code) -> &'static str {
        match self {
            Self::Default => code.detail(),
            Self::Gotransverse => match code {
                Code::Missing => "Authorization header not found",
                Code::OwnerDisabled => "User is Disabled",
                Code::OwnerLocked => "User account is locked",
                Code::OwnerExpired => "User account has expired",
                Code::IpNotAllowed | Code::OperationNotAllowed => "Access Denied",
                _ if code.http_status() == 401 => "Access to this API has been disallowed",
                _ => code.detail(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::CODES;

    #[test]
    fn gotransverse_answers_as_it_documents() {
        let told = |code| (StatusProfile::Gotransverse.http_status(code), StatusProfile::Gotransverse.detail(code));
        assert_eq!(told(Code::Missing), (401, "Authorization header not found"));
        assert_eq!(told(Code::OwnerDisabled), (401, "User is Disabled"));
        assert_eq!(told(Code::OwnerExpired), (401, "User account has expired"));
        assert_eq!(told(Code::OwnerLocked), (401, "User account is locked"));
        assert_eq!(told(Code::OperationNotAllowed), (403, "Access Denied"));
        assert_eq!(told(Code::IpNotAllowed), (403, "Access Denied"));
        for code in [Code::Malformed, Code::NotFound, Code::Disabled, Code::Pending, Code::Expired, Code::NotYetValid] {
            assert_eq!(told(code), (403, "Access to this API has been disallowed"), "{code}");
        }
        for code in [Code::RateLimited, Code::QuotaExceeded, Code::Valid] {
            assert_eq!(told(code), (code.http_status(), code.detail()), "{code}");
        }
    }

    #[test]
    fn the_default_is_the_codes_own() {
        for code in CODES {
            let told = (StatusProfile::Default.http_status(code), StatusProfile::Default.detail(code));
            assert_eq!(told, (code.http_status(), code.detail()));
        }
    }
}
