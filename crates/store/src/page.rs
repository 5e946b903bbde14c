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

/// How many rows a search in texts looks through for one page before it stops: no call pays for a list without an end.
const SEARCH_ROWS_MAX: usize = 10_000;

/// Fills a page with the rows that fit, part after part of the list, where the database cannot tell which do.
pub(crate) struct Sieve<'a, T> {
    page: &'a Page,
    found: Vec<T>,
    after: Option<Cursor>,
    looked_at: usize,
    ended: bool,
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

// === impl Sieve ===

impl<'a, T> Sieve<'a, T> {
    pub(crate) fn new(page: &'a Page) -> Self {
        Self { page, found: Vec::new(), after: page.after.clone(), looked_at: 0, ended: false }
    }

    /// What to read next; `None` where the page is full, the list at its end, or enough looked through.
    pub(crate) fn part(&self) -> Option<Page> {
        let is_done = self.ended || self.found.len() > self.page.rows() || self.looked_at >= SEARCH_ROWS_MAX;
        (!is_done).then(|| Page { after: self.after.clone(), ..Page::default() })
    }

    /// Keeps of a part what fits.
    pub(crate) fn sift(&mut self, part: Listed<T>, fits: impl Fn(&T) -> bool) {
        self.looked_at += part.items.len();
        self.ended = part.next.is_none();
        self.after = part.next;
        self.found.extend(part.items.into_iter().filter(fits));
    }

    /// The page; it may have fewer rows than asked for, and a next page all the same.
    pub(crate) fn listed(self, cursor: impl Fn(&T) -> (CursorValue, String)) -> Listed<T> {
        let is_full = self.found.len() > self.page.rows();
        let cut = self.page.cut(self.found, cursor);
        Listed { next: if is_full { cut.next } else { self.after }, ..cut }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(PAGE_LIMIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "a cursor is made of a row where it stands")]
    fn cursor(row: &i64) -> (CursorValue, String) {
        (CursorValue::Number(*row), String::new())
    }

    /// A page of the numbers up to `last` that `step` divides, and how many were looked at.
    fn sieved(last: i64, step: i64, page: &Page) -> (Listed<i64>, usize) {
        let mut sieve = Sieve::new(page);
        while let Some(part) = sieve.part() {
            let after = part.after_number().expect("a number").map_or(0, |(number, _)| number);
            let rows = (after + 1..=last).take(part.rows() + 1).collect();
            sieve.sift(part.cut(rows, cursor), |row| row % step == 0);
        }
        let looked_at = sieve.looked_at;
        (sieve.listed(cursor), looked_at)
    }

    #[test]
    fn a_search_finds_every_row_once_whatever_the_size_of_its_pages() {
        for (last, step, limit) in
            [(1_000, 7, 1), (1_000, 7, 100), (1_000, 1, 100), (700, 7, 100), (25_000, 24_999, 2), (0, 1, 3)]
        {
            let (mut found, mut page) = (Vec::new(), Page::first(limit));
            loop {
                let (listed, looked_at) = sieved(last, step, &page);
                assert!(looked_at <= SEARCH_ROWS_MAX + 100 && listed.items.len() <= limit as usize);
                found.extend(listed.items);
                if listed.next.is_none() {
                    break;
                }
                page.after = listed.next;
            }
            assert_eq!(found, (1..=last).filter(|row| row % step == 0).collect::<Vec<_>>(), "{last} {step} {limit}");
        }
        assert_eq!(sieved(25_000, 30_000, &Page::first(1)).1, SEARCH_ROWS_MAX, "no further in one call");
    }
}
