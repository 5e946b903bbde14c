//! A role's page: what it gives, up to which bounds, and who has it.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{confirm, people, roles as texts};
use maud::{Markup, html};

use super::{Authority, Levels, Role, authorities, label};
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::audit::history;
use crate::pages::admin::users::User;
use crate::parts::badge;
use crate::parts::confirm::Question;
use crate::parts::frame::Page;
use crate::parts::list::Listed;
use crate::viewer::Viewer;

/// Holders on the page.
const HOLDERS: usize = 25;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/roles/{role}", get(page))
}

async fn page(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let role: Role = viewer.api.get(format!("/roles/{}", segment(&name))).read().await?;
    let known = authorities(&viewer).await?;
    let path = format!("/users?limit={HOLDERS}&role={}", segment(&role.slug));
    let holders = viewer.api.get(path).read_if_seen::<Listed<User>>().await?;
    let history = history(&viewer, &role.id).await?;
    let body = html! {
        @if role.predefined { div .alert role="note" { p { (texts::PREDEFINED_HINT) } } }
        div .columns {
            section .card {
                header { h2 { (texts::AUTHORITIES) } }
                section { (authorities_of(&known, &role.authorities)) }
            }
            section .card {
                header { h2 { (texts::LEVELS) } }
                section { (levels_of(&role.levels)) }
            }
        }
        @if let Some(holders) = &holders { (who(&role, holders)) }
        (history)
    };
    Ok(Page::new(&viewer, role.name.clone(), body).actions(actions(&viewer, &role)).ok())
}

fn actions(viewer: &Viewer, role: &Role) -> Markup {
    html! {
        @if role.predefined { (badge::tag(texts::PREDEFINED)) }
        @if role.is_changed_by(viewer) {
            a .btn data-variant="outline" href={ (role.path()) "/edit" } { (texts::EDIT) }
            (delete(viewer, role))
        }
    }
}

fn delete(viewer: &Viewer, role: &Role) -> Markup {
    let is_held = role.counts.users > 0;
    let question = Question {
        action: texts::DELETE,
        what: &html! { p { strong { (role.name) } " " code { (role.slug) } } },
        consequence: if is_held { texts::DELETE_HELD } else { texts::DELETE_CONSEQUENCE },
        answers: confirm::DELETE_ROLE,
        path: &format!("{}/delete", role.path()),
        fields: &html! {},
        is_destructive: true,
    };
    question.ask(viewer)
}

fn who(role: &Role, holders: &Listed<User>) -> Markup {
    html! {
        section .card {
            header { h2 { (texts::HOLDERS) } }
            section .stack {
                @if holders.data.is_empty() { p .muted { (texts::NO_HOLDERS) } } @else {
                    div .table-container tabindex="0" role="region" aria-label=(texts::HOLDERS) {
                        table .table {
                            thead { tr { th scope="col" { (people::USERNAME) } th scope="col" { (people::NAME) } th scope="col" { (people::EMAIL) } } }
                            tbody {
                                @for user in &holders.data {
                                    tr { th .wrap scope="row" { a href=(user.path()) { (user.username) } } td .wrap { (user.name) } td .wrap { (user.email) } }
                                }
                            }
                        }
                    }
                    @if holders.next_cursor.is_some() {
                        p { a href={ "/admin/users?role=" (segment(&role.slug)) } { (texts::ALL_HOLDERS) } }
                    }
                }
            }
        }
    }
}

/// What one may do, in people's words, with the API's beside them.
pub(crate) fn authorities_of(known: &[Authority], held: &[String]) -> Markup {
    html! {
        @if held.is_empty() { span .muted { (texts::NO_AUTHORITIES) } } @else {
            ul .plain-list {
                @for name in held {
                    li title=(name) { (label(known, name)) }
                }
            }
        }
    }
}

/// How far one may go.
pub(crate) fn levels_of(levels: &Levels) -> Markup {
    let numbers = [
        (texts::MAX_LIFETIME, levels.max_lifetime_days),
        (texts::MAX_KEYS, levels.max_keys),
        (texts::MAX_RATE, levels.max_rate),
    ];
    html! {
        dl .facts {
            @for (label, number) in numbers {
                dt { (label) } dd { @match number { Some(number) => (number), None => { (texts::NO_BOUND) } } }
            }
            dt { (texts::API_SETS) }
            dd {
                @match &levels.api_sets {
                    None => (texts::SETS_ANY),
                    Some(sets) if sets.is_empty() => (texts::NO_SETS),
                    Some(sets) => { @for set in sets { (badge::tag(set)) " " } }
                }
            }
        }
    }
}
