//! Policies: part of their organizations' records, in a table of their own.

use claviger_domain::OrganizationId;
use claviger_domain::change::ObjectRef;
use claviger_domain::policy::Policy;

use crate::Result;
use crate::fields::Fields;
use crate::sql::{json, sql};
use crate::write::Tx;

/// Writes an organization's policy.
pub async fn save(tx: &mut Tx, organization: OrganizationId, policy: &Policy) -> Result<()> {
    let statement = sql("INSERT INTO policies (organization_id, record) VALUES ($1, $2) \
                         ON CONFLICT (organization_id) DO UPDATE SET record = excluded.record");
    tx.execute(statement.bind(organization).bind(json(policy))).await?;
    tx.note(organization, ObjectRef::Organization(organization));
    Ok(())
}

/// The policy in this column of an organization's row; the default where there is none.
pub(crate) fn read(row: &dyn Fields, column: usize) -> Result<Policy> {
    Ok(row.text_or_none(column)?.map(|_| row.json(column)).transpose()?.unwrap_or_default())
}
