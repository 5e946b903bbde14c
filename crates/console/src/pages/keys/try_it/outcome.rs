//! What came of a try: in a sentence, with what to do next, and check by check.

use claviger_texts::console::tried::{self as texts, Remedy, Request};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde::Deserialize;

use super::offer::Offer;
use super::{Form, Key};
use crate::call::segment;
use crate::parts::time;
use crate::viewer::Viewer;

/// What the API explains.
#[derive(Debug, Deserialize)]
pub(super) struct Explained {
    valid: bool,
    code: String,
    would_be: Option<String>,
    operation: Option<String>,
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Check {
    name: String,
    input: String,
    rule: String,
    result: String,
    reason: Option<String>,
}

// === impl Explained ===

impl Explained {
    pub(super) fn shown(&self, viewer: &Viewer, key: &Key, offer: &Offer, form: &Form) -> Markup {
        let line = format!("{} {}", form.text("method"), form.text("path"));
        let request = Request {
            operation: self.operation.as_deref().and_then(|name| Some(name.split_once(':')?.1)),
            api: offer.chosen.as_ref().map(|api| api.name.as_str()),
            line: &line,
            ip: form.text("client_ip").trim(),
            host: form.given("host").or(offer.only_host()).unwrap_or_default(),
            environment: &key.environment,
        };
        let failed = self.checks.iter().find_map(|check| check.reason.as_deref());
        let code = self.would_be.as_ref().unwrap_or(&self.code);
        html! {
            div .outcome data-valid=(self.valid) role="status" {
                p { strong { (self.headline(failed, &request)) } }
                @if let Some(reason) = failed { (next(texts::remedy(reason), viewer, key, offer)) }
                p .hint { (texts::verdict(code)) }
            }
            h3 { (texts::CHECKS) }
            (self.table(&request, &viewer.zone))
        }
    }

    fn headline(&self, failed: Option<&str>, request: &Request<'_>) -> String {
        match (failed, &self.operation) {
            (Some(reason), _) if self.valid => texts::only_reported(&texts::why(reason, request)),
            (Some(reason), _) => texts::refused(&texts::why(reason, request)),
            (None, Some(operation)) if self.valid => texts::passes_as(operation),
            (None, _) if self.valid => texts::PASSES.to_owned(),
            (None, _) => texts::refused(&self.code),
        }
    }

    fn table(&self, request: &Request<'_>, zone: &TimeZone) -> Markup {
        html! {
            div .table-container tabindex="0" role="region" aria-label=(texts::CHECKS) {
                table .table .checks {
                    thead { tr { th scope="col" { (texts::NAME) } th scope="col" { (texts::RESULT) } th scope="col" { (texts::WHY) } } }
                    tbody { @for check in &self.checks { (check.row(request, zone)) } }
                }
            }
        }
    }
}

// === impl Check ===

impl Check {
    fn row(&self, request: &Request<'_>, zone: &TimeZone) -> Markup {
        html! {
            tr data-check=(self.name) {
                th scope="row" { (texts::name(&self.name)) }
                td { span .result data-result=(self.result) { (texts::result(&self.result)) } }
                td .wrap {
                    div {
                        @if let Some(reason) = &self.reason { p { (texts::why(reason, request)) } }
                        @if !self.input.is_empty() { p .hint { (texts::LOOKED_AT) " " (time::within(&self.input, zone)) } }
                        p .hint { (texts::RULE) " " (self.rule) }
                    }
                }
            }
        }
    }
}

/// What to do: where the person may mend it, the way there.
fn next(remedy: Remedy, viewer: &Viewer, key: &Key, offer: &Offer) -> Markup {
    let page = match remedy {
        Remedy::Rights | Remedy::Dates | Remedy::Limits if key.is_changed_by(viewer) => {
            Some(format!("{}/edit", key.path()))
        }
        Remedy::KeyIps if key.is_changed_by(viewer) => Some(format!("{}/edit#allowed_ips", key.path())),
        Remedy::ApplicationIps if viewer.may("applications.manage") => {
            Some(format!("/admin/applications/{}/edit#allowed_ips", key.owner.id))
        }
        Remedy::OrganizationIps if viewer.may("organization.manage") => {
            Some("/admin/organization#allowed_ips".to_owned())
        }
        Remedy::Owner if key.owner.kind == "user" && viewer.may("users.read") => {
            Some(format!("/admin/users/{}", key.owner.id))
        }
        Remedy::Owner if key.owner.kind == "application" && viewer.may("applications.manage") => {
            Some(format!("/admin/applications/{}", key.owner.id))
        }
        Remedy::Path => offer.chosen.as_ref().map(|_| format!("/apis/{}#operations", segment(offer.chosen_name()))),
        _ => None,
    };
    let advice = texts::advice(remedy);
    html! {
        @match page {
            Some(page) => p { a href=(page) { (texts::step(remedy)) } },
            None if !advice.is_empty() => p { (advice) },
            None => {}
        }
    }
}
