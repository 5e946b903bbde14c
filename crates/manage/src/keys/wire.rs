//! A key on the wire.

use std::collections::{HashMap, HashSet};

use claviger_domain::api_set::ApiPattern;
use claviger_domain::approval::Approval;
use claviger_domain::key::{Actor, Disabled, Facts, Key, Owner, State};
use claviger_domain::policy::Policy;
use claviger_domain::rules::Rules;
use claviger_domain::usage::Sighting;
use claviger_domain::{ApiId, ApiSetId, ApplicationId, KeyId, OrganizationId, Secret, Timestamp, UserId};
use claviger_store::key_usage::{self, LastUsage};
use claviger_store::{Conn, api_sets, apis, applications, key_reveals, members, organizations};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::value::Issued;
use crate::error::Error;
use crate::ip_list::IpView;
use crate::limits::{self, LimitView};
use crate::shared::label;

/// The reason of a key whose end has come.
const EXPIRY_REASON: &str = "expiry";

/// A key; never its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeyView {
    id: String,
    organization: String,
    owner: OwnerView,
    name: String,
    description: String,
    #[schema(example = "live")]
    environment: &'static str,
    #[schema(example = "single")]
    shape: &'static str,
    #[schema(example = "clv_live_…8Kx2")]
    hint: String,
    #[schema(example = "once")]
    reveal: &'static str,
    #[schema(required)]
    external_id: Option<String>,
    tags: Vec<String>,
    /// How often it may ask, and how much it may use; its owner and its sets may have limits too.
    limits: Vec<LimitView>,
    #[schema(value_type = String, example = "active")]
    state: State,
    /// Why it is in this state: in a person's words, or `idle` (it was not used, by the system) or `expiry`.
    #[schema(required)]
    state_reason: Option<String>,
    #[schema(required)]
    state_by: Option<ActorView>,
    #[schema(required, value_type = Option<String>)]
    state_at: Option<Timestamp>,
    /// That it has to be approved, and who approved it; null if it never had to be.
    #[schema(required)]
    approval: Option<ApprovalView>,
    /// The sets it holds, by slug; another organization's by id.
    api_sets: Vec<String>,
    /// The operations it holds beside its sets, as `<api slug>:<pattern>`; of another organization's API as `<id>:<pattern>`.
    operations: Vec<String>,
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_ips: Option<Vec<IpView>>,
    /// Only in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_ips_count: Option<usize>,
    #[schema(required, value_type = Option<String>)]
    not_before: Option<Timestamp>,
    /// When it ends: by its own end or, where that comes sooner, by the policy.
    #[schema(required, value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    /// The latest end that the policy grants it.
    #[schema(required, value_type = Option<String>)]
    expires_at_max: Option<Timestamp>,
    /// After how many days without use it is out of service; null = never.
    #[schema(required)]
    idle_days: Option<u32>,
    idle_exempt: bool,
    /// When it goes out of service if it is not used before; null = never.
    #[schema(required, value_type = Option<String>)]
    idle_at: Option<Timestamp>,
    /// Whether the policy asks for a list of addresses and this key has none.
    ip_list_missing: bool,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    created_by: ActorView,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
    #[schema(required)]
    last_used: Option<SightingView>,
    #[schema(required)]
    last_refused: Option<SightingView>,
    #[schema(required)]
    rotation: Option<RotationView>,
}

/// That a key has to be approved, and what came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApprovalView {
    /// Since when it has to be.
    #[schema(value_type = String)]
    needed_at: Timestamp,
    /// Who gave it what has to be approved.
    asked_by: ActorView,
    /// The ids of the people who had a hand in it, beside whose it is and who made it; none of them decides about it.
    hands: Vec<String>,
    /// Null while it waits.
    #[schema(required, value_type = Option<String>)]
    approved_at: Option<Timestamp>,
    #[schema(required)]
    approved_by: Option<ActorView>,
    /// Why it was approved, in a person's words.
    #[schema(required)]
    reason: Option<String>,
}

/// Who a key belongs to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnerView {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    #[schema(required)]
    name: Option<String>,
}

/// Who did something: an id and the name it had then.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActorView {
    /// `operator`, `key`, `user` or `system`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: claviger_domain::key::ActorKind,
    #[schema(required)]
    id: Option<String>,
    #[schema(required)]
    name: Option<String>,
}

/// A use or refusal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SightingView {
    #[schema(value_type = String)]
    at: Timestamp,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    agent: Option<String>,
    door: &'static str,
    code: &'static str,
}

