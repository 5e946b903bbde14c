//! What one organization has: its APIs and sets, resolved so that "does this key hold that operation" is a bit test.

use std::collections::BTreeMap;
use std::sync::Arc;

use claviger_domain::api::ApiKind;
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::change::{Change, Object, ObjectRef};
use claviger_domain::ip_list::IpList;
use claviger_domain::limit::Holder;
use claviger_domain::operation::{Version, VersionSet};
use claviger_domain::organization::Organization;
use claviger_domain::policy::StatusProfile;
use claviger_domain::rules::Rules;
use claviger_domain::sharing::SharedWith;
use claviger_domain::{ApiId, ApiSetId, ApplicationId, ApplicationTypeId, OrganizationId};
use hashbrown::HashMap;

use crate::grants::{Grants, NamePatterns};
use crate::held_api::HeldApi;
use crate::held_key::Profile;
use crate::limits::HeldLimit;
use crate::owner::{HeldApplication, HeldType};
use crate::people::People;

/// An organization, its APIs and its sets.
#[expect(clippy::struct_excessive_bools, reason = "each saves requests a look at what most organizations do not have")]
#[derive(Debug, Default)]
pub(crate) struct Tenant {
    organization: Option<Arc<Organization>>,
    /// From where its keys may be used; empty = from anywhere.
    allowed_ips: Arc<IpList>,
    /// What its policy makes of its keys.
    rules: Rules,
    /// Ascending by id, which is by age.
    apis: Box<[Arc<HeldApi>]>,
    /// The General set of the API at the same place.
    generals: Box<[Option<ApiSetId>]>,
    sets: HashMap<ApiSetId, Arc<HeldSet>>,
    api_slugs: HashMap<Box<str>, u32>,
    set_slugs: HashMap<Box<str>, ApiSetId>,
    /// Whether there is no API but `default` as it was made and the built-in one.
    default_alone: bool,
    /// Whose keys count at its doors beside its own: those that it shares any API with.
    audience: SharedWith,
    /// Whether some API is in report-only mode.
    pub(crate) reports_only: bool,
    /// Whether some API has credential sources of its own.
    pub(crate) has_sources: bool,
    /// Whether some set has limits.
    pub(crate) has_limited_sets: bool,
    applications: HashMap<ApplicationId, Arc<HeldApplication>>,
    types: HashMap<ApplicationTypeId, Arc<HeldType>>,
    people: People,
}

/// A set with what it holds of each API.
#[derive(Debug)]
pub(crate) struct HeldSet {
    pub(crate) id: ApiSetId,
    pub(crate) slug: Box<str>,
    pub(crate) kind: ApiSetKind,
    /// The API whose General set it is.
    general_of: Option<ApiId>,
    /// APIs it names, whole or in part, ascending.
    rights: Box<[(ApiId, Rights)]>,
    whole: Box<[ApiId]>,
    grants: Grants,
    /// Whether it names APIs that are none of its organization's.
    names_foreign: bool,
    pub(crate) limits: Arc<[HeldLimit]>,
}

/// What a set holds of one API.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rights {
    /// All, now and later.
    Whole,
    /// One bit an operation, in document order: in all versions.
    Some(Box<[u64]>),
    /// The versions of each operation, in document order; where a pattern names a version or takes away.
    Versions(Box<[VersionSet]>),
}

/// A tenant that is being changed.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    organization: Option<Arc<Organization>>,
    allowed_ips: Arc<IpList>,
    apis: BTreeMap<ApiId, Arc<HeldApi>>,
    sets: BTreeMap<ApiSetId, Arc<HeldSet>>,
    /// APIs whose operations may have changed: sets that name them are resolved anew.
    changed_apis: Vec<ApiId>,
    changed_sets: Vec<ApiSetId>,
    applications: HashMap<ApplicationId, Arc<HeldApplication>>,
    types: HashMap<ApplicationTypeId, Arc<HeldType>>,
    people: People,
}

// === impl Tenant ===

