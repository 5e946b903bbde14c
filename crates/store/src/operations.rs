//! The operations of an API, in the order of its document.

use claviger_domain::ApiId;
use claviger_domain::OrganizationId;
use claviger_domain::change::ObjectRef;
use claviger_domain::name::search_form;
use claviger_domain::operation::Operation;

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::page::{CursorValue, Listed, Page};
use crate::sql::{Sql, batches, containing, json, sql};
use crate::write::Tx;

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT_ALL: &str = "SELECT name, method, template, multi_segment, summary, tags, versions, position, api_id \
     FROM api_operations ORDER BY api_id, position";

const SELECT: &str = "SELECT name, method, template, multi_segment, summary, tags, versions, position \
     FROM api_operations WHERE api_id = $1";

/// Puts `operations` in the place of all that the API had.
pub async fn replace(tx: &mut Tx, organization: OrganizationId, api: ApiId, operations: &[Operation]) -> Result<()> {
    delete_all(tx, api).await?;
    let mut position = 0i64;
    for batch in batches(operations) {
        let head = "INSERT INTO api_operations (api_id, position, name, method, template, multi_segment, summary, tags, \
                    versions, search) VALUES";
        let mut statement = Sql::rows(head, 10, batch.len(), "");
        for operation in batch {
            statement = statement.bind(api).bind(position).bind(&*operation.name).bind(&*operation.method);
            statement = statement.bind(&*operation.template).bind(json(&operation.multi_segment));
            statement = statement.bind(&*operation.summary).bind(json(&operation.tags));
            statement = statement.bind(json(&operation.versions)).bind(search(operation));
            position += 1;
        }
        tx.execute(statement).await?;
    }
    tx.note(organization, ObjectRef::Api(api));
    Ok(())
}

/// All operations of an API, in document order.
pub async fn all(conn: &mut Conn, api: ApiId) -> Result<Vec<Operation>> {
    conn.rows(sql(SELECT).push(" ORDER BY position").bind(api), read).await
}

/// How many operations an API has.
pub async fn count(conn: &mut Conn, api: ApiId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM api_operations WHERE api_id = $1").bind(api)).await
}

/// A page of an API's operations in document order; with `text`, those that have it in name, method, path or summary.
pub async fn list(conn: &mut Conn, api: ApiId, text: Option<&str>, page: &Page) -> Result<Listed<Operation>> {
    let mut statement = sql(SELECT).bind(api);
    if let Some(text) = text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    if let Some((position, _)) = page.after_number()? {
        statement = statement.push_bound(" AND position > ?", [position]);
    }
    let statement = statement.push_bound(" ORDER BY position LIMIT ?", [page.rows_to_read()]);
    let rows = conn.rows(statement, |row| Ok((read(row)?, row.number(7)?))).await?;
    let listed = page.cut(rows, |(operation, position)| (CursorValue::Number(*position), operation.name.to_string()));
    let items = listed.items.into_iter().map(|(operation, _)| operation).collect();
    Ok(Listed { items, next: listed.next })
}

pub(crate) async fn delete_all(tx: &mut Tx, api: ApiId) -> Result<()> {
    tx.execute(sql("DELETE FROM api_operations WHERE api_id = $1").bind(api)).await?;
    Ok(())
}

fn search(operation: &Operation) -> String {
    search_form(&format!("{}\n{} {}\n{}", operation.name, operation.method, operation.template, operation.summary))
}

pub(crate) fn read(row: &dyn Fields) -> Result<Operation> {
    Ok(Operation {
        name: row.text(0)?.into(),
        method: row.text(1)?.into(),
        template: row.text(2)?.into(),
        multi_segment: row.list(3)?,
        summary: row.text(4)?.into(),
        tags: row.list(5)?,
        versions: row.list(6)?,
    })
}
