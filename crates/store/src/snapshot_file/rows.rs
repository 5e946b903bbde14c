//! Rows as bytes: for each value a byte that tells its type, and for those that are there a length and the value.

use crate::fields::Fields;
use crate::{Error, Result};

const NOTHING: u8 = 0;
const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const BYTES: u8 = 3;

/// Appends a row.
pub(super) fn encode(row: &dyn Fields, out: &mut Vec<u8>) -> Result<()> {
    let count = row.count();
    out.extend_from_slice(&(count as u32).to_be_bytes());
    for column in 0..count {
        match (row.text_or_none(column), row.number_or_none(column)) {
            (Ok(Some(text)), _) => put(out, TEXT, text.as_bytes()),
            (_, Ok(Some(number))) => put(out, NUMBER, &number.to_be_bytes()),
            (Ok(None), _) | (_, Ok(None)) => out.push(NOTHING),
            (Err(_), Err(_)) => put(out, BYTES, row.bytes(column)?),
        }
    }
    Ok(())
}

fn put(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

/// Rows of one part, read from the first to the last.
#[derive(Debug, Default)]
pub(crate) struct FileRows {
    bytes: Vec<u8>,
    at: usize,
}

/// One of them.
pub(crate) struct FileRow<'r> {
    values: Vec<Option<(u8, &'r [u8])>>,
}

// === impl FileRows ===

impl FileRows {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next row; none after the last.
    pub(crate) fn next(&mut self) -> Result<Option<FileRow<'_>>> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let mut rest = &self.bytes[self.at..];
        let count = take_length(&mut rest)?;
        let mut values = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let kind = take(&mut rest, 1)?[0];
            values.push(match kind {
                NOTHING => None,
                kind => {
                    let length = take_length(&mut rest)?;
                    Some((kind, take(&mut rest, length)?))
                }
            });
        }
        self.at = self.bytes.len() - rest.len();
        Ok(Some(FileRow { values }))
    }
}

fn take<'r>(rest: &mut &'r [u8], length: usize) -> Result<&'r [u8]> {
    let (taken, behind) = rest.split_at_checked(length).ok_or_else(|| unreadable("a row that is cut off"))?;
    *rest = behind;
    Ok(taken)
}

fn take_length(rest: &mut &[u8]) -> Result<usize> {
    let bytes: [u8; 4] = take(rest, 4)?.try_into().map_err(|_| unreadable("a length that is cut off"))?;
    Ok(u32::from_be_bytes(bytes) as usize)
}

fn unreadable(what: &str) -> Error {
    Error::Unreadable(format!("the local snapshot: {what}"))
}

// === impl FileRow ===

impl FileRow<'_> {
    fn value(&self, column: usize, wanted: u8) -> Result<Option<&[u8]>> {
        match self.values.get(column) {
            Some(None) => Ok(None),
            Some(Some((kind, value))) if *kind == wanted => Ok(Some(value)),
            _ => Err(unreadable(&format!("column {column} is of another type"))),
        }
    }
}

impl Fields for FileRow<'_> {
    fn text_or_none(&self, column: usize) -> Result<Option<&str>> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| unreadable("a text that is no UTF-8"));
        self.value(column, TEXT)?.map(text).transpose()
    }

    fn number_or_none(&self, column: usize) -> Result<Option<i64>> {
        let number = |bytes: &[u8]| bytes.try_into().map(i64::from_be_bytes).map_err(|_| unreadable("no number"));
        self.value(column, NUMBER)?.map(number).transpose()
    }

    fn bytes(&self, column: usize) -> Result<&[u8]> {
        self.value(column, BYTES)?.ok_or_else(|| unreadable("bytes that are missing"))
    }

    fn name(&self, column: usize) -> String {
        format!("{column} of the local snapshot")
    }

    fn count(&self) -> usize {
        self.values.len()
    }
}