impl Tenant {
    /// The organization; `None` while only parts of it are known.
    pub(crate) fn organization(&self) -> Option<&Organization> {
        self.organization.as_deref()
    }

    /// What its policy makes of its keys.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// From where its keys may be used, beside their own lists; empty = from anywhere.
    pub(crate) fn allowed_ips(&self) -> &IpList {
        &self.allowed_ips
    }

    /// How its gateway doors answer.
    pub(crate) fn status_profile(&self) -> StatusProfile {
        self.organization().map(|organization| organization.policy.status_profile).unwrap_or_default()
    }

    /// Its APIs, the built-in one included.
    pub(crate) fn apis(&self) -> &[Arc<HeldApi>] {
        &self.apis
    }

    /// The API of this slug or id, by its place.
    pub(crate) fn api_named(&self, name: &str) -> Option<usize> {
        if let Some(index) = self.api_slugs.get(name) {
            return Some(*index as usize);
        }
        let id: ApiId = name.parse().ok()?;
        self.apis.binary_search_by_key(&id, |api| api.id).ok()
    }

    /// A set of its own.
    pub(crate) fn set(&self, id: ApiSetId) -> Option<&HeldSet> {
        self.sets.get(&id).map(|set| &**set)
    }

    /// The set of this slug or id.
    pub(crate) fn set_named(&self, name: &str) -> Option<&HeldSet> {
        let id = self.set_slugs.get(name).copied().or_else(|| name.parse().ok())?;
        self.set(id)
    }

    /// Whether keys of another organization count at its doors: it shares an API with it.
    pub(crate) fn shares_with(&self, organization: OrganizationId) -> bool {
        self.audience.includes(organization)
    }

    /// Its own APIs that one of its sets names, whole or in part.
    pub(crate) fn apis_of<'t>(&'t self, set: &'t HeldSet) -> impl Iterator<Item = &'t HeldApi> {
        set.rights.iter().filter_map(|(id, _)| {
            let place = self.apis.binary_search_by_key(id, |api| api.id).ok()?;
            Some(&*self.apis[place])
        })
    }

    /// Whether an API counts for requests without a pin.
    pub(crate) fn counts_unpinned(&self, api: &HeldApi) -> bool {
        match api.kind {
            ApiKind::Plain => true,
            ApiKind::PristineDefault => self.default_alone,
            ApiKind::BuiltIn => false,
        }
    }

    /// An application of the organization.
    pub(crate) fn application(&self, id: ApplicationId) -> Option<&HeldApplication> {
        self.applications.get(&id).map(|application| &**application)
    }

    /// All of its applications, in no order.
    pub(crate) fn applications(&self) -> impl Iterator<Item = &HeldApplication> {
        self.applications.values().map(|application| &**application)
    }

    /// A type of its applications.
    pub(crate) fn type_of(&self, id: ApplicationTypeId) -> Option<&HeldType> {
        self.types.get(&id).map(|kind| &**kind)
    }

    /// Its people and roles.
    pub(crate) fn people(&self) -> &People {
        &self.people
    }

    /// Whether the key holds an operation of the API at `place` in a version. What its own list takes away it has by no set.
    pub(crate) fn holds(&self, profile: &Profile, place: usize, operation: u32, version: Version) -> bool {
        let general = || self.holds_by_general(place, operation, version) && self.holds_any(profile, place);
        !self.is_taken(profile, place, operation, version)
            && (self.has_given(profile, place, operation, version) || general())
    }

    /// The same, the General set of the API aside.
    pub(crate) fn holds_itself(&self, profile: &Profile, place: usize, operation: u32, version: Version) -> bool {
        !self.is_taken(profile, place, operation, version) && self.has_given(profile, place, operation, version)
    }

    /// Whether the General set of the API at `place` holds an operation in a version.
    pub(crate) fn holds_by_general(&self, place: usize, operation: u32, version: Version) -> bool {
        let Some(api) = self.apis.get(place) else { return false };
        self.general(place).is_some_and(|set| set.holds(api, operation, version))
    }

