//! Where the server may connect to by itself: addresses that people give it are no way into the network that it stands in.
//!
//! [`Guard::check`] is the whole decision about an address. Whoever connects asks it for every address that a name resolved to,
//! and connects to one that was checked.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use url::{Host, Url};

use crate::ip_list::IpRange;

/// The most bytes of an address that is called.
pub const TARGET_BYTES_MAX: usize = 2_000;

/// An address of the web that is called: `https` or `http`, a host, nothing that proves anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

/// Why a text is no [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Not an address with a host.
    #[error("expected an address such as https://hooks.example.com/claviger")]
    NoAddress,
    /// Too long.
    #[error("expected at most {TARGET_BYTES_MAX} bytes")]
    TooLong,
    /// Neither `https` nor `http`.
    #[error("expected https://")]
    Scheme,
    /// It would stand in lists and logs.
    #[error("must not hold a user name or a password")]
    Credentials,
    /// It is never sent.
    #[error("must not hold a fragment (#…)")]
    Fragment,
    /// Nothing listens there.
    #[error("port 0 cannot be called")]
    Port,
}

/// What is called: an address, or a name that has to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetHost {
    /// An address, however it was spelled.
    Ip(IpAddr),
    /// A name.
    Name(String),
}

/// What kind an address is of that nobody outside could be called at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialUse {
    /// `0.0.0.0/8`, `::`.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// RFC 1918, unique local addresses.
    Private,
    /// Shared by the customers of a provider: `100.64.0.0/10`.
    Shared,
    /// `169.254.0.0/16`, `fe80::/10`: also where clouds keep the secrets of a machine.
    LinkLocal,
    /// To several machines at once.
    Multicast,
    /// For examples in documents.
    Documentation,
    /// An IPv4 address in an IPv6 address: mapped, compatible, NAT64, 6to4, Teredo.
    Embedded,
    /// Set aside for other ends.
    Reserved,
}

/// Why an address is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is none of the public Internet, and the operator has not allowed it.
    #[error("the address is {0}, which the operator has not allowed (outgoing.allow_private)")]
    Special(SpecialUse),
    /// One of this server's own listeners.
    #[error("the address is one of this server's own listeners")]
    OwnListener,
    /// Without encryption only addresses that the operator has allowed are called.
    #[error("http:// goes only to addresses that the operator has allowed (outgoing.allow_private): use https://")]
    Unencrypted,
}

/// What decides.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Ranges beside the public Internet, by the operator's choice.
    pub allowed: Vec<IpRange>,
    /// Where this server listens.
    pub listeners: Vec<SocketAddr>,
}

// === impl Target ===

