//! What is wrong with a document, and where.

use std::fmt;

/// The most problems that are reported of one document.
pub const PROBLEMS_MAX: usize = 20;

/// Why a document was not read: at least one problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct DocumentError {
    /// In the order in which they were found, at most `PROBLEMS_MAX`.
    pub problems: Vec<DocumentProblem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentProblem {
    /// Where in the document, such as `paths./gists.get.operationId`; `document` for the whole.
    pub place: String,
    /// What was expected.
    pub message: String,
}

/// Problems as they are gathered.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<DocumentProblem>);

// === impl DocumentError ===

impl DocumentError {
    pub(super) fn one(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { problems: vec![DocumentProblem { place: place.into(), message: message.into() }] }
    }

    /// The same without lines and columns, where they are not those of the document that was given.
    pub(super) fn without_positions(mut self) -> Self {
        for problem in &mut self.problems {
            if let Some(end) = problem.message.find(", at line ") {
                problem.message.truncate(end);
            }
        }
        self
    }
}

// === impl DocumentProblem ===

impl fmt::Display for DocumentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

// === impl Problems ===

impl Problems {
    /// Notes one; beyond the maximum it is dropped.
    pub(super) fn note(&mut self, place: impl Into<String>, message: impl Into<String>) {
        if !self.is_full() {
            self.0.push(DocumentProblem { place: place.into(), message: message.into() });
        }
    }

    /// Whether more would be dropped: time to stop looking.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= PROBLEMS_MAX
    }

    pub(super) fn into_result(self) -> Result<(), DocumentError> {
        if self.0.is_empty() { Ok(()) } else { Err(DocumentError { problems: self.0 }) }
    }
}
