//! A statement and its values. `$1` placeholders serve both databases.

use std::borrow::Cow;
use std::fmt::Write as _;

use claviger_domain::Timestamp;
use claviger_domain::id::{Id, IdKind};
use claviger_domain::ip_list::ListDigest;
use serde::Serialize;
use sqlx::Arguments as _;
use sqlx::any::AnyArguments;

use crate::pools::Kind;

/// A statement with its values in order.
pub(crate) struct Sql {
    pub(crate) text: Cow<'static, str>,
    pub(crate) arguments: AnyArguments,
    count: usize,
    /// Each placeholder stands there once, in order.
    in_order: bool,
}

/// A value for a placeholder: TEXT, BIGINT or BYTES, or none of them.
pub(crate) trait Bind {
    fn bind(self, arguments: &mut AnyArguments);
}

/// Begins a statement.
pub(crate) fn sql(text: &'static str) -> Sql {
    Sql { text: Cow::Borrowed(text), arguments: AnyArguments::default(), count: 0, in_order: false }
}

/// The text that is stored for a value that is JSON inside.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Only maps with keys that are no texts fail, and no record has one.
    serde_json::to_string(value).unwrap_or_else(|error| unreachable!("records are JSON: {error}"))
}

/// The same of a list, where an empty one is nothing at all.
pub(crate) fn some_json<T: Serialize>(list: &[T]) -> Option<String> {
    if list.is_empty() { None } else { Some(json(&list)) }
}

/// The word that is stored for an enum without data.
pub(crate) fn word(value: &impl Serialize) -> String {
    json(value).trim_matches('"').to_owned()
}

/// A pattern for `LIKE … ESCAPE '!'` that finds `text` anywhere.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

// === impl Sql ===

impl Sql {
    /// A statement without values whose text is made from names of ours.
    pub(crate) fn of(text: String) -> Self {
        Self { text: Cow::Owned(text), arguments: AnyArguments::default(), count: 0, in_order: false }
    }

    /// The next placeholder's value.
    pub(crate) fn bind(mut self, value: impl Bind) -> Self {
        value.bind(&mut self.arguments);
        self.count += 1;
        self
    }

    /// Appends to the text.
    pub(crate) fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push_str(text);
        self.in_order = false;
        self
    }

    /// Appends to the text, each `?` standing for the next value's placeholder.
    pub(crate) fn push_bound<B: Bind>(mut self, text: &'static str, values: impl IntoIterator<Item = B>) -> Self {
        self.in_order = false;
        let mut parts = text.split('?');
        self.text.to_mut().push_str(parts.next().unwrap_or_default());
        for (value, part) in values.into_iter().zip(parts) {
            self = self.bind(value);
            // Writing to a `String` never fails.
            let _ = write!(self.text.to_mut(), "${}{part}", self.count);
        }
        self
    }

    /// The text as the database takes it fastest, and the values. SQLite's driver asks for the name of each placeholder,
    /// which SQLite looks for from the first one on: with many rows that was three fifths of a writer's time, so there
    /// they have no names.
    pub(crate) fn into_parts(self, kind: Kind) -> (Cow<'static, str>, AnyArguments) {
        if !self.in_order || kind == Kind::Postgres {
            return (self.text, self.arguments);
        }
        let mut parts = self.text.split('$');
        let mut anonymous = String::with_capacity(self.text.len());
        anonymous.push_str(parts.next().unwrap_or_default());
        for part in parts {
            anonymous.push('?');
            anonymous.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
        }
        (anonymous.into(), self.arguments)
    }

    /// `head ($1, $2), ($3, $4) … tail`, for `rows` rows of `columns` values that are bound afterwards.
    pub(crate) fn rows(head: &str, columns: usize, rows: usize, tail: &str) -> Self {
        let mut text = String::with_capacity(head.len() + tail.len() + rows * columns * 6);
        text.push_str(head);
        for row in 0..rows {
            text.push_str(if row == 0 { " (" } else { ", (" });
            for column in 1..=columns {
                let _ = write!(text, "{}${}", if column == 1 { "" } else { ", " }, row * columns + column);
            }
            text.push(')');
        }
        text.push_str(tail);
        Self { text: Cow::Owned(text), arguments: AnyArguments::default(), count: 0, in_order: true }
    }
}

/// The sizes in which rows are written together: few different texts, so that each stays prepared.
const ROW_BATCHES: [usize; 3] = [32, 8, 1];

/// Cuts `rows` into slices of the sizes that stay prepared.
pub(crate) fn batches<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = ROW_BATCHES.into_iter().find(|&size| size <= rows.len())?;
        let (batch, rest) = rows.split_at(size);
        rows = rest;
        Some(batch)
    })
}

macro_rules! bind {
    ($($type:ty => |$value:ident| $bound:expr;)*) => {
        $(impl Bind for $type {
            fn bind(self, arguments: &mut AnyArguments) {
                let $value = self;
                // Any's arguments are plain values; adding one cannot fail.
                let _ = arguments.add($bound);
            }
        })*
    };
}

bind! {
    &str => |value| value.to_owned();
    String => |value| value;
    &String => |value| value.clone();
    Option<String> => |value| value;
    Option<&str> => |value| value.map(str::to_owned);
    i64 => |value| value;
    Option<i64> => |value| value;
    usize => |value| value as i64;
    bool => |value| i64::from(value);
    &[u8] => |value| value.to_vec();
    &Vec<u8> => |value| value.clone();
    Timestamp => |value| value.as_micros();
    Option<Timestamp> => |value| value.map(Timestamp::as_micros);
    ListDigest => |value| value.to_string();
    Option<ListDigest> => |value| value.map(|digest| digest.to_string());
}

impl<K: IdKind> Bind for Id<K> {
    fn bind(self, arguments: &mut AnyArguments) {
        self.to_string().bind(arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_on() {
        let statement = sql("SELECT 1 WHERE a = $1").bind("x").push_bound(" AND (b, c) < (?, ?)", [1i64, 2]);
        assert_eq!(statement.text, "SELECT 1 WHERE a = $1 AND (b, c) < ($2, $3)");
        let rows = || Sql::rows("V", 2, 2, " T");
        assert_eq!(rows().into_parts(Kind::Postgres).0, "V ($1, $2), ($3, $4) T");
        assert_eq!(rows().into_parts(Kind::Sqlite).0, "V (?, ?), (?, ?) T");
        assert_eq!(sql("$1 $1").into_parts(Kind::Sqlite).0, "$1 $1");
        assert_eq!(rows().push(" $1").into_parts(Kind::Sqlite).0, "V ($1, $2), ($3, $4) T $1");
    }

    #[test]
    fn batches_cover_every_row_once() {
        let rows: Vec<_> = (0..75).collect();
        let sizes: Vec<_> = batches(&rows).map(<[i32]>::len).collect();
        assert_eq!(sizes, [32, 32, 8, 1, 1, 1]);
        assert_eq!(batches(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        assert_eq!(batches::<i32>(&[]).count(), 0);
    }

    #[test]
    fn wildcards_in_a_search_are_taken_literally() {
        assert_eq!(containing("50%_!"), "%50!%!_!!%");
    }
}
