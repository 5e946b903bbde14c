//! From method and path to the operations that a key must hold.

use std::collections::BTreeMap;
use std::fmt;

use super::base_path::{MatchKind, Remainder};
use super::dominance::beats;
use super::literals::Literals;
use super::mixed::Mixed;
use super::template::{SegmentPattern, Template, TemplateProblem};
use super::version::{Version, VersionSet, Versions};
use super::{MAX_LOOKUP_STEPS, MAX_MATCHES, MAX_OPERATIONS, Method, Operation};
use crate::path::{RequestPath, fold};

/// Most nodes of a router, which bounds its memory.
const MAX_NODES: usize = 1_000_000;
/// Most different templates inside a segment that may compete at one place.
const MAX_MIXED_SIBLINGS: usize = 256;

/// All templates of an API in one trie. Its edges are folded, so one walk finds every operation that any upstream could
/// mean; which of them match letter by letter is looked at afterwards.
#[derive(Debug, Clone)]
pub struct Router {
    nodes: Vec<Node>,
    /// One for each operation, in document order.
    routes: Vec<Route>,
    versions: Versions,
}

#[derive(Debug, Clone)]
struct Route {
    method: Box<str>,
    template: Template,
    versions: VersionSet,
}

#[derive(Debug, Clone, Default)]
struct Node<L = Literals> {
    literals: L,
    parameter: Option<u32>,
    multi_segment: Option<u32>,
    mixed: Vec<(Mixed, u32)>,
    /// The operations whose template ends here.
    routes: Vec<u32>,
}

/// A trie in the making.
#[derive(Debug)]
struct Builder {
    nodes: Vec<Node<BTreeMap<Box<str>, u32>>>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matches {
    /// The key must hold *all* of these; the first is the one that is named.
    Operations(OperationIndices),
    /// Templates match the path, but none of them for this method. For rights it is as [`Self::Unlisted`]: only keys
    /// that hold the whole API may ask for it, where unlisted paths are open to them.
    OtherMethod,
    /// No template matches the path, not even a variant of it.
    Unlisted,
    /// The path could be read in two ways, or costs too much to judge: refused for every key.
    Refused(Refusal),
}

/// Indices into the list that the router was built from, each with the version it is asked for under: ascending, so in
/// document order; never empty in [`Matches`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OperationIndices {
    indices: [u32; MAX_MATCHES],
    versions: [Version; MAX_MATCHES],
    len: u8,
}

/// Why a path is refused by the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// An encoded slash outside a multi-segment parameter.
    #[error("the path has an encoded slash outside a multi-segment parameter")]
    EncodedSlash,
    /// More than [`MAX_MATCHES`].
    #[error("the path matches more than 16 operations")]
    TooManyMatches,
    /// More than [`MAX_LOOKUP_STEPS`].
    #[error("the path takes too many steps to match")]
    TooManySteps,
    /// The version has digits that only some programs know.
    #[error("the path's version can be read in two ways")]
    AmbiguousVersion,
}

/// Why no router can be made of a list of operations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouterProblem {
    /// More than [`MAX_OPERATIONS`].
    #[error("an API has at most 100000 operations")]
    TooManyOperations,
    /// The operation's method is none.
    #[error("operations[{operation}].method: expected a method such as GET")]
    Method {
        /// Its index.
        operation: usize,
    },
    /// The operation's template is none.
    #[error("operations[{operation}].template: {problem}")]
    Template {
        /// Its index.
        operation: usize,
        /// What is wrong.
        problem: TemplateProblem,
    },
    /// The templates together are too large.
    #[error("operations[{operation}].template: the templates of this API have too many different segments")]
    TooLarge {
        /// The index of the first that does not fit.
        operation: usize,
    },
}

/// The steps left to one look-up. Each visit of a node, each route met and each try of a template inside a segment is
/// one, so a look-up ends after [`MAX_LOOKUP_STEPS`] whatever document and path are.
#[derive(Debug)]
pub(crate) struct Budget(u32);

/// One reading of a path, while the trie is walked.
struct Walk<'w> {
    router: &'w Router,
    path: &'w RequestPath<'w>,
    method: Method<'w>,
    /// The version that is asked for, and the versions whose operations that may mean.
    version: Version,
    reach: VersionSet,
    budget: &'w mut Budget,
    found: OperationIndices,
    /// Some template matched, for whatever method.
    listed: bool,
    /// The way to the node took a segment with an encoded slash for one of a single segment.
    torn: bool,
}

