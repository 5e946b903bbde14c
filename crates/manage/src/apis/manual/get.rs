//! Reads the manual of an operation.

use claviger_domain::authority::Authority;
use claviger_domain::operation::{Operation, is_same_version};
use claviger_store::operations;
use serde::Deserialize;
use utoipa::IntoParams;

use super::kept;
use super::wire::{Manual, OperationManual};
use crate::Manage;
use crate::apis::record::find;
use crate::apis::wire::OperationView;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::shared::label;

/// Which operation.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadManual {
    /// The operation's name, with or without the API's before it.
    #[param(example = "issues/get")]
    pub operation: String,
    /// The version of the API; its last one that has the operation if not given.
    pub version: Option<String>,
}

/// The manual of an operation of the API of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str, query: &ReadManual) -> Result<OperationManual, Error> {
    let organization = ctx.organization_with_any(&[Authority::ApisRead, Authority::KeysManageOwn])?;
    let mut snapshot = manage.store.read().await?;
    let api = find(&mut snapshot, organization, name).await?;
    let label = label(&api, organization);
    let own_name = query.operation.strip_prefix(&format!("{label}:")).unwrap_or(&query.operation);
    let rows = operations::named(&mut snapshot, api.id, own_name).await?;
    let versions: Vec<&str> = rows.iter().flat_map(|row| &row.versions).map(|version| &**version).collect();
    let has = |row: &&Operation, version: &str| row.versions.iter().any(|known| is_same_version(known, version));
    let (operation, version) = match &query.version {
        Some(version) => {
            let row =
                rows.iter().find(|row| has(row, version) || row.versions.is_empty() && lists(&api.versions, version));
            (row, versions.iter().copied().find(|known| is_same_version(known, version)).or(Some(version.as_str())))
        }
        None => (rows.last(), rows.last().and_then(|row| row.versions.last()).map(|version| &**version)),
    };
    let operation = operation.ok_or_else(|| Error::not_found("operation"))?;
    let kept = kept::find(&mut snapshot, api.id, operation, version).await?;
    let manual = kept.map(|text| serde_json::from_str::<Manual>(&text)).transpose();
    Ok(OperationManual {
        operation: OperationView::new(&label, operation),
        version: version.map(str::to_owned),
        versions: versions.iter().map(ToString::to_string).collect(),
        manual: manual.map_err(|error| Error::internal(format!("a manual: {error}")))?,
    })
}

fn lists(versions: &[Box<str>], version: &str) -> bool {
    versions.iter().any(|known| is_same_version(known, version))
}
