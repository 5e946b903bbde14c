//! The checks, in their order; the first that fails names the code. Pure: catalog, key, question and time in, judgement
//! out.

use std::net::IpAddr;

use claviger_domain::Timestamp;
use claviger_domain::ip_list::IpList;
use claviger_domain::key::State;
use claviger_domain::operation::{Method, Version};
use claviger_domain::path::RequestPath;
use claviger_domain::rules::Rules;
use claviger_domain::verdict::Code;

use crate::bearer::Bearer;
use crate::choose_api::{choose, pinned};
use crate::held_api::host_name;
use crate::held_key::{HeldKey, Profile};
use crate::question::RequestLine;
use crate::route::Route;
use crate::tenant::Tenant;
use crate::uses_elsewhere::HeldUsesElsewhere;

/// What is asked of a key whose secret is proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inquiry<'a> {
    pub(crate) now: Timestamp,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) request: Option<RequestLine<'a>>,
    pub(crate) pin: Option<&'a str>,
    pub(crate) requires: &'a [&'a str],
    /// What it counts for in limits.
    pub(crate) cost: u64,
    /// Where the request leads, if that has been looked at already.
    pub(crate) route: Option<&'a Result<Route<'a>, &'static str>>,
    pub(crate) uses_elsewhere: &'a HeldUsesElsewhere,
}

/// The outcome of all checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) code: Code,
    /// What an API in report-only mode would have refused it with; then `code` is `VALID`.
    pub(crate) would_be: Option<Code>,
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
    /// Whether it takes more than that operation.
    pub(crate) takes_more: bool,
}

// === impl Judgement ===

impl Judgement {
    /// Whether the request passes, and would if its API did not only report.
    pub(crate) fn passes(&self) -> bool {
        self.code == Code::Valid && self.would_be.is_none()
    }
}

/// Judges a key at the doors of a provider.
pub(crate) fn judge(bearer: &Bearer<'_>, key: &HeldKey, inquiry: &Inquiry<'_>) -> Judgement {
    let mut target = Target { checked: is_checked(inquiry), ..Target::default() };
    let refused = |(code, check), target| Judgement { code, would_be: None, check, target };
    if let Err(failed) = check_state(bearer.home().rules(), key, inquiry.uses_elsewhere, inquiry.now) {
        return refused(failed, target);
    }
    if let Err(failed) = bearer.bound.check_state(inquiry.now) {
        return refused(failed, target);
    }
    let address = check_ip(bearer, inquiry.client_ip, inquiry.now);
    // A wrong address is refused whatever was asked for, unless that is of an API that only reports.
    let rights = match address {
        Err(_) if !bearer.provider.reports_only => Ok(()),
        _ => check_operation(bearer, inquiry, &mut target),
    };
    target.checked |= rights.is_err();
    let failed = address.and(rights.map_err(|check| (Code::OperationNotAllowed, check)));
    match failed {
        Ok(()) => Judgement { code: Code::Valid, would_be: None, check: "", target },
        Err((code, check)) if only_reports(bearer, &target) => {
            Judgement { code: Code::Valid, would_be: Some(code), check, target }
        }
        Err(failed) => refused(failed, target),
    }
}

/// Whether the request belongs to an API in report-only mode that is there for the key.
pub(crate) fn only_reports(bearer: &Bearer<'_>, target: &Target) -> bool {
    let reports = |place: usize| bearer.provider.apis().get(place).is_some_and(|api| api.report_only);
    target.api.is_some_and(|place| reports(place) && bearer.sees(place))
}

/// What a CORS preflight that bears no key asks for, if its API lets those pass: exactly `OPTIONS`, nothing that could
/// make another method of it, and a path that can be read in one way.
pub(crate) fn preflight(provider: &Tenant, inquiry: &Inquiry<'_>) -> Option<Target> {
    let request =
        inquiry.request.filter(|request| request.method == "OPTIONS" && request.method_overrides.is_empty())?;
    let path = RequestPath::parse(request.target).ok()?;
    let method = Method::parse(request.method).ok()?;
    if path.query_methods().next().is_some() {
        return None;
    }
    let place = choose(provider, inquiry.pin, request.host.and_then(host_name), &path, method).ok()?;
    let passes = provider.apis()[place].preflight_without_key;
    passes.then_some(Target { checked: true, api: Some(place), ..Target::default() })
}

