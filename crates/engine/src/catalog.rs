//! Organizations, APIs and sets: one immutable snapshot, swapped whole.

use std::sync::Arc;

use claviger_domain::change::{Change, Object, ObjectRef};
use claviger_domain::{ApiId, ApiSetId, OrganizationId};
use hashbrown::HashMap;

use crate::tenant::{Draft, Tenant};

/// All organizations with their APIs and sets.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    tenants: HashMap<OrganizationId, Arc<Tenant>>,
    default: Option<OrganizationId>,
    organizations: usize,
    /// Whether any API has credential sources of its own.
    pub(crate) has_sources: bool,
}

// === impl Catalog ===

impl Catalog {
    /// What an organization has.
    pub(crate) fn tenant(&self, organization: OrganizationId) -> Option<&Tenant> {
        self.tenants.get(&organization).map(|tenant| &**tenant)
    }

    /// An organization itself, and those at whose doors its keys count too.
    pub(crate) fn providers_of(&self, organization: OrganizationId) -> impl Iterator<Item = OrganizationId> {
        let counts = move |(id, tenant): (&OrganizationId, &Arc<Tenant>)| {
            (*id == organization || tenant.shares_with(organization)).then_some(*id)
        };
        self.tenants.iter().filter_map(counts)
    }

    /// All organizations, in no order.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = (OrganizationId, &Tenant)> {
        self.tenants.iter().map(|(id, tenant)| (*id, &**tenant))
    }

    /// The organization that door calls without a token are made for.
    pub(crate) fn default_organization(&self) -> Option<OrganizationId> {
        self.default
    }

    /// How many organizations there are.
    pub(crate) fn organization_count(&self) -> usize {
        self.organizations
    }

    /// The snapshot after `changes`; changes of keys are none of its business.
    pub(crate) fn with(&self, changes: impl IntoIterator<Item = Change>) -> Self {
        let mut drafts: HashMap<OrganizationId, Draft> = HashMap::new();
        for change in changes {
            if let Some(organization) = self.organization_of(&change, &drafts) {
                let draft = drafts.entry(organization);
                draft.or_insert_with(|| self.tenant(organization).map(Tenant::edit).unwrap_or_default()).apply(change);
            }
        }
        let mut tenants = self.tenants.clone();
        for (organization, draft) in drafts {
            if draft.is_empty() {
                tenants.remove(&organization);
            } else {
                tenants.insert(organization, Arc::new(draft.build()));
            }
        }
        let organizations = || tenants.values().filter_map(|tenant| tenant.organization());
        let default = organizations().filter(|it| it.is_default).map(|it| it.id).min();
        let count = organizations().count();
        let has_sources = tenants.values().any(|tenant| tenant.has_sources);
        Self { default, organizations: count, has_sources, tenants }
    }

    /// Whose record changed; a record that is gone is looked for.
    fn organization_of(&self, change: &Change, drafts: &HashMap<OrganizationId, Draft>) -> Option<OrganizationId> {
        match (&change.now, change.object) {
            (Some(Object::Organization(organization)), _) => Some(organization.id),
            (Some(Object::Api(api, _)), _) => Some(api.organization),
            (Some(Object::ApiSet(set)), _) => Some(set.organization),
            (Some(Object::ApplicationType(kind)), _) => Some(kind.organization),
            (Some(Object::Application(application)), _) => Some(application.organization),
            (Some(Object::Role(role)), _) => Some(role.organization),
            (Some(Object::Member(member)), _) => Some(member.organization),
            (Some(Object::Key(_) | Object::LastUse(_) | Object::ApiUser(_) | Object::ApiSession(_)), _)
            | (None, ObjectRef::Key(_) | ObjectRef::LastUse(_) | ObjectRef::ApiUser(_) | ObjectRef::ApiSession(_)) => {
                None
            }
            (None, ObjectRef::Organization(id)) => Some(id),
            (None, ObjectRef::Member(organization, _)) => Some(organization),
            (None, ObjectRef::Role(id)) => {
                self.owner(drafts, |tenant| tenant.people().has_role(id), |draft| draft.people().has_role(id))
            }
            (None, ObjectRef::Api(id)) => self.owner(drafts, |tenant| tenant.has_api(id), |draft| draft.has_api(id)),
            (None, ObjectRef::ApiSet(id)) => self.owner(drafts, |tenant| tenant.has_set(id), |draft| draft.has_set(id)),
            (None, ObjectRef::ApplicationType(id)) => {
                self.owner(drafts, |tenant| tenant.type_of(id).is_some(), |draft| draft.has_type(id))
            }
            (None, ObjectRef::Application(id)) => {
                self.owner(drafts, |tenant| tenant.application(id).is_some(), |draft| draft.has_application(id))
            }
        }
    }

    fn owner(
        &self,
        drafts: &HashMap<OrganizationId, Draft>,
        in_tenant: impl Fn(&Tenant) -> bool,
        in_draft: impl Fn(&Draft) -> bool,
    ) -> Option<OrganizationId> {
        let drafted = drafts.iter().find(|(_, draft)| in_draft(draft)).map(|(id, _)| *id);
        drafted.or_else(|| self.tenants.iter().find(|(_, tenant)| in_tenant(tenant)).map(|(id, _)| *id))
    }
}

// === impl Tenant (ids) ===

impl Tenant {
    fn has_api(&self, id: ApiId) -> bool {
        self.apis().iter().any(|api| api.id == id)
    }

    fn has_set(&self, id: ApiSetId) -> bool {
        self.set(id).is_some()
    }
}
