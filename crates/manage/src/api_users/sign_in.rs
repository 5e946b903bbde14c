//! From a user name and a password to a session of an API user.

use std::net::IpAddr;
use std::sync::Arc;

use claviger_domain::api_user::{
    API_SESSIONS_MAX, ApiSession, ApiUser, PARAMS_BYTES_MAX, SignInMethod, generate_api_token,
};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::email::EMAIL_LENGTH_MAX;
use claviger_domain::name::{Name, search_form};
use claviger_domain::password::{Password, PasswordHash};
use claviger_domain::sign_in_key::SessionDigest;
use claviger_domain::{ApiSessionId, ApplicationId, KeyId, OrganizationId, RequestId, Secret, Timestamp};
use claviger_store::api_sessions::Particulars;
use claviger_store::api_user_secrets::{self, ApiUserTotp};
use claviger_store::api_users::Visits;
use claviger_store::{Scope, Tx, api_sessions, api_users};
use serde_json::{Map, Value, json};

use super::SecondFactorPolicy;
use super::proof::Proof;
use super::record::Session;
use super::verify::{Held, held, verify};
use crate::body::Waiting;
use crate::error::{Error, ErrorCode};
use crate::passwords::Match;
use crate::sign_in::{Origin as From_, Tried, attempt_counter, begin_attempt};
use crate::{Manage, passwords};

/// From where a sign-in comes: the application has proved itself.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The tenant.
    pub organization: OrganizationId,
    /// The application.
    pub application: ApplicationId,
    /// Its key: the session goes with it.
    pub key: KeyId,
    /// The caller's address.
    pub ip: Option<IpAddr>,
    /// The client, as it calls itself.
    pub agent: Option<String>,
    /// Names the call.
    pub request_id: RequestId,
    /// The instant of the call.
    pub now: Timestamp,
}

/// What somebody signs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name.
    pub user_name: String,
    /// The password.
    pub password: Secret,
    /// A one-time code.
    pub code: Option<Secret>,
    /// BCP 47 tag that the session is in; the user's if there is none.
    pub language: Option<String>,
    /// What else the client says.
    pub params: Map<String, Value>,
}

/// A session that has begun.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub user: ApiUser,
    /// Its token.
    pub token: Secret,
    /// When the user came and went before.
    pub before: Visits,
    /// What clients wanted to remember of the user.
    pub preferences: Option<Map<String, Value>>,
    /// The language of the session.
    pub language: String,
    /// Whether one-time codes are set up.
    pub is_enrolled: bool,
    /// Whether the session is for setting them up alone.
    pub enrolment_only: bool,
}

/// Why nobody has signed in.
#[derive(Debug)]
pub enum SignInRefused {
    /// No such user, out of service, or another password: one answer for all.
    Wrong,
    /// The password is right, and a code is needed.
    CodeNeeded,
    /// The password is right, and the code is wrong or was used.
    WrongCode,
    /// Something else: too many tries, too many at once, the database.
    Other(Error),
}

/// What is written where all is right.
struct Draft {
    origin: Origin,
    user: ApiUser,
    hash: PasswordHash,
    renewed: Option<PasswordHash>,
    proof: Option<Proof>,
    session: ApiSession,
    particulars: Particulars,
    tried: Tried,
}

/// What came of a draft in its transaction: what was there before, or a code that somebody else has used meanwhile.
type Written = Result<(Visits, Option<String>), ()>;

/// Begins a session, which counts on every node that is live when this returns.
pub async fn sign_in(manage: &Manage, origin: &Origin, credentials: Credentials) -> Result<SignedIn, SignInRefused> {
    let password = Password::entered(&credentials.password).map_err(|_| SignInRefused::Wrong)?;
    let place = manage.passwords.admit()?;
    let found = find(manage, origin, &credentials.user_name).await?;
    let account = account(manage, origin, found.as_ref(), &credentials).await?;
    let counter = attempt_counter(manage, &account, From_::Range(origin.ip));
    let tried = begin_attempt(manage, &[&counter], origin.now).await?;
    let held = match &found {
        Some(user) => held_of(manage, user).await?,
        None => None,
    };
    let (whose, entered) = ((found.as_ref(), held.as_ref()), (&password, &credentials.password));
    let matched = verify(manage, &place, origin.application, whose, entered).await?;
    let hash = held.map(|held| held.hash);
    let Some((user, hash)) = found.zip(hash).filter(|_| matched != Match::No) else {
        note_failure(manage, origin, &credentials.user_name, "wrong_password").await?;
        return Err(SignInRefused::Wrong);
    };
    if user.disabled.is_some() {
        note(manage, origin, &user, "inactive").await?;
        return Err(SignInRefused::Wrong);
    }
    let renewed = match matched {
        Match::Outdated => Some(manage.passwords.hash_at(&place, password, &*manage.random).await?),
        Match::Yes | Match::No => None,
    };
    let (enrolled, proof) = second_step(manage, origin, &user, &credentials).await?;
    let policy = manage.config.api_users.second_factor;
    let needs_codes = user.sign_in_method == SignInMethod::PasswordAndCode;
    let enrolment_only = needs_codes && !enrolled && policy == SecondFactorPolicy::Obligatory;
    let (token, digest) = draw(manage);
    let language = credentials.language.clone().unwrap_or_else(|| user.language.clone());
    let session = session(manage, origin, &user, digest, enrolment_only);
    let particulars = particulars(origin, &language, credentials.params);
    let draft = Draft { origin: origin.clone(), user: user.clone(), hash, renewed, proof, session, particulars, tried };
    let (before, preferences) = write(manage, draft).await?;
    let preferences = preferences.and_then(|text| serde_json::from_str(&text).ok());
    Ok(SignedIn { user, token, before, preferences, language, is_enrolled: enrolled, enrolment_only })
}

