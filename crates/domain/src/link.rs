//! Links that work once: invitations and the like. Whoever has the token of one is taken for the person that it was sent to.

use serde::{Deserialize, Serialize};

use crate::clock::Random;
use crate::clock::Timestamp;
use crate::credential::push_random_base62;
use crate::digest::CredentialDigest;
use crate::email::Email;
use crate::id::{LinkId, OrganizationId, UserId};
use crate::key::Actor;
use crate::secret::Secret;

/// Characters of a token, base62: 190 bits.
pub const LINK_TOKEN_LENGTH: usize = 32;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// To come to an organization.
    Invitation,
    /// To confirm a new e-mail address.
    NewAddress,
    /// To choose another password.
    PasswordReset,
}

/// A link that was not used yet. A person has one of a kind in an organization: a new one takes the place of the old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its id, which says nothing of its token.
    pub id: LinkId,
    /// What it is for.
    pub kind: LinkKind,
    /// The tenant; none where it is the person's alone.
    pub organization: Option<OrganizationId>,
    /// Whose it is.
    pub user: UserId,
    /// Of its token.
    pub digest: CredentialDigest,
    /// The address that it confirms.
    pub email: Option<Email>,
    /// Who had it made.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this instant on it is void.
    pub expires_at: Timestamp,
}

/// A new token.
pub fn generate_link_token(random: &dyn Random) -> Secret {
    let mut token = String::with_capacity(LINK_TOKEN_LENGTH);
    push_random_base62(&mut token, LINK_TOKEN_LENGTH, random);
    Secret::new(token)
}

/// Whether a text has the form of a token: whatever has not is never looked for.
pub fn is_link_token(text: &str) -> bool {
    text.len() == LINK_TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

// === impl LinkKind ===

impl LinkKind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::NewAddress => "new_address",
            Self::PasswordReset => "password_reset",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    #[test]
    fn tokens_have_their_form_and_differ() {
        let random = FixedRandom::new(1);
        let (one, other) = (generate_link_token(&random), generate_link_token(&random));
        assert!(is_link_token(one.expose()) && is_link_token(other.expose()) && one.expose() != other.expose());
        for text in ["", "a", &"a".repeat(31), &"a".repeat(33), &"é".repeat(16), &format!("{}-", "a".repeat(31))] {
            assert!(!is_link_token(text), "{text}");
        }
    }
}
