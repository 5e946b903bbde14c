//! Roles: what people may do, and up to what bound. A person may have several; together they say what their mandate is.

use serde::{Deserialize, Serialize};

use crate::authority::{Authorities, Authority};
use crate::clock::Timestamp;
use crate::id::{ApiSetId, OrganizationId, RoleId};
use crate::name::{Name, Slug};

/// The most roles of an organization.
pub const ROLES_MAX: usize = 1_000;
/// The most roles of one person in an organization.
pub const ROLES_PER_MEMBER_MAX: usize = 50;
/// The most sets that a level may name.
pub const SETS_PER_LEVEL_MAX: usize = 200;
/// The longest lifetime that a level may name, in days.
pub const LEVEL_DAYS_MAX: u32 = 36_500;
/// The most keys that a level may name.
pub const LEVEL_KEYS_MAX: u32 = 1_000_000;
/// The largest rate that a level may name, in requests a minute.
pub const LEVEL_RATE_MAX: u32 = 1_000_000_000;
/// The slug of the role whose last holder cannot be removed.
pub const ADMIN_ROLE: &str = "admin";

/// Authorities and levels under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// The tenant.
    pub organization: OrganizationId,
    /// Unique among the organization's roles.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// Whether it came with the program: then nobody changes it.
    pub predefined: bool,
    /// What its holders may do.
    pub authorities: Authorities,
    /// Up to what bound they make keys.
    pub levels: Levels,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// Upper bounds for keys; `None` = no bound.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Levels {
    /// The longest lifetime that may be granted to a key, in days.
    pub max_lifetime_days: Option<u32>,
    /// The most living keys that one owner may come to have.
    pub max_keys: Option<u32>,
    /// The largest rate limit that may be granted, in requests a minute.
    pub max_rate: Option<u32>,
    /// The sets that may be granted, and what keys of the role's holders may do at the most.
    pub api_sets: Option<Vec<ApiSetId>>,
}

/// A role that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredefinedRole {
    /// Its slug in every organization.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What its holders may do.
    pub authorities: Authorities,
}

/// The predefined roles, in the order of their numbers in ids. Append only.
pub const PREDEFINED_ROLES: [PredefinedRole; 4] = [
    PredefinedRole { slug: ADMIN_ROLE, name: "Admin", authorities: Authorities::ADMIN },
    PredefinedRole {
        slug: "key-manager",
        name: "Key manager",
        authorities: Authorities::of(&[
            Authority::KeysManageOwn,
            Authority::KeysRead,
            Authority::KeysManageAll,
            Authority::KeysReveal,
            Authority::ApisRead,
            Authority::ApplicationsManage,
            Authority::UsersRead,
            Authority::UsageRead,
        ]),
    },
    PredefinedRole {
        slug: "developer",
        name: "Developer",
        authorities: Authorities::of(&[Authority::KeysManageOwn, Authority::ApisRead]),
    },
    PredefinedRole {
        slug: "auditor",
        name: "Auditor",
        authorities: Authorities::of(&[
            Authority::KeysRead,
            Authority::ApisRead,
            Authority::UsersRead,
            Authority::AuditRead,
            Authority::UsageRead,
        ]),
    },
];

/// What a person may do in an organization: what their roles say together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mandate {
    /// All that any of the roles gives.
    pub authorities: Authorities,
    /// The bounds within which they make keys of their own: the widest of the roles that let them.
    own: Levels,
    /// The same for keys of the organization, its applications and other people.
    all: Levels,
}

/// Whose keys levels are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Making {
    /// One's own.
    Own,
    /// Anybody's.
    All,
}

/// A bound that is wider than the one it must be within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beyond(pub &'static str);

// === impl Role ===

