//! Templates inside a segment: `{base}...{head}`, `{name}:cancel`.

use super::router::{Budget, Refusal};
use crate::path::fold;

/// A segment of texts and parameters; each parameter takes one character or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mixed {
    exact: Box<[Part]>,
    folded: Box<[Part]>,
}

/// One part of a [`Mixed`] segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text as it stands, decoded.
    Text(Box<str>),
    /// A parameter within one segment.
    Parameter,
    /// A parameter that may go over slashes.
    MultiSegment,
}

// === impl Mixed ===

impl Mixed {
    pub(crate) fn new(exact: Vec<Part>) -> Self {
        let last = exact.len().saturating_sub(1);
        let folded = exact.iter().enumerate().map(|(at, part)| match part {
            Part::Text(text) if at == last => Part::Text(fold::fold(text).into()),
            Part::Text(text) => Part::Text(fold::fold_letters(text).into()),
            part => part.clone(),
        });
        Self { folded: folded.collect(), exact: exact.into() }
    }

    /// Whether it may take more than one segment.
    pub(crate) fn is_multi(&self) -> bool {
        self.exact.contains(&Part::MultiSegment)
    }

    pub(crate) fn fits_exactly(&self, text: &str, budget: &mut Budget) -> Result<bool, Refusal> {
        fits(&self.exact, text, false, budget)
    }

    /// Whether it fits as it stands or folded. Folding may drop all that a parameter would take where an upstream drops
    /// nothing, so a parameter may be empty then.
    pub(crate) fn fits_folded(&self, text: &str, budget: &mut Budget) -> Result<bool, Refusal> {
        let drops = !text.is_ascii() || text.ends_with(['.', ' ']);
        Ok(fits(&self.exact, text, false, budget)? || fits(&self.folded, &fold::folded(text), drops, budget)?)
    }
}

fn fits(parts: &[Part], text: &str, may_be_empty: bool, budget: &mut Budget) -> Result<bool, Refusal> {
    budget.spend()?;
    let (multi, rest) = match parts {
        [] => return Ok(text.is_empty()),
        [Part::Text(part), rest @ ..] => {
            return match text.strip_prefix(&**part) {
                Some(text) => fits(rest, text, may_be_empty, budget),
                None => Ok(false),
            };
        }
        [Part::Parameter, rest @ ..] => (false, rest),
        [Part::MultiSegment, rest @ ..] => (true, rest),
    };
    if rest.is_empty() {
        return Ok((may_be_empty || !text.is_empty()) && (multi || !text.contains('/')));
    }
    if may_be_empty && fits(rest, text, may_be_empty, budget)? {
        return Ok(true);
    }
    for (at, character) in text.char_indices() {
        if character == '/' && !multi {
            break;
        }
        let tail = &text[at + character.len_utf8()..];
        let next_fits = !matches!(rest, [Part::Text(part), ..] if !tail.starts_with(&**part));
        if next_fits && fits(rest, tail, may_be_empty, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}
