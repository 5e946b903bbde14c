//! `$ref` within the document: followed for path items and parameters alone, never out of it.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use super::problem::Problems;
use super::source::{Components, Entries, Parameter, PathItem, Root, decode, without_position};

/// The longest chain of references.
pub(super) const REFERENCES_DEPTH_MAX: usize = 8;
/// The most bytes that are read over again because references point at them.
const REFERENCED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What references may point at: the paths and `components`.
pub(super) struct References<'d> {
    pub(super) paths: Vec<(Cow<'d, str>, &'d RawValue)>,
    places: HashMap<Cow<'d, str>, &'d RawValue>,
    parameters: HashMap<Cow<'d, str>, Parameter<'d>>,
    path_items: HashMap<Cow<'d, str>, &'d RawValue>,
    bytes_left: usize,
}

/// What a reference could not be followed for.
type Broken = String;

// === impl References ===

impl<'d> References<'d> {
    pub(super) fn read(root: &Root<'d>, problems: &mut Problems) -> Self {
        if root.paths.is_none() {
            problems.note("paths", "expected an object with the paths of the API, found none");
        }
        let paths: Entries<'d, &'d RawValue> = decode(root.paths, "paths", problems);
        let components: Components<'d> = decode(root.components, "components", problems);
        let mut places = HashMap::with_capacity(paths.list.len());
        for (path, item) in &paths.list {
            if places.insert(path.clone(), *item).is_some() {
                problems.note(format!("paths.{path}"), "the path stands here twice");
            }
        }
        Self {
            paths: paths.list,
            places,
            parameters: components.parameters.list.into_iter().collect(),
            path_items: components.path_items.list.into_iter().collect(),
            bytes_left: REFERENCED_BYTES_MAX,
        }
    }

    /// Reads a path item, following its reference. What stands beside the reference joins what it points at.
    pub(super) fn path_item(&mut self, raw: &'d RawValue) -> Result<PathItem<'d>, Broken> {
        let mut whole: PathItem<'d> = read_json(raw)?;
        let mut next = whole.reference.take();
        for _ in 0..REFERENCES_DEPTH_MAX {
            let Some(reference) = next else { return Ok(whole) };
            let raw = self.find_path_item(&pointer(&reference)?).ok_or_else(|| points_nowhere(&reference))?;
            self.spend(raw.get().len())?;
            let target: PathItem<'d> = read_json(raw)?;
            next = target.reference;
            // The nearer one wins: a reader meets it first.
            whole.parameters.splice(0..0, target.parameters);
            let fresh: Vec<_> = target
                .methods
                .into_iter()
                .filter(|(method, _)| whole.methods.iter().all(|(known, _)| known != method))
                .collect();
            whole.methods.extend(fresh);
        }
        if next.is_some() { Err(too_deep()) } else { Ok(whole) }
    }

    /// Follows a parameter's reference. `None`: it points out of the document, where nothing is fetched from.
    pub(super) fn parameter(&mut self, parameter: &Parameter<'d>) -> Result<Option<Parameter<'d>>, Broken> {
        let mut parameter = parameter.clone();
        for _ in 0..=REFERENCES_DEPTH_MAX {
            let Some(reference) = &parameter.reference else { return Ok(Some(parameter)) };
            if !reference.starts_with('#') {
                return Ok(None);
            }
            let found = self.find_parameter(&pointer(reference)?)?;
            parameter = found.ok_or_else(|| points_nowhere(reference))?;
        }
        Err(too_deep())
    }

    fn find_path_item(&self, steps: &[String]) -> Option<&'d RawValue> {
        match steps {
            [paths, path] if paths == "paths" => self.places.get(path.as_str()).copied(),
            [components, kind, name] if components == "components" && kind == "pathItems" => {
                self.path_items.get(name.as_str()).copied()
            }
            _ => None,
        }
    }

    fn find_parameter(&mut self, steps: &[String]) -> Result<Option<Parameter<'d>>, Broken> {
        if let [components, kind, name] = steps
            && components == "components"
            && kind == "parameters"
        {
            return Ok(self.parameters.get(name.as_str()).cloned());
        }
        // Bundlers point at the first place where a parameter stood: `#/paths/~1gists/get/parameters/0`.
        let (raw, steps) = match steps {
            [paths, path, rest @ ..] if paths == "paths" => (self.places.get(path.as_str()), rest),
            [components, kind, name, rest @ ..] if components == "components" && kind == "pathItems" => {
                (self.path_items.get(name.as_str()), rest)
            }
            _ => return Ok(None),
        };
        let Some(raw) = raw.copied() else { return Ok(None) };
        self.spend(raw.get().len())?;
        let item: PathItem<'d> = read_json(raw)?;
        let (list, index) = match steps {
            [parameters, index] if parameters == "parameters" => (Some(item.parameters), index),
            [method, parameters, index] if parameters == "parameters" => {
                let mut methods = item.methods.into_iter();
                let operation = methods.find(|(known, _)| known.eq_ignore_ascii_case(method));
                (operation.map(|(_, operation)| operation.parameters), index)
            }
            _ => return Ok(None),
        };
        let index: Option<usize> = index.parse().ok();
        Ok(list.zip(index).and_then(|(list, index)| list.into_iter().nth(index)))
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Broken> {
        self.bytes_left =
            self.bytes_left.checked_sub(bytes).ok_or("the document's references together point at more than 64 MiB")?;
        Ok(())
    }
}

fn read_json<'d, T: serde::Deserialize<'d>>(raw: &'d RawValue) -> Result<T, Broken> {
    serde_json::from_str(raw.get()).map_err(|error| without_position(&error))
}

/// The steps of a reference: a JSON pointer in a fragment (RFC 6901, 6).
pub(super) fn pointer(reference: &str) -> Result<Vec<String>, Broken> {
    let Some(pointer) = reference.strip_prefix('#') else {
        return Err(format!("`{}` points out of the document; nothing is fetched from elsewhere", shown(reference)));
    };
    let steps = pointer.strip_prefix('/').ok_or_else(|| points_nowhere(reference))?.split('/');
    steps
        .map(|step| {
            Ok(percent_decoded(step).ok_or_else(|| points_nowhere(reference))?.replace("~1", "/").replace("~0", "~"))
        })
        .collect()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (digits, tail) = tail.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn points_nowhere(reference: &str) -> Broken {
    format!("`{}` points at nothing in this document that could stand here", shown(reference))
}

fn too_deep() -> Broken {
    format!("its reference leads back to itself, or over more than {REFERENCES_DEPTH_MAX} others")
}

fn shown(reference: &str) -> &str {
    reference.char_indices().nth(200).map_or(reference, |(end, _)| &reference[..end])
}
