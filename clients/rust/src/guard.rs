//! What stands before a service: reads a request, asks, and lets it pass or not.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;

use crate::address::TrustedProxies;
use crate::client::Client;
use crate::error::{Error, SettingError};
use crate::question::Question;
use crate::refusal::{Refusal, add_limits};
use crate::source::Sources;
use crate::verdict::{Code, Verdict};

/// Headers by which some services take another method than the request's.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// What happens to a request while the server is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnOutage {
    /// Nobody passes: 503.
    #[default]
    Refuse,
    /// Everybody passes, with any key or none. Only for what does no harm in anybody's hands.
    Pass,
}

/// Judges requests before a service. Cheap to clone.
///
/// ```
/// use claviger_client::{Client, Guard};
///
/// let client = Client::builder("http://127.0.0.1:7601").api("shop").build()?;
/// let guard = Guard::new(client).trusted_proxies(["10.0.0.0/8"])?.host("api.example.com");
/// # Ok::<(), claviger_client::SettingError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Guard {
    client: Client,
    settings: Arc<Settings>,
}

#[derive(Debug, Clone, Default)]
struct Settings {
    requires: Vec<String>,
    host: Option<String>,
    sources: Sources,
    trusted: TrustedProxies,
    on_outage: OnOutage,
}

/// A request that may go on.
#[derive(Debug, Clone)]
pub struct Passed {
    judged: Result<Verdict, Error>,
}

/// Who is connected, where the HTTP server says so by this extension of a request. With the feature `axum` its `ConnectInfo` counts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

// === impl Guard ===

impl Guard {
    /// One that refuses everybody while the server is away, takes who is connected for the client, and looks for keys in
    /// `Authorization` (Basic and Bearer) and `X-Api-Key`.
    pub fn new(client: Client) -> Self {
        Self { client, settings: Arc::default() }
    }

    /// The proxies before the service, as addresses and networks: from them alone `X-Forwarded-For` is believed, walked from the
    /// right to the first address that is none of them.
    ///
    /// # Errors
    /// One of them is no address and no network.
    pub fn trusted_proxies<'a>(self, ranges: impl IntoIterator<Item = &'a str>) -> Result<Self, SettingError> {
        let trusted = TrustedProxies::parse(ranges)?;
        Ok(self.with(|settings| settings.trusted = trusted))
    }

    /// Where keys stand, in the words of the API's `credential_sources`: `basic`, `bearer`, `x-api-key`, or one header of its own.
    ///
    /// # Errors
    /// A word that is no header, or a second header of one's own.
    pub fn sources<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Result<Self, SettingError> {
        let sources = Sources::parse(words)?;
        Ok(self.with(|settings| settings.sources = sources))
    }

    /// The service's own name, in the place of the one that the client sends.
    #[must_use]
    pub fn host(self, host: impl Into<String>) -> Self {
        let host = host.into();
        self.with(|settings| settings.host = Some(host))
    }

    /// API sets that every key must hold.
    #[must_use]
    pub fn requires(self, sets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let sets = sets.into_iter().map(Into::into).collect();
        self.with(|settings| settings.requires = sets)
    }

    /// What happens while the server is away.
    #[must_use]
    pub fn on_outage(self, choice: OnOutage) -> Self {
        self.with(|settings| settings.on_outage = choice)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// May this request pass? Its head is enough.
    ///
    /// # Errors
    /// It may not: the refusal is what its client gets.
    pub async fn judge(&self, request: &Parts) -> Result<Passed, Box<Refusal>> {
        let Settings { sources, on_outage, .. } = &*self.settings;
        let question = self.question(request).map_err(|(code, detail)| Refusal::own(&code, detail, sources))?;
        match self.client.verify(&question).await {
            Ok(verdict) if verdict.is_allowed() => Ok(Passed { judged: Ok(verdict) }),
            Ok(verdict) => Err(Box::new(Refusal::of_verdict(verdict, sources))),
            Err(error) if error.is_outage() && *on_outage == OnOutage::Pass => Ok(Passed { judged: Err(error) }),
            Err(error) => Err(Box::new(Refusal::of_error(error))),
        }
    }

    fn question(&self, request: &Parts) -> Result<Question, (Code, &'static str)> {
        let Settings { requires, host, sources, trusted, .. } = &*self.settings;
        if overrides_method(request) {
            return Err((Code::OperationNotAllowed, "The request names another method in a header."));
        }
        let mut question = Question::default().request(request.method.as_str(), target(request));
        question.client_ip = trusted.client(peer(request), &request.headers);
        question.requires.clone_from(requires);
        question.host = match host {
            Some(own) => Some(own.clone()),
            None => sent_host(request).map_err(|()| (Code::OperationNotAllowed, "The request names several hosts."))?,
        };
        let two = "The credential has no valid form, or there are two different ones.";
        sources.read(&request.headers, &mut question).map_err(|_| (Code::Malformed, two))?;
        Ok(question)
    }
}

