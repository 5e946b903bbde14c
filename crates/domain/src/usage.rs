//! What keys did: gathered by the engine off the hot path, written by the store in batches.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ApiId, ApiSessionId, ApiSetId, KeyId, OrganizationId, RequestId};
use crate::key::Owner;
use crate::verdict::Code;

/// The most characters of a user agent that are kept.
pub const AGENT_LENGTH_MAX: usize = 200;
/// The most bytes of a path that are kept in the diagnostic log; the query never is.
pub const PATH_LENGTH_MAX: usize = 300;
/// Refusals kept for each key.
pub const REFUSALS_PER_KEY: usize = 200;
/// Refusals without a key kept for each organization.
pub const REFUSALS_PER_ORGANIZATION: usize = 1_000;
/// Rights of a key whose last use is kept; of those it uses beyond, nothing is known.
pub const RIGHTS_PER_KEY: usize = 2_000;

/// Which check it was, in the diagnostic log, that a secret of before a rotation failed after its overlap.
pub const ROTATED_OUT: &str = "rotated out";
/// Networks that a key was used from and that are told apart; one that is used from more is used from anywhere.
pub const NETWORKS_PER_KEY: usize = 64;
/// Addresses of one key that are kept beside the newest until they are written; of those beyond, the next use tells.
pub const ELSEWHERE_MAX: usize = 16;

/// A way to ask for a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// `POST /v1/verify` and its batch.
    Verify,
    /// `/v1/authorize`.
    Authorize,
    /// `/v1/authorize/nginx`.
    Nginx,
    /// `/v1/authorize/envoy/…`.
    Envoy,
    /// Envoy's external authorization by gRPC.
    EnvoyGrpc,
    /// `POST /v1/introspect`.
    Introspect,
    /// A door token of a gateway.
    DoorToken,
    /// The management API.
    Management,
    /// The web service that API users sign in to.
    WebService,
}

/// One observed request of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub ip: Option<IpAddr>,
    /// The client's user agent.
    pub agent: Option<String>,
    /// At which door.
    pub door: Door,
    /// With which result.
    pub code: Code,
}

/// What a key did since the last batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUsage {
    /// The key.
    pub key: KeyId,
    /// Its tenant.
    pub organization: OrganizationId,
    /// The newest use of the current secret.
    pub last_used: Option<Sighting>,
    /// The newest use of the old secret during an overlap.
    pub old_last_used: Option<Timestamp>,
    /// Whether the other nodes are to know: it is the first use, or one that is an hour after what they know.
    pub is_news: bool,
    /// Uses from other addresses than that of the newest, of either secret: at most [`ELSEWHERE_MAX`].
    pub elsewhere: Vec<Sighting>,
    /// The newest refusal.
    pub last_refused: Option<Sighting>,
    /// Requests by minute, door, code and API.
    pub counts: Vec<UsageCount>,
}

/// A count of requests of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageCount {
    /// The beginning of the minute; of its hour, where very much waits to be written.
    pub minute: Timestamp,
    /// The door.
    pub door: Door,
    /// The verdict.
    pub code: Code,
    /// The API that was asked for, where it is known.
    pub api: Option<ApiId>,
    /// How many.
    pub count: u64,
}

/// What requests are counted by, each for itself and never one by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// All of the organization, those without a key too.
    All,
    /// The owner of their keys.
    Owner(Owner),
    /// The API that they asked for.
    Api(ApiId),
    /// A set that their keys held.
    Set(ApiSetId),
    /// Their key.
    Key(KeyId),
}

/// A count of requests by a subject and verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectCount {
    /// Whose books it is in.
    pub organization: OrganizationId,
    /// By what it is counted.
    pub subject: Subject,
    /// The beginning of the minute.
    pub minute: Timestamp,
    /// The verdict.
    pub code: Code,
    /// How many.
    pub count: u64,
}

/// A right that a key has used, told once a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedRight {
    /// The key.
    pub key: KeyId,
    /// What of its rights.
    pub right: Right,
    /// The beginning of the day (UTC).
    pub day: Timestamp,
}

/// What a request needs of a key's rights.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// An operation, by its name within its API; an empty one: a path that the API does not list.
    Operation(ApiId, Box<str>),
    /// A set that the door required.
    Set(ApiSetId),
}

/// One entry of the diagnostic log: a refusal, and which check failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// The tenant whose log it belongs to.
    pub organization: OrganizationId,
    /// The key, where one is known: also for a deleted or rotated-out value.
    pub key: Option<KeyId>,
    /// At which door.
    pub door: Door,
    /// With which code.
    pub code: Code,
    /// Which check failed, for administrators: "rotated out", "unknown API", "no session".
    pub check: String,
    /// From where.
    pub ip: Option<IpAddr>,
    /// The client's user agent.
    pub agent: Option<String>,
    /// The method asked for.
    pub method: Option<String>,
    /// The path asked for, without query, cut at [`PATH_LENGTH_MAX`].
    pub path: Option<String>,
    /// The API it belonged to, by slug.
    pub api: Option<String>,
    /// The operation it was, `<api>:<name>`.
    pub operation: Option<String>,
    /// The request id that the caller was told.
    pub request_id: RequestId,
    /// Whether it passed all the same, because its API is in report-only mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed: bool,
}

/// Everything gathered since the last batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageBatch {
    /// What keys did.
    pub keys: Vec<KeyUsage>,
    /// What was refused, oldest first.
    pub refusals: Vec<Refusal>,
    /// Refusals that were not kept because the queue was full.
    pub refusals_dropped: u64,
    /// Uses of sessions that the other nodes are to know of.
    pub sessions: Vec<SessionUse>,
    /// What is counted by something else than keys.
    pub subjects: Vec<SubjectCount>,
    /// Rights that were used for the first time today, as far as this node knows.
    pub rights: Vec<UsedRight>,
}

/// A use of an API user's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionUse {
    /// The session.
    pub session: ApiSessionId,
    /// Its tenant.
    pub organization: OrganizationId,
    /// When.
    pub at: Timestamp,
}

/// The network that an address counts as where it is asked whether a key was used from there before: the address itself, of IPv6 the
/// /64 that one machine moves about in (RFC 8981).
pub fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            format!("{}/64", std::net::Ipv6Addr::from_bits(bits))
        }
    }
}

// === impl UsageBatch ===

impl UsageBatch {
    /// Whether there is nothing to be written.
    pub fn is_empty(&self) -> bool {
        let Self { keys, refusals, sessions, subjects, rights, refusals_dropped: _ } = self;
        keys.is_empty() && refusals.is_empty() && sessions.is_empty() && subjects.is_empty() && rights.is_empty()
    }
}

// === impl UsageCount ===

/// The microseconds of an hour.
pub const HOUR_MICROS: i64 = 3_600_000_000;
/// The microseconds of a day.
pub const DAY_MICROS: i64 = 24 * HOUR_MICROS;

impl UsageCount {
    /// The beginning of its hour.
    pub fn hour(&self) -> Timestamp {
        floor(self.minute, HOUR_MICROS)
    }
}

/// The beginning of the span of `micros` in which an instant lies; spans begin with 1970 (UTC).
pub fn floor(at: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(at.as_micros().div_euclid(micros) * micros)
}

// === impl Door ===

impl Door {
    /// The word on the wire, in metrics and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Authorize => "authorize",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::EnvoyGrpc => "envoy_grpc",
            Self::Introspect => "introspect",
            Self::DoorToken => "door_token",
            Self::Management => "management",
            Self::WebService => "web_service",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_as_its_network() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(network_of(address.parse().expect("an address")), network, "{address}");
        }
    }
}
