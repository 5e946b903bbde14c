//! `claviger key import`: a file of keys that others made, sent in parts, with progress on standard error.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use claviger_manage::keys::rows_of_csv;
use reqwest::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::client::{Body, Client};
use super::failure::Failure;
use super::input::read_bounded;
use super::output::{Output, cell};
use super::progress::Progress;

/// The most bytes of a file: it is held whole, because it may be one JSON array.
const FILE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// The rows of one call: a transaction's worth.
const PART: usize = 500;
/// The rows of one call that tries them: as many as the server takes, because each call counts its own rows alone.
const PART_TRIED: usize = 10_000;
/// The most bytes of one call.
const PART_BYTES_MAX: usize = 30 * 1024 * 1024;
/// The most wrong rows that are told on a terminal; --json names them all.
const ERRORS_TOLD_MAX: usize = 50;

#[derive(Debug, Args)]
pub(super) struct ImportFile {
    /// The file: a JSON array, a JSON object a line, or CSV whose first line names the columns; - for standard input
    file: PathBuf,
    /// Say what would come of each row, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// A row as it stands in the file.
struct Row<'f> {
    number: usize,
    text: Cow<'f, str>,
}

// === impl ImportFile ===

impl ImportFile {
    pub(super) async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let bytes = Zeroizing::new(read_bounded(&self.file, FILE_BYTES_MAX)?);
        let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage("the file is not UTF-8"))?;
        let rows = rows_of(text)?;
        let (mut keys, mut errors) = (Vec::new(), Vec::new());
        let mut imported = 0;
        let mut progress = Progress::of(rows.len() as u64, "importing", "rows");
        let mut before = 0;
        for part in parts(&rows, if self.dry_run { PART_TRIED } else { PART }) {
            let broken = |failure| broken_off(failure, self.dry_run, before, rows.len(), imported);
            let answer = self.send(client, part).await.map_err(broken)?;
            imported += answer["imported"].as_u64().unwrap_or_default();
            keys.extend(renumbered(&answer["keys"], part));
            errors.extend(renumbered(&answer["errors"], part));
            before += part.len();
            progress.set(before as u64);
        }
        drop(progress);
        self.tell(output, rows.len(), imported, &keys, &errors)
    }

    async fn send(&self, client: &Client, part: &[Row<'_>]) -> Result<Value, Failure> {
        let texts: Vec<&str> = part.iter().map(|row| &*row.text).collect();
        let array = Zeroizing::new(format!("[{}]", texts.join(",")));
        let query = [("dry_run", self.dry_run.to_string())];
        client.send(Method::POST, &["keys", "import"], &query, Body::Raw(array.as_bytes(), "application/json")).await
    }

    fn tell(
        &self,
        output: Output,
        rows: usize,
        imported: u64,
        keys: &[Value],
        errors: &[Value],
    ) -> Result<(), Failure> {
        if output.is_json() {
            let all =
                json!({"dry_run": self.dry_run, "rows": rows, "imported": imported, "keys": keys, "errors": errors});
            output.value(&all)?;
        } else {
            let verb = if self.dry_run { "could be imported" } else { "imported" };
            output.text(format_args!("{imported} of {rows} rows {verb}"))?;
            let told = errors.iter().take(ERRORS_TOLD_MAX);
            for (row, wrong) in
                told.flat_map(|row| row["errors"].as_array().into_iter().flatten().map(move |e| (row, e)))
            {
                eprintln!("row {}: {}: {}", row["row"], cell(&wrong["field"]), cell(&wrong["message"]));
            }
            if errors.len() > ERRORS_TOLD_MAX {
                eprintln!("{} more rows are wrong; --json names them all.", errors.len() - ERRORS_TOLD_MAX);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::refused(format!("{} rows are wrong", errors.len()))) }
    }
}

/// The failure of a part, with how far the parts before it got. What is in already stays: the same file can be sent again,
/// and its rows are refused as in use.
fn broken_off(failure: Failure, dry_run: bool, before: usize, rows: usize, imported: u64) -> Failure {
    if before == 0 || dry_run {
        return failure;
    }
    let message = format!(
        "{}\nThe first {before} of {rows} rows were sent before this, and {imported} of them are imported. Send the file \
         again: rows that are in are refused as in use, the others are imported.",
        failure.message
    );
    let problem = failure.problem.map(|mut problem| {
        problem["rows_sent"] = json!(before);
        problem["imported"] = json!(imported);
        problem
    });
    Failure { message, problem, ..failure }
}

/// The rows of a file with their numbers: places in an array, or lines. A line that is no JSON is sent as a text, so that
/// the server names it like every other wrong row.
fn rows_of(text: &str) -> Result<Vec<Row<'_>>, Failure> {
    if text.trim_start().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!("the file is no JSON array: line {}, column {}", error.line(), error.column()))
        })?;
        return Ok(items.into_iter().zip(1..).map(|(item, number)| Row { number, text: item.get().into() }).collect());
    }
    if !text.trim_start().starts_with('{') {
        return rows_of_table(text);
    }
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let sound = |line: &str| serde_json::from_str::<&RawValue>(line).is_ok();
    Ok(lines.map(|(line, number)| Row { number, text: if sound(line) { line } else { "\"\"" }.into() }).collect())
}

