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

use crate::config::{BaseUrl, Config};
use crate::data_dir::DataDir;
use crate::feed_task::FeedTask;
use crate::health::Health;
use crate::hourly_task::HourlyTask;
use crate::listener::Listener;
use crate::local_token::LocalToken;
use crate::master_secret::{Opened, Place, open_keyring};
use crate::metrics::Sources;
use crate::start_error::StartError;
use crate::sweep_task::SweepTask;
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

        let telemetry_address = telemetry.address().clone();
        let stop = CancellationToken::new();
        let sources = Sources { health: Arc::clone(&health), store: store.clone(), doors: doors.readings() };
        let tasks = spawn_background(&store, &engine, &clock, &health, &stop);
        tasks.spawn(telemetry.serve(telemetry::router(Arc::clone(&health), sources), stop.clone()));
        let background = stop.clone().drop_guard();

        // Before this, a change would wait for a replica that is not there.
        engine.applied(Position::default()).await;

        let local_token = LocalToken::write(data_dir.path(), &local_url(control.address()), &*random)
            .map_err(|error| StartError::file(data_dir.path(), error))?;
        let manage = Manage {
            store: store.clone(),
            engine,
            keyring,
            clock: clock_of(),
            random: random_of(),
            config: claviger_manage::Config {
                host_names: config.control.url.iter().map(BaseUrl::host).collect(),
                imports_with_several_organizations: config.control.imports_with_several_organizations,
            },
            operator_token_sha256: Some(local_token.sha256()),
        };
        let (requests, serving) = (CancellationToken::new(), TaskTracker::new());
        let control_address = control.address().clone();
        let manage = Arc::new(manage);
        tasks.spawn(SweepTask { manage: Arc::clone(&manage) }.run(stop));
        serving.spawn(control.serve(claviger_manage::router(manage), requests.clone()));

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

/// What runs beside requests, until `stop`.
fn spawn_background(
    store: &Store,
    engine: &Arc<Engine>,
    clock: &Arc<dyn Clock>,
    health: &Arc<Health>,
    stop: &CancellationToken,
) -> TaskTracker {
    let tasks = TaskTracker::new();
    let (store, engine, health) = (|| store.clone(), || Arc::clone(engine), || Arc::clone(health));
    let feed = FeedTask { store: store(), engine: engine(), clock: Arc::clone(clock), health: health() };
    let usage = UsageTask { store: store(), engine: engine(), health: health() };
    let hourly = HourlyTask { store: store(), clock: Arc::clone(clock) };
    tasks.spawn(feed.run(stop.clone()));
    tasks.spawn(hourly.run(stop.clone()));
    tasks.spawn(usage.run(stop.clone()));
    tasks
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
    let database = Database::open(store_settings(config), Arc::clone(clock), Arc::clone(random)).await?;
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

/// How the database is reached.
pub fn store_settings(config: &Config) -> claviger_store::Config {
    claviger_store::Config {
        connections_max: config.database.connections_max,
        connect_timeout: config.database.connect_timeout(),
        ..claviger_store::Config::new(config.database_url())
    }
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
                "{setting} = {address} can be reached from other machines and is not encrypted: put a gateway with TLS \
                 in front, or listen on loopback"
            );
        }
    }
}

/// Where a program on this machine reaches `address`: `http://ADDRESS`, or `unix:/path`.
fn local_url(address: &Address) -> String {
    match address {
        Address::Tcp(address) if address.ip().is_unspecified() => {
            let loopback = if address.is_ipv4() { "127.0.0.1" } else { "[::1]" };
            format!("http://{loopback}:{}", address.port())
        }
        Address::Tcp(address) => format!("http://{address}"),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

// === impl Running ===

impl Running {
    /// The management API: `http://ADDRESS`, or `unix:/path`.
    pub fn control_url(&self) -> String {
        local_url(&self.control)
    }

    /// The doors: `http://ADDRESS`, or `unix:/path`.
    pub fn doors_url(&self) -> String {
        local_url(&self.doors_address)
    }

    /// Metrics and health: `http://ADDRESS`, or `unix:/path`.
    pub fn telemetry_url(&self) -> String {
        local_url(&self.telemetry)
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::clock::{OsRandom, SystemClock};
    use crate::local_token::LocalAccess;

    type Set = fn(&mut Config, Address);

    async fn start(config: Config) -> Result<Running, StartError> {
        Server::start(config, Arc::new(SystemClock::new()), Arc::new(OsRandom)).await
    }

    async fn get(url: &str, path: &str) -> String {
        let authority = url.strip_prefix("http://").expect("a TCP address");
        let mut stream = TcpStream::connect(authority).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_started_server_is_ready_and_a_stopped_one_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let config = Config::on_free_ports(folder.path().join("data"));
        let running = start(config.clone()).await.expect("it starts");
        assert!(running.is_new());
        let ready = get(&running.telemetry_url(), "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 200") && ready.contains(r#"{"ready":true,"degraded":[]}"#), "{ready}");
        let metrics = get(&running.telemetry_url(), "/metrics").await;
        assert!(metrics.contains("claviger_keys 0\n") && metrics.contains("claviger_ready 1\n"), "{metrics}");
        let access = LocalAccess::read(running.data_dir()).expect("readable").expect("written");
        assert_eq!(access.url, running.control_url());
        assert!(get(&running.control_url(), "/api/v1/keys").await.starts_with("HTTP/1.1 401"));

        let again = start(config.clone()).await.expect_err("the directory is held");
        assert!(matches!(&again, StartError::DataDir(_)) && again.exit_code() == 2, "{again}");
        let (doors, data_dir) = (running.doors_url(), running.data_dir().to_owned());
        running.stop().await;
        assert!(LocalAccess::read(&data_dir).expect("readable").is_none());
        assert!(TcpStream::connect(doors.trim_start_matches("http://")).await.is_err());
        start(config).await.expect("the directory is free and its database opens").stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_taken_port_is_named_with_its_setting_and_nothing_is_made() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = Address::Tcp(taken.local_addr().expect("bound"));
        let cases: [(&str, Set); 3] = [
            ("control.listen", |config, address| config.control.listen = address),
            ("doors.listen", |config, address| config.doors.listen = address),
            ("telemetry.listen", |config, address| config.telemetry.listen = address),
        ];
        for (setting, set) in cases {
            let mut config = Config::on_free_ports(folder.path().join("data"));
            set(&mut config, address.clone());
            let error = start(config).await.expect_err("taken");
            let message = error.to_string();
            assert!(message.contains(setting) && message.contains(&address.to_string()), "{message}");
            assert_eq!(error.exit_code(), 2);
        }
        assert!(!folder.path().join("data/claviger.db").exists());
    }
}
