//! What requests say about an API, and its checks.

use std::collections::HashMap;

use claviger_domain::api::{BASE_PATHS_MAX, HOSTS_MAX, Host, OPERATIONS_MAX};
use claviger_domain::credential::Environment;
use claviger_domain::name::{Name, Slug, free_text};
use claviger_domain::operation::{
    BasePath, Method, Operation, OperationPattern, Router, RouterProblem, Template, VERSIONS_MAX, is_same_version,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::document::{MANUAL_URL_BYTES_MAX, is_web_address};
use super::host;
use super::rules::SharedWithInput;
use crate::body::{present, value};
use crate::checks::Checks;

/// The most characters of an operation's summary.
const SUMMARY_LENGTH_MAX: usize = 200;
/// The most tags of an operation.
const TAGS_MAX: usize = 20;
/// The most characters of a tag.
const TAG_LENGTH_MAX: usize = 120;

/// An API to make by hand.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApi {
    /// What people call it.
    #[schema(value_type = String, example = "Events")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// Unique in the organization; made from the name if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "events")]
    pub slug: Option<Slug>,
    /// The hosts it answers on; empty = any.
    #[serde(default)]
    #[schema(example = json!(["api.example.com"]))]
    pub hosts: Vec<HostInput>,
    /// The paths its operations stand under; `/` if not given.
    #[serde(default)]
    #[schema(example = json!(["/v2"]))]
    pub base_paths: Option<Vec<String>>,
    /// Whether a key that holds the whole API may ask for paths that no operation lists.
    #[serde(default)]
    pub unlisted_paths: bool,
    /// Where its manual stands.
    #[serde(default)]
    pub manual_url: Option<String>,
    /// What versions look like in its paths, as the base path's last segment or right behind it: `v#` is `v` and digits.
    #[serde(default)]
    #[schema(example = "v#")]
    pub version_pattern: Option<String>,
    /// The versions there are, so that sets and keys can name them.
    #[serde(default)]
    #[schema(example = json!(["v1", "v2"]))]
    pub versions: Vec<String>,
    /// Whether what it would refuse for rights, address or limits is logged and passes.
    #[serde(default)]
    pub report_only: bool,
    /// Where its keys stand in a request: `basic`, `bearer`, names of headers, `query:` and a parameter's name; empty =
    /// `basic`, `bearer` and `x-api-key`.
    #[serde(default)]
    #[schema(example = json!(["bearer", "X-Api-Key"]))]
    pub credential_sources: Vec<String>,
    /// Whether a CORS preflight passes without a key.
    #[serde(default)]
    pub preflight_without_key: bool,
    /// Its operations, in order: where several match a request, the first names it.
    #[serde(default)]
    pub operations: Vec<OperationInput>,
}

/// What to change of an API; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditApi {
    /// What people call it.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// Unique in the organization. The slug of its General set follows.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub slug: Option<Slug>,
    /// In the place of all hosts.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<HostInput>)]
    pub hosts: Option<Vec<HostInput>>,
    /// In the place of all base paths.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub base_paths: Option<Vec<String>>,
    /// Whether a key that holds the whole API may ask for paths that no operation lists.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub unlisted_paths: Option<bool>,
    /// Where its manual stands; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub manual_url: Option<Option<String>>,
    /// What versions look like in its paths; null: they carry none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub version_pattern: Option<Option<String>>,
    /// In the place of all versions. What was in a version that is left out alone goes with it: operations, and base paths
    /// unless they are given too.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub versions: Option<Vec<String>>,
    /// Whether what it would refuse for rights, address or limits is logged and passes.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub report_only: Option<bool>,
    /// In the place of all sources: `basic`, `bearer`, names of headers, `query:` and a parameter's name; empty = `basic`,
    /// `bearer` and `x-api-key`.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>, example = json!(["bearer", "X-Api-Key"]))]
    pub credential_sources: Option<Vec<String>>,
    /// Whether a CORS preflight passes without a key.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub preflight_without_key: Option<bool>,
    /// Which other organizations may use it: `none`, `all`, or a list of their ids.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = SharedWithInput)]
    pub shared_with: Option<SharedWithInput>,
    /// Whether Full access of their keys covers it.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub shared_full_access: Option<bool>,
    /// In the place of all operations.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<OperationInput>)]
    pub operations: Option<Vec<OperationInput>>,
}

