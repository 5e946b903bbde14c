//! What a call brings in its headers, and all that an action is given.

use std::net::IpAddr;

use claviger_domain::{RequestId, Secret};
use claviger_engine::{WebServiceCall, WebServiceCaller};
use claviger_manage::Manage;
use claviger_manage::api_users::{Origin, Session};
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};

use crate::answer::Failure;
use crate::body::Fields;

/// Characters of a client's own name that are kept.
const AGENT_LENGTH_MAX: usize = 100;
/// Rows of a list, unless a call says otherwise.
const ROW_LIMIT: i64 = 50;

/// The headers that the service reads.
#[derive(Default)]
pub(crate) struct Headers {
    pub(crate) authorization: Option<Vec<u8>>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) token: Option<Vec<u8>>,
    pub(crate) agent: Option<String>,
    /// Whether the call prolongs the session that it is made in.
    pub(crate) prolongs: bool,
    pub(crate) row_limit: i64,
    pub(crate) row_offset: i64,
    method: Option<String>,
}

/// A call whose caller has proved itself.
pub(crate) struct Call<'a> {
    pub(crate) manage: &'a Manage,
    pub(crate) question: &'a WebServiceCall<'a>,
    pub(crate) caller: WebServiceCaller,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) request_id: RequestId,
    pub(crate) headers: &'a Headers,
    pub(crate) fields: Fields,
    pub(crate) method: Method,
}

// === impl Headers ===

impl Headers {
    /// Reads them; 406 where one that counts stands there twice or is no number.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Failure> {
        let bytes = |name: &str| only(headers, name);
        let text =
            |name: &str| -> Result<_, Failure> { Ok(bytes(name)?.and_then(|value| String::from_utf8(value).ok())) };
        let number = |name: &str, otherwise: i64| match text(name)?.filter(|text| !text.is_empty()) {
            None => Ok(otherwise),
            Some(text) => text.parse::<u32>().map(i64::from).map_err(|_| not_allowed(name)),
        };
        Ok(Self {
            authorization: bytes(AUTHORIZATION.as_str())?,
            key: bytes("x-api-key")?,
            token: bytes("x-token")?,
            agent: text(USER_AGENT.as_str())?.map(|agent| agent.chars().take(AGENT_LENGTH_MAX).collect()),
            prolongs: number("x-session-uptime", 1)? != 0,
            row_limit: number("x-row-limit", ROW_LIMIT)?,
            row_offset: number("x-row-offset", 0)?,
            method: text("x-http-method")?,
        })
    }

    /// The method that is meant: that of `X-HTTP-Method`, where a POST bears one.
    pub(crate) fn method(&self, method: &Method) -> Result<Method, Failure> {
        match self.method.as_deref() {
            Some("PUT") if method == Method::POST => Ok(Method::PUT),
            Some("DELETE") if method == Method::POST => Ok(Method::DELETE),
            Some(_) if method == Method::POST => {
                Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "X-HTTP-Method: expected PUT or DELETE"))
            }
            _ => Ok(method.clone()),
        }
    }
}

/// The value of a header; 406 where there are two.
fn only(headers: &HeaderMap, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.as_bytes().to_vec());
    if values.next().is_some() { Err(not_allowed(name)) } else { Ok(first) }
}

fn not_allowed(name: &str) -> Failure {
    Failure::new(StatusCode::NOT_ACCEPTABLE, format!("ERR_NOT_ALLOWED_VALUE||{name}"))
}

// === impl Call ===

impl Call<'_> {
    /// The application's call, for what needs no session.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            organization: self.caller.organization,
            application: self.caller.application,
            key: self.caller.key,
            ip: self.ip,
            agent: self.headers.agent.clone(),
            request_id: self.request_id,
            now: self.manage.clock.now(),
        }
    }

    /// The call as one in its session.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let session = self.caller.session.ok_or_else(Failure::no_token)?;
        Ok(Session {
            id: session.id,
            user: session.user,
            organization: self.caller.organization,
            key: self.caller.key,
            ip: self.ip,
            agent: self.headers.agent.clone(),
            request_id: self.request_id,
            now: self.manage.clock.now(),
        })
    }

    /// A text of the body that must be there.
    pub(crate) fn text(&self, name: &'static str) -> Result<&str, Failure> {
        self.fields.text(name).ok_or_else(|| Failure::field(name, "expected a text"))
    }

    /// A secret of the body that must be there.
    pub(crate) fn secret(&self, name: &'static str) -> Result<Secret, Failure> {
        self.text(name).map(|text| Secret::new(text.to_owned()))
    }

    /// Writes into the application's log which part of a sign-in was wrong.
    pub(crate) fn note_refusal(&self, check: &'static str) {
        self.manage.engine.note_web_service_refusal(self.question, &self.caller, check);
    }
}
