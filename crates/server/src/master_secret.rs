//! The master secret: from a variable, from a file, or made on the first start of a new database, and never beside
//! an old one.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use claviger_domain::keyring::{InvalidMasterSecret, Keyring, KeyringError, MasterSecret, SealedKeyring};
use claviger_domain::{Random, Secret};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::data_dir::write_private;

pub mod rotation;

/// The file in the data directory.
pub const FILE_NAME: &str = "master-secret";
/// The most bytes of the file: 44 characters, and room for white space.
const FILE_BYTES_MAX: u64 = 4_096;

/// Where the master secret is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In `CLAVIGER_MASTER_SECRET`.
    Variable(Secret),
    /// In a file.
    File(PathBuf),
}

/// A ring that is open, and what is still to be stored of it.
#[derive(Debug)]
pub enum Opened {
    /// The database had it.
    Old(Keyring),
    /// It is new: the sealed form goes to the database before anything else does.
    New(Keyring, SealedKeyring),
}

/// Why there is no key ring.
#[derive(Debug, thiserror::Error)]
pub enum MasterSecretError {
    /// An old database, and no file.
    #[error(
        "the database {database} was made with a master secret, and its file {} is missing; put the file back from \
         your backup, or name its place in CLAVIGER_MASTER_SECRET_FILE. Without it no key of this database can be \
         verified, so no new one is made beside it",
        file.display()
    )]
    Missing {
        /// The file.
        file: PathBuf,
        /// The database, as it may be shown.
        database: String,
    },
    /// Another database's master secret.
    #[error(
        "the master secret in {place} is not the one that the database {database} was made with; put the right one \
         back, or name the right database in CLAVIGER_DATABASE_URL"
    )]
    Wrong {
        /// The file or variable.
        place: String,
        /// The database, as it may be shown.
        database: String,
    },
    /// A backup of another ring.
    #[error(
        "the master secret in {place} is not the one that the backup's key ring opens with: put that of the server which \
         wrote the backup there, as it was at that time, or name its file in CLAVIGER_MASTER_SECRET_FILE"
    )]
    NotOfTheBackup {
        /// The file or variable.
        place: String,
    },
    /// A backup, and no master secret.
    #[error(
        "a backup is restored with the master secret of the server which wrote it, and there is none at {}: put a copy of \
         it there (mode 600), or name its file in CLAVIGER_MASTER_SECRET_FILE. No new one is made, because it would open \
         nothing",
        file.display()
    )]
    MissingForBackup {
        /// The file.
        file: PathBuf,
    },
    /// The backup's ring does not open though the secret is right.
    #[error("the key ring in the backup is damaged")]
    DamagedInBackup,
    /// Another ring's master secret, whatever the file beside it holds.
    #[error("the master secret in {place} is not the one that this database's key ring opens with")]
    NotOfThisRing {
        /// The file or variable.
        place: String,
    },
    /// The right master secret, but the ring in the database was changed.
    #[error("the key ring in the database {database} is damaged; restore the database from a backup")]
    Damaged {
        /// The database, as it may be shown.
        database: String,
    },
    /// Records without a ring.
    #[error(
        "the database {database} holds records but no key ring, so nothing in it can be verified; restore it from a \
         backup (the master secret would be {place})"
    )]
    NoRing {
        /// The file or variable.
        place: String,
        /// The database, as it may be shown.
        database: String,
    },
    /// No master secret at all.
    #[error("the master secret in {place} cannot be read: {error}")]
    Invalid {
        /// The file or variable.
        place: String,
        /// What was expected.
        error: InvalidMasterSecret,
    },
    /// The system does not let the file be read.
    #[error("the master secret file {} cannot be read: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// The new file cannot be written.
    #[error("the new master secret file {} cannot be written: {error}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
}

