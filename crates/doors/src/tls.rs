//! TLS of a listener: a certificate that is checked before anything is opened, and exchanged while connections live on.

mod files;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use claviger_domain::Timestamp;
use parking_lot::Mutex;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
pub use tokio_rustls::server::TlsStream;

use files::Certificate;
pub use files::{TLS_FILE_BYTES_MAX, TlsError, TlsFiles};

/// How long a handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshakes of one listener that may be under way at once: each costs the processor most of what a connection costs.
pub const HANDSHAKES_MAX: usize = 1_024;
/// What is agreed on with clients that ask (ALPN), the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS of one listener. Clones share it.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    config: Arc<ServerConfig>,
    held: Arc<Held>,
    /// What the files held when they were read last, for good or bad.
    read_last: Mutex<Option<[u8; 32]>>,
    handshakes: Semaphore,
}

/// The certificate that new connections get.
#[derive(Debug)]
struct Held(ArcSwap<Certificate>);

/// What came of looking at the files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// They hold what they held when they were looked at last.
    Unchanged,
    /// New connections get another certificate.
    Exchanged,
}

// === impl Tls ===

impl Tls {
    /// Reads and checks the files.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let contents = files.read()?;
        let held = Arc::new(Held(ArcSwap::from_pointee(files.parse(&contents, &provider)?)));
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|error| unreachable!("the provider has the cipher suites of TLS 1.2 and 1.3: {error}"));
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&held) as Arc<_>);
        config.alpn_protocols = PROTOCOLS.iter().map(|protocol| protocol.to_vec()).collect();
        if files.is_key_exposed() {
            tracing::warn!("everybody on this machine can read the key {}: chmod 600", files.key_file.display());
        }
        Ok(Self(Arc::new(Inner {
            files,
            provider,
            config: Arc::new(config),
            held,
            read_last: Mutex::new(Some(contents.digest())),
            handshakes: Semaphore::new(HANDSHAKES_MAX),
        })))
    }

    /// Looks at the files again. What is wrong with them is told once, until they change or `again` asks for it; the
    /// certificate that is held stays in force then. Blocks on the disk.
    pub fn reload(&self, again: bool) -> Result<Reloaded, TlsError> {
        let Inner { files, provider, held, read_last, .. } = &*self.0;
        let mut read_last = read_last.lock();
        let contents = match files.read() {
            Ok(contents) => contents,
            // A file that is being exchanged is gone for a moment; one that stays away is told once.
            Err(_) if read_last.is_none() && !again => return Ok(Reloaded::Unchanged),
            Err(error) => {
                *read_last = None;
                return Err(error);
            }
        };
        let digest = contents.digest();
        if *read_last == Some(digest) && !again {
            return Ok(Reloaded::Unchanged);
        }
        *read_last = Some(digest);
        let certificate = files.parse(&contents, provider)?;
        let is_same = held.0.load().certified.cert == certificate.certified.cert;
        held.0.store(Arc::new(certificate));
        Ok(if is_same { Reloaded::Unchanged } else { Reloaded::Exchanged })
    }

    /// Where certificate and key come from.
    pub fn files(&self) -> &TlsFiles {
        &self.0.files
    }

    /// When the certificate ends, where it says so.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.held.0.load().expires_at
    }

    /// The certificate itself, in DER: what a program on the same machine may know the server by.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        self.0.held.0.load().certified.cert.first().cloned()
    }

    /// The handshake of one connection. An error where it failed, took longer than [`HANDSHAKE_TIMEOUT`], or was one of
    /// more than [`HANDSHAKES_MAX`] at once.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Ok(_permit) = self.0.handshakes.try_acquire() else {
            return Err(io::Error::other("too many handshakes at once"));
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0.config));
        timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

// === impl Held ===

