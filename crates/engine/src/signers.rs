//! Keys that sign: their secrets, opened, for those of which there is a copy and for no others.
//!
//! A signature does not say whose it is, so every signer of the provider is tried with it, whichever is right and whether one
//! is at all: sixteen keys, and as many secrets that overlap. Keys of organizations that a provider shares an API with do not
//! count by their signatures: they would have no bound.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::Key;
use claviger_domain::signature::{SIGNATURE_BYTES, SIGNED_BODY_BYTES_MAX, Signer, SigningSeal};
use claviger_domain::{KeyId, OrganizationId};
use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::presented::Presented;
use crate::reading::Part;

/// The signers of all organizations.
#[derive(Debug, Default)]
pub(crate) struct Signers {
    /// What opens the copies; without it nothing is signed here.
    seal: Option<SigningSeal>,
    held: RwLock<HashMap<OrganizationId, Arc<[HeldSigner]>>>,
}

/// One secret of a key that signs.
#[derive(Debug, Clone)]
pub(crate) struct HeldSigner {
    key: KeyId,
    /// By which the key is found, as if the secret itself had been sent.
    digest: CredentialDigest,
    signer: Signer,
}

// === impl Signers ===

impl Signers {
    /// Without any, and with what opens the copies.
    pub(crate) fn new(seal: Option<SigningSeal>) -> Self {
        Self { seal, held: RwLock::default() }
    }

    /// Those of an organization.
    pub(crate) fn of(&self, organization: OrganizationId) -> Option<Arc<[HeldSigner]>> {
        self.held.read().get(&organization).cloned()
    }

    /// Holds the secrets of a key of which none was held.
    pub(crate) fn insert(&self, key: &Key) {
        if key.signing.is_some() {
            self.put(key);
        }
    }

    /// Holds what the key signs with now, and nothing that it signed with before.
    pub(crate) fn set(&self, key: &Key) {
        let held = self.held.read();
        let is_held = held.get(&key.organization).is_some_and(|all| all.iter().any(|signer| signer.key == key.id));
        drop(held);
        if is_held || key.signing.is_some() {
            self.put(key);
        }
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, id: KeyId) {
        let mut held = self.held.write();
        held.retain(|_, all| {
            if all.iter().any(|signer| signer.key == id) {
                *all = all.iter().filter(|signer| signer.key != id).cloned().collect();
            }
            !all.is_empty()
        });
    }

    fn put(&self, key: &Key) {
        let now = self.opened(key);
        let mut held = self.held.write();
        let others = held.remove(&key.organization).unwrap_or_default();
        let all: Arc<[_]> = others.iter().filter(|signer| signer.key != key.id).cloned().chain(now).collect();
        if !all.is_empty() {
            held.insert(key.organization, all);
        }
    }

    /// The secrets of a key. One that does not open signs nothing; the key itself still counts.
    fn opened(&self, key: &Key) -> Vec<HeldSigner> {
        let (Some(seal), Some(copies)) = (&self.seal, key.signing.as_ref().filter(|_| key.deleted_at.is_none())) else {
            return Vec::new();
        };
        let before = copies.before.as_ref().zip(key.overlap.as_ref());
        let values = [(&copies.current, &key.secret)].into_iter().chain(before.map(|(copy, old)| (copy, &old.secret)));
        let opened = values.filter_map(|(copy, secret)| {
            let signer = Signer::new(&seal.open(key.organization, key.id, copy)?);
            Some(HeldSigner { key: key.id, digest: secret.digest, signer })
        });
        opened.collect()
    }
}

/// What the signatures of a request are: one secret's, or why nobody's. All signers are tried.
pub(crate) fn read(presented: &Presented<'_>, signers: &[HeldSigner]) -> Part {
    let mut signatures = presented.signatures().map(<[u8]>::trim_ascii).filter(|value| !value.is_empty());
    let Some(signature) = signatures.next() else { return Part::Empty };
    if signatures.any(|other| other != signature) {
        return Part::Unfit("two signatures");
    }
    let Some(signature) = decode(signature) else { return Part::Unfit("signature is no base64 of 32 bytes") };
    let body = match presented.body() {
        Err(check) => return Part::Unsigned(check),
        Ok([]) => return Part::Unsigned("signature of an empty body"),
        Ok(body) if body.len() > SIGNED_BODY_BYTES_MAX => return Part::Unsigned("body too large for a signature"),
        Ok(body) => body,
    };
    let by = signers.iter().fold(None, |by, held| {
        let is_by_this = held.signer.has_signed(body, &signature);
        if is_by_this { Some(held.digest) } else { by }
    });
    by.map_or(Part::Unsigned("signature of no key"), Part::Signed)
}

fn decode(signature: &[u8]) -> Option<[u8; SIGNATURE_BYTES]> {
    // Base64 of 32 bytes has 44 characters; the decoder asks for room by the estimate of three bytes for four characters.
    let mut bytes = [0; SIGNATURE_BYTES + 1];
    let length = STANDARD.decode_slice(signature, &mut bytes).ok()?;
    bytes[..length].try_into().ok()
}

#[cfg(test)]
mod tests {
    use claviger_domain::key::{Overlap, StoredSecret};
    use claviger_domain::keyring::Keyring;
    use claviger_domain::signature::SigningCopies;
    use claviger_domain::testing::FixedRandom;
    use claviger_domain::{Secret, Timestamp};

    use super::*;
    use crate::testing::{ORGANIZATION, key_of};

