//! What a gateway says about the request that it judges: one fixed family of headers a door.
//!
//! A gateway passes every header of the client on, so a header counts only if it stands there exactly once: then it
//! is the gateway's own, which overwrites the client's. Headers of the other family are never looked at.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::client_ip::{TrustedProxies, forwarded_for, parse_address};
use crate::lines::{Lines, visible};

/// Most values of method overrides that are looked at; a request with more is refused.
pub(crate) const OVERRIDES_MAX: usize = 8;

const X_CLAVIGER_DOOR: &str = "x-claviger-door";
/// By which some frameworks replace the method of a request.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The names of a door's headers.
#[derive(Debug)]
pub(crate) struct Family {
    method: &'static str,
    target: &'static str,
    host: &'static str,
    client: &'static str,
    /// Whether `client` is a list that proxies append to.
    client_is_list: bool,
}

/// `/v1/authorize`.
pub(crate) static FORWARDED: Family = Family {
    method: "x-forwarded-method",
    target: "x-forwarded-uri",
    host: "x-forwarded-host",
    client: "x-forwarded-for",
    client_is_list: true,
};

/// `/v1/authorize/nginx`.
pub(crate) static ORIGINAL: Family = Family {
    method: "x-original-method",
    target: "x-original-uri",
    host: "x-original-host",
    client: "x-real-ip",
    client_is_list: false,
};

/// Envoy's doors: method and target are those of the question itself, so no header has their names.
pub(crate) static ENVOY: Family =
    Family { method: "", target: "", host: "host", client: "x-forwarded-for", client_is_list: true };

/// Apache's door: the request is told apart from its headers, so no header has these names.
pub(crate) static TOLD: Family = Family { method: "", target: "", host: "", client: "", client_is_list: false };

/// The headers that a door looks at. One pass over all of them costs as much as to look up two by name.
#[derive(Default)]
pub(crate) struct Found<'h> {
    method: Line<'h>,
    target: Line<'h>,
    host: Line<'h>,
    client: Line<'h>,
    authorization: Line<'h>,
    api_key: Line<'h>,
    token: Line<'h>,
    signature: Line<'h>,
    door_token: Line<'h>,
    agent: Line<'h>,
    origin: Line<'h>,
    preflight_method: Line<'h>,
    /// Of whatever name.
    method_override: Line<'h>,
}

/// How often a header stands there, with the first value.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Line<'h> {
    #[default]
    Absent,
    Once(&'h [u8]),
    Several(&'h [u8]),
}

/// A gateway's headers that do not describe one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undescribed {
    /// In a few words, for the diagnostic log.
    pub check: &'static str,
    /// With the header's name, for the answer.
    pub detail: String,
}

/// The request at the gateway.
#[derive(Debug)]
pub(crate) struct Described<'h> {
    pub(crate) method: Cow<'h, str>,
    pub(crate) target: Cow<'h, str>,
    pub(crate) host: Cow<'h, str>,
    pub(crate) client_ip: IpAddr,
}

/// The values of the override headers.
#[derive(Debug, Default)]
pub(crate) struct Overrides<'h> {
    values: [&'h str; OVERRIDES_MAX],
    count: usize,
}

// === impl Family ===

impl Family {
    /// Looks at every header of the request once.
    pub(crate) fn find<'h>(&self, lines: Lines<'h>) -> Found<'h> {
        let mut found = Found::default();
        for (name, value) in lines.iter() {
            let line = match name.as_bytes() {
                b"authorization" => &mut found.authorization,
                b"user-agent" => &mut found.agent,
                b"x-api-key" => &mut found.api_key,
                b"x-token" => &mut found.token,
                b"x-api-signature" => &mut found.signature,
                b"x-claviger-door" => &mut found.door_token,
                b"origin" => &mut found.origin,
                b"access-control-request-method" => &mut found.preflight_method,
                b"x-http-method-override" | b"x-http-method" | b"x-method-override" => &mut found.method_override,
                name if name == self.method.as_bytes() => &mut found.method,
                name if name == self.target.as_bytes() => &mut found.target,
                name if name == self.host.as_bytes() => &mut found.host,
                name if name == self.client.as_bytes() => &mut found.client,
                _ => continue,
            };
            line.add(value);
        }
        found
    }

    /// The request that the gateway describes.
    pub(crate) fn describe<'h>(
        &self,
        found: &Found<'h>,
        trusted: &TrustedProxies,
    ) -> Result<Described<'h>, Undescribed> {
        let client_ip = self.client_ip(found, trusted)?;
        Ok(Described {
            method: text(found.method.only(self.method)?),
            target: text(found.target.only(self.target)?),
            host: text(found.host.only(self.host)?),
            client_ip,
        })
    }

    /// The client's address, of the header that stands there exactly once.
    pub(crate) fn client_ip(&self, found: &Found<'_>, trusted: &TrustedProxies) -> Result<IpAddr, Undescribed> {
        let client = found.client.only(self.client)?;
        let client_ip = if self.client_is_list { forwarded_for(client, trusted) } else { parse_address(client) };
        client_ip.map_err(|problem| Undescribed {
            check: "gateway header without a client address",
            detail: format!("The header {} {problem}.", self.client),
        })
    }

    /// The host that the question itself was sent to; empty: it names none.
    pub(crate) fn own_host<'h>(&self, found: &Found<'h>) -> Result<Cow<'h, str>, Undescribed> {
        match found.host {
            Line::Absent => Ok(Cow::Borrowed("")),
            host => host.only(self.host).map(text),
        }
    }
}

