//! Proves that a chain is whole.

use claviger_store::audit::{Head, Verified};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::list::{ChainName, chain};
use super::wire::{CheckpointView, HeadView};
use crate::Manage;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;

/// Bytes of a MAC.
const MAC_LENGTH: usize = 32;

/// What is verified.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// `organization` (if not given), or the operator's `installation`.
    #[serde(default)]
    #[param(inline)]
    pub chain: Option<ChainName>,
    /// The number of a head that was noted elsewhere; with `mac`.
    #[serde(default, deserialize_with = "number")]
    pub seq: Option<u32>,
    /// The MAC of a head that was noted elsewhere; with `seq`.
    #[serde(default)]
    pub mac: Option<String>,
}

/// Whether a chain is whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verification {
    /// Every entry is as it was written, and none is missing.
    intact: bool,
    /// The chain's end as it stands.
    #[schema(required)]
    head: Option<HeadView>,
    /// What was removed of the chain because it is not kept for ever, as an entry of its own kind says, too; null where all is there.
    #[schema(required)]
    removed: Option<CheckpointView>,
    /// The head that was noted is that of an entry which was removed: the chain goes on behind it, but its MAC could not be compared.
    noted_is_removed: bool,
    /// The first number that is wrong.
    #[schema(required)]
    first_bad: Option<i64>,
    /// What is wrong with it.
    #[schema(required)]
    problem: Option<String>,
}

/// Checks a chain from its beginning, its first entry or what stands for those that were removed, to its end, and that it goes through the head that was noted, if one is given.
pub async fn verify(manage: &Manage, ctx: &Ctx, query: &VerifyQuery) -> Result<Verification, Error> {
    let chain = chain(ctx, query.chain)?;
    let noted = noted(query)?;
    let (verified, checkpoint) = manage.store.verify_audit_against(chain, noted.as_ref()).await?;
    let begins_after = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.seq);
    let wrong = wrong_with(&verified);
    let head = match &verified {
        Verified::Intact(head) => Some(HeadView::new(chain, head)),
        _ => None,
    };
    Ok(Verification {
        intact: head.is_some(),
        head,
        removed: checkpoint.map(|checkpoint| CheckpointView::new(chain, checkpoint)),
        noted_is_removed: noted.is_some_and(|noted| noted.seq < begins_after),
        first_bad: wrong.as_ref().map(|(seq, _)| *seq),
        problem: wrong.map(|(_, problem)| problem),
    })
}

/// The first number that is wrong, and what is wrong with it.
fn wrong_with(verified: &Verified) -> Option<(i64, String)> {
    Some(match *verified {
        Verified::Intact(_) => return None,
        Verified::Broken { seq } => (seq, format!("Entry {seq} is missing, changed, or not where it was written.")),
        Verified::Forged { seq } => {
            let problem = "is said to have been removed with all before it, but this installation has not done so.";
            (seq, format!("Entry {seq} {problem}"))
        }
        Verified::TailCut { last, head } if last < head => {
            (last + 1, format!("The chain ends with entry {last}; there were {head}."))
        }
        Verified::TailCut { last, head } => {
            (head + 1, format!("The chain goes on to entry {last} behind its head, {head}."))
        }
    })
}

fn noted(query: &VerifyQuery) -> Result<Option<Head>, Error> {
    match (query.seq, query.mac.as_deref()) {
        (None, None) => Ok(None),
        (Some(0), Some("")) => Ok(Some(Head::default())),
        (Some(seq), Some(mac)) => {
            let mac = bytes_of(mac).ok_or_else(|| Error::field("mac", "expected 64 hexadecimal digits"))?;
            Ok(Some(Head { seq: i64::from(seq), mac }))
        }
        (Some(_), None) => Err(Error::field("mac", "is required with `seq`")),
        (None, Some(_)) => Err(Error::field("seq", "is required with `mac`")),
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 2 * MAC_LENGTH || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..MAC_LENGTH).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect()
}
