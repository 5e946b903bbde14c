//! Which key a request stands for, of all that it presented (security.md, rule 7).

use std::sync::Arc;

use claviger_domain::digest::{CredentialDigest, Pepper};
use claviger_domain::key::is_imported_hint;
use claviger_domain::usage::ROTATED_OUT;
use claviger_domain::verdict::Code;
use claviger_domain::{OrganizationId, Timestamp};
use compact_str::CompactString;

use crate::catalog::Catalog;
use crate::held_key::HeldKey;
use crate::key_table::{ENDED_KNOWN_FOR, Ended, Found, KeyTable};
use crate::presented::{FIELDS_MAX, FieldMask, Presented};
use crate::reading::{Part, Reading};
use crate::sign_ins::SignedIn;

/// The outcome.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    /// A living key that counts here, the secret proved.
    Key {
        key: Arc<HeldKey>,
        secret: UsedSecret,
        /// The fields that it stood in.
        fields: FieldMask,
        /// Who comes with it, where the key is one of a composite.
        signed_in: Option<SignedIn>,
    },
    /// No key: `MISSING`, `MALFORMED` or `NOT_FOUND`.
    None {
        code: Code,
        /// Which check failed, for the log.
        check: &'static str,
        /// Whose value it was, where that is known; the caller is never told.
        known: Option<Known>,
    },
}

/// Which of a key's secrets was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UsedSecret {
    Current,
    /// The one before the last rotation, with its hint.
    Old(CompactString),
}

/// Whose value was presented, though it opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) key: claviger_domain::KeyId,
    pub(crate) organization: OrganizationId,
}

/// Whose keys count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Audience<'c> {
    /// Everybody's.
    All,
    /// At the doors of a provider: its own, and those of organizations that it shares an API with.
    Provider(OrganizationId, &'c Catalog),
}

/// Finds the key that the fields stand for: read, as they were presented, and by which pepper. While there are keys that were imported by
/// their SHA-512 each value is looked for by it too.
pub(crate) fn select(
    (reading, presented, pepper): (&Reading, &Presented<'_>, &Pepper),
    keys: &KeyTable,
    audience: Audience<'_>,
    now: Timestamp,
) -> Selection {
    let by_sha512 = keys.has_sha512().then(|| reading.by_sha512(presented, pepper, keys));
    choose(by_sha512.as_ref().unwrap_or(reading), keys, audience, now)
}

fn choose(reading: &Reading, keys: &KeyTable, audience: Audience<'_>, now: Timestamp) -> Selection {
    let parts = reading.parts();
    if reading.overflows {
        return none(Code::Malformed, "too many credential fields");
    }
    if parts.contains(&Part::BadChecksum) {
        return none(Code::Malformed, "bad checksum");
    }
    let mut present = parts.iter().filter(|part| !matches!(part, Part::Empty));
    let Some(first) = present.next() else {
        return none(Code::Missing, if parts.is_empty() { "no credential" } else { "empty credential" });
    };
    if present.all(|part| part == first) {
        alone(*first, parts, keys, audience, now)
    } else {
        several(parts, keys, audience, now)
    }
}

/// A value that stands alone counts if it has any form of a credential.
fn alone(part: Part, parts: &[Part], keys: &KeyTable, audience: Audience<'_>, now: Timestamp) -> Selection {
    match part {
        Part::Native(digest) => find(&digest, true, keys, audience, now).standing_in(parts, &digest),
        Part::Opaque(digest) | Part::Pair(digest) | Part::Signed(digest) | Part::Login(Some(digest)) => {
            find(&digest, false, keys, audience, now).standing_in(parts, &digest)
        }
        Part::Login(None) => none(Code::NotFound, "unknown name and password"),
        Part::Unsigned(check) => none(Code::NotFound, check),
        Part::Unfit(check) => none(Code::Malformed, check),
        Part::Empty | Part::BadChecksum => none(Code::Missing, "no credential"),
    }
}

/// Beside another one, only a value of native shape or one found in the table counts.
fn several(parts: &[Part], keys: &KeyTable, audience: Audience<'_>, now: Timestamp) -> Selection {
    let mut counted: Option<(CredentialDigest, Selection)> = None;
    let mut may_be_one = false;
    for part in parts.iter().take(FIELDS_MAX) {
        let (digest, native) = match part {
            Part::Native(digest) => (digest, true),
            Part::Opaque(digest) | Part::Pair(digest) | Part::Signed(digest) | Part::Login(Some(digest)) => {
                (digest, false)
            }
            part => {
                may_be_one |= matches!(part, Part::Login(_) | Part::Unsigned(_));
                continue;
            }
        };
        may_be_one = true;
        if counted.as_ref().is_some_and(|(known, _)| known == digest) {
            continue;
        }
        let found = find(digest, native, keys, audience, now).standing_in(parts, digest);
        if native || matches!(found, Selection::Key { .. }) {
            if counted.is_some() {
                return none(Code::Malformed, "two credentials");
            }
            counted = Some((*digest, found));
        }
    }
    match counted {
        Some((_, found)) => found,
        None if may_be_one => none(Code::NotFound, "unknown"),
        None => none(Code::Malformed, "no credential of a known form"),
    }
}

/// Looks one value up; `native`: it has native shape. Deleted, rotated out and another organization's read like unknown;
/// only the log knows. So does a value of native shape that was imported by its SHA-256, where nobody could see its shape.
fn find(digest: &CredentialDigest, native: bool, keys: &KeyTable, audience: Audience<'_>, now: Timestamp) -> Selection {
    let (key, secret) = match keys.find(digest) {
        None => return none(Code::NotFound, "unknown"),
        Some(Found::Ended(ended)) => return dead(&ended, audience, now),
        Some(Found::Old(old)) if now >= old.valid_until => {
            let (key, organization) = (old.key.id, old.key.profile.organization);
            return dead(&Ended { key, organization, at: old.valid_until, deleted: false }, audience, now);
        }
        Some(Found::Old(old)) => (old.key, UsedSecret::Old(old.hint)),
        Some(Found::Current(key)) => (key, UsedSecret::Current),
    };
    let organization = key.profile.organization;
    if !audience.admits(organization) {
        let known = Some(Known { key: key.id, organization });
        return Selection::None { code: Code::NotFound, check: "another organization's key", known };
    }
    if native && secret.is_imported(&key) {
        let known = Some(Known { key: key.id, organization });
        return Selection::None { code: Code::NotFound, check: "imported, but of native shape", known };
    }
    Selection::Key { key, secret, fields: FieldMask::default(), signed_in: None }
}

fn dead(ended: &Ended, audience: Audience<'_>, now: Timestamp) -> Selection {
    let remembered = now < ended.at.saturating_add(ENDED_KNOWN_FOR);
    if !remembered || !audience.admits(ended.organization) {
        return none(Code::NotFound, "unknown");
    }
    let known = Some(Known { key: ended.key, organization: ended.organization });
    Selection::None { code: Code::NotFound, check: if ended.deleted { "deleted" } else { ROTATED_OUT }, known }
}

// === impl Selection ===

impl Selection {
    /// The same, with the fields that hold the value.
    fn standing_in(mut self, parts: &[Part], digest: &CredentialDigest) -> Self {
        if let Self::Key { fields, .. } = &mut self {
            if let [_] = parts {
                *fields = FieldMask::from_iter([0]);
                return self;
            }
            let places = parts.iter().enumerate().filter(|(_, part)| part.digest() == Some(digest));
            *fields = places.map(|(place, _)| place).collect();
        }
        self
    }
}

// === impl Audience ===

impl Audience<'_> {
    /// Whether keys of an organization count.
    pub(crate) fn admits(self, organization: OrganizationId) -> bool {
        match self {
            Self::All => true,
            Self::Provider(provider, _) if provider == organization => true,
            Self::Provider(provider, catalog) => {
                catalog.tenant(provider).is_some_and(|tenant| tenant.shares_with(organization))
            }
        }
    }
}

