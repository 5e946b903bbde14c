//! The client of the management API.

use std::path::PathBuf;
use std::time::Duration;

use claviger_domain::Secret;
use claviger_server::Running;
use claviger_server::config::{BaseUrl, Config};
use claviger_server::local_token::LocalAccess;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::Value;

use super::failure::Failure;
use super::trust::Trust;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take: an import of 32 MiB is the longest.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a download may take, whatever its length.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_hours(24);
/// How long a download may stand still.
const DOWNLOAD_PATIENCE: Duration = Duration::from_mins(5);
/// The most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where the server is, and as whom to speak.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// The control listener's URL, without a slash at its end.
    url: BaseUrl,
    /// The Unix socket to reach it by.
    socket: Option<PathBuf>,
    /// By what to know the server, where it speaks TLS.
    trust: Trust,
    /// A management token, or the local token; empty: none is sent.
    token: Secret,
}

/// A client; see [`Client::send`].
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    access: Access,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    /// Nothing.
    None,
    /// A JSON value.
    Json(&'a Value),
    /// A document as it was read, and its media type.
    Raw(&'a [u8], &'static str),
}

// === impl Access ===

impl Access {
    /// `CLAVIGER_URL`, `CLAVIGER_CA_FILE` and `CLAVIGER_TOKEN`, else what a running server left in the data directory.
    pub(crate) fn find(config: &Config, variables: &[(String, String)]) -> Result<Self, Failure> {
        let variable = |name: &str| {
            variables.iter().find(|(known, text)| known == name && !text.is_empty()).map(|(_, text)| text.as_str())
        };
        let url = match variable("CLAVIGER_URL") {
            Some(text) => Some(parse_url("CLAVIGER_URL", text)?),
            None => None,
        };
        let token = variable("CLAVIGER_TOKEN").map(|token| Secret::new(token.to_owned()));
        if let (Some(url), Some(token)) = (&url, &token) {
            let trust = Trust::Authorities(variable("CLAVIGER_CA_FILE").map(PathBuf::from));
            return Ok(Self { url: url.clone(), socket: None, trust, token: token.clone() });
        }
        let data_dir = config.data_dir.display();
        let local = LocalAccess::read(&config.data_dir)
            .map_err(|error| Failure::usage(format!("cannot read the local token in {data_dir}: {error}")))?
            .ok_or_else(|| {
                Failure::unreachable(format!(
                    "no server runs on the data directory {data_dir}: start one with `claviger serve`, name its \
                     directory with --data, or set CLAVIGER_URL and CLAVIGER_TOKEN"
                ))
            })?;
        let local = Self::local(local)?;
        match (url, token) {
            // The local token is for the server that wrote it and for no other.
            (Some(url), None) if url != local.url => Err(Failure::usage(
                "CLAVIGER_URL is set without CLAVIGER_TOKEN: set a management token for that server too",
            )),
            (_, Some(token)) => Ok(Self { token, ..local }),
            (_, None) => Ok(local),
        }
    }

    /// The server at `url`, with the token of `CLAVIGER_TOKEN` or none.
    pub(crate) fn at(url: &str, variables: &[(String, String)]) -> Result<Self, Failure> {
        let variable = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
        let authorities = variable("CLAVIGER_CA_FILE").filter(|file| !file.is_empty()).map(PathBuf::from);
        let token = Secret::new(variable("CLAVIGER_TOKEN").unwrap_or_default());
        Ok(Self { url: parse_url("the link", url)?, socket: None, trust: Trust::Authorities(authorities), token })
    }

    /// What a running server left in its data directory.
    pub(crate) fn local(local: LocalAccess) -> Result<Self, Failure> {
        let LocalAccess { url, token, certificate_sha256 } = local;
        let trust = certificate_sha256.map_or(Trust::Authorities(None), Trust::Certificate);
        match url.strip_prefix("unix:") {
            Some(path) => Ok(Self { url: parse_url("", "http://localhost")?, socket: Some(path.into()), trust, token }),
            None => Ok(Self { url: parse_url("control-url", &url)?, socket: None, trust, token }),
        }
    }
}

fn parse_url(name: &str, text: &str) -> Result<BaseUrl, Failure> {
    text.parse().map_err(|error| Failure::usage(format!("{name}: {error}")))
}

// === impl Client ===

