//! Envoy's question by gRPC: what the door reads of a message is what a naive reader of protobuf finds in the same bytes.

use std::net::IpAddr;
use std::sync::LazyLock;

use claviger_domain::ip_list::IpRange;
use claviger_doors::client_ip::{TrustedProxies, forwarded_for, parse_address};
use claviger_doors::grpc::Question;
use claviger_doors::grpc::messages::CheckRequest;
use prost::Message;

static TRUSTED: LazyLock<TrustedProxies> =
    LazyLock::new(|| TrustedProxies::new(&["10.0.0.0/8".parse::<IpRange>().expect("a range")]));

/// The most sets that a route may require.
const REQUIRES_MAX: usize = 100;

/// The fields of a message in their order; `None`: a number.
struct Fields(Vec<(u64, Option<Vec<u8>>)>);

/// What stands in the message.
#[derive(Debug, PartialEq)]
struct Understood {
    method: String,
    target: String,
    host: String,
    lines: Vec<(String, Vec<u8>)>,
    api: Option<String>,
    own_host: Option<String>,
    requires: Vec<String>,
    cost: u64,
    client: Option<IpAddr>,
}

/// The input is a message, without its length.
pub fn check(data: &[u8]) {
    let decoded = CheckRequest::decode(data);
    let read = decoded.as_ref().ok().and_then(Question::of);
    // Where the naive reader gives up nothing can be compared; the door must have got this far without a panic.
    let Some(naive) = naive(data) else { return };
    assert!(decoded.is_ok(), "{}", data.escape_ascii());
    assert_eq!(read.is_some(), naive.is_some(), "whether it is a request: {}", data.escape_ascii());
    let (Some(read), Some(naive)) = (read, naive) else { return };
    assert_eq!(read.ok().as_ref().map(understood), naive, "{}", data.escape_ascii());
}

fn understood(question: &Question<'_>) -> Understood {
    let route = &question.route;
    Understood {
        method: question.method.to_string(),
        target: question.target.to_string(),
        host: question.host.to_string(),
        lines: question.lines.iter().map(|line| (line.name.to_owned(), line.value.to_vec())).collect(),
        api: route.api.map(str::to_owned),
        own_host: route.host.map(str::to_owned),
        requires: route.requires.iter().map(|set| (*set).to_owned()).collect(),
        cost: route.cost,
        client: question.client_ip(&TRUSTED).ok(),
    }
}

/// By the rules of the encoding alone: a message that stands there several times is its parts one behind the other, of a text the
/// last one counts. Outside: no message; then: no request; inside: one that may not be.
#[allow(clippy::option_option, reason = "each is another answer")]
fn naive(data: &[u8]) -> Option<Option<Option<Understood>>> {
    let Some(attributes) = Fields::of(data)?.message(1)? else { return Some(None) };
    let attributes = Fields::of(&attributes)?;
    let source = source(&attributes)?;
    let words = entries(&attributes, 10)?;
    let Some(request) = attributes.message(4)? else { return Some(None) };
    let Some(http) = Fields::of(&request)?.message(2)? else { return Some(None) };
    let http = Fields::of(&http)?;
    let mut lines = Vec::new();
    if let Some(map) = http.message(13)? {
        for line in Fields::of(&map)?.all(1)? {
            let line = Fields::of(line)?;
            let (name, value, raw) = (line.last(1)?, line.last(2)?, line.last(3)?);
            lines.push((name, if raw.is_empty() { value } else { raw }));
        }
    }
    lines.extend(entries(&http, 3)?);
    let lines: Vec<_> = lines
        .into_iter()
        .filter_map(|(name, value)| Some((String::from_utf8(name).ok()?, value.trim_ascii().to_vec())))
        .collect();
    let text = |number| Some(String::from_utf8_lossy(&http.last(number)?).into_owned());
    let mut understood = Understood {
        method: text(2)?,
        target: text(4)?,
        host: text(5)?,
        api: None,
        own_host: None,
        requires: Vec::new(),
        cost: 1,
        client: None,
        lines,
    };
    let is_fine = understood.add_words(&words).is_some() && understood.add_client(source.as_deref()).is_some();
    Some(Some(is_fine.then_some(understood)))
}