fn none(code: Code, check: &'static str) -> Selection {
    Selection::None { code, check, known: None }
}

// === impl UsedSecret ===

impl UsedSecret {
    fn is_imported(&self, key: &HeldKey) -> bool {
        match self {
            Self::Current => key.is_imported(),
            Self::Old(hint) => is_imported_hint(hint),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use claviger_domain::digest::Pepper;
    use claviger_domain::key::{Key, StoredSecret};
    use claviger_domain::pair::{Pair, identifier_hint};
    use claviger_domain::testing::FixedRandom;

    use super::*;
    use crate::held_key::Profiles;
    use crate::presented::Presented;
    use crate::testing::{Work, key_of, take_work};

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn key_of_pair(number: u8, pair: &Pair, pepper: &Pepper) -> Key {
        let digest = pepper.digest_of_pair(pair.identifier.expose().as_bytes(), pair.password.expose().as_bytes());
        Key { secret: StoredSecret { digest, hint: identifier_hint(&pair.identifier) }, ..key_of(number) }
    }

    /// What an identifier with a password is, the check that names it in the log, and the work that it took to say so.
    fn told(keys: &KeyTable, pepper: &Pepper, user: &str, password: &str) -> (Option<Code>, &'static str, Vec<Work>) {
        let header = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        take_work();
        let presented = Presented::new().with_authorization(header.as_bytes());
        let reading = Reading::of(&presented, pepper);
        let (code, check) = match select((&reading, &presented, pepper), keys, Audience::All, NOW) {
            Selection::Key { .. } => (None, ""),
            Selection::None { code, check, .. } => (Some(code), check),
        };
        (code, check, take_work())
    }

    #[test]
    fn c_26_a_wrong_identifier_and_a_wrong_password_are_the_same_work() {
        let (pepper, random) = (Pepper::new(&[1; 32]), FixedRandom::new(7));
        let [living, deleted, other] = [(), (), ()].map(|()| Pair::generate(&random));
        let (keys, mut profiles) = (KeyTable::default(), Profiles::default());
        keys.insert(&key_of_pair(1, &living, &pepper), &mut profiles);
        keys.insert(&Key { deleted_at: Some(NOW), ..key_of_pair(2, &deleted, &pepper) }, &mut profiles);
        let ask = |identifier: &Pair, password: &Pair| {
            told(&keys, &pepper, identifier.identifier.expose(), password.password.expose())
        };
        let digested = Work::Digest("ci_".len() + 20 + 1 + 43);
        assert_eq!(ask(&living, &living), (None, "", vec![digested, Work::Living]));
        let unfound = vec![digested, Work::Living, Work::Former];
        for (identifier, password, check) in [
            (&other, &living, "unknown"),
            (&living, &other, "unknown"),
            (&other, &other, "unknown"),
            (&deleted, &living, "unknown"),
            (&living, &deleted, "unknown"),
            (&deleted, &deleted, "deleted"),
        ] {
            assert_eq!(ask(identifier, password), (Some(Code::NotFound), check, unfound.clone()));
        }
    }
}
