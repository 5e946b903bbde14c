//! Where the credentials of a request stand, and in which of those places the key was: what the gateway keeps from the
//! protected service.
//!
//! Without sources of the API's own these are `Authorization` (Basic and Bearer) and `X-Api-Key`.

use std::borrow::Cow;

use claviger_domain::credential_source::CredentialSource;
use claviger_engine::{FIELDS_MAX, FieldMask, Presented, Verdict};

use crate::headers::Found;
use crate::lines::Lines;

const AUTHORIZATION: &str = "authorization";
const X_API_KEY: &str = "x-api-key";
const X_TOKEN: &str = "x-token";
const X_API_SIGNATURE: &str = "x-api-signature";
/// What stands before a parameter's name where places are named.
const QUERY: &str = "query:";

/// The credentials of a request, with the place of each.
#[derive(Debug)]
pub(crate) struct Credentials<'r> {
    pub(crate) presented: Presented<'r>,
    places: [Place<'r>; FIELDS_MAX],
    count: usize,
}

/// Where a field stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place<'r> {
    #[default]
    Authorization,
    XApiKey,
    Header(&'r str),
    Query(&'r str),
}

// === impl Credentials ===

impl<'r> Credentials<'r> {
    /// Those of a request: all lines of each header, in the order of the sources. `target` is where a source of the query
    /// looks.
    pub(crate) fn of(lines: Lines<'r>, target: &'r str, sources: Option<&'r [CredentialSource]>) -> Self {
        match sources {
            None => Self::usual(lines),
            Some(sources) => Self::chosen(lines, target, sources),
        }
    }

    /// The same, of a request whose headers were looked at.
    pub(crate) fn found(
        found: &Found<'r>,
        lines: Lines<'r>,
        target: &'r str,
        sources: Option<&'r [CredentialSource]>,
    ) -> Self {
        let all = match (found.only_authorization(), sources) {
            (Some(value), None) => Self::none().with_authorization(value),
            _ if found.has_token() => Self::of(lines, target, sources).with_tokens(lines),
            _ => Self::of(lines, target, sources),
        };
        if found.has_signature() { all.with_signatures(lines) } else { all }
    }

    /// The same with signatures, which stand in `X-Api-Signature` alone.
    fn with_signatures(self, lines: Lines<'r>) -> Self {
        lines.all(X_API_SIGNATURE).fold(self, |all, value| {
            let presented = all.presented.with_x_api_signature(value);
            Self { presented, ..all }.noted(Place::Header(X_API_SIGNATURE))
        })
    }

    /// The same with the token of an API user, which stands in `X-Token` alone.
    pub(crate) fn with_tokens(self, lines: Lines<'r>) -> Self {
        let presented = lines.all(X_TOKEN).fold(self.presented, Presented::with_x_token);
        Self { presented, ..self }
    }

    /// Those that stand where they usually do.
    pub(crate) fn usual(lines: Lines<'r>) -> Self {
        let all = lines.all(AUTHORIZATION).fold(Self::none(), Self::with_authorization);
        lines.all(X_API_KEY).fold(all, |all, value| all.with_bare(Place::XApiKey, value))
    }

    /// The places in which the key stood, and what came with it, as `X-Auth-Credential` names them.
    pub(crate) fn places_in(&self, verdict: &Verdict) -> Cow<'static, str> {
        let places = self.places_of(verdict.fields);
        if verdict.api_user().is_some() { format!("{places}, {X_TOKEN}").into() } else { places }
    }

    fn places_of(&self, fields: FieldMask) -> Cow<'static, str> {
        let has = |place| (0..self.count.min(FIELDS_MAX)).any(|at| fields.has(at) && self.places[at] == place);
        let named = (0..self.count.min(FIELDS_MAX)).filter(|at| fields.has(*at)).map(|at| self.places[at]);
        let own = named.clone().any(|place| !matches!(place, Place::Authorization | Place::XApiKey));
        match (has(Place::Authorization), has(Place::XApiKey)) {
            _ if own => listed(named).into(),
            (true, true) => "authorization, x-api-key".into(),
            (true, false) => AUTHORIZATION.into(),
            (false, true) => X_API_KEY.into(),
            (false, false) => "".into(),
        }
    }

    fn chosen(lines: Lines<'r>, target: &'r str, sources: &'r [CredentialSource]) -> Self {
        let mut all = Self::none();
        let accepts = |source| sources.contains(&source);
        let (basic, bearer) = (accepts(CredentialSource::Basic), accepts(CredentialSource::Bearer));
        let mut authorization_read = false;
        for source in sources {
            all = match source {
                CredentialSource::Basic | CredentialSource::Bearer if authorization_read => all,
                CredentialSource::Basic | CredentialSource::Bearer => {
                    authorization_read = true;
                    // What has another scheme than the accepted one is none of ours, whatever it holds.
                    let values = lines.all(AUTHORIZATION);
                    let values = values.filter(|value| if is_bearer(value) { bearer } else { basic });
                    values.fold(all, Self::with_authorization)
                }
                CredentialSource::Header(name) => {
                    let place = if **name == *X_API_KEY { Place::XApiKey } else { Place::Header(name) };
                    lines.all(name).fold(all, |all, value| all.with_bare(place, value))
                }
                CredentialSource::Query(name) => {
                    let values = parameters(target, name);
                    values.fold(all, |all, value| all.with_bare(Place::Query(name), value.as_bytes()))
                }
            };
        }
        all
    }

    fn none() -> Self {
        Self { presented: Presented::new(), places: [Place::default(); FIELDS_MAX], count: 0 }
    }

    fn with_authorization(self, value: &'r [u8]) -> Self {
        let presented = self.presented.with_authorization(value);
        Self { presented, ..self }.noted(Place::Authorization)
    }

    fn with_bare(self, place: Place<'r>, value: &'r [u8]) -> Self {
        let presented = self.presented.with_x_api_key(value);
        Self { presented, ..self }.noted(place)
    }

    fn noted(mut self, place: Place<'r>) -> Self {
        if let Some(noted) = self.places.get_mut(self.count) {
            *noted = place;
        }
        self.count += 1;
        self
    }
}

