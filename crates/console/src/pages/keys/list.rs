//! The organization's keys: where Yespo's *Settings → API* leads.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{confirm, keys as texts, state};
use maud::{Markup, html};

use super::key::Key;
use crate::Console;
use crate::failure::Failure;
use crate::parts::confirm::Question;
use crate::parts::field::Choice;
use crate::parts::frame::{Page, csrf};
use crate::parts::icon::Icon;
use crate::parts::list::{Asked, Filter, List, Listed};
use crate::parts::{badge, time};
use crate::viewer::Viewer;

/// What the address may ask for.
pub(crate) const KNOWN: &[&str] =
    &["text", "state", "owner", "set", "environment", "tag", "ends_before", "last_refused_after", "sort", "cursor"];
const STATES: [&str; 5] = ["active", "disabled", "expired", "not_yet_valid", "pending"];

/// Which columns a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Of the organization: owners and creators.
    All,
    /// Of one owner.
    OfOwner,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys", get(list)).route("/keys/export", get(export))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(KNOWN);
    let found: Listed<Key> = viewer.api.get(format!("/keys{}", asked.query())).read().await?;
    let list = List {
        path: "/keys",
        asked: &asked,
        search_label: texts::SEARCH,
        filters: vec![states()],
        export: Some("/keys/export"),
    };
    let body = html! {
        (list.tools())
        @if found.data.is_empty() {
            (list.empty(texts::NONE, texts::NONE_HINT, &new_button(&viewer)))
        } @else {
            (table(&viewer, &list, &found.data, Columns::All))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    let actions = html! {
        @if !found.data.is_empty() && viewer.may("keys.manage_all") {
            a .btn data-variant="outline" href=(asked.with("/keys/rotate", "sort", None)) { (texts::ROTATE_THESE) }
        }
        (new_button(&viewer))
    };
    Ok(Page::new(&viewer, texts::TITLE, body).actions(actions).ok())
}

/// What the list is narrowed by, in words.
pub(super) fn words(asked: &Asked) -> Markup {
    let shown = |name: &str| match (name, asked.value(name)) {
        ("state", word) if !word.is_empty() => state::word(word).to_owned(),
        (_, value) => value.to_owned(),
    };
    let given = KNOWN.iter().filter(|name| !["sort", "cursor"].contains(name) && !asked.value(name).is_empty());
    html! {
        dl .facts { @for name in given { dt { (texts::filter(name)) } dd { (shown(name)) } } }
    }
}

/// The rows as a file, as the API writes it.
async fn export(viewer: Viewer) -> Result<Response, Failure> {
    let mut known = KNOWN.to_vec();
    known.push("format");
    let asked = viewer.asked(&known);
    Ok(viewer.api.get(asked.with("/keys", "cursor", None)).respond().await?)
}

fn new_button(viewer: &Viewer) -> Markup {
    html! { @if viewer.may("keys.manage_all") { a .btn href="/keys/new" { (Icon::Plus.draw()) (texts::NEW) } } }
}

/// Filters by state.
pub(crate) fn states() -> Filter<'static> {
    let choices = STATES.iter().map(|word| Choice::new(*word, state::word(word))).collect();
    Filter { name: "state", label: texts::ANY_STATE, choices }
}

