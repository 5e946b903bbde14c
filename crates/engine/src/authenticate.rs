//! Claviger's own callers: management keys and door tokens.

use claviger_domain::api_set::ApiSetKind;
use claviger_domain::authority::{Authorities, VERIFY_SLUG, authorities_of_set};
use claviger_domain::key::Owner;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use compact_str::CompactString;

use crate::Engine;
use crate::decide::{check_own_ip, check_state};
use crate::held_key::{HeldKey, Profile};
use crate::owner::Bound;
use crate::presented::Presented;
use crate::question::{Caller, DoorTokenError, Provider};
use crate::reading::Reading;
use crate::record::Record;
use crate::selection::{Audience, Selection, select};
use crate::tenant::Tenant;
use crate::uses_elsewhere::HeldUsesElsewhere;

/// Whoever calls the management API with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementCaller {
    /// The tenant.
    pub organization: OrganizationId,
    /// The key.
    pub key: KeyId,
    /// Its name.
    pub key_name: CompactString,
    /// Who it belongs to.
    pub owner: Owner,
    /// The owner's name, where it is not the organization's.
    pub owner_name: Option<Box<str>>,
    /// What it may do; never empty.
    pub authorities: Authorities,
    /// What its sets stand for: of a person's key more than its person may do now, or as much.
    pub granted: Authorities,
    /// The slugs of the sets of the built-in API that it holds.
    pub sets: Vec<Box<str>>,
}

/// A key whose organization is not there opens nothing.
const NO_TENANT: (Code, &str) = (Code::NotFound, "unknown organization");

// === impl Engine (its own callers) ===

