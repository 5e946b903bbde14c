//! Finds the keys whose end, or whose going idle, is near, and tells their people.

use std::collections::BTreeSet;
use std::time::Duration;

use claviger_domain::key::Key;
use claviger_domain::notice::{EXPIRY_DAYS, IDLE_DAYS, LATE_DAYS, NoticeKind, Reminder, reminders};
use claviger_domain::organization::Organization;
use claviger_domain::rules::Rules;
use claviger_domain::{KeyId, OrganizationId, RequestId, Timestamp};
use claviger_store::keys::{Ending, KeyTerm, TermFilter};
use claviger_store::notices::Told;
use claviger_store::{Page, Scope, Tx, key_usage, keys, notices, organizations};

use super::tell::{Item, News, Teller, tell};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{each_term, home_in};

/// Keys that are looked at with one statement.
const PAGE: usize = 1_000;
/// Keys of one transaction.
const BATCH: usize = 100;
const DAY: Duration = Duration::from_hours(24);

/// To whom what is told that is looked for: as it stands in the rows of what was told, empty for "anybody by mail". Nobody: it is not
/// looked for.
pub(crate) struct Due<'a> {
    pub(crate) expiry: &'a [String],
    pub(crate) idle: &'a [String],
}

/// Goes through all organizations' keys; how many thresholds were told of.
pub async fn remind(manage: &Manage) -> Result<usize, Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let (mut told, mut page) = (0, Page::default());
    loop {
        let listed = organizations::list(&mut *manage.store.read().await?, &page).await?;
        for home in &listed.items {
            told += remind_organization(manage, &ctx, home).await?;
        }
        match listed.next {
            Some(next) => page.after = Some(next),
            None => return Ok(told),
        }
    }
}

async fn remind_organization(manage: &Manage, ctx: &Ctx, home: &Organization) -> Result<usize, Error> {
    let settings = notices::settings(&mut *manage.store.read().await?, home.id).await?;
    let wants = |kind| manage.config.sends_mail && settings.audience(kind).is_anybody();
    let recipients = |kind| if wants(kind) { vec![String::new()] } else { Vec::new() };
    let (expiry, idle) = (recipients(NoticeKind::Expiry), recipients(NoticeKind::Idle));
    let due = due_keys(manage, ctx.now, home, Due { expiry: &expiry, idle: &idle }).await?;
    let mut told = 0;
    for batch in due.chunks(BATCH) {
        told += tell_of(manage, ctx, home.id, batch.to_vec()).await?;
    }
    Ok(told)
}

/// The keys of which one of the recipients has something to be told.
pub(crate) async fn due_keys(
    manage: &Manage,
    now: Timestamp,
    home: &Organization,
    recipients: Due<'_>,
) -> Result<Vec<KeyId>, Error> {
    let mut due = BTreeSet::new();
    if !recipients.expiry.is_empty() {
        find_ending(manage, now, home, recipients.expiry, &mut due).await?;
    }
    if !recipients.idle.is_empty() {
        find_idling(manage, now, home, recipients.idle, &mut due).await?;
    }
    Ok(due.into_iter().collect())
}

