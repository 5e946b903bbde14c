//! The parts of an OpenAPI document that are read, and the order they stand in.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::{DocumentError, Problems};

/// The top of a document; what is below stays text until it is needed.
#[derive(serde::Deserialize)]
pub(super) struct Root<'d> {
    #[serde(borrow)]
    openapi: Option<&'d RawValue>,
    #[serde(borrow)]
    swagger: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) info: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) servers: Option<&'d RawValue>,
    #[serde(borrow, rename = "externalDocs")]
    pub(super) external_docs: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) tags: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) paths: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) components: Option<&'d RawValue>,
}

#[derive(Default, serde::Deserialize)]
pub(super) struct Info {
    pub(super) title: Option<String>,
    pub(super) version: Option<String>,
}

#[derive(Default, serde::Deserialize)]
pub(super) struct ExternalDocs {
    pub(super) url: Option<String>,
}

#[derive(serde::Deserialize)]
pub(super) struct Tag {
    pub(super) name: String,
}

/// `components`, as far as references may point into it from paths.
#[derive(Default, serde::Deserialize)]
pub(super) struct Components<'d> {
    #[serde(borrow, default)]
    pub(super) parameters: Entries<'d, Parameter<'d>>,
    #[serde(borrow, default, rename = "pathItems")]
    pub(super) path_items: Entries<'d, &'d RawValue>,
}

/// A path item: its methods in document order.
#[derive(Default)]
pub(super) struct PathItem<'d> {
    pub(super) reference: Option<Cow<'d, str>>,
    pub(super) parameters: Vec<Parameter<'d>>,
    /// Upper-case method and what stands under it.
    pub(super) methods: Vec<(&'static str, PathOperation<'d>)>,
}

#[derive(serde::Deserialize)]
pub(super) struct PathOperation<'d> {
    #[serde(borrow, rename = "operationId")]
    pub(super) operation_id: Option<Cow<'d, str>>,
    #[serde(borrow)]
    pub(super) summary: Option<Cow<'d, str>>,
    #[serde(borrow)]
    pub(super) description: Option<Cow<'d, str>>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(borrow, default)]
    pub(super) parameters: Vec<Parameter<'d>>,
    #[serde(borrow, rename = "requestBody")]
    pub(super) request_body: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) responses: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) deprecated: Option<&'d RawValue>,
}

/// A parameter, or a reference to one.
#[derive(Clone, serde::Deserialize)]
pub(super) struct Parameter<'d> {
    #[serde(borrow, rename = "$ref")]
    pub(super) reference: Option<Cow<'d, str>>,
    #[serde(borrow)]
    pub(super) name: Option<Cow<'d, str>>,
    #[serde(borrow, rename = "in")]
    pub(super) place: Option<Cow<'d, str>>,
    #[serde(default, rename = "x-multi-segment")]
    pub(super) multi_segment: bool,
    #[serde(borrow)]
    pub(super) description: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) required: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) deprecated: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) schema: Option<&'d RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'d RawValue>,
}

/// An object's members in document order.
pub(super) struct Entries<'d, T> {
    pub(super) list: Vec<(Cow<'d, str>, T)>,
}

/// A text that borrows where it can.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'d>(#[serde(borrow)] pub(super) Cow<'d, str>);

/// The methods a path item may have, as the document spells them and as requests do.
const METHODS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    ("trace", "TRACE"),
];

/// Reads a part of the document; `T::default()` where it is missing, or wrong and noted.
pub(super) fn decode<'d, T: Deserialize<'d> + Default>(
    part: Option<&'d RawValue>,
    place: &str,
    problems: &mut Problems,
) -> T {
    let Some(part) = part else { return T::default() };
    serde_json::from_str(part.get()).unwrap_or_else(|error| {
        problems.note(place, without_position(&error));
        T::default()
    })
}

/// What `serde_json` says, without line and column: they would count from the part, not from the document.
pub(super) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

// === impl Root ===

impl<'d> Root<'d> {
    /// Checks that the whole is JSON and OpenAPI 3.0 or 3.1.
    pub(super) fn parse(bytes: &'d [u8]) -> Result<Self, DocumentError> {
        // A byte order mark is no JSON (RFC 8259, 8.1), but parsers may ignore it, and editors on Windows write it.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            DocumentError::one("document", format!("not JSON: byte {} is no UTF-8", error.valid_up_to()))
        })?;
        match text.trim_start().as_bytes().first() {
            None => return Err(DocumentError::one("document", "expected an OpenAPI document, found nothing")),
            Some(b'[' | b'"' | b'0'..=b'9') if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
                return Err(DocumentError::one("document", "expected an OpenAPI document: a JSON object"));
            }
            Some(_) => {}
        }
        let root: Self = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        root.check_version()?;
        Ok(root)
    }

    fn check_version(&self) -> Result<(), DocumentError> {
        let version = self.openapi.map(RawValue::get);
        let known = version.is_some_and(|version| {
            ["\"3.0", "\"3.1"].iter().any(|known| {
                version.strip_prefix(known).is_some_and(|rest| rest.starts_with('.') || rest.starts_with('"'))
            })
        });
        let found = match (known, version, self.swagger) {
            (true, ..) => return Ok(()),
            (false, Some(version), _) => version.chars().take(20).collect(),
            (false, None, Some(_)) => {
                return Err(DocumentError::one(
                    "swagger",
                    "this is a Swagger 2 document; convert it to OpenAPI 3.0 or 3.1 and import that",
                ));
            }
            (false, None, None) => "none".to_owned(),
        };
        Err(DocumentError::one("openapi", format!("expected the version \"3.0.x\" or \"3.1.x\", found {found}")))
    }
}

fn not_json(error: &serde_json::Error) -> DocumentError {
    let (line, column, what) = (error.line(), error.column(), without_position(error));
    let message = match error.classify() {
        serde_json::error::Category::Eof => {
            format!("the document ends too early, at line {line}, column {column}: it is cut off")
        }
        serde_json::error::Category::Data => format!("{what}, at line {line}, column {column}"),
        _ => format!("not JSON: {what}, at line {line}, column {column}"),
    };
    DocumentError::one("document", message)
}

// === impl Entries ===

impl<T> Default for Entries<'_, T> {
    fn default() -> Self {
        Self { list: Vec::new() }
    }
}

impl<'de: 'd, 'd, T: Deserialize<'de>> Deserialize<'de> for Entries<'d, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<'d, T>(PhantomData<(&'d (), T)>);
        impl<'de: 'd, 'd, T: Deserialize<'de>> Visitor<'de> for Members<'d, T> {
            type Value = Entries<'d, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    list.push((name, value));
                }
                Ok(Entries { list })
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

// === impl PathItem ===

impl<'de: 'd, 'd> Deserialize<'de> for PathItem<'d> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<'d>(PhantomData<&'d ()>);
        impl<'de: 'd, 'd> Visitor<'de> for Members<'d> {
            type Value = PathItem<'d>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path item: an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathItem<'d>, A::Error> {
                let mut item = PathItem::default();
                while let Some(Text(name)) = map.next_key()? {
                    match METHODS.iter().find(|(method, _)| *method == name) {
                        Some((_, method)) if item.methods.iter().any(|(known, _)| known == method) => {
                            return Err(serde::de::Error::custom(format_args!("`{name}` stands here twice")));
                        }
                        Some((_, method)) => item.methods.push((method, map.next_value()?)),
                        None if name == "$ref" => item.reference = Some(map.next_value::<Text<'d>>()?.0),
                        None if name == "parameters" => item.parameters = map.next_value()?,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(item)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}
