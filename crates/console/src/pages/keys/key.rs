//! A key as pages show it.

use claviger_texts::console::{approval as approval_texts, keys as texts};
use maud::{Markup, html};
use serde::Deserialize;

use crate::failure::Failure;
use crate::parts::limits::Limit;
use crate::parts::{badge, time};
use crate::viewer::{Viewer, not_yours};

/// What pages need of a key of the API.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) environment: String,
    pub(crate) shape: String,
    pub(crate) hint: String,
    pub(crate) reveal: String,
    pub(crate) external_id: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) owner: Owner,
    pub(crate) state: String,
    pub(crate) state_reason: Option<String>,
    pub(crate) state_by: Option<Actor>,
    pub(crate) state_at: Option<String>,
    #[serde(default)]
    pub(crate) approval: Option<Approval>,
    pub(crate) api_sets: Vec<String>,
    pub(crate) operations: Vec<String>,
    #[serde(default)]
    pub(crate) allowed_ips: Vec<Range>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) not_before: Option<String>,
    pub(crate) expires_at: Option<String>,
    pub(crate) expires_at_max: Option<String>,
    pub(crate) idle_days: Option<u32>,
    pub(crate) idle_exempt: bool,
    pub(crate) idle_at: Option<String>,
    pub(crate) created_by: Actor,
    pub(crate) created_at: String,
    pub(crate) last_used: Option<Sighting>,
    pub(crate) last_refused: Option<Sighting>,
    pub(crate) rotation: Option<Rotation>,
}

/// That a key has to be approved, and what came of it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Approval {
    /// The ids of the people who had a hand in it.
    pub(crate) hands: Vec<String>,
    pub(crate) approved_at: Option<String>,
    pub(crate) approved_by: Option<Actor>,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Owner {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Actor {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Range {
    #[serde(rename = "range")]
    text: String,
    label: Option<String>,
    until: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) at: String,
    pub(crate) ip: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) code: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) old_valid_until: String,
    pub(crate) old_hint: String,
}

/// Whether keys are made for other people.
pub(crate) async fn delegates(viewer: &Viewer) -> Result<bool, Failure> {
    #[derive(Deserialize)]
    struct Policy {
        delegated_creation: bool,
    }
    let policy = viewer.api.get("/policy").read_if_seen::<Policy>().await?;
    Ok(policy.is_some_and(|policy| policy.delegated_creation))
}

// === impl Key ===

impl Key {
    /// Its page.
    pub(crate) fn path(&self) -> String {
        format!("/keys/{}", self.id)
    }

    pub(crate) fn is_of(&self, viewer: &Viewer) -> bool {
        self.owner.kind == "user" && self.owner.id == viewer.person.id
    }

    /// Whether the viewer may change it; the API has the last word.
    pub(crate) fn is_changed_by(&self, viewer: &Viewer) -> bool {
        if self.is_of(viewer) {
            viewer.may("keys.manage_own")
        } else {
            viewer.may("keys.manage_all") && self.owner.kind != "user"
        }
    }

    /// Refuses the form that changes it to whoever may not; where the policy lets keys be made for others, they are changed too.
    pub(crate) async fn require_change(&self, viewer: &Viewer) -> Result<(), Failure> {
        let is_of_another = !self.is_of(viewer) && self.owner.kind == "user" && viewer.may("keys.manage_all");
        if self.is_changed_by(viewer) || (is_of_another && delegates(viewer).await?) {
            return Ok(());
        }
        Err(not_yours())
    }

    /// Whether the viewer may end it: administrators end the keys of people too.
    pub(crate) fn is_ended_by(&self, viewer: &Viewer) -> bool {
        self.is_changed_by(viewer) || viewer.may("keys.manage_all")
    }

    /// Whether it may pass now or later, as far as it depends on itself.
    pub(crate) fn works(&self) -> bool {
        ["active", "not_yet_valid", "pending"].contains(&self.state.as_str())
    }

    /// Whether it waits for approval.
    pub(crate) fn is_pending(&self) -> bool {
        self.state == "pending"
    }

    /// Why the viewer does not decide about it; the API has the last word.
    pub(crate) fn involvement(&self, viewer: &Viewer) -> Option<&'static str> {
        let is_viewer = |id: &String| *id == viewer.person.id;
        if self.is_of(viewer) {
            Some(approval_texts::OWN)
        } else if self.created_by.id.as_ref().is_some_and(is_viewer) {
            Some(approval_texts::MADE)
        } else {
            let has_hand = |approval: &Approval| approval.hands.iter().any(is_viewer);
            self.approval.as_ref().is_some_and(has_hand).then_some(approval_texts::HAND)
        }
    }

    /// What it may do: sets and operations.
    pub(crate) fn rights(&self) -> Markup {
        html! {
            @if self.api_sets.is_empty() && self.operations.is_empty() { span .muted { (texts::NO_RIGHTS) } }
            @for set in &self.api_sets { (badge::tag(set)) " " }
            @for operation in &self.operations { (badge::code(operation)) " " }
        }
    }

    /// Why it is out of service, and by whom: a person, or the system for want of use.
    pub(crate) fn why(&self) -> Option<String> {
        if self.state != "disabled" {
            return None;
        }
        let reason = self.state_reason.as_deref();
        if reason == Some("idle") {
            return Some(texts::unused_for(self.idle_days));
        }
        let by = self.state_by.as_ref().map(|by| texts::by(by.shown()));
        let parts: Vec<_> = by.into_iter().chain(reason.map(str::to_owned)).collect();
        (!parts.is_empty()).then(|| parts.join(": "))
    }

    /// Its name and last use, for questions.
    pub(crate) fn named(&self, viewer: &Viewer) -> Markup {
        html! {
            p { strong { (self.name) } " " code { (self.hint) } }
            p {
                @match &self.last_used {
                    Some(used) => { (texts::LAST_USED) ": " (time::instant(&used.at, &viewer.zone)) }
                    None => { (texts::last_use(None)) }
                }
            }
        }
    }
}

// === impl Actor ===

impl Actor {
    pub(crate) fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.kind)
    }
}

// === impl Range ===

impl Range {
    /// As the form's line: range, and what is kept of label and end.
    pub(crate) fn line(&self) -> String {
        let label = self.label.as_deref().map(|label| format!(" # {label}")).unwrap_or_default();
        let until = self.until.as_deref().map(|until| format!(" until {until}")).unwrap_or_default();
        format!("{}{until}{label}", self.text)
    }
}
