//! A listener that serves an axum router on hyper: bound before anything else is made, with time-outs, a bound on
//! connections, and a graceful stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use claviger_doors::address::bind_unix;
use claviger_doors::shares::{Share, Shares};
use claviger_doors::{Address, Listen, Tls};
use http::Version;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Connections that are open at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;
/// Connections of one address that are open at once, where it is not this machine's; more are hung up on.
const CONNECTIONS_OF_ADDRESS_MAX: usize = 512;
/// How long the head of a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long open requests have to end when the listener stops.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// How long idle connections stay open at a stop: a peer that asks in this time is told with the answer that it was the
/// last, and no request is lost on its way to a connection that closes.
const LINGER: Duration = Duration::from_secs(2);
/// How often it is looked whether they are gone.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long accepting rests after it failed, as it does without free file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// A bound listener.
#[derive(Debug)]
pub(crate) struct Listener {
    address: Address,
    socket: Socket,
    tls: Option<Tls>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

// === impl Listener ===

impl Listener {
    /// Listens.
    pub(crate) async fn bind(listen: &Listen) -> io::Result<Self> {
        let tls = listen.tls.clone();
        match &listen.address {
            Address::Tcp(wanted) => {
                let socket = TcpListener::bind(wanted).await?;
                Ok(Self { address: Address::Tcp(socket.local_addr()?), socket: Socket::Tcp(socket), tls })
            }
            Address::Unix(path) => {
                let socket = UnixListener::from_std(bind_unix(path, listen.socket_mode)?)?;
                Ok(Self { address: listen.address.clone(), socket: Socket::Unix(socket), tls })
            }
        }
    }

    /// Where a program on this machine reaches it, with the port that was found for port 0: `http://ADDRESS`,
    /// `https://ADDRESS` or `unix:/path`.
    pub(crate) fn url(&self) -> String {
        url_of(&self.address, self.tls.is_some())
    }