impl Engine {
    /// Who calls the management API: the same checks as at a door, then that the key has any authority at all
    /// (`OPERATION_NOT_ALLOWED` if not). Counts as a use.
    pub fn authenticate(&self, credentials: &Presented<'_>, caller: Caller<'_>) -> Result<ManagementCaller, Code> {
        let now = self.clock.now();
        let reading = Reading::of(credentials, &self.pepper);
        let (catalog, selection) =
            self.replica.look_up(|_, keys| select((&reading, credentials, &self.pepper), keys, Audience::All, now));
        let mut record = Record::new(Door::Management, now, &caller);
        let (key, secret) = match selection {
            Selection::Key { key, secret, .. } => (key, secret),
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
        match admit(tenant, &key, &caller, &self.uses_elsewhere, now) {
            Ok(granted) => {
                self.record(&record, Code::Valid, "");
                let sets = tenant.into_iter().flat_map(|tenant| built_in_sets(tenant, &key.profile));
                let bound = Bound::of(|| tenant, &key.profile);
                Ok(ManagementCaller {
                    organization: key.profile.organization,
                    key: key.id,
                    key_name: key.name.clone(),
                    owner: key.profile.owner,
                    owner_name: bound.name().map(Box::from),
                    authorities: bound.leaves_of(granted),
                    granted,
                    sets: sets.map(Box::from).collect(),
                })
            }
            Err((code, check)) => {
                self.record(&record, code, check);
                Err(code)
            }
        }
    }

    /// For whom a door call is made. No token, or an empty one, means the default organization, unless the door requires
    /// one (`required`) or there is more than one organization to choose from. A token that is sent is always judged; an
    /// accepted one counts as used.
    pub fn door_token(
        &self,
        token: Option<&[u8]>,
        required: bool,
        caller: Caller<'_>,
    ) -> Result<Provider, DoorTokenError> {
        let now = self.clock.now();
        match token.map(<[u8]>::trim_ascii).filter(|token| !token.is_empty()) {
            Some(token) => self.judge_door_token(token, now, &caller),
            None => self.provider_without_token(required, now, &caller),
        }
    }

    fn provider_without_token(
        &self,
        required: bool,
        now: Timestamp,
        caller: &Caller<'_>,
    ) -> Result<Provider, DoorTokenError> {
        let catalog = self.replica.catalog();
        let default = catalog.default_organization();
        if !required && catalog.organization_count() <= 1 {
            self.tokenless.count(now);
            return Ok(default.map_or(Provider::NOBODY, |organization| Provider { organization }));
        }
        let record = Record { organization: default, ..Record::new(Door::DoorToken, now, caller) };
        self.record(&record, Code::Missing, "no door token");
        Err(DoorTokenError::Missing)
    }

    fn judge_door_token(&self, token: &[u8], now: Timestamp, caller: &Caller<'_>) -> Result<Provider, DoorTokenError> {
        let presented = Presented::new().with_x_api_key(token);
        let reading = Reading::of(&presented, &self.pepper);
        let (catalog, selection) =
            self.replica.look_up(|_, keys| select((&reading, &presented, &self.pepper), keys, Audience::All, now));
        let mut record = Record::new(Door::DoorToken, now, caller);
        let result = match &selection {
            Selection::Key { key, secret, .. } => {
                record.set_key(key, secret);
                opens_doors(catalog.tenant(key.profile.organization), key, caller, &self.uses_elsewhere, now)
            }
            Selection::None { code, check, known } => {
                record.known = *known;
                record.organization = known.map(|known| known.organization).or(catalog.default_organization());
                Err((*code, *check))
            }
        };
        let (code, check) = result.err().unwrap_or((Code::Valid, ""));
        self.record(&record, code, check);
        result.map_err(|_| DoorTokenError::Wrong)
    }
}

fn opens_doors(
    tenant: Option<&Tenant>,
    key: &HeldKey,
    caller: &Caller<'_>,
    uses_elsewhere: &HeldUsesElsewhere,
    now: Timestamp,
) -> Result<Provider, (Code, &'static str)> {
    let bound = Bound::of(|| tenant, &key.profile);
    bound.check_alone()?;
    check_state(tenant.ok_or(NO_TENANT)?.rules(), key, uses_elsewhere, now)?;
    bound.check_state(now)?;
    check_own_ip(&key.profile, caller.ip, now)?;
    bound.check_ip(caller.ip, now)?;
    let mut sets = tenant.into_iter().flat_map(|tenant| built_in_sets(tenant, &key.profile));
    if sets.any(|slug| slug == VERIFY_SLUG) {
        Ok(Provider { organization: key.profile.organization })
    } else {
        Err((Code::OperationNotAllowed, "not a door token"))
    }
}

/// What the sets of a key stand for, if it may do any of it.
fn admit(
    tenant: Option<&Tenant>,
    key: &HeldKey,
    caller: &Caller<'_>,
    uses_elsewhere: &HeldUsesElsewhere,
    now: Timestamp,
) -> Result<Authorities, (Code, &'static str)> {
    let bound = Bound::of(|| tenant, &key.profile);
    bound.check_alone()?;
    check_state(tenant.ok_or(NO_TENANT)?.rules(), key, uses_elsewhere, now)?;
    bound.check_state(now)?;
    check_own_ip(&key.profile, caller.ip, now)?;
    bound.check_ip(caller.ip, now)?;
    let sets = tenant.into_iter().flat_map(|tenant| built_in_sets(tenant, &key.profile));
    let granted = sets.fold(Authorities::NONE, |all, slug| all.union(authorities_of_set(slug)));
    let nothing = bound.leaves_of(granted).is_empty();
    if nothing { Err((Code::OperationNotAllowed, "no authority")) } else { Ok(granted) }
}

/// The slugs of the built-in sets a key holds, as far as its owner may have them.
fn built_in_sets<'t>(tenant: &'t Tenant, profile: &'t Profile) -> impl Iterator<Item = &'t str> {
    let bound = Bound::of(|| Some(tenant), profile);
    let sets = tenant.sets_of(profile).filter(|set| set.kind == ApiSetKind::BuiltIn);
    sets.filter(move |set| bound.names(set.id)).map(|set| &*set.slug)
}
