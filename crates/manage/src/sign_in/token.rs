//! What a browser holds: the token of its session, and that of a browser that has signed in before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::keyring::Keyring;
use claviger_domain::sign_in_key::SessionDigest;
use claviger_domain::{Random, Secret, UserId};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const TOKEN_BYTES: usize = 32;
const BROWSER_BYTES: usize = 16;
const MAC_BYTES: usize = 32;

/// The token of a session: 32 random bytes, in base64 for URLs.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; TOKEN_BYTES]>);

/// A browser in which somebody has signed in before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Browser(pub(crate) [u8; BROWSER_BYTES]);

// === impl Token ===

impl Token {
    /// A new one.
    pub fn draw(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        random.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Reads what [`Self::to_text`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    /// The cookie's value, or what the second step of a sign-in bears.
    pub(crate) fn to_text(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// Under which its session is found.
    pub(crate) fn digest(&self, keyring: &Keyring) -> CredentialDigest {
        CredentialDigest::from_bytes(keyring.session_key().digest(SessionDigest::Token, &[self.0.as_slice()]))
    }

    /// Under which a sign-in is found that waits for its code: no such token is ever that of a session.
    pub(crate) fn challenge_digest(&self, keyring: &Keyring) -> CredentialDigest {
        CredentialDigest::from_bytes(keyring.session_key().digest(SessionDigest::Challenge, &[self.0.as_slice()]))
    }

    /// What changes of its session bear.
    pub(crate) fn csrf(&self, keyring: &Keyring) -> Secret {
        let digest = keyring.session_key().digest(SessionDigest::Csrf, &[self.0.as_slice()]);
        Secret::new(URL_SAFE_NO_PAD.encode(digest))
    }

    /// Whether `text` is what changes of its session bear; in constant time.
    pub(crate) fn has_csrf(&self, keyring: &Keyring, text: &[u8]) -> bool {
        self.csrf(keyring).expose().as_bytes().ct_eq(text).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

// === impl Browser ===

impl Browser {
    /// A browser in which somebody signs in for the first time.
    pub(crate) fn draw(random: &dyn Random) -> Self {
        let mut bytes = [0; BROWSER_BYTES];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// The cookie's value: only for the person who has signed in there.
    pub(crate) fn to_text(self, keyring: &Keyring, user: UserId) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode([&self.0[..], &self.mac(keyring, user)[..]].concat()))
    }

    /// Reads a cookie's value, if this person has signed in there.
    pub(crate) fn parse(text: &str, keyring: &Keyring, user: UserId) -> Option<Self> {
        let bytes: [u8; BROWSER_BYTES + MAC_BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (id, mac) = bytes.split_at(BROWSER_BYTES);
        let browser = Self(id.try_into().ok()?);
        bool::from(browser.mac(keyring, user).ct_eq(mac)).then_some(browser)
    }

    fn mac(self, keyring: &Keyring, user: UserId) -> [u8; MAC_BYTES] {
        keyring.session_key().digest(SessionDigest::Browser, &[&self.0, &user.as_raw().to_be_bytes()])
    }
}
