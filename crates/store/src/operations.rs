//! The operations of an API, in the order of its document.

use std::collections::HashMap;

use claviger_domain::ApiId;
use claviger_domain::OrganizationId;
use claviger_domain::change::ObjectRef;
use claviger_domain::name::search_form;
use claviger_domain::operation::Operation;

use crate::conn::Conn;
use crate::fields::Fields;
use crate::page::{CursorValue, Listed, Page};
use crate::sql::{Sql, batches, containing, json, sql};
use crate::write::Tx;
use crate::{Error, Result};

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

/// The operations of this name, in document order: one for each method and path that it is in some versions.
pub async fn named(conn: &mut Conn, api: ApiId, name: &str) -> Result<Vec<Operation>> {
    let statement = sql(SELECT).bind(api).push_bound(" AND name = ? ORDER BY position", [name]);
    conn.rows(statement, read).await
}

/// How many operations an API has.
pub async fn count(conn: &mut Conn, api: ApiId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM api_operations WHERE api_id = $1").bind(api)).await
}

/// Which operations of an API, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Those that have this in name, method, path or summary, whatever its case.
    pub text: Option<String>,
    /// Those of this method, as requests spell it.
    pub method: Option<String>,
    /// In which order.
    pub sort: OperationSort,
}

/// The order of operations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OperationSort {
    /// That of the document.
    #[default]
    Document,
    /// That of the document, from the end.
    DocumentDescending,
    /// By name.
    Name,
    /// By name, from the end.
    NameDescending,
}

/// A page of an API's operations.
///
/// # Errors
/// [`crate::Error::ForeignCursor`] if the page's cursor belongs to another order.
pub async fn list(conn: &mut Conn, api: ApiId, filter: &OperationFilter, page: &Page) -> Result<Listed<Operation>> {
    let mut statement = sql(SELECT).bind(api);
    if let Some(text) = &filter.text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    if let Some(method) = &filter.method {
        statement = statement.push_bound(" AND method = ?", [method]);
    }
    let statement = in_order(statement, filter.sort, page)?;
    let rows = conn.rows(statement, |row| Ok((read(row)?, row.number(7)?))).await?;
    let listed = page.cut(rows, |(operation, position)| match filter.sort {
        OperationSort::Document | OperationSort::DocumentDescending => (CursorValue::Number(*position), String::new()),
        // Of one name there may be several: a version each.
        _ => (CursorValue::Text(operation.name.to_string()), position.to_string()),
    });
    let items = listed.items.into_iter().map(|(operation, _)| operation).collect();
    Ok(Listed { items, next: listed.next })
}

fn in_order(mut statement: Sql, sort: OperationSort, page: &Page) -> Result<Sql> {
    let (after, order) = match sort {
        OperationSort::Document => (" AND position > ?", " ORDER BY position LIMIT ?"),
        OperationSort::DocumentDescending => (" AND position < ?", " ORDER BY position DESC LIMIT ?"),
        OperationSort::Name => (" AND (name, position) > (?", " ORDER BY name, position LIMIT ?"),
        OperationSort::NameDescending => (" AND (name, position) < (?", " ORDER BY name DESC, position DESC LIMIT ?"),
    };
    if matches!(sort, OperationSort::Document | OperationSort::DocumentDescending) {
        if let Some((position, _)) = page.after_number()? {
            statement = statement.push_bound(after, [position]);
        }
    } else if let Some((name, position)) = page.after_text()? {
        let position: i64 = position.parse().map_err(|_| Error::ForeignCursor)?;
        statement = statement.push_bound(after, [name]).push_bound(", ?)", [position]);
    }
    Ok(statement.push_bound(order, [page.rows_to_read()]))
}

/// How many operations each of these APIs has; one without any is not there.
pub async fn counts(conn: &mut Conn, apis: &[ApiId]) -> Result<HashMap<ApiId, i64>> {
    let Some((first, rest)) = apis.split_first() else { return Ok(HashMap::new()) };
    let select = "SELECT api_id, COUNT(*) FROM api_operations WHERE api_id IN ($1";
    let statement = rest.iter().fold(sql(select).bind(*first), |statement, api| statement.push_bound(", ?", [*api]));
    let rows = conn.rows(statement.push(") GROUP BY api_id"), |row| Ok((row.parsed(0)?, row.number(1)?))).await?;
    Ok(rows.into_iter().collect())
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
