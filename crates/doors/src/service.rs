//! From an HTTP request to its door, and what the doors share.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use claviger_engine::{Caller, Engine, Provider};
use http::{Method, Request};
use hyper::body::Incoming;

use crate::address::Address;
use crate::client_ip::TrustedProxies;
use crate::config::Config;
use crate::meter::Meter;
use crate::metrics::Counters;
use crate::problem::{Answer, Problem};
use crate::request_id::Id;
use crate::route::Call;
use crate::whoami::Limiter;
use crate::{forward, nginx, openapi, rest, whoami};

/// What all doors share.
#[derive(Debug)]
pub(crate) struct Doors {
    config: Config,
    engine: Arc<Engine>,
    trusted: TrustedProxies,
    token_required: bool,
    pub(crate) whoami: Limiter,
    pub(crate) counters: Counters,
}

/// The doors as one peer sees them.
#[derive(Debug)]
pub(crate) struct Connection {
    doors: Arc<Doors>,
    meter: Arc<Meter>,
    peer: Option<IpAddr>,
    is_trusted: bool,
}

/// One connection's hyper service.
#[derive(Debug, Clone)]
pub(crate) struct Service(Arc<Connection>);

// === impl Doors ===

impl Doors {
    pub(crate) fn new(config: Config, engine: Arc<Engine>, address: &Address) -> Self {
        Self {
            trusted: TrustedProxies::new(&config.trusted_proxies),
            token_required: config.require_token.unwrap_or(!address.is_local()),
            whoami: Limiter::new(config.whoami_per_minute),
            counters: Counters::default(),
            engine,
            config,
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}

// === impl Connection ===

impl Connection {
    pub(crate) fn doors(&self) -> &Doors {
        &self.doors
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.doors.engine
    }

    pub(crate) fn trusted(&self) -> &TrustedProxies {
        &self.doors.trusted
    }

    /// Whether what the peer says about the client's request is believed.
    pub(crate) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// The peer's address; `None` on a Unix socket.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Whether a verdict can be given.
    pub(crate) fn check_ready(&self) -> Result<(), Problem> {
        if self.engine().is_ready() {
            return Ok(());
        }
        self.doors.counters.busy.count();
        Err(Problem::busy())
    }

    /// For whom the call is made. A token that was sent is judged, needed or not.
    pub(crate) fn provider(&self, token: Option<&[u8]>, id: &Id) -> Result<Provider, Problem> {
        let caller = Caller { ip: self.peer, agent: None, request_id: id.id() };
        self.engine().door_token(token, self.doors.token_required, caller).map_err(|_| {
            self.doors.counters.door_token_refused.count();
            Problem::door_token()
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let id = Id::new(self.engine().new_request_id());
        match Call::of_path(request.uri().path()) {
            Call::Authorize { pin } => forward::answer(self, request.headers(), pin, &id),
            Call::Nginx { pin } => nginx::answer(self, request.headers(), pin, &id),
            Call::Verify if request.method() == Method::POST => rest::verify(self, request, &id).await,
            Call::VerifyBatch if request.method() == Method::POST => rest::verify_batch(self, request, &id).await,
            Call::Whoami if request.method() == Method::GET => whoami::answer(self, request.headers(), &id),
            Call::OpenApi if request.method() == Method::GET => openapi::answer(&id),
            Call::Verify | Call::VerifyBatch => Problem::method_not_allowed("POST", &id),
            Call::Whoami | Call::OpenApi => Problem::method_not_allowed("GET", &id),
            Call::Unknown => Problem::not_found().answer(&id),
        }
    }
}

// === impl Service ===

impl Service {
    /// The service of one connection.
    pub(crate) fn new(doors: &Arc<Doors>, peer: Option<SocketAddr>, meter: &Arc<Meter>) -> Self {
        Self(Arc::new(Connection {
            is_trusted: doors.trusted.trusts(peer),
            peer: peer.map(|peer| peer.ip().to_canonical()),
            doors: Arc::clone(doors),
            meter: Arc::clone(meter),
        }))
    }

    /// Answers; the meter sees when it began and ended.
    pub(crate) fn call(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Answer, std::convert::Infallible>> + use<> {
        let connection = Arc::clone(&self.0);
        async move {
            connection.meter.begin();
            let answer = connection.answer(request).await;
            connection.meter.end();
            Ok(answer)
        }
    }
}