/// The address of Envoy's peer, as text.
#[allow(clippy::option_option, reason = "each is another answer")]
fn source(attributes: &Fields) -> Option<Option<Vec<u8>>> {
    let Some(peer) = attributes.message(1)? else { return Some(None) };
    let Some(address) = Fields::of(&peer)?.message(1)? else { return Some(None) };
    let Some(socket) = Fields::of(&address)?.message(1)? else { return Some(None) };
    Some(Some(Fields::of(&socket)?.last(2)?))
}

/// A map.
fn entries(fields: &Fields, number: u64) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let entry = |bytes: &[u8]| Fields::of(bytes).and_then(|entry| Some((entry.last(1)?, entry.last(2)?)));
    fields.all(number)?.into_iter().map(entry).collect()
}

// === impl Understood ===

impl Understood {
    /// `None`: one is wrong, or none that there is.
    fn add_words(&mut self, words: &[(Vec<u8>, Vec<u8>)]) -> Option<()> {
        for (word, value) in words {
            let value = String::from_utf8(value.clone()).ok()?;
            match &**word {
                b"api" => self.api = Some(value),
                b"host" => self.own_host = Some(value),
                b"requires" => {
                    self.requires = value.split(',').map(|set| set.trim().to_owned()).collect();
                    self.requires.retain(|set| !set.is_empty());
                }
                b"cost" => self.cost = value.parse().ok().filter(|cost| *cost <= 1 << 53)?,
                _ => return None,
            }
        }
        (self.requires.len() <= REQUIRES_MAX).then_some(())
    }

    /// `None`: the peer has an address that is none.
    fn add_client(&mut self, source: Option<&[u8]>) -> Option<()> {
        let source = match source {
            Some(text) => Some(parse_address(text).ok()?),
            None => None,
        };
        let told: Vec<_> = self.lines.iter().filter(|(name, _)| name == "x-forwarded-for").collect();
        let named = || match &told[..] {
            [(_, list)] => forwarded_for(list, &TRUSTED).ok(),
            _ => None,
        };
        self.client = match source {
            Some(source) if !TRUSTED.contains(source) || told.is_empty() => Some(source),
            _ => named(),
        };
        Some(())
    }
}

// === impl Fields ===

impl Fields {
    /// `None` where anything is unusual: a number that is too long, a group, an end in the middle.
    fn of(mut bytes: &[u8]) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = number(&mut bytes)?;
            let field = tag >> 3;
            if field == 0 || tag > u64::from(u32::MAX) {
                return None;
            }
            let length = match tag & 7 {
                0 => {
                    number(&mut bytes)?;
                    0
                }
                1 => 8,
                2 => usize::try_from(number(&mut bytes)?).ok()?,
                5 => 4,
                _ => return None,
            };
            let (value, rest) = bytes.split_at_checked(length)?;
            fields.push((field, (tag & 7 == 2).then(|| value.to_vec())));
            bytes = rest;
        }
        Some(Self(fields))
    }

    /// `None`: one of them is a number.
    fn all(&self, number: u64) -> Option<Vec<&[u8]>> {
        self.0.iter().filter(|(field, _)| *field == number).map(|(_, value)| value.as_deref()).collect()
    }

    /// Empty where there is none.
    fn last(&self, number: u64) -> Option<Vec<u8>> {
        Some(self.all(number)?.last().copied().unwrap_or_default().to_vec())
    }

    #[allow(clippy::option_option, reason = "each is another answer")]
    fn message(&self, number: u64) -> Option<Option<Vec<u8>>> {
        let parts = self.all(number)?;
        Some((!parts.is_empty()).then(|| parts.concat()))
    }
}

/// Seven bits a byte, the lowest first; `None`: more than ten bytes or 64 bits.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u128;
    for at in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u128::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return u64::try_from(value).ok();
        }
    }
    None
}