async fn find_ending(
    manage: &Manage,
    now: Timestamp,
    home: &Organization,
    recipients: &[String],
    due: &mut BTreeSet<KeyId>,
) -> Result<(), Error> {
    let rules = Rules::new(&home.policy, &home.time_zone);
    // A day more on either side: days of zones are longer and shorter.
    let span = (now.saturating_sub(days(LATE_DAYS + 2)), now.saturating_add(days(EXPIRY_DAYS[0] + 2)));
    for way in Ending::ALL {
        let mut after = None;
        loop {
            let mut snapshot = manage.store.read().await?;
            let (terms, last) = keys::ending(&mut snapshot, (home.id, &rules), way, span, after, PAGE).await?;
            let new = untold(&mut snapshot, home, &rules, &terms, now, (NoticeKind::Expiry, recipients)).await?;
            due.extend(new);
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
    }
    Ok(())
}

async fn find_idling(
    manage: &Manage,
    now: Timestamp,
    home: &Organization,
    recipients: &[String],
    due: &mut BTreeSet<KeyId>,
) -> Result<(), Error> {
    let rules = Rules::new(&home.policy, &home.time_zone);
    // Of a clock of few days only those are told of that lie behind its beginning.
    let possible = IDLE_DAYS.into_iter().filter(|day| *day < i64::from(home.policy.idle_days)).max();
    let Some(day) = possible else { return Ok(()) };
    let soon = now.saturating_add(days(day + 2));
    let mut found = Vec::new();
    let filter = TermFilter { idle_at: Some((rules.clone(), soon)), after: None };
    each_term(manage, home.id, filter, |terms| {
        let is_due = |term: &&KeyTerm| due_now(term, home, &rules, now, NoticeKind::Idle).is_some();
        found.extend(terms.iter().filter(is_due).copied());
    })
    .await?;
    for page in found.chunks(PAGE) {
        let mut snapshot = manage.store.read().await?;
        due.extend(untold(&mut snapshot, home, &rules, page, now, (NoticeKind::Idle, recipients)).await?);
    }
    Ok(())
}

fn days(count: i64) -> Duration {
    DAY * u32::try_from(count).unwrap_or_default()
}

fn due_now(term: &KeyTerm, home: &Organization, rules: &Rules, now: Timestamp, kind: NoticeKind) -> Option<Told> {
    let facts = term.term.facts(rules);
    let found = reminders(&term.term, &facts, &rules.zone(), now).find(|found| found.kind == kind)?;
    Some(told(home.id, term.id, &found, now))
}

fn told(organization: OrganizationId, key: KeyId, found: &Reminder, now: Timestamp) -> Told {
    // The instant too: an end that is moved is another one.
    let threshold = format!("{} {}", found.days, found.at);
    Told { organization, object: key.to_string(), kind: found.kind, threshold, at: now }
}

/// Those of these keys with a threshold that one of the recipients was not told of.
async fn untold(
    conn: &mut claviger_store::Conn,
    home: &Organization,
    rules: &Rules,
    terms: &[KeyTerm],
    now: Timestamp,
    (kind, recipients): (NoticeKind, &[String]),
) -> Result<Vec<KeyId>, Error> {
    let due = terms.iter().filter_map(|term| due_now(term, home, rules, now, kind));
    let left = notices::untold(conn, due.collect(), recipients).await?;
    Ok(left.iter().filter_map(|told| told.object.parse().ok()).collect())
}

/// One transaction; each key is read again, for it may have been used or changed meanwhile.
async fn tell_of(manage: &Manage, ctx: &Ctx, organization: OrganizationId, ids: Vec<KeyId>) -> Result<usize, Error> {
    let (engine, teller) = (manage.engine.clone(), Teller::new(manage, ctx.now));
    let changed = manage.write(ctx, Scope::Organization(organization), move |tx| {
        let (engine, teller, ids) = (engine.clone(), teller.clone(), ids.clone());
        Box::pin(async move {
            let home = home_in(tx, organization).await?;
            let settings = notices::settings(tx, organization).await?;
            let keys = keys::find_many(tx, &ids).await?;
            let found = reminders_of(tx, &engine, &home, keys, teller.now).await?;
            let items = found.into_iter().map(|(told, key, found)| {
                let news = match found.kind {
                    NoticeKind::Expiry => News::Ends(key, found.at),
                    _ => News::GoesIdle(key, found.at),
                };
                Item { told, news }
            });
            let items = items.collect();
            tell(tx, &teller, &home, &settings, items).await
        })
    });
    Ok(changed.await?.value)
}

/// What is told of these keys now, each as it is in this transaction.
pub(crate) async fn reminders_of(
    tx: &mut Tx,
    engine: &claviger_engine::Engine,
    home: &Organization,
    keys: Vec<Key>,
    now: Timestamp,
) -> Result<Vec<(Told, Key, Reminder)>, Error> {
    let rules = Rules::new(&home.policy, &home.time_zone);
    let ids: Vec<KeyId> = keys.iter().map(|key| key.id).collect();
    let usage = key_usage::get(tx, &ids).await?;
    let mut all = Vec::new();
    for key in keys.into_iter().filter(|key| key.deleted_at.is_none() && key.disabled.is_none()) {
        let written = usage.get(&key.id).and_then(key_usage::LastUsage::last_used_at);
        let last_used = written.max(engine.last_used(&key.secret.digest));
        for found in reminders(&key.term(last_used), &key.facts(&rules, last_used), &rules.zone(), now) {
            all.push((told(home.id, key.id, &found, now), key.clone(), found));
        }
    }
    Ok(all)
}
