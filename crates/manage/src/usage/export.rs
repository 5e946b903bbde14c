//! Series as a file: a row for each step of each series.

use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::series::UsageView;
use crate::answer::Answer;
use crate::error::Error;
use crate::export::{Format, Part, csv_line, json_line, stream};

/// The series as JSON, or as a file where that is asked for.
pub(super) fn respond(usage: UsageView, format: Format) -> Response {
    match format {
        Format::Json => Answer::ok(usage).into_response(),
        Format::Csv | Format::Jsonl => {
            let usage = std::sync::Arc::new(usage);
            stream(format, "usage", 0, move |index| {
                let usage = std::sync::Arc::clone(&usage);
                async move { part(&usage, format, index) }
            })
        }
    }
}

/// One series.
fn part(usage: &UsageView, format: Format, index: usize) -> Result<Part<usize>, Error> {
    let mut text = String::new();
    if index == 0 && format == Format::Csv {
        text.push_str(&csv_line(["id", "name", "at", "count"]));
    }
    if let Some(series) = usage.series.get(index) {
        let name = series.name.as_deref().unwrap_or_default();
        for (at, count) in usage.steps.iter().zip(&series.counts) {
            text.push_str(&match format {
                Format::Csv => csv_line([&*series.id, name, &at.to_string(), &count.to_string()]),
                _ => json_line(&json!({"id": series.id, "name": series.name, "at": at, "count": count}))?,
            });
        }
    }
    let next = Some(index + 1).filter(|next| *next < usage.series.len());
    Ok(Part { text, next })
}
