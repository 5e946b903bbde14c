//! The configuration: one TOML file, overlaid by `CLAVIGER_…` variables.
//!
//! [`load()`] reads both; unknown keys and variables are errors that name the nearest known one.

mod api_users;
mod audit;
pub mod changes;
mod doors_section;
mod env;
pub mod load;
mod nearest;
mod outgoing;
mod usage;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use claviger_domain::Secret;
use claviger_doors::{Address, SocketMode, TlsFiles};
use claviger_store::DatabaseUrl;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::LimitsConfig;
use crate::mail::MailConfig;

pub use api_users::{ApiUsersConfig, SecondFactor};
pub use audit::AuditConfig;
pub use load::{ConfigError, Sources, load};
pub use outgoing::OutgoingConfig;
pub use usage::UsageConfig;

/// Where a server keeps its files until told otherwise.
pub const DATA_DIR_DEFAULT: &str = "./claviger-data";
/// The most connections to the database that may be configured.
pub const CONNECTIONS_MAX: u32 = 1_000;
/// The longest wait for the database at start that may be configured, in seconds.
pub const CONNECT_TIMEOUT_SECONDS_MAX: u64 = 3_600;
/// The shortest limit of staleness, in seconds: shorter, a restart of the database would end verdicts.
pub const STALENESS_LIMIT_SECONDS_MIN: u64 = 5;
/// The longest limit of staleness, in seconds: a year.
pub const STALENESS_LIMIT_SECONDS_MAX: u64 = 31_536_000;

/// The most calls of one organization at once that may be configured.
pub const CALLS_OF_ORGANIZATION_MAX: usize = 10_000;
/// The longest that a session may last, in hours: 90 days.
pub const SESSION_HOURS_MAX: u32 = 90 * 24;
/// The most passwords that may be hashed at once.
pub const PASSWORD_HASHES_AT_ONCE_MAX: usize = claviger_manage::passwords::AT_ONCE_MAX;
/// The longest time to drain that may be configured, in seconds.
pub const DRAIN_SECONDS_MAX: u64 = 300;

/// Everything that can be configured. Each setting has a default; an empty file is a whole configuration.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The directory of the database, the master secret and the lock; made with mode 0700 if missing.
    pub data_dir: PathBuf,
    /// The file of the master secret. Default: `master-secret` in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_secret_file: Option<PathBuf>,
    /// The master secret itself: by the variable `CLAVIGER_MASTER_SECRET` alone, never in a file that is shown.
    #[serde(skip)]
    pub master_secret: Option<Secret>,
    /// For how long the server goes on as before when it is told to stop, with `/readyz` at 503, in seconds: as long as a
    /// balancer takes to notice that and look elsewhere.
    #[schemars(range(max = DRAIN_SECONDS_MAX))]
    pub drain_seconds: u64,
    /// Where records are kept.
    pub database: DatabaseConfig,
    /// The listener of the management API.
    pub control: ControlConfig,
    /// The listener of the verification doors.
    pub doors: DoorsConfig,
    /// The listener of what outside clients may reach.
    pub public: PublicConfig,
    /// The listener of metrics and health.
    pub telemetry: TelemetryConfig,
    /// Sign-ins of API users.
    pub api_users: ApiUsersConfig,
    /// Where mails go.
    pub mail: MailConfig,
    /// How limits hold over several nodes.
    pub limits: LimitsConfig,
    /// Where the server may connect to by itself.
    pub outgoing: OutgoingConfig,
    /// For how long counts of requests are kept.
    pub usage: UsageConfig,
    /// For how long the audit log is kept, and where it goes.
    pub audit: AuditConfig,
    /// What is logged, to standard error.
    pub log: LogConfig,
}

