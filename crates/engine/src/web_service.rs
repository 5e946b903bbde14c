//! The web service's callers: an application by its name, password and key, and one of its users by the token of a session. Unlike
//! at a door each part is refused by itself, in the order in which clients of that service expect it (the specification's row W-04).

use claviger_domain::application::SignIn;
use claviger_domain::digest::{CredentialKind, Pepper};
use claviger_domain::key::Owner;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_domain::{ApiSessionId, ApiUserId, ApplicationId, KeyId, OrganizationId, Timestamp};

use crate::Engine;
use crate::bearer::Bearer;
use crate::catalog::Catalog;
use crate::composite::{SentName, UserRefused, check_login, check_user, find_token, login_of};
use crate::decide::{check_ip, check_state};
use crate::held_key::HeldKey;
use crate::owner::HeldApplication;
use crate::presented::Presented;
use crate::question::{Caller, RequestLine};
use crate::reading::{Reading, with_basic};
use crate::record::Record;
use crate::selection::{Audience, Known, Selection, select};
use crate::sign_ins::{HeldSession, SignedIn};
use crate::tenant::Tenant;
use crate::uses_elsewhere::HeldUsesElsewhere;

/// A call of the web service.
#[derive(Debug, Clone, Copy)]
pub struct WebServiceCall<'a> {
    /// The container that the path names; `None`: an old path that names none.
    pub container: Option<&'a str>,
    /// The value of `Authorization`.
    pub authorization: Option<&'a [u8]>,
    /// The value of `X-Api-Key`.
    pub key: Option<&'a [u8]>,
    /// What is asked of the token.
    pub session: WantedSession<'a>,
    /// Who calls.
    pub caller: Caller<'a>,
    /// What is called, for the log.
    pub request: RequestLine<'a>,
}

/// What a call asks of the token of a session.
#[derive(Debug, Clone, Copy)]
pub enum WantedSession<'a> {
    /// Nothing: the application alone calls.
    None,
    /// That it stands.
    Token {
        /// The value of `X-Token`.
        token: Option<&'a [u8]>,
        /// Whether the call prolongs the session.
        is_use: bool,
    },
}

/// Who calls the web service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebServiceCaller {
    /// The tenant.
    pub organization: OrganizationId,
    /// IANA name of the zone that the tenant lives in.
    pub time_zone: Box<str>,
    /// The application.
    pub application: ApplicationId,
    /// Its key.
    pub key: KeyId,
    /// How calls of the application prove themselves.
    pub sign_in: SignIn,
    /// The session, where one is wanted.
    pub session: Option<CallingSession>,
}

/// The session of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallingSession {
    /// Its id.
    pub id: ApiSessionId,
    /// Whose it is.
    pub user: ApiUserId,
    /// Whether it is for setting up one-time codes alone.
    pub is_enrolment_only: bool,
}

/// Why a call is refused, the first reason in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebServiceRefused {
    /// No name and password.
    NoLogin,
    /// No active application of the container has this name and password.
    WrongLogin,
    /// No key of the application, or one that is out of service.
    WrongKey,
    /// The address is not in a list.
    WrongAddress,
    /// No token.
    NoToken,
    /// The token of nobody, of another application or key, or of a user who is out of service.
    WrongToken,
    /// The session is over.
    SessionOver,
}

type Refused = (WebServiceRefused, Code, &'static str);

/// The application of a key.
struct Found<'t> {
    home: &'t Tenant,
    id: ApplicationId,
    application: &'t HeldApplication,
    sign_in: SignIn,
}

/// What a call is judged by.
struct Judge<'c> {
    call: &'c WebServiceCall<'c>,
    presented: Presented<'c>,
    catalog: &'c Catalog,
    pepper: &'c Pepper,
    uses_elsewhere: &'c HeldUsesElsewhere,
    now: Timestamp,
}

// === impl Engine (the web service's callers) ===

