//! Mail: what is put into the outbox, and how it is taken out again.
//!
//! A mail waits in the database without its link's token in the clear; [`open`] puts the two together when it is sent.

mod deliver;
mod pace;
mod retry;

use std::borrow::Cow;
use std::time::Duration;

use claviger_domain::email::Email;
use claviger_domain::member::User;
use claviger_domain::sealing::SealedPlace;
use claviger_domain::{MailId, OrganizationId, Secret, Timestamp};
use claviger_store::{Tx, outbox};
use claviger_texts::{Language, Mail};

pub use deliver::{Failure, LEASE, Settled, depth, give_up_reason, lease, note_failed, note_sent, trim};
pub use pace::{MAILS_A_DAY, Pace};
pub use retry::next_pause;

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::instant;

/// For how long a notice is tried to be sent.
const NOTICE_TRIED_FOR: Duration = Duration::from_hours(3 * 24);

/// A mail to be put into the outbox.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// By this it is sent once, whatever happens.
    pub(crate) unique_key: String,
    /// The tenant that sends it.
    pub(crate) organization: Option<OrganizationId>,
    /// Where it goes.
    pub(crate) recipient: Email,
    /// The language of whoever reads it.
    pub(crate) language: String,
    /// What it says.
    pub(crate) mail: Mail,
    /// Where it leads: the path of a page, with the token in the fragment; or a whole address up to the token.
    pub(crate) link: Option<(Cow<'static, str>, Secret)>,
    /// From this instant on it is of no use.
    pub(crate) give_up_at: Timestamp,
}

/// A mail that is ready to go.
#[derive(Clone)]
pub struct Ready {
    /// Its id; the same at each attempt.
    pub id: MailId,
    /// Where it goes.
    pub recipient: Email,
    /// When it was written.
    pub created_at: Timestamp,
    /// One line.
    pub subject: String,
    /// Plain text, with the link: as secret as it.
    pub body: Secret,
    /// The same in HTML, of a mail that has it.
    pub html: Option<Secret>,
}

/// The instant as its reader sees it: date and time in their zone.
pub(crate) fn shown(at: Timestamp, time_zone: &str) -> String {
    instant::shown(at, time_zone)
}

/// Puts a mail into the outbox, in the transaction of its cause; nothing where this installation sends no mail.
pub(crate) async fn put(tx: &mut Tx, mail: Option<&outbox::Waiting>) -> Result<(), Error> {
    if let Some(mail) = mail {
        outbox::put(tx, mail).await?;
    }
    Ok(())
}

// === impl Manage ===

impl Manage {
    /// The link to a page of the control side with a token, which no server sees: it stands in the fragment.
    pub(crate) fn link(&self, path: &str, token: &Secret) -> Secret {
        if path.starts_with('/') {
            return Secret::new(format!("{}{path}#{}", self.config.control_url, token.expose()));
        }
        Secret::new(format!("{path}{}", token.expose()))
    }

    /// Puts a notice to a person, which leads nowhere, into its form.
    pub(crate) fn notice(
        &self,
        ctx: &Ctx,
        user: &User,
        unique_key: String,
        mail: Mail,
    ) -> Result<Option<outbox::Waiting>, Error> {
        self.seal_mail(
            ctx,
            Draft {
                unique_key,
                organization: None,
                recipient: user.email.clone(),
                language: user.language.clone(),
                mail,
                link: None,
                give_up_at: ctx.now.saturating_add(NOTICE_TRIED_FOR),
            },
        )
    }

    /// The notice that a person's password was changed, by what `cause` names.
    pub(crate) fn password_changed(
        &self,
        ctx: &Ctx,
        user: &User,
        cause: &str,
    ) -> Result<Option<outbox::Waiting>, Error> {
        let mail = Mail::PasswordChanged { name: user.name.to_string(), at: shown(ctx.now, &user.time_zone) };
        self.notice(ctx, user, format!("password-changed {cause}"), mail)
    }

    /// What waits in the outbox of a mail; none where this installation sends no mail.
    pub(crate) fn seal_mail(&self, ctx: &Ctx, draft: Draft) -> Result<Option<outbox::Waiting>, Error> {
        if !self.config.sends_mail {
            return Ok(None);
        }
        let id = MailId::new(ctx.now, &*self.random);
        let place = SealedPlace::of_mail(draft.organization, id);
        let sealing = self.keyring.sealing();
        let (link_path, sealed_token) = match draft.link {
            Some((path, token)) => (path.into_owned(), sealing.seal(&place, &token, &*self.random)),
            None => (String::new(), Vec::new()),
        };
        let mail = serde_json::to_string(&draft.mail).map_err(|error| Error::internal(format!("a mail: {error}")))?;
        Ok(Some(outbox::Waiting {
            id,
            unique_key: draft.unique_key,
            organization: draft.organization,
            recipient: draft.recipient,
            language: draft.language,
            mail,
            link_path,
            sealed_token,
            created_at: ctx.now,
            give_up_at: draft.give_up_at,
            attempts: 0,
        }))
    }
}

/// A mail that waits, as it is sent.
pub fn open(manage: &Manage, waiting: &outbox::Waiting) -> Result<Ready, Failure> {
    let unreadable = |what: &str| Failure::permanent(format!("the mail cannot be read: {what}"));
    let mail: Mail = serde_json::from_str(&waiting.mail).map_err(|error| unreadable(&error.to_string()))?;
    let link = if waiting.link_path.is_empty() {
        Secret::new(String::new())
    } else {
        let place = SealedPlace::of_mail(waiting.organization, waiting.id);
        let token = manage.keyring.sealing().open(&place, &waiting.sealed_token);
        manage.link(&waiting.link_path, &token.map_err(|error| unreadable(&error.to_string()))?)
    };
    let letter = mail.write(Language::of(&waiting.language), link.expose());
    Ok(Ready {
        id: waiting.id,
        recipient: waiting.recipient.clone(),
        created_at: waiting.created_at,
        subject: letter.subject,
        body: Secret::new(letter.body),
        html: letter.html.map(Secret::new),
    })
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").field("id", &self.id).finish_non_exhaustive()
    }
}