/// Where records are kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite://PATH`, or `postgres://USER:PASSWORD@HOST/NAME` and those of servers that may take its place, with commas
    /// between them. Default: `claviger.db` in the data directory.
    #[serde(skip_serializing_if = "Option::is_none", with = "database_url")]
    #[schemars(with = "Option<String>")]
    pub url: Option<DatabaseUrl>,
    /// The most connections that are open at once.
    #[schemars(range(min = 1, max = CONNECTIONS_MAX))]
    pub connections_max: u32,
    /// For how long a start tries again while the database cannot be reached, in seconds.
    #[schemars(range(max = CONNECT_TIMEOUT_SECONDS_MAX))]
    pub connect_timeout_seconds: u64,
    /// For how long verdicts are given without hearing from the database, in seconds. Not set: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = STALENESS_LIMIT_SECONDS_MIN, max = STALENESS_LIMIT_SECONDS_MAX))]
    pub staleness_limit_seconds: Option<u64>,
}

/// The listener of the management API.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ControlConfig {
    /// Address and port, or `unix:/path`.
    pub listen: Address,
    /// Who may connect where `listen` is a Unix socket: the mode of its file, in octal.
    pub socket_mode: SocketMode,
    /// Certificate and key, where the listener speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// How people reach it, such as `https://keys.example.com`: its host name is answered beside loopback names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<BaseUrl>,
    /// Calls of one organization's keys that run at once; more are answered with 503.
    #[schemars(range(min = 1, max = CALLS_OF_ORGANIZATION_MAX))]
    pub calls_of_organization_max: usize,
    /// Passwords that are hashed at once, each on a core with 19 MiB; 32 times as many wait, and more are answered with 503.
    #[schemars(range(min = 1, max = PASSWORD_HASHES_AT_ONCE_MAX))]
    pub password_hashes_at_once: usize,
    /// How long a session of the console lasts without a request, in hours.
    #[schemars(range(min = 1, max = SESSION_HOURS_MAX))]
    pub session_idle_hours: u32,
    /// How long a session of the console lasts at the most, in hours.
    #[schemars(range(min = 1, max = SESSION_HOURS_MAX))]
    pub session_hours: u32,
    /// Whether keys that others made may be imported while there are several organizations. A value that cannot be imported
    /// may then be another organization's, so whoever imports could try values out.
    pub imports_with_several_organizations: bool,
}

/// The listener of the verification doors.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DoorsConfig {
    /// Address and port, or `unix:/path`.
    #[schemars(default = "doors_listen_default")]
    pub listen: Address,
    /// Who may connect where `listen` is a Unix socket: the mode of its file, in octal.
    #[schemars(default)]
    pub socket_mode: SocketMode,
    /// Certificate and key, where the listener speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// The doors' own settings, beside it in the same section.
    #[serde(flatten)]
    pub settings: claviger_doors::Config,
}

/// The listener of what outside clients may reach.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PublicConfig {
    /// Address and port, or `unix:/path`. Not set: there is no such listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<Address>,
    /// Who may connect where `listen` is a Unix socket: the mode of its file, in octal.
    pub socket_mode: SocketMode,
    /// Certificate and key, where the listener speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// How people reach it, such as `https://keys.example.com`: its host name is answered beside loopback names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<BaseUrl>,
    /// The keys that GitHub's secret scanning signs its reports with: a file with the answer of
    /// <https://api.github.com/meta/public_keys/secret_scanning>. Not set: reports need a management key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_keys_file: Option<PathBuf>,
}

/// The listener of metrics and health.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Address and port, or `unix:/path`, of `/metrics`, `/healthz` and `/readyz`.
    pub listen: Address,
    /// Who may connect where `listen` is a Unix socket: the mode of its file, in octal.
    pub socket_mode: SocketMode,
    /// Certificate and key, where the listener speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
}

/// Where and how a listener listens.
#[derive(Debug, Clone, Copy)]
pub struct ListenerConfig<'c> {
    /// The section that it stands in, such as `doors`.
    pub section: &'static str,
    /// Its address.
    pub address: &'c Address,
    /// Who may open a Unix socket.
    pub socket_mode: SocketMode,
    /// Certificate and key.
    pub tls: Option<&'c TlsFiles>,
}

