//! An API as pages show it.

use claviger_texts::console::apis as texts;
use maud::{Markup, html};
use serde::Deserialize;

use crate::parts::badge;
use crate::viewer::Viewer;

/// What pages need of an API of the API.
#[expect(clippy::struct_excessive_bools, reason = "the wire has a member for each")]
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Api {
    /// None before it is made.
    pub(crate) id: Option<String>,
    organization: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    /// `plain`, `built_in`, or `pristine_default` as it was made with the organization.
    pub(crate) kind: String,
    pub(crate) hosts: Vec<Host>,
    pub(crate) base_paths: Vec<String>,
    pub(crate) unlisted_paths: bool,
    pub(crate) report_only: bool,
    pub(crate) manual_url: Option<String>,
    pub(crate) version_pattern: Option<String>,
    pub(crate) versions: Vec<String>,
    pub(crate) credential_sources: Vec<String>,
    pub(crate) preflight_without_key: bool,
    pub(crate) shared_with: Option<SharedWith>,
    pub(crate) shared_full_access: bool,
    pub(crate) operations_count: i64,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

/// A host it answers on.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Host {
    pub(crate) host: String,
    /// `live` or `test`.
    pub(crate) environment: String,
}

/// Which other organizations may use it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum SharedWith {
    /// `none` or `all`.
    Word(String),
    /// These.
    Chosen(Vec<String>),
}

// === impl Api ===

impl Api {
    /// As sets and keys of the viewer's organization call it.
    pub(crate) fn label(&self, viewer: &Viewer) -> &str {
        if self.is_of(viewer) { &self.slug } else { self.id.as_deref().unwrap_or(&self.slug) }
    }

    /// Its page.
    pub(crate) fn path(&self, viewer: &Viewer) -> String {
        format!("/apis/{}", self.label(viewer))
    }

    /// Whether it is the viewer's organization's.
    pub(crate) fn is_of(&self, viewer: &Viewer) -> bool {
        self.organization == viewer.organization.id
    }

    pub(crate) fn is_built_in(&self) -> bool {
        self.kind == "built_in"
    }

    /// Whether the viewer may change it; the API has the last word.
    pub(crate) fn is_changed_by(&self, viewer: &Viewer) -> bool {
        self.is_of(viewer) && !self.is_built_in() && viewer.may("apis.manage")
    }

    /// What sets it apart, in a word.
    pub(crate) fn badges(&self) -> Markup {
        html! {
            @if self.is_built_in() { (badge::tag(texts::BUILT_IN)) " " }
            @if self.report_only { (badge::tag(texts::REPORT_ONLY)) }
        }
    }

    /// Its hosts, each with the keys that it is for.
    pub(crate) fn shown_hosts(&self) -> Markup {
        html! {
            @if self.hosts.is_empty() { (texts::ANY_HOST) }
            ul .plain-list { @for host in &self.hosts { li { code { (host.host) } @if host.environment == "test" { " " (badge::tag("test")) } } } }
        }
    }

    /// Codes in a row.
    pub(crate) fn codes(texts: &[String]) -> Markup {
        html! { @for text in texts { (badge::code(text)) " " } }
    }

    /// With whom it is shared.
    pub(crate) fn sharing(&self) -> String {
        match &self.shared_with {
            None => texts::SHARED_BY_OTHER.to_owned(),
            Some(SharedWith::Word(word)) if word == "all" => texts::SHARED_ALL.to_owned(),
            Some(SharedWith::Word(_)) => texts::NOT_SHARED.to_owned(),
            Some(SharedWith::Chosen(ids)) => texts::shared_with(ids.len()),
        }
    }
}

// === impl Host ===

impl Host {
    /// As the form's line.
    pub(crate) fn line(&self) -> String {
        if self.environment == "test" { format!("{} test", self.host) } else { self.host.clone() }
    }
}