// === impl Found ===

impl<'h> Found<'h> {
    /// The value of `Authorization`, if that is the only credential that stands where credentials usually do.
    pub(crate) fn only_authorization(&self) -> Option<&'h [u8]> {
        match (self.authorization, self.api_key, self.token) {
            (Line::Once(value), Line::Absent, Line::Absent) => Some(value),
            _ => None,
        }
    }

    /// Whether there is the token of an API user.
    pub(crate) fn has_token(&self) -> bool {
        self.token != Line::Absent
    }

    /// Whether there is a signature.
    pub(crate) fn has_signature(&self) -> bool {
        self.signature != Line::Absent
    }

    /// The door token; an empty header is none.
    pub(crate) fn door_token(&self, lines: Lines<'h>) -> Option<&'h [u8]> {
        if self.door_token == Line::Absent { None } else { door_token(lines) }
    }

    /// The user agent, for the log.
    pub(crate) fn agent(&self) -> Option<&'h str> {
        match self.agent {
            Line::Absent => None,
            Line::Once(value) | Line::Several(value) => visible(value),
        }
    }

    /// Whether the gateway says who the client is.
    pub(crate) fn names_client(&self) -> bool {
        self.client != Line::Absent
    }

    /// Whether the client's headers are those that a browser asks with before a request of another origin (Fetch, 4.8).
    pub(crate) fn is_preflight(&self) -> bool {
        self.origin != Line::Absent && self.preflight_method != Line::Absent
    }

    /// The values of every header by which some framework behind the gateway may replace the method.
    pub(crate) fn method_overrides(&self, lines: Lines<'h>) -> Result<Overrides<'h>, Undescribed> {
        if self.method_override == Line::Absent { Ok(Overrides::default()) } else { method_overrides(lines) }
    }
}

// === impl Line ===

impl<'h> Line<'h> {
    fn add(&mut self, value: &'h [u8]) {
        *self = match *self {
            Self::Absent => Self::Once(value),
            Self::Once(first) | Self::Several(first) => Self::Several(first),
        };
    }

    /// The value of a header that stands there exactly once.
    fn only(self, name: &str) -> Result<&'h [u8], Undescribed> {
        match self {
            Self::Once(value) => Ok(value),
            Self::Absent => Err(Undescribed {
                check: "gateway header missing",
                detail: format!("The header {name} is missing: the gateway must send it."),
            }),
            Self::Several(_) => Err(Undescribed {
                check: "gateway header stands there twice",
                detail: format!("The header {name} stands there twice: the gateway must overwrite it."),
            }),
        }
    }
}

/// Bytes as text. What is no UTF-8 keeps a character that no path, method or host may have, so it gets a verdict.
pub(crate) fn text(value: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(value)
}

/// The door token; an empty header is none. Several that are not empty are one wrong token.
pub(crate) fn door_token(lines: Lines<'_>) -> Option<&[u8]> {
    let mut tokens = lines.all(X_CLAVIGER_DOOR).map(<[u8]>::trim_ascii);
    let token = tokens.find(|token| !token.is_empty())?;
    Some(if tokens.any(|other| !other.is_empty()) { b"several" } else { token })
}