/// What is logged.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or directives such as `info,claviger_store=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// An `http://` or `https://` URL without query, as people type it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
pub struct BaseUrl(String);

/// A text that is no [`BaseUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a URL such as https://keys.example.com, without user, query or fragment")]
pub struct InvalidBaseUrl;

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: DATA_DIR_DEFAULT.into(),
            master_secret_file: None,
            master_secret: None,
            drain_seconds: 0,
            database: DatabaseConfig::default(),
            control: ControlConfig::default(),
            doors: DoorsConfig::default(),
            public: PublicConfig::default(),
            telemetry: TelemetryConfig::default(),
            api_users: ApiUsersConfig::default(),
            outgoing: OutgoingConfig::default(),
            usage: UsageConfig::default(),
            audit: AuditConfig::default(),
            mail: MailConfig::default(),
            limits: LimitsConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Config {
    /// A configuration for `data_dir` with free ports on loopback for all listeners: what tests start.
    pub fn on_free_ports(data_dir: PathBuf) -> Self {
        let listen = loopback(0);
        Self {
            data_dir,
            control: ControlConfig { listen: listen.clone(), ..ControlConfig::default() },
            doors: DoorsConfig { listen: listen.clone(), ..DoorsConfig::default() },
            public: PublicConfig { listen: Some(listen.clone()), ..PublicConfig::default() },
            telemetry: TelemetryConfig { listen, ..TelemetryConfig::default() },
            ..Self::default()
        }
    }

    /// The database's URL: the configured one, or the SQLite file in the data directory.
    pub fn database_url(&self) -> DatabaseUrl {
        self.database.url.clone().unwrap_or_else(|| DatabaseUrl::sqlite(&self.data_dir.join("claviger.db")))
    }

    /// The first setting that is wrong by itself or beside another, with its name.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_each()?;
        self.mail.validate_together()?;
        self.listeners().into_iter().try_for_each(|listener| listener.validate())
    }

    /// The listeners' places, each by the name of its section: control, doors, telemetry, and the public one where there is one.
    pub fn listeners(&self) -> Vec<ListenerConfig<'_>> {
        let always = [self.control.listener(), self.doors.listener(), self.telemetry.listener()];
        always.into_iter().chain(self.public.listener()).collect()
    }

    /// The settings that are wrong by themselves.
    pub(super) fn validate_each(&self) -> Result<(), ConfigError> {
        let database = &self.database;
        if self.data_dir.as_os_str().is_empty() {
            return Err(ConfigError::setting("data_dir", "must not be empty"));
        }
        if !(1..=CALLS_OF_ORGANIZATION_MAX).contains(&self.control.calls_of_organization_max) {
            let expected = format!("expected 1 to {CALLS_OF_ORGANIZATION_MAX}");
            return Err(ConfigError::setting("control.calls_of_organization_max", &expected));
        }
        if !(1..=PASSWORD_HASHES_AT_ONCE_MAX).contains(&self.control.password_hashes_at_once) {
            let expected = format!("expected 1 to {PASSWORD_HASHES_AT_ONCE_MAX}");
            return Err(ConfigError::setting("control.password_hashes_at_once", &expected));
        }
        let hours =
            [("session_idle_hours", self.control.session_idle_hours), ("session_hours", self.control.session_hours)];
        if let Some((name, _)) = hours.into_iter().find(|(_, hours)| !(1..=SESSION_HOURS_MAX).contains(hours)) {
            let expected = format!("expected 1 to {SESSION_HOURS_MAX}");
            return Err(ConfigError::setting(&format!("control.{name}"), &expected));
        }
        if self.drain_seconds > DRAIN_SECONDS_MAX {
            return Err(ConfigError::setting("drain_seconds", &format!("expected at most {DRAIN_SECONDS_MAX}")));
        }
        if !(1..=CONNECTIONS_MAX).contains(&database.connections_max) {
            return Err(ConfigError::setting("database.connections_max", &format!("expected 1 to {CONNECTIONS_MAX}")));
        }
        if database.connect_timeout_seconds > CONNECT_TIMEOUT_SECONDS_MAX {
            let expected = format!("expected at most {CONNECT_TIMEOUT_SECONDS_MAX}");
            return Err(ConfigError::setting("database.connect_timeout_seconds", &expected));
        }
        let limits = STALENESS_LIMIT_SECONDS_MIN..=STALENESS_LIMIT_SECONDS_MAX;
        if database.staleness_limit_seconds.is_some_and(|seconds| !limits.contains(&seconds)) {
            let expected = format!("expected {STALENESS_LIMIT_SECONDS_MIN} to {STALENESS_LIMIT_SECONDS_MAX}");
            return Err(ConfigError::setting("database.staleness_limit_seconds", &expected));
        }
        self.doors
            .settings
            .validate()
            .map_err(|problem| ConfigError::setting(&format!("doors.{}", problem.field), &problem.expected))?;
        self.api_users.validate()?;
        self.outgoing.validate()?;
        self.usage.validate()?;
        self.audit.validate()?;
        self.mail.validate()?;
        self.limits.validate()?;
        crate::logging::parse_filter(&self.log.filter).map_err(|error| ConfigError::setting("log.filter", &error))
    }
}