    /// Whether the key's own list takes an operation away.
    fn is_taken(&self, profile: &Profile, place: usize, operation: u32, version: Version) -> bool {
        let Some(api) = self.apis.get(place) else { return true };
        profile.operations.of_api(api.id).is_some_and(|own| {
            own.has_exceptions()
                && own.takes(api.name(operation), api.versions(), api.versions_of(operation)).has(version)
        })
    }

    /// Whether the key's sets or its own list give an operation.
    fn has_given(&self, profile: &Profile, place: usize, operation: u32, version: Version) -> bool {
        let Some(api) = self.apis.get(place) else { return false };
        self.sets_of(profile).any(|set| set.holds(api, operation, version))
            || profile.operations.of_api(api.id).is_some_and(|own| {
                own.gives(api.name(operation), api.versions(), api.versions_of(operation)).has(version)
            })
    }

    /// Whether the key holds the whole API at `place`, by name or by Full access, and nothing is taken away from it.
    pub(crate) fn holds_whole(&self, profile: &Profile, place: usize) -> bool {
        let Some(api) = self.apis.get(place) else { return false };
        self.sets_of(profile).any(|set| set.holds_whole(api)) && !has_exceptions(profile, api.id)
    }

    /// Whether the key has Full access to the API at `place`, and nothing is taken away from it: what is unlisted could be
    /// what was taken away.
    pub(crate) fn has_full_access_to(&self, profile: &Profile, place: usize) -> bool {
        self.has_full_access(profile) && self.apis.get(place).is_some_and(|api| !has_exceptions(profile, api.id))
    }

    /// Whether the key has Full access.
    fn has_full_access(&self, profile: &Profile) -> bool {
        self.sets_of(profile).any(|set| set.kind == ApiSetKind::Full)
    }

    /// Whether the key holds a set: by its list, or as the General set of an API of which it holds anything, or by Full
    /// access over every API the set names.
    pub(crate) fn holds_set(&self, profile: &Profile, set: &HeldSet) -> bool {
        if profile.api_sets.contains(&set.id) {
            return true;
        }
        let general = || {
            self.generals
                .iter()
                .enumerate()
                .any(|(place, general)| *general == Some(set.id) && self.holds_any(profile, place))
        };
        match set.kind {
            ApiSetKind::Full | ApiSetKind::BuiltIn => false,
            ApiSetKind::General => self.has_full_access(profile) || general(),
            ApiSetKind::Plain => {
                let all_of = |api: ApiId| self.is_plain(api) && !has_exceptions(profile, api);
                let named = || !set.names_foreign && set.rights.iter().all(|(api, _)| all_of(*api));
                self.has_full_access(profile) && named()
            }
        }
    }

    /// What the key's list of sets names, in its order.
    pub(crate) fn sets_of<'t>(&'t self, profile: &'t Profile) -> impl Iterator<Item = &'t HeldSet> {
        profile.api_sets.iter().filter_map(|id| self.set(*id))
    }

    /// A copy to change.
    pub(crate) fn edit(&self) -> Draft {
        Draft {
            organization: self.organization.clone(),
            allowed_ips: Arc::clone(&self.allowed_ips),
            apis: self.apis.iter().map(|api| (api.id, Arc::clone(api))).collect(),
            sets: self.sets.iter().map(|(id, set)| (*id, Arc::clone(set))).collect(),
            changed_apis: Vec::new(),
            changed_sets: Vec::new(),
            applications: self.applications.clone(),
            types: self.types.clone(),
            people: self.people.clone(),
        }
    }

    /// Whether the key holds anything of the API at `place`, the General set aside.
    fn holds_any(&self, profile: &Profile, place: usize) -> bool {
        let Some(api) = self.apis.get(place) else { return false };
        self.sets_of(profile).any(|set| set.holds_any(api))
            || profile.operations.of_api(api.id).is_some_and(|own| own.gives_any(api))
    }

    /// The General set of the API at `place`.
    pub(crate) fn general(&self, place: usize) -> Option<&HeldSet> {
        self.set((*self.generals.get(place)?)?)
    }

