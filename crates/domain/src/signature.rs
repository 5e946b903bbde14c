//! Signatures in the place of a key: base64 of HMAC-SHA256 over the raw body of a request, with the key as its key.
//!
//! To check one, the key itself is needed: of keys that sign there is a copy in their record, sealed for its own key alone
//! ([`SealedField::Signing`]), which no interface opens. A signature names neither its key nor an instant, so it can be sent
//! again with the same body.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::clock::Random;
use crate::id::{KeyId, OrganizationId};
use crate::keyring::Keyring;
use crate::sealing::{SealedField, SealedPlace, SealingKey};
use crate::secret::Secret;

/// The most bytes of a body that a signature is held against: 64 KiB.
pub const SIGNED_BODY_BYTES_MAX: usize = 65_536;
/// The most living keys of an organization that sign: each is tried with every signature.
pub const SIGNING_KEYS_MAX: usize = 16;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 32;

/// A secret, sealed in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret(Vec<u8>);

/// Sealed copies of the secrets of a key that signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningCopies {
    /// That of the current secret.
    pub current: SealedSecret,
    /// That of the one before, while it overlaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<SealedSecret>,
}

/// What seals and opens the copies, and nothing else that is sealed.
#[derive(Clone)]
pub struct SigningSeal(SealingKey);

/// A secret as the key of signatures: it can check one, and is never shown.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

// === impl SealedSecret ===

impl Serialize for SealedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for SealedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|_| serde::de::Error::custom("expected base64"))
    }
}

// === impl SigningCopies ===

impl SigningCopies {
    /// Of one secret.
    pub fn of(current: SealedSecret) -> Self {
        Self { current, before: None }
    }
}

// === impl Keyring (its seal of copies) ===

impl Keyring {
    /// What seals the secrets of keys that sign.
    pub fn signing_seal(&self) -> SigningSeal {
        SigningSeal(self.sealing().clone())
    }
}

// === impl SigningSeal ===

impl SigningSeal {
    /// Seals the secret of a key.
    pub fn seal(&self, organization: OrganizationId, key: KeyId, secret: &Secret, random: &dyn Random) -> SealedSecret {
        SealedSecret(self.0.seal(&place(organization, key), secret, random))
    }

    /// The secret of a key; `None`: it is no copy of this key's, or was changed.
    pub fn open(&self, organization: OrganizationId, key: KeyId, sealed: &SealedSecret) -> Option<Secret> {
        self.0.open(&place(organization, key), &sealed.0).ok()
    }
}

const fn place(organization: OrganizationId, key: KeyId) -> SealedPlace {
    SealedPlace::of_key(organization, key, SealedField::Signing)
}

impl fmt::Debug for SigningSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSeal")
    }
}

// === impl Signer ===

impl Signer {
    /// Signs with a secret.
    pub fn new(secret: &Secret) -> Self {
        let key = Hmac::new_from_slice(secret.expose().as_bytes());
        Self(key.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")))
    }

    /// The signature of a body.
    pub fn sign(&self, body: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.clone().chain_update(body).finalize().into_bytes().into()
    }

    /// Whether a signature is this secret's over a body; the time does not say how much of it is right.
    pub fn has_signed(&self, body: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.sign(body).ct_eq(signature).into()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;
    use crate::testing::FixedRandom;

    #[test]
    fn w_14_a_signature_is_hmac_sha256_over_the_body() {
        // RFC 4231, 4.3.
        let signer = Signer::new(&Secret::new("Jefe".to_owned()));
        let signature = signer.sign(b"what do ya want for nothing?");
        assert_eq!(hex(&signature), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(signer.has_signed(b"what do ya want for nothing?", &signature));
        assert!(!signer.has_signed(b"what do ya want for nothing!", &signature));
        let mut other = signature;
        other[31] ^= 1;
        assert!(!signer.has_signed(b"what do ya want for nothing?", &other));
    }

    #[test]
    fn w_14_a_copy_opens_for_its_own_key_alone_and_is_no_copy_that_can_be_shown() {
        let random = FixedRandom::new(1);
        let ring = Keyring::generate(&random);
        let (seal, secret) = (ring.signing_seal(), Secret::new("clv_live_secret".to_owned()));
        let (organization, key) = (OrganizationId::from_raw(1), KeyId::from_raw(2));
        let sealed = seal.seal(organization, key, &secret, &random);
        let opened = seal.open(organization, key, &sealed).expect("its own");
        assert_eq!(opened.expose(), secret.expose());
        assert!(seal.open(organization, KeyId::from_raw(3), &sealed).is_none());
        assert!(seal.open(OrganizationId::from_raw(3), key, &sealed).is_none());
        let shown = SealedPlace::of_key(organization, key, SealedField::Secret);
        assert!(ring.sealing().open(&shown, &sealed.0).is_err());
    }

    #[test]
    fn neither_a_signer_nor_a_seal_can_be_printed() {
        let ring = Keyring::generate(&FixedRandom::new(1));
        let signer = Signer::new(&Secret::new("Jefe".to_owned()));
        assert_eq!(format!("{signer:?} {:?}", ring.signing_seal()), "Signer SigningSeal");
    }

    #[test]
    fn copies_are_read_as_they_were_written() {
        let copies = SigningCopies { current: SealedSecret(vec![0, 255]), before: None };
        let text = serde_json::to_string(&copies).expect("JSON");
        assert_eq!(text, r#"{"current":"AP8="}"#);
        assert_eq!(serde_json::from_str::<SigningCopies>(&text).expect("the same"), copies);
        assert!(serde_json::from_str::<SigningCopies>(r#"{"current":"?"}"#).is_err());
    }
}
