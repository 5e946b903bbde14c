//! Values that others made: given as they are, or as their SHA-256.

use claviger_domain::Secret;
use claviger_domain::credential::{CREDENTIAL_LENGTH_MAX, Form, OPAQUE_LENGTH_MIN, form, hint};
use claviger_domain::digest::{CredentialKind, sha256_of_text, sha512_of_text};
use claviger_domain::key::{SHA512_HINT, StoredSecret};
use claviger_domain::keyring::Keyring;
use claviger_store::{Conn, organizations};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::Error;

/// A value that others made, in one of two forms.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedValue {
    /// The value itself: 22 characters or more, and not of the shape of this server's own keys.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub value: Option<Secret>,
    /// The SHA-256 of the value's bytes, in hexadecimal or base64; such a key has no hint.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub sha256: Option<Secret>,
    /// The SHA-512 of the value's bytes, in hexadecimal or base64, also with `sha512$$` before it as Django has it; such a key has no hint.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub sha512: Option<Secret>,
}

// === impl ImportedValue ===

impl ImportedValue {
    /// The one of the two fields that is there.
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self { sha256: Some(_), .. } => "import.sha256",
            Self { sha512: Some(_), .. } => "import.sha512",
            _ => "import.value",
        }
    }

    /// What every value is told that cannot be imported, whatever the reason: so nobody learns here which values are in use.
    pub(super) fn refused(&self) -> Error {
        let form = match self.field() {
            "import.sha256" => "the SHA-256 of a value in hexadecimal or base64".to_owned(),
            "import.sha512" => "the SHA-512 of a value in hexadecimal or base64".to_owned(),
            _ => format!(
                "a value of {OPAQUE_LENGTH_MIN} to {CREDENTIAL_LENGTH_MAX} bytes without control characters or white \
                 space around it, not of the shape of this server's own keys"
            ),
        };
        Error::field(
            self.field(),
            format!("cannot be imported: expected {form}, that is in no other row and no other key"),
        )
    }

    /// What is stored of it.
    pub(super) fn stored(&self, keyring: &Keyring) -> Result<StoredSecret, Error> {
        match (&self.value, &self.sha256, &self.sha512) {
            (Some(value), None, None) if is_fit(value.expose()) => {
                let digest = keyring.pepper().digest(CredentialKind::Single, value.expose().as_bytes());
                Ok(StoredSecret { digest, hint: hint(value) })
            }
            (None, Some(sha256), None) => {
                let bytes = sha256_of_text(sha256.expose()).ok_or_else(|| self.refused())?;
                let digest = keyring.pepper().digest_of_sha256(CredentialKind::Single, &bytes);
                Ok(StoredSecret { digest, hint: String::new() })
            }
            (None, None, Some(sha512)) => {
                let bytes = sha512_of_text(sha512.expose()).ok_or_else(|| self.refused())?;
                let digest = keyring.pepper().digest_of_sha512(&bytes);
                Ok(StoredSecret { digest, hint: SHA512_HINT.to_owned() })
            }
            (Some(_), None, None) => Err(self.refused()),
            _ => Err(Error::field("import", "expected one of `value`, `sha256` and `sha512`")),
        }
    }
}

/// With several organizations in the installation keys are imported by its operator's leave alone: a value that cannot be
/// imported may be another one's. `given` is that leave. Asked in the transaction that writes: a second organization may come
/// while an import is under way.
pub(crate) async fn check_leave(conn: &mut Conn, given: bool) -> Result<(), Error> {
    if given || organizations::count(conn).await? <= 1 {
        return Ok(());
    }
    Err(Error::forbidden(
        "There are several organizations: keys are imported by the operator's leave alone, the setting \
         control.imports_with_several_organizations.",
    ))
}

/// Whether a value can be an imported key: what a door would look for, as it would come there.
fn is_fit(value: &str) -> bool {
    form(value) == Form::Opaque && value.trim() == value && !value.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use claviger_domain::testing::FixedRandom;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn read(value: Option<&str>, sha256: Option<&str>) -> Result<StoredSecret, Error> {
        let secret = |text: &str| Secret::new(text.to_owned());
        let import = ImportedValue { value: value.map(secret), sha256: sha256.map(secret), sha512: None };
        import.stored(&Keyring::generate(&FixedRandom::new(1)))
    }

    fn hex(value: &str) -> String {
        Sha256::digest(value).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn a_value_and_its_sha256_are_the_same_key_but_for_the_hint() {
        let value = "sk-0123456789abcdefghij";
        let (plain, hashed) = (read(Some(value), None).expect("fit"), read(None, Some(&hex(value))).expect("fit"));
        assert_eq!(plain.digest, hashed.digest);
        assert_eq!((plain.hint.as_str(), hashed.hint.as_str()), ("…ghij", ""));
        assert_eq!(read(None, Some(&hex(value).to_uppercase())).expect("fit").digest, plain.digest);
    }

    #[test]
    fn what_no_door_would_look_for_is_refused_with_one_sentence() {
        let native = format!("clv_live_{}", "a".repeat(38));
        let long = "x".repeat(CREDENTIAL_LENGTH_MAX + 1);
        let told = |value: &str| read(Some(value), None).expect_err(value).to_string();
        let sentence = told("short");
        for value in [&"x".repeat(21), &native, " sk-0123456789abcdefghij", "sk-0123456789\nabcdefghij", &long, ""] {
            assert_eq!(told(value), sentence, "{value}");
        }
        for sha256 in ["", "zz", &"a".repeat(63), &"g".repeat(64), &"a".repeat(65)] {
            assert_eq!(read(None, Some(sha256)).expect_err(sha256).errors()[0].field, "import.sha256");
        }
        assert_eq!(read(None, None).expect_err("neither").errors()[0].field, "import");
        assert_eq!(read(Some("a"), Some("b")).expect_err("both").errors()[0].field, "import");
    }
}
