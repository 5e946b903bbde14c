//! What requests say about an application.

use claviger_domain::application::{Application, PUBLIC_URL_LENGTH_MAX};
use claviger_domain::credential::Environment;
use claviger_domain::name::{Name, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::apis::is_web_address;
use crate::body::{present, value};
use crate::checks::Checks;
use crate::ip_list::IpInput;

/// An application to make; its first key is made with it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApplication {
    /// Unique among the applications of its type; without a colon.
    #[schema(value_type = String, example = "Partner portal")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// Unique among the organization's applications; made from the name if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "partner-portal")]
    pub slug: Option<Slug>,
    /// Its type, by slug or id; it never changes.
    #[serde(rename = "type")]
    #[schema(example = "partner")]
    pub kind: String,
    /// Whether its keys pass at once; true if not given.
    #[serde(default = "yes")]
    pub active: bool,
    /// Where its keys may be used from; empty = anywhere.
    #[serde(default)]
    pub allowed_ips: Vec<IpInput>,
    /// Where people reach it, for the links in mails.
    #[serde(default)]
    #[schema(example = "https://portal.example.com/")]
    pub public_url: Option<String>,
    /// The hosts that its first key is for; `live` if not given.
    #[serde(default)]
    #[schema(value_type = String, example = "live")]
    pub environment: Environment,
}

/// What to change of an application; what is not there stays. Its type never changes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditApplication {
    /// Unique among the applications of its type; without a colon.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// Unique among the organization's applications.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub slug: Option<Slug>,
    /// Whether its keys pass.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub active: Option<bool>,
    /// In place of those before; null or empty = anywhere.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<IpInput>>)]
    pub allowed_ips: Option<Option<Vec<IpInput>>>,
    /// Where people reach it, for the links in mails; null = nowhere.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub public_url: Option<Option<String>>,
}

fn yes() -> bool {
    true
}

// === checks ===

/// Refuses a name that could not travel as a user name.
pub(super) fn name(checks: &mut Checks, name: &Name) {
    if let Err(problem) = Application::check_name(name) {
        checks.refuse("name", problem);
    }
}

/// The public URL as it is stored; an empty one is none.
pub(super) fn public_url(checks: &mut Checks, url: Option<&str>) -> Option<String> {
    let url = url.map(str::trim).filter(|url| !url.is_empty())?;
    let fits = url.chars().count() <= PUBLIC_URL_LENGTH_MAX && is_web_address(url);
    let expected = format!("expected an http or https address of at most {PUBLIC_URL_LENGTH_MAX} characters");
    checks.ensure("public_url", fits, expected);
    fits.then(|| url.to_owned())
}
