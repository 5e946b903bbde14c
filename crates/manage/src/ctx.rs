//! Who asks: the first argument of every use case.

use std::net::IpAddr;
use std::sync::Arc;

use claviger_domain::audit::{Entry, Subject};
use claviger_domain::authority::{Authorities, Authority};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Actor, ActorKind};
use claviger_domain::session::Session;
use claviger_domain::{KeyId, OrganizationId, RequestId, Timestamp, UserId};
use serde_json::Value;

use crate::calls::Call;
use crate::error::Error;
use crate::idempotency::Attempt;

/// The actor of a call, what it may do, and when.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Who.
    pub actor: Actor,
    /// The tenant whose things are meant; none for the operator while there is not exactly one.
    pub organization: Option<OrganizationId>,
    /// What the actor may do there.
    pub authorities: Authorities,
    /// The person who acts, by a key of their own; none for keys of the organization and its applications, and the operator.
    pub user: Option<UserId>,
    /// What the credential stands for, whatever its person may do now: nobody makes a stronger one with it.
    pub granted: Authorities,
    /// By which value of which key it proved itself; none for the operator.
    pub credential: Option<(KeyId, CredentialDigest)>,
    /// The session in which a person acts; none for keys and the operator.
    pub session: Option<Arc<CtxSession>>,
    /// The caller's address.
    pub ip: Option<IpAddr>,
    /// Names the call in log, audit and answer.
    pub request_id: RequestId,
    /// The instant of the call: one for all that it does.
    pub now: Timestamp,
    /// The `Idempotency-Key` of a call that makes something, if it bears one.
    pub attempt: Option<Arc<Attempt>>,
    /// The place of the call among those of its organization; none for the operator, who must get through.
    pub call: Option<Arc<Call>>,
}

/// The session of a call, and under which digest it was found.
#[derive(Debug, Clone)]
pub struct CtxSession {
    /// The session.
    pub record: Session,
    /// Of its token.
    pub digest: CredentialDigest,
}

/// Refuses unless all of `wanted` are among `held`.
pub(crate) fn require_all(held: Authorities, wanted: Authorities) -> Result<(), Error> {
    let lacking = wanted.without(held);
    if lacking.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = lacking.names().collect();
    Err(Error::forbidden(format!("Only who holds {} may do this.", names.join(", "))))
}

// === impl Ctx ===

impl Ctx {
    /// The operator, for no organization: may make organizations.
    pub fn operator(request_id: RequestId, now: Timestamp) -> Self {
        Self {
            actor: Actor { kind: ActorKind::Operator, id: None, name: None },
            organization: None,
            authorities: Authorities::of(&[Authority::OrganizationsOperate]),
            user: None,
            granted: Authorities::ADMIN,
            credential: None,
            session: None,
            ip: None,
            request_id,
            now,
            attempt: None,
            call: None,
        }
    }

    /// The server itself, by no one's call.
    pub fn system(request_id: RequestId, now: Timestamp) -> Self {
        Self::operator(request_id, now).as_system()
    }

    /// Refuses unless the actor has `authority`.
    pub fn require(&self, authority: Authority) -> Result<(), Error> {
        if self.authorities.has(authority) {
            return Ok(());
        }
        Err(Error::forbidden(format!("This needs the authority {}.", authority.name())))
    }

    /// The tenant, if the actor has `authority` in it: how every use case on an organization's things begins.
    pub fn organization_with(&self, authority: Authority) -> Result<OrganizationId, Error> {
        self.require(authority)?;
        self.organization.ok_or_else(|| Error::forbidden("This call is made for no organization."))
    }

    /// The tenant, if the actor has any of these authorities in it; the first is the one that is named where it has none.
    pub fn organization_with_any(&self, authorities: &[Authority]) -> Result<OrganizationId, Error> {
        if !self.authorities.has_any(Authorities::of(authorities)) {
            let names: Vec<_> = authorities.iter().map(|authority| authority.name()).collect();
            return Err(Error::forbidden(format!("This needs the authority {}.", names.join(" or "))));
        }
        self.organization.ok_or_else(|| Error::forbidden("This call is made for no organization."))
    }

    /// Whether this person acts.
    pub fn is_user(&self, user: UserId) -> bool {
        self.user == Some(user)
    }

    /// The person who acts, and their organization.
    pub fn person(&self) -> Result<(OrganizationId, UserId), Error> {
        let nobody = || Error::forbidden("No person makes this call: it needs a key of a person's own.");
        self.organization.zip(self.user).ok_or_else(nobody)
    }

    /// The same where it is about the person's account: in a session, or by a key that stands for `users.manage`. A key that was
    /// made for something else is no way to the sessions of its person.
    pub fn account(&self) -> Result<(OrganizationId, UserId), Error> {
        let person = self.person()?;
        if self.session.is_none() && !self.granted.has(Authority::UsersManage) {
            let lacking = "This needs a session of the console, or a key that stands for users.manage, such as one with \
                           claviger-users-write.";
            return Err(Error::forbidden(lacking));
        }
        Ok(person)
    }

    /// The session in which a person acts.
    pub fn console_session(&self) -> Result<&CtxSession, Error> {
        self.session.as_deref().ok_or_else(|| Error::forbidden("This is about a session of the console."))
    }

    /// Refuses where a session acts whose person has not proved of late who they are. Keys are not asked.
    pub fn require_step_up(&self) -> Result<(), Error> {
        match &self.session {
            Some(session) if !session.record.is_proved(self.now) => Err(Error::step_up_required()),
            _ => Ok(()),
        }
    }

    /// Refuses unless the actor holds all of `authorities` itself: nobody gives, edits or rotates more than they have.
    pub fn require_all(&self, authorities: Authorities) -> Result<(), Error> {
        require_all(self.authorities, authorities)
    }

    /// The server itself in the same call: whoever it is that brings to light what it has to write down.
    #[must_use]
    pub fn as_system(&self) -> Self {
        let actor = Actor { kind: ActorKind::System, id: None, name: None };
        let (authorities, granted) = (Authorities::NONE, Authorities::NONE);
        Self { actor, authorities, granted, user: None, credential: None, session: None, ip: None, ..self.clone() }
    }

    /// Whether the caller is the operator: whoever holds the machine.
    pub fn is_operator(&self) -> bool {
        self.actor.kind == ActorKind::Operator
    }

    /// An audit entry of this call.
    pub fn entry(&self, action: &str, object: Subject, before: Option<Value>, after: Option<Value>) -> Entry {
        Entry {
            at: self.now,
            actor: self.actor.clone(),
            action: action.to_owned(),
            object,
            before,
            after,
            ip: self.ip.map(|ip| ip.to_string()),
            session: match &self.session {
                Some(session) => Some(session.record.id.to_string()),
                None => self.user.and(self.credential).map(|(key, _)| key.to_string()),
            },
            request_id: Some(self.request_id.to_string()),
        }
    }
}
