//! Mails the link, in the background: what an address is or is not to us cannot be read from the answer, nor from its time.

use std::sync::Arc;

use claviger_domain::LinkId;
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::digest::CredentialKind;
use claviger_domain::email::Email;
use claviger_domain::key::{Actor, ActorKind};
use claviger_domain::link::{Link, LinkKind, generate_link_token};
use claviger_domain::member::{Member, User};
use claviger_store::{Scope, Tx, links, outbox};
use claviger_texts::Mail;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;
use utoipa::ToSchema;

use super::{PATH, RESET_LIFETIME, person};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail::{self, Draft, Pace};
use crate::visitor::{VisitKind, Visitor};

/// The most that run and wait at once; further ones are refused, whomever they are for.
pub const RUNNING_MAX: usize = 64;

/// Who has lost their password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskForReset {
    /// The person's address.
    #[schema(value_type = String, example = "bob@example.com")]
    pub email: Email,
}

/// The resets that are on the way.
#[derive(Debug, Clone)]
pub struct Queue {
    places: Arc<Semaphore>,
    /// They run one after the other: a flood of them takes one connection from others.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What is written of a link.
#[derive(Debug)]
struct Drawn {
    ctx: Ctx,
    user: User,
    places: Vec<Member>,
    link: Link,
    mail: outbox::Waiting,
    pace: Pace,
}

/// Has a link mailed to the person of this address, if there is one; the caller is not told.
pub fn ask(manage: &Arc<Manage>, visitor: &Visitor, request: AskForReset) -> Result<(), Error> {
    if !manage.config.sends_mail {
        return Err(Error::conflict(
            "This installation sends no mail: ask an administrator to invite you by another address.",
        ));
    }
    manage.count_visit(VisitKind::Reset, visitor.ip)?;
    let place = manage.resets.admit()?;
    let (manage, visitor) = (Arc::clone(manage), visitor.clone());
    let work = async move {
        let _place = place;
        let _turn = manage.resets.turn.lock().await;
        if let Err(error) = send(&manage, &visitor, &request.email).await {
            tracing::warn!("a link for another password could not be written: {error:?}");
        }
    };
    tokio::spawn(work.in_current_span());
    Ok(())
}

async fn send(manage: &Manage, visitor: &Visitor, email: &Email) -> Result<(), Error> {
    let mut snapshot = manage.store.read().await?;
    let found = person(&mut snapshot, email, visitor.now).await?;
    drop(snapshot);
    let Some((user, places)) = found else { return Ok(()) };
    let Some(drawn) = draw(manage, visitor, user, places)? else { return Ok(()) };
    let drawn = Arc::new(drawn);
    manage
        .store
        .write(Scope::Installation, move |tx| {
            let drawn = Arc::clone(&drawn);
            Box::pin(async move { drawn.write(tx).await })
        })
        .await?;
    Ok(())
}

fn draw(manage: &Manage, visitor: &Visitor, user: User, places: Vec<Member>) -> Result<Option<Drawn>, Error> {
    // Whoever asked has proved nothing.
    let nobody = Actor { kind: ActorKind::System, id: None, name: None };
    let ctx = Ctx { actor: nobody, ..visitor.as_person(&user) };
    let token = generate_link_token(&*manage.random);
    let link = Link {
        id: LinkId::new(ctx.now, &*manage.random),
        kind: LinkKind::PasswordReset,
        organization: None,
        user: user.id,
        digest: manage.keyring.pepper().digest(CredentialKind::LinkToken, token.expose().as_bytes()),
        email: None,
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        expires_at: ctx.now.saturating_add(RESET_LIFETIME),
    };
    let mail = manage.seal_mail(
        &ctx,
        Draft {
            unique_key: String::new(),
            organization: None,
            recipient: user.email.clone(),
            language: user.language.clone(),
            mail: Mail::PasswordReset {
                name: user.name.to_string(),
                until: mail::shown(link.expires_at, &user.time_zone),
            },
            link: Some((PATH.into(), token)),
            give_up_at: link.expires_at,
        },
    )?;
    let pace = Pace::new("password-reset", user.id, ctx.now);
    Ok(mail.map(|mail| Drawn { ctx, user, places, link, mail, pace }))
}

// === impl Drawn ===

impl Drawn {
    /// Puts link and mail in, unless the person has had their share of mails.
    async fn write(&self, tx: &mut Tx) -> Result<(), Error> {
        let before = outbox::put_in_at(tx, self.pace.keys()).await?;
        let Ok(key) = self.pace.next(&before, self.ctx.now) else { return Ok(()) };
        if !outbox::put(tx, &outbox::Waiting { unique_key: key.to_owned(), ..self.mail.clone() }).await? {
            return Ok(());
        }
        links::put(tx, &self.link).await?;
        let name = Some(self.user.name.to_string());
        for place in &self.places {
            let subject = Subject { kind: "user".to_owned(), id: self.user.id.to_string(), name: name.clone() };
            let entry = self.ctx.entry("user.ask_for_password", subject, None, None);
            tx.audit(Chain::Organization(place.organization), entry);
        }
        Ok(())
    }
}

// === impl Queue ===

impl Queue {
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Error::busy("Too many people ask for another password at once; try again soon."))
    }

    /// Waits until nothing is on the way.
    #[cfg(test)]
    pub(crate) async fn idle(&self) {
        drop(self.places.acquire_many(RUNNING_MAX as u32).await.expect("never closed"));
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(RUNNING_MAX)), turn: Arc::default() }
    }
}
