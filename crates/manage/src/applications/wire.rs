//! An application on the wire.

use claviger_domain::application::Application;
use claviger_domain::usage::Sighting;
use claviger_domain::{KeyId, Secret, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ip_list::IpView;
use crate::keys::{ActorView, Issued, KeyView, SightingView, expose_some};
use crate::limits::{self, LimitView};

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
    /// What its keys share, unless a limit's scope says otherwise.
    limits: Vec<LimitView>,
    #[schema(required)]
    public_url: Option<String>,
    /// When its password was set; null where its type asks for none.
    #[schema(required, value_type = Option<String>)]
    password_set_at: Option<Timestamp>,
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
    /// The first of its living keys, by name.
    #[schema(required)]
    key: Option<ApplicationKey>,
    counts: ApplicationCounts,
}

/// A key of an application, as a list tells it apart.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApplicationKey {
    #[schema(value_type = String, example = "key_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    pub id: KeyId,
    /// Its first and last characters.
    #[schema(example = "clv_live_…J9sL")]
    pub hint: String,
}

/// How much depends on an application.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ApplicationCounts {
    /// Living keys.
    pub keys: i64,
    /// Who signs in under it.
    pub api_users: i64,
    /// Their sessions.
    pub sessions: i64,
}

/// A new application, with its first key. The key's value cannot be shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApplication {
    /// The application.
    pub application: ApplicationView,
    /// What its calls prove themselves by beside a key; null where its type asks for none.
    #[schema(required, value_type = Option<String>)]
    #[serde(serialize_with = "expose_some")]
    pub password: Option<Secret>,
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
    pub(super) api_users: i64,
    pub(super) sessions: i64,
    pub(super) last_used: Option<Sighting>,
    pub(super) key: Option<ApplicationKey>,
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
            limits: limits::views(&application.limits),
            public_url: application.public_url.clone(),
            password_set_at: application.password.map(|password| password.set_at),
            api_sets: around.api_sets,
            created_by: ActorView::from(&application.created_by),
            created_at: application.created_at,
            updated_at: application.updated_at,
            last_used: around.last_used.as_ref().map(SightingView::from),
            key: around.key,
            counts: ApplicationCounts { keys: around.keys, api_users: around.api_users, sessions: around.sessions },
        }
    }

    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        const FIELDS: [&str; 9] = [
            "slug",
            "name",
            "type",
            "active",
            "state_reason",
            "allowed_ips",
            "limits",
            "public_url",
            "password_set_at",
        ];
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.retain(|name, _| FIELDS.contains(&name.as_str()));
        }
        all
    }
}
