//! A key at a provider's door: what of its rights counts there.
//!
//! At its own organization's doors that is all it holds. At another's it is a guest: only APIs that are shared with its
//! organization are there for it, and that is judged at each request, so sharing ends with the change that ends it.

use claviger_domain::OrganizationId;
use claviger_domain::api_set::ApiSetKind;
use claviger_domain::limit::Zone;
use claviger_domain::operation::Version;

use crate::catalog::Catalog;
use crate::held_api::HeldApi;
use crate::held_key::Profile;
use crate::owner::{Bound, Leaves};
use crate::sign_ins::SignedIn;
use crate::tenant::{HeldSet, Tenant, has_exceptions};

/// A key whose secret is proved, at the doors of a provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer<'c> {
    pub(crate) profile: &'c Profile,
    /// The organization whose APIs are asked for.
    pub(crate) provider: &'c Tenant,
    /// The key's own organization, where that is another one.
    guest: Option<Guest<'c>>,
    /// What the key's owner leaves of it.
    pub(crate) bound: Bound<'c>,
    /// What the person leaves of it whose rights bound the session that it comes with.
    user: Leaves<'c>,
}

/// Whose key a guest is.
#[derive(Debug, Clone, Copy)]
struct Guest<'c> {
    organization: OrganizationId,
    /// What that organization has.
    home: &'c Tenant,
}

// === impl Bearer ===

impl<'c> Bearer<'c> {
    /// The key of `profile` at the doors of `provider`; `None` if one of the organizations is unknown.
    pub(crate) fn new(
        catalog: &'c Catalog,
        provider: OrganizationId,
        profile: &'c Profile,
        signed_in: Option<&SignedIn>,
    ) -> Option<Self> {
        let organization = profile.organization;
        let is_guest = organization != provider;
        let provider = catalog.tenant(provider)?;
        let home = if is_guest { catalog.tenant(organization)? } else { provider };
        let guest = is_guest.then_some(Guest { organization, home });
        let user = match signed_in.map(|signed_in| home.people().member(signed_in.user.profile_user)) {
            None => Leaves::All,
            Some(Some(member)) => member.most.as_deref().map_or(Leaves::All, Leaves::Most),
            Some(None) => Leaves::Nothing,
        };
        Some(Self { profile, provider, guest, bound: Bound::of(|| Some(home), profile), user })
    }

