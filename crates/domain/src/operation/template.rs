//! Path templates of OpenAPI documents.

use super::mixed::{Mixed, Part};
use super::router::{Budget, Refusal};
use super::{MAX_SEGMENT_PARTS, MAX_TEMPLATE_BYTES};
use crate::path::{
    MAX_SEGMENTS, PathProblem, RequestPath, check_decoded_segment, check_decoded_text, decode_once, fold,
};

/// A parsed path template.
///
/// Two templates are equal when they match the same paths by the same means: names of parameters do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    patterns: Box<[SegmentPattern]>,
    trailing_slash: bool,
}

/// What one place of a template matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SegmentPattern {
    /// Text, decoded once as a path is.
    Literal {
        /// As the document has it.
        text: Box<str>,
        /// In the form in which variants are alike.
        folded: Box<str>,
    },
    /// Texts and parameters within a segment.
    Mixed(Mixed),
    /// Any one segment.
    Parameter,
    /// One segment or more.
    MultiSegment,
}

/// Why a text is no template, or none that a request could match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// It does not begin with a slash.
    #[error("a path template begins with `/`")]
    NoLeadingSlash,
    /// More than [`MAX_TEMPLATE_BYTES`].
    #[error("a path template has at most 2048 bytes")]
    TooLong,
    /// More than [`MAX_SEGMENTS`].
    #[error("a path template has at most 64 segments")]
    TooManySegments,
    /// More than [`MAX_SEGMENT_PARTS`] in one segment.
    #[error("a segment of a path template has at most 16 texts and parameters")]
    TooManyParts,
    /// Braces that do not pair within a segment.
    #[error("the braces of `{0}` do not pair")]
    UnpairedBraces(Box<str>),
    /// `{}`.
    #[error("a parameter of the path template has no name")]
    UnnamedParameter,
    /// A multi-segment parameter that the template does not have.
    #[error("the path template has no parameter `{0}`")]
    UnknownParameter(Box<str>),
    /// `%2F`: an encoded slash may stand in a multi-segment parameter only.
    #[error("a path template may not have an encoded slash")]
    EncodedSlash,
    /// Text that no accepted request path can have.
    #[error("no request can match the path template: {0}")]
    Unreachable(#[from] PathProblem),
}

// === impl Template ===

impl Template {
    /// Reads a template; `multi_segment` names the parameters that take one or more segments.
    pub fn parse<N: AsRef<str>>(template: &str, multi_segment: &[N]) -> Result<Self, TemplateProblem> {
        if template.len() > MAX_TEMPLATE_BYTES {
            return Err(TemplateProblem::TooLong);
        }
        let path = template.strip_prefix('/').ok_or(TemplateProblem::NoLeadingSlash)?;
        let mut names = Vec::new();
        let (path, trailing_slash) = match path.strip_suffix('/') {
            Some("") => return Err(PathProblem::EmptySegment.into()),
            Some(path) => (path, true),
            None => (path, false),
        };
        let mut patterns = Vec::new();
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            if patterns.len() == MAX_SEGMENTS {
                return Err(TemplateProblem::TooManySegments);
            }
            patterns.push(parse_segment(segment, multi_segment, &mut names)?);
        }
        match multi_segment.iter().map(AsRef::as_ref).find(|name| !names.contains(name)) {
            Some(name) => Err(TemplateProblem::UnknownParameter(name.into())),
            None => Ok(Self { patterns: patterns.into(), trailing_slash }),
        }
    }

    pub(crate) fn patterns(&self) -> &[SegmentPattern] {
        &self.patterns
    }

    /// Whether it matches the path from segment `from` on as it stands, letter by letter; a literal that is there only
    /// once needless escapes are decoded (`/gists/%73tarred`) is a variant, because not every upstream decodes first.
    pub(crate) fn fits_exactly(
        &self,
        path: &RequestPath<'_>,
        from: usize,
        budget: &mut Budget,
    ) -> Result<bool, Refusal> {
        // With no segment left there is but one spelling: `/`.
        if path.len() > from && path.has_trailing_slash() != self.trailing_slash {
            return Ok(false);
        }
        fits(&self.patterns, path, from, budget)
    }

    /// The pattern that takes segment `at` of `count`; `None` where that is not certain or out of range.
    pub(crate) fn pattern_at(&self, at: usize, count: usize) -> Option<&SegmentPattern> {
        let mut wide = self.patterns.iter().enumerate().filter(|(_, pattern)| pattern.is_multi());
        let (first, more) = (wide.next().map(|(at, _)| at), wide.next());
        let place = match (first, more) {
            (_, Some(_)) => return None,
            (None, None) => at,
            (Some(wide), None) => {
                let taken = (count + 1).checked_sub(self.patterns.len())?;
                if at < wide {
                    at
                } else if at < wide + taken {
                    wide
                } else {
                    at + 1 - taken
                }
            }
        };
        self.patterns.get(place)
    }
}

