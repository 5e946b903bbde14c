//! The one way in which the server calls addresses that people gave it.
//!
//! The name is resolved once, every address is checked ([`Guard`]), and the connection goes to one that was checked: there is no
//! second look-up that could say something else. Nothing is redirected, no proxy is asked, TLS is verified, and time and size are
//! bounded.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use claviger_domain::outgoing::{Guard, Refusal, Target, TargetHost};
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// How long a call may take altogether.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one address may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For how long an answer is read on whose status is known.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of an answer is kept.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// The most bytes of the lines before an answer's body.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The most addresses of a name that are looked at; one of more is refused, as not every one was checked.
const ADDRESSES_MAX: usize = 32;
/// How many of them are tried.
const ADDRESSES_TRIED_MAX: usize = 3;
/// Who calls.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("claviger/", env!("CARGO_PKG_VERSION")));

/// The addresses of a name.
type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// What resolves names.
type Resolve = dyn Fn(String) -> Resolving + Send + Sync;

/// The guarded connector.
#[derive(Clone)]
pub(crate) struct Connector {
    guard: Guard,
    resolve: Arc<Resolve>,
    tls: TlsConnector,
    /// [`CALL_TIMEOUT`] and [`BODY_TIMEOUT`].
    timeouts: (Duration, Duration),
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The header `Retry-After`.
    pub(crate) retry_after: Option<String>,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
}

/// Why there was no answer. Says nothing of what an address answered that must not be called.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the name cannot be resolved: {0}")]
    Resolve(io::Error),
    #[error("the name has no address")]
    NoAddress,
    #[error("the name has too many addresses")]
    TooManyAddresses,
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no connection by TLS: {0}")]
    Tls(io::Error),
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
    #[error("no answer within {} seconds", CALL_TIMEOUT.as_secs())]
    Timeout,
}

// === impl Connector ===

impl Connector {
    /// One that resolves names as the system does, and trusts the certificates that it trusts.
    pub(crate) fn new(guard: Guard) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = tls.with_platform_verifier()?.with_no_client_auth();
        Ok(Self::with(guard, Arc::new(|name| Box::pin(resolve(name))), tls))
    }

    fn with(guard: Guard, resolve: Arc<Resolve>, tls: ClientConfig) -> Self {
        Self { guard, resolve, tls: TlsConnector::from(Arc::new(tls)), timeouts: (CALL_TIMEOUT, BODY_TIMEOUT) }
    }

    /// Posts `body`, and answers what was answered first: a redirection is an answer like any other.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Reply, CallError> {
        let mut request = Request::post(target.path_and_query()).header(header::HOST, target.authority());
        request = request.header(header::USER_AGENT, USER_AGENT).header(header::CONNECTION, "close");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body))?;
        let called = tokio::time::timeout(self.timeouts.0, self.call(target, request));
        called.await.map_err(|_| CallError::Timeout)?
    }

    async fn call(&self, target: &Target, request: Request<Full<Bytes>>) -> Result<Reply, CallError> {
        let stream = self.connect(target).await?;
        if !target.is_https() {
            return self.exchange(stream, request).await;
        }
        let name = match target.host() {
            TargetHost::Ip(ip) => ServerName::from(ip),
            TargetHost::Name(name) => {
                let wrong = |error| CallError::Tls(io::Error::new(io::ErrorKind::InvalidInput, error));
                ServerName::try_from(name.trim_end_matches('.').to_owned()).map_err(wrong)?
            }
        };
        let stream = self.tls.connect(name, stream).await.map_err(CallError::Tls)?;
        self.exchange(stream, request).await
    }

    /// A connection to an address that was checked.
    async fn connect(&self, target: &Target) -> Result<TcpStream, CallError> {
        let addresses = match target.host() {
            TargetHost::Ip(ip) => vec![ip],
            TargetHost::Name(name) => (self.resolve)(name).await.map_err(CallError::Resolve)?,
        };
        if addresses.len() > ADDRESSES_MAX {
            return Err(CallError::TooManyAddresses);
        }
        let checked: Vec<SocketAddr> = addresses.into_iter().map(|ip| SocketAddr::new(ip, target.port())).collect();
        // All of them: of two addresses, of which one is public, the other could be the one that is meant.
        for address in &checked {
            self.guard.check(*address, target.is_https(), is_own(*address))?;
        }
        let mut last = CallError::NoAddress;
        for address in checked.into_iter().take(ADDRESSES_TRIED_MAX) {
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = CallError::Connect(error),
                Err(_) => last = CallError::Connect(io::ErrorKind::TimedOut.into()),
            }
        }
        Err(last)
    }

    /// One request and its answer.
    async fn exchange<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<Reply, CallError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) =
            http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await?;
        // Ends with this call, whatever becomes of it.
        let _running = AbortOnDropHandle::new(tokio::spawn(connection));
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let mut body = Vec::new();
        let reading = read_beginning(response.into_body(), &mut body);
        // What the status says holds, however the rest comes.
        let _ = tokio::time::timeout(self.timeouts.1, reading).await;
        Ok(Reply { status, retry_after, body })
    }
}

