//! Rows copied out of the driver, one behind the other: to hand them to another thread costs one message for thousands.

use std::ops::Range;

use crate::fields::Fields;
use crate::{Error, Result};

/// Bytes that a row usually has.
const ROW_BYTES: usize = 512;

/// Stands between values that are joined: ASCII's record separator.
const ROW_END: char = '\u{1e}';

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

    /// Adds rows of which each column is joined to one text: [`ROW_END`] between its values, bytes in hexadecimal. It stands
    /// in none of them: ids have no such character, and JSON has it escaped.
    pub(crate) fn push_joined(&mut self, joined: &[&str]) -> Result<()> {
        let rows = |column: &str| column.split(ROW_END).count();
        let all = joined.first().map_or(0, |first| rows(first));
        if joined.len() != self.columns.len() || joined.iter().any(|column| rows(column) != all) {
            return Err(Error::Unreadable("joined columns of different lengths".to_owned()));
        }
        let mut values: Vec<_> = joined.iter().map(|column| column.split(ROW_END)).collect();
        for _ in 0..all {
            for (column, values) in self.columns.iter().zip(&mut values) {
                let value = values.next().unwrap_or_default();
                match column {
                    Column::Text(_) => self.bytes.extend_from_slice(value.as_bytes()),
                    Column::Bytes(name) => push_hex(&mut self.bytes, value)
                        .ok_or_else(|| Error::Unreadable(format!("column {name}: no hexadecimal digits")))?,
                }
                self.ends.push(self.bytes.len());
            }
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

    fn count(&self) -> usize {
        self.rows.columns.len()
    }

    fn name(&self, column: usize) -> String {
        match self.rows.columns.get(column) {
            Some(Column::Text(name) | Column::Bytes(name)) => (*name).to_owned(),
            None => String::new(),
        }
    }
}

/// Appends the bytes that hexadecimal digits stand for; `None` if they are none.
fn push_hex(bytes: &mut Vec<u8>, digits: &str) -> Option<()> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    for [high, low] in pairs {
        bytes.push((value(*high)? << 4 | value(*low)?) as u8);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[Column::Text("id"), Column::Bytes("digest"), Column::Text("record")];

    #[test]
    fn joined_rows_are_read_as_they_were() {
        let mut rows = RawRows::with_capacity(2, COLUMNS);
        rows.push_joined(&["a\u{1e}b", "00FFa7\u{1e}", "{\"é\":1}\u{1e}"]).expect("two rows");
        let text = |row: &RawRow<'_>, column| row.text_or_none(column).unwrap().unwrap().to_owned();
        let read = rows.iter().map(|row| (text(&row, 0), row.bytes(1).unwrap().to_vec(), text(&row, 2)));
        let read: Vec<_> = read.collect();
        let expected = [("a", vec![0, 255, 0xa7], r#"{"é":1}"#), ("b", vec![], "")];
        assert_eq!(read, expected.map(|(id, digest, record)| (id.to_owned(), digest, record.to_owned())));
    }

    #[test]
    fn what_is_no_joined_row_is_an_error() {
        for joined in
            [&["a", "00"][..], &["a", "0", "x"], &["a", "0g", "x"], &["a", "00", "x\u{1e}y"], &["a\u{1e}b", "00", "x"]]
        {
            assert!(RawRows::with_capacity(1, COLUMNS).push_joined(joined).is_err(), "{joined:?}");
        }
    }
}
