//! What goes to standard output: JSON, records, tables.

use std::fmt;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use serde_json::Value;

use super::failure::Failure;

/// What stands for a value that is not there.
const NOTHING: &str = "–";
/// Between two columns.
const GAP: &str = "  ";

/// How results are printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    color: bool,
}

/// Rows under headings, each column as wide as its widest cell.
#[derive(Debug, Default)]
pub(crate) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
    color: bool,
}

/// What a list is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListOf {
    /// In the plural.
    pub(crate) things: &'static str,
    /// The command that makes one; empty where there is none.
    pub(crate) make: &'static str,
}

// === impl ListOf ===

impl ListOf {
    fn nothing(self, chosen: bool) -> String {
        let Self { things, make } = self;
        match (chosen, make) {
            (true, _) => format!("No {things} like that."),
            (false, "") => format!("No {things} yet."),
            (false, make) => format!("No {things} yet. Make one: {make}"),
        }
    }
}

// === impl Output ===

impl Output {
    /// JSON, or text for people: in colour on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn new(json: bool) -> Self {
        let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty());
        Self { json, color }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints text as it is, with a line break at its end.
    #[allow(clippy::unused_self, reason = "whatever is printed is printed by an `Output`")]
    pub(crate) fn text(self, text: impl fmt::Display) -> Result<(), Failure> {
        match writeln!(std::io::stdout().lock(), "{text}") {
            // Whoever reads has seen enough, such as `head`.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => Ok(result?),
        }
    }

    /// Prints a JSON value.
    pub(crate) fn value(self, value: &Value) -> Result<(), Failure> {
        self.text(format_args!("{value:#}"))
    }

    /// Prints one record: as JSON, or a line for each field that holds something.
    pub(crate) fn record(self, record: &Value) -> Result<(), Failure> {
        if self.json {
            return self.value(record);
        }
        let mut table = self.table(&[]);
        for (name, value) in record.as_object().into_iter().flatten().filter(|(_, value)| !is_empty(value)) {
            table.row([name.clone(), cell(value)]);
        }
        self.text(table)
    }

    /// An empty table with these headings.
    pub(crate) fn table(self, headings: &[&str]) -> Table {
        let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
        Table { headings, rows: Vec::new(), color: self.color }
    }

    /// Prints a page of a list, and on standard error how to go on; where there is nothing, a sentence there in place of
    /// bare headings. `query` is what the page was asked by, `make` the command that makes such a thing.
    pub(crate) fn page(
        self,
        table: &Table,
        answer: &Value,
        query: &[(&str, String)],
        page: ListOf,
    ) -> Result<(), Failure> {
        if table.len() == 0 {
            // Neither the length of a page nor the order leaves anything out.
            let chooses = |(name, _): &(&str, String)| !["limit", "sort"].contains(name);
            eprintln!("{}", page.nothing(query.iter().any(chooses)));
            return Ok(());
        }
        self.text(table)?;
        if let Some(cursor) = answer["next_cursor"].as_str() {
            eprintln!("{} {} shown; more with --cursor {cursor}", table.len(), page.things);
        }
        Ok(())
    }

    /// Says on standard error why a command failed.
    pub(crate) fn failure(self, failure: &Failure) -> ExitCode {
        // Nobody is left to tell when even standard error is closed.
        let _ = if self.json {
            writeln!(std::io::stderr(), "{:#}", failure.to_json())
        } else {
            writeln!(std::io::stderr(), "claviger: {}", printable(&failure.message))
        };
        ExitCode::from(failure.code)
    }
}

// === impl Table ===

impl Table {
    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in std::iter::once(&self.headings).chain(&self.rows) {
            for (index, cell) in row.iter().enumerate() {
                let width = cell.chars().count();
                match widths.get_mut(index) {
                    Some(widest) => *widest = width.max(*widest),
                    None => widths.push(width),
                }
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let headings = (!self.headings.is_empty()).then_some(&self.headings);
        let mut lines = Vec::new();
        for (index, row) in headings.into_iter().chain(&self.rows).enumerate() {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let is_heading = headings.is_some() && index == 0 || headings.is_none() && column == 0;
                let padding = if column + 1 == row.len() { 0 } else { width - cell.chars().count() };
                line.push_str(&painted(cell, is_heading, self.color));
                line.push_str(&" ".repeat(padding));
                line.push_str(if column + 1 == row.len() { "" } else { GAP });
            }
            lines.push(line);
        }
        f.write_str(&lines.join("\n"))
    }
}

/// A cell in its colour: headings bold, states green and red.
fn painted(cell: &str, is_heading: bool, color: bool) -> String {
    let code = match cell {
        _ if !color => return cell.to_owned(),
        _ if is_heading => "1",
        "active" | "live" | "VALID" | "passed" => "32",
        "disabled" | "expired" | "deleted" | "failed" | "lost" => "31",
        "not_yet_valid" | "pending" => "33",
        _ => return cell.to_owned(),
    };
    format!("\u{1b}[{code}m{cell}\u{1b}[0m")
}

/// A value as a cell of a table.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => NOTHING.to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let main = ["range", "name", "at", "id", "type"].iter().find_map(|name| fields.get(*name)?.as_str());
            main.map_or_else(|| value.to_string(), str::to_owned)
        }
        other => other.to_string(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Without control characters: names come from others, and a terminal obeys escapes.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLAIN: Output = Output { json: false, color: false };

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = PLAIN.table(&["ID", "NAME", "STATE"]);
        table.row(["key_1", "Été", "active"].map(str::to_owned));
        table.row(["key_22", "a longer name", "disabled"].map(str::to_owned));
        let expected = "\
ID      NAME           STATE
key_1   Été            active
key_22  a longer name  disabled";
        assert_eq!(table.to_string(), expected);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        let keys = ListOf { things: "keys", make: "claviger key create --name NAME" };
        assert_eq!(keys.nothing(false), "No keys yet. Make one: claviger key create --name NAME");
        assert_eq!(keys.nothing(true), "No keys like that.");
        assert_eq!(ListOf { things: "entries", make: "" }.nothing(false), "No entries yet.");
    }

    #[test]
    fn colour_changes_no_width() {
        let mut table = Output { json: false, color: true }.table(&["STATE", "NAME"]);
        table.row(["active", "x"].map(str::to_owned));
        let text = table.to_string();
        assert!(text.contains("\u{1b}[32mactive\u{1b}[0m  x"), "{text:?}");
        assert!(text.contains("\u{1b}[1mSTATE\u{1b}[0m   "), "{text:?}");
    }

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        let mut table = PLAIN.table(&["NAME"]);
        table.row(["\u{1b}[2Jgone".to_owned()]);
        assert!(!table.to_string().contains('\u{1b}'));
    }

    #[test]
    fn cells_show_what_matters_of_a_value() {
        for (value, text) in [
            (json!(null), "–"),
            (json!([]), "–"),
            (json!(["a", "b"]), "a, b"),
            (json!([{"range": "10.0.0.0/8", "label": null}]), "10.0.0.0/8"),
            (json!({"at": "2030-01-01T00:00:00Z", "ip": null}), "2030-01-01T00:00:00Z"),
            (json!(3), "3"),
        ] {
            assert_eq!(cell(&value), text);
        }
    }
}
