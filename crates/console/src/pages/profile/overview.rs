//! Who one is.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{frame as words, people as texts};
use maud::html;

use crate::Console;
use crate::parts::badge;
use crate::parts::frame::Page;
use crate::viewer::Viewer;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/profile", get(page))
}

async fn page(viewer: Viewer) -> Response {
    let person = &viewer.person;
    let body = html! {
        (super::keys::tabs(&viewer))
        section .card {
            section {
                dl .facts {
                    dt { (texts::NAME) } dd { (person.name) }
                    dt { (texts::USERNAME) } dd { (person.username) }
                    dt { (texts::EMAIL) } dd { (person.email) }
                    dt { (texts::ROLES) } dd { @for role in &person.roles { (badge::tag(role)) " " } }
                    dt { (texts::LANGUAGE) } dd { (person.language) }
                    dt { (texts::TIME_ZONE) } dd { (person.time_zone) }
                    dt { (texts::ORGANIZATION) } dd { (viewer.organization.name) }
                }
            }
        }
    };
    let edit = html! { a .btn data-variant="outline" href="/profile/edit" { (texts::EDIT) } };
    Page::new(&viewer, words::PROFILE, body).actions(edit).ok()
}
