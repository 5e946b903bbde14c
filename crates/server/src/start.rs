//! The wiring, from top to bottom: files, listeners, database, engine, doors, management, telemetry.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use claviger_domain::change::Position;
use claviger_domain::outgoing::Guard;
use claviger_domain::{Clock, NodeId, Random, Secret};
use claviger_doors::{Address, Listen, Tls};
use claviger_engine::Engine;
use claviger_manage::{Calls, Manage, Nodes};
use claviger_store::usage::{Kept, Writer};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{self, StreamTask, TrimTask, Written};
use crate::config::{BaseUrl, Config, ConfigError, ListenerConfig};
use crate::data_dir::DataDir;
use crate::feed_task::FeedTask;
use crate::health::Health;
use crate::hourly_task::HourlyTask;
use crate::limits::{Counters, Keeper, LimitsTask, RedisRates, Sweep};
use crate::listener::{Listener, url_of};
use crate::local_token::{LocalToken, write_certificate};
use crate::mail::{self, MailTask, Smtp};
use crate::metrics::Sources;
use crate::node_id;
use crate::node_task::NodeTask;
use crate::notices_task::NoticesTask;
use crate::open_store::{OpenStore, Opening, has_no_organization, open_store_or_snapshot};
use crate::outgoing::Connector;
use crate::own_node::{Facts, OwnNode};
use crate::running::Running;
use crate::skew_task::SkewTask;
use crate::snapshot_task::{self, OpenTask, SnapshotTask};
use crate::start_error::StartError;
use crate::sweep_task::SweepTask;
use crate::telemetry;
use crate::tls_task::{ListenerTls, TlsTask};
use crate::usage_task::UsageTask;
use crate::uses_watch::UsesWatch;
use crate::webhooks::{self, WebhooksTask};

/// A server that can be started.
#[derive(Debug)]
pub struct Server;

// === impl Server ===

