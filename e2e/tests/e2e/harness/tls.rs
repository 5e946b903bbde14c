//! An authority, its certificates, and clients that know it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Makes certificates for `localhost`.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// Its certificate, for programs.
    pub file: PathBuf,
}

/// A certificate and its key on the disk.
pub struct Files {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

// === impl Authority ===

impl Authority {
    /// A new one, whose certificate lies in `folder`.
    pub fn new(folder: &Path) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(Vec::new()).expect("no names");
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = wanted.self_signed(&key).expect("a certificate");
        let file = folder.join("ca.pem");
        std::fs::write(&file, certificate.pem()).expect("written");
        Self { certificate: certificate.der().clone(), issuer: Issuer::new(wanted, key), file }
    }

    /// Writes a new certificate that ends in `year`, and its key, over what `files` held.
    pub fn write(&self, files: &Files, year: i32) {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        wanted.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = wanted.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(&files.certificate, certificate.pem()).expect("written");
        std::fs::write(&files.key, key.serialize_pem()).expect("written");
    }

    /// A handshake as a client that knows the authority and offers `protocols`.
    pub async fn connect(&self, address: SocketAddr, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
    }
}

// === impl Files ===

impl Files {
    /// Files in `folder` that are not there yet.
    pub fn in_folder(folder: &Path) -> Self {
        Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
    }

    /// The certificate that lies there.
    pub fn leaf(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.certificate).expect("a certificate")
    }

    /// The variables that make a listener speak TLS with them.
    pub fn variables(&self, listener: &str) -> [(String, String); 2] {
        [("CERTIFICATE", &self.certificate), ("KEY", &self.key)]
            .map(|(part, file)| (format!("CLAVIGER_{listener}_TLS_{part}_FILE"), file.display().to_string()))
    }
}
