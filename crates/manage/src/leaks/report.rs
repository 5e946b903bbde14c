//! Ends what was reported, and tells the reporter which of it was real.

use claviger_domain::authority::{Authorities, Authority};
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::hex;
use claviger_domain::key::{Actor, ActorKind, LEAKED_REASON};
use claviger_domain::redact::{MARK, redact};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::read::{Found, LeakReport};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{self, Holder};

/// The most characters that are kept of where a key was found.
const PLACE_LENGTH_MAX: usize = 300;

/// Who reports.
#[derive(Debug, Clone)]
pub enum Reporter {
    /// Whoever holds a management key that may: the keys of its organization are ended.
    Of(Box<Ctx>),
    /// GitHub: every organization's are.
    GitHub(Holder),
}

/// What became of a reported value, in the form in which GitHub takes answers.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// SHA-256 of the value.
    token_hash: String,
    /// What the reporter took it for.
    token_type: String,
    /// `true_positive`: it is a key's, or was; `false_positive`: it is nobody's.
    label: &'static str,
}

/// Ends the keys whose values these are. Of the old value of a rotation only that value ends; what has ended already stays as it
/// is. A report can be repeated.
///
/// # Errors
/// 403 without the authority; any other means that some of it may not be done yet: report it again.
pub async fn report(manage: &Manage, reporter: &Reporter, reports: Vec<LeakReport>) -> Result<Vec<Finding>, Error> {
    if let Reporter::Of(ctx) = reporter {
        ctx.organization_with_any(&[Authority::LeaksReport, Authority::KeysManageAll])?;
    }
    let mut findings = Vec::with_capacity(reports.len());
    for report in reports {
        let reason = reason(&report);
        let mut is_real = false;
        for digest in digests(manage, &report.found) {
            is_real |= end(manage, reporter, digest, reason.clone()).await?;
        }
        let label = if is_real { "true_positive" } else { "false_positive" };
        findings.push(Finding { token_hash: hex(&sha256(&report.found)), token_type: report.kind, label });
    }
    Ok(findings)
}

/// Whether it is a key's at all, as far as the reporter's word reaches.
async fn end(manage: &Manage, reporter: &Reporter, digest: CredentialDigest, reason: String) -> Result<bool, Error> {
    let mut snapshot = manage.store.read().await?;
    let Some(found) = claviger_store::keys::by_digest(&mut snapshot, &digest).await? else { return Ok(false) };
    drop(snapshot);
    let ctx = match reporter {
        Reporter::Of(ctx) if ctx.organization == Some(found.organization) => ctx.as_ref().clone(),
        Reporter::Of(_) => return Ok(false),
        Reporter::GitHub(holder) => Ctx {
            actor: Actor { kind: ActorKind::System, id: None, name: Some("GitHub secret scanning".to_owned()) },
            organization: Some(found.organization),
            ip: holder.ip,
            granted: Authorities::NONE,
            ..Ctx::operator(holder.request_id, holder.now)
        },
    };
    // To report is to end this key, and nothing else. The value is proof enough: that the reporter's own key ends meanwhile is
    // no reason to let a leaked one live.
    let ctx = Ctx { authorities: Authorities::of(&[Authority::KeysManageAll]), credential: None, session: None, ..ctx };
    keys::end_leaked(manage, &ctx, found.key, digest, reason).await?;
    Ok(true)
}

fn digests(manage: &Manage, found: &Found) -> Vec<CredentialDigest> {
    let pepper = manage.keyring.pepper();
    match found {
        Found::Value(value) => keys::digests_of(pepper, value.expose()),
        Found::Sha256(sha256) => vec![pepper.digest_of_sha256(CredentialKind::Single, sha256)],
    }
}

fn sha256(found: &Found) -> [u8; 32] {
    match found {
        Found::Value(value) => Sha256::digest(value.expose()).into(),
        Found::Sha256(sha256) => *sha256,
    }
}

/// Why the key is disabled: that it leaked, and where it was found, without what an address may hold of the key itself.
fn reason(report: &LeakReport) -> String {
    let url = report.url.split(['?', '#']).next().unwrap_or_default();
    let place = [report.source.as_str(), url].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>();
    let mut place = place.join(" ");
    if let Found::Value(value) = &report.found {
        place = place.replace(value.expose(), MARK);
    }
    let place: String = redact(&place).chars().filter(|c| !c.is_control()).take(PLACE_LENGTH_MAX).collect();
    if place.is_empty() { LEAKED_REASON.to_owned() } else { format!("{LEAKED_REASON}: {place}") }
}

#[cfg(test)]
mod tests {
    use claviger_domain::Secret;

    use super::*;

    #[test]
    fn the_reason_says_where_it_was_found_and_never_what() {
        let reason_of = |value: &str, source: &str, url: &str| {
            let found = Found::Value(Secret::new(value.to_owned()));
            reason(&LeakReport { found, kind: String::new(), url: url.to_owned(), source: source.to_owned() })
        };
        let imported = "imported-value-of-another-system";
        assert_eq!(reason_of(imported, "", ""), "leaked");
        assert_eq!(reason_of(imported, "commit", "https://x.example/a?b=c#d"), "leaked: commit https://x.example/a");
        assert_eq!(
            reason_of(imported, "content", &format!("https://x.example/{imported}/y")),
            "leaked: content https://x.example/[key]/y"
        );
        let other = format!("clv_live_{}", "a1".repeat(19));
        assert_eq!(reason_of(imported, "a\nb", &format!("/{other}")), "leaked: ab /[key]");
        assert!(reason_of(imported, &"x".repeat(4_000), "").len() < 400);
    }
}