impl Server {
    /// Starts everything, and returns once verdicts can be given. Nothing is left running after an error, or when the
    /// future is dropped.
    pub async fn start(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Running, StartError> {
        config.validate()?;
        let as_configured = Mutex::new(config.clone());
        warn_of_open_listeners(&config);

        // Everything that can be taken by another program comes first: a second start changes nothing.
        let data_dir = DataDir::open(&config.data_dir)?;
        let config = Config { data_dir: data_dir.path().to_owned(), ..config };
        let listens = listens(&config)?;
        let Listens { control: at_control, doors: at_doors, telemetry: at_telemetry, public: at_public } = &listens;
        let smtp = Smtp::new(&config.mail)?;
        let sends_mail = smtp.is_some();
        let control = bind("control.listen", at_control).await?;
        let telemetry = bind("telemetry.listen", at_telemetry).await?;
        let public = match at_public {
            Some(listen) => Some(bind("public.listen", listen).await?),
            None => None,
        };
        drop(bind("doors.listen", at_doors).await?);

        let Opening { open, ring, snapshot } = open_store_or_snapshot(&config, data_dir, &clock, &random).await?;
        let OpenStore { store, keyring, data_dir } = open;

        let (clock_of, random_of) = (|| Arc::clone(&clock), || Arc::clone(&random));
        let node_id = node_id::read_or_write(data_dir.path(), NodeId::new(clock.now(), &*random))?;
        let nodes = Arc::new(Nodes::new(store.clone(), clock_of(), node_id));
        let staleness_limit = config.database.staleness_limit();
        let facts = Facts { data_dir: data_dir.path().to_owned(), staleness_limit };
        let node = Arc::new(OwnNode::new(store.clone(), Arc::clone(&nodes), clock_of(), random_of(), facts));
        let settings = claviger_engine::Config { limits: config.limits.of_engine(), ..Default::default() };
        let engine = Engine::new(settings, keyring.pepper().clone(), clock_of(), random_of());
        let engine = engine.with_session_key(keyring.session_key()).with_signing_seal(keyring.signing_seal());
        let engine = Arc::new(engine);
        let health = Arc::new(Health::new(Arc::clone(&engine)));
        let resumed = match snapshot {
            None => None,
            Some((reader, unreachable)) => {
                let resumed = snapshot_task::load(reader, &keyring, &engine, &clock, staleness_limit).await;
                Some(resumed.ok_or(unreachable)?)
            }
        };
        let is_new = resumed.is_none() && has_no_organization(&store).await?;

        let settings = config.doors.settings.clone();
        let doors = claviger_doors::start(settings, Arc::clone(&engine), at_doors)
            .map_err(|error| StartError::doors(&error))?;

        let own = [&control, &telemetry].into_iter().chain(public.as_ref()).map(Listener::address);
        let own = own.chain([doors.address()]).filter_map(|address| match address {
            Address::Tcp(address) => Some(*address),
            Address::Unix(_) => None,
        });
        let own = own.collect();

        let telemetry_url = telemetry.url();
        let stop = CancellationToken::new();
        let listeners_tls = speaking_tls(&config, &listens);
        let counters = Arc::default();
        // A database in a file has one node, which needs no snapshot of it.
        let may_have_others = ring.is_some();
        let loads_later = resumed.is_none();
        let snapshot = ring.as_ref().map(|ring| {
            let (store, ring, keyring, health) = (store.clone(), ring.clone(), keyring.clone(), Arc::clone(&health));
            let resumed = resumed.as_ref().map(|(resumed, _)| resumed);
            SnapshotTask::start(store, &data_dir, ring, keyring, random_of(), health, resumed)
        });
        let snapshot_writer = snapshot.as_ref().map(|task| Arc::clone(&task.writer));
        let mail_counters: Arc<mail::Counters> = Arc::default();
        let limits: Arc<Counters> = Arc::default();
        let webhook_counters: Arc<webhooks::Counters> = Arc::default();
        let audit_counters: Arc<audit::Counters> = Arc::default();
        let sources = Sources {
            health: Arc::clone(&health),
            clock: clock_of(),
            store: store.clone(),
            nodes: Arc::clone(&nodes),
            snapshot: snapshot_writer.clone(),
            doors: doors.readings(),
            management: Arc::clone(&counters),
            mail: smtp.as_ref().map(|_| Arc::clone(&mail_counters)),
            webhooks: Arc::clone(&webhook_counters),
            limits: Arc::clone(&limits),
            audit: Arc::clone(&audit_counters),
            tls: listeners_tls.clone(),
        };
        let tasks = TaskTracker::new();
        if let (Some(ring), Some(_)) = (ring, &resumed) {
            let open = OpenTask { store: store.clone(), ring, engine: Arc::clone(&engine), node: Arc::clone(&node) };
            tasks.spawn(open.run(stop.clone()));
        }
        let feed = FeedTask {
            store: store.clone(),
            engine: Arc::clone(&engine),
            clock: clock_of(),
            health: Arc::clone(&health),
            staleness_limit,
            node: Arc::clone(&node),
            is_back: AtomicBool::new(false),
            snapshot: snapshot_writer,
            resumed,
        };
        spawn_background(&tasks, feed, &*random, config.usage.kept(), &stop);
        if let Some(snapshot) = snapshot {
            tasks.spawn(snapshot.run(stop.clone()));
        }
        tasks.spawn(telemetry.serve(telemetry::router(Arc::clone(&health), sources), stop.clone()));
        let look_at_certificates = Arc::new(Notify::new());
        let follow = TlsTask {
            listeners: listeners_tls,
            clock: clock_of(),
            data_dir: data_dir.path().to_owned(),
            look: Arc::clone(&look_at_certificates),
        };
        tasks.spawn(follow.run(stop.clone()));
        let redis = RedisRates::new(&config.limits, &keyring, Arc::clone(&limits))
            .map_err(|_| ConfigError::setting("limits.redis_url", "no client can be made of it"))?;
        if let Some(redis) = redis.map(Arc::new) {
            tasks.spawn(Arc::clone(&redis).run(stop.clone()));
            engine.keep_rates(Some(redis));
        }
        let sweep = Sweep::new(store.clone(), Arc::clone(&nodes), node.run(), Arc::clone(&limits));
        let keeper = Keeper::new(
            store.clone(),
            clock_of(),
            Arc::clone(&health),
            Arc::clone(&nodes),
            node.run(),
            Arc::clone(&limits),
        );
        engine.keep_quotas(Arc::new(keeper.clone()));
        let limits =
            LimitsTask { engine: Arc::clone(&engine), keeper, sweep, nodes: Arc::clone(&nodes), counters: limits };
        tasks.spawn(limits.run(stop.clone()));
        let uses = may_have_others.then(|| Arc::new(UsesWatch::new(Arc::clone(&engine), clock_of(), loads_later)));
        let look =
            NodeTask { store: store.clone(), nodes: Arc::clone(&nodes), own: Arc::clone(&node), uses: uses.clone() };
        tasks.spawn(look.run(stop.clone()));
        let background = stop.clone().drop_guard();

        // Before this, a change would wait for a replica that is not there.
        engine.applied(Position::default()).await;

        let local_token = tell_command_line(data_dir.path(), &control, &*random)
            .map_err(|error| StartError::file(data_dir.path(), error))?;
        let setup = is_new.then(|| LocalToken::for_setup(&*random));
        let passwords = claviger_manage::Passwords::new(
            &keyring,
            config.control.password_hashes_at_once,
            claviger_manage::passwords::Cost::default(),
        );
        let outgoing = Guard { allowed: config.outgoing.allow_private.clone(), listeners: own };
        let connector = Connector::new(outgoing.clone()).map_err(|error| {
            ConfigError::setting(
                "outgoing",
                &format!("the certificates that the system trusts cannot be used: {error}"),
            )
        })?;
        let organizations = Arc::clone(&engine);
        let manage = Manage {
            store: store.clone(),
            nodes,
            engine,
            keyring,
            clock: clock_of(),
            random: random_of(),
            config: claviger_manage::Config {
                host_names: config.control.url.iter().map(BaseUrl::host).collect(),
                imports_with_several_organizations: config.control.imports_with_several_organizations,
                secure_cookies: config.control.url.as_ref().is_some_and(|url| url.as_str().starts_with("https:"))
                    || config.control.tls.is_some(),
                sessions: config.control.session_limits(),
                api_users: config.api_users.settings(),
                control_url: control_url_for_links(&config, &control),
                public_url: public.as_ref().and_then(|public| public_url_for_links(&config, public)),
                github_keys_file: config.public.github_keys_file.clone(),
                sends_mail,
                outgoing,
            },
            calls: Calls::new(config.control.calls_of_organization_max),
            passwords,
            visits: claviger_manage::visitor::Visits::default(),
            resets: claviger_manage::password_resets::Queue::default(),
            counters,
            operator_token_sha256: Some(local_token.sha256()),
            setup_token_sha256: setup.as_ref().map(|(_, sha256)| *sha256),
        };
        let (requests, serving) = (CancellationToken::new(), TaskTracker::new());
        let control_url = control.url();
        let setup_link =
            setup.map(|(token, _)| Secret::new(format!("{}/setup#{}", manage.config.control_url, token.expose())));
        let manage = Arc::new(manage);
        if let Some(smtp) = smtp {
            let (manage, counters) = (Arc::clone(&manage), mail_counters);
            // Of its own for each process: what one leased that was killed is not taken for one's own.
            let holder = NodeId::new(clock.now(), &*random).to_string();
            tasks.spawn(MailTask { manage, smtp, counters, holder }.run(stop.clone()));
        }
        tasks.spawn(NoticesTask { manage: Arc::clone(&manage) }.run(stop.clone()));
        let holder = NodeId::new(clock.now(), &*random).to_string();
        let send = WebhooksTask { manage: Arc::clone(&manage), connector, counters: webhook_counters, holder };
        tasks.spawn(send.run(stop.clone()));
        spawn_audit(&tasks, &config, &manage, audit_counters, &stop);
        tasks.spawn(SweepTask { manage: Arc::clone(&manage), uses }.run(stop));
        let doors_url = url_of(doors.address(), at_doors.tls.is_some());
        let settings = claviger_console::Settings {
            random: random_of(),
            clock: clock_of(),
            doors: claviger_console::Doors {
                url: doors_url.clone(),
                token_required: doors_require_token(&config, doors.address()),
                public_url: public_url(&config, public.as_ref()),
            },
            is_set_up: Arc::new(move || organizations.organization_count() > 0),
            sends_mail,
        };
        let api = claviger_manage::api(Arc::clone(&manage));
        let public_pages = claviger_console::public_pages(api.clone(), settings.clone());
        let console = claviger_console::router(api, settings);
        let public_url = public.as_ref().map(Listener::url);
        if let Some(public) = public {
            let host_names = config.public.url.iter().map(BaseUrl::host).collect();
            let web_service = claviger_webservice::router(Arc::clone(&manage));
            let others = public_pages.fallback_service(web_service);
            let routes = claviger_manage::public::router(Arc::clone(&manage), host_names, others);
            serving.spawn(public.serve(routes, requests.clone()));
        }
        serving.spawn(control.serve(claviger_manage::framed(console, Arc::clone(&manage)), requests.clone()));

        let running = Running {
            control_url,
            doors_url,
            telemetry_url,
            public_url,
            setup_link,
            health,
            doors,
            requests: requests.drop_guard(),
            serving,
            background,
            tasks,
            local_token,
            look_at_certificates,
            as_configured,
            node,
            manage,
            store,
            data_dir,
        };
        tracing::info!(
            "ready: management API on {}, doors on {}, telemetry on {}, public listener {}",
            running.control_url,
            running.doors_url,
            running.telemetry_url,
            running.public_url.as_ref().map_or_else(|| "off".to_owned(), |url| format!("on {url}"))
        );
        Ok(running)
    }
}

/// What links begin with: how people reach the control side, as configured; else where it listens.
fn control_url_for_links(config: &Config, control: &Listener) -> String {
    let listens_at =
        || Some(control.url()).filter(|url| url.starts_with("http")).unwrap_or("http://localhost".to_owned());
    config.control.url.as_ref().map_or_else(listens_at, ToString::to_string)
}

/// What links to the public listener begin with: how outside clients reach it, as configured; else where it listens, if that is an
/// address.
fn public_url_for_links(config: &Config, public: &Listener) -> Option<String> {
    let listens_at = || Some(public.url()).filter(|url| url.starts_with("http"));
    config.public.url.as_ref().map(ToString::to_string).or_else(listens_at)
}

/// Whether door calls need a token, as far as that does not come with a second organization.
fn doors_require_token(config: &Config, address: &Address) -> bool {
    config.doors.settings.require_token.unwrap_or(!address.is_local())
}

/// What runs beside requests, until `stop`.
fn spawn_background(tasks: &TaskTracker, feed: FeedTask, random: &dyn Random, kept: Kept, stop: &CancellationToken) {
    let (store, health) = (|| feed.store.clone(), || Arc::clone(&feed.health));
    let usage = UsageTask {
        store: store(),
        engine: Arc::clone(&feed.engine),
        health: health(),
        own: Arc::clone(&feed.node),
        clock: Arc::clone(&feed.clock),
        writer: Writer::new(random),
    };
    let hourly = HourlyTask { store: store(), clock: Arc::clone(&feed.clock), usage: kept };
    let skew = SkewTask { store: store(), health: health() };
    tasks.spawn(skew.run(stop.clone()));
    tasks.spawn(hourly.run(stop.clone()));
    tasks.spawn(usage.run(stop.clone()));
    tasks.spawn(feed.run(stop.clone()));
}

/// What the audit log is done with by itself.
fn spawn_audit(
    tasks: &TaskTracker,
    config: &Config,
    manage: &Arc<Manage>,
    counters: Arc<audit::Counters>,
    stop: &CancellationToken,
) {
    let written = config.audit.stream_file.as_ref().map(|_| Arc::<Written>::default());
    if let (Some(path), Some(written)) = (&config.audit.stream_file, &written) {
        let (store, path, written) = (manage.store.clone(), path.clone(), Arc::clone(written));
        tasks.spawn(StreamTask { store, path, counters, written }.run(stop.clone()));
    }
    if let Some(kept_days) = config.audit.retention_days {
        tasks.spawn(TrimTask { manage: Arc::clone(manage), kept_days, written }.run(stop.clone()));
    }
}

/// Where the listeners listen, with their certificates read and checked.
struct Listens {
    control: Listen,
    doors: Listen,
    telemetry: Listen,
    /// There is not always one.
    public: Option<Listen>,
}

fn listens(config: &Config) -> Result<Listens, StartError> {
    let listen = |ListenerConfig { section, address, socket_mode, tls }: ListenerConfig<'_>| {
        let tls = tls.cloned().map(Tls::load).transpose().map_err(|error| StartError::Tls { section, error })?;
        Ok::<_, StartError>(Listen { address: address.clone(), socket_mode, tls })
    };
    Ok(Listens {
        control: listen(config.control.listener())?,
        doors: listen(config.doors.listener())?,
        telemetry: listen(config.telemetry.listener())?,
        public: config.public.listener().map(listen).transpose()?,
    })
}

