//! The accept loops: one listener, one thread and one single-threaded runtime a worker.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use claviger_domain::ip_list::IpRange;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};

use crate::address::{Address, BindError, Listen, Listeners, bind};
use crate::config::Config;
use crate::http1;
use crate::meter::{Meter, Metered, Order, Patience, Watched};
use crate::metrics::{Metrics, Readings};
use crate::service::{Doors, Service};
use crate::shares::{NoShare, Share, Shares};
use crate::tls::Tls;

/// The longest time between two looks at the connections.
const SWEEP_PERIOD_MAX: Duration = Duration::from_secs(1);
/// How long accepting rests after it failed, as it does without free file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// Requests that one HTTP/2 connection may have open at once.
const STREAMS_MAX: u32 = 256;
/// How long idle connections stay open at a stop: a peer that asks in this time is told with the answer that it was the
/// last, and no request is lost on its way to a connection that closes.
const LINGER: Duration = Duration::from_secs(2);
/// How long a connection that is one too many may take its answer.
const REJECTION_TIMEOUT: Duration = Duration::from_millis(100);
/// What a connection that is one too many is told.
const REJECTION: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
retry-after: 1\r\ncache-control: no-store\r\nconnection: close\r\ncontent-length: 143\r\n\r\n\
{\"type\":\"urn:claviger:problem:busy\",\"title\":\"Service Unavailable\",\"status\":503,\
\"code\":\"busy\",\"detail\":\"Too many connections; try again soon.\"}\n";

/// The doors, open.
#[derive(Debug)]
pub struct Running {
    address: Address,
    doors: Arc<Doors>,
    connections: Shares,
    stop: watch::Sender<Option<Duration>>,
    /// Closed once the last worker has gone.
    workers: mpsc::Receiver<()>,
}

/// What a worker needs.
struct Worker {
    doors: Arc<Doors>,
    tls: Option<Tls>,
    connections: Shares,
    stop: watch::Receiver<Option<Duration>>,
    /// Dropped with the worker: [`Running::stop`] waits for that.
    _alive: mpsc::Sender<()>,
}

/// One listening socket.
enum Listener {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

/// One accepted stream.
enum Stream {
    Tcp(tokio::net::TcpStream, SocketAddr),
    Unix(tokio::net::UnixStream),
}

/// Opens the doors.
pub(crate) fn open(doors: Arc<Doors>, listen: &Listen) -> Result<Running, BindError> {
    let count = match doors.config().threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    let listeners = bind(listen, count)?;
    let address = listeners.address();
    let (stop, stopping) = watch::channel(None);
    let (alive, workers) = mpsc::channel(1);
    let config = doors.config();
    let connections = Shares::new(config.connections_max, config.connections_of_address_max);
    let worker = || Worker {
        doors: Arc::clone(&doors),
        tls: listen.tls.clone(),
        connections: connections.clone(),
        stop: stopping.clone(),
        _alive: alive.clone(),
    };
    let spawned = match listeners {
        Listeners::Tcp(_, listeners) => {
            listeners.into_iter().try_for_each(|listener| worker().spawn(move || Listener::tcp(listener)))
        }
        Listeners::Unix(_, listeners) => {
            listeners.into_iter().try_for_each(|listener| worker().spawn(move || Listener::unix(listener)))
        }
    };
    spawned.map_err(|error| BindError::Refused(address.clone(), error))?;
    drop(alive);
    Ok(Running { address, doors, connections, stop, workers })
}

// === impl Running ===

impl Running {
    /// Where the doors listen, with the port that was found for port 0.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The IP address and port; `None` for a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Tcp(address) => Some(address),
            Address::Unix(_) => None,
        }
    }

    /// From the next request on these peers' forwarded headers are believed, and no others'.
    pub fn trust(&self, proxies: &[IpRange]) {
        self.doors.trust(proxies);
    }

    /// A reading of the doors' own counters.
    pub fn metrics(&self) -> Metrics {
        self.readings().read()
    }

    /// Reads the doors' own counters, for as long as somebody asks.
    pub fn readings(&self) -> Readings {
        Readings { doors: Arc::clone(&self.doors), connections: self.connections.clone() }
    }

    /// Closes the doors: no new connections, open requests have `grace` to end, then all connections are dropped. The next
    /// answer on each is its last; idle ones are closed after a short while.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.send_replace(Some(grace));
        while self.workers.recv().await.is_some() {}
        if let Address::Unix(path) = &self.address {
            // Best effort: a file that stays is taken over by the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_if_modified(|stop| stop.is_none() && stop.replace(Duration::ZERO).is_none());
    }
}

