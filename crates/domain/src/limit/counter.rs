//! What a counter is known by: the same on every node and after every restart.

use std::fmt;

use sha2::{Digest, Sha256};

use super::LimitName;
use crate::hex::hex;
use crate::id::{ApiId, ApiSetId, KeyId, OrganizationId};
use crate::key::Owner;

/// A counter: of which limit, and of whom. So a rotation, an edit of the limit and a new key of the same owner change nothing
/// in what is counted. 32 bytes; its text is what back ends know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterId {
    /// Of which limit: digest of the kind of record on which it stands (of a set, which one) and its name; of a limit for each
    /// operation, of the operation too.
    limit: u128,
    /// Of whom.
    of: u128,
}

/// On which record a limit stands, as far as its counters are told apart by it: limits of keys and applications that share
/// a counter have nothing in common but their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A key.
    Key,
    /// An application.
    Application,
    /// This API set.
    ApiSet(ApiSetId),
}

// === impl CounterId ===

impl CounterId {
    /// The limit `name` of `holder`, not yet of anybody: the part that can be worked out beforehand.
    pub fn of_limit(holder: Holder, name: &LimitName) -> Self {
        let (kind, record) = match holder {
            Holder::Key => (b'k', 0),
            Holder::Application => (b'a', 0),
            Holder::ApiSet(id) => (b's', id.as_raw()),
        };
        Self { limit: digest(&[&[kind], &record.to_be_bytes(), name.as_str().as_bytes()]), of: 0 }
    }

    /// Of one key.
    #[must_use]
    pub const fn of_key(self, key: KeyId) -> Self {
        Self { of: key.as_raw(), ..self }
    }

    /// Of all keys of an owner. A person may be in several organizations: what is counted is each one's own.
    #[must_use]
    pub const fn of_owner(self, organization: OrganizationId, owner: Owner) -> Self {
        let of = match owner {
            Owner::Organization(id) => id.as_raw(),
            Owner::User(id) => id.as_raw() ^ organization.as_raw().rotate_left(64),
            Owner::Application(id) => id.as_raw(),
        };
        Self { of, ..self }
    }

    /// Of all keys of an organization that were given to one customer.
    #[must_use]
    pub fn of_external_id(self, organization: OrganizationId, external_id: &str) -> Self {
        Self { of: digest(&[b"e", &organization.as_raw().to_be_bytes(), external_id.as_bytes()]), ..self }
    }

    /// Of all that holds a set.
    #[must_use]
    pub const fn of_set(self, set: ApiSetId) -> Self {
        Self { of: set.as_raw(), ..self }
    }

    /// The same for one operation alone; `None`: for all unlisted paths of the API.
    #[must_use]
    pub fn at_operation(self, api: ApiId, operation: Option<&str>) -> Self {
        let kind: &[u8] = if operation.is_some() { b"o" } else { b"u" };
        let operation = operation.unwrap_or_default().as_bytes();
        Self { limit: digest(&[kind, &self.limit.to_be_bytes(), &api.as_raw().to_be_bytes(), operation]), ..self }
    }

    /// Where it belongs among `count` parts.
    pub const fn shard(self, count: usize) -> usize {
        (self.limit ^ self.of ^ (self.of >> 64)) as usize % count
    }
}

impl fmt::Display for CounterId {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.limit.to_be_bytes()))?;
        f.write_str(&hex(&self.of.to_be_bytes()))
    }
}

/// The first half of the SHA-256 of parts, each with its length before it.
fn digest(parts: &[&[u8]]) -> u128 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u32).to_be_bytes());
        hasher.update(part);
    }
    let whole: [u8; 32] = hasher.finalize().into();
    whole[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::id::{ApplicationId, UserId};

    #[test]
    fn counters_of_different_limits_holders_and_sharers_are_different() {
        let name = |text: &str| text.parse::<LimitName>().expect("a name");
        let (set, other) = (Holder::ApiSet(ApiSetId::from_raw(1)), Holder::ApiSet(ApiSetId::from_raw(2)));
        let mut all = BTreeSet::new();
        let mut count = 0;
        for holder in [Holder::Key, Holder::Application, set, other] {
            for text in ["minute", "day"] {
                let limit = CounterId::of_limit(holder, &name(text));
                let user = Owner::User(UserId::from_raw(8));
                for counter in [
                    limit.of_key(KeyId::from_raw(7)),
                    limit.of_owner(OrganizationId::from_raw(3), Owner::Application(ApplicationId::from_raw(9))),
                    limit.of_owner(OrganizationId::from_raw(3), user),
                    limit.of_owner(OrganizationId::from_raw(4), user),
                    limit.of_external_id(OrganizationId::from_raw(3), "a"),
                    limit.of_external_id(OrganizationId::from_raw(4), "a"),
                    limit.of_external_id(OrganizationId::from_raw(3), "b"),
                    limit.of_key(KeyId::from_raw(7)).at_operation(ApiId::from_raw(1), Some("get")),
                    limit.of_key(KeyId::from_raw(7)).at_operation(ApiId::from_raw(1), None),
                    limit.of_key(KeyId::from_raw(7)).at_operation(ApiId::from_raw(2), Some("get")),
                ] {
                    count += 1;
                    all.insert(counter.to_string());
                }
            }
        }
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|text| text.len() == 64));
    }
}
