//! What an import answers.

use serde::Serialize;
use utoipa::ToSchema;

use super::difference::{OperationChanges, OperationCounts};
use super::shares::Shares;
use super::wire::ApiView;

/// What an import did, or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Imported {
    /// The API.
    pub api: ApiView,
    /// The versions that the document stands for; empty where it names none.
    #[schema(example = json!(["v72"]))]
    pub versions: Vec<String>,
    /// How its operations changed.
    pub operations: OperationCounts,
    /// Which operations these are.
    pub changes: OperationChanges,
    /// Who gains and who loses by that.
    #[serde(flatten)]
    pub shares: Shares,
    /// Sets that could be made of the document's tags.
    pub suggested_sets: Vec<SuggestedSetView>,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Whether the API is new.
    #[serde(skip)]
    pub made: bool,
    /// The API's version.
    #[serde(skip)]
    pub version: i64,
}

/// A set that could be made; its fields are those of `POST /api-sets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SuggestedSetView {
    /// A slug.
    #[schema(example = "issues")]
    pub slug: String,
    /// The document's tag.
    #[schema(example = "issues")]
    pub name: String,
    /// Names and patterns of operations.
    #[schema(example = json!(["github:issues/*"]))]
    pub operations: Vec<String>,
    /// How many operations these are now.
    pub operations_count: usize,
}
