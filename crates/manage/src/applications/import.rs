//! Takes over an application that another system made: its name, password and key, and who signs in under it.
//!
//! One transaction takes the application and as many of its users as a call brings. What is there already stays as it is, so that
//! the same call can be made again, with the same users or further ones. A dry run is the same transaction, rolled back.

use std::sync::Arc;

use claviger_domain::application::{
    APPLICATIONS_MAX, Application, ApplicationType, StoredPassword, check_foreign_password,
};
use claviger_domain::authority::Authority;
use claviger_domain::digest::CredentialKind;
use claviger_domain::key::Owner;
use claviger_domain::{OrganizationId, Secret};
use claviger_store::{Conn, Scope, Tx, applications, keys};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::create::{check_type, draft, first_key};
use super::record::{check_free, free_slug, note, view};
use super::request::CreateApplication;
use super::wire::ApplicationView;
use crate::Manage;
use crate::api_users::{ApiUserImport, ImportedRow, import_users};
use crate::application_types::find_type;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode, FieldError};
use crate::keys::{CreateKey, ImportedValue, NewKey, check_leave};
use crate::organizations::home;
use crate::rights::UNKNOWN;
use crate::write::Changed;

/// The most users of one call; more go in several.
pub const USERS_MAX: usize = 500;

/// An application of another system.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportApplication {
    /// What it becomes. Its password may be as short as it was there.
    pub application: CreateApplication,
    /// The value of its key.
    pub key: ImportedValue,
    /// Who signs in under it: 500 at the most.
    #[serde(default)]
    #[schema(value_type = Vec<crate::api_users::ImportApiUser>)]
    pub api_users: Vec<Value>,
}

/// Whether something of another system came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// It did, or would.
    Imported,
    /// It is there already, and stays as it is.
    Present,
    /// It cannot.
    Refused,
}

/// What came of an import.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApplicationImport {
    /// Whether nothing was changed.
    dry_run: bool,
    /// What came of the application.
    #[schema(inline)]
    outcome: ImportOutcome,
    /// The application; null where it was only tried.
    #[schema(required)]
    application: Option<ApplicationView>,
    /// What came of each user.
    api_users: Vec<ImportedRow>,
}

/// Everything that is drawn before the transaction.
struct Making {
    ctx: Ctx,
    draft: Application,
    has_slug: bool,
    kind: ApplicationType,
    key: NewKey,
    users: Vec<ApiUserImport>,
    leave: bool,
}

/// Takes over an application and its users. An error is about the application or the call; what is wrong with a user the answer
/// says, and holds nothing up.
pub async fn import(
    manage: &Manage,
    ctx: &Ctx,
    request: ImportApplication,
    dry_run: bool,
) -> Result<Changed<ApplicationImport>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    // As whoever imports other keys.
    ctx.require(Authority::KeysManageAll)?;
    let making = Arc::new(Making::draw(manage, ctx, organization, request).await?);
    let tried = Arc::new(Mutex::new(None));
    let all = (making, Arc::clone(&tried));
    let result = manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (making, tried) = all.clone();
            Box::pin(async move {
                let done = making.run(tx, dry_run).await?;
                if dry_run {
                    *tried.lock() = Some(done);
                    // Takes everything back.
                    return Err(Error::conflict("This was only tried."));
                }
                Ok(done)
            })
        })
        .await;
    let tried = tried.lock().take();
    match (result, tried) {
        (Err(_), Some(value)) => Ok(Changed { value, position: None }),
        (result, _) => result,
    }
}

// === impl Making ===

