//! The data directory that is measured: one organization, GitHub's document, sets, and as many keys as asked for,
//! written through the store. It is kept: a second run finds it, and one that was stopped is gone on with.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use claviger_domain::authority::{ADMIN_SLUG, Authorities};
use claviger_domain::credential::hint;
use claviger_domain::digest::CredentialKind;
use claviger_domain::ip_list::{IpEntries, IpEntry};
use claviger_domain::key::{Actor, ActorKind, Key, Owner, StoredSecret};
use claviger_domain::keyring::Keyring;
use claviger_domain::name::Name;
use claviger_domain::{ApiSetId, Clock, KeyId, NodeId, OrganizationId, Random, RequestId, Secret};
use claviger_engine::Engine;
use claviger_manage::api_sets::{self, CreateApiSet};
use claviger_manage::apis::{self, ImportQuery};
use claviger_manage::setup::{SetUp, set_up};
use claviger_manage::{Ctx, Manage, Nodes};
use claviger_server::clock::{OsRandom, SystemClock};
use claviger_server::config::Config;
use claviger_server::data_dir::DataDir;
use claviger_server::open_store::{OpenStore, open_store};
use claviger_store::{Conn, DatabaseUrl, FeedEvent, Scope, Store, keys, organizations};

use crate::credentials::{key_name, secret};
use crate::{Result, psql};

/// The administrator, who signs in to the console.
pub const ADMINISTRATOR: &str = "bench@example.com";
pub const PASSWORD: &str = "tulip brisk canal forty";
/// The slug of the API.
pub const API: &str = "github";
/// An address in every key's list (RFC 5737).
pub const CLIENT_IP: &str = "203.0.113.7";
/// Keys written in one transaction.
const BATCH: u64 = 10_000;
/// GitHub's REST API, 1,223 operations.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/data/openapi/api.github.com.json.gz");
/// Slug and patterns. The first two are every key's.
const SETS: [(&str, &[&str]); 6] = [
    ("issues", &["github:issues/*"]),
    ("repository", &["github:repos/get"]),
    ("pulls", &["github:pulls/*"]),
    ("actions", &["github:actions/*"]),
    ("git", &["github:git/*"]),
    ("teams", &["github:teams/*"]),
];
const SETS_HELD: usize = 2;
/// The number of the key that calls the management API: far from the others'.
const MANAGER: u64 = 1 << 50;
const MANAGER_NAME: &str = "bench manager";
/// Keys beside those that are measured: the administrator's and the manager's.
const OTHER_KEYS: u64 = 2;
/// Stands beside a fixture of another kind once all of it is there.
const COMPLETE: &str = "complete";

/// Where the fixture is, and what it holds.
pub struct Fixture {
    data_dir: PathBuf,
    keys: u64,
    ip_entries: u16,
    url: Option<DatabaseUrl>,
}

/// What all keys have in common.
pub struct Template {
    organization: OrganizationId,
    api_sets: Vec<ApiSetId>,
    allowed_ips: IpEntries,
}

// === impl Fixture ===