/// The user of this name, in service or not.
async fn find(manage: &Manage, origin: &Origin, user_name: &str) -> Result<Option<ApiUser>, Error> {
    if user_name.chars().count() > EMAIL_LENGTH_MAX {
        return Ok(None);
    }
    let Ok(name) = user_name.parse::<Name>() else { return Ok(None) };
    let mut snapshot = manage.store.read().await?;
    Ok(api_users::by_name(&mut snapshot, origin.application, &name.search_form()).await?)
}

async fn held_of(manage: &Manage, user: &ApiUser) -> Result<Option<Held>, Error> {
    held(&mut *manage.store.read().await?, user).await
}

/// What tries are counted for: the user since it was unlocked, or what was entered where there is none.
async fn account(
    manage: &Manage,
    origin: &Origin,
    user: Option<&ApiUser>,
    credentials: &Credentials,
) -> Result<Vec<u8>, Error> {
    let application = origin.application.as_raw().to_be_bytes();
    let Some(user) = user else {
        let entered: String = credentials.user_name.chars().take(EMAIL_LENGTH_MAX).collect();
        return Ok([&application[..], search_form(&entered).as_bytes()].concat());
    };
    let since = api_users::unlocked_at(&mut *manage.store.read().await?, user.id).await?;
    let since = since.map_or_else(Vec::new, |since| since.as_micros().to_be_bytes().to_vec());
    Ok([&application[..], &user.id.as_raw().to_be_bytes(), &since].concat())
}

async fn totp(manage: &Manage, user: &ApiUser) -> Result<Option<ApiUserTotp>, Error> {
    Ok(api_user_secrets::totp(&mut *manage.store.read().await?, user.id).await?)
}

/// Whether codes are set up, and the code that was entered where one is asked for.
async fn second_step(
    manage: &Manage,
    origin: &Origin,
    user: &ApiUser,
    credentials: &Credentials,
) -> Result<(bool, Option<Proof>), SignInRefused> {
    let Some(totp) = totp(manage, user).await? else { return Ok((false, None)) };
    let is_asked = user.sign_in_method == SignInMethod::PasswordAndCode
        && manage.config.api_users.second_factor != SecondFactorPolicy::Off;
    if !is_asked {
        return Ok((true, None));
    }
    let Some(code) = credentials.code.as_ref().filter(|code| !code.expose().trim().is_empty()) else {
        note(manage, origin, user, "no_code").await?;
        return Err(SignInRefused::CodeNeeded);
    };
    if let Some(proof) = Proof::of(manage, user, &totp, code, origin.now) {
        return Ok((true, Some(proof)));
    }
    note(manage, origin, user, "wrong_code").await?;
    Err(SignInRefused::WrongCode)
}

fn draw(manage: &Manage) -> (Secret, CredentialDigest) {
    let token = generate_api_token(&*manage.random);
    let digest = manage.keyring.session_key().digest(SessionDigest::ApiToken, &[token.expose().as_bytes()]);
    (token, CredentialDigest::from_bytes(digest))
}

fn session(
    manage: &Manage,
    origin: &Origin,
    user: &ApiUser,
    digest: CredentialDigest,
    enrolment_only: bool,
) -> ApiSession {
    let limits = manage.config.api_users.sessions;
    ApiSession {
        id: ApiSessionId::new(origin.now, &*manage.random),
        digest,
        organization: origin.organization,
        application: origin.application,
        user: user.id,
        key: origin.key,
        created_at: origin.now,
        expires_at: origin.now.saturating_add(limits.absolute),
        idle: limits.idle,
        used_at: origin.now,
        enrolment_only,
    }
}

/// What is kept of the call; parameters that are too long are none.
fn particulars(origin: &Origin, language: &str, params: Map<String, Value>) -> Particulars {
    let params = Value::Object(params).to_string();
    let params = if params.len() <= PARAMS_BYTES_MAX { params } else { "{}".to_owned() };
    Particulars {
        ip: origin.ip.map(|ip| ip.to_string()),
        agent: origin.agent.clone(),
        language: language.to_owned(),
        params,
    }
}