/// The rows of CSV, as the server would read them itself. One that cannot be read is sent with what it says of itself in a field that no
/// creation has, so that the server names it like every other wrong row.
fn rows_of_table(text: &str) -> Result<Vec<Row<'_>>, Failure> {
    let rows = rows_of_csv(text.as_bytes(), usize::MAX)
        .map_err(|error| Failure::usage(format!("the file is neither JSON nor CSV of keys: {error}")))?;
    let text = |row: Result<Value, String>| row.unwrap_or_else(|error| json!({ error: null })).to_string();
    Ok(rows.into_iter().map(|(number, row)| Row { number, text: text(row).into() }).collect())
}

/// Cuts rows into parts of at most so many rows, and of as many bytes as a call takes.
fn parts<'r, 'f>(mut rows: &'r [Row<'f>], most: usize) -> impl Iterator<Item = &'r [Row<'f>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&Row<'_>| {
            bytes += row.text.len() + 1;
            bytes <= PART_BYTES_MAX
        };
        // One that is too long by itself is the server's to refuse.
        let count = rows.iter().take(most).take_while(fits).count().max(1).min(rows.len());
        let (part, rest) = rows.split_at(count);
        rows = rest;
        (!part.is_empty()).then_some(part)
    })
}

/// What an answer says of the rows of a part, by their numbers in the file.
fn renumbered(list: &Value, part: &[Row<'_>]) -> Vec<Value> {
    let list = list.as_array().into_iter().flatten().cloned();
    list.map(|mut item| {
        let place = item["row"].as_u64().and_then(|row| usize::try_from(row).ok()?.checked_sub(1));
        if let Some(row) = place.and_then(|place| part.get(place)) {
            item["row"] = json!(row.number);
        }
        item
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<(usize, String)> {
        rows_of(text).expect("rows").into_iter().map(|row| (row.number, row.text.into_owned())).collect()
    }

    #[test]
    fn rows_are_numbered_as_they_stand_in_the_file() {
        let lines = numbers("{\"a\":1}\n\n  {\"b\": [1]}\r\nbroken {\n");
        assert_eq!(lines[0], (1, "{\"a\":1}".to_owned()));
        assert_eq!(lines[1], (3, "  {\"b\": [1]}".to_owned()));
        assert_eq!(lines[2], (4, "\"\"".to_owned()), "a broken line keeps its number");
        assert_eq!(numbers(" [ {\"a\":1}, 7 ]"), [(1, "{\"a\":1}".to_owned()), (2, "7".to_owned())]);
        let table = numbers("name,value\nA,x\nB,y,z\n");
        assert_eq!(table[0], (2, "{\"name\":\"A\",\"api_sets\":[],\"import\":{\"value\":\"x\"}}".to_owned()));
        assert!(table[1].1.contains("has 3 cells"), "{}", table[1].1);
        for broken in ["[1,", "name\n", "no key at all"] {
            assert_eq!(rows_of(broken).err().map(|failure| failure.code), Some(2), "{broken}");
        }
    }

    #[test]
    fn parts_hold_every_row_once_and_fit_a_call() {
        let long = "x".repeat(PART_BYTES_MAX / 2);
        let rows: Vec<_> = (0..7)
            .map(|number| Row { number, text: if number < 4 { long.as_str().into() } else { "x".into() } })
            .collect();
        let sizes: Vec<_> = parts(&rows, 3).map(<[Row<'_>]>::len).collect();
        assert_eq!(sizes, [1, 1, 1, 3, 1]);
        assert_eq!(parts(&rows[4..], 500).count(), 1);
        let huge = "x".repeat(PART_BYTES_MAX + 1);
        assert_eq!(parts(&[Row { number: 1, text: huge.into() }], 3).count(), 1);
        assert_eq!(parts(&[], 3).count(), 0);
    }

    #[test]
    fn a_failure_behind_the_first_part_says_how_far_it_got() {
        let failure = || Failure { problem: Some(json!({"code": "busy"})), ..Failure::refused("busy") };
        let told = broken_off(failure(), false, 1_000, 1_200, 990);
        assert!(told.message.contains("first 1000 of 1200 rows") && told.message.contains("990"), "{}", told.message);
        assert_eq!(told.to_json(), json!({"code": "busy", "rows_sent": 1_000, "imported": 990}));
        assert_eq!(broken_off(failure(), false, 0, 1_200, 0).message, "busy");
        assert_eq!(broken_off(failure(), true, 1_000, 1_200, 990).message, "busy", "a dry run changed nothing");
    }

    #[test]
    fn answers_are_told_by_the_numbers_of_the_file() {
        let part = [Row { number: 501, text: "".into() }, Row { number: 503, text: "".into() }];
        let told = renumbered(&json!([{"row": 2, "id": "key_1"}]), &part);
        assert_eq!(told, [json!({"row": 503, "id": "key_1"})]);
    }
}
