//! An API user as pages show it.

use claviger_texts::console::api_users as texts;
use maud::{Markup, html};
use serde::Deserialize;

use super::PATH;
use crate::call::segment;
use crate::failure::Failure;
use crate::pages::admin::applications::application::{Kind, kinds_if_seen};
use crate::pages::keys::key::Actor;
use crate::parts::time;
use crate::viewer::Viewer;

/// The method that asks for a code beside the password, as the API calls it.
pub(super) const TWO_STEPS: &str = "password_2fa";

/// An API user of the API.
#[derive(Debug, Deserialize)]
pub(super) struct ApiUser {
    pub(super) id: String,
    pub(super) application: Server,
    pub(super) user_name: String,
    pub(super) active: bool,
    pub(super) permission_type: u8,
    pub(super) contact: Option<Contact>,
    pub(super) profile_user: Profile,
    pub(super) sign_in_method: String,
    pub(super) second_factor: Option<String>,
    pub(super) recovery_codes_left: u64,
    pub(super) has_password: bool,
    pub(super) has_static_token: bool,
    pub(super) language: String,
    pub(super) last_sign_in: Option<String>,
    pub(super) created_by: Actor,
    pub(super) created_at: String,
}

/// Its application.
#[derive(Debug, Deserialize)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) name: String,
}

/// Whom it stands for in the protected service's system.
#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) email: String,
}

/// The person whose rights bound its sessions.
#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) external: Option<String>,
}

/// An API user with the version that an edit names.
pub(super) async fn load(viewer: &Viewer, id: &str) -> Result<(ApiUser, String), Failure> {
    let answer = viewer.api.get(format!("/api-users/{}", segment(id))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

/// The types whose applications have users, by name; none for who may not see types.
pub(super) async fn kinds_with_users(viewer: &Viewer) -> Result<Vec<Kind>, Failure> {
    let mut kinds = kinds_if_seen(viewer).await?;
    kinds.retain(Kind::has_users);
    Ok(kinds)
}

// === impl ApiUser ===

impl ApiUser {
    /// Its page.
    pub(super) fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    /// The word of its state.
    pub(super) const fn state(&self) -> &'static str {
        if self.active { "active" } else { "disabled" }
    }

    /// What it proves itself by.
    pub(super) fn method(&self) -> &'static str {
        if self.has_static_token { texts::STATIC_TOKEN } else { texts::method(&self.sign_in_method) }
    }

    /// When it last signed in.
    pub(super) fn signed_in(&self, viewer: &Viewer) -> Markup {
        html! {
            @match &self.last_sign_in {
                Some(at) => (time::instant(at, &viewer.zone)),
                None => { span .muted { (if self.has_static_token { texts::NO_SIGN_IN } else { texts::NEVER }) } }
            }
        }
    }

    /// Whether a sign-in asks for one-time codes, so far as they are set up.
    pub(super) fn has_codes(&self) -> bool {
        self.sign_in_method == TWO_STEPS && !self.has_static_token
    }
}

// === impl Profile ===

impl Profile {
    /// Their name, as the way to them for who may go there.
    pub(super) fn shown(&self, viewer: &Viewer) -> Markup {
        let name = self.name.as_deref();
        html! {
            @match name {
                Some(name) if viewer.may("users.read") => { a href={ "/admin/users/" (segment(&self.id)) } { (name) } }
                Some(name) => (name),
                None => { code { (self.id) } " " span .muted { (texts::PROFILE_GONE) } }
            }
        }
    }
}
