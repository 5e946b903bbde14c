//! Opens what an installation has encrypted: AES-256-CBC under its `encryptionPass`, with one initialization vector for all rows.
//! Both are cut to their length, or filled with zeros, as PHP's OpenSSL does. An installation that encrypts nothing has plain texts.

use std::path::Path;

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::Secret;
use zeroize::Zeroizing;

use super::tables::{Kind, Record, Tables};
use crate::cli::failure::Failure;
use crate::cli::input::read_credential;

/// The one method that is read, as OpenSSL calls it.
const METHOD: &str = "aes-256-cbc";

/// What opens secrets.
pub(super) enum Opener {
    /// They are plain.
    Plain,
    /// They are encrypted.
    Aes {
        /// The key.
        key: Zeroizing<[u8; 32]>,
        /// The vector.
        vector: [u8; 16],
    },
}

// === impl Opener ===

impl Opener {
    /// By what the dump and the files say.
    pub(super) fn find(tables: &Tables, pass: Option<&Path>, vector: Option<&Path>) -> Result<Self, Failure> {
        let row = encryption(tables)?;
        let Some(pass) = pass else {
            return match row {
                None if vector.is_none() => Ok(Self::Plain),
                _ => Err(Failure::usage("the installation encrypts its secrets: give --encryption-pass-file")),
            };
        };
        let vector = match (vector, row) {
            (Some(file), _) => read_credential(file)?,
            (None, Some(row)) => method_of(row)?,
            (None, None) => {
                let why = "the dump says nothing of an encryption: leave --encryption-pass-file out, or give --encryption-vector-file too";
                return Err(Failure::usage(why));
            }
        };
        let pass = read_credential(pass)?;
        Ok(Self::Aes { key: Zeroizing::new(filled(pass.expose())), vector: filled(vector.expose()) })
    }

    /// What a column holds; `None`: it does not open.
    pub(super) fn open(&self, stored: &Secret) -> Option<Secret> {
        let Self::Aes { key, vector } = self else { return Some(stored.clone()) };
        let mut bytes = Zeroizing::new(STANDARD.decode(stored.expose()).ok()?);
        let key = UnboundCipherKey::new(&AES_256, key.as_ref()).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let opened = key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from(*vector))).ok()?;
        Some(Secret::new(std::str::from_utf8(opened).ok()?.to_owned()))
    }
}

/// The row that says how secrets of the settings are encrypted, if they are.
fn encryption(tables: &Tables) -> Result<Option<&Record>, Failure> {
    // Later installations have a row for each area; that of the settings is the first.
    let is_of_settings = |row: &&Record| row.text("target").is_none_or(|target| matches!(target, "0" | "1"));
    let is_in_force = |row: &&Record| row.text("status").is_none_or(|status| status == "1");
    let mut rows = tables.of(Kind::Encryption).filter(is_of_settings).filter(is_in_force);
    let first = rows.next();
    match rows.next() {
        Some(second) => Err(Failure::usage(format!("line {}: a second encryption is in force", second.line))),
        None => Ok(first),
    }
}

fn method_of(row: &Record) -> Result<Secret, Failure> {
    let method = row.text("method").unwrap_or_default();
    if !method.eq_ignore_ascii_case(METHOD) {
        return Err(Failure::usage(format!(
            "line {}: secrets are encrypted by `{method}`; {METHOD} alone is read",
            row.line
        )));
    }
    row.secret("pass").ok_or_else(|| Failure::usage(format!("line {}: the encryption has no vector", row.line)))
}

fn filled<const N: usize>(text: &str) -> [u8; N] {
    let mut filled = [0; N];
    let bytes = text.as_bytes();
    let length = bytes.len().min(N);
    filled[..length].copy_from_slice(&bytes[..length]);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(key: &str, vector: &str, stored: &str) -> Option<String> {
        let opener = Opener::Aes { key: Zeroizing::new(filled(key)), vector: filled(vector) };
        opener.open(&Secret::new(stored.to_owned())).map(|text| text.expose().to_owned())
    }

    #[test]
    fn what_openssl_has_encrypted_opens_under_its_key_alone() {
        // printf 'the password' | openssl enc -aes-256-cbc -K <"yeti", filled with zeros> -iv <"1234567890123456"> -base64
        let stored = "6xEOm4Ofm26aq1rKPAeH8Q==";
        assert_eq!(opened("yeti", "1234567890123456", stored).as_deref(), Some("the password"));
        // What stands behind the longest key does not count.
        let long = format!("{}{}", "yeti", "\0".repeat(28));
        assert_eq!(opened(&format!("{long}more"), "1234567890123456", stored).as_deref(), Some("the password"));
        for (key, vector, stored) in [
            ("yet", "1234567890123456", stored),
            ("yeti", "1234567890123456", "no base64"),
            ("yeti", "", "AAAA"),
            ("yeti", "", ""),
        ] {
            assert_eq!(opened(key, vector, stored), None, "{key} {vector} {stored}");
        }
        assert_eq!(Opener::Plain.open(&Secret::new("as it is".into())).expect("plain").expose(), "as it is");
    }
}
