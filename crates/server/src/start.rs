//! The wiring, from top to bottom: files, listeners, database, engine, doors, management, telemetry.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::change::Position;
use claviger_domain::keyring::Keyring;
use claviger_domain::{Clock, Random};
use claviger_doors::Address;
use claviger_engine::Engine;
use claviger_manage::Manage;
use claviger_store::{Database, Store, organizations};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::feed_task::FeedTask;
use crate::health::Health;
use crate::listener::Listener;
use crate::local_token::LocalToken;
use crate::master_secret::{Opened, Place, open_keyring};
use crate::start_error::StartError;
use crate::telemetry;
use crate::usage_task::UsageTask;

/// How long the doors' open requests have to end at a stop.
const DOORS_GRACE: Duration = Duration::from_secs(5);

/// A server that can be started.
#[derive(Debug)]
pub struct Server;

/// A server that runs. Dropping it stops everything at once; [`Running::stop`] does so in order, and writes usage.
pub struct Running {
    control: Address,
    doors_address: Address,
    telemetry: Address,
    is_new: bool,
    health: Arc<Health>,
    doors: claviger_doors::Running,
    /// Ends the control listener.
    requests: DropGuard,
    serving: TaskTracker,
    /// Ends feed, usage and telemetry.
    background: DropGuard,
    tasks: TaskTracker,
    local_token: LocalToken,
    store: Store,
    /// Dropped last: the directory is free when nothing writes there any more.
    data_dir: DataDir,
}

/// A database with its keys, under the lock of the data directory.
pub struct OpenStore {
    /// The store.
    pub store: Store,
    /// The keys that do the work.
    pub keyring: Keyring,
    /// Held until this is dropped.
    pub data_dir: DataDir,
}

// === impl Server ===

