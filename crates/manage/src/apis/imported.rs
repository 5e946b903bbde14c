//! What an import answers.

use serde::Serialize;
use utoipa::ToSchema;

use super::difference::{KeyShare, OperationChanges, OperationCounts, OthersShare, SetShare};
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
    /// Sets that hold some of what is added, at most 200.
    pub gaining_sets: Vec<SetShare>,
    /// Sets that hold some of what is removed, at most 200.
    pub losing_sets: Vec<SetShare>,
    /// Keys that hold some of what is added beside their sets, at most 100; left out for callers who may not read keys.
    pub gaining_keys: Vec<KeyShare>,
    /// Keys that hold some of what is removed beside their sets, at most 100; left out for callers who may not read keys.
    pub losing_keys: Vec<KeyShare>,
    /// What other organizations that the API is shared with gain.
    pub gaining_others: OthersShare,
    /// What other organizations that the API is shared with lose.
    pub losing_others: OthersShare,
    /// Whether more sets or keys gain or lose than are named here.
    pub more: bool,
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
