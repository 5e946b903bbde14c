//! A new master secret for the ring of a database, in steps after each of which one of the two files opens it.
//!
//! The new secret is written beside the old one, as [`next_file`]; then the ring gets its new seal; then the new file takes
//! the place of the old. A start that finds the ring under the new seal finishes the last step.

use std::fs::File;
use std::path::{Path, PathBuf};

use claviger_domain::Random;
use claviger_domain::keyring::{Keyring, KeyringError, MasterSecret, SealedKeyring};
use claviger_manage::Ctx;
use claviger_manage::master_secret::reseal;
use claviger_store::{Database, Store};
use rustix::fs::FlockOperation;

use super::{MasterSecretError, Place, write_secret};
use crate::data_dir::sync_parent;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// The ring has a new seal, and the file holds the new secret.
    File(PathBuf),
    /// An earlier rotation had been interrupted; now it is done.
    Finished(PathBuf),
    /// The ring has a new seal; the variable is still to be set.
    Variable,
}

/// Why the master secret was not rotated. The old one still opens the ring, but for [`RotationError::Unknown`].
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The master secret in use.
    #[error(transparent)]
    MasterSecret(#[from] MasterSecretError),
    /// A database that nobody has used yet.
    #[error("the database has no key ring yet: start the server once")]
    NoRing,
    /// What cannot be changed from here.
    #[error(
        "the master secret is in CLAVIGER_MASTER_SECRET, which this command cannot change: name a file with the new one in \
         --new-secret-file, and set the variable to it afterwards"
    )]
    NewSecretNeeded,
    /// Not new.
    #[error("the new master secret is the old one")]
    Same,
    /// Another rotation, or a restore, at the same time.
    #[error("{0}")]
    Refused(claviger_manage::Error),
    /// Nobody knows.
    #[error(
        "the connection to the database was lost: the key ring may be under the new master secret or the old. Keep both \
         files; run this again, or start the server, and the right one is found"
    )]
    Unknown,
    /// The database.
    #[error("the database cannot be used: {0}")]
    Store(#[from] claviger_store::Error),
}

/// The file beside `file` in which a new master secret waits for its turn.
pub fn next_file(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    file.with_file_name(name)
}

/// Puts the ring of `database` under `given`, under the secret that waits beside the old one, or under a new one.
pub async fn rotate(
    database: Database,
    place: &Place,
    given: Option<MasterSecret>,
    ctx: &Ctx,
    random: &dyn Random,
) -> Result<Rotated, RotationError> {
    let _alone = place.file().map(hold_folder).transpose()?;
    let Some(sealed) = database.sealed_keyring().await? else { return Err(RotationError::NoRing) };
    let Some(ring) = open(place, &sealed)? else {
        return Ok(Rotated::Finished(finish(place, &sealed)?));
    };
    let new = new_secret(place, given, random)?;
    let resealed = ring.seal(&new, random);
    if resealed.check == sealed.check {
        return Err(RotationError::Same);
    }
    if let Some(file) = place.file() {
        write_secret(&next_file(file), &new)?;
    }
    let store = database.into_store(ring.audit().clone());
    let result = put_in_force(&store, ctx, sealed, resealed).await;
    store.close().await;
    result?;
    match place.file() {
        Some(file) => Ok(Rotated::File(swap(file)?)),
        None => Ok(Rotated::Variable),
    }
}

/// Opens the ring with the secret in its place; `None` where it is under the one that waits already.
fn open(place: &Place, sealed: &SealedKeyring) -> Result<Option<Keyring>, RotationError> {
    let master = place.read()?;
    match master.as_ref().map(|master| Keyring::open(sealed, master)) {
        Some(Ok(ring)) => Ok(Some(ring)),
        Some(Err(KeyringError::Damaged)) => Err(MasterSecretError::Damaged { database: String::new() }.into()),
        Some(Err(KeyringError::WrongMasterSecret)) | None => match place.waiting_ring(sealed)? {
            Some(_) => Ok(None),
            None => Err(MasterSecretError::NotOfThisRing { place: place.to_string() }.into()),
        },
    }
}

fn new_secret(place: &Place, given: Option<MasterSecret>, random: &dyn Random) -> Result<MasterSecret, RotationError> {
    if let Some(given) = given {
        return Ok(given);
    }
    let Some(file) = place.file() else { return Err(RotationError::NewSecretNeeded) };
    Ok(Place::File(next_file(file)).read()?.unwrap_or_else(|| MasterSecret::generate(random)))
}

async fn put_in_force(store: &Store, ctx: &Ctx, old: SealedKeyring, new: SealedKeyring) -> Result<(), RotationError> {
    let result = reseal(store, ctx, old, new.clone()).await;
    let Err(error) = result else { return Ok(()) };
    // Whatever went wrong: what the database has now is what counts.
    let mut snapshot = store.read().await.map_err(|_| RotationError::Unknown)?;
    match claviger_store::keyring::get(&mut snapshot).await.map_err(|_| RotationError::Unknown)? {
        Some(now) if now == new => Ok(()),
        _ => Err(RotationError::Refused(error)),
    }
}

fn finish(place: &Place, sealed: &SealedKeyring) -> Result<PathBuf, RotationError> {
    match (place.file(), place.waiting_ring(sealed)?) {
        (Some(file), Some(_)) => Ok(swap(file)?),
        _ => Err(MasterSecretError::NotOfThisRing { place: place.to_string() }.into()),
    }
}

/// Puts the secret that waits in the place of the old one.
pub(super) fn swap(file: &Path) -> Result<PathBuf, MasterSecretError> {
    std::fs::rename(next_file(file), file)
        .and_then(|()| sync_parent(file))
        .map_err(|error| MasterSecretError::Unwritable { file: file.to_owned(), error })?;
    Ok(file.to_owned())
}

/// Two rotations at once would each swap the other's file: the second waits here, until this is dropped.
fn hold_folder(file: &Path) -> Result<File, MasterSecretError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let held = File::open(folder).and_then(|folder| {
        rustix::fs::flock(&folder, FlockOperation::LockExclusive)?;
        Ok(folder)
    });
    held.map_err(|error| MasterSecretError::Unwritable { file: file.to_owned(), error })
}
