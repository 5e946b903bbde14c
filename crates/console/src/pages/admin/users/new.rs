//! Inviting a person.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, people as texts};
use http::StatusCode;
use maud::html;

use super::User;
use super::form::{Fields, invitation};
use super::invitations::{Invitation, made};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
use crate::pages::admin::roles;
use crate::parts::field::summary_called;
use crate::parts::frame::{Page, csrf};
use crate::viewer::{Posted, Viewer};

#[derive(serde::Deserialize)]
struct Made {
    #[serde(flatten)]
    user: User,
    invitation: Invitation,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/users/new", get(page).post(invite))
}

async fn page(viewer: Viewer) -> Result<Response, Failure> {
    show(&viewer, &Form::default(), &Problems::default()).await
}

async fn show(viewer: &Viewer, form: &Form, problems: &Problems) -> Result<Response, Failure> {
    let fields = Fields { form, problems };
    let roles = roles::all(viewer).await?;
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let body = html! {
        (summary_called(texts::NOT_INVITED, problems))
        p .muted { (texts::INVITE_HINT) " " (words::REQUIRED) }
        form .form method="post" action="/admin/users/new" {
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            (fields.email())
            (fields.name(texts::NAME_HINT))
            (fields.roles(&roles))
            details .advanced open[!problems.is_empty()] {
                summary { (words::ADVANCED) }
                (fields.username(texts::USERNAME_HINT))
                (fields.account_expires())
                (fields.language())
                (fields.time_zone(texts::TIME_ZONE_HINT))
            }
            div .buttons {
                button .btn type="submit" { (texts::INVITE) }
                a .btn data-variant="outline" href="/admin/users" { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::INVITE_TITLE, body).status(status))
}

async fn invite(Posted { viewer, mut form }: Posted) -> Result<Response, Failure> {
    let call = viewer.api.post("/users").json(&invitation(&form)).once(form.given(ONCE));
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            // Sent before with other entries: that person is invited, and this is meant to be a further one.
            form.take(ONCE);
            return show(&viewer, &form, &Problems::of(texts::LINK_ALREADY)).await;
        }
        Err(error) => return show(&viewer, &form, &mend(error)?).await,
    };
    let Made { user, invitation } = answer.read()?;
    Ok(made(&viewer, &invitation, answer.is_replayed(), &user.path()))
}
