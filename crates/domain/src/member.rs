//! People, and what they are in an organization. A person belongs to the installation, a membership to one organization;
//! what becomes of keys follows from the membership of their organization alone.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::{OrganizationId, RoleId, UserId};
use crate::key::{Actor, Disabled};
use crate::name::Name;
use crate::role::Role;

/// The most people of an organization.
pub const MEMBERS_MAX: usize = 10_000;
/// The most characters of a language tag.
pub const LANGUAGE_LENGTH_MAX: usize = 35;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// By this the person is known: unique in the installation once they have accepted an invitation.
    pub email: Email,
    /// What others see.
    pub name: Name,
    /// BCP 47 tag of the language in which the person reads.
    pub language: String,
    /// IANA name of the zone in which the person lives.
    pub time_zone: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A person in an organization: the membership, with the person's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The person.
    pub user: User,
    /// The tenant.
    pub organization: OrganizationId,
    /// By this the organization lists the person; unique in it.
    pub username: Name,
    /// What they may do, together.
    pub roles: Vec<RoleId>,
    /// Taken out of service, by whom and why.
    pub disabled: Option<Disabled>,
    /// Locked by an administrator, by whom and why.
    pub locked: Option<Disabled>,
    /// Out of service from this instant on.
    pub account_expires_at: Option<Timestamp>,
    /// When the person came; `None`: invited.
    pub accepted_at: Option<Timestamp>,
    /// Who invited them: a snapshot that outlives its creator.
    pub created_by: Actor,
    /// When they were invited.
    pub created_at: Timestamp,
    /// When the membership was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// How a member stands; the first that applies, in the verdict's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Taken out of service.
    Disabled,
    /// Locked by an administrator.
    Locked,
    /// The account's end has come.
    Expired,
    /// In service.
    InService,
}

// === impl Member ===

impl Member {
    /// How they stand at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing {
        if self.disabled.is_some() {
            Standing::Disabled
        } else if self.locked.is_some() {
            Standing::Locked
        } else if self.account_expires_at.is_some_and(|end| now >= end) {
            Standing::Expired
        } else {
            Standing::InService
        }
    }

    /// Whether an organization can do without any other administrator: one who has come, is in service and stays so.
    pub fn keeps_the_organization(&self) -> bool {
        self.accepted_at.is_some()
            && self.disabled.is_none()
            && self.locked.is_none()
            && self.account_expires_at.is_none()
            && self.roles.contains(&Role::admin_id(self.organization))
    }
}

/// Whether a text could be a BCP 47 tag: letters and digits in parts of at most eight, the first of two or three letters.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    text.len() <= LANGUAGE_LENGTH_MAX
        && (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ActorKind;

    fn member() -> Member {
        let (at, organization) = (Timestamp::from_micros(0), OrganizationId::from_raw(1));
        let operator = Actor { kind: ActorKind::Operator, id: None, name: None };
        let user = User {
            id: UserId::from_raw(1),
            email: "ann@example.com".parse().expect("an address"),
            name: "Ann".parse().expect("a name"),
            language: "en".to_owned(),
            time_zone: "UTC".to_owned(),
            created_at: at,
        };
        Member {
            user,
            organization,
            username: "ann".parse().expect("a name"),
            roles: vec![Role::admin_id(organization)],
            disabled: None,
            locked: None,
            account_expires_at: None,
            accepted_at: Some(at),
            created_by: operator,
            created_at: at,
            updated_at: at,
            version: 1,
        }
    }

    #[test]
    fn the_standing_is_the_first_that_applies() {
        let at = Timestamp::from_micros;
        let stopped = Disabled { at: at(0), by: member().created_by, reason: None };
        let all = Member {
            disabled: Some(stopped.clone()),
            locked: Some(stopped),
            account_expires_at: Some(at(5)),
            ..member()
        };
        assert_eq!(all.standing(at(5)), Standing::Disabled);
        let enabled = Member { disabled: None, ..all };
        assert_eq!(enabled.standing(at(5)), Standing::Locked);
        let unlocked = Member { locked: None, ..enabled };
        assert_eq!(unlocked.standing(at(5)), Standing::Expired, "the end is exclusive");
        assert_eq!(unlocked.standing(at(4)), Standing::InService);
        assert_eq!(member().standing(at(i64::MAX)), Standing::InService);
    }

    #[test]
    fn an_administrator_who_is_not_there_for_good_keeps_no_organization() {
        let (at, by) = (Timestamp::from_micros(9), member().created_by);
        let stopped = Some(Disabled { at, by, reason: None });
        assert!(member().keeps_the_organization());
        for member in [
            Member { accepted_at: None, ..member() },
            Member { disabled: stopped.clone(), ..member() },
            Member { locked: stopped, ..member() },
            Member { account_expires_at: Some(at), ..member() },
            Member { roles: vec![Role::predefined_id(member().organization, 1)], ..member() },
            Member { roles: vec![Role::admin_id(OrganizationId::from_raw(2))], ..member() },
        ] {
            assert!(!member.keeps_the_organization(), "{member:?}");
        }
    }

    #[test]
    fn languages_are_told_from_other_texts() {
        for text in ["en", "pl", "de-AT", "zh-Hant-TW", "sl-rozaj-biske"] {
            assert!(is_language(text), "{text}");
        }
        for text in ["", "e", "english", "en_US", "en-", "en--US", "en-verylongpart", "1n", "é"] {
            assert!(!is_language(text), "{text}");
        }
    }
}
