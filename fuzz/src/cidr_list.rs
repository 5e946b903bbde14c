//! Lists of addresses: read, written and asked as arithmetic on single entries would.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use claviger_domain::Timestamp;
use claviger_domain::ip_list::{IpEntry, IpList, IpRange};

/// An entry as the oracle has it: family, ends, first instant that is out.
#[derive(Debug, Clone, Copy)]
struct Naive {
    is_ipv4: bool,
    first: u128,
    last: u128,
    until: Option<i64>,
}

/// The first byte chooses: lines of text, or entries made of the bytes.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let texts = if choice & 1 == 0 {
        String::from_utf8_lossy(rest).lines().take(40).map(str::to_owned).collect()
    } else {
        made_of(rest)
    };
    let mut entries = Vec::new();
    let mut naive = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let read = text.parse::<IpRange>();
        let known = naive_range(text);
        assert_eq!(read.is_ok(), known.is_some(), "{text:?}: {read:?}, {known:?}");
        let (Ok(range), Some(known)) = (read, known) else { continue };
        check_spelling(&range);
        let until = (index % 3 == 2).then_some(index as i64);
        entries.push(IpEntry { range, label: None, until: until.map(Timestamp::from_micros) });
        naive.push(Naive { until, ..known });
    }
    let list = IpList::new(&entries);
    assert_eq!(list.is_empty(), entries.is_empty());
    for address in asked(&naive) {
        for now in [0, 2, 5, 40] {
            let expected = naive.iter().any(|entry| entry.covers(address, now));
            assert_eq!(list.contains(address, Timestamp::from_micros(now)), expected, "{texts:?} {address} at {now}");
        }
    }
}

/// Two spellings of one range are equal and written alike.
fn check_spelling(range: &IpRange) {
    let text = range.to_string();
    assert_eq!(text.parse::<IpRange>().as_ref(), Ok(range), "{text}");
    for end in [range.first(), range.last()] {
        // What is written as IPv6 holds no mapped address, although it may go over their block.
        assert_eq!(range.contains(end), end.to_canonical() == end, "{text}");
    }
    let ends = format!(" {} - {} ", range.first(), range.last());
    assert_eq!(ends.parse::<IpRange>().as_ref(), Ok(range), "{ends}");
}

/// The ends of every entry and their neighbours, in both families.
fn asked(entries: &[Naive]) -> Vec<IpAddr> {
    let ends = entries.iter().flat_map(|entry| [entry.first, entry.last]);
    let mut all = vec![0, 0xffff_0000_0000, 0xffff_ffff_ffff, u128::MAX];
    all.extend(ends.flat_map(|end| [end, end.wrapping_sub(1), end.wrapping_add(1)]));
    let addresses = all.into_iter().flat_map(|value| {
        let v4 = (value >> 32 == 0xffff).then(|| IpAddr::V4(Ipv4Addr::from(value as u32)));
        [Some(IpAddr::V6(Ipv6Addr::from(value))), v4].into_iter().flatten()
    });
    addresses.collect()
}

/// Texts of entries: family, form and numbers come from eighteen bytes each.
fn made_of(bytes: &[u8]) -> Vec<String> {
    let text = |chunk: &[u8]| {
        let value = u128::from_be_bytes(chunk[2..18].try_into().expect("sixteen bytes"));
        let (form, size) = (chunk[0], u32::from(chunk[1]));
        let v4 = |value: u128| Ipv4Addr::from(value as u32);
        let v6 = |value: u128| Ipv6Addr::from(value);
        match form % 8 {
            0 => v4(value).to_string(),
            1 => format!("{}/{size}", v4(value)),
            2 => format!("{}-{}", v4(value), v4(value.wrapping_add(u128::from(size)))),
            3 => v6(value).to_string(),
            4 => format!("{}/{size}", v6(value)),
            5 => format!("{} - {}", v6(value), v6(value.wrapping_add(u128::from(size) << (form & 0x70)))),
            6 => format!("::ffff:{}/{size}", v4(value)),
            _ => format!("::ffff:{}-{}", v4(value), v6(value)),
        }
    };
    bytes.chunks_exact(18).take(40).map(text).collect()
}

fn naive_range(text: &str) -> Option<Naive> {
    if text.len() > 100 {
        return None;
    }
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0c']);
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => 0xffff_0000_0000 | u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    let range = |first: IpAddr, last: IpAddr| {
        let is_ipv4 = first.to_canonical().is_ipv4() && last.to_canonical().is_ipv4();
        let same_family = is_ipv4 || first.is_ipv6() && last.is_ipv6();
        let (first, last) = (number(first), number(last));
        (same_family && first <= last).then_some(Naive { is_ipv4, first, last, until: None })
    };
    let trimmed = |text: &str| text.trim_matches([' ', '\t', '\n', '\r', '\x0c']).parse::<IpAddr>().ok();
    if let Some((address, length)) = text.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        let digits =
            matches!(length.as_bytes(), [b'0'] | [b'1'..=b'9', ..]) && length.bytes().all(|b| b.is_ascii_digit());
        let length: u32 = length.parse().ok().filter(|_| digits)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let hosts = match bits_checked(bits, length)? {
            128 => u128::MAX,
            hosts => (1_u128 << hosts) - 1,
        };
        let first = number(address) & !hosts;
        // A network of mapped addresses is one of IPv4.
        let is_ipv4 = address.is_ipv4() || first >> 32 == 0xffff && (first | hosts) >> 32 == 0xffff;
        return Some(Naive { is_ipv4, first, last: first | hosts, until: None });
    }
    match text.split_once('-') {
        Some((first, last)) => range(trimmed(first)?, trimmed(last)?),
        None => text.parse().ok().and_then(|address| range(address, address)),
    }
}

fn bits_checked(bits: u32, length: u32) -> Option<u32> {
    bits.checked_sub(length)
}

// === impl Naive ===

impl Naive {
    /// IPv4, mapped or not, is only in entries of IPv4.
    fn covers(&self, address: IpAddr, now: i64) -> bool {
        let (is_ipv4, value) = match address.to_canonical() {
            IpAddr::V4(address) => (true, 0xffff_0000_0000 | u128::from(u32::from(address))),
            IpAddr::V6(address) => (false, u128::from(address)),
        };
        is_ipv4 == self.is_ipv4
            && self.first <= value
            && value <= self.last
            && self.until.is_none_or(|until| now < until)
    }
}