/// The headers in which a key of an API with these sources may stand, or something that comes with it.
pub(crate) fn headers_of(sources: Option<&[CredentialSource]>) -> impl Iterator<Item = &str> {
    let own = sources.unwrap_or_default().iter().filter_map(|source| match source {
        CredentialSource::Header(name) if **name != *X_API_KEY => Some(&**name),
        _ => None,
    });
    [AUTHORIZATION, X_API_KEY, X_TOKEN].into_iter().chain(own)
}

/// Whether a value of `Authorization` is of the scheme Bearer; every other one is judged as Basic is.
pub(crate) fn is_bearer(value: &[u8]) -> bool {
    const BEARER: &[u8] = b"bearer";
    let value = value.trim_ascii_start();
    value.len() >= BEARER.len()
        && value[..BEARER.len()].eq_ignore_ascii_case(BEARER)
        && value.get(BEARER.len()).is_none_or(u8::is_ascii_whitespace)
}

/// The values of a parameter of the query, as they stand there: a key has no character that needs an escape.
fn parameters<'t>(target: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(move |pair| {
        let (given, value) = pair.split_once('=')?;
        (given == name).then_some(value)
    })
}

/// Names of places with commas between them, each once.
fn listed<'p>(places: impl Iterator<Item = Place<'p>>) -> String {
    let mut names: Vec<String> = Vec::new();
    for place in places {
        let name = match place {
            Place::Authorization => AUTHORIZATION.to_owned(),
            Place::XApiKey => X_API_KEY.to_owned(),
            Place::Header(name) => name.to_owned(),
            Place::Query(name) => format!("{QUERY}{name}"),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use httparse::Header;

    use super::*;

    const KEY: &str = "clv_live_0123456789abcdefghijABCDEFGHIJ01234567";

    fn headers<'h>(lines: &[(&'h str, &'h str)]) -> Vec<Header<'h>> {
        lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect()
    }

    fn sources(texts: &[&str]) -> Vec<CredentialSource> {
        texts.iter().map(|text| text.parse().expect("a source")).collect()
    }

    /// How many fields are presented, and what is named if the key stood in all of them.
    fn found(lines: &[(&'static str, &'static str)], target: &str, given: Option<&[&str]>) -> (usize, String) {
        let (map, chosen) = (headers(lines), given.map(sources));
        let all = Credentials::of(Lines::new(&map), target, chosen.as_deref());
        (all.count, all.places_of((0..FIELDS_MAX).collect()).into_owned())
    }

    #[test]
    fn the_usual_places_are_authorization_and_x_api_key() {
        let lines = [("authorization", "Bearer jwt"), ("x-api-key", KEY), ("token", KEY)];
        assert_eq!(found(&lines, "/?key=x", None), (2, "authorization, x-api-key".to_owned()));
        let map = headers(&lines);
        let all = Credentials::usual(Lines::new(&map));
        assert_eq!(all.places_of([1].into_iter().collect()), "x-api-key");
        assert_eq!(all.places_of([0].into_iter().collect()), "authorization");
        assert_eq!(all.places_of(FieldMask::default()), "");
    }

    #[test]
    fn an_api_with_sources_of_its_own_looks_nowhere_else() {
        let lines = [("authorization", "Bearer jwt"), ("x-api-key", KEY), ("token", KEY)];
        assert_eq!(found(&lines, "/", Some(&["Token"])), (1, "token".to_owned()));
        assert_eq!(found(&lines, "/", Some(&["basic"])), (0, String::new()));
        assert_eq!(found(&lines, "/", Some(&["basic", "bearer"])), (1, "authorization".to_owned()));
        assert_eq!(found(&lines, "/", Some(&["token", "x-api-key"])), (2, "token, x-api-key".to_owned()));
        let basic = [("authorization", "Basic eDp5")];
        assert_eq!(found(&basic, "/", Some(&["bearer"])).0, 0);
        assert_eq!(found(&basic, "/", Some(&["basic"])).0, 1);
    }

    #[test]
    fn the_query_is_read_where_it_is_chosen() {
        let target = format!("/a?x=1&key={KEY}&key={KEY}&keys=2");
        assert_eq!(found(&[], &target, None).0, 0);
        assert_eq!(found(&[], &target, Some(&["query:key"])), (2, "query:key".to_owned()));
        assert_eq!(found(&[], "/a?key", Some(&["query:key"])).0, 0);
        assert_eq!(found(&[], "/a", Some(&["query:key"])).0, 0);
    }

    #[test]
    fn schemes_are_told_apart_as_the_engine_does() {
        for (value, bearer) in
            [("Bearer x", true), ("bearer", true), ("BEARER\tx", true), ("bearers x", false), ("Basic x", false)]
        {
            assert_eq!(is_bearer(value.as_bytes()), bearer, "{value}");
        }
    }
}
