//! The checks, in their order; the first that fails names the code. Pure: catalog, key, question and time in, judgement
//! out.

use std::net::IpAddr;

use claviger_domain::Timestamp;
use claviger_domain::key::State;
use claviger_domain::operation::{Method, MethodOverride, Version};
use claviger_domain::path::RequestPath;
use claviger_domain::rules::Rules;
use claviger_domain::verdict::Code;

use crate::choose_api::{choose, pinned};
use crate::held_api::{Asked, host_name};
use crate::held_key::{HeldKey, Profile};
use crate::question::RequestLine;
use crate::tenant::Tenant;

/// What is asked of a key whose secret is proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inquiry<'a> {
    pub(crate) now: Timestamp,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) request: Option<RequestLine<'a>>,
    pub(crate) pin: Option<&'a str>,
    pub(crate) requires: &'a [&'a str],
}

/// The outcome of all checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) code: Code,
    /// Which check failed, for the log; empty where none did.
    pub(crate) check: &'static str,
    pub(crate) target: Target,
}

/// What a request asks for, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Whether there was anything to hold against the key's rights.
    pub(crate) checked: bool,
    /// The API's place among the provider's.
    pub(crate) api: Option<usize>,
    /// The operation that is named: the first by document order; and the version that it is asked for under.
    pub(crate) operation: Option<(u32, Version)>,
}

/// Judges a key at the provider it belongs to.
pub(crate) fn judge(tenant: &Tenant, key: &HeldKey, inquiry: &Inquiry<'_>) -> Judgement {
    let mut target = Target { checked: is_checked(inquiry), ..Target::default() };
    let result = check_state(tenant.rules(), key, inquiry.now)
        .and_then(|()| check_ip(&key.profile, inquiry.client_ip, inquiry.now))
        .and_then(|()| {
            let result = check_operation(tenant, &key.profile, inquiry, &mut target);
            target.checked |= result.is_err();
            result.map_err(|check| (Code::OperationNotAllowed, check))
        });
    match result {
        Ok(()) => Judgement { code: Code::Valid, check: "", target },
        Err((code, check)) => Judgement { code, check, target },
    }
}

/// Whether the question holds anything against the key's rights.
pub(crate) fn is_checked(inquiry: &Inquiry<'_>) -> bool {
    inquiry.request.is_some() || !inquiry.requires.is_empty()
}

/// Deleted, disabled, pending, expired, not yet valid, by the rules of the key's organization.
pub(crate) fn check_state(rules: &Rules, key: &HeldKey, now: Timestamp) -> Result<(), (Code, &'static str)> {
    let state = key.state(rules, now);
    let check = match state {
        State::Deleted => "deleted",
        State::Disabled if key.is_idle(rules, now) => "idle",
        State::Disabled => "disabled",
        State::Pending => "awaits approval",
        State::Expired => "expired",
        State::NotYetValid => "not yet valid",
        State::Active => "",
    };
    Code::of_state(state).map_or(Ok(()), |code| Err((code, check)))
}

/// The key's list of addresses; an unknown address is in no list.
pub(crate) fn check_ip(profile: &Profile, ip: Option<IpAddr>, now: Timestamp) -> Result<(), (Code, &'static str)> {
    if profile.allowed_ips.is_empty() {
        return Ok(());
    }
    match ip {
        Some(ip) if profile.allowed_ips.contains(ip, now) => Ok(()),
        Some(_) => Err((Code::IpNotAllowed, "address not in the key's list")),
        None => Err((Code::IpNotAllowed, "no client address")),
    }
}

/// The request's operation and the sets that the door requires. `target` is told what was found, refused or not.
pub(crate) fn check_operation(
    tenant: &Tenant,
    profile: &Profile,
    inquiry: &Inquiry<'_>,
    target: &mut Target,
) -> Result<(), &'static str> {
    match (inquiry.request, inquiry.pin) {
        (Some(request), pin) => check_request(tenant, profile, &request, pin, target)?,
        (None, Some(pin)) => target.api = Some(pinned(tenant, pin)?),
        (None, None) => {}
    }
    let holds = |name: &&str| tenant.set_named(name).is_some_and(|set| tenant.holds_set(profile, set));
    if inquiry.requires.iter().all(holds) { Ok(()) } else { Err("lacks a required set") }
}

fn check_request(
    tenant: &Tenant,
    profile: &Profile,
    request: &RequestLine<'_>,
    pin: Option<&str>,
    target: &mut Target,
) -> Result<(), &'static str> {
    let path = RequestPath::parse(request.target).map_err(claviger_domain::path::PathProblem::as_str)?;
    let method = Method::parse(request.method).map_err(|_| "the method is no token")?;
    let host = request.host.and_then(host_name);
    let place = choose(tenant, pin, host, &path, method)?;
    target.api = Some(place);
    if tenant.apis()[place].environment(host) != profile.environment {
        return Err("a host of the other environment");
    }
    check_method(tenant, profile, place, method, &path, target)?;
    for text in request.method_overrides.iter().copied() {
        check_override(tenant, profile, place, text, &path, target)?;
    }
    for text in path.query_methods() {
        check_override(tenant, profile, place, &text, &path, target)?;
    }
    Ok(())
}

/// A method that replaces the request's own at some upstreams is judged like it. An empty one replaces nothing.
fn check_override(
    tenant: &Tenant,
    profile: &Profile,
    place: usize,
    text: &str,
    path: &RequestPath<'_>,
    target: &mut Target,
) -> Result<(), &'static str> {
    if text.trim_ascii().is_empty() {
        return Ok(());
    }
    let method = MethodOverride::parse(text).map_err(|_| "the method override is no token")?;
    check_method(tenant, profile, place, method.method(), path, target)
}

fn check_method(
    tenant: &Tenant,
    profile: &Profile,
    place: usize,
    method: Method<'_>,
    path: &RequestPath<'_>,
    target: &mut Target,
) -> Result<(), &'static str> {
    let api = &tenant.apis()[place];
    let mut holds_all = true;
    let asked = api.asks(method, path, |operation, version| {
        holds_all &= tenant.holds(profile, place, operation, version);
    });
    match asked {
        Asked::Operations { first, version } => {
            target.operation.get_or_insert((first, version));
            if holds_all { Ok(()) } else { Err("lacks the operation") }
        }
        Asked::Unlisted if tenant.has_full_access_to(profile, place) => Ok(()),
        Asked::Unlisted if api.unlisted_paths && tenant.holds_whole(profile, place) => Ok(()),
        Asked::Unlisted => Err("an unlisted path"),
        Asked::Refused(check) => Err(check),
    }
}
