//! Which of their rights keys have used, and on which day last.

use std::collections::BTreeMap;

use claviger_domain::usage::{RIGHTS_PER_KEY, Right, UsedRight};
use claviger_domain::{KeyId, Timestamp};

use crate::Result;
use crate::conn::Conn;
use crate::sql::{Sql, batches, sql};

const HEAD: &str = "INSERT INTO key_rights (key_id, subject, operation, day) VALUES";
const TAIL: &str = " ON CONFLICT (key_id, subject, operation) DO UPDATE SET \
     day = CASE WHEN excluded.day > key_rights.day THEN excluded.day ELSE key_rights.day END";

/// Rights of a key without the key.
type Used = BTreeMap<(String, Box<str>), Timestamp>;

/// Notes rights that were used. A key that has as many as are kept gets no more.
pub(super) async fn write(conn: &mut Conn, rights: &[UsedRight]) -> Result<()> {
    let mut keys: BTreeMap<KeyId, Used> = BTreeMap::new();
    for UsedRight { key, right, day } in rights {
        let used = keys.entry(*key).or_default().entry(columns(right)).or_insert(*day);
        *used = (*used).max(*day);
    }
    for (key, used) in keys {
        write_of_key(conn, key, used.into_iter().collect()).await?;
    }
    Ok(())
}

async fn write_of_key(conn: &mut Conn, key: KeyId, mut used: Vec<((String, Box<str>), Timestamp)>) -> Result<()> {
    let count = sql("SELECT COUNT(*) FROM key_rights WHERE key_id = $1").bind(key);
    let kept = usize::try_from(conn.number(count).await?).unwrap_or_default();
    let room = RIGHTS_PER_KEY.saturating_sub(kept);
    if used.len() > room {
        // Few keys come here: what is known goes on being known, and of the others as many as there is room for.
        let known = sql("SELECT subject, operation FROM key_rights WHERE key_id = $1").bind(key);
        let known = conn.rows(known, |row| Ok((row.text(0)?.to_owned(), Box::from(row.text(1)?)))).await?;
        let mut taken = 0;
        used.retain(|(right, _)| {
            let is_new = !known.contains(right);
            taken += usize::from(is_new);
            !is_new || taken <= room
        });
    }
    for batch in batches(&used) {
        let mut statement = Sql::rows(HEAD, 4, batch.len(), TAIL);
        for ((subject, operation), day) in batch {
            statement = statement.bind(key).bind(subject).bind(&**operation).bind(*day);
        }
        conn.execute(statement).await?;
    }
    Ok(())
}

/// The rights that a key has used since `from`, each with the last day.
pub async fn rights_of(conn: &mut Conn, key: KeyId, from: Timestamp) -> Result<Vec<(Right, Timestamp)>> {
    let statement = sql("SELECT subject, operation, day FROM key_rights WHERE key_id = $1 AND day >= $2");
    conn.rows(statement.bind(key).bind(from), |row| {
        let right = match row.text(0)?.parse() {
            Ok(api) => Right::Operation(api, row.text(1)?.into()),
            Err(_) => Right::Set(row.parsed(0)?),
        };
        Ok((right, row.time(2)?))
    })
    .await
}

fn columns(right: &Right) -> (String, Box<str>) {
    match right {
        Right::Operation(api, name) => (api.to_string(), name.clone()),
        Right::Set(set) => (set.to_string(), Box::default()),
    }
}