impl Role {
    /// The predefined roles of an organization.
    pub fn predefined(organization: OrganizationId, now: Timestamp) -> impl Iterator<Item = Self> {
        PREDEFINED_ROLES.iter().enumerate().map(move |(number, role)| Self {
            id: Self::predefined_id(organization, number),
            organization,
            slug: fixed(role.slug),
            name: fixed(role.name),
            predefined: true,
            authorities: role.authorities,
            levels: Levels::default(),
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }

    /// The id of an organization's predefined role: the organization's with another first digit, which no id of this age
    /// has. So that a migration can make them in SQL alone.
    pub fn predefined_id(organization: OrganizationId, number: usize) -> RoleId {
        RoleId::from_raw(organization.as_raw() | (number as u128 + 1) << 125)
    }

    /// The id of the role whose last holder cannot be removed.
    pub fn admin_id(organization: OrganizationId) -> RoleId {
        Self::predefined_id(organization, 0)
    }

    /// Whether it lets its holders make keys.
    fn makes(&self, making: Making) -> bool {
        // An application comes with its first key.
        let by_application = making == Making::All && self.authorities.has(Authority::ApplicationsManage);
        self.authorities.has(making.authority()) || by_application
    }
}

/// A text that stands in the program.
fn fixed<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| unreachable!("{text} is valid"))
}

/// The authorities of the predefined role of this slug.
pub fn predefined_authorities(slug: &str) -> Option<Authorities> {
    PREDEFINED_ROLES.iter().find(|role| role.slug == slug).map(|role| role.authorities)
}

/// What keys of a person with these roles may do at the most, as sets; `None`: there is no bound.
///
/// The widest of the roles that let them make keys. One that is not about keys widens nothing; and where none is, a
/// bound that one of them names still holds, and else keys go on as they are: who may not make keys any more keeps
/// those that are there until somebody ends them.
pub fn most_sets<'r>(roles: impl Iterator<Item = &'r Role> + Clone) -> Option<Vec<ApiSetId>> {
    let bound = |role: &'r Role| role.levels.api_sets.clone();
    let widest = |one: Option<Vec<_>>, other: Option<Vec<_>>| union_of(one.as_deref(), other.as_deref());
    if let Some(widest) = roles.clone().filter(|role| role.makes(Making::Own)).map(bound).reduce(widest) {
        return widest;
    }
    roles.filter(|role| role.levels.api_sets.is_some()).map(bound).reduce(widest).flatten()
}

// === impl Making ===

impl Making {
    /// The authority that it takes.
    pub const fn authority(self) -> Authority {
        match self {
            Self::Own => Authority::KeysManageOwn,
            Self::All => Authority::KeysManageAll,
        }
    }
}

// === impl Levels ===

impl Levels {
    /// Whether nothing is bounded.
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }

    /// The wider of both, bound by bound.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            max_lifetime_days: wider(self.max_lifetime_days, other.max_lifetime_days),
            max_keys: wider(self.max_keys, other.max_keys),
            max_rate: wider(self.max_rate, other.max_rate),
            api_sets: union_of(self.api_sets.as_deref(), other.api_sets.as_deref()),
        }
    }

    /// The first bound that is wider than that of `outer`.
    pub fn check_within(&self, outer: &Self) -> Result<(), Beyond> {
        for (name, inner, outer) in [
            ("max_lifetime_days", self.max_lifetime_days, outer.max_lifetime_days),
            ("max_keys", self.max_keys, outer.max_keys),
            ("max_rate", self.max_rate, outer.max_rate),
        ] {
            if outer.is_some_and(|outer| inner.is_none_or(|inner| inner > outer)) {
                return Err(Beyond(name));
            }
        }
        let within = |outer: &Vec<ApiSetId>| {
            self.api_sets.as_ref().is_some_and(|inner| inner.iter().all(|set| outer.contains(set)))
        };
        if outer.api_sets.as_ref().is_none_or(within) { Ok(()) } else { Err(Beyond("api_sets")) }
    }
}

fn wider(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.zip(other).map(|(one, other)| one.max(other))
}

fn union_of(one: Option<&[ApiSetId]>, other: Option<&[ApiSetId]>) -> Option<Vec<ApiSetId>> {
    let (one, other) = one.zip(other)?;
    let mut all = one.to_vec();
    all.extend(other.iter().filter(|set| !one.contains(set)));
    Some(all)
}