// === impl Router ===

impl Router {
    /// Makes a router of the operations of an API without versions, in document order. Templates stand without base path.
    pub fn build(operations: &[Operation]) -> Result<Self, RouterProblem> {
        Self::with_versions(operations, Versions::default())
    }

    /// The same of an API with versions: they stand in the base path or right behind it, the templates have none.
    pub fn with_versions(operations: &[Operation], versions: Versions) -> Result<Self, RouterProblem> {
        if operations.len() > MAX_OPERATIONS {
            return Err(RouterProblem::TooManyOperations);
        }
        let (mut builder, mut routes) =
            (Builder { nodes: vec![Node::default()] }, Vec::with_capacity(operations.len()));
        for (operation, listed) in operations.iter().enumerate() {
            Method::parse(&listed.method).map_err(|_| RouterProblem::Method { operation })?;
            let template = Template::parse(&listed.template, &listed.multi_segment)
                .map_err(|problem| RouterProblem::Template { operation, problem })?;
            builder.insert(operation as u32, &template).ok_or(RouterProblem::TooLarge { operation })?;
            let versions = versions.set_of(&listed.versions);
            routes.push(Route { method: listed.method.clone(), template, versions });
        }
        Ok(Self { nodes: builder.finish(), routes, versions })
    }

    /// The versions of the API.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The versions in which an operation is.
    pub fn versions_of(&self, operation: u32) -> VersionSet {
        self.routes.get(operation as usize).map_or(VersionSet::EMPTY, |route| route.versions)
    }

    /// What a request of this method for this path asks for.
    pub fn matches(&self, method: Method<'_>, remainder: &Remainder<'_>) -> Matches {
        self.judge(method, remainder).unwrap_or_else(Matches::Refused)
    }

    fn judge(&self, method: Method<'_>, remainder: &Remainder<'_>) -> Result<Matches, Refusal> {
        if remainder.torn {
            return Err(Refusal::EncodedSlash);
        }
        let mut budget = Budget(MAX_LOOKUP_STEPS);
        let mut required = OperationIndices::EMPTY;
        let listed = self.read(method, remainder, &mut budget, &mut required)?;
        if remainder.path.has_slashed() {
            if !listed {
                return Err(Refusal::EncodedSlash);
            }
            // An upstream that decodes before it splits reads another path: the key must hold what that one means too.
            let split = remainder.path.split_slashed().map_err(|_| Refusal::EncodedSlash)?;
            self.read(method, &Remainder { path: &split, ..*remainder }, &mut budget, &mut required)?;
        }
        Ok(match (required.is_empty(), listed) {
            (false, _) => Matches::Operations(required),
            (true, true) => Matches::OtherMethod,
            (true, false) => Matches::Unlisted,
        })
    }

    /// Adds to `required` what one reading of the path asks for; says whether any template matched it.
    ///
    /// The version is the base path's, else the segment behind it if that looks like one. Such a segment may also be what a
    /// parameter of a path without version takes, so both are read and the key must hold what either means.
    fn read(
        &self,
        method: Method<'_>,
        remainder: &Remainder<'_>,
        budget: &mut Budget,
        required: &mut OperationIndices,
    ) -> Result<bool, Refusal> {
        if let Some(version) = remainder.version {
            return self.read_version(method, remainder, version, budget, required);
        }
        let Remainder { path, from, kind, .. } = *remainder;
        let mut listed = self.read_version(method, remainder, Version::NONE, budget, required)?;
        if from < path.len()
            && !path.is_slashed(from)
            && let Some((version, spelling)) = self.versions.find(path.segment(from))?
        {
            let kind = if spelling == MatchKind::Exact && !path.is_respelled(from) { kind } else { MatchKind::Folded };
            let behind = Remainder { from: from + 1, kind, ..*remainder };
            listed |= self.read_version(method, &behind, version, budget, required)?;
        }
        Ok(listed)
    }

