//! Sessions on the wire.

use claviger_domain::session::{Session, SessionLimits};
use claviger_domain::{Secret, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::keys::expose;

/// Who signs in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The e-mail address, or the user name in the organization.
    #[schema(max_length = 254, example = "ann@example.com")]
    pub login: String,
    /// The password.
    #[schema(value_type = String, max_length = 1024)]
    pub password: Secret,
    /// The organization whose things are meant, by id or slug; the default one, or the first in which the person is, where it is left out.
    #[serde(default)]
    pub organization: Option<String>,
}

/// A session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionView {
    id: String,
    user: String,
    /// The organization whose things are meant.
    organization: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When a request was last noted, to the minute.
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
    /// When it ends without a further request.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    /// Until when nobody is asked for the password again.
    #[schema(value_type = String, format = DateTime)]
    stepped_up_until: Timestamp,
    /// The address of the last request that was noted.
    #[schema(required)]
    ip: Option<String>,
    /// The browser, as it called itself when the person signed in.
    #[schema(required)]
    device: Option<String>,
    /// Whether it is the caller's own.
    current: bool,
}

/// A session and what its changes bear.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionWithCsrf {
    #[serde(flatten)]
    pub(super) session: SessionView,
    /// Goes as `X-Claviger-CSRF` with everything but GET.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub(super) csrf_token: Secret,
}

/// A person's sessions, the one that was seen last first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sessions {
    pub(super) data: Vec<SessionView>,
}

/// Which organization's things a session means.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchOrganization {
    /// The organization, by id or slug.
    pub organization: String,
}

// === impl SessionView ===

impl SessionView {
    pub(super) fn new(session: &Session, limits: &SessionLimits, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.to_string(),
            user: session.user.to_string(),
            organization: session.organization.to_string(),
            created_at: session.created_at,
            last_seen_at: session.seen_at,
            ends_at: session.ends_at(limits),
            stepped_up_until: session.proved_at.saturating_add(claviger_domain::session::STEP_UP_FOR),
            ip: session.ip.clone(),
            device: session.agent.clone(),
            current: current == Some(session.id),
        }
    }
}