    /// Where it listens, with the port that was found for port 0.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Its TLS, if it speaks it.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Serves `router` until `stop`; then no new connections, and [`STOP_GRACE`] for what is open. The next answer on each
    /// connection is its last; idle ones are closed after [`LINGER`].
    pub(crate) async fn serve(self, router: Router, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        let is_last = Arc::new(AtomicBool::new(false));
        let shares = Shares::new(usize::MAX, CONNECTIONS_OF_ADDRESS_MAX);
        let served = |permit| Served {
            router: router.clone(),
            watcher: graceful.watcher(),
            is_last: Arc::clone(&is_last),
            shares: shares.clone(),
            permit,
        };
        while let Some(permit) = tokio::select! {
            permit = Arc::clone(&permits).acquire_owned() => permit.ok(),
            () = stop.cancelled() => None,
        } {
            tokio::select! {
                accepted = self.accept(served(permit)) => {
                    if let Err(error) = accepted {
                        tracing::warn!("cannot accept a connection on {}: {error}", self.address);
                        tokio::time::sleep(ACCEPT_REST).await;
                    }
                }
                () = stop.cancelled() => break,
            }
        }
        is_last.store(true, Ordering::Relaxed);
        // The kernel has made these connections already, and may hold requests of theirs.
        while let Ok(permit) = Arc::clone(&permits).try_acquire_owned()
            && let Ok(Ok(())) = timeout(Duration::ZERO, self.accept(served(permit))).await
        {}
        let Self { address, socket, .. } = self;
        drop(socket);
        let lingering = Instant::now();
        while permits.available_permits() < CONNECTIONS_MAX && lingering.elapsed() < LINGER {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        if timeout(STOP_GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests on {address} were still open after {} s; dropped", STOP_GRACE.as_secs());
        }
        if let Address::Unix(path) = &address {
            // A file that stays is taken over by the next start.
            let _ = std::fs::remove_file(path);
        }
    }

    async fn accept(&self, served: Served) -> io::Result<()> {
        match &self.socket {
            Socket::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                // An answer is one write: waiting for more to send only delays it.
                stream.set_nodelay(true)?;
                let counted = Some(peer.ip()).filter(|ip| !ip.to_canonical().is_loopback());
                let Ok(share) = served.shares.take(counted) else { return Ok(()) };
                match self.tls.clone() {
                    Some(tls) => drop(tokio::spawn(shake_hands(stream, tls, peer, served, share))),
                    None => drop(tokio::spawn(async move {
                        serve_connection(stream, Some(peer), served).await;
                        drop(share);
                    })),
                }
            }
            Socket::Unix(socket) => {
                let (stream, _) = socket.accept().await?;
                tokio::spawn(serve_connection(stream, None, served));
            }
        }
        Ok(())
    }
}

/// Where a program on this machine reaches `address`.
pub(crate) fn url_of(address: &Address, has_tls: bool) -> String {
    let scheme = if has_tls { "https" } else { "http" };
    match address {
        Address::Tcp(address) if address.ip().is_unspecified() => {
            let loopback = if address.is_ipv4() { "127.0.0.1" } else { "[::1]" };
            format!("{scheme}://{loopback}:{}", address.port())
        }
        Address::Tcp(address) => format!("{scheme}://{address}"),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// What a connection is served with, and what it holds until its end.
struct Served {
    router: Router,
    permit: OwnedSemaphorePermit,
    watcher: Watcher,
    /// The next answer is the last.
    is_last: Arc<AtomicBool>,
    shares: Shares,
}

async fn shake_hands(stream: TcpStream, tls: Tls, peer: SocketAddr, served: Served, _share: Share) {
    match tls.accept(stream).await {
        Ok(stream) => serve_connection(stream, Some(peer), served).await,
        Err(error) => tracing::debug!("a TLS handshake failed: {error}"),
    }
}

async fn serve_connection<S>(stream: S, peer: Option<SocketAddr>, served: Served)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Served { router, permit, watcher, is_last, .. } = served;
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let version = request.version();
        let mut request = request.map(Body::new);
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let (answering, is_last) = (router.clone().oneshot(request), Arc::clone(&is_last));
        async move {
            let mut answer = answering.await?;
            // HTTP/2 has a way of its own to say so.
            if is_last.load(Ordering::Relaxed) && version < Version::HTTP_2 {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEADER_TIMEOUT));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!("a connection ended: {error}");
    }
    drop(permit);
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    fn free_port() -> Listen {
        Listen::plain(SocketAddr::from(([127, 0, 0, 1], 0)).into())
    }

    #[tokio::test]
    async fn a_request_that_is_open_at_the_stop_gets_its_answer() {
        let (entered, mut has_entered) = tokio::sync::mpsc::channel(1);
        let release = CancellationToken::new();
        let released = release.clone();
        let handler = move |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
            entered.send(()).await.expect("the test waits");
            released.cancelled().await;
            peer.ip().to_string()
        };
        let listener = Listener::bind(&free_port()).await.expect("a free port");
        let Address::Tcp(address) = listener.address else { panic!("a TCP address") };
        let stop = CancellationToken::new();
        let serving = tokio::spawn(listener.serve(Router::new().route("/", get(handler)), stop.clone()));
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        has_entered.recv().await.expect("the handler was called");
        stop.cancel();
        release.cancel();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
        serving.await.expect("it ends");
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_taken_port_is_refused_and_an_abandoned_socket_taken_over() {
        let first = Listener::bind(&free_port()).await.expect("a free port");
        let again = Listen::plain(first.address.clone());
        assert_eq!(Listener::bind(&again).await.expect_err("taken").kind(), io::ErrorKind::AddrInUse);
        let folder = tempfile::tempdir().expect("a temporary directory");
        let address = Listen::plain(Address::Unix(folder.path().join("control")));
        let living = Listener::bind(&address).await.expect("a new file");
        assert!(Listener::bind(&address).await.is_err());
        drop(living);
        Listener::bind(&address).await.expect("an abandoned file");
    }
}