/// Where API users reach the public listener, as the console tells it; `None` where there is none.
fn public_url(config: &Config, public: Option<&Listener>) -> Option<String> {
    public.map(|listener| config.public.url.as_ref().map_or_else(|| listener.url(), ToString::to_string))
}

fn speaking_tls(config: &Config, listens: &Listens) -> Vec<ListenerTls> {
    let Listens { control, doors, telemetry, public } = listens;
    let listeners = config.listeners().into_iter().zip([control, doors, telemetry].into_iter().chain(public));
    let tls = listeners.filter_map(|(listener, listen)| Some((listener.section, listen.tls.clone()?)));
    tls.map(|(section, tls)| ListenerTls { section, tls }).collect()
}

async fn bind(setting: &'static str, listen: &Listen) -> Result<Listener, StartError> {
    Listener::bind(listen).await.map_err(|error| StartError::bind(setting, &listen.address, &error))
}

fn warn_of_open_listeners(config: &Config) {
    for ListenerConfig { section, address, tls, .. } in config.listeners() {
        if !address.is_local() && tls.is_none() {
            tracing::warn!(
                "{section}.listen = {address} can be reached from other machines and is not encrypted: set \
                 {section}.tls, put a gateway with TLS in front, or listen on loopback"
            );
        }
    }
}

fn tell_command_line(data_dir: &Path, control: &Listener, random: &dyn Random) -> std::io::Result<LocalToken> {
    let local_token = LocalToken::write(data_dir, &control.url(), random)?;
    if let Some(tls) = control.tls() {
        write_certificate(data_dir, tls)?;
    }
    Ok(local_token)
}

#[cfg(test)]
mod tests {
    use claviger_doors::Address;
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
        assert!(running.setup_link().is_some());
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
        let cases: [(&str, Set); 4] = [
            ("control.listen", |config, address| config.control.listen = address),
            ("doors.listen", |config, address| config.doors.listen = address),
            ("telemetry.listen", |config, address| config.telemetry.listen = address),
            ("public.listen", |config, address| config.public.listen = Some(address)),
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
