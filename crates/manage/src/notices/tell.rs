//! Tells people: what is told, and the mails that tell it, in the transaction of whoever found it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use claviger_domain::key::{Actor, ActorKind, Key, Owner};
use claviger_domain::notice::{NoticeKind, NoticeSettings};
use claviger_domain::organization::Organization;
use claviger_domain::{Random, Timestamp, UserId};
use claviger_store::notices::Told;
use claviger_store::{Tx, notices};
use claviger_texts::{About, Notice};

use super::gather::Gathering;
use super::recipients::{People, Recipient};
use crate::Manage;
use crate::error::Error;
use crate::instant;

/// What telling takes beside the transaction.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(super) random: Arc<dyn Random>,
    pub(super) sends_mail: bool,
    pub(super) control_url: String,
    pub(super) now: Timestamp,
}

/// What happened, or will.
#[derive(Debug, Clone)]
pub(super) enum News {
    /// A key's end.
    Ends(Key, Timestamp),
    /// A key goes idle.
    GoesIdle(Key, Timestamp),
    /// A key has gone idle.
    Idle(Key, Timestamp),
    /// Somebody did something with a key.
    Done(Key, Actor),
    /// Somebody approved a key that waited (true), or denied it.
    Decided(Key, Actor, bool),
    /// Somebody used a key, or its old secret, from there.
    Used(Key, Option<IpAddr>),
    /// Somebody took an owner out of service.
    OwnerDisabled(Owner, Actor),
}

/// One thing to tell.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) told: Told,
    pub(super) news: News,
}

/// The notices of one mail.
type Letters = BTreeMap<(String, bool), (Recipient, Vec<(Told, Notice)>)>;

/// Tells of each item that nobody was told of; how many that were.
pub(super) async fn tell(
    tx: &mut Tx,
    teller: &Teller,
    home: &Organization,
    settings: &NoticeSettings,
    items: Vec<Item>,
) -> Result<usize, Error> {
    let mut people = People::load(tx, home, settings, teller.now).await?;
    let (mut letters, mut count) = (Letters::new(), 0);
    for Item { told, news } in items {
        if !settings.audience(told.kind).is_anybody() || !notices::begin(tx, &told).await? {
            continue;
        }
        count += 1;
        let owner = news.owner();
        let name = people.name(tx, &owner).await?;
        let notice = Notice { about: news.about(told.kind, name, told.at, home), link: news.link(teller) };
        for recipient in people.told(tx, told.kind, &owner, news.asked_by()).await? {
            let place = (recipient.address.search_form(), told.kind.is_urgent());
            let letter = letters.entry(place).or_insert_with(|| (recipient, Vec::new()));
            letter.1.push((told.clone(), notice.clone()));
        }
    }
    for ((form, is_urgent), (recipient, notices)) in letters {
        let gathering = Gathering { teller, home, form: &form, is_urgent };
        gathering.add(tx, &recipient, notices).await?;
    }
    Ok(count)
}

/// Who somebody is to a reader.
fn called(actor: &Actor) -> String {
    actor.name.clone().or_else(|| actor.id.clone()).unwrap_or_else(|| actor.kind.as_str().to_owned())
}

// === impl Teller ===

impl Teller {
    pub(crate) fn new(manage: &Manage, now: Timestamp) -> Self {
        Self {
            random: Arc::clone(&manage.random),
            sends_mail: manage.config.sends_mail,
            control_url: manage.config.control_url.clone(),
            now,
        }
    }
}

// === impl News ===

impl News {
    fn owner(&self) -> Owner {
        match self {
            Self::Ends(key, _)
            | Self::GoesIdle(key, _)
            | Self::Idle(key, _)
            | Self::Done(key, _)
            | Self::Decided(key, ..)
            | Self::Used(key, _) => key.owner,
            Self::OwnerDisabled(owner, _) => *owner,
        }
    }

    /// Who waits for what was decided beside the holder.
    fn asked_by(&self) -> Option<UserId> {
        let Self::Decided(key, ..) = self else { return None };
        let asked_by = &key.approval.as_ref()?.asked_by;
        asked_by.id.as_deref().filter(|_| asked_by.kind == ActorKind::User)?.parse().ok()
    }

    /// The page about it.
    fn link(&self, teller: &Teller) -> String {
        let path = match self {
            Self::Ends(key, _)
            | Self::GoesIdle(key, _)
            | Self::Idle(key, _)
            | Self::Done(key, _)
            | Self::Decided(key, ..)
            | Self::Used(key, _) => format!("/keys/{}", key.id),
            Self::OwnerDisabled(Owner::User(id), _) => format!("/admin/users/{id}"),
            Self::OwnerDisabled(owner, _) => format!("/admin/applications/{}", owner.id()),
        };
        format!("{}{path}", teller.control_url)
    }

    /// The same in the words of a mail; `owner` by name, `now` is when it happened.
    fn about(&self, kind: NoticeKind, owner: String, now: Timestamp, home: &Organization) -> About {
        let zone = &home.time_zone;
        let shown = |at: &Timestamp| instant::shown(*at, zone);
        match self {
            Self::Ends(key, end) => {
                let (key, at) = (key.name.to_string(), instant::end_shown(*end, zone));
                if *end <= now { About::Ended { key, owner, at } } else { About::Ends { key, owner, at } }
            }
            Self::GoesIdle(key, idle) => About::GoesIdle { key: key.name.to_string(), owner, at: shown(idle) },
            Self::Idle(key, idle) => About::Idle { key: key.name.to_string(), owner, at: shown(idle) },
            Self::Done(key, actor) => {
                let (key, by, at) = (key.name.to_string(), called(actor), shown(&now));
                match kind {
                    NoticeKind::Revealed => About::Revealed { key, owner, by, at },
                    NoticeKind::Rotated => About::Rotated { key, owner, by, at },
                    NoticeKind::Approval => About::Waits { key, owner, by, at },
                    NoticeKind::Leaked => About::Leaked { key, owner, by, at },
                    _ => About::Created { key, owner, by, at },
                }
            }
            Self::Decided(key, actor, is_approved) => {
                let (key, by, at) = (key.name.to_string(), called(actor), shown(&now));
                if *is_approved { About::Approved { key, owner, by, at } } else { About::Denied { key, owner, by, at } }
            }
            Self::Used(key, from) => {
                let from = from.map_or_else(|| "?".to_owned(), |from| from.to_string());
                let (key, at) = (key.name.to_string(), shown(&now));
                match kind {
                    NoticeKind::OldSecretUsed => About::OldSecretUsed { key, owner, from, at },
                    _ => About::NewAddress { key, owner, from, at },
                }
            }
            Self::OwnerDisabled(_, actor) => About::OwnerDisabled { owner, by: called(actor), at: shown(&now) },
        }
    }
}
