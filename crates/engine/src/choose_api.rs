//! Which API a request belongs to (product.md, "Words"; security.md, rule 2).

use claviger_domain::api::ApiKind;
use claviger_domain::operation::Method;
use claviger_domain::path::RequestPath;

use crate::held_api::Asked;
use crate::tenant::Tenant;

/// The place, among the provider's APIs, of the one that `pin` names. Management is no API of a gateway.
pub(crate) fn pinned(tenant: &Tenant, pin: &str) -> Result<usize, &'static str> {
    let place = tenant.api_named(pin).ok_or("unknown API")?;
    if tenant.apis()[place].kind == ApiKind::BuiltIn { Err("the built-in API") } else { Ok(place) }
}

/// The place of the API that a request belongs to: the one that is pinned, if the path is under it; else the most
/// specific host, then the longest base path (or a variant of it), then a listed operation, then the oldest.
pub(crate) fn choose(
    tenant: &Tenant,
    pin: Option<&str>,
    host: Option<&str>,
    path: &RequestPath<'_>,
    method: Method<'_>,
) -> Result<usize, &'static str> {
    if let Some(pin) = pin {
        let place = pinned(tenant, pin)?;
        return tenant.apis()[place].depth(path).map(|_| place).ok_or("outside the API's base paths");
    }
    let mut best: Option<(usize, _)> = None;
    let mut tied = false;
    for (place, rank) in ranked(tenant, host, path) {
        match &best {
            Some((_, best_rank)) if rank < *best_rank => {}
            Some((_, best_rank)) if rank == *best_rank => tied = true,
            _ => (best, tied) = (Some((place, rank)), false),
        }
    }
    let (first, best_rank) = best.ok_or("no API")?;
    if !tied {
        return Ok(first);
    }
    let lists = |place: usize| matches!(tenant.apis()[place].asks(method, path, |_, _| {}), Asked::Operations { .. });
    let mut equals = ranked(tenant, host, path).filter(|(_, rank)| *rank == best_rank).map(|(place, _)| place);
    Ok(equals.find(|place| lists(*place)).unwrap_or(first))
}

/// The APIs that the request could belong to, each with how well it fits.
fn ranked<'t>(
    tenant: &'t Tenant,
    host: Option<&'t str>,
    path: &'t RequestPath<'_>,
) -> impl Iterator<Item = (usize, (crate::held_api::HostMatch, usize))> {
    tenant.apis().iter().enumerate().filter(|(_, api)| tenant.counts_unpinned(api)).filter_map(move |(place, api)| {
        let host = api.host_match(host)?;
        Some((place, (host, api.depth(path)?)))
    })
}
