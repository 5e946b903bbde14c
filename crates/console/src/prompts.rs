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
use crate::pages::{code, failed, sign_in, step_up};
use crate::theme::Theme;

/// The prompt's own fields. No form of a page has such names.
pub(crate) const LOGIN: &str = "prompt-login";
pub(crate) const PASSWORD: &str = "prompt-password";
/// A code of the second factor.
pub(crate) const CODE: &str = "prompt-code";
/// What a sign-in that waits for a code is known by.
pub(crate) const CHALLENGE: &str = "prompt-challenge";
/// The button that begins a sign-in anew.
pub(crate) const AGAIN: &str = "prompt-again";

/// A session is there, or was renewed.
#[derive(Debug, Deserialize)]
struct Renewed {
    csrf_token: String,
}

/// The password was right, and a code is to follow.
#[derive(Deserialize)]
struct CodeNeeded {
    challenge: String,
}

/// What a person proves with who they are.
enum Proof {
    /// Begins a session.
    Password { login: String, password: String },
    /// Ends a sign-in that waits.
    Code { challenge: String, code: String },
    /// Goes on in the session that is there, by one of both.
    StepUp { password: String, code: Option<String> },
    /// Nothing yet: begins anew.
    Again,
}

/// Whether there is a second factor.
#[derive(Deserialize)]
struct SecondFactor {
    second_factor: Option<String>,
}

/// What was sent by another kind of form, put beside a failure by whoever read it.
#[derive(Debug, Clone)]
pub(crate) struct Kept(pub(crate) Form);

