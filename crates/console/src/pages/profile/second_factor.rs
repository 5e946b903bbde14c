//! One's second factor: setting it up with an app, its recovery codes, and turning it off.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use claviger_manage::ErrorCode;
use claviger_texts::console::confirm::{self, Answers};
use claviger_texts::console::{form as words, keys, people, second_factor as texts};
use http::StatusCode;
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use serde_json::json;

use super::keys::tabs;
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::parts::confirm::Question;
use crate::parts::field::{Field, summary_called};
use crate::parts::frame::{Page, csrf};
use crate::parts::{badge, copy, time};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

const HOME: &str = "/profile/security";
const BEGIN: &str = "/profile/security/two-factor";
const CONFIRM: &str = "/profile/security/two-factor/confirm";
const CODES: &str = "/profile/security/two-factor/recovery-codes";
const OFF: &str = "/profile/security/two-factor/off";
/// The name of the file of recovery codes.
const FILE: &str = "claviger-recovery-codes.txt";

#[derive(Deserialize)]
struct Held {
    second_factor: Option<String>,
    since: Option<String>,
    recovery_codes_left: u32,
    recovery_codes_made_at: Option<String>,
}

/// A secret for an app, shown this once.
#[derive(Deserialize)]
struct New {
    secret: String,
    qr_svg: String,
    expires_at: String,
}

#[derive(Deserialize)]
struct Codes {
    recovery_codes: Vec<String>,
}

pub(super) fn router() -> Router<Console> {
    // Who comes back to a page that showed something once begins where everybody does.
    let home = || async { Redirect::to(HOME) };
    Router::new()
        .route(BEGIN, get(home).post(begin))
        .route(CONFIRM, get(home).post(confirm))
        .route(CODES, get(home).post(make_codes))
        .route(OFF, post(turn_off))
}

/// The part of the security page.
pub(super) async fn card(viewer: &Viewer) -> Result<Markup, Failure> {
    let held: Held = viewer.api.get("/me/2fa").read().await?;
    Ok(html! {
        section .card {
            header { h2 { (texts::TITLE) } p { (texts::HINT) } }
            section .stack {
                @if held.second_factor.is_some() { (on(viewer, &held)) } @else {
                    p { (badge::state("off")) }
                    form method="post" action=(BEGIN) { (csrf(viewer)) button .btn type="submit" { (texts::SET_UP) } }
                }
            }
        }
    })
}

fn on(viewer: &Viewer, held: &Held) -> Markup {
    html! {
        dl .facts {
            dt { (people::STATUS) }
            dd { (badge::state("on")) @if let Some(since) = &held.since { " · " (time::instant(since, &viewer.zone)) } }
            dt { (texts::CODES) }
            dd {
                (texts::codes_left(held.recovery_codes_left))
                @if let Some(at) = &held.recovery_codes_made_at { " · " (time::instant(at, &viewer.zone)) }
            }
        }
        div .buttons {
            (ask(viewer, texts::NEW_CODES, texts::NEW_CODES_CONSEQUENCE, confirm::NEW_CODES, CODES))
            (ask(viewer, texts::ANOTHER_APP, texts::ANOTHER_APP_CONSEQUENCE, confirm::ANOTHER_APP, BEGIN))
            (ask(viewer, texts::TURN_OFF, texts::TURN_OFF_CONSEQUENCE, confirm::TURN_OFF, OFF))
        }
    }
}

fn ask(viewer: &Viewer, action: &str, consequence: &str, answers: Answers, path: &str) -> Markup {
    let what = html! { p { strong { (viewer.person.email) } } };
    Question { action, what: &what, consequence, answers, path, fields: &html! {}, is_destructive: path == OFF }
        .ask(viewer)
}

/// Shows the secret, as a picture and as text.
async fn begin(Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let new: New = viewer.api.post("/me/2fa").read().await?;
    let body = html! {
        (tabs(&viewer))
        section .card .enrol {
            header { h2 { (texts::SCAN) } p { (texts::SCAN_HINT) } }
            section .stack {
                div .qr role="img" aria-label=(texts::QR) { (PreEscaped(picture(&new.qr_svg))) }
                (copy::aside("secret", texts::SECRET, &new.secret))
                p .hint { (texts::UNTIL) " " (time::instant(&new.expires_at, &viewer.zone)) }
                (code_form(&viewer, &Problems::default()))
            }
        }
    };
    Ok(Page::new(&viewer, texts::SET_UP_TITLE, body).ok())
}

/// The image alone, as it stands within a page.
fn picture(svg: &str) -> &str {
    svg.find("<svg").map_or("", |at| &svg[at..])
}

fn code_form(viewer: &Viewer, problems: &Problems) -> Markup {
    html! {
        form .form method="post" action=(CONFIRM) {
            (csrf(viewer))
            (Field::new("code", texts::CODE, problems).required().hint(texts::CODE_HINT).input("text", "", "one-time-code"))
            div .buttons {
                button .btn type="submit" { (texts::CONFIRM) }
                a .btn data-variant="outline" href=(HOME) { (words::CANCEL) }
            }
        }
    }
}

async fn confirm(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    match viewer.api.post("/me/2fa/confirm").json(&json!({"code": form.text("code").trim()})).read::<Codes>().await {
        Ok(codes) => Ok(codes_page(&viewer, &codes, texts::ON_TITLE, texts::ON_HINT)),
        Err(error) => {
            let nothing_waits = error.code() == ErrorCode::Conflict;
            Ok(once_more(&viewer, &mend(error)?, nothing_waits))
        }
    }
}

/// The code did not fit: the secret is not shown again, the app has it or has not.
fn once_more(viewer: &Viewer, problems: &Problems, nothing_waits: bool) -> Response {
    let body = html! {
        (tabs(viewer))
        section .card {
            section .stack {
                (summary_called(texts::NOT_CONFIRMED, problems))
                @if !nothing_waits { (code_form(viewer, problems)) }
                div {
                    p .hint { (texts::ANEW_HINT) }
                    form method="post" action=(BEGIN) { (csrf(viewer)) button .btn data-variant="outline" type="submit" { (texts::ANEW) } }
                }
            }
        }
    };
    Page::new(viewer, texts::SET_UP_TITLE, body).status(StatusCode::BAD_REQUEST)
}

async fn make_codes(Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    let codes: Codes = viewer.api.post("/me/2fa/recovery-codes").read().await?;
    Ok(codes_page(&viewer, &codes, texts::NEW_CODES, texts::NEW_CODES_HINT))
}

/// Recovery codes, this once.
fn codes_page(viewer: &Viewer, codes: &Codes, title: &str, hint: &str) -> Response {
    let body = html! {
        shown-once .shown-once data-leave=(texts::LEAVE) {
            div .card {
                header { h2 { (texts::CODES) } p { (hint) } }
                section .form {
                    (copy::lines("codes", texts::CODES, &codes.recovery_codes))
                    div .buttons {
                        button .btn data-variant="outline" type="button" data-download=(FILE) hidden { (keys::DOWNLOAD) }
                        a .btn data-variant="outline" href=(HOME) data-leaves { (keys::CLOSE) }
                    }
                }
            }
        }
    };
    Page::new(viewer, title, body).ok()
}

async fn turn_off(Posted { viewer, .. }: Posted) -> Result<Response, Failure> {
    viewer.api.delete("/me/2fa").send().await?;
    Ok(Redirect::to(&told(HOME, "second-factor-off")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_stands_in_the_page_without_its_prologue() {
        assert_eq!(picture("<?xml version=\"1.0\"?><svg></svg>"), "<svg></svg>");
        assert_eq!(picture("odd"), "");
    }
}
