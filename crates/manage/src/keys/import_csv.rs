//! Rows of CSV as the bodies of creations: the columns of a key export, and what the value is known by.

use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value, json};

/// Texts of the body of a creation, under their own names.
const TEXTS: [&str; 6] = ["name", "description", "environment", "external_id", "not_before", "expires_at"];
/// Lists, with `,` between their members.
const LISTS: [&str; 4] = ["tags", "api_sets", "operations", "allowed_ips"];
/// `true` or `false`.
const TRUTHS: [&str; 2] = ["disabled", "idle_exempt"];
/// What the value is known by.
const IMPORTS: [&str; 3] = ["value", "sha256", "sha512"];
/// Whose the key is.
const OWNER: [&str; 2] = ["owner_type", "owner_id"];
/// What an export tells of a key and nobody can set: passed over, so that a file which was exported can come back.
const TOLD: [&str; 15] = [
    "id",
    "state",
    "state_reason",
    "shape",
    "hint",
    "owner_name",
    "allowed_ips_count",
    "last_used_at",
    "last_used_ip",
    "created_by_type",
    "created_by_id",
    "created_at",
    "updated_at",
    "approved_at",
    "approved_by_name",
];

/// A row with the line that it begins on: a body, or why it is none.
pub type CsvRow = (usize, Result<Value, String>);

/// The rows of a file of CSV (RFC 4180) whose first line names the columns; reading ends behind `rows_max` of them.
///
/// # Errors
/// A sentence about the first line; what is wrong with a row stands in its place.
pub fn rows_of_csv(text: &[u8], rows_max: usize) -> Result<Vec<CsvRow>, String> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let columns = reader.headers().map_err(|_| "the first line is no line of CSV in UTF-8".to_owned())?.clone();
    let columns: Vec<String> =
        columns.iter().map(|name| name.trim().trim_start_matches('\u{feff}').to_owned()).collect();
    check_columns(&columns)?;
    let (mut rows, mut record, mut lines) = (Vec::new(), StringRecord::new(), Lines { text, seen: 0, number: 1 });
    while rows.len() < rows_max {
        let line = lines.at(usize::try_from(reader.position().byte()).unwrap_or(usize::MAX));
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => rows.push((line, body(&columns, &record))),
            Err(_) => rows.push((line, Err("is no line of CSV in UTF-8".to_owned()))),
        }
    }
    Ok(rows)
}

/// Numbers of lines. The reader's own are one too low where lines end in CR LF, of which it leaves the LF to the next line.
struct Lines<'t> {
    text: &'t [u8],
    /// How far lines were counted.
    seen: usize,
    number: usize,
}

impl Lines<'_> {
    /// The line of the first row behind this byte, which is never before that of the last call.
    fn at(&mut self, byte: usize) -> usize {
        let behind = |at: usize| self.text.get(at).is_some_and(|byte| matches!(byte, b'\r' | b'\n'));
        let mut begin = byte.min(self.text.len());
        while behind(begin) {
            begin += 1;
        }
        let passed = self.text.get(self.seen..begin).unwrap_or_default();
        self.number += passed.split(|byte| *byte == b'\n').count() - 1;
        self.seen = self.seen.max(begin);
        self.number
    }
}

fn check_columns(columns: &[String]) -> Result<(), String> {
    let known = [&TEXTS[..], &LISTS, &TRUTHS, &IMPORTS, &OWNER, &TOLD].concat();
    for (place, name) in columns.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            return Err(format!("there is no column {name:?}; expected some of {}", known.join(", ")));
        }
        if columns[..place].contains(name) {
            return Err(format!("the column {name:?} is there twice"));
        }
    }
    match IMPORTS.iter().any(|name| columns.iter().any(|column| column == name)) {
        true if columns.iter().any(|column| column == "name") => Ok(()),
        true => Err("the column \"name\" is required".to_owned()),
        false => Err(format!("one of the columns {} is required", IMPORTS.join(", "))),
    }
}

