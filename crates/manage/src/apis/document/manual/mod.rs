//! What a manual keeps of an operation: its parameters, payloads and answers, compactly and within limits.
//!
//! The document is not trusted, and nothing in it that goes wrong here stops an import: what cannot be read is left out.

mod object;
mod schema;
#[cfg(test)]
mod tests;
mod text;

use std::rc::Rc;

use claviger_domain::api::OPERATIONS_MAX;
use serde_json::value::RawValue;

use self::object::{Found, Object, Places, is_true};
use self::schema::Schemas;
use self::text::{NAME_LENGTH_MAX, example, line, lines};
use super::source::{Parameter, PathOperation, Root};
use crate::apis::manual::{Manual, ManualBody, ManualContent, ManualParameter, ManualResponse, ManualSchema};

/// The most bytes that are kept of one operation.
const MANUAL_BYTES_MAX: usize = 24 * 1024;
/// The most bytes that are kept of one document's operations.
const MANUALS_BYTES_MAX: usize = 32 * 1024 * 1024;
/// An operation takes at most this part of what is left for a document, so that later ones do not go without.
const SHARE: usize = 64;
/// How deep schemas are read: the first of these at which the whole fits.
const DEPTHS: [usize; 4] = [8, 4, 2, 1];
/// What is kept where there is no room for anything.
const NOTHING: &str = r#"{"cut":true}"#;
/// What a parameter, a payload or an answer takes beside its texts, in bytes.
const PART_BYTES: usize = 50;
/// The most characters of an operation's description.
const TEXT_LENGTH_MAX: usize = 2_000;
/// The most answers of an operation.
const RESPONSES_MAX: usize = 50;
/// The most media types of a payload.
const MEDIA_TYPES_MAX: usize = 10;

/// Manuals as they are written, one an operation.
pub(super) struct Manuals<'d> {
    places: Places<'d>,
    left: usize,
}

// === impl Manuals ===

impl<'d> Manuals<'d> {
    pub(super) fn read(root: &Root<'d>) -> Self {
        Self { places: Places::read(root), left: MANUALS_BYTES_MAX - OPERATIONS_MAX * NOTHING.len() }
    }

    /// The manual of an operation as a JSON text: schemas as deep as there is room for.
    pub(super) fn write(&mut self, operation: &PathOperation<'d>, parameters: &[Parameter<'d>]) -> Box<str> {
        let room = MANUAL_BYTES_MAX.min(self.left / SHARE);
        // The last ones are cut where the room ends. Escapes make a text longer than it is counted: then half of the room is
        // less than the whole.
        let description = lines(operation.description.as_deref().unwrap_or_default(), TEXT_LENGTH_MAX);
        for (depth, room_for_texts) in
            DEPTHS.map(|depth| (depth, room)).into_iter().chain([(1, room / 2), (1, room / 8)])
        {
            let manual = self.manual(operation, parameters, &description, depth, room_for_texts);
            if manual.cut && depth > 1 {
                continue;
            }
            let written = serde_json::to_string(&manual).ok().filter(|text| text.len() <= room);
            if let Some(text) = written {
                self.left -= text.len();
                return text.into();
            }
        }
        NOTHING.into()
    }

    fn manual(
        &mut self,
        operation: &PathOperation<'d>,
        parameters: &[Parameter<'d>],
        description: &str,
        depth: usize,
        room: usize,
    ) -> Manual {
        let mut schemas = Schemas::new(&mut self.places, depth, room);
        schemas.take(description.len());
        let parameters = parameters.iter().filter_map(|one| parameter(&mut schemas, one)).collect();
        let request_body = operation.request_body.and_then(|raw| body(&mut schemas, raw));
        let responses = operation.responses.map(|raw| responses(&mut schemas, raw)).unwrap_or_default();
        Manual {
            description: description.to_owned(),
            deprecated: operation.deprecated.is_some_and(is_true),
            parameters,
            request_body,
            responses,
            cut: schemas.is_cut,
        }
    }
}

