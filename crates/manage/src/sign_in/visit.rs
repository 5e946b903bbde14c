//! Somebody at the door who has no session yet, or is about to get another one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use claviger_domain::session::AGENT_LENGTH_MAX;
use claviger_domain::{RequestId, Secret, Timestamp};
use http::HeaderMap;
use http::header::{HOST, ORIGIN, USER_AGENT};
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

/// Refuses what another site has a browser send: browsers say so themselves. By plain HTTP they do not, and old ones never
/// did: then it counts whose page they name as the origin.
pub(super) fn check_site(headers: &HeaderMap, control_url: &str) -> Result<(), Error> {
    let mut sites = headers.get_all("sec-fetch-site").iter().peekable();
    let is_own = if sites.peek().is_some() {
        sites.all(|site| site == "same-origin" || site == "none")
    } else {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let is_own = |origin: &str| is_at(origin, control_url, host);
        headers.get_all(ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(is_own))
    };
    if is_own { Ok(()) } else { Err(Error::forbidden("Another site has sent this request.")) }
}

/// Whether an origin is the server's own: as it is configured, or as the request names it, whose host was checked before. A
/// page that keeps its origin to itself (`null`) is none of ours.
fn is_at(origin: &str, control_url: &str, host: Option<&str>) -> bool {
    let split = |url: &str| url.split_once("://").map(|(scheme, rest)| (scheme.to_owned(), rest.to_owned()));
    let Some((scheme, authority)) = split(origin) else { return false };
    let is_web = ["http", "https"].contains(&scheme.as_str());
    let is_configured = split(control_url).is_some_and(|(own, rest)| {
        own == scheme && rest.split('/').next().is_some_and(|own| own.eq_ignore_ascii_case(&authority))
    });
    is_web && (is_configured || host.is_some_and(|host| host.eq_ignore_ascii_case(&authority)))
}

/// What a browser calls itself, cut where it goes on for too long.
fn agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(AGENT_LENGTH_MAX).collect())
}

impl FromRequestParts<Arc<Manage>> for Visit {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, manage: &Arc<Manage>) -> Result<Self, Error> {
        check_site(&parts.headers, &manage.config.control_url)?;
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

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn passes(sent: &[(&'static str, &str)]) -> bool {
        let line =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().expect("a header"));
        let headers: HeaderMap = sent.iter().map(line).collect();
        check_site(&headers, "https://keys.example.com/").is_ok()
    }

    #[test]
    fn where_the_browser_says_nothing_of_the_site_the_origin_counts() {
        let host = ("host", "127.0.0.1:7600");
        assert!(passes(&[host]), "no browser, or one that says neither");
        for own in ["https://keys.example.com", "https://KEYS.example.com", "http://127.0.0.1:7600"] {
            assert!(passes(&[host, ("origin", own)]), "{own}");
        }
        for other in [
            "null",
            "",
            "http://keys.example.com",
            "https://keys.example.com.evil.example",
            "https://keys.example.com:8443",
            "http://127.0.0.1:7601",
            "http://127.0.0.1",
            "https://evil.example",
            "file://127.0.0.1:7600",
        ] {
            assert!(!passes(&[host, ("origin", other)]), "{other}");
        }
        assert!(!passes(&[host, ("origin", "http://127.0.0.1:7600"), ("origin", "https://evil.example")]));
    }

    #[test]
    fn what_the_browser_says_of_the_site_has_the_first_word() {
        let own = ("origin", "https://keys.example.com");
        assert!(passes(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(passes(&[("sec-fetch-site", "none")]));
        for site in ["cross-site", "same-site", "", "same-origin, cross-site"] {
            assert!(!passes(&[("sec-fetch-site", site), own]), "{site}");
        }
        assert!(!passes(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"), own]));
    }
}
