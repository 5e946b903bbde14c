//! Migrations: embedded SQL, from an empty database to this program's schema, under a lease.

use std::time::Duration;

use claviger_domain::{Clock, Random};

use crate::conn::Conn;
use crate::pools::{Kind, Pools, Writing};
use crate::sql::sql;
use crate::{Error, OpenError, Result};

/// The schema this program reads and writes.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// How long a node may pause between two migrations before another goes on: so long does a start wait for one that was killed or
/// found its disk full. However long a single migration takes, its transaction holds the lease's row.
const LEASE: Duration = Duration::from_secs(5);
/// How often a node that waits for another's migrations looks.
const LEASE_WAIT: Duration = Duration::from_millis(100);

/// A step of the schema.
struct Migration {
    script: &'static str,
    /// The oldest schema a program must know to read what this step leaves behind.
    oldest_reader: i64,
}

/// In order; number n is at place n − 1. Append only.
const MIGRATIONS: [Migration; 35] = [
    Migration { script: include_str!("../migrations/0001_start.sql"), oldest_reader: 1 },
    Migration { script: include_str!("../migrations/0002_policies.sql"), oldest_reader: 1 },
    // A program that does not know where lists stand cannot read a key that has one.
    Migration { script: include_str!("../migrations/0003_ip_lists.sql"), oldest_reader: 3 },
    Migration { script: include_str!("../migrations/0004_pairs_and_reveals.sql"), oldest_reader: 3 },
    // One that does not know versions would pass over exceptions.
    Migration { script: include_str!("../migrations/0005_versions.sql"), oldest_reader: 5 },
    // One that does not know of last uses in the feed stops at the first.
    Migration { script: include_str!("../migrations/0006_idle.sql"), oldest_reader: 6 },
    // A program that does not know who shares what, or where a key may stand, would judge by other rules.
    Migration { script: include_str!("../migrations/0007_sharing.sql"), oldest_reader: 7 },
    Migration { script: include_str!("../migrations/0008_idempotency.sql"), oldest_reader: 7 },
    // One that does not know an organization's list lets its keys in from anywhere.
    Migration { script: include_str!("../migrations/0009_organization_ip_list.sql"), oldest_reader: 9 },
    // A program that does not know applications would let the keys of an inactive one pass.
    Migration { script: include_str!("../migrations/0010_applications.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0011_audit_actor.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0012_keys_by_name.sql"), oldest_reader: 10 },
    // One that does not know people would refuse their keys, and stops at the first change of a role.
    Migration {
        script: concat!(
            include_str!("../migrations/0013_people.sql"),
            include_str!("../migrations/0013_people_rows.sql"),
            include_str!("../migrations/0013_people_indexes.sql"),
        ),
        oldest_reader: 13,
    },
    Migration { script: include_str!("../migrations/0014_nodes.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0015_uses.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0016_passwords.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0017_sessions.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0018_mail.sql"), oldest_reader: 10 },
    // One that does not know second factors would let people in without.
    Migration { script: include_str!("../migrations/0019_second_factors.sql"), oldest_reader: 19 },
    Migration { script: include_str!("../migrations/0020_last_sign_in.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0021_list_indexes.sql"), oldest_reader: 10 },
    // One that does not know limits would let pass whatever is too much.
    Migration { script: include_str!("../migrations/0022_limits.sql"), oldest_reader: 22 },
    Migration { script: include_str!("../migrations/0023_quotas.sql"), oldest_reader: 10 },
    // One that does not know sign-ins under applications would let a key pass that needs one.
    Migration { script: include_str!("../migrations/0024_api_users.sql"), oldest_reader: 24 },
    Migration { script: include_str!("../migrations/0025_manuals.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0026_admin_contact.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0027_api_user_recovery_codes.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0028_mail_templates.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0029_foreign_passwords.sql"), oldest_reader: 10 },
    Migration {
        script: concat!(
            include_str!("../migrations/0030_notices.sql"),
            include_str!("../migrations/0030_notices_rows.sql"),
        ),
        oldest_reader: 10,
    },
    Migration {
        script: concat!(
            include_str!("../migrations/0031_usage.sql"),
            include_str!("../migrations/0031_usage_rows.sql"),
        ),
        oldest_reader: 10,
    },
    Migration { script: include_str!("../migrations/0032_webhooks.sql"), oldest_reader: 10 },
    // One that does not know approval would let a key pass that waits for it.
    Migration { script: include_str!("../migrations/0033_approval.sql"), oldest_reader: 33 },
    Migration { script: include_str!("../migrations/0034_audit_checkpoints.sql"), oldest_reader: 10 },
    Migration { script: include_str!("../migrations/0035_key_sightings.sql"), oldest_reader: 10 },
];

