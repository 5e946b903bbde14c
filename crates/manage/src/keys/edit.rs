//! Changes a key by the rules of a merge: what is not named stays.

use claviger_domain::KeyId;
use claviger_domain::authority::Authority;
use claviger_domain::key::Key;
use claviger_store::Tx;
use serde_json::{Map, Value};

use super::grants;
use super::record::{Recorded, change, check_name};
use super::request::{self, EditKey};
use crate::Manage;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::instant::{self, Edge};
use crate::organizations::home;
use crate::write::Changed;

/// Changes a key. Only who holds what its sets stand for may; its secret, creator and creation never change.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    id: KeyId,
    if_match: IfMatch,
    request: EditKey,
) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::KeysManageAll)?;
    let time_zone = home(manage, organization).await?.time_zone;
    change(manage, ctx, id, if_match, "key.edit", move |tx, ctx, key| {
        let (request, time_zone) = (request.clone(), time_zone.clone());
        Box::pin(async move {
            grants::require_held(tx, ctx, key).await?;
            merge(ctx, key, &request, &time_zone)?;
            give(tx, ctx, key, &request).await
        })
    })
    .await
}

async fn give(tx: &mut Tx, ctx: &Ctx, key: &mut Key, request: &EditKey) -> Result<(), Error> {
    grants::give(tx, ctx, key, request.api_sets.as_deref(), request.operations.as_deref()).await?;
    check_name(tx, key).await
}

/// Puts what the request names into the record, its grants aside.
fn merge(ctx: &Ctx, key: &mut Key, request: &EditKey, time_zone: &str) -> Result<(), Error> {
    let mut checks = Checks::default();
    if let Some(name) = &request.name {
        key.name = name.clone();
    }
    if let Some(text) = &request.description {
        key.description = request::description(&mut checks, text.as_deref().unwrap_or_default());
    }
    if let Some(text) = &request.external_id {
        key.external_id = request::external_id(&mut checks, text.as_deref());
    }
    if let Some(tags) = &request.tags {
        key.tags = request::tags(&mut checks, tags.as_deref().unwrap_or_default());
    }
    if let Some(list) = &request.allowed_ips {
        key.allowed_ips = request::allowed_ips(&mut checks, list.as_deref().unwrap_or_default(), time_zone);
    }
    match &request.metadata {
        Some(Some(patch)) => merge_members(&mut key.metadata, patch),
        Some(None) => key.metadata.clear(),
        None => {}
    }
    request::metadata(&mut checks, &key.metadata);
    merge_term(&mut checks, ctx, key, request, time_zone);
    checks.finish()
}

fn merge_term(checks: &mut Checks, ctx: &Ctx, key: &mut Key, request: &EditKey, time_zone: &str) {
    if let Some(text) = &request.not_before {
        let read = text.as_deref().map(|text| instant::parse(text, Edge::Begin, time_zone)).transpose();
        key.not_before = checks.take("not_before", read);
    }
    let before = key.expires_at;
    if let Some(text) = &request.expires_at {
        let read = text.as_deref().map(|text| instant::parse(text, Edge::End, time_zone)).transpose();
        key.expires_at = checks.take("expires_at", read);
    }
    let Some(end) = key.expires_at else { return };
    let moved = key.expires_at != before;
    let meant = !moved || end > ctx.now || request.expire_now;
    checks.ensure("expires_at", meant, "is in the past; add \"expire_now\": true if that is meant");
    let ordered = !(moved || request.not_before.is_some())
        || request.expire_now
        || key.not_before.is_none_or(|begin| begin < end);
    checks.ensure("expires_at", ordered, "must be after not_before");
}

/// RFC 7396: null takes a member out, an object is merged, anything else replaces.
fn merge_members(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.shift_remove(name);
            }
            Value::Object(members) => {
                let slot = target.entry(name).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Some(inner) = slot.as_object_mut() {
                    merge_members(inner, members);
                }
            }
            other => {
                target.insert(name.clone(), other.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_merge_as_rfc_7396_says() {
        // The rows of the RFC's appendix A that concern objects.
        for (target, patch, merged) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let (Value::Object(mut target), Value::Object(patch)) = (target, patch) else { unreachable!("objects") };
            merge_members(&mut target, &patch);
            assert_eq!(Value::Object(target), merged);
        }
    }
}
