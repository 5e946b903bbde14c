//! A certificate and its key, as they lie on the disk.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The most bytes of either file: a chain of certificates has a few thousand.
pub const TLS_FILE_BYTES_MAX: u64 = 1_048_576;
/// The most certificates of a chain.
const CHAIN_MAX: usize = 16;
/// Later than any certificate may end (RFC 5280 ends with the year 9999), in seconds since 1970.
const AFTER_ALL_SECONDS: u64 = 253_402_300_800;

/// The files of a listener's certificate and key, in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate, followed by those that lead to the authority that clients know.
    pub certificate_file: PathBuf,
    /// Its private key: PKCS#8, PKCS#1 or SEC1, without a passphrase.
    pub key_file: PathBuf,
}

/// Why a certificate and its key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A file holds something else than it should.
    #[error("{} {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// The key is another one than the certificate's.
    #[error("the key in {} is not that of the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
}

/// What both files hold, as bytes.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

/// A certificate with its key, ready for handshakes.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) certified: Arc<CertifiedKey>,
    /// `None` where the certificate does not say it in a way that can be read.
    pub(super) expires_at: Option<Timestamp>,
}

// === impl TlsFiles ===

impl TlsFiles {
    pub(super) fn read(&self) -> Result<Contents, TlsError> {
        Ok(Contents { certificate: read(&self.certificate_file)?, key: read(&self.key_file)?.into() })
    }

    /// Whether everybody on this machine can read the key.
    pub(super) fn is_key_exposed(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(&self.key_file).is_ok_and(|facts| facts.mode() & 0o004 != 0)
    }

    pub(super) fn parse(&self, contents: &Contents, provider: &CryptoProvider) -> Result<Certificate, TlsError> {
        let bad_certificate = |problem: String| malformed(&self.certificate_file, problem);
        let chain = CertificateDer::pem_slice_iter(&contents.certificate)
            .take(CHAIN_MAX + 1)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| bad_certificate(format!("is no PEM: {error}")))?;
        if chain.len() > CHAIN_MAX {
            return Err(bad_certificate(format!("holds more than {CHAIN_MAX} certificates")));
        }
        let expires_at = match chain.first() {
            Some(leaf) => expires_at(leaf),
            None => {
                return Err(bad_certificate("holds no certificate: expected -----BEGIN CERTIFICATE-----".to_owned()));
            }
        };
        let expected = "holds no private key: expected -----BEGIN PRIVATE KEY----- without a passphrase";
        let key =
            PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_| malformed(&self.key_file, expected.to_owned()))?;
        let loaded = provider.key_provider.load_private_key(key);
        // The reason is not repeated: it is about a secret.
        let key =
            loaded.map_err(|_| malformed(&self.key_file, "holds a key of a kind that is not known".to_owned()))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                let (key, certificate) = (self.key_file.clone(), self.certificate_file.clone());
                return Err(TlsError::Mismatch { key, certificate });
            }
            Err(error) => return Err(bad_certificate(format!("holds a certificate that cannot be read: {error}"))),
        }
        Ok(Certificate { certified: Arc::new(certified), expires_at })
    }
}

// === impl Contents ===

impl Contents {
    /// Tells whether a file has changed, without keeping the key.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update((self.certificate.len() as u64).to_be_bytes());
        digest.update(&self.certificate);
        digest.update(&self.key[..]);
        digest.finalize().into()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |error: std::io::Error| TlsError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(TLS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > TLS_FILE_BYTES_MAX {
        return Err(malformed(path, format!("has more than {TLS_FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn malformed(path: &Path, problem: String) -> TlsError {
    TlsError::Malformed { path: path.to_owned(), problem }
}

/// The instant after which clients refuse the certificate. Nothing tells it but the refusal at a time after it, which is
/// the first thing that is checked.
fn expires_at(leaf: &CertificateDer<'_>) -> Option<Timestamp> {
    let certificate = webpki::EndEntityCert::try_from(leaf).ok()?;
    let (algorithms, usage) = (webpki::ALL_VERIFICATION_ALGS, webpki::KeyUsage::server_auth());
    let late = UnixTime::since_unix_epoch(Duration::from_secs(AFTER_ALL_SECONDS));
    match certificate.verify_for_usage(algorithms, &[], &[], late, usage, None, None).map(drop) {
        Err(webpki::Error::CertExpired { not_after, .. }) => {
            Some(Timestamp::default().saturating_add(Duration::from_secs(not_after.as_secs())))
        }
        _ => None,
    }
}
