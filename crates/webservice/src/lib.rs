//! The wire of a well-known web service, for its unmodified clients: API users sign in under an application, keep a session, set up
//! one-time codes, change and reset their passwords. A thin door: what is done and who may do it stands in `manage` and `engine`.
//!
//! Where that service is unsafe, the safe thing is done: a token belongs to its application and key, errors are errors, nobody is
//! told whether a user exists, and a password that was changed ends the other sessions.

mod action;
mod answer;
mod body;
mod call;
mod path;
mod second_factor;
mod sessions;
mod users;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use claviger_domain::application::SignIn;
use claviger_engine::{Caller, RequestLine, WantedSession, WebServiceCall, WebServiceRefused};
use claviger_manage::visitor::VisitKind;
use claviger_manage::{Error, ErrorCode, Manage};
use http::Method;

use crate::action::Action;
use crate::answer::{Answered, Failure, Success};
use crate::call::{Call, Headers};
use crate::path::Called;

/// Everything below `/webservice`, in whatever case that is written; other paths are answered with 404.
pub fn router(manage: Arc<Manage>) -> Router {
    Router::new().fallback(handle).with_state(manage)
}

async fn handle(State(manage): State<Arc<Manage>>, request: Request) -> Response {
    let Some(called) = Called::of(request.uri()) else {
        return Error::new(ErrorCode::NotFound, "There is nothing at this path.").into_response();
    };
    let action = called.action().filter(|action| !(action.is_premium() && called.is_standard()));
    let answered = answer_to(&manage, request, &called, action).await;
    answer::of(answered, action)
}

/// Goes through the checks in the order of the specification (§3.5), and does what is asked.
async fn answer_to(manage: &Manage, request: Request, target: &Called, action: Option<Action>) -> Answered {
    if request.method() == Method::OPTIONS {
        return action.map(|_| None).ok_or_else(Failure::no_action);
    }
    let (parts, body) = request.into_parts();
    let headers = Headers::read(&parts.headers)?;
    let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
    let method = headers.method(&parts.method)?;
    let allowed = action.filter(|action| action.methods().contains(&method));
    let request_id = manage.engine.new_request_id();
    let line = RequestLine {
        method: parts.method.as_str(),
        target: parts.uri.path_and_query().map_or("/", |target| target.as_str()),
        host: None,
        method_overrides: &[],
    };
    let question = WebServiceCall {
        container: target.container.as_deref(),
        authorization: headers.authorization.as_deref(),
        key: headers.key.as_deref(),
        session: match allowed.filter(|action| action.needs_session()) {
            Some(_) => WantedSession::Token { token: headers.token.as_deref(), is_use: headers.prolongs },
            None => WantedSession::None,
        },
        caller: Caller { ip, agent: headers.agent.as_deref(), request_id },
        request: line,
    };
    let caller = manage.engine.web_service(&question).map_err(|refused| refusal(manage, refused, ip))?;
    if target.name.is_empty() {
        return Err(Failure::new(http::StatusCode::NOT_FOUND, "No action"));
    }
    let action = action.filter(|_| caller.sign_in == SignIn::Session).ok_or_else(Failure::no_action)?;
    if allowed.is_none() {
        return Err(Failure::new(http::StatusCode::METHOD_NOT_ALLOWED, "Invalid method"));
    }
    if caller.session.is_some_and(|session| session.is_enrolment_only) && !action.is_of_enrolment() {
        manage.engine.note_web_service_refusal(&question, &caller, "one-time codes are not set up yet");
        return Err(Failure::new(http::StatusCode::FORBIDDEN, "Two-factor authentication must be set up first"));
    }
    let fields = match method {
        Method::GET => body::Fields::default(),
        _ => body::read(&parts.headers, body).await?.with_query(parts.uri.query()),
    };
    let call = Call { manage, question: &question, caller, ip, request_id, headers: &headers, fields, method };
    run(&call, action).await.map(Some)
}

/// What a caller is told that did not prove itself. Whoever tries many names and passwords is soon told nothing; tokens are not
/// counted, since all users of a portal come from its address.
fn refusal(manage: &Manage, refused: WebServiceRefused, ip: Option<IpAddr>) -> Failure {
    let counted = if refused.is_of_application() { manage.count_visit(VisitKind::Refusal, ip) } else { Ok(()) };
    counted.map_or_else(Failure::from, |()| Failure::of_refusal(refused))
}

async fn run(call: &Call<'_>, action: Action) -> Result<Success, Failure> {
    let result = match action {
        Action::TwoFactorAuth => return second_factor::run(call).await,
        Action::Login => sessions::sign_in(call).await,
        Action::Logout => sessions::sign_out(call).await,
        Action::AccessActivityHistory => sessions::history(call).await,
        Action::ChangePassword => users::change_password(call).await,
        Action::ResetPassword if call.method == Method::POST => users::ask_for_password(call).await,
        Action::ResetPassword => users::choose_password(call).await,
        Action::Preferences => users::keep_preferences(call).await,
        Action::Install => Ok(call.fields.get("data").cloned().unwrap_or_default()),
        Action::Modules => Ok(serde_json::json!({})),
        Action::Menu => Ok(serde_json::json!({"items": {}})),
    };
    result.map(Success::from)
}
