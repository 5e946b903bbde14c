//! The nearest known name beside an unknown one.

use serde_json::Value;

/// Below this similarity (Jaro-Winkler, 0 to 1) a name is not worth proposing.
const SIMILARITY_MIN: f64 = 0.75;

/// The known name that is most like `name`, if any is like it at all.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// Every key of `table` that the JSON Schema `schema` does not know, as dotted names.
pub(super) fn unknown_keys(table: &toml::Table, schema: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    collect_unknown(table, schema, schema, "", &mut unknown);
    unknown
}

/// Every name that the JSON Schema `schema` knows, dotted; a section stands for itself too.
pub(super) fn known_keys(schema: &Value) -> Vec<String> {
    let mut known = Vec::new();
    collect_known(schema, schema, "", &mut known);
    known
}

fn collect_unknown(table: &toml::Table, root: &Value, schema: &Value, prefix: &str, unknown: &mut Vec<String>) {
    for (key, value) in table {
        match (schema["properties"].get(key), value) {
            (None, _) => unknown.push(format!("{prefix}{key}")),
            (Some(property), toml::Value::Table(inner)) => {
                collect_unknown(inner, root, resolve(root, property), &format!("{prefix}{key}."), unknown);
            }
            (Some(_), _) => {}
        }
    }
}

fn collect_known(root: &Value, schema: &Value, prefix: &str, known: &mut Vec<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        known.push(format!("{prefix}{key}"));
        collect_known(root, resolve(root, property), &format!("{prefix}{key}."), known);
    }
}

/// Follows `$ref`: `#/$defs/…`, the only form that schemars writes; beside null for what may be left out.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let optional = schema["anyOf"].as_array().and_then(|forms| forms.iter().find(|form| form["$ref"].is_string()));
    let name = optional.unwrap_or(schema)["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &root["$defs"][name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_nonsense_finds_none() {
        let known = ["doors.listen", "control.listen", "log.filter"];
        assert_eq!(nearest("doors.lisen", known), Some("doors.listen"));
        assert_eq!(nearest("control.listn", known), Some("control.listen"));
        assert_eq!(nearest("zzz", known), None);
    }
}
