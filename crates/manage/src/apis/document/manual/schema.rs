//! A schema as a tree of names and kinds, as far as the room of its operation lasts.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::object::{Found, Object, Places, is_true, text_of};
use super::text::{NAME_LENGTH_MAX, line, literal};
use crate::apis::manual::ManualSchema;

/// The most characters of a description.
const DESCRIPTION_LENGTH_MAX: usize = 300;
/// The most lists in each other whose items are told beyond the depth.
const LISTS_MAX: usize = 3;
/// The most values that are listed.
const VALUES_MAX: usize = 50;
/// What a schema takes beside its texts, in bytes.
const SCHEMA_BYTES: usize = 60;
/// Rules that are shown by the document's own words.
const RULES: [&str; 15] = [
    "default",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "readOnly",
    "writeOnly",
    "deprecated",
];
/// What a document's choices are called.
const CHOICES: [(&str, &str); 2] = [("oneOf", "one_of"), ("anyOf", "any_of")];
const ANY: &str = "any";
const OBJECT: &str = "object";
const NULL: &str = "null";

/// Schemas as they are read for one operation.
pub(super) struct Schemas<'p, 'd> {
    pub(super) places: &'p mut Places<'d>,
    /// The bytes that the operation's manual may still take.
    left: usize,
    /// The most schemas that stand in each other.
    depth: usize,
    /// Whether there was no room for something.
    pub(super) is_cut: bool,
    /// Where the schemas begin that are being read.
    open: Vec<usize>,
}

// === impl Schemas ===

impl<'p, 'd> Schemas<'p, 'd> {
    pub(super) fn new(places: &'p mut Places<'d>, depth: usize, room: usize) -> Self {
        Self { places, left: room, depth, is_cut: false, open: Vec::new() }
    }

