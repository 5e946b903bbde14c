//! Takes over API users that another system made, with what they prove themselves by there: password hashes, one-time codes,
//! static tokens.

use claviger_domain::api_user::{API_USERS_MAX, ApiUser, SignInMethod, is_api_token};
use claviger_domain::application::{Application, SignIn};
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::foreign_password::{FOREIGN_COSTS_MAX, FOREIGN_KEY_BYTES_MAX, ForeignCost};
use claviger_domain::name::Name;
use claviger_domain::password::PasswordHash;
use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::totp::{Step, TotpSecret};
use claviger_domain::{ApiUserId, OrganizationId, Secret};
use claviger_store::api_user_secrets::{self, ApiUserTotp, ForeignPassword};
use claviger_store::{Conn, Tx, api_users};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::create::draft;
use super::record::{check_free, note, view};
use super::request::{ContactInput, CreateApiUser};
use crate::Manage;
use crate::applications::ImportOutcome;
use crate::body::read_fields;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::keys::is_the_rows;

/// An API user of another system.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportApiUser {
    /// Unique in the application.
    #[schema(value_type = String, example = "ann@example.com")]
    pub user_name: Name,
    /// Whether it may sign in; true if not given.
    #[serde(default = "yes")]
    pub active: bool,
    /// As for a new one: 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub permission_type: i64,
    /// Whom it stands for; required for the types 2 to 5, and none for 1.
    #[serde(default)]
    pub contact: Option<ContactInput>,
    /// The person whose rights bound its sessions, by id, user name or address.
    #[schema(example = "ada")]
    pub profile_user: String,
    /// What the protected service's system calls that person.
    #[serde(default)]
    pub profile_external: Option<String>,
    /// What a sign-in asks for; `password` if not given.
    #[serde(default)]
    #[schema(value_type = String, example = "password")]
    pub sign_in_method: SignInMethod,
    /// BCP 47 tag; `en` if not given.
    #[serde(default)]
    pub language: Option<String>,
    /// The hash of its password. Without one it has none until it is reset.
    #[serde(default)]
    pub password_hash: Option<ImportedHash>,
    /// The secret of its one-time codes: 16 to 64 characters of Base32.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub totp_secret: Option<Secret>,
    /// The token that it proves itself by where its application's type asks for one without a sign-in: 64 hexadecimal digits.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub static_token: Option<Secret>,
}

/// A password's hash of another system. It is replaced by one of ours when the user signs in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedHash {
    /// Argon2id as a PHC string, or bcrypt, over the hexadecimal HMAC-SHA256 of the password.
    #[schema(value_type = String)]
    pub hash: Secret,
    /// The key of that HMAC.
    #[schema(value_type = String)]
    pub mac_key: Secret,
}

/// What came of one user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportedRow {
    /// Its place in the list, from 1 on.
    row: usize,
    /// What came of it.
    #[schema(inline)]
    outcome: ImportOutcome,
    /// Its id, where it is there.
    #[schema(required)]
    id: Option<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// A user as it is drawn before the transaction, or what is wrong with it.
pub(crate) struct ApiUserImport(Result<Drawn, Error>);

struct Drawn {
    id: ApiUserId,
    request: CreateApiUser,
    user_name: Name,
    password: Option<(PasswordHash, ForeignPassword)>,
    totp: Option<Vec<u8>>,
    static_token: Option<CredentialDigest>,
}

fn yes() -> bool {
    true
}

/// Takes over the users of an application that may come in.
pub(crate) async fn import_users(
    tx: &mut Tx,
    ctx: &Ctx,
    application: &Application,
    sign_in: SignIn,
    users: &[ApiUserImport],
) -> Result<Vec<ImportedRow>, Error> {
    let mut room = API_USERS_MAX as i64 - api_users::count_of_application(tx, application.id).await?;
    let mut rows = Vec::with_capacity(users.len());
    for (row, ApiUserImport(user)) in (1..).zip(users) {
        let result = match user {
            Ok(user) => user.import(tx, ctx, application, sign_in, &mut room).await,
            Err(error) => Err(error.clone()),
        };
        rows.push(match result {
            Ok((outcome, id)) => ImportedRow { row, outcome, id: Some(id.to_string()), errors: Vec::new() },
            Err(error) if is_the_rows(&error) => ImportedRow::refused(row, &error),
            Err(error) => return Err(error),
        });
    }
    Ok(rows)
}

// === impl ImportedRow ===

impl ImportedRow {
    fn refused(row: usize, error: &Error) -> Self {
        let mut errors = error.errors().to_vec();
        if errors.is_empty() {
            errors.push(FieldError::new("row", error.detail()));
        }
        Self { row, outcome: ImportOutcome::Refused, id: None, errors }
    }
}

// === impl ApiUserImport ===

impl ApiUserImport {
    /// Reads a user, and seals and digests what is secret.
    pub(crate) fn draw(manage: &Manage, ctx: &Ctx, organization: OrganizationId, user: Value) -> Self {
        Self(read_fields(user).and_then(|user| Drawn::new(manage, ctx, organization, user)))
    }
}

// === impl Drawn ===

