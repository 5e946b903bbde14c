//! Whether a code that somebody entered is a user's, and that it works once.

use claviger_domain::api_user::ApiUser;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::recovery_code::{EnteredCode, RECOVERY_CODES, RecoveryCode};
use claviger_domain::sealing::SealedField;
use claviger_domain::sign_in_key::SessionDigest;
use claviger_domain::totp::Step;
use claviger_domain::{ApiUserId, Secret, Timestamp};
use claviger_store::api_user_secrets::{self, ApiUserTotp};
use claviger_store::{Tx, api_user_codes};

use super::second_factor::open;
use crate::Manage;
use crate::error::Error;

/// A code that may count. It does where [`Self::take`] says so: it may have been used meanwhile.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// Of the app: under which secret, and of which step.
    Totp { sealed: Vec<u8>, step: Step },
    /// A recovery code.
    Recovery(CredentialDigest),
}

/// New recovery codes of a user: to be shown, and their digests.
pub(super) fn draw_recovery_codes(manage: &Manage, user: ApiUserId) -> (Vec<Secret>, Vec<CredentialDigest>) {
    let drawn: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| RecoveryCode::draw(&*manage.random)).collect();
    let digests = drawn.iter().map(|code| code_digest(manage, user, code)).collect();
    (drawn.iter().map(RecoveryCode::to_text).collect(), digests)
}

/// Under which a recovery code of a user is found.
fn code_digest(manage: &Manage, user: ApiUserId, code: &RecoveryCode) -> CredentialDigest {
    let parts: [&[u8]; 2] = [&user.as_raw().to_be_bytes(), code.as_bytes()];
    CredentialDigest::from_bytes(manage.keyring.session_key().digest(SessionDigest::ApiRecoveryCode, &parts))
}

// === impl Proof ===

impl Proof {
    /// Holds what was entered against the codes of a user; `None`: it is no code of theirs, or of a step that was used.
    pub(super) fn of(
        manage: &Manage,
        user: &ApiUser,
        totp: &ApiUserTotp,
        entered: &Secret,
        now: Timestamp,
    ) -> Option<Self> {
        match EnteredCode::read(entered) {
            EnteredCode::Totp(code) => {
                let secret = open(manage, user, SealedField::ApiUserTotp, &totp.sealed)?;
                let step = secret.step_of(&code, now, totp.last_step)?;
                Some(Self::Totp { sealed: totp.sealed.clone(), step })
            }
            EnteredCode::Recovery(code) => Some(Self::Recovery(code_digest(manage, user.id, &code))),
            EnteredCode::Neither => None,
        }
    }

    /// Takes the code in the transaction in which it counts; false where it does not: used, ended meanwhile, or never there.
    pub(super) async fn take(&self, tx: &mut Tx, user: ApiUserId) -> Result<bool, Error> {
        Ok(match self {
            Self::Totp { sealed, step } => api_user_secrets::take_step(tx, user, sealed, *step).await?,
            Self::Recovery(digest) => api_user_codes::take(tx, user, digest).await?,
        })
    }

    /// The word of a sign-in by it, in the user's history.
    pub(super) const fn event(proof: Option<&Self>) -> &'static str {
        match proof {
            Some(Self::Recovery(_)) => "signed_in_by_recovery_code",
            Some(Self::Totp { .. }) | None => "signed_in",
        }
    }
}
