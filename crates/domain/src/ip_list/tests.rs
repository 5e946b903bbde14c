use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_000);

fn range(text: &str) -> IpRange {
    text.parse().unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn entry(text: &str, until: Option<i64>) -> IpEntry {
    IpEntry { until: until.map(Timestamp::from_micros), ..range(text).into() }
}

#[test]
fn every_spelling_is_normalised() {
    for (text, normal) in [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"),
        ("192.0.2.0-192.0.2.255", "192.0.2.0/24"),
        ("192.0.2.5-192.0.2.5", "192.0.2.5"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:10.0.0.1-10.0.0.3", "10.0.0.1-10.0.0.3"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("2001:db8::77/64", "2001:db8::/64"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("2001:db8::1-2001:db8::ff", "2001:db8::1-2001:db8::ff"),
        ("::/0", "::/0"),
        ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
    ] {
        assert_eq!(range(text).to_string(), normal, "{text}");
        assert_eq!(range(normal), range(text), "{text}");
    }
}

#[test]
fn what_is_no_range_says_why() {
    use IpRangeProblem as P;
    for (text, problem) in [
        ("", P::NotAnAddress),
        ("300.1.1.1", P::NotAnAddress),
        ("10.0.0", P::NotAnAddress),
        ("010.0.0.1", P::NotAnAddress),
        ("example.com", P::NotAnAddress),
        ("my-host", P::NotAnAddress),
        ("10.0.0.1:80", P::NotAnAddress),
        ("[::1]", P::NotAnAddress),
        ("10.0.0.1-", P::NotAnAddress),
        ("10.0.0.1-9", P::NotAnAddress),
        ("10.0.0.0/8-10.0.0.9", P::PrefixLength),
        ("10.0.0.0/33", P::PrefixLength),
        ("10.0.0.0/", P::PrefixLength),
        ("10.0.0.0/+8", P::PrefixLength),
        ("10.0.0.0/08", P::PrefixLength),
        ("10.0.0.0/255.0.0.0", P::PrefixLength),
        ("::/129", P::PrefixLength),
        ("fe80::1%eth0", P::Zone),
        ("fe80::1%eth0/64", P::Zone),
        ("10.0.0.1-::1", P::MixedFamilies),
        ("10.0.0.9-10.0.0.1", P::Reversed),
        (&"1".repeat(500), P::NotAnAddress),
    ] {
        assert_eq!(text.parse::<IpRange>(), Err(problem), "{text:?}");
    }
}

#[test]
fn a_mapped_address_is_its_ipv4_address() {
    let list = IpList::new(&[entry("10.0.0.0/8", None)]);
    assert!(list.contains(ip("10.1.2.3"), NOW));
    assert!(list.contains(ip("::ffff:10.1.2.3"), NOW));
    assert!(!list.contains(ip("::10.1.2.3"), NOW));
    assert!(!list.contains(ip("11.0.0.0"), NOW));
}

#[test]
fn ipv6_networks_let_no_ipv4_in() {
    for text in ["::/0", "::fffe:0:0/95", "::-ffff::"] {
        let list = IpList::new(&[entry(text, None)]);
        assert!(!list.contains(ip("10.0.0.1"), NOW) && !list.contains(ip("::ffff:0.0.0.0"), NOW), "{text}");
        assert!(list.contains(ip("::fffe:ffff:ffff"), NOW), "{text}");
    }
    assert!(IpList::new(&[entry("::/0", None)]).contains(ip("::1:0:0:0"), NOW));
}

#[test]
fn an_entry_counts_until_its_end_and_a_list_of_ended_ones_lets_nobody_in() {
    let list = IpList::new(&[entry("10.0.0.0/8", Some(1_000)), entry("10.1.0.0/16", Some(2_000))]);
    assert!(!list.contains(ip("10.2.0.1"), NOW));
    assert!(list.contains(ip("10.2.0.1"), Timestamp::from_micros(999)));
    assert!(list.contains(ip("10.1.0.1"), NOW));
    assert!(!list.contains(ip("10.1.0.1"), Timestamp::from_micros(2_000)));
    assert!(!list.is_empty());
    assert!(IpList::new(&[]).is_empty());
    assert!(!IpList::new(&[]).contains(ip("10.1.0.1"), NOW));
}

#[test]
fn the_longest_list_still_answers() {
    let entries: Vec<IpEntry> = (0..MAX_IP_ENTRIES as u32)
        .map(|at| IpEntry {
            until: Some(Timestamp::from_micros(i64::from(at))),
            ..IpRange::from(IpAddr::from(Ipv4Addr::from(at * 4))).into()
        })
        .collect();
    let list = IpList::new(&entries);
    assert!(list.contains(Ipv4Addr::from(9_999 * 4).into(), NOW));
    assert!(!list.contains(Ipv4Addr::from(999 * 4).into(), NOW));
    assert!(!list.contains(Ipv4Addr::from(9_999 * 4 + 1).into(), NOW));
}

#[test]
fn an_entry_is_stored_with_its_normal_spelling() {
    let text = r#"{"range":"::ffff:10.0.0.7/104","label":"office","until":"2030-01-01T00:00:00Z"}"#;
    let entry: IpEntry = serde_json::from_str(text).unwrap();
    let stored = r#"{"range":"10.0.0.0/8","label":"office","until":"2030-01-01T00:00:00Z"}"#;
    assert_eq!(serde_json::to_string(&entry).unwrap(), stored);
    assert!(serde_json::from_str::<IpEntry>(r#"{"range":"10.0.0.0/33"}"#).is_err());
    assert_eq!(serde_json::from_str::<IpEntry>(r#"{"range":"::1"}"#).unwrap(), range("::1").into());
}

/// Addresses close together, at the borders of the families and of the space.
fn any_ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0_u32..40).prop_map(|at| Ipv4Addr::from(at).into()),
        (0_u32..40).prop_map(|at| Ipv4Addr::from(u32::MAX - at).into()),
        (0_u128..40).prop_map(|at| Ipv6Addr::from(0xfffe_ffff_fff0 + at).into()),
        (0_u128..40).prop_map(|at| Ipv6Addr::from(0xffff_ffff_fff0 + at).into()),
        (0_u128..40).prop_map(|at| Ipv6Addr::from(u128::MAX - at).into()),
        (0_u128..40).prop_map(|at| Ipv6Addr::from(at).into()),
    ]
}

fn any_entry() -> impl Strategy<Value = IpEntry> {
    let ranges = (any_ip(), any_ip()).prop_filter_map("two families", |(a, b)| {
        format!("{a}-{b}").parse().or_else(|_| format!("{b}-{a}").parse::<IpRange>()).ok()
    });
    (ranges, prop::option::of(990_i64..1_010))
        .prop_map(|(range, until)| IpEntry { until: until.map(Timestamp::from_micros), ..range.into() })
}

proptest! {
    #[test]
    fn the_list_agrees_with_a_scan(
        entries in prop::collection::vec(any_entry(), 0..12),
        ips in prop::collection::vec(any_ip(), 40),
        now in 985_i64..1_015,
    ) {
        let now = Timestamp::from_micros(now);
        let list = IpList::new(&entries);
        for ip in ips {
            let ip = ip.to_canonical();
            let scan = entries.iter().any(|entry| {
                let same_family = ip.is_ipv4() == entry.range.first().is_ipv4();
                let inside = entry.range.first() <= ip && ip <= entry.range.last();
                same_family && inside && entry.until.is_none_or(|until| now < until)
            });
            prop_assert_eq!(list.contains(ip, now), scan, "{} in {:?}", ip, entries);
        }
    }

    #[test]
    fn any_text_is_a_range_or_an_error(text in "\\PC*|[0-9a-f.:/ -]{0,40}") {
        if let Ok(range) = text.parse::<IpRange>() {
            prop_assert_eq!(range.to_string().parse(), Ok(range));
            prop_assert!(range.contains(range.first()) && range.contains(range.last()));
        }
    }
}
