//! From what stood in the request to what may be a credential (security.md, rule 7).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use claviger_domain::credential::{CREDENTIAL_LENGTH_MAX, Form, form, is_native_shape};
use claviger_domain::digest::{CredentialDigest, CredentialKind, Pepper};
use claviger_domain::pair::is_identifier;

use crate::key_table::KeyTable;
use crate::presented::{FIELDS_MAX, Presented, Source};
use crate::signers::{self, HeldSigner};
#[cfg(test)]
use crate::testing::{Work, note};

/// The most bytes of a Basic value in base64: a user name and a credential of the longest kind.
const BASIC_LENGTH_MAX: usize = 4 * CREDENTIAL_LENGTH_MAX;
/// Basic values up to this many decoded bytes are decoded without an allocation.
const BASIC_INLINE: usize = 512;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What one field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing: an empty value, an empty name and password.
    Empty,
    /// Of native shape, mistyped or made up.
    BadChecksum,
    /// No known scheme, no base64, no text, or too short to be a credential; says which.
    Unfit(&'static str),
    /// A single key of native shape.
    Native(CredentialDigest),
    /// A value that may be an imported key.
    Opaque(CredentialDigest),
    /// A pair's identifier with a password: both at once are found or not.
    Pair(CredentialDigest),
    /// A signature under the secret of this digest.
    Signed(CredentialDigest),
    /// A signature that is nobody's; says why.
    Unsigned(&'static str),
    /// A user name and a password; the password may be an imported key, if it is long enough for one.
    Login(Option<CredentialDigest>),
}

/// All fields, read; secrets are digested here and go no further.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    parts: [Part; FIELDS_MAX],
    count: usize,
    /// More fields than are looked at.
    pub(crate) overflows: bool,
}

// === impl Part ===

impl Part {
    /// Of the value that may be looked up.
    pub(crate) fn digest(&self) -> Option<&CredentialDigest> {
        match self {
            Self::Native(digest)
            | Self::Opaque(digest)
            | Self::Pair(digest)
            | Self::Signed(digest)
            | Self::Login(Some(digest)) => Some(digest),
            Self::Empty | Self::BadChecksum | Self::Unfit(_) | Self::Unsigned(_) | Self::Login(None) => None,
        }
    }
}

// === impl Reading ===

impl Reading {
    /// Reads every field.
    pub(crate) fn of(presented: &Presented<'_>, pepper: &Pepper) -> Self {
        let mut reading = Self { parts: [Part::Empty; FIELDS_MAX], count: 0, overflows: presented.overflows() };
        for ((source, value), part) in presented.fields().zip(&mut reading.parts) {
            *part = match source {
                Source::Credential => bare(value, pepper),
                Source::ApiKey => bare(value.trim_ascii(), pepper),
                Source::Authorization => authorization(value.trim_ascii(), pepper),
                Source::Signature => Part::Unsigned("signature where none counts"),
            };
            reading.count += 1;
        }
        reading
    }

    /// Says what the signatures among the fields are, held against those of these secrets.
    pub(crate) fn hold_signatures(&mut self, presented: &Presented<'_>, signers: &[HeldSigner]) {
        let signed = signers::read(presented, signers);
        for ((source, _), part) in presented.fields().zip(&mut self.parts) {
            if source == Source::Signature {
                *part = signed;
            }
        }
    }

    /// The same with values that were imported by their SHA-512 under the digest of that. A value that is known by the other digest, or was,
    /// stays what it is. All are looked for by both, so that no answer takes longer than another.
    pub(crate) fn by_sha512(&self, presented: &Presented<'_>, pepper: &Pepper, keys: &KeyTable) -> Self {
        let mut found = *self;
        for ((source, value), part) in presented.fields().zip(&mut found.parts) {
            let (Part::Opaque(digest) | Part::Login(Some(digest))) = part else { continue };
            let by_sha512 = match source {
                Source::Credential => Some(pepper.digest_by_sha512(value)),
                Source::ApiKey => Some(pepper.digest_by_sha512(value.trim_ascii())),
                Source::Authorization => of_authorization(value.trim_ascii(), pepper),
                Source::Signature => None,
            };
            let Some(by_sha512) = by_sha512 else { continue };
            let (is_known, is_sha512) = (keys.find(digest).is_some(), keys.find(&by_sha512).is_some());
            if is_sha512 && !is_known {
                *digest = by_sha512;
            }
        }
        found
    }

