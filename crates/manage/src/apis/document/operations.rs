//! `paths`: an operation for each method of each path.

use std::collections::HashMap;

use claviger_domain::api::OPERATIONS_MAX;
use claviger_domain::name::free_text;
use claviger_domain::operation::{Operation, Template};

use super::manual::Manuals;
use super::operation_name;
use super::problem::Problems;
use super::reference::References;
use super::source::{Parameter, PathOperation, Root};

/// The most characters that are kept of a summary.
const SUMMARY_LENGTH_MAX: usize = 200;
/// The most parameters of one operation, its path's among them.
const PARAMETERS_MAX: usize = 1_000;
/// The most tags that are kept of an operation.
const TAGS_MAX: usize = 20;
/// The longest tag, in bytes; longer ones are dropped.
const TAG_BYTES_MAX: usize = 120;

/// The operations as they are gathered.
struct Reader<'d, 'p> {
    references: References<'d>,
    problems: &'p mut Problems,
    operations: Vec<Operation>,
    manuals: Manuals<'d>,
    /// What they wrote of each operation.
    written: Vec<Box<str>>,
    /// Where each name stood first.
    names: HashMap<Box<str>, String>,
}

/// Reads all operations in document order, with the manual of each.
pub(super) fn read(root: &Root<'_>, problems: &mut Problems) -> (Vec<Operation>, Vec<Box<str>>) {
    let mut references = References::read(root, problems);
    let paths = std::mem::take(&mut references.paths);
    let mut reader = Reader {
        references,
        problems,
        operations: Vec::new(),
        manuals: Manuals::read(root),
        written: Vec::new(),
        names: HashMap::new(),
    };
    for (path, raw) in paths {
        if path.starts_with("x-") {
            continue;
        }
        if reader.problems.is_full() || !reader.read_path(&path, raw) {
            break;
        }
    }
    (reader.operations, reader.written)
}

// === impl Reader ===

impl<'d> Reader<'d, '_> {
    /// Reads one path; `false`: enough has been seen.
    fn read_path(&mut self, path: &str, raw: &'d serde_json::value::RawValue) -> bool {
        let place = format!("paths.{}", path.chars().take(200).collect::<String>());
        let item = match self.references.path_item(raw) {
            Ok(item) => item,
            Err(problem) => {
                self.problems.note(place, problem);
                return true;
            }
        };
        if item.methods.is_empty() {
            return true;
        }
        if let Err(problem) = Template::parse::<&str>(path, &[]) {
            self.problems.note(place, problem.to_string());
            return true;
        }
        for (method, operation) in item.methods {
            if self.operations.len() == OPERATIONS_MAX {
                self.problems.note(
                    "paths",
                    format!("an API may have at most {OPERATIONS_MAX} operations; this document has more"),
                );
                return false;
            }
            self.read_operation(&place, path, method, &operation, &item.parameters);
        }
        true
    }

    fn read_operation(
        &mut self,
        path_place: &str,
        path: &str,
        method: &'static str,
        operation: &PathOperation<'d>,
        of_path: &[Parameter<'d>],
    ) {
        let place = format!("{path_place}.{}", method.to_ascii_lowercase());
        if of_path.len() + operation.parameters.len() > PARAMETERS_MAX {
            return self.problems.note(format!("{place}.parameters"), format!("expected at most {PARAMETERS_MAX}"));
        }
        let parameters = match self.parameters(of_path.iter().chain(&operation.parameters)) {
            Ok(parameters) => parameters,
            Err(problem) => return self.problems.note(format!("{place}.parameters"), problem),
        };
        let Some(name) = operation_name::make(operation.operation_id.as_deref(), method, path) else {
            let message = "an operation's name (its operationId, else method and path) has at most 256 bytes";
            return self.problems.note(format!("{place}.operationId"), message);
        };
        if let Some(first) = self.names.insert(name.clone(), place.clone()) {
            let message = format!("the operation's name `{name}` is taken by {first}");
            return self.problems.note(format!("{place}.operationId"), message);
        }
        let summary = operation.summary.as_deref().filter(|text| !text.trim().is_empty());
        self.operations.push(Operation {
            name,
            method: method.into(),
            template: path.into(),
            multi_segment: multi_segment(path, &parameters),
            summary: one_line(summary.or(operation.description.as_deref()).unwrap_or_default()),
            tags: kept_tags(&operation.tags),
            versions: Vec::new(),
        });
        self.written.push(self.manuals.write(operation, &parameters));
    }

    /// The parameters where references to them lead. An operation's own one replaces the path's of its name and place.
    fn parameters<'a>(
        &mut self,
        parameters: impl Iterator<Item = &'a Parameter<'d>>,
    ) -> Result<Vec<Parameter<'d>>, String>
    where
        'd: 'a,
    {
        let mut found: Vec<Parameter<'d>> = Vec::new();
        for parameter in parameters {
            let Some(parameter) = self.references.parameter(parameter)? else { continue };
            match found.iter_mut().find(|known| (&known.name, &known.place) == (&parameter.name, &parameter.place)) {
                Some(known) => *known = parameter,
                None => found.push(parameter),
            }
        }
        Ok(found)
    }
}

/// The path parameters that take several segments.
fn multi_segment(path: &str, parameters: &[Parameter<'_>]) -> Vec<Box<str>> {
    let of_path = parameters.iter().filter(|one| one.place.as_deref() == Some("path") && one.multi_segment);
    let names = of_path.filter_map(|one| one.name.as_deref());
    names.filter(|name| path.contains(&format!("{{{name}}}"))).map(Into::into).collect()
}

/// The first line of a text, cut to what is kept.
fn one_line(text: &str) -> Box<str> {
    let line = text.trim().lines().next().unwrap_or_default();
    let plain: String = line.chars().filter(|c| !c.is_control()).take(SUMMARY_LENGTH_MAX).collect();
    plain.trim().into()
}

fn kept_tags(tags: &[String]) -> Vec<Box<str>> {
    let fits = |tag: &&String| (1..=TAG_BYTES_MAX).contains(&tag.len()) && free_text(tag, TAG_BYTES_MAX).is_ok();
    let mut kept: Vec<Box<str>> = Vec::new();
    for tag in tags.iter().filter(fits).take(TAGS_MAX) {
        if !kept.iter().any(|known| **known == **tag) {
            kept.push(tag.as_str().into());
        }
    }
    kept
}
