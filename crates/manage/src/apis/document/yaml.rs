//! A YAML document as the JSON text that says the same, so that one reader serves both.
//!
//! Written from the parser's events under limits of our own: what aliases stand for is counted as it is written, so a
//! document that would grow without end is refused before it does.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use std::collections::HashMap;
use std::ops::Range;

use super::problem::DocumentError;

/// The most bytes of the JSON that a YAML document says; with aliases a small one says much.
pub(super) const EXPANDED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most mappings and sequences that stand in each other.
const DEPTH_MAX: usize = 100;

/// The JSON as it is written.
#[derive(Debug, Default)]
struct Writer {
    json: String,
    open: Vec<Collection>,
    /// Where what an anchor names was written.
    anchors: HashMap<usize, Range<usize>>,
    documents: usize,
    /// How many collections were open at the key of an example.
    example: Option<usize>,
}

/// A mapping or sequence that is not closed yet.
#[derive(Debug)]
struct Collection {
    kind: Kind,
    anchor: usize,
    start: usize,
    is_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sequence,
    /// A key comes next.
    Mapping,
    /// The value of a key comes next.
    Value,
}

/// The JSON that a YAML document says. Keys are texts, and so are numbers: nothing that is read of a document is one, and a
/// version written `1.10` is no `1.1`. In examples, which are only shown, numbers are numbers.
pub(super) fn to_json(bytes: &[u8]) -> Result<String, DocumentError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        DocumentError::one("document", format!("not YAML: byte {} is no UTF-8", error.valid_up_to()))
    })?;
    let mut writer = Writer::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| no_yaml(&error))?;
        writer.take(event).map_err(|problem| at(&span.start, &problem))?;
    }
    Ok(writer.json)
}

fn no_yaml(error: &ScanError) -> DocumentError {
    at(error.marker(), &format!("not YAML, or cut off: {}", error.info()))
}

fn at(marker: &Marker, problem: &str) -> DocumentError {
    DocumentError::one("document", format!("{problem}, at line {}, column {}", marker.line(), marker.col() + 1))
}

// === impl Writer ===