impl Engine {
    /// Who calls the web service. Counts as a use of the key, and of the session unless the call says otherwise.
    pub fn web_service(&self, call: &WebServiceCall<'_>) -> Result<WebServiceCaller, WebServiceRefused> {
        let now = self.clock.now();
        let (key, presented) = (call.presented_key(), call.presented());
        let reading = Reading::of(&key, &self.pepper);
        let (catalog, (selection, token)) = self.replica.look_up(|catalog, keys| {
            let token = || find_token(&presented, SignIn::Session, &self.surroundings(catalog, keys, now));
            let token = matches!(call.session, WantedSession::Token { .. }).then(token);
            (select((&reading, &key, &self.pepper), keys, Audience::All, now), token)
        });
        let uses_elsewhere = &self.uses_elsewhere;
        let judge = Judge { call, presented, catalog: &catalog, pepper: &self.pepper, uses_elsewhere, now };
        let mut record = Record { request: Some(call.request), ..Record::new(Door::WebService, now, &call.caller) };
        let judged = match &selection {
            Selection::Key { key, secret, .. } => {
                record.set_key(key, secret);
                judge.key(key, token.as_ref())
            }
            Selection::None { code, check, known } => {
                record.known = *known;
                let login = judge.find_login();
                record.organization = login.ok().or(known.map(|known| known.organization));
                Err(login.err().unwrap_or((WebServiceRefused::WrongKey, *code, check)))
            }
        };
        match judged {
            Ok((caller, session)) => {
                record.session = session.filter(|_| call.is_use());
                self.record(&record, Code::Valid, "");
                Ok(caller)
            }
            Err((refused, code, check)) => {
                self.record(&record, code, check);
                Err(refused)
            }
        }
    }

    /// Writes into the diagnostic log why a call was refused whose application had proved itself.
    pub fn note_web_service_refusal(&self, call: &WebServiceCall<'_>, caller: &WebServiceCaller, check: &'static str) {
        let known = Known { key: caller.key, organization: caller.organization };
        let record = Record {
            request: Some(call.request),
            organization: Some(caller.organization),
            known: Some(known),
            ..Record::new(Door::WebService, self.clock.now(), &call.caller)
        };
        self.record_refusal(&record, Code::NotFound, check, false);
    }
}

// === impl WebServiceRefused ===

impl WebServiceRefused {
    /// Whether the application did not prove itself, whatever became of the session.
    pub fn is_of_application(self) -> bool {
        match self {
            Self::NoLogin | Self::WrongLogin | Self::WrongKey | Self::WrongAddress => true,
            Self::NoToken | Self::WrongToken | Self::SessionOver => false,
        }
    }
}

// === impl WebServiceCall ===

impl<'a> WebServiceCall<'a> {
    /// The key alone: name and password are no credential here.
    fn presented_key(&self) -> Presented<'a> {
        self.key.map_or_else(Presented::new, |key| Presented::new().with_x_api_key(key))
    }

    fn presented(&self) -> Presented<'a> {
        let presented = self.presented_key();
        let presented = self.authorization.map_or(presented, |value| presented.with_authorization(value));
        match self.session {
            WantedSession::Token { token: Some(token), .. } => presented.with_x_token(token),
            WantedSession::Token { token: None, .. } | WantedSession::None => presented,
        }
    }

    fn is_use(&self) -> bool {
        matches!(self.session, WantedSession::Token { is_use: true, .. })
    }

    /// Whether a type of applications is the container that the path names: its slug without hyphens, whatever the case.
    fn names(&self, slug: &str) -> bool {
        let Some(container) = self.container else { return true };
        let letters = slug.bytes().filter(|byte| *byte != b'-').map(|byte| byte.to_ascii_lowercase());
        letters.eq(container.bytes().map(|byte| byte.to_ascii_lowercase()))
    }
}

// === impl Judge ===

