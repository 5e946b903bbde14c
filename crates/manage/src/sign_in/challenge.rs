//! Between the two steps of a sign-in: the password was right, and a code is to follow.
//!
//! What the browser holds meanwhile is a token of its own kind; the database has its digest, bound to the person, to the password
//! that was entered, and to the counter at which tries of this browser or network are counted.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::digest::CredentialDigest;
use claviger_domain::member::{Member, Standing};
use claviger_domain::password::PasswordHash;
use claviger_domain::sign_in_key::SessionDigest;
use claviger_domain::{Secret, Timestamp, UserId};
use claviger_store::sign_in_attempts::Counter;
use claviger_store::sign_in_challenges::{self, Challenge};
use claviger_store::{Scope, Tx, members, passwords};
use serde::Serialize;
use utoipa::ToSchema;

use super::attempts::Tried;
use super::code::wrong_code;
use super::enter::wrong;
use super::token::Token;
use super::visit::Visit;
use crate::Manage;
use crate::error::Error;
use crate::keys::expose;
use crate::second_factor::Proof;

/// For how long a code may follow.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_mins(5);

/// The password is right, and a code is needed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeNeeded {
    /// Goes with the code to `POST /sign-in/code`.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    challenge: Secret,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// The second step, as it is taken in the transaction in which the session begins.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    /// The sign-in that waits.
    pub(super) challenge: CredentialDigest,
    /// The code.
    pub(super) proof: Proof,
}

/// What is written where the password is right.
struct Draft {
    challenge: Challenge,
    hash: PasswordHash,
    renewed: Option<PasswordHash>,
    tried: Tried,
    now: Timestamp,
}

/// Of a password's hash, as a challenge is bound to it.
pub(super) fn password_digest(manage: &Manage, hash: &PasswordHash) -> [u8; 32] {
    manage.keyring.session_key().digest(SessionDigest::PasswordHash, &[hash.expose().as_bytes()])
}

/// Begins to wait for a code. The try is no failure; one of codes is counted anew.
pub(super) async fn begin(
    manage: &Manage,
    visit: &Visit,
    member: &Member,
    (hash, renewed): (PasswordHash, Option<PasswordHash>),
    counter: Counter,
    tried: Tried,
) -> Result<CodeNeeded, Error> {
    let token = Token::draw(&*manage.random);
    let expires_at = visit.now.saturating_add(CHALLENGE_LIFETIME);
    let challenge = Challenge {
        counter,
        digest: token.challenge_digest(&manage.keyring),
        user: member.user.id,
        organization: member.organization,
        password: password_digest(manage, renewed.as_ref().unwrap_or(&hash)),
        expires_at,
    };
    let draft = Arc::new(Draft { challenge, hash, renewed, tried, now: visit.now });
    manage
        .store
        .write(Scope::Organization(member.organization), move |tx| {
            let draft = Arc::clone(&draft);
            Box::pin(async move { draft.write(tx).await })
        })
        .await?;
    Ok(CodeNeeded { challenge: token.to_text(), expires_at })
}

// === impl Draft ===

impl Draft {
    async fn write(&self, tx: &mut Tx) -> Result<(), Error> {
        let user = self.challenge.user;
        // As where a session begins: all of it may have changed while the hash was computed.
        let hash = passwords::get(tx, user).await?;
        let member = members::get(tx, self.challenge.organization, user).await?;
        let in_service = member.is_some_and(|member| member.standing(self.now) == Standing::InService);
        if !in_service || hash.is_none_or(|hash| hash.expose() != self.hash.expose()) {
            return Err(wrong());
        }
        if let Some(renewed) = &self.renewed {
            passwords::replace(tx, user, &self.hash, renewed).await?;
        }
        sign_in_challenges::put(tx, &self.challenge).await?;
        self.tried.take_back(tx).await
    }
}

// === impl Answered ===

impl Answered {
    /// Takes challenge and code: each works once, also where two come with them at once.
    pub(super) async fn take(&self, tx: &mut Tx, user: UserId) -> Result<(), Error> {
        if sign_in_challenges::take(tx, &self.challenge).await? && self.proof.take(tx, user).await? {
            return Ok(());
        }
        Err(wrong_code())
    }
}
