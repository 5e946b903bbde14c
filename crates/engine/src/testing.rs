//! Records for tests.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Actor, ActorKind, Key, StoredSecret};
use claviger_domain::{KeyId, OrganizationId, Timestamp};

/// The organization of [`key_of`].
pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_raw(1);

/// A plain key with a digest made of its number.
pub(crate) fn key_of(number: u8) -> Key {
    let id = KeyId::from_raw(u128::from(number));
    let name = format!("key {number}").parse().expect("a name");
    let secret = StoredSecret { digest: CredentialDigest::from_bytes([number; 32]), hint: "clv_live_…abcd".into() };
    let created_by = Actor { kind: ActorKind::System, id: None, name: None };
    Key::new(id, ORGANIZATION, name, secret, created_by, Timestamp::default())
}
