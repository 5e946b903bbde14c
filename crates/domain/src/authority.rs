//! Authorities: what one may do in the management API, and the built-in sets that stand for them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing that may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Authority {
    /// See keys and their diagnostic log.
    KeysRead = 1,
    /// Make, change and end any key of the organization.
    KeysManageAll = 1 << 1,
    /// See APIs and sets.
    ApisRead = 1 << 2,
    /// Make, import, change and delete APIs and sets.
    ApisManage = 1 << 3,
    /// See and change the organization itself.
    OrganizationManage = 1 << 4,
    /// Read the audit log.
    AuditRead = 1 << 5,
    /// See usage.
    UsageRead = 1 << 6,
    /// Make organizations: the operator's alone, in no set.
    OrganizationsOperate = 1 << 7,
    /// See and change the rules for keys.
    PolicyManage = 1 << 8,
    /// Make, change and delete applications and their types.
    ApplicationsManage = 1 << 9,
    /// See the secrets of keys that are recoverable.
    KeysReveal = 1 << 10,
    /// Make, change and end keys of one's own: a person's.
    KeysManageOwn = 1 << 11,
    /// See people and roles.
    UsersRead = 1 << 12,
    /// Invite people, give them roles, lock and remove them.
    UsersManage = 1 << 13,
    /// Make, change and delete roles.
    RolesManage = 1 << 14,
    /// Report keys that got out: what a scanner needs and no more.
    LeaksReport = 1 << 15,
}

/// A set of authorities.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Authorities(u32);

/// By name: a place in the list is no name.
impl Serialize for Authorities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for Authorities {
    /// A name that this program does not know gives nothing.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let known: Vec<Authority> = names.iter().filter_map(|name| Authority::named(name)).collect();
        Ok(Self::of(&known))
    }
}

/// A set of the built-in API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltInSet {
    /// Its slug, reserved in every organization.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What its holders may do.
    pub authorities: Authorities,
}

/// The slug of the set whose holders are door tokens.
pub const VERIFY_SLUG: &str = "claviger-verify";
/// The slug of the set that holds all authorities of an organization.
pub const ADMIN_SLUG: &str = "claviger-admin";

/// The sets of the built-in API, in the order in which they are listed.
pub const BUILT_IN_SETS: &[BuiltInSet] = &[
    BuiltInSet { slug: ADMIN_SLUG, name: "Claviger: administration", authorities: Authorities::ADMIN },
    BuiltInSet {
        slug: "claviger-keys-read",
        name: "Claviger: read keys",
        authorities: Authorities::of(&[Authority::KeysRead, Authority::ApisRead]),
    },
    BuiltInSet {
        slug: "claviger-keys-write",
        name: "Claviger: manage keys",
        authorities: Authorities::of(&[Authority::KeysRead, Authority::KeysManageAll, Authority::ApisRead]),
    },
    BuiltInSet {
        slug: "claviger-apis-write",
        name: "Claviger: manage APIs and sets",
        authorities: Authorities::of(&[Authority::ApisRead, Authority::ApisManage]),
    },
    BuiltInSet {
        slug: "claviger-own-keys",
        name: "Claviger: one's own keys",
        authorities: Authorities::of(&[Authority::KeysManageOwn, Authority::ApisRead]),
    },
    BuiltInSet {
        slug: "claviger-users-write",
        name: "Claviger: manage users and roles",
        authorities: Authorities::of(&[Authority::UsersRead, Authority::UsersManage, Authority::RolesManage]),
    },
    BuiltInSet {
        slug: "claviger-audit-read",
        name: "Claviger: read everything",
        authorities: Authorities::of(&[
            Authority::KeysRead,
            Authority::ApisRead,
            Authority::UsersRead,
            Authority::AuditRead,
            Authority::UsageRead,
        ]),
    },
    BuiltInSet {
        slug: "claviger-leaks-report",
        name: "Claviger: report leaked keys",
        authorities: Authorities::of(&[Authority::LeaksReport]),
    },
    BuiltInSet { slug: VERIFY_SLUG, name: "Claviger: door token", authorities: Authorities::NONE },
];

/// An authority in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Which.
    pub authority: Authority,
    /// Its name on the wire.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
}