// === impl Mandate ===

impl Mandate {
    /// What these roles say together.
    pub fn of<'r>(roles: impl Iterator<Item = &'r Role> + Clone) -> Self {
        let levels = |making| {
            let makers = roles.clone().filter(|role| role.makes(making)).map(|role| role.levels.clone());
            makers.reduce(|one, other| one.union(&other)).unwrap_or_default()
        };
        let (own, all) = (levels(Making::Own), levels(Making::All));
        let authorities = roles.fold(Authorities::NONE, |all, role| all.union(role.authorities));
        Self { authorities, own, all }
    }

    /// These authorities without bounds: what a key that no person owns has.
    pub fn unbounded(authorities: Authorities) -> Self {
        Self { authorities, ..Self::default() }
    }

    /// The same with no more than these authorities.
    #[must_use]
    pub fn within(self, authorities: Authorities) -> Self {
        Self { authorities: self.authorities.intersection(authorities), ..self }
    }

    /// The bounds within which keys are made.
    pub fn levels(&self, making: Making) -> &Levels {
        match making {
            Making::Own => &self.own,
            Making::All => &self.all,
        }
    }

    /// Among which sets they may give any at all; `None`: all. The narrower counts where it differs by whose key it is.
    pub fn sets(&self) -> Option<&[ApiSetId]> {
        let bounds = [&self.own, &self.all].map(|levels| levels.api_sets.as_deref());
        bounds.into_iter().flatten().min_by_key(|sets| sets.len())
    }

    /// What of a role is more than this mandate has: authorities, or the name of a level.
    pub fn check_role(&self, role: &Role) -> Result<(), Excess> {
        let lacking = role.authorities.without(self.authorities);
        if !lacking.is_empty() {
            return Err(Excess::Authorities(lacking));
        }
        for making in [Making::Own, Making::All].into_iter().filter(|making| role.makes(*making)) {
            role.levels.check_within(self.levels(making)).map_err(|Beyond(level)| Excess::Level(level))?;
        }
        Ok(())
    }
}

