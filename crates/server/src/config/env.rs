//! The `CLAVIGER_…` variables: their names, and the setting that each one overlays.

use std::str::FromStr;

use claviger_domain::Secret;
use claviger_domain::ip_list::{IpRange, IpRangeProblem};

use super::Config;
use super::load::ConfigError;
use super::nearest::nearest;

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "CLAVIGER_";

/// Variables that are read elsewhere: by the client's commands, and for the place of the file itself.
const ELSEWHERE: [&str; 4] = ["CLAVIGER_URL", "CLAVIGER_TOKEN", "CLAVIGER_CA_FILE", "CLAVIGER_CONFIG"];

/// A variable and what its text does to the configuration.
struct Variable {
    name: &'static str,
    apply: fn(&mut Config, &str) -> Result<(), String>,
}

/// All of them; `docs/configuration.md` lists the same.
const VARIABLES: &[Variable] = &[
    Variable { name: "CLAVIGER_DATA_DIR", apply: |config, text| put(&mut config.data_dir, text) },
    Variable {
        name: "CLAVIGER_MASTER_SECRET_FILE",
        apply: |config, text| put_some(&mut config.master_secret_file, text),
    },
    Variable {
        name: "CLAVIGER_MASTER_SECRET",
        apply: |config, text| {
            config.master_secret = Some(Secret::new(text.to_owned()));
            Ok(())
        },
    },
    Variable { name: "CLAVIGER_DRAIN_SECONDS", apply: |config, text| put(&mut config.drain_seconds, text) },
    Variable { name: "CLAVIGER_DATABASE_URL", apply: |config, text| put_some(&mut config.database.url, text) },
    Variable {
        name: "CLAVIGER_DATABASE_CONNECTIONS_MAX",
        apply: |config, text| put(&mut config.database.connections_max, text),
    },
    Variable {
        name: "CLAVIGER_DATABASE_CONNECT_TIMEOUT_SECONDS",
        apply: |config, text| put(&mut config.database.connect_timeout_seconds, text),
    },
    Variable {
        name: "CLAVIGER_DATABASE_STALENESS_LIMIT_SECONDS",
        apply: |config, text| put_some(&mut config.database.staleness_limit_seconds, text),
    },
    Variable { name: "CLAVIGER_CONTROL_LISTEN", apply: |config, text| put(&mut config.control.listen, text) },
    Variable {
        name: "CLAVIGER_CONTROL_TLS_CERTIFICATE_FILE",
        apply: |config, text| put(&mut config.control.tls.get_or_insert_default().certificate_file, text),
    },
    Variable {
        name: "CLAVIGER_CONTROL_TLS_KEY_FILE",
        apply: |config, text| put(&mut config.control.tls.get_or_insert_default().key_file, text),
    },
    Variable { name: "CLAVIGER_CONTROL_SOCKET_MODE", apply: |config, text| put(&mut config.control.socket_mode, text) },
    Variable { name: "CLAVIGER_CONTROL_URL", apply: |config, text| put_some(&mut config.control.url, text) },
    Variable {
        name: "CLAVIGER_CONTROL_IMPORTS_WITH_SEVERAL_ORGANIZATIONS",
        apply: |config, text| put(&mut config.control.imports_with_several_organizations, text),
    },
    Variable { name: "CLAVIGER_DOORS_LISTEN", apply: |config, text| put(&mut config.doors.listen, text) },
    Variable {
        name: "CLAVIGER_DOORS_TLS_CERTIFICATE_FILE",
        apply: |config, text| put(&mut config.doors.tls.get_or_insert_default().certificate_file, text),
    },
    Variable {
        name: "CLAVIGER_DOORS_TLS_KEY_FILE",
        apply: |config, text| put(&mut config.doors.tls.get_or_insert_default().key_file, text),
    },
    Variable { name: "CLAVIGER_DOORS_SOCKET_MODE", apply: |config, text| put(&mut config.doors.socket_mode, text) },
    Variable {
        name: "CLAVIGER_DOORS_WRONG_KEYS_PER_SECOND",
        apply: |config, text| put(&mut config.doors.settings.wrong_keys_per_second, text),
    },
    Variable {
        name: "CLAVIGER_DOORS_WRONG_KEYS_PER_SECOND_OF_ADDRESS",
        apply: |config, text| put(&mut config.doors.settings.wrong_keys_per_second_of_address, text),
    },
    Variable { name: "CLAVIGER_DOORS_THREADS", apply: |config, text| put(&mut config.doors.settings.threads, text) },
    Variable {
        name: "CLAVIGER_DOORS_REQUIRE_TOKEN",
        apply: |config, text| put_some(&mut config.doors.settings.require_token, text),
    },
    Variable {
        name: "CLAVIGER_TRUSTED_PROXIES",
        apply: |config, text| {
            config.doors.settings.trusted_proxies = ranges(text)?;
            Ok(())
        },
    },
    Variable { name: "CLAVIGER_PUBLIC_LISTEN", apply: |config, text| put_some(&mut config.public.listen, text) },
    Variable {
        name: "CLAVIGER_PUBLIC_TLS_CERTIFICATE_FILE",
        apply: |config, text| put(&mut config.public.tls.get_or_insert_default().certificate_file, text),
    },
    Variable {
        name: "CLAVIGER_PUBLIC_TLS_KEY_FILE",
        apply: |config, text| put(&mut config.public.tls.get_or_insert_default().key_file, text),
    },
    Variable { name: "CLAVIGER_PUBLIC_SOCKET_MODE", apply: |config, text| put(&mut config.public.socket_mode, text) },
    Variable {
        name: "CLAVIGER_PUBLIC_GITHUB_KEYS_FILE",
        apply: |config, text| put_some(&mut config.public.github_keys_file, text),
    },
    Variable { name: "CLAVIGER_PUBLIC_URL", apply: |config, text| put_some(&mut config.public.url, text) },
    Variable { name: "CLAVIGER_TELEMETRY_LISTEN", apply: |config, text| put(&mut config.telemetry.listen, text) },
    Variable {
        name: "CLAVIGER_TELEMETRY_TLS_CERTIFICATE_FILE",
        apply: |config, text| put(&mut config.telemetry.tls.get_or_insert_default().certificate_file, text),
    },
    Variable {
        name: "CLAVIGER_TELEMETRY_TLS_KEY_FILE",
        apply: |config, text| put(&mut config.telemetry.tls.get_or_insert_default().key_file, text),
    },
    Variable {
        name: "CLAVIGER_TELEMETRY_SOCKET_MODE",
        apply: |config, text| put(&mut config.telemetry.socket_mode, text),
    },
    Variable {
        name: "CLAVIGER_AUDIT_RETENTION_DAYS",
        apply: |config, text| put_some(&mut config.audit.retention_days, text),
    },
    Variable {
        name: "CLAVIGER_AUDIT_STREAM_FILE",
        apply: |config, text| put_some(&mut config.audit.stream_file, text),
    },
    Variable {
        name: "CLAVIGER_OUTGOING_ALLOW_PRIVATE",
        apply: |config, text| {
            config.outgoing.allow_private = ranges(text)?;
            Ok(())
        },
    },
    Variable { name: "CLAVIGER_SMTP_URL", apply: |config, text| put_some(&mut config.mail.smtp_url, text) },
    Variable {
        name: "CLAVIGER_SMTP_PASSWORD_FILE",
        apply: |config, text| put_some(&mut config.mail.password_file, text),
    },
    Variable { name: "CLAVIGER_MAIL_FROM", apply: |config, text| put_some(&mut config.mail.from, text) },
    Variable { name: "CLAVIGER_SMTP_CA_FILE", apply: |config, text| put_some(&mut config.mail.ca_file, text) },
    Variable {
        name: "CLAVIGER_LIMITS_WHEN_UNAVAILABLE",
        apply: |config, text| put(&mut config.limits.when_unavailable, text),
    },
    Variable { name: "CLAVIGER_REDIS_URL", apply: |config, text| put_some(&mut config.limits.redis_url, text) },
    Variable {
        name: "CLAVIGER_REDIS_UNAVAILABLE",
        apply: |config, text| put(&mut config.limits.redis_unavailable, text),
    },
    Variable {
        name: "CLAVIGER_REDIS_TIMEOUT_MS",
        apply: |config, text| put(&mut config.limits.redis_timeout_ms, text),
    },
    Variable { name: "CLAVIGER_LOG", apply: |config, text| put(&mut config.log.filter, text) },
    Variable { name: "CLAVIGER_LOG_FORMAT", apply: |config, text| put(&mut config.log.format, text) },
];