    /// What the key's own organization has: its rules for its keys hold everywhere.
    pub(crate) fn home(&self) -> &'c Tenant {
        self.guest.map_or(self.provider, |guest| guest.home)
    }

    /// Where days begin in an organization that the key has to do with: its own, or else the provider.
    pub(crate) fn zone_of(&self, organization: OrganizationId) -> Zone {
        let whose = if organization == self.profile.organization { self.home() } else { self.provider };
        whose.rules().zone()
    }

    /// Whether the API at `place` is there for the key: its own organization's, or shared with it.
    pub(crate) fn sees(&self, place: usize) -> bool {
        let Some(guest) = self.guest else { return true };
        self.provider.apis().get(place).is_some_and(|api| api.sharing.with.includes(guest.organization))
    }

    /// Whether the key holds an operation of the API at `place` in a version. Within an owner's bound a General set comes with
    /// anything of its API that key and bound both hold.
    pub(crate) fn holds(&self, place: usize, operation: u32, version: Version) -> bool {
        match (self.bound.leaves(), self.user) {
            (Leaves::All, Leaves::All) => self.has(place, operation, version),
            (Leaves::Nothing, _) | (_, Leaves::Nothing) => false,
            (owner, user) => {
                let both = |operation| {
                    let has = |bearer: &Self| bearer.has_itself(place, operation, version);
                    has(self) && self.each_most(owner, user).all(|most| has(&most))
                };
                let general = || {
                    let count = self.provider.apis().get(place).map_or(0, |api| api.operation_count());
                    let has = |bearer: &Self| bearer.has(place, operation, version);
                    has(self)
                        && self.each_most(owner, user).all(|most| has(&most))
                        && self.provider.holds_by_general(place, operation, version)
                        && (0..count as u32).any(both)
                };
                both(operation) || general()
            }
        }
    }

    /// Whether the key holds the whole API at `place`, by name or by Full access, and nothing is taken away from it.
    pub(crate) fn holds_whole(&self, place: usize) -> bool {
        self.within(|bearer| bearer.has_whole(place))
    }

    /// Whether the key has Full access over the API at `place`, and nothing is taken away from it.
    pub(crate) fn has_full_access(&self, place: usize) -> bool {
        self.within(|bearer| bearer.has_full(place))
    }

    /// Whether the key holds a set of the provider: by its list, as the General set of an API of which it holds anything,
    /// or by Full access over every API that the set names.
    pub(crate) fn holds_set(&self, set: &HeldSet) -> bool {
        self.within(|bearer| bearer.has_set(set))
    }

    /// The provider's sets that the key's list names, in its order; for a guest those that are there for it, for a
    /// bounded owner's key those that the bound has too.
    pub(crate) fn provider_sets(&self) -> impl Iterator<Item = &'c HeldSet> + use<'c> {
        let bearer = *self;
        let is_there = move |set: &&HeldSet| bearer.guest.is_none_or(|guest| bearer.is_there(guest, set));
        let is_left = move |set: &&HeldSet| bearer.is_left(|most| most.has_set(set));
        self.provider.sets_of(self.profile).filter(is_there).filter(is_left)
    }

    /// Whether there is any set with limits, whatever it holds.
    pub(crate) fn has_limited_sets(&self) -> bool {
        self.provider.has_limited_sets || self.guest.is_some_and(|guest| guest.home.has_limited_sets)
    }

    /// The sets with limits by which the key may hold something: of the provider those that its list names and the General set of
    /// the API at `place`, and of a guest's own organization (`true`).
    pub(crate) fn limited_sets(&self, place: Option<usize>) -> impl Iterator<Item = (&'c HeldSet, bool)> + use<'c> {
        let (profile, guest) = (self.profile, self.guest);
        let general = place.and_then(|place| self.provider.general(place));
        let general = general.filter(|set| !profile.api_sets.contains(&set.id));
        let own = self.provider.sets_of(profile).chain(general).map(|set| (set, false));
        let home = guest.into_iter().flat_map(move |guest| home_sets(guest, profile)).map(|set| (set, true));
        own.chain(home).filter(|(set, _)| !set.limits.is_empty())
    }

    /// The provider's sets with limits that the key holds: those that its list names, and General sets.
    pub(crate) fn held_limited_sets(&self) -> impl Iterator<Item = &'c HeldSet> + use<'c> {
        let bearer = *self;
        let generals = (0..self.provider.apis().len()).filter_map(move |place| bearer.provider.general(place));
        let generals = generals.filter(move |set| !bearer.profile.api_sets.contains(&set.id));
        let limited = |set: &&HeldSet| !set.limits.is_empty();
        self.provider.sets_of(self.profile).chain(generals).filter(limited).filter(move |set| bearer.holds_set(set))
    }

    /// What holds for the key and for all that bounds it.
    fn within(&self, holds: impl Fn(&Self) -> bool) -> bool {
        !self.is_left_nothing() && holds(self) && self.is_left(holds)
    }

    /// Whether something holds for all that bounds the key.
    fn is_left(&self, holds: impl Fn(&Self) -> bool) -> bool {
        let (owner, user) = (self.bound.leaves(), self.user);
        !self.is_left_nothing() && self.each_most(owner, user).all(|most| holds(&most))
    }

    fn is_left_nothing(&self) -> bool {
        matches!(self.bound.leaves(), Leaves::Nothing) || matches!(self.user, Leaves::Nothing)
    }

    /// A key with the rights of each bound.
    fn each_most(&self, owner: Leaves<'c>, user: Leaves<'c>) -> impl Iterator<Item = Self> + use<'c> {
        let bearer = *self;
        [owner, user].into_iter().filter_map(move |leaves| match leaves {
            Leaves::Most(most) => Some(bearer.as_if(most)),
            Leaves::All | Leaves::Nothing => None,
        })
    }

    /// A key of the same organization with other rights, and without a bound.
    fn as_if(&self, profile: &'c Profile) -> Self {
        Self { profile, bound: Bound::Free, user: Leaves::All, ..*self }
    }

    /// [`Self::holds`] without the bound, General sets aside.
    fn has_itself(&self, place: usize, operation: u32, version: Version) -> bool {
        match self.guest {
            None => self.provider.holds_itself(self.profile, place, operation, version),
            Some(guest) => self.shared(guest, place).is_some_and(|api| {
                !self.is_taken(api, operation, version) && self.holds_as_guest(guest, api, operation, version)
            }),
        }
    }

    /// [`Self::holds`] without the bound.
    fn has(&self, place: usize, operation: u32, version: Version) -> bool {
        match self.guest {
            None => self.provider.holds(self.profile, place, operation, version),
            Some(guest) => self.shared(guest, place).is_some_and(|api| {
                let general = || self.provider.general(place).is_some_and(|set| set.holds(api, operation, version));
                !self.is_taken(api, operation, version)
                    && (self.holds_as_guest(guest, api, operation, version)
                        || general() && self.holds_any_as_guest(guest, api))
            }),
        }
    }

    /// [`Self::holds_whole`] without the bound.
    fn has_whole(&self, place: usize) -> bool {
        match self.guest {
            None => self.provider.holds_whole(self.profile, place),
            Some(guest) => self.shared(guest, place).is_some_and(|api| {
                let lent = || self.provider.sets_of(self.profile).any(|set| is_lent(set) && set.holds_whole(api));
                let own = || {
                    home_sets(guest, self.profile).any(|set| match set.kind {
                        ApiSetKind::Full => api.sharing.full_access,
                        _ => set.names_whole(api),
                    })
                };
                !has_exceptions(self.profile, api.id) && (lent() || own())
            }),
        }
    }

    /// [`Self::has_full_access`] without the bound.
    fn has_full(&self, place: usize) -> bool {
        match self.guest {
            None => self.provider.has_full_access_to(self.profile, place),
            Some(guest) => self.shared(guest, place).is_some_and(|api| self.has_full_access_as_guest(guest, api)),
        }
    }

    /// [`Self::holds_set`] without the bound.
    fn has_set(&self, set: &HeldSet) -> bool {
        let Some(guest) = self.guest else { return self.provider.holds_set(self.profile, set) };
        if !self.is_there(guest, set) {
            return false;
        }
        let covered =
            |api: &HeldApi| api.sharing.with.includes(guest.organization) && self.has_full_access_as_guest(guest, api);
        let by_full_access = || self.provider.apis_of(set).all(covered);
        let general = || {
            set.kind == ApiSetKind::General
                && self
                    .provider
                    .apis_of(set)
                    .any(|api| api.sharing.with.includes(guest.organization) && self.holds_any_as_guest(guest, api))
        };
        self.profile.api_sets.contains(&set.id) || general() || by_full_access()
    }

    /// The API at `place`, if it is shared with the guest's organization.
    fn shared(&self, guest: Guest<'_>, place: usize) -> Option<&'c HeldApi> {
        let api = self.provider.apis().get(place)?;
        api.sharing.with.includes(guest.organization).then_some(api)
    }

    /// Of a provider's sets only those with an operation of a shared API are there for its guests.
    fn is_there(&self, guest: Guest<'_>, set: &HeldSet) -> bool {
        let lends = |api: &HeldApi| {
            api.sharing.with.includes(guest.organization) && api.operation_count() > 0 && set.holds_any(api)
        };
        is_lent(set) && self.provider.apis_of(set).any(lends)
    }

    /// Whether the key's own list takes an operation away, which it then has by no set.
    fn is_taken(&self, api: &HeldApi, operation: u32, version: Version) -> bool {
        let own = self.profile.operations.of_api(api.id).filter(|own| own.has_exceptions());
        own.is_some_and(|own| own.takes(api.name(operation), api.versions(), api.versions_of(operation)).has(version))
    }

    /// Whether a guest holds an operation of a shared API, that API's General set aside.
    fn holds_as_guest(&self, guest: Guest<'_>, api: &HeldApi, operation: u32, version: Version) -> bool {
        self.provider.sets_of(self.profile).any(|set| is_lent(set) && set.holds(api, operation, version))
            || home_sets(guest, self.profile).any(|set| match set.kind {
                ApiSetKind::Full => api.sharing.full_access,
                _ => set.names(api, operation, version),
            })
            || self.profile.operations.of_api(api.id).is_some_and(|own| {
                own.gives(api.name(operation), api.versions(), api.versions_of(operation)).has(version)
            })
    }

    /// The same for any operation at all.
    fn holds_any_as_guest(&self, guest: Guest<'_>, api: &HeldApi) -> bool {
        self.provider.sets_of(self.profile).any(|set| is_lent(set) && set.holds_any(api))
            || home_sets(guest, self.profile).any(|set| match set.kind {
                ApiSetKind::Full => api.sharing.full_access,
                _ => set.names_any(api),
            })
            || self.profile.operations.of_api(api.id).is_some_and(|own| own.gives_any(api))
    }

    /// Full access of a guest's key covers a shared API where the provider says so.
    fn has_full_access_as_guest(&self, guest: Guest<'_>, api: &HeldApi) -> bool {
        let has_full = || home_sets(guest, self.profile).any(|set| set.kind == ApiSetKind::Full);
        api.sharing.full_access && has_full() && !has_exceptions(self.profile, api.id)
    }
}

/// The sets of its own organization that a guest's list names, as far as they can mean anything elsewhere.
fn home_sets<'c>(guest: Guest<'c>, profile: &'c Profile) -> impl Iterator<Item = &'c HeldSet> {
    guest.home.sets_of(profile).filter(|set| matches!(set.kind, ApiSetKind::Plain | ApiSetKind::Full))
}

/// Whether a provider's set may be held by guests: its Full access and its rights in Claviger never.
fn is_lent(set: &HeldSet) -> bool {
    matches!(set.kind, ApiSetKind::Plain | ApiSetKind::General)
}