impl Fixture {
    /// In a folder of its own below `folder`; `url` where the database is not SQLite's in the data directory.
    pub fn new(folder: &Path, keys: u64, ip_entries: u16, url: Option<DatabaseUrl>) -> Self {
        let kind = if url.is_some() { "postgres-" } else { "" };
        Self { data_dir: folder.join(format!("{kind}{keys}-keys-{ip_entries}-addresses")), keys, ip_entries, url }
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Makes whatever of it is not there yet.
    pub fn prepare(&self) -> Result {
        std::fs::create_dir_all(&self.data_dir)?;
        runtime()?.block_on(self.complete())
    }

    /// One without keys in `folder`, which `fill` fills once; what was begun and not ended is made anew.
    pub fn filled(folder: &Path, ip_entries: u16, fill: impl AsyncFnOnce(&Self) -> Result) -> Result<Self> {
        let (fixture, done) = (Self::new(folder, 0, ip_entries, None), folder.join(COMPLETE));
        if done.exists() {
            return Ok(fixture);
        }
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        fixture.prepare()?;
        runtime()?.block_on(fill(&fixture))?;
        std::fs::write(done, "")?;
        Ok(fixture)
    }

    /// Opens the store under the data directory's lock.
    pub async fn open(&self) -> Result<OpenStore> {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock::new()), Arc::new(OsRandom));
        let data_dir = DataDir::open(&self.data_dir)?;
        let mut config = Config::on_free_ports(data_dir.path().to_owned());
        config.database.url.clone_from(&self.url);
        Ok(open_store(&config, data_dir, &clock, &random).await?)
    }

    /// The URL of its PostgreSQL, where it is not in SQLite.
    pub fn postgres_url(&self) -> Option<String> {
        match &self.url {
            Some(DatabaseUrl::Postgres(urls)) => Some(urls.first().to_owned()),
            _ => None,
        }
    }

    /// The ids of the keys of these numbers.
    pub async fn ids(&self, numbers: std::ops::Range<u64>) -> Result<Vec<KeyId>> {
        let OpenStore { store, keyring: _, data_dir: _lock } = self.open().await?;
        let template = Template::read(&store, self.ip_entries).await?;
        let (mut snapshot, mut ids) = (store.read().await?, Vec::new());
        for number in numbers {
            let name = key_name(number);
            ids.push(template.find(&mut snapshot, &name).await?.ok_or_else(|| format!("there is no {name}"))?);
        }
        drop(snapshot);
        store.close().await;
        Ok(ids)
    }

    /// What all its keys have in common, and the key ring that their digests are of.
    pub async fn template(&self) -> Result<(Template, Keyring)> {
        let OpenStore { store, keyring, data_dir: _lock } = self.open().await?;
        let template = Template::read(&store, self.ip_entries).await?;
        store.close().await;
        Ok((template, keyring))
    }

    async fn complete(&self) -> Result {
        let OpenStore { store, keyring, data_dir: _lock } = self.open().await?;
        if organizations::count(&mut *store.read().await?).await? == 0 {
            furnish(&store, &keyring).await?;
        }
        let template = Template::read(&store, self.ip_entries).await?;
        add_manager(&store, &keyring, &template).await?;
        let count = keys::count(&mut *store.read().await?, template.organization).await? as u64;
        let written = count.saturating_sub(OTHER_KEYS);
        if written > self.keys {
            let place = self.data_dir.display();
            return Err(
                format!("{place} holds {written} keys, not {}; remove it or use another --data", self.keys).into()
            );
        }
        self.write_keys(&store, &keyring, template, written).await?;
        store.close().await;
        Ok(())
    }

    async fn write_keys(&self, store: &Store, keyring: &Keyring, template: Template, first: u64) -> Result {
        let begin = Instant::now();
        let organization = template.organization;
        let template = Arc::new(template);
        // The next ones are made while the database is busy with these.
        let prepare = |start: u64| {
            let (template, keyring) = (Arc::clone(&template), keyring.clone());
            let batch = start..(start + BATCH).min(self.keys);
            let keys = move || batch.map(|number| template.key(number, &keyring)).collect::<Arc<[Key]>>();
            tokio::task::spawn_blocking(keys)
        };
        let mut next = prepare(first);
        for start in (first..self.keys).step_by(BATCH as usize) {
            let batch = start..(start + BATCH).min(self.keys);
            let records = std::mem::replace(&mut next, prepare(batch.end)).await?;
            store
                .write(Scope::Organization(organization), move |tx| {
                    let records = Arc::clone(&records);
                    Box::pin(async move { keys::insert_all(tx, &records).await })
                })
                .await?;
            if let (Some(url), true) = (self.postgres_url(), start == first) {
                // Planned without figures, looking for a name would read the whole table until autovacuum comes by.
                psql::ask(&url, "ANALYZE")?;
            }
            if batch.end == self.keys || batch.end % (10 * BATCH) == 0 {
                let rate = (batch.end - first) as f64 / begin.elapsed().as_secs_f64();
                eprintln!("bench: {} of {} keys written, {rate:.0} a second", batch.end, self.keys);
            }
        }
        Ok(())
    }
}

