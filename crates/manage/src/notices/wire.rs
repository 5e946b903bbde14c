//! Which notices go to whom, on the wire.

use claviger_domain::Timestamp;
use claviger_domain::notice::{Audience, NoticeKind, NoticeSettings};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Which notices go to whom.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticesView {
    kinds: KindsView,
    /// Addresses beside those of people.
    #[schema(example = json!(["ops@example.com"]))]
    addresses: Vec<String>,
    /// Null if it is as it was made.
    #[schema(required, value_type = Option<String>)]
    updated_at: Option<Timestamp>,
}

/// Who is told of what.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KindsView {
    /// A key ends in 30, 7 or 1 days, or today.
    expiry: AudienceView,
    /// A key goes idle in 14, 7 or 1 days, or has gone idle.
    idle: AudienceView,
    /// A key was made or imported.
    created: AudienceView,
    /// A key's secret was shown again.
    revealed: AudienceView,
    /// A key has a new secret.
    rotated: AudienceView,
    /// A key waits for approval.
    approval: AudienceView,
    /// A key that waited was approved or denied; its holder is also who asked.
    decided: AudienceView,
    /// A key was used from a network for the first time.
    new_address: AudienceView,
    /// A secret was used that had been rotated out.
    old_secret_used: AudienceView,
    /// A key was reported as leaked.
    leaked: AudienceView,
    /// A user was disabled or locked, or an application disabled.
    owner_disabled: AudienceView,
}

/// Who is told.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct AudienceView {
    /// The person whose key it is.
    holder: bool,
    /// Those who have the role `admin`.
    administrators: bool,
    /// The addresses of the organization's choice.
    addresses: bool,
}

// === impl views ===

impl From<&NoticeSettings> for NoticesView {
    fn from(settings: &NoticeSettings) -> Self {
        let of = |kind| AudienceView::from(settings.audience(kind));
        Self {
            kinds: KindsView {
                expiry: of(NoticeKind::Expiry),
                idle: of(NoticeKind::Idle),
                created: of(NoticeKind::Created),
                revealed: of(NoticeKind::Revealed),
                rotated: of(NoticeKind::Rotated),
                approval: of(NoticeKind::Approval),
                decided: of(NoticeKind::Decided),
                new_address: of(NoticeKind::NewAddress),
                old_secret_used: of(NoticeKind::OldSecretUsed),
                leaked: of(NoticeKind::Leaked),
                owner_disabled: of(NoticeKind::OwnerDisabled),
            },
            addresses: settings.addresses.iter().map(ToString::to_string).collect(),
            updated_at: settings.updated_at,
        }
    }
}

impl From<Audience> for AudienceView {
    fn from(audience: Audience) -> Self {
        let Audience { holder, administrators, addresses } = audience;
        Self { holder, administrators, addresses }
    }
}

impl NoticesView {
    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.shift_remove("updated_at");
        }
        all
    }
}
