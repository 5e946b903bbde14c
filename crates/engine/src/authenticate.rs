//! Claviger's own callers: management keys and door tokens.

use claviger_domain::api_set::ApiSetKind;
use claviger_domain::authority::{Authorities, VERIFY_SLUG, authorities_of_set};
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use compact_str::CompactString;

use crate::Engine;
use crate::decide::{check_ip, check_state};
use crate::held_key::{HeldKey, Profile};
use crate::presented::Presented;
use crate::question::{Caller, DoorTokenError, Provider};
use crate::reading::Reading;
use crate::record::Record;
use crate::selection::{Selection, select};
use crate::tenant::Tenant;

/// Whoever calls the management API with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementCaller {
    /// The tenant.
    pub organization: OrganizationId,
    /// The key.
    pub key: KeyId,
    /// Its name.
    pub key_name: CompactString,
    /// What it may do; never empty.
    pub authorities: Authorities,
    /// The slugs of the sets of the built-in API that it holds.
    pub sets: Vec<Box<str>>,
}

// === impl Engine (its own callers) ===

impl Engine {
    /// Who calls the management API: the same checks as at a door, then that the key has any authority at all
    /// (`OPERATION_NOT_ALLOWED` if not). Counts as a use.
    pub fn authenticate(&self, credentials: &Presented<'_>, caller: Caller<'_>) -> Result<ManagementCaller, Code> {
        let now = self.clock.now();
        let reading = Reading::of(credentials, &self.pepper);
        let (catalog, selection) = self.replica.look_up(|keys| select(&reading, keys, None, now));
        let mut record = Record::new(Door::Management, now, &caller);
        let (key, secret) = match selection {
            Selection::Key { key, secret } => (key, secret),
            // No organization is known, so no log is: a value that names a key goes into its own.
            Selection::None { code, check, known } => {
                record.known = known;
                record.organization = known.map(|known| known.organization);
                self.record(&record, code, check);
                return Err(code);
            }
        };
        record.set_key(&key, &secret);
        let tenant = catalog.tenant(key.profile.organization);
        match admit(tenant, &key, &caller, now) {
            Ok(authorities) => {
                self.record(&record, Code::Valid, "");
                let sets = tenant.into_iter().flat_map(|tenant| built_in_sets(tenant, &key.profile));
                Ok(ManagementCaller {
                    organization: key.profile.organization,
                    key: key.id,
                    key_name: key.name.clone(),
                    authorities,
                    sets: sets.map(Box::from).collect(),
                })
            }
            Err((code, check)) => {
                self.record(&record, code, check);
                Err(code)
            }
        }
    }

    /// For whom a door call is made. No token, or an empty one, means the default organization, as long as there is no
    /// other; whether a token is required beyond that is the door's affair. An accepted token counts as used.
    pub fn door_token(&self, token: Option<&str>, caller: Caller<'_>) -> Result<Provider, DoorTokenError> {
        let Some(token) = token.filter(|token| !token.trim_ascii().is_empty()) else {
            let catalog = self.replica.catalog();
            if catalog.organization_count() > 1 {
                self.gatherer.record(self.clock.now(), Door::DoorToken, Code::Missing, None);
                return Err(DoorTokenError::Missing);
            }
            return Ok(catalog
                .default_organization()
                .map_or(Provider::NOBODY, |organization| Provider { organization }));
        };
        let now = self.clock.now();
        let reading = Reading::of(&Presented::new().with_x_api_key(token.as_bytes()), &self.pepper);
        let (catalog, selection) = self.replica.look_up(|keys| select(&reading, keys, None, now));
        let mut record = Record::new(Door::DoorToken, now, &caller);
        let result = match selection {
            Selection::Key { key, secret } => {
                record.set_key(&key, &secret);
                let organization = key.profile.organization;
                let opens = |tenant: &Tenant| built_in_sets(tenant, &key.profile).any(|slug| slug == VERIFY_SLUG);
                check_state(&key, now).and_then(|()| check_ip(&key.profile, caller.ip, now)).and_then(
                    |()| match catalog.tenant(organization).is_some_and(opens) {
                        true => Ok(Provider { organization }),
                        false => Err((Code::OperationNotAllowed, "no door token")),
                    },
                )
            }
            Selection::None { code, check, known } => {
                record.known = known;
                record.organization = known.map(|known| known.organization).or(catalog.default_organization());
                Err((code, check))
            }
        };
        let (code, check) = result.err().unwrap_or((Code::Valid, ""));
        self.record(&record, code, check);
        result.map_err(|_| DoorTokenError::Wrong)
    }
}

fn admit(
    tenant: Option<&Tenant>,
    key: &HeldKey,
    caller: &Caller<'_>,
    now: Timestamp,
) -> Result<Authorities, (Code, &'static str)> {
    check_state(key, now)?;
    check_ip(&key.profile, caller.ip, now)?;
    let sets = tenant.into_iter().flat_map(|tenant| built_in_sets(tenant, &key.profile));
    let authorities = sets.fold(Authorities::NONE, |all, slug| all.union(authorities_of_set(slug)));
    if authorities.is_empty() { Err((Code::OperationNotAllowed, "no authority")) } else { Ok(authorities) }
}

/// The slugs of the built-in sets a key holds.
fn built_in_sets<'t>(tenant: &'t Tenant, profile: &'t Profile) -> impl Iterator<Item = &'t str> {
    tenant.sets_of(profile).filter(|set| set.kind == ApiSetKind::BuiltIn).map(|set| &*set.slug)
}
