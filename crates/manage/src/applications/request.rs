//! What requests say about an application.

use claviger_domain::Secret;
use claviger_domain::application::{Application, ApplicationType, Need, PUBLIC_URL_LENGTH_MAX};
use claviger_domain::credential::Environment;
use claviger_domain::name::{Name, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::apis::is_web_address;
use crate::body::{present, value};
use crate::checks::Checks;
use crate::ip_list::IpInput;
use crate::limits::LimitInput;

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
    /// What its calls prove themselves by, 12 to 256 characters; made if not given. Only where its type asks for one.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 12, max_length = 256)]
    pub password: Option<Secret>,
    /// Whether its keys pass at once; true if not given.
    #[serde(default = "yes")]
    pub active: bool,
    /// Where its keys may be used from; empty = anywhere.
    #[serde(default)]
    pub allowed_ips: Vec<IpInput>,
    /// What its keys share, unless a limit's scope says otherwise.
    #[serde(default)]
    pub limits: Vec<LimitInput>,
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
    /// What its calls prove themselves by, 12 to 256 characters; the one before ends. Only where its type asks for one.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, min_length = 12, max_length = 256)]
    pub password: Option<Secret>,
    /// Whether its keys pass.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub active: Option<bool>,
    /// In place of those before; null or empty = anywhere.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<IpInput>>)]
    pub allowed_ips: Option<Option<Vec<IpInput>>>,
    /// In place of those before; null or empty = without limits of its own.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<LimitInput>>)]
    pub limits: Option<Option<Vec<LimitInput>>>,
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

/// Refuses what the type asks for and is missing, and what it does not know.
pub(super) fn needs(checks: &mut Checks, kind: &ApplicationType, application: &Application) {
    let fields = [
        ("allowed_ips", kind.fields.allowed_ips, !application.allowed_ips.is_empty()),
        ("public_url", kind.fields.public_url, application.public_url.is_some()),
    ];
    for (name, need, is_there) in fields {
        match need {
            Need::Required => checks.ensure(name, is_there, "is required by the application's type"),
            Need::Hidden => checks.ensure(name, !is_there, "is nothing that applications of this type have"),
            Need::Optional => {}
        }
    }
}

/// The public URL as it is stored; an empty one is none.
pub(super) fn public_url(checks: &mut Checks, url: Option<&str>) -> Option<String> {
    let url = url.map(str::trim).filter(|url| !url.is_empty())?;
    let fits = url.chars().count() <= PUBLIC_URL_LENGTH_MAX && is_beginning_of_links(url);
    let expected = format!(
        "expected an http or https address of at most {PUBLIC_URL_LENGTH_MAX} characters, without user, query and fragment"
    );
    checks.ensure("public_url", fits, expected);
    fits.then(|| url.to_owned())
}

/// Whether it is an address of the web that a path can be put behind, and no more than that.
fn is_beginning_of_links(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let host = uri.authority().filter(|authority| !authority.as_str().contains('@')).map(http::uri::Authority::host);
    is_web_address(url)
        && host.is_some_and(|host| !host.is_empty())
        && !url.contains(['?', '#', '"', '\'', '<', '>', '\\', '`'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_what_links_can_begin_with() {
        for url in [
            "https://portal.example.com",
            "http://[2001:db8::1]:8080/",
            "https://x.example/shop/",
            "https://bücher.example",
        ] {
            let is_ascii = url.is_ascii();
            assert_eq!(is_beginning_of_links(url), is_ascii, "{url}");
        }
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://x.example",
            "//x.example",
            "x.example",
            "https://",
            "https:///path",
            "https://user:password@x.example",
            "https://x.example/?a=b",
            "https://x.example/#f",
            "https://x.example/\"><b>",
            "https://x.example/a b",
            "https://x.example/\nX: y",
            "https:\\\\x.example",
        ] {
            assert!(!is_beginning_of_links(url), "{url}");
        }
    }
}