async fn write(manage: &Manage, draft: Draft) -> Result<(Visits, Option<String>), SignInRefused> {
    let organization = draft.origin.organization;
    let draft = Arc::new(draft);
    let committed = manage
        .store
        .write(Scope::Organization(organization), move |tx| {
            let draft = Arc::clone(&draft);
            Box::pin(async move { draft.write(tx).await })
        })
        .await?;
    let changed = manage.in_force(committed).await?;
    let before = changed.value.map_err(|()| SignInRefused::WrongCode)?;
    // The session is to count wherever it is used next.
    manage.wait_for_secret(changed.position, Waiting::default()).await?;
    Ok(before)
}

/// Writes down that somebody failed, where there is such a user.
async fn note_failure(manage: &Manage, origin: &Origin, user_name: &str, status: &str) -> Result<(), Error> {
    match find(manage, origin, user_name).await? {
        Some(user) => note(manage, origin, &user, status).await,
        None => Ok(()),
    }
}

/// Writes into a user's history what came of a try.
async fn note(manage: &Manage, origin: &Origin, user: &ApiUser, status: &str) -> Result<(), Error> {
    let (event, id) = (origin.as_session(user, ApiSessionId::from_raw(0)).event(status), user.id);
    manage
        .store
        .write(Scope::Organization(origin.organization), move |tx| {
            let event = event.clone();
            Box::pin(async move { Ok::<_, Error>(api_user_secrets::note(tx, id, &event).await?) })
        })
        .await?;
    Ok(())
}

// === impl Origin ===

impl Origin {
    /// The call as one in a session of this user.
    pub(super) fn as_session(&self, user: &ApiUser, session: ApiSessionId) -> Session {
        Session {
            id: session,
            user: user.id,
            organization: self.organization,
            key: self.key,
            ip: self.ip,
            agent: self.agent.clone(),
            request_id: self.request_id,
            now: self.now,
        }
    }
}

// === impl Draft ===

impl Draft {
    async fn write(&self, tx: &mut Tx) -> Result<Written, Error> {
        let (user, now) = (&self.user, self.origin.now);
        // The password may have been changed, or the user taken out of service, while the hash was computed.
        let hash = api_user_secrets::password_locked(tx, user.id).await?;
        let stands = api_users::find(tx, user.id).await?.is_some_and(|user| user.disabled.is_none());
        if !stands || hash.is_none_or(|hash| hash.expose() != self.hash.expose()) {
            return Err(Error::unauthenticated("The user was changed meanwhile."));
        }
        if let Some(proof) = &self.proof
            && !proof.take(tx, user.id).await?
        {
            let call = self.origin.as_session(user, self.session.id);
            api_user_secrets::note(tx, user.id, &call.event("wrong_code")).await?;
            return Ok(Err(()));
        }
        if let Some(renewed) = &self.renewed {
            api_user_secrets::replace_password(tx, user.id, &self.hash, renewed).await?;
        }
        self.make_room(tx).await?;
        let before = (api_users::visits(tx, user.id).await?, api_users::preferences(tx, user.id).await?);
        api_sessions::insert(tx, &self.session, &self.particulars).await?;
        api_users::note_sign_in(tx, user.id, now).await?;
        let session = self.origin.as_session(user, self.session.id);
        let device = serde_json::from_str::<Value>(&self.particulars.params).ok();
        let device = device.and_then(|params| params["deviceId"].as_str().map(|id| id.chars().take(100).collect()));
        let event = api_user_secrets::Event { device, ..session.event(Proof::event(self.proof.as_ref())) };
        api_user_secrets::note(tx, user.id, &event).await?;
        self.tried.clear(tx).await?;
        let after = json!({"application": user.application.to_string(), "ip": self.particulars.ip});
        tx.audit(
            claviger_domain::audit::Chain::Organization(user.organization),
            session.entry("api_user.sign_in", user, Some(after)),
        );
        Ok(Ok(before))
    }

    /// Ends the sessions that were used longest ago, where there would be too many.
    async fn make_room(&self, tx: &mut Tx) -> Result<(), Error> {
        let others = api_sessions::of_user(tx, self.user.id).await?;
        for (old, _) in others.iter().skip(API_SESSIONS_MAX - 1) {
            api_sessions::end(tx, old.organization, self.user.id, old.id).await?;
        }
        Ok(())
    }
}

// === impl SignInRefused ===

impl From<Error> for SignInRefused {
    fn from(error: Error) -> Self {
        if error.code() == ErrorCode::Unauthenticated { Self::Wrong } else { Self::Other(error) }
    }
}

/// What somebody entered as a password.
pub(super) fn entered(text: &Secret) -> Result<Password, Error> {
    passwords::entered("currentPassword", text)
}
