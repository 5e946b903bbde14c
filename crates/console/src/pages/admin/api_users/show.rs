//! An API user's page: what it is, how it signs in, its sessions, and what it did and was done to it.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use claviger_texts::console::confirm::{self, Answers};
use claviger_texts::console::{api_users as texts, people, second_factor};
use http::StatusCode;
use maud::{Markup, html};

use super::user::{ApiUser, load};
use super::{history, sessions};
use crate::Console;
use crate::failure::{Failure, Problems};
use crate::pages::admin::applications::application::{Application, kinds_if_seen};
use crate::pages::admin::applications::connect::Connection;
use crate::pages::admin::audit;
use crate::parts::confirm::Question;
use crate::parts::field::refusal;
use crate::parts::frame::Page;
use crate::parts::{badge, time};
use crate::viewer::Viewer;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/api-users/{id}", get(page))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (user, _) = load(&viewer, &id).await?;
    show(&viewer, &user, &Problems::default()).await
}

/// The page, with the reason why something was not done.
pub(super) async fn show(viewer: &Viewer, user: &ApiUser, problems: &Problems) -> Result<Response, Failure> {
    let sessions = if user.has_static_token {
        html! {}
    } else {
        sessions::card(viewer, user).await?
    };
    let events = if user.has_static_token {
        html! {}
    } else {
        history::card(viewer, user).await?
    };
    let history = audit::history(viewer, &user.id).await?;
    let connect = connect(viewer, user).await?;
    let body = html! {
        (refusal(problems))
        section .card { header { h2 { (texts::FACTS) } } section { (facts(viewer, user)) } }
        section .card { header { h2 { (texts::SIGNING_IN) } } section .stack { (signing_in(viewer, user)) } }
        (connect)
        (sessions)
        (events)
        (history)
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    Ok(Page::new(viewer, user.user_name.clone(), body).actions(actions(viewer, user)).status(status))
}

/// How to begin, where one may see of which type the application is.
async fn connect(viewer: &Viewer, user: &ApiUser) -> Result<Markup, Failure> {
    let path = format!("/applications/{}", user.application.id);
    let Some(application) = viewer.api.get(path).read_if_seen::<Application>().await? else { return Ok(html! {}) };
    let kinds = kinds_if_seen(viewer).await?;
    let kind = kinds.iter().find(|kind| kind.slug == application.kind);
    let name = Some(user.user_name.as_str());
    let connection = Connection { application: &application.name, password: None, key: None, user: name };
    Ok(kind.map(|kind| connection.card(viewer, kind)).unwrap_or_default())
}

fn facts(viewer: &Viewer, user: &ApiUser) -> Markup {
    html! {
        dl .facts {
            dt { (texts::STATUS) } dd { (badge::state(user.state())) }
            dt { (texts::SERVER) } dd { a href={ "/admin/applications/" (user.application.id) } { (user.application.name) } }
            dt { (texts::TYPE) } dd { (texts::permission_type(user.permission_type)) }
            @if let Some(contact) = &user.contact {
                dt { (texts::CONTACT) } dd { (badge::code(&contact.id)) " · " (contact.email) }
            }
            dt { (texts::PROFILE) } dd {
                (user.profile_user.shown(viewer))
                @if let Some(external) = &user.profile_user.external { " · " (badge::code(external)) }
                p .hint { (texts::PROFILE_HINT) }
            }
            dt { (people::LANGUAGE) } dd { (user.language) }
            dt { (texts::CREATED) } dd { (time::instant(&user.created_at, &viewer.zone)) " · " (user.created_by.shown()) }
            dt { (people::ID) } dd { code { (user.id) } }
        }
    }
}

/// What it proves itself by, and what can be done about it.
fn signing_in(viewer: &Viewer, user: &ApiUser) -> Markup {
    let ask = Ask { viewer, user };
    html! {
        dl .facts {
            dt { (texts::METHOD) } dd { (user.method()) }
            @if user.has_static_token {
                dt { (texts::TOKEN) } dd { (texts::TOKEN_USE) }
            } @else {
                dt { (texts::PASSWORD) } dd { (if user.has_password { texts::HAS_PASSWORD } else { texts::NO_PASSWORD }) }
                @if user.has_codes() { dt { (texts::SECOND_FACTOR) } dd { (second_step(user)) } }
                dt { (texts::LAST_SIGN_IN) } dd { (user.signed_in(viewer)) }
            }
        }
        div .buttons {
            @if user.has_static_token {
                (ask.plain(texts::NEW_TOKEN, texts::NEW_TOKEN_CONSEQUENCE, confirm::NEW_TOKEN, "token"))
            } @else {
                a .btn data-variant="outline" href={ (user.path()) "/password" } { (texts::SET_PASSWORD) }
                (ask.plain(texts::MAIL_LINK, texts::MAIL_LINK_CONSEQUENCE, confirm::MAIL_LINK, "mail-link"))
                (ask.plain(texts::UNLOCK, texts::UNLOCK_CONSEQUENCE, confirm::UNLOCK_API_USER, "unlock"))
            }
            @if user.second_factor.is_some() {
                (ask.plain(second_factor::NEW_CODES, texts::NEW_CODES_CONSEQUENCE, confirm::NEW_CODES, "recovery-codes"))
                (ask.ending(people::RESET_SECOND_FACTOR, texts::RESET_CONSEQUENCE, confirm::RESET_SECOND_FACTOR, "reset-second-factor"))
            }
        }
    }
}

fn second_step(user: &ApiUser) -> Markup {
    let left = u32::try_from(user.recovery_codes_left).unwrap_or(u32::MAX);
    html! {
        @if user.second_factor.is_some() {
            (badge::state("on")) " · " (second_factor::CODES) ": " (second_factor::codes_left(left))
        } @else { (badge::state("off")) " · " (texts::NOT_SET_UP) }
    }
}

fn actions(viewer: &Viewer, user: &ApiUser) -> Markup {
    let ask = Ask { viewer, user };
    html! {
        (badge::state(user.state()))
        a .btn data-variant="outline" href={ (user.path()) "/edit" } { (texts::EDIT) }
        @if user.active {
            (ask.ending(texts::DEACTIVATE, texts::DEACTIVATE_CONSEQUENCE, confirm::DEACTIVATE, "disable"))
        } @else {
            (ask.plain(texts::ACTIVATE, texts::ACTIVATE_CONSEQUENCE, confirm::ACTIVATE, "enable"))
        }
        (ask.ending(texts::DELETE, texts::DELETE_CONSEQUENCE, confirm::DELETE_API_USER, "delete"))
    }
}

/// Questions before something is done to a user.
struct Ask<'a> {
    viewer: &'a Viewer,
    user: &'a ApiUser,
}

// === impl Ask ===

impl Ask<'_> {
    fn plain(&self, action: &str, consequence: &str, answers: Answers, path: &str) -> Markup {
        self.ask(action, consequence, answers, path, false)
    }

    fn ending(&self, action: &str, consequence: &str, answers: Answers, path: &str) -> Markup {
        self.ask(action, consequence, answers, path, true)
    }

    /// Names the user and its last sign-in.
    fn ask(&self, action: &str, consequence: &str, answers: Answers, path: &str, is_destructive: bool) -> Markup {
        let Self { viewer, user } = self;
        let what = html! {
            p { strong { (user.user_name) } " · " (user.application.name) }
            @if !user.has_static_token { p { (texts::LAST_SIGN_IN) ": " (user.signed_in(viewer)) } }
        };
        let path = format!("{}/{path}", user.path());
        Question { action, what: &what, consequence, answers, path: &path, fields: &html! {}, is_destructive }
            .ask(viewer)
    }
}