/// All authorities, in the order in which they are listed.
pub const AUTHORITIES: &[Described] = &[
    described(Authority::KeysManageOwn, "keys.manage_own", "Manage User API Key"),
    described(Authority::KeysRead, "keys.read", "See all keys, applications and their diagnostic logs"),
    described(Authority::KeysManageAll, "keys.manage_all", "Manage the keys of the organization and its applications"),
    described(Authority::KeysReveal, "keys.reveal", "See secrets that can be shown again"),
    described(Authority::LeaksReport, "leaks.report", "Report leaked keys, which ends them"),
    described(Authority::ApisRead, "apis.read", "See APIs and API sets"),
    described(Authority::ApisManage, "apis.manage", "Manage APIs and API sets"),
    described(Authority::ApplicationsManage, "applications.manage", "Manage applications and their types"),
    described(Authority::UsersRead, "users.read", "See users and roles"),
    described(Authority::UsersManage, "users.manage", "Manage users"),
    described(Authority::RolesManage, "roles.manage", "Manage roles"),
    described(Authority::PolicyManage, "policy.manage", "Manage the policy for keys"),
    described(Authority::OrganizationManage, "organization.manage", "Manage the organization"),
    described(Authority::AuditRead, "audit.read", "Read the audit log"),
    described(Authority::UsageRead, "usage.read", "See usage"),
    described(Authority::OrganizationsOperate, "organizations.operate", "Make organizations"),
];

const fn described(authority: Authority, name: &'static str, label: &'static str) -> Described {
    Described { authority, name, label }
}

/// The authorities that a set of the built-in API stands for, by its slug.
pub fn authorities_of_set(slug: &str) -> Authorities {
    BUILT_IN_SETS.iter().find(|set| set.slug == slug).map_or(Authorities::NONE, |set| set.authorities)
}

// === impl Authorities ===

impl Authorities {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// All that an organization's administrator has.
    pub const ADMIN: Self = Self::of(&[
        Authority::KeysRead,
        Authority::KeysManageAll,
        Authority::ApisRead,
        Authority::ApisManage,
        Authority::OrganizationManage,
        Authority::AuditRead,
        Authority::UsageRead,
        Authority::PolicyManage,
        Authority::ApplicationsManage,
        Authority::KeysReveal,
        Authority::KeysManageOwn,
        Authority::UsersRead,
        Authority::UsersManage,
        Authority::RolesManage,
        Authority::LeaksReport,
    ]);

    /// These.
    pub const fn of(list: &[Authority]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < list.len() {
            bits |= list[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// Whether `authority` is among them.
    pub const fn has(self, authority: Authority) -> bool {
        self.0 & authority as u32 != 0
    }

    /// Whether all of `others` are among them.
    pub const fn has_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn intersection(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Those that are not in `others`.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether any of `others` is among them.
    pub const fn has_any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Their names, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        AUTHORITIES.iter().filter(move |known| self.has(known.authority)).map(|known| known.name)
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

// === impl Authority ===

impl Authority {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        AUTHORITIES.iter().find(|known| known.authority == self).map_or("", |known| known.name)
    }

    /// The authority of this name that an organization can give; the operator's is none of those.
    pub fn named(name: &str) -> Option<Self> {
        let known = AUTHORITIES.iter().find(|known| known.name == name)?;
        Authorities::ADMIN.has(known.authority).then_some(known.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_authority_has_a_name_and_admin_has_all_but_the_operators() {
        for Described { authority, name, .. } in AUTHORITIES {
            let is_operators = *authority == Authority::OrganizationsOperate;
            assert_eq!(authority.name(), *name);
            assert_eq!(Authorities::ADMIN.has(*authority), !is_operators, "{name}");
            assert_eq!(Authority::named(name), (!is_operators).then_some(*authority));
        }
        assert_eq!(Authority::named("keys.conjure"), None);
    }

    #[test]
    fn a_door_token_may_do_nothing_in_the_management_api() {
        assert!(authorities_of_set(VERIFY_SLUG).is_empty());
        assert!(authorities_of_set("anything-else").is_empty());
        assert!(authorities_of_set(ADMIN_SLUG).has_all(authorities_of_set("claviger-keys-write")));
    }
}
