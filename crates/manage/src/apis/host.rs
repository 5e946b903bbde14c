//! A host name as an API lists it.

/// The longest host name, in bytes (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// A text that is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a host name such as api.example.com, or an IP address")]
pub struct InvalidHost;

/// Reads a host name or address, `host`, `host:port` or `[::1]:port`; the port and one dot at the end are dropped, the
/// rest is put in lower case. Names beyond ASCII stand in their `xn--` form, as requests carry them.
pub fn parse(text: &str) -> Result<String, InvalidHost> {
    let text = text.trim();
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = if let Some((address, port)) = bracketed {
        let address: std::net::Ipv6Addr = address.parse().map_err(|_| InvalidHost)?;
        (format!("[{address}]"), port)
    } else {
        let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        (host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(), port)
    };
    let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name_fits = host.starts_with('[') || (host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label));
    if port_fits && name_fits { Ok(host) } else { Err(InvalidHost) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_lower_case_without_port() {
        for (text, host) in [
            ("API.Example.com", "api.example.com"),
            ("api.example.com:8443", "api.example.com"),
            ("localhost", "localhost"),
            ("api.example.com.", "api.example.com"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:80", "[::1]"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(host), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_hosts() {
        for text in [
            "",
            "a..b",
            "-a.com",
            "a b",
            "a/b",
            "user@host",
            "*.example.com",
            "host:port",
            "[::1",
            "[x]",
            "é.com",
            ":80",
        ] {
            assert_eq!(parse(text), Err(InvalidHost), "{text:?}");
        }
    }
}
