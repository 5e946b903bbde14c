//! The write closure's transaction: the tenant's lock first, then the work, then audit, and the feed's head row last.

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};

use claviger_domain::audit::{Chain, Entry};
use claviger_domain::change::{ObjectRef, Position};
use claviger_domain::keyring::AuditKey;
use claviger_domain::{KeyId, OrganizationId, Random};
use futures_util::future::BoxFuture;

use crate::conn::Conn;
use crate::error::Cause;
use crate::migrate::may_read;
use crate::pools::{Kind, Pools, Writing};
use crate::sql::{Sql, batches, sql};
use crate::{Error, Result, audit};

/// The most changes of one transaction.
pub const CHANGES_MAX: usize = 10_000;
/// How often a transaction is tried when others are in its way.
const ATTEMPTS_MAX: u32 = 8;
/// The channel that wakes the other nodes.
pub(crate) const CHANNEL: &str = "claviger_changes";
/// The kind of the feed's row where a transaction changed no record that nodes hold.
pub(crate) const NO_OBJECT: &str = "none";

/// The kind of the feed's row that names keys which were used, with spaces between their ids.
pub(crate) const LAST_USES: &str = "last_uses";

/// A row of the feed to be.
pub(crate) struct FeedRow {
    organization: String,
    kind: &'static str,
    object: String,
}

/// What a write belongs to: whose lock it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The installation: organizations made, settings changed.
    Installation,
    /// An organization.
    Organization(OrganizationId),
}

/// A committed write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed<T> {
    /// What the closure returned.
    pub value: T,
    /// Its position in the feed; `None`: nothing changed.
    pub position: Option<Position>,
}

/// A write transaction. Reading functions take it as a [`Conn`].
pub struct Tx {
    conn: Conn,
    /// In the order in which they were made.
    changes: Vec<(OrganizationId, ObjectRef)>,
    noted: HashSet<(OrganizationId, ObjectRef)>,
    audit: Vec<(Chain, Entry)>,
}

/// What the end of a write needs beside its transaction.
pub(crate) struct Ending<'a> {
    pub(crate) audit_key: &'a AuditKey,
    pub(crate) random: &'a dyn Random,
}

