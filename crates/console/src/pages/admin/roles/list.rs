//! The list of roles.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::roles as texts;
use maud::{Markup, html};

use super::{Authority, Role, authorities, label};
use crate::Console;
use crate::failure::Failure;
use crate::parts::badge;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed};
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "sort", "cursor"];

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/roles", get(list))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<Role> = viewer.api.get(format!("/roles{}", asked.query())).read().await?;
    let authorities = authorities(&viewer).await?;
    let list =
        List { path: "/admin/roles", asked: &asked, search_label: texts::SEARCH, filters: Vec::new(), export: None };
    let body = html! {
        (list.tools())
        @if found.data.is_empty() {
            (list.empty(texts::NONE, texts::NONE_HINT, &new_button(&viewer)))
        } @else {
            (table(&list, &found.data, &authorities))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(new_button(&viewer)).ok())
}

fn new_button(viewer: &Viewer) -> Markup {
    html! { @if viewer.may("roles.manage") { a .btn href="/admin/roles/new" { (Icon::Plus.draw()) (texts::NEW) } } }
}

fn table(list: &List<'_>, roles: &[Role], authorities: &[Authority]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::TITLE) {
            table .table {
                thead {
                    tr {
                        (list.sorted_head("name", texts::NAME))
                        (list.sorted_head("slug", texts::SLUG))
                        th scope="col" { (texts::KIND) } th scope="col" { (texts::AUTHORITIES) } th scope="col" { (texts::USERS) }
                    }
                }
                tbody {
                    @for role in roles {
                        tr {
                            th .wrap scope="row" { a href=(role.path()) { (role.name) } }
                            td .wrap { code { (role.slug) } }
                            td { @if role.predefined { (badge::tag(texts::PREDEFINED)) } @else { (texts::CUSTOM) } }
                            td .wrap { (given(authorities, role)) }
                            td { (role.counts.users) }
                        }
                    }
                }
            }
        }
    }
}

/// What a role gives, in a line.
fn given(known: &[Authority], role: &Role) -> Markup {
    let labels: Vec<_> = role.authorities.iter().map(|name| label(known, name)).collect();
    html! {
        @if labels.is_empty() { span .muted { (texts::NO_AUTHORITIES) } }
        @else if labels.len() == known.len() { (texts::EVERYTHING) }
        @else { small { (labels.join(" · ")) } }
    }
}