// === impl ListenerConfig ===

impl ListenerConfig<'_> {
    fn validate(&self) -> Result<(), ConfigError> {
        let Some(TlsFiles { certificate_file, key_file }) = self.tls else { return Ok(()) };
        let missing = |name: &str, other: &str| {
            let (section, expected) =
                (self.section, format!("expected a file, as {}.tls.{other} is set", self.section));
            Err(ConfigError::setting(&format!("{section}.tls.{name}"), &expected))
        };
        if certificate_file.as_os_str().is_empty() {
            return missing("certificate_file", "key_file");
        }
        if key_file.as_os_str().is_empty() {
            return missing("key_file", "certificate_file");
        }
        if matches!(self.address, Address::Unix(_)) {
            let expected = "a Unix socket speaks no TLS; leave the section out";
            return Err(ConfigError::setting(&format!("{}.tls", self.section), expected));
        }
        Ok(())
    }
}

// === impl DatabaseConfig ===

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: None, connections_max: 16, connect_timeout_seconds: 60, staleness_limit_seconds: None }
    }
}

impl DatabaseConfig {
    /// For how long a start tries to reach the database.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_seconds)
    }

    /// For how long verdicts are given without hearing from the database.
    pub fn staleness_limit(&self) -> Option<Duration> {
        self.staleness_limit_seconds.map(Duration::from_secs)
    }
}

/// Read from its text; shown without password.
mod database_url {
    use super::{DatabaseUrl, Deserialize, Deserializer, Serializer};

    #[allow(clippy::ref_option, reason = "serde passes the field")]
    pub(super) fn serialize<S: Serializer>(url: &Option<DatabaseUrl>, serializer: S) -> Result<S::Ok, S::Error> {
        match url {
            Some(url) => serializer.collect_str(url),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DatabaseUrl>, D::Error> {
        String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
    }
}

// === impl of the listeners ===

macro_rules! listener {
    ($config:ident, $section:literal) => {
        impl $config {
            /// Where and how it listens.
            pub fn listener(&self) -> ListenerConfig<'_> {
                let Self { listen, socket_mode, tls, .. } = self;
                ListenerConfig { section: $section, address: listen, socket_mode: *socket_mode, tls: tls.as_ref() }
            }
        }
    };
}
listener!(ControlConfig, "control");
listener!(DoorsConfig, "doors");
listener!(TelemetryConfig, "telemetry");

impl PublicConfig {
    /// Where and how it listens, if it does.
    pub fn listener(&self) -> Option<ListenerConfig<'_>> {
        let Self { listen, socket_mode, tls, .. } = self;
        let address = listen.as_ref()?;
        Some(ListenerConfig { section: "public", address, socket_mode: *socket_mode, tls: tls.as_ref() })
    }
}