/// Opens the ring of a database, or makes the first one.
///
/// `sealed` is what the database holds of it, `is_new` whether it holds nothing at all, `database` its name for
/// messages.
pub fn open_keyring(
    place: &Place,
    sealed: Option<&SealedKeyring>,
    is_new: bool,
    database: &str,
    random: &dyn Random,
) -> Result<Opened, MasterSecretError> {
    let database = || database.to_owned();
    let Some(sealed) = sealed else {
        if !is_new {
            return Err(MasterSecretError::NoRing { place: place.to_string(), database: database() });
        }
        let master = match place.read()? {
            Some(master) => master,
            None => place.make(random)?,
        };
        let ring = Keyring::generate(random);
        let sealed = ring.seal(&master, random);
        return Ok(Opened::New(ring, sealed));
    };
    let master = place.read()?;
    match (master.as_ref().map(|master| Keyring::open(sealed, master)), place) {
        (Some(Ok(ring)), _) => Ok(Opened::Old(ring)),
        (Some(Err(KeyringError::Damaged)), _) => Err(MasterSecretError::Damaged { database: database() }),
        (wrong, place) => match (place.take_waiting(sealed)?, wrong, place) {
            (Some(ring), ..) => Ok(Opened::Old(ring)),
            (None, None, Place::File(file)) => {
                Err(MasterSecretError::Missing { file: file.clone(), database: database() })
            }
            (None, ..) => Err(MasterSecretError::Wrong { place: place.to_string(), database: database() }),
        },
    }
}

/// Opens the ring of a backup; makes nothing.
pub fn open_ring_of_backup(place: &Place, sealed: &SealedKeyring) -> Result<Keyring, MasterSecretError> {
    let master = match (place.read()?, place) {
        (Some(master), _) => master,
        (None, Place::File(file)) => return Err(MasterSecretError::MissingForBackup { file: file.clone() }),
        (None, Place::Variable(_)) => unreachable!("a variable that is set has a text"),
    };
    Keyring::open(sealed, &master).map_err(|error| match error {
        KeyringError::WrongMasterSecret => MasterSecretError::NotOfTheBackup { place: place.to_string() },
        KeyringError::Damaged => MasterSecretError::DamagedInBackup,
    })
}

/// Writes a master secret, on the disk before anything is sealed under it.
fn write_secret(file: &Path, master: &MasterSecret) -> Result<(), MasterSecretError> {
    let text = Zeroizing::new(format!("{}\n", *master.to_text()));
    write_private(file, &text).map_err(|error| MasterSecretError::Unwritable { file: file.to_owned(), error })
}

// === impl Place ===

impl Place {
    /// Where `config` says it is; the file of the data directory unless told otherwise.
    pub fn of(config: &Config, data_dir: &Path) -> Self {
        match (&config.master_secret, &config.master_secret_file) {
            (Some(secret), _) => Self::Variable(secret.clone()),
            (None, Some(file)) => Self::File(file.clone()),
            (None, None) => Self::File(data_dir.join(FILE_NAME)),
        }
    }

