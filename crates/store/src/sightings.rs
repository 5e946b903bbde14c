//! What was seen of keys that people are told of: a use from a network for the first time, and the use of a secret that was rotated out.
//!
//! It is written with the usage that shows it, in one transaction, and waits there until somebody was told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use claviger_domain::usage::{KeyUsage, NETWORKS_PER_KEY, ROTATED_OUT, Refusal, Sighting, network_of};
use claviger_domain::{KeyId, OrganizationId};

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::keys::{bind_ids, id_lists, placeholders};
use crate::sql::{Sql, batches, json, sql};
use crate::write::Tx;

/// The use of an old secret is told again after so long.
const OLD_SECRET_QUIET: Duration = Duration::from_hours(24);
/// Networks of keys that a writer knows to be written: about 40 MB. Where there are more, it begins anew, and asks the database again.
const KNOWN_MAX: usize = 500_000;

const HEAD: &str =
    "INSERT INTO key_sightings (key_id, kind, subject, organization_id, at, sighting, waits_since) VALUES";
const NETWORK_TAIL: &str = " ON CONFLICT (key_id, kind, subject) DO NOTHING";

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SightingKind {
    /// A use from a network that the key was not used from before.
    Network,
    /// The use of a secret that was rotated out, after its overlap.
    OldSecret,
}

/// Something seen that nobody was told of yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The key.
    pub key: KeyId,
    /// What it was.
    pub kind: SightingKind,
    /// The network; empty for an old secret.
    pub subject: String,
    /// The request that showed it.
    pub sighting: Sighting,
}

/// A key, and a network that it was used from.
pub(crate) type Place = (KeyId, String);

/// Places that are certainly written.
#[derive(Debug, Default)]
pub(crate) struct KnownPlaces(HashSet<Place>);

/// Organizations of which something waits to be told, at most `max`.
pub async fn waiting_organizations(conn: &mut Conn, max: usize) -> Result<Vec<OrganizationId>> {
    let statement = sql("SELECT DISTINCT organization_id FROM key_sightings WHERE waits_since IS NOT NULL LIMIT $1");
    conn.rows(statement.bind(max), |row| row.parsed(0)).await
}

/// What of this kind waits in an organization, the oldest first, at most `max`.
pub async fn waiting(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: SightingKind,
    max: usize,
) -> Result<Vec<Seen>> {
    let statement = sql("SELECT key_id, kind, subject, sighting FROM key_sightings \
         WHERE organization_id = $1 AND kind = $2 AND waits_since IS NOT NULL ORDER BY waits_since LIMIT $3");
    conn.rows(statement.bind(organization).bind(kind.as_str()).bind(max), read).await
}

/// Forgets that a use of an old secret was told: the next one is told however soon. For a key that is rotated or put back into service.
pub async fn forget_old_secret(tx: &mut Tx, key: KeyId) -> Result<()> {
    let statement = sql("DELETE FROM key_sightings WHERE key_id = $1 AND kind = $2 AND waits_since IS NULL");
    tx.execute(statement.bind(key).bind(SightingKind::OldSecret.as_str())).await?;
    Ok(())
}

/// Notes that it was dealt with, whoever was told.
pub async fn settle(tx: &mut Tx, seen: &Seen) -> Result<()> {
    let statement = sql("UPDATE key_sightings SET waits_since = NULL WHERE key_id = $1 AND kind = $2 AND subject = $3");
    tx.execute(statement.bind(seen.key).bind(seen.kind.as_str()).bind(&seen.subject)).await?;
    Ok(())
}

fn read(row: &dyn Fields) -> Result<Seen> {
    let kind = SightingKind::of(row.text(1)?).ok_or_else(|| row.unreadable(1, "no sort of sighting"))?;
    Ok(Seen { key: row.parsed(0)?, kind, subject: row.text(2)?.to_owned(), sighting: row.json(3)? })
}

/// Writes what is new of a batch; the places that are certainly written once it is committed.
pub(crate) async fn note(
    conn: &mut Conn,
    known: &KnownPlaces,
    keys: &[KeyUsage],
    refusals: &[Refusal],
) -> Result<Vec<Place>> {
    let places = places(known, keys);
    if !places.is_empty() {
        note_places(conn, &places).await?;
    }
    note_old_secrets(conn, refusals).await?;
    Ok(places.into_keys().collect())
}

/// The first sighting at each place that is not known, in the order of the keys, so that two nodes do not wait for each other in a circle.
fn places<'a>(known: &KnownPlaces, keys: &'a [KeyUsage]) -> BTreeMap<Place, (OrganizationId, &'a Sighting)> {
    let mut places: BTreeMap<Place, (OrganizationId, &Sighting)> = BTreeMap::new();
    for usage in keys {
        for seen in usage.last_used.iter().chain(&usage.elsewhere) {
            let Some(ip) = seen.ip else { continue };
            let place = (usage.key, network_of(ip));
            if known.0.contains(&place) {
                continue;
            }
            let first = places.entry(place).or_insert((usage.organization, seen));
            if seen.at < first.1.at {
                first.1 = seen;
            }
        }
    }
    places
}

