//! The keys of signing in, derived from the ring's sealing key by HKDF-SHA256: what the database holds of passwords and
//! sessions cannot be tried out by whoever has the database alone.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::digest::keyed;
use crate::keyring::Keyring;

/// HKDF info of the secret that Argon2 takes beside password and salt (RFC 9106, 3.1: `K`).
pub const PASSWORD_LABEL: &str = "claviger/v1/password";
/// HKDF info of the key of digests of session tokens, and of what belongs to them.
pub const SESSION_LABEL: &str = "claviger/v1/session";

/// What passwords are hashed with beside their salt.
#[derive(Clone)]
pub struct PasswordKey(Zeroizing<[u8; 32]>);

/// The MAC key of session tokens and of what is counted about sign-ins.
#[derive(Clone)]
pub struct SessionKey(Zeroizing<[u8; 32]>);

/// What a digest under the [`SessionKey`] is of: none is ever found as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SessionDigest {
    /// The token of a session.
    Token = 1,
    /// The token that changes of a session bear.
    Csrf = 2,
    /// The token of a browser that has signed in before.
    Browser = 3,
    /// Who tries to sign in, and from where.
    Attempt = 4,
    /// A recovery code.
    RecoveryCode = 5,
    /// The token of a sign-in that waits for its code.
    Challenge = 6,
    /// The hash of the password with which such a sign-in began.
    PasswordHash = 7,
    /// The token of an API user's session.
    ApiToken = 8,
    /// A recovery code of an API user.
    ApiRecoveryCode = 9,
}

// === impl Keyring (its keys of signing in) ===

impl Keyring {
    /// What passwords are hashed with.
    pub fn password_key(&self) -> PasswordKey {
        PasswordKey(self.derived(PASSWORD_LABEL))
    }

    /// What tokens of sessions are digested with.
    pub fn session_key(&self) -> SessionKey {
        SessionKey(self.derived(SESSION_LABEL))
    }

    fn derived(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.sealing().bytes())
            .expand(label.as_bytes(), key.as_mut())
            .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF's limit of 255 blocks"));
        key
    }
}

// === impl PasswordKey ===

impl PasswordKey {
    /// The bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PasswordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordKey")
    }
}

// === impl SessionKey ===

impl SessionKey {
    /// The digest of `parts` as what `kind` says; lengths stand before the parts, so they cannot run into each other.
    pub fn digest(&self, kind: SessionDigest, parts: &[&[u8]]) -> [u8; 32] {
        use hmac::Mac as _;
        let mut mac = keyed(&self.0);
        mac.update(&[kind as u8]);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    #[test]
    fn digests_of_different_kinds_parts_and_rings_differ() {
        let ring = Keyring::generate(&FixedRandom::new(1));
        let key = ring.session_key();
        let digest = key.digest(SessionDigest::Token, &[b"ab", b"c"]);
        assert_eq!(digest, ring.session_key().digest(SessionDigest::Token, &[b"ab", b"c"]));
        assert_ne!(digest, key.digest(SessionDigest::Csrf, &[b"ab", b"c"]));
        assert_ne!(digest, key.digest(SessionDigest::Token, &[b"a", b"bc"]));
        let other = Keyring::generate(&FixedRandom::new(2));
        assert_ne!(digest, other.session_key().digest(SessionDigest::Token, &[b"ab", b"c"]));
        assert_ne!(ring.password_key().expose(), other.password_key().expose());
    }
}
