//! Rules by which scanners know the organization's keys.

use claviger_domain::credential::{CHECKSUM_LENGTH, KeyPrefix, SECRET_LENGTH};
use claviger_domain::pair::{IDENTIFIER_LENGTH, IDENTIFIER_PREFIX, PASSWORD_LENGTH};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::organizations::home;

/// Characters of a key behind its prefix and environment.
const KEY_LENGTH: usize = SECRET_LENGTH + CHECKSUM_LENGTH;
/// Characters of a pair's identifier behind its prefix.
const IDENTIFIER_RANDOM: usize = IDENTIFIER_LENGTH - IDENTIFIER_PREFIX.len();

/// For which scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scanner {
    /// gitleaks: TOML for its `--config`.
    Gitleaks,
    /// `TruffleHog`: YAML for its `--config`.
    Trufflehog,
}

/// The rules of the organization's own prefix, for whoever belongs to it: a prefix is on every key.
pub async fn rules(manage: &Manage, ctx: &Ctx, scanner: Scanner) -> Result<String, Error> {
    let organization = ctx.organization.ok_or_else(|| Error::forbidden("This needs an organization."))?;
    let home = home(manage, organization).await?;
    Ok(scanner.rules(&home.key_prefix))
}

// === impl Scanner ===

impl Scanner {
    fn rules(self, prefix: &KeyPrefix) -> String {
        let prefix = prefix.as_str();
        let key = format!(r"\b({prefix}_(?:live|test)_[0-9A-Za-z]{{{KEY_LENGTH}}})\b");
        let pair =
            format!(r"\b({IDENTIFIER_PREFIX}[0-9A-Za-z]{{{IDENTIFIER_RANDOM}}}:[0-9A-Za-z]{{{PASSWORD_LENGTH}}})\b");
        match self {
            Self::Gitleaks => gitleaks(prefix, &key, &pair),
            Self::Trufflehog => trufflehog(prefix, &key, &pair),
        }
    }

    /// What the file is.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Gitleaks => "application/toml",
            Self::Trufflehog => "application/yaml",
        }
    }

    /// The file's name.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Gitleaks => "gitleaks.toml",
            Self::Trufflehog => "trufflehog.yaml",
        }
    }
}

fn gitleaks(prefix: &str, key: &str, pair: &str) -> String {
    format!(
        r#"# Keys of {prefix}; the scanner's own rules stay.
[extend]
useDefault = true

[[rules]]
id = "{prefix}-api-key"
description = "An API key of {prefix}"
regex = '''{key}'''
keywords = ["{prefix}_live_", "{prefix}_test_"]

[[rules]]
id = "{prefix}-api-key-pair"
description = "An API key of {prefix}: identifier and password"
regex = '''{pair}'''
keywords = ["{IDENTIFIER_PREFIX}"]
"#
    )
}

fn trufflehog(prefix: &str, key: &str, pair: &str) -> String {
    format!(
        r"# Keys of {prefix}.
detectors:
  - name: {prefix}-api-key
    keywords:
      - {prefix}_live_
      - {prefix}_test_
    regex:
      key: '{key}'
  - name: {prefix}-api-key-pair
    keywords:
      - {IDENTIFIER_PREFIX}
    regex:
      pair: '{pair}'
"
    )
}