async fn note_places(conn: &mut Conn, places: &BTreeMap<Place, (OrganizationId, &Sighting)>) -> Result<()> {
    let keys: Vec<KeyId> = places.keys().map(|(key, _)| *key).collect::<HashSet<_>>().into_iter().collect();
    let known = networks_of(conn, &keys).await?;
    let mut counts: HashMap<KeyId, usize> = HashMap::new();
    for (key, _) in &known {
        *counts.entry(*key).or_default() += 1;
    }
    let mut ordered: Vec<_> = places.iter().collect();
    // Where a key's first use is in this batch with others, its oldest is the one that is no news.
    ordered.sort_by_key(|((key, _), (_, seen))| (*key, seen.at));
    let mut rows = Vec::with_capacity(ordered.len());
    let new = ordered.into_iter().filter(|(place, _)| !known.contains(*place));
    for ((key, network), (organization, seen)) in new {
        let count = counts.entry(*key).or_default();
        if *count < NETWORKS_PER_KEY {
            rows.push((*key, network, *organization, *seen, (*count > 0).then_some(seen.at)));
        }
        *count += 1;
    }
    rows.sort_unstable_by_key(|(key, network, ..)| (*key, *network));
    for batch in batches(&rows) {
        let mut statement = Sql::rows(HEAD, 7, batch.len(), NETWORK_TAIL);
        for (key, network, organization, seen, waits_since) in batch {
            statement = statement.bind(*key).bind(SightingKind::Network.as_str()).bind(*network).bind(*organization);
            statement = statement.bind(seen.at).bind(json(*seen)).bind(*waits_since);
        }
        conn.execute(statement).await?;
    }
    Ok(())
}

/// The networks that these keys were used from.
async fn networks_of(conn: &mut Conn, keys: &[KeyId]) -> Result<HashSet<Place>> {
    let mut known = HashSet::new();
    for ids in id_lists(keys) {
        let statement = sql("SELECT key_id, subject FROM key_sightings WHERE key_id IN (");
        let statement = bind_ids(statement.push(placeholders(ids.len())), ids);
        let statement = statement.push_bound(") AND kind = ?", [SightingKind::Network.as_str()]);
        known.extend(conn.rows(statement, |row| Ok((row.parsed(0)?, row.text(1)?.to_owned()))).await?);
    }
    Ok(known)
}

async fn note_old_secrets(conn: &mut Conn, refusals: &[Refusal]) -> Result<()> {
    let mut newest: BTreeMap<KeyId, &Refusal> = BTreeMap::new();
    for refusal in refusals.iter().filter(|refusal| refusal.check == ROTATED_OUT) {
        if let Some(key) = refusal.key {
            newest.insert(key, refusal);
        }
    }
    for (key, refusal) in newest {
        let Refusal { at, ip, agent, door, code, organization, .. } = refusal;
        let seen = Sighting { at: *at, ip: *ip, agent: agent.clone(), door: *door, code: *code };
        let statement = sql("INSERT INTO key_sightings \
             (key_id, kind, subject, organization_id, at, sighting, waits_since) VALUES ($1, $2, '', $3, $4, $5, $4) \
             ON CONFLICT (key_id, kind, subject) DO UPDATE SET at = excluded.at, sighting = excluded.sighting, \
             waits_since = excluded.waits_since \
             WHERE key_sightings.waits_since IS NULL AND key_sightings.at <= $6");
        let statement = statement.bind(key).bind(SightingKind::OldSecret.as_str()).bind(*organization).bind(*at);
        conn.execute(statement.bind(json(&seen)).bind(at.saturating_sub(OLD_SECRET_QUIET))).await?;
    }
    Ok(())
}

/// Forgets what was seen of keys that were deleted; how many rows.
pub(crate) fn of_deleted(ids: &[KeyId]) -> Sql {
    let statement =
        sql("DELETE FROM key_sightings WHERE key_id IN (SELECT id FROM keys WHERE deleted_at IS NOT NULL AND id IN (");
    bind_ids(statement.push(placeholders(ids.len())), ids).push("))")
}

// === impl SightingKind ===

impl SightingKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::OldSecret => "old_secret",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Network, Self::OldSecret].into_iter().find(|kind| kind.as_str() == word)
    }
}

// === impl KnownPlaces ===

impl KnownPlaces {
    pub(crate) fn extend(&mut self, places: Vec<Place>) {
        if self.0.len() + places.len() > KNOWN_MAX {
            self.0.clear();
        }
        self.0.extend(places);
    }
}