/// What a role has more than whoever gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Authorities.
    Authorities(Authorities),
    /// A wider level, by its name.
    Level(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Authorities = Authorities::of(&[Authority::KeysManageOwn]);
    const ALL: Authorities = Authorities::of(&[Authority::KeysManageAll]);
    const APPLICATIONS: Authorities = Authorities::of(&[Authority::ApplicationsManage]);
    const AUDIT: Authorities = Authorities::of(&[Authority::AuditRead]);

    fn role(authorities: Authorities, levels: Levels) -> Role {
        let organization = OrganizationId::from_raw(1);
        let role = Role::predefined(organization, Timestamp::from_micros(0)).next().expect("a role");
        Role { authorities, levels, ..role }
    }

    fn sets(numbers: &[u128]) -> Levels {
        let sets = numbers.iter().map(|number| ApiSetId::from_raw(*number)).collect();
        Levels { api_sets: Some(sets), ..Levels::default() }
    }

    fn days(days: u32) -> Levels {
        Levels { max_lifetime_days: Some(days), ..Levels::default() }
    }

    #[test]
    fn keys_have_what_the_widest_role_that_makes_keys_lets_them() {
        let free = Levels::default;
        let role = |authorities, levels| role(authorities, levels);
        for (name, roles, most) in [
            ("no role at all", vec![], None),
            ("no bound", vec![role(OWN, free())], None),
            ("a bound", vec![role(OWN, sets(&[1]))], Some(vec![1])),
            ("two bounds", vec![role(OWN, sets(&[1])), role(OWN, sets(&[2, 1]))], Some(vec![1, 2])),
            ("the wider role", vec![role(OWN, sets(&[1])), role(OWN, free())], None),
            ("a role that is not about keys", vec![role(OWN, sets(&[1])), role(AUDIT, free())], Some(vec![1])),
            ("a role that lost its authority", vec![role(AUDIT, sets(&[1])), role(AUDIT, free())], Some(vec![1])),
            ("only roles that are not about keys", vec![role(AUDIT, free())], None),
            ("a bound of nothing", vec![role(OWN, sets(&[]))], Some(vec![])),
        ] {
            let most = most.map(|most: Vec<u128>| most.into_iter().map(ApiSetId::from_raw).collect());
            assert_eq!(most_sets(roles.iter()), most, "{name}");
        }
    }

    #[test]
    fn a_mandate_is_the_union_of_roles_and_levels_are_those_of_the_roles_that_make_keys() {
        let roles = [role(OWN, days(30)), role(ALL.union(AUDIT), days(7)), role(AUDIT, Levels::default())];
        let mandate = Mandate::of(roles.iter());
        assert_eq!(mandate.authorities, OWN.union(ALL).union(AUDIT));
        assert_eq!((mandate.levels(Making::Own), mandate.levels(Making::All)), (&days(30), &days(7)));
        let applications = [role(OWN, Levels::default()), role(APPLICATIONS, days(7))];
        assert_eq!(Mandate::of(applications.iter()).levels(Making::All), &days(7), "an application comes with a key");
        let wider = [role(OWN, days(30)), role(OWN, Levels { max_keys: Some(5), ..days(90) })];
        assert_eq!(Mandate::of(wider.iter()).levels(Making::Own), &days(90), "bound by bound the wider");
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let roles = [role(OWN.union(AUDIT), Levels { max_keys: Some(5), ..sets(&[1, 2]) })];
        let mandate = Mandate::of(roles.iter());
        let within = Levels { max_keys: Some(5), ..sets(&[2]) };
        for (given, excess) in [
            (role(OWN, within.clone()), Ok(())),
            (role(AUDIT, Levels::default()), Ok(())),
            (role(ALL, within.clone()), Err(Excess::Authorities(ALL))),
            (role(OWN, Levels { max_keys: Some(6), ..within.clone() }), Err(Excess::Level("max_keys"))),
            (role(OWN, Levels { max_keys: None, ..within.clone() }), Err(Excess::Level("max_keys"))),
            (role(OWN, Levels { max_keys: Some(1), ..sets(&[2, 3]) }), Err(Excess::Level("api_sets"))),
            (role(OWN, Levels { max_keys: Some(1), ..Levels::default() }), Err(Excess::Level("api_sets"))),
        ] {
            assert_eq!(mandate.check_role(&given), excess, "{given:?}");
        }
        let unbounded = Mandate::unbounded(Authorities::ADMIN);
        assert_eq!(unbounded.check_role(&role(Authorities::ADMIN, Levels::default())), Ok(()));
    }

    #[test]
    fn predefined_roles_give_no_more_than_admin_and_the_auditor_changes_nothing() {
        for predefined in PREDEFINED_ROLES {
            assert!(Authorities::ADMIN.has_all(predefined.authorities), "{}", predefined.slug);
        }
        let changing = Authorities::of(&[
            Authority::KeysManageOwn,
            Authority::KeysManageAll,
            Authority::KeysReveal,
            Authority::ApisManage,
            Authority::ApplicationsManage,
            Authority::UsersManage,
            Authority::RolesManage,
            Authority::PolicyManage,
            Authority::OrganizationManage,
        ]);
        assert!(!predefined_authorities("auditor").expect("a role").has_any(changing));
    }

    #[test]
    fn ids_of_predefined_roles_are_their_organizations_with_another_first_digit() {
        let organization: OrganizationId = "org_01jd2v3w4x5y6z7a8b9c0d1e2f".parse().expect("an id");
        let ids: Vec<String> = (0..4).map(|number| Role::predefined_id(organization, number).to_string()).collect();
        let expected = ["1", "2", "3", "4"].map(|digit| format!("rol_{digit}1jd2v3w4x5y6z7a8b9c0d1e2f"));
        assert_eq!(ids, expected);
    }
}
