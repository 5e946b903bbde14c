//! Requests by what is not their key: owner, API, set and the organization as a whole.

use std::collections::{BTreeMap, HashMap};

use claviger_domain::key::Owner;
use claviger_domain::usage::{DAY_MICROS, HOUR_MICROS, KeyUsage, Subject, SubjectCount, floor};
use claviger_domain::verdict::Code;
use claviger_domain::{ApiId, ApiSetId, KeyId, OrganizationId, Timestamp};

use crate::conn::Conn;
use crate::keys::{bind_ids, id_lists, placeholders};
use crate::sql::{Sql, batches, sql};
use crate::{Result, Store};

/// The end of a statement that adds to what is there.
const TAIL: [&str; 3] = [
    " ON CONFLICT (organization_id, kind, at, subject, code) DO UPDATE SET count = usage_minutes.count + excluded.count",
    " ON CONFLICT (organization_id, kind, at, subject, code) DO UPDATE SET count = usage_hours.count + excluded.count",
    " ON CONFLICT (organization_id, kind, at, subject, code) DO UPDATE SET count = usage_days.count + excluded.count",
];
const HEAD: [&str; 3] = [
    "INSERT INTO usage_minutes (organization_id, kind, at, subject, code, count) VALUES",
    "INSERT INTO usage_hours (organization_id, kind, at, subject, code, count) VALUES",
    "INSERT INTO usage_days (organization_id, kind, at, subject, code, count) VALUES",
];

/// A row without its count.
type Row = (OrganizationId, Subject, Timestamp, Code);

/// Whose a key is and what it holds.
#[derive(Debug)]
struct Holding {
    owner: Option<Owner>,
    sets: Vec<ApiSetId>,
}

/// What keys did, by everything that it is counted by beside them, as things stand now. An API's requests are in the books of both
/// the key's organization and its own.
pub async fn subjects_of(store: &Store, keys: &[KeyUsage]) -> Result<Vec<SubjectCount>> {
    let mut conn = store.read().await?;
    let ids: Vec<KeyId> = keys.iter().map(|usage| usage.key).collect();
    let holdings = holdings(&mut conn, &ids).await?;
    let providers = providers(&mut conn, keys).await?;
    let mut sums: BTreeMap<Row, u64> = BTreeMap::new();
    for usage in keys {
        let home = usage.organization;
        let holding = holdings.get(&usage.key);
        for count in &usage.counts {
            let mut add = |organization, subject| {
                *sums.entry((organization, subject, count.minute, count.code)).or_default() += count.count;
            };
            add(home, Subject::All);
            if let Some(holding) = holding {
                holding.owner.iter().for_each(|owner| add(home, Subject::Owner(*owner)));
                holding.sets.iter().for_each(|set| add(home, Subject::Set(*set)));
            }
            if let Some(api) = count.api {
                add(home, Subject::Api(api));
                if let Some(provider) = providers.get(&api).filter(|provider| **provider != home) {
                    add(*provider, Subject::Api(api));
                }
            }
        }
    }
    let count =
        |((organization, subject, minute, code), count)| SubjectCount { organization, subject, minute, code, count };
    Ok(sums.into_iter().map(count).collect())
}

async fn holdings(conn: &mut Conn, keys: &[KeyId]) -> Result<HashMap<KeyId, Holding>> {
    let mut found: HashMap<KeyId, Holding> = HashMap::with_capacity(keys.len());
    for ids in id_lists(keys) {
        let statement = sql("SELECT k.id, k.owner, s.api_set_id FROM keys k \
             LEFT JOIN key_api_sets s ON s.key_id = k.id WHERE k.id IN (");
        let statement = bind_ids(statement.push(placeholders(ids.len())).push(")"), ids);
        let read = |row: &dyn crate::fields::Fields| {
            let set: Option<ApiSetId> = row.parsed_or_none(2)?;
            Ok((row.parsed::<KeyId>(0)?, Owner::from_id(row.text(1)?), set))
        };
        for (key, owner, set) in conn.rows(statement, read).await? {
            found.entry(key).or_insert(Holding { owner, sets: Vec::new() }).sets.extend(set);
        }
    }
    Ok(found)
}

/// Whose the APIs are.
async fn providers(conn: &mut Conn, keys: &[KeyUsage]) -> Result<HashMap<ApiId, OrganizationId>> {
    let mut apis: Vec<ApiId> = keys.iter().flat_map(|usage| &usage.counts).filter_map(|count| count.api).collect();
    apis.sort_unstable();
    apis.dedup();
    let mut found = HashMap::with_capacity(apis.len());
    for api in apis {
        let statement = sql("SELECT organization_id FROM apis WHERE id = $1").bind(api);
        if let Some(organization) = conn.row(statement, |row| row.parsed(0)).await? {
            found.insert(api, organization);
        }
    }
    Ok(found)
}

/// Adds counts to their minutes, hours and days, and those of keys to their days; in the order of the rows, so that two nodes do not
/// wait for each other in a circle.
pub(super) async fn write(conn: &mut Conn, keys: &[KeyUsage], subjects: &[SubjectCount]) -> Result<()> {
    for (table, rows) in sums(keys, subjects).into_iter().enumerate() {
        add(conn, table, rows).await?;
    }
    Ok(())
}

/// The rows of each table.
fn sums(keys: &[KeyUsage], subjects: &[SubjectCount]) -> [Vec<(Row, u64)>; 3] {
    let of_keys = keys.iter().flat_map(|usage| {
        usage.counts.iter().map(|count| SubjectCount {
            organization: usage.organization,
            subject: Subject::Key(usage.key),
            minute: count.minute,
            code: count.code,
            count: count.count,
        })
    });
    let by_minute = subjects.iter().filter(|it| matches!(it.subject, Subject::Owner(_) | Subject::Api(_)));
    [
        sum(by_minute.copied(), |minute| minute),
        sum(subjects.iter().copied(), |minute| floor(minute, HOUR_MICROS)),
        sum(subjects.iter().copied().chain(of_keys), |minute| floor(minute, DAY_MICROS)),
    ]
}

fn sum(counts: impl Iterator<Item = SubjectCount>, step: impl Fn(Timestamp) -> Timestamp) -> Vec<(Row, u64)> {
    let mut sums: BTreeMap<Row, u64> = BTreeMap::new();
    for SubjectCount { organization, subject, minute, code, count } in counts {
        *sums.entry((organization, subject, step(minute), code)).or_default() += count;
    }
    sums.into_iter().collect()
}

async fn add(conn: &mut Conn, table: usize, rows: Vec<(Row, u64)>) -> Result<()> {
    for batch in batches(&rows) {
        let mut statement = Sql::rows(HEAD[table], 6, batch.len(), TAIL[table]);
        for ((organization, subject, at, code), count) in batch {
            let (kind, id) = columns(*subject);
            statement = statement.bind(*organization).bind(kind).bind(*at).bind(id).bind(code.as_str());
            statement = statement.bind(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        conn.execute(statement).await?;
    }
    Ok(())
}

/// What a subject is in the database: its kind, and its id.
pub(super) fn columns(subject: Subject) -> (&'static str, String) {
    match subject {
        Subject::All => ("all", String::new()),
        Subject::Owner(owner) => ("owner", owner.id()),
        Subject::Api(api) => ("api", api.to_string()),
        Subject::Set(set) => ("set", set.to_string()),
        Subject::Key(key) => ("key", key.to_string()),
    }
}
