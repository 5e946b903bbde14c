//! What a page answers when the API did not do what was asked.

use axum::response::{IntoResponse, Response};
use claviger_manage::{Error, ErrorCode, FieldError};

/// Why there is no page. [`crate::prompts`] makes one of it, which knows the request.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Error);

/// What a form shows of an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    /// The whole, in a sentence.
    pub(crate) summary: Option<String>,
    fields: Vec<FieldError>,
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
        Self { summary: Some(error.detail().to_owned()), fields: error.errors().to_vec() }
    }

    /// A sentence about the whole form.
    pub(crate) fn of(summary: impl Into<String>) -> Self {
        Self { summary: Some(summary.into()), fields: Vec::new() }
    }

    /// What is wrong with a field is shown at another one too.
    #[must_use]
    pub(crate) fn also(mut self, field: &str, other: &str) -> Self {
        let there: Vec<_> = self.at(field).into_iter().map(|message| FieldError::new(other, message)).collect();
        self.fields.extend(there);
        self
    }

    /// The same with each field's error said otherwise; the whole says the first where it did so before.
    #[must_use]
    pub(crate) fn map(mut self, change: impl Fn(FieldError) -> FieldError) -> Self {
        let said = |error: &FieldError| format!("{}: {}", error.field, error.message);
        let was_first = self.fields.first().is_some_and(|first| self.summary.as_deref() == Some(&said(first)));
        self.fields = self.fields.into_iter().map(change).collect();
        if let Some(first) = self.fields.first().filter(|_| was_first) {
            self.summary = Some(first.message.clone());
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.summary.is_none()
    }

    /// What is wrong with a field, or with a part of it (`allowed_ips[1].range`).
    pub(crate) fn at(&self, field: &str) -> Vec<String> {
        let parts = |error: &&FieldError| {
            error.field == field || error.field.strip_prefix(field).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.fields.iter().filter(parts).map(|error| located(error, field)).collect()
    }

    /// What is wrong with fields that are none of `shown`.
    pub(crate) fn fields(&self) -> &[FieldError] {
        &self.fields
    }
}

/// Counts from one, as people do.
fn located(error: &FieldError, field: &str) -> String {
    let index = error.field.get(field.len() + 1..).and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    match index {
        Some(index) => format!("{}: {}", index + 1, error.message),
        None => error.message.clone(),
    }
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
