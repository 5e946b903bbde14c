//! The literal edges of a router's node: texts, found by their first bytes as one number.

use std::collections::BTreeMap;

/// Texts with the nodes they lead to, ascending.
///
/// A look-up compares numbers and follows a pointer only where they are equal; a map of texts follows one for each
/// comparison, and a path takes several look-ups.
#[derive(Debug, Clone, Default)]
pub(super) struct Literals(Box<[Literal]>);

#[derive(Debug, Clone)]
struct Literal {
    head: u64,
    child: u32,
    text: Box<str>,
}

/// The first eight bytes, as a number that sorts as they do.
fn head(text: &str) -> u64 {
    let bytes = text.as_bytes();
    if let Some(chunk) = bytes.first_chunk::<8>() {
        return u64::from_be_bytes(*chunk);
    }
    let mut padded = [0; 8];
    padded[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(padded)
}

// === impl Literals ===

impl Literals {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where `text` leads.
    pub(super) fn get(&self, text: &str) -> Option<u32> {
        let head = head(text);
        let from = self.0.partition_point(|literal| literal.head < head);
        let alike = self.0[from..].iter().take_while(|literal| literal.head == head);
        alike.into_iter().find(|literal| &*literal.text == text).map(|literal| literal.child)
    }
}

impl From<BTreeMap<Box<str>, u32>> for Literals {
    /// A map's order is that of the bytes, so that of the numbers too.
    fn from(map: BTreeMap<Box<str>, u32>) -> Self {
        Self(map.into_iter().map(|(text, child)| Literal { head: head(&text), child, text }).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_a_map_finds(
            texts in proptest::collection::vec("[ab\u{0}ż]{0,12}", 0..40),
            asked in proptest::collection::vec("[ab\u{0}ż]{0,12}", 0..40),
        ) {
            let map: BTreeMap<Box<str>, u32> = texts.iter().map(|text| text.as_str().into()).zip(0..).collect();
            let literals = Literals::from(map.clone());
            prop_assert_eq!(literals.is_empty(), map.is_empty());
            for text in texts.iter().chain(&asked) {
                prop_assert_eq!(literals.get(text), map.get(text.as_str()).copied(), "{:?}", text);
            }
        }
    }
}
