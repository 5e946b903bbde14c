//! Which operations of an API a template means.

use std::fmt;

use claviger_domain::operation::Operation;
use serde::{Deserialize, Deserializer};

/// `GET /contact/{}`: a method, or `*` for any, and a path without version. In the path `{}` is a parameter, `*` any one
/// segment, `**` any number of segments; letters compare without case. Or `tag:Billing`: the document's tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OperationMatcher {
    Tag(String),
    Request { method: String, path: Vec<Segment> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Text(String),
    Parameter,
    Any,
    AnyNumber,
}

// === impl OperationMatcher ===

impl OperationMatcher {
    fn parse(text: &str) -> Option<Self> {
        if let Some(tag) = text.strip_prefix("tag:") {
            return Some(Self::Tag(tag.to_owned()));
        }
        let (method, path) = text.split_once(" /")?;
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(|segment| match segment {
            "{}" => Segment::Parameter,
            "*" => Segment::Any,
            "**" => Segment::AnyNumber,
            text => Segment::Text(text.to_owned()),
        });
        Some(Self::Request { method: method.to_owned(), path: segments.collect() })
    }

    /// Whether it means the operation, whose template may begin with `base_path`.
    pub(super) fn matches(&self, operation: &Operation, base_path: &str) -> bool {
        match self {
            Self::Tag(tag) => operation.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)),
            Self::Request { method, path } => {
                let template: Vec<&str> = segments(&operation.template).collect();
                let base: Vec<&str> = segments(base_path).collect();
                let starts = template.len() >= base.len()
                    && template.iter().zip(&base).all(|(own, base)| own.eq_ignore_ascii_case(base));
                let behind = if starts && !base.is_empty() { Some(&template[base.len()..]) } else { None };
                (method == "*" || **method == *operation.method)
                    && (fits(path, &template) || behind.is_some_and(|behind| fits(path, behind)))
            }
        }
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn fits(pattern: &[Segment], template: &[&str]) -> bool {
    match (pattern.split_first(), template.split_first()) {
        (None, None) => true,
        (Some((Segment::AnyNumber, rest)), _) => (0..=template.len()).any(|taken| fits(rest, &template[taken..])),
        (Some((one, rest)), Some((segment, tail))) => one.takes(segment) && fits(rest, tail),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

// === impl Segment ===

impl Segment {
    fn takes(&self, segment: &str) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case(segment),
            Self::Parameter => segment.starts_with('{') && segment.find('}') == Some(segment.len() - 1),
            Self::Any | Self::AnyNumber => true,
        }
    }
}

impl fmt::Display for OperationMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path) = match self {
            Self::Tag(tag) => return write!(f, "tag:{tag}"),
            Self::Request { method, path } => (method, path),
        };
        write!(f, "{method} ")?;
        path.iter().try_for_each(|segment| match segment {
            Segment::Text(text) => write!(f, "/{text}"),
            Segment::Parameter => f.write_str("/{}"),
            Segment::Any => f.write_str("/*"),
            Segment::AnyNumber => f.write_str("/**"),
        })
    }
}

impl<'de> Deserialize<'de> for OperationMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected `GET /path` or `tag:name`"))
    }
}
