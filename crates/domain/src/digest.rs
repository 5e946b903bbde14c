//! Keyed digests of credentials: all that is stored of a secret.
//!
//! digest = HMAC-SHA256(pepper, kind ‖ SHA-256(credential)). The kind is one byte, so that no kind of credential is
//! ever found as another; the inner SHA-256 lets a key be imported, or a leak be looked up, by its SHA-256 alone.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit};
use serde::{Deserialize, Serialize};
use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What a credential is used as; the byte is part of its digest and never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum CredentialKind {
    /// A single key, native or imported.
    Single = 1,
    /// `identifier ‖ 0 ‖ password` of a pair.
    Pair = 2,
    /// The identifier of a pair alone.
    PairIdentifier = 3,
    /// An application's password.
    ApplicationPassword = 4,
    /// A static token of an API user.
    StaticToken = 5,
    /// The token of a link that works once.
    LinkToken = 6,
    /// The SHA-512 of a single imported key of which nothing else is known.
    SingleSha512 = 7,
}

/// The digest of one credential.
#[derive(Clone, Copy, Eq)]
pub struct CredentialDigest([u8; 32]);

/// The key of credential digests: the states of SHA-256 behind the two padded keys of HMAC (RFC 2104), computed once.
///
/// A digest is three runs of the compression function and nothing else; `hmac`'s types, which buffer any message, take a
/// third longer. The test holds it against them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pepper {
    inner: [u32; 8],
    outer: [u32; 8],
}

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;
/// The most bytes that fit the last block, before the mark and the length.
const LAST_BLOCK_ROOM: usize = 55;
/// Where SHA-256 begins (FIPS 180-4, 5.3.3).
const BEGIN: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

// === impl Pepper ===

impl Pepper {
    /// A pepper from its 32 bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        let padded = |pad: u8| {
            let mut block = Zeroizing::new([pad; BLOCK]);
            block.iter_mut().zip(bytes).for_each(|(padded, byte)| *padded ^= byte);
            let mut state = BEGIN;
            compress256(&mut state, std::slice::from_ref(&*block));
            state
        };
        Self { inner: padded(0x36), outer: padded(0x5c) }
    }

    /// The digest under which a credential is stored and looked for.
    pub fn digest(&self, kind: CredentialKind, credential: &[u8]) -> CredentialDigest {
        let sha256 = if credential.len() <= LAST_BLOCK_ROOM {
            let mut block = [0; BLOCK];
            block[..credential.len()].copy_from_slice(credential);
            finish(BEGIN, 0, block, credential.len())
        } else {
            Sha256::digest(credential).into()
        };
        self.digest_of_sha256(kind, &sha256)
    }

    /// The digest of a pair: of its identifier and its password at once.
    pub fn digest_of_pair(&self, identifier: &[u8], password: &[u8]) -> CredentialDigest {
        let sha256 = Sha256::new().chain_update(identifier).chain_update([0]).chain_update(password).finalize();
        self.digest_of_sha256(CredentialKind::Pair, &sha256.into())
    }

    /// The digest of a single key that was imported by its SHA-512, which is looked for while there are such keys.
    pub fn digest_by_sha512(&self, credential: &[u8]) -> CredentialDigest {
        self.digest_of_sha512(&Sha512::digest(credential).into())
    }

    /// The same for whoever knows the SHA-512 alone.
    pub fn digest_of_sha512(&self, sha512: &[u8; 64]) -> CredentialDigest {
        self.digest(CredentialKind::SingleSha512, sha512)
    }

    /// The same as [`Self::digest`], for a credential of which only the SHA-256 is known (import, leak look-up).
    pub fn digest_of_sha256(&self, kind: CredentialKind, sha256: &[u8; 32]) -> CredentialDigest {
        let mut block = [0; BLOCK];
        block[0] = kind as u8;
        block[1..33].copy_from_slice(sha256);
        let inner = finish(self.inner, BLOCK, block, 33);
        let mut block = [0; BLOCK];
        block[..32].copy_from_slice(&inner);
        CredentialDigest(finish(self.outer, BLOCK, block, 32))
    }
}

/// SHA-256 of a message whose last `length` bytes stand in `block`, with zeros behind them; `behind` bytes of it are in
/// `state`.
#[inline]
fn finish(mut state: [u32; 8], behind: usize, mut block: [u8; BLOCK], length: usize) -> [u8; 32] {
    debug_assert!(length <= LAST_BLOCK_ROOM, "the length has its place in the same block");
    block[length] = 0x80;
    block[BLOCK - 8..].copy_from_slice(&(8 * (behind + length) as u64).to_be_bytes());
    compress256(&mut state, &[block]);
    let mut digest = [0; 32];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper")
    }
}

/// HMAC-SHA256 ready to be cloned for each message.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key of any length is a key for HMAC (RFC 2104); 32 bytes never fail.
    Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of every length"))
}

// === impl CredentialDigest ===

impl CredentialDigest {
    /// A digest as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for CredentialDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for CredentialDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Serialize for CredentialDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for CredentialDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("expected 32 bytes in base64"))
    }
}

impl fmt::Debug for CredentialDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialDigest")
    }
}

