//! Reads the file and the variables.

use std::path::{Path, PathBuf};

use super::nearest::{known_keys, nearest, unknown_keys};
use super::{Config, env};

/// The most bytes of a configuration file.
pub const FILE_BYTES_MAX: u64 = 1_048_576;

/// Where a configuration comes from; what stands further down wins.
#[derive(Debug, Default)]
pub struct Sources {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// The process's variables; those of other programs are passed over.
    pub variables: Vec<(String, String)>,
    /// The data directory, as the command line names it.
    pub data_dir: Option<PathBuf>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// The file is longer than any configuration.
    #[error("the configuration file {} has more than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is no TOML, or a value has the wrong type; the message shows the line.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        message: String,
    },
    /// A key that is none of ours.
    #[error("{}: unknown setting `{key}`{}", path.display(), did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, dotted.
        key: String,
        /// The known one that is most like it.
        nearest: Option<String>,
    },
    /// A variable that is none of ours.
    #[error("unknown variable {name}{}", did_you_mean(nearest.as_deref()))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The known one that is most like it.
        nearest: Option<String>,
    },
    /// A variable's text is wrong. The text itself is not repeated: it may be a secret.
    #[error("{name}: {expected}")]
    Variable {
        /// The variable.
        name: String,
        /// What was expected.
        expected: String,
    },
    /// A setting's value is wrong.
    #[error("{name}: {expected}")]
    Setting {
        /// The setting, dotted.
        name: String,
        /// What was expected.
        expected: String,
    },
}

/// Reads, overlays and validates.
pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let mut config = match &sources.file {
        Some(path) => read_file(path)?,
        None => Config::default(),
    };
    env::overlay(&mut config, &sources.variables)?;
    if let Some(data_dir) = &sources.data_dir {
        config.data_dir.clone_from(data_dir);
    }
    config.validate()?;
    Ok(config)
}

/// The JSON Schema of the file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

fn read_file(path: &Path) -> Result<Config, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let wrong = |error: toml::de::Error| ConfigError::File { path: path.to_owned(), message: error.to_string() };
    let table: toml::Table = text.parse().map_err(wrong)?;
    let schema = schema();
    if let Some(key) = unknown_keys(&table, &schema).into_iter().next() {
        let known = known_keys(&schema);
        let nearest = nearest(&key, known.iter().map(String::as_str)).map(str::to_owned);
        return Err(ConfigError::UnknownKey { path: path.to_owned(), key, nearest });
    }
    let config: Config = toml::from_str(&text).map_err(wrong)?;
    config.validate()?;
    Ok(config)
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; `claviger config schema` lists all settings".to_owned(),
        |nearest| format!("; did you mean `{nearest}`?"),
    )
}

// === impl ConfigError ===

