//! The two cookies, and how they are read: a browser that sends two of one name is believed neither.

use std::time::Duration;

use claviger_domain::Secret;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;

/// For how long a browser is known in which somebody has signed in.
pub(crate) const BROWSER_KNOWN_FOR: Duration = Duration::from_hours(365 * 24);

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The token of a session.
    Session,
    /// That somebody has signed in here before.
    Browser,
}

// === impl Cookie ===

impl Cookie {
    /// Its name. Where people come by https, the prefix has browsers take it from this very host and by https alone.
    pub(crate) const fn name(self, is_secure: bool) -> &'static str {
        match (self, is_secure) {
            (Self::Session, true) => "__Host-claviger",
            (Self::Session, false) => "claviger",
            (Self::Browser, true) => "__Host-claviger-browser",
            (Self::Browser, false) => "claviger-browser",
        }
    }

    /// Its value in a request.
    ///
    /// # Errors
    /// Where there are two of the name: one of them may be another site's of the same domain.
    pub(crate) fn read(self, headers: &HeaderMap, is_secure: bool) -> Result<Option<&str>, Error> {
        let name = self.name(is_secure);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => {
                Err(Error::unauthenticated(format!("There are several cookies `{name}`: delete this site's cookies.")))
            }
        }
    }

    /// The header that gives it to the browser.
    pub(crate) fn set(self, value: &Secret, is_secure: bool) -> (HeaderName, HeaderValue) {
        match self {
            Self::Session => self.header(value.expose(), is_secure, None),
            Self::Browser => self.header(value.expose(), is_secure, Some(BROWSER_KNOWN_FOR)),
        }
    }

    /// The header that takes it away.
    pub(crate) fn clear(self, is_secure: bool) -> (HeaderName, HeaderValue) {
        self.header("", is_secure, Some(Duration::ZERO))
    }

    fn header(self, value: &str, is_secure: bool, max_age: Option<Duration>) -> (HeaderName, HeaderValue) {
        let secure = if is_secure { "; Secure" } else { "" };
        let age = max_age.map_or_else(String::new, |age| format!("; Max-Age={}", age.as_secs()));
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(is_secure));
        // Names and values of ours are ASCII.
        let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        (SET_COOKIE, value)
    }
}