// === impl Worker ===

impl Worker {
    fn spawn(self, listen: impl FnOnce() -> io::Result<Listener> + Send + 'static) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _guard = runtime.enter();
            listen()?
        };
        let work = move || runtime.block_on(self.work(listener));
        std::thread::Builder::new().name("doors".to_owned()).spawn(work).map(drop)
    }

    async fn work(mut self, listener: Listener) {
        let (period, patience) = self.sweeping();
        let builders = Arc::new(Builders::new(self.doors.config()));
        let mut sweep = interval(period);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut open: Vec<Watched> = Vec::new();
        let grace = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(stream) => open.extend(self.serve(stream, &builders)),
                    Err(error) => rest_after(&error).await,
                },
                _ = sweep.tick() => open.retain_mut(|connection| connection.sweep(patience)),
                grace = stopped(&mut self.stop) => break grace,
            }
        };
        // The kernel has made these connections already, and may hold requests of theirs.
        while let Ok(Ok(stream)) = timeout(Duration::ZERO, listener.accept()).await {
            open.extend(self.serve(stream, &builders));
        }
        drop(listener);
        drain(&open, grace).await;
    }

    /// Starts to serve a connection, unless it is one too many.
    fn serve(&self, stream: Stream, builders: &Arc<Builders>) -> Option<Watched> {
        let place = match self.connections.take(self.doors.counted_address(stream.peer())) {
            Ok(place) => place,
            Err(no_share) => {
                match no_share {
                    NoShare::All => self.doors.counters.connections_rejected.count(),
                    NoShare::OfAddress => self.doors.counters.connections_of_address_rejected.count(),
                }
                // Who expects a handshake could not read the answer.
                if self.tls.is_none() {
                    tokio::spawn(reject(stream));
                }
                return None;
            }
        };
        let meter = Arc::new(Meter::default());
        let service = |peer| Service::new(&self.doors, peer, &meter);
        match stream {
            Stream::Tcp(stream, peer) => {
                // Answers are written whole; waiting for more would only delay them.
                let _ = stream.set_nodelay(true);
                let connection = (Arc::clone(builders), service(Some(peer)), Arc::clone(&meter), place);
                match self.tls.clone() {
                    Some(tls) => drop(tokio::spawn(shake_hands(stream, tls, connection))),
                    None => drop(tokio::spawn(drive(stream, connection))),
                }
            }
            Stream::Unix(stream) => {
                let connection = (Arc::clone(builders), service(None), Arc::clone(&meter), place);
                tokio::spawn(drive(stream, connection));
            }
        }
        Some(Watched::new(meter))
    }

    fn sweeping(&self) -> (Duration, Patience) {
        let config = self.doors.config();
        let period = (config.request_timeout() / 4).min(SWEEP_PERIOD_MAX);
        (period, Patience::new(period, config.request_timeout(), config.keep_alive()))
    }
}

pub(crate) type Builder = auto::Builder<TokioExecutor>;

/// What serves requests that are not plain.
pub(crate) struct Builders {
    /// Where nothing was said yet: HTTP/1 or HTTP/2.
    any: Builder,
    /// Where HTTP/1 is spoken already.
    http1: Builder,
}

// === impl Builders ===

impl Builders {
    pub(crate) fn new(config: &Config) -> Self {
        let any = http_builder(config);
        Self { http1: any.clone().http1_only(), any }
    }

    #[cfg(test)]
    pub(crate) fn any(&self) -> &Builder {
        &self.any
    }
}