fn parameter<'d>(schemas: &mut Schemas<'_, 'd>, parameter: &Parameter<'d>) -> Option<ManualParameter> {
    let name = line(parameter.name.as_deref()?, NAME_LENGTH_MAX);
    let place = line(parameter.place.as_deref().unwrap_or_default(), NAME_LENGTH_MAX);
    if !schemas.take(PART_BYTES + name.len() + place.len()) {
        return None;
    }
    let of_content = |schemas: &mut Schemas<'_, 'd>| {
        let content = schemas.places.object(parameter.content?)?;
        let (_, raw) = content.members().next()?;
        schemas.places.object(raw)?.get("schema")
    };
    let described = parameter.schema.or_else(|| of_content(schemas));
    let mut schema = match described {
        Some(raw) => schemas.read(raw),
        None => ManualSchema { kind: "any".to_owned(), ..ManualSchema::default() },
    };
    if let Some(own) = parameter.description {
        schema.description = schemas.describe(own);
        schemas.take(schema.description.len());
    }
    schema.name = name;
    schema.required = parameter.required.is_some_and(is_true);
    if parameter.deprecated.is_some_and(is_true) && !schema.rules.iter().any(|rule| rule == "deprecated") {
        schema.rules.push("deprecated".to_owned());
    }
    Some(ManualParameter { place, schema })
}

fn body<'d>(schemas: &mut Schemas<'_, 'd>, raw: &'d RawValue) -> Option<ManualBody> {
    let Found { object, .. } = schemas.places.find(raw)?;
    let description = description(schemas, &object);
    Some(ManualBody { description, required: object.is_true("required"), content: contents(schemas, &object) })
}

fn responses<'d>(schemas: &mut Schemas<'_, 'd>, raw: &'d RawValue) -> Vec<ManualResponse> {
    let Some(all) = schemas.places.object(raw) else { return Vec::new() };
    let mut found = Vec::new();
    // First what may be answered, then with what: a large payload leaves the others their line.
    for (status, raw) in all.members().filter(|(status, _)| !status.starts_with("x-")) {
        if found.len() == RESPONSES_MAX || !schemas.take(PART_BYTES + status.len().min(NAME_LENGTH_MAX)) {
            schemas.is_cut = true;
            break;
        }
        let Some(Found { object, .. }) = schemas.places.find(raw) else { continue };
        found.push((line(status, NAME_LENGTH_MAX), description(schemas, &object), object));
    }
    let with_content = |(status, description, object): (String, String, Rc<Object<'d>>)| {
        let content = contents(schemas, &object);
        ManualResponse { status, description, content }
    };
    found.into_iter().map(with_content).collect()
}

fn description<'d>(schemas: &mut Schemas<'_, 'd>, object: &Object<'d>) -> String {
    let text = object.get("description").map(|raw| schemas.describe(raw)).unwrap_or_default();
    schemas.take(text.len());
    text
}

/// The payloads of a body or an answer.
fn contents<'d>(schemas: &mut Schemas<'_, 'd>, object: &Object<'d>) -> Vec<ManualContent> {
    let Some(all) = object.get("content").and_then(|raw| schemas.places.object(raw)) else { return Vec::new() };
    let mut contents = Vec::new();
    for (media_type, raw) in all.members() {
        if contents.len() == MEDIA_TYPES_MAX || !schemas.take(PART_BYTES + media_type.len().min(NAME_LENGTH_MAX)) {
            schemas.is_cut = true;
            break;
        }
        let Some(Found { object, .. }) = schemas.places.find(raw) else { continue };
        let schema = object.get("schema").map(|raw| schemas.read(raw));
        let example = first_example(schemas, &object).filter(|text| schemas.take(text.len())).unwrap_or_default();
        contents.push(ManualContent { media_type: line(media_type, NAME_LENGTH_MAX), schema, example });
    }
    contents
}

/// The example of a payload, else the first of its examples, else that of its schema.
fn first_example<'d>(schemas: &mut Schemas<'_, 'd>, payload: &Object<'d>) -> Option<String> {
    if let Some(raw) = payload.get("example") {
        return shown(schemas, raw);
    }
    let named = payload.get("examples").and_then(|raw| schemas.places.object(raw));
    if let Some((_, raw)) = named.as_ref().and_then(|named| named.members().next()) {
        let value = schemas.places.find(raw)?.object.get("value")?;
        return shown(schemas, value);
    }
    let Found { object: schema, .. } = schemas.places.find(payload.get("schema")?)?;
    let listed = schema.get("examples").map(|raw| schemas.places.list(raw)).unwrap_or_default();
    shown(schemas, schema.get("example").or(listed.first().copied())?)
}

fn shown<'d>(schemas: &mut Schemas<'_, 'd>, raw: &'d RawValue) -> Option<String> {
    Some(schemas.places.made(raw, |raw| example(raw).unwrap_or_default())).filter(|text| !text.is_empty())
}
