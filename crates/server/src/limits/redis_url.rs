//! Where Redis or Valkey is.

use std::fmt;
use std::str::FromStr;

use claviger_domain::Secret;
use redis::IntoConnectionInfo as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `redis://[USER[:PASSWORD]@]HOST[:PORT][/NUMBER]`, or `rediss://` with TLS. `Debug` and `Display` leave the password out.
#[derive(Clone)]
pub struct RedisUrl {
    whole: Secret,
    shown: String,
}

/// A text that is no [`RedisUrl`]. It is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected redis://[USER[:PASSWORD]@]HOST[:PORT][/NUMBER] or rediss://…")]
pub struct InvalidRedisUrl;

// === impl RedisUrl ===

impl RedisUrl {
    /// A client, which connects to nothing yet.
    pub(super) fn client(&self) -> redis::RedisResult<redis::Client> {
        redis::Client::open(self.whole.expose())
    }
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(InvalidRedisUrl)?;
        // What stands behind `#` turns checks of certificates off; sockets and queries are nothing that was tested.
        if !matches!(scheme, "redis" | "rediss") || rest.contains(['#', '?']) {
            return Err(InvalidRedisUrl);
        }
        text.into_connection_info().map_err(|_| InvalidRedisUrl)?;
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        let user = rest.rsplit_once('@').and_then(|(user, _)| user.split(':').next()).filter(|user| !user.is_empty());
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        Ok(Self { whole: Secret::new(text.to_owned()), shown: format!("{scheme}://{user}{place}") })
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RedisUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown_without_their_password() {
        for (text, shown) in [
            ("redis://localhost", "redis://localhost"),
            ("redis://[::1]:6380/2", "redis://[::1]:6380/2"),
            (" redis://ann:hunter2@cache.example.com ", "redis://ann@cache.example.com"),
            ("rediss://:hunter2@cache.example.com:6380/0", "rediss://cache.example.com:6380/0"),
        ] {
            let url: RedisUrl = text.parse().expect(text);
            assert_eq!((url.to_string().as_str(), format!("{url:?}").as_str()), (shown, shown));
            assert!(url.client().is_ok(), "{text}");
            assert_eq!(serde_json::to_string(&url).expect("JSON"), format!("{shown:?}"));
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_repeated() {
        for text in [
            "",
            "localhost:6379",
            "http://localhost",
            "redis://",
            "redis://:hunter2@",
            "redis://h:hunter2",
            "redis://h:99999",
            "redis://h/hunter2",
            "rediss://h:6379/#insecure",
            "redis://h?db=1",
            "unix:///run/redis.sock",
        ] {
            let error = text.parse::<RedisUrl>().expect_err(text);
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
