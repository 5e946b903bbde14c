//! What a payload is made of, as a list in lists.

use claviger_texts::console::apis::manual as texts;
use maud::{Markup, html};
use serde::Deserialize;

use crate::parts::badge;

/// How deep lists stand open.
const OPEN_DEPTH: usize = 1;

/// What pages need of a value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Schema {
    pub(super) name: String,
    #[serde(rename = "type")]
    kind: String,
    format: String,
    pub(super) required: bool,
    description: String,
    values: Vec<String>,
    rules: Vec<String>,
    pub(super) fields: Vec<Schema>,
    repeats: String,
    cut: bool,
}

/// The members, each with what is in it.
pub(super) fn tree(fields: &[Schema], depth: usize) -> Markup {
    html! { @if !fields.is_empty() { ul .schema { @for field in fields { li { (member(field, depth)) } } } } }
}

fn member(field: &Schema, depth: usize) -> Markup {
    let head = html! {
        @match field.name.as_str() {
            "" => {}
            "*" => { span .muted { (texts::ANY_NAME) } " " },
            name => { code .method { (name) } " " },
        }
        (kind(field))
        @if field.required { " " (badge::tag(texts::REQUIRED)) }
    };
    html! {
        @if field.fields.is_empty() { (head) (notes(field)) } @else {
            details open[depth < OPEN_DEPTH] { summary { (head) } (notes(field)) (tree(&field.fields, depth + 1)) }
        }
    }
}

/// What it is.
pub(super) fn kind(schema: &Schema) -> Markup {
    let choice = [("one_of", texts::ONE_OF), ("any_of", texts::ANY_OF)];
    let choice = choice.iter().find_map(|(word, text)| Some((*text, schema.kind.strip_prefix(word)?)));
    html! {
        span .muted {
            @match choice {
                Some((text, rest)) => { (text) (rest) },
                None => (schema.kind),
            }
            @if !schema.format.is_empty() { " (" (schema.format) ")" }
        }
    }
}

/// What else is said of it.
pub(super) fn notes(schema: &Schema) -> Markup {
    html! {
        @if !schema.description.is_empty() { div .note { (schema.description) } }
        @if !schema.values.is_empty() {
            div .note { (texts::VALUES) " " @for value in &schema.values { (badge::code(value)) " " } }
        }
        @if !schema.rules.is_empty() { div .note { @for rule in &schema.rules { (badge::code(rule)) " " } } }
        @if !schema.repeats.is_empty() { div .note .muted { (texts::repeats(&schema.repeats)) } }
        @if schema.cut { div .note .muted { (texts::MORE) } }
    }
}
