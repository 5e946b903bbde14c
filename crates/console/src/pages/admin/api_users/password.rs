//! A password that an administrator sets now.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::{api_users as texts, form as words};
use http::StatusCode;
use maud::html;
use serde_json::json;

use super::user::{ApiUser, load};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::password;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/api-users/{id}/password", get(page).post(set))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    Ok(show(&viewer, &user, &Problems::default()))
}

async fn set(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    // Who had to prove who they are has typed it before that, and it was not kept.
    let Some(password) = form.find("password") else {
        return Ok(show(&viewer, &user, &Problems::with_field("password", texts::PASSWORD_AGAIN)));
    };
    let body = json!({ "password": password });
    match viewer.api.put(format!("/api-users/{}/password", user.id)).json(&body).send().await {
        Ok(_) => Ok(Redirect::to(&told(&user.path(), "api-user-password")).into_response()),
        Err(error) => Ok(show(&viewer, &user, &mend(error)?)),
    }
}

fn show(viewer: &Viewer, user: &ApiUser, problems: &Problems) -> Response {
    let field = Field::new("password", texts::PASSWORD, problems).required().hint(texts::PASSWORD_HINT);
    let body = html! {
        (summary(problems))
        p { (texts::SET_PASSWORD_CONSEQUENCE) }
        form .form method="post" action={ (user.path()) "/password" } {
            (csrf(viewer))
            input .sr-only type="text" name="username" value=(user.user_name) autocomplete="username" tabindex="-1" aria-hidden="true" readonly;
            (password::new(field))
            div .buttons {
                button .btn type="submit" { (texts::SET_PASSWORD) }
                a .btn data-variant="outline" href=(user.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Page::new(viewer, texts::password_title(&user.user_name), body).status(status)
}
