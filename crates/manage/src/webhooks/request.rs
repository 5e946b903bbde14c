//! What requests say about a webhook.

use claviger_domain::authority::Authority;
use claviger_domain::name::Name;
use claviger_domain::outgoing::{Guard, Target};
use claviger_domain::webhook::{ALL_EVENTS, EventType, OVERLAP_SECONDS};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::value;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;

/// The type that carries the audit log.
const AUDIT_ENTRY: &str = EventType::AuditEntry.as_str();

/// A webhook to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// What people call it; unique in the organization.
    #[schema(value_type = String, example = "Ticket system")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// Where events go: `https`, or `http` to addresses that the operator has allowed.
    #[schema(example = "https://hooks.example.com/claviger")]
    pub url: String,
    /// Which types of events; `["*"]`, all of them but `audit.entry`, if not given.
    #[serde(default = "all_events")]
    #[schema(example = json!(["key.created", "key.disabled"]))]
    pub events: Vec<String>,
}

/// What to change of a webhook; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditWebhook {
    /// What people call it.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// Where events go; what waits goes there too.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub url: Option<String>,
    /// In the place of all types of events.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub events: Option<Vec<String>>,
}

/// How to give a webhook a new secret.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhook {
    /// How long the old secret signs beside the new one: 0 to 604,800 (7 days); a day if not given.
    #[serde(default = "overlap_seconds")]
    #[schema(maximum = 604_800, example = 86_400)]
    pub overlap_seconds: u32,
}

fn all_events() -> Vec<String> {
    vec![ALL_EVENTS.to_owned()]
}

fn overlap_seconds() -> u32 {
    OVERLAP_SECONDS
}

impl Default for RotateWebhook {
    fn default() -> Self {
        Self { overlap_seconds: OVERLAP_SECONDS }
    }
}

/// The address as it is stored: as it will be called, however it was spelled.
pub(super) fn url(checks: &mut Checks, guard: &Guard, text: &str) -> String {
    let target = match text.trim().parse::<Target>() {
        Ok(target) => target,
        Err(error) => {
            checks.refuse("url", error);
            return String::new();
        }
    };
    if let Err(refusal) = guard.check_early(&target) {
        checks.refuse("url", refusal);
    }
    target.to_string()
}

/// The types, each once, in the order of the documents.
pub(super) fn events(checks: &mut Checks, given: &[String]) -> Vec<String> {
    let known = |name: &str| name == ALL_EVENTS || EventType::ALL.iter().any(|event| event.as_str() == name);
    let most = EventType::ALL.len() + 1;
    checks.ensure("events", !given.is_empty(), "expected at least one type, or `*` for all");
    checks.ensure("events", given.len() <= most, format!("expected at most {most}"));
    for (place, name) in given.iter().take(most).enumerate() {
        if !known(name) {
            checks.refuse(format!("events[{place}]"), "there is no such type of events");
        }
    }
    let is_given = |name: &str| given.iter().any(|given| given == name);
    if !is_given(ALL_EVENTS) {
        let all = EventType::ALL.iter().map(|event| event.as_str());
        return all.filter(|name| is_given(name)).map(str::to_owned).collect();
    }
    let mut all = all_events();
    all.extend(is_given(AUDIT_ENTRY).then(|| AUDIT_ENTRY.to_owned()));
    all
}

/// Refuses who may not read the audit log where it would be sent.
pub(super) fn require_audit(ctx: &Ctx, events: &[String]) -> Result<(), Error> {
    if events.iter().any(|name| name == AUDIT_ENTRY) { ctx.require(Authority::AuditRead) } else { Ok(()) }
}
