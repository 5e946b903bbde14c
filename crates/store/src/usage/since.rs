//! Since when it is written down what keys use.

use claviger_domain::Timestamp;

use crate::Result;
use crate::conn::Conn;
use crate::sql::sql;

/// Notes that it begins now, unless it did before.
pub(super) async fn begin(conn: &mut Conn, now: Timestamp) -> Result<()> {
    conn.execute(sql("INSERT INTO usage_since (id, at) VALUES (1, $1) ON CONFLICT (id) DO NOTHING").bind(now)).await?;
    Ok(())
}

/// Since when; `None`: nothing was ever written.
pub async fn since(conn: &mut Conn) -> Result<Option<Timestamp>> {
    conn.row(sql("SELECT at FROM usage_since WHERE id = 1"), |row| row.time(0)).await
}
