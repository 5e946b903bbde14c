//! Owners that bound their keys: an application can be inactive, has a list of addresses of its own, and its type says what
//! its keys may do at the most; a person can be disabled, locked or gone, and their roles say it. All of it is judged at each
//! request, so a change reaches the keys that are there.

use std::net::IpAddr;

use claviger_domain::application::{Application, ApplicationType, SignIn, StoredPassword};
use claviger_domain::authority::Authorities;
use claviger_domain::ip_list::IpList;
use claviger_domain::key::Owner;
use claviger_domain::limit::Holder;
use claviger_domain::verdict::Code;
use claviger_domain::{ApiSetId, ApplicationTypeId, Timestamp};

use crate::held_key::Profile;
use crate::limits::HeldLimit;
use crate::people::HeldMember;
use crate::tenant::Tenant;

/// An application as the catalog holds it.
#[derive(Debug)]
pub(crate) struct HeldApplication {
    pub(crate) name: Box<str>,
    pub(crate) kind: ApplicationTypeId,
    pub(crate) password: Option<StoredPassword>,
    active: bool,
    allowed_ips: IpList,
    limits: Box<[HeldLimit]>,
}

/// A type of applications as the catalog holds it.
#[derive(Debug)]
pub(crate) struct HeldType {
    /// Its name in the paths of the web service.
    pub(crate) slug: Box<str>,
    pub(crate) sign_in: SignIn,
    /// What keys of its applications may do at the most, as if it were a key's.
    pub(crate) most: Profile,
}

/// What a key's owner leaves of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound<'t> {
    /// Everything: the organization owns it.
    Free,
    /// No more than the application's type allows.
    Application {
        application: &'t HeldApplication,
        /// What a key with all sets of the type would hold.
        most: &'t Profile,
        /// How it proves itself.
        sign_in: SignIn,
    },
    /// No more than the person's roles leave.
    Member(&'t HeldMember),
    /// Nothing: its owner is not there.
    Gone,
}

/// What a bound leaves of a key's rights.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leaves<'t> {
    /// All of them.
    All,
    /// What a key with these rights holds too.
    Most(&'t Profile),
    /// None.
    Nothing,
}

// === impl HeldApplication ===

impl HeldApplication {
    pub(crate) fn new(application: &Application) -> Self {
        Self {
            name: application.name.as_str().into(),
            kind: application.kind,
            password: application.password,
            active: application.disabled.is_none(),
            allowed_ips: IpList::new(&application.allowed_ips),
            limits: HeldLimit::all(&application.limits, Holder::Application),
        }
    }

    /// Its limits.
    pub(crate) fn limits(&self) -> &[HeldLimit] {
        &self.limits
    }

    /// Whether its keys pass.
    pub(crate) fn is_active(&self) -> bool {
        self.active
    }
}

// === impl HeldType ===

impl HeldType {
    pub(crate) fn new(kind: &ApplicationType) -> Self {
        Self {
            slug: kind.slug.as_str().into(),
            sign_in: kind.sign_in,
            most: Profile::of_sets(kind.organization, &kind.api_sets),
        }
    }
}

// === impl Bound ===

impl<'t> Bound<'t> {
    /// What the owner leaves of the keys of `profile`; `home` is their own organization, looked for only where it is needed.
    pub(crate) fn of(home: impl FnOnce() -> Option<&'t Tenant>, profile: &Profile) -> Self {
        let found = match profile.owner {
            Owner::Organization(_) => Some(Self::Free),
            Owner::Application(id) => home().and_then(|home| {
                let application = home.application(id)?;
                let HeldType { most, sign_in, .. } = home.type_of(application.kind)?;
                Some(Self::Application { application, most, sign_in: *sign_in })
            }),
            Owner::User(id) => home().and_then(|home| home.people().member(id)).map(Self::Member),
        };
        found.unwrap_or(Self::Gone)
    }

    /// What it leaves of the rights of the owner's keys.
    pub(crate) fn leaves(&self) -> Leaves<'t> {
        match self {
            Self::Free => Leaves::All,
            Self::Application { most, .. } => Leaves::Most(most),
            Self::Member(member) => member.most.as_deref().map_or(Leaves::All, Leaves::Most),
            Self::Gone => Leaves::Nothing,
        }
    }

    /// What of these authorities is left: a person's key never has more than its person.
    pub(crate) fn leaves_of(&self, authorities: Authorities) -> Authorities {
        match self {
            Self::Member(member) => authorities.intersection(member.authorities),
            Self::Free | Self::Application { .. } | Self::Gone => authorities,
        }
    }

    /// The owner's name, where it is not the organization's.
    pub(crate) fn name(&self) -> Option<&'t str> {
        match self {
            Self::Application { application, .. } => Some(&application.name),
            Self::Member(member) => Some(&member.name),
            Self::Free | Self::Gone => None,
        }
    }

    /// Whether the owner is in service at `now`.
    pub(crate) fn check_state(&self, now: Timestamp) -> Result<(), (Code, &'static str)> {
        match self {
            Self::Free => Ok(()),
            Self::Application { application, .. } if application.active => Ok(()),
            Self::Application { .. } => Err((Code::OwnerDisabled, "application inactive")),
            Self::Member(member) => member.check_state(now),
            Self::Gone => Err((Code::OwnerDisabled, "the owner is gone")),
        }
    }

    /// Refuses a key alone that passes only with the token of a user.
    pub(crate) fn check_alone(&self) -> Result<(), (Code, &'static str)> {
        match self {
            Self::Application { sign_in, .. } if sign_in.has_users() => Err((Code::NotFound, "no session")),
            _ => Ok(()),
        }
    }

    /// The owner's own list of addresses; `None` where it has none.
    pub(crate) fn allowed_ips(&self) -> Option<&'t IpList> {
        match self {
            Self::Application { application, .. } => Some(&application.allowed_ips).filter(|list| !list.is_empty()),
            Self::Free | Self::Member(_) | Self::Gone => None,
        }
    }

    /// The owner's own limits.
    pub(crate) fn limits(&self) -> &'t [HeldLimit] {
        match self {
            Self::Application { application, .. } => application.limits(),
            Self::Free | Self::Member(_) | Self::Gone => &[],
        }
    }

    /// The owner's list of addresses; an unknown address is in no list.
    pub(crate) fn check_ip(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<(), (Code, &'static str)> {
        match (self.allowed_ips(), ip) {
            (None, _) => Ok(()),
            (Some(list), Some(ip)) if list.contains(ip, now) => Ok(()),
            (Some(_), Some(_)) => Err((Code::IpNotAllowed, "address not in the application's list")),
            (Some(_), None) => Err((Code::IpNotAllowed, "no client address")),
        }
    }

    /// Whether a set that stands for rights in Claviger, and is named by a key's list, is within this bound: the type, or a
    /// role, names it too.
    pub(crate) fn names(&self, set: ApiSetId) -> bool {
        match self.leaves() {
            Leaves::All => true,
            Leaves::Most(most) => most.api_sets.contains(&set),
            Leaves::Nothing => false,
        }
    }
}
