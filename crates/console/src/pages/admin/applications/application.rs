//! An application and a type as pages show them.

use std::collections::BTreeMap;

use claviger_texts::console::applications as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, TYPES};
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::keys::key::{Actor, Range, Sighting};
use crate::parts::limits::Limit;
use crate::parts::list::Listed;
use crate::viewer::Viewer;

/// Types of one call; more are found by their list.
const TYPES_OFFERED: usize = 100;

/// An application of the API.
#[derive(Debug, Deserialize)]
pub(in crate::pages::admin) struct Application {
    pub(in crate::pages::admin) id: String,
    pub(in crate::pages::admin) slug: String,
    pub(in crate::pages::admin) name: String,
    #[serde(rename = "type")]
    pub(in crate::pages::admin) kind: String,
    pub(in crate::pages::admin) active: bool,
    pub(in crate::pages::admin) state_reason: Option<String>,
    pub(in crate::pages::admin) state_by: Option<Actor>,
    pub(in crate::pages::admin) state_at: Option<String>,
    pub(in crate::pages::admin) allowed_ips: Vec<Range>,
    pub(in crate::pages::admin) limits: Vec<Limit>,
    pub(in crate::pages::admin) public_url: Option<String>,
    pub(in crate::pages::admin) password_set_at: Option<String>,
    pub(in crate::pages::admin) api_sets: Vec<String>,
    pub(in crate::pages::admin) created_by: Actor,
    pub(in crate::pages::admin) created_at: String,
    pub(in crate::pages::admin) last_used: Option<Sighting>,
    pub(in crate::pages::admin) key: Option<FirstKey>,
    pub(in crate::pages::admin) counts: Counts,
}

/// The first of its keys, by name.
#[derive(Debug, Deserialize)]
pub(in crate::pages::admin) struct FirstKey {
    pub(in crate::pages::admin) id: String,
    pub(in crate::pages::admin) hint: String,
}

/// What goes with an application.
#[derive(Debug, Deserialize)]
pub(in crate::pages::admin) struct Counts {
    pub(in crate::pages::admin) keys: u64,
    pub(in crate::pages::admin) api_users: u64,
    pub(in crate::pages::admin) sessions: u64,
}

/// A type of applications of the API.
#[derive(Debug, Deserialize)]
pub(in crate::pages::admin) struct Kind {
    pub(in crate::pages::admin) id: String,
    pub(in crate::pages::admin) slug: String,
    pub(in crate::pages::admin) name: String,
    pub(in crate::pages::admin) sign_in: String,
    pub(in crate::pages::admin) api_sets: Vec<String>,
    pub(in crate::pages::admin) fields: BTreeMap<String, String>,
    pub(in crate::pages::admin) predefined: bool,
    pub(in crate::pages::admin) counts: KindCounts,
}

#[derive(Debug, Deserialize)]
pub(in crate::pages::admin) struct KindCounts {
    pub(in crate::pages::admin) applications: u64,
}

/// An application with the version that an edit names.
pub(in crate::pages::admin) async fn load(viewer: &Viewer, id: &str) -> Result<(Application, String), Failure> {
    let answer = viewer.api.get(format!("/applications/{}", segment(id))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

/// The types, by name.
pub(in crate::pages::admin) async fn kinds(viewer: &Viewer) -> Result<Vec<Kind>, Failure> {
    let path = format!("/application-types?limit={TYPES_OFFERED}&sort=name");
    Ok(viewer.api.get(path).read::<Listed<Kind>>().await?.data)
}

/// The same; none for who may not see them.
pub(in crate::pages::admin) async fn kinds_if_seen(viewer: &Viewer) -> Result<Vec<Kind>, Failure> {
    let path = format!("/application-types?limit={TYPES_OFFERED}&sort=name");
    Ok(viewer.api.get(path).read_if_seen::<Listed<Kind>>().await?.map(|page| page.data).unwrap_or_default())
}

// === impl Application ===

impl Application {
    /// Its page.
    pub(in crate::pages::admin) fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    /// The word of its state.
    pub(in crate::pages::admin) const fn state(&self) -> &'static str {
        if self.active { "active" } else { "disabled" }
    }
}

// === impl Kind ===

impl Kind {
    /// Its page.
    pub(in crate::pages::admin) fn path(&self) -> String {
        format!("{TYPES}/{}", self.id)
    }

    /// Whether users sign in under its applications, or have tokens of their own.
    pub(in crate::pages::admin) fn has_users(&self) -> bool {
        ["session", "static_token", "key_and_token"].contains(&self.sign_in.as_str())
    }

    /// Whether these users sign in by a password.
    pub(in crate::pages::admin) fn signs_in(&self) -> bool {
        self.sign_in == "session"
    }

    /// Whether its applications have a password.
    pub(in crate::pages::admin) fn has_password(&self) -> bool {
        ["session", "static_token"].contains(&self.sign_in.as_str())
    }

    /// Whether its applications have this field, and whether they need it.
    pub(in crate::pages::admin) fn field(&self, name: &str) -> Need {
        match self.fields.get(name).map(String::as_str) {
            Some("required") => Need::Required,
            Some("optional") => Need::Optional,
            _ => Need::Hidden,
        }
    }
}

/// Whether a field stands in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages::admin) enum Need {
    Required,
    Optional,
    Hidden,
}

/// Addresses where there is little room: the first, and how many more.
pub(in crate::pages::admin) fn short_addresses(ranges: &[Range]) -> Markup {
    html! {
        @match ranges {
            [] => span .muted { (texts::ANYWHERE) },
            [one] => code { (one.line()) },
            [first, rest @ ..] => { code { (first.line()) } " " span .muted { (texts::more(rest.len())) } }
        }
    }
}
