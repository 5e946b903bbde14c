//! Records for tests, and the work that a reading and a look-up make, counted.

use std::cell::RefCell;

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

/// A piece of work whose amount must not tell a caller anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// So many bytes were digested.
    Digest(usize),
    /// A digest was looked for among living keys.
    Living,
    /// A digest was looked for among values that were a key's once.
    Former,
}

thread_local! {
    static WORK: RefCell<Vec<Work>> = const { RefCell::new(Vec::new()) };
}

/// Notes a piece of work of this thread.
pub(crate) fn note(work: Work) {
    WORK.with_borrow_mut(|all| all.push(work));
}

/// What was noted since the last time.
pub(crate) fn take_work() -> Vec<Work> {
    WORK.take()
}
