//! Rows copied out of the driver, one behind the other: to hand them to another thread costs one message for thousands.

use std::ops::Range;

use crate::fields::Fields;
use crate::{Error, Result};

/// Bytes that a row usually has.
const ROW_BYTES: usize = 512;

/// Rows of texts and bytes.
#[derive(Debug)]
pub(crate) struct RawRows {
    bytes: Vec<u8>,
    /// The end of each column of each row.
    ends: Vec<usize>,
    columns: &'static [Column],
}

/// A column that is copied: its name, and whether it holds bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    Text(&'static str),
    Bytes(&'static str),
}

/// One of the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawRow<'r> {
    rows: &'r RawRows,
    first_end: usize,
}

// === impl RawRows ===

impl RawRows {
    /// Room for `rows` rows.
    pub(crate) fn with_capacity(rows: usize, columns: &'static [Column]) -> Self {
        let bytes = Vec::with_capacity(rows * ROW_BYTES);
        Self { bytes, ends: Vec::with_capacity(rows * columns.len()), columns }
    }

    /// Copies a row.
    pub(crate) fn push(&mut self, row: &dyn Fields) -> Result<()> {
        for (at, column) in self.columns.iter().enumerate() {
            match column {
                Column::Text(_) => self.bytes.extend_from_slice(row.text(at)?.as_bytes()),
                Column::Bytes(_) => self.bytes.extend_from_slice(row.bytes(at)?),
            }
            self.ends.push(self.bytes.len());
        }
        Ok(())
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len() / self.columns.len()
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RawRow<'_>> {
        (0..self.len()).map(|row| RawRow { rows: self, first_end: row * self.columns.len() })
    }
}

// === impl RawRow ===

impl RawRow<'_> {
    fn range(&self, column: usize) -> Range<usize> {
        let (ends, at) = (&self.rows.ends, self.first_end + column);
        let start = at.checked_sub(1).map_or(0, |before| ends[before]);
        start..ends[at]
    }
}

impl Fields for RawRow<'_> {
    fn text_or_none(&self, column: usize) -> Result<Option<&str>> {
        let text = std::str::from_utf8(self.bytes(column)?);
        text.map(Some).map_err(|error| Error::Unreadable(format!("column {}: {error}", self.name(column))))
    }

    fn number_or_none(&self, column: usize) -> Result<Option<i64>> {
        Err(Error::Unreadable(format!("column {}: not copied", self.name(column))))
    }

    fn bytes(&self, column: usize) -> Result<&[u8]> {
        Ok(&self.rows.bytes[self.range(column)])
    }

    fn name(&self, column: usize) -> String {
        match self.rows.columns.get(column) {
            Some(Column::Text(name) | Column::Bytes(name)) => (*name).to_owned(),
            None => String::new(),
        }
    }
}