    fn ring() -> Keyring {
        Keyring::generate(&FixedRandom::new(1))
    }

    /// The secret of a key that signs, by its number.
    fn secret(number: u8) -> Secret {
        Secret::new(format!("secret {number}"))
    }

    fn signing(number: u8) -> Key {
        let mut key = key_of(number);
        let copy = ring().signing_seal().seal(key.organization, key.id, &secret(number), &FixedRandom::new(2));
        key.signing = Some(SigningCopies::of(copy));
        key
    }

    fn signers_of(keys: &[Key]) -> Signers {
        let signers = Signers::new(Some(ring().signing_seal()));
        for key in keys {
            signers.insert(key);
        }
        signers
    }

    fn signature(number: u8, body: &[u8]) -> String {
        STANDARD.encode(Signer::new(&secret(number)).sign(body))
    }

    /// Who signed a body, or why nobody did.
    fn read_by(signers: &Signers, signature: &str, body: Result<&[u8], &'static str>) -> Part {
        let presented = Presented::new().with_x_api_signature(signature.as_bytes()).with_body(body);
        read(&presented, &signers.of(ORGANIZATION).unwrap_or_default())
    }

    #[test]
    fn w_14_a_signature_finds_its_key_among_those_that_sign() {
        let signers = signers_of(&[signing(1), key_of(2), signing(3)]);
        for number in [1, 3] {
            let digest = key_of(number).secret.digest;
            assert_eq!(read_by(&signers, &signature(number, b"body"), Ok(b"body")), Part::Signed(digest));
        }
        let nobody = Part::Unsigned("signature of no key");
        assert_eq!(read_by(&signers, &signature(2, b"body"), Ok(b"body")), nobody, "it has no copy");
        assert_eq!(read_by(&signers, &signature(1, b"body"), Ok(b"other")), nobody);
        assert_eq!(read_by(&Signers::default(), &signature(1, b"body"), Ok(b"body")), nobody);
        assert!(signers.of(OrganizationId::from_raw(9)).is_none());
    }

    #[test]
    fn w_14_what_is_no_signature_of_a_whole_body_is_nobodys() {
        let signers = signers_of(&[signing(1)]);
        let right = signature(1, b"body");
        for (value, check) in [
            (right[1..].to_owned(), "signature is no base64 of 32 bytes"),
            (format!("{right}AAAA"), "signature is no base64 of 32 bytes"),
            (STANDARD.encode([0; 31]), "signature is no base64 of 32 bytes"),
            (STANDARD.encode([0; 33]), "signature is no base64 of 32 bytes"),
            (right.replace('=', "!"), "signature is no base64 of 32 bytes"),
        ] {
            assert_eq!(read_by(&signers, &value, Ok(b"body")), Part::Unfit(check), "{value}");
        }
        assert_eq!(read_by(&signers, " ", Ok(b"body")), Part::Empty);
        assert_eq!(read_by(&signers, &right, Err("why")), Part::Unsigned("why"));
        assert_eq!(read_by(&signers, &signature(1, b""), Ok(b"")), Part::Unsigned("signature of an empty body"));
        let largest = vec![7; SIGNED_BODY_BYTES_MAX];
        assert!(matches!(read_by(&signers, &signature(1, &largest), Ok(&largest)), Part::Signed(_)));
        let larger = vec![7; SIGNED_BODY_BYTES_MAX + 1];
        let refused = Part::Unsigned("body too large for a signature");
        assert_eq!(read_by(&signers, &signature(1, &larger), Ok(&larger)), refused);
        let two = Presented::new().with_x_api_signature(right.as_bytes()).with_x_api_signature(b"other");
        assert_eq!(read(&two.with_body(Ok(b"body")), &[]), Part::Unfit("two signatures"));
    }

    #[test]
    fn w_14_a_rotation_is_followed_and_a_copy_of_another_key_opens_nothing() {
        let mut key = signing(1);
        let signers = signers_of(&[key.clone(), signing(3)]);
        let seal = ring().signing_seal();
        let next = seal.seal(key.organization, key.id, &secret(2), &FixedRandom::new(3));
        let before = key.signing.take().map(|copies| copies.current);
        let stored = StoredSecret { digest: key_of(2).secret.digest, hint: String::new() };
        let old = std::mem::replace(&mut key.secret, stored);
        key.signing = Some(SigningCopies { current: next, before });
        key.overlap = Some(Overlap { secret: old, valid_until: Timestamp::from_micros(9) });
        signers.set(&key);
        let by = |number| read_by(&signers, &signature(number, b"body"), Ok(b"body"));
        assert_eq!(by(1), Part::Signed(key_of(1).secret.digest), "the one before overlaps");
        assert_eq!(by(2), Part::Signed(key_of(2).secret.digest));
        assert_eq!(by(3), Part::Signed(key_of(3).secret.digest));

        key.overlap = None;
        signers.set(&key);
        assert_eq!(by(1), Part::Unsigned("signature of no key"));
        key.deleted_at = Some(Timestamp::from_micros(9));
        signers.set(&key);
        assert_eq!(by(2), Part::Unsigned("signature of no key"));
        signers.remove(KeyId::from_raw(3));
        assert!(signers.of(ORGANIZATION).is_none());

        let moved = Key { signing: signing(1).signing, ..key_of(4) };
        signers.set(&moved);
        assert!(signers.of(ORGANIZATION).is_none());
    }
}
