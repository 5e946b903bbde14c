//! How limits stand: what was taken of each, without taking anything.

use std::sync::atomic::Ordering;
use std::time::Duration;

use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::Owner;
use claviger_domain::limit::{CounterId, Gcra, Limit, LimitKind, Quota, Scope, Zone};
use claviger_domain::{ApiSetId, ApplicationId, OrganizationId, Timestamp};
use tokio::time::timeout;

use super::applying::counter;
use super::backend::{QuotaAsked, QuotaStanding, RateAsked, RateTaken, Unavailable};
use super::held::{HeldLimit, Source};
use super::{Limits, Otherwise};
use crate::Engine;
use crate::bearer::Bearer;
use crate::catalog::Catalog;
use crate::held_key::HeldKey;
use crate::key_table::Found;
use crate::tenant::{HeldSet, Tenant};

/// Whose limits are asked for.
#[derive(Debug, Clone, Copy)]
pub enum LimitsOf<'a> {
    /// All that apply to a living key, by the digest of its current secret: its own, its owner's and those of its sets.
    Key(&'a CredentialDigest),
    /// Those of an application.
    Application(OrganizationId, ApplicationId),
    /// Those of an API set.
    ApiSet(OrganizationId, ApiSetId),
}

/// A limit, and on what it stands.
#[derive(Debug, Clone)]
pub struct StandingLimit {
    /// The limit.
    pub limit: Limit,
    /// On what.
    pub on: LimitedBy,
    /// What that is called.
    pub name: String,
    /// What is counted of it; `None`: each of those who are held against it has a counter of its own.
    pub counter: Option<LimitCounter>,
}

/// On what kind of record a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedBy {
    /// The key.
    Key,
    /// The application that owns it.
    Application(ApplicationId),
    /// One of its sets.
    ApiSet(ApiSetId),
}

/// A counter of a limit, for [`Engine::limit_usage`].
#[derive(Debug, Clone)]
pub struct LimitCounter {
    id: CounterId,
    held: HeldLimit,
    organization: OrganizationId,
    zone: Zone,
}

/// What was taken of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitUsage {
    /// How many: of a quota in its period, of a rate those that have not come back yet.
    pub used: u64,
    /// Of a quota, what nodes have in their hands, spent or not.
    pub held: u64,
    /// How many are left beside that.
    pub remaining: u64,
    /// When something comes back of a quota, or all of a rate; `None`: never, or nothing is to.
    pub resets_at: Option<Timestamp>,
    /// Who says so.
    pub counted: Counted,
}

/// Who counts a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The keeper of quotas, for all nodes.
    ByQuotaKeeper,
    /// The keeper of rates, for all nodes.
    ByRateKeeper,
    /// This node, its own part alone.
    Here,
}

// === impl Engine (how limits stand) ===

impl Engine {
    /// The limits of a record, as this node holds them; none where it is unknown.
    pub fn limits_of(&self, record: LimitsOf<'_>) -> Vec<StandingLimit> {
        let (catalog, found) = self.replica.look_up(|_, keys| match record {
            LimitsOf::Key(digest) => keys.find(digest),
            LimitsOf::Application(..) | LimitsOf::ApiSet(..) => None,
        });
        let found = match (record, found) {
            (LimitsOf::Key(_), Some(Found::Current(key))) => Some(of_key(&catalog, &key)),
            (LimitsOf::Key(_), _) => None,
            (LimitsOf::Application(organization, id), _) => {
                catalog.tenant(organization).and_then(|tenant| of_application(tenant, organization, id))
            }
            (LimitsOf::ApiSet(organization, id), _) => {
                catalog.tenant(organization).and_then(|tenant| of_set(tenant, organization, id))
            }
        };
        found.unwrap_or_default()
    }

