//! What a page answers when the API did not do what was asked.

use axum::response::{IntoResponse, Response};
use claviger_manage::{Error, ErrorCode, FieldError};
use claviger_texts::console::form as words;

use crate::form::Form;

/// Why there is no page. [`crate::prompts`] makes one of it, which knows the request.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Error);

/// What a form shows of an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    /// The whole, in a sentence.
    pub(crate) summary: Option<String>,
    /// Whether the whole is no more than what is wrong with the fields.
    is_of_fields: bool,
    fields: Vec<FieldError>,
    /// The same once more, at other fields.
    echoes: Vec<FieldError>,
}

/// Whether the person can mend this in the form that they have sent: then it is shown again with what is wrong.
pub(crate) fn is_mendable(error: &Error) -> bool {
    use ErrorCode::{
        Busy, Conflict, Forbidden, InvalidRequest, LimitReached, NameTaken, NotFound, Stale, TooLarge, TooManyAttempts,
    };
    let in_the_form =
        [InvalidRequest, NameTaken, Conflict, LimitReached, TooManyAttempts, Stale, Forbidden, TooLarge, Busy];
    in_the_form.contains(&error.code()) || (error.code() == NotFound && !error.errors().is_empty())
}

/// What the form shows, where the person can mend it; else the failure.
pub(crate) fn mend(error: Error) -> Result<Problems, Failure> {
    if is_mendable(&error) { Ok(Problems::new(&error)) } else { Err(Failure(error)) }
}

// === impl Problems ===

impl Problems {
    pub(crate) fn new(error: &Error) -> Self {
        let said = |first: &FieldError| format!("{}: {}", first.field, first.message);
        let says_first = error.errors().first().is_some_and(|first| said(first) == error.detail());
        let is_of_fields = says_first || (error.code() == ErrorCode::NotFound && !error.errors().is_empty());
        let fields = error.errors().iter().map(|error| FieldError::new(&*error.field, words::quoted(&error.message)));
        let problems = Self {
            summary: Some(error.detail().to_owned()),
            is_of_fields,
            fields: fields.collect(),
            ..Self::default()
        };
        problems.summed_up()
    }

    /// A sentence about the whole form.
    pub(crate) fn of(summary: impl Into<String>) -> Self {
        Self { summary: Some(summary.into()), ..Self::default() }
    }

    /// A sentence about one field.
    pub(crate) fn with_field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let fields = vec![FieldError::new(field, &message)];
        Self { summary: Some(message), is_of_fields: true, fields, ..Self::default() }
    }

    /// The whole says the first where it says nothing of its own.
    fn summed_up(mut self) -> Self {
        if let Some(first) = self.fields.first().filter(|_| self.is_of_fields) {
            self.summary = Some(told(first));
        }
        self
    }

    /// What is wrong with a field is shown at another one too.
    #[must_use]
    pub(crate) fn also(mut self, field: &str, other: &str) -> Self {
        let there: Vec<_> = self.at(field).into_iter().map(|message| FieldError::new(other, message)).collect();
        self.echoes.extend(there);
        self
    }

    /// The same with each field's error said otherwise.
    #[must_use]
    pub(crate) fn map(mut self, change: impl Fn(FieldError) -> FieldError) -> Self {
        self.fields = self.fields.into_iter().map(change).collect();
        self.summed_up()
    }

    /// What is wrong with a line of a field quotes it, with its number in the field.
    #[must_use]
    pub(crate) fn quoting(self, form: &Form, field: &str) -> Self {
        let lines: Vec<_> =
            form.text(field).lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty()).collect();
        self.map(|error| match index(&error.field, field).and_then(|index| lines.get(index)) {
            Some((line, number)) => FieldError::new(field, words::line(*number, line, &error.message)),
            None => error,
        })
    }

    /// The whole, where it is more than what is wrong with the fields.
    pub(crate) fn whole(&self) -> Option<&str> {
        self.summary.as_deref().filter(|_| !self.is_of_fields)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.summary.is_none()
    }

    /// What is wrong with a field, or with a part of it (`allowed_ips[1].range`).
    pub(crate) fn at(&self, field: &str) -> Vec<String> {
        let parts = |error: &&FieldError| {
            error.field == field || error.field.strip_prefix(field).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.fields.iter().chain(&self.echoes).filter(parts).map(|error| located(error, field)).collect()
    }

    /// What is wrong with fields that are none of `shown`.
    pub(crate) fn fields(&self) -> &[FieldError] {
        &self.fields
    }
}

/// Counts from one, as people do.
fn located(error: &FieldError, field: &str) -> String {
    match index(&error.field, field) {
        Some(index) => words::entry(index + 1, &error.message),
        None => error.message.clone(),
    }
}

/// The same with the field's label before it.
pub(crate) fn told(error: &FieldError) -> String {
    let field = error.field.split(['.', '[']).next().unwrap_or_default();
    format!("{}: {}", words::label(field), located(error, field))
}

/// Which entry of a field it is: `1` of `allowed_ips[1].range`.
fn index(path: &str, field: &str) -> Option<usize> {
    path.strip_prefix(field)?.strip_prefix('[')?.split(']').next()?.parse().ok()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.0.code().status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_line_quotes_it_and_counts_as_people_do() {
        let form = Form::parse(b"allowed_ips=10.0.0.1%0A%0Anot+an+ip%0A999.1.1.1").expect("few fields");
        let wrong = |index: usize| FieldError::new(format!("allowed_ips[{index}].range"), "expected an address");
        let error = Error::invalid(vec![wrong(1), wrong(2), FieldError::new("expires_at", "see `x`")]);
        let problems = Problems::new(&error).quoting(&form, "allowed_ips");
        let lines = ["Line 3, “not an ip”: expected an address", "Line 4, “999.1.1.1”: expected an address"];
        assert_eq!(problems.at("allowed_ips"), lines);
        assert_eq!(problems.whole(), None);
        let all = [
            "Allowed IPs: Line 3, “not an ip”: expected an address",
            "Allowed IPs: Line 4, “999.1.1.1”: expected an address",
            "Expiration date: see “x”",
        ];
        assert_eq!(problems.fields().iter().map(told).collect::<Vec<_>>(), all);
    }

    #[test]
    fn an_entry_is_counted_from_one_and_a_sentence_stands_once() {
        let problems = Problems::new(&Error::field("tags[1]", "must not be empty"));
        assert_eq!(problems.at("tags"), ["No. 2: must not be empty"]);
        assert_eq!(problems.summary.as_deref(), Some("Tags: No. 2: must not be empty"));
        let twice = Problems::new(&Error::field("code", "is wrong")).also("code", "prompt-code");
        assert_eq!(twice.fields().len(), 1);
    }
}
