//! The call itself: one place, many connections that are used again, a deadline over everything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Error, Problem, SettingError};
use crate::question::{Question, Secret};
use crate::retry;
use crate::verdict::Verdict;

/// The most bytes of an answer: a hundred verdicts with all that a key can carry.
const ANSWER_BYTES_MAX: usize = 4 << 20;
const DOOR_TOKEN: HeaderName = HeaderName::from_static("x-claviger-door");
const DEADLINE: Duration = Duration::from_secs(2);
const RETRIES: u32 = 2;
/// Shorter than the doors keep a quiet connection.
const IDLE: Duration = Duration::from_secs(20);

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

type Http = hyper_util::client::legacy::Client<Connector, Full<Bytes>>;

/// Asks one server. Cheap to clone; clones share their connections, so make one for your program.
///
/// Nothing is cached: each question is asked, and a key that is taken out of service is refused from that moment on.
///
/// ```no_run
/// use claviger_client::{Client, Question};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("http://127.0.0.1:7601").api("shop").build()?;
/// let verdict = client.verify(&Question::of_key("clv_live_…").request("GET", "/orders/7")).await?;
/// if verdict.is_allowed() {
///     println!("{} may", verdict.key.map(|key| key.name).unwrap_or_default());
/// } else {
///     println!("refused: {} {}", verdict.code, verdict.detail.unwrap_or_default());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: Http,
    base: String,
    door_token: Option<HeaderValue>,
    api: Option<String>,
    deadline: Duration,
    retries: u32,
}

/// How a client asks.
#[derive(Debug, Clone)]
pub struct Builder {
    url: String,
    door_token: Option<Secret>,
    api: Option<String>,
    deadline: Duration,
    retries: u32,
    #[cfg(feature = "tls")]
    tls: Option<rustls::ClientConfig>,
}

// === impl Client ===

impl Client {
    /// For the doors at this URL, such as `http://127.0.0.1:7601`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder {
            url: url.into(),
            door_token: None,
            api: None,
            deadline: DEADLINE,
            retries: RETRIES,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// The verdict on a question. `Ok` is no permission: ask [`Verdict::is_allowed`].
    pub async fn verify(&self, question: &Question) -> Result<Verdict, Error> {
        self.ask("/v1/verify", &self.with_api(question)).await
    }

    /// The verdicts on up to 100 questions, in their order; a malformed one is a problem at its place.
    pub async fn verify_batch(&self, questions: &[Question]) -> Result<Vec<Result<Verdict, Box<Problem>>>, Error> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let questions: Vec<_> = questions.iter().map(|question| self.with_api(question)).collect();
        let answers: Vec<Answered> = self.ask("/v1/verify/batch", &questions).await?;
        if answers.len() != questions.len() {
            let (asked, answered) = (questions.len(), answers.len());
            return Err(Error::Unexpected(format!("{answered} answers to {asked} questions")));
        }
        let read = |answer| match answer {
            Answered::Verdict(verdict) => Ok(*verdict),
            Answered::Problem(problem) => Err(problem),
        };
        Ok(answers.into_iter().map(read).collect())
    }

    fn with_api(&self, question: &Question) -> Question {
        let mut question = question.clone();
        if question.api.is_none() {
            question.api.clone_from(&self.0.api);
        }
        question
    }

    /// Asks until there is an answer, no hope, or no time.
    async fn ask<A: DeserializeOwned>(&self, path: &str, question: &impl serde::Serialize) -> Result<A, Error> {
        let unwritable = |error: serde_json::Error| Error::Unexpected(format!("a question that is no JSON: {error}"));
        let body = Bytes::from(serde_json::to_vec(question).map_err(unwritable)?);
        let deadline = Instant::now() + self.0.deadline;
        let mut tries = 0;
        loop {
            let answered = timeout_at(deadline, self.ask_once(path, body.clone())).await;
            let error = match answered.unwrap_or(Err(Error::Deadline)) {
                // What stands in the answer is not repeated: it could be anything.
                Ok(answer) => {
                    let foreign = |_| Error::Unexpected("no verdict in it".to_owned());
                    return serde_json::from_slice(&answer).map_err(foreign);
                }
                Err(error) => error,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            match retry::wait(&error, tries, retry::dice()) {
                Some(wait) if tries < self.0.retries && wait < left => sleep(wait).await,
                _ => return Err(error),
            }
            tries += 1;
        }
    }

    async fn ask_once(&self, path: &str, body: Bytes) -> Result<Bytes, Error> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("{}{path}", self.0.base).parse().map_err(|_| unexpected("no such address"))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.0.door_token {
            request.headers_mut().insert(DOOR_TOKEN, token.clone());
        }
        let answer = self.0.http.request(request).await.map_err(|error| unreachable(&error))?;
        let (head, body) = answer.into_parts();
        let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = match collected {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => return Err(unexpected("it is too long")),
            Err(error) => return Err(Error::Unreachable(error.to_string())),
        };
        judge(Response::from_parts(head, body))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.0.base).field("api", &self.0.api).finish_non_exhaustive()
    }
}

/// An item of a batch: what has a verdict's fields is one.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Answered {
    Verdict(Box<Verdict>),
    Problem(Box<Problem>),
}

/// What an answer means, by its status.
fn judge(answer: Response<Bytes>) -> Result<Bytes, Error> {
    let problem = || Box::new(serde_json::from_slice::<Problem>(answer.body()).unwrap_or_default());
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        StatusCode::SERVICE_UNAVAILABLE => {
            let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Err(Error::Busy(seconds))
        }
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Err(Error::Malformed(problem())),
        StatusCode::FORBIDDEN if problem().code == "door_token" => Err(Error::DoorToken(problem())),
        other => Err(Error::Unexpected(format!("status {}", other.as_u16()))),
    }
}