    /// Whether an API exists and is not the built-in one.
    fn is_plain(&self, id: ApiId) -> bool {
        let place = self.apis.binary_search_by_key(&id, |api| api.id);
        place.is_ok_and(|place| self.apis[place].kind != ApiKind::BuiltIn)
    }
}

// === impl HeldSet ===

impl HeldSet {
    fn new(set: &ApiSet) -> Self {
        let mut whole = set.apis.clone();
        whole.sort_unstable();
        // A General set belongs to its API; that is not holding it whole.
        let is_general = set.kind == ApiSetKind::General;
        Self {
            id: set.id,
            slug: set.slug.as_str().into(),
            kind: set.kind,
            general_of: set.apis.first().copied().filter(|_| is_general),
            rights: Box::default(),
            whole: if is_general { Box::default() } else { whole.into() },
            grants: Grants::new(&set.operations),
            names_foreign: false,
            limits: HeldLimit::all(&set.limits, Holder::ApiSet(set.id)).into(),
        }
    }

    /// The same set, resolved over these APIs.
    fn resolve(&self, apis: &BTreeMap<ApiId, Arc<HeldApi>>) -> Self {
        let mut named: Vec<ApiId> = self.whole.iter().copied().chain(self.grants.apis()).collect();
        named.sort_unstable();
        named.dedup();
        let names_foreign = named.iter().any(|id| !apis.contains_key(id));
        let rights = named.into_iter().filter_map(|id| Some((id, self.rights_of(apis.get(&id)?)))).collect();
        let (slug, whole, grants) = (self.slug.clone(), self.whole.clone(), self.grants.clone());
        let limits = Arc::clone(&self.limits);
        Self { slug, rights, whole, grants, names_foreign, limits, ..*self }
    }

    /// Whether it names an operation of another organization's API in a version. It is not resolved over that: by pattern,
    /// so that it follows that API by itself.
    pub(crate) fn names(&self, api: &HeldApi, operation: u32, version: Version) -> bool {
        let whole = self.whole.contains(&api.id);
        match self.grants.of_api(api.id) {
            Some(patterns) => version_held(api, whole, patterns, operation).has(version),
            None => whole,
        }
    }

    /// Whether it names any operation of another organization's API.
    pub(crate) fn names_any(&self, api: &HeldApi) -> bool {
        self.names_whole(api)
            || self.grants.of_api(api.id).is_some_and(|patterns| {
                let whole = self.whole.contains(&api.id);
                (0..api.operation_count() as u32).any(|index| !version_held(api, whole, patterns, index).is_empty())
            })
    }

    /// Whether it names another organization's API whole, without exceptions.
    pub(crate) fn names_whole(&self, api: &HeldApi) -> bool {
        self.whole.contains(&api.id) && !self.grants.of_api(api.id).is_some_and(NamePatterns::is_special)
    }

    fn rights_of(&self, api: &HeldApi) -> Rights {
        let whole = self.whole.contains(&api.id);
        match self.grants.of_api(api.id) {
            Some(patterns) if patterns.is_special() => return Rights::Versions(versions_held(api, whole, patterns)),
            _ if whole => return Rights::Whole,
            _ => {}
        }
        let mut bits = vec![0u64; api.operation_count().div_ceil(64)];
        if let Some(patterns) = self.grants.of_api(api.id) {
            for index in (0..api.operation_count() as u32).filter(|&index| patterns.covers(api.name(index))) {
                bits[index as usize / 64] |= 1 << (index % 64);
            }
        }
        Rights::Some(bits.into())
    }

    fn concerns(&self, api: ApiId) -> bool {
        self.whole.contains(&api) || self.grants.of_api(api).is_some()
    }

    fn rights(&self, api: ApiId) -> Option<&Rights> {
        let at = self.rights.binary_search_by_key(&api, |(known, _)| *known).ok()?;
        Some(&self.rights[at].1)
    }