impl Client {
    /// A client that speaks as `access` says.
    pub(crate) fn new(access: &Access) -> Result<Self, Failure> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT);
        if is_loopback(&access.url.host()) {
            http = http.no_proxy();
        }
        if let Some(socket) = &access.socket {
            http = http.unix_socket(socket.as_path());
        }
        let http = access
            .trust
            .apply(http)?
            .build()
            .map_err(|error| Failure::usage(format!("cannot make a client: {error}")))?;
        Ok(Self { http, access: access.clone() })
    }

    /// A client of the server in this process, as its operator.
    pub(crate) fn local(running: &Running) -> Result<Self, Failure> {
        let local = LocalAccess::read(running.data_dir()).map_err(Failure::usage)?;
        Self::new(&Access::local(local.ok_or_else(|| Failure::unreachable("the server left no local token"))?)?)
    }

    /// GET.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, Failure> {
        self.send(Method::GET, path, query, Body::None).await
    }

    /// POST with a JSON body.
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, &[], Body::Json(body)).await
    }

    /// Sends a call to `/api/v1/<path>` and returns its JSON, `null` for an empty answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Body<'_>,
    ) -> Result<Value, Failure> {
        let mut request = self.http.request(method, self.url(path, query)?);
        if !self.access.token.expose().is_empty() {
            request = request.bearer_auth(self.access.token.expose());
        }
        let request = match body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Raw(bytes, media_type) => request.header("content-type", media_type).body(bytes.to_vec()),
        };
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let bytes = self.read(response).await?;
        let value = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        match (status, value) {
            (200..=299, Ok(value)) => Ok(value),
            (_, Ok(problem)) if problem.is_object() => Err(Failure::of_problem(status, problem)),
            _ => Err(Failure::unreachable(format!(
                "{} answers with status {status} and no JSON: is it the control listener of a claviger server?",
                self.access.url
            ))),
        }
    }

    /// GET, whatever its length, written as it comes.
    pub(crate) async fn download(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        to: &mut impl std::io::Write,
    ) -> Result<(), Failure> {
        self.receive(self.http.get(self.url(path, query)?), to).await
    }

    /// The same of a POST.
    pub(crate) async fn post_and_download(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        body: &Value,
        to: &mut impl std::io::Write,
    ) -> Result<(), Failure> {
        self.receive(self.http.post(self.url(path, query)?).json(body), to).await
    }

    async fn receive(&self, request: RequestBuilder, to: &mut impl std::io::Write) -> Result<(), Failure> {
        let request = request.bearer_auth(self.access.token.expose()).timeout(DOWNLOAD_TIMEOUT);
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            let problem = serde_json::from_slice(&self.read(response).await?).unwrap_or_default();
            return Err(Failure::of_problem(status, problem));
        }
        let broken = |reason: &dyn std::fmt::Display| {
            Failure::unreachable(format!("the server at {} broke the answer off: {reason}", self.access.url))
        };
        loop {
            let chunk = tokio::time::timeout(DOWNLOAD_PATIENCE, response.chunk()).await;
            match chunk.map_err(|_| broken(&"nothing came any more"))?.map_err(|error| broken(&error))? {
                Some(chunk) => to.write_all(&chunk)?,
                None => return Ok(to.flush()?),
            }
        }
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Result<Url, Failure> {
        let wrong = || Failure::usage(format!("CLAVIGER_URL: {} is no base of a URL", self.access.url));
        let mut url = Url::parse(self.access.url.as_str()).map_err(|_| wrong())?;
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(["api", "v1"]).extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Failure::refused(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut reason = if error.is_timeout() { "no answer in time".to_owned() } else { error.to_string() };
        let mut source = std::error::Error::source(error);
        while let Some(deeper) = source {
            reason = deeper.to_string();
            source = deeper.source();
        }
        Failure::unreachable(format!(
            "cannot reach the server at {}: {reason}; start it with `claviger serve`, or correct CLAVIGER_URL",
            self.access.url
        ))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use claviger_domain::testing::FixedRandom;
    use claviger_server::local_token::LocalToken;

    use super::*;

    fn find(data_dir: &Path, variables: &[(&str, &str)]) -> Result<Access, Failure> {
        let variables: Vec<_> = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Access::find(&Config { data_dir: data_dir.to_owned(), ..Config::default() }, &variables)
    }

    #[test]
    fn variables_win_and_the_data_directory_helps_out() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let failure = find(folder.path(), &[]).expect_err("no server");
        assert!(failure.code == 3 && failure.message.contains("claviger serve"), "{failure:?}");
        let local = LocalToken::write(folder.path(), "http://127.0.0.1:9", &FixedRandom::new(1)).expect("written");
        let access = find(folder.path(), &[]).expect("found");
        assert_eq!(access.url.as_str(), "http://127.0.0.1:9");
        let access = find(folder.path(), &[("CLAVIGER_TOKEN", "t")]).expect("found");
        assert_eq!((access.url.as_str(), access.token.expose()), ("http://127.0.0.1:9", "t"));
        drop(local);
        let both = [("CLAVIGER_TOKEN", "t"), ("CLAVIGER_URL", "https://keys.example.com/")];
        assert_eq!(find(folder.path(), &both).expect("found").url.as_str(), "https://keys.example.com");
    }

    #[test]
    fn the_local_token_goes_to_its_own_server_alone() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let _local = LocalToken::write(folder.path(), "http://127.0.0.1:9", &FixedRandom::new(1)).expect("written");
        let failure = find(folder.path(), &[("CLAVIGER_URL", "https://elsewhere.example")]).expect_err("not there");
        assert!(failure.code == 2 && failure.message.contains("CLAVIGER_TOKEN"), "{failure:?}");
        assert!(find(folder.path(), &[("CLAVIGER_URL", "http://127.0.0.1:9")]).is_ok());
    }
}