    /// The secret; `None` where the file does not exist.
    fn read(&self) -> Result<Option<MasterSecret>, MasterSecretError> {
        let parse = |text: &str| {
            MasterSecret::parse(text)
                .map(Some)
                .map_err(|error| MasterSecretError::Invalid { place: self.to_string(), error })
        };
        let file = match self {
            Self::Variable(secret) => return parse(secret.expose()),
            Self::File(file) => file,
        };
        let unreadable = |error| MasterSecretError::Unreadable { file: file.clone(), error };
        let facts = match file.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            facts => facts.map_err(unreadable)?,
        };
        if facts.len() > FILE_BYTES_MAX {
            return Err(MasterSecretError::Invalid { place: self.to_string(), error: InvalidMasterSecret });
        }
        let mode = facts.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            tracing::warn!("other users can read the master secret {self} (mode {mode:o}); `chmod 600` it");
        }
        parse(&Zeroizing::new(std::fs::read_to_string(file).map_err(unreadable)?))
    }

    /// The file, where it is in one.
    fn file(&self) -> Option<&Path> {
        match self {
            Self::Variable(_) => None,
            Self::File(file) => Some(file),
        }
    }

    /// The ring, if the secret that waits beside the file opens it: a rotation stopped before the last step, or somebody
    /// put the new secret there before it began.
    fn waiting_ring(&self, sealed: &SealedKeyring) -> Result<Option<Keyring>, MasterSecretError> {
        let Some(file) = self.file() else { return Ok(None) };
        let waiting = Self::File(rotation::next_file(file)).read()?;
        Ok(waiting.and_then(|master| Keyring::open(sealed, &master).ok()))
    }

    /// The same, and the file takes its place.
    fn take_waiting(&self, sealed: &SealedKeyring) -> Result<Option<Keyring>, MasterSecretError> {
        let (Some(file), Some(ring)) = (self.file(), self.waiting_ring(sealed)?) else { return Ok(None) };
        match rotation::swap(file) {
            Ok(_) => tracing::info!("the master secret was rotated: the new one is in {self} now"),
            Err(error) => tracing::warn!("the key ring opened with the file that waits beside {self}, but {error}"),
        }
        Ok(Some(ring))
    }

    /// Makes a new one in the file, on the disk before anything is sealed under it.
    fn make(&self, random: &dyn Random) -> Result<MasterSecret, MasterSecretError> {
        let master = MasterSecret::generate(random);
        if let Self::File(file) = self {
            write_secret(file, &master)?;
            tracing::info!("made the master secret {self}; keep a copy of it apart from the database's backups");
        }
        Ok(master)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(_) => f.write_str("CLAVIGER_MASTER_SECRET"),
            Self::File(file) => write!(f, "{}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::testing::FixedRandom;

    use super::*;

    const DATABASE: &str = "sqlite:///data/claviger.db";

    fn place(folder: &tempfile::TempDir) -> Place {
        Place::File(folder.path().join(FILE_NAME))
    }

    fn open(place: &Place, sealed: Option<&SealedKeyring>, is_new: bool) -> Result<Opened, MasterSecretError> {
        open_keyring(place, sealed, is_new, DATABASE, &FixedRandom::new(5))
    }

    fn first_start(place: &Place) -> (Keyring, SealedKeyring) {
        match open(place, None, true).expect("a first start makes what it needs") {
            Opened::New(ring, sealed) => (ring, sealed),
            Opened::Old(_) => panic!("a new database has no ring"),
        }
    }

    #[test]
    fn a_first_start_makes_the_file_and_later_ones_read_it() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let place = place(&folder);
        let (ring, sealed) = first_start(&place);
        let file = folder.path().join(FILE_NAME);
        assert_eq!(file.metadata().expect("made").permissions().mode() & 0o777, 0o600);
        let Ok(Opened::Old(again)) = open(&place, Some(&sealed), false) else { panic!("the file opens the ring") };
        assert_eq!(again.audit().mac(&[b"x"]), ring.audit().mac(&[b"x"]));
    }

    #[test]
    fn a_start_that_stopped_between_file_and_database_goes_on_with_the_file() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let place = place(&folder);
        first_start(&place);
        let before = std::fs::read(folder.path().join(FILE_NAME)).expect("made");
        let (_, sealed) = first_start(&place);
        assert_eq!(std::fs::read(folder.path().join(FILE_NAME)).expect("kept"), before);
        assert!(open(&place, Some(&sealed), false).is_ok());
    }

    #[test]
    fn no_file_is_made_beside_an_old_database() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let place = place(&folder);
        let (_, sealed) = first_start(&place);
        let file = folder.path().join(FILE_NAME);
        std::fs::remove_file(&file).expect("removed");
        let message = open(&place, Some(&sealed), false).expect_err("missing").to_string();
        assert!(message.contains(file.to_str().expect("text")) && message.contains(DATABASE), "{message}");
        assert!(open(&place, None, false).is_err(), "records without a ring");
        assert!(!file.exists());
    }

    #[test]
    fn a_wrong_secret_names_both_places() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let place = place(&folder);
        let (_, sealed) = first_start(&place);
        let file = folder.path().join(FILE_NAME);
        let other = MasterSecret::generate(&FixedRandom::new(99)).to_text();
        std::fs::write(&file, other.as_str()).expect("written");
        let message = open(&place, Some(&sealed), false).expect_err("wrong").to_string();
        assert!(message.contains(file.to_str().expect("text")) && message.contains(DATABASE), "{message}");
        std::fs::write(&file, "not base64").expect("written");
        let message = open(&place, Some(&sealed), false).expect_err("no secret").to_string();
        assert!(message.contains(file.to_str().expect("text")) && message.contains("32 bytes"), "{message}");
    }

    #[test]
    fn a_variable_wins_over_the_file_and_makes_none() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let text = MasterSecret::generate(&FixedRandom::new(3)).to_text();
        let config = Config {
            master_secret: Some(Secret::new(text.to_string())),
            master_secret_file: Some(folder.path().join("elsewhere")),
            ..Config::default()
        };
        let place = Place::of(&config, folder.path());
        let (_, sealed) = first_start(&place);
        assert_eq!(folder.path().read_dir().expect("listed").count(), 0);
        assert!(open(&place, Some(&sealed), false).is_ok());
        let wrong = Place::Variable(Secret::new("short".to_owned()));
        let message = open(&wrong, Some(&sealed), false).expect_err("no secret").to_string();
        assert!(message.contains("CLAVIGER_MASTER_SECRET") && !message.contains("short"), "{message}");
    }
}