/// Runs `work` in a transaction of `scope`, again where other transactions were in its way.
pub(crate) async fn run<T, E, F>(pools: &Pools, ending: &Ending<'_>, scope: Scope, work: &F) -> Result<Committed<T>, E>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    E: From<Error>,
{
    let mut attempt = 1;
    loop {
        let Writing { conn, place } = pools.write().await?;
        let mut tx = Tx { conn, changes: Vec::new(), noted: HashSet::new(), audit: Vec::new() };
        let result = match tx.lock(scope).await {
            Ok(()) => work(&mut tx).await,
            Err(error) => Err(error.into()),
        };
        let result = match result {
            Ok(value) => tx.finish(ending, pools.kind).await.map(|position| (value, position)).map_err(E::from),
            Err(error) => Err(error),
        };
        let again = tx.conn.met_conflict() && attempt < ATTEMPTS_MAX;
        match result {
            Ok((value, position)) => match (Writing { conn: tx.conn, place }).commit().await {
                Ok(()) => return Ok(Committed { value, position }),
                Err(error) if Cause::of(&error) == Cause::Conflict && attempt < ATTEMPTS_MAX => {}
                Err(error) => return Err(Error::at_commit(error).into()),
            },
            Err(_) if again => {}
            Err(error) => return Err(error),
        }
        tracing::debug!(attempt, "another transaction was in the way; trying again");
        attempt += 1;
    }
}

// === impl Tx ===

impl Tx {
    /// Notes a change for the feed. The functions of the table modules do this themselves.
    pub(crate) fn note(&mut self, organization: OrganizationId, object: ObjectRef) {
        if self.noted.insert((organization, object)) {
            self.changes.push((organization, object));
        }
    }

    /// Adds an entry to a chain; it is written at the end of the transaction.
    pub fn audit(&mut self, chain: Chain, entry: Entry) {
        self.audit.push((chain, entry));
    }

    /// The lock under which checks such as "the name is free" hold until the end.
    async fn lock(&mut self, scope: Scope) -> Result<()> {
        let statement = match scope {
            Scope::Installation => sql("UPDATE installation SET writes = writes + 1 WHERE id = 1"),
            Scope::Organization(id) => sql("UPDATE organizations SET writes = writes + 1 WHERE id = $1").bind(id),
        };
        if self.conn.execute(statement).await? == 1 { Ok(()) } else { Err(Error::NotFound) }
    }

    async fn finish(&mut self, ending: &Ending<'_>, kind: Kind) -> Result<Option<Position>> {
        if self.changes.is_empty() && self.audit.is_empty() {
            return Ok(None);
        }
        if self.changes.len() > CHANGES_MAX {
            return Err(Error::TooManyChanges(CHANGES_MAX));
        }
        for (chain, entry) in std::mem::take(&mut self.audit) {
            audit::append(&mut self.conn, ending.audit_key, chain, &entry).await?;
        }
        let rows = self.changes.iter().map(FeedRow::of).collect();
        let position = announce(&mut self.conn, ending.random, kind, rows).await?;
        Ok(Some(position))
    }
}

/// Appends changes to the feed: the last thing of a transaction, because the head's row is locked from here on.
pub(crate) async fn announce(conn: &mut Conn, random: &dyn Random, kind: Kind, rows: Vec<FeedRow>) -> Result<Position> {
    let mut nonce = vec![0; 16];
    random.fill(&mut nonce);
    let position = take_position(conn, &nonce).await?;
    insert_changes(conn, position, &nonce, rows).await?;
    if kind == Kind::Postgres {
        conn.row(sql("SELECT pg_notify($1, '')").bind(CHANNEL), |_| Ok(())).await?;
    }
    Ok(position)
}

async fn take_position(conn: &mut Conn, nonce: &Vec<u8>) -> Result<Position> {
    // A newer program may have upgraded the database meanwhile; what this one writes could lack what that one relies on.
    let statement = sql("UPDATE feed_head SET seq = seq + 1, nonce = $1 WHERE id = 1 \
                         RETURNING epoch, seq, (SELECT oldest_reader FROM schema_state)");
    let read = |row: &dyn crate::fields::Fields| {
        may_read(row.number(2)?)?;
        Ok(Position { epoch: row.number(0)?, seq: row.number(1)? })
    };
    let position = conn.row(statement.bind(nonce), read).await?;
    position.ok_or_else(|| Error::Unreadable("the feed has no head".to_owned()))
}

async fn insert_changes(conn: &mut Conn, position: Position, nonce: &Vec<u8>, mut rows: Vec<FeedRow>) -> Result<()> {
    if rows.is_empty() {
        rows.push(FeedRow { organization: String::new(), kind: NO_OBJECT, object: String::new() });
    }
    let mut n = 0i64;
    for batch in batches(&rows) {
        let head = "INSERT INTO changes (epoch, seq, n, organization_id, kind, object_id, nonce) VALUES";
        let mut statement = Sql::rows(head, 7, batch.len(), "");
        for FeedRow { organization, kind, object } in batch {
            statement = statement.bind(position.epoch).bind(position.seq).bind(n);
            statement = statement.bind(organization).bind(*kind).bind(object).bind(nonce);
            n += 1;
        }
        conn.execute(statement).await?;
    }
    Ok(())
}

// === impl FeedRow ===

impl FeedRow {
    /// One record that changed.
    fn of((organization, object): &(OrganizationId, ObjectRef)) -> Self {
        let (kind, object) = match object {
            ObjectRef::Organization(id) => ("organization", id.to_string()),
            ObjectRef::Api(id) => ("api", id.to_string()),
            ObjectRef::ApiSet(id) => ("api_set", id.to_string()),
            ObjectRef::ApplicationType(id) => ("application_type", id.to_string()),
            ObjectRef::Application(id) => ("application", id.to_string()),
            ObjectRef::Role(id) => ("role", id.to_string()),
            // The organization stands beside it.
            ObjectRef::Member(_, user) => ("member", user.to_string()),
            ObjectRef::Key(id) => ("key", id.to_string()),
            ObjectRef::LastUse(id) => (LAST_USES, id.to_string()),
            ObjectRef::ApiUser(id) => ("api_user", id.to_string()),
            ObjectRef::ApiSession(id) => ("api_session", id.to_string()),
        };
        Self { organization: organization.to_string(), kind, object }
    }

    /// Keys of one organization that were used.
    pub(crate) fn of_uses(organization: OrganizationId, keys: &[KeyId]) -> Self {
        let ids: Vec<String> = keys.iter().map(KeyId::to_string).collect();
        Self { organization: organization.to_string(), kind: LAST_USES, object: ids.join(" ") }
    }
}

// === impl Tx (as a connection) ===

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}