fn http_builder(config: &Config) -> Builder {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Time-outs are the meter's; hyper's would cost a timer a request.
    // An answer is small: written from one buffer it costs the system less than from two.
    let max = config.header_max_bytes;
    builder.http1().header_read_timeout(None).max_buf_size(max).keep_alive(true).writev(false);
    builder
        .http2()
        .max_header_list_size(u32::try_from(config.header_max_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS_MAX);
    builder
}

/// What a connection is served with.
type Connection = (Arc<Builders>, Service, Arc<Meter>, Share);

/// Serves one connection behind TLS to its end.
async fn shake_hands(stream: tokio::net::TcpStream, tls: Tls, connection: Connection) {
    let meter = Arc::clone(&connection.2);
    let accepted = tokio::select! {
        accepted = tls.accept(stream) => accepted,
        // Nothing was asked yet.
        () = meter.has_to_finish() => Err(io::ErrorKind::Interrupted.into()),
    };
    match accepted {
        Ok(stream) => drive(stream, connection).await,
        Err(error) => {
            connection.1.connection().doors().counters.handshakes_failed.count();
            tracing::debug!("a TLS handshake failed: {error}");
            meter.close();
        }
    }
}

/// Serves one connection to its end.
async fn drive<S>(stream: S, (builders, service, meter, place): Connection)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    serve_stream(stream, &builders, service, &meter).await;
    meter.close();
    drop(place);
}

/// Serves plain requests by hand; from the first other one on they are hyper's.
pub(crate) async fn serve_stream<S>(stream: S, builders: &Builders, service: Service, meter: &Arc<Meter>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stream = Metered::new(stream, Arc::clone(meter));
    match http1::serve(&mut stream, service.connection(), meter).await {
        http1::Left::Closed => {}
        http1::Left::Hyper { unread, is_first } => {
            stream.unread(unread);
            let builder = if is_first { &builders.any } else { &builders.http1 };
            drive_hyper(stream, builder, service, meter).await;
        }
    }
}

pub(crate) async fn drive_hyper<S>(stream: Metered<S>, builder: &Builder, service: Service, meter: &Meter)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| service.call(request));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut finishing = false;
    std::future::poll_fn(|cx| {
        let order = meter.order(cx.waker());
        if order == Order::Abort {
            return Poll::Ready(());
        }
        // An error is the peer's (it hung up, it does not speak HTTP): nothing to tell anybody.
        let polled = connection.as_mut().poll(cx).map(drop);
        // Only now: what has begun before must be read to be known as begun.
        // Of the next answer the service says that it is the last, where the order is that.
        if matches!(order, Order::Serve | Order::Last) || finishing || polled.is_ready() {
            return polled;
        }
        finishing = true;
        connection.as_mut().graceful_shutdown();
        connection.as_mut().poll(cx).map(drop)
    })
    .await;
}

async fn reject(stream: Stream) {
    let deadline = Instant::now() + REJECTION_TIMEOUT;
    // Best effort: the peer may be gone.
    let _ = match stream {
        Stream::Tcp(mut stream, _) => timeout_at(deadline, stream.write_all(REJECTION)).await,
        Stream::Unix(mut stream) => timeout_at(deadline, stream.write_all(REJECTION)).await,
    };
}

async fn rest_after(error: &io::Error) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    tracing::warn!(%error, "the doors cannot accept a connection; trying again");
    sleep(ACCEPT_REST).await;
}

async fn stopped(stop: &mut watch::Receiver<Option<Duration>>) -> Duration {
    // A sender that is gone means the same as one that says so.
    stop.wait_for(Option::is_some).await.ok().and_then(|grace| *grace).unwrap_or_default()
}

/// Lets open requests end, at most for `grace`; what is left goes down with the runtime.
async fn drain(open: &[Watched], grace: Duration) {
    const LOOK_AGAIN: Duration = Duration::from_millis(5);
    let began = Instant::now();
    for (order, time) in [(Order::Last, LINGER.min(grace)), (Order::Finish, grace)] {
        for connection in open {
            connection.command(order);
        }
        while open.iter().any(|connection| !connection.is_closed()) && began.elapsed() < time {
            sleep(LOOK_AGAIN).await;
        }
    }
}

// === impl Listener ===

impl Listener {
    fn tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        tokio::net::TcpListener::from_std(listener).map(Self::Tcp)
    }

    fn unix(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        tokio::net::UnixListener::from_std(listener).map(Self::Unix)
    }

    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, peer)| Stream::Tcp(stream, peer)),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

// === impl Stream ===

impl Stream {
    /// The peer's address; `None` on a Unix socket.
    fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, peer) => Some(peer.ip().to_canonical()),
            Self::Unix(_) => None,
        }
    }
}
