//! What keys did: gathered by the engine off the hot path, written by the store in batches.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ApiSessionId, KeyId, OrganizationId, RequestId};
use crate::verdict::Code;

/// The most characters of a user agent that are kept.
pub const AGENT_LENGTH_MAX: usize = 200;
/// The most bytes of a path that are kept in the diagnostic log; the query never is.
pub const PATH_LENGTH_MAX: usize = 300;
/// Refusals kept for each key.
pub const REFUSALS_PER_KEY: usize = 200;
/// Refusals without a key kept for each organization.
pub const REFUSALS_PER_ORGANIZATION: usize = 1_000;

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
    /// The newest refusal.
    pub last_refused: Option<Sighting>,
    /// Requests by hour (microseconds of its beginning), door and code.
    pub counts: Vec<UsageCount>,
}

/// A count of requests of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageCount {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The door.
    pub door: Door,
    /// The verdict.
    pub code: Code,
    /// How many.
    pub count: u64,
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
