//! The words of one mail in a language: changed, looked at, tried and restored.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::{confirm, form as words, mail as texts};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PATH, Summary};
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::pages::admin::audit;
use crate::parts::changed::{Labels, now};
use crate::parts::confirm::Question;
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::parts::icon::Icon;
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// What the button that was pressed asks for.
const STEP: &str = "step";
const PREVIEW: &str = "preview";
const TEST: &str = "test";
const LABELS: Labels<'_> = &[("subject", texts::SUBJECT), ("text", texts::TEXT), ("html", texts::HTML)];

/// A mail as it is stored.
#[derive(Debug, Deserialize)]
struct Mail {
    #[serde(flatten)]
    summary: Summary,
    text: String,
    html: String,
    placeholders: Vec<Placeholder>,
}

#[derive(Debug, Deserialize)]
struct Placeholder {
    name: String,
}

/// A mail as it would be read.
#[derive(Debug, Deserialize)]
struct Previewed {
    subject: String,
    text: String,
    html: String,
}

#[derive(Debug, Deserialize)]
struct Tested {
    recipient: String,
}

/// A mail, its version, and its words in a form.
struct Stored {
    mail: Mail,
    version: String,
    form: Form,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/admin/mail/{template}/{language}", get(page).post(save))
        .route("/admin/mail/{template}/{language}/restore", post(restore))
}

fn api_path((template, language): &(String, String)) -> String {
    format!("/mail/templates/{}/{}", segment(template), segment(language))
}

async fn load(viewer: &Viewer, which: &(String, String)) -> Result<Stored, Failure> {
    let answer = viewer.api.get(api_path(which)).send().await?;
    let mail: Mail = answer.read()?;
    let mut form = Form::default();
    form.set("subject", mail.summary.subject.clone());
    form.set("text", mail.text.clone());
    form.set("html", mail.html.clone());
    Ok(Stored { mail, version: answer.version().unwrap_or_default().to_owned(), form })
}

async fn page(viewer: Viewer, Path(which): Path<(String, String)>) -> Result<Response, Failure> {
    let stored = load(&viewer, &which).await?;
    show(&viewer, &stored.mail, &stored.version, &stored.form, &Problems::default(), &html! {}).await
}

/// Saves what is typed, shows it or mails it: it stays typed whatever comes of it.
async fn save(Path(which): Path<(String, String)>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let stored = load(&viewer, &which).await?;
    let body = json!({"subject": form.text("subject"), "text": form.text("text"), "html": form.text("html")});
    let done = match form.text(STEP) {
        PREVIEW => previewed(&viewer, &which, &stored.mail, &body).await,
        TEST => tested(&viewer, &which, &body).await,
        _ => {
            let call = viewer.api.put(api_path(&which)).json(&body).if_match(form.given(VERSION));
            match call.send().await {
                Ok(_) => return Ok(Redirect::to(&told(&stored.mail.summary.path(), "saved")).into_response()),
                Err(error) => Err(error),
            }
        }
    };
    let version = form.text(VERSION);
    match done {
        Ok(above) => show(&viewer, &stored.mail, version, &form, &Problems::default(), &above).await,
        Err(error) if error.code() == ErrorCode::Stale => {
            let (problems, now) = (Problems::of(words::STALE), now(LABELS, &stored.form, &form));
            show(&viewer, &stored.mail, &stored.version, &form, &problems, &now).await
        }
        Err(error) => show(&viewer, &stored.mail, version, &form, &mend(error)?, &html! {}).await,
    }
}

async fn restore(Path(which): Path<(String, String)>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    viewer.api.delete(api_path(&which)).if_match(form.given(VERSION)).send().await?;
    let page = format!("{PATH}/{}/{}", segment(&which.0), segment(&which.1));
    Ok(Redirect::to(&told(&page, "words-restored")).into_response())
}

