//! The key of a node's local snapshot: what stands in the file was written by this installation, and tells nobody anything.
//!
//! AES-256-GCM under a key of its own for each file, derived from the ring's sealing key by HKDF-SHA256 ([`SNAPSHOT_LABEL`] and
//! the file's head, which holds a random salt). Each part is sealed under its number and kind: none can be changed, moved,
//! left out or taken into another file. Only the end can be cut off.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::sealing::SealingKey;

/// HKDF info before the head of the file.
pub const SNAPSHOT_LABEL: &str = "claviger/v1/snapshot/";

/// The key of one file.
pub struct SnapshotKey(LessSafeKey);

/// A part that was not written there by this installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of the snapshot does not open in its place")]
pub struct NotWrittenHere;

// === impl SnapshotKey ===

impl SnapshotKey {
    /// The key of the file with this head, which holds a salt that no other file has.
    pub fn new(root: &SealingKey, head: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let info = [SNAPSHOT_LABEL.as_bytes(), head];
        Hkdf::<Sha256>::new(None, root.bytes())
            .expand_multi_info(&info, key.as_mut())
            .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF's limit of 255 blocks"));
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref());
        Self(LessSafeKey::new(key.unwrap_or_else(|_| unreachable!("32 bytes are a key for AES-256"))))
    }

    /// Seals part `number` in place; its tag is appended. No two parts have one number.
    pub fn seal(&self, number: u64, kind: u8, part: &mut Vec<u8>) {
        self.0
            .seal_in_place_append_tag(nonce(number), Aad::from([kind]), part)
            .unwrap_or_else(|_| unreachable!("a part is within AES-GCM's limit"));
    }

    /// Opens part `number` in place.
    pub fn open<'p>(&self, number: u64, kind: u8, part: &'p mut [u8]) -> Result<&'p [u8], NotWrittenHere> {
        let plain = self.0.open_in_place(nonce(number), Aad::from([kind]), part);
        plain.map(|plain| &*plain).map_err(|_| NotWrittenHere)
    }
}

impl fmt::Debug for SnapshotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotKey")
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_opens_in_its_place_alone() {
        let (root, other) = (SealingKey::new(&[7; 32]), SealingKey::new(&[8; 32]));
        let key = SnapshotKey::new(&root, b"head");
        let mut sealed = b"clv_live".to_vec();
        key.seal(3, 1, &mut sealed);
        assert!(!sealed.windows(4).any(|part| part == b"clv_"));
        let opens =
            |key: &SnapshotKey, number, kind, mut part: Vec<u8>| key.open(number, kind, &mut part).map(<[u8]>::to_vec);
        assert_eq!(opens(&key, 3, 1, sealed.clone()).as_deref(), Ok(&b"clv_live"[..]));
        for (key, number, kind) in [
            (&key, 4, 1),
            (&key, 3, 2),
            (&SnapshotKey::new(&root, b"heaD"), 3, 1),
            (&SnapshotKey::new(&other, b"head"), 3, 1),
        ] {
            assert_eq!(opens(key, number, kind, sealed.clone()), Err(NotWrittenHere));
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(opens(&key, 3, 1, changed).is_err(), "{at}");
            assert!(opens(&key, 3, 1, sealed[..at].to_vec()).is_err(), "{at}");
        }
    }
}
