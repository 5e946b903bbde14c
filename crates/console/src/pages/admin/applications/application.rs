//! An application and a type as pages show them.

use std::collections::BTreeMap;

use claviger_texts::console::applications as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, TYPES};
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::keys::key::{Actor, Range, Sighting};
use crate::parts::list::Listed;
use crate::viewer::Viewer;

/// Types of one call; more are found by their list.
const TYPES_OFFERED: usize = 100;

/// An application of the API.
#[derive(Debug, Deserialize)]
pub(super) struct Application {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) active: bool,
    pub(super) state_reason: Option<String>,
    pub(super) state_by: Option<Actor>,
    pub(super) state_at: Option<String>,
    pub(super) allowed_ips: Vec<Range>,
    pub(super) public_url: Option<String>,
    pub(super) api_sets: Vec<String>,
    pub(super) created_by: Actor,
    pub(super) created_at: String,
    pub(super) last_used: Option<Sighting>,
    pub(super) counts: Counts,
}

/// What goes with an application.
#[derive(Debug, Deserialize)]
pub(super) struct Counts {
    pub(super) keys: u64,
    pub(super) api_users: u64,
    pub(super) sessions: u64,
}

/// A type of applications of the API.
#[derive(Debug, Deserialize)]
pub(super) struct Kind {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) sign_in: String,
    pub(super) api_sets: Vec<String>,
    pub(super) fields: BTreeMap<String, String>,
    pub(super) predefined: bool,
    pub(super) counts: KindCounts,
}

#[derive(Debug, Deserialize)]
pub(super) struct KindCounts {
    pub(super) applications: u64,
}

/// An application with the version that an edit names.
pub(super) async fn load(viewer: &Viewer, id: &str) -> Result<(Application, String), Failure> {
    let answer = viewer.api.get(format!("/applications/{}", segment(id))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

/// The types, by name.
pub(super) async fn kinds(viewer: &Viewer) -> Result<Vec<Kind>, Failure> {
    let path = format!("/application-types?limit={TYPES_OFFERED}&sort=name");
    Ok(viewer.api.get(path).read::<Listed<Kind>>().await?.data)
}

// === impl Application ===

impl Application {
    /// Its page.
    pub(super) fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    /// The word of its state.
    pub(super) const fn state(&self) -> &'static str {
        if self.active { "active" } else { "disabled" }
    }
}

// === impl Kind ===

impl Kind {
    /// Its page.
    pub(super) fn path(&self) -> String {
        format!("{TYPES}/{}", self.id)
    }

    /// Whether its applications have this field, and whether they need it.
    pub(super) fn field(&self, name: &str) -> Need {
        match self.fields.get(name).map(String::as_str) {
            Some("required") => Need::Required,
            Some("optional") => Need::Optional,
            _ => Need::Hidden,
        }
    }
}

/// Whether a field stands in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
    Hidden,
}

/// Addresses where there is little room: the first, and how many more.
pub(super) fn short_addresses(ranges: &[Range]) -> Markup {
    html! {
        @match ranges {
            [] => span .muted { (texts::ANYWHERE) },
            [one] => code { (one.line()) },
            [first, rest @ ..] => { code { (first.line()) } " " span .muted { (texts::more(rest.len())) } }
        }
    }
}
