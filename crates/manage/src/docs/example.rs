//! A value that fits a schema, for the calls on the page.

use serde_json::{Map, Value, json};

use super::operation::members;
use super::schema::reference;

/// How deep an example goes.
const DEPTH_MAX: usize = 4;

/// An example: the schema's own, else its required fields, else its first ones.
pub(super) fn of(document: &Value, schema: &Value) -> Value {
    nested(document, schema, 0)
}

fn nested(document: &Value, schema: &Value, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    let given = schema.get("example").or_else(|| schema["examples"].get(0)).or_else(|| schema.get("default"));
    if let Some(given) = given {
        return given.clone();
    }
    if let Some(name) = reference(schema) {
        return nested(document, &document["components"]["schemas"][name], depth + 1);
    }
    if let Some(choices) = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array()) {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        return choice.map_or(Value::Null, |choice| nested(document, choice, depth + 1));
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let name = schema["type"].as_str().or_else(|| schema["type"].get(0).and_then(Value::as_str));
    match name {
        Some("object") => Value::Object(fields(document, schema, depth)),
        Some("array") => json!([nested(document, &schema["items"], depth + 1)]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        Some("string") => json!("…"),
        _ => Value::Null,
    }
}

fn fields(document: &Value, schema: &Value, depth: usize) -> Map<String, Value> {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|required| required.iter().any(|known| known == name));
    let none_required = required.is_none_or(Vec::is_empty);
    let chosen = members(&schema["properties"])
        .enumerate()
        .filter(|(index, (name, _))| is_required(name) || (none_required && *index == 0));
    chosen.map(|(_, (name, field))| (name.clone(), nested(document, field, depth + 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_the_required_fields_and_ends_where_a_schema_holds_itself() {
        let document = json!({"components": {"schemas": {
            "Loop": {"type": "object", "required": ["again", "kind"], "properties": {
                "again": {"$ref": "#/components/schemas/Loop"}, "kind": {"enum": ["a", "b"]}, "left_out": {}}},
        }}});
        let example = of(&document, &json!({"$ref": "#/components/schemas/Loop"}));
        assert_eq!(example, json!({"again": {"again": null, "kind": "a"}, "kind": "a"}));
        let edit = json!({"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}});
        assert_eq!(of(&document, &edit), json!({"name": "…"}));
    }
}
