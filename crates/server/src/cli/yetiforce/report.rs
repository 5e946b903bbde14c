//! What an import tells: what came in, what did not and why, and what has no place here.

use serde::Serialize;
use serde_json::{Value, json};

use super::tables::{Record, Tables};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, cell};

/// The most rows that are told on a terminal; --json names them all.
const TOLD_MAX: usize = 50;

/// A row that cannot be taken.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    table: String,
    id: String,
    field: String,
    message: String,
}

/// How many of one kind.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    /// Rows of the dump.
    pub(super) rows: usize,
    /// That came in, or would.
    pub(super) imported: usize,
    /// That were there before.
    pub(super) present: usize,
}

/// What came of an import.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) dry_run: bool,
    pub(super) applications: Counts,
    pub(super) api_users: Counts,
    pub(super) problems: Vec<Problem>,
}

// === impl Problem ===

impl Problem {
    /// A row of the dump, and its column that is wrong.
    pub(super) fn of(record: &Record, (column, message): (&'static str, String)) -> Self {
        Self { table: record.table.clone(), id: record.id().to_owned(), field: column.to_owned(), message }
    }

    /// A row that the server refuses, by a field of its own.
    pub(super) fn refused(table: &str, id: &str, error: &Value) -> Self {
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        Self { table: table.to_owned(), id: id.to_owned(), field: text("field"), message: text("message") }
    }
}

// === impl Report ===

impl Report {
    pub(super) fn tell(&self, output: Output, tables: &Tables) -> Result<(), Failure> {
        let others: Vec<&str> = tables.others().collect();
        if output.is_json() {
            let columns = tables.left_behind.iter();
            let columns: Vec<_> = columns.map(|(column, rows)| json!({ "column": column, "rows": rows })).collect();
            output.value(&json!({
                "dry_run": self.dry_run,
                "applications": self.applications,
                "api_users": self.api_users,
                "errors": self.problems,
                "left_behind": { "columns": columns, "tables": others },
            }))?;
        } else {
            self.tell_counts(output)?;
            self.tell_problems();
            let columns = tables.left_behind.iter().map(|(column, rows)| format!("{column} ({rows})"));
            let left: Vec<String> = columns.chain(others.iter().map(|table| (*table).to_owned())).collect();
            if !left.is_empty() {
                output.text(format_args!("left behind: {}", left.join(", ")))?;
            }
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Failure::refused(self.refusal())) }
    }

    fn refusal(&self) -> String {
        let mut rows: Vec<_> = self.problems.iter().map(|problem| (&problem.table, &problem.id)).collect();
        rows.dedup();
        let verb = if rows.len() == 1 { "row is" } else { "rows are" };
        format!("{} {verb} not taken", rows.len())
    }

    fn tell_counts(&self, output: Output) -> Result<(), Failure> {
        let verb = if self.dry_run { "could be imported" } else { "imported" };
        for (counts, things) in [(&self.applications, "applications"), (&self.api_users, "API users")] {
            let Counts { rows, imported, present } = counts;
            output.text(format_args!("{imported} of {rows} {things} {verb}, {present} there already"))?;
        }
        Ok(())
    }

    fn tell_problems(&self) {
        for Problem { table, id, field, message } in self.problems.iter().take(TOLD_MAX) {
            // Ids are what stands in the dump.
            eprintln!("{table} {}: {field}: {}", cell(&json!(id)), cell(&json!(message)));
        }
        if self.problems.len() > TOLD_MAX {
            eprintln!("{} more things are wrong; --json names them all.", self.problems.len() - TOLD_MAX);
        }
    }
}
