//! Which APIs are shared with whom: a table for finding. What counts stands in the API's row.

use claviger_domain::ApiId;
use claviger_domain::api::Api;
use claviger_domain::sharing::SharedWith;

use crate::Result;
use crate::sql::{Sql, batches, sql};
use crate::write::Tx;

/// Stands for every organization.
const ALL: &str = "*";

/// Puts what the API says in the place of all that the table has of it.
pub(crate) async fn replace(tx: &mut Tx, api: &Api) -> Result<()> {
    delete_all(tx, api.id).await?;
    let with: Vec<String> = match &api.sharing.with {
        SharedWith::None => return Ok(()),
        SharedWith::All => vec![ALL.to_owned()],
        SharedWith::Chosen(chosen) => chosen.iter().map(ToString::to_string).collect(),
    };
    for batch in batches(&with) {
        let mut statement = Sql::rows("INSERT INTO api_shares (api_id, organization_id) VALUES", 2, batch.len(), "");
        for organization in batch {
            statement = statement.bind(api.id).bind(organization);
        }
        tx.execute(statement).await?;
    }
    Ok(())
}

/// Takes all out that the table has of an API.
pub(crate) async fn delete_all(tx: &mut Tx, api: ApiId) -> Result<()> {
    tx.execute(sql("DELETE FROM api_shares WHERE api_id = $1").bind(api)).await?;
    Ok(())
}
