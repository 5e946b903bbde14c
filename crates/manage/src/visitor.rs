//! Who calls an operation that is open to whoever has a link: anybody, at a bounded pace for each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts};
use claviger_domain::authority::Authorities;
use claviger_domain::key::{Actor, ActorKind};
use claviger_domain::member::User;
use claviger_domain::{RequestId, Timestamp};
use http::header::AUTHORIZATION;
use http::request::Parts;
use parking_lot::Mutex;

use crate::Manage;
use crate::authenticate::request_id;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::sign_in::session_ctx;

/// Calls of a kind and of one address (of IPv6 a /64) in a [`WINDOW`] that may use a link.
pub const VISITS_MAX: u32 = 60;
/// Those that may ask for a link by which a password is reset.
pub const RESETS_MAX: u32 = 10;
/// Those that may try a password.
pub const SIGN_INS_MAX: u32 = 60;
/// Those that may revoke a key by its value.
pub const REVOCATIONS_MAX: u32 = 60;
/// Those of the web service whose application may fail to prove itself.
pub const REFUSALS_MAX: u32 = 60;
/// Those that may report keys that got out.
pub const LEAK_REPORTS_MAX: u32 = 120;
/// Over how long calls are counted.
pub const WINDOW: Duration = Duration::from_mins(1);
/// The most addresses that are counted at once for a kind of call; further ones are refused until the window is over.
pub const ADDRESSES_MAX: usize = 50_000;

/// Somebody at an operation that needs no authentication.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who they are, where they have proved it.
    pub known: Option<Ctx>,
    /// Their address.
    pub ip: Option<IpAddr>,
    /// Names the call.
    pub request_id: RequestId,
    /// The instant of the call.
    pub now: Timestamp,
}

/// What somebody without authentication may do; each kind is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitKind {
    /// To use a link.
    Link,
    /// To ask for a link by which a password is reset.
    Reset,
    /// To try a password.
    SignIn,
    /// To revoke a key by its value.
    Revocation,
    /// To report keys that got out.
    LeakReport,
    /// To call the web service as an application, without proof that it is one.
    Refusal,
}

/// How often each address has called of late, for each kind of call.
#[derive(Debug, Default)]
pub struct Visits([Mutex<Window>; 6]);

#[derive(Debug, Default)]
struct Window {
    /// On the monotonic clock.
    began: Duration,
    counts: HashMap<IpAddr, u32>,
}

// === impl Visits ===

impl Visits {
    /// Counts a call at `now` of the monotonic clock; 503 where the address has had its share.
    pub(crate) fn count(&self, kind: VisitKind, ip: IpAddr, now: Duration) -> Result<(), Error> {
        let mut window = self.0[kind as usize].lock();
        if now.saturating_sub(window.began) >= WINDOW {
            *window = Window { began: now, counts: HashMap::new() };
        }
        let range = range_of(ip);
        let busy = || Error::busy("There were too many such calls from this address; try again in a minute.");
        if window.counts.len() >= ADDRESSES_MAX && !window.counts.contains_key(&range) {
            return Err(busy());
        }
        let count = window.counts.entry(range).or_default();
        *count = count.saturating_add(1);
        if *count > kind.most() { Err(busy()) } else { Ok(()) }
    }
}

// === impl Manage ===

impl Manage {
    /// Counts a call of an address, where that is known; 503 where it has had its share.
    pub fn count_visit(&self, kind: VisitKind, ip: Option<IpAddr>) -> Result<(), Error> {
        ip.map_or(Ok(()), |ip| self.visits.count(kind, ip, self.clock.monotonic()))
    }
}

// === impl VisitKind ===

impl VisitKind {
    /// Calls of one address in a [`WINDOW`].
    const fn most(self) -> u32 {
        match self {
            Self::Link => VISITS_MAX,
            Self::Reset => RESETS_MAX,
            Self::SignIn => SIGN_INS_MAX,
            Self::Revocation => REVOCATIONS_MAX,
            Self::LeakReport => LEAK_REPORTS_MAX,
            Self::Refusal => REFUSALS_MAX,
        }
    }
}

// === impl Visitor ===

impl Visitor {
    /// The call as this person's, who has proved by a link that they are it.
    pub(crate) fn as_person(&self, user: &User) -> Ctx {
        let (id, name) = (user.id.to_string(), user.name.to_string());
        let actor = Actor { kind: ActorKind::User, id: Some(id), name: Some(name) };
        match &self.known {
            Some(ctx) => Ctx { actor, ..ctx.clone() },
            None => Ctx {
                actor,
                authorities: Authorities::NONE,
                granted: Authorities::NONE,
                ip: self.ip,
                ..Ctx::operator(self.request_id, self.now)
            },
        }
    }
}

/// Whoever has an address of IPv6 mostly has a /64.
fn range_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

// === impl FromRequestParts for Visitor ===

impl FromRequestParts<Arc<Manage>> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, manage: &Arc<Manage>) -> Result<Self, Error> {
        let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        manage.count_visit(VisitKind::Link, ip)?;
        let request_id = request_id(parts)?;
        let known = if parts.headers.contains_key(AUTHORIZATION) {
            Some(Ctx::from_request_parts(parts, manage).await?)
        } else {
            session_ctx(manage, parts, ip, request_id).await?
        };
        Ok(Self { known, ip, request_id, now: manage.clock.now() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_of_each_minute_and_a_network_counts_as_one() {
        let visits = Visits::default();
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let at = Duration::from_secs;
        for _ in 0..VISITS_MAX {
            assert!(visits.count(VisitKind::Link, ip("2001:db8::1"), at(100)).is_ok());
        }
        assert!(visits.count(VisitKind::Link, ip("2001:db8::2"), at(101)).is_err(), "the same /64");
        assert!(visits.count(VisitKind::Link, ip("2001:db8:0:1::1"), at(101)).is_ok());
        assert!(visits.count(VisitKind::Link, ip("192.0.2.1"), at(101)).is_ok());
        for _ in 0..SIGN_INS_MAX {
            assert!(visits.count(VisitKind::SignIn, ip("2001:db8::1"), at(101)).is_ok(), "kinds count by themselves");
        }
        assert!(visits.count(VisitKind::SignIn, ip("2001:db8::1"), at(101)).is_err());
        assert!(visits.count(VisitKind::Link, ip("2001:db8::2"), at(160)).is_ok(), "the next minute");
    }

    #[test]
    fn the_addresses_that_are_counted_are_bounded() {
        let visits = Visits::default();
        for number in 0..ADDRESSES_MAX {
            let ip = IpAddr::from((number as u32).to_be_bytes());
            assert!(visits.count(VisitKind::Link, ip, Duration::ZERO).is_ok());
        }
        assert!(visits.count(VisitKind::Link, IpAddr::from([203, 0, 113, 1]), Duration::ZERO).is_err());
        assert!(
            visits.count(VisitKind::Link, IpAddr::from([0, 0, 0, 1]), Duration::ZERO).is_ok(),
            "one that is known goes on"
        );
    }
}