/// The values of every header by which some framework behind the gateway may replace the method.
fn method_overrides(lines: Lines<'_>) -> Result<Overrides<'_>, Undescribed> {
    let mut overrides = Overrides::default();
    for name in METHOD_OVERRIDES {
        for value in lines.all(name) {
            // A value that is no ASCII is no method of any operation, so the request is refused like one.
            let value = visible(value).unwrap_or("\u{fffd}");
            let place = overrides.values.get_mut(overrides.count);
            *place.ok_or_else(|| Undescribed {
                check: "too many method overrides",
                detail: format!("There are more than {OVERRIDES_MAX} method overrides."),
            })? = value;
            overrides.count += 1;
        }
    }
    Ok(overrides)
}

// === impl Overrides ===

impl<'h> Overrides<'h> {
    pub(crate) fn as_slice(&self) -> &[&'h str] {
        &self.values[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use httparse::Header;

    use super::*;

    fn headers<'h>(lines: &[(&'h str, &'h str)]) -> Vec<Header<'h>> {
        lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect()
    }

    const COMPLETE: [(&str, &str); 8] = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", "/a?b"),
        ("x-forwarded-host", "api.example.com"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-original-method", "DELETE"),
        ("x-original-uri", "/c"),
        ("x-original-host", "other.example.com"),
        ("x-real-ip", "198.51.100.1"),
    ];

    #[test]
    fn each_door_reads_its_own_family_alone() {
        let map = headers(&COMPLETE);
        let trusted = TrustedProxies::default();
        let forwarded = FORWARDED.describe(&FORWARDED.find(Lines::new(&map)), &trusted).expect("complete");
        assert_eq!((&*forwarded.method, &*forwarded.target, &*forwarded.host), ("GET", "/a?b", "api.example.com"));
        assert_eq!(forwarded.client_ip.to_string(), "203.0.113.7");
        let original = ORIGINAL.describe(&ORIGINAL.find(Lines::new(&map)), &trusted).expect("complete");
        assert_eq!((&*original.method, &*original.target, &*original.host), ("DELETE", "/c", "other.example.com"));
        assert_eq!(original.client_ip.to_string(), "198.51.100.1");
    }

    #[test]
    fn a_header_that_is_missing_or_stands_there_twice_is_refused_by_name() {
        for (at, (name, value)) in COMPLETE.iter().enumerate() {
            let family = if at < 4 { &FORWARDED } else { &ORIGINAL };
            let missing: Vec<_> = COMPLETE.iter().filter(|(other, _)| other != name).copied().collect();
            let read = |lines: &[Header<'_>]| {
                family.describe(&family.find(Lines::new(lines)), &TrustedProxies::default()).map(drop)
            };
            let error = read(&headers(&missing)).expect_err(name);
            assert!(error.detail.contains(name) && error.check.contains("missing"), "{error:?}");
            let twice: Vec<_> = COMPLETE.iter().copied().chain([(*name, *value)]).collect();
            let error = read(&headers(&twice)).expect_err(name);
            assert!(error.detail.contains(name) && error.check.contains("twice"), "{error:?}");
        }
    }

    #[test]
    fn a_list_is_no_address_at_the_nginx_door() {
        let mut lines = COMPLETE;
        lines[7].1 = "198.51.100.1, 203.0.113.9";
        let map = headers(&lines);
        let error =
            ORIGINAL.describe(&ORIGINAL.find(Lines::new(&map)), &TrustedProxies::default()).expect_err("a list");
        assert_eq!(error.detail, "The header x-real-ip names no IP address.");
    }

    #[test]
    fn an_empty_door_token_is_none_and_several_are_wrong() {
        let token =
            |lines: &[(&'static str, &'static str)]| door_token(Lines::new(&headers(lines))).map(<[u8]>::to_vec);
        assert_eq!(token(&[]), None);
        assert_eq!(token(&[("x-claviger-door", ""), ("x-claviger-door", " ")]), None);
        assert_eq!(token(&[("x-claviger-door", ""), ("x-claviger-door", "t")]), Some(b"t".to_vec()));
        assert_eq!(token(&[("x-claviger-door", "t"), ("x-claviger-door", "t")]), Some(b"several".to_vec()));
    }

    #[test]
    fn all_overrides_are_collected_up_to_their_bound() {
        let map = headers(&[("x-method-override", "PUT"), ("x-http-method", "PATCH"), ("x-http-method", "delete")]);
        assert_eq!(method_overrides(Lines::new(&map)).expect("few").as_slice(), ["PATCH", "delete", "PUT"]);
        let many = [("x-http-method", "PUT"); OVERRIDES_MAX + 1];
        assert!(method_overrides(Lines::new(&headers(&many))).is_err());
    }
}