    pub(crate) fn holds(&self, api: &HeldApi, operation: u32, version: Version) -> bool {
        match self.kind {
            ApiSetKind::Full => api.kind != ApiKind::BuiltIn,
            ApiSetKind::BuiltIn => false,
            ApiSetKind::Plain | ApiSetKind::General => match self.rights(api.id) {
                Some(Rights::Whole) => true,
                Some(Rights::Some(bits)) => {
                    bits.get(operation as usize / 64).is_some_and(|word| word >> (operation % 64) & 1 == 1)
                }
                Some(Rights::Versions(held)) => held.get(operation as usize).is_some_and(|held| held.has(version)),
                None => false,
            },
        }
    }

    pub(crate) fn holds_whole(&self, api: &HeldApi) -> bool {
        match self.kind {
            ApiSetKind::Full => api.kind != ApiKind::BuiltIn,
            ApiSetKind::BuiltIn | ApiSetKind::General => false,
            ApiSetKind::Plain => self.rights(api.id) == Some(&Rights::Whole),
        }
    }

    pub(crate) fn holds_any(&self, api: &HeldApi) -> bool {
        match self.kind {
            ApiSetKind::Full => api.kind != ApiKind::BuiltIn,
            ApiSetKind::BuiltIn => false,
            ApiSetKind::Plain | ApiSetKind::General => match self.rights(api.id) {
                Some(Rights::Whole) => true,
                Some(Rights::Some(bits)) => bits.iter().any(|word| *word != 0),
                Some(Rights::Versions(held)) => held.iter().any(|held| !held.is_empty()),
                None => false,
            },
        }
    }
}

/// Whether the key's own list takes anything of the API away.
pub(crate) fn has_exceptions(profile: &Profile, api: ApiId) -> bool {
    profile.operations.of_api(api).is_some_and(NamePatterns::has_exceptions)
}

/// The versions of each operation that a set holds.
fn versions_held(api: &HeldApi, whole: bool, patterns: &NamePatterns) -> Box<[VersionSet]> {
    (0..api.operation_count() as u32).map(|index| version_held(api, whole, patterns, index)).collect()
}

/// The versions of an operation that a set holds, by patterns or, `whole`, all that they do not take away.
fn version_held(api: &HeldApi, whole: bool, patterns: &NamePatterns, operation: u32) -> VersionSet {
    let (name, listed) = (api.name(operation), api.versions_of(operation));
    let held = if whole {
        VersionSet::ALL.without(patterns.takes(name, api.versions(), listed))
    } else {
        patterns.gives(name, api.versions(), listed)
    };
    held.intersection(listed.union(Version::OTHER.only()))
}

// === impl Draft ===