/// Overlays `config` with `variables`; those of other programs are passed over, an empty text counts as not set.
pub(super) fn overlay(config: &mut Config, variables: &[(String, String)]) -> Result<(), ConfigError> {
    for (name, text) in variables.iter().filter(|(name, text)| name.starts_with(PREFIX) && !text.is_empty()) {
        if let Some(variable) = VARIABLES.iter().find(|variable| variable.name == name) {
            (variable.apply)(config, text)
                .and_then(|()| check(config))
                .map_err(|expected| ConfigError::Variable { name: name.clone(), expected })?;
        } else if !ELSEWHERE.contains(&name.as_str()) {
            let known = VARIABLES.iter().map(|variable| variable.name).chain(ELSEWHERE);
            let nearest = nearest(name, known).map(str::to_owned);
            return Err(ConfigError::UnknownVariable { name: name.clone(), nearest });
        }
    }
    Ok(())
}

/// What is wrong beyond its type is the variable's fault too. What it lacks beside it may be in the next variable.
fn check(config: &Config) -> Result<(), String> {
    config.validate_each().map_err(|error| match error {
        ConfigError::Setting { expected, .. } => expected,
        other => other.to_string(),
    })
}

fn put<T: FromStr<Err: Expected>>(setting: &mut T, text: &str) -> Result<(), String> {
    *setting = text.trim().parse().map_err(|error: T::Err| error.expected())?;
    Ok(())
}