/// The target as it came, before any router took something off its beginning.
fn target(request: &Parts) -> String {
    #[cfg(feature = "axum")]
    let uri = request.extensions.get::<axum::extract::OriginalUri>().map_or(&request.uri, |original| &original.0);
    #[cfg(not(feature = "axum"))]
    let uri = &request.uri;
    uri.path_and_query().map_or_else(|| uri.path().to_owned(), |target| target.as_str().to_owned())
}

fn peer(request: &Parts) -> Option<IpAddr> {
    #[cfg(feature = "axum")]
    if let Some(info) = request.extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>() {
        return Some(info.0.ip());
    }
    request.extensions.get::<Peer>().map(|peer| peer.0)
}

/// The host that the client names: that of the target where it has one (HTTP/2), else the header.
fn sent_host(request: &Parts) -> Result<Option<String>, ()> {
    if let Some(authority) = request.uri.authority() {
        return Ok(Some(authority.as_str().to_owned()));
    }
    let mut lines = request.headers.get_all(HOST).iter();
    let first = lines.next();
    if lines.next().is_some() {
        return Err(());
    }
    first.map(|line| line.to_str().map(str::to_owned).map_err(|_| ())).transpose()
}

/// Whether a header names another method than the request has. The question has one method, so no other may reach the service.
fn overrides_method(request: &Parts) -> bool {
    let values = METHOD_OVERRIDES.iter().flat_map(|name| request.headers.get_all(*name));
    let mut others = values.filter(|value| !value.as_bytes().eq_ignore_ascii_case(request.method.as_str().as_bytes()));
    others.next().is_some()
}

// === impl Passed ===

impl Passed {
    /// The verdict; `None` if the request passes unjudged, as [`OnOutage::Pass`] chose.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.judged.as_ref().ok()
    }

    /// Why there is no verdict.
    pub fn error(&self) -> Option<&Error> {
        self.judged.as_ref().err()
    }

    /// Adds `RateLimit` and `RateLimit-Policy` to the answer.
    pub fn add_limits(&self, headers: &mut HeaderMap) {
        add_limits(self.verdict().map_or(&[], |verdict| &verdict.limits), headers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Parts {
        build(http::Request::builder()).body(()).expect("a request").into_parts().0
    }

    fn guard() -> Guard {
        Guard::new(Client::builder("http://127.0.0.1:1").build().expect("a client"))
    }

    #[test]
    fn the_target_is_asked_about_as_it_came() {
        let request = parts(|request| request.uri("/a/../b%2f//c;d?x=%00&y").header("host", "api.example.com"));
        let question = guard().question(&request).expect("a question");
        assert_eq!(question.path.as_deref(), Some("/a/../b%2f//c;d?x=%00&y"));
        assert_eq!(question.host.as_deref(), Some("api.example.com"));
        assert_eq!(question.client_ip, None, "nobody said who is connected");
    }

    #[test]
    fn another_method_in_a_header_is_refused_and_the_same_passes() {
        for name in METHOD_OVERRIDES {
            let request = |value: &str| parts(|request| request.method("POST").uri("/").header(name, value));
            assert!(guard().question(&request("DELETE")).is_err(), "{name}");
            assert!(guard().question(&request("post")).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_host_of_ones_own_counts_and_two_of_the_client_do_not() {
        let two = parts(|request| request.uri("/").header("host", "a").header("host", "b"));
        assert!(guard().question(&two).is_err());
        assert_eq!(guard().host("own").question(&two).expect("a question").host.as_deref(), Some("own"));
    }

    #[test]
    fn only_a_trusted_peer_names_another_client() {
        let guard = guard().trusted_proxies(["10.0.0.0/8"]).expect("ranges");
        let asked = |peer: &str| {
            let peer = Peer(peer.parse().expect("an address"));
            let request = parts(|request| request.uri("/").header("x-forwarded-for", "203.0.113.7").extension(peer));
            guard.question(&request).expect("a question").client_ip.map(|ip| ip.to_string())
        };
        assert_eq!(asked("10.0.0.1").as_deref(), Some("203.0.113.7"));
        assert_eq!(asked("198.51.100.1").as_deref(), Some("198.51.100.1"));
    }
}
