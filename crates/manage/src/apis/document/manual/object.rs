//! Objects of a document that nobody vouches for: some of their members, and where references lead.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::reference::{REFERENCES_DEPTH_MAX, pointer};
use super::super::source::{Entries, Root, Text};
use crate::apis::manual::ManualSchema;

/// The most members of an object, and items of a list, that are looked at.
pub(super) const MEMBERS_MAX: usize = 200;
/// The most bytes that are read for manuals, over and over again where references lead to them.
const READ_BYTES_MAX: usize = 512 * 1024 * 1024;
/// The most objects that are kept once they are read.
const KEPT_MAX: usize = 50_000;

type Map<'d> = HashMap<Cow<'d, str>, &'d RawValue>;

/// The first members of an object.
#[derive(Debug, Default)]
pub(super) struct Object<'d> {
    members: Vec<(Cow<'d, str>, &'d RawValue)>,
    /// Whether there are more.
    pub(super) is_cut: bool,
}

/// The first items of a list.
#[derive(Debug, Default)]
struct List<'d>(Vec<&'d RawValue>);

/// What a reference leads to, or what stands there itself.
#[derive(Debug, Clone)]
pub(super) struct Found<'d> {
    pub(super) object: Rc<Object<'d>>,
    /// Where it begins in the document: two of one beginning are one.
    pub(super) place: usize,
    /// The last step of the reference.
    pub(super) name: String,
    /// What stands beside the reference.
    pub(super) beside: Option<Rc<Object<'d>>>,
}

/// The places of a document that references lead to.
pub(super) struct Places<'d> {
    /// `components`, by kind.
    components: HashMap<Cow<'d, str>, Map<'d>>,
    paths: Map<'d>,
    kept: HashMap<usize, Rc<Object<'d>>>,
    /// What was made of texts and schemas, by where they begin: each is met again and again.
    texts: HashMap<usize, Rc<str>>,
    schemas: HashMap<usize, Rc<ManualSchema>>,
    bytes_left: usize,
}

// === impl Places ===

impl<'d> Places<'d> {
    pub(super) fn read(root: &Root<'d>) -> Self {
        let kinds = map(root.components);
        let components = kinds.into_iter().map(|(kind, raw)| (kind, map(Some(raw)))).collect();
        Self {
            components,
            paths: map(root.paths),
            kept: HashMap::new(),
            texts: HashMap::new(),
            schemas: HashMap::new(),
            bytes_left: READ_BYTES_MAX,
        }
    }

    /// The object that stands here, or that a reference here leads to. `None`: neither.
    pub(super) fn find(&mut self, raw: &'d RawValue) -> Option<Found<'d>> {
        let mut found = Found { object: self.object(raw)?, place: place(raw), name: String::new(), beside: None };
        for _ in 0..REFERENCES_DEPTH_MAX {
            let Some(reference) = found.object.text("$ref") else { return Some(found) };
            let mut steps = pointer(&reference).ok()?;
            let target = self.at(&steps)?;
            let object = self.object(target)?;
            let beside = found.beside.unwrap_or(found.object);
            found = Found { object, place: place(target), name: steps.pop()?, beside: Some(beside) };
        }
        None
    }

    fn at(&mut self, steps: &[String]) -> Option<&'d RawValue> {
        let (mut here, rest) = match steps {
            [components, kind, name, rest @ ..] if components == "components" => {
                (*self.components.get(kind.as_str())?.get(name.as_str())?, rest)
            }
            [paths, path, rest @ ..] if paths == "paths" => (*self.paths.get(path.as_str())?, rest),
            _ => return None,
        };
        for step in rest {
            here = match step.parse::<usize>() {
                Ok(index) if here.get().starts_with('[') => *self.list(here).get(index)?,
                _ => self.object(here)?.get(step)?,
            };
        }
        Some(here)
    }

    /// The object that stands here, whatever it refers to.
    pub(super) fn object(&mut self, raw: &'d RawValue) -> Option<Rc<Object<'d>>> {
        if let Some(kept) = self.kept.get(&place(raw)) {
            return Some(kept.clone());
        }
        self.spend(raw)?;
        let object = Rc::new(serde_json::from_str::<Object<'d>>(raw.get()).ok()?);
        if self.kept.len() < KEPT_MAX {
            self.kept.insert(place(raw), object.clone());
        }
        Some(object)
    }

    /// The items of the list that stands here; none where it is no list.
    pub(super) fn list(&mut self, raw: &'d RawValue) -> Vec<&'d RawValue> {
        let is_read = self.spend(raw).is_some();
        if is_read { serde_json::from_str::<List<'d>>(raw.get()).unwrap_or_default().0 } else { Vec::new() }
    }

    /// What `make` makes of what stands here.
    pub(super) fn made(&mut self, raw: &'d RawValue, make: impl FnOnce(&'d RawValue) -> String) -> String {
        if let Some(kept) = self.texts.get(&place(raw)) {
            return (**kept).to_owned();
        }
        let text = make(raw);
        if self.texts.len() < KEPT_MAX {
            self.texts.insert(place(raw), text.as_str().into());
        }
        text
    }

    /// What `make` makes of the schema that was found.
    pub(super) fn facts(
        &mut self,
        found: &Found<'d>,
        make: impl FnOnce(&mut Self, &Object<'d>) -> ManualSchema,
    ) -> ManualSchema {
        if let Some(kept) = self.schemas.get(&found.place) {
            return (**kept).clone();
        }
        let facts = make(self, &found.object);
        if self.schemas.len() < KEPT_MAX {
            self.schemas.insert(found.place, Rc::new(facts.clone()));
        }
        facts
    }

    fn spend(&mut self, raw: &RawValue) -> Option<()> {
        self.bytes_left = self.bytes_left.checked_sub(raw.get().len())?;
        Some(())
    }
}

fn map<'d>(raw: Option<&'d RawValue>) -> Map<'d> {
    let entries = raw.and_then(|raw| serde_json::from_str::<Entries<'d, &'d RawValue>>(raw.get()).ok());
    entries.unwrap_or_default().list.into_iter().collect()
}

fn place(raw: &RawValue) -> usize {
    raw.get().as_ptr().addr()
}

// === impl Object ===

impl<'d> Object<'d> {
    pub(super) fn get(&self, name: &str) -> Option<&'d RawValue> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &'d RawValue)> {
        self.members.iter().map(|(name, raw)| (&**name, *raw))
    }

    /// The text under this name.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'d, str>> {
        text_of(self.get(name)?)
    }

    /// Whether there is `true` under this name.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(is_true)
    }
}

/// The text that stands here.
pub(super) fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

pub(super) fn is_true(raw: &RawValue) -> bool {
    raw.get() == "true"
}

impl<'de: 'd, 'd> Deserialize<'de> for Object<'d> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut object = Object::default();
                while let Some(Text(name)) = map.next_key()? {
                    if object.members.len() < MEMBERS_MAX {
                        object.members.push((name, map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        object.is_cut = true;
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de: 'd, 'd> Deserialize<'de> for List<'d> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = List<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<'de>, A::Error> {
                let mut items = Vec::new();
                while items.len() < MEMBERS_MAX {
                    let Some(item) = seq.next_element()? else { return Ok(List(items)) };
                    items.push(item);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(List(items))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}
