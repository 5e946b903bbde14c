//! Whether a code that somebody entered is a person's, and that it works once.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::recovery_code::{EnteredCode, RecoveryCode};
use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::sign_in_key::SessionDigest;
use claviger_domain::totp::{Step, TotpSecret};
use claviger_domain::{Secret, Timestamp, UserId};
use claviger_store::Tx;
use claviger_store::second_factors::{self, Totp};

use crate::Manage;
use crate::error::Error;

/// A code that may count. It does where [`Self::take`] says so: it may have been used meanwhile.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    /// Of the app: under which secret, and of which step.
    Totp { sealed: Vec<u8>, step: Step },
    /// A recovery code.
    Recovery(CredentialDigest),
}

/// Under which a recovery code of a person is found.
pub(super) fn code_digest(manage: &Manage, user: UserId, code: &RecoveryCode) -> CredentialDigest {
    let parts: [&[u8]; 2] = [&user.as_raw().to_be_bytes(), code.as_bytes()];
    CredentialDigest::from_bytes(manage.keyring.session_key().digest(SessionDigest::RecoveryCode, &parts))
}

/// Opens the secret of a person; `None`, and a line in the log, where it is not theirs: somebody has changed the database.
pub(super) fn open(manage: &Manage, user: UserId, field: SealedField, sealed: &[u8]) -> Option<TotpSecret> {
    let opened = manage.keyring.sealing().open(&SealedPlace::of_person(user, field), sealed);
    let secret = opened.ok().and_then(|text| TotpSecret::from_base32(&text).ok());
    if secret.is_none() {
        tracing::error!(%user, "the secret of a second factor does not open: the database was changed by somebody else");
    }
    secret
}

// === impl Proof ===

impl Proof {
    /// Holds what was entered against the codes of a person; `None`: it is no code of theirs, or was used.
    pub(crate) fn of(manage: &Manage, user: UserId, totp: &Totp, entered: &Secret, now: Timestamp) -> Option<Self> {
        match EnteredCode::read(entered) {
            EnteredCode::Totp(code) => {
                let secret = open(manage, user, SealedField::Totp, &totp.sealed)?;
                let step = secret.step_of(&code, now, totp.last_step)?;
                Some(Self::Totp { sealed: totp.sealed.clone(), step })
            }
            EnteredCode::Recovery(code) => Some(Self::Recovery(code_digest(manage, user, &code))),
            EnteredCode::Neither => None,
        }
    }

    /// Takes the code in the transaction in which it counts; false where it does not: used, or ended meanwhile.
    pub(crate) async fn take(&self, tx: &mut Tx, user: UserId) -> Result<bool, Error> {
        Ok(match self {
            Self::Totp { sealed, step } => second_factors::take_step(tx, user, sealed, *step).await?,
            Self::Recovery(digest) => second_factors::take_code(tx, user, digest).await?,
        })
    }

    /// Its word in the audit log.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Totp { .. } => "totp",
            Self::Recovery(_) => "recovery_code",
        }
    }
}
