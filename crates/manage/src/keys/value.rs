//! The value of a key: drawn before the transaction, stored in it as digests and sealed texts, answered once.

use claviger_domain::credential::generate_key;
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::key::{Key, Shape, StoredSecret};
use claviger_domain::organization::Organization;
use claviger_domain::pair::{Pair, generate_password, identifier_hint};
use claviger_domain::policy::{Policy, RevealMode};
use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::signature::SealedSecret;
use claviger_domain::{KeyId, OrganizationId, Secret};
use claviger_store::{Conn, Tx, key_identifiers, key_reveals};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::record::stored_secret;
use super::request::CreateKey;
use super::signing;
use super::wire::expose_some;
use crate::Manage;
use crate::error::Error;

/// What a key is proved by, in full: shown once, and only the parts that there are.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Issued {
    /// The secret of a single key.
    #[serde(serialize_with = "expose_some", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub secret: Option<Secret>,
    /// The identifier of a new pair.
    #[serde(serialize_with = "expose_some", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub identifier: Option<Secret>,
    /// The password of a pair.
    #[serde(serialize_with = "expose_some", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password: Option<Secret>,
}

/// The value of a key that is being made.
#[derive(Debug, Clone)]
pub(super) struct NewValue {
    pub(super) stored: StoredSecret,
    /// Under which an imported value may be another key as well.
    pub(super) by_sha512: Option<CredentialDigest>,
    pub(super) issued: Issued,
    /// Of a pair: the identifier's digest, and the identifier sealed.
    identifier: Option<(CredentialDigest, Vec<u8>)>,
    /// The secret of a single key, sealed; none where only its SHA-256 is known.
    reveal: Option<Vec<u8>>,
    /// The same for checking signatures.
    pub(super) copy: Option<SealedSecret>,
}

/// The value that a rotation puts in the place of the one before.
#[derive(Debug, Clone)]
pub(super) struct NextValue {
    pub(super) stored: StoredSecret,
    pub(super) issued: Issued,
    /// Sealed, for a key that is recoverable.
    reveal: Option<Vec<u8>>,
    /// Sealed, for a key that signs.
    copy: Option<SealedSecret>,
}

// === impl Issued ===

impl Issued {
    /// The same members with nothing in them: what a repeated call is answered.
    pub(crate) fn without_values(&self) -> Value {
        let parts = [("secret", &self.secret), ("identifier", &self.identifier), ("password", &self.password)];
        let there = parts.into_iter().filter(|(_, part)| part.is_some());
        there.map(|(name, _)| (name.to_owned(), Value::Null)).collect::<Map<_, _>>().into()
    }
}

// === impl NewValue ===

impl NewValue {
    /// Draws the value of a new key, or takes the one that is imported.
    pub(super) fn draw(manage: &Manage, home: &Organization, id: KeyId, request: &CreateKey) -> Result<Self, Error> {
        match (request.shape, &request.import) {
            (Shape::Single, None) => {
                let secret = generate_key(&home.key_prefix, request.environment, &*manage.random);
                let stored = stored_secret(&manage.keyring, &secret);
                let reveal = Some(seal_secret(manage, home.id, id, &secret));
                let copy = Some(signing::seal(manage, home.id, id, &secret));
                let issued = Issued { secret: Some(secret), ..Issued::default() };
                Ok(Self { stored, by_sha512: None, issued, identifier: None, reveal, copy })
            }
            (Shape::Single, Some(import)) => {
                let stored = import.stored(&manage.keyring)?;
                let reveal = import.value.as_ref().map(|value| seal_secret(manage, home.id, id, value));
                let copy = import.value.as_ref().map(|value| signing::seal(manage, home.id, id, value));
                let value = import.value.as_ref().map(|value| value.expose().as_bytes());
                let by_sha512 = value.map(|value| manage.keyring.pepper().digest_by_sha512(value));
                Ok(Self { stored, by_sha512, issued: Issued::default(), identifier: None, reveal, copy })
            }
            (Shape::Pair, None) => {
                Ok(Self::of_pair(manage, identifier_place(home.id, id), Pair::generate(&*manage.random)))
            }
            (Shape::Pair, Some(_)) => Err(Error::field("import", "is for keys of the shape `single`")),
        }
    }