impl Server {
    /// Starts everything, and returns once verdicts can be given. Nothing is left running after an error, or when the
    /// future is dropped.
    pub async fn start(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Running, StartError> {
        config.validate()?;
        warn_of_open_listeners(&config);

        // Everything that can be taken by another program comes first: a second start changes nothing.
        let data_dir = DataDir::open(&config.data_dir)?;
        let config = Config { data_dir: data_dir.path().to_owned(), ..config };
        let control = bind("control.listen", &config.control.listen).await?;
        let telemetry = bind("telemetry.listen", &config.telemetry.listen).await?;
        drop(bind("doors.listen", &config.doors.listen).await?);

        let OpenStore { store, keyring, data_dir } = open_store(&config, data_dir, &clock, &random).await?;
        let is_new = has_no_organization(&store).await?;

        let (clock_of, random_of) = (|| Arc::clone(&clock), || Arc::clone(&random));
        let engine = Engine::new(claviger_engine::Config::default(), keyring.pepper().clone(), clock_of(), random_of());
        let engine = Arc::new(engine);
        let health = Arc::new(Health::new(Arc::clone(&engine)));

        let settings = config.doors.settings.clone();
        let doors = claviger_doors::start(settings, Arc::clone(&engine), &config.doors.listen)
            .map_err(|error| StartError::doors(&error))?;

        let (background, tasks) = (CancellationToken::new(), TaskTracker::new());
        let feed = FeedTask {
            store: store.clone(),
            engine: Arc::clone(&engine),
            clock: clock_of(),
            health: Arc::clone(&health),
        };
        tasks.spawn(feed.run(background.clone()));
        let usage = UsageTask { store: store.clone(), engine: Arc::clone(&engine), health: Arc::clone(&health) };
        tasks.spawn(usage.run(background.clone()));
        let telemetry_address = telemetry.address().clone();
        tasks.spawn(telemetry.serve(telemetry::router(Arc::clone(&health)), background.clone()));
        let background = background.drop_guard();

        // Before this, a change would wait for a replica that is not there.
        engine.applied(Position::default()).await;

        let local_token = LocalToken::write(data_dir.path(), &control_url(control.address()), &*random)
            .map_err(|error| StartError::file(data_dir.path(), error))?;
        let manage = Manage {
            store: store.clone(),
            engine,
            keyring,
            clock: clock_of(),
            random: random_of(),
            config: claviger_manage::Config { host_names: config.control.url.iter().map(|url| url.host()).collect() },
            operator_token_sha256: Some(local_token.sha256()),
        };
        let (requests, serving) = (CancellationToken::new(), TaskTracker::new());
        let control_address = control.address().clone();
        serving.spawn(control.serve(claviger_manage::router(Arc::new(manage)), requests.clone()));

        let running = Running {
            control: control_address,
            doors_address: doors.address().clone(),
            telemetry: telemetry_address,
            is_new,
            health,
            doors,
            requests: requests.drop_guard(),
            serving,
            background,
            tasks,
            local_token,
            store,
            data_dir,
        };
        tracing::info!(
            "ready: management API on {}, doors on {}, telemetry on {}",
            running.control,
            running.doors_address,
            running.telemetry
        );
        Ok(running)
    }
}

/// Opens the database and its key ring; makes both where the database is new.
pub async fn open_store(
    config: &Config,
    data_dir: DataDir,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<OpenStore, StartError> {
    let url = config.database_url();
    let place = Place::of(config, data_dir.path());
    let settings = claviger_store::Config {
        connections_max: config.database.connections_max,
        connect_timeout: config.database.connect_timeout(),
        ..claviger_store::Config::new(url.clone())
    };
    let database = Database::open(settings, Arc::clone(clock), Arc::clone(random)).await?;
    let (sealed, is_new) = (database.sealed_keyring().await?, database.is_empty().await?);
    let keyring = match open_keyring(&place, sealed.as_ref(), is_new, &url.to_string(), &**random)? {
        Opened::Old(keyring) => keyring,
        Opened::New(keyring, sealed) => {
            database.save_keyring(&sealed).await?;
            keyring
        }
    };
    Ok(OpenStore { store: database.into_store(keyring.audit().clone()), keyring, data_dir })
}

async fn has_no_organization(store: &Store) -> Result<bool, StartError> {
    let mut snapshot = store.read().await?;
    Ok(organizations::count(&mut snapshot).await? == 0)
}

async fn bind(setting: &'static str, address: &Address) -> Result<Listener, StartError> {
    Listener::bind(address).await.map_err(|error| StartError::bind(setting, address, &error))
}

fn warn_of_open_listeners(config: &Config) {
    for (setting, address) in [
        ("control.listen", &config.control.listen),
        ("doors.listen", &config.doors.listen),
        ("telemetry.listen", &config.telemetry.listen),
    ] {
        if !address.is_local() {
            tracing::warn!(
                "{setting} = {address} can be reached from other machines and is not encrypted: keys travel in the \
                 clear; put a gateway with TLS in front, or listen on loopback"
            );
        }
    }
}

/// Where a program on this machine reaches `address`.
fn control_url(address: &Address) -> String {
    match address {
        Address::Tcp(address) if address.ip().is_unspecified() => {
            let loopback = if address.is_ipv4() { "127.0.0.1" } else { "[::1]" };
            format!("http://{loopback}:{}", address.port())
        }
        address => url(address),
    }
}

/// `http://ADDRESS`, or `unix:/path`.
fn url(address: &Address) -> String {
    match address {
        Address::Tcp(address) => format!("http://{address}"),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

// === impl Running ===

impl Running {
    /// The management API: `http://ADDRESS`, or `unix:/path`.
    pub fn control_url(&self) -> String {
        control_url(&self.control)
    }

    /// The doors: `http://ADDRESS`, or `unix:/path`.
    pub fn doors_url(&self) -> String {
        control_url(&self.doors_address)
    }

    /// Metrics and health: `http://ADDRESS`, or `unix:/path`.
    pub fn telemetry_url(&self) -> String {
        control_url(&self.telemetry)
    }

    /// The file of the operator's local token.
    pub fn operator_token_path(&self) -> &Path {
        self.local_token.path()
    }

    /// The data directory, absolute.
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// Whether there was no organization at the start: `setup` is the next step.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Stops in order: not ready any more, no new requests, open ones end, usage is written, the directory is free.
    pub async fn stop(self) {
        let Self { health, doors, requests, serving, background, tasks, local_token, store, data_dir, .. } = self;
        health.drain();
        drop(local_token);
        drop(requests);
        serving.close();
        tokio::join!(serving.wait(), doors.stop(DOORS_GRACE));
        drop(background);
        tasks.close();
        tasks.wait().await;
        store.close().await;
        drop(data_dir);
        tracing::info!("stopped");
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("control", &self.control)
            .field("doors", &self.doors_address)
            .field("telemetry", &self.telemetry)
            .field("data_dir", &self.data_dir.path())
            .finish_non_exhaustive()
    }
}
