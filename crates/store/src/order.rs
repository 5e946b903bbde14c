//! The order of lists of records that have a slug and a name.

use claviger_domain::Timestamp;

use crate::Result;
use crate::page::{CursorValue, Page};
use crate::sql::Sql;

/// In which order; ties are settled by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecordSort {
    /// By slug.
    #[default]
    Slug,
    /// By slug, from the end.
    SlugDescending,
    /// By name, whatever its case.
    Name,
    /// By name, from the end.
    NameDescending,
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

/// What a row is sorted by.
pub(crate) struct SortKeys {
    pub(crate) slug: String,
    /// As it stands in the column `search`.
    pub(crate) search: String,
    pub(crate) created_at: Timestamp,
    pub(crate) id: String,
}

// === impl RecordSort ===

impl RecordSort {
    /// Adds to a statement with a `WHERE` where the page begins, its order and its size.
    pub(crate) fn cut(self, statement: Sql, page: &Page) -> Result<Sql> {
        let (after, order) = match self {
            Self::Slug => (" AND (slug, id) > (?", " ORDER BY slug, id LIMIT ?"),
            Self::SlugDescending => (" AND (slug, id) < (?", " ORDER BY slug DESC, id DESC LIMIT ?"),
            Self::Name => (" AND (search, id) > (?", " ORDER BY search, id LIMIT ?"),
            Self::NameDescending => (" AND (search, id) < (?", " ORDER BY search DESC, id DESC LIMIT ?"),
            Self::Newest => (" AND (created_at, id) < (?", " ORDER BY created_at DESC, id DESC LIMIT ?"),
            Self::Oldest => (" AND (created_at, id) > (?", " ORDER BY created_at, id LIMIT ?"),
        };
        let statement = match self {
            Self::Newest | Self::Oldest => match page.after_number()? {
                Some((at, id)) => statement.push_bound(after, [at]).push_bound(", ?)", [id]),
                None => statement,
            },
            _ => match page.after_text()? {
                Some((text, id)) => statement.push_bound(after, [text]).push_bound(", ?)", [id]),
                None => statement,
            },
        };
        Ok(statement.push_bound(order, [page.rows_to_read()]))
    }

    /// Where the page behind this row begins.
    pub(crate) fn cursor(self, row: SortKeys) -> (CursorValue, String) {
        let value = match self {
            Self::Slug | Self::SlugDescending => CursorValue::Text(row.slug),
            Self::Name | Self::NameDescending => CursorValue::Text(row.search),
            Self::Newest | Self::Oldest => CursorValue::Number(row.created_at.as_micros()),
        };
        (value, row.id)
    }
}
