//! What a message of Envoy's says: the request at the gateway, and what the configuration of its route says of it.

use std::borrow::Cow;
use std::net::IpAddr;

use httparse::Header;

use super::messages::{Attributes, CheckRequest, Entry, HttpRequest};
use crate::client_ip::{TrustedProxies, parse_address};
use crate::headers::{ENVOY, Found, Undescribed, text};
use crate::lines::Lines;
use crate::question::{COST_MAX, REQUIRES_MAX};

/// Where Envoy says whether it sent all of a body.
const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// A question, as the door reads it.
#[derive(Debug)]
pub struct Question<'m> {
    /// The method.
    pub method: Cow<'m, str>,
    /// The target, query included.
    pub target: Cow<'m, str>,
    /// The host that the client named.
    pub host: Cow<'m, str>,
    /// The header lines: as they came, or those of one name in one.
    pub lines: Vec<Header<'m>>,
    /// What the route's configuration says.
    pub route: Route<'m>,
    /// Whom Envoy names as its peer.
    source: Option<IpAddr>,
    http: &'m HttpRequest,
}

/// What the configuration of a route says, where no client can write.
#[derive(Debug, PartialEq, Eq)]
pub struct Route<'m> {
    /// The API, by slug or id.
    pub api: Option<&'m str>,
    /// The gateway's own name.
    pub host: Option<&'m str>,
    /// Sets that the key must hold.
    pub requires: Vec<&'m str>,
    /// What the request takes of limits.
    pub cost: u64,
}

// === impl Question ===

impl<'m> Question<'m> {
    /// Reads a message; `None`: it describes no request.
    pub fn of(request: &'m CheckRequest) -> Option<Result<Self, Undescribed>> {
        let attributes = request.attributes.as_ref()?;
        let http = attributes.request.as_ref()?.http.as_ref()?;
        Some(Self::read(attributes, http))
    }

    fn read(attributes: &'m Attributes, http: &'m HttpRequest) -> Result<Self, Undescribed> {
        Ok(Self {
            route: Route::of(&attributes.context_extensions)?,
            source: source(attributes)?,
            method: text(&http.method),
            target: text(&http.path),
            host: text(&http.host),
            lines: lines_of(http),
            http,
        })
    }

    /// The body of the request, if Envoy sends it. Of one that came in part a signature would be no signature of the rest, and
    /// what Envoy made text of may have been something else.
    pub(super) fn body(&self) -> Option<Result<&'m [u8], &'static str>> {
        let is_partial = Lines::new(&self.lines).all(PARTIAL_BODY).any(|value| value != b"false");
        match (&self.http.raw_body, &self.http.body) {
            (raw, _) if !raw.is_empty() && is_partial => Some(Err("signature of a body that came in part")),
            (raw, _) if !raw.is_empty() => Some(Ok(raw)),
            (_, text) if !text.is_empty() => Some(Err("signature of a body that came as text")),
            _ => None,
        }
    }

    /// The client's address: the one that Envoy knows, or whom a trusted proxy in front of it names.
    pub fn client_ip(&self, trusted: &TrustedProxies) -> Result<IpAddr, Undescribed> {
        self.client_ip_of(&ENVOY.find(Lines::new(&self.lines)), trusted)
    }

    /// The same, where the headers have been looked at.
    pub(super) fn client_ip_of(&self, found: &Found<'_>, trusted: &TrustedProxies) -> Result<IpAddr, Undescribed> {
        match self.source {
            Some(source) if !trusted.contains(source) || !found.names_client() => Ok(source),
            // Through a Unix socket, or a proxy.
            _ => ENVOY.client_ip(found, trusted),
        }
    }
}

fn source(attributes: &Attributes) -> Result<Option<IpAddr>, Undescribed> {
    let address = attributes.source.as_ref().and_then(|source| source.address.as_ref());
    let address = address.and_then(|address| address.socket_address.as_ref());
    address.map(|address| parse_address(&address.address)).transpose().map_err(|problem| Undescribed {
        check: "gateway message without a client address",
        detail: format!("The source {problem}."),
    })
}

fn lines_of(http: &HttpRequest) -> Vec<Header<'_>> {
    let raw = http.header_map.iter().flat_map(|map| &map.headers).map(|line| {
        let value = if line.raw_value.is_empty() { &line.value } else { &line.raw_value };
        (&line.key, value)
    });
    let joined = http.headers.iter().map(|entry| (&entry.key, &entry.value));
    // Envoy sends one of the two.
    let all = raw.chain(joined);
    // A name that is no text is none that is looked at.
    all.filter_map(|(name, value)| Some(Header { name: std::str::from_utf8(name).ok()?, value: value.trim_ascii() }))
        .collect()
}

// === impl Route ===

