//! From a name and a password to a session, or to the second step where the person has a second factor.

use std::sync::Arc;

use claviger_domain::attempts::Attempts;
use claviger_domain::audit::{Chain, Entry, Subject};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::email::EMAIL_LENGTH_MAX;
use claviger_domain::key::{Actor, ActorKind};
use claviger_domain::member::{Member, Standing};
use claviger_domain::name::{Name, search_form};
use claviger_domain::password::PasswordHash;
use claviger_domain::session::{SESSIONS_MAX, Session, SessionLimits};
use claviger_domain::{OrganizationId, SessionId, Timestamp, UserId};
use claviger_store::outbox::Waiting;
use claviger_store::{Conn, Scope, Tx, members, organizations, passwords, second_factors, sessions};
use serde_json::json;

use super::attempts::{self, Origin, Tried};
use super::challenge::{self, Answered, CodeNeeded};
use super::token::{Browser, Token};
use super::visit::Visit;
use super::wire::SignIn;
use crate::error::Error;
use crate::passwords::{Match, entered};
use crate::visitor::VisitKind;
use crate::{Manage, mail};

/// A session that begins.
#[derive(Debug)]
pub struct Entered {
    /// The session.
    pub session: Session,
    /// For its cookie.
    pub token: Token,
    /// For the cookie by which the browser is known again.
    pub(super) browser: Browser,
}

/// What a right password leads to.
#[derive(Debug)]
pub enum SignedIn {
    /// The session.
    Entered(Box<Entered>),
    /// The person has a second factor: a code is to follow.
    CodeNeeded(CodeNeeded),
}

/// Who may come in, and what has shown it.
pub(super) struct Start {
    pub(super) member: Member,
    pub(super) hash: PasswordHash,
    /// The same password under the parameters of now.
    pub(super) renewed: Option<PasswordHash>,
    /// The second step; none where the person has no second factor.
    pub(super) answered: Option<Answered>,
    /// What tells the person of it.
    pub(super) mail: Option<Waiting>,
    pub(super) tried: Tried,
    pub(super) browser: Browser,
}

/// Whom a name means.
struct Found {
    /// What tries are counted for.
    account: Vec<u8>,
    user: Option<UserId>,
    /// The person in the organization, and the hash; both or none.
    known: Option<(Member, PasswordHash)>,
}

/// What is written where a password is right.
struct Draft {
    start: Start,
    session: Session,
    digest: CredentialDigest,
    limits: SessionLimits,
    /// The session before, of the same browser.
    replaced: Option<CredentialDigest>,
    entry: Entry,
}

/// Begins a session. Unknown, without a password, out of service, and wrong look the same and cost the same.
pub async fn sign_in(manage: &Manage, visit: &Visit, request: SignIn) -> Result<SignedIn, Error> {
    if request.login.chars().count() > EMAIL_LENGTH_MAX {
        return Err(Error::field("login", format!("expected at most {EMAIL_LENGTH_MAX} characters")));
    }
    let password = entered("password", &request.password)?;
    // Before anything costs: a flood from one address takes no memory and no processor from others.
    manage.count_visit(VisitKind::SignIn, visit.ip)?;
    let place = manage.passwords.admit()?;
    let found = find(&mut *manage.store.read().await?, &request, visit.now).await?;
    let known_browser = found.user.zip(visit.browser.as_ref());
    let browser = known_browser.and_then(|(user, text)| Browser::parse(text.expose(), &manage.keyring, user));
    let from = browser.as_ref().map_or(Origin::Range(visit.ip), |browser| Origin::Known(&browser.0));
    let counter = attempts::counter(manage, &found.account, from);
    let tried = attempts::begin(manage, &[&counter], visit.now).await?;
    let hash = found.known.as_ref().map(|(_, hash)| hash.clone());
    let matched = manage.passwords.verify(&place, password.clone(), hash).await?;
    let Some((member, hash)) = found.known.filter(|_| matched != Match::No) else {
        note_failure(manage, visit, found.user, tried.most()).await?;
        return Err(wrong());
    };
    let renewed = match matched {
        Match::Outdated => Some(manage.passwords.hash_at(&place, password, &*manage.random).await?),
        Match::Yes | Match::No => None,
    };
    if second_factors::get(&mut *manage.store.read().await?, member.user.id).await?.is_some() {
        let needed = challenge::begin(manage, visit, &member, (hash, renewed), counter, tried).await?;
        return Ok(SignedIn::CodeNeeded(needed));
    }
    let browser = browser.unwrap_or_else(|| Browser::draw(&*manage.random));
    let start = Start { member, hash, renewed, answered: None, mail: None, tried, browser };
    Ok(SignedIn::Entered(Box::new(begin(manage, visit, start).await?)))
}

