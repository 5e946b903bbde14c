//! Making a webhook, and changing one.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{form as words, webhooks as texts};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::acts::shown_once;
use super::{Made, PATH, Webhook, load};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE, VERSION};
use crate::parts::changed;
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::picks::{Pick, picks};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// Stands for all types.
const ALL: &str = "*";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/webhooks/new", get(new).post(make))
        .route("/admin/webhooks/{id}/edit", get(page).post(save))
}

/// A form, and where it goes.
struct Sheet<'a> {
    title: &'a str,
    action: &'a str,
    back: &'a str,
    /// What bears the version, or has the form do its work once.
    hidden: Markup,
    /// What stands there now.
    stored: Option<Form>,
}

// === impl Sheet ===

impl Sheet<'_> {
    fn show(&self, viewer: &Viewer, form: &Form, problems: &Problems) -> Response {
        let body = html! {
            (summary(problems))
            @if let Some(stored) = self.stored.as_ref().filter(|_| !problems.is_empty()) {
                (changed::now(texts::FIELDS, stored, form))
            }
            p .muted { (words::REQUIRED) }
            form .form method="post" action=(self.action) {
                (csrf(viewer))
                (self.hidden)
                (fields(form, problems))
                div .buttons {
                    button .btn type="submit" { (words::SAVE) }
                    a .btn data-variant="outline" href=(self.back) { (words::CANCEL) }
                }
            }
        };
        let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        Page::new(viewer, self.title, body).status(status)
    }
}

fn fields(form: &Form, problems: &Problems) -> Markup {
    let pick = |(name, label): (&str, &str)| Pick {
        value: name.to_owned(),
        label: label.to_owned(),
        note: if name == ALL { String::new() } else { name.to_owned() },
    };
    let choices = texts::TYPES.map(pick);
    let chosen: Vec<&str> = form.all("events").collect();
    let events = Field::new("events", texts::EVENTS, problems).required().hint(texts::EVENTS_HINT);
    html! {
        (Field::new("name", texts::NAME, problems).required().text(form.text("name")))
        (Field::new("url", texts::URL, problems).required().hint(texts::URL_HINT).text(form.text("url")))
        (picks(events, &choices, &chosen))
    }
}

/// The request that makes the webhook what the form says.
fn request(form: &Form) -> Value {
    let events: Vec<&str> = form.all("events").collect();
    json!({"name": form.text("name").trim(), "url": form.text("url").trim(), "events": events})
}

fn filled(webhook: &Webhook) -> Form {
    let mut form = Form::default();
    form.set("name", webhook.name.clone());
    form.set("url", webhook.url.clone());
    for event in &webhook.events {
        form.push("events", event.clone());
    }
    form
}

async fn new(viewer: Viewer) -> Response {
    let mut form = Form::default();
    form.push("events", ALL.to_owned());
    show_new(&viewer, &form, &Problems::default())
}

fn show_new(viewer: &Viewer, form: &Form, problems: &Problems) -> Response {
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let hidden = html! { input type="hidden" name=(ONCE) value=(once); };
    let sheet = Sheet { title: texts::NEW, action: "/admin/webhooks/new", back: PATH, hidden, stored: None };
    sheet.show(viewer, form, problems)
}

async fn make(Posted { viewer, mut form }: Posted) -> Result<Response, Failure> {
    let made = viewer.api.post("/webhooks").json(&request(&form)).once(form.given(ONCE)).send().await;
    let answer = match made {
        Ok(answer) => answer,
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            // Sent before with other entries: that webhook is there, and this one is meant to be a further one.
            form.take(ONCE);
            return Ok(show_new(&viewer, &form, &Problems::of(texts::ALREADY)));
        }
        Err(error) => return Ok(show_new(&viewer, &form, &mend(error)?)),
    };
    let Made { webhook, secret } = answer.read()?;
    Ok(shown_once(&viewer, &webhook, secret.as_deref(), texts::CREATED_TITLE))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (webhook, version) = load(&viewer, &id).await?;
    Ok(show_edit(&viewer, &webhook, &version, &filled(&webhook), &Problems::default()))
}

fn show_edit(viewer: &Viewer, webhook: &Webhook, version: &str, form: &Form, problems: &Problems) -> Response {
    let (title, path) = (texts::edit_title(&webhook.name), webhook.path());
    let sheet = Sheet {
        title: &title,
        action: &format!("{path}/edit"),
        back: &path,
        hidden: html! { input type="hidden" name=(VERSION) value=(version); },
        stored: Some(filled(webhook)),
    };
    sheet.show(viewer, form, problems)
}

async fn save(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (webhook, version) = load(&viewer, &id).await?;
    let call = viewer.api.patch(format!("/webhooks/{}", webhook.id)).json(&request(&form));
    match call.if_match(form.given(VERSION)).read::<Webhook>().await {
        Ok(webhook) => Ok(Redirect::to(&told(&webhook.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            Ok(show_edit(&viewer, &webhook, &version, &form, &Problems::of(words::STALE)))
        }
        Err(error) => Ok(show_edit(&viewer, &webhook, form.text(VERSION), &form, &mend(error)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_sends_what_it_shows() {
        let stored = json!({
            "id": "whk_1", "name": "Tickets", "url": "https://x.example/", "events": ["key.created", "key.idle"],
            "enabled": true, "disabled": null, "old_secret_valid_until": null, "created_at": "2026-01-01T00:00:00Z",
        });
        let form = filled(&serde_json::from_value(stored.clone()).expect("a webhook"));
        let sent = request(&form);
        for field in ["name", "url", "events"] {
            assert_eq!(sent[field], stored[field], "{field}");
        }
    }
}
