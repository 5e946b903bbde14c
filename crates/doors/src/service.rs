//! From an HTTP request to its door, and what the doors share.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;
use claviger_domain::ip_list::IpRange;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Caller, Engine, Provider};
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::address::Address;
use crate::answer::Answer;
use crate::client_ip::TrustedProxies;
use crate::config::Config;
use crate::lines::{self, Lines};
use crate::meter::Meter;
use crate::metrics::Counters;
use crate::problem::Problem;
use crate::request_id::Id;
use crate::request_log::RequestLog;
use crate::rest::Admitted;
use crate::route::Call;
use crate::shares::{Share, Shares};
use crate::shed::{Shed, TooMany};
use crate::whoami::Limiter;
use crate::{forward, nginx, openapi, rest, whoami};

/// One address that is no trusted proxy has one of so many of the bodies that may be on their way.
const BODIES_OF_ADDRESS: usize = 4;

/// What all doors share.
#[derive(Debug)]
pub(crate) struct Doors {
    config: Config,
    engine: Arc<Engine>,
    /// May be exchanged while connections are open, and counts for their next request.
    trusted: ArcSwap<TrustedProxies>,
    token_required: bool,
    pub(crate) whoami: Limiter,
    shed: Shed,
    bodies: Shares,
    pub(crate) counters: Counters,
}

/// What a door reads of a request before its body.
pub(crate) struct Head<'h> {
    pub(crate) method: &'h str,
    /// The target without its query.
    pub(crate) path: &'h str,
    pub(crate) lines: Lines<'h>,
}

/// The doors as one peer sees them.
#[derive(Debug)]
pub(crate) struct Connection {
    doors: Arc<Doors>,
    meter: Arc<Meter>,
    peer: Option<IpAddr>,
}

/// One connection's hyper service.
#[derive(Debug, Clone)]
pub(crate) struct Service(Arc<Connection>);

// === impl Doors ===

