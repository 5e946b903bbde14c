//! What several use cases do with a second factor: its state, its audit entries, and the mails that tell of it.

use std::time::Duration;

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::member::Member;
use claviger_domain::recovery_code::{RECOVERY_CODES, RecoveryCode};
use claviger_domain::{Timestamp, UserId};
use claviger_store::outbox::Waiting;
use claviger_store::{Conn, Tx, members, second_factors};
use claviger_texts::Mail;
use serde_json::{Value, json};

use super::proof::code_digest;
use super::wire::{RecoveryCodes, SecondFactorView};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail::{Draft, shown};

/// A notice that was not sent so long is of no use any more.
const NOTICE_LIFETIME: Duration = Duration::from_hours(3 * 24);

/// The second factor of the person who calls.
pub async fn state(manage: &Manage, ctx: &Ctx) -> Result<SecondFactorView, Error> {
    let (_, user) = ctx.account()?;
    let mut snapshot = manage.store.read().await?;
    let totp = second_factors::get(&mut snapshot, user).await?;
    Ok(SecondFactorView {
        second_factor: totp.as_ref().map(|_| "totp"),
        since: totp.as_ref().map(|totp| totp.confirmed_at),
        recovery_codes_left: second_factors::count_codes(&mut snapshot, user).await?,
        recovery_codes_made_at: totp.map(|totp| totp.codes_made_at),
    })
}

/// The person who calls, in a session of their own: a key must not change how its person signs in.
pub(super) async fn own_member(manage: &Manage, ctx: &Ctx) -> Result<Member, Error> {
    ctx.console_session()?;
    let (organization, user) = ctx.person()?;
    let member = members::get(&mut *manage.store.read().await?, organization, user).await?;
    member.ok_or_else(|| Error::not_found("user"))
}

/// New recovery codes: to be shown, and their digests.
pub(super) fn draw_codes(manage: &Manage, user: UserId) -> (RecoveryCodes, Vec<CredentialDigest>) {
    let drawn: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| RecoveryCode::draw(&*manage.random)).collect();
    let digests = drawn.iter().map(|code| code_digest(manage, user, code)).collect();
    (RecoveryCodes { recovery_codes: drawn.iter().map(RecoveryCode::to_text).collect() }, digests)
}

/// What an audit entry shows of a person's second factor.
pub(super) async fn audited(conn: &mut Conn, user: UserId) -> Result<Value, Error> {
    let kind = second_factors::get(conn, user).await?.map(|_| "totp");
    Ok(json!({"second_factor": kind, "recovery_codes": second_factors::count_codes(conn, user).await?}))
}

/// An entry about a person.
pub(super) fn note(tx: &mut Tx, ctx: &Ctx, member: &Member, action: &str, before: Option<Value>, after: Value) {
    let name = Some(member.user.name.to_string());
    let subject = Subject { kind: "user".to_owned(), id: member.user.id.to_string(), name };
    let entry = ctx.entry(action, subject, before, Some(after));
    tx.audit(Chain::Organization(member.organization), entry);
}

/// The mail that tells a person what happened in this call.
pub(crate) fn mail(manage: &Manage, ctx: &Ctx, member: &Member, mail: Mail) -> Result<Option<Waiting>, Error> {
    manage.seal_mail(
        ctx,
        Draft {
            unique_key: format!("second factor {} {}", member.user.id, ctx.request_id),
            organization: None,
            recipient: member.user.email.clone(),
            language: member.user.language.clone(),
            mail,
            link: None,
            give_up_at: ctx.now.saturating_add(NOTICE_LIFETIME),
        },
    )
}

/// The person's name, and the instant as they read it.
pub(super) fn told(member: &Member, at: Timestamp) -> (String, String) {
    (member.user.name.to_string(), shown(at, &member.user.time_zone))
}
