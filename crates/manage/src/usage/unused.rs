//! Rights that a key holds and does not use: what can be taken off it.

use std::collections::{BTreeSet, HashMap};

use claviger_domain::api::{Api, ApiKind};
use claviger_domain::api_set::{ApiPattern, ApiSet, ApiSetKind};
use claviger_domain::key::Key;
use claviger_domain::usage::{DAY_MICROS, RIGHTS_PER_KEY, Right, floor};
use claviger_domain::{ApiId, ApiSetId, KeyId, Timestamp};
use claviger_store::apis::ApiFilter;
use claviger_store::usage::{rights_of, since};
use claviger_store::{Conn, PAGE_LIMIT_MAX, Page, api_sets, apis, operations};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Manage;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::shared::label;

/// Days that are looked back if nothing is said, and the most: so long is kept what keys used.
const DAYS: u32 = 90;
const DAYS_MAX: u32 = 1_095;
/// Operations that are named.
const NAMED_MAX: usize = 2_000;

/// How far back.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UnusedRightsQuery {
    /// Days (UTC), today included: 1 to 1,095, 90 if not given.
    #[serde(default, deserialize_with = "number")]
    #[param(minimum = 1, maximum = 1095)]
    pub days: Option<u32>,
}

/// What a key holds and does not use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnusedRights {
    days: u32,
    /// Since when this is known of the key: later than so many days ago where the key is younger, or the server counted nothing
    /// before.
    #[schema(value_type = String)]
    since: Timestamp,
    /// Whether everything that the key used is known: of a key that uses more than 2,000 rights no more are noted.
    complete: bool,
    /// The sets of which it used nothing; those that administer Claviger are not looked at.
    sets: Vec<UnusedSet>,
    /// The operations that it did not use, `<api>:<operation>`: at most 2,000 of them.
    operations: Vec<String>,
    /// How many operations it did not use.
    operations_unused: usize,
    /// How many operations it holds.
    operations_held: usize,
}

/// A set of which a key used nothing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnusedSet {
    id: String,
    slug: String,
    name: String,
    /// How many operations it holds.
    operations: usize,
}

/// An API with the names of its operations.
struct Known {
    api: Api,
    names: Vec<String>,
}

/// What was used.
#[derive(Default)]
struct Used {
    operations: BTreeSet<(ApiId, Box<str>)>,
    /// APIs of which something was used, also paths that they do not list.
    apis: BTreeSet<ApiId>,
    sets: BTreeSet<ApiSetId>,
    count: usize,
}

/// What a key that the caller sees holds and has not used for so many days.
pub async fn unused_rights(
    manage: &Manage,
    ctx: &Ctx,
    id: KeyId,
    query: UnusedRightsQuery,
) -> Result<UnusedRights, Error> {
    let days = query.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Error::field("days", format!("expected 1 to {DAYS_MAX}")));
    }
    let mut conn = manage.store.read().await?;
    let key = crate::keys::find_visible(&mut conn, ctx, id).await?;
    let today = floor(ctx.now, DAY_MICROS);
    let from = Timestamp::from_micros(today.as_micros() - i64::from(days - 1) * DAY_MICROS);
    let known_since = since(&mut conn).await?.unwrap_or(ctx.now).max(key.created_at);
    let used = Used::new(rights_of(&mut conn, id, from).await?);
    let sets = sets(&mut conn, &key).await?;
    let known = known(&mut conn, &key, &sets).await?;
    let mut held: BTreeSet<(ApiId, &str)> = BTreeSet::new();
    let mut unused_sets = Vec::new();
    for set in &sets {
        let operations = of_set(set, &known);
        if !used.has_of(set, &operations) {
            let slug = if set.organization == key.organization { set.slug.to_string() } else { set.id.to_string() };
            let (id, name) = (set.id.to_string(), set.name.to_string());
            unused_sets.push(UnusedSet { id, slug, name, operations: operations.len() });
        }
        held.extend(operations);
    }
    held.extend(of_patterns(&key.operations, &known));
    let unused = held.iter().filter(|(api, name)| !used.operations.contains(&(*api, Box::from(*name))));
    let mut operations: Vec<String> = unused
        .filter_map(|(api, name)| Some(format!("{}:{name}", label(&known.get(api)?.api, key.organization))))
        .collect();
    operations.sort_unstable();
    let operations_unused = operations.len();
    operations.truncate(NAMED_MAX);
    Ok(UnusedRights {
        days,
        since: known_since.max(from),
        complete: used.count < RIGHTS_PER_KEY,
        sets: unused_sets,
        operations,
        operations_unused,
        operations_held: held.len(),
    })
}