/// The mail as it would be read. Its document stands in a frame that runs nothing and comes from nowhere.
async fn previewed(viewer: &Viewer, which: &(String, String), mail: &Mail, body: &Value) -> Result<Markup, Error> {
    let path = format!("{}/preview", api_path(which));
    let shown: Previewed = viewer.api.post(path).json(body).read().await?;
    let language = &mail.summary.language;
    Ok(html! {
        section #preview .card aria-labelledby="preview-title" {
            header { h2 #preview-title { (texts::PREVIEWED) } }
            section .stack {
                p .muted { (texts::PREVIEWED_HINT) }
                dl .facts { dt { (texts::SUBJECT) } dd lang=(language) { (shown.subject) } }
                h3 { (texts::HTML) }
                iframe .mail sandbox="" title=(texts::PREVIEWED) lang=(language) srcdoc=(shown.html) {}
                h3 { (texts::TEXT) }
                pre .mail lang=(language) tabindex="0" { (shown.text) }
            }
        }
    })
}

async fn tested(viewer: &Viewer, which: &(String, String), body: &Value) -> Result<Markup, Error> {
    let path = format!("{}/test", api_path(which));
    let sent: Tested = viewer.api.post(path).json(body).read().await?;
    Ok(html! { div .alert .told role="status" { (Icon::Done.draw()) p { (texts::sent_to(&sent.recipient)) } } })
}

async fn show(
    viewer: &Viewer,
    mail: &Mail,
    version: &str,
    form: &Form,
    problems: &Problems,
    above: &Markup,
) -> Result<Response, Failure> {
    let object = format!("{}/{}", mail.summary.template, mail.summary.language);
    let history = audit::history_of(viewer, &object, "mail_template.*").await?;
    let body = html! {
        (summary(problems))
        (above)
        @if is_editor(viewer) { (editor(viewer, mail, version, form, problems)) } @else {
            div .form { fieldset disabled { (fields(form, problems)) } }
        }
        (placeholders(mail))
        (history)
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let title = texts::title(&mail.summary.template, &mail.summary.language_name);
    Ok(Page::new(viewer, title, body).actions(actions(viewer, mail, version)).status(status))
}

fn is_editor(viewer: &Viewer) -> bool {
    viewer.may("applications.manage")
}

fn editor(viewer: &Viewer, mail: &Mail, version: &str, form: &Form, problems: &Problems) -> Markup {
    html! {
        form .form method="post" action=(mail.summary.path()) {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            fieldset { (fields(form, problems)) }
            p .hint { (texts::TEST_HINT) }
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                button .btn data-variant="outline" type="submit" name=(STEP) value=(PREVIEW) { (texts::PREVIEW) }
                button .btn data-variant="outline" type="submit" name=(STEP) value=(TEST) { (texts::TEST) }
                a .btn data-variant="ghost" href=(PATH) { (words::CANCEL) }
            }
        }
    }
}

fn fields(form: &Form, problems: &Problems) -> Markup {
    let field = |name, label, hint| Field::new(name, label, problems).required().hint(hint);
    html! {
        (field("subject", texts::SUBJECT, texts::SUBJECT_HINT).text(form.text("subject")))
        (field("text", texts::TEXT, texts::TEXT_HINT).area(form.text("text"), 12))
        (field("html", texts::HTML, texts::HTML_HINT).area(form.text("html"), 18))
    }
}

fn placeholders(mail: &Mail) -> Markup {
    html! {
        section .card {
            header { h2 { (texts::PLACEHOLDERS) } }
            section {
                dl .facts {
                    @for placeholder in &mail.placeholders {
                        dt { code { "{" (placeholder.name) "}" } } dd { (texts::placeholder(&placeholder.name)) }
                    }
                }
            }
        }
    }
}

fn actions(viewer: &Viewer, mail: &Mail, version: &str) -> Markup {
    let title = texts::title(&mail.summary.template, &mail.summary.language_name);
    let question = Question {
        action: texts::RESTORE,
        what: &html! { p { strong { (title) } } },
        consequence: texts::RESTORE_CONSEQUENCE,
        answers: confirm::RESTORE_MAIL,
        path: &format!("{}/restore", mail.summary.path()),
        fields: &html! { input type="hidden" name=(VERSION) value=(version); },
        is_destructive: true,
    };
    html! { @if is_editor(viewer) && !mail.summary.is_default { (question.ask(viewer)) } }
}
