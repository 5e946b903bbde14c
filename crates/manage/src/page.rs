//! Keyset pages: `?limit=&cursor=` → `{"data": […], "next_cursor": null}`.
//!
//! A cursor is base64url of a MAC and the last row's sort tuple as JSON. The MAC binds it to its list (noun, tenant,
//! filter, order), so that a cursor cannot be made up or carried over to another list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_domain::keyring::FingerprintKey;
use claviger_store::Page;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::error::Error;

/// Rows of a page when nothing else is asked for.
pub const LIMIT_DEFAULT: u32 = 50;
/// The most rows of a page.
pub const LIMIT_MAX: u32 = 100;
/// The most characters of a cursor: it holds the folded name of a row, which may have 33 bytes for each of 120 characters.
pub const CURSOR_LENGTH_MAX: usize = 8_192;

/// Bytes of the MAC that a cursor carries.
const MAC_LENGTH: usize = 16;

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; null after the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

// === impl Listed ===

impl<T> Listed<T> {
    /// The rows as `view` shows them, and the cursor of the next page.
    pub fn new<R>(
        key: &FingerprintKey,
        list: &[&str],
        found: claviger_store::Listed<R>,
        view: impl FnMut(R) -> T,
    ) -> Result<Self, Error> {
        let next_cursor = found.next.map(|next| seal_cursor(key, list, &next)).transpose()?;
        Ok(Self { data: found.items.into_iter().map(view).collect(), next_cursor })
    }
}

/// The page that `limit` and `cursor` ask for.
pub fn page(key: &FingerprintKey, list: &[&str], asked: Option<u32>, cursor: Option<&str>) -> Result<Page, Error> {
    Ok(Page { limit: limit(asked)?, after: open_cursor(key, list, cursor)? })
}

/// Checks `?limit=`: 1 to [`LIMIT_MAX`], [`LIMIT_DEFAULT`] if not given.
pub fn limit(asked: Option<u32>) -> Result<u32, Error> {
    match asked {
        None => Ok(LIMIT_DEFAULT),
        Some(limit @ 1..=LIMIT_MAX) => Ok(limit),
        Some(_) => Err(Error::field("limit", format!("expected 1 to {LIMIT_MAX}"))),
    }
}

/// Makes the cursor of a list; `list` names everything that the list depends on.
pub fn seal_cursor<T: Serialize>(key: &FingerprintKey, list: &[&str], after: &T) -> Result<String, Error> {
    let tuple = serde_json::to_vec(after).map_err(|error| Error::internal(format!("cursor: {error}")))?;
    let mut bytes = mac(key, list, &tuple).to_vec();
    bytes.extend_from_slice(&tuple);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a cursor of the same list.
pub fn open_cursor<T: DeserializeOwned>(
    key: &FingerprintKey,
    list: &[&str],
    cursor: Option<&str>,
) -> Result<Option<T>, Error> {
    let Some(cursor) = cursor else { return Ok(None) };
    open(key, list, cursor)
        .map(Some)
        .ok_or_else(|| Error::field("cursor", "expected the next_cursor of this very list, filters and order included"))
}

fn open<T: DeserializeOwned>(key: &FingerprintKey, list: &[&str], cursor: &str) -> Option<T> {
    if cursor.len() > CURSOR_LENGTH_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (given, tuple) = bytes.split_at_checked(MAC_LENGTH)?;
    let genuine: bool = mac(key, list, tuple).ct_eq(given).into();
    if genuine { serde_json::from_slice(tuple).ok() } else { None }
}

fn mac(key: &FingerprintKey, list: &[&str], tuple: &[u8]) -> [u8; MAC_LENGTH] {
    let mut parts: Vec<&[u8]> = vec![b"cursor"];
    parts.extend(list.iter().map(|part| part.as_bytes()));
    parts.push(tuple);
    let mac = key.mac(&parts);
    let mut cut = [0; MAC_LENGTH];
    cut.copy_from_slice(&mac[..MAC_LENGTH]);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use claviger_domain::keyring::Keyring;
    use claviger_domain::testing::FixedRandom;

    #[test]
    fn a_cursor_opens_for_its_own_list_alone() {
        let ring = Keyring::generate(&FixedRandom::new(1));
        let key = ring.fingerprint();
        let cursor = seal_cursor(key, &["keys", "org_a"], &("name", 7)).expect("a tuple is JSON");
        assert_eq!(
            open_cursor::<(String, i64)>(key, &["keys", "org_a"], Some(&cursor)).expect("its own list"),
            Some(("name".to_owned(), 7))
        );
        for list in [&["keys", "org_b"][..], &["keys"], &["keysorg_a"]] {
            assert!(open_cursor::<(String, i64)>(key, list, Some(&cursor)).is_err(), "{list:?}");
        }
    }

    #[test]
    fn changed_cursors_and_garbage_are_refused_by_field() {
        let ring = Keyring::generate(&FixedRandom::new(1));
        let key = ring.fingerprint();
        let cursor = seal_cursor(key, &["keys"], &1).expect("a number is JSON");
        let changed = format!("{}A", &cursor[..cursor.len() - 1]);
        for text in ["", "x", "%%%", changed.as_str(), &"A".repeat(9_000)] {
            let error = open_cursor::<i64>(key, &["keys"], Some(text)).expect_err("not a cursor");
            assert_eq!(error.errors()[0].field, "cursor", "{text}");
        }
    }

    #[test]
    fn limits_outside_1_to_100_are_refused() {
        assert_eq!(limit(None).ok(), Some(50));
        assert_eq!(limit(Some(100)).ok(), Some(100));
        assert!(limit(Some(0)).is_err() && limit(Some(101)).is_err());
    }
}
