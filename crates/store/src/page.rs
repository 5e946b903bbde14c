//! Keyset pagination: a page begins behind the last row of the page before it.

use serde::{Deserialize, Serialize};

use crate::Result;

/// The most rows of a page.
pub const PAGE_LIMIT_MAX: u32 = 100;

/// Which rows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many; at most [`PAGE_LIMIT_MAX`], more are not given.
    pub limit: u32,
    /// Behind which row; `None` = from the beginning.
    pub after: Option<Cursor>,
}

/// The last row of a page: what the list is sorted by, and the id that settles ties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// What the list is sorted by.
    #[serde(rename = "v")]
    pub value: CursorValue,
    /// The row's id.
    #[serde(rename = "i")]
    pub id: String,
}

/// A value that a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CursorValue {
    /// A time in microseconds, or a number.
    Number(i64),
    /// A text.
    Text(String),
}

/// A page's rows, and where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows.
    pub items: Vec<T>,
    /// `None` where this page is the last.
    pub next: Option<Cursor>,
}

// === impl Page ===

impl Page {
    /// The first `limit` rows.
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// How many rows to give.
    pub(crate) fn rows(&self) -> usize {
        self.limit.clamp(1, PAGE_LIMIT_MAX) as usize
    }

    /// One row more than asked for tells whether there is a next page.
    pub(crate) fn rows_to_read(&self) -> i64 {
        self.rows() as i64 + 1
    }

    /// The number behind which the page begins; `Err` if the cursor is of another list.
    pub(crate) fn after_number(&self) -> Result<Option<(i64, &str)>> {
        match &self.after {
            None => Ok(None),
            Some(Cursor { value: CursorValue::Number(number), id }) => Ok(Some((*number, id))),
            Some(_) => Err(crate::Error::ForeignCursor),
        }
    }

    /// The text behind which the page begins; `Err` if the cursor is of another list.
    pub(crate) fn after_text(&self) -> Result<Option<(&str, &str)>> {
        match &self.after {
            None => Ok(None),
            Some(Cursor { value: CursorValue::Text(text), id }) => Ok(Some((text, id))),
            Some(_) => Err(crate::Error::ForeignCursor),
        }
    }

    /// Cuts off the extra row and makes the cursor from the last one kept.
    pub(crate) fn cut<T>(&self, mut items: Vec<T>, cursor: impl Fn(&T) -> (CursorValue, String)) -> Listed<T> {
        let more = items.len() > self.rows();
        items.truncate(self.rows());
        let next = items.last().filter(|_| more).map(|last| {
            let (value, id) = cursor(last);
            Cursor { value, id }
        });
        Listed { items, next }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(PAGE_LIMIT_MAX)
    }
}
