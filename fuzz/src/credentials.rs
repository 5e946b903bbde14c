//! An engine with two keys in it, and what a bare text is by the documented format alone.

use std::sync::{Arc, LazyLock};

use claviger_domain::change::{Change, Object, ObjectRef, Position};
use claviger_domain::credential::{Environment, KeyPrefix, generate_key, hint};
use claviger_domain::digest::{CredentialKind, Pepper};
use claviger_domain::key::{Actor, ActorKind, Key, StoredSecret};
use claviger_domain::organization::Organization;
use claviger_domain::policy::Policy;
use claviger_domain::testing::{FixedClock, FixedRandom};
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, Secret, Timestamp};
use claviger_engine::{Config, Engine, Presented};

/// The native key that the engine knows; seeds spell it.
pub(crate) static NATIVE: LazyLock<String> =
    LazyLock::new(|| generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(5)).expose().to_owned());
/// A value of foreign shape that the engine knows.
pub(crate) const FOREIGN: &str = "imported-key-of-another-system";

const PEPPER: [u8; 32] = [7; 32];
const ORGANIZATION: OrganizationId = OrganizationId::from_raw(1);

/// What a bare text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    Empty,
    Known,
    /// Of native shape, unknown.
    Native,
    BadChecksum,
    /// Long enough to be somebody's key, unknown.
    Opaque,
    Unfit,
}

static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
    let now = Timestamp::from_micros(1_000_000);
    let clock = Arc::new(FixedClock::new(now));
    let engine = Arc::new(Engine::new(Config::default(), Pepper::new(&PEPPER), clock, Arc::new(FixedRandom::new(1))));
    let organization = Organization {
        admin_contact: None,
        id: ORGANIZATION,
        slug: "acme".parse().expect("a slug"),
        name: "Acme".parse().expect("a name"),
        time_zone: "UTC".into(),
        key_prefix: KeyPrefix::default(),
        is_default: true,
        policy: Policy::default(),
        allowed_ips: Default::default(),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let key = |number: u128, secret: &str| {
        let secret = Secret::new(secret.to_owned());
        let digest = Pepper::new(&PEPPER).digest(CredentialKind::Single, secret.expose().as_bytes());
        let stored = StoredSecret { digest, hint: hint(&secret) };
        let actor = Actor { kind: ActorKind::System, id: None, name: None };
        let name = format!("key {number}").parse().expect("a name");
        let id = KeyId::from_raw(number);
        let key = Key::new(id, ORGANIZATION, name, stored, actor, now);
        Change { object: ObjectRef::Key(id), now: Some(Object::Key(Box::new(key))) }
    };
    let mut loader = engine.begin_load();
    let object = Object::Organization(Box::new(organization));
    loader.add(vec![
        Change { object: ObjectRef::Organization(ORGANIZATION), now: Some(object) },
        key(1, &NATIVE),
        key(2, FOREIGN),
    ]);
    loader.finish(Position { epoch: 1, seq: 1 });
    engine
});

/// The engine's verdict on what was presented, for the key itself.
pub(crate) fn verdict(presented: &Presented<'_>) -> Code {
    ENGINE.whoami(presented, None).code
}

/// The documented format, read naively.
pub(crate) fn bare(value: &[u8]) -> Bare {
    let Ok(text) = std::str::from_utf8(value) else { return Bare::Unfit };
    if text.is_empty() {
        return Bare::Empty;
    }
    if text == *NATIVE || text == FOREIGN {
        return Bare::Known;
    }
    match naive_native(text) {
        Some(true) => Bare::Native,
        Some(false) => Bare::BadChecksum,
        None if (22..=4096).contains(&text.len()) => Bare::Opaque,
        None => Bare::Unfit,
    }
}

/// `^[a-z0-9]{2,12}_(live|test)_[0-9A-Za-z]{38}$`; whether the last six characters are the checksum of the rest.
fn naive_native(text: &str) -> Option<bool> {
    let mut parts = text.split('_');
    let (prefix, environment, tail) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = parts.next().is_none()
        && (2..=12).contains(&prefix.len())
        && prefix.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9'))
        && ["live", "test"].contains(&environment)
        && tail.chars().count() == 38
        && tail.chars().all(|c| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9'));
    fits.then(|| naive_checksum(&text[..text.len() - 6]) == text[text.len() - 6..])
}

/// CRC32 bit by bit (IEEE 802.3, reflected), in base62 with `0` on the left.
fn naive_checksum(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut digits = Vec::new();
    for _ in 0..6 {
        let digit = (rest % 62) as u8;
        digits.push(char::from(match digit {
            0..=9 => b'0' + digit,
            10..=35 => b'A' + digit - 10,
            _ => b'a' + digit - 36,
        }));
        rest /= 62;
    }
    digits.iter().rev().collect()
}