async fn read_beginning(mut from: Incoming, body: &mut Vec<u8>) {
    while let Some(Ok(frame)) = from.frame().await {
        let Ok(data) = frame.into_data() else { return };
        let room = BODY_BYTES_MAX - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if body.len() >= BODY_BYTES_MAX {
            return;
        }
    }
}

async fn resolve(name: String) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    let mut all: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    let mut seen = std::collections::HashSet::new();
    all.retain(|ip| seen.insert(*ip));
    Ok(all)
}

/// Whether an address is one of this machine's: what goes there comes from there. Sends nothing.
fn is_own(address: SocketAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let from = || {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(address)?;
        socket.local_addr()
    };
    from().is_ok_and(|from: SocketAddr| from.ip() == address.ip())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        let allowed = allowed.iter().map(|range| range.parse().expect("a range")).collect();
        Guard { allowed, listeners: Vec::new() }
    }

    fn trusting(roots: rustls::RootCertStore) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        builder.expect("versions").with_root_certificates(roots).with_no_client_auth()
    }

    /// A connector for which every name has these addresses, in turn; and how often it was asked.
    fn connector(allowed: &[&str], answers: &[&[&str]]) -> (Connector, Arc<AtomicUsize>) {
        let answers: Vec<Vec<IpAddr>> =
            answers.iter().map(|all| all.iter().map(|ip| ip.parse().expect("an address")).collect()).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let resolve = move |_| -> Resolving {
            let turn = count.fetch_add(1, Ordering::SeqCst);
            let answer = answers[turn.min(answers.len() - 1)].clone();
            Box::pin(async move { Ok(answer) })
        };
        let tls = trusting(rustls::RootCertStore::empty());
        (Connector::with(guard(allowed), Arc::new(resolve), tls), asked)
    }

    /// A server that gives each connection this answer; its port, and how many there were.
    async fn server(answer: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer).await;
                    let _ = stream.read(&mut request).await;
                });
            }
        });
        (port, connections)
    }

    async fn post(connector: &Connector, url: &str) -> Result<Reply, CallError> {
        connector.post(&url.parse().expect("a target"), [], Bytes::from_static(b"{}")).await
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_and_the_checked_address_called() {
        let (port, connections) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let (connector, asked) = connector(&["127.0.0.0/8"], &[&["127.0.0.1"], &["127.0.0.9"]]);
        let reply = post(&connector, &format!("http://hooks.example:{port}/x")).await.expect("answered");
        assert_eq!(reply, Reply { status: 200, retry_after: None, body: b"ok".to_vec() });
        assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn a_name_with_one_address_that_is_not_allowed_is_not_called_at_all() {
        let (port, connections) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        for (addresses, allowed) in [
            (&["127.0.0.1", "10.0.0.1"][..], &["127.0.0.1/32"][..]),
            (&["10.0.0.1", "127.0.0.1"][..], &["127.0.0.1/32"][..]),
            (&["127.0.0.1"][..], &[][..]),
            (&["::ffff:127.0.0.1"][..], &["127.0.0.0/8"][..]),
        ] {
            let (connector, _) = connector(allowed, &[addresses]);
            let refused = post(&connector, &format!("http://hooks.example:{port}/")).await.expect_err("refused");
            assert!(matches!(refused, CallError::Refused(Refusal::Special(_))), "{addresses:?}: {refused}");
        }
        let (connector, asked) = connector(&[], &[&["8.8.8.8"]]);
        assert!(matches!(post(&connector, &format!("http://2130706433:{port}/")).await, Err(CallError::Refused(_))));
        assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (0, 0));
    }

    #[tokio::test]
    async fn own_listeners_are_found_under_every_address_of_the_machine() {
        assert!(is_own("127.0.0.1:1".parse().expect("an address")));
        assert!(!is_own("8.8.8.8:1".parse().expect("an address")));
        let (port, connections) = server(b"").await;
        let (mut connector, _) = connector(&["127.0.0.0/8"], &[&["127.0.0.1"]]);
        connector.guard.listeners = vec![SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)];
        let refused = post(&connector, &format!("http://127.0.0.1:{port}/")).await;
        assert!(matches!(refused, Err(CallError::Refused(Refusal::OwnListener))));
        assert_eq!(connections.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_redirection_is_an_answer_and_a_long_body_is_cut() {
        let redirection =
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
        let (port, connections) = server(redirection).await;
        let (connector, _) = connector(&["127.0.0.0/8"], &[&["127.0.0.1"]]);
        let reply = post(&connector, &format!("http://127.0.0.1:{port}/")).await.expect("answered");
        assert_eq!((reply.status, reply.retry_after.as_deref()), (302, Some("7")));
        assert_eq!(connections.load(Ordering::SeqCst), 1);
        let long = [b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".as_slice(), &vec![b'x'; 100_000]].concat();
        let (port, _) = server(long.leak()).await;
        let reply = post(&connector, &format!("http://127.0.0.1:{port}/")).await.expect("answered");
        assert_eq!((reply.status, reply.body.len()), (200, BODY_BYTES_MAX));
        let (port, _) = server(b"SSH-2.0-OpenSSH\r\n").await;
        assert!(matches!(post(&connector, &format!("http://127.0.0.1:{port}/")).await, Err(CallError::Http(_))));
    }

    #[tokio::test]
    async fn who_does_not_answer_is_left_and_of_a_body_that_hangs_the_status_holds() {
        let (port, _) = server(b"").await;
        let (mut connector, _) = connector(&["127.0.0.0/8"], &[&["127.0.0.1"]]);
        connector.timeouts = (Duration::from_millis(200), Duration::from_millis(100));
        assert!(matches!(post(&connector, &format!("http://127.0.0.1:{port}/")).await, Err(CallError::Timeout)));
        connector.timeouts.0 = CALL_TIMEOUT;
        let (port, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab").await;
        let reply = post(&connector, &format!("http://127.0.0.1:{port}/")).await.expect("answered");
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"ab".as_slice()));
    }

    #[tokio::test]
    async fn tls_is_verified() {
        let made = rcgen::generate_simple_self_signed(vec!["hooks.example".to_owned()]).expect("a certificate");
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth();
        let config = config.with_single_cert(vec![made.cert.der().clone()], key).expect("its key");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        });
        let (untrusting, _) = connector(&["127.0.0.0/8"], &[&["127.0.0.1"]]);
        let url = |name: &str| format!("https://{name}:{port}/");
        assert!(matches!(post(&untrusting, &url("hooks.example")).await, Err(CallError::Tls(_))));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a root");
        let trusting = Connector { tls: TlsConnector::from(Arc::new(trusting(roots))), ..untrusting };
        assert_eq!(post(&trusting, &url("hooks.example")).await.expect("answered").status, 204);
        assert!(matches!(post(&trusting, &url("other.example")).await, Err(CallError::Tls(_))));
    }
}
