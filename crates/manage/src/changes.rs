//! What an audit entry shows of a change: the fields that differ.

use serde_json::{Map, Value};

/// `before` and `after` without the members that are the same in both; a thing that is made or deleted is shown whole.
pub fn differing_fields(before: Option<Value>, after: Option<Value>) -> (Option<Value>, Option<Value>) {
    match (before, after) {
        (Some(Value::Object(mut before)), Some(Value::Object(mut after))) => {
            drop_same(&mut before, &mut after);
            (Some(Value::Object(before)), Some(Value::Object(after)))
        }
        whole => whole,
    }
}

fn drop_same(before: &mut Map<String, Value>, after: &mut Map<String, Value>) {
    let same = |(name, value): (&String, &Value)| (before.get(name) == Some(value)).then(|| name.clone());
    let same: Vec<String> = after.iter().filter_map(same).collect();
    for name in same {
        before.shift_remove(&name);
        after.shift_remove(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_shown() {
        let (before, after) = (json!({"a": 1, "b": null, "c": [1]}), json!({"a": 1, "b": 2, "c": [1, 2]}));
        let shown = differing_fields(Some(before.clone()), Some(after));
        assert_eq!(shown, (Some(json!({"b": null, "c": [1]})), Some(json!({"b": 2, "c": [1, 2]}))));
        assert_eq!(differing_fields(None, Some(before.clone())), (None, Some(before)));
    }
}
