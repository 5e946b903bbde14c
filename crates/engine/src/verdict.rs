//! The answer to a question.

use std::fmt;
use std::sync::Arc;

use claviger_domain::credential::Environment;
use claviger_domain::key::Owner;
use claviger_domain::policy::StatusProfile;
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, Timestamp};
use compact_str::CompactString;

use crate::bearer::Bearer;
use crate::decide::Target;
use crate::held_key::HeldKey;
use crate::presented::FieldMask;
use crate::replica::CatalogGuard;
use crate::selection::UsedSecret;
use crate::tenant::Tenant;

/// A verdict. It keeps the catalog it was made from, so its texts cost nothing; drop it when the answer is written.
pub struct Verdict {
    /// The code.
    pub code: Code,
    /// What it would have been, had the API not been in report-only mode; then the code is `VALID`.
    pub would_be: Option<Code>,
    /// Which check failed, for logs alone: the caller learns no more than the code. Empty where none did.
    pub check: &'static str,
    /// Whether anything was held against the key's rights: there was a request or a required set.
    pub operation_checked: bool,
    /// The fields of the credentials in which the key stood.
    pub fields: FieldMask,
    catalog: CatalogGuard,
    provider: OrganizationId,
    key: Option<(Arc<HeldKey>, UsedSecret)>,
    target: Target,
}

/// A key as a verdict shows it.
#[derive(Clone, Copy)]
pub struct KeyView<'v> {
    key: &'v HeldKey,
    secret: &'v UsedSecret,
    bearer: Option<Bearer<'v>>,
}

// === impl Verdict ===

impl Verdict {
    pub(crate) fn new(
        code: Code,
        check: &'static str,
        catalog: CatalogGuard,
        provider: OrganizationId,
        key: Option<(Arc<HeldKey>, UsedSecret)>,
        target: Target,
    ) -> Self {
        let operation_checked = target.checked;
        Self {
            code,
            would_be: None,
            check,
            operation_checked,
            fields: FieldMask::default(),
            catalog,
            provider,
            key,
            target,
        }
    }

    /// The key, if its secret was right.
    pub fn key(&self) -> Option<KeyView<'_>> {
        let (key, secret) = self.key.as_ref()?;
        Some(KeyView { key, secret, bearer: Bearer::new(&self.catalog, self.provider, &key.profile) })
    }

    /// The key's organization, if its secret was right.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.key().map(|key| key.organization())
    }

    /// The slug of the API that an accepted request belongs to. A refusal does not say which exist.
    pub fn api(&self) -> Option<&str> {
        (self.code == Code::Valid).then(|| self.refused_api()).flatten()
    }

    /// `<api slug>:<operation>` of an accepted request; `None` for an unlisted path.
    pub fn operation(&self) -> Option<&str> {
        (self.code == Code::Valid).then(|| self.refused_operation()).flatten()
    }

    /// The version under which an accepted request asks for its operation; `None` where its path has none, or one that the
    /// API does not list.
    pub fn api_version(&self) -> Option<&str> {
        let (_, version) = self.target.operation.filter(|_| self.code == Code::Valid)?;
        self.catalog.tenant(self.provider)?.apis().get(self.target.api?)?.versions().name(version)
    }

    /// [`Self::api`] for logs, told of refused requests too.
    pub fn refused_api(&self) -> Option<&str> {
        Some(&self.catalog.tenant(self.provider)?.apis().get(self.target.api?)?.slug)
    }

    /// [`Self::operation`] for logs, told of refused requests too.
    pub fn refused_operation(&self) -> Option<&str> {
        Some(self.catalog.tenant(self.provider)?.apis().get(self.target.api?)?.operation(self.target.operation?.0))
    }

    /// The status that a gateway door answers with, by the provider's profile.
    pub fn http_status(&self) -> u16 {
        self.status_profile().http_status(self.code)
    }

    /// The sentence that a gateway door answers with, by the provider's profile.
    pub fn detail(&self) -> &'static str {
        self.status_profile().detail(self.code)
    }

    fn status_profile(&self) -> StatusProfile {
        self.catalog.tenant(self.provider).map(Tenant::status_profile).unwrap_or_default()
    }

    /// The key and the secret that was used.
    pub(crate) fn held_key(&self) -> Option<(&HeldKey, &UsedSecret)> {
        self.key.as_ref().map(|(key, secret)| (&**key, secret))
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Verdict");
        shown.field("code", &self.code).field("check", &self.check).field("key", &self.key().map(|key| key.id()));
        shown.field("api", &self.refused_api()).field("operation", &self.refused_operation()).finish_non_exhaustive()
    }
}

// === impl KeyView ===

impl<'v> KeyView<'v> {
    /// Its id.
    pub fn id(&self) -> KeyId {
        self.key.id
    }

    /// Its tenant.
    pub fn organization(&self) -> OrganizationId {
        self.key.profile.organization
    }

    /// Its name.
    pub fn name(&self) -> &'v str {
        &self.key.name
    }

    /// Which hosts it is for.
    pub fn environment(&self) -> Environment {
        self.key.profile.environment
    }

    /// What may be shown of the secret that was used.
    pub fn hint(&self) -> CompactString {
        match self.secret {
            UsedSecret::Current => self.key.hint(),
            UsedSecret::Old(hint) => hint.clone(),
        }
    }

    /// Whether the secret before the last rotation was used.
    pub fn used_old_secret(&self) -> bool {
        *self.secret != UsedSecret::Current
    }

    /// Who it belongs to.
    pub fn owner(&self) -> Owner {
        self.key.profile.owner
    }

    /// Its owner's name: the application's or the organization's.
    pub fn owner_name(&self) -> &'v str {
        if let Some(name) = self.bearer.and_then(|bearer| bearer.bound.name()) {
            return name;
        }
        self.bearer
            .and_then(|bearer| bearer.home().organization())
            .map_or("", |organization| organization.name.as_str())
    }

    /// The slugs of the provider's sets that it holds by name, in the order of its list; of an application's key those that
    /// its type leaves it.
    pub fn api_sets(&self) -> impl Iterator<Item = &'v str> {
        self.bearer.into_iter().flat_map(|bearer| bearer.provider_sets()).map(|set| &*set.slug)
    }

    /// Its metadata: JSON text of an object.
    pub fn metadata_json(&self) -> &'v str {
        self.key.metadata()
    }

    /// The customer's name in the caller's own system.
    pub fn external_id(&self) -> Option<&'v str> {
        self.key.external_id()
    }

    /// When it ends, by its own end and the policy.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.bearer.and_then(|bearer| self.key.expires_at(bearer.home().rules()))
    }
}

impl fmt::Debug for KeyView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyView").field(&self.id()).finish()
    }
}