/// The API that a request names or belongs to, before anything is known of its key.
pub(crate) fn api_asked(provider: &Tenant, pin: Option<&str>, request: Option<&RequestLine<'_>>) -> Option<usize> {
    if let Some(pin) = pin {
        return pinned(provider, pin).ok();
    }
    let request = request?;
    let path = RequestPath::parse(request.target).ok()?;
    let method = Method::parse(request.method).ok()?;
    choose(provider, None, request.host.and_then(host_name), &path, method).ok()
}

/// Whether the question holds anything against the key's rights.
pub(crate) fn is_checked(inquiry: &Inquiry<'_>) -> bool {
    inquiry.request.is_some() || !inquiry.requires.is_empty()
}

/// Deleted, disabled, pending, expired, not yet valid, by the rules of the key's organization.
pub(crate) fn check_state(
    rules: &Rules,
    key: &HeldKey,
    uses_elsewhere: &HeldUsesElsewhere,
    now: Timestamp,
) -> Result<(), (Code, &'static str)> {
    let state = key.state(rules, uses_elsewhere, now);
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

/// The lists of addresses of the key, its application and its organization: each that is not empty must hold the address.
pub(crate) fn check_ip(bearer: &Bearer<'_>, ip: Option<IpAddr>, now: Timestamp) -> Result<(), (Code, &'static str)> {
    check_own_ip(bearer.profile, ip, now)?;
    bearer.bound.check_ip(ip, now)?;
    check_list(bearer.home().allowed_ips(), ip, now, "address not in the organization's list")
}

/// The key's list of addresses alone: what binds door tokens and management keys.
pub(crate) fn check_own_ip(profile: &Profile, ip: Option<IpAddr>, now: Timestamp) -> Result<(), (Code, &'static str)> {
    check_list(&profile.allowed_ips, ip, now, "address not in the key's list")
}

/// An unknown address is in no list.
fn check_list(
    list: &IpList,
    ip: Option<IpAddr>,
    now: Timestamp,
    outside: &'static str,
) -> Result<(), (Code, &'static str)> {
    if list.is_empty() {
        return Ok(());
    }
    match ip {
        Some(ip) if list.contains(ip, now) => Ok(()),
        Some(_) => Err((Code::IpNotAllowed, outside)),
        None => Err((Code::IpNotAllowed, "no client address")),
    }
}

/// The request's operation and the sets that the door requires. `target` is told what was found, refused or not.
pub(crate) fn check_operation(
    bearer: &Bearer<'_>,
    inquiry: &Inquiry<'_>,
    target: &mut Target,
) -> Result<(), &'static str> {
    match (inquiry.route, inquiry.request, inquiry.pin) {
        (Some(Ok(route)), ..) => route.check(bearer, target)?,
        (Some(Err(check)), ..) => return Err(check),
        (None, Some(request), pin) => {
            let path = RequestPath::parse(request.target);
            Route::of(bearer.provider, &request, &path, pin)?.check(bearer, target)?;
        }
        (None, None, Some(pin)) => meet(bearer, pinned(bearer.provider, pin)?, target)?,
        (None, None, None) => {}
    }
    let holds = |name: &&str| bearer.provider.set_named(name).is_some_and(|set| bearer.holds_set(set));
    if inquiry.requires.iter().all(holds) { Ok(()) } else { Err("lacks a required set") }
}

/// Notes the API that was asked for, if it is there for the key.
pub(crate) fn meet(bearer: &Bearer<'_>, place: usize, target: &mut Target) -> Result<(), &'static str> {
    target.api = Some(place);
    if bearer.sees(place) { Ok(()) } else { Err("an API that is not shared with the key's organization") }
}
