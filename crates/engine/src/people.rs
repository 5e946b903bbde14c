//! People who own keys: how they stand in their organization, and what their roles leave of their keys. Worked out once when a
//! membership or a role changes, so that a request looks at one record.

use std::sync::Arc;

use claviger_domain::authority::Authorities;
use claviger_domain::member::Member;
use claviger_domain::role::{Mandate, Role, most_sets};
use claviger_domain::verdict::Code;
use claviger_domain::{OrganizationId, RoleId, Timestamp, UserId};
use hashbrown::HashMap;

use crate::held_key::Profile;

/// The people of an organization, and its roles.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    members: HashMap<UserId, Arc<HeldMember>>,
    roles: HashMap<RoleId, Arc<Role>>,
    /// Roles that changed: whoever has one is worked out anew.
    changed_roles: Vec<RoleId>,
    changed_members: Vec<UserId>,
}

/// A person as the catalog holds them.
#[derive(Debug, Clone)]
pub(crate) struct HeldMember {
    pub(crate) name: Box<str>,
    organization: OrganizationId,
    roles: Box<[RoleId]>,
    disabled: bool,
    locked: bool,
    /// Microseconds; the greatest value where the account has no end.
    expires_at: i64,
    /// What the roles give together.
    pub(crate) authorities: Authorities,
    /// What keys of this person may do at the most; `None`: no role bounds them.
    pub(crate) most: Option<Arc<Profile>>,
}

// === impl People ===

impl People {
    /// A person of the organization.
    pub(crate) fn member(&self, id: UserId) -> Option<&HeldMember> {
        self.members.get(&id).map(|member| &**member)
    }

    /// Whether it has this role.
    pub(crate) fn has_role(&self, id: RoleId) -> bool {
        self.roles.contains_key(&id)
    }

    /// Whether there are neither people nor roles.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.roles.is_empty()
    }

    pub(crate) fn set_member(&mut self, member: &Member) {
        self.changed_members.push(member.user.id);
        self.members.insert(member.user.id, Arc::new(HeldMember::new(member)));
    }

    pub(crate) fn remove_member(&mut self, id: UserId) {
        self.members.remove(&id);
    }

    pub(crate) fn set_role(&mut self, role: Role) {
        self.changed_roles.push(role.id);
        self.roles.insert(role.id, Arc::new(role));
    }

    pub(crate) fn remove_role(&mut self, id: RoleId) {
        self.changed_roles.push(id);
        self.roles.remove(&id);
    }

    /// Works out anew whoever is concerned by what changed.
    #[must_use]
    pub(crate) fn settle(mut self) -> Self {
        let (changed_roles, changed_members) =
            (std::mem::take(&mut self.changed_roles), std::mem::take(&mut self.changed_members));
        if changed_roles.is_empty() && changed_members.is_empty() {
            return self;
        }
        for (id, member) in &mut self.members {
            if changed_members.contains(id) || member.roles.iter().any(|role| changed_roles.contains(role)) {
                *member = Arc::new(member.resolve(&self.roles));
            }
        }
        self
    }
}

// === impl HeldMember ===

impl HeldMember {
    fn new(member: &Member) -> Self {
        Self {
            name: member.user.name.as_str().into(),
            organization: member.organization,
            roles: member.roles.clone().into(),
            disabled: member.disabled.is_some(),
            locked: member.locked.is_some(),
            expires_at: member.account_expires_at.map_or(i64::MAX, Timestamp::as_micros),
            authorities: Authorities::NONE,
            most: None,
        }
    }

    /// The same person with what the roles say.
    fn resolve(&self, roles: &HashMap<RoleId, Arc<Role>>) -> Self {
        let held = self.roles.iter().filter_map(|id| roles.get(id).map(|role| &**role));
        let most = most_sets(held.clone()).map(|sets| Arc::new(Profile::of_sets(self.organization, &sets)));
        Self { authorities: Mandate::of(held).authorities, most, ..self.clone() }
    }

    /// Whether they are in service at `now`, in the verdict's order.
    pub(crate) fn check_state(&self, now: Timestamp) -> Result<(), (Code, &'static str)> {
        if self.disabled {
            Err((Code::OwnerDisabled, "user disabled"))
        } else if self.locked {
            Err((Code::OwnerLocked, "user locked by an administrator"))
        } else if now.as_micros() >= self.expires_at {
            Err((Code::OwnerExpired, "user's account expired"))
        } else {
            Ok(())
        }
    }
}