// === impl of the listeners' defaults ===

impl ControlConfig {
    /// How long sessions last.
    pub fn session_limits(&self) -> claviger_domain::session::SessionLimits {
        let hours = |hours: u32| std::time::Duration::from_hours(u64::from(hours));
        claviger_domain::session::SessionLimits {
            idle: hours(self.session_idle_hours),
            absolute: hours(self.session_hours),
        }
    }
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            listen: loopback(7600),
            socket_mode: SocketMode::default(),
            tls: None,
            url: None,
            calls_of_organization_max: claviger_manage::calls::CALLS_OF_ORGANIZATION_MAX,
            password_hashes_at_once: claviger_manage::passwords::AT_ONCE,
            session_idle_hours: claviger_domain::session::IDLE_HOURS,
            session_hours: claviger_domain::session::ABSOLUTE_HOURS,
            imports_with_several_organizations: false,
        }
    }
}

impl Default for DoorsConfig {
    fn default() -> Self {
        Self {
            listen: doors_listen_default(),
            socket_mode: SocketMode::default(),
            tls: None,
            settings: claviger_doors::Config::default(),
        }
    }
}

fn doors_listen_default() -> Address {
    loopback(7601)
}

fn loopback(port: u16) -> Address {
    Address::Tcp(SocketAddr::from(([127, 0, 0, 1], port)))
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { listen: loopback(7602), socket_mode: SocketMode::default(), tls: None }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info,sqlx=warn".to_owned(), format: LogFormat::default() }
    }
}

// === impl LogFormat ===

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected `text` or `json`"),
        }
    }
}

// === impl BaseUrl ===

impl BaseUrl {
    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host name, lower-case, without port and brackets.
    pub fn host(&self) -> String {
        let authority = self.0.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host.to_ascii_lowercase()
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let text = text.trim().trim_end_matches('/');
        let uri: http::Uri = text.parse().map_err(|_| InvalidBaseUrl)?;
        let fits = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && !text.contains(['@', '?', '#']);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidBaseUrl) }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! text_in_the_file {
    ($type:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
text_in_the_file!(BaseUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let mut config = Config::default();
        config.database.url = Some("postgres://u:hunter2@h/d".parse().expect("a URL"));
        config.master_secret = Some(Secret::new("hunter2".to_owned()));
        config.mail.smtp_url = Some("smtp://u:hunter2@h".parse().expect("a URL"));
        let (shown, debugged) = (toml::to_string(&config).expect("a configuration is TOML"), format!("{config:?}"));
        assert!(shown.contains("postgres://u@h/d") && shown.contains("smtp://u@h:587"), "{shown}");
        assert!(!shown.contains("hunter2") && !debugged.contains("hunter2"), "{shown}{debugged}");
    }

    #[test]
    fn the_shown_defaults_are_a_configuration() {
        let shown = toml::to_string(&Config::default()).expect("a configuration is TOML");
        let read: Config = toml::from_str(&shown).expect("what is shown can be read");
        assert_eq!(read.doors.listen, loopback(7601));
        assert!(read.validate().is_ok());
    }

    #[test]
    fn hosts_are_taken_from_urls() {
        for (url, host) in [
            ("https://Keys.example.com/", "keys.example.com"),
            ("http://[::1]:7600/a", "::1"),
            ("http://10.0.0.1:80", "10.0.0.1"),
        ] {
            assert_eq!(url.parse::<BaseUrl>().map(|url| url.host()).as_deref(), Ok(host));
        }
        for url in ["keys.example.com", "ftp://x", "https://", "https://a@b", "https://a/?b", "https://a/#b"] {
            assert!(url.parse::<BaseUrl>().is_err(), "{url}");
        }
    }
}