fn body(columns: &[String], record: &StringRecord) -> Result<Value, String> {
    if record.len() != columns.len() {
        return Err(format!("has {} cells where the first line names {} columns", record.len(), columns.len()));
    }
    let (mut body, mut import, mut owner) = (Map::new(), Map::new(), Map::new());
    for (name, cell) in columns.iter().map(String::as_str).zip(record) {
        let cell = unescaped(cell);
        if cell.is_empty() {
            continue;
        }
        if TEXTS.contains(&name) {
            body.insert(name.to_owned(), json!(cell));
        } else if LISTS.contains(&name) {
            let members: Vec<_> = cell.split(',').map(str::trim).filter(|member| !member.is_empty()).collect();
            body.insert(name.to_owned(), json!(members));
        } else if TRUTHS.contains(&name) {
            let is_true = cell.parse::<bool>().map_err(|_| format!("{name}: expected true or false"))?;
            body.insert(name.to_owned(), json!(is_true));
        } else if IMPORTS.contains(&name) {
            import.insert(name.to_owned(), json!(cell));
        } else if let Some(member) = name.strip_prefix("owner_").filter(|_| OWNER.contains(&name)) {
            owner.insert(member.to_owned(), json!(cell));
        }
    }
    if !body.contains_key("api_sets") && !body.contains_key("operations") {
        body.insert("api_sets".to_owned(), json!([]));
    }
    body.insert("import".to_owned(), Value::Object(import));
    if !owner.is_empty() {
        body.insert("owner".to_owned(), Value::Object(owner));
    }
    Ok(Value::Object(body))
}

/// A cell without the apostrophe that an export puts before what a spreadsheet would take for a formula.
fn unescaped(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_body_of_a_creation() {
        let text = "\u{feff}name,tags,api_sets,owner_type,owner_id,idle_exempt,sha512,state\r\n\
                    \"A \"\"b\"\", c\",\"x, y\",\"issues,events\",application,portal,true,sha512$$ab,active\r\n\
                    '=1+1,,,,,,cd,\r\n";
        let rows = rows_of_csv(text.as_bytes(), usize::MAX).expect("columns");
        assert_eq!(rows_of_csv(text.as_bytes(), 1).map(|rows| rows.len()), Ok(1));
        let first = json!({
            "name": "A \"b\", c", "tags": ["x", "y"], "api_sets": ["issues", "events"], "idle_exempt": true,
            "import": {"sha512": "sha512$$ab"}, "owner": {"type": "application", "id": "portal"},
        });
        let second = json!({"name": "=1+1", "api_sets": [], "import": {"sha512": "cd"}});
        assert_eq!(rows, [(2, Ok(first)), (3, Ok(second))]);
    }

    #[test]
    fn what_is_wrong_with_a_row_stands_in_its_place_and_the_others_are_read() {
        let text = b"name,value,disabled\na,1\nb,2,maybe\n\"c\nc\",3,false\nd,\xff,true\ne,5,\n";
        let rows = rows_of_csv(text, usize::MAX).expect("columns");
        let read: Vec<_> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(read, [(2, false), (3, false), (4, true), (6, false), (7, true)]);
        assert_eq!(rows[0].1.as_ref().expect_err("short"), "has 2 cells where the first line names 3 columns");
    }

    #[test]
    fn what_was_exported_can_come_back() {
        let names = crate::keys::export::COLUMNS.map(|(name, _)| name).join(",");
        assert_eq!(rows_of_csv(format!("{names},sha256\n").as_bytes(), usize::MAX), Ok(Vec::new()));
    }

    #[test]
    fn columns_that_nobody_knows_or_that_are_missing_are_told() {
        for (text, told) in [
            ("name,valeu\n", "no column \"valeu\""),
            ("name,value,name\n", "twice"),
            ("name,tags\n", "one of the columns value, sha256, sha512 is required"),
            ("value\n", "\"name\" is required"),
            ("", "one of the columns"),
        ] {
            let error = rows_of_csv(text.as_bytes(), usize::MAX).expect_err(text);
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
