//! Changes a key by the rules of a merge: what is not named stays.

use claviger_domain::KeyId;
use claviger_domain::key::Key;
use claviger_domain::limit::Place;
use serde_json::{Map, Value};

use super::access::Need;
use super::record::{Recorded, change, check_name};
use super::request::{self, EditKey};
use super::term::{self, Surroundings};
use super::{approval, grants};
use crate::Manage;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::ip_list::{self, Reading};
use crate::limits;
use crate::write::Changed;

/// Changes a key. Only who holds what its sets stand for may; its secret, creator and creation never change.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    id: KeyId,
    if_match: IfMatch,
    request: EditKey,
) -> Result<Changed<Recorded>, Error> {
    change(manage, ctx, id, if_match, ("key.edit", Need::Change), move |tx, ctx, key, surroundings| {
        let request = request.clone();
        Box::pin(async move {
            grants::require_held(tx, ctx, key).await?;
            let (before, name) = (key.clone(), key.name.search_form());
            merge(ctx, key, &request, surroundings)?;
            grants::give(tx, ctx, key, request.api_sets.as_deref(), request.operations.as_deref()).await?;
            approval::settle_changed(tx, ctx, &before, key).await?;
            // Two of one name that were there before the policy asked for one stay, and can be edited.
            if key.name.search_form() == name {
                return Ok(());
            }
            check_name(tx, ctx, key, surroundings.unique_names).await
        })
    })
    .await
}

/// Puts what the request names into the record, its grants aside.
fn merge(ctx: &Ctx, key: &mut Key, request: &EditKey, surroundings: &Surroundings) -> Result<(), Error> {
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
        let before = key.allowed_ips.clone();
        let reading = Reading { time_zone: &surroundings.time_zone, now: ctx.now, before: &before };
        key.allowed_ips = ip_list::read(&mut checks, list.as_deref().unwrap_or_default(), &reading);
    }
    if let Some(given) = &request.limits {
        key.limits = limits::read(&mut checks, given.as_deref().unwrap_or_default(), Place::Key);
        limits::within(&mut checks, &mut key.limits, &surroundings.levels);
    }
    match &request.metadata {
        Some(Some(patch)) => merge_members(&mut key.metadata, patch),
        Some(None) => key.metadata.clear(),
        None => {}
    }
    request::metadata(&mut checks, &key.metadata);
    term::merge(&mut checks, key, request, surroundings, ctx.now);
    checks.finish()
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
