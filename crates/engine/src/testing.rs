//! Records for tests.

use claviger_domain::credential::Environment;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Actor, ActorKind, Key, Owner, Shape, StoredSecret};
use claviger_domain::{KeyId, OrganizationId, Timestamp};

/// The organization of [`key_of`].
pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_raw(1);

/// A plain key with a digest made of its number.
pub(crate) fn key_of(number: u8) -> Key {
    let name = format!("key {number}");
    Key {
        id: KeyId::from_raw(u128::from(number)),
        organization: ORGANIZATION,
        owner: Owner::Organization(ORGANIZATION),
        name: name.parse().expect("a name"),
        description: String::new(),
        environment: Environment::Live,
        shape: Shape::Single,
        secret: StoredSecret { digest: CredentialDigest::from_bytes([number; 32]), hint: "clv_live_…abcd".into() },
        overlap: None,
        ended: Vec::new(),
        api_sets: Vec::new(),
        operations: Vec::new(),
        allowed_ips: Vec::new(),
        not_before: None,
        expires_at: None,
        disabled: None,
        deleted_at: None,
        external_id: None,
        tags: Vec::new(),
        metadata: serde_json::Map::new(),
        created_by: Actor { kind: ActorKind::System, id: None, name: None },
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        version: 1,
    }
}