/// A rotation whose old secret is still valid.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RotationView {
    #[serde(rename = "old_valid_until")]
    #[schema(value_type = String)]
    valid_until: Timestamp,
    #[serde(rename = "old_hint")]
    hint: String,
    #[serde(rename = "old_last_used")]
    #[schema(required, value_type = Option<String>)]
    last_used: Option<Timestamp>,
}

/// A key with what it is proved by: `secret`, or `identifier` and `password`. It cannot be shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyWithSecret {
    /// The key.
    pub key: KeyView,
    /// What it is proved by.
    #[serde(flatten)]
    pub issued: Issued,
}

/// What views need beside keys: names by id, and what the keys did.
#[derive(Debug, Default)]
pub struct Names {
    organization: Option<String>,
    policy: Policy,
    rules: Rules,
    sets: HashMap<ApiSetId, String>,
    apis: HashMap<ApiId, String>,
    usage: HashMap<KeyId, LastUsage>,
    /// Keys whose secret can be revealed.
    recoverable: HashSet<KeyId>,
    applications: HashMap<ApplicationId, String>,
    users: HashMap<UserId, String>,
}

/// Which form a view has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With the list of addresses.
    Whole,
    /// With their count.
    Row,
}

/// Writes the secret out: the place where it leaves its type.
pub(crate) fn expose<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// The same for a part that may not be there.
#[allow(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(crate) fn expose_some<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => expose(secret, serializer),
        None => serializer.serialize_none(),
    }
}

// === impl Names ===

impl Names {
    /// Everything that views of `keys` name.
    pub async fn load(conn: &mut Conn, organization: OrganizationId, keys: &[Key]) -> Result<Self, Error> {
        let mut names = Self::default();
        if let Some(home) = organizations::get(conn, organization).await? {
            names.organization = Some(home.name.to_string());
            names.rules = Rules::new(&home.policy, &home.time_zone);
            names.policy = home.policy;
        }
        for set in keys.iter().flat_map(|key| &key.api_sets) {
            if !names.sets.contains_key(set)
                && let Some(found) = api_sets::find(conn, *set).await?
            {
                let own = found.organization == organization;
                names.sets.insert(*set, if own { found.slug.to_string() } else { found.id.to_string() });
            }
        }
        for pattern in keys.iter().flat_map(|key| &key.operations) {
            if !names.apis.contains_key(&pattern.api)
                && let Some(found) = apis::find(conn, pattern.api).await?
            {
                names.apis.insert(pattern.api, label(&found, organization));
            }
        }
        for key in keys {
            if let Owner::Application(id) = key.owner
                && !names.applications.contains_key(&id)
                && let Some(found) = applications::get(conn, organization, id).await?
            {
                names.applications.insert(id, found.name.to_string());
            }
            if let Owner::User(id) = key.owner
                && !names.users.contains_key(&id)
                && let Some(found) = members::get(conn, organization, id).await?
            {
                names.users.insert(id, found.user.name.to_string());
            }
        }
        let ids: Vec<_> = keys.iter().map(|key| key.id).collect();
        names.usage = key_usage::get(conn, &ids).await?;
        names.recoverable = key_reveals::among(conn, &ids).await?;
        Ok(names)
    }

    /// What the state of a key follows from.
    pub(super) fn facts(&self, key: &Key) -> Facts {
        key.facts(&self.rules, self.usage.get(&key.id).and_then(LastUsage::last_used_at))
    }

    /// The owner's name; none where it is gone.
    fn owner(&self, owner: &Owner) -> Option<String> {
        match owner {
            Owner::Organization(_) => self.organization.clone(),
            Owner::Application(id) => self.applications.get(id).cloned(),
            Owner::User(id) => self.users.get(id).cloned(),
        }
    }

    fn pattern(&self, pattern: &ApiPattern) -> Option<String> {
        self.apis.get(&pattern.api).map(|slug| pattern.text(slug))
    }
}

// === impl KeyView ===

