//! An API user on the wire.

use claviger_domain::api_user::{ApiSession, ApiUser};
use claviger_domain::{Secret, Timestamp};
use claviger_store::api_sessions::Particulars;
use claviger_store::api_user_secrets::Event;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::keys::{ActorView, expose_some};

/// An API user.
#[expect(clippy::struct_excessive_bools, reason = "the wire has a member for each")]
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiUserView {
    #[schema(example = "apu_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    /// Its application.
    application: ApplicationRef,
    #[schema(example = "ann@example.com")]
    user_name: String,
    active: bool,
    #[schema(minimum = 1, maximum = 5)]
    permission_type: u8,
    #[schema(required)]
    contact: Option<ContactView>,
    profile_user: ProfileView,
    #[schema(example = "password")]
    sign_in_method: &'static str,
    /// `totp`, or null where no codes are set up.
    #[schema(required)]
    second_factor: Option<&'static str>,
    /// Whether codes are set up.
    enrolled: bool,
    /// How many recovery codes were not used.
    recovery_codes_left: i64,
    /// Whether it has a password.
    has_password: bool,
    /// Whether it has a token that needs no sign-in.
    has_static_token: bool,
    language: String,
    #[schema(required, value_type = Option<String>)]
    last_sign_in: Option<Timestamp>,
    /// Its sessions.
    sessions: i64,
    created_by: ActorView,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// The application of an API user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApplicationRef {
    id: String,
    slug: String,
    name: String,
}

/// Somebody in the protected service's own system.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContactView {
    id: String,
    email: String,
}

/// The person whose rights bound the sessions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProfileView {
    id: String,
    /// Their name; null where they are in the organization no more.
    #[schema(required)]
    name: Option<String>,
    /// What the protected service's system calls them.
    #[schema(required)]
    external: Option<String>,
}

/// A new API user. A token is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiUser {
    /// The user.
    pub api_user: ApiUserView,
    /// What it proves itself by where its application's type asks for a token without a sign-in.
    #[schema(required, value_type = Option<String>)]
    #[serde(serialize_with = "expose_some")]
    pub token: Option<Secret>,
    /// Whether it was mailed a link by which it chooses its password.
    pub mailed: bool,
}

/// An API user after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The user.
    pub user: ApiUserView,
    /// Its version.
    pub version: i64,
}

/// A session of an API user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiSessionView {
    id: String,
    /// The key that it began with.
    key: String,
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// As far as the database knows: five minutes behind at the most.
    #[schema(value_type = String)]
    last_used: Timestamp,
    /// When it ends if nobody uses it.
    #[schema(value_type = String)]
    ends_at: Timestamp,
    /// Whether it is for setting up one-time codes alone.
    enrolment_only: bool,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    agent: Option<String>,
    language: String,
    /// What the client said of itself.
    #[schema(value_type = Object)]
    params: Value,
}

/// Something that an API user did, or somebody at its name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventView {
    #[schema(value_type = String)]
    at: Timestamp,
    #[schema(example = "signed_in")]
    status: String,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    agent: Option<String>,
    #[schema(required)]
    device: Option<String>,
}

/// What a view shows beside the record.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) application: (String, String),
    pub(super) profile: Option<String>,
    pub(super) enrolled: bool,
    pub(super) recovery_codes_left: i64,
    pub(super) has_password: bool,
    pub(super) last_sign_in: Option<Timestamp>,
    pub(super) sessions: i64,
}

// === impl ApiUserView ===

impl ApiUserView {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn new(user: &ApiUser, around: Surroundings) -> Self {
        let (slug, name) = around.application;
        Self {
            id: user.id.to_string(),
            application: ApplicationRef { id: user.application.to_string(), slug, name },
            user_name: user.user_name.to_string(),
            active: user.disabled.is_none(),
            permission_type: user.permission_type.number(),
            contact: user
                .contact
                .as_ref()
                .map(|contact| ContactView { id: contact.id.clone(), email: contact.email.as_str().to_owned() }),
            profile_user: ProfileView {
                id: user.profile_user.to_string(),
                name: around.profile,
                external: user.profile_external.clone(),
            },
            sign_in_method: user.sign_in_method.as_str(),
            second_factor: around.enrolled.then_some("totp"),
            enrolled: around.enrolled,
            recovery_codes_left: around.recovery_codes_left,
            has_password: around.has_password,
            has_static_token: user.static_token.is_some(),
            language: user.language.clone(),
            last_sign_in: around.last_sign_in,
            sessions: around.sessions,
            created_by: ActorView::from(&user.created_by),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }

    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        const FIELDS: [&str; 8] = [
            "user_name",
            "active",
            "permission_type",
            "contact",
            "profile_user",
            "sign_in_method",
            "language",
            "has_static_token",
        ];
        let mut all = json!(self);
        if let Value::Object(members) = &mut all {
            members.retain(|name, _| FIELDS.contains(&name.as_str()));
            members.insert("application".to_owned(), json!(self.application.slug));
        }
        all
    }
}

// === impl ApiSessionView ===

impl From<(ApiSession, Particulars)> for ApiSessionView {
    fn from((session, particulars): (ApiSession, Particulars)) -> Self {
        Self {
            id: session.id.to_string(),
            key: session.key.to_string(),
            created_at: session.created_at,
            last_used: session.used_at,
            ends_at: session.ends_at(session.used_at),
            enrolment_only: session.enrolment_only,
            ip: particulars.ip,
            agent: particulars.agent,
            language: particulars.language,
            params: serde_json::from_str(&particulars.params).unwrap_or_default(),
        }
    }
}

// === impl EventView ===

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self { at: event.at, status: event.status, ip: event.ip, agent: event.agent, device: event.device }
    }
}