pub(super) fn wrong() -> Error {
    Error::unauthenticated("The name or the password is wrong.")
}

/// The person of this address, or of this user name in the organization, where they are in service.
async fn find(conn: &mut Conn, request: &SignIn, now: Timestamp) -> Result<Found, Error> {
    let wanted = match &request.organization {
        Some(name) => organization(conn, name).await?,
        None => organizations::default(conn).await?.map(|home| home.id),
    };
    let user = match request.login.parse() {
        Ok(email) => members::known_user(conn, &email).await?.map(|user| user.id),
        Err(_) => None,
    };
    let user = match (user, wanted, request.login.parse::<Name>()) {
        (None, Some(wanted), Ok(name)) => {
            let member = members::by_username(conn, wanted, &name.search_form()).await?;
            member.filter(|member| member.accepted_at.is_some()).map(|member| member.user.id)
        }
        (user, ..) => user,
    };
    let Some(user) = user else {
        return Ok(Found { account: search_form(&request.login).into_bytes(), user: None, known: None });
    };
    let mut places = members::of_user(conn, user).await?;
    places.retain(|place| place.accepted_at.is_some() && place.standing(now) == Standing::InService);
    let at = places.iter().position(|place| Some(place.organization) == wanted);
    let at = at.or((request.organization.is_none() && !places.is_empty()).then_some(0));
    let member = at.map(|at| places.swap_remove(at));
    let known = member.zip(passwords::get(conn, user).await?);
    Ok(Found { account: user.as_raw().to_be_bytes().to_vec(), user: Some(user), known })
}

/// The organization of this id or slug.
pub(super) async fn organization(conn: &mut Conn, name: &str) -> Result<Option<OrganizationId>, Error> {
    if let Ok(id) = name.parse::<OrganizationId>() {
        return Ok(organizations::get(conn, id).await?.map(|found| found.id));
    }
    match name.parse() {
        Ok(slug) => Ok(organizations::by_slug(conn, &slug).await?.map(|found| found.id)),
        Err(_) => Ok(None),
    }
}

/// Begins the session, if all that was shown still holds in its transaction.
pub(super) async fn begin(manage: &Manage, visit: &Visit, start: Start) -> Result<Entered, Error> {
    let (member, browser) = (&start.member, start.browser);
    let organization = member.organization;
    let token = Token::draw(&*manage.random);
    let session = Session {
        id: SessionId::new(visit.now, &*manage.random),
        user: member.user.id,
        organization: member.organization,
        created_at: visit.now,
        seen_at: visit.now,
        proved_at: visit.now,
        ip: visit.ip.map(|ip| ip.to_string()),
        agent: visit.agent.clone(),
    };
    let mut after = json!({"ip": session.ip, "device": session.agent});
    if let Some(answered) = &start.answered {
        after["second_factor"] = answered.proof.as_str().into();
    }
    let entry = entry(visit, actor(member), "user.sign_in", member, Some(session.id), Some(after));
    let draft = Arc::new(Draft {
        start,
        session: session.clone(),
        digest: token.digest(&manage.keyring),
        limits: manage.config.sessions,
        replaced: visit.token.as_ref().map(|token| token.digest(&manage.keyring)),
        entry,
    });
    manage
        .store
        .write(Scope::Organization(organization), move |tx| {
            let draft = Arc::clone(&draft);
            Box::pin(async move { draft.write(tx).await })
        })
        .await?;
    Ok(Entered { session, token, browser })
}

