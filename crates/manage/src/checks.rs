//! Collects what is wrong with the fields of one request, so that the answer names all of it.

use std::fmt::Display;

use crate::error::{Error, FieldError};

/// What was found so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

// === impl Checks ===

impl Checks {
    /// The value, or its default with the mistake noted.
    pub fn take<T: Default, E: Display>(&mut self, field: &str, checked: Result<T, E>) -> T {
        checked.unwrap_or_else(|message| {
            self.refuse(field, message);
            T::default()
        })
    }

    /// Notes that `field` is wrong.
    pub fn refuse(&mut self, field: impl Into<String>, message: impl Display) {
        self.0.push(FieldError::new(field, message.to_string()));
    }

    /// Notes that `field` is wrong unless `holds`.
    pub fn ensure(&mut self, field: &str, holds: bool, message: impl Display) {
        if !holds {
            self.refuse(field, message);
        }
    }

    /// 400 with everything that was noted.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }
}