impl ResolvesServerCert for Held {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().certified))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Writes a new certificate that ends in `year`, and its key.
    fn write(folder: &Path, year: i32) -> TlsFiles {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        wanted.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = wanted.self_signed(&key).expect("a certificate");
        let files = TlsFiles { certificate_file: folder.join("certificate.pem"), key_file: folder.join("key.pem") };
        std::fs::write(&files.certificate_file, certificate.pem()).expect("written");
        std::fs::write(&files.key_file, key.serialize_pem()).expect("written");
        files
    }

    fn year(tls: &Tls) -> String {
        tls.expires_at().expect("it ends").to_string()[..4].to_owned()
    }

    #[test]
    fn a_certificate_is_read_with_its_end_and_exchanged_when_the_files_change() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let tls = Tls::load(write(folder.path(), 2030)).expect("good files");
        assert_eq!((year(&tls).as_str(), tls.reload(false)), ("2030", Ok(Reloaded::Unchanged)));
        write(folder.path(), 2031);
        assert_eq!((tls.reload(false), year(&tls).as_str()), (Ok(Reloaded::Exchanged), "2031"));
        write(folder.path(), 2001);
        assert_eq!((tls.reload(false), year(&tls).as_str()), (Ok(Reloaded::Exchanged), "2001"), "its end is told");
    }

    #[test]
    fn bad_files_are_told_once_and_leave_the_certificate_in_force() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let tls = Tls::load(write(folder.path(), 2030)).expect("good files");
        let (files, before) = (tls.files().clone(), tls.certificate());
        std::fs::write(&files.key_file, rcgen::KeyPair::generate().expect("a key").serialize_pem()).expect("written");
        let mismatch = TlsError::Mismatch { key: files.key_file.clone(), certificate: files.certificate_file.clone() };
        assert_eq!(tls.reload(false), Err(mismatch.clone()));
        assert_eq!((tls.reload(false), tls.reload(true)), (Ok(Reloaded::Unchanged), Err(mismatch)));
        std::fs::remove_file(&files.key_file).expect("removed");
        assert!(matches!(tls.reload(false), Err(TlsError::Unreadable { path, .. }) if path == files.key_file));
        assert_eq!(tls.reload(false), Ok(Reloaded::Unchanged));
        assert_eq!(tls.certificate(), before);
        write(folder.path(), 2032);
        assert_eq!((tls.reload(false), year(&tls).as_str()), (Ok(Reloaded::Exchanged), "2032"));
    }

    #[test]
    fn what_is_no_certificate_or_key_is_named_with_its_file() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let files = write(folder.path(), 2030);
        let load = |certificate: &Path, key: &Path| {
            let files = TlsFiles { certificate_file: certificate.to_owned(), key_file: key.to_owned() };
            Tls::load(files).expect_err("bad files").to_string()
        };
        let missing = load(Path::new("/nowhere/a.pem"), &files.key_file);
        assert!(missing.contains("/nowhere/a.pem") && missing.contains("No such file"), "{missing}");
        let swapped = load(&files.key_file, &files.certificate_file);
        assert!(swapped.contains("key.pem holds no certificate"), "{swapped}");
        let no_key = load(&files.certificate_file, &files.certificate_file);
        assert!(no_key.contains("certificate.pem holds no private key"), "{no_key}");
        let other = tempfile::tempdir().expect("a temporary directory");
        let mismatch = load(&files.certificate_file, &write(other.path(), 2030).key_file);
        assert!(mismatch.contains("is not that of the certificate"), "{mismatch}");
        let rubbish = folder.path().join("rubbish.pem");
        std::fs::write(&rubbish, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("written");
        let rubbish = load(&rubbish, &files.key_file);
        assert!(rubbish.contains("rubbish.pem") && rubbish.contains("cannot be read"), "{rubbish}");
        let huge = folder.path().join("huge.pem");
        std::fs::write(&huge, vec![b'a'; TLS_FILE_BYTES_MAX as usize + 1]).expect("written");
        assert!(load(&huge, &files.key_file).contains("more than"));
    }
}
