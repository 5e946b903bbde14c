//! An application on the wire.

use claviger_domain::Timestamp;
use claviger_domain::application::Application;
use claviger_domain::usage::Sighting;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ip_list::IpView;
use crate::keys::{ActorView, Issued, KeyView, SightingView};

/// An application.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApplicationView {
    #[schema(example = "app_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    #[schema(example = "partner-portal")]
    slug: String,
    name: String,
    /// Its type, by slug.
    #[serde(rename = "type")]
    #[schema(example = "partner")]
    kind: String,
    /// Whether its keys pass.
    active: bool,
    /// Why it is inactive, in a person's words.
    #[schema(required)]
    state_reason: Option<String>,
    #[schema(required)]
    state_by: Option<ActorView>,
    #[schema(required, value_type = Option<String>)]
    state_at: Option<Timestamp>,
    allowed_ips: Vec<IpView>,
    #[schema(required)]
    public_url: Option<String>,
    /// What its keys may do at the most: the sets of its type, by slug.
    api_sets: Vec<String>,
    created_by: ActorView,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
    /// The newest use of any of its keys.
    #[schema(required)]
    last_used: Option<SightingView>,
    counts: ApplicationCounts,
}

/// How much depends on an application.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ApplicationCounts {
    /// Living keys.
    pub keys: i64,
    /// By now always 0: applications have no sign-ins yet.
    pub api_users: i64,
    /// By now always 0.
    pub sessions: i64,
}

/// A new application, with its first key. The key's value cannot be shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApplication {
    /// The application.
    pub application: ApplicationView,
    /// By now always null: applications of the style `key_only` have none.
    #[schema(required)]
    pub password: Option<String>,
    /// Its first key.
    pub key: KeyView,
    /// What the key is proved by.
    #[serde(flatten)]
    pub issued: Issued,
}

/// An application after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The application.
    pub application: ApplicationView,
    /// Its version.
    pub version: i64,
}

/// What a view shows beside the record.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) kind: String,
    pub(super) api_sets: Vec<String>,
    pub(super) keys: i64,
    pub(super) last_used: Option<Sighting>,
}

// === impl ApplicationView ===

impl ApplicationView {
    /// The application's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn new(application: &Application, around: Surroundings) -> Self {
        let disabled = application.disabled.as_ref();
        Self {
            id: application.id.to_string(),
            slug: application.slug.to_string(),
            name: application.name.to_string(),
            kind: around.kind,
            active: disabled.is_none(),
            state_reason: disabled.and_then(|disabled| disabled.reason.clone()),
            state_by: disabled.map(|disabled| ActorView::from(&disabled.by)),
            state_at: disabled.map(|disabled| disabled.at),
            allowed_ips: application.allowed_ips.iter().map(IpView::from).collect(),
            public_url: application.public_url.clone(),
            api_sets: around.api_sets,
            created_by: ActorView::from(&application.created_by),
            created_at: application.created_at,
            updated_at: application.updated_at,
            last_used: around.last_used.as_ref().map(SightingView::from),
            counts: ApplicationCounts { keys: around.keys, api_users: 0, sessions: 0 },
        }
    }

    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        const FIELDS: [&str; 7] = ["slug", "name", "type", "active", "state_reason", "allowed_ips", "public_url"];
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.retain(|name, _| FIELDS.contains(&name.as_str()));
        }
        all
    }
}