// === impl Draft ===

impl Draft {
    async fn write(&self, tx: &mut Tx) -> Result<(), Error> {
        let session = &self.session;
        // The password may have been changed, or the person taken out of service, while the hash was computed.
        let hash = passwords::get_locked(tx, session.user).await?;
        let member = members::get(tx, session.organization, session.user).await?;
        let in_service = member.is_some_and(|member| member.standing(session.created_at) == Standing::InService);
        if !in_service || hash.is_none_or(|hash| hash.expose() != self.start.hash.expose()) {
            return Err(wrong());
        }
        match &self.start.answered {
            Some(answered) => answered.take(tx, session.user).await?,
            // Set up meanwhile: it asks for a code from now on.
            None if second_factors::get(tx, session.user).await?.is_some() => return Err(wrong()),
            None => {}
        }
        if let Some(digest) = &self.replaced
            && let Some(old) = sessions::by_digest(tx, digest).await?
        {
            sessions::end(tx, old.user, old.id).await?;
        }
        let is_alive = |old: &&Session| old.is_alive(session.created_at, &self.limits);
        let others = sessions::of_user(tx, session.user).await?;
        let kept: Vec<SessionId> = others.iter().filter(is_alive).map(|old| old.id).take(SESSIONS_MAX - 1).collect();
        for old in others.iter().filter(|old| !kept.contains(&old.id)) {
            sessions::end(tx, session.user, old.id).await?;
        }
        sessions::insert(tx, session, &self.digest).await?;
        members::note_sign_in(tx, session.organization, session.user, session.created_at).await?;
        self.start.tried.clear(tx).await?;
        if let Some(renewed) = &self.start.renewed {
            passwords::replace(tx, session.user, &self.start.hash, renewed).await?;
        }
        mail::put(tx, self.start.mail.as_ref()).await?;
        tx.audit(Chain::Organization(session.organization), self.entry.clone());
        Ok(())
    }
}

fn actor(member: &Member) -> Actor {
    let (id, name) = (member.user.id.to_string(), member.user.name.to_string());
    Actor { kind: ActorKind::User, id: Some(id), name: Some(name) }
}

/// An entry about a person who has no session yet.
fn entry(
    visit: &Visit,
    actor: Actor,
    action: &str,
    member: &Member,
    session: Option<SessionId>,
    after: Option<serde_json::Value>,
) -> Entry {
    let name = Some(member.user.name.to_string());
    Entry {
        at: visit.now,
        actor,
        action: action.to_owned(),
        object: Subject { kind: "user".to_owned(), id: member.user.id.to_string(), name },
        before: None,
        after,
        ip: visit.ip.map(|ip| ip.to_string()),
        session: session.map(|id| id.to_string()),
        request_id: Some(visit.request_id.to_string()),
    }
}

/// Failures at a person's account: two entries at the most until the lock is over, however many there are.
pub(super) async fn note_failure(
    manage: &Manage,
    visit: &Visit,
    user: Option<UserId>,
    tries: Attempts,
) -> Result<(), Error> {
    let action = match tries {
        tries if tries.is_locking() => "user.sign_in_locked",
        tries if tries.begins_to_slow() => "user.sign_in_failed",
        _ => return Ok(()),
    };
    let Some(user) = user else { return Ok(()) };
    let places = members::of_user(&mut *manage.store.read().await?, user).await?;
    for member in places {
        let system = Actor { kind: ActorKind::System, id: None, name: None };
        let entry = entry(visit, system, action, &member, None, Some(json!({"failures": tries.count})));
        manage
            .store
            .write(Scope::Organization(member.organization), move |tx| {
                let entry = entry.clone();
                Box::pin(async move {
                    tx.audit(Chain::Organization(member.organization), entry);
                    Ok::<_, Error>(())
                })
            })
            .await?;
    }
    Ok(())
}