    /// The digest of the only field.
    pub(crate) fn only_digest(&self) -> Option<&CredentialDigest> {
        match self.parts() {
            [only] => only.digest(),
            _ => None,
        }
    }

    /// What the fields hold, in order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts[..self.count]
    }
}

/// By the SHA-512 of what [`authorization`] takes for a value that may be imported.
fn of_authorization(value: &[u8], pepper: &Pepper) -> Option<CredentialDigest> {
    with_basic(value, |_, password| pepper.digest_by_sha512(password)).or_else(|| {
        let end = value.iter().position(u8::is_ascii_whitespace)?;
        Some(pepper.digest_by_sha512(value[end..].trim_ascii()))
    })
}

/// The value of `Authorization`: schemes compare without case (RFC 9110, 11.1). `Api-Key` is how djangorestframework-api-key has it.
fn authorization(value: &[u8], pepper: &Pepper) -> Part {
    if value.is_empty() {
        return Part::Empty;
    }
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"api-key") {
        bare(rest, pepper)
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        basic(rest, pepper)
    } else {
        Part::Unfit("unknown authorization scheme")
    }
}

/// A value that is the credential itself.
fn bare(value: &[u8], pepper: &Pepper) -> Part {
    if value.is_empty() {
        return Part::Empty;
    }
    let Ok(text) = std::str::from_utf8(value) else { return Part::Unfit("not UTF-8") };
    match form(text) {
        Form::BadChecksum => Part::BadChecksum,
        Form::Native => Part::Native(single(value, pepper)),
        Form::Opaque => Part::Opaque(single(value, pepper)),
        Form::Unfit => Part::Unfit("too short or too long"),
    }
}

fn single(value: &[u8], pepper: &Pepper) -> CredentialDigest {
    #[cfg(test)]
    note(Work::Digest(value.len()));
    pepper.digest(CredentialKind::Single, value)
}

fn pair(identifier: &[u8], password: &[u8], pepper: &Pepper) -> CredentialDigest {
    #[cfg(test)]
    note(Work::Digest(identifier.len() + 1 + password.len()));
    pepper.digest_of_pair(identifier, password)
}

/// Base64 of `user ":" password` (RFC 7617); the user name ends at the first colon.
fn basic(value: &[u8], pepper: &Pepper) -> Part {
    if value.is_empty() {
        return Part::Empty;
    }
    if value.len() > BASIC_LENGTH_MAX {
        return Part::Unfit("too short or too long");
    }
    // The header itself stands in the connection's buffer; wiping this copy of it would hide nothing.
    let mut inline = [0; BASIC_INLINE];
    let mut long = Vec::new();
    let buffer = if value.len().div_ceil(4) * 3 <= BASIC_INLINE {
        &mut inline[..]
    } else {
        long.resize(value.len(), 0);
        &mut long[..]
    };
    let Ok(length) = BASE64.decode_slice(value, buffer) else { return Part::Unfit("no base64") };
    let decoded = &buffer[..length];
    match decoded.iter().position(|&byte| byte == b':') {
        Some(colon) => name_and_password(&decoded[..colon], &decoded[colon + 1..], pepper),
        None => Part::Unfit("no user name and password"),
    }
}

/// Hands over what stands in a value of `Authorization` of the scheme Basic: user name and password.
pub(crate) fn with_basic<T>(value: &[u8], then: impl FnOnce(&[u8], &[u8]) -> T) -> Option<T> {
    let (scheme, rest) = value.split_at_checked(value.iter().position(u8::is_ascii_whitespace)?)?;
    let rest = rest.trim_ascii();
    if !scheme.eq_ignore_ascii_case(b"basic") || rest.len() > BASIC_LENGTH_MAX {
        return None;
    }
    let mut inline = [0; BASIC_INLINE];
    let mut long = Vec::new();
    let buffer = if rest.len().div_ceil(4) * 3 <= BASIC_INLINE {
        &mut inline[..]
    } else {
        long.resize(rest.len(), 0);
        &mut long[..]
    };
    let length = BASE64.decode_slice(rest, buffer).ok()?;
    let decoded = &buffer[..length];
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    Some(then(&decoded[..colon], &decoded[colon + 1..]))
}