impl Doors {
    pub(crate) fn new(config: Config, engine: Arc<Engine>, address: &Address) -> Self {
        Self {
            trusted: ArcSwap::from_pointee(TrustedProxies::new(&config.trusted_proxies)),
            token_required: config.require_token.unwrap_or(!address.is_local()),
            whoami: Limiter::new(config.whoami_per_minute),
            shed: Shed::new(&config),
            bodies: Shares::new(config.bodies_max, config.bodies_max.div_ceil(BODIES_OF_ADDRESS)),
            counters: Counters::default(),
            engine,
            config,
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The address that a peer's share is counted for. Behind a trusted proxy are many clients: it has none of its own.
    pub(crate) fn counted_address(&self, peer: Option<IpAddr>) -> Option<IpAddr> {
        peer.filter(|peer| !self.trusted.load().contains(*peer))
    }

    /// From the next request on these peers are believed, and no others.
    pub(crate) fn trust(&self, proxies: &[IpRange]) {
        self.trusted.store(Arc::new(TrustedProxies::new(proxies)));
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

    pub(crate) fn trusted(&self) -> Guard<Arc<TrustedProxies>> {
        self.doors.trusted.load()
    }

    /// Whether what the peer says about the client's request is believed.
    pub(crate) fn is_trusted(&self) -> bool {
        self.trusted().trusts(self.peer)
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

    /// Whether a verdict is given on a request of `address`: one that says that no key was right only up to a rate.
    pub(crate) fn check_shed(&self, code: Code, address: Option<IpAddr>) -> Result<(), Problem> {
        if code.secret_was_right() {
            return Ok(());
        }
        self.doors.shed.admit(address, Instant::now()).map_err(|too_many| {
            match too_many {
                TooMany::OfAddress => self.doors.counters.shed_of_address.count(),
                TooMany::OfAll => self.doors.counters.shed.count(),
            }
            Problem::busy()
        })
    }

    /// A place for a body that is on its way.
    pub(crate) fn take_body(&self) -> Result<Share, Problem> {
        self.doors.bodies.take(self.doors.counted_address(self.peer)).map_err(|_| {
            self.doors.counters.bodies_rejected.count();
            Problem::busy()
        })
    }

    /// For whom the call is made. A token that was sent is judged, needed or not.
    pub(crate) fn provider(&self, token: Option<&[u8]>, id: &Id) -> Result<Provider, Problem> {
        let caller = Caller { ip: self.peer, agent: None, request_id: id.id() };
        self.engine().door_token(token, self.doors.token_required, caller).map_err(|_| {
            self.doors.counters.door_token_refused.count();
            Problem::door_token()
        })
    }

    /// Whether the body of such a request is read.
    pub(crate) fn takes_body(method: &str, path: &str) -> bool {
        method == "POST" && matches!(Call::of_path(path), Call::Verify | Call::VerifyBatch)
    }

    /// Answers a request of which the head is there. `Some`: what it asks stands in its body.
    pub(crate) fn answer(&self, head: &Head<'_>, id: &Id, answer: &mut Answer) -> Option<Admitted> {
        id.read_callers(head.lines);
        let log = RequestLog::begin(head, id);
        if let Some((provider, is_batch)) = self.answer_head(head, id, answer) {
            return Some(Admitted { provider, is_batch, log });
        }
        log.end(id, answer.status());
        None
    }

    /// The same. `Some`: for whom a body is to be judged, and whether as a batch.
    fn answer_head(&self, head: &Head<'_>, id: &Id, answer: &mut Answer) -> Option<(Provider, bool)> {
        let times = &self.doors.counters.answer_times;
        match Call::of_path(head.path) {
            Call::Authorize { pin } => {
                times.time(Door::Authorize, || forward::answer(self, head.lines, pin, id, answer));
            }
            Call::Nginx { pin } => times.time(Door::Nginx, || nginx::answer(self, head.lines, pin, id, answer)),
            call @ (Call::Verify | Call::VerifyBatch) if head.method == "POST" => {
                match rest::admit(self, head.lines, id) {
                    Ok(provider) => return Some((provider, call == Call::VerifyBatch)),
                    Err(problem) => problem.answer(id, answer),
                }
            }
            Call::Whoami if head.method == "GET" => whoami::answer(self, head.lines, id, answer),
            Call::OpenApi if head.method == "GET" => openapi::answer(id, answer),
            Call::Verify | Call::VerifyBatch => Problem::method_not_allowed("POST", id, answer),
            Call::Whoami | Call::OpenApi => Problem::method_not_allowed("GET", id, answer),
            Call::Unknown => Problem::not_found().answer(id, answer),
        }
        None
    }

    /// Answers a request as hyper reads it.
    async fn answer_hyper(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let id = Id::new(self.engine().new_request_id());
        let (parts, body) = request.into_parts();
        let mut answer = Answer::default();
        let admitted = {
            let lines = lines::of_map(&parts.headers);
            let (method, path) = (parts.method.as_str(), parts.uri.path());
            self.answer(&Head { method, path, lines: Lines::new(&lines) }, &id, &mut answer)
        };
        if let Some(admitted) = admitted {
            match rest::collect(self, body).await {
                Ok(body) => rest::answer(self, admitted, &body, &id, &mut answer),
                Err(problem) => admitted.refuse(&problem, &id, &mut answer),
            }
        }
        answer.into_response()
    }
}

// === impl Service ===

impl Service {
    /// The service of one connection.
    pub(crate) fn new(doors: &Arc<Doors>, peer: Option<SocketAddr>, meter: &Arc<Meter>) -> Self {
        Self(Arc::new(Connection {
            peer: peer.map(|peer| peer.ip().to_canonical()),
            doors: Arc::clone(doors),
            meter: Arc::clone(meter),
        }))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0
    }

    /// Answers; the meter sees when it began and ended.
    pub(crate) fn call(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Full<Bytes>>, std::convert::Infallible>> + use<> {
        let connection = Arc::clone(&self.0);
        async move {
            connection.meter.begin();
            let version = request.version();
            let mut answer = connection.answer_hyper(request).await;
            connection.meter.end();
            // HTTP/2 has a way of its own to say so.
            if connection.meter.is_last() && version < Version::HTTP_2 {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        }
    }
}
