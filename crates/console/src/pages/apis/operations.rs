//! The operations of an API as rows.

use claviger_texts::console::apis::operations as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::api::Api;
use crate::call::segment;
use crate::pages::keys::try_it::METHODS;
use crate::parts::copy;
use crate::parts::field::Choice;
use crate::parts::list::Filter;

/// What pages need of an operation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Operation {
    /// `<api>:<operation>`.
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) multi_segment: Vec<String>,
    pub(crate) summary: String,
    pub(crate) tags: Vec<String>,
    pub(crate) versions: Vec<String>,
}

/// Filters by method.
pub(super) fn methods() -> Filter<'static> {
    let choices = METHODS.map(|method| Choice::new(method, method)).into();
    Filter { name: "method", label: texts::ANY_METHOD, choices }
}

/// The page of an operation in the manual of the API whose page this is.
pub(super) fn manual_link(api: &str, name: &str, version: Option<&str>) -> String {
    let name = name.split_once(':').map_or(name, |(_, name)| name);
    let version = version.map(|version| format!("&version={}", segment(version))).unwrap_or_default();
    format!("{api}/manual/operation?name={}{version}", segment(name))
}

/// The rows, each leading to its manual; `has_versions` where the API has any.
pub(super) fn table(operations: &[Operation], label: &str, api: &str, has_versions: bool) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(label) {
            table .table .operations {
                thead {
                    tr {
                        th scope="col" { (texts::METHOD) } th scope="col" { (texts::PATH) }
                        th scope="col" { (texts::SUMMARY) } th scope="col" { (texts::NAME) }
                        @if has_versions { th scope="col" { (texts::VERSIONS) } }
                    }
                }
                tbody { @for operation in operations { (row(operation, api, has_versions)) } }
            }
        }
    }
}

fn row(operation: &Operation, api: &str, has_versions: bool) -> Markup {
    html! {
        tr {
            td { code .method { (operation.method) } }
            td .wrap {
                a href=(manual_link(api, &operation.name, None)) { code { (operation.path) } }
                @if !operation.multi_segment.is_empty() { br; small .muted { (texts::multi_segment(&operation.multi_segment.join(", "))) } }
            }
            td .wrap { (operation.summary) }
            th .wrap scope="row" { (copy::name(&operation.name)) }
            @if has_versions {
                td .wrap { @if operation.versions.is_empty() { span .muted { (texts::ALL_VERSIONS) } } @else { (Api::codes(&operation.versions)) } }
            }
        }
    }
}

// === impl Operation ===

impl Operation {
    /// Its name without the API's.
    pub(crate) fn own_name(&self) -> &str {
        self.name.split_once(':').map_or(self.name.as_str(), |(_, name)| name)
    }
}