fn put_some<T: FromStr<Err: Expected>>(setting: &mut Option<T>, text: &str) -> Result<(), String> {
    *setting = Some(text.trim().parse().map_err(|error: T::Err| error.expected())?);
    Ok(())
}

/// What a person should have written instead.
trait Expected {
    fn expected(self) -> String;
}

macro_rules! expected {
    ($($error:ty => $text:expr;)*) => {
        $(impl Expected for $error {
            fn expected(self) -> String {
                let text: fn($error) -> String = $text;
                text(self)
            }
        })*
    };
}
expected! {
    std::num::ParseIntError => |_| "expected a whole number".to_owned();
    std::str::ParseBoolError => |_| "expected `true` or `false`".to_owned();
    std::convert::Infallible => |never| match never {};
    claviger_doors::InvalidAddress => |error| error.to_string();
    claviger_doors::InvalidSocketMode => |error| error.to_string();
    claviger_store::InvalidDatabaseUrl => |error| error.to_string();
    super::InvalidBaseUrl => |error| error.to_string();
    crate::mail::InvalidSmtpUrl => |error| error.to_string();
    crate::limits::InvalidRedisUrl => |error| error.to_string();
    &'static str => |error| error.to_owned();
}

/// Ranges of addresses with commas between them.
fn ranges(text: &str) -> Result<Vec<IpRange>, String> {
    let ranges = text.split(',').map(str::trim).filter(|range| !range.is_empty());
    ranges.map(|range| range.parse().map_err(|problem: IpRangeProblem| format!("`{range}`: {problem}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlaid(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables: Vec<_> = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut config = Config::default();
        overlay(&mut config, &variables).map(|()| config)
    }

    #[test]
    fn variables_overlay_settings() {
        let config = overlaid(&[
            ("CLAVIGER_DOORS_LISTEN", "0.0.0.0:80"),
            ("CLAVIGER_TRUSTED_PROXIES", "10.0.0.0/8, ::1,"),
            ("CLAVIGER_DOORS_REQUIRE_TOKEN", "false"),
            ("CLAVIGER_LOG_FORMAT", "json"),
            ("CLAVIGER_DOORS_TLS_KEY_FILE", "/k.pem"),
            ("CLAVIGER_DOORS_TLS_CERTIFICATE_FILE", "/c.pem"),
            ("CLAVIGER_CONTROL_SOCKET_MODE", "0660"),
            ("CLAVIGER_URL", "http://elsewhere"),
            ("HOME", "/root"),
        ])
        .expect("all are right");
        assert_eq!(config.doors.listen.to_string(), "0.0.0.0:80");
        let ranges: Vec<_> = config.doors.settings.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(ranges, ["10.0.0.0/8", "::1"]);
        assert_eq!(config.doors.settings.require_token, Some(false));
        assert_eq!(config.log.format, super::super::LogFormat::Json);
        let files = claviger_doors::TlsFiles { certificate_file: "/c.pem".into(), key_file: "/k.pem".into() };
        assert_eq!(config.doors.tls, Some(files));
        assert_eq!(String::from(config.control.socket_mode), "0660");
    }

    #[test]
    fn a_bad_value_names_its_variable_and_what_was_expected() {
        for (name, text, expected) in [
            ("CLAVIGER_DOORS_LISTEN", "7601", "expected an IP address and port"),
            ("CLAVIGER_DATABASE_CONNECTIONS_MAX", "many", "a whole number"),
            ("CLAVIGER_DATABASE_CONNECTIONS_MAX", "0", "expected 1 to 1000"),
            ("CLAVIGER_DOORS_REQUIRE_TOKEN", "yes", "`true` or `false`"),
            ("CLAVIGER_CONTROL_URL", "keys.example.com", "https://keys.example.com"),
            ("CLAVIGER_DATABASE_URL", "mysql://h/d", "sqlite://PATH or postgres://"),
            ("CLAVIGER_LOG_FORMAT", "xml", "`text` or `json`"),
            ("CLAVIGER_LIMITS_WHEN_UNAVAILABLE", "divide", "`open` or `closed`"),
            ("CLAVIGER_REDIS_URL", "localhost", "expected redis://"),
            ("CLAVIGER_REDIS_UNAVAILABLE", "yes", "`divide`, `open` or `closed`"),
            ("CLAVIGER_REDIS_TIMEOUT_MS", "51", "expected 1 to 50"),
            ("CLAVIGER_DOORS_SOCKET_MODE", "rw-rw----", "in octal"),
            ("CLAVIGER_TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/33"),
        ] {
            let message = overlaid(&[(name, text)]).expect_err(name).to_string();
            assert!(message.starts_with(name) && message.contains(expected), "{message}");
        }
    }

    #[test]
    fn an_unknown_variable_names_the_nearest_one() {
        let message = overlaid(&[("CLAVIGER_DOOR_LISTEN", "x")]).expect_err("unknown").to_string();
        assert!(message.contains("CLAVIGER_DOOR_LISTEN") && message.contains("CLAVIGER_DOORS_LISTEN"), "{message}");
    }

    #[test]
    fn the_documentation_lists_every_variable_and_setting() {
        const DOCUMENTATION: &str = include_str!("../../../../docs/configuration.md");
        let variables = VARIABLES.iter().map(|variable| variable.name).chain(ELSEWHERE);
        for name in variables {
            assert!(DOCUMENTATION.contains(&format!("`{name}`")), "{name}");
        }
        let known = super::super::nearest::known_keys(&super::super::load::schema());
        // A section stands in the table by its settings.
        let is_section = |key: &String| known.iter().any(|other| other.starts_with(&format!("{key}.")));
        for key in known.iter().filter(|key| !is_section(key)) {
            assert!(DOCUMENTATION.contains(&format!("| `{key}` |")), "{key}");
        }
    }
}