impl Drawn {
    fn new(manage: &Manage, ctx: &Ctx, organization: OrganizationId, user: ImportApiUser) -> Result<Self, Error> {
        let (id, mut checks) = (ApiUserId::new(ctx.now, &*manage.random), Checks::default());
        let seal = |field, secret: &Secret| {
            let place = SealedPlace::of_api_user(organization, id, field);
            manage.keyring.sealing().seal(&place, secret, &*manage.random)
        };
        let password = user.password_hash.as_ref().and_then(|password| {
            let cost = password.read(&mut checks)?;
            let hash = PasswordHash::new(password.hash.expose().to_owned());
            Some((hash, ForeignPassword { cost, mac_key: seal(SealedField::ForeignMacKey, &password.mac_key) }))
        });
        let totp = user.totp_secret.as_ref().and_then(|secret| match TotpSecret::from_base32(secret) {
            Ok(secret) => Some(seal(SealedField::ApiUserTotp, &secret.to_base32())),
            Err(problem) => {
                checks.refuse("totp_secret", problem);
                None
            }
        });
        let static_token = user.static_token.as_ref().map(|token| {
            let token = token.expose().as_bytes();
            checks.ensure("static_token", is_api_token(token), "expected 64 hexadecimal digits in lower case");
            manage.keyring.pepper().digest(CredentialKind::StaticToken, token)
        });
        checks.finish()?;
        Ok(Self { id, user_name: user.user_name.clone(), password, totp, static_token, request: user.into() })
    }

    async fn import(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        application: &Application,
        sign_in: SignIn,
        room: &mut i64,
    ) -> Result<(ImportOutcome, ApiUserId), Error> {
        self.check_kind(sign_in)?;
        if let Some(present) = self.present(tx, application).await? {
            return Ok((ImportOutcome::Present, present));
        }
        if *room <= 0 {
            return Err(Error::field("user_name", format!("an application has at most {API_USERS_MAX} API users")));
        }
        self.check_cost(tx, application).await?;
        let mut user = draft(tx, ctx, self.id, application, &self.request).await?;
        user.static_token = self.static_token;
        check_free(tx, &user).await?;
        self.insert(tx, ctx, &user).await?;
        *room -= 1;
        Ok((ImportOutcome::Imported, user.id))
    }

    /// Refuses what users of such an application do not have, and asks for what they cannot be without.
    fn check_kind(&self, sign_in: SignIn) -> Result<(), Error> {
        const NOTHING: &str = "is nothing that users of this application have";
        if !sign_in.has_users() {
            return Err(Error::field("application", "is of a type whose calls prove themselves by a key alone"));
        }
        let mut checks = Checks::default();
        let has_sessions = sign_in == SignIn::Session;
        checks.ensure("password_hash", has_sessions || self.password.is_none(), NOTHING);
        checks.ensure("totp_secret", has_sessions || self.totp.is_none(), NOTHING);
        checks.ensure("static_token", !has_sessions || self.static_token.is_none(), NOTHING);
        let has_token = self.static_token.is_some();
        checks.ensure("static_token", has_sessions || has_token, "is required: users of this application have one");
        checks.finish()
    }

    /// The user of the application who has this token or name already.
    async fn present(&self, conn: &mut Conn, application: &Application) -> Result<Option<ApiUserId>, Error> {
        if let Some(digest) = &self.static_token
            && let Some(user) = api_users::by_static_token(conn, digest).await?
        {
            let is_own = user.application == application.id;
            let refused = || Error::field("static_token", "cannot be imported: expected one that nobody else has");
            return if is_own { Ok(Some(user.id)) } else { Err(refused()) };
        }
        let named = api_users::by_name(conn, application.id, &self.user_name.search_form()).await?;
        match named {
            Some(user) if self.static_token.is_some() => Err(Error::name_taken("user_name", user.id)),
            named => Ok(named.map(|user| user.id)),
        }
    }

    /// Refuses a hash of one cost more than everybody who signs in should pay for.
    async fn check_cost(&self, conn: &mut Conn, application: &Application) -> Result<(), Error> {
        let Some((_, foreign)) = &self.password else { return Ok(()) };
        let costs = api_user_secrets::foreign_costs(conn, application.id).await?;
        let fits = costs.contains(&foreign.cost) || costs.len() < FOREIGN_COSTS_MAX;
        let expected = format!(
            "expected one of the {FOREIGN_COSTS_MAX} kinds and costs of hashes that the application has already"
        );
        if fits { Ok(()) } else { Err(Error::field("password_hash.hash", expected)) }
    }

    async fn insert(&self, tx: &mut Tx, ctx: &Ctx, user: &ApiUser) -> Result<(), Error> {
        api_users::insert(tx, user).await?;
        if let Some((hash, foreign)) = &self.password {
            api_user_secrets::set_password(tx, user.id, hash, ctx.now).await?;
            api_user_secrets::set_foreign(tx, user.id, user.application, foreign).await?;
        }
        if let Some(sealed) = &self.totp {
            let totp = ApiUserTotp { sealed: sealed.clone(), last_step: Step::NONE, confirmed_at: ctx.now };
            api_user_secrets::put_totp(tx, user.id, &totp).await?;
        }
        let made = view(tx, user).await?;
        note(tx, ctx, "api_user.import", user, None, Some(&made));
        Ok(())
    }
}

// === impl ImportedHash ===

impl ImportedHash {
    fn read(&self, checks: &mut Checks) -> Option<ForeignCost> {
        let key = (1..=FOREIGN_KEY_BYTES_MAX).contains(&self.mac_key.expose().len());
        checks.ensure("password_hash.mac_key", key, format!("expected 1 to {FOREIGN_KEY_BYTES_MAX} bytes"));
        match ForeignCost::of_hash(&self.hash) {
            Ok(cost) => Some(cost),
            Err(problem) => {
                checks.refuse("password_hash.hash", problem);
                None
            }
        }
    }
}

// === impl CreateApiUser ===

impl From<ImportApiUser> for CreateApiUser {
    fn from(user: ImportApiUser) -> Self {
        Self {
            application: String::new(),
            user_name: Some(user.user_name),
            active: user.active,
            permission_type: user.permission_type,
            contact: user.contact,
            profile_user: user.profile_user,
            profile_external: user.profile_external,
            sign_in_method: user.sign_in_method,
            language: user.language,
            password: None,
        }
    }
}
