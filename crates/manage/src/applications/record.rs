//! What several use cases do with the record of an application.

use std::collections::HashMap;

use claviger_domain::application::Application;
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::key::Owner;
use claviger_domain::name::Slug;
use claviger_domain::{ApplicationTypeId, OrganizationId};
use claviger_store::{
    Conn, Scope, Tx, api_sessions, api_sets, api_users, application_types, applications, key_usage, keys,
};

use super::wire::{ApplicationKey, ApplicationView, Recorded, Surroundings};
use crate::Manage;
use crate::application_types::set_label;
use crate::body::IfMatch;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::require_type_held;
use crate::write::{Changed, Work};

/// The most slugs that are tried where the one made from the name is taken.
const SLUGS_TRIED_MAX: u32 = 1_000;

/// The types that were read already: their slugs, and those of their sets.
#[derive(Debug, Default)]
pub(super) struct Kinds(HashMap<ApplicationTypeId, (String, Vec<String>)>);

/// The application of this id or slug.
pub(crate) async fn find_application(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<Application>, Error> {
    if let Ok(id) = name.parse() {
        return Ok(applications::get(conn, organization, id).await?);
    }
    match name.parse() {
        Ok(slug) => Ok(applications::by_slug(conn, organization, &slug).await?),
        Err(_) => Ok(None),
    }
}

/// The application of this id or slug, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Application, Error> {
    find_application(conn, organization, name).await?.ok_or_else(|| Error::not_found("application"))
}

/// The view of one application.
pub(super) async fn view(conn: &mut Conn, application: &Application) -> Result<ApplicationView, Error> {
    view_with(conn, application, &mut Kinds::default()).await
}

/// The same beside others, of which many have one type.
pub(super) async fn view_with(
    conn: &mut Conn,
    application: &Application,
    kinds: &mut Kinds,
) -> Result<ApplicationView, Error> {
    let (organization, owner) = (application.organization, Owner::Application(application.id));
    let first = keys::first_of_owner(conn, organization, &owner).await?;
    let (kind, api_sets) = kinds.get(conn, organization, application.kind).await?;
    let around = Surroundings {
        kind,
        api_sets,
        key: first.map(|(id, hint)| ApplicationKey { id, hint }),
        keys: keys::count_of_owner(conn, organization, &owner, u32::MAX).await?,
        last_used: key_usage::last_of_owner(conn, organization, &owner).await?,
        api_users: api_users::count_of_application(conn, application.id).await?,
        sessions: api_sessions::count_of_application(conn, application.id).await?,
    };
    Ok(ApplicationView::new(application, around))
}

// === impl Kinds ===

impl Kinds {
    async fn get(
        &mut self,
        conn: &mut Conn,
        organization: OrganizationId,
        id: ApplicationTypeId,
    ) -> Result<(String, Vec<String>), Error> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let mut found = (String::new(), Vec::new());
        if let Some(kind) = application_types::get(conn, organization, id).await? {
            found.0 = kind.slug.to_string();
            for set in &kind.api_sets {
                found.1.extend(api_sets::find(conn, *set).await?.map(|set| set_label(&set, organization)));
            }
        }
        self.0.insert(id, found.clone());
        Ok(found)
    }
}

/// Refuses a name that another application of the type has, and a slug that another one of the organization has.
pub(super) async fn check_free(conn: &mut Conn, application: &Application) -> Result<(), Error> {
    let organization = application.organization;
    let search = application.name.search_form();
    match applications::by_name(conn, organization, application.kind, &search).await? {
        Some(other) if other != application.id => return Err(Error::name_taken("name", other)),
        _ => {}
    }
    match applications::by_slug(conn, organization, &application.slug).await? {
        Some(other) if other.id != application.id => Err(Error::name_taken("slug", other.id)),
        _ => Ok(()),
    }
}

/// A free slug made from the name: names are unique per type alone, so two may have one.
pub(super) async fn free_slug(conn: &mut Conn, application: &Application) -> Result<Slug, Error> {
    for number in 1..=SLUGS_TRIED_MAX {
        let slug = match number {
            1 => Slug::from_name(application.name.as_str(), "application"),
            number => numbered(&Slug::from_name(application.name.as_str(), "application"), number),
        };
        if applications::by_slug(conn, application.organization, &slug).await?.is_none() {
            return Ok(slug);
        }
    }
    Err(Error::field("slug", "is required: all that could be made from the name are taken"))
}

fn numbered(slug: &Slug, number: u32) -> Slug {
    let text = slug.as_str();
    let room = claviger_domain::name::SLUG_LENGTH_MAX - 5;
    Slug::from_name(&format!("{}-{number}", text.get(..room).unwrap_or(text)), "application")
}

/// Refuses unless the actor holds all that the application's keys can stand for in the management API: who changes it, or
/// puts it to work again, puts them to work.
pub(super) async fn require_held(conn: &mut Conn, ctx: &Ctx, application: &Application) -> Result<(), Error> {
    let kind = application_types::get(conn, application.organization, application.kind).await?;
    let gone = || Error::internal(format!("{} has no type", application.id));
    require_type_held(conn, ctx, &kind.ok_or_else(gone)?).await
}

/// The audit entry of a change of an application: the fields that differ.
pub(super) fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    application: &Application,
    before: Option<&ApplicationView>,
    after: Option<&ApplicationView>,
) {
    let audited = |view: Option<&ApplicationView>| view.map(ApplicationView::audited);
    let (before, after) = differing_fields(audited(before), audited(after));
    let name = Some(application.name.to_string());
    let subject = Subject { kind: "application".to_owned(), id: application.id.to_string(), name };
    tx.audit(Chain::Organization(application.organization), ctx.entry(action, subject, before, after));
}

/// Changes one application in one transaction: `edit` changes the record.
pub(super) async fn change<F>(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    action: &'static str,
    edit: F,
) -> Result<Changed<Recorded>, Error>
where
    F: for<'t> Fn(&'t mut Tx, &'t Ctx, &'t mut Application) -> Work<'t, ()> + Clone + Send + Sync + 'static,
{
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, name, if_match, edit) = (work_ctx.clone(), name.clone(), if_match.clone(), edit.clone());
            Box::pin(async move {
                let before = find(tx, organization, &name).await?;
                if_match.check(before.version)?;
                let mut application = before.clone();
                edit(tx, &ctx, &mut application).await?;
                save(tx, &ctx, action, &before, application).await
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did.
async fn save(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    before: &Application,
    mut application: Application,
) -> Result<Recorded, Error> {
    let old = view(tx, before).await?;
    if application == *before {
        return Ok(Recorded { application: old, version: application.version });
    }
    application.version += 1;
    application.updated_at = ctx.now;
    applications::update(tx, &application).await?;
    if application.disabled.is_some() && before.disabled.is_none() {
        while api_sessions::end_some_of_application(tx, application.id).await? > 0 {}
    }
    let new = view(tx, &application).await?;
    note(tx, ctx, action, &application, Some(&old), Some(&new));
    Ok(Recorded { application: new, version: application.version })
}