/// A host: `"api.example.com"`, or an object that says which keys it is for.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({"host": "api.example.com", "environment": "live"}))]
pub struct HostInput {
    /// Its name; a port is dropped.
    pub host: String,
    /// `live` (if not given) or `test`.
    #[schema(value_type = Option<String>)]
    pub environment: Environment,
}

/// An operation: method and path.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationInput {
    /// Its name in the API; made from method and path if not given.
    #[serde(default)]
    #[schema(example = "createEvent")]
    pub name: Option<String>,
    /// As requests spell it.
    #[schema(example = "POST")]
    pub method: String,
    /// The path template, without base path.
    #[schema(example = "/event/{id}")]
    pub path: String,
    /// The path's parameters that take several segments; all others take exactly one.
    #[serde(default)]
    pub multi_segment: Vec<String>,
    /// One line for people.
    #[serde(default)]
    pub summary: String,
    /// Free labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The versions of the API that have it, `none` for paths without one; empty = every one. Where versions differ in method
    /// or path it stands here once for each.
    #[serde(default)]
    pub versions: Vec<String>,
}

/// Reads hosts, each once.
pub(super) fn hosts(checks: &mut Checks, given: &[HostInput]) -> Vec<Host> {
    checks.ensure("hosts", given.len() <= HOSTS_MAX, format!("expected at most {HOSTS_MAX}"));
    let mut hosts: Vec<Host> = Vec::new();
    for (index, given) in given.iter().enumerate().take(HOSTS_MAX) {
        let field = format!("hosts[{index}].host");
        match host::parse(&given.host) {
            Ok(host) if hosts.iter().any(|known| known.host == host) => checks.refuse(field, "stands here twice"),
            Ok(host) => hosts.push(Host { host, environment: given.environment }),
            Err(problem) => checks.refuse(field, problem),
        }
    }
    hosts
}

/// Reads base paths, each once.
pub(super) fn base_paths(checks: &mut Checks, given: &[String]) -> Vec<String> {
    checks.ensure("base_paths", !given.is_empty(), "expected at least one; `/` stands for all paths");
    checks.ensure("base_paths", given.len() <= BASE_PATHS_MAX, format!("expected at most {BASE_PATHS_MAX}"));
    let mut paths: Vec<String> = Vec::new();
    for (index, given) in given.iter().enumerate().take(BASE_PATHS_MAX) {
        match BasePath::parse(given) {
            Ok(path) => paths.push(path.to_string()),
            Err(problem) => checks.refuse(format!("base_paths[{index}]"), problem),
        }
    }
    paths.iter().enumerate().filter(|(at, path)| !paths[..*at].contains(path)).map(|(_, path)| path.clone()).collect()
}

/// Checks the address of a manual.
pub(super) fn manual_url(checks: &mut Checks, url: Option<&str>) -> Option<String> {
    let fits = url.is_none_or(is_web_address);
    checks.ensure(
        "manual_url",
        fits,
        format!("expected an http or https address of at most {MANUAL_URL_BYTES_MAX} bytes"),
    );
    url.map(str::to_owned)
}

/// Reads operations, their names unique.
pub(super) fn operations(checks: &mut Checks, given: &[OperationInput]) -> Vec<Operation> {
    if given.len() > OPERATIONS_MAX {
        checks.refuse("operations", format!("expected at most {OPERATIONS_MAX}"));
        return Vec::new();
    }
    let mut names: HashMap<Box<str>, Vec<usize>> = HashMap::new();
    let mut operations: Vec<Operation> = Vec::with_capacity(given.len());
    for (index, given) in given.iter().enumerate() {
        let at = |field: &str| format!("operations[{index}].{field}");
        let operation = operation(checks, given, &at);
        let namesakes = names.entry(operation.name.clone()).or_default();
        let clashes = namesakes.iter().any(|at| shares_version(&operations[*at], &operation));
        checks.ensure(&at("name"), !clashes, "another operation of this API has this name");
        namesakes.push(index);
        operations.push(operation);
    }
    operations
}

fn shares_version(one: &Operation, other: &Operation) -> bool {
    let in_all = one.versions.is_empty() || other.versions.is_empty();
    in_all || one.versions.iter().any(|name| other.versions.iter().any(|known| is_same_version(known, name)))
}

