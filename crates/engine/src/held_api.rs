//! An API as the replica holds it: ready to say what a path under it asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use claviger_domain::ApiId;
use claviger_domain::api::{Api, ApiKind, Host};
use claviger_domain::credential::Environment;
use claviger_domain::credential_source::CredentialSource;
use claviger_domain::operation::{
    BasePath, MatchKind, Matches, Method, Operation, Remainder, Router, Version, VersionSet, Versions,
};
use claviger_domain::path::RequestPath;
use claviger_domain::sharing::Sharing;

/// An API.
#[derive(Debug)]
pub(crate) struct HeldApi {
    pub(crate) id: ApiId,
    /// No other in this process has it: the places of operations are those of this instance alone.
    pub(crate) edition: u64,
    pub(crate) slug: Box<str>,
    pub(crate) kind: ApiKind,
    pub(crate) unlisted_paths: bool,
    /// Which other organizations may use it.
    pub(crate) sharing: Sharing,
    /// Whether what it would refuse is logged and passes.
    pub(crate) report_only: bool,
    /// Whether a CORS preflight passes without a key.
    pub(crate) preflight_without_key: bool,
    /// Where its keys stand in a request; `None`: where they usually do.
    pub(crate) credential_sources: Option<Arc<[CredentialSource]>>,
    hosts: Box<[Host]>,
    /// The longest first; each with the version that it stands for.
    base_paths: Box<[(BasePath, Option<Version>)]>,
    versions: Versions,
    /// `<slug>:<name>`, in document order.
    operations: Box<[Box<str>]>,
    /// Indices of `operations`, by name.
    sorted: Box<[u32]>,
    /// `None` if the operations cannot be routed: then nothing is known about any path, and all are refused.
    router: Option<Router>,
}

/// How well a host fits an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HostMatch {
    /// The API answers on any host.
    Any,
    /// The API lists the host.
    Listed,
}

/// What one method asks of a path under an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The key must hold all that `each` names; the first is named here.
    Operations {
        /// The first by document order.
        first: u32,
        /// The version that it is asked for under.
        version: Version,
    },
    /// No operation: only keys that hold the whole API.
    Unlisted,
    /// For no key.
    Refused(&'static str),
}

// === impl HeldApi ===

impl HeldApi {
    pub(crate) fn new(api: &Api, operations: &[Operation]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut base_paths: Vec<_> = api.base_paths.iter().filter_map(|text| BasePath::parse(text).ok()).collect();
        base_paths.sort_by_key(|path| std::cmp::Reverse(path.depth()));
        let versions = api.path_versions();
        let base_paths = base_paths.into_iter().map(|path| {
            let version = path.version(&versions);
            (path, version)
        });
        let mut sorted: Vec<u32> = (0..operations.len() as u32).collect();
        sorted.sort_by_key(|&index| &operations[index as usize].name);
        Self {
            id: api.id,
            edition: NEXT.fetch_add(1, Ordering::Relaxed),
            slug: api.slug.as_str().into(),
            kind: api.kind,
            unlisted_paths: api.unlisted_paths,
            sharing: api.sharing.clone(),
            report_only: api.rules.report_only,
            preflight_without_key: api.rules.preflight_without_key,
            credential_sources: Some(api.rules.credential_sources.as_slice())
                .filter(|sources| !sources.is_empty())
                .map(Arc::from),
            hosts: api.hosts.as_slice().into(),
            base_paths: base_paths.collect(),
            operations: operations.iter().map(|it| format!("{}:{}", api.slug, it.name).into()).collect(),
            sorted: sorted.into(),
            router: Router::with_versions(operations, versions.clone()).ok(),
            versions,
        }
    }

    /// `<slug>:<name>` of an operation.
    pub(crate) fn operation(&self, index: u32) -> &str {
        self.operations.get(index as usize).map_or("", |name| name)
    }

    /// The name of an operation within the API.
    pub(crate) fn name(&self, index: u32) -> &str {
        self.operation(index).get(self.slug.len() + 1..).unwrap_or("")
    }