/// Everything but the keys, by the use cases that a person would use.
async fn furnish(store: &Store, keyring: &Keyring) -> Result {
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock::new()), Arc::new(OsRandom));
    let engine =
        Engine::new(claviger_engine::Config::default(), keyring.pepper().clone(), clock.clone(), random.clone());
    let own = NodeId::new(clock.now(), &*random);
    let manage = Manage {
        nodes: Arc::new(Nodes::new(store.clone(), clock.clone(), own)),
        store: store.clone(),
        engine: Arc::new(engine),
        keyring: keyring.clone(),
        clock,
        random,
        config: claviger_manage::Config::default(),
        calls: claviger_manage::Calls::default(),
        visits: claviger_manage::visitor::Visits::default(),
        resets: claviger_manage::password_resets::Queue::default(),
        passwords: claviger_manage::Passwords::new(keyring, 1, claviger_manage::passwords::Cost::default()),
        counters: Arc::default(),
        operator_token_sha256: None,
        setup_token_sha256: None,
    };
    let follower = follow(store, &manage.engine).await?;
    let now = manage.clock.now();
    let operator = Ctx::operator(RequestId::new(now, &*manage.random), now);
    let request = SetUp {
        organization: "Bench".parse()?,
        email: ADMINISTRATOR.parse()?,
        password: Some(Secret::new(PASSWORD.to_owned())),
        management_key: true,
    };
    set_up(store, keyring, &manage.passwords, &*manage.random, &operator, request).await?;
    let organization = default_organization(store).await?;
    let administrator = Ctx { organization: Some(organization), authorities: Authorities::ADMIN, ..operator };
    let query = ImportQuery { slug: Some(API.parse()?), ..ImportQuery::default() };
    apis::import(&manage, &administrator, query, document()?, apis::document::Format::Json).await?;
    for (slug, operations) in SETS {
        let operations = operations.iter().map(ToString::to_string).collect();
        let (name, slug) = (slug.parse()?, Some(slug.parse()?));
        let set = CreateApiSet { name, slug, apis: Vec::new(), operations, limits: Vec::new() };
        api_sets::create(&manage, &administrator, set).await?;
    }
    follower.abort();
    Ok(())
}

/// The key that calls the management API, where there is none yet.
async fn add_manager(store: &Store, keyring: &Keyring, template: &Template) -> Result {
    let organization = template.organization;
    let (mut snapshot, admin) = (store.read().await?, ADMIN_SLUG.parse()?);
    if template.find(&mut snapshot, MANAGER_NAME).await?.is_some() {
        return Ok(());
    }
    let set = claviger_store::api_sets::by_slug(&mut snapshot, organization, &admin).await?;
    drop(snapshot);
    let api_sets = vec![set.ok_or("the fixture has no administrators' set; remove its folder")?.id];
    let manager = Key { api_sets, idle_exempt: true, ..template.plain_key(MANAGER, MANAGER_NAME, keyring) };
    store
        .write(Scope::Organization(organization), move |tx| {
            let manager = manager.clone();
            Box::pin(async move { keys::insert(tx, &manager).await })
        })
        .await?;
    Ok(())
}

/// Keeps an engine in step with the store: the use cases wait for it.
async fn follow(store: &Store, engine: &Arc<Engine>) -> Result<tokio::task::JoinHandle<()>> {
    let (mut feed, engine) = (store.feed(), Arc::clone(engine));
    let mut loader = engine.begin_load();
    let position = feed.load(|changes| loader.add(changes), |_| {}).await?;
    loader.finish(position);
    Ok(tokio::spawn(async move {
        while let Ok(FeedEvent::Step(step)) = feed.next().await {
            engine.apply(step);
        }
    }))
}

