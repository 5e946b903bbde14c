//! Sealed values: what must be read again later, as ciphertext that opens only in its own place.
//!
//! AES-256-GCM under a key of its own for each organization and field, derived from the ring's sealing key by HKDF-SHA256
//! ([`SEAL_LABEL`], the field's word and the organization's id). The associated data is `organization ‖ record ‖ field`:
//! a ciphertext that is moved to another place in the database opens nothing.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::clock::Random;
use crate::id::{ApiUserId, KeyId, MailId, OrganizationId, UserId, WebhookId};
use crate::secret::Secret;

/// HKDF info before the field's word and the organization's 16 bytes.
pub const SEAL_LABEL: &str = "claviger/v1/seal/";

/// The root of all keys that seal values.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealingKey([u8; 32]);

/// Which value of a record is sealed; its word is part of key and associated data and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedField {
    /// The secret of a key that can be revealed.
    Secret,
    /// The identifier of a pair: its next password's digest covers it.
    Identifier,
    /// The secret of a key that signs: what a signature is checked with, never shown.
    Signing,
    /// The token of the link in a mail that waits.
    MailLink,
    /// The secret of one-time codes of a person.
    Totp,
    /// One that its person has not confirmed yet.
    NewTotp,
    /// The secret of one-time codes of an API user.
    ApiUserTotp,
    /// One that was shown in a session of an API user and is not confirmed yet.
    NewApiUserTotp,
    /// The key of the MAC that another system hashed in the place of an API user's password.
    ForeignMacKey,
    /// What a webhook's events are signed with.
    Webhook,
}

/// Where a sealed value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedPlace {
    organization: OrganizationId,
    /// The record's id, whose kind follows from the field.
    record: u128,
    field: SealedField,
}

/// A sealed value that does not open: changed, moved, or sealed under another ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open in its place")]
pub struct NotSealedHere;

// === impl SealingKey ===

impl SealingKey {
    /// A root from its 32 bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// Seals `value` for its place: nonce, ciphertext, tag.
    pub fn seal(&self, place: &SealedPlace, value: &Secret, random: &dyn Random) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut text = Zeroizing::new(value.expose().as_bytes().to_vec());
        let tag = self
            .key_of(place)
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.to_bytes()), &mut text)
            .unwrap_or_else(|_| unreachable!("a credential is within AES-GCM's limit"));
        [&nonce[..], &text[..], tag.as_ref()].concat()
    }

    /// Opens what [`Self::seal`] made for this very place.
    pub fn open(&self, place: &SealedPlace, sealed: &[u8]) -> Result<Secret, NotSealedHere> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(NotSealedHere)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealedHere)?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = self.key_of(place).open_in_place(nonce, Aad::from(place.to_bytes()), &mut text);
        let plain = plain.map_err(|_| NotSealedHere)?;
        Ok(Secret::new(std::str::from_utf8(plain).map_err(|_| NotSealedHere)?.to_owned()))
    }

    /// The root's bytes, for keys of other kinds.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn key_of(&self, place: &SealedPlace) -> LessSafeKey {
        let mut key = Zeroizing::new([0; 32]);
        let info = [SEAL_LABEL.as_bytes(), place.field.as_str().as_bytes(), &place.organization.as_raw().to_be_bytes()];
        Hkdf::<Sha256>::new(None, &self.0)
            .expand(&info.concat(), key.as_mut())
            .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF's limit of 255 blocks"));
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref());
        LessSafeKey::new(key.unwrap_or_else(|_| unreachable!("32 bytes are a key for AES-256")))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

// === impl SealedField ===

impl SealedField {
    /// The word in key and associated data, and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Identifier => "identifier",
            Self::Signing => "signing",
            Self::MailLink => "mail link",
            Self::Totp => "totp",
            Self::NewTotp => "new totp",
            Self::ApiUserTotp => "api user totp",
            Self::NewApiUserTotp => "new api user totp",
            Self::ForeignMacKey => "foreign mac key",
            Self::Webhook => "webhook",
        }
    }
}