    /// Adds to `required` what the path asks for under a version.
    fn read_version(
        &self,
        method: Method<'_>,
        remainder: &Remainder<'_>,
        version: Version,
        budget: &mut Budget,
        required: &mut OperationIndices,
    ) -> Result<bool, Refusal> {
        let (path, reach) = (remainder.path, version.reach());
        let found = OperationIndices::EMPTY;
        let mut walk = Walk { router: self, path, method, version, reach, budget, found, listed: false, torn: false };
        walk.visit(0, remainder.from)?;
        let (found, listed) = (walk.found, walk.listed);
        if let [only] = found.as_slice() {
            required.insert(*only, version)?;
        } else {
            self.drop_beaten(&found, remainder, version, budget, required)?;
        }
        Ok(listed)
    }

    /// Adds to `required` what remains of several operations that match.
    fn drop_beaten(
        &self,
        found: &OperationIndices,
        remainder: &Remainder<'_>,
        version: Version,
        budget: &mut Budget,
        required: &mut OperationIndices,
    ) -> Result<(), Refusal> {
        let Remainder { path, from, kind, .. } = *remainder;
        let count = path.len() - from;
        let mut exact = [false; MAX_MATCHES];
        for (is_exact, index) in exact.iter_mut().zip(found.iter()) {
            *is_exact = kind == MatchKind::Exact && self.route(index).template.fits_exactly(path, from, budget)?;
        }
        for (index, is_exact) in found.iter().zip(exact) {
            let mine = self.route(index);
            let beats_mine = |other: &Route, other_is_exact: bool| {
                if mine.method != other.method {
                    // A `HEAD` counts as `GET`: the same template adds nothing, a different one stands beside it.
                    return &*other.method == "GET" && mine.template == other.template;
                }
                is_exact && other_is_exact && beats(&other.template, &mine.template, count)
            };
            // In each version that has both. What is left of one version must be held, as the version may be that one.
            let left =
                found.iter().zip(exact).fold(mine.versions.intersection(version.reach()), |left, (other, exact)| {
                    let other = self.route(other);
                    if beats_mine(other, exact) { left.without(other.versions) } else { left }
                });
            if !left.is_empty() {
                required.insert(index, version)?;
            }
        }
        Ok(())
    }

    fn route(&self, index: u32) -> &Route {
        &self.routes[index as usize]
    }
}

// === impl Builder ===

impl Builder {
    /// Adds one template; `None` if there is no room.
    fn insert(&mut self, operation: u32, template: &Template) -> Option<()> {
        let mut node = 0;
        for pattern in template.patterns() {
            node = self.child(node, pattern)?;
        }
        self.nodes.get_mut(node)?.routes.push(operation);
        Some(())
    }

    /// The child of `node` for `pattern`, made where there is none.
    fn child(&mut self, node: usize, pattern: &SegmentPattern) -> Option<usize> {
        let next = u32::try_from(self.nodes.len()).ok()?;
        let parent = self.nodes.get_mut(node)?;
        let child = match pattern {
            SegmentPattern::Literal { folded, .. } => *parent.literals.entry(folded.clone()).or_insert(next),
            SegmentPattern::Parameter => *parent.parameter.get_or_insert(next),
            SegmentPattern::MultiSegment => *parent.multi_segment.get_or_insert(next),
            SegmentPattern::Mixed(mixed) => match parent.mixed.iter().find(|(known, _)| known == mixed) {
                Some((_, child)) => *child,
                None if parent.mixed.len() == MAX_MIXED_SIBLINGS => return None,
                None => {
                    parent.mixed.push((mixed.clone(), next));
                    next
                }
            },
        };
        if child == next {
            if self.nodes.len() == MAX_NODES {
                return None;
            }
            self.nodes.push(Node::default());
        }
        Some(child as usize)
    }

    /// The nodes, made for looking up.
    fn finish(self) -> Vec<Node> {
        let frozen = |Node { literals, parameter, multi_segment, mixed, routes }: Node<_>| Node {
            literals: Literals::from(literals),
            parameter,
            multi_segment,
            mixed,
            routes,
        };
        self.nodes.into_iter().map(frozen).collect()
    }
}

// === impl Walk ===