impl<'m> Route<'m> {
    /// A word that is not known is no way to leave a check out: it is refused.
    fn of(entries: &'m [Entry]) -> Result<Self, Undescribed> {
        let wrong =
            |detail: &str| Undescribed { check: "gateway message with a wrong extension", detail: detail.into() };
        let mut route = Self { api: None, host: None, requires: Vec::new(), cost: 1 };
        for entry in entries {
            let value = std::str::from_utf8(&entry.value).map_err(|_| wrong("A context extension is no text."))?;
            match &*entry.key {
                b"api" => route.api = Some(value),
                b"host" => route.host = Some(value),
                b"requires" => {
                    let sets = value.split(',').map(str::trim).filter(|set| !set.is_empty());
                    route.requires = sets.take(REQUIRES_MAX + 1).collect();
                }
                b"cost" => {
                    let cost = value.parse().ok().filter(|cost| *cost <= COST_MAX);
                    route.cost =
                        cost.ok_or_else(|| wrong("The context extension cost is no whole number from 0 to 2^53."))?;
                }
                _ => return Err(wrong("A context extension is none of api, host, requires and cost.")),
            }
        }
        if route.requires.len() > REQUIRES_MAX {
            return Err(wrong("The context extension requires names too many sets."));
        }
        Ok(route)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::messages::{Address, HeaderMap, HeaderValue, Peer, Request, SocketAddress};
    use super::*;

    fn entry(key: &'static str, value: &'static str) -> Entry {
        Entry { key: key.into(), value: value.into() }
    }

    #[test]
    fn extensions_are_four_words_and_no_other() {
        let entries = [entry("api", "shop"), entry("requires", " a, b,,"), entry("host", "h"), entry("cost", "7")];
        let route = Route::of(&entries).expect("known words");
        assert_eq!(route, Route { api: Some("shop"), host: Some("h"), requires: vec!["a", "b"], cost: 7 });
        assert_eq!(Route::of(&[]).expect("none is fine").cost, 1);
        let many = "s,".repeat(REQUIRES_MAX + 1);
        let wrong = [
            entry("require", "a"),
            entry("cost", "-1"),
            entry("cost", "1.5"),
            entry("cost", ""),
            entry("cost", "9007199254740993"),
            Entry { key: "requires".into(), value: many.into() },
            Entry { key: "api".into(), value: Bytes::from_static(b"\xff") },
        ];
        for wrong in wrong {
            assert!(Route::of(std::slice::from_ref(&wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn lines_are_read_raw_or_joined_and_what_is_no_text_is_no_name() {
        let header = |key: &'static [u8], value: &'static [u8], raw: &'static [u8]| HeaderValue {
            key: Bytes::from_static(key),
            value: Bytes::from_static(value),
            raw_value: Bytes::from_static(raw),
        };
        let headers = vec![header(b"a", b"1", b""), header(b"a", b"", b" \xff "), header(b"\xff", b"2", b"")];
        let raw = HttpRequest { header_map: Some(HeaderMap { headers }), ..HttpRequest::default() };
        let read: Vec<_> = lines_of(&raw).iter().map(|line| (line.name, line.value)).collect();
        assert_eq!(read, [("a", &b"1"[..]), ("a", b"\xff")]);
        let joined = HttpRequest { headers: vec![entry("b", "1,2")], ..HttpRequest::default() };
        assert_eq!(lines_of(&joined)[0].value, b"1,2");
    }

    #[test]
    fn the_client_is_the_source_or_whom_a_trusted_one_names() {
        let trusted = TrustedProxies::new(&["10.0.0.0/8".parse().expect("a range")]);
        let read = |source: Option<&'static str>, lists: &[&'static str]| {
            let address = source.map(|text| Address { socket_address: Some(SocketAddress { address: text.into() }) });
            let attributes = Attributes { source: Some(Peer { address }), ..Attributes::default() };
            let headers = lists.iter().map(|&list| entry("x-forwarded-for", list)).collect();
            let http = HttpRequest { headers, ..HttpRequest::default() };
            let attributes = Attributes { request: Some(Request { http: Some(http) }), ..attributes };
            let request = CheckRequest { attributes: Some(attributes) };
            let question = Question::of(&request).expect("a request");
            question.and_then(|question| question.client_ip(&trusted)).map(|ip| ip.to_string()).ok()
        };
        for (source, lists, client) in [
            (Some("203.0.113.7"), &["198.51.100.1"][..], Some("203.0.113.7")),
            (Some("10.0.0.1"), &[], Some("10.0.0.1")),
            (Some("10.0.0.1"), &["6.6.6.6, 198.51.100.1, 10.0.0.2"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["198.51.100.1", "198.51.100.2"], None),
            (Some("somebody"), &["198.51.100.1"], None),
            (None, &["198.51.100.1"], Some("198.51.100.1")),
            (None, &[], None),
        ] {
            assert_eq!(read(source, lists).as_deref(), client, "{source:?} {lists:?}");
        }
    }
}
