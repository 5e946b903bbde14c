//! Where a request leads: what can be said of it without its key, so that it can be said while memory brings the key.

use claviger_domain::operation::{Method, MethodOverride, Version};
use claviger_domain::path::{PathProblem, RequestPath};

use crate::bearer::Bearer;
use crate::choose_api::choose;
use crate::decide::{Target, meet};
use crate::held_api::{Asked, HeldApi, host_name};
use crate::question::RequestLine;
use crate::tenant::Tenant;

/// Operations that are kept; a request with more of them, which is rare, is matched again when its key is there.
const OPERATIONS_KEPT: usize = 4;

/// The API of a request, and what its own method asks of it.
#[derive(Debug)]
pub(crate) struct Route<'r> {
    request: &'r RequestLine<'r>,
    path: &'r RequestPath<'r>,
    method: Method<'r>,
    place: usize,
    asked: Asked,
    operations: Operations,
}

/// The operations that a key must hold, all of them.
#[derive(Debug)]
struct Operations {
    kept: [(u32, Version); OPERATIONS_KEPT],
    count: usize,
}

// === impl Route ===

impl<'r> Route<'r> {
    /// Where a request leads among the APIs of `provider`; `path` is its target's.
    pub(crate) fn of(
        provider: &Tenant,
        request: &'r RequestLine<'r>,
        path: &'r Result<RequestPath<'r>, PathProblem>,
        pin: Option<&str>,
    ) -> Result<Self, &'static str> {
        let path = path.as_ref().map_err(|problem| problem.as_str())?;
        let method = Method::parse(request.method).map_err(|_| "the method is no token")?;
        let place = choose(provider, pin, request.host.and_then(host_name), path, method)?;
        let mut operations = Operations { kept: [(0, Version::NONE); OPERATIONS_KEPT], count: 0 };
        let asked = provider.apis()[place].asks(method, path, |index, version| operations.add(index, version));
        Ok(Self { request, path, method, place, asked, operations })
    }

    /// Whether a key may go there. `target` is told what was found, refused or not.
    pub(crate) fn check(&self, bearer: &Bearer<'_>, target: &mut Target) -> Result<(), &'static str> {
        let Self { request, path, place, .. } = self;
        meet(bearer, *place, target)?;
        let api = &bearer.provider.apis()[*place];
        if api.environment(request.host.and_then(host_name)) != bearer.profile.environment {
            return Err("a host of the other environment");
        }
        self.check_method(bearer, api, target)?;
        for text in request.method_overrides.iter().copied() {
            self.check_override(bearer, text, target)?;
        }
        for text in path.query_methods() {
            self.check_override(bearer, &text, target)?;
        }
        Ok(())
    }

    /// The place of the API.
    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// Whether anything is asked for that `gives` says is given: an operation by any method that it could be, or, where none is
    /// listed, the whole API.
    pub(crate) fn asks_any(
        &self,
        provider: &Tenant,
        mut gives: impl FnMut(u32, Version) -> bool,
        gives_whole: impl Fn() -> bool,
    ) -> bool {
        let Some(api) = provider.apis().get(self.place) else { return false };
        let mut is_given = false;
        self.each_method(|method| {
            let asked = api.asks(method, self.path, |operation, version| is_given |= gives(operation, version));
            is_given |= asked == Asked::Unlisted && gives_whole();
        });
        is_given
    }

    /// Every operation that is asked for, by any method that it could be; `None`: a path that is not listed.
    pub(crate) fn each_operation(&self, provider: &Tenant, mut each: impl FnMut(Option<u32>)) {
        let Some(api) = provider.apis().get(self.place) else { return };
        self.each_method(|method| {
            if api.asks(method, self.path, |operation, _| each(Some(operation))) == Asked::Unlisted {
                each(None);
            }
        });
    }

    /// The request's own method, and those that replace it at some upstreams.
    fn each_method(&self, mut each: impl FnMut(Method<'_>)) {
        each(self.method);
        let overrides = self.request.method_overrides.iter().copied().filter(|text| !text.trim_ascii().is_empty());
        overrides.filter_map(|text| MethodOverride::parse(text).ok()).for_each(|method| each(method.method()));
        let queried = self.path.query_methods();
        queried.for_each(|text| {
            if let Ok(method) = MethodOverride::parse(&text) {
                each(method.method());
            }
        });
    }

    fn check_method(&self, bearer: &Bearer<'_>, api: &HeldApi, target: &mut Target) -> Result<(), &'static str> {
        let holds = |(operation, version)| bearer.holds(self.place, operation, version);
        match self.operations.all() {
            Some(operations) => {
                let holds_all = operations.iter().copied().all(holds);
                judge_method(bearer, self.place, self.asked, (holds_all, operations.len()), target)
            }
            None => check_method(bearer, self.place, api, self.method, self.path, target),
        }
    }

    /// A method that replaces the request's own at some upstreams is judged like it. An empty one replaces nothing.
    fn check_override(&self, bearer: &Bearer<'_>, text: &str, target: &mut Target) -> Result<(), &'static str> {
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let method = MethodOverride::parse(text).map_err(|_| "the method override is no token")?;
        check_method(bearer, self.place, &bearer.provider.apis()[self.place], method.method(), self.path, target)
    }
}

fn check_method(
    bearer: &Bearer<'_>,
    place: usize,
    api: &HeldApi,
    method: Method<'_>,
    path: &RequestPath<'_>,
    target: &mut Target,
) -> Result<(), &'static str> {
    let (mut holds_all, mut count) = (true, 0);
    let asked = api.asks(method, path, |operation, version| {
        holds_all &= bearer.holds(place, operation, version);
        count += 1;
    });
    judge_method(bearer, place, asked, (holds_all, count), target)
}

fn judge_method(
    bearer: &Bearer<'_>,
    place: usize,
    asked: Asked,
    (holds_all, count): (bool, usize),
    target: &mut Target,
) -> Result<(), &'static str> {
    match asked {
        Asked::Operations { first, version } => {
            target.takes_more |= target.operation.is_some() || count > 1;
            target.operation.get_or_insert((first, version));
            if holds_all { Ok(()) } else { Err("lacks the operation") }
        }
        Asked::Unlisted if bearer.has_full_access(place) => Ok(()),
        Asked::Unlisted if bearer.provider.apis()[place].unlisted_paths && bearer.holds_whole(place) => Ok(()),
        Asked::Unlisted => Err("an unlisted path"),
        Asked::Refused(check) => Err(check),
    }
}

// === impl Operations ===

impl Operations {
    fn add(&mut self, index: u32, version: Version) {
        if let Some(place) = self.kept.get_mut(self.count) {
            *place = (index, version);
        }
        self.count += 1;
    }

    /// All of them; `None` where not all were kept.
    fn all(&self) -> Option<&[(u32, Version)]> {
        self.kept.get(..self.count)
    }
}
