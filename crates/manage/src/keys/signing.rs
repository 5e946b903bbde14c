//! Keys of applications that sign: there is a sealed copy of their secret, by which the engine checks signatures, and which
//! nothing shows.

use claviger_domain::application::SignIn;
use claviger_domain::key::{Key, Owner, Shape};
use claviger_domain::signature::{SIGNING_KEYS_MAX, SealedSecret, SigningCopies};
use claviger_domain::{KeyId, OrganizationId, Secret};
use claviger_store::{Conn, Tx, keys};

use super::imported::ImportedValue;
use super::owner::application_of;
use crate::Manage;
use crate::checks::Checks;
use crate::error::{Error, ErrorCode};

/// The secret of a key, sealed for checking signatures.
pub(super) fn seal(manage: &Manage, organization: OrganizationId, key: KeyId, secret: &Secret) -> SealedSecret {
    manage.keyring.signing_seal().seal(organization, key, secret, &*manage.random)
}

/// Gives a new key the copy of its secret, if its owner signs: `import` is where its value comes from.
pub(super) async fn settle_new(
    conn: &mut Conn,
    key: &mut Key,
    copy: Option<&SealedSecret>,
    import: Option<&ImportedValue>,
) -> Result<(), Error> {
    let Some((application, kind)) = application_of(conn, key.organization, &key.owner).await? else { return Ok(()) };
    if kind.sign_in != SignIn::Signature {
        return Ok(());
    }
    let mut checks = Checks::default();
    let is_single = key.shape == Shape::Single;
    checks.ensure("shape", is_single, "expected `single`: the application's type is for keys that sign");
    let knows_value = import.is_none_or(|import| import.value.is_some());
    checks.ensure("import.sha256", knows_value, "expected `value` in its place: a key that signs is its value");
    // Types ask for the application's list; where one was made before they did, the key's own will do.
    let has_list = !application.allowed_ips.is_empty() || !key.allowed_ips.is_empty();
    checks.ensure("allowed_ips", has_list, "is required: who sees a signed call could send it again from anywhere");
    checks.finish()?;
    if keys::count_that_sign(conn, key.organization).await? >= SIGNING_KEYS_MAX as i64 {
        return Err(Error::new(
            ErrorCode::LimitReached,
            format!(
                "An organization has at most {SIGNING_KEYS_MAX} keys of applications that sign, as each is tried with \
                 every signature: delete one that is not needed."
            ),
        ));
    }
    key.signing = copy.cloned().map(SigningCopies::of);
    Ok(())
}

/// Gives a key that was rotated just now the copy of its new secret, if its owner signs. The one before goes with its secret.
pub(super) async fn settle_rotated(tx: &mut Tx, key: &mut Key, copy: Option<&SealedSecret>) -> Result<(), Error> {
    let owner = application_of(tx, key.organization, &key.owner).await?;
    let signs = owner.is_some_and(|(_, kind)| kind.sign_in == SignIn::Signature);
    let before = key.signing.take().map(|copies| copies.current).filter(|_| key.overlap.is_some());
    key.signing = copy.filter(|_| signs).map(|copy| SigningCopies { current: copy.clone(), before });
    Ok(())
}

/// Refuses a key that is there already: nobody knows its value, so it could never sign.
pub(super) async fn check_moved(conn: &mut Conn, organization: OrganizationId, owner: &Owner) -> Result<(), Error> {
    match application_of(conn, organization, owner).await? {
        Some((_, kind)) if kind.sign_in == SignIn::Signature => {
            Err(Error::conflict("Keys of this application sign, which a key from elsewhere cannot: make it a new one."))
        }
        _ => Ok(()),
    }
}
