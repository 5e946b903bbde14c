//! The answer to a question.

use std::fmt;
use std::sync::Arc;

use claviger_domain::api_user::PermissionType;
use claviger_domain::credential::Environment;
use claviger_domain::key::Owner;
use claviger_domain::limit::{LimitKind, Period};
use claviger_domain::policy::StatusProfile;
use claviger_domain::verdict::Code;
use claviger_domain::{ApiUserId, KeyId, OrganizationId, Timestamp, UserId};
use compact_str::CompactString;

use crate::bearer::Bearer;
use crate::decide::Target;
use crate::held_api::HeldApi;
use crate::held_key::HeldKey;
use crate::limits::{HeldLimit, LimitState, LimitStates, Source};
use crate::presented::FieldMask;
use crate::replica::CatalogGuard;
use crate::selection::UsedSecret;
use crate::sign_ins::{HeldApiUser, HeldSession, SignedIn};
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
    /// Of a refusal for a limit: in how many seconds the same request passes; `None`: never, as far as is known.
    pub retry_after_seconds: Option<u32>,
    /// The fields of the credentials in which the key stood.
    pub fields: FieldMask,
    catalog: CatalogGuard,
    provider: OrganizationId,
    key: Option<ProvedKey>,
    target: Target,
    pub(crate) limits: LimitStates,
}

/// A limit that applied to a request, after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitView<'v> {
    /// Its name.
    pub name: &'v str,
    /// How many in its window or period.
    pub limit: u64,
    /// Its window in seconds; of a quota its period, a month as 30 days; `None`: for ever.
    pub window_seconds: Option<u32>,
    /// How many are left.
    pub remaining: u64,
    /// In how many seconds it is as at the beginning or, where it refused, the same request passes; `None`: never.
    pub reset_seconds: Option<u32>,
    /// Whether it refused the request.
    pub has_refused: bool,
}

/// A key whose secret was right, and who comes with it.
#[derive(Debug)]
pub(crate) struct ProvedKey {
    pub(crate) key: Arc<HeldKey>,
    pub(crate) secret: UsedSecret,
    pub(crate) signed_in: Option<SignedIn>,
}

/// An API user as a verdict shows it.
#[derive(Clone, Copy)]
pub struct ApiUserView<'v> {
    user: &'v HeldApiUser,
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
        key: Option<ProvedKey>,
        target: Target,
    ) -> Self {
        let operation_checked = target.checked;
        Self {
            code,
            would_be: None,
            check,
            operation_checked,
            retry_after_seconds: None,
            fields: FieldMask::default(),
            catalog,
            provider,
            key,
            target,
            limits: LimitStates::default(),
        }
    }

    /// The key, if its secret was right.
    pub fn key(&self) -> Option<KeyView<'_>> {
        let ProvedKey { key, secret, signed_in } = self.key.as_ref()?;
        let bearer = Bearer::new(&self.catalog, self.provider, &key.profile, signed_in.as_ref());
        Some(KeyView { key, secret, bearer })
    }

    /// The API user who comes with the key of an accepted request.
    pub fn api_user(&self) -> Option<ApiUserView<'_>> {
        let proved = self.key.as_ref().filter(|_| self.code == Code::Valid)?;
        proved.signed_in.as_ref().map(|signed_in| ApiUserView { user: &signed_in.user })
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

    /// The limits that applied, with what is left of them: nothing was taken if any refused.
    pub fn limits(&self) -> impl Iterator<Item = LimitView<'_>> {
        let key = self.key();
        self.limits.iter().filter_map(move |state| LimitView::new(state, key?))
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
        self.key.as_ref().map(|proved| (&*proved.key, &proved.secret))
    }

    /// The API that was asked for, as far as the key's organization may know of it.
    pub(crate) fn held_api(&self) -> Option<&Arc<HeldApi>> {
        let organization = self.key.as_ref()?.key.profile.organization;
        let api = self.catalog.tenant(self.provider)?.apis().get(self.target.api?)?;
        (organization == self.provider || api.sharing.with.includes(organization)).then_some(api)
    }

    /// What the request takes of its key's rights, if it was held against any.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The provider.
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        self.catalog.tenant(self.provider)
    }

    /// The session that the key comes with.
    pub(crate) fn held_session(&self) -> Option<&HeldSession> {
        self.key.as_ref()?.signed_in.as_ref()?.session.as_deref()
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Verdict");
        shown.field("code", &self.code).field("check", &self.check).field("key", &self.key().map(|key| key.id()));
        shown.field("api", &self.refused_api()).field("operation", &self.refused_operation()).finish_non_exhaustive()
    }
}

// === impl LimitView ===

const DAY_SECONDS: u32 = 86_400;
const MONTH_DAYS: u32 = 30;

impl<'v> LimitView<'v> {
    fn new(state: &LimitState, key: KeyView<'v>) -> Option<Self> {
        let held = key.limit_of(state.source)?;
        let window_seconds = match &held.limit.kind {
            LimitKind::Rate(rate) => Some(rate.window_seconds),
            LimitKind::Quota(quota) => match quota.period {
                Period::Day => Some(DAY_SECONDS),
                Period::Month => Some(DAY_SECONDS * MONTH_DAYS),
                Period::Total => None,
            },
        };
        let LimitState { remaining, reset_seconds, has_refused, .. } = *state;
        Some(Self {
            name: held.limit.name.as_str(),
            limit: held.most(),
            window_seconds,
            remaining,
            reset_seconds,
            has_refused,
        })
    }
}

// === impl ApiUserView ===

impl<'v> ApiUserView<'v> {
    /// Its id.
    pub fn id(&self) -> ApiUserId {
        self.user.id
    }

    /// By which it signs in.
    pub fn user_name(&self) -> &'v str {
        &self.user.user_name
    }

    /// On what the rights to records are based.
    pub fn permission_type(&self) -> PermissionType {
        self.user.permission_type
    }

    /// BCP 47 tag.
    pub fn language(&self) -> &'v str {
        &self.user.language
    }

    /// Whom it stands for: id and address.
    pub fn contact(&self) -> Option<(&'v str, &'v str)> {
        self.user.contact.as_ref().map(|(id, email)| (&**id, &**email))
    }

    /// The person whose rights bound the session.
    pub fn profile_user(&self) -> UserId {
        self.user.profile_user
    }

    /// What the protected service's system calls that person.
    pub fn profile_external(&self) -> Option<&'v str> {
        self.user.profile_external.as_deref()
    }
}

impl fmt::Debug for ApiUserView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiUserView").field(&self.id()).finish()
    }
}

// === impl KeyView ===

impl<'v> KeyView<'v> {
    /// The limit that stands there.
    fn limit_of(&self, source: Source) -> Option<&'v HeldLimit> {
        match source {
            Source::Nothing => None,
            Source::Key(at) => self.key.profile.limits.get(usize::from(at)),
            Source::Owner(at) => self.bearer?.bound.limits().get(usize::from(at)),
            Source::Set { set, of_guest, at } => {
                let bearer = self.bearer?;
                let tenant = if of_guest { bearer.home() } else { bearer.provider };
                tenant.set(set)?.limits.get(usize::from(at))
            }
        }
    }

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

    /// When it was made, to the millisecond.
    pub fn created_at(&self) -> Timestamp {
        self.key.created_at()
    }

    /// When it began, where that was not at once.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.key.not_before()
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
