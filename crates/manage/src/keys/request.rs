//! What requests say about a key, and its checks.

use claviger_domain::credential::Environment;
use claviger_domain::key::{EXTERNAL_ID_LENGTH_MAX, METADATA_BYTES_MAX, Shape, TAGS_MAX};
use claviger_domain::name::{DESCRIPTION_LENGTH_MAX, Name, free_text};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::imported::ImportedValue;
use crate::body::{present, value};
use crate::checks::Checks;
use crate::ip_list::IpInput;
use crate::limits::LimitInput;

/// The most characters of a tag.
pub const TAG_LENGTH_MAX: usize = 60;
/// The most characters of a reason.
pub const REASON_LENGTH_MAX: usize = 500;

/// A key to make. `api_sets` or `operations` must be there; an empty list is an answer too.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// Unique among the owner's living keys.
    #[schema(value_type = String, example = "Order import")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Who it belongs to; the organization if not given.
    #[serde(default)]
    pub owner: Option<OwnerInput>,
    /// `single` (if not given): one string; `pair`: identifier and password.
    #[serde(default)]
    #[schema(value_type = String, example = "single")]
    pub shape: Shape,
    /// A value that others made, in the place of a new one; for `single` keys.
    #[serde(default)]
    pub import: Option<ImportedValue>,
    /// `live` (if not given) or `test`.
    #[serde(default)]
    #[schema(value_type = String, example = "live")]
    pub environment: Environment,
    /// The sets it holds, by slug or id.
    #[serde(default)]
    #[schema(example = json!(["full-access"]))]
    pub api_sets: Option<Vec<String>>,
    /// Operations beside the sets, as `<api>:<pattern>`.
    #[serde(default)]
    #[schema(example = json!(["github:issues/*"]))]
    pub operations: Option<Vec<String>>,
    /// Where it may be used from; empty = anywhere.
    #[serde(default)]
    pub allowed_ips: Vec<IpInput>,
    /// An instant or a bare date (the whole day counts); if not given, as late as the policy lets it be, or never.
    #[serde(default)]
    #[schema(example = "2030-01-31")]
    pub expires_at: Option<String>,
    /// Not valid before this instant, or the beginning of this day.
    #[serde(default)]
    pub not_before: Option<String>,
    /// Made, but out of service until it is enabled.
    #[serde(default)]
    pub disabled: bool,
    /// The customer's name in one's own system.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Free labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Free JSON object for the upstream, at most 1,024 bytes.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// How often it may ask, and how much it may use; empty = without limits of its own.
    #[serde(default)]
    pub limits: Vec<LimitInput>,
    /// It stays in service however long it is not used.
    #[serde(default)]
    pub idle_exempt: bool,
}

/// What to change of a key; what is not there stays. The secret, the creator and the creation never change.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditKey {
    /// Unique among the owner's living keys.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// Free text.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// The sets it holds, in place of those before.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub api_sets: Option<Vec<String>>,
    /// The operations beside the sets, in place of those before.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub operations: Option<Vec<String>>,
    /// In place of those before; null or empty = anywhere.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<IpInput>>)]
    pub allowed_ips: Option<Option<Vec<IpInput>>>,
    /// In place of those before; null or empty = without limits of its own. What was counted stays with a limit's name.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<LimitInput>>)]
    pub limits: Option<Option<Vec<LimitInput>>>,
    /// An instant or a bare date, never beyond `expires_at_max`; null = as late as the policy lets it be, or never. In the
    /// past only with `expire_now`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Option<String>>,
    /// Says that an `expires_at` in the past is meant; without one the key ends now.
    #[serde(default)]
    pub expire_now: bool,
    /// An instant or a bare date; null = at once.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub not_before: Option<Option<String>>,
    /// Whether it stays in service however long it is not used.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub idle_exempt: Option<bool>,
    /// The customer's name in one's own system.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub external_id: Option<Option<String>>,
    /// In place of those before.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    pub tags: Option<Option<Vec<String>>>,
    /// Merged member by member (RFC 7396); null = empty.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Option<Map<String, Value>>>,
}

/// Who a key shall belong to.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerInput {
    /// `organization`, `application` or `user`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The application's id or slug; the user's id, one's own if not given; of the organization its own id, if any.
    #[serde(default)]
    pub id: Option<String>,
}

/// Why a key is taken out of service or put back.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In a person's words.
    #[serde(default)]
    pub reason: Option<String>,
}

// === impl CreateKey ===

impl CreateKey {
    /// A key of this name, with nothing else said of it.
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            description: String::new(),
            owner: None,
            shape: Shape::Single,
            import: None,
            environment: Environment::Live,
            api_sets: None,
            operations: None,
            allowed_ips: Vec::new(),
            expires_at: None,
            not_before: None,
            disabled: false,
            external_id: None,
            tags: Vec::new(),
            metadata: Map::new(),
            limits: Vec::new(),
            idle_exempt: false,
        }
    }

    /// The same for an owner whom the path names and the body need not.
    pub(crate) fn of_owner(self, kind: &str, id: &str) -> Result<Self, crate::Error> {
        if self.owner.is_some() {
            return Err(crate::Error::field("owner", "is the one that the path names"));
        }
        let owner = OwnerInput { kind: kind.to_owned(), id: Some(id.to_owned()) };
        Ok(Self { owner: Some(owner), ..self })
    }
}

// === checks ===

/// The description as it is stored.
pub(super) fn description(checks: &mut Checks, text: &str) -> String {
    checks.take("description", free_text(text, DESCRIPTION_LENGTH_MAX))
}

/// The external id as it is stored; an empty one is none.
pub(super) fn external_id(checks: &mut Checks, text: Option<&str>) -> Option<String> {
    let text = checks.take("external_id", free_text(text?, EXTERNAL_ID_LENGTH_MAX));
    Some(text).filter(|text| !text.is_empty())
}

/// The tags as they are stored: trimmed, each once, in their order.
pub(super) fn tags(checks: &mut Checks, tags: &[String]) -> Vec<String> {
    checks.ensure("tags", tags.len() <= TAGS_MAX, format!("expected at most {TAGS_MAX} tags"));
    let mut stored: Vec<String> = Vec::new();
    for (index, tag) in tags.iter().take(TAGS_MAX).enumerate() {
        let field = format!("tags[{index}]");
        match free_text(tag, TAG_LENGTH_MAX) {
            Err(problem) => checks.refuse(field, problem),
            Ok(tag) if tag.is_empty() => checks.refuse(field, "must not be empty"),
            Ok(tag) if stored.contains(&tag) => {}
            Ok(tag) => stored.push(tag),
        }
    }
    stored
}

/// Refuses metadata that is too large.
pub(super) fn metadata(checks: &mut Checks, metadata: &Map<String, Value>) {
    let bytes = serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
    checks.ensure(
        "metadata",
        bytes <= METADATA_BYTES_MAX,
        format!("expected at most {METADATA_BYTES_MAX} bytes of JSON"),
    );
}

/// The reason as it is stored; an empty one is none.
pub(crate) fn reason(request: &Reason) -> Result<Option<String>, crate::Error> {
    let Some(text) = &request.reason else { return Ok(None) };
    let text = free_text(text, REASON_LENGTH_MAX).map_err(|problem| crate::Error::field("reason", problem))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}
