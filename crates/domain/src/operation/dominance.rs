//! Which of two templates that match the same path is the more specific one.

use super::template::{SegmentPattern, Template};

/// How one template compares with another at one segment of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The same means.
    Same,
    /// More specific for every upstream.
    Better,
    /// Neither the same nor surely better.
    Unclear,
}

/// Whether `a` beats `b` on a path of `count` segments that both match letter by letter: at each segment where they
/// differ `a` has the more specific pattern. Wherever that is in doubt nobody beats, so that both must be held.
///
/// A partial order (irreflexive, transitive), so something always remains.
pub(crate) fn beats(a: &Template, b: &Template, count: usize) -> bool {
    let mut better = false;
    for at in 0..count {
        let (Some(mine), Some(theirs)) = (a.pattern_at(at, count), b.pattern_at(at, count)) else { return false };
        match compare(mine, theirs) {
            Standing::Same => {}
            Standing::Better => better = true,
            Standing::Unclear => return false,
        }
    }
    better
}

fn compare(mine: &SegmentPattern, theirs: &SegmentPattern) -> Standing {
    use SegmentPattern as P;
    match (mine, theirs) {
        // A parameter of one segment is no worse than one of several, but no literal either: by itself it beats nothing.
        (P::Literal { .. }, P::Literal { .. })
        | (P::Parameter, P::Parameter | P::MultiSegment)
        | (P::MultiSegment, P::MultiSegment) => Standing::Same,
        (P::Mixed(mine), P::Mixed(theirs)) if mine == theirs => Standing::Same,
        (P::Literal { .. }, _) => Standing::Better,
        (P::Mixed(mine), P::Parameter | P::MultiSegment) if !mine.is_multi() => Standing::Better,
        _ => Standing::Unclear,
    }
}