fn operation(checks: &mut Checks, given: &OperationInput, at: &dyn Fn(&str) -> String) -> Operation {
    if let Err(problem) = Method::parse(&given.method) {
        checks.refuse(at("method"), problem);
    }
    if let Err(problem) = Template::parse(&given.path, &given.multi_segment) {
        checks.refuse(at("path"), problem);
    }
    let name = given.name.clone().unwrap_or_else(|| super::document::made_name(&given.method, &given.path));
    match OperationPattern::parse(&name) {
        Ok(pattern) if pattern.is_name() => {}
        Ok(_) => checks.refuse(at("name"), "an operation's name has no `*` and no `@`, and begins with no `!`"),
        Err(problem) => checks.refuse(at("name"), problem),
    }
    let mut text = |field: &str, text: &str, max: usize| -> Box<str> {
        checks.take(&at(field), free_text(text, max)).replace(['\n', '\t'], " ").into()
    };
    let summary = text("summary", &given.summary, SUMMARY_LENGTH_MAX);
    let tags = given.tags.iter().take(TAGS_MAX).map(|tag| text("tags", tag, TAG_LENGTH_MAX)).collect();
    checks.ensure(
        &at("versions"),
        given.versions.len() <= VERSIONS_MAX + 1,
        format!("expected at most {VERSIONS_MAX}"),
    );
    checks.ensure(&at("tags"), given.tags.len() <= TAGS_MAX, format!("expected at most {TAGS_MAX}"));
    Operation {
        name: name.into(),
        method: given.method.as_str().into(),
        template: given.path.as_str().into(),
        multi_segment: given.multi_segment.iter().map(|name| name.as_str().into()).collect(),
        summary,
        tags,
        versions: given.versions.iter().map(|name| name.as_str().into()).collect(),
    }
}

/// Checks that the operations can be looked up in together; `field` says where they stand.
pub(super) fn check_routable(checks: &mut Checks, field: &str, operations: &[Operation]) {
    if let Err(problem @ (RouterProblem::TooLarge { .. } | RouterProblem::TooManyOperations)) =
        Router::build(operations)
    {
        checks.refuse(field, problem);
    }
}

// === impl HostInput ===

impl<'de> Deserialize<'de> for HostInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrObject;
        impl<'de> Visitor<'de> for TextOrObject {
            type Value = HostInput;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a host name, or an object with `host` and `environment`")
            }

            fn visit_str<E>(self, text: &str) -> Result<HostInput, E> {
                Ok(HostInput { host: text.to_owned(), environment: Environment::Live })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HostInput, A::Error> {
                let Host { host, environment } = Host::deserialize(MapAccessDeserializer::new(map))?;
                Ok(HostInput { host, environment })
            }
        }
        deserializer.deserialize_any(TextOrObject)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(request: serde_json::Value) -> Vec<String> {
        let request: CreateApi = crate::body::read_fields(request).expect("readable");
        let mut checks = Checks::default();
        hosts(&mut checks, &request.hosts);
        base_paths(&mut checks, request.base_paths.as_deref().unwrap_or(&["/".to_owned()]));
        manual_url(&mut checks, request.manual_url.as_deref());
        operations(&mut checks, &request.operations);
        match checks.finish() {
            Ok(()) => Vec::new(),
            Err(error) => error.errors().iter().map(|error| error.field.clone()).collect(),
        }
    }

    #[test]
    fn a_good_api_is_taken_as_it_is() {
        assert_eq!(
            problems(json!({
                "name": "Events", "hosts": ["api.example.com", {"host": "t.example.com", "environment": "test"}],
                "base_paths": ["/v2/", "/v2"], "manual_url": "https://example.com/manual",
                "operations": [
                    {"method": "POST", "path": "/event"},
                    {"name": "files", "method": "GET", "path": "/files/{path}", "multi_segment": ["path"], "tags": ["a"]},
                ],
            })),
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(
            problems(json!({
                "name": "x", "hosts": ["a b", "a.com", "A.com"], "base_paths": ["v2", "/{x}"], "manual_url": "ftp://x",
                "operations": [
                    {"method": "GE T", "path": "x", "name": "a*"},
                    {"method": "GET", "path": "/{x}", "multi_segment": ["y"], "name": "b"},
                    {"method": "PUT", "path": "/x", "name": "b"},
                ],
            })),
            [
                "hosts[0].host",
                "hosts[2].host",
                "base_paths[0]",
                "base_paths[1]",
                "manual_url",
                "operations[0].method",
                "operations[0].path",
                "operations[0].name",
                "operations[1].path",
                "operations[2].name",
            ]
        );
        assert_eq!(problems(json!({"name": "x", "base_paths": []})), ["base_paths"]);
    }
}
