//! `?sort=` of lists whose records have a slug and a name, and of those that are logs.

use claviger_store::RecordSort;
use serde::Deserialize;
use utoipa::ToSchema;

/// In which order; `-` = descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum SortBy {
    /// By slug.
    #[default]
    #[serde(rename = "slug")]
    Slug,
    /// By slug, from the end.
    #[serde(rename = "-slug")]
    SlugDescending,
    /// By name, whatever its case.
    #[serde(rename = "name")]
    Name,
    /// By name, from the end.
    #[serde(rename = "-name")]
    NameDescending,
    /// The newest first.
    #[serde(rename = "-created_at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "created_at")]
    Oldest,
}

/// The order of a log; `-` = descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum SortByTime {
    /// The newest first.
    #[default]
    #[serde(rename = "-at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "at")]
    Oldest,
}

// === impl RecordSort ===

impl From<SortBy> for RecordSort {
    fn from(sort: SortBy) -> Self {
        match sort {
            SortBy::Slug => Self::Slug,
            SortBy::SlugDescending => Self::SlugDescending,
            SortBy::Name => Self::Name,
            SortBy::NameDescending => Self::NameDescending,
            SortBy::Newest => Self::Newest,
            SortBy::Oldest => Self::Oldest,
        }
    }
}
