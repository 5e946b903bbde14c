//! Opening the database with its key ring; where it cannot be reached, what the local snapshot stands for it.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::keyring::{Keyring, SealedKeyring};
use claviger_domain::{Clock, Random};
use claviger_store::{Database, DatabaseUrl, OpenError, SnapshotReader, Store, organizations};

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::master_secret::{Opened, Place, open_keyring};
use crate::snapshot_task;
use crate::start_error::StartError;

/// For how long a start tries to reach the database when there is a local snapshot to start from.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(5);

/// A database with its keys, under the lock of the data directory.
pub struct OpenStore {
    /// The store.
    pub store: Store,
    /// The keys that do the work.
    pub keyring: Keyring,
    /// Held until this is dropped.
    pub data_dir: DataDir,
}

/// A database, or what stands for it while it is away.
pub(crate) struct Opening {
    pub(crate) open: OpenStore,
    /// The key ring as the local snapshot keeps it; none where the database is a file, which needs no snapshot.
    pub(crate) ring: Option<SealedKeyring>,
    /// The snapshot to start from, and what to say if that cannot be used.
    pub(crate) snapshot: Option<(SnapshotReader, StartError)>,
}

/// The database, or, where it cannot be reached, a store that is opened later and the local snapshot to start from.
pub(crate) async fn open_store_or_snapshot(
    config: &Config,
    data_dir: DataDir,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Opening, StartError> {
    if matches!(config.database_url(), DatabaseUrl::Sqlite(_)) {
        let open = open_store(config, data_dir, clock, random).await?;
        return Ok(Opening { open, ring: None, snapshot: None });
    }
    let found = snapshot_task::find(&data_dir);
    let mut settings = store_settings(config);
    if found.is_some() {
        settings.connect_timeout = settings.connect_timeout.min(SNAPSHOT_PATIENCE);
    }
    let error = match Database::open(settings.clone(), Arc::clone(clock), Arc::clone(random)).await {
        Ok(database) => {
            let open = unlock(database, config, data_dir, &**random).await?;
            let ring = claviger_store::keyring::get(&mut *open.store.read().await?).await?;
            return Ok(Opening { open, ring, snapshot: None });
        }
        Err(error) => error,
    };
    let (Some(reader), OpenError::Unreachable { .. }) = (found, &error) else { return Err(error.into()) };
    let ring = reader.ring().clone();
    let place = Place::of(config, data_dir.path());
    let keyring = match open_keyring(&place, Some(&ring), false, "of the local snapshot", &**random) {
        Ok(Opened::Old(keyring)) => keyring,
        Ok(Opened::New(..)) => return Err(error.into()),
        Err(wrong) => {
            tracing::warn!("the local snapshot is ignored: {wrong}");
            return Err(error.into());
        }
    };
    let store = Store::unopened(settings, Arc::clone(clock), Arc::clone(random), keyring.audit().clone())?;
    let open = OpenStore { store, keyring, data_dir };
    Ok(Opening { open, ring: Some(ring), snapshot: Some((reader, error.into())) })
}

/// Opens the database and its key ring; makes both where the database is new.
pub async fn open_store(
    config: &Config,
    data_dir: DataDir,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<OpenStore, StartError> {
    let database = Database::open(store_settings(config), Arc::clone(clock), Arc::clone(random)).await?;
    unlock(database, config, data_dir, &**random).await
}

async fn unlock(
    database: Database,
    config: &Config,
    data_dir: DataDir,
    random: &dyn Random,
) -> Result<OpenStore, StartError> {
    let (url, place) = (config.database_url().to_string(), Place::of(config, data_dir.path()));
    let (sealed, is_new) = (database.sealed_keyring().await?, database.is_empty().await?);
    let keyring = match open_keyring(&place, sealed.as_ref(), is_new, &url, random)? {
        Opened::Old(keyring) => keyring,
        Opened::New(keyring, sealed) => {
            database.save_keyring(&sealed).await?;
            keyring
        }
    };
    Ok(OpenStore { store: database.into_store(keyring.audit().clone()), keyring, data_dir })
}

/// How the database is reached.
pub fn store_settings(config: &Config) -> claviger_store::Config {
    claviger_store::Config {
        connections_max: config.database.connections_max,
        connect_timeout: config.database.connect_timeout(),
        ..claviger_store::Config::new(config.database_url())
    }
}

pub(crate) async fn has_no_organization(store: &Store) -> Result<bool, StartError> {
    let mut snapshot = store.read().await?;
    Ok(organizations::count(&mut snapshot).await? == 0)
}