/// The key's sets, but for those that administer Claviger.
async fn sets(conn: &mut Conn, key: &Key) -> Result<Vec<ApiSet>, Error> {
    let mut sets = Vec::with_capacity(key.api_sets.len());
    for id in &key.api_sets {
        sets.extend(api_sets::find(conn, *id).await?.filter(|set| set.kind != ApiSetKind::BuiltIn));
    }
    Ok(sets)
}

/// The APIs that the key holds anything of; with Full access all of its organization.
async fn known(conn: &mut Conn, key: &Key, sets: &[ApiSet]) -> Result<HashMap<ApiId, Known>, Error> {
    let named = sets.iter().flat_map(|set| set.apis.iter().copied().chain(set.operations.iter().map(|it| it.api)));
    let mut ids: BTreeSet<ApiId> = named.chain(key.operations.iter().map(|pattern| pattern.api)).collect();
    if sets.iter().any(|set| set.kind == ApiSetKind::Full) {
        ids.extend(all_apis(conn, key).await?);
    }
    let mut known = HashMap::with_capacity(ids.len());
    for id in ids {
        let Some(api) = apis::find(conn, id).await?.filter(|api| api.kind != ApiKind::BuiltIn) else { continue };
        let operations =
            operations::all(conn, id).await?.into_iter().map(|operation| operation.name.to_string()).collect();
        known.insert(id, Known { api, names: operations });
    }
    Ok(known)
}

async fn all_apis(conn: &mut Conn, key: &Key) -> Result<Vec<ApiId>, Error> {
    let (mut ids, mut page) = (Vec::new(), Page::first(PAGE_LIMIT_MAX));
    loop {
        let found = apis::list(conn, key.organization, &ApiFilter::default(), &page).await?;
        ids.extend(found.items.into_iter().map(|api| api.id));
        match found.next {
            Some(_) => page.after = found.next,
            None => return Ok(ids),
        }
    }
}

/// The operations of a set.
fn of_set<'k>(set: &ApiSet, known: &'k HashMap<ApiId, Known>) -> BTreeSet<(ApiId, &'k str)> {
    let whole = known.values().filter(|it| {
        let is_own = set.kind != ApiSetKind::Full || it.api.organization == set.organization;
        is_own && crate::api_sets::holds_whole(set, it.api.id)
    });
    let whole = whole.flat_map(|it| it.names.iter().map(|name| (it.api.id, name.as_str())));
    whole.chain(of_patterns(&set.operations, known)).collect()
}

/// The operations that patterns give and do not take away again in all versions.
fn of_patterns<'k>(patterns: &[ApiPattern], known: &'k HashMap<ApiId, Known>) -> BTreeSet<(ApiId, &'k str)> {
    let names = |held: &ApiPattern, api: ApiId, name: &str| held.api == api && held.pattern.names(name);
    let all = known.values().flat_map(|it| it.names.iter().map(|name| (it.api.id, name.as_str())));
    all.filter(|(api, name)| {
        let mut of_name = patterns.iter().filter(|held| names(held, *api, name)).map(|held| &held.pattern);
        let is_taken = of_name.clone().any(|it| it.is_exception() && it.version().is_none());
        !is_taken && of_name.any(|it| !it.is_exception())
    })
    .collect()
}

// === impl Used ===

impl Used {
    fn new(rights: Vec<(Right, Timestamp)>) -> Self {
        let mut used = Self { count: rights.len(), ..Self::default() };
        for (right, _) in rights {
            match right {
                Right::Operation(api, name) => {
                    used.apis.insert(api);
                    used.operations.insert((api, name));
                }
                Right::Set(set) => drop(used.sets.insert(set)),
            }
        }
        used
    }

    /// Whether anything of a set was used: one of its operations, what it holds whole, or by a door that required it.
    fn has_of(&self, set: &ApiSet, operations: &BTreeSet<(ApiId, &str)>) -> bool {
        let is_whole = |api: &ApiId| set.kind == ApiSetKind::Full || crate::api_sets::holds_whole(set, *api);
        self.sets.contains(&set.id)
            || self.apis.iter().any(is_whole)
            || operations.iter().any(|(api, name)| self.operations.contains(&(*api, Box::from(*name))))
    }
}