impl Draft {
    /// Applies one change of this organization's records.
    pub(crate) fn apply(&mut self, change: Change) {
        match (change.now, change.object) {
            (Some(Object::Organization(organization)), _) => {
                let before = self.organization.as_ref().and_then(|before| before.allowed_ips.digest());
                if organization.allowed_ips.digest() != before {
                    self.allowed_ips = Arc::new(IpList::new(&organization.allowed_ips));
                }
                self.organization = Some(Arc::new(*organization));
            }
            (Some(Object::Api(api, operations)), _) => {
                self.changed_apis.push(api.id);
                self.apis.insert(api.id, Arc::new(HeldApi::new(&api, &operations)));
            }
            (Some(Object::ApiSet(set)), _) => {
                self.changed_sets.push(set.id);
                self.sets.insert(set.id, Arc::new(HeldSet::new(&set)));
            }
            (None, ObjectRef::Organization(_)) => self.organization = None,
            (None, ObjectRef::Api(id)) => {
                self.changed_apis.push(id);
                self.apis.remove(&id);
            }
            (None, ObjectRef::ApiSet(id)) => {
                self.sets.remove(&id);
            }
            (Some(Object::ApplicationType(kind)), _) => {
                self.types.insert(kind.id, Arc::new(HeldType::new(&kind)));
            }
            (Some(Object::Application(application)), _) => {
                self.applications.insert(application.id, Arc::new(HeldApplication::new(&application)));
            }
            (None, ObjectRef::ApplicationType(id)) => {
                self.types.remove(&id);
            }
            (None, ObjectRef::Application(id)) => {
                self.applications.remove(&id);
            }
            (Some(Object::Role(role)), _) => self.people.set_role(*role),
            (Some(Object::Member(member)), _) => self.people.set_member(&member),
            (None, ObjectRef::Role(id)) => self.people.remove_role(id),
            (None, ObjectRef::Member(_, user)) => self.people.remove_member(user),
            (Some(Object::Key(_) | Object::LastUse(_) | Object::ApiUser(_) | Object::ApiSession(_)), _)
            | (None, ObjectRef::Key(_) | ObjectRef::LastUse(_) | ObjectRef::ApiUser(_) | ObjectRef::ApiSession(_)) => {}
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.organization.is_none()
            && self.apis.is_empty()
            && self.sets.is_empty()
            && self.applications.is_empty()
            && self.types.is_empty()
            && self.people.is_empty()
    }

    /// Whether it has this application.
    pub(crate) fn has_application(&self, id: ApplicationId) -> bool {
        self.applications.contains_key(&id)
    }

    /// Whether it has this type of applications.
    pub(crate) fn has_type(&self, id: ApplicationTypeId) -> bool {
        self.types.contains_key(&id)
    }

    /// Its people and roles.
    pub(crate) fn people(&self) -> &People {
        &self.people
    }

    /// Whether it has this API.
    pub(crate) fn has_api(&self, id: ApiId) -> bool {
        self.apis.contains_key(&id)
    }

    /// Whether it has this set.
    pub(crate) fn has_set(&self, id: ApiSetId) -> bool {
        self.sets.contains_key(&id)
    }

    /// The tenant after all changes.
    pub(crate) fn build(mut self) -> Tenant {
        for (id, set) in &mut self.sets {
            if self.changed_sets.contains(id) || self.changed_apis.iter().any(|api| set.concerns(*api)) {
                *set = Arc::new(set.resolve(&self.apis));
            }
        }
        let apis: Box<[_]> = self.apis.into_values().collect();
        let general_of = |api: ApiId| self.sets.values().find(|set| set.general_of == Some(api)).map(|set| set.id);
        let rules = |organization: &Arc<Organization>| Rules::new(&organization.policy, &organization.time_zone);
        Tenant {
            rules: self.organization.as_ref().map(rules).unwrap_or_default(),
            audience: audience(&apis),
            organization: self.organization,
            allowed_ips: self.allowed_ips,
            generals: apis.iter().map(|api| general_of(api.id)).collect(),
            api_slugs: apis.iter().zip(0..).map(|(api, place)| (api.slug.clone(), place)).collect(),
            set_slugs: self.sets.iter().map(|(id, set)| (set.slug.clone(), *id)).collect(),
            default_alone: !apis.iter().any(|api| api.kind == ApiKind::Plain),
            reports_only: apis.iter().any(|api| api.report_only),
            has_sources: apis.iter().any(|api| api.credential_sources.is_some()),
            has_limited_sets: self.sets.values().any(|set| !set.limits.is_empty()),
            sets: self.sets.into_iter().collect(),
            applications: self.applications,
            types: self.types,
            people: self.people.settle(),
            apis,
        }
    }
}

/// All that any of the APIs is shared with.
fn audience(apis: &[Arc<HeldApi>]) -> SharedWith {
    apis.iter().fold(SharedWith::None, |all, api| match (all, &api.sharing.with) {
        (SharedWith::All, _) | (_, SharedWith::All) => SharedWith::All,
        (all, SharedWith::None) => all,
        (SharedWith::None, chosen @ SharedWith::Chosen(_)) => chosen.clone(),
        (SharedWith::Chosen(mut all), SharedWith::Chosen(chosen)) => {
            all.extend(chosen);
            SharedWith::Chosen(all)
        }
    })
}
