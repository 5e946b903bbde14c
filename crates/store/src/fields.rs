//! Reading a row, whichever driver it came from.

use std::fmt::Display;
use std::str::FromStr;

use claviger_domain::Timestamp;
use claviger_domain::digest::CredentialDigest;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _};

use crate::{Error, Result};

/// A row's columns by their place.
pub(crate) trait Fields {
    fn text_or_none(&self, column: usize) -> Result<Option<&str>>;
    fn number_or_none(&self, column: usize) -> Result<Option<i64>>;
    fn bytes(&self, column: usize) -> Result<&[u8]>;
    /// How many columns there are.
    fn count(&self) -> usize;
    /// The column's name, for messages.
    fn name(&self, column: usize) -> String;
}

macro_rules! fields {
    ($($row:ty),*) => {
        $(impl Fields for $row {
            fn text_or_none(&self, column: usize) -> Result<Option<&str>> {
                Ok(self.try_get(column)?)
            }
            fn number_or_none(&self, column: usize) -> Result<Option<i64>> {
                Ok(self.try_get(column)?)
            }
            fn bytes(&self, column: usize) -> Result<&[u8]> {
                Ok(self.try_get(column)?)
            }
            fn count(&self) -> usize {
                self.len()
            }
            fn name(&self, column: usize) -> String {
                self.try_column(column).map(|column| column.name().to_owned()).unwrap_or_default()
            }
        })*
    };
}
fields!(AnyRow, SqliteRow, PgRow);

// === impl dyn Fields ===

impl dyn Fields + '_ {
    pub(crate) fn text(&self, column: usize) -> Result<&str> {
        self.text_or_none(column)?.ok_or_else(|| self.unreadable(column, "nothing there"))
    }

    pub(crate) fn number(&self, column: usize) -> Result<i64> {
        self.number_or_none(column)?.ok_or_else(|| self.unreadable(column, "nothing there"))
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp> {
        self.number(column).map(Timestamp::from_micros)
    }

    pub(crate) fn time_or_none(&self, column: usize) -> Result<Option<Timestamp>> {
        Ok(self.number_or_none(column)?.map(Timestamp::from_micros))
    }

    pub(crate) fn digest(&self, column: usize) -> Result<CredentialDigest> {
        let bytes = self.bytes(column)?.try_into().map_err(|_| self.unreadable(column, "not 32 bytes"))?;
        Ok(CredentialDigest::from_bytes(bytes))
    }

    /// An id, a name, a slug: what is stored as its text.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self, column: usize) -> Result<T> {
        self.text(column)?.parse().map_err(|error| self.unreadable(column, error))
    }

    /// The same, where there may be nothing.
    pub(crate) fn parsed_or_none<T: FromStr<Err: Display>>(&self, column: usize) -> Result<Option<T>> {
        self.text_or_none(column)?.map(|_| self.parsed(column)).transpose()
    }

    /// An enum whose word is stored.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        let word = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(self.text(column)?);
        T::deserialize(word).map_err(|error| self.unreadable(column, error))
    }

    /// What is stored as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T> {
        serde_json::from_str(self.text(column)?).map_err(|error| self.unreadable(column, error))
    }

    /// A list stored as JSON; most are empty.
    pub(crate) fn list<T: DeserializeOwned>(&self, column: usize) -> Result<Vec<T>> {
        if self.text(column)? == "[]" { Ok(Vec::new()) } else { self.json(column) }
    }

    /// The same, where an empty list is nothing at all.
    pub(crate) fn list_or_none<T: DeserializeOwned>(&self, column: usize) -> Result<Vec<T>> {
        self.text_or_none(column)?.map_or(Ok(Vec::new()), |_| self.json(column))
    }

    pub(crate) fn unreadable(&self, column: usize, why: impl Display) -> Error {
        Error::Unreadable(format!("column {}: {why}", self.name(column)))
    }
}
