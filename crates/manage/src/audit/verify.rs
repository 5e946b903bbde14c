//! Proves that a chain is whole.

use claviger_store::audit::{Head, Verified};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::list::{ChainName, chain};
use super::wire::HeadView;
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
    /// The first number that is wrong.
    #[schema(required)]
    first_bad: Option<i64>,
    /// What is wrong with it.
    #[schema(required)]
    problem: Option<String>,
}

/// Checks a chain from its first entry to its end, and that it goes through the head that was noted, if one is given.
pub async fn verify(manage: &Manage, ctx: &Ctx, query: &VerifyQuery) -> Result<Verification, Error> {
    let chain = chain(ctx, query.chain)?;
    let noted = noted(query)?;
    let verified = manage.store.verify_audit_against(chain, noted.as_ref()).await?;
    let broken = |first_bad: i64, problem: String| Verification {
        intact: false,
        head: None,
        first_bad: Some(first_bad),
        problem: Some(problem),
    };
    Ok(match verified {
        Verified::Intact(head) => {
            Verification { intact: true, head: Some(HeadView::new(chain, &head)), first_bad: None, problem: None }
        }
        Verified::Broken { seq } => {
            broken(seq, format!("Entry {seq} is missing, changed, or not where it was written."))
        }
        Verified::TailCut { last, head } if last < head => {
            broken(last + 1, format!("The chain ends with entry {last}; there were {head}."))
        }
        Verified::TailCut { last, head } => {
            broken(head + 1, format!("The chain goes on to entry {last} behind its head, {head}."))
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