impl Writer {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("expected one document, found another".to_owned());
                }
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref())?,
            Event::SequenceStart(anchor, _) => self.begin(Kind::Sequence, anchor)?,
            Event::MappingStart(anchor, _) => self.begin(Kind::Mapping, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        if self.json.len() > EXPANDED_BYTES_MAX {
            return Err(too_large());
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
        let is_key = self.is_key();
        if is_key && text == "<<" && style == ScalarStyle::Plain {
            return Err("merge keys (`<<`) are no part of YAML 1.2; write the members out".to_owned());
        }
        self.note_example(is_key.then_some(text));
        self.separate();
        let start = self.json.len();
        match text {
            _ if is_key || style != ScalarStyle::Plain || tag.is_some_and(is_text) => self.push_text(text),
            "" | "~" | "null" | "Null" | "NULL" => self.json.push_str("null"),
            "true" | "True" | "TRUE" => self.json.push_str("true"),
            "false" | "False" | "FALSE" => self.json.push_str("false"),
            _ if self.example.is_some() && is_number(text) => self.json.push_str(text),
            _ => self.push_text(text),
        }
        self.written(anchor, start);
        Ok(())
    }

    /// Begins or ends an example, by the key, or the place of the value, that comes next.
    fn note_example(&mut self, key: Option<&str>) {
        let depth = self.open.len();
        let is_over = |example: usize| depth < example || depth == example && key.is_some();
        self.example = self.example.filter(|example| !is_over(*example));
        if self.example.is_none() && key.is_some_and(|key| ["example", "examples"].contains(&key)) {
            self.example = Some(depth);
        }
    }

    fn alias(&mut self, anchor: usize) -> Result<(), String> {
        let Some(range) = self.anchors.get(&anchor).cloned() else {
            return Err("an alias stands in what it stands for: it would go on without end".to_owned());
        };
        if self.is_key() && !self.json[range.clone()].starts_with('"') {
            return Err("expected a text as the key of a mapping".to_owned());
        }
        if self.json.len() + range.len() > EXPANDED_BYTES_MAX {
            return Err(too_large());
        }
        self.separate();
        let start = self.json.len();
        self.json.extend_from_within(range);
        self.written(0, start);
        Ok(())
    }

    fn begin(&mut self, kind: Kind, anchor: usize) -> Result<(), String> {
        if self.is_key() {
            return Err("expected a text as the key of a mapping".to_owned());
        }
        if self.open.len() == DEPTH_MAX {
            return Err(format!("expected at most {DEPTH_MAX} mappings and sequences in each other"));
        }
        self.separate();
        self.open.push(Collection { kind, anchor, start: self.json.len(), is_empty: true });
        self.json.push(if kind == Kind::Sequence { '[' } else { '{' });
        Ok(())
    }

    fn end(&mut self) {
        let Some(Collection { kind, anchor, start, .. }) = self.open.pop() else { return };
        self.json.push(if kind == Kind::Sequence { ']' } else { '}' });
        self.written(anchor, start);
    }

    fn is_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.kind == Kind::Mapping)
    }

    /// Writes what stands between the last thing and the next one.
    fn separate(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        match open.kind {
            Kind::Value => self.json.push(':'),
            Kind::Sequence | Kind::Mapping if open.is_empty => open.is_empty = false,
            Kind::Sequence | Kind::Mapping => self.json.push(','),
        }
    }

    /// Notes that one thing is whole: an anchor names it from now on, and a key awaits its value.
    fn written(&mut self, anchor: usize, start: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, start..self.json.len());
        }
        if let Some(open) = self.open.last_mut() {
            open.kind = match open.kind {
                Kind::Mapping => Kind::Value,
                Kind::Value => Kind::Mapping,
                Kind::Sequence => Kind::Sequence,
            };
        }
    }

    fn push_text(&mut self, text: &str) {
        self.json.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// `!!str`, or a type of one's own, which is text to us.
/// Whether it is a number as JSON writes one.
fn is_number(text: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(text).is_ok() && !text.contains(char::is_whitespace)
}

fn is_text(tag: &Tag) -> bool {
    !tag.is_yaml_core_schema() || tag.suffix == "str"
}

fn too_large() -> String {
    format!("its aliases make it larger than {} MiB; write out what they stand for", EXPANDED_BYTES_MAX / 1024 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(yaml: &str) -> serde_json::Value {
        serde_json::from_str(&to_json(yaml.as_bytes()).expect("good YAML")).expect("JSON")
    }

    fn problem(yaml: &str) -> String {
        to_json(yaml.as_bytes()).expect_err("bad YAML").to_string()
    }

    #[test]
    fn yaml_says_what_json_says() {
        let yaml = "
%YAML 1.2
---
openapi: 3.1.0
info: {title: 'It''s', version: 1.10, x: !!str true}
paths:
  /a/{id}:
    get: &get
      tags: [a, \"b\\n\", ]
      deprecated: true
      summary: >-
        one
        two
    put: *get
    200: ~
empty:
";
        assert_eq!(
            json(yaml.trim_start()),
            serde_json::json!({
                "openapi": "3.1.0", "info": {"title": "It's", "version": "1.10", "x": "true"},
                "paths": {"/a/{id}": {
                    "get": {"tags": ["a", "b\n"], "deprecated": true, "summary": "one two"},
                    "put": {"tags": ["a", "b\n"], "deprecated": true, "summary": "one two"},
                    "200": null,
                }},
                "empty": null,
            })
        );
        assert_eq!(json("\u{feff}a: 1"), serde_json::json!({"a": "1"}));
        assert_eq!(json("{\"a\": [1, true, null]}"), serde_json::json!({"a": ["1", true, null]}), "JSON is YAML");
        assert_eq!(to_json(b"# nothing").expect("good YAML"), "");
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for level in 1..30 {
            let list = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{list}]\n");
        }
        assert!(problem(&bomb).starts_with("document: its aliases make it larger than 64 MiB"), "{}", problem(&bomb));
        let cyclic = problem("a: &a\n  b: *a\n");
        assert_eq!(
            cyclic,
            "document: an alias stands in what it stands for: it would go on without end, at line 2, column 6"
        );
        let deep = problem(&"[".repeat(100_000));
        // The parser has a limit of its own for brackets.
        assert!(deep.contains("at most 100 mappings and sequences") || deep.contains("recursion limit"), "{deep}");
        assert!(problem(&"- ".repeat(5_000)).contains("at most 100"));
    }

    #[test]
    fn what_is_no_document_says_where() {
        for (yaml, expected) in [
            ("a: 'b", "at line 1"),
            ("a: [b, c", "at line"),
            ("a: b\n c: d: e", "at line 2"),
            ("a: *b", "at line 1"),
            ("a: 1\n---\nb: 1", "expected one document, found another, at line 2"),
            ("<<: {a: 1}", "merge keys"),
            ("[a]: 1", "expected a text as the key"),
            ("a: &a [1]\n*a : 1", "expected a text as the key"),
        ] {
            let problem = problem(yaml);
            assert!(problem.starts_with("document: ") && problem.contains(expected), "{yaml:?}: {problem}");
        }
        assert_eq!(to_json(b"a: \xff").expect_err("no UTF-8").to_string(), "document: not YAML: byte 3 is no UTF-8");
    }
}