    /// What was taken of each, in their order; `None` where whoever counts it cannot be asked. Takes nothing.
    pub async fn limit_usage(&self, counters: &[&LimitCounter]) -> Vec<Option<LimitUsage>> {
        let mut quotas = self.limits.quotas_used(counters).await.into_iter();
        let mut rates = self.limits.rates_used(counters).await.into_iter();
        let next = |counter: &&LimitCounter| match counter.held.rate {
            Some(_) => rates.next().flatten(),
            None => quotas.next().flatten(),
        };
        counters.iter().map(next).collect()
    }
}

/// All that apply to a key, wherever it is used: each provider whose APIs are there for it has sets with limits.
fn of_key(catalog: &Catalog, key: &HeldKey) -> Vec<StandingLimit> {
    let profile = &*key.profile;
    let mut found = Vec::new();
    let Some(home) = Bearer::new(catalog, profile.organization, profile, None) else { return found };
    let own = |held, source, set| standing(&home, key, held, source, set);
    found.extend(profile.limits.iter().map(|held| own(held, Source::Key(0), None)));
    found.extend(home.bound.limits().iter().map(|held| own(held, Source::Owner(0), None)));
    let providers = catalog.providers_of(profile.organization);
    for bearer in providers.filter_map(|provider| Bearer::new(catalog, provider, profile, None)) {
        for set in bearer.held_limited_sets() {
            let source = Source::Set { set: set.id, of_guest: false, at: 0 };
            found.extend(set.limits.iter().map(|held| standing(&bearer, key, held, source, Some(set))));
        }
    }
    found
}

/// A limit of a key, with the counter that the key's requests take from.
fn standing(
    bearer: &Bearer<'_>,
    key: &HeldKey,
    held: &HeldLimit,
    source: Source,
    set: Option<&HeldSet>,
) -> StandingLimit {
    let (id, organization) = counter(bearer, key, held, source, set);
    let is_one = held.limit.scope != Scope::Operation;
    let counter = LimitCounter { id, held: held.clone(), organization, zone: bearer.zone_of(organization) };
    let (on, name) = match (source, set, &key.profile.owner) {
        (_, Some(set), _) => (LimitedBy::ApiSet(set.id), &*set.slug),
        (Source::Owner(_), _, Owner::Application(id)) => {
            (LimitedBy::Application(*id), bearer.bound.name().unwrap_or_default())
        }
        _ => (LimitedBy::Key, key.name.as_str()),
    };
    StandingLimit { limit: held.limit.clone(), on, name: name.to_owned(), counter: is_one.then_some(counter) }
}

/// Those of an application: what all its keys share has one counter.
fn of_application(tenant: &Tenant, organization: OrganizationId, id: ApplicationId) -> Option<Vec<StandingLimit>> {
    let application = tenant.application(id)?;
    let owner = Owner::Application(id);
    let standing = |held: &HeldLimit| StandingLimit {
        limit: held.limit.clone(),
        on: LimitedBy::Application(id),
        name: application.name.to_string(),
        counter: (held.limit.scope == Scope::Owner).then(|| LimitCounter {
            id: held.counter.of_owner(organization, owner),
            held: held.clone(),
            organization,
            zone: tenant.rules().zone(),
        }),
    };
    Some(application.limits().iter().map(standing).collect())
}

/// Those of a set: what all that hold it share has one counter.
fn of_set(tenant: &Tenant, organization: OrganizationId, id: ApiSetId) -> Option<Vec<StandingLimit>> {
    let set = tenant.set(id)?;
    let standing = |held: &HeldLimit| StandingLimit {
        limit: held.limit.clone(),
        on: LimitedBy::ApiSet(id),
        name: set.slug.to_string(),
        counter: (held.limit.scope == Scope::Set).then(|| LimitCounter {
            id: held.counter.of_set(id),
            held: held.clone(),
            organization,
            zone: tenant.rules().zone(),
        }),
    };
    Some(set.limits.iter().map(standing).collect())
}

// === impl Limits (how they stand) ===

