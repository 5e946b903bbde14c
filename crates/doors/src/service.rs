//! From an HTTP request to its door, and what the doors share.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use claviger_domain::ip_list::IpRange;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Caller, Engine, Provider};
use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Request, Response, Version};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::address::Address;
use crate::answer::Answer;
use crate::body::Outgoing;
use crate::client_ip::TrustedProxies;
use crate::config::Config;
use crate::identity::Shape;
use crate::lines::{self, Lines};
use crate::meter::Meter;
use crate::metrics::Counters;
use crate::problem::Problem;
use crate::request_id::Id;
use crate::request_log::RequestLog;
use crate::rest::{Admitted, Asking};
use crate::route::Call;
use crate::shares::{Share, Shares};
use crate::shed::{Shed, TooMany};
use crate::whoami::Limiter;
use crate::{envoy, forward, grpc, introspect, nginx, openapi, rest, traefik, whoami};

/// One address that is no trusted proxy has one of so many of the bodies that may be on their way.
const BODIES_OF_ADDRESS: usize = 4;
/// Calls of gRPC that stay open, at once: one health check a balancer, and people who look at what there is.
const STREAMS_MAX: usize = 256;
/// The same of one address that is no trusted proxy.
const STREAMS_OF_ADDRESS_MAX: usize = 64;

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
    streams: Shares,
    pub(crate) counters: Counters,
}

/// What a door reads of a request before its body.
pub(crate) struct Head<'h> {
    pub(crate) method: &'h str,
    /// The target without its query.
    pub(crate) path: &'h str,
    /// The target as it came.
    pub(crate) target: &'h str,
    /// The host, where it stands in no header.
    pub(crate) authority: Option<&'h str>,
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
            streams: Shares::new(STREAMS_MAX, STREAMS_OF_ADDRESS_MAX),
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

    /// A place for a call that stays open; `None`: all are taken.
    pub(crate) fn take_stream(&self) -> Option<Share> {
        self.doors.streams.take(self.doors.counted_address(self.peer)).ok()
    }

    /// Whether the connection goes on; it is not quiet then.
    pub(crate) fn goes_on(&self) -> bool {
        self.meter.pulse();
        !self.meter.is_last()
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
        method == "POST" && matches!(Call::of_path(path), Call::Verify | Call::VerifyBatch | Call::Introspect { .. })
    }

    /// Answers a request of which the head is there. `Some`: what it asks stands in its body.
    pub(crate) fn answer(&self, head: &Head<'_>, id: &Id, answer: &mut Answer) -> Option<Admitted> {
        id.read_callers(head.lines);
        let log = RequestLog::begin(head, id);
        if let Some((provider, asking)) = self.answer_head(head, id, answer) {
            return Some(Admitted { provider, asking, log });
        }
        // One that waits is logged with its last turn.
        if !answer.turn.waits() {
            log.end(id, answer.status());
        }
        None
    }

    /// The same. `Some`: for whom a body is to be judged, and as what.
    fn answer_head(&self, head: &Head<'_>, id: &Id, answer: &mut Answer) -> Option<(Provider, Asking)> {
        let times = &self.doors.counters.answer_times;
        match Call::of_path(head.path) {
            Call::Authorize { pin } => {
                times.time(Door::Authorize, || forward::answer(self, head.lines, pin, id, answer));
            }
            Call::Nginx { pin, in_line } => {
                let shape = if in_line { Shape::Line } else { Shape::Headers };
                times.time(Door::Nginx, || nginx::answer(self, head.lines, pin, shape, id, answer));
            }
            Call::Traefik { pin } => {
                times.time(Door::Authorize, || traefik::answer(self, head.lines, pin, id, answer));
            }
            Call::Envoy { pin } => times.time(Door::Envoy, || envoy::answer(self, head, pin, id, answer)),
            call @ (Call::Verify | Call::VerifyBatch) if head.method == "POST" => {
                match rest::admit(self, head.lines, id) {
                    Ok(provider) if call == Call::VerifyBatch => return Some((provider, Asking::Batch)),
                    Ok(provider) => return Some((provider, Asking::One)),
                    Err(problem) => problem.answer(id, answer),
                }
            }
            Call::Introspect { pin, is_apache } if head.method == "POST" => {
                let provider = introspect::admit(self, head.lines, id, answer)?;
                return Some((provider, Asking::Form { pin: pin.map(Box::from), is_apache }));
            }
            Call::Whoami if head.method == "GET" => whoami::answer(self, head.lines, id, answer),
            Call::OpenApi if head.method == "GET" => openapi::answer(id, answer),
            Call::Verify | Call::VerifyBatch | Call::Introspect { .. } => {
                Problem::method_not_allowed("POST", id, answer);
            }
            Call::Whoami | Call::OpenApi => Problem::method_not_allowed("GET", id, answer),
            Call::Check | Call::Health | Call::HealthWatch | Call::Reflection | Call::Unknown => {
                Problem::not_found().answer(id, answer);
            }
        }
        None
    }

    /// Answers a request as hyper reads it.
    async fn answer_hyper(self: &Arc<Self>, request: Request<Incoming>) -> Response<Outgoing> {
        let id = Id::new(self.engine().new_request_id());
        let (parts, body) = request.into_parts();
        if grpc::is_call(&parts) {
            return grpc::answer(self, &parts, body, id).await;
        }
        let mut answer = Answer::default();
        let admitted = loop {
            let admitted = {
                let lines = lines::of_map(&parts.headers);
                self.answer(&Head::of(&parts, Lines::new(&lines)), &id, &mut answer)
            };
            match answer.turn.take_wait() {
                Some(wait) => answer.turn.settle(wait.settle().await),
                None => break admitted,
            }
        };
        let Some(mut admitted) = admitted else { return answer.into_response() };
        let body = match rest::collect(self, body).await {
            Ok(body) => body,
            Err(problem) => {
                admitted.refuse(&problem, &id, &mut answer);
                return answer.into_response();
            }
        };
        while let Some(waiting) = rest::answer(self, admitted, &body, &id, &mut answer) {
            admitted = waiting;
            if let Some(wait) = answer.turn.take_wait() {
                answer.turn.settle(wait.settle().await);
            }
        }
        answer.into_response()
    }
}

// === impl Head ===

impl<'h> Head<'h> {
    /// Of a request as hyper read it.
    pub(crate) fn of(parts: &'h Parts, lines: Lines<'h>) -> Self {
        let path = parts.uri.path();
        Self {
            method: parts.method.as_str(),
            path,
            target: parts.uri.path_and_query().map_or(path, PathAndQuery::as_str),
            authority: parts.uri.authority().map(Authority::as_str),
            lines,
        }
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
    ) -> impl Future<Output = Result<Response<Outgoing>, std::convert::Infallible>> + use<> {
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