/// In this order: a password of native shape, whatever the user name; a pair, by a user name of an identifier's form; a
/// password that may be an imported key, whatever the user name; else a name and a password.
fn name_and_password(name: &[u8], password: &[u8], pepper: &Pepper) -> Part {
    if password.is_empty() {
        return if name.is_empty() { Part::Empty } else { Part::Unfit("no password") };
    }
    if is_identifier(name) && !std::str::from_utf8(password).is_ok_and(is_native_shape) {
        return Part::Pair(pair(name, password, pepper));
    }
    match bare(password, pepper) {
        Part::Opaque(digest) => Part::Login(Some(digest)),
        Part::Unfit(_) | Part::Empty => Part::Login(None),
        part => part,
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use claviger_domain::credential::{Environment, KeyPrefix, generate_key};
    use claviger_domain::testing::FixedRandom;

    use super::*;

    fn read(presented: Presented<'_>) -> Part {
        Reading::of(&presented, &Pepper::new(&[1; 32])).parts()[0]
    }

    fn key() -> String {
        generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(5)).expose().to_owned()
    }

    fn basic_of(user: &[u8], password: &str) -> Part {
        let value = format!("Basic {}", STANDARD.encode([user, b":", password.as_bytes()].concat()));
        read(Presented::new().with_authorization(value.as_bytes()))
    }

    #[test]
    fn a_key_is_read_alike_wherever_it_stands() {
        let key = key();
        let expected = read(Presented::new().with_credential(&key));
        assert!(matches!(expected, Part::Native(_)));
        for value in [format!("Bearer {key}"), format!("bearer   {key} "), format!("BEARER\t{key}")] {
            assert_eq!(read(Presented::new().with_authorization(value.as_bytes())), expected, "{value}");
        }
        assert_eq!(read(Presented::new().with_x_api_key(format!(" {key}").as_bytes())), expected);
        for user in [&b""[..], b"anyone", "zażółć".as_bytes(), &[0xff, 0xfe], &[b'u'; 1024]] {
            assert_eq!(basic_of(user, &key), expected, "{user:?}");
        }
    }

    #[test]
    fn empty_values_are_none() {
        for value in ["", " ", "Bearer", "Bearer ", "Basic", "Basic Og=="] {
            assert_eq!(read(Presented::new().with_authorization(value.as_bytes())), Part::Empty, "{value}");
        }
        assert_eq!(read(Presented::new().with_x_api_key(b"  ")), Part::Empty);
        assert_eq!(read(Presented::new().with_credential("")), Part::Empty);
    }

    #[test]
    fn what_is_no_credential_is_unfit() {
        let bad = [&b"Digest x"[..], b"Bearer short", b"Basic !!!!", b"Basic YQ", b"clv_live", b"Bearer \xff\xff"];
        for value in bad {
            assert!(matches!(read(Presented::new().with_authorization(value)), Part::Unfit(_)), "{value:?}");
        }
        assert!(matches!(basic_of(key().as_bytes(), ""), Part::Unfit("no password")));
    }

    #[test]
    fn a_password_may_hold_colons_and_be_short() {
        assert_eq!(basic_of(b"user", "pass:word"), Part::Login(None));
        assert!(matches!(basic_of(b"user", "pass:word:with:many:colons"), Part::Login(Some(_))));
        assert_eq!(basic_of(b"user", &format!("{}0", &key()[..46])), Part::BadChecksum);
    }

    #[test]
    fn a_pair_is_told_by_its_identifier_unless_the_password_is_a_key() {
        let (identifier, password) = (b"ci_0123456789abcdefghIJ", "p".repeat(43));
        let pair = Part::Pair(Pepper::new(&[1; 32]).digest_of_pair(identifier, password.as_bytes()));
        assert_eq!(basic_of(identifier, &password), pair);
        assert!(matches!(basic_of(identifier, "short"), Part::Pair(_)), "whatever the password's length");
        assert!(matches!(basic_of(identifier, &key()), Part::Native(_)));
        assert_eq!(basic_of(identifier, &format!("{}0", &key()[..46])), Part::BadChecksum);
        assert!(matches!(basic_of(identifier, ""), Part::Unfit("no password")));
        assert!(matches!(basic_of(b"anyone", &password), Part::Login(Some(_))), "no pair without its identifier");
        let bare = std::str::from_utf8(identifier).expect("ASCII");
        assert!(matches!(read(Presented::new().with_credential(bare)), Part::Opaque(_)));
    }

    #[test]
    fn more_fields_than_the_most_are_noticed() {
        let many = (0..=FIELDS_MAX).fold(Presented::new(), |all, _| all.with_credential("x"));
        let reading = Reading::of(&many, &Pepper::new(&[1; 32]));
        assert!(reading.overflows && reading.parts().len() == FIELDS_MAX);
    }
}