impl Target {
    /// What to connect to.
    pub fn host(&self) -> TargetHost {
        match self.0.host() {
            Some(Host::Ipv4(ip)) => TargetHost::Ip(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => TargetHost::Ip(IpAddr::V6(ip)),
            Some(Host::Domain(name)) => TargetHost::Name(name.to_owned()),
            None => TargetHost::Name(String::new()),
        }
    }

    /// At which port.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// Whether it is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// What stands in `Host`: the port where it is not the scheme's.
    pub fn authority(&self) -> &str {
        self.0.authority()
    }

    /// What is asked for there: path and query.
    pub fn path_and_query(&self) -> &str {
        &self.0[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        if text.len() > TARGET_BYTES_MAX {
            return Err(InvalidTarget::TooLong);
        }
        let url = Url::parse(text).map_err(|_| InvalidTarget::NoAddress)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidTarget::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidTarget::Credentials);
        }
        if url.fragment().is_some() {
            return Err(InvalidTarget::Fragment);
        }
        if url.port() == Some(0) {
            return Err(InvalidTarget::Port);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidTarget::NoAddress);
        }
        if url.as_str().len() > TARGET_BYTES_MAX {
            return Err(InvalidTarget::TooLong);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

// === impl Guard ===

impl Guard {
    /// Whether `address` may be connected to; `is_own` where it is one of this machine's.
    ///
    /// What stands for no single machine is refused whatever the operator allows, and so are this server's own listeners.
    pub fn check(&self, address: SocketAddr, is_https: bool, is_own: bool) -> Result<(), Refusal> {
        let ip = address.ip();
        let special = special_use(ip);
        if let Some(special @ (SpecialUse::Unspecified | SpecialUse::Multicast)) = special {
            return Err(Refusal::Special(special));
        }
        let is_listener = |listener: &SocketAddr| {
            listener.port() == address.port()
                && (listener.ip() == ip || listener.ip().is_unspecified() && (is_own || ip.is_loopback()))
        };
        if self.listeners.iter().any(is_listener) {
            return Err(Refusal::OwnListener);
        }
        // A range of IPv4 holds for its mapped forms too; nobody who means a machine names it by those.
        let is_mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
        if !is_mapped && self.allowed.iter().any(|range| range.contains(ip)) {
            return Ok(());
        }
        match special {
            Some(special) => Err(Refusal::Special(special)),
            None if !is_https => Err(Refusal::Unencrypted),
            None => Ok(()),
        }
    }

    /// What is known of a target before its name is resolved: an address is checked, and without encryption something must be allowed.
    pub fn check_early(&self, target: &Target) -> Result<(), Refusal> {
        match target.host() {
            TargetHost::Ip(ip) => self.check(SocketAddr::new(ip, target.port()), target.is_https(), false),
            TargetHost::Name(_) if !target.is_https() && self.allowed.is_empty() => Err(Refusal::Unencrypted),
            TargetHost::Name(_) => Ok(()),
        }
    }
}

/// What an address is used for beside machines of the public Internet; `None`: it is one of those.
///
/// By IANA's registries of special-purpose addresses (RFC 6890 and its successors); of IPv6 everything is special but global unicast.
pub fn special_use(ip: IpAddr) -> Option<SpecialUse> {
    match ip {
        IpAddr::V4(ip) => special_v4(ip),
        IpAddr::V6(ip) => special_v6(ip),
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<SpecialUse> {
    Some(match ip.octets() {
        [0, ..] => SpecialUse::Unspecified,
        [127, ..] => SpecialUse::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => SpecialUse::Private,
        [100, 64..=127, ..] => SpecialUse::Shared,
        [169, 254, ..] => SpecialUse::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => SpecialUse::Documentation,
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..] => SpecialUse::Reserved,
        [224..=239, ..] => SpecialUse::Multicast,
        _ => return None,
    })
}

fn special_v6(ip: Ipv6Addr) -> Option<SpecialUse> {
    Some(match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => SpecialUse::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => SpecialUse::Loopback,
        // Compatible and mapped; NAT64, well-known and local; SIIT; Teredo; 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0x64, 0xff9b, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x2001, 0, ..]
        | [0x2002, ..] => SpecialUse::Embedded,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => SpecialUse::Documentation,
        [0x2001, 1..=0x1ff, ..] => SpecialUse::Reserved,
        [0xfc00..=0xfdff, ..] => SpecialUse::Private,
        // Site-local addresses are of the same time.
        [0xfe80..=0xfeff, ..] => SpecialUse::LinkLocal,
        [0xff00..=0xffff, ..] => SpecialUse::Multicast,
        [0x2000..=0x3fff, ..] => return None,
        _ => SpecialUse::Reserved,
    })
}

impl fmt::Display for SpecialUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "none of a machine",
            Self::Loopback => "a loopback address",
            Self::Private => "a private one",
            Self::Shared => "one that a provider's customers share",
            Self::LinkLocal => "a link-local one",
            Self::Multicast => "one of several machines",
            Self::Documentation => "one for examples",
            Self::Embedded => "an IPv4 address within IPv6",
            Self::Reserved => "a reserved one",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn guard(allowed: &[&str], listeners: &[&str]) -> Guard {
        Guard {
            allowed: allowed.iter().map(|range| range.parse().expect("a range")).collect(),
            listeners: listeners.iter().map(|address| address.parse().expect("an address")).collect(),
        }
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_connected_to() {
        use SpecialUse::{
            Documentation, Embedded, LinkLocal, Loopback, Multicast, Private, Reserved, Shared, Unspecified,
        };
        let table = [
            ("0.0.0.0", Some(Unspecified)),
            ("0.1.2.3", Some(Unspecified)),
            ("9.255.255.255", None),
            ("10.0.0.0", Some(Private)),
            ("10.255.255.255", Some(Private)),
            ("11.0.0.0", None),
            ("100.63.255.255", None),
            ("100.64.0.0", Some(Shared)),
            ("100.127.255.255", Some(Shared)),
            ("100.128.0.0", None),
            ("127.0.0.1", Some(Loopback)),
            ("127.255.255.254", Some(Loopback)),
            ("169.253.255.255", None),
            ("169.254.169.254", Some(LinkLocal)),
            ("172.15.255.255", None),
            ("172.16.0.1", Some(Private)),
            ("172.31.255.255", Some(Private)),
            ("172.32.0.0", None),
            ("192.0.0.8", Some(Reserved)),
            ("192.0.2.1", Some(Documentation)),
            ("192.88.99.1", Some(Reserved)),
            ("192.168.0.1", Some(Private)),
            ("192.169.0.1", None),
            ("198.18.0.1", Some(Reserved)),
            ("198.19.255.255", Some(Reserved)),
            ("198.20.0.0", None),
            ("198.51.100.7", Some(Documentation)),
            ("203.0.113.7", Some(Documentation)),
            ("223.255.255.255", None),
            ("224.0.0.1", Some(Multicast)),
            ("239.255.255.255", Some(Multicast)),
            ("240.0.0.1", Some(Reserved)),
            ("255.255.255.255", Some(Reserved)),
            ("8.8.8.8", None),
            ("::", Some(Unspecified)),
            ("::1", Some(Loopback)),
            ("::2", Some(Embedded)),
            ("::10.0.0.1", Some(Embedded)),
            ("::ffff:8.8.8.8", Some(Embedded)),
            ("::ffff:127.0.0.1", Some(Embedded)),
            ("::ffff:0:127.0.0.1", Some(Embedded)),
            ("64:ff9b::7f00:1", Some(Embedded)),
            ("64:ff9b:1::1", Some(Embedded)),
            ("100::1", Some(Reserved)),
            ("1fff::1", Some(Reserved)),
            ("2001::1", Some(Embedded)),
            ("2001:2::1", Some(Reserved)),
            ("2001:1ff::1", Some(Reserved)),
            ("2001:200::1", None),
            ("2001:4860:4860::8888", None),
            ("2001:db8::1", Some(Documentation)),
            ("2002:7f00:1::1", Some(Embedded)),
            ("2606:4700::1111", None),
            ("3fff:fff::1", Some(Documentation)),
            ("3fff:1000::1", None),
            ("4000::1", Some(Reserved)),
            ("5f00::1", Some(Reserved)),
            ("fc00::1", Some(Private)),
            ("fdff::1", Some(Private)),
            ("fe80::1", Some(LinkLocal)),
            ("fec0::1", Some(LinkLocal)),
            ("ff02::1", Some(Multicast)),
        ];
        for (text, expected) in table {
            assert_eq!(special_use(ip(text)), expected, "{text}");
            let checked = Guard::default().check(SocketAddr::new(ip(text), 443), true, false);
            assert_eq!(checked, expected.map_or(Ok(()), |special| Err(Refusal::Special(special))), "{text}");
        }
    }

    #[test]
    fn the_operator_allows_ranges_and_http_goes_nowhere_else() {
        let guard = guard(&["10.1.0.0/16", "127.0.0.1/32", "fd00::/8"], &[]);
        let check = |text: &str, is_https| guard.check(SocketAddr::new(ip(text), 8080), is_https, false);
        for allowed in ["10.1.2.3", "127.0.0.1", "fd12::1"] {
            assert_eq!((check(allowed, true), check(allowed, false)), (Ok(()), Ok(())), "{allowed}");
        }
        for refused in ["10.2.0.1", "127.0.0.2", "192.168.0.1", "::1", "::ffff:10.1.2.3", "169.254.169.254"] {
            assert!(matches!(check(refused, true), Err(Refusal::Special(_))), "{refused}");
        }
        assert_eq!((check("8.8.8.8", true), check("8.8.8.8", false)), (Ok(()), Err(Refusal::Unencrypted)));
    }

    #[test]
    fn what_is_no_single_machine_is_refused_whatever_is_allowed() {
        let guard = guard(&["0.0.0.0/0", "::/0"], &[]);
        for refused in ["0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
            let checked = guard.check(SocketAddr::new(ip(refused), 443), true, false);
            assert!(matches!(checked, Err(Refusal::Special(_))), "{refused}");
        }
    }

    #[test]
    fn own_listeners_are_refused_though_their_addresses_are_allowed() {
        let guard = guard(&["127.0.0.0/8", "10.0.0.0/8"], &["127.0.0.1:7600", "0.0.0.0:7601", "8.8.8.8:7603"]);
        let check = |text: &str, is_own| guard.check(text.parse().expect("an address"), true, is_own);
        for (address, is_own, is_refused) in [
            ("127.0.0.1:7600", true, true),
            ("127.0.0.1:7602", true, false),
            ("10.0.0.1:7600", true, false),
            ("10.0.0.1:7601", true, true),
            ("127.0.0.1:7601", false, true),
            ("10.0.0.2:7601", false, false),
            ("8.8.8.8:7603", false, true),
        ] {
            let expected = if is_refused { Err(Refusal::OwnListener) } else { Ok(()) };
            assert_eq!(check(address, is_own), expected, "{address}");
        }
    }

    #[test]
    fn addresses_in_targets_are_read_however_they_are_spelled() {
        let loopback = TargetHost::Ip(ip("127.0.0.1"));
        for host in
            ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.0.0.1.", "１２７.0.0.1"]
        {
            let target: Target = format!("https://{host}/x").parse().expect("a target");
            assert_eq!(target.host(), loopback, "{host}");
            assert!(Guard::default().check_early(&target).is_err(), "{host}");
        }
        let target: Target = "https://[::ffff:7f00:1]:8443/a?b=c".parse().expect("a target");
        assert_eq!((target.host(), target.port()), (TargetHost::Ip(ip("::ffff:127.0.0.1")), 8443));
        assert_eq!((target.authority(), target.path_and_query()), ("[::ffff:7f00:1]:8443", "/a?b=c"));
        let named: Target = "https://Hooks.Example.COM".parse().expect("a target");
        assert_eq!(named.host(), TargetHost::Name("hooks.example.com".to_owned()));
        assert_eq!(
            (named.port(), named.path_and_query(), named.to_string().as_str()),
            (443, "/", "https://hooks.example.com/")
        );
    }

    #[test]
    fn what_is_no_target_is_said() {
        let long = format!("https://x.example/{}", "a".repeat(TARGET_BYTES_MAX));
        for (text, expected) in [
            ("", InvalidTarget::NoAddress),
            ("hooks.example.com", InvalidTarget::NoAddress),
            ("https://", InvalidTarget::NoAddress),
            ("https://256.1.1.1", InvalidTarget::NoAddress),
            ("ftp://x.example", InvalidTarget::Scheme),
            ("file:///etc/passwd", InvalidTarget::Scheme),
            ("unix:/run/x", InvalidTarget::Scheme),
            ("https://user@x.example", InvalidTarget::Credentials),
            ("https://:password@x.example", InvalidTarget::Credentials),
            ("https://x.example/#a", InvalidTarget::Fragment),
            ("https://x.example:0/", InvalidTarget::Port),
            (long.as_str(), InvalidTarget::TooLong),
        ] {
            assert_eq!(text.parse::<Target>(), Err(expected), "{text}");
        }
        let plain: Target = "http://x.example".parse().expect("a target");
        assert_eq!(Guard::default().check_early(&plain), Err(Refusal::Unencrypted));
        assert_eq!(guard(&["10.0.0.0/8"], &[]).check_early(&plain), Ok(()));
    }
}