    /// Takes this many bytes of the room; `false`: there is no more.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        if let Some(left) = self.left.checked_sub(bytes) {
            self.left = left;
        } else {
            (self.left, self.is_cut) = (0, true);
        }
        self.left > 0
    }

    /// A description, in a line.
    pub(super) fn describe(&mut self, raw: &'d RawValue) -> String {
        let make = |text: Cow<'d, str>| line(&text, DESCRIPTION_LENGTH_MAX);
        self.places.made(raw, |raw| text_of(raw).map(make).unwrap_or_default())
    }

    /// Reads what stands here. What cannot be read may be anything.
    pub(super) fn read(&mut self, raw: &'d RawValue) -> ManualSchema {
        let Some(found) = self.places.find(raw) else {
            return ManualSchema { kind: ANY.to_owned(), cut: raw.get().starts_with('{'), ..ManualSchema::default() };
        };
        let mut schema = self.places.facts(&found, facts);
        if let Some(own) = found.beside.as_ref().and_then(|beside| beside.get("description")) {
            schema.description = self.describe(own);
        }
        let texts = schema.values.iter().chain(&schema.rules).map(|text| text.len() + 3).sum::<usize>();
        let has_room = self.take(SCHEMA_BYTES + schema.description.len() + schema.format.len() + texts);
        if self.open.contains(&found.place) {
            schema.repeats = line(&found.name, NAME_LENGTH_MAX);
        } else if !has_room || self.open.len() >= self.depth {
            schema.cut = has_parts(&found.object);
            self.add_items_alone(&found, &mut schema);
        } else {
            self.open.push(found.place);
            self.add_parts(&found.object, &mut schema);
            self.open.pop();
        }
        schema
    }

    /// What a list's items are, where there is no room for what is in them.
    fn add_items_alone(&mut self, found: &Found<'d>, schema: &mut ManualSchema) {
        let Some(items) = found.object.get("items") else { return };
        if self.open.len() >= self.depth + LISTS_MAX {
            schema.cut = true;
            return;
        }
        self.open.push(found.place);
        let items = self.read(items);
        self.open.pop();
        add_items(schema, items);
    }

    /// What is in it: members, items, parts and choices.
    fn add_parts(&mut self, object: &Rc<Object<'d>>, schema: &mut ManualSchema) {
        self.add_members(object, schema);
        if let Some(items) = object.get("items") {
            let items = self.read(items);
            add_items(schema, items);
        }
        for part in object.get("allOf").map(|parts| self.places.list(parts)).unwrap_or_default() {
            self.add_part(part, schema);
        }
        for (keyword, kind) in CHOICES {
            if let Some(choices) = object.get(keyword) {
                self.add_choices(choices, kind, schema);
            }
        }
    }

    fn add_members(&mut self, object: &Rc<Object<'d>>, schema: &mut ManualSchema) {
        let required = object.get("required").map(|names| self.places.list(names)).unwrap_or_default();
        let required: Vec<_> = required.into_iter().filter_map(text_of).collect();
        // Where one part of a whole lists the members, another may say which of them must be there.
        for field in schema.fields.iter_mut().filter(|field| required.iter().any(|name| **name == *field.name)) {
            field.required = true;
        }
        let Some(members) = object.get("properties").and_then(|raw| self.places.object(raw)) else {
            return self.add_others(object, schema);
        };
        schema.cut |= members.is_cut;
        for (name, raw) in members.members() {
            if !self.take(name.len().min(NAME_LENGTH_MAX)) {
                schema.cut = true;
                return;
            }
            let mut member = self.read(raw);
            member.required = required.iter().any(|required| required == name);
            member.name = line(name, NAME_LENGTH_MAX);
            schema.fields.push(member);
        }
        self.add_others(object, schema);
    }

    /// Members of any name.
    fn add_others(&mut self, object: &Object<'d>, schema: &mut ManualSchema) {
        let others = object.get("additionalProperties").filter(|raw| raw.get().starts_with('{') && raw.get() != "{}");
        if let Some(raw) = others {
            let others = self.read(raw);
            schema.fields.push(ManualSchema { name: "*".to_owned(), ..others });
        }
    }

    /// A part of the whole: its members are the whole's.
    fn add_part(&mut self, raw: &'d RawValue, schema: &mut ManualSchema) {
        let Some(found) = self.places.find(raw) else { return };
        if self.open.contains(&found.place) || self.open.len() >= self.depth || !self.take(SCHEMA_BYTES) {
            schema.cut = true;
            return;
        }
        let part = self.places.facts(&found, facts);
        fill_kind(schema, &part.kind);
        for (own, new) in [(&mut schema.format, part.format), (&mut schema.description, part.description)] {
            if own.is_empty() {
                *own = new;
            }
        }
        schema.values.extend(part.values);
        schema.rules.extend(part.rules);
        self.open.push(found.place);
        self.add_parts(&found.object, schema);
        self.open.pop();
    }

    fn add_choices(&mut self, raw: &'d RawValue, kind: &str, schema: &mut ManualSchema) {
        let mut choices = Vec::new();
        for raw in self.places.list(raw) {
            if !self.take(SCHEMA_BYTES) {
                schema.cut = true;
                break;
            }
            let choice = self.read(raw);
            let found = self.places.find(raw);
            let name = found.map(|found| found.object.text("title").map_or(found.name, Into::into)).unwrap_or_default();
            choices.push(ManualSchema { name: line(&name, NAME_LENGTH_MAX), ..choice });
        }
        let before = choices.len();
        choices.retain(|choice| choice.kind != NULL);
        let null = if choices.len() < before { "|null" } else { "" };
        // Some only say which of the members must be there.
        choices.retain(|choice| choice.kind != ANY || choice.cut || !choice.fields.is_empty());
        match choices.len() {
            0 => {}
            1 if schema.fields.is_empty() && is_any(&schema.kind) => {
                let only = choices.swap_remove(0);
                fill_kind(schema, &format!("{}{null}", only.kind));
                let own = std::mem::take(schema);
                let description = if own.description.is_empty() { only.description } else { own.description };
                *schema = ManualSchema { name: String::new(), kind: own.kind, description, ..only };
            }
            _ if schema.fields.is_empty() => {
                schema.kind = format!("{kind}{null}");
                schema.fields = choices;
            }
            _ => schema.fields.push(ManualSchema { kind: kind.to_owned(), fields: choices, ..ManualSchema::default() }),
        }
    }
}

