//! What is kept of good documents, and of those that would have it be too much.

use serde_json::{Value, json};

use super::*;
use crate::apis::document::tests::{ADYEN, github, management};
use crate::apis::document::{Format, ImportedDocument, parse};

fn read(document: &[u8], format: Format) -> ImportedDocument {
    parse(document, format).expect("a good document")
}

/// The manual of the operation of this name.
fn manual_of(document: &ImportedDocument, name: &str) -> Manual {
    let at = document.operations.iter().position(|operation| &*operation.name == name).expect("an operation");
    serde_json::from_str(&document.manuals[at]).expect("a manual")
}

/// The manual of the only operation of a document with these schemas.
fn manual(operation: &Value, schemas: &Value) -> Manual {
    let components = json!({"schemas": schemas});
    let document = json!({"openapi": "3.1.0", "paths": {"/x": {"post": operation}}, "components": components});
    let document = read(document.to_string().as_bytes(), Format::Json);
    assert!(document.manuals[0].len() <= MANUAL_BYTES_MAX, "{}", document.manuals[0].len());
    serde_json::from_str(&document.manuals[0]).expect("a manual")
}

/// The payload that such an operation takes.
fn payload(schema: &Value, schemas: &Value) -> ManualSchema {
    let operation = json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
    manual(&operation, schemas).request_body.expect("a body").content.swap_remove(0).schema.expect("a schema")
}

/// A tree in a line: names and kinds, `!` where they must be there, in brackets what is in them.
fn shown(schema: &ManualSchema) -> String {
    let required = if schema.required { "!" } else { "" };
    let fields: Vec<_> = schema.fields.iter().map(shown).collect();
    let fields = if fields.is_empty() { String::new() } else { format!("{{{}}}", fields.join(" ")) };
    let cut = if schema.cut { "…" } else { "" };
    format!("{}{required}:{}{fields}{cut}", schema.name, schema.kind)
}

#[test]
fn what_real_documents_say_is_kept_within_the_limits() {
    for (bytes, format) in [(github(), Format::Json), (ADYEN.to_vec(), Format::Json), (management(), Format::Yaml)] {
        let document = read(&bytes, format);
        assert_eq!(document.manuals.len(), document.operations.len());
        assert!(document.manuals.iter().all(|manual| manual.len() <= MANUAL_BYTES_MAX));
        let whole: usize = document.manuals.iter().map(|manual| manual.len()).sum();
        assert!(whole <= MANUALS_BYTES_MAX, "{whole}");
        let last: Manual = serde_json::from_str(document.manuals.last().expect("one")).expect("a manual");
        assert!(!last.responses.is_empty(), "the last one has not gone without");
    }
}

#[test]
fn an_operation_of_github_has_its_parameters_payload_and_answers() {
    let document = read(&github(), Format::Json);
    let manual = manual_of(&document, "issues/create");
    let names: Vec<_> =
        manual.parameters.iter().map(|one| (&*one.schema.name, &*one.place, one.schema.required)).collect();
    assert_eq!(names, [("owner", "path", true), ("repo", "path", true)]);
    let body = manual.request_body.expect("a body");
    assert!(body.required);
    let content = &body.content[0];
    assert_eq!(content.media_type, "application/json");
    let schema = content.schema.as_ref().expect("a schema");
    let title = &schema.fields[0];
    assert_eq!((&*title.name, title.required), ("title", true));
    assert!(content.example.contains("\n  \"title\": \"Found a bug\",\n"), "{}", content.example);
    let statuses: Vec<_> = manual.responses.iter().map(|answer| &*answer.status).collect();
    assert!(statuses.starts_with(&["201", "400"]), "{statuses:?}");
    let made = manual.responses[0].content[0].schema.as_ref().expect("a schema");
    assert!(made.kind == "object" && made.fields.iter().any(|field| field.name == "html_url"), "{made:?}");
}