    /// Its versions.
    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The versions that have an operation.
    pub(crate) fn versions_of(&self, index: u32) -> VersionSet {
        self.router.as_ref().map_or(VersionSet::EMPTY, |router| router.versions_of(index))
    }

    /// How many operations it has.
    pub(crate) fn operation_count(&self) -> usize {
        self.operations.len()
    }

    /// The name at `place` in the order of names.
    pub(crate) fn sorted_name(&self, place: usize) -> Option<&str> {
        self.sorted.get(place).map(|&index| self.name(index))
    }

    /// Whether it answers on `host`, a name as [`host_name`] makes it.
    pub(crate) fn host_match(&self, host: Option<&str>) -> Option<HostMatch> {
        if self.hosts.is_empty() {
            return Some(HostMatch::Any);
        }
        self.listed(host).map(|_| HostMatch::Listed)
    }

    /// Which keys `host` is for: `live` unless it is listed otherwise.
    pub(crate) fn environment(&self, host: Option<&str>) -> Environment {
        self.listed(host).map_or(Environment::Live, |host| host.environment)
    }

    /// The number of segments of the longest base path that `path` is under, a variant of one included.
    pub(crate) fn depth(&self, path: &RequestPath<'_>) -> Option<usize> {
        self.base_paths.iter().find(|(base, _)| base.strip(path).is_some()).map(|(base, _)| base.depth())
    }

    /// What `method` asks of `path`. Each operation the key must hold goes to `each`.
    ///
    /// A base path that is met only as a variant (another case) may be none to the upstream, so the path is judged under
    /// the next shorter ones too, down to the first that is met exactly: whatever they list must be held as well.
    pub(crate) fn asks(&self, method: Method<'_>, path: &RequestPath<'_>, mut each: impl FnMut(u32, Version)) -> Asked {
        let Some(router) = &self.router else { return Asked::Refused("the API's operations cannot be routed") };
        let mut first: Option<(u32, Version)> = None;
        for remainder in self.readings(path) {
            match router.matches(method, &remainder) {
                Matches::Operations(indices) => {
                    first = first.into_iter().chain(indices.with_versions().next()).min();
                    indices.with_versions().for_each(|(index, version)| each(index, version));
                }
                Matches::OtherMethod | Matches::Unlisted => {}
                Matches::Refused(refusal) => return Asked::Refused(reason(refusal)),
            }
        }
        first.map_or(Asked::Unlisted, |(first, version)| Asked::Operations { first, version })
    }

    fn readings<'p>(&self, path: &'p RequestPath<'_>) -> impl Iterator<Item = Remainder<'p>> {
        let mut exact_met = false;
        let found = self.base_paths.iter();
        let found = found.filter_map(move |(base, version)| Some(base.strip(path)?.at_version(*version)));
        found.take_while(move |remainder| {
            let take = !exact_met;
            exact_met |= remainder.kind() == MatchKind::Exact;
            take
        })
    }

    fn listed(&self, host: Option<&str>) -> Option<&Host> {
        let host = host?;
        self.hosts.iter().find(|listed| listed.host.eq_ignore_ascii_case(host))
    }
}

/// The name in a `Host` value: without port and without the dot at the end. `None` if nothing is left.
pub(crate) fn host_name(host: &str) -> Option<&str> {
    let host = host.trim();
    let name = match host.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => &host[..end + 2],
        None => host.split(':').next().unwrap_or(host),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then_some(name)
}

fn reason(refusal: claviger_domain::operation::Refusal) -> &'static str {
    use claviger_domain::operation::Refusal;
    match refusal {
        Refusal::EncodedSlash => "the path has an encoded slash outside a multi-segment parameter",
        Refusal::TooManyMatches => "the path matches more than 16 operations",
        Refusal::TooManySteps => "the path takes too many steps to match",
        Refusal::AmbiguousVersion => "the path's version can be read in two ways",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_its_name_alone() {
        for (host, name) in [
            ("api.example.com", Some("api.example.com")),
            ("api.example.com:8443", Some("api.example.com")),
            ("api.example.com.", Some("api.example.com")),
            ("[2001:db8::1]:443", Some("[2001:db8::1]")),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(host_name(host), name, "{host}");
        }
    }
}
