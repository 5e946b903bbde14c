//! People: the list, who is invited, and *User Account Details* with one's API keys.

use axum::Router;
use claviger_texts::console::people as texts;
use maud::{Markup, html};
use serde::Deserialize;

use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::keys::key::Actor;
use crate::parts::time;
use crate::viewer::Viewer;

mod account;
mod disable;
mod edit;
mod form;
mod invitations;
mod list;
mod new;
mod state;

/// A person as pages show them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) email: String,
    state: String,
    state_reason: Option<String>,
    state_by: Option<Actor>,
    state_at: Option<String>,
    enabled: bool,
    locked: bool,
    account_expires_at: Option<String>,
    roles: Vec<String>,
    language: String,
    time_zone: String,
    last_sign_in: Option<String>,
    counts: Option<Counts>,
    created_by: Actor,
    created_at: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Counts {
    keys: u64,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(list::router())
        .merge(new::router())
        .merge(account::router())
        .merge(edit::router())
        .merge(disable::router())
        .merge(state::router())
        .merge(invitations::router())
}

/// A person with the version of their record.
async fn load(viewer: &Viewer, id: &str) -> Result<(User, String), Failure> {
    let answer = viewer.api.get(format!("/users/{}", segment(id))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

/// The pages about people.
fn tabs(viewer: &Viewer) -> Markup {
    let tabs = [("/admin/users", texts::USERS), ("/admin/invitations", texts::INVITATIONS)];
    html! {
        @if viewer.may("users.read") || viewer.may("users.manage") {
            nav .subplaces aria-label=(texts::USERS) {
                @for (path, label) in tabs {
                    a href=(path) aria-current=[(viewer.path == path).then_some("page")] { (label) }
                }
            }
        }
    }
}

// === impl User ===

impl User {
    /// Their page.
    pub(crate) fn path(&self) -> String {
        format!("/admin/users/{}", self.id)
    }

    fn is(&self, viewer: &Viewer) -> bool {
        self.id == viewer.person.id
    }

    /// Name, address and last sign-in, for questions.
    fn named(&self, viewer: &Viewer) -> Markup {
        html! {
            p { strong { (self.name) } " " span .muted { (self.email) } }
            p {
                (texts::LAST_SIGN_IN) ": "
                @match &self.last_sign_in { Some(at) => (time::instant(at, &viewer.zone)), None => { (texts::NEVER) } }
            }
        }
    }
}