/// Steps of the schema that wrote rows too, by their number: what rows of a time before lack.
const ROWS_WRITTEN: [(i64, &str); 3] = [
    (13, include_str!("../migrations/0013_people_rows.sql")),
    (30, include_str!("../migrations/0030_notices_rows.sql")),
    (31, include_str!("../migrations/0031_usage_rows.sql")),
];

const BOOTSTRAP: &str = "CREATE TABLE IF NOT EXISTS schema_state (\
         id BIGINT PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL, oldest_reader BIGINT NOT NULL);\
     CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL);\
     INSERT INTO schema_state (id, version, oldest_reader) VALUES (1, 0, 0) ON CONFLICT DO NOTHING;";

/// Whether this program may read a database that names this oldest reader.
pub(crate) fn may_read(oldest_reader: i64) -> Result<()> {
    if oldest_reader > SCHEMA_VERSION { Err(Error::Outdated { oldest_reader }) } else { Ok(()) }
}

/// Gives rows of an older schema, which were put into this one, what the steps between made of such rows.
pub(crate) async fn upgrade_rows(conn: &mut Conn, kind: Kind, schema: i64) -> Result<()> {
    for (_, script) in ROWS_WRITTEN.iter().filter(|(step, _)| schema < *step) {
        conn.execute_script(dialect(script, kind)).await?;
    }
    Ok(())
}

/// Why the schema could not be brought up to date.
pub(crate) enum MigrateError {
    Newer { found: i64, oldest_reader: i64 },
    Store(Error),
}

/// What one look at the schema led to.
enum Turn {
    Done,
    /// A step was made.
    Again {
        from: i64,
    },
    Wait,
}

/// Brings the schema up to this program's. Several nodes may call it at once: one works, the others wait.
pub(crate) async fn run(pools: &Pools, clock: &dyn Clock, random: &dyn Random) -> Result<(), MigrateError> {
    let mut holder = [0; 16];
    random.fill(&mut holder);
    let holder = format!("{:032x}", u128::from_be_bytes(holder));
    bootstrap(pools).await?;
    let (mut begun, mut has_waited) = (None, false);
    loop {
        match turn(pools, clock, random, &holder).await? {
            Turn::Done => break,
            Turn::Again { from } => drop(begun.get_or_insert(from)),
            Turn::Wait => {
                if !std::mem::replace(&mut has_waited, true) {
                    tracing::info!("waiting for another program that migrates the database");
                }
                tokio::time::sleep(LEASE_WAIT).await;
            }
        }
    }
    match begun {
        None => {}
        Some(0) => tracing::info!(schema = SCHEMA_VERSION, "made the tables of a new database"),
        Some(from) => tracing::info!(from, to = SCHEMA_VERSION, "migrated the database"),
    }
    Ok(())
}

/// Makes the two tables that everything else needs. Two nodes that do it at once on PostgreSQL clash in its catalog.
async fn bootstrap(pools: &Pools) -> Result<()> {
    for last_try in [false, false, true] {
        match make_first_tables(pools).await {
            Err(Error::Refused(_)) if !last_try => {}
            made => return made,
        }
    }
    Ok(())
}

async fn make_first_tables(pools: &Pools) -> Result<()> {
    let Writing { mut conn, place } = pools.migrate().await?;
    conn.execute_script(dialect(BOOTSTRAP, pools.kind)).await?;
    Writing { conn, place }.commit().await.map_err(Error::from)
}

