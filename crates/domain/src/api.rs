//! An API: a service under protection.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::credential::Environment;
use crate::credential_source::CredentialSource;
use crate::id::{ApiId, OrganizationId};
use crate::name::{Name, Slug};
use crate::operation::{VersionPattern, Versions};
use crate::sharing::Sharing;

/// The most hosts an API may have.
pub const HOSTS_MAX: usize = 100;
/// The most base paths an API may have.
pub const BASE_PATHS_MAX: usize = 100;
/// The most operations an API may have.
pub const OPERATIONS_MAX: usize = 20_000;
/// The slug of the API that a new organization has.
pub const DEFAULT_SLUG: &str = "default";
/// The slug of the built-in API: the management API itself.
pub const BUILT_IN_SLUG: &str = "claviger";

/// An API without its operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// Its id.
    pub id: ApiId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Unique in the organization.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// The hosts it answers on; empty = any host.
    pub hosts: Vec<Host>,
    /// The paths its operations stand under; `/` or `/v3` or `/api/v3`, no slash at the end but the root's.
    pub base_paths: Vec<String>,
    /// Whether a key that holds the whole API may ask for paths that no operation lists.
    pub unlisted_paths: bool,
    /// Where its manual stands.
    pub manual_url: Option<String>,
    /// What its versions look like, where paths carry one.
    #[serde(default)]
    pub version_pattern: Option<VersionPattern>,
    /// The versions that it lists, at most [`crate::operation::VERSIONS_MAX`]; no two are one in another spelling.
    #[serde(default)]
    pub versions: Vec<Box<str>>,
    /// What it is beside others.
    pub kind: ApiKind,
    /// Which other organizations may use it.
    pub sharing: Sharing,
    /// How its doors judge.
    pub rules: DoorRules,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// What an API is beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKind {
    /// Made or imported by an administrator.
    Plain,
    /// `default` as it was made: without a pin it counts only while it is the organization's only API but the
    /// built-in one. A change of its hosts, base paths or operations makes it plain.
    PristineDefault,
    /// The management API: its sets stand for authorities, no request of a gateway belongs to it.
    BuiltIn,
}

/// How the doors judge requests of an API, where that differs from the usual. What is usual is left out where it is
/// stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DoorRules {
    /// What it would refuse for rights, address or limits is logged and passes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub report_only: bool,
    /// Where its keys stand in a request, in the order in which challenges name them; empty = Basic, Bearer and
    /// `X-Api-Key`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credential_sources: Vec<CredentialSource>,
    /// Whether a CORS preflight passes without a key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub preflight_without_key: bool,
}

// === impl Api ===

impl Api {
    /// Its versions, ready to be looked for in paths.
    pub fn path_versions(&self) -> Versions {
        Versions::new(self.version_pattern.as_ref(), &self.versions)
    }
}

/// A host an API answers on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Lower-case name, without port.
    pub host: String,
    /// Which keys it is for.
    #[serde(default)]
    pub environment: Environment,
}
