//! The second step of a sign-in: a code, from whoever has entered the password.

use claviger_domain::Secret;
use claviger_domain::member::{Member, Standing};
use claviger_domain::password::PasswordHash;
use claviger_store::outbox::Waiting;
use claviger_store::second_factors::{self, Totp};
use claviger_store::sign_in_challenges::{self, Challenge};
use claviger_store::{members, passwords};
use claviger_texts::Mail;
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempts::{self, Origin};
use super::challenge::{Answered, password_digest};
use super::enter::{Entered, Start, begin, note_failure};
use super::token::{Browser, Token};
use super::visit::Visit;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::second_factor::{self, Proof};
use crate::visitor::VisitKind;
use crate::{Manage, mail};

/// What follows a right password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInCode {
    /// As `POST /sign-in` answered it.
    #[schema(value_type = String, max_length = 64)]
    pub challenge: Secret,
    /// The six digits of the app, or a recovery code.
    #[schema(value_type = String, max_length = 64, example = "123456")]
    pub code: Secret,
}

/// A sign-in that waits, and what it was bound to as it stands now.
struct Found {
    challenge: Challenge,
    member: Member,
    hash: PasswordHash,
    totp: Totp,
}

/// Begins a session. A wrong code and one that was used look the same; so do challenges that never were, have expired, were
/// used, or whose password was changed.
pub async fn enter_code(manage: &Manage, visit: &Visit, request: SignInCode) -> Result<Entered, Error> {
    manage.count_visit(VisitKind::SignIn, visit.ip)?;
    let Found { challenge, member, hash, totp } = find(manage, visit, &request.challenge).await?;
    let user = challenge.user;
    let account = user.as_raw().to_be_bytes();
    let browser = visit.browser.as_ref().and_then(|text| Browser::parse(text.expose(), &manage.keyring, user));
    // One that is known is where the password was entered too, or it is not the one that is known.
    let browser =
        browser.filter(|browser| attempts::counter(manage, &account, Origin::Known(&browser.0)) == challenge.counter);
    let codes = attempts::counter(manage, &account, Origin::Codes);
    let counters = match browser {
        Some(_) => vec![&challenge.counter],
        None => vec![&challenge.counter, &codes],
    };
    let tried = attempts::begin(manage, &counters, visit.now).await?;
    let failures = tried.most();
    let Some(proof) = Proof::of(manage, user, &totp, &request.code, visit.now) else {
        note_failure(manage, visit, Some(user), failures).await?;
        return Err(wrong_code());
    };
    let mail = notice(manage, visit, &member, &proof).await?;
    let answered = Some(Answered { challenge: challenge.digest, proof });
    let browser = browser.unwrap_or_else(|| Browser::draw(&*manage.random));
    let entered = begin(manage, visit, Start { member, hash, renewed: None, answered, mail, tried, browser }).await;
    if let Err(error) = &entered
        && error.code() == ErrorCode::Unauthenticated
    {
        note_failure(manage, visit, Some(user), failures).await?;
    }
    entered
}

pub(super) fn wrong_code() -> Error {
    Error::unauthenticated("The code is wrong.")
}

fn over() -> Error {
    Error::unauthenticated("This sign-in is over: begin again with the password.")
}

/// The sign-in of this token, while it waits.
async fn find(manage: &Manage, visit: &Visit, token: &Secret) -> Result<Found, Error> {
    let token = Token::parse(token.expose()).ok_or_else(over)?;
    let mut snapshot = manage.store.read().await?;
    let challenge = sign_in_challenges::by_digest(&mut snapshot, &token.challenge_digest(&manage.keyring)).await?;
    let challenge = challenge.filter(|challenge| visit.now < challenge.expires_at).ok_or_else(over)?;
    let member = members::get(&mut snapshot, challenge.organization, challenge.user).await?;
    let member = member.filter(|member| member.standing(visit.now) == Standing::InService).ok_or_else(over)?;
    let hash = passwords::get(&mut snapshot, challenge.user).await?;
    let hash = hash.filter(|hash| password_digest(manage, hash) == challenge.password).ok_or_else(over)?;
    let totp = second_factors::get(&mut snapshot, challenge.user).await?.ok_or_else(over)?;
    Ok(Found { challenge, member, hash, totp })
}

/// Whoever has lost their codes learns that one is used, and how many are left.
async fn notice(manage: &Manage, visit: &Visit, member: &Member, proof: &Proof) -> Result<Option<Waiting>, Error> {
    let Proof::Recovery(_) = proof else { return Ok(None) };
    let count = second_factors::count_codes(&mut *manage.store.read().await?, member.user.id).await?;
    let text = Mail::RecoveryCodeUsed {
        name: member.user.name.to_string(),
        at: mail::shown(visit.now, &member.user.time_zone),
        left: count.saturating_sub(1).max(0).to_string(),
    };
    second_factor::mail(manage, &Ctx::operator(visit.request_id, visit.now), member, text)
}
