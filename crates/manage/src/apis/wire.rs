//! APIs and operations on the wire.

use claviger_domain::api::{Api, ApiKind};
use claviger_domain::operation::Operation;
use claviger_domain::{Timestamp, api};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::rules::SharedWithView;

/// An API, without its operations.
#[expect(clippy::struct_excessive_bools, reason = "the wire has a member for each")]
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiView {
    /// Null only in the preview of an import that would make the API.
    #[schema(required, example = "api_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: Option<String>,
    /// The organization it belongs to: its provider.
    organization: String,
    #[schema(example = "github")]
    slug: String,
    name: String,
    /// `plain`; `pristine_default`: as it was made with the organization; `built_in`: the management API itself.
    #[schema(value_type = String, example = "plain")]
    kind: ApiKind,
    /// The hosts it answers on; empty = any.
    hosts: Vec<HostView>,
    /// The paths its operations stand under.
    base_paths: Vec<String>,
    /// Whether a key that holds the whole API may ask for paths that no operation lists.
    unlisted_paths: bool,
    /// Whether what it would refuse for rights, address or limits is logged and passes.
    report_only: bool,
    #[schema(required)]
    manual_url: Option<String>,
    /// What versions look like in its paths; null where they carry none.
    #[schema(required, example = "v#")]
    version_pattern: Option<String>,
    /// The versions it lists.
    #[schema(example = json!(["v1", "v2"]))]
    versions: Vec<String>,
    /// Where its keys stand in a request: `basic`, `bearer`, names of headers, `query:` and a parameter's name; empty =
    /// `basic`, `bearer` and `x-api-key`.
    credential_sources: Vec<String>,
    /// Whether a CORS preflight passes without a key.
    preflight_without_key: bool,
    /// Which other organizations may use it; null where one is such an organization oneself.
    #[schema(required)]
    shared_with: Option<SharedWithView>,
    /// Whether Full access of their keys covers it.
    shared_full_access: bool,
    /// How many operations it lists.
    operations_count: i64,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// A host an API answers on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HostView {
    host: String,
    /// Which keys it is for: `live` or `test`.
    #[schema(example = "live")]
    environment: &'static str,
}

/// An operation of an API.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationView {
    /// `<api slug>:<operation>`, as sets and keys name it; of another organization's API `<id>:<operation>`.
    #[schema(example = "github:issues/list-for-repo")]
    name: String,
    #[schema(example = "GET")]
    method: String,
    /// The path template, without base path and version.
    #[schema(example = "/repos/{owner}/{repo}/issues")]
    path: String,
    /// The path's parameters that take several segments.
    multi_segment: Vec<String>,
    summary: String,
    tags: Vec<String>,
    /// The versions of the API that have it, `none` for paths without one; empty = every one.
    versions: Vec<String>,
}

/// An API after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The API.
    pub api: ApiView,
    /// Its version.
    pub version: i64,
}

// === impl ApiView ===

impl ApiView {
    /// The API's id; empty before it is made.
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// The view of `api`.
    pub fn new(api: &Api, operations_count: i64) -> Self {
        Self {
            id: Some(api.id.to_string()),
            organization: api.organization.to_string(),
            slug: api.slug.to_string(),
            name: api.name.to_string(),
            kind: api.kind,
            hosts: api.hosts.iter().map(HostView::from).collect(),
            base_paths: api.base_paths.clone(),
            unlisted_paths: api.unlisted_paths,
            report_only: api.rules.report_only,
            manual_url: api.manual_url.clone(),
            version_pattern: api.version_pattern.as_ref().map(ToString::to_string),
            versions: api.versions.iter().map(ToString::to_string).collect(),
            credential_sources: api.rules.credential_sources.iter().map(ToString::to_string).collect(),
            preflight_without_key: api.rules.preflight_without_key,
            shared_with: Some(SharedWithView(api.sharing.with.clone())),
            shared_full_access: api.sharing.full_access,
            operations_count,
            created_at: api.created_at,
            updated_at: api.updated_at,
        }
    }

    /// The same API as other organizations see it: not with whom else it is shared.
    #[must_use]
    pub fn for_guests(self) -> Self {
        Self { shared_with: None, ..self }
    }

    /// The same API before it is made: it has no id yet.
    #[must_use]
    pub fn not_made(self) -> Self {
        Self { id: None, ..self }
    }
}

// === impl views ===

impl From<&api::Host> for HostView {
    fn from(host: &api::Host) -> Self {
        Self { host: host.host.clone(), environment: host.environment.as_str() }
    }
}

impl OperationView {
    /// What an audit entry shows: the members that say something, under the operation's own name.
    pub(super) fn audited(operation: &Operation) -> Value {
        let mut shown = json!(Self { name: operation.name.to_string(), ..Self::new("", operation) });
        if let Some(members) = shown.as_object_mut() {
            members.retain(|_, value| !matches!(value, Value::Array(list) if list.is_empty()) && *value != "");
        }
        shown
    }

    /// The view of an operation of `api`, called as `label` names that API.
    pub fn new(label: &str, operation: &Operation) -> Self {
        let texts = |list: &[Box<str>]| list.iter().map(ToString::to_string).collect();
        Self {
            name: format!("{label}:{}", operation.name),
            method: operation.method.to_string(),
            path: operation.template.to_string(),
            multi_segment: texts(&operation.multi_segment),
            summary: operation.summary.to_string(),
            tags: texts(&operation.tags),
            versions: texts(&operation.versions),
        }
    }
}