impl Limits {
    /// What is used of the quotas among these.
    async fn quotas_used(&self, counters: &[&LimitCounter]) -> Vec<Option<LimitUsage>> {
        let quota = |counter: &&LimitCounter| {
            let LimitKind::Quota(quota) = counter.held.limit.kind else { return None };
            let LimitCounter { id, organization, zone, .. } = (*counter).clone();
            Some(QuotaAsked { counter: id, organization, quota, zone })
        };
        let asked: Vec<_> = counters.iter().filter_map(quota).collect();
        let keeper = self.quotas.read().clone();
        let stand = match keeper {
            Some(keeper) if !asked.is_empty() => keeper.peek(asked.clone()).await.ok(),
            _ => None,
        };
        let mut stand = stand.into_iter().flatten();
        asked.iter().map(|asked| stand.next().map(|stand| LimitUsage::of_quota(&asked.quota, stand))).collect()
    }

    /// What is used of the rates among these.
    async fn rates_used(&self, counters: &[&LimitCounter]) -> Vec<Option<LimitUsage>> {
        // What costs nothing takes nothing.
        let rate = |counter: &&LimitCounter| Some(RateAsked { counter: counter.id, rate: counter.held.rate?, cost: 0 });
        let asked: Vec<_> = counters.iter().filter_map(rate).collect();
        let now = self.clock.now();
        match self.rates_elsewhere(asked.clone()).await {
            Some(Ok(taken)) => {
                let used = |(asked, taken): (&RateAsked, RateTaken)| {
                    let (remaining, full_in) = (taken.remaining, taken.full_in);
                    LimitUsage::of_rate(&asked.rate, remaining, full_in, now, Counted::ByRateKeeper)
                };
                asked.iter().zip(taken).map(used).map(Some).collect()
            }
            Some(Err(Unavailable)) if self.config.rates_otherwise != Otherwise::Divided => vec![None; asked.len()],
            Some(Err(Unavailable)) | None => asked.iter().map(|asked| Some(self.rate_here(asked, now))).collect(),
        }
    }

    /// What the keeper of rates says of them; `None`: there is none, or nothing to ask.
    async fn rates_elsewhere(&self, asked: Vec<RateAsked>) -> Option<Result<Vec<RateTaken>, Unavailable>> {
        let keeper = self.rates.read().clone().filter(|_| !asked.is_empty())?;
        let count = asked.len();
        let answer = timeout(self.config.wait, keeper.take(asked)).await.unwrap_or(Err(Unavailable));
        Some(answer.and_then(|taken| if taken.len() == count { Ok(taken) } else { Err(Unavailable) }))
    }

    /// This node's part of a rate.
    fn rate_here(&self, asked: &RateAsked, at: Timestamp) -> LimitUsage {
        let (rate, now) = (asked.rate.share(self.nodes.load(Ordering::Relaxed)), self.now());
        let bucket = self.counters.lock(std::iter::once(asked.counter)).bucket(asked.counter);
        LimitUsage::of_rate(&rate, rate.remaining(bucket, now), rate.full_in(bucket, now), at, Counted::Here)
    }
}

// === impl LimitUsage ===

impl LimitUsage {
    fn of_quota(quota: &Quota, stands: QuotaStanding) -> Self {
        let QuotaStanding { spent, held, resets_at } = stands;
        let remaining = quota.limit.saturating_sub(spent).saturating_sub(held);
        Self { used: spent, held, remaining, resets_at, counted: Counted::ByQuotaKeeper }
    }

    /// A bucket that is full in so many nanoseconds.
    fn of_rate(rate: &Gcra, remaining: u64, full_in: u64, now: Timestamp, counted: Counted) -> Self {
        let used = rate.remaining(0, 0).saturating_sub(remaining);
        let resets_at = (full_in > 0).then(|| now.saturating_add(Duration::from_nanos(full_in)));
        Self { used, held: 0, remaining, resets_at, counted }
    }
}