impl SegmentPattern {
    pub(crate) fn is_multi(&self) -> bool {
        match self {
            Self::MultiSegment => true,
            Self::Mixed(mixed) => mixed.is_multi(),
            Self::Literal { .. } | Self::Parameter => false,
        }
    }
}

fn fits(patterns: &[SegmentPattern], path: &RequestPath<'_>, at: usize, budget: &mut Budget) -> Result<bool, Refusal> {
    budget.spend()?;
    let Some((pattern, rest)) = patterns.split_first() else { return Ok(at == path.len()) };
    if at >= path.len() {
        return Ok(false);
    }
    if !pattern.is_multi() {
        let one = !path.is_slashed(at)
            && match pattern {
                SegmentPattern::Literal { text, .. } => path.segment(at) == &**text && !path.is_respelled(at),
                SegmentPattern::Mixed(mixed) => fits_both(mixed, path, at, at + 1, budget)?,
                SegmentPattern::Parameter | SegmentPattern::MultiSegment => true,
            };
        return Ok(one && fits(rest, path, at + 1, budget)?);
    }
    for end in at + 1..=path.len() {
        let taken = match pattern {
            SegmentPattern::Mixed(mixed) => fits_both(mixed, path, at, end, budget)?,
            _ => true,
        };
        if taken && fits(rest, path, end, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the segments fit decoded and, where that could differ, as they stand in the target.
fn fits_both(
    mixed: &Mixed,
    path: &RequestPath<'_>,
    from: usize,
    to: usize,
    budget: &mut Budget,
) -> Result<bool, Refusal> {
    let raw_fits = match path.respelled(from, to) {
        Some(raw) => mixed.fits_exactly(raw, budget)?,
        None => true,
    };
    Ok(raw_fits && mixed.fits_exactly(path.span(from, to), budget)?)
}

fn parse_segment<'t, N: AsRef<str>>(
    segment: &'t str,
    multi_segment: &[N],
    names: &mut Vec<&'t str>,
) -> Result<SegmentPattern, TemplateProblem> {
    let unpaired = || TemplateProblem::UnpairedBraces(segment.into());
    let mut parts = Vec::new();
    let mut rest = segment;
    while !rest.is_empty() {
        if parts.len() == MAX_SEGMENT_PARTS {
            return Err(TemplateProblem::TooManyParts);
        }
        let (text, tail) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
        if !text.is_empty() {
            parts.push(Part::Text(decode_text(text)?));
            rest = tail;
            continue;
        }
        let (name, tail) = tail.strip_prefix('{').and_then(|tail| tail.split_once('}')).ok_or_else(unpaired)?;
        if name.contains('{') {
            return Err(unpaired());
        }
        if name.is_empty() {
            return Err(TemplateProblem::UnnamedParameter);
        }
        names.push(name);
        let multi = multi_segment.iter().any(|multi| multi.as_ref() == name);
        parts.push(if multi { Part::MultiSegment } else { Part::Parameter });
        rest = tail;
    }
    match parts.as_slice() {
        [] => Err(PathProblem::EmptySegment.into()),
        [Part::Parameter] => Ok(SegmentPattern::Parameter),
        [Part::MultiSegment] => Ok(SegmentPattern::MultiSegment),
        [Part::Text(text)] => {
            check_decoded_segment(text)?;
            Ok(SegmentPattern::Literal { folded: fold::fold(text).into(), text: text.clone() })
        }
        _ => Ok(SegmentPattern::Mixed(Mixed::new(parts))),
    }
}

/// Text of a template, decoded as a path is; characters that a path would have to encode may stand raw.
fn decode_text(raw: &str) -> Result<Box<str>, TemplateProblem> {
    let text = decode_once(raw)?;
    check_decoded_text(&text)?;
    if text.contains('/') {
        return Err(TemplateProblem::EncodedSlash);
    }
    Ok(text.into())
}
