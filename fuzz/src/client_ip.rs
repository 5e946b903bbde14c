//! The walk through `X-Forwarded-For`: nothing that a client writes moves the answer past an untrusted address.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use claviger_domain::ip_list::IpRange;
use claviger_doors::client_ip::{MAX_HOPS, TrustedProxies, forwarded_for, parse_address};

static TRUSTED: LazyLock<TrustedProxies> = LazyLock::new(|| {
    let ranges = ["127.0.0.0/8", "::1", "10.0.0.0/8", "2001:db8:1::/48"];
    TrustedProxies::new(&ranges.map(|text| text.parse::<IpRange>().expect("a range")))
});

/// The input is the header's value.
pub fn check(data: &[u8]) {
    check_walk(data);
    for entry in data.split(|byte| *byte == b',') {
        check_address(entry);
    }
}

fn check_walk(list: &[u8]) {
    let found = forwarded_for(list, &TRUSTED).ok();
    assert_eq!(found, naive_walk(list), "{}", list.escape_ascii());
    // What stands left of an untrusted address was written by a stranger.
    if let Some(client) = found.filter(|client| !TRUSTED.contains(*client)) {
        for forged in ["127.0.0.1", "10.0.0.1", "203.0.113.9", "unknown", "", "\""] {
            let longer = [forged.as_bytes(), b",", list].concat();
            assert_eq!(forwarded_for(&longer, &TRUSTED), Ok(client), "{}", longer.escape_ascii());
        }
    }
    // One more trusted hop changes nothing but the count of hops.
    if list.split(|byte| *byte == b',').count() < MAX_HOPS {
        let longer = [list, b", 10.9.9.9"].concat();
        assert_eq!(forwarded_for(&longer, &TRUSTED).ok(), found, "{}", longer.escape_ascii());
    }
}

/// Right to left, with the standard library's idea of an address; `None` where nothing can be told.
fn naive_walk(list: &[u8]) -> Option<IpAddr> {
    let entries: Vec<&[u8]> = list.split(|byte| *byte == b',').collect();
    for (hop, entry) in entries.iter().rev().enumerate() {
        let address = if hop < MAX_HOPS { naive_address(entry)? } else { return None };
        if !TRUSTED.contains(address) || hop + 1 == entries.len() {
            return Some(address);
        }
    }
    None
}

fn check_address(entry: &[u8]) {
    let read = parse_address(entry).ok();
    assert_eq!(read, naive_address(entry), "{}", entry.escape_ascii());
    if let Some(address) = read {
        assert_eq!(address, address.to_canonical());
        assert_eq!(parse_address(address.to_string().as_bytes()), Ok(address));
    }
}

/// An entry as proxies write it: the zone taken out first, then what the standard library reads.
fn naive_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t', '\n', '\r', '\x0c']);
    if text.len() > 80 {
        return None;
    }
    let text = match text.find('%') {
        None => text.to_owned(),
        Some(at) => {
            let end = if text.starts_with('[') { text.find(']')? } else { text.len() };
            if end <= at + 1 {
                return None;
            }
            format!("{}{}", &text[..at], &text[end..])
        }
    };
    let zoned = text.len() != entry.trim_ascii().len();
    let address = match text.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => IpAddr::V6(inner.parse().ok()?),
            // The standard library takes any number of zeros in front of a port.
            None if text.rsplit(':').next().is_some_and(|port| port.len() > 5) => return None,
            None => text.parse::<SocketAddr>().ok()?.ip(),
        },
    };
    // A zone belongs to IPv6 alone.
    (!zoned || address.is_ipv6()).then(|| address.to_canonical())
}
