//! Whose request it is. A mistake here is a bypass of every list of addresses, so it is small and pure.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

use crate::error::SettingError;

/// The most entries of `X-Forwarded-For` that are walked.
const HOPS_MAX: usize = 32;
const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose `X-Forwarded-For` is believed; without any the client is who is connected.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

// === impl TrustedProxies ===

impl TrustedProxies {
    /// Of addresses and networks such as `10.0.0.0/8`.
    pub(crate) fn parse<'a>(ranges: impl IntoIterator<Item = &'a str>) -> Result<Self, SettingError> {
        let parse = |text: &str| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            address.or_else(|_| text.parse()).map_err(|_| SettingError(format!("{text} is no address and no network")))
        };
        ranges.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// The client's address. `None` where it cannot be told; nothing is guessed.
    ///
    /// The entry at the right was written by the peer, each one further left by the proxy right of it: one is believed only while
    /// everything right of it is trusted. Two lines of the header could be of two writers, and are not read.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        let mut lines = headers.get_all(X_FORWARDED_FOR).iter();
        let Some(list) = lines.next().filter(|_| self.trusts(peer)) else { return Some(peer) };
        if lines.next().is_some() {
            return None;
        }
        let mut client = None;
        for (hop, entry) in list.to_str().ok()?.rsplit(',').enumerate() {
            let address = read(entry).filter(|_| hop < HOPS_MAX)?;
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }
}

/// One entry as proxies write it: bare, with a port, in brackets.
fn read(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|inner| inner.contains(':'));
    let address = bare.unwrap_or(entry).parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|it| it.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(peer: &str, lines: &[&str]) -> Option<String> {
        let trusted = TrustedProxies::parse(["127.0.0.1", "10.0.0.0/8", "::1"]).expect("ranges");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, line.parse().expect("a value"));
        }
        trusted.client(peer.parse().ok(), &headers).map(|address| address.to_string())
    }

    #[test]
    fn the_walk_goes_from_the_right_through_trusted_proxies_only() {
        for (list, client) in [
            ("203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7, 10.0.0.2,127.0.0.1", "203.0.113.7"),
            ("evil, 203.0.113.7:4711", "203.0.113.7"),
            ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
            ("[2001:db8::1]:443, 10.0.0.1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(walk("127.0.0.1", &[list]).as_deref(), Some(client), "{list}");
        }
    }

    #[test]
    fn a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_says() {
        assert_eq!(walk("203.0.113.9", &["198.51.100.1"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(walk("::ffff:203.0.113.9", &[]).as_deref(), Some("203.0.113.9"));
        assert_eq!(walk("::ffff:10.0.0.1", &["203.0.113.7"]).as_deref(), Some("203.0.113.7"));
        assert_eq!(walk("127.0.0.1", &[]).as_deref(), Some("127.0.0.1"));
        assert_eq!(walk("no peer", &["198.51.100.1"]), None);
    }

    #[test]
    fn what_a_trusted_proxy_could_not_name_is_not_guessed() {
        for list in
            ["", "unknown", "203.0.113.7, unknown", "203.0.113.7,", "203.0.113.256", "0x7f.1", "[203.0.113.7]", "1:2"]
        {
            assert_eq!(walk("127.0.0.1", &[list]), None, "{list}");
        }
        assert_eq!(walk("127.0.0.1", &["203.0.113.7", "203.0.113.7"]), None, "two lines");
        let hops = vec!["10.0.0.1"; HOPS_MAX].join(",");
        assert_eq!(walk("127.0.0.1", &[&format!("203.0.113.7,{hops}")]), None);
        assert_eq!(walk("127.0.0.1", &[&hops]).as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn a_range_that_is_none_is_a_mistake() {
        for text in ["", "10.0.0.0/33", "proxy.internal", "10.0.0.1-10.0.0.9"] {
            assert!(TrustedProxies::parse([text]).is_err(), "{text}");
        }
    }
}