/// The SHA-256 that a text says: 64 hexadecimal digits, or base64 with or without its `=`.
pub fn sha256_of_text(text: &str) -> Option<[u8; 32]> {
    bytes_of_text(text)
}

/// The SHA-512 that a text says: 128 hexadecimal digits, or base64 with or without its `=`; also with `sha512$$` before it, as Django
/// writes it, whose package for API keys stores them so.
pub fn sha512_of_text(text: &str) -> Option<[u8; 64]> {
    bytes_of_text(text.strip_prefix("sha512$$").unwrap_or(text))
}

fn bytes_of_text<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() == 2 * N {
        let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        return bytes.try_into().ok();
    }
    let bytes = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use hmac::Mac as _;

    use super::*;

    #[test]
    fn a_digest_depends_on_pepper_kind_and_credential() {
        let pepper = Pepper::new(&[7; 32]);
        let digest = pepper.digest(CredentialKind::Single, b"a credential");
        assert_eq!(digest, pepper.digest(CredentialKind::Single, b"a credential"));
        assert_ne!(digest, pepper.digest(CredentialKind::Single, b"a credentiaL"));
        assert_ne!(digest, pepper.digest(CredentialKind::Pair, b"a credential"));
        assert_ne!(digest, Pepper::new(&[8; 32]).digest(CredentialKind::Single, b"a credential"));
    }

    #[test]
    fn a_pair_is_digested_as_one_value_with_its_parts_told_apart() {
        let pepper = Pepper::new(&[7; 32]);
        let digest = pepper.digest_of_pair(b"ci_1", b"password");
        assert_eq!(digest, pepper.digest(CredentialKind::Pair, b"ci_1\0password"));
        assert_ne!(digest, pepper.digest_of_pair(b"ci_1p", b"assword"));
        assert_ne!(digest, pepper.digest_of_pair(b"ci_1", b"passworD"));
        assert_ne!(digest, pepper.digest(CredentialKind::Single, b"ci_1\0password"));
    }

    #[test]
    fn a_digest_is_hmac_sha256_over_kind_and_sha256() {
        let key: [u8; 32] = std::array::from_fn(|at| at as u8 * 7);
        for length in 0..200 {
            let credential: Vec<u8> = (0..length).map(|at| (at * 31) as u8).collect();
            for kind in [CredentialKind::Single, CredentialKind::StaticToken] {
                let mut mac = keyed(&key);
                mac.update(&[kind as u8]);
                mac.update(&Sha256::digest(&credential));
                let expected: [u8; 32] = mac.finalize().into_bytes().into();
                assert_eq!(Pepper::new(&key).digest(kind, &credential).as_bytes(), &expected, "{length}");
            }
        }
    }

    #[test]
    fn the_digest_of_a_sha256_is_the_credentials() {
        let pepper = Pepper::new(&[7; 32]);
        let sha256: [u8; 32] = Sha256::digest(b"imported").into();
        assert_eq!(
            pepper.digest_of_sha256(CredentialKind::Single, &sha256),
            pepper.digest(CredentialKind::Single, b"imported")
        );
        assert_ne!(
            pepper.digest(CredentialKind::Single, &sha256),
            pepper.digest(CredentialKind::Single, b"imported"),
            "a SHA-256 handed to a door is no key"
        );
    }

    #[test]
    fn a_key_that_was_imported_by_its_sha512_is_found_by_its_value_and_by_no_other_way() {
        let pepper = Pepper::new(&[7; 32]);
        let sha512: [u8; 64] = Sha512::digest(b"imported").into();
        let digest = pepper.digest_by_sha512(b"imported");
        assert_eq!(digest, pepper.digest_of_sha512(&sha512));
        for other in [&b"imported"[..], &sha512] {
            assert_ne!(digest, pepper.digest(CredentialKind::Single, other), "the SHA-512 handed to a door is no key");
        }
    }

    #[test]
    fn a_sha512_is_said_in_hexadecimal_or_base64_or_as_django_has_it() {
        let bytes = [0xab; 64];
        let hex = "ab".repeat(64);
        for text in [hex.clone(), format!("sha512$${hex}"), STANDARD.encode(bytes), STANDARD_NO_PAD.encode(bytes)] {
            assert_eq!(sha512_of_text(&text), Some(bytes), "{text}");
        }
        for text in
            ["", "sha512$$", &"ab".repeat(32), &"ab".repeat(65), &format!("sha512$salt${hex}"), &format!("sha1$${hex}")]
        {
            assert_eq!(sha512_of_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_sha256_is_said_in_hexadecimal_or_base64() {
        let bytes = [0xab; 32];
        for text in ["ab".repeat(32), "AB".repeat(32), STANDARD.encode(bytes), STANDARD_NO_PAD.encode(bytes)] {
            assert_eq!(sha256_of_text(&text), Some(bytes), "{text}");
        }
        let (short, odd) = (STANDARD.encode([1; 31]), format!("{}g", "a".repeat(63)));
        for text in ["", "ab", &"ab".repeat(31), &"ab".repeat(33), &short, &odd, &"é".repeat(32)] {
            assert_eq!(sha256_of_text(text), None, "{text}");
        }
    }
}
