//! The manuals of APIs: what their documents say of each operation beyond its line. No node loads them.

use claviger_domain::ApiId;

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, batches, sql};
use crate::write::Tx;

/// The most characters that are kept of an API's manuals in all its versions.
pub const MANUALS_LENGTH_MAX: usize = 64 * 1024 * 1024;

/// What is kept of an operation, for one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationManual {
    /// Method and path, whatever the parameters are called: `GET /orders/{}`.
    pub request: String,
    /// The version; empty where the document names none.
    pub version: String,
    /// A JSON text.
    pub manual: String,
}

/// The manuals of this version, by request.
pub async fn of_version(conn: &mut Conn, api: ApiId, version: &str) -> Result<Vec<OperationManual>> {
    let statement = sql("SELECT request, version, manual FROM api_manuals WHERE api_id = $1 AND version = $2 \
                         ORDER BY request");
    let read = |row: &dyn Fields| {
        let text = |column| row.text(column).map(str::to_owned);
        Ok(OperationManual { request: text(0)?, version: text(1)?, manual: text(2)? })
    };
    conn.rows(statement.bind(api).bind(version), read).await
}

/// The manual of one request in this version.
pub async fn get(conn: &mut Conn, api: ApiId, request: &str, version: &str) -> Result<Option<String>> {
    let statement = sql("SELECT manual FROM api_manuals WHERE api_id = $1 AND version = $2 AND request = $3");
    let statement = statement.bind(api).bind(version).bind(request);
    conn.row(statement, |row| row.text(0).map(str::to_owned)).await
}

/// Request and version of each manual of an API.
pub async fn places(conn: &mut Conn, api: ApiId) -> Result<Vec<(String, String)>> {
    let statement = sql("SELECT request, version FROM api_manuals WHERE api_id = $1").bind(api);
    conn.rows(statement, |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))).await
}

/// Puts `manuals` in the place of all that the API had of these versions. What would be more than [`MANUALS_LENGTH_MAX`] with
/// those of its other versions is not kept.
pub async fn replace(tx: &mut Tx, api: ApiId, versions: &[&str], manuals: &[OperationManual]) -> Result<()> {
    for version in versions {
        let statement = sql("DELETE FROM api_manuals WHERE api_id = $1 AND version = $2");
        tx.execute(statement.bind(api).bind(*version)).await?;
    }
    let sum = sql("SELECT COALESCE(SUM(LENGTH(manual)), 0) FROM api_manuals WHERE api_id = $1").bind(api);
    let mut length = usize::try_from(tx.number(sum).await?).unwrap_or(usize::MAX);
    let fits = |manual: &&OperationManual| {
        length = length.saturating_add(manual.manual.len());
        length <= MANUALS_LENGTH_MAX
    };
    let kept: Vec<&OperationManual> = manuals.iter().take_while(fits).collect();
    for batch in batches(&kept) {
        let head = "INSERT INTO api_manuals (api_id, request, version, manual) VALUES";
        let mut statement = Sql::rows(head, 4, batch.len(), " ON CONFLICT DO NOTHING");
        for manual in batch {
            statement = statement.bind(api).bind(&*manual.request).bind(&*manual.version).bind(&*manual.manual);
        }
        tx.execute(statement).await?;
    }
    Ok(())
}

/// Removes the manual of one request in this version.
pub async fn delete(tx: &mut Tx, api: ApiId, request: &str, version: &str) -> Result<()> {
    let statement = sql("DELETE FROM api_manuals WHERE api_id = $1 AND version = $2 AND request = $3");
    tx.execute(statement.bind(api).bind(version).bind(request)).await?;
    Ok(())
}

pub(crate) async fn delete_all(tx: &mut Tx, api: ApiId) -> Result<()> {
    tx.execute(sql("DELETE FROM api_manuals WHERE api_id = $1").bind(api)).await?;
    Ok(())
}
