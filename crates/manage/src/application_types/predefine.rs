//! The types that the program knows: those of a well-known web service. An organization gets them by asking, once or again: what
//! is there stays, but for sets that are still missing.

use std::sync::Arc;

use claviger_domain::api_set::ApiSet;
use claviger_domain::application::{APPLICATION_TYPES_MAX, ApplicationType, Need, SignIn, TypeFields};
use claviger_domain::authority::Authority;
use claviger_domain::{ApplicationTypeId, OrganizationId};
use claviger_store::{Scope, Tx, application_types};
use serde::Serialize;
use utoipa::ToSchema;

use super::record::{note, view};
use super::wire::ApplicationTypeView;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::Changed;
use crate::{Manage, api_sets};

/// A type as it is made.
struct Predefined {
    slug: &'static str,
    name: &'static str,
    sign_in: SignIn,
    fields: TypeFields,
    /// The set of the template that its keys may have.
    set: &'static str,
}

/// The template of sets that belongs to them.
const TEMPLATE: &str = "yetiforce";

const ANY: TypeFields = TypeFields { allowed_ips: Need::Optional, public_url: Need::Optional };
const NO_URL: TypeFields = TypeFields { allowed_ips: Need::Optional, public_url: Need::Hidden };

const PREDEFINED: [Predefined; 6] = [
    Predefined {
        slug: "webservice-standard",
        name: "Webservice Standard",
        sign_in: SignIn::Session,
        fields: ANY,
        set: "standard",
    },
    Predefined {
        slug: "webservice-premium",
        name: "Webservice Premium",
        sign_in: SignIn::Session,
        fields: ANY,
        set: "premium",
    },
    Predefined {
        slug: "manage-consents",
        name: "Manage consents",
        sign_in: SignIn::StaticToken,
        fields: ANY,
        set: "consents",
    },
    Predefined {
        slug: "sms",
        name: "SMS",
        sign_in: SignIn::KeyAndToken,
        fields: TypeFields { allowed_ips: Need::Required, public_url: Need::Hidden },
        set: "sms",
    },
    Predefined { slug: "pbx", name: "PBX", sign_in: SignIn::Signature, fields: NO_URL, set: "pbx" },
    Predefined { slug: "token", name: "Token", sign_in: SignIn::KeyOnly, fields: ANY, set: "token" },
];

/// The predefined types as they are now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PredefinedTypes {
    /// All of them.
    pub types: Vec<ApplicationTypeView>,
}

/// Makes those predefined types that are missing. Each may have the set of the template `yetiforce` that was applied to an API,
/// and one that has no set yet gets it.
pub async fn predefine(manage: &Manage, ctx: &Ctx) -> Result<Changed<PredefinedTypes>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let ids: Vec<_> = PREDEFINED.iter().map(|_| ApplicationTypeId::new(ctx.now, &*manage.random)).collect();
    let all = Arc::new((ctx.clone(), ids));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, ids) = &*all;
                let sets = api_sets::all(tx, organization).await?;
                let mut types = Vec::with_capacity(PREDEFINED.len());
                for (predefined, id) in PREDEFINED.iter().zip(ids) {
                    let mark = format!("{TEMPLATE}/{}", predefined.set);
                    let own: Vec<_> = sets.iter().filter(|set| set.template.as_deref() == Some(&*mark)).collect();
                    types.push(one(tx, ctx, organization, predefined, *id, &own).await?);
                }
                Ok(PredefinedTypes { types })
            })
        })
        .await
}

async fn one(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
    predefined: &Predefined,
    id: ApplicationTypeId,
    sets: &[&ApiSet],
) -> Result<ApplicationTypeView, Error> {
    let slug = predefined.slug.parse().map_err(|_| Error::internal("a predefined slug is no slug"))?;
    match application_types::by_slug(tx, organization, &slug).await? {
        Some(kind) if kind.predefined && kind.api_sets.is_empty() && !sets.is_empty() => {
            complete(tx, ctx, kind, sets).await
        }
        Some(kind) => view(tx, &kind).await,
        None => {
            if application_types::count(tx, organization).await? >= APPLICATION_TYPES_MAX as i64 {
                let most = format!("An organization has at most {APPLICATION_TYPES_MAX} types of applications.");
                return Err(Error::new(ErrorCode::LimitReached, most));
            }
            let kind = ApplicationType {
                id,
                organization,
                slug,
                name: predefined.name.parse().map_err(|_| Error::internal("a predefined name is no name"))?,
                sign_in: predefined.sign_in,
                api_sets: may_give(tx, ctx, sets).await?,
                fields: predefined.fields,
                predefined: true,
                created_at: ctx.now,
                updated_at: ctx.now,
                version: 1,
            };
            application_types::insert(tx, &kind).await?;
            let made = view(tx, &kind).await?;
            note(tx, ctx, "application_type.create", &kind, None, Some(&made));
            Ok(made)
        }
    }
}

async fn complete(
    tx: &mut Tx,
    ctx: &Ctx,
    before: ApplicationType,
    sets: &[&ApiSet],
) -> Result<ApplicationTypeView, Error> {
    let old = view(tx, &before).await?;
    let mut kind = before;
    kind.api_sets = may_give(tx, ctx, sets).await?;
    kind.version += 1;
    kind.updated_at = ctx.now;
    application_types::update(tx, &kind).await?;
    let new = view(tx, &kind).await?;
    note(tx, ctx, "application_type.edit", &kind, Some(&old), Some(&new));
    Ok(new)
}

/// The sets, if the caller may give them.
async fn may_give(tx: &mut Tx, ctx: &Ctx, sets: &[&ApiSet]) -> Result<Vec<claviger_domain::ApiSetId>, Error> {
    let given: Vec<ApiSet> = sets.iter().map(|set| (*set).clone()).collect();
    ctx.require_sets(tx, &given).await?;
    Ok(given.iter().map(|set| set.id).collect())
}
