//! An invitation on the wire.

use claviger_domain::link::Link;
use claviger_domain::member::Member;
use claviger_domain::{Secret, Timestamp};
use claviger_store::Conn;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::keys::{ActorView, expose_some};
use crate::mandate::roles_of;

/// A link by which somebody may come, without its token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InvitationView {
    #[schema(example = "lnk_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    /// The user who was invited, by id.
    user: String,
    #[schema(example = "bob@example.com")]
    email: String,
    /// The roles that the user has once they come, by slug.
    #[schema(example = json!(["developer"]))]
    roles: Vec<String>,
    /// `open` or `expired`.
    #[schema(example = "open")]
    state: &'static str,
    created_by: ActorView,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    expires_at: Timestamp,
}

/// An invitation that was made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NewInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: InvitationView,
    /// Whether its link goes to the person by mail.
    pub mailed: bool,
    /// The link, where it goes by no mail: hand it over. It cannot be shown again.
    #[serde(serialize_with = "expose_some")]
    #[schema(value_type = Option<String>, required, example = "https://keys.example.com/invitation#…")]
    pub link: Option<Secret>,
}

/// What came of an invitation that was accepted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Accepted {
    /// The organization's id.
    pub organization: String,
    /// The organization's name.
    pub organization_name: String,
    /// The person's id.
    pub user: String,
    /// The address by which they are known from now on.
    pub email: String,
}

// === impl InvitationView ===

impl InvitationView {
    /// The view of a member's link at `now`.
    pub(super) async fn load(conn: &mut Conn, link: &Link, member: &Member, now: Timestamp) -> Result<Self, Error> {
        let roles = roles_of(conn, member).await?;
        Ok(Self {
            id: link.id.to_string(),
            user: member.user.id.to_string(),
            email: member.user.email.to_string(),
            roles: roles.iter().map(|role| role.slug.to_string()).collect(),
            state: if now < link.expires_at { "open" } else { "expired" },
            created_by: ActorView::from(&link.created_by),
            created_at: link.created_at,
            expires_at: link.expires_at,
        })
    }

    /// The invitation's id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

// === impl NewInvitation ===

impl NewInvitation {
    /// The same as it is kept and noted: without the link.
    pub(crate) fn without_link(&self) -> Self {
        Self { link: None, ..self.clone() }
    }
}
