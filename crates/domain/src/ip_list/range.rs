//! One range of addresses and its spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest spelling of a range, in bytes: two IPv6 addresses with a mapped tail, spaces and a dash.
pub const MAX_IP_RANGE_BYTES: usize = 100;
/// `::ffff:0.0.0.0`: where IPv4 begins in the space of all addresses.
pub(super) const IPV4_FIRST: u128 = 0xffff_0000_0000;
/// `::ffff:255.255.255.255`.
pub(super) const IPV4_LAST: u128 = 0xffff_ffff_ffff;

/// Addresses of one family from the first to the last: an address, a network or an `a-b` range.
///
/// Two spellings of the same addresses are equal, and one text is written for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpRange {
    first: IpAddr,
    last: IpAddr,
}

/// Why a text is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IpRangeProblem {
    /// Neither an address nor a network nor a range; names are not looked up.
    #[error("expected an IP address, a network such as 192.0.2.0/24 or a range such as 192.0.2.1-192.0.2.9")]
    NotAnAddress,
    /// `fe80::1%eth0`: a zone means something on one machine only.
    #[error("an address may not have a zone (`%...`)")]
    Zone,
    /// Not a number, or more bits than the address has.
    #[error("the prefix length behind `/` must be a number from 0 to 32 for IPv4, to 128 for IPv6")]
    PrefixLength,
    /// The ends are of two families.
    #[error("both ends of a range must be IPv4 or both IPv6")]
    MixedFamilies,
    /// The first address comes after the last.
    #[error("the first address of a range may not come after the last")]
    Reversed,
}

/// Where an address stands in the space of all addresses; IPv4 stands where its mapped form does.
pub(super) fn position(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => IPV4_FIRST | u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

// === impl IpRange ===

impl IpRange {
    /// The first address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address, which belongs to it.
    pub fn last(&self) -> IpAddr {
        self.last
    }

    /// Whether the address is in it; a mapped IPv4 address counts as IPv4.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.is_ipv4() && (self.first..=self.last).contains(&ip)
    }

    pub(super) fn is_ipv4(&self) -> bool {
        self.first.is_ipv4()
    }

    pub(super) fn positions(&self) -> (u128, u128) {
        (position(self.first), position(self.last))
    }

    fn network(address: &str, length: &str) -> Result<Self, IpRangeProblem> {
        let address: IpAddr = parse_address(address)?;
        let plain = !length.is_empty() && length.len() <= 3 && length.bytes().all(|byte| byte.is_ascii_digit());
        let padded = length.len() > 1 && length.starts_with('0');
        let length: u32 = length.parse().ok().filter(|_| plain && !padded).ok_or(IpRangeProblem::PrefixLength)?;
        match address {
            IpAddr::V4(ip) => {
                let host = 32_u32.checked_sub(length).ok_or(IpRangeProblem::PrefixLength)?;
                let mask = u32::MAX.checked_shl(host).unwrap_or(0);
                let first = u32::from(ip) & mask;
                Ok(Self { first: Ipv4Addr::from(first).into(), last: Ipv4Addr::from(first | !mask).into() })
            }
            IpAddr::V6(ip) => {
                let host = 128_u32.checked_sub(length).ok_or(IpRangeProblem::PrefixLength)?;
                let mask = u128::MAX.checked_shl(host).unwrap_or(0);
                let first = u128::from(ip) & mask;
                Self::between(Ipv6Addr::from(first).into(), Ipv6Addr::from(first | !mask).into())
            }
        }
    }

    /// A range of two addresses; mapped IPv4 becomes IPv4, where that holds for both ends.
    fn between(first: IpAddr, last: IpAddr) -> Result<Self, IpRangeProblem> {
        let (canonical_first, canonical_last) = (first.to_canonical(), last.to_canonical());
        let (first, last) = if canonical_first.is_ipv4() == canonical_last.is_ipv4() {
            (canonical_first, canonical_last)
        } else {
            (first, last)
        };
        if first.is_ipv4() != last.is_ipv4() {
            return Err(IpRangeProblem::MixedFamilies);
        }
        if first > last { Err(IpRangeProblem::Reversed) } else { Ok(Self { first, last }) }
    }

    /// The prefix length, if the range is a network.
    fn prefix_length(&self) -> Option<u32> {
        let (first, last) = self.positions();
        let bits = if self.is_ipv4() { 32 } else { 128 };
        let hosts = first ^ last;
        let is_network = hosts & hosts.wrapping_add(1) == 0 && first & hosts == 0;
        is_network.then_some(bits - hosts.count_ones())
    }
}

impl From<IpAddr> for IpRange {
    fn from(ip: IpAddr) -> Self {
        let ip = ip.to_canonical();
        Self { first: ip, last: ip }
    }
}

impl FromStr for IpRange {
    type Err = IpRangeProblem;

    fn from_str(text: &str) -> Result<Self, IpRangeProblem> {
        if text.len() > MAX_IP_RANGE_BYTES {
            return Err(IpRangeProblem::NotAnAddress);
        }
        let text = text.trim_ascii();
        if let Some((address, length)) = text.split_once('/') {
            return Self::network(address, length);
        }
        match text.split_once('-') {
            Some((first, last)) => Self::between(parse_address(first.trim_ascii())?, parse_address(last.trim_ascii())?),
            None => Ok(parse_address(text)?.into()),
        }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix_length() {
            _ if self.first == self.last => write!(f, "{}", self.first),
            Some(length) => write!(f, "{}/{length}", self.first),
            None => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

impl Serialize for IpRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::wire::from_text(deserializer)
    }
}

fn parse_address(text: &str) -> Result<IpAddr, IpRangeProblem> {
    match text.parse() {
        Ok(ip) => Ok(ip),
        Err(_) if text.contains('%') => Err(IpRangeProblem::Zone),
        Err(_) => Err(IpRangeProblem::NotAnAddress),
    }
}
