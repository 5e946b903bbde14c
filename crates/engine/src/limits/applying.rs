//! Which limits apply to a request: the key's, its owner's, and those of the sets by which it holds what is asked for.

use claviger_domain::OrganizationId;
use claviger_domain::limit::{CounterId, Scope};
use claviger_domain::operation::Version;

use super::held::{Demand, HeldLimit, Source};
use crate::bearer::Bearer;
use crate::decide::{Inquiry, Target};
use crate::held_key::HeldKey;
use crate::route::Route;
use crate::tenant::HeldSet;

/// Limits that a request has without asking the heap.
const INLINE: usize = 4;

/// All limits that apply to a request.
#[derive(Debug, Default)]
pub(crate) struct Demands<'l> {
    count: usize,
    inline: [Option<Demand<'l>>; INLINE],
    more: Vec<Demand<'l>>,
}

/// Who asks for what, as far as counters are told apart by it.
struct Asker<'a, 'c> {
    bearer: &'a Bearer<'c>,
    key: &'a HeldKey,
    target: &'a Target,
    cost: u64,
}

// === impl Demands ===

impl<'l> Demands<'l> {
    /// The limits of a key for what an inquiry asks; `target` is what was found of it. None, and next to no work, where neither
    /// key nor owner nor any set has limits.
    pub(crate) fn of(bearer: &Bearer<'l>, key: &'l HeldKey, inquiry: &Inquiry<'_>, target: &Target) -> Self {
        let mut demands = Self::default();
        let asker = Asker { bearer, key, target, cost: inquiry.cost };
        for (held, at) in key.profile.limits.iter().zip(0..) {
            demands.push(asker.demand(held, Source::Key(at), None));
        }
        for (held, at) in bearer.bound.limits().iter().zip(0..) {
            demands.push(asker.demand(held, Source::Owner(at), None));
        }
        if bearer.has_limited_sets() {
            for (set, of_guest) in bearer.limited_sets(target.api) {
                if applies(bearer, set, of_guest, inquiry, target) {
                    for (held, at) in set.limits.iter().zip(0..) {
                        demands.push(asker.demand(held, Source::Set { set: set.id, of_guest, at }, Some(set)));
                    }
                }
            }
        }
        demands
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Demand<'l>> + Clone {
        self.inline.iter().flatten().chain(&self.more)
    }

    pub(crate) fn push(&mut self, demand: Demand<'l>) {
        match self.inline.get_mut(self.count) {
            Some(place) => *place = Some(demand),
            None => self.more.push(demand),
        }
        self.count += 1;
    }
}

/// Whether a request asks for anything that the set gives.
fn applies(bearer: &Bearer<'_>, set: &HeldSet, of_guest: bool, inquiry: &Inquiry<'_>, target: &Target) -> bool {
    let is_required = |name: &&str| bearer.provider.set_named(name).is_some_and(|required| required.id == set.id);
    if !of_guest && inquiry.requires.iter().any(is_required) {
        return true;
    }
    let Some((place, api)) = target.api.and_then(|place| Some((place, bearer.provider.apis().get(place)?))) else {
        return false;
    };
    let gives = |operation: u32, version: Version| {
        if of_guest { set.names(api, operation, version) } else { set.holds(api, operation, version) }
    };
    let gives_whole = || if of_guest { set.names_whole(api) } else { set.holds_whole(api) };
    match (inquiry.route, inquiry.request) {
        (Some(Ok(route)), _) => route.asks_any(bearer.provider, gives, gives_whole),
        (Some(Err(_)), _) | (None, None) => false,
        (None, Some(request)) => {
            let path = claviger_domain::path::RequestPath::parse(request.target);
            let route = Route::of(bearer.provider, &request, &path, inquiry.pin);
            route.is_ok_and(|route| route.place() == place && route.asks_any(bearer.provider, gives, gives_whole))
        }
    }
}

// === impl Asker ===

impl Asker<'_, '_> {
    fn demand<'l>(&self, held: &'l HeldLimit, source: Source, set: Option<&HeldSet>) -> Demand<'l> {
        let (counter, organization) = counter(self.bearer, self.key, held, source, set);
        let counter = if held.limit.scope == Scope::Operation { self.at_operation(counter) } else { counter };
        Demand { counter, organization, held, cost: held.limit.cost.saturating_mul(self.cost), source }
    }

    /// The counter for the operation that is asked for: the first one, where a path is several.
    fn at_operation(&self, counter: CounterId) -> CounterId {
        let api = self.target.api.and_then(|place| self.bearer.provider.apis().get(place));
        let Some(api) = api else { return counter };
        counter.at_operation(api.id, self.target.operation.map(|(operation, _)| api.name(operation)))
    }
}

/// The counter of a limit for what a key asks, operations not told apart yet; and whose it is. What all that hold a provider's set
/// share is the provider's, in whatever organization they are.
pub(super) fn counter(
    bearer: &Bearer<'_>,
    key: &HeldKey,
    held: &HeldLimit,
    source: Source,
    set: Option<&HeldSet>,
) -> (CounterId, OrganizationId) {
    let (profile, counter) = (&key.profile, held.counter);
    let home = profile.organization;
    let of_key = || (counter.of_key(key.id), home);
    let of_owner = || (counter.of_owner(home, profile.owner), home);
    let of_set = |set: &HeldSet, of_guest: bool| {
        let provider = bearer.provider.organization().filter(|_| !of_guest);
        (counter.of_set(set.id), provider.map_or(home, |provider| provider.id))
    };
    match (held.limit.scope, source, set) {
        (Scope::Set | Scope::Operation, Source::Set { of_guest, .. }, Some(set)) => of_set(set, of_guest),
        (Scope::Owner, ..) | (Scope::Operation, Source::Owner(_), _) => of_owner(),
        (Scope::ExternalId, ..) => match key.external_id() {
            Some(external_id) => (counter.of_external_id(home, external_id), home),
            None => of_key(),
        },
        (Scope::Key | Scope::Set | Scope::Operation, ..) => of_key(),
    }
}
