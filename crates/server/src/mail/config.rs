//! The settings of mail.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use claviger_domain::Secret;
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::ConfigError;

/// Where mails go, and from whom they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// The server that takes mails: `smtp://USER@HOST:587` with STARTTLS, or `smtps://USER@HOST:465`. Without it no mail is sent,
    /// and links are shown to whoever has them made. It is never shown with its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub smtp_url: Option<SmtpUrl>,
    /// The file of the password at that server; in the place of one in the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// From whom mails are: `keys@example.com` or `Key server <keys@example.com>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A file of certificates (PEM) that the server's is trusted by too, beside those that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Where an SMTP server is and how one signs in there.
#[derive(Debug, Clone)]
pub struct SmtpUrl {
    /// TLS from the first byte; otherwise by STARTTLS.
    pub implicit_tls: bool,
    /// Its name or address.
    pub host: String,
    /// Its port; 465 or 587 if not given.
    pub port: u16,
    /// Who signs in; nobody if not given.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
}

/// A text that is no [`SmtpUrl`]. It is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected smtp://[USER[:PASSWORD]@]HOST[:PORT] or smtps://…")]
pub struct InvalidSmtpUrl;

// === impl MailConfig ===

impl MailConfig {
    /// The first setting that is wrong by itself.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if let Some(from) = &self.from {
            let expected = "expected an address such as keys@example.com or `Key server <keys@example.com>`";
            from.parse::<Mailbox>().map_err(|_| ConfigError::setting("mail.from", expected))?;
        }
        Ok(())
    }

    /// The first setting that is wrong beside another.
    pub(crate) fn validate_together(&self) -> Result<(), ConfigError> {
        let Some(url) = &self.smtp_url else { return Ok(()) };
        if self.from.is_none() {
            return Err(ConfigError::setting("mail.from", "expected an address, as mail.smtp_url is set"));
        }
        if self.password_file.is_some() && (url.user.is_none() || url.password.is_some()) {
            let expected = "mail.smtp_url must name a user, and no password, beside it";
            return Err(ConfigError::setting("mail.password_file", expected));
        }
        Ok(())
    }
}

// === impl SmtpUrl ===

impl SmtpUrl {
    /// Whether the server is on this very machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        address || self.host.eq_ignore_ascii_case("localhost")
    }
}

impl FromStr for SmtpUrl {
    type Err = InvalidSmtpUrl;

    fn from_str(text: &str) -> Result<Self, InvalidSmtpUrl> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(InvalidSmtpUrl)?;
        let implicit_tls = match scheme {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(InvalidSmtpUrl),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let decode = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| InvalidSmtpUrl);
        let (user, password) = match user.map(|user| user.split_once(':').map_or((user, None), |(u, p)| (u, Some(p)))) {
            Some((user, password)) => (Some(decode(user)?), password.map(decode).transpose()?.map(Secret::new)),
            None => (None, None),
        };
        let place: http::uri::Authority = place.parse().map_err(|_| InvalidSmtpUrl)?;
        let host = place.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_empty = host.is_empty() || user.as_ref().is_some_and(String::is_empty);
        if is_empty || place.as_str().contains('@') {
            return Err(InvalidSmtpUrl);
        }
        // The authority takes anything for a port.
        let port = match place.as_str().strip_prefix(place.host()) {
            None | Some("") if implicit_tls => 465,
            None | Some("") => 587,
            Some(port) => port.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or(InvalidSmtpUrl)?,
        };
        Ok(Self { implicit_tls, host, port, user, password })
    }
}

impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.implicit_tls { "smtps://" } else { "smtp://" })?;
        if let Some(user) = &self.user {
            let user = percent_encoding::utf8_percent_encode(user, percent_encoding::NON_ALPHANUMERIC);
            write!(f, "{user}@")?;
        }
        let is_ipv6 = self.host.contains(':');
        if is_ipv6 { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

impl Serialize for SmtpUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SmtpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether TLS comes first, host, port, user and password.
    type Parts = (bool, String, u16, Option<String>, Option<String>);

    fn read(text: &str) -> Option<Parts> {
        let url = text.parse::<SmtpUrl>().ok()?;
        let password = url.password.as_ref().map(|password| password.expose().to_owned());
        Some((url.implicit_tls, url.host.clone(), url.port, url.user.clone(), password))
    }

    #[test]
    fn urls_are_read_and_shown_without_their_password() {
        let text = |text: &str| Some(text.to_owned());
        let mail = "mail.example.com".to_owned();
        assert_eq!(read("smtp://mail.example.com"), Some((false, mail.clone(), 587, None, None)));
        assert_eq!(read("smtps://bob@mail.example.com/"), Some((true, mail.clone(), 465, text("bob"), None)));
        let full = "smtp://bob%40example.com:hunter2%3A%2F@mail.example.com:2525";
        assert_eq!(read(full), Some((false, mail, 2525, text("bob@example.com"), text("hunter2:/"))));
        assert_eq!(read("smtp://[::1]:25"), Some((false, "::1".to_owned(), 25, None, None)));
        let url: SmtpUrl = full.parse().expect("a URL");
        assert_eq!(url.to_string(), "smtp://bob%40example%2Ecom@mail.example.com:2525");
        assert!(!format!("{url} {url:?}").contains("hunter2"));
        for text in [
            "",
            "mail.example.com",
            "http://h",
            "smtp://",
            "smtp://@h",
            "smtp://h:x",
            "smtp://h:99999",
            "smtp://h/path",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_missing_beside_another_setting_is_named() {
        let of = |url: &str, from: Option<&str>, file: Option<&str>| MailConfig {
            smtp_url: url.parse().ok(),
            from: from.map(str::to_owned),
            password_file: file.map(Into::into),
            ca_file: None,
        };
        let wrong = |config: MailConfig| {
            config.validate().and_then(|()| config.validate_together()).map_err(|error| error.to_string())
        };
        assert!(wrong(MailConfig::default()).is_ok());
        assert!(wrong(of("smtp://u@h", Some("Keys <keys@example.com>"), Some("/p"))).is_ok());
        assert!(wrong(of("smtp://h", None, None)).is_err_and(|message| message.starts_with("mail.from")));
        assert!(wrong(of("smtp://h", Some("nobody"), None)).is_err_and(|message| message.starts_with("mail.from")));
        for url in ["smtp://h", "smtp://u:p@h"] {
            let message = wrong(of(url, Some("k@e.org"), Some("/p"))).expect_err(url);
            assert!(message.starts_with("mail.password_file"), "{message}");
        }
    }
}