impl Walk<'_> {
    /// Goes on from `node` with segment `at`. The depth is bounded by the number of segments.
    fn visit(&mut self, node: u32, at: usize) -> Result<(), Refusal> {
        self.budget.spend()?;
        let router = self.router;
        let node = &router.nodes[node as usize];
        if at >= self.path.len() {
            return self.meet(&node.routes);
        }
        let path = self.path;
        if !path.is_slashed(at) {
            let segment = path.segment(at);
            if !node.literals.is_empty() {
                let child = if path.needs_folding(at, at + 1) {
                    node.literals.get(fold::fold(segment).as_str())
                } else {
                    node.literals.get(segment)
                };
                if let Some(child) = child {
                    self.visit(child, at + 1)?;
                }
            }
            if let Some(child) = node.parameter {
                self.visit(child, at + 1)?;
            }
        } else if node.parameter.is_some() || !node.mixed.is_empty() {
            self.visit_torn(node, at)?;
        }
        for (mixed, child) in &node.mixed {
            let ends = match (mixed.is_multi(), path.is_slashed(at)) {
                (true, _) => at + 1..=path.len(),
                (false, false) => at + 1..=at + 1,
                (false, true) => continue,
            };
            for end in ends {
                if mixed.fits_folded(path.span(at, end), self.budget)? {
                    self.visit(*child, end)?;
                }
            }
        }
        if let Some(child) = node.multi_segment {
            let first = if router.nodes[child as usize].is_leaf() { path.len() } else { at + 1 };
            for end in first..=path.len() {
                self.visit(child, end)?;
            }
        }
        Ok(())
    }

    /// A segment with an encoded slash belongs in a multi-segment parameter. Where the path fits one, an upstream that
    /// splits before it decodes may still take it for a single segment: what it finds that way must be held too.
    fn visit_torn(&mut self, node: &Node, at: usize) -> Result<(), Refusal> {
        let before = std::mem::replace(&mut self.torn, true);
        if let Some(child) = node.parameter {
            self.visit(child, at + 1)?;
        }
        // No text of a template has this character, so only a parameter takes it.
        let whole = self.path.segment(at).replace('/', "\u{1}");
        for (mixed, child) in node.mixed.iter().filter(|(mixed, _)| !mixed.is_multi()) {
            if mixed.fits_folded(&whole, self.budget)? {
                self.visit(*child, at + 1)?;
            }
        }
        self.torn = before;
        Ok(())
    }

    fn meet(&mut self, routes: &[u32]) -> Result<(), Refusal> {
        for index in routes {
            self.budget.spend()?;
            let route = self.router.route(*index);
            if route.versions.intersection(self.reach).is_empty() {
                continue;
            }
            self.listed |= !self.torn;
            let method = &*route.method;
            if method == self.method.as_str() || self.method.is_head() && method == "GET" {
                self.found.insert(*index, self.version)?;
            }
        }
        Ok(())
    }
}

impl Node {
    /// Whether nothing follows it.
    fn is_leaf(&self) -> bool {
        self.literals.is_empty() && self.mixed.is_empty() && self.parameter.is_none() && self.multi_segment.is_none()
    }
}

// === impl Budget ===

impl Budget {
    pub(crate) fn spend(&mut self) -> Result<(), Refusal> {
        self.0 = self.0.checked_sub(1).ok_or(Refusal::TooManySteps)?;
        Ok(())
    }
}

// === impl OperationIndices ===

impl OperationIndices {
    const EMPTY: Self = Self { indices: [0; MAX_MATCHES], versions: [Version::NONE; MAX_MATCHES], len: 0 };

    /// The first in document order: the one that is named. `None` only if there is none.
    pub fn first(&self) -> Option<u32> {
        self.as_slice().first().copied()
    }

    /// All of them, ascending. One that two readings of a path ask for under two versions stands here twice.
    pub fn as_slice(&self) -> &[u32] {
        &self.indices[..usize::from(self.len)]
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.as_slice().iter().copied()
    }

    /// All of them with the version that each is asked for under, ascending.
    pub fn with_versions(&self) -> impl Iterator<Item = (u32, Version)> + '_ {
        self.iter().zip(self.versions)
    }

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether there is none; never in [`Matches::Operations`].
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an index at its place unless it is there.
    fn insert(&mut self, index: u32, version: Version) -> Result<(), Refusal> {
        let place = self.with_versions().take_while(|known| *known < (index, version)).count();
        if self.with_versions().nth(place) == Some((index, version)) {
            return Ok(());
        }
        if self.len() == MAX_MATCHES {
            return Err(Refusal::TooManyMatches);
        }
        let end = self.len();
        self.indices.copy_within(place..end, place + 1);
        self.versions.copy_within(place..end, place + 1);
        self.indices[place] = index;
        self.versions[place] = version;
        self.len += 1;
        Ok(())
    }
}

impl fmt::Debug for OperationIndices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}
