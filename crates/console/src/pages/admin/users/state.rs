//! What administrators do to a person in a step: enable, lock, unlock, remove, and take a lost second factor away.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use claviger_texts::console::confirm::{self, Answers};
use claviger_texts::console::people as texts;
use maud::{Markup, html};
use serde_json::json;

use super::invitations::again;
use super::{User, load};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems};
use crate::parts::confirm::Question;
use crate::parts::field::Field;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/users/{id}/enable", post(enable))
        .route("/admin/users/{id}/lock", post(lock))
        .route("/admin/users/{id}/unlock", post(unlock))
        .route("/admin/users/{id}/remove", post(remove))
        .route("/admin/users/{id}/reset-second-factor", post(reset_second_factor))
}

/// The buttons beside the title.
pub(super) fn actions(viewer: &Viewer, user: &User) -> Markup {
    if !viewer.may("users.manage") {
        return html! { @if user.is(viewer) { a .btn data-variant="outline" href="/profile/edit" { (texts::EDIT) } } };
    }
    let ask = Ask { viewer, user };
    html! {
        a .btn data-variant="outline" href={ (user.path()) "/edit" } { (texts::EDIT) }
        @if user.state == "invited" { (again(viewer, &user.id, &user.email)) }
        @if user.locked { (ask.plain(texts::UNLOCK, texts::UNLOCK_CONSEQUENCE, confirm::UNLOCK_USER, "unlock")) }
        @else if !user.is(viewer) { (ask.lock()) }
        @if !user.enabled { (ask.plain(texts::ENABLE, texts::ENABLE_CONSEQUENCE, confirm::ENABLE_USER, "enable")) }
        @if !user.is(viewer) {
            @if user.state != "invited" {
                (ask.plain(
                    texts::RESET_SECOND_FACTOR, texts::RESET_SECOND_FACTOR_CONSEQUENCE, confirm::RESET_SECOND_FACTOR, "reset-second-factor",
                ))
            }
            @if user.enabled { a .btn data-variant="destructive" href={ (user.path()) "/disable" } { (texts::DISABLE) } }
            (ask.remove())
        }
    }
}

struct Ask<'a> {
    viewer: &'a Viewer,
    user: &'a User,
}

// === impl Ask ===

impl Ask<'_> {
    /// `ending`: the fields of a question before something ends.
    fn ask(&self, action: &str, consequence: &str, answers: Answers, path: &str, ending: Option<&Markup>) -> Markup {
        let (what, path) = (self.user.named(self.viewer), format!("{}/{path}", self.user.path()));
        let (none, is_destructive) = (html! {}, ending.is_some());
        let fields = ending.unwrap_or(&none);
        Question { action, what: &what, consequence, answers, path: &path, fields, is_destructive }.ask(self.viewer)
    }

    fn plain(&self, action: &str, consequence: &str, answers: Answers, path: &str) -> Markup {
        self.ask(action, consequence, answers, path, None)
    }

    fn lock(&self) -> Markup {
        let problems = Problems::default();
        let reason = Field::new("reason", texts::REASON, &problems).hint(texts::REASON_HINT).text("");
        self.ask(texts::LOCK, texts::LOCK_CONSEQUENCE, confirm::LOCK_USER, "lock", Some(&reason))
    }

    fn remove(&self) -> Markup {
        let keys = self.user.counts.as_ref().map(|counts| counts.keys);
        let consequence = texts::remove_consequence(keys);
        self.ask(texts::REMOVE, &consequence, confirm::REMOVE_USER, "remove", Some(&html! {}))
    }
}

/// Does it, and goes back to the person's page with a word about it.
async fn act(viewer: &Viewer, id: &str, action: &str, reason: Option<&str>, word: &str) -> Result<Response, Failure> {
    let call = viewer.api.post(format!("/users/{}/{action}", segment(id)));
    let call = if action == "reset-2fa" { call } else { call.json(&json!({"reason": reason})) };
    call.send().await?;
    Ok(Redirect::to(&told(&format!("/admin/users/{}", segment(id)), word)).into_response())
}

async fn enable(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "enable", None, "user-enabled").await
}

async fn lock(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "lock", form.given("reason"), "user-locked").await
}

async fn unlock(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "unlock", None, "user-unlocked").await
}

async fn reset_second_factor(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    act(&viewer, &id, "reset-2fa", None, "second-factor-reset").await
}

async fn remove(Path(id): Path<String>, Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    viewer.api.delete(format!("/users/{}", segment(&user.id))).send().await?;
    Ok(Redirect::to(&told("/admin/users", "user-removed")).into_response())
}
