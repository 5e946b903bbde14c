//! Schemas: what a value may be, in a line or in a table.

use serde_json::Value;

use super::html::Html;
use super::operation::members;

/// How deep a type is spelled out in a line.
const DEPTH_MAX: usize = 6;

/// Writes a section for each named schema of the document.
pub(super) fn write_all(html: &mut Html, document: &Value) {
    for (name, schema) in members(&document["components"]["schemas"]) {
        html.open("article", &[("id", &format!("schema-{name}"))]);
        html.element("h3", &[], name);
        html.prose(schema["description"].as_str().unwrap_or_default());
        if schema["properties"].is_object() {
            write_fields(html, schema);
        } else {
            html.raw(format_args!("<p class=\"type\">"));
            write_type(html, schema);
            html.raw(format_args!("</p>"));
        }
        html.close("article");
    }
}

fn write_fields(html: &mut Html, schema: &Value) {
    let required = schema["required"].as_array();
    html.raw(format_args!("<dl>"));
    for (name, field) in members(&schema["properties"]) {
        html.raw(format_args!("<dt>"));
        html.element("code", &[], name);
        html.raw(format_args!(" <span class=\"type\">"));
        write_type(html, field);
        if required.is_some_and(|required| required.iter().any(|known| known == name)) {
            html.raw(format_args!(", required"));
        }
        html.raw(format_args!("</span></dt><dd>"));
        html.inline(field["description"].as_str().unwrap_or_default());
        html.raw(format_args!("</dd>"));
    }
    html.raw(format_args!("</dl>"));
}

/// Writes what a value may be, in a line, with links to named schemas.
pub(super) fn write_type(html: &mut Html, schema: &Value) {
    write_nested(html, schema, 0);
}

fn write_nested(html: &mut Html, schema: &Value, depth: usize) {
    if depth > DEPTH_MAX {
        return html.raw(format_args!("…"));
    }
    if let Some(name) = reference(schema) {
        return html.element("a", &[("href", &format!("#schema-{name}"))], name);
    }
    let choices = [("oneOf", " or "), ("anyOf", " or "), ("allOf", " with ")];
    if let Some((choices, between)) = choices.iter().find_map(|(key, word)| Some((schema[*key].as_array()?, word))) {
        // `null` last, where a reader expects it.
        let (nulls, others): (Vec<_>, Vec<_>) = choices.iter().partition(|choice| choice["type"] == "null");
        for (index, choice) in others.into_iter().chain(nulls).enumerate() {
            if index > 0 {
                html.raw(format_args!("{between}"));
            }
            write_nested(html, choice, depth + 1);
        }
        return;
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(Value::to_string).collect();
        return html.element("code", &[], values.join(" | "));
    }
    if schema["items"].is_object() {
        html.raw(format_args!("array of "));
        return write_nested(html, &schema["items"], depth + 1);
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any"],
    };
    html.inline(&names.join(" or "));
    if let Some(format) = schema["format"].as_str().filter(|format| !format.starts_with("int")) {
        html.inline(&format!(" ({format})"));
    }
}

/// The name of the schema that a reference points at.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}
