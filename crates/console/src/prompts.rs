//! What stands around every page: failures become pages, and whoever has to prove who they are does so without losing what
//! they have typed. The prompt is a form at the very address that was asked for; it carries the fields that were sent, and
//! what the person proves it with is taken out again before the page sees them.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use claviger_manage::{Error, ErrorCode};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use serde_json::json;

use crate::Console;
use crate::call::{Answer, Caller, segment};
use crate::failure::{Failure, Problems};
use crate::form::{CSRF, FORM_BYTES_MAX, Form};
use crate::pages::{failed, sign_in, step_up};
use crate::theme::Theme;

/// The prompt's own fields. No form of a page has such names.
pub(crate) const LOGIN: &str = "prompt-login";
pub(crate) const PASSWORD: &str = "prompt-password";

#[derive(Debug, Deserialize)]
struct Renewed {
    csrf_token: String,
}

/// The layer.
pub(crate) async fn layer(State(console): State<Console>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let theme = Theme::read(&parts.headers);
    if parts.method != Method::POST || !is_form(&parts.headers) {
        let seen = Seen { is_get: parts.method == Method::GET, target: target(&parts), form: None, theme };
        return seen.answer(next.run(Request::from_parts(parts, body)).await);
    }
    let Some(mut form) = read(body).await else { return seen_of(&parts, theme).answer(too_large().into_response()) };
    let proof = (form.take(LOGIN), form.take(PASSWORD));
    let mut cookies = Vec::new();
    if let (login, Some(password)) = proof {
        match prove(&console, &parts, &form, login.as_deref(), &password).await {
            Ok(answer) => {
                cookies = answer.cookies();
                if let Ok(Renewed { csrf_token }) = answer.read() {
                    form.set(CSRF, csrf_token);
                }
                adopt(&mut parts.headers, &cookies);
            }
            Err(error) => {
                let seen = Seen { form: Some(form), ..seen_of(&parts, theme) };
                return seen.prompt(login.as_deref(), &error);
            }
        }
    }
    let body = form.to_bytes();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let seen = Seen { form: Some(form), ..seen_of(&parts, theme) };
    let mut response = seen.answer(next.run(Request::from_parts(parts, Body::from(body))).await);
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// What was asked, for whoever has to ask it again.
struct Seen {
    is_get: bool,
    target: String,
    form: Option<Form>,
    theme: Theme,
}

fn seen_of(parts: &Parts, theme: Theme) -> Seen {
    Seen { is_get: parts.method == Method::GET, target: target(parts), form: None, theme }
}

fn target(parts: &Parts) -> String {
    parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned()
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}

async fn read(body: Body) -> Option<Form> {
    Form::parse(&to_bytes(body, FORM_BYTES_MAX).await.ok()?)
}

fn too_large() -> Failure {
    Failure(Error::too_large(FORM_BYTES_MAX))
}

/// Signs in, or steps up in the session that is there.
async fn prove(
    console: &Console,
    parts: &Parts,
    form: &Form,
    login: Option<&str>,
    password: &str,
) -> Result<Answer, Error> {
    let caller = Caller::new(console.api.clone(), parts);
    if let Some(login) = login {
        return caller.post("/sign-in").json(&json!({"login": login, "password": password})).send().await;
    }
    let caller = caller.with_csrf(form.text(CSRF));
    caller.post("/session/step-up").json(&json!({"password": password})).send().await
}

/// Has the request go on with the cookies that were set just now.
fn adopt(headers: &mut HeaderMap, set: &[HeaderValue]) {
    let fresh: Vec<_> = set.iter().filter_map(|value| value.to_str().ok()?.split(';').next()).collect();
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().trim().to_owned();
    let old: Vec<String> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(|pair| pair.trim().to_owned())
        .collect();
    let kept = old.iter().map(String::as_str).filter(|pair| !fresh.iter().any(|new| name(new) == name(pair)));
    let all: Vec<_> = kept.chain(fresh.iter().copied()).collect();
    if let Ok(value) = HeaderValue::try_from(all.join("; ")) {
        headers.insert(COOKIE, value);
    }
}

// === impl Seen ===

impl Seen {
    /// The page, or what stands for it.
    fn answer(&self, mut response: Response) -> Response {
        let Some(Failure(error)) = response.extensions_mut().remove::<Failure>() else { return response };
        match error.code() {
            ErrorCode::Unauthenticated if self.is_get => Redirect::to(&sign_in::address(&self.target)).into_response(),
            ErrorCode::Unauthenticated | ErrorCode::StepUpRequired => self.prompt(None, &error),
            _ => failed::page(&error, self.theme),
        }
    }

    /// Asks for the proof; `error` says what came of the last one.
    fn prompt(&self, login: Option<&str>, error: &Error) -> Response {
        let none = Form::default();
        let kept = self.form.as_ref().unwrap_or(&none);
        let is_step_up = login.is_none() && error.code() != ErrorCode::Unauthenticated;
        let problems = match error.code() {
            ErrorCode::StepUpRequired => Problems::default(),
            ErrorCode::Unauthenticated if login.is_none() => Problems::of(claviger_texts::console::sign_in::OVER),
            _ => Problems::new(error),
        };
        if is_step_up {
            step_up::prompt(&self.target, kept, &problems, self.theme)
        } else {
            sign_in::prompt(&self.target, kept, login.unwrap_or_default(), &problems, self.theme)
        }
    }
}

/// The address of a page with a word about what was done, shown once.
pub(crate) fn told(path: &str, word: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}told={}", segment(word))
}
