//! What a door asks.

use std::net::IpAddr;

use claviger_domain::usage::Door;
use claviger_domain::{OrganizationId, RequestId};

use crate::presented::Presented;

/// For whom a door call is made: the organization whose APIs, sets and keys count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// The organization of the door token, else the installation's default one.
    pub organization: OrganizationId,
}

/// A request for a verdict.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// For whom it is asked.
    pub provider: Provider,
    /// What the caller presented.
    pub credentials: &'a Presented<'a>,
    /// The client's address, where the door knows it.
    pub client_ip: Option<IpAddr>,
    /// The request to judge; `None` where only the credential (and `requires`) is asked about.
    pub request: Option<RequestLine<'a>>,
    /// The API that the door call names, by slug or id.
    pub pin: Option<&'a str>,
    /// Sets of the provider that the key must hold, by slug or id, all of them.
    pub requires: &'a [&'a str],
    /// What the request counts for in limits; 1 is usual.
    pub cost: u64,
    /// Whether the client's headers are those of a CORS preflight.
    pub preflight: bool,
    /// The door.
    pub door: Door,
    /// The client's user agent, for the log alone.
    pub agent: Option<&'a str>,
    /// The id that the caller is told.
    pub request_id: RequestId,
}

/// The request that stands at the gateway, as the gateway received it.
#[derive(Debug, Clone, Copy)]
pub struct RequestLine<'a> {
    /// Its method, case as it came.
    pub method: &'a str,
    /// Its target in origin form, query included, nothing decoded.
    pub target: &'a str,
    /// Its host, with or without port.
    pub host: Option<&'a str>,
    /// The values of headers such as `X-HTTP-Method-Override`: the request is judged by each of them too. The `_method`
    /// of the query is found by the engine.
    pub method_overrides: &'a [&'a str],
}

/// Where and for whom a credential of Claviger itself is presented: a management key or a door token.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The caller's address.
    pub ip: Option<IpAddr>,
    /// The caller's user agent.
    pub agent: Option<&'a str>,
    /// The id that the caller is told.
    pub request_id: RequestId,
}

/// Why a door token does not open the door. The answer is the same for all; only the log tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorTokenError {
    /// None was sent, and one is required or there is more than one organization to choose from.
    Missing,
    /// It is no living key that holds `claviger-verify`, or may not be used from here.
    Wrong,
}

// === impl Provider ===

impl Provider {
    /// Of an installation without organizations: it has no keys and no APIs.
    pub const NOBODY: Self = Self { organization: OrganizationId::from_raw(0) };
}