fn unexpected(what: &str) -> Error {
    Error::Unexpected(what.to_owned())
}

/// The innermost cause says most: `connection refused`.
fn unreachable(error: &dyn std::error::Error) -> Error {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    Error::Unreachable(innermost.to_string())
}

// === impl Builder ===

impl Builder {
    /// The key that holds `claviger-verify`, sent as `X-Claviger-Door`. Doors that others can reach need it.
    #[must_use]
    pub fn door_token(self, token: impl Into<Secret>) -> Self {
        Self { door_token: Some(token.into()), ..self }
    }

    /// The API of questions that name none, by slug or id.
    #[must_use]
    pub fn api(self, api: impl Into<String>) -> Self {
        Self { api: Some(api.into()), ..self }
    }

    /// How long a question may take, retries and waits included; 2 seconds if not given.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// How often to ask again where the connection fails or the server answers 503; 2 if not given. A question whose answer was lost
    /// is asked again too: its limits may be taken twice then.
    #[must_use]
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// TLS of one's own, for certificates that the machine does not trust or for a certificate of the client's.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(self, tls: rustls::ClientConfig) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The client. It connects with the first question.
    ///
    /// # Errors
    /// The URL is none of `http` or `https` with a host and without user, query and fragment; the token can stand in no header;
    /// the machine's certificates cannot be read.
    pub fn build(self) -> Result<Client, SettingError> {
        let base = base_of(&self.url)?;
        let door_token = self.door_token.filter(|token| !token.expose().is_empty());
        let door_token = door_token.map(|token| sensitive(&token)).transpose()?;
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector(
                #[cfg(feature = "tls")]
                self.tls,
                #[cfg(feature = "tls")]
                base.starts_with("https:"),
            )?);
        let Self { api, deadline, retries, .. } = self;
        Ok(Client(Arc::new(Inner { http, base, door_token, api, deadline, retries })))
    }
}

/// The URL without a slash at its end.
fn base_of(url: &str) -> Result<String, SettingError> {
    let wrong = |why: &str| SettingError(format!("the doors' URL {why}"));
    let uri: Uri = url.parse().map_err(|_| wrong("is no URL"))?;
    let known = if cfg!(feature = "tls") { &["http", "https"][..] } else { &["http"] };
    if !uri.scheme_str().is_some_and(|scheme| known.contains(&scheme)) {
        return Err(wrong(if cfg!(feature = "tls") {
            "must begin with http:// or https://"
        } else {
            "must begin with http://"
        }));
    }
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err(wrong("must name a host and no user"));
    }
    if uri.query().is_some() || url.contains('#') {
        return Err(wrong("must have no query and no fragment"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn sensitive(token: &Secret) -> Result<HeaderValue, SettingError> {
    let no_header = |_| SettingError("the door token has characters that no header can have".to_owned());
    let mut value = HeaderValue::from_str(token.expose()).map_err(no_header)?;
    value.set_sensitive(true);
    Ok(value)
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    tcp
}

#[cfg(not(feature = "tls"))]
fn connector() -> Result<Connector, SettingError> {
    Ok(tcp())
}

/// The machine's certificates are read only where they are needed.
#[cfg(feature = "tls")]
fn connector(own: Option<rustls::ClientConfig>, is_https: bool) -> Result<Connector, SettingError> {
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let failed = |error: rustls::Error| SettingError(format!("TLS cannot be set up: {error}"));
    let begin = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let begin = begin.map_err(failed)?;
    let config = match own {
        Some(config) => config,
        None if is_https => begin.with_platform_verifier().map_err(failed)?.with_no_client_auth(),
        // Never asked: the URL is a plain one.
        None => begin.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
    };
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config);
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_place_is_taken_for_the_doors() {
        for (url, base) in [
            ("http://127.0.0.1:7601", "http://127.0.0.1:7601"),
            ("http://doors.internal/", "http://doors.internal"),
            ("http://[::1]:7601/claviger/", "http://[::1]:7601/claviger"),
        ] {
            assert_eq!(base_of(url).as_deref(), Ok(base));
        }
        for url in [
            "",
            "127.0.0.1:7601",
            "/v1",
            "ftp://a",
            "http://",
            "http://me:secret@a",
            "http://a/?b",
            "http://a/#b",
            "http://a b",
        ] {
            let error = base_of(url).expect_err(url).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn nothing_of_the_door_token_is_printed() {
        let builder = Client::builder("http://a").door_token("clv_live_door");
        let client = builder.clone().build().expect("a client");
        assert!(!format!("{builder:?} {client:?}").contains("clv_live_door"));
        let error = Client::builder("http://a").door_token("clv_live\ndoor").build().expect_err("no header");
        assert!(!error.to_string().contains("clv_live"), "{error}");
    }

    #[test]
    fn a_status_that_no_door_answers_with_is_no_verdict() {
        let answer = |status: u16, body: &'static str| {
            let mut answer = Response::new(Bytes::from(body));
            *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
            judge(answer)
        };
        assert!(answer(200, "{}").is_ok());
        assert!(matches!(answer(403, r#"{"code":"door_token"}"#), Err(Error::DoorToken(_))));
        assert!(matches!(answer(400, r#"{"code":"invalid_request"}"#), Err(Error::Malformed(_))));
        for status in [201, 204, 301, 302, 307, 308, 401, 403, 404, 500, 502] {
            assert_eq!(answer(status, r#"{"valid":true}"#), Err(Error::Unexpected(format!("status {status}"))));
        }
    }
}
