//! The key hierarchy: a master secret that only wraps, and the ring of keys that do the work.
//!
//! The ring lives in the database, sealed under a key derived from the master secret; the master secret lives in a
//! file (or a variable) that is never in the database. Labels of the derivations (HKDF-SHA256, RFC 5869):
//! [`WRAP_LABEL`] and [`CHECK_LABEL`]; of a ring of version 1 also [`SEALING_LABEL`].

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::clock::Random;
use crate::digest::{Pepper, keyed};
use crate::sealing::SealingKey;

/// HKDF info of the key that wraps the ring.
pub const WRAP_LABEL: &str = "claviger/v1/keyring-wrap";
/// HKDF info of the value that tells a wrong master secret from a damaged ring.
pub const CHECK_LABEL: &str = "claviger/v1/master-check";
/// HKDF info of the sealing key of a ring that was made before rings had one.
pub const SEALING_LABEL: &str = "claviger/v1/sealing-of-ring-1";

/// The key-encryption key: 32 bytes, base64 in its file.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterSecret([u8; 32]);

/// A master secret that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 bytes in base64 (44 characters), as `head -c 32 /dev/urandom | base64` prints them")]
pub struct InvalidMasterSecret;

/// Why a sealed ring does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The check value is another master secret's.
    #[error("the master secret is not the one that this database was made with")]
    WrongMasterSecret,
    /// The right secret, but the sealed bytes were changed.
    #[error("the sealed key ring is damaged")]
    Damaged,
}

/// The ring as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKeyring {
    /// Tells whether a master secret is the right one, and nothing else about it.
    pub check: Vec<u8>,
    /// Nonce and AES-256-GCM ciphertext of the ring.
    pub sealed: Vec<u8>,
}

/// The keys in use.
#[derive(Clone)]
pub struct Keyring {
    bytes: KeyringBytes,
    pepper: Pepper,
    audit: AuditKey,
    fingerprint: FingerprintKey,
    sealing: SealingKey,
}

/// The MAC key of the audit chain.
#[derive(Clone)]
pub struct AuditKey(Hmac<Sha256>);

/// The MAC key of fingerprints kept for comparison only: cursors and request bodies.
#[derive(Clone)]
pub struct FingerprintKey(Hmac<Sha256>);

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct KeyringBytes {
    pepper: [u8; 32],
    audit: [u8; 32],
    fingerprint: [u8; 32],
    sealing: [u8; 32],
}

const RING_VERSION: u8 = 2;
const RING_LENGTH: usize = 1 + 4 * 32;
/// Rings of this version have no sealing key of their own.
const RING_VERSION_1: u8 = 1;
const RING_LENGTH_1: usize = 1 + 3 * 32;

// === impl MasterSecret ===

impl MasterSecret {
    /// A new one from `random`.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads the text of the file: base64, surrounding white space ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterSecret> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| InvalidMasterSecret)?);
        Ok(Self(bytes.as_slice().try_into().map_err(|_| InvalidMasterSecret)?))
    }

    /// The text for the file.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0))
    }

    fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, &self.0)
            .expand(label.as_bytes(), key.as_mut())
            .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF's limit of 255 blocks"));
        key
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterSecret")
    }
}

// === impl Keyring ===