// === impl SealedPlace ===

impl SealedPlace {
    /// A value of a key.
    pub const fn of_key(organization: OrganizationId, key: KeyId, field: SealedField) -> Self {
        Self { organization, record: key.as_raw(), field }
    }

    /// The link of a mail; one that is no organization's has an organization of zeros.
    pub fn of_mail(organization: Option<OrganizationId>, mail: MailId) -> Self {
        let organization = organization.unwrap_or(OrganizationId::from_raw(0));
        Self { organization, record: mail.as_raw(), field: SealedField::MailLink }
    }

    /// A value of an API user.
    pub const fn of_api_user(organization: OrganizationId, user: ApiUserId, field: SealedField) -> Self {
        Self { organization, record: user.as_raw(), field }
    }

    /// The secret of a webhook, also the one before it.
    pub const fn of_webhook(organization: OrganizationId, webhook: WebhookId) -> Self {
        Self { organization, record: webhook.as_raw(), field: SealedField::Webhook }
    }

    /// A value of a person, who is no organization's: it has an organization of zeros.
    pub const fn of_person(user: UserId, field: SealedField) -> Self {
        Self { organization: OrganizationId::from_raw(0), record: user.as_raw(), field }
    }

    /// `organization ‖ record ‖ field`; both ids have 16 bytes, so the parts cannot run into each other.
    fn to_bytes(self) -> Vec<u8> {
        let (organization, record) = (self.organization.as_raw().to_be_bytes(), self.record.to_be_bytes());
        [&organization[..], &record[..], self.field.as_str().as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    const PLACE: SealedPlace =
        SealedPlace::of_key(OrganizationId::from_raw(1), KeyId::from_raw(2), SealedField::Secret);

    #[test]
    fn a_sealed_value_opens_in_its_own_place_alone() {
        let root = SealingKey::new(&[7; 32]);
        let value = Secret::new("clv_live_secret".to_owned());
        let sealed = root.seal(&PLACE, &value, &FixedRandom::new(1));
        assert!(!sealed.windows(8).any(|part| part == b"clv_live"));
        assert_eq!(root.open(&PLACE, &sealed).expect("its place").expose(), value.expose());
        for moved in [
            SealedPlace { organization: OrganizationId::from_raw(9), ..PLACE },
            SealedPlace { record: 9, ..PLACE },
            SealedPlace { field: SealedField::Identifier, ..PLACE },
            SealedPlace { field: SealedField::Signing, ..PLACE },
            SealedPlace { field: SealedField::MailLink, ..PLACE },
            SealedPlace { field: SealedField::Totp, ..PLACE },
        ] {
            assert_eq!(root.open(&moved, &sealed).err(), Some(NotSealedHere), "{moved:?}");
        }
        assert!(SealingKey::new(&[8; 32]).open(&PLACE, &sealed).is_err());
    }

    #[test]
    fn the_secret_of_a_person_opens_for_nobody_else_and_not_before_it_is_confirmed() {
        let root = SealingKey::new(&[7; 32]);
        let (ann, bob) = (UserId::from_raw(1), UserId::from_raw(2));
        let value = Secret::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned());
        let sealed = root.seal(&SealedPlace::of_person(ann, SealedField::NewTotp), &value, &FixedRandom::new(1));
        for (user, field) in [(ann, SealedField::Totp), (bob, SealedField::NewTotp), (bob, SealedField::Totp)] {
            assert!(root.open(&SealedPlace::of_person(user, field), &sealed).is_err(), "{user} {field:?}");
        }
        assert!(root.open(&SealedPlace::of_person(ann, SealedField::NewTotp), &sealed).is_ok());
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let root = SealingKey::new(&[7; 32]);
        let sealed = root.seal(&PLACE, &Secret::new("value".to_owned()), &FixedRandom::new(1));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(root.open(&PLACE, &changed).is_err(), "{at}");
            assert!(root.open(&PLACE, &sealed[..at]).is_err(), "{at}");
        }
    }
}
