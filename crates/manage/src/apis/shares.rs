//! Which sets and keys gain and lose by an import.

use claviger_domain::api::Api;
use claviger_domain::authority::Authority;
use claviger_store::keys::{self, KeyFilter};
use claviger_store::{Conn, PAGE_LIMIT_MAX, Page};

use super::difference::{Difference, KeyShare, SetShare};
use crate::ctx::Ctx;
use crate::error::Error;

/// The most sets that are named of those that gain, and of those that lose.
const SETS_SHOWN_MAX: usize = 200;
/// The most keys that are named of those that gain, and of those that lose.
const KEYS_SHOWN_MAX: usize = 100;
/// The most keys that are looked at; each names operations of the API.
const KEYS_EXAMINED_MAX: usize = 5_000;

/// Who gains and who loses.
#[derive(Debug, Default)]
pub(super) struct Shares {
    pub(super) gaining_sets: Vec<SetShare>,
    pub(super) losing_sets: Vec<SetShare>,
    pub(super) gaining_keys: Vec<KeyShare>,
    pub(super) losing_keys: Vec<KeyShare>,
    /// There are more.
    pub(super) more: bool,
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
        if ctx.authorities.has(Authority::KeysRead) {
            shares.find_keys(conn, ctx, api, difference).await?;
        }
        Ok(shares)
    }

    async fn find_sets(&mut self, conn: &mut Conn, api: &Api, difference: &Difference) -> Result<(), Error> {
        for set in crate::api_sets::all(conn, api.organization).await? {
            let both = [(&difference.gained, &mut self.gaining_sets), (&difference.lost, &mut self.losing_sets)];
            for (units, shown) in both {
                let (operations, names) = units.of_set(&set, api.id);
                if operations == 0 {
                    continue;
                }
                if shown.len() == SETS_SHOWN_MAX {
                    self.more = true;
                    continue;
                }
                let keys = claviger_store::api_sets::in_use_counts(conn, api.organization, set.id).await?.keys;
                shown.push(SetShare { slug: set.slug.to_string(), operations, names, keys });
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
}
