//! Who looks at a page: a person in a session, with what a page needs to know of them.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use claviger_domain::Timestamp;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::frame;
use http::Method;
use http::request::Parts;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::call::Caller;
use crate::failure::Failure;
use crate::form::{CSRF, FORM_BYTES_MAX, Form};
use crate::parts::list::Asked;
use crate::rights;
use crate::theme::Theme;
use crate::{Console, Doors};

/// A person who has signed in.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// Calls the API as this person. What changes something bears the token that the form brought ([`Posted`]): a page of
    /// another site knows none.
    pub(crate) api: Caller,
    /// What every form bears.
    pub(crate) csrf: String,
    pub(crate) person: Person,
    authorities: Vec<String>,
    pub(crate) organization: Organization,
    /// Where the person may go beside it.
    pub(crate) organizations: Vec<Organization>,
    pub(crate) zone: TimeZone,
    /// The organization's zone, in which days of keys end.
    pub(crate) home_zone: TimeZone,
    /// The longest lifetime that the person's roles let them give.
    pub(crate) max_lifetime_days: Granted,
    /// When the page was asked for.
    pub(crate) now: Timestamp,
    /// Where gateways and services ask.
    pub(crate) doors: Arc<Doors>,
    /// What a form of this page does its work once under.
    pub(crate) once: String,
    pub(crate) theme: Theme,
    /// The address at which the server sees the person.
    pub(crate) ip: Option<IpAddr>,
    /// Whether the page answers a form.
    pub(crate) is_posted: bool,
    /// The path of the page.
    pub(crate) path: String,
    query: String,
}

/// The person.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) language: String,
    pub(crate) time_zone: String,
    pub(crate) roles: Vec<String>,
}

/// An organization in which the person is.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) time_zone: String,
    /// Whom its people ask about their keys.
    pub(crate) admin_contact: Option<String>,
}

/// Days that a new key may live by its maker's roles; `None`: no bound.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Granted {
    /// Keys of one's own.
    pub(crate) own: Option<u32>,
    /// All others.
    pub(crate) others: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Session {
    csrf_token: String,
}

#[derive(Debug, Deserialize)]
struct Me {
    organization: String,
    authorities: Vec<String>,
    user: Person,
    organizations: Vec<Organization>,
    #[serde(default)]
    max_lifetime_days: Granted,
}

/// A form that a person has sent.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) viewer: Viewer,
    pub(crate) form: Form,
}

/// A form that the person may not send.
pub(crate) fn not_yours() -> Failure {
    Failure(Error::forbidden(frame::failed::NOT_YOURS))
}

// === impl Viewer ===

impl Viewer {
    /// Whether the person may do this.
    pub(crate) fn may(&self, authority: &str) -> bool {
        self.authorities.iter().any(|held| held == authority)
    }

    /// Refuses a page that is a form which the person may not send.
    fn require(&self, authority: &str) -> Result<(), Failure> {
        if self.may(authority) { Ok(()) } else { Err(not_yours()) }
    }

    /// All that the person may do.
    pub(crate) fn authorities(&self) -> &[String] {
        &self.authorities
    }

    /// The page's address, without what it said of what was done before.
    pub(crate) fn address(&self) -> String {
        let kept: Vec<_> =
            self.query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("told=")).collect();
        if kept.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, kept.join("&")) }
    }

    /// What the page's address asks for, of what the page knows.
    pub(crate) fn asked(&self, known: &[&str]) -> Asked {
        Asked::read(&self.query, known)
    }

    async fn load(api: Caller, theme: Theme, parts: &Parts, console: &Console) -> Result<Self, Error> {
        let Session { csrf_token } = api.get("/session").read().await?;
        let Me { organization, authorities, user, organizations, max_lifetime_days } = api.get("/me").read().await?;
        let home = organizations.iter().find(|found| found.id == organization).cloned();
        let over = || Error::new(ErrorCode::Unauthenticated, "The session is over: sign in again.");
        let home = home.ok_or_else(over)?;
        let zone = |name: &str| TimeZone::get(name).unwrap_or(TimeZone::UTC);
        Ok(Self {
            ip: api.ip(),
            api,
            csrf: csrf_token,
            zone: zone(&user.time_zone),
            home_zone: zone(&home.time_zone),
            max_lifetime_days,
            now: console.clock.now(),
            doors: Arc::clone(&console.doors),
            once: console.draw_once(),
            person: user,
            authorities,
            organization: home,
            organizations,
            theme,
            is_posted: parts.method == Method::POST,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
        })
    }
}

impl FromRequestParts<Console> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let caller = Caller::new(console.api.clone(), parts);
        let theme = Theme::read(&parts.headers);
        let viewer = Self::load(caller, theme, parts, console).await?;
        // What was typed is not lost where a right goes meanwhile: the API refuses it, and the form says so.
        let route = parts.extensions.get::<MatchedPath>().filter(|_| !viewer.is_posted);
        if let Some(authority) = route.and_then(|route| rights::needed(route.as_str())) {
            viewer.require(authority)?;
        }
        Ok(viewer)
    }
}

impl FromRequest<Console> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let mut viewer = Viewer::from_request_parts(&mut parts, console).await?;
        let body = to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| Error::too_large(FORM_BYTES_MAX))?;
        let form = Form::parse(&body).ok_or_else(|| Error::too_large(FORM_BYTES_MAX))?;
        viewer.api = viewer.api.with_csrf(form.text(CSRF));
        Ok(Self { viewer, form })
    }
}