impl Keyring {
    /// A new ring.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = KeyringBytes { pepper: [0; 32], audit: [0; 32], fingerprint: [0; 32], sealing: [0; 32] };
        for part in [&mut bytes.pepper, &mut bytes.audit, &mut bytes.fingerprint, &mut bytes.sealing] {
            random.fill(part);
        }
        Self::from_bytes(bytes)
    }

    /// Seals the ring for the database.
    pub fn seal(&self, master: &MasterSecret, random: &dyn Random) -> SealedKeyring {
        let mut ring = Zeroizing::new(Vec::with_capacity(RING_LENGTH + 16));
        ring.push(RING_VERSION);
        for part in [&self.bytes.pepper, &self.bytes.audit, &self.bytes.fingerprint, &self.bytes.sealing] {
            ring.extend_from_slice(part);
        }
        Self::wrap(ring, master, random)
    }

    fn wrap(mut ring: Zeroizing<Vec<u8>>, master: &MasterSecret, random: &dyn Random) -> SealedKeyring {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let tag = wrapping_key(master)
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(WRAP_LABEL.as_bytes()),
                &mut ring[..],
            )
            .unwrap_or_else(|_| unreachable!("129 bytes are within AES-GCM's limit"));
        let sealed = [&nonce[..], &ring[..], tag.as_ref()].concat();
        SealedKeyring { check: master.derive(CHECK_LABEL).to_vec(), sealed }
    }

    /// Opens a ring from the database.
    pub fn open(sealed: &SealedKeyring, master: &MasterSecret) -> Result<Self, KeyringError> {
        if !bool::from(master.derive(CHECK_LABEL).as_slice().ct_eq(&sealed.check)) {
            return Err(KeyringError::WrongMasterSecret);
        }
        let (nonce, ring) = sealed.sealed.split_at_checked(NONCE_LEN).ok_or(KeyringError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyringError::Damaged)?;
        let mut ring = Zeroizing::new(ring.to_vec());
        let plain = wrapping_key(master)
            .open_in_place(nonce, Aad::from(WRAP_LABEL.as_bytes()), &mut ring)
            .map_err(|_| KeyringError::Damaged)?;
        let part = |index: usize| plain.get(1 + 32 * index..33 + 32 * index).and_then(|part| part.try_into().ok());
        let (Some(pepper), Some(audit), Some(fingerprint)) = (part(0), part(1), part(2)) else {
            return Err(KeyringError::Damaged);
        };
        let sealing = match (plain.first(), plain.len()) {
            (Some(&RING_VERSION), RING_LENGTH) => part(3).ok_or(KeyringError::Damaged)?,
            (Some(&RING_VERSION_1), RING_LENGTH_1) => derive_sealing(&fingerprint),
            _ => return Err(KeyringError::Damaged),
        };
        Ok(Self::from_bytes(KeyringBytes { pepper, audit, fingerprint, sealing }))
    }

    /// The key of credential digests.
    pub fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    /// The key of the audit chain.
    pub fn audit(&self) -> &AuditKey {
        &self.audit
    }

    /// The key of fingerprints.
    pub fn fingerprint(&self) -> &FingerprintKey {
        &self.fingerprint
    }

    /// The root of the keys that seal values.
    pub fn sealing(&self) -> &SealingKey {
        &self.sealing
    }

    fn from_bytes(bytes: KeyringBytes) -> Self {
        Self {
            sealing: SealingKey::new(&bytes.sealing),
            pepper: Pepper::new(&bytes.pepper),
            audit: AuditKey(keyed(&bytes.audit)),
            fingerprint: FingerprintKey(keyed(&bytes.fingerprint)),
            bytes,
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

fn wrapping_key(master: &MasterSecret) -> LessSafeKey {
    let key = master.derive(WRAP_LABEL);
    LessSafeKey::new(
        UnboundKey::new(&AES_256_GCM, key.as_slice()).unwrap_or_else(|_| unreachable!("AES-256 takes 32 bytes")),
    )
}

/// What stands for the sealing key of a ring of version 1: derived, so that the ring stays one that every node can read.
fn derive_sealing(fingerprint: &[u8; 32]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, fingerprint)
        .expand(SEALING_LABEL.as_bytes(), &mut key)
        .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF's limit of 255 blocks"));
    key
}

// === impl AuditKey ===

impl AuditKey {
    /// The MAC over length-prefixed parts, so that no two lists of parts have the same bytes.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac_parts(&self.0, parts)
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}

// === impl FingerprintKey ===

impl FingerprintKey {
    /// The MAC over length-prefixed parts.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac_parts(&self.0, parts)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

fn mac_parts(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::CredentialKind;
    use crate::testing::FixedRandom;

    #[test]
    fn a_ring_opens_under_its_master_secret_alone() {
        let random = FixedRandom::new(11);
        let (master, other) = (MasterSecret::generate(&random), MasterSecret::generate(&random));
        let ring = Keyring::generate(&random);
        let sealed = ring.seal(&master, &random);
        let opened = Keyring::open(&sealed, &master).expect("the right secret opens the ring");
        let digest = |ring: &Keyring| ring.pepper().digest(CredentialKind::Single, b"x");
        assert_eq!(digest(&opened), digest(&ring));
        assert_eq!(opened.audit().mac(&[b"x"]), ring.audit().mac(&[b"x"]));
        assert_eq!(Keyring::open(&sealed, &other).err(), Some(KeyringError::WrongMasterSecret));
    }

    #[test]
    fn each_changed_byte_is_noticed() {
        let random = FixedRandom::new(12);
        let master = MasterSecret::generate(&random);
        let sealed = Keyring::generate(&random).seal(&master, &random);
        for at in 0..sealed.sealed.len() {
            let mut changed = sealed.clone();
            changed.sealed[at] ^= 1;
            assert_eq!(Keyring::open(&changed, &master).err(), Some(KeyringError::Damaged), "{at}");
        }
        let cut = SealedKeyring { sealed: sealed.sealed[..5].to_vec(), ..sealed };
        assert_eq!(Keyring::open(&cut, &master).err(), Some(KeyringError::Damaged));
    }

    #[test]
    fn a_ring_from_before_sealing_opens_and_always_gets_the_same_sealing_key() {
        let random = FixedRandom::new(5);
        let (master, ring) = (MasterSecret::generate(&random), Keyring::generate(&random));
        let parts = [&ring.bytes.pepper, &ring.bytes.audit, &ring.bytes.fingerprint];
        let old = Zeroizing::new([&[RING_VERSION_1][..], &parts.map(|part| &part[..]).concat()].concat());
        let sealed = Keyring::wrap(old, &master, &random);
        let opened = Keyring::open(&sealed, &master).expect("a ring of version 1");
        assert_eq!(opened.bytes.pepper, ring.bytes.pepper);
        assert_ne!(opened.bytes.sealing, opened.bytes.fingerprint);
        let again = Keyring::open(&opened.seal(&master, &random), &master).expect("sealed anew");
        assert_eq!(again.bytes.sealing, opened.bytes.sealing, "a new wrapping keeps it");
    }

    #[test]
    fn the_file_text_is_read_back_and_garbage_refused() {
        let master = MasterSecret::generate(&FixedRandom::new(1));
        let text = master.to_text();
        let read = MasterSecret::parse(&format!("{}\n", text.as_str())).expect("its own text is valid");
        assert_eq!(read.to_text(), text);
        for text in ["", "AAAA", "not base64 !", &"A".repeat(88)] {
            assert_eq!(MasterSecret::parse(text).err(), Some(InvalidMasterSecret), "{text}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let ring = Keyring::generate(&FixedRandom::new(2));
        assert_ne!(ring.audit().mac(&[b"ab", b"c"]), ring.audit().mac(&[b"a", b"bc"]));
        assert_ne!(ring.audit().mac(&[b"ab"]), ring.fingerprint().mac(&[b"ab"]));
    }
}