#[test]
fn schemas_of_every_form_become_trees() {
    let order = json!({
        "type": "object", "required": ["id"],
        "properties": {
            "id": {"type": "integer", "format": "int64", "minimum": 1},
            "state": {"type": "string", "enum": ["new", "sent"], "default": "new"},
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
            "note": {"type": ["string", "null"]},
            "old": {"type": "string", "nullable": true, "deprecated": true},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "matrix": {"type": "array", "items": {"items": {"type": "number"}}},
        },
    });
    let schemas = json!({
        "Order": order,
        "Line": {"properties": {"sku": {"type": "string"}}, "required": ["sku"]},
        "Priced": {"allOf": [{"$ref": "#/components/schemas/Line"}, {"properties": {"price": {"type": "number"}}, "required": ["price"]}]},
        "Choice": {"oneOf": [{"$ref": "#/components/schemas/Line"}, {"title": "Text", "type": "string"}, {"type": "null"}]},
        "Either": {"type": "object", "properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "Maybe": {"anyOf": [{"$ref": "#/components/schemas/Line"}, {"type": "null"}]},
        "Wrapped": {"nullable": true, "allOf": [{"$ref": "#/components/schemas/Line"}]},
    });
    let of = |name: &str| payload(&json!({"$ref": format!("#/components/schemas/{name}")}), &schemas);
    let order = of("Order");
    let expected = ":object{id!:integer state:string lines:object[]{sku!:string} note:string|null old:string|null \
                    labels:object{*:string} matrix:number[][]}";
    assert_eq!(shown(&order), expected);
    assert_eq!((&*order.fields[0].format, &*order.fields[0].rules), ("int64", &["minimum: 1".to_owned()][..]));
    assert_eq!(order.fields[1].values, ["new", "sent"]);
    assert_eq!(
        (&order.fields[1].rules, &order.fields[4].rules),
        (&vec!["default: new".into()], &vec!["deprecated".into()])
    );
    assert_eq!(shown(&of("Priced")), ":object{sku!:string price!:number}");
    assert_eq!(shown(&of("Choice")), ":one_of|null{Line:object{sku!:string} Text:string}");
    assert_eq!(shown(&of("Either")), ":object{a:any b:any}");
    assert_eq!(shown(&of("Maybe")), ":object|null{sku!:string}");
    assert_eq!(shown(&of("Wrapped")), ":object|null{sku!:string}");
}

#[test]
fn a_schema_that_leads_back_to_itself_ends_where_it_repeats() {
    let schemas = json!({
        "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "all": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}},
        "Loop": {"$ref": "#/components/schemas/Loop"},
        "Whole": {"allOf": [{"$ref": "#/components/schemas/Whole"}, {"properties": {"a": {"type": "string"}}}]},
        "Out": {"$ref": "https://elsewhere.example/schema.json#/x"},
    });
    let of = |name: &str| payload(&json!({"$ref": format!("#/components/schemas/{name}")}), &schemas);
    let node = of("Node");
    assert_eq!(shown(&node), ":object{next:object all:object[]}");
    assert_eq!((&*node.fields[0].repeats, &*node.fields[1].repeats), ("Node", "Node"));
    assert_eq!(shown(&of("Loop")), ":any…");
    assert_eq!(shown(&of("Whole")), ":object{a:string}…");
    assert_eq!(shown(&of("Out")), ":any…", "nothing is fetched");
}

#[test]
fn deep_and_wide_schemas_are_cut() {
    let mut deep = json!({"type": "string"});
    for _ in 0..60 {
        deep = json!({"type": "object", "properties": {"in": deep}});
    }
    let text = shown(&payload(&deep, &json!({})));
    assert_eq!((text.matches("in:").count(), text.ends_with(&format!("…{}", "}".repeat(8)))), (8, true), "{text}");
    let mut lists = json!({"type": "string"});
    for _ in 0..60 {
        lists = json!({"type": "object", "properties": {"in": {"type": "array", "items": lists}}});
    }
    let text = shown(&payload(&lists, &json!({})));
    assert!(text.contains("in:object[]…") && !text.contains("any"), "the kind is told where the depth ends: {text}");
    // Nested too deep for any reader that builds it.
    let nested = format!("{}{}", "{\"items\":".repeat(10_000), "{}".to_owned() + &"}".repeat(10_000));
    let document = format!(
        "{{\"openapi\":\"3.1.0\",\"paths\":{{\"/x\":{{\"get\":{{\"responses\":{{\"200\":{{\"content\":{{\"a/b\":{{\"schema\":{nested},\"example\":{nested}}}}}}}}}}}}}}}}}"
    );
    let document = read(document.as_bytes(), Format::Json);
    assert!(document.manuals[0].contains("\"cut\":true") && document.manuals[0].len() < 500, "{}", document.manuals[0]);

    let wide: serde_json::Map<_, _> = (0..5_000).map(|at| (format!("m{at}"), json!({"type": "string"}))).collect();
    let wide = payload(&json!({"type": "object", "properties": wide}), &json!({}));
    assert!(wide.cut && (100..=200).contains(&wide.fields.len()), "{}", wide.fields.len());
}

#[test]
fn ten_megabytes_of_schema_take_no_more_than_their_room() {
    let long = "\u{1}\"<b>".repeat(200_000);
    let schemas = json!({"Large": {"type": "object", "description": long, "properties": {
        "a": {"description": long, "enum": vec!["\"\\".repeat(40); 5_000]}, long.as_str(): {"pattern": long}, "b": {"type": "string"},
    }}});
    let operation = json!({
        "description": long,
        "parameters": (0..500).map(|at| json!({"name": format!("p{at}"), "in": "query", "description": long.get(..4_000)})).collect::<Vec<_>>(),
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Large"}, "example": long}}},
    });
    let manual = manual(&operation, &schemas);
    assert!(manual.cut, "{manual:?}");
    assert!(manual.description.ends_with('…') && !manual.description.contains('\u{1}'), "{}", manual.description);
}

#[test]
fn many_operations_share_what_a_document_may_take() {
    let fields: serde_json::Map<_, _> = (0..150)
        .map(|at| (format!("member-{at}"), json!({"type": "string", "description": "x".repeat(200)})))
        .collect();
    let paths: serde_json::Map<_, _> = (0..4_000)
        .map(|at| (format!("/{at}"), json!({"get": {"responses": {"200": {"$ref": "#/components/responses/All"}}}})))
        .collect();
    let all =
        json!({"All": {"description": "All", "content": {"application/json": {"schema": {"properties": fields}}}}});
    let document = json!({"openapi": "3.0.3", "paths": paths, "components": {"responses": all}});
    let document = read(document.to_string().as_bytes(), Format::Json);
    let lengths: Vec<_> = document.manuals.iter().map(|manual| manual.len()).collect();
    assert!(lengths.iter().sum::<usize>() <= MANUALS_BYTES_MAX);
    assert!(lengths[0] > MANUAL_BYTES_MAX / 2 && lengths[3_999] < 1_000, "{} {}", lengths[0], lengths[3_999]);
    assert!(document.manuals[3_999].contains("\"cut\":true"), "{}", document.manuals[3_999]);
    assert!(lengths[999] == lengths[0], "{} {}: most have their room", lengths[0], lengths[999]);
}

#[test]
fn what_is_of_a_wrong_kind_is_left_out_and_stops_no_import() {
    let odd = json!({
        "deprecated": "yes", "description": "<script>alert(1)</script>\n\nhttps://x.example",
        "parameters": [{"name": "a", "in": "query", "required": "true", "schema": [], "description": {}}],
        "requestBody": "none", "responses": {"200": 7, "404": {"description": ["x"], "content": {"a/b": 5, "c/d": {"schema": true, "examples": {"e": {}}}}}},
    });
    let manual = manual(&odd, &json!([]));
    assert_eq!(
        manual.description, "<script>alert(1)</script>\n\nhttps://x.example",
        "text, for whoever shows it to escape"
    );
    assert_eq!((manual.deprecated, manual.request_body, manual.parameters.len()), (false, None, 1));
    assert_eq!((&*manual.parameters[0].schema.kind, manual.parameters[0].schema.required), ("any", false));
    assert_eq!(manual.responses.len(), 1);
    assert_eq!(manual.responses[0].content.iter().map(|one| &*one.media_type).collect::<Vec<_>>(), ["c/d"]);
}

#[test]
fn numbers_of_examples_in_yaml_are_numbers_and_others_the_texts_they_are() {
    let document = "openapi: 3.1.0\ninfo: {title: t, version: 1.10}\npaths:\n  /x:\n    post:\n      requestBody:\n        content:\n          \
                    application/json:\n            example: {count: 5, at: [1.50, x], text: '7', odd: 007}\n            schema: {type: integer, maximum: 9}\n      \
                    operationId: 7\n";
    let document = read(document.as_bytes(), Format::Yaml);
    assert_eq!(document.version.as_deref(), Some("1.10"));
    let body = manual_of(&document, "7").request_body.expect("a body");
    let example: Value = serde_json::from_str(&body.content[0].example).expect("JSON");
    assert_eq!(example, json!({"count": 5, "at": [1.5, "x"], "text": "7", "odd": "007"}));
    assert_eq!(body.content[0].schema.as_ref().expect("a schema").rules, ["maximum: 9"]);
}
