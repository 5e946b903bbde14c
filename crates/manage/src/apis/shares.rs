//! Which sets and keys gain and lose by an import, an edit or a deletion.

use claviger_domain::api::Api;
use claviger_domain::authority::Authority;
use claviger_domain::sharing::SharedWith;
use claviger_store::keys::{self, KeyFilter};
use claviger_store::{Conn, PAGE_LIMIT_MAX, Page, api_sets};
use serde::Serialize;
use utoipa::ToSchema;

use super::difference::{Difference, KeyShare, OthersShare, SetShare};
use crate::ctx::Ctx;
use crate::error::Error;

/// The most sets that are named of those that gain, and of those that lose.
const SETS_SHOWN_MAX: usize = 200;
/// The most keys that are named of those that gain, and of those that lose.
const KEYS_SHOWN_MAX: usize = 100;
/// The most keys that are looked at; each names operations of the API.
const KEYS_EXAMINED_MAX: usize = 5_000;

/// The most sets of other organizations that are looked at.
const SETS_EXAMINED_MAX: usize = 1_000;

/// Who gains and who loses by a change of an API's operations.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Shares {
    /// Sets that hold some of what is added, at most 200.
    pub gaining_sets: Vec<SetShare>,
    /// Sets that hold some of what is removed, at most 200.
    pub losing_sets: Vec<SetShare>,
    /// Keys that hold some of what is added beside their sets, at most 100; left out for callers who may not read keys.
    pub gaining_keys: Vec<KeyShare>,
    /// Keys that hold some of what is removed beside their sets, at most 100; left out for callers who may not read keys.
    pub losing_keys: Vec<KeyShare>,
    /// What other organizations that the API is shared with gain.
    pub gaining_others: OthersShare,
    /// What other organizations that the API is shared with lose.
    pub losing_others: OthersShare,
    /// Whether more sets or keys gain or lose than are named here.
    pub more: bool,
}

// === impl Shares ===

impl Shares {
    /// Looks at the sets and keys that name operations of the API, or hold it whole.
    pub(super) async fn find(conn: &mut Conn, ctx: &Ctx, api: &Api, difference: &Difference) -> Result<Self, Error> {
        let mut shares = Self::default();
        if difference.gained.is_empty() && difference.lost.is_empty() {
            return Ok(shares);
        }
        shares.find_sets(conn, api, difference).await?;
        if api.sharing.with != SharedWith::None {
            shares.count_keys_of_others(conn, api, difference).await?;
            shares.count_sets_of_others(conn, api, difference).await?;
        }
        if ctx.authorities.has(Authority::KeysRead) {
            shares.find_keys(conn, ctx, api, difference).await?;
        }
        Ok(shares)
    }

    async fn find_sets(&mut self, conn: &mut Conn, api: &Api, difference: &Difference) -> Result<(), Error> {
        for set in crate::api_sets::all(conn, api.organization).await? {
            let both = [
                (&difference.gained, &mut self.gaining_sets, &mut self.gaining_others),
                (&difference.lost, &mut self.losing_sets, &mut self.losing_others),
            ];
            for (units, shown, others) in both {
                let (operations, names) = units.of_set(&set, api.id);
                if operations == 0 {
                    continue;
                }
                if shown.len() == SETS_SHOWN_MAX {
                    self.more = true;
                    continue;
                }
                let in_use = api_sets::in_use_counts(conn, api.organization, set.id).await?;
                if api.sharing.with != SharedWith::None {
                    others.keys_by_sets += in_use.keys_of_others;
                }
                shown.push(SetShare { slug: set.slug.to_string(), operations, names, keys: in_use.keys });
            }
        }
        Ok(())
    }

    async fn find_keys(&mut self, conn: &mut Conn, ctx: &Ctx, api: &Api, difference: &Difference) -> Result<(), Error> {
        let filter = KeyFilter { api: Some(api.id), now: ctx.now, ..KeyFilter::default() };
        let (mut page, mut examined) = (Page::first(PAGE_LIMIT_MAX), 0);
        loop {
            let found = keys::list(conn, api.organization, &filter, &page).await?;
            examined += found.items.len();
            for key in &found.items {
                let both = [(&difference.gained, &mut self.gaining_keys), (&difference.lost, &mut self.losing_keys)];
                for (units, shown) in both {
                    let (operations, names) = units.of_key(key, api.id);
                    if operations == 0 {
                        continue;
                    }
                    if shown.len() == KEYS_SHOWN_MAX {
                        self.more = true;
                        continue;
                    }
                    shown.push(KeyShare { id: key.id.to_string(), name: key.name.to_string(), operations, names });
                }
            }
            match found.next {
                Some(_) if examined >= KEYS_EXAMINED_MAX => {
                    self.more = true;
                    return Ok(());
                }
                Some(_) => page.after = found.next,
                None => return Ok(()),
            }
        }
    }

    /// What is named of an API that is no longer shared with somebody gives nothing, and is not counted.
    async fn count_keys_of_others(&mut self, conn: &mut Conn, api: &Api, difference: &Difference) -> Result<(), Error> {
        let (mut page, mut examined) = (Page::first(PAGE_LIMIT_MAX), 0);
        loop {
            let found = keys::of_others(conn, api.organization, api.id, &page).await?;
            examined += found.items.len();
            for key in found.items.iter().filter(|key| api.sharing.with.includes(key.organization)) {
                let both =
                    [(&difference.gained, &mut self.gaining_others), (&difference.lost, &mut self.losing_others)];
                for (units, others) in both {
                    others.keys += usize::from(units.of_key(key, api.id).0 > 0);
                }
            }
            self.more |= found.next.is_some() && examined >= KEYS_EXAMINED_MAX;
            match found.next {
                Some(_) if examined < KEYS_EXAMINED_MAX => page.after = found.next,
                _ => return Ok(()),
            }
        }
    }

    async fn count_sets_of_others(&mut self, conn: &mut Conn, api: &Api, difference: &Difference) -> Result<(), Error> {
        let (mut page, mut examined) = (Page::first(PAGE_LIMIT_MAX), 0);
        loop {
            let found = api_sets::of_others(conn, api.organization, api.id, &page).await?;
            examined += found.items.len();
            for set in found.items.iter().filter(|set| api.sharing.with.includes(set.organization)) {
                let keys = api_sets::in_use_counts(conn, set.organization, set.id).await?.keys;
                let both =
                    [(&difference.gained, &mut self.gaining_others), (&difference.lost, &mut self.losing_others)];
                for (_, others) in both.into_iter().filter(|(units, _)| units.of_set(set, api.id).0 > 0) {
                    others.sets += 1;
                    others.keys_by_sets += keys;
                }
            }
            self.more |= found.next.is_some() && examined >= SETS_EXAMINED_MAX;
            match found.next {
                Some(_) if examined < SETS_EXAMINED_MAX => page.after = found.next,
                _ => return Ok(()),
            }
        }
    }
}
