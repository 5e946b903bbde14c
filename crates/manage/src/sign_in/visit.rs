//! Somebody at the door who has no session yet, or is about to get another one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use claviger_domain::session::AGENT_LENGTH_MAX;
use claviger_domain::{RequestId, Secret, Timestamp};
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;

use super::cookies::Cookie;
use super::token::Token;
use crate::Manage;
use crate::authenticate::request_id;
use crate::error::Error;

/// Who knocks: a browser at an address.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The address.
    pub ip: Option<IpAddr>,
    /// What the browser calls itself.
    pub agent: Option<String>,
    /// What the browser has of a session before.
    pub token: Option<Token>,
    /// What it has of a sign-in before.
    pub browser: Option<Secret>,
    /// Names the call.
    pub request_id: RequestId,
    /// The instant of the call.
    pub now: Timestamp,
}

/// Refuses what another site has a browser send: browsers say so themselves.
pub(super) fn check_site(headers: &HeaderMap) -> Result<(), Error> {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    if sites.all(|site| site == "same-origin" || site == "none") {
        return Ok(());
    }
    Err(Error::forbidden("Another site has sent this request."))
}

/// What a browser calls itself, cut where it goes on for too long.
fn agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(AGENT_LENGTH_MAX).collect())
}

impl FromRequestParts<Arc<Manage>> for Visit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, manage: &Arc<Manage>) -> Result<Self, Error> {
        check_site(&parts.headers)?;
        let is_secure = manage.config.secure_cookies;
        Ok(Self {
            ip: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical()),
            agent: agent(&parts.headers),
            token: Cookie::Session.read(&parts.headers, is_secure)?.and_then(Token::parse),
            browser: Cookie::Browser.read(&parts.headers, is_secure)?.map(|text| Secret::new(text.to_owned())),
            request_id: request_id(parts)?,
            now: manage.clock.now(),
        })
    }
}
