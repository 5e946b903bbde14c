//! Whose request is it? The client's address, from what a trusted peer wrote and from nothing else.
//!
//! A mistake here is a bypass of every IP list, so the file is small and pure: texts and ranges in, an address out.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use claviger_domain::ip_list::IpRange;

/// The most entries of `X-Forwarded-For` that are walked: more proxies in a row than anybody has.
pub const MAX_HOPS: usize = 32;
/// Longest entry, in bytes: an IPv6 address with a mapped tail, a zone, brackets and a port.
const MAX_ENTRY_BYTES: usize = 80;

/// The peers whose forwarded headers are believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Box<[IpRange]>);

/// Why no address can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressProblem {
    /// What stands there is no IP address: `unknown`, a name, `unix:`, nothing.
    NotAnAddress,
    /// More than [`MAX_HOPS`] trusted proxies.
    TooManyHops,
}

/// Walks an `X-Forwarded-For` list from right to left, through trusted proxies, to the first address that is none.
///
/// The rightmost entry was written by the peer, each one further left by the proxy right of it; so an entry is read
/// only while everything right of it is trusted. Where all are, the leftmost is the client.
pub fn forwarded_for(list: &[u8], trusted: &TrustedProxies) -> Result<IpAddr, AddressProblem> {
    let mut client = None;
    for (hop, entry) in list.rsplit(|&byte| byte == b',').enumerate() {
        if hop == MAX_HOPS {
            return Err(AddressProblem::TooManyHops);
        }
        let address = parse_address(entry)?;
        client = Some(address);
        if !trusted.contains(address) {
            break;
        }
    }
    client.ok_or(AddressProblem::NotAnAddress)
}

/// One address, as proxies write it: bare, `v4:port`, `[v6]` or `[v6]:port`, a zone behind `%` ignored. A mapped IPv4
/// address becomes IPv4.
pub fn parse_address(entry: &[u8]) -> Result<IpAddr, AddressProblem> {
    let entry = entry.trim_ascii();
    if entry.len() > MAX_ENTRY_BYTES {
        return Err(AddressProblem::NotAnAddress);
    }
    let text = std::str::from_utf8(entry).map_err(|_| AddressProblem::NotAnAddress)?;
    parse_text(text).map(|address| address.to_canonical()).ok_or(AddressProblem::NotAnAddress)
}

fn parse_text(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
            return None;
        }
        return parse_v6(address);
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.into());
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') && is_port(port) => {
            address.parse::<Ipv4Addr>().ok().map(IpAddr::from)
        }
        _ => parse_v6(text),
    }
}

fn parse_v6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, zone)) => (!zone.is_empty()).then_some(address)?,
        None => text,
    };
    address.parse::<Ipv6Addr>().ok().map(IpAddr::from)
}

fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

// === impl TrustedProxies ===

impl TrustedProxies {
    /// Trusts the addresses of these ranges.
    pub fn new(ranges: &[IpRange]) -> Self {
        Self(ranges.into())
    }

    /// Whether what this address says about others is believed.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(address))
    }

    /// Whether the peer of a connection is believed. A peer without an address came by a Unix socket: whoever may
    /// open that file is trusted.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        peer.is_none_or(|peer| self.contains(peer.to_canonical()))
    }
}

// === impl AddressProblem ===

impl fmt::Display for AddressProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnAddress => "names no IP address",
            Self::TooManyHops => "names more than 32 proxies",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> TrustedProxies {
        let ranges: Vec<IpRange> =
            ["127.0.0.0/8", "::1", "10.0.0.0/8"].iter().map(|text| text.parse().expect("a range")).collect();
        TrustedProxies::new(&ranges)
    }

    fn walk(list: &str) -> Result<String, AddressProblem> {
        forwarded_for(list.as_bytes(), &trusted()).map(|address| address.to_string())
    }

    #[test]
    fn the_walk_goes_from_the_right_through_trusted_proxies_only() {
        for (list, client) in [
            ("203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7, 10.0.0.2,127.0.0.1", "203.0.113.7"),
            ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
            ("evil, 203.0.113.7", "203.0.113.7"),
            (",,,203.0.113.7", "203.0.113.7"),
            ("10.0.0.9", "10.0.0.9"),
        ] {
            assert_eq!(walk(list).as_deref(), Ok(client), "{list}");
        }
    }

    #[test]
    fn what_a_trusted_proxy_could_not_name_is_not_guessed() {
        for list in ["", " ", "unknown", "_hidden", "203.0.113.7, unknown", "203.0.113.7,", "203.0.113.7, ,10.0.0.1"] {
            assert_eq!(walk(list), Err(AddressProblem::NotAnAddress), "{list:?}");
        }
        let proxies = vec!["10.0.0.1"; MAX_HOPS];
        assert_eq!(walk(&proxies.join(",")).as_deref(), Ok("10.0.0.1"));
        assert_eq!(walk(&format!("203.0.113.7,{}", proxies.join(","))), Err(AddressProblem::TooManyHops));
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (text, address) in [
            (" 203.0.113.7 ", "203.0.113.7"),
            ("203.0.113.7:50000", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:cb00:7107]:1", "203.0.113.7"),
        ] {
            assert_eq!(parse_address(text.as_bytes()).map(|ip| ip.to_string()).as_deref(), Ok(address), "{text}");
        }
    }

    #[test]
    fn absurd_values_are_no_address() {
        let long = "1".repeat(10_000);
        for text in [
            "",
            "unix:",
            "localhost",
            "203.0.113",
            "203.0.113.256",
            "0203.0.113.7",
            "203.0.113.7:",
            "203.0.113.7:99999",
            "203.0.113.7:+80",
            "203.0.113.7:80:80",
            "[203.0.113.7]",
            "[::1",
            "::1]",
            "[::1]x",
            "[::1]:",
            "fe80::1%",
            "2001:db8::1::2",
            "203.0.113.7/32",
            "\"203.0.113.7\"",
            "203.0.113.7 203.0.113.8",
            "0x7f.1",
            "2130706433",
            &long,
        ] {
            assert_eq!(parse_address(text.as_bytes()), Err(AddressProblem::NotAnAddress), "{text:?}");
        }
        assert_eq!(parse_address(b"203.0.113.7\xff"), Err(AddressProblem::NotAnAddress));
    }

    #[test]
    fn a_mapped_peer_is_trusted_like_its_ipv4_and_a_unix_socket_always() {
        let peer = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
        assert!(trusted().trusts(peer("::ffff:127.0.0.1")) && trusted().trusts(None));
        assert!(!trusted().trusts(peer("192.0.2.1")) && !TrustedProxies::default().trusts(peer("127.0.0.1")));
    }
}