impl<'c> Judge<'c> {
    /// Judges a call whose key there is.
    fn key<'f>(
        &self,
        key: &HeldKey,
        token: Option<&'f Result<SignedIn, &'static str>>,
    ) -> Result<(WebServiceCaller, Option<&'f HeldSession>), Refused> {
        let found = self.application_of(key);
        let Some(found) = found.as_ref().ok().filter(|found| self.check_login(found).is_ok()) else {
            let check = found.and_then(|found| self.check_login(&found)).err().unwrap_or_default();
            return Err(match self.find_login() {
                Ok(_) => (WebServiceRefused::WrongKey, Code::NotFound, "key of another application"),
                Err((refused, code, _)) => (refused, code, check),
            });
        };
        if !found.application.is_active() {
            return Err((WebServiceRefused::WrongLogin, Code::OwnerDisabled, "application inactive"));
        }
        let wrong_key = |(code, check)| (WebServiceRefused::WrongKey, code, check);
        check_state(found.home.rules(), key, self.uses_elsewhere, self.now).map_err(wrong_key)?;
        let bearer = Bearer::new(self.catalog, key.profile.organization, &key.profile, None);
        let bearer = bearer.ok_or(wrong_key((Code::NotFound, "unknown organization")))?;
        check_ip(&bearer, self.call.caller.ip, self.now)
            .map_err(|(code, check)| (WebServiceRefused::WrongAddress, code, check))?;
        let session = match token {
            Some(token) => Some(self.session(token, key, found)?),
            None => None,
        };
        let caller = WebServiceCaller {
            organization: key.profile.organization,
            time_zone: found.home.organization().map_or("UTC", |home| &home.time_zone).into(),
            application: found.id,
            key: key.id,
            sign_in: found.sign_in,
            session: session.map(CallingSession::of),
        };
        Ok((caller, session))
    }

    /// The application of a key, if it is one of the container.
    fn application_of(&self, key: &HeldKey) -> Result<Found<'c>, &'static str> {
        const OTHER: &str = "no application of this container";
        let Owner::Application(id) = key.profile.owner else { return Err(OTHER) };
        let home = self.catalog.tenant(key.profile.organization).ok_or(OTHER)?;
        let application = home.application(id).ok_or(OTHER)?;
        let kind = home.type_of(application.kind).filter(|kind| self.call.names(&kind.slug)).ok_or(OTHER)?;
        Ok(Found { home, id, application, sign_in: kind.sign_in })
    }

    /// Name and password, where the application has some.
    fn check_login(&self, found: &Found<'_>) -> Result<(), &'static str> {
        if !found.sign_in.has_password() {
            return Ok(());
        }
        let login = login_of(&self.presented, found.application, self.pepper);
        check_login(login.as_ref(), found.application, self.now)
    }

    /// Whose application has the name and the password that were presented, whatever the key: clients of this service are told
    /// which of the two is wrong. The password is digested once, however many applications there are.
    fn find_login(&self) -> Result<OrganizationId, Refused> {
        let find = |name: &[u8], password: &[u8]| {
            let (name, password) =
                (SentName::new(name), self.pepper.digest(CredentialKind::ApplicationPassword, password));
            let is_right = |application: &HeldApplication| {
                let kept = application.password;
                name.is_of(application) && kept.is_some_and(|kept| kept.is(&password, self.now))
            };
            let is_here = |tenant: &Tenant| self.applications_of(tenant).any(is_right);
            self.catalog.tenants().find(|(_, tenant)| is_here(tenant)).map(|(organization, _)| organization)
        };
        let found = self.call.authorization.and_then(|value| with_basic(value.trim_ascii(), find));
        let found = found.ok_or((WebServiceRefused::NoLogin, Code::Missing, "no application name and password"))?;
        found.ok_or((WebServiceRefused::WrongLogin, Code::NotFound, "unknown application name or password"))
    }

    /// A tenant's active applications of the container.
    fn applications_of<'t>(&self, tenant: &'t Tenant) -> impl Iterator<Item = &'t HeldApplication> {
        let is_of_container = |application: &HeldApplication| {
            tenant.type_of(application.kind).is_some_and(|kind| self.call.names(&kind.slug))
        };
        tenant.applications().filter(move |application| application.is_active() && is_of_container(application))
    }

    /// Whether the session of a token counts for this key.
    fn session<'f>(
        &self,
        token: &'f Result<SignedIn, &'static str>,
        key: &HeldKey,
        found: &Found<'_>,
    ) -> Result<&'f HeldSession, Refused> {
        let wrong = |check: &'static str| (WebServiceRefused::WrongToken, Code::NotFound, check);
        let signed_in = match token {
            Ok(signed_in) => signed_in,
            Err("no session") => return Err((WebServiceRefused::NoToken, Code::NotFound, "no session")),
            Err(check) => return Err(wrong(check)),
        };
        let session = signed_in.session.as_deref().ok_or(wrong("unknown or ended session"))?;
        check_user(signed_in, key, found.home, self.uses_elsewhere, self.now).map_err(|refused| match refused {
            UserRefused::Wrong(check) => wrong(check),
            UserRefused::Over(check) => (WebServiceRefused::SessionOver, Code::NotFound, check),
        })?;
        Ok(session)
    }
}

// === impl CallingSession ===

impl CallingSession {
    fn of(session: &HeldSession) -> Self {
        Self { id: session.id, user: session.user, is_enrolment_only: session.is_enrolment_only }
    }
}
