//! A user on the wire.

use claviger_domain::key::Disabled;
use claviger_domain::member::{Member, Standing};
use claviger_domain::{Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::invitations::NewInvitation;
use crate::keys::ActorView;

/// A person in the organization.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    #[schema(example = "usr_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    #[schema(example = "bob")]
    username: String,
    name: String,
    #[schema(example = "bob@example.com")]
    email: String,
    /// `invited` until they have come; then `active`, `disabled`, `locked` or `expired`.
    #[schema(example = "active")]
    state: &'static str,
    /// Why they are disabled or locked, in a person's words.
    #[schema(required)]
    state_reason: Option<String>,
    #[schema(required)]
    state_by: Option<ActorView>,
    #[schema(required, value_type = Option<String>)]
    state_at: Option<Timestamp>,
    /// Not taken out of service.
    enabled: bool,
    /// Locked by an administrator.
    locked: bool,
    /// Out of service from then on; null = never.
    #[schema(required, value_type = Option<String>)]
    account_expires_at: Option<Timestamp>,
    /// What they may do, by slug.
    roles: Vec<String>,
    #[schema(example = "en")]
    language: String,
    #[schema(example = "Europe/Warsaw")]
    time_zone: String,
    /// By now always null.
    #[schema(required)]
    external_subject: Option<String>,
    /// When they last signed in to the organization, or switched to it; null = never.
    #[schema(required, value_type = Option<String>)]
    last_sign_in: Option<Timestamp>,
    /// Left out for who may not see the user's keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<UserCounts>,
    created_by: ActorView,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// How much depends on a user.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct UserCounts {
    /// Living keys.
    pub keys: i64,
}

/// A user after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The user.
    pub user: UserView,
    /// Its version.
    pub version: i64,
}

/// A user who was made, and the invitation by which they come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NewUser {
    /// The user.
    #[serde(flatten)]
    pub user: UserView,
    /// The invitation.
    pub invitation: NewInvitation,
}

// === impl NewUser ===

impl NewUser {
    /// The same as it is kept: without the link.
    pub(super) fn without_link(&self) -> Self {
        Self { invitation: self.invitation.without_link(), ..self.clone() }
    }
}

// === impl UserView ===

impl UserView {
    /// The user's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The view of `member` at `now`; `keys`: how many it has, where the caller may know.
    pub(super) fn new(
        member: &Member,
        roles: Vec<String>,
        keys: Option<i64>,
        last_sign_in: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let stopped: Option<&Disabled> = member.disabled.as_ref().or(member.locked.as_ref());
        Self {
            id: member.user.id.to_string(),
            username: member.username.to_string(),
            name: member.user.name.to_string(),
            email: member.user.email.to_string(),
            state: state(member, now),
            state_reason: stopped.and_then(|stopped| stopped.reason.clone()),
            state_by: stopped.map(|stopped| ActorView::from(&stopped.by)),
            state_at: stopped.map(|stopped| stopped.at),
            enabled: member.disabled.is_none(),
            locked: member.locked.is_some(),
            account_expires_at: member.account_expires_at,
            roles,
            language: member.user.language.clone(),
            time_zone: member.user.time_zone.clone(),
            external_subject: None,
            last_sign_in,
            counts: keys.map(|keys| UserCounts { keys }),
            created_by: ActorView::from(&member.created_by),
            created_at: member.created_at,
            updated_at: member.updated_at,
        }
    }

    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        const FIELDS: [&str; 10] = [
            "username",
            "name",
            "email",
            "enabled",
            "locked",
            "state_reason",
            "account_expires_at",
            "roles",
            "language",
            "time_zone",
        ];
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.retain(|name, _| FIELDS.contains(&name.as_str()));
        }
        all
    }
}

fn state(member: &Member, now: Timestamp) -> &'static str {
    match member.standing(now) {
        Standing::Disabled => "disabled",
        Standing::Locked => "locked",
        Standing::Expired => "expired",
        Standing::InService if member.accepted_at.is_none() => "invited",
        Standing::InService => "active",
    }
}

/// The id that a path or a filter names, if it is one.
pub(super) fn id(text: &str) -> Option<UserId> {
    text.parse().ok()
}
