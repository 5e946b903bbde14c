//! What the store tells the engine: whole changes, by position in the feed.

use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::api_set::ApiSet;
use crate::api_user::{ApiSession, ApiUser};
use crate::application::{Application, ApplicationType};
use crate::clock::Timestamp;
use crate::digest::CredentialDigest;
use crate::id::{
    ApiId, ApiSessionId, ApiSetId, ApiUserId, ApplicationId, ApplicationTypeId, KeyId, OrganizationId, RoleId, UserId,
};
use crate::key::Key;
use crate::member::Member;
use crate::operation::Operation;
use crate::organization::Organization;
use crate::role::Role;

/// A position in the change feed: `<epoch>.<seq>` on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Position {
    /// A restore begins a new one.
    pub epoch: i64,
    /// One for each transaction, without gaps.
    pub seq: i64,
}

/// Which record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ObjectRef {
    /// An organization.
    Organization(OrganizationId),
    /// An API or its operations.
    Api(ApiId),
    /// An API set.
    ApiSet(ApiSetId),
    /// A kind of application.
    ApplicationType(ApplicationTypeId),
    /// An application.
    Application(ApplicationId),
    /// A role.
    Role(RoleId),
    /// A person in an organization.
    Member(OrganizationId, UserId),
    /// A key.
    Key(KeyId),
    /// When a key was last used: no part of its record.
    LastUse(KeyId),
    /// Who signs in under an application.
    ApiUser(ApiUserId),
    /// A session of theirs; also that it was used.
    ApiSession(ApiSessionId),
}

/// A record as it stands now. Boxed: a feed step holds many of different sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Object {
    /// An organization.
    Organization(Box<Organization>),
    /// An API with its operations in document order.
    Api(Box<Api>, Vec<Operation>),
    /// An API set.
    ApiSet(Box<ApiSet>),
    /// A kind of application.
    ApplicationType(Box<ApplicationType>),
    /// An application.
    Application(Box<Application>),
    /// A role.
    Role(Box<Role>),
    /// A person in an organization.
    Member(Box<Member>),
    /// A key, tombstones included.
    Key(Box<Key>),
    /// The last use of a key.
    LastUse(LastUse),
    /// Who signs in under an application.
    ApiUser(Box<ApiUser>),
    /// A session of theirs.
    ApiSession(Box<ApiSession>),
}

/// When a key was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// The digest of its current secret, by which it is found.
    pub digest: CredentialDigest,
    /// When, by either of its secrets.
    pub at: Timestamp,
}

/// One changed record; `now` is `None` where it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub object: ObjectRef,
    /// As it stands in the snapshot that was read.
    pub now: Option<Object>,
}

/// Changes to apply at once: everything up to `position`, read in one snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where the replica stands afterwards.
    pub position: Position,
    /// The records that changed since.
    pub changes: Vec<Change>,
}

// === impl Position ===

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}