/// Whether nothing is said of what it is, but perhaps that it may be null.
fn is_any(kind: &str) -> bool {
    kind.strip_prefix(ANY).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
}

/// Says what it is, where it is not said yet.
fn fill_kind(schema: &mut ManualSchema, kind: &str) {
    if is_any(&schema.kind) {
        schema.kind.replace_range(..ANY.len(), kind);
    }
}

/// Puts the items into their list.
fn add_items(list: &mut ManualSchema, items: ManualSchema) {
    let kind = if items.kind.contains('|') { format!("({})[]", items.kind) } else { format!("{}[]", items.kind) };
    list.kind = list.kind.replacen("any[]", &kind, 1);
    for (own, new) in [(&mut list.format, items.format), (&mut list.description, items.description)] {
        if own.is_empty() {
            *own = new;
        }
    }
    list.values.extend(items.values);
    list.rules.extend(items.rules);
    list.fields.extend(items.fields);
    list.repeats = items.repeats;
    list.cut |= items.cut;
}

/// What a schema says of itself.
fn facts<'d>(places: &mut Places<'d>, object: &Object<'d>) -> ManualSchema {
    let (mut values, mut cut) = (Vec::new(), false);
    if let Some(raw) = object.get("enum") {
        let listed = places.list(raw);
        cut = listed.len() > VALUES_MAX;
        values.extend(listed.into_iter().take(VALUES_MAX).map(literal));
    }
    values.extend(object.get("const").map(literal));
    let rules =
        RULES.iter().filter_map(|word| Some((word, object.get(word)?))).filter_map(|(word, raw)| match raw.get() {
            "false" | "null" if *word != "default" => None,
            "true" if *word != "default" => Some((*word).to_owned()),
            _ => Some(format!("{word}: {}", literal(raw))),
        });
    ManualSchema {
        kind: kind(places, object),
        format: object.text("format").map(|format| line(&format, NAME_LENGTH_MAX)).unwrap_or_default(),
        description: object.text("description").map(|text| line(&text, DESCRIPTION_LENGTH_MAX)).unwrap_or_default(),
        values,
        rules: rules.collect(),
        cut,
        ..ManualSchema::default()
    }
}

fn kind<'d>(places: &mut Places<'d>, object: &Object<'d>) -> String {
    let given = object.get("type");
    let mut kinds: Vec<String> = if let Some(kind) = given.and_then(text_of) {
        vec![kind.into_owned()]
    } else {
        let listed = given.map(|raw| places.list(raw)).unwrap_or_default();
        listed.into_iter().filter_map(text_of).map(Into::into).collect()
    };
    kinds.truncate(7);
    if kinds.is_empty() {
        let parts = [("properties", OBJECT), ("additionalProperties", OBJECT), ("items", "array")];
        let implied = parts.iter().find(|(keyword, _)| object.get(keyword).is_some());
        kinds.push(implied.map_or(ANY, |(_, kind)| kind).to_owned());
    }
    if object.get("nullable").is_some_and(is_true) {
        kinds.push(NULL.to_owned());
    }
    let shown = kinds.iter().map(|kind| if kind == "array" { "any[]".to_owned() } else { line(kind, 20) });
    shown.collect::<Vec<_>>().join("|")
}

fn has_parts(object: &Object<'_>) -> bool {
    ["properties", "allOf", "oneOf", "anyOf", "additionalProperties"].iter().any(|name| object.get(name).is_some())
}