/// The rows.
pub(crate) fn table(viewer: &Viewer, list: &List<'_>, keys: &[Key], columns: Columns) -> Markup {
    let is_all = columns == Columns::All;
    html! {
        div .table-container {
            table .table {
                thead {
                    tr {
                        (list.sorted_head("name", texts::NAME))
                        th scope="col" { (texts::VALUE) }
                        @if is_all { th scope="col" { (texts::CREATED_BY) } }
                        (list.sorted_head("created_at", texts::CREATED))
                        th scope="col" { (texts::RIGHTS) }
                        th scope="col" { (texts::DESCRIPTION) }
                        th scope="col" { (texts::STATUS) }
                        th scope="col" { (texts::LAST_USED) }
                        th scope="col" { (texts::EXPIRES) }
                        th scope="col" { span .sr-only { (texts::OPTIONS) } }
                    }
                }
                tbody { @for key in keys { (row(viewer, key, is_all)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, key: &Key, is_all: bool) -> Markup {
    html! {
        tr id=(key.id) {
            th .wrap scope="row" {
                a href=(key.path()) { (key.name) }
                @if is_all && key.owner.kind != "organization" { br; small .muted { (key.owner.name.as_deref().unwrap_or(&key.owner.kind)) } }
            }
            td { (value(viewer, key)) }
            @if is_all { td { (key.created_by.shown()) } }
            td { (time::day(&key.created_at, &viewer.zone)) }
            td .wrap { (key.rights()) }
            td .wrap { (key.description) }
            td { (status(viewer, key)) }
            td { @match &key.last_used { Some(used) => (time::day(&used.at, &viewer.zone)), None => { span .muted { (texts::NEVER) } } } }
            td { @match &key.expires_at { Some(at) => (time::ends(at, &viewer.home_zone, viewer.now)), None => { span .muted { (texts::NO_END) } } } }
            td { (options(viewer, key)) }
        }
    }
}

/// The value, masked: one that can be shown again with a way to copy it, any other with why there is none. Without scripts the
/// button leads to the page that shows it.
fn value(viewer: &Viewer, key: &Key) -> Markup {
    html! {
        div .key-value {
            span { code { (key.hint) } @if key.reveal == "once" { br; small .muted title=(texts::ONCE_WHY) { (texts::ONCE) } } }
            @if key.reveal != "once" && key.is_changed_by(viewer) && viewer.may("keys.reveal") {
                copy-key data-copied=(texts::KEY_COPIED) data-blocked=(texts::COPY_BLOCKED) data-end=(texts::CLOSE) {
                    form method="post" action={ (key.path()) "/reveal" } {
                        (csrf(viewer))
                        button .btn data-variant="ghost" data-size="icon" type="submit" aria-label=(texts::copy_of(&key.name)) title=(texts::copy_of(&key.name)) {
                            (Icon::Copy.draw())
                        }
                    }
                }
            }
        }
    }
}

/// The state with why, and the switch for who may turn it: turning it off asks first.
fn status(viewer: &Viewer, key: &Key) -> Markup {
    let turns = key.is_ended_by(viewer) && ["active", "disabled", "not_yet_valid"].contains(&key.state.as_str());
    html! {
        div .status {
            div {
                (badge::state(&key.state))
                @if let Some(why) = key.why() { br; small .muted { (why) } }
            }
            @if turns && key.state == "disabled" {
                form method="post" action={ (key.path()) "/enable" } {
                    (csrf(viewer))
                    (in_place(viewer, key))
                    button .switch type="submit" role="switch" aria-checked="false" aria-label={ (texts::ENABLE) " " (key.name) }
                        title=(texts::ENABLE) { span {} }
                }
            } @else if turns {
                (turn_off(viewer, key))
            }
        }
    }
}

/// Back to this list; with scripts only the row changes.
fn in_place(viewer: &Viewer, key: &Key) -> Markup {
    html! {
        input type="hidden" name="back" value=(viewer.address());
        input type="hidden" name="row" value=(key.id);
    }
}

fn turn_off(viewer: &Viewer, key: &Key) -> Markup {
    let switch = html! {
        span .switch role="switch" aria-checked="true" aria-label={ (texts::DISABLE) " " (key.name) } title=(texts::DISABLE) { span {} }
    };
    let question = Question {
        action: texts::DISABLE,
        what: &key.named(viewer),
        consequence: texts::DISABLE_CONSEQUENCE,
        answers: confirm::DISABLE_KEY,
        path: &format!("{}/disable", key.path()),
        fields: &in_place(viewer, key),
        is_destructive: true,
    };
    question.ask_by(viewer, &switch)
}

fn options(viewer: &Viewer, key: &Key) -> Markup {
    html! {
        details .menu .row-menu {
            summary .btn data-variant="ghost" data-size="icon" aria-label=(texts::options_of(&key.name)) { (Icon::More.draw()) }
            div .menu-items {
                @if key.is_changed_by(viewer) {
                    a href={ (key.path()) "/edit" } { (texts::EDIT) }
                    a href={ (key.path()) "#rotate" } { (texts::ROTATE) }
                    a href={ (key.path()) "/leaked" } { (texts::LEAKED) }
                }
                a href={ (key.path()) "#try" } { (texts::TRY) }
                @if key.is_ended_by(viewer) { (delete(viewer, key)) }
            }
        }
    }
}

/// The question before a key is deleted.
pub(crate) fn delete(viewer: &Viewer, key: &Key) -> Markup {
    let question = Question {
        action: texts::DELETE,
        what: &key.named(viewer),
        consequence: texts::DELETE_CONSEQUENCE,
        answers: confirm::DELETE_KEY,
        path: &format!("{}/delete", key.path()),
        fields: &html! {},
        is_destructive: true,
    };
    question.ask(viewer)
}