    fn of_pair(manage: &Manage, place: SealedPlace, pair: Pair) -> Self {
        let Pair { identifier, password } = pair;
        let digest = manage.keyring.pepper().digest(CredentialKind::PairIdentifier, identifier.expose().as_bytes());
        let sealed = manage.keyring.sealing().seal(&place, &identifier, &*manage.random);
        Self {
            stored: stored_pair(manage, &identifier, &password),
            by_sha512: None,
            issued: Issued { secret: None, identifier: Some(identifier), password: Some(password) },
            identifier: Some((digest, sealed)),
            reveal: None,
            copy: None,
        }
    }

    /// Writes what stands beside the record of the key, which was just added. A sealed secret is kept only where the policy
    /// says so at this moment.
    pub(super) async fn insert(&self, tx: &mut Tx, key: &Key, policy: &Policy) -> Result<(), Error> {
        if let Some((digest, sealed)) = &self.identifier {
            key_identifiers::insert(tx, key.id, digest, sealed).await?;
        }
        match &self.reveal {
            // A key that signs is shown once, whatever the policy says.
            Some(sealed) if key.signing.is_none() && policy.reveal.of(&key.owner) == RevealMode::Recoverable => {
                Ok(key_reveals::put(tx, key, sealed).await?)
            }
            _ => Ok(()),
        }
    }
}

// === impl NextValue ===

impl NextValue {
    /// Draws the next secret of a key: a pair keeps its identifier and gets a new password.
    pub(super) async fn draw(conn: &mut Conn, manage: &Manage, home: &Organization, key: &Key) -> Result<Self, Error> {
        match key.shape {
            Shape::Single => {
                let secret = generate_key(&home.key_prefix, key.environment, &*manage.random);
                let stored = stored_secret(&manage.keyring, &secret);
                let reveal = Some(seal_secret(manage, key.organization, key.id, &secret));
                let copy = Some(signing::seal(manage, key.organization, key.id, &secret));
                Ok(Self { stored, issued: Issued { secret: Some(secret), ..Issued::default() }, reveal, copy })
            }
            Shape::Pair => {
                let sealed = key_identifiers::sealed(conn, key.id).await?;
                let sealed = sealed.ok_or_else(|| Error::internal(format!("{} has no identifier", key.id)))?;
                let place = identifier_place(key.organization, key.id);
                let identifier = manage.keyring.sealing().open(&place, &sealed);
                let identifier = identifier.map_err(|error| Error::internal(format!("{}: {error}", key.id)))?;
                let password = generate_password(&*manage.random);
                let stored = stored_pair(manage, &identifier, &password);
                let issued = Issued { password: Some(password), ..Issued::default() };
                Ok(Self { stored, issued, reveal: None, copy: None })
            }
        }
    }

    /// Seals the new secret of a key that signs or is recoverable in the place of the one before.
    pub(super) async fn seal(&self, tx: &mut Tx, key: &mut Key) -> Result<(), Error> {
        signing::settle_rotated(tx, key, self.copy.as_ref()).await?;
        if let Some(sealed) = &self.reveal
            && key_reveals::get(tx, key.id).await?.is_some()
        {
            key_reveals::put(tx, key, sealed).await?;
        }
        Ok(())
    }
}

fn stored_pair(manage: &Manage, identifier: &Secret, password: &Secret) -> StoredSecret {
    let parts = (identifier.expose().as_bytes(), password.expose().as_bytes());
    StoredSecret { digest: manage.keyring.pepper().digest_of_pair(parts.0, parts.1), hint: identifier_hint(identifier) }
}

fn seal_secret(manage: &Manage, organization: OrganizationId, key: KeyId, secret: &Secret) -> Vec<u8> {
    let place = SealedPlace::of_key(organization, key, SealedField::Secret);
    manage.keyring.sealing().seal(&place, secret, &*manage.random)
}

fn identifier_place(organization: OrganizationId, key: KeyId) -> SealedPlace {
    SealedPlace::of_key(organization, key, SealedField::Identifier)
}
