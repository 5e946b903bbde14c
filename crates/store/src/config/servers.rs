//! The servers of one PostgreSQL database: a primary, and those that may take its place.

use std::fmt;
use std::str::FromStr;

use sqlx::any::AnyConnectOptions;

use super::InvalidDatabaseUrl;

/// The most servers of one database.
pub const SERVERS_MAX: usize = 16;

/// What a URL of a PostgreSQL server begins with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// The URLs of the servers, at least one. `Debug` and `Display` leave passwords out.
///
/// As text: URLs with commas between them, or one URL with several hosts, as libpq takes it:
/// `postgres://claviger@db1,db2:5433/keys`.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrls {
    first: String,
    others: Vec<String>,
}

// === impl ServerUrls ===

impl ServerUrls {
    /// The first one.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// All of them, as they were given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first).chain(&self.others).map(String::as_str)
    }
}

impl FromStr for ServerUrls {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let invalid = |why: &str| Err(InvalidDatabaseUrl(why.to_owned()));
        let mut urls = split(text).into_iter().flat_map(|url| of_each_host(&url)).collect::<Vec<_>>();
        if urls.is_empty() || !urls.iter().all(|url| SCHEMES.iter().any(|scheme| url.starts_with(scheme))) {
            return invalid("unknown scheme");
        }
        if urls.len() > SERVERS_MAX {
            return invalid("too many servers");
        }
        // The parser's own message could quote the password.
        if urls.iter().any(|url| url.parse::<AnyConnectOptions>().is_err()) {
            return invalid("the URL cannot be read");
        }
        Ok(Self { first: urls.remove(0), others: urls })
    }
}

/// The URLs of a list. A comma that is not followed by a scheme is part of a URL.
fn split(text: &str) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for part in text.split(',') {
        let begins = SCHEMES.iter().any(|scheme| part.trim_start().starts_with(scheme));
        match urls.last_mut() {
            Some(url) if !begins => {
                url.push(',');
                url.push_str(part.trim());
            }
            _ => urls.push(part.trim().to_owned()),
        }
    }
    urls
}

/// One URL for each host of a URL that names several.
fn of_each_host(url: &str) -> Vec<String> {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
    let hosts_begin = url[begin..end].rfind('@').map_or(begin, |at| begin + at + 1);
    let (before, hosts, behind) = (&url[..hosts_begin], &url[hosts_begin..end], &url[end..]);
    hosts.split(',').map(|host| format!("{before}{}{behind}", host.trim())).collect()
}

/// A URL without its password and its parameters.
pub(crate) fn shown(url: &str) -> String {
    let Ok(options) = url.parse::<AnyConnectOptions>() else { return "postgres://…".to_owned() };
    let url = options.database_url;
    let user = if url.username().is_empty() { "" } else { "@" };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("postgres://{}{user}{}{port}{}", url.username(), url.host_str().unwrap_or_default(), url.path())
}

impl fmt::Display for ServerUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(shown).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for ServerUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> Result<Vec<String>, InvalidDatabaseUrl> {
        text.parse::<ServerUrls>().map(|urls| urls.iter().map(str::to_owned).collect())
    }

    #[test]
    fn servers_are_listed_or_are_hosts_of_one_url() {
        for (text, expected) in [
            ("postgres://u@h/d", &["postgres://u@h/d"][..]),
            ("postgres://u:p@a/d, postgresql://b:1/e", &["postgres://u:p@a/d", "postgresql://b:1/e"]),
            ("postgres://u:p@a,b:5433/d?x=1", &["postgres://u:p@a/d?x=1", "postgres://u:p@b:5433/d?x=1"]),
            ("postgres://u:p,q@a/d", &["postgres://u:p,q@a/d"]),
            ("postgres://u@a,b/d,postgres://c/d", &["postgres://u@a/d", "postgres://u@b/d", "postgres://c/d"]),
        ] {
            assert_eq!(
                urls(text).as_deref(),
                Ok(&expected.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>()[..])
            );
        }
        let many = vec!["postgres://h/d"; SERVERS_MAX + 1].join(",");
        for text in ["", ",", "mysql://h/d", "postgres://h:port/d", &many] {
            assert!(urls(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_password_of_any_server_is_shown() {
        let urls: ServerUrls =
            "postgres://c:hunter2@db:5433/keys?password=hunter2,postgres://c:hunter2@x/keys".parse().expect("URLs");
        assert_eq!(urls.to_string(), "postgres://c@db:5433/keys,postgres://c@x/keys");
        assert_eq!(format!("{urls:?}"), urls.to_string());
        let broken = "postgres://u:hunter2@h:x/d".parse::<ServerUrls>().expect_err("no port");
        assert!(!broken.to_string().contains("hunter2"));
    }
}