impl ConfigError {
    pub(crate) fn setting(name: &str, expected: &str) -> Self {
        Self::Setting { name: name.to_owned(), expected: expected.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let file = folder.path().join("claviger.toml");
        std::fs::write(&file, text).expect("the file is written");
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        load(&Sources { file: Some(file), variables, data_dir: None }).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_sets_and_a_variable_wins() {
        let text = "data_dir = \"/srv/a\"\n[doors]\nlisten = \"127.0.0.1:1\"\nthreads = 3\n[log]\nformat = \"json\"\n";
        let config = load_text(text, &[("CLAVIGER_DOORS_LISTEN", "127.0.0.1:2")]).expect("both are right");
        assert_eq!(config.doors.listen.to_string(), "127.0.0.1:2");
        assert_eq!((config.doors.settings.threads, config.data_dir), (3, PathBuf::from("/srv/a")));
        assert_eq!(config.control.listen.to_string(), "127.0.0.1:7600");
    }

    #[test]
    fn a_typo_names_the_nearest_key() {
        for (text, key, nearest) in [
            ("[doors]\nlisen = \"127.0.0.1:1\"\n", "doors.lisen", "did you mean `doors.listen`"),
            ("[door]\nlisten = \"127.0.0.1:1\"\n", "`door`", "did you mean `doors`"),
            ("datadir = \"x\"\n", "`datadir`", "did you mean `data_dir`"),
            ("zzz = 1\n", "`zzz`", "claviger config schema"),
        ] {
            let message = load_text(text, &[]).expect_err("unknown key");
            assert!(message.contains(key) && message.contains(nearest), "{message}");
        }
    }

    #[test]
    fn a_bad_value_names_its_place() {
        let message = load_text("[doors]\nlisten = 5\n", &[]).expect_err("wrong type");
        assert!(message.contains("line 2") && message.contains("listen"), "{message}");
        let message = load_text("[doors]\nlisten = \"here\"\n", &[]).expect_err("no address");
        assert!(message.contains("line 2") && message.contains("expected an IP address and port"), "{message}");
        let message = load_text("[database]\nconnections_max = 0\n", &[]).expect_err("out of range");
        assert!(message.contains("database.connections_max") && message.contains("1 to 1000"), "{message}");
        let message = load_text("[doors]\ntrusted_proxies = [\"nowhere\"]\n", &[]).expect_err("no range");
        assert!(message.contains("line 2") && message.contains("nowhere"), "{message}");
        let message = load_text("[doors]\nlisten = \"[::1]:1\"\nthreads = -1\n", &[]).expect_err("a negative number");
        assert!(message.contains("line 3"), "{message}");
        let message = load_text("[doors]\nthreads = 5000\n", &[]).expect_err("out of range");
        assert!(message.contains("doors.threads"), "{message}");
        let message = load_text("[doors]\nlisten = \"[::1]:1\"\nsocket_mode = \"8\"\n", &[]).expect_err("no mode");
        assert!(message.contains("line 3") && message.contains("in octal"), "{message}");
        let message = load_text("= 5", &[]).expect_err("no TOML");
        assert!(message.contains("line 1"), "{message}");
    }

    #[test]
    fn certificate_and_key_belong_together() {
        let files = "certificate_file = \"/c\"\nkey_file = \"/k\"\n";
        let config = load_text(
            &format!(
                "[doors.tls]\n{files}[control.tls]\n{files}[telemetry.tls]\n{files}[public]\nlisten = \"[::1]:1\"\n[public.tls]\n{files}"
            ),
            &[],
        );
        let config = config.expect("all listeners");
        let listeners = config.listeners();
        assert!(listeners.len() == 4 && listeners.iter().all(|listener| listener.tls.is_some()), "{listeners:?}");
        let message = load_text("[doors.tls]\ncertificate_file = \"/c\"\n", &[]).expect_err("no key");
        assert!(message.contains("line 1") && message.contains("key_file"), "{message}");
        let message = load_text("[control.tls]\ncertificat_file = \"/c\"\n", &[]).expect_err("a typo");
        assert!(message.contains("did you mean `control.tls.certificate_file`"), "{message}");
        let message = load_text("", &[("CLAVIGER_DOORS_TLS_KEY_FILE", "/k")]).expect_err("no certificate");
        assert!(message.contains("doors.tls.certificate_file") && message.contains("doors.tls.key_file"), "{message}");
        let socket = ("CLAVIGER_CONTROL_LISTEN", "unix:/run/c");
        let message = load_text(&format!("[control.tls]\n{files}"), &[socket]).expect_err("a Unix socket");
        assert!(message.contains("control.tls") && message.contains("Unix socket"), "{message}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let sources = Sources { file: Some("/nowhere/claviger.toml".into()), ..Sources::default() };
        let message = load(&sources).expect_err("no file").to_string();
        assert!(message.contains("/nowhere/claviger.toml"), "{message}");
    }

    #[test]
    fn the_schema_knows_what_is_shown() {
        let shown: toml::Table =
            toml::to_string(&Config::default()).expect("TOML").parse().expect("what is shown is a table");
        assert_eq!(unknown_keys(&shown, &schema()), Vec::<String>::new());
        assert!(known_keys(&schema()).iter().any(|key| key == "database.connections_max"));
    }
}