/// One step in one transaction, which holds the lease's row: whoever wants the lease waits until it is over.
async fn turn(pools: &Pools, clock: &dyn Clock, random: &dyn Random, holder: &str) -> Result<Turn, MigrateError> {
    let Writing { mut conn, place } = pools.migrate().await?;
    let state = sql("SELECT version, oldest_reader FROM schema_state");
    let state = conn.row(state, |row| Ok((row.number(0)?, row.number(1)?))).await?;
    let (version, oldest_reader) = state.unwrap_or_default();
    if oldest_reader > SCHEMA_VERSION {
        return Err(MigrateError::Newer { found: version, oldest_reader });
    }
    if version >= SCHEMA_VERSION {
        // A write, so that a database that cannot be written is found now and not at the first key.
        release(&mut conn, holder).await?;
        Writing { conn, place }.commit().await.map_err(Error::from)?;
        return Ok(Turn::Done);
    }
    let turn = if take_lease(&mut conn, clock, holder).await? {
        apply(&mut conn, pools.kind, random, version).await?;
        Turn::Again { from: version }
    } else {
        Turn::Wait
    };
    Writing { conn, place }.commit().await.map_err(Error::from)?;
    Ok(turn)
}

async fn take_lease(conn: &mut Conn, clock: &dyn Clock, holder: &str) -> Result<bool> {
    let now = clock.now();
    let statement = sql("INSERT INTO leases (name, holder, until) VALUES ('migration', $1, $2) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
         WHERE leases.holder = excluded.holder OR leases.until < $3");
    Ok(conn.execute(statement.bind(holder).bind(now.saturating_add(LEASE)).bind(now)).await? == 1)
}

async fn release(conn: &mut Conn, holder: &str) -> Result<()> {
    conn.execute(sql("UPDATE schema_state SET version = version WHERE id = 1")).await?;
    conn.execute(sql("DELETE FROM leases WHERE name = 'migration' AND holder = $1").bind(holder)).await?;
    Ok(())
}

async fn apply(conn: &mut Conn, kind: Kind, random: &dyn Random, read_before: i64) -> Result<()> {
    // Another node may have worked between the look and the lease.
    let version = conn.number(sql("SELECT version FROM schema_state")).await?;
    let Some(migration) = usize::try_from(version).ok().and_then(|done| MIGRATIONS.get(done)) else { return Ok(()) };
    tracing::debug!(from = read_before, to = version + 1, "migrating the database");
    conn.execute_script(dialect(migration.script, kind)).await?;
    if version == 0 {
        begin_feed(conn, random, 1).await?;
    }
    // A step that any program may read does not make an earlier one readable.
    let done = sql("UPDATE schema_state SET version = $1, oldest_reader = \
         CASE WHEN oldest_reader > $2 THEN oldest_reader ELSE $2 END WHERE id = 1");
    conn.execute(done.bind(version + 1).bind(migration.oldest_reader)).await?;
    Ok(())
}

/// An epoch begins with a row of seq 0 with its nonce.
pub(crate) async fn begin_feed(conn: &mut Conn, random: &dyn Random, epoch: i64) -> Result<()> {
    let mut nonce = vec![0; 16];
    random.fill(&mut nonce);
    let head = sql("INSERT INTO feed_head (id, epoch, seq, nonce) VALUES (1, $1, 0, $2)");
    conn.execute(head.bind(epoch).bind(&nonce)).await?;
    let row = sql("INSERT INTO changes (epoch, seq, n, organization_id, kind, object_id, nonce) \
                   VALUES ($1, 0, 0, '', 'none', '', $2)");
    conn.execute(row.bind(epoch).bind(&nonce)).await?;
    Ok(())
}

/// The two words that the databases spell differently.
fn dialect(script: &str, kind: Kind) -> String {
    let mut out = String::with_capacity(script.len() * 2);
    for line in script.lines().filter(|line| !line.starts_with("--")) {
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 {
                out.push(' ');
            }
            match (kind, word.trim_end_matches([',', ';'])) {
                (Kind::Sqlite, "BYTES") => out.push_str(&word.replace("BYTES", "BLOB")),
                (Kind::Postgres, "BYTES") => out.push_str(&word.replace("BYTES", "BYTEA")),
                (Kind::Postgres, "TEXT") => out.push_str(&word.replace("TEXT", "TEXT COLLATE \"C\"")),
                _ => out.push_str(word),
            }
        }
        out.push('\n');
    }
    out
}

impl From<Error> for MigrateError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl MigrateError {
    pub(crate) fn into_open_error(self, other: impl FnOnce(Error) -> OpenError) -> OpenError {
        match self {
            Self::Newer { found, oldest_reader } => {
                OpenError::NewerSchema { found, oldest_reader, supported: SCHEMA_VERSION }
            }
            Self::Store(error) => other(error),
        }
    }
}