impl KeyView {
    /// The key's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The view of `key` at `now`.
    pub fn new(key: &Key, names: &Names, form: Form, now: Timestamp) -> Self {
        let usage = names.usage.get(&key.id);
        let facts = names.facts(key);
        let state = StateView::new(key, &facts, now);
        let overlap = key.overlap.as_ref().filter(|overlap| now < overlap.valid_until);
        Self {
            id: key.id.to_string(),
            organization: key.organization.to_string(),
            owner: OwnerView::new(&key.owner, names.owner(&key.owner)),
            name: key.name.to_string(),
            description: key.description.clone(),
            environment: key.environment.as_str(),
            shape: key.shape.as_str(),
            hint: key.secret.hint.clone(),
            reveal: if names.recoverable.contains(&key.id) { "recoverable" } else { "once" },
            external_id: key.external_id.clone(),
            tags: key.tags.clone(),
            limits: limits::views(&key.limits),
            state: state.state,
            state_reason: state.reason,
            state_by: state.by.as_ref().map(ActorView::from),
            state_at: state.at,
            approval: key.approval.as_ref().map(ApprovalView::from),
            api_sets: key.api_sets.iter().filter_map(|id| names.sets.get(id).cloned()).collect(),
            operations: key.operations.iter().filter_map(|pattern| names.pattern(pattern)).collect(),
            allowed_ips: (form == Form::Whole).then(|| key.allowed_ips.iter().map(IpView::from).collect()),
            allowed_ips_count: (form == Form::Row).then_some(key.allowed_ips.len()),
            not_before: key.not_before,
            expires_at: facts.expires_at,
            expires_at_max: names.rules.end_max(&key.owner, key.created_at),
            idle_days: Some(names.policy.idle_days).filter(|days| *days > 0 && !key.idle_exempt),
            idle_exempt: key.idle_exempt,
            idle_at: facts.idle_at,
            ip_list_missing: names.policy.ip_list_required && key.allowed_ips.is_empty(),
            metadata: key.metadata.clone(),
            created_by: ActorView::from(&key.created_by),
            created_at: key.created_at,
            updated_at: key.updated_at,
            last_used: usage.and_then(|usage| usage.last_used.as_ref()).map(SightingView::from),
            last_refused: usage.and_then(|usage| usage.last_refused.as_ref()).map(SightingView::from),
            rotation: overlap.map(|overlap| RotationView {
                valid_until: overlap.valid_until,
                hint: overlap.secret.hint.clone(),
                last_used: usage.and_then(|usage| usage.old_last_used),
            }),
        }
    }

    /// What an audit entry shows of a key: all that a person can set, and its hint.
    pub(super) fn audited(&self) -> Value {
        const FIELDS: [&str; 21] = [
            "owner",
            "name",
            "description",
            "environment",
            "shape",
            "hint",
            "reveal",
            "external_id",
            "tags",
            "state",
            "state_reason",
            "approval",
            "api_sets",
            "operations",
            "allowed_ips",
            "limits",
            "not_before",
            "expires_at",
            "idle_exempt",
            "metadata",
            "rotation",
        ];
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.retain(|name, _| FIELDS.contains(&name.as_str()));
        }
        all
    }
}

/// A key's state with why, by whom and since when.
struct StateView {
    state: State,
    reason: Option<String>,
    by: Option<Actor>,
    at: Option<Timestamp>,
}

// === impl StateView ===

impl StateView {
    fn new(key: &Key, facts: &Facts, now: Timestamp) -> Self {
        let state = facts.state(now);
        // Idle reads alike, written down or not.
        let mut noted = key.clone();
        noted.note_idle(facts, now);
        let (reason, by, at) = match (state, noted.disabled) {
            (State::Deleted, _) => (None, None, key.deleted_at),
            (State::Disabled, Some(Disabled { at, by, reason })) => (reason, Some(by), Some(at)),
            (State::Expired, _) => (Some(EXPIRY_REASON.to_owned()), None, facts.expires_at),
            (State::NotYetValid, _) => (None, None, key.not_before),
            (State::Pending, _) => match &key.approval {
                Some(Approval { needed_at, asked_by, .. }) => (None, Some(asked_by.clone()), Some(*needed_at)),
                None => (None, None, None),
            },
            (State::Disabled | State::Active, _) => (None, None, None),
        };
        Self { state, reason, by, at }
    }
}

// === impl views ===

impl OwnerView {
    fn new(owner: &Owner, name: Option<String>) -> Self {
        Self { kind: owner.kind(), id: owner.id(), name }
    }
}

impl From<&Approval> for ApprovalView {
    fn from(Approval { needed_at, asked_by, hands, approved }: &Approval) -> Self {
        let approved = approved.as_ref();
        Self {
            needed_at: *needed_at,
            asked_by: ActorView::from(asked_by),
            hands: hands.iter().map(UserId::to_string).collect(),
            approved_at: approved.map(|approved| approved.at),
            approved_by: approved.map(|approved| ActorView::from(&approved.by)),
            reason: approved.and_then(|approved| approved.reason.clone()),
        }
    }
}

impl From<&Actor> for ActorView {
    fn from(actor: &Actor) -> Self {
        Self { kind: actor.kind, id: actor.id.clone(), name: actor.name.clone() }
    }
}

impl From<&Sighting> for SightingView {
    fn from(sighting: &Sighting) -> Self {
        Self {
            at: sighting.at,
            ip: sighting.ip.map(|ip| ip.to_string()),
            agent: sighting.agent.clone(),
            door: sighting.door.as_str(),
            code: sighting.code.as_str(),
        }
    }
}
