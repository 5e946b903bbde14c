//! The signatures of GitHub's secret scanning: ECDSA on P-256 with SHA-256 over the body as it came, by keys that GitHub
//! publishes at <https://api.github.com/meta/public_keys/secret_scanning>.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Around the base64 of a public key.
const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

#[derive(Deserialize)]
struct PublicKeys {
    public_keys: Vec<PublicKey>,
}

#[derive(Deserialize)]
struct PublicKey {
    key_identifier: String,
    key: String,
}

/// Whether the key of this id among `keys`, GitHub's own answer, signed `body`. The signature is base64 of its DER form.
///
/// # Errors
/// What is wrong with the keys.
pub fn is_signed(keys: &str, id: &str, signature: &str, body: &[u8]) -> Result<bool, String> {
    let keys: PublicKeys = serde_json::from_str(keys).map_err(|error| error.to_string())?;
    let Some(key) = keys.public_keys.iter().find(|key| key.key_identifier == id) else { return Ok(false) };
    let inner = key.key.trim().strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
    let no_pem = || format!("the key {id} is no PEM");
    let inner: String = inner.ok_or_else(no_pem)?.split_whitespace().collect();
    let key = STANDARD.decode(inner).map_err(|_| no_pem())?;
    let Ok(signature) = STANDARD.decode(signature) else { return Ok(false) };
    Ok(UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(body, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    /// GitHub's answer with this key alone.
    fn published(pair: &EcdsaKeyPair) -> String {
        let der = pair.public_key().as_der().expect("a public key");
        let key = format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(der.as_ref()));
        json!({"public_keys": [{"key_identifier": "k1", "key": key, "is_current": true}]}).to_string()
    }

    #[test]
    fn a_body_is_signed_by_the_key_that_is_named_and_as_it_came() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let sign = |pair: &EcdsaKeyPair, body: &[u8]| {
            STANDARD.encode(pair.sign(&SystemRandom::new(), body).expect("a signature").as_ref())
        };
        let keys = published(&pair);
        let body = b"[{}]";
        assert_eq!(is_signed(&keys, "k1", &sign(&pair, body), body), Ok(true));
        assert_eq!(is_signed(&keys, "k2", &sign(&pair, body), body), Ok(false), "another key is named");
        assert_eq!(is_signed(&keys, "k1", &sign(&other, body), body), Ok(false), "another key signed");
        assert_eq!(is_signed(&keys, "k1", &sign(&pair, body), b"[{} ]"), Ok(false), "another body");
        for signature in ["", "AA==", "?"] {
            assert_eq!(is_signed(&keys, "k1", signature, body), Ok(false), "{signature}");
        }
        assert!(is_signed("[]", "k1", "", body).is_err());
        let broken = json!({"public_keys": [{"key_identifier": "k1", "key": "?"}]}).to_string();
        assert!(is_signed(&broken, "k1", "", body).is_err());
    }
}