async fn default_organization(store: &Store) -> Result<OrganizationId> {
    let organization = organizations::default(&mut *store.read().await?).await?;
    Ok(organization.ok_or("the fixture has no organization")?.id)
}

fn document() -> Result<Bytes> {
    let file = std::fs::File::open(DOCUMENT).map_err(|error| format!("{DOCUMENT}: {error}"))?;
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut json)?;
    Ok(json.into())
}

/// What the management API is called with.
pub fn manager_token() -> Secret {
    secret(MANAGER)
}

/// A runtime like the server's.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

// === impl Template ===

impl Template {
    async fn read(store: &Store, ip_entries: u16) -> Result<Self> {
        let organization = default_organization(store).await?;
        let mut snapshot = store.read().await?;
        let mut api_sets = Vec::new();
        for (slug, _) in &SETS[..SETS_HELD] {
            let set = claviger_store::api_sets::by_slug(&mut snapshot, organization, &slug.parse()?).await?;
            api_sets.push(set.ok_or_else(|| format!("the fixture has no set {slug}; remove its folder"))?.id);
        }
        Ok(Self { organization, api_sets, allowed_ips: addresses(ip_entries)?.into() })
    }

    /// The organization.
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The sets that its keys hold.
    pub fn api_sets(&self) -> &[ApiSetId] {
        &self.api_sets
    }

    /// The key of this number, made now.
    pub fn key(&self, number: u64, keyring: &Keyring) -> Key {
        Key {
            api_sets: self.api_sets.clone(),
            allowed_ips: self.allowed_ips.clone(),
            ..self.plain_key(number, &key_name(number), keyring)
        }
    }

    /// The id of the living key of this name.
    async fn find(&self, conn: &mut Conn, name: &str) -> Result<Option<KeyId>> {
        let name: Name = name.parse()?;
        Ok(keys::by_name(conn, self.organization, &Owner::Organization(self.organization), &name.search_form()).await?)
    }

    /// A key that may do nothing.
    fn plain_key(&self, number: u64, name: &str, keyring: &Keyring) -> Key {
        let (secret, now) = (secret(number), SystemClock::new().now());
        let name = name.parse().unwrap_or_else(|_| unreachable!("a key's name is a name"));
        let digest = keyring.pepper().digest(CredentialKind::Single, secret.expose().as_bytes());
        let stored = StoredSecret { digest, hint: hint(&secret) };
        let created_by = Actor { kind: ActorKind::Operator, id: None, name: None };
        Key::new(KeyId::new(now, &OsRandom), self.organization, name, stored, created_by, now)
    }
}

/// `count` entries that do not touch each other: [`CLIENT_IP`], then networks of both families.
pub fn addresses(count: u16) -> Result<Vec<IpEntry>> {
    let mut entries = Vec::with_capacity(count.into());
    for number in 0..count {
        let text = match number {
            0 => CLIENT_IP.to_owned(),
            number if number % 3 == 0 => format!("2001:db8:{number:x}::/48"),
            number => format!("10.{}.{}.0/24", number / 100, 2 * (number % 100)),
        };
        let range: claviger_domain::ip_list::IpRange = text.parse()?;
        entries.push(range.into());
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use claviger_domain::Timestamp;
    use claviger_domain::ip_list::IpList;

    use super::*;

    #[test]
    fn the_list_has_as_many_entries_as_asked_for_and_the_clients_address() {
        for count in [64, 10_000] {
            let entries = addresses(count).expect("ranges");
            assert_eq!(entries.len(), usize::from(count));
            let list = IpList::new(&entries);
            assert!(list.contains(CLIENT_IP.parse().expect("an address"), Timestamp::default()));
            assert!(!list.contains("198.51.100.7".parse().expect("an address"), Timestamp::default()));
        }
    }
}
