//! The second step: what the import would do, and the button that does it.

use std::collections::HashSet;

use axum::response::Response;
use bytes::Bytes;
use claviger_texts::console::apis::{self as words, change, import as texts};
use maud::{Markup, html};
use serde::Deserialize;

use super::packed::pack;
use super::upload::PACKED;
use super::{ALL_SETS, CARRY_OUT, DO, Imported, SET, SuggestedSet, file};
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::form::Form;
use crate::pages::apis::api::Api;
use crate::pages::apis::subplaces;
use crate::parts::field::Field;
use crate::parts::frame::{Page, csrf};
use crate::parts::list::first_rows;
use crate::parts::picks::{Pick, picks};
use crate::viewer::Viewer;

/// The most sets of an API that are looked at for those that a tag has already.
const SETS_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
struct Known {
    slug: String,
}

/// The page of the second step.
pub(super) async fn page(
    viewer: &Viewer,
    form: &Form,
    imported: &Imported,
    document: Bytes,
) -> Result<Response, Failure> {
    let size = shown_size(document.len());
    let packed = pack(document).await?;
    let suggested = suggested(viewer, imported).await?;
    let body = html! {
        (subplaces(viewer))
        section .card {
            header { h2 { (change::TITLE) } p { (change::NOT_YET) } }
            section .stack {
                (lead(imported))
                @if imported.api.id.is_some() { (imported.change.shown()) } @else {
                    (imported.change.operations_of_new())
                    p .muted { (texts::NEW_SHARES) }
                }
            }
        }
        form .form .broad method="post" action="/apis/import" enctype="multipart/form-data" {
            (csrf(viewer))
            (kept_fields(form, &imported.api))
            (suggestions(&suggested))
            @match &packed {
                Some(packed) => { input type="hidden" name=(PACKED) value=(packed); p .hint { (texts::kept(&size)) } }
                None => { p { (texts::not_kept(&size)) } (file(&Problems::default(), true)) }
            }
            div .buttons {
                button .btn type="submit" name=(DO) value=(CARRY_OUT) { (texts::CARRY_OUT) }
                a .btn data-variant="outline" href={ "/apis/import?slug=" (segment(&imported.api.slug)) } { (texts::OTHER) }
            }
        }
    };
    Ok(Page::new(viewer, texts::TITLE, body).ok())
}

/// The slug as it came out of the first step, so that both steps mean the same API.
fn kept_fields(form: &Form, api: &Api) -> Markup {
    html! {
        input type="hidden" name="slug" value=(api.slug);
        @for name in ["name", "version"] {
            @if let Some(value) = form.given(name) { input type="hidden" name=(name) value=(value); }
        }
    }
}

fn lead(imported: &Imported) -> Markup {
    let Imported { api, versions, .. } = imported;
    html! {
        p { strong { @if api.id.is_none() { (texts::makes(&api.name, &api.slug)) } @else { (texts::replaces(&api.name, &api.slug)) } } }
        @if !versions.is_empty() { p { (texts::versions(&versions.join(", "))) } }
        dl .facts {
            dt { (words::HOSTS) } dd { (api.shown_hosts()) }
            dt { (words::BASE_PATHS) } dd { (Api::codes(&api.base_paths)) }
            dt { (words::OPERATIONS) } dd { (api.operations_count) }
        }
    }
}

/// Sets of tags, without those that the API has.
async fn suggested(viewer: &Viewer, imported: &Imported) -> Result<Vec<SuggestedSet>, Failure> {
    let mut suggested = imported.suggested_sets.clone();
    if imported.api.id.is_some() {
        let api = &imported.api.slug;
        let path = format!("/api-sets?api={}", segment(api));
        let (known, _) = first_rows::<Known>(&viewer.api, &path, SETS_MAX).await?;
        let known: HashSet<_> = known.into_iter().map(|set| set.slug).collect();
        suggested.retain(|set| !known.contains(&set.slug) && !known.contains(&format!("{api}-{}", set.slug)));
    }
    Ok(suggested)
}

fn suggestions(sets: &[SuggestedSet]) -> Markup {
    let none = Problems::default();
    let pick = |set: &SuggestedSet| Pick {
        value: set.slug.clone(),
        label: set.name.clone(),
        note: words::operations::count(set.operations_count as i64),
    };
    html! {
        @if !sets.is_empty() {
            (picks(Field::new(SET, texts::SUGGESTED, &none).hint(texts::SUGGESTED_HINT), &sets.iter().map(pick).collect::<Vec<_>>(), &[]))
            (Field::new(ALL_SETS, texts::ALL_SETS, &none).tick(false))
        }
    }
}

/// Bytes as people say them.
fn shown_size(bytes: usize) -> String {
    const UNITS: [(usize, &str); 2] = [(1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_three_figures() {
        assert_eq!([12, 1_500, 12_340_000].map(shown_size), ["12 B", "1.5 kB", "12.3 MB"]);
    }
}
