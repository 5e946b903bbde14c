//! Removes the oldest entries of the chains, for installations that do not keep them for ever.

use std::time::Duration;

use claviger_domain::audit::{Chain, Subject, TRIM};
use claviger_domain::{OrganizationId, RequestId, Timestamp};
use claviger_store::audit::{self, Removable, Trimmed};
use claviger_store::{Scope, Tx, notices, webhooks};
use serde_json::json;

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// Transactions of one chain: what is left goes the next time.
const ROUNDS_MAX: usize = 1_000;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// How much was removed, and where nothing could be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrimReport {
    /// Entries that were removed.
    pub removed: i64,
    /// Chains of which nothing is removed because they are not whole, each with the first number that is wrong.
    pub broken: Vec<(Chain, i64)>,
}

/// Removes what is older than `kept_days` whole days (UTC), of all chains: each in small transactions that leave a checkpoint and an
/// entry. Of an organization nothing goes that notices or webhooks have not looked at, and of no chain what lies behind
/// `written`, the number up to which this node has it elsewhere. Several nodes may do it at once: each transaction looks anew.
pub async fn trim(
    manage: &Manage,
    kept_days: u32,
    written: impl Fn(Chain) -> i64 + Send + Sync,
) -> Result<TrimReport, Error> {
    let mut report = TrimReport::default();
    let before = kept_since(manage.clock.now(), kept_days);
    let heads = audit::heads(&mut *manage.store.read().await?).await?;
    for (name, _) in heads {
        let Some(chain) = Chain::of_name(&name) else { continue };
        let oldest = audit::oldest(&mut *manage.store.read().await?, chain).await?;
        if oldest.is_none_or(|oldest| oldest >= before) {
            continue;
        }
        for _ in 0..ROUNDS_MAX {
            match trim_some(manage, chain, before, written(chain), kept_days).await? {
                Trimmed::Removed { first, last, is_full, .. } => {
                    report.removed += last - first + 1;
                    if !is_full {
                        break;
                    }
                }
                Trimmed::Nothing => break,
                Trimmed::Broken { seq } => {
                    report.broken.push((chain, seq));
                    break;
                }
            }
        }
    }
    Ok(report)
}

/// The first instant that is kept: the beginning of a day, so that each chain is trimmed once a day and not with every entry.
fn kept_since(now: Timestamp, kept_days: u32) -> Timestamp {
    let kept = now.saturating_sub(Duration::from_hours(24 * u64::from(kept_days))).as_micros();
    Timestamp::from_micros(kept - kept.rem_euclid(DAY_MICROS))
}

/// One transaction.
async fn trim_some(
    manage: &Manage,
    chain: Chain,
    before: Timestamp,
    written: i64,
    kept_days: u32,
) -> Result<Trimmed, Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let scope = match chain {
        Chain::Installation => Scope::Installation,
        Chain::Organization(organization) => Scope::Organization(organization),
    };
    let (work_ctx, key) = (ctx.clone(), manage.keyring.audit().clone());
    let changed = manage.write(&ctx, scope, move |tx| {
        let (ctx, key) = (work_ctx.clone(), key.clone());
        Box::pin(async move {
            let up_to = looked_at(tx, chain).await?.min(written);
            let trimmed = audit::trim(tx, &key, chain, Removable { before, up_to, now }).await?;
            if let Trimmed::Removed { first, last, until, .. } = trimmed {
                let subject = Subject { kind: "audit".to_owned(), id: chain.to_string(), name: None };
                let removed = json!({"first": first, "last": last, "until": until});
                let after = json!({"first": last + 1, "kept_days": kept_days});
                tx.audit(chain, ctx.entry(TRIM, subject, Some(removed), Some(after)));
            }
            Ok(trimmed)
        })
    });
    Ok(changed.await?.value)
}

/// Up to which entry everything has been looked at that tells people or other systems of entries.
async fn looked_at(tx: &mut Tx, chain: Chain) -> Result<i64, Error> {
    let Chain::Organization(organization) = chain else { return Ok(i64::MAX) };
    let noticed = notices::cursor(tx, organization).await?;
    Ok(noticed.min(sent_to_webhooks(tx, organization).await?))
}

/// The same of webhooks. What happened before one was there, or back, is not told to it.
async fn sent_to_webhooks(tx: &mut Tx, organization: OrganizationId) -> Result<i64, Error> {
    let all = webhooks::list(tx, organization).await?;
    let in_service = all.iter().filter(|webhook| webhook.disabled.is_none());
    let Some(begin) = in_service.map(|webhook| webhook.after_entry).min() else { return Ok(i64::MAX) };
    Ok(webhooks::cursor(tx, organization).await?.max(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_begins_with_a_day() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        for (now, since) in [
            ("2026-04-01T00:00:00Z", "2026-03-02T00:00:00Z"),
            ("2026-04-01T23:59:59Z", "2026-03-02T00:00:00Z"),
            ("2026-04-02T00:00:00Z", "2026-03-03T00:00:00Z"),
        ] {
            assert_eq!(kept_since(at(now), 30), at(since), "{now}");
        }
    }
}