impl Making {
    async fn draw(
        manage: &Manage,
        ctx: &Ctx,
        organization: OrganizationId,
        request: ImportApplication,
    ) -> Result<Self, Error> {
        if request.api_users.len() > USERS_MAX {
            return Err(Error::field("api_users", format!("expected at most {USERS_MAX}")));
        }
        let home = home(manage, organization).await?;
        let kind = type_of(&mut *manage.store.read().await?, organization, &request.application.kind).await?;
        let mut draft = draft(manage, ctx, &home, &request.application, &kind).map_err(of_application)?;
        if kind.sign_in.has_password() {
            draft.password = Some(stored_password(manage, ctx, request.application.password.as_ref())?);
        }
        let key = first_key(&draft, &request.application, &kind, &home);
        let key = CreateKey { import: Some(request.key), ..key };
        let key = NewKey::draw(manage, ctx, &home, key).map_err(of_key)?;
        let users = request.api_users.into_iter();
        Ok(Self {
            ctx: ctx.clone(),
            has_slug: request.application.slug.is_some(),
            draft,
            kind,
            key,
            users: users.map(|user| ApiUserImport::draw(manage, ctx, organization, user)).collect(),
            leave: manage.config.imports_with_several_organizations,
        })
    }

    async fn run(&self, tx: &mut Tx, dry_run: bool) -> Result<ApplicationImport, Error> {
        check_leave(tx, self.leave).await?;
        let (application, outcome) = match self.present(tx).await? {
            Some(application) => (application, ImportOutcome::Present),
            None => (self.insert(tx).await?, ImportOutcome::Imported),
        };
        let api_users = import_users(tx, &self.ctx, &application, self.kind.sign_in, &self.users).await?;
        let shown = if dry_run { None } else { Some(view(tx, &application).await?) };
        Ok(ApplicationImport { dry_run, outcome, application: shown, api_users })
    }

    /// The application of this type that has the key already.
    async fn present(&self, conn: &mut Conn) -> Result<Option<Application>, Error> {
        let organization = self.draft.organization;
        let Some(found) = keys::by_digest(conn, self.key.digest()).await? else { return Ok(None) };
        let Some(key) = keys::get(conn, organization, found.key).await? else { return Ok(None) };
        let Owner::Application(id) = key.owner else { return Ok(None) };
        let application = applications::get(conn, organization, id).await?;
        Ok(application.filter(|application| application.kind == self.kind.id))
    }

    async fn insert(&self, tx: &mut Tx) -> Result<Application, Error> {
        let mut application = self.draft.clone();
        if applications::count(tx, application.organization).await? >= APPLICATIONS_MAX as i64 {
            let most = format!("An organization has at most {APPLICATIONS_MAX} applications.");
            return Err(Error::new(ErrorCode::LimitReached, most));
        }
        check_type(tx, &self.kind).await?;
        if !self.has_slug {
            application.slug = free_slug(tx, &application).await.map_err(of_application)?;
        }
        check_free(tx, &application).await.map_err(of_application)?;
        applications::insert(tx, &application).await?;
        self.key.insert(tx, &self.ctx).await.map_err(of_key)?;
        let made = view(tx, &application).await?;
        note(tx, &self.ctx, "application.import", &application, None, Some(&made));
        Ok(application)
    }
}

async fn type_of(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<ApplicationType, Error> {
    let unknown = || Error::names_unknown(vec![FieldError::new("application.type", UNKNOWN)]);
    find_type(conn, organization, name).await?.ok_or_else(unknown)
}

/// What is stored of a password that the other system has given out.
fn stored_password(manage: &Manage, ctx: &Ctx, password: Option<&Secret>) -> Result<StoredPassword, Error> {
    const FIELD: &str = "application.password";
    let password = password.ok_or_else(|| Error::field(FIELD, "is required by the application's type"))?;
    check_foreign_password(password).map_err(|problem| Error::field(FIELD, problem))?;
    let digest = manage.keyring.pepper().digest(CredentialKind::ApplicationPassword, password.expose().as_bytes());
    Ok(StoredPassword::after(None, digest, std::time::Duration::ZERO, ctx.now))
}

/// An error about the application, whose fields stand below `application` here.
fn of_application(error: Error) -> Error {
    let errors = error.errors().iter();
    let errors = errors.map(|error| FieldError::new(format!("application.{}", error.field), &error.message)).collect();
    error.with_errors(errors)
}

/// An error about the key: its value stands below `key` here.
fn of_key(error: Error) -> Error {
    let field = |field: &str| match field.strip_prefix("import") {
        Some(rest) => format!("key{rest}"),
        None => format!("application.{field}"),
    };
    let errors = error.errors().iter().map(|error| FieldError::new(field(&error.field), &error.message)).collect();
    error.with_errors(errors)
}
