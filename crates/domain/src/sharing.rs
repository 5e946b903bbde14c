//! Sharing: which other organizations may use an API.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::OrganizationId;

/// The most organizations that an API can be shared with by name.
pub const SHARED_WITH_MAX: usize = 1_000;

/// How an API is shared by its organization, the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sharing {
    /// Whose keys may hold its operations.
    pub with: SharedWith,
    /// Whether Full access of their keys covers the API too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub full_access: bool,
}

/// Whose keys may hold the operations of an API, beside its own organization's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedWith {
    /// Nobody's.
    #[default]
    None,
    /// Those of every organization, of ones made later too.
    All,
    /// Those of these organizations.
    Chosen(BTreeSet<OrganizationId>),
}

// === impl Sharing ===

impl Sharing {
    /// Whether nobody but its own organization may use the API.
    pub fn is_private(&self) -> bool {
        self.with == SharedWith::None
    }
}

// === impl SharedWith ===

impl SharedWith {
    /// Whether keys of another `organization` may hold the API's operations.
    pub fn includes(&self, organization: OrganizationId) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Chosen(chosen) => chosen.contains(&organization),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_shared_with_those_it_names() {
        let id = OrganizationId::from_raw;
        let chosen = SharedWith::Chosen(BTreeSet::from([id(1)]));
        assert!(chosen.includes(id(1)) && !chosen.includes(id(2)));
        assert!(SharedWith::All.includes(id(2)) && !SharedWith::None.includes(id(1)));
    }

    #[test]
    fn what_is_stored_is_read_back_and_nothing_is_private() {
        let chosen = SharedWith::Chosen(BTreeSet::from([OrganizationId::from_raw(1)]));
        for with in [SharedWith::None, SharedWith::All, chosen] {
            let sharing = Sharing { with, full_access: true };
            let text = serde_json::to_string(&sharing).expect("JSON");
            assert_eq!(serde_json::from_str::<Sharing>(&text).expect("the same"), sharing);
        }
        assert!(serde_json::from_str::<Sharing>("{}").expect("empty").is_private());
    }
}
