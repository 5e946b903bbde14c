//! By what the command line knows a server that speaks TLS.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::{Certificate, ClientBuilder};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};

use super::failure::Failure;

/// The most bytes of a file of authorities: the system's own has 200 KB.
const CA_FILE_BYTES_MAX: u64 = 4 * 1_024 * 1_024;

/// By what a server is known.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// The authorities that this machine knows, and those in a file.
    Authorities(Option<PathBuf>),
    /// Its very certificate, which it wrote into its data directory, whatever name that is for and whoever made it.
    Certificate([u8; 32]),
}

/// Knows one certificate.
#[derive(Debug)]
struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

// === impl Trust ===

impl Trust {
    /// A client that trusts just so.
    pub(super) fn apply(&self, client: ClientBuilder) -> Result<ClientBuilder, Failure> {
        match self {
            Self::Authorities(None) => Ok(client),
            Self::Authorities(Some(file)) => {
                let wrong = |reason: String| Failure::usage(format!("CLAVIGER_CA_FILE: {}: {reason}", file.display()));
                let length = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?.len();
                if length > CA_FILE_BYTES_MAX {
                    return Err(wrong(format!("has more than {CA_FILE_BYTES_MAX} bytes")));
                }
                let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
                let authorities = Certificate::from_pem_bundle(&pem).unwrap_or_default();
                if authorities.is_empty() {
                    return Err(wrong("expected certificates in PEM".to_owned()));
                }
                Ok(client.tls_certs_merge(authorities))
            }
            Self::Certificate(sha256) => {
                let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let pinned = Pinned { sha256: *sha256, provider: Arc::clone(&provider) };
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|error| Failure::usage(format!("cannot make a client: {error}")))?
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(pinned))
                    .with_no_client_auth();
                Ok(client.tls_backend_preconfigured(config))
            }
        }
    }
}

// === impl Pinned ===

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if <[u8; 32]>::from(Sha256::digest(certificate)) == self.sha256 {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
