//! The list of people.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{people as texts, state};
use maud::{Markup, html};

use super::{User, tabs};
use crate::Console;
use crate::failure::Failure;
use crate::pages::admin::roles::{self, Role};
use crate::parts::field::Choice;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{Asked, Filter, List, Listed};
use crate::parts::{badge, time};
use crate::viewer::Viewer;

const KNOWN: &[&str] = &["text", "role", "state", "sort", "cursor"];
/// The states that the API filters by, and what it calls them.
const STATES: [(&str, (&str, &str)); 3] =
    [("active", ("enabled", "true")), ("disabled", ("enabled", "false")), ("locked", ("locked", "true"))];

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/users", get(list))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<User> = viewer.api.get(format!("/users{}", meant(&asked).query())).read().await?;
    let roles = roles::all(&viewer).await?;
    let list = List {
        path: "/admin/users",
        asked: &asked,
        search_label: texts::SEARCH,
        filters: filters(&roles),
        export: None,
    };
    let body = html! {
        (tabs(&viewer))
        (list.tools())
        @if found.data.is_empty() {
            (list.empty(texts::NONE, texts::NONE_HINT, &invite(&viewer)))
        } @else {
            (table(&viewer, &list, &found.data, &roles))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::USERS, body).actions(invite(&viewer)).ok())
}

/// The API knows no filter by state: whom it has is enabled or not, and locked or not.
fn meant(asked: &Asked) -> Asked {
    let state = STATES.iter().find(|(word, _)| *word == asked.value("state"));
    let pairs: Vec<_> = state.map(|(_, pair)| *pair).into_iter().collect();
    asked.meaning("state", &pairs)
}

fn filters(roles: &[Role]) -> Vec<Filter<'static>> {
    let states = STATES.iter().map(|(word, (name, value))| {
        let label = if (*name, *value) == ("enabled", "true") { texts::ENABLED } else { state::word(word) };
        Choice::new(*word, label)
    });
    let roles: Vec<_> = roles.iter().map(|role| Choice::new(&role.slug, &role.name)).collect();
    let by_role = (!roles.is_empty()).then_some(Filter { name: "role", label: texts::ANY_ROLE, choices: roles });
    let by_state = Filter { name: "state", label: texts::ANY_STATE, choices: states.collect() };
    by_role.into_iter().chain([by_state]).collect()
}

fn invite(viewer: &Viewer) -> Markup {
    html! {
        @if viewer.may("users.manage") { a .btn href="/admin/users/new" { (Icon::Plus.draw()) (texts::INVITE) } }
    }
}

fn table(viewer: &Viewer, list: &List<'_>, users: &[User], roles: &[Role]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::USERS) {
            table .table {
                thead {
                    tr {
                        (list.sorted_head("username", texts::USERNAME))
                        (list.sorted_head("name", texts::NAME))
                        th scope="col" { (texts::EMAIL) } th scope="col" { (texts::ROLES) } th scope="col" { (texts::STATUS) }
                        th scope="col" { (texts::ENABLED) } th scope="col" { (texts::LOCKED) } th scope="col" { (texts::EXPIRED) }
                        th scope="col" { (texts::LAST_SIGN_IN) } th scope="col" { (texts::KEYS) }
                    }
                }
                tbody { @for user in users { (row(viewer, user, roles)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, user: &User, roles: &[Role]) -> Markup {
    html! {
        tr {
            th .wrap scope="row" { a href=(user.path()) { (user.username) } }
            td .wrap { (user.name) }
            td .wrap { (user.email) }
            td .wrap { @for role in &user.roles { (badge::tag(roles::name_of(roles, role))) " " } }
            td { (badge::state(&user.state)) }
            td { (yes(user.enabled)) }
            td { (yes(user.locked)) }
            td { (expired(viewer, user)) }
            td {
                @match &user.last_sign_in {
                    Some(at) => (time::day(at, &viewer.zone)),
                    None => { span .muted { (texts::NEVER) } }
                }
            }
            td { @if let Some(counts) = &user.counts { (counts.keys) } }
        }
    }
}

fn yes(is_so: bool) -> Markup {
    html! { @if is_so { (texts::YES) } @else { span .muted { (texts::NO) } } }
}

/// Whether the account is over, or the day on which it will be.
fn expired(viewer: &Viewer, user: &User) -> Markup {
    html! {
        @match &user.account_expires_at {
            _ if user.state == "expired" => (texts::YES),
            Some(at) => (time::end_day(at, &viewer.home_zone)),
            None => { span .muted { (texts::NO) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_asked_for_by_the_words_of_the_api() {
        let query = |text: &str| meant(&Asked::read(text, KNOWN)).query();
        assert_eq!(query("text=ann&state=locked"), "?limit=25&text=ann&locked=true");
        assert_eq!(query("state=active"), "?limit=25&enabled=true");
        assert_eq!(query("state=odd&role=admin"), "?limit=25&role=admin");
    }
}
