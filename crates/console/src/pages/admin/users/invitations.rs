//! Who is invited and has not come: the list, a further invitation, and the end of one.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_texts::console::{confirm, keys, people as texts};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::tabs;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::form::{Form, ONCE};
use crate::pages::admin::roles::{self, Role};
use crate::pages::keys::key::Actor;
use crate::pages::sign_in::local;
use crate::parts::confirm::Question;
use crate::parts::frame::Page;
use crate::parts::icon::Icon;
use crate::parts::list::{List, Listed};
use crate::parts::{badge, copy, time};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const PATH: &str = "/admin/invitations";

/// An invitation, and where it was made just now its link.
#[derive(Deserialize)]
pub(super) struct Invitation {
    id: String,
    user: String,
    email: String,
    roles: Vec<String>,
    state: String,
    created_by: Actor,
    created_at: String,
    expires_at: String,
    #[serde(default)]
    mailed: bool,
    #[serde(default)]
    link: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(PATH, get(list))
        .route("/admin/invitations/{id}/end", post(end))
        .route("/admin/users/{id}/invite-again", post(invite_again))
}

async fn list(viewer: Viewer) -> Result<Response, Failure> {
    let asked = viewer.asked(&["sort", "cursor"]);
    let found: Listed<Invitation> = viewer.api.get(format!("/invitations{}", asked.query())).read().await?;
    let roles = roles::all(&viewer).await?;
    let list = List { path: PATH, asked: &asked, search_label: "", filters: Vec::new(), export: None };
    let body = html! {
        (tabs(&viewer))
        @if found.data.is_empty() {
            (list.empty(texts::NO_INVITATIONS, texts::NO_INVITATIONS_HINT, &invite(&viewer)))
        } @else {
            (table(&viewer, &list, &found.data, &roles))
        }
        (list.pager(found.data.len(), found.next_cursor.as_deref()))
    };
    Ok(Page::new(&viewer, texts::INVITATIONS, body).actions(invite(&viewer)).ok())
}

fn invite(viewer: &Viewer) -> Markup {
    html! {
        @if viewer.may("users.manage") { a .btn href="/admin/users/new" { (Icon::Plus.draw()) (texts::INVITE) } }
    }
}

fn table(viewer: &Viewer, list: &List<'_>, invitations: &[Invitation], roles: &[Role]) -> Markup {
    html! {
        div .table-container tabindex="0" role="region" aria-label=(texts::INVITATIONS) {
            table .table {
                thead {
                    tr {
                        th scope="col" { (texts::EMAIL) } th scope="col" { (texts::ROLES) } th scope="col" { (texts::STATUS) } th scope="col" { (texts::INVITED_BY) }
                        (list.sorted_head("created_at", texts::INVITED))
                        th scope="col" { (texts::UNTIL) } th scope="col" { span .sr-only { (keys::OPTIONS) } }
                    }
                }
                tbody { @for invitation in invitations { (row(viewer, invitation, roles)) } }
            }
        }
    }
}

fn row(viewer: &Viewer, invitation: &Invitation, roles: &[Role]) -> Markup {
    html! {
        tr {
            th .wrap scope="row" { a href={ "/admin/users/" (invitation.user) } { (invitation.email) } }
            td .wrap { (roles::tags(viewer, roles, &invitation.roles)) }
            td { (badge::state(&invitation.state)) }
            td .wrap { (invitation.created_by.shown()) }
            td { (time::instant(&invitation.created_at, &viewer.zone)) }
            td { (time::instant(&invitation.expires_at, &viewer.zone)) }
            td {
                @if viewer.may("users.manage") {
                    div .buttons {
                        (again(viewer, &invitation.user, &invitation.email))
                        (ask_end(viewer, invitation))
                    }
                }
            }
        }
    }
}

/// The question before somebody is invited anew.
pub(super) fn again(viewer: &Viewer, user: &str, email: &str) -> Markup {
    let once = format!("{}.{user}", viewer.once);
    let fields = html! {
        input type="hidden" name=(ONCE) value=(once);
        input type="hidden" name="back" value=(viewer.path);
    };
    let question = Question {
        action: texts::INVITE_AGAIN,
        what: &html! { p { strong { (email) } } },
        consequence: texts::INVITE_AGAIN_CONSEQUENCE,
        answers: confirm::INVITE_AGAIN,
        path: &format!("/admin/users/{user}/invite-again"),
        fields: &fields,
        is_destructive: false,
    };
    question.ask(viewer)
}

fn ask_end(viewer: &Viewer, invitation: &Invitation) -> Markup {
    let question = Question {
        action: texts::REVOKE,
        what: &html! { p { strong { (invitation.email) } } },
        consequence: texts::REVOKE_CONSEQUENCE,
        answers: confirm::REVOKE,
        path: &format!("/admin/invitations/{}/end", invitation.id),
        fields: &html! {},
        is_destructive: true,
    };
    question.ask(viewer)
}

async fn end(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    viewer.api.delete(format!("/invitations/{}", segment(&id))).send().await?;
    Ok(Redirect::to(&told(PATH, "invitation-ended")).into_response())
}

async fn invite_again(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let call = viewer.api.post("/invitations").json(&json!({"user": id})).once(form.given(ONCE));
    let answer = call.send().await?;
    Ok(made(&viewer, &answer.read()?, answer.is_replayed(), &back(&form, &id)))
}

fn back(form: &Form, id: &str) -> String {
    form.given("back").map_or_else(|| format!("/admin/users/{}", segment(id)), |back| local(back).to_owned())
}

/// What follows an invitation: on, where it goes by mail; else its link, this once.
pub(super) fn made(viewer: &Viewer, invitation: &Invitation, is_replayed: bool, back: &str) -> Response {
    if invitation.mailed {
        return Redirect::to(&told(back, "user-invited")).into_response();
    }
    let Some(link) = invitation.link.as_deref().filter(|_| !is_replayed) else {
        let body = html! {
            p { (texts::LINK_ALREADY_HINT) }
            div .buttons { a .btn href=(back) { (keys::CLOSE) } }
        };
        return Page::new(viewer, texts::LINK_ALREADY, body).ok();
    };
    let body = html! {
        shown-once .shown-once data-leave=(texts::LINK_LEAVE) {
            div .card {
                header { h2 { (invitation.email) } p { (texts::link_hint(&invitation.email)) } }
                section .form {
                    (copy::once("link", texts::LINK, link))
                    p .hint { (texts::UNTIL) " " (time::instant(&invitation.expires_at, &viewer.zone)) }
                    div .buttons { a .btn data-variant="outline" href=(back) data-leaves { (keys::CLOSE) } }
                }
            }
        }
    };
    Page::new(viewer, texts::LINK_TITLE, body).ok()
}
