//! What was taken of the limits of a key, an application or an API set, on its page.

use claviger_manage::Error;
use claviger_texts::console::limits as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::limits::Limit;
use super::time;
use crate::call::segment;
use crate::viewer::Viewer;

/// From this part of a limit on its bar warns, and from that on it is nearly used up.
const WARNED: [f64; 2] = [0.8, 0.95];

/// A limit of the API, with what was taken of it.
#[derive(Debug, Deserialize)]
struct UsedLimit {
    #[serde(flatten)]
    limit: Limit,
    on: On,
    counted: String,
    used: Option<u64>,
    held: Option<u64>,
    remaining: Option<u64>,
    resets_at: Option<String>,
}

/// On what it stands.
#[derive(Debug, Deserialize)]
struct On {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<UsedLimit>,
}

/// The limits that a path of the API tells, each with a bar; nothing where there are none, or the viewer may not see them.
pub(crate) async fn card(viewer: &Viewer, path: &str) -> Result<Markup, Error> {
    let answer: Option<Answer> = viewer.api.get(format!("{path}/limits")).read_if_seen().await?;
    let limits = answer.map(|answer| answer.data).unwrap_or_default();
    Ok(shown(viewer, path, &limits))
}

fn shown(viewer: &Viewer, path: &str, limits: &[UsedLimit]) -> Markup {
    html! {
        @if !limits.is_empty() {
            section .card {
                header { h2 { (texts::USED) } }
                section {
                    div .table-container tabindex="0" role="region" aria-label=(texts::USED) {
                        table .table {
                            thead { tr { th scope="col" { (texts::LIMIT) } th scope="col" { (texts::TAKEN) } th scope="col" { (texts::BACK_AT) } } }
                            tbody { @for limit in limits { (limit.row(viewer, path)) } }
                        }
                    }
                }
            }
        }
    }
}

// === impl UsedLimit ===

impl UsedLimit {
    fn row(&self, viewer: &Viewer, path: &str) -> Markup {
        html! {
            tr {
                td .wrap { div { (self.limit.line()) } (self.on.shown(path)) }
                td .wrap { div .taken { (self.bar()) } }
                td { @if let Some(at) = &self.resets_at { (time::instant(at, &viewer.zone)) } @else { "–" } }
            }
        }
    }

    /// How much is taken, as a bar and in words.
    fn bar(&self) -> Markup {
        let (Some(used), Some(remaining)) = (self.used, self.remaining) else {
            return html! { span .muted { (texts::uncounted(&self.counted)) } };
        };
        let held = self.held.unwrap_or_default();
        let taken = used.saturating_add(held);
        let whole = taken.saturating_add(remaining);
        let [low, high] = WARNED.map(|part| part * whole as f64);
        html! {
            // Of nothing all is taken.
            meter max=(whole.max(1)) low=(low) high=(high) optimum="0" value=(if whole == 0 { 1 } else { taken }) aria-label=(self.limit.name()) {}
            span { (texts::taken(used, remaining)) }
            @if held > 0 { span .muted { (texts::held(held)) } }
            @if self.counted == "node" { span .muted { (texts::HERE) } }
        }
    }
}

// === impl On ===

impl On {
    /// Where it stands, if not on the record at `path` itself.
    fn shown(&self, path: &str) -> Markup {
        let is_own = self.id.as_ref().is_none_or(|id| path.ends_with(id));
        html! {
            @match self.kind.as_str() {
                _ if is_own => {}
                "api_set" => div .muted { (texts::OF_SET) " " a href={ "/api-sets/" (segment(&self.name)) } { (self.name) } },
                "application" => div .muted { (texts::OF_APPLICATION) " " (self.name) },
                _ => {}
            }
        }
    }
}
