//! One's own roles: what one may do here, and up to which bounds.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::{people, roles as texts};
use maud::html;

use super::keys::tabs;
use crate::Console;
use crate::failure::Failure;
use crate::pages::admin::roles::{self, authorities_of, levels_of};
use crate::parts::frame::Page;
use crate::viewer::Viewer;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/profile/roles", get(page))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    let known = roles::authorities(&viewer).await?;
    let all = roles::all(&viewer).await?;
    let own = &viewer.person.roles;
    let held: Vec<_> = all.iter().filter(|role| own.contains(&role.slug)).collect();
    let body = html! {
        (tabs(&viewer))
        section .card {
            header { h2 { (people::ROLES) } p { (if own.is_empty() { texts::OWN_NONE } else { texts::OWN_HINT }) } }
            section { (roles::tags(&viewer, &all, own)) }
        }
        section .card {
            header { h2 { (texts::OWN_AUTHORITIES) } }
            section { (authorities_of(&known, viewer.authorities())) }
        }
        @for role in held {
            section .card {
                header { h2 { (texts::LEVELS) ": " (role.name) } }
                section { (levels_of(&role.levels)) }
            }
        }
    };
    Ok(Page::new(&viewer, texts::OWN_TITLE, body).ok())
}
