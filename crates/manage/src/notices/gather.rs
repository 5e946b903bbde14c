//! Puts notices into mails: those to one recipient on one day stand in one.

use std::time::Duration;

use claviger_domain::limit::Zone;
use claviger_domain::organization::Organization;
use claviger_domain::{MailId, Timestamp};
use claviger_store::notices::Told;
use claviger_store::{Tx, notices, outbox};
use claviger_texts::{Mail, Notice, Notices};

use super::recipients::Recipient;
use super::tell::Teller;
use crate::error::Error;

/// For so long the first mail of a day waits for further notices.
pub const GATHERED_FOR: Duration = Duration::from_mins(1);
/// For how long a mail is tried to be sent.
const TRIED_FOR: Duration = Duration::from_hours(3 * 24);
/// Urgent notices have a mail an hour.
const HOUR_MICROS: i64 = 3_600_000_000;
/// So many periods are looked at for a mail that nobody has begun to send: this one and the next have one each.
const PERIODS: usize = 4;

/// The mails to one recipient.
pub(super) struct Gathering<'a> {
    pub(super) teller: &'a Teller,
    pub(super) home: &'a Organization,
    /// The recipient's address as it is compared.
    pub(super) form: &'a str,
    /// Whether these are notices that do not wait for others of the day.
    pub(super) is_urgent: bool,
}

/// A mail that takes further notices.
enum Place {
    /// It waits.
    Waiting(outbox::Found, Notices),
    /// It is to be put in under this key, and not sent before this instant.
    New(String, Timestamp),
}

// === impl Gathering ===

impl Gathering<'_> {
    /// Adds notices to the recipient's mail of the day or, where that is being sent, to that of the next day.
    pub(super) async fn add(&self, tx: &mut Tx, recipient: &Recipient, told: Vec<(Told, Notice)>) -> Result<(), Error> {
        if !self.teller.sends_mail {
            return Ok(());
        }
        let (id, mut words, new) = match self.place(tx).await? {
            Place::Waiting(found, words) => (found.id, words, None),
            Place::New(key, not_before) => {
                let words = Notices { organization: self.home.name.to_string(), told: Vec::new(), more: 0 };
                (MailId::new(self.teller.now, &*self.teller.random), words, Some((key, not_before)))
            }
        };
        for (told, notice) in told {
            if notices::note_recipient(tx, &told, self.form, id).await? {
                words.push(notice);
            }
        }
        let mail = serde_json::to_string(&Mail::Notices(Box::new(words)));
        let mail = mail.map_err(|error| Error::internal(format!("a mail: {error}")))?;
        let Some((unique_key, not_before)) = new else {
            // Whoever sends mails leased it since it was looked at: everything again, from the beginning.
            let is_done = outbox::reword(tx, id, &mail).await?;
            return if is_done { Ok(()) } else { Err(Error::busy("A mail of notices is being sent.")) };
        };
        let waiting = outbox::Waiting {
            id,
            unique_key,
            organization: Some(self.home.id),
            recipient: recipient.address.clone(),
            language: recipient.language.clone(),
            mail,
            link_path: String::new(),
            sealed_token: Vec::new(),
            created_at: not_before,
            give_up_at: not_before.saturating_add(TRIED_FOR),
            attempts: 0,
        };
        outbox::put(tx, &waiting).await?;
        Ok(())
    }

    async fn place(&self, tx: &mut Tx) -> Result<Place, Error> {
        let now = self.teller.now;
        let mut at = now;
        for _ in 0..PERIODS {
            let (start, next) = self.period(at);
            let key = self.key(start);
            match outbox::by_key(tx, &key).await? {
                None => return Ok(Place::New(key, start.max(now.saturating_add(GATHERED_FOR)))),
                Some(found) if found.is_untouched => {
                    if let Ok(Mail::Notices(words)) = serde_json::from_str(&found.mail) {
                        return Ok(Place::Waiting(found, *words));
                    }
                }
                Some(_) => {}
            }
            at = next;
        }
        // Only a clock that was far ahead comes here.
        Ok(Place::New(self.key(now), now.saturating_add(GATHERED_FOR)))
    }

    fn key(&self, start: Timestamp) -> String {
        let pace = if self.is_urgent { "hour" } else { "day" };
        format!("notices {} {pace} {} {}", self.home.id, start.as_micros(), self.form)
    }

    /// The period of an instant, and the beginning of the next one.
    fn period(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let day = Zone::named(&self.home.time_zone).day_around(at).filter(|_| !self.is_urgent);
        day.unwrap_or_else(|| {
            let hour = at.as_micros().div_euclid(HOUR_MICROS);
            let start = |hour: i64| Timestamp::from_micros(hour.saturating_mul(HOUR_MICROS));
            (start(hour), start(hour + 1))
        })
    }
}
