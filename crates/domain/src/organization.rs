//! An organization: the tenant. Everything else lives in exactly one.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::credential::KeyPrefix;
use crate::id::OrganizationId;
use crate::ip_list::IpEntries;
use crate::name::{Name, Slug};
use crate::policy::Policy;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Unique in the installation.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// IANA name of the zone in which its days begin, such as `Europe/Warsaw`.
    pub time_zone: String,
    /// What its keys begin with.
    pub key_prefix: KeyPrefix,
    /// Whom its people ask about their keys: an address of any kind, or a few words.
    pub admin_contact: Option<Name>,
    /// From where its keys may be used at the doors, beside their own lists; empty = from anywhere.
    pub allowed_ips: IpEntries,
    /// Whether door calls without a token are made for it: true for exactly one.
    pub is_default: bool,
    /// Its rules for its keys, which have a record of their own.
    pub policy: Policy,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change of the organization itself; its entity tag.
    pub version: i64,
}