/// The layer.
pub(crate) async fn layer(State(console): State<Console>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut seen = Seen::of(&console, &parts);
    if parts.method != Method::POST || !is_form(&parts.headers) {
        let mut response = next.run(Request::from_parts(parts, body)).await;
        if let Some(Kept(form)) = response.extensions_mut().remove() {
            seen.form = form;
        }
        return seen.answer(response).await;
    }
    let Some(mut form) = read(body).await else { return seen.answer(too_large().into_response()).await };
    let mut cookies = Vec::new();
    if let Some(proof) = Proof::take(&mut form) {
        match proof.prove(&seen.caller, &form).await {
            Ok(answer) => {
                if let Ok(CodeNeeded { challenge }) = answer.read() {
                    return code::prompt(&seen.target, &form, &challenge, &Problems::default(), seen.theme);
                }
                cookies = answer.cookies();
                if let Ok(Renewed { csrf_token }) = answer.read() {
                    form.set(CSRF, csrf_token);
                }
                adopt(&mut parts.headers, &cookies);
                seen.caller = Caller::new(console.api.clone(), &parts);
            }
            Err(error) => {
                seen.form = form;
                return seen.once_more(&proof, &error).await;
            }
        }
    }
    let body = form.to_bytes();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    seen.form = form;
    let mut response = seen.answer(next.run(Request::from_parts(parts, Body::from(body))).await).await;
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// What was asked, for whoever has to ask it again.
struct Seen {
    caller: Caller,
    is_get: bool,
    target: String,
    form: Form,
    theme: Theme,
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

// === impl Proof ===

impl Proof {
    /// Takes it out of what was sent.
    fn take(form: &mut Form) -> Option<Self> {
        let again = form.take(AGAIN);
        let (login, password) = (form.take(LOGIN), form.take(PASSWORD));
        let (challenge, code) = (form.take(CHALLENGE), form.take(CODE));
        if again.is_some() {
            return Some(Self::Again);
        }
        if let Some(challenge) = challenge {
            return Some(Self::Code { challenge, code: code.unwrap_or_default() });
        }
        if let Some(login) = login {
            return Some(Self::Password { login, password: password.unwrap_or_default() });
        }
        let code = code.filter(|code| !code.trim().is_empty());
        if password.is_none() && code.is_none() {
            return None;
        }
        Some(Self::StepUp { password: password.unwrap_or_default(), code })
    }

    async fn prove(&self, caller: &Caller, form: &Form) -> Result<Answer, Error> {
        let (caller, path, body) = match self {
            Self::Password { login, password } => {
                (caller.clone(), "/sign-in", json!({"login": login, "password": password}))
            }
            Self::Code { challenge, code } => {
                (caller.clone(), "/sign-in/code", json!({"challenge": challenge, "code": code.trim()}))
            }
            Self::StepUp { password, code } => {
                let body = match code {
                    Some(code) => json!({"code": code.trim()}),
                    None => json!({"password": password}),
                };
                (caller.clone().with_csrf(form.text(CSRF)), "/session/step-up", body)
            }
            Self::Again => return Err(Error::unauthenticated("")),
        };
        caller.post(path).json(&body).send().await
    }
}

// === impl Seen ===

impl Seen {
    fn of(console: &Console, parts: &Parts) -> Self {
        Self {
            caller: Caller::new(console.api.clone(), parts),
            is_get: parts.method == Method::GET,
            target: parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            form: Form::default(),
            theme: Theme::read(&parts.headers),
        }
    }

    /// The page, or what stands for it.
    async fn answer(&self, mut response: Response) -> Response {
        let Some(Failure(error)) = response.extensions_mut().remove::<Failure>() else { return response };
        match error.code() {
            ErrorCode::Unauthenticated if self.is_get => Redirect::to(&sign_in::address(&self.target)).into_response(),
            ErrorCode::Unauthenticated => self.over(),
            ErrorCode::StepUpRequired => self.step_up(&Problems::default()).await,
            _ => failed::page(&error, !self.is_get, self.theme),
        }
    }

    /// Asks again for a proof that failed, and says why.
    async fn once_more(&self, proof: &Proof, error: &Error) -> Response {
        let problems = Problems::new(error).also("code", CODE).also("password", PASSWORD);
        match proof {
            Proof::Password { login, .. } => self.sign_in(login, &problems),
            Proof::Code { challenge, .. } => code::prompt(&self.target, &self.form, challenge, &problems, self.theme),
            Proof::StepUp { .. } if error.code() == ErrorCode::Unauthenticated => self.over(),
            Proof::StepUp { .. } => self.step_up(&problems).await,
            Proof::Again => self.sign_in("", &Problems::default()),
        }
    }

    fn sign_in(&self, login: &str, problems: &Problems) -> Response {
        sign_in::prompt(&self.target, &self.form, login, problems, self.theme)
    }

    fn over(&self) -> Response {
        self.sign_in("", &Problems::of(claviger_texts::console::sign_in::OVER))
    }

    /// Asks for the password, or for a code where the person has a second factor.
    async fn step_up(&self, problems: &Problems) -> Response {
        let held = self.caller.get("/me/2fa").read::<SecondFactor>().await;
        let by_code = held.is_ok_and(|held| held.second_factor.is_some());
        step_up::prompt(&self.target, &self.form, by_code, problems, self.theme)
    }
}

/// The address of a page with a word about what was done, shown once.
pub(crate) fn told(path: &str, word: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}told={}", segment(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> (Option<Proof>, Form) {
        let mut form = Form::parse(text.as_bytes()).expect("few fields");
        (Proof::take(&mut form), form)
    }

    #[test]
    fn what_one_proves_it_with_is_taken_out_of_what_the_page_sees() {
        let (proof, form) = taken("name=a&prompt-challenge=c&prompt-code=123456");
        assert!(matches!(proof, Some(Proof::Code { challenge, code }) if challenge == "c" && code == "123456"));
        assert_eq!(form.fields().collect::<Vec<_>>(), [("name", "a")]);
        let (proof, _) = taken("prompt-login=ann&prompt-password=p");
        assert!(matches!(proof, Some(Proof::Password { .. })));
        let (proof, form) = taken("prompt-again=yes&prompt-challenge=c&prompt-code=&name=a");
        assert!(matches!(proof, Some(Proof::Again)));
        assert_eq!(form.text("name"), "a");
        assert!(taken("name=a&code=123456").0.is_none(), "a page's own fields are its own");
    }

    #[test]
    fn a_step_up_goes_by_the_code_where_there_is_one() {
        let code_of = |text: &str| match taken(text).0 {
            Some(Proof::StepUp { password, code }) => (password, code),
            _ => panic!("a step-up"),
        };
        assert_eq!(code_of("prompt-password=p&prompt-code=++"), ("p".to_owned(), None));
        assert_eq!(code_of("prompt-password=&prompt-code=123456"), (String::new(), Some("123456".to_owned())));
    }
}
