//! `_method` in the query, by which some frameworks replace the method of a request.

use std::borrow::Cow;

use super::{fold, hex_value};

/// The decoded values of every `_method` parameter of a query, in order.
///
/// Wide on purpose: `&` and `;` separate, names are decoded, folded and read as PHP reads them (`.method`, `_method[]`).
#[derive(Debug, Clone)]
pub struct QueryMethods<'q> {
    rest: Option<&'q str>,
}

// === impl QueryMethods ===

impl<'q> QueryMethods<'q> {
    /// Over a query without its `?`.
    pub fn new(query: &'q str) -> Self {
        Self { rest: may_name_method(query).then_some(query) }
    }
}

impl<'q> Iterator for QueryMethods<'q> {
    type Item = Cow<'q, str>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest {
            let (pair, rest) = match rest.split_once(['&', ';']) {
                Some((pair, rest)) => (pair, Some(rest)),
                None => (rest, None),
            };
            self.rest = rest;
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if names_method(name) {
                return Some(decode_lossy(value));
            }
        }
        None
    }
}

/// Whether a query has any byte that the `m` of a `_method` can come from. Most have none, and need no closer look.
fn may_name_method(query: &str) -> bool {
    query.bytes().fold(false, |any, byte| any | matches!(byte, b'm' | b'M' | b'%' | 0x80..))
}

fn names_method(raw: &str) -> bool {
    const NAME: &str = "_method";
    // Most names are of letters, digits and underscores alone: they are as they stand, and have that length or not.
    if raw.len() != NAME.len() && raw.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return false;
    }
    let decoded = decode_lossy(raw);
    let name = decoded.trim_start().as_bytes();
    // PHP: the first of `.`, space and `[` becomes `_`; an index and everything behind a NUL is not part of the name.
    let end = name.iter().skip(1).position(|byte| matches!(byte, b'[' | 0)).map_or(name.len(), |at| at + 1);
    let Ok(name) = std::str::from_utf8(&name[..end]) else { return true };
    let name = name.trim_end();
    let name = match name.strip_prefix(['.', '[', '_']) {
        Some(tail) => Cow::Owned(format!("_{tail}")),
        None => Cow::Borrowed(name),
    };
    fold::folded(&name) == NAME
}

/// Decodes `+` and escapes; a broken escape stands for itself and a broken byte becomes U+FFFD.
fn decode_lossy(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['%', '+']) {
        return Cow::Borrowed(raw);
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escape = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hex_value(*high).zip(hex_value(*low)).map(|digits| (digits, after)),
            _ => None,
        };
        match (first, escape) {
            (_, Some(((high, low), after))) => {
                bytes.push(high << 4 | low);
                rest = after;
            }
            (b'+', None) => bytes.push(b' '),
            (byte, None) => bytes.push(*byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_method_is_passed_over_unseen(query in "[_mMeEtThHoOdD%5fF64+.ｍ&;=a\\[\\]]{0,24}") {
            let closely = QueryMethods { rest: Some(&query) };
            prop_assert_eq!(QueryMethods::new(&query).collect::<Vec<_>>(), closely.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_query_is_looked_at_closely_only_where_it_may_name_a_method() {
        for (query, may) in
            [("", false), ("per_page=100&sort=created", false), ("_Method=PUT", true), ("_%6dethod=PUT", true)]
        {
            assert_eq!(may_name_method(query), may, "{query}");
        }
    }
}
