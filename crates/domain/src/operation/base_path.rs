//! Base paths: which API a path belongs to, and what of it its templates judge.

use std::fmt;

use super::template::{SegmentPattern, Template, TemplateProblem};
use super::version::{Version, Versions};
use crate::path::{RequestPath, fold};

/// The path under which an API's templates stand: `/`, `/api/v3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath {
    literals: Box<[Literal]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Literal {
    text: Box<str>,
    folded: Box<str>,
}

/// How the literals of a base path were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchKind {
    /// Letter by letter.
    Exact,
    /// Only as a variant: in another case, with an encoded slash or a needless escape.
    Folded,
}

/// The segments of a path behind its base path.
#[derive(Debug, Clone, Copy)]
pub struct Remainder<'p> {
    pub(crate) path: &'p RequestPath<'p>,
    pub(crate) from: usize,
    pub(crate) kind: MatchKind,
    /// The base path ends or goes over an encoded slash: no template can be right about the rest.
    pub(crate) torn: bool,
    /// The version that the base path stands for; without one it may be the first segment.
    pub(crate) version: Option<Version>,
}

/// Why a text is no base path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BasePathProblem {
    /// It is not even a template.
    #[error(transparent)]
    Template(#[from] TemplateProblem),
    /// It has a parameter.
    #[error("a base path has no parameters")]
    Parameter,
}

// === impl BasePath ===

impl BasePath {
    /// Reads `/` or `/api/v3`; a slash at the end is dropped.
    pub fn parse(text: &str) -> Result<Self, BasePathProblem> {
        let template = Template::parse::<&str>(text, &[])?;
        let literals = template.patterns().iter().map(|pattern| match pattern {
            SegmentPattern::Literal { text, folded } => Ok(Literal { text: text.clone(), folded: folded.clone() }),
            _ => Err(BasePathProblem::Parameter),
        });
        Ok(Self { literals: literals.collect::<Result<_, _>>()? })
    }

    /// How many segments it has: of two base paths that match, the one with more is the longer one.
    pub fn depth(&self) -> usize {
        self.literals.len()
    }

    /// The version that it stands for: its last segment, if that is one. A segment that may be one to some programs and to
    /// others not is none here; documents and administrators spell versions plainly.
    pub fn version(&self, versions: &Versions) -> Option<Version> {
        let last = self.literals.last()?;
        versions.find(&last.text).ok().flatten().map(|(version, _)| version)
    }

    /// What stands behind this base path, if the path is under it or under a variant of it.
    ///
    /// A caller that chooses among APIs takes the greatest [`Self::depth`] *whatever the kind*: a path under a variant of
    /// a longer base path belongs to that API.
    pub fn strip<'p>(&self, path: &'p RequestPath<'_>) -> Option<Remainder<'p>> {
        let whole = Remainder { path, from: self.depth(), kind: MatchKind::Exact, torn: false, version: None };
        match self.find_in(path) {
            Some(kind) => Some(Remainder { kind, ..whole }),
            // An upstream that decodes first would find it; one that splits first would not.
            None if path.has_slashed() && path.split_slashed().map_or(true, |split| self.find_in(&split).is_some()) => {
                Some(Remainder { kind: MatchKind::Folded, torn: true, ..whole })
            }
            None => None,
        }
    }

    fn find_in(&self, path: &RequestPath<'_>) -> Option<MatchKind> {
        if path.len() < self.depth() {
            return None;
        }
        let mut kind = MatchKind::Exact;
        for (at, literal) in self.literals.iter().enumerate() {
            let segment = path.segment(at);
            if path.is_slashed(at) || fold::folded(segment) != *literal.folded {
                return None;
            }
            if segment != &*literal.text || path.is_respelled(at) {
                kind = MatchKind::Folded;
            }
        }
        Some(kind)
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.literals.is_empty() {
            return f.write_str("/");
        }
        self.literals.iter().try_for_each(|literal| write!(f, "/{}", literal.text))
    }
}

// === impl Remainder ===

impl<'p> Remainder<'p> {
    /// The whole path: the base path is `/`.
    pub fn whole(path: &'p RequestPath<'_>) -> Self {
        Self { path, from: 0, kind: MatchKind::Exact, torn: false, version: None }
    }

    /// The same, under the version that the base path stands for.
    #[must_use]
    pub fn at_version(self, version: Option<Version>) -> Self {
        Self { version, ..self }
    }

    /// How the base path was found; where it is [`MatchKind::Folded`] no operation matches exactly.
    pub fn kind(&self) -> MatchKind {
        self.kind
    }
}
