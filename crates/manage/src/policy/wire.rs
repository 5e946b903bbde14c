//! A policy on the wire.

use claviger_domain::Timestamp;
use claviger_domain::organization::Organization;
use claviger_domain::policy::{
    Lifetime, OldSecretUse, PerOwner, Policy, RevealMode, RevealModes, StatusProfile, UniqueNames,
};
use claviger_store::{Conn, api_sets};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::application_types::set_label;
use crate::error::Error;

/// An organization's rules for its keys.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyView {
    max_lifetime: LifetimesView,
    /// After how many days without use a key is out of service; 0 = never.
    #[schema(example = 90)]
    idle_days: u32,
    /// Whether every key needs a list of addresses.
    ip_list_required: bool,
    reveal: RevealView,
    max_keys: CountsView,
    /// Among which living keys a name is one key's alone: those of its `owner`, or all of the `organization`.
    #[schema(value_type = String, example = "owner")]
    unique_names: UniqueNames,
    /// How gateway doors answer: `default` or `gotransverse`.
    #[schema(value_type = String, example = "default")]
    status_profile: StatusProfile,
    /// What becomes of a key of which a secret is used that was rotated out: `alert` or `disable`.
    #[schema(value_type = String, example = "alert")]
    old_secret_use: OldSecretUse,
    /// Whether who manages keys may make, change and rotate those of other people.
    delegated_creation: bool,
    /// The sets whose keys a second person has to approve, by slug; another organization's by id. None: no key waits.
    #[schema(example = json!(["refunds"]))]
    approval: Vec<String>,
    /// Null if it is as it was made.
    #[schema(required, value_type = Option<String>)]
    updated_at: Option<Timestamp>,
}

/// How long keys may live, by kind of owner, such as `{"years": 1}`; null = for ever. A key may live to the end of the day
/// that many years, months or days after its creation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LifetimesView {
    #[schema(required, value_type = Option<Object>)]
    user: Option<Lifetime>,
    #[schema(required, value_type = Option<Object>)]
    application: Option<Lifetime>,
    #[schema(required, value_type = Option<Object>)]
    organization: Option<Lifetime>,
}

/// What becomes of the secrets of new single keys, by kind of owner: `once` or `recoverable`. Others are always `once`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RevealView {
    #[schema(value_type = String)]
    organization: RevealMode,
    #[schema(value_type = String)]
    application: RevealMode,
}

/// How many living keys one owner may have, by kind of owner; null = any number.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CountsView {
    #[schema(required)]
    user: Option<u32>,
    #[schema(required)]
    application: Option<u32>,
    #[schema(required)]
    organization: Option<u32>,
}

// === impl views ===

impl PolicyView {
    /// The view of `policy` as the rules of `home`.
    pub(super) async fn load(conn: &mut Conn, home: &Organization, policy: &Policy) -> Result<Self, Error> {
        let mut approval = Vec::with_capacity(policy.approval.len());
        for id in &policy.approval {
            approval.extend(api_sets::find(conn, *id).await?.map(|set| set_label(&set, home.id)));
        }
        Ok(Self::new(policy, approval))
    }

    fn new(policy: &Policy, approval: Vec<String>) -> Self {
        let PerOwner { user, application, organization } = policy.max_lifetime;
        let max_lifetime = LifetimesView { user, application, organization };
        let RevealModes { organization, application } = policy.reveal;
        let reveal = RevealView { organization, application };
        let PerOwner { user, application, organization } = policy.max_keys;
        Self {
            max_lifetime,
            idle_days: policy.idle_days,
            ip_list_required: policy.ip_list_required,
            reveal,
            max_keys: CountsView { user, application, organization },
            unique_names: policy.unique_names,
            status_profile: policy.status_profile,
            old_secret_use: policy.old_secret_use,
            delegated_creation: policy.delegated_creation,
            approval,
            updated_at: policy.updated_at,
        }
    }

    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.shift_remove("updated_at");
        }
        all
    }
}
