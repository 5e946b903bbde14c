//! The manual of an operation on the wire, which is also how it is kept: what says nothing is left out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::wire::OperationView;

/// An operation with what its document says of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationManual {
    /// The operation, in the version that was asked for.
    pub operation: OperationView,
    /// The version of the API that the manual is for; null where it has none.
    #[schema(required)]
    pub version: Option<String>,
    /// Every version that has the operation.
    pub versions: Vec<String>,
    /// What the document says; null where the operation was not imported from one.
    #[schema(required)]
    pub manual: Option<Manual>,
}

/// What a document says of an operation. All of it is text of the document: plain text, nothing of it is followed or run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Manual {
    /// At most 2,000 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether it should not be used any more.
    #[serde(skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Parameters of path, query, headers and cookies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ManualParameter>,
    /// What is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<ManualBody>,
    /// What is answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ManualResponse>,
    /// Whether the document says more than is kept.
    #[serde(skip_serializing_if = "is_false")]
    pub cut: bool,
}

/// A parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ManualParameter {
    /// Where it stands.
    #[serde(rename = "in")]
    #[schema(example = "query")]
    pub place: String,
    /// Its name, and what may stand in it.
    #[serde(flatten)]
    pub schema: ManualSchema,
}

/// The body of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ManualBody {
    /// At most 300 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether it must be there.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// A payload for each media type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<ManualContent>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ManualResponse {
    /// A status, a range such as `4XX`, or `default`.
    #[schema(example = "200")]
    pub status: String,
    /// At most 300 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// A payload for each media type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<ManualContent>,
}

/// A payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ManualContent {
    /// What it is written as.
    #[schema(example = "application/json")]
    pub media_type: String,
    /// What it is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<ManualSchema>,
    /// An example: JSON over several lines, or as the document has it; at most 4,096 bytes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub example: String,
}

/// A value, and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ManualSchema {
    /// What it is called where it stands: a member's name, `*` for members of any name; of a choice the name of its schema.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `object`, `null` or `any`; `[]` behind it for a list of such, `|` between
    /// several. `one_of` and `any_of`: its fields are choices.
    #[serde(rename = "type")]
    #[schema(example = "string|null")]
    pub kind: String,
    /// Such as `date-time`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// Whether it must be there.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// At most 300 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The only values, where the document lists them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The document's other rules, by its own words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["maxLength: 30"]))]
    pub rules: Vec<String>,
    /// What is in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub fields: Vec<ManualSchema>,
    /// The schema that it repeats, which it stands in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repeats: String,
    /// Whether the document says more of it than is kept.
    #[serde(skip_serializing_if = "is_false")]
    pub cut: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !flag
}
