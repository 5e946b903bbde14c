//! Opening: migrations, settings, and every way in which a database can be unfit.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use claviger_domain::keyring::SealedKeyring;
use claviger_store::{Config, DatabaseUrl, Error, OpenError, SCHEMA_VERSION, Taken};

use crate::harness::{Place, audit_key, soon};
use crate::sample::{add_organizations, organization_id};
use crate::stories;

/// Names the file that [`unwritable_child`] tries to open.
const CHILD_VARIABLE: &str = "CLAVIGER_TEST_UNWRITABLE";

stories! {
    async fn several_nodes_start_on_an_empty_database_at_once(place) {
        let nodes = (0..5).map(|_| place.try_open(place.config.clone()));
        for node in soon(futures_util::future::join_all(nodes)).await {
            let node = node.expect("each node starts");
            assert!(node.is_empty().await.unwrap());
            node.close().await;
        }
        assert_eq!(place.number("SELECT version FROM schema_state").await, SCHEMA_VERSION);
        assert_eq!(place.number("SELECT COUNT(*) FROM changes").await, 1, "the epoch begins once");
        assert_eq!(place.number("SELECT COUNT(*) FROM leases").await, 0);
    }

    async fn a_lease_of_a_node_that_died_runs_out(place) {
        place.try_open(place.config.clone()).await.unwrap().close().await;
        place.execute("UPDATE schema_state SET version = 0").await;
        place.execute("INSERT INTO leases (name, holder, until) VALUES ('migration', 'dead', 0)").await;
        let error = place.try_open(place.config.clone()).await.err().unwrap();
        assert!(error.to_string().contains("already exists"), "it took the lease and migrated: {error}");
    }

    async fn a_newer_schema_is_refused_with_both_numbers(place) {
        place.try_open(place.config.clone()).await.unwrap().close().await;
        place.execute("UPDATE schema_state SET version = 900, oldest_reader = 800").await;
        match place.try_open(place.config.clone()).await.err() {
            Some(error @ OpenError::NewerSchema { found: 900, oldest_reader: 800, supported: SCHEMA_VERSION }) => {
                assert!(error.to_string().contains("900") && error.to_string().contains(&SCHEMA_VERSION.to_string()));
            }
            other => panic!("{other:?}"),
        }
        // A newer one that this program can still read is taken.
        place.execute(format!("UPDATE schema_state SET oldest_reader = {SCHEMA_VERSION}")).await;
        assert!(place.try_open(place.config.clone()).await.is_ok());
        assert_eq!(place.number("SELECT version FROM schema_state").await, 900);
    }

    async fn a_key_ring_is_saved_once(place) {
        let database = place.try_open(place.config.clone()).await.unwrap();
        assert_eq!(database.sealed_keyring().await, Ok(None));
        let ring = SealedKeyring { check: vec![1, 2], sealed: vec![0, 255, 0] };
        database.save_keyring(&ring).await.unwrap();
        assert_eq!(database.sealed_keyring().await, Ok(Some(ring.clone())));
        assert!(!database.is_empty().await.unwrap());
        let other = SealedKeyring { check: vec![9], sealed: vec![9] };
        assert_eq!(database.save_keyring(&other).await, Err(Error::Taken(Taken::Keyring)));
        assert_eq!(database.sealed_keyring().await, Ok(Some(ring)));
    }

    async fn what_was_written_is_there_after_a_restart(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        store.ping().await.unwrap();
        store.close().await;
        assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
        let store = place.store().await;
        let found = claviger_store::organizations::get(&mut store.read().await.unwrap(), organization_id(1)).await;
        assert!(found.unwrap().is_some());
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// Why the file does not open.
fn open_error(place: &Place) -> OpenError {
    match block_on(place.try_open(place.config.clone())) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

/// A place whose file holds a closed database with keys enough for many pages.
fn used_place() -> Place {
    let place = Place::sqlite();
    block_on(async {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        crate::sample::add_keys(&store, (1..=300).map(|number| crate::sample::key(1, number)).collect()).await;
        store.close().await;
    });
    place
}

#[test]
fn garbage_and_damaged_headers_are_refused_with_the_path() {
    let garbage: Vec<u8> = (0..20_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let refused = |place: &Place| match open_error(place) {
        OpenError::Corrupt { path, .. } => assert_eq!(path, place.file()),
        other => panic!("{other:?}"),
    };
    let place = Place::sqlite();
    std::fs::write(place.file(), &garbage).unwrap();
    refused(&place);
    // The magic, the page size, the schema's page.
    for damage in [0..16, 16..18, 100..300] {
        let place = used_place();
        let mut bytes = std::fs::read(place.file()).unwrap();
        let len = damage.len();
        bytes[damage].copy_from_slice(&garbage[..len]);
        std::fs::write(place.file(), bytes).unwrap();
        refused(&place);
    }
}

#[test]
fn damage_in_the_middle_is_an_error_and_no_panic() {
    let place = used_place();
    let mut bytes = std::fs::read(place.file()).unwrap();
    // Every page but the schema's.
    for byte in bytes.iter_mut().skip(4_096 * 2) {
        *byte ^= 0x5a;
    }
    std::fs::write(place.file(), bytes).unwrap();
    let result: Result<(), String> = block_on(async {
        let database = place.try_open(place.config.clone()).await.map_err(|error| error.to_string())?;
        let store = database.into_store(audit_key());
        store.feed().load(|_| (), |_| ()).await.map_err(|error| error.to_string())?;
        Ok(())
    });
    assert!(result.is_err());
}

#[test]
fn a_missing_folder_and_a_folder_in_place_of_a_file_are_named() {
    let mut place = Place::sqlite();
    let missing = place.folder().join("missing").join("c.db");
    place.config.url = DatabaseUrl::sqlite(&missing);
    match open_error(&place) {
        OpenError::NoSuchFolder { path, .. } => assert_eq!(path, missing),
        other => panic!("{other:?}"),
    }
    place.config.url = DatabaseUrl::sqlite(&place.folder());
    assert!(matches!(open_error(&place), OpenError::NoSuchFolder { .. }));
}

#[test]
fn a_file_held_by_another_process_is_named() {
    let place = used_place();
    block_on(async {
        use sqlx::{Connection as _, Executor as _};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file());
        let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let error = place.try_open(place.config.clone()).await.err().unwrap();
        assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    });
}

/// Not a test by itself: what the next one runs as another user, because nothing is write-protected for root.
#[test]
fn unwritable_child() {
    #[allow(clippy::disallowed_methods, reason = "how a test talks to its own child")]
    let Ok(path) = std::env::var(CHILD_VARIABLE) else { return };
    let mut place = Place::sqlite();
    place.config.url = DatabaseUrl::sqlite(Path::new(&path));
    match open_error(&place) {
        OpenError::ReadOnly { path: named, .. } => assert_eq!(named, PathBuf::from(path)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_or_folder_that_cannot_be_written_is_named() {
    let place = used_place();
    let folder = place.folder();
    let program = folder.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let set_mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    set_mode(&program, 0o755);
    for (folder_mode, file_mode, file) in [
        (0o555, 0o444, place.file()),
        (0o777, 0o444, place.file()),
        (0o555, 0o666, place.file()),
        (0o555, 0o666, folder.join("new.db")),
    ] {
        set_mode(&place.file(), file_mode);
        set_mode(&folder, folder_mode);
        let mut child = Command::new(&program);
        child.args(["open::unwritable_child", "--exact", "--nocapture"]).env(CHILD_VARIABLE, &file);
        child.current_dir("/");
        if is_root(&folder) {
            use std::os::unix::process::CommandExt as _;
            child.uid(65_534).gid(65_534);
        }
        let output = child.output().unwrap();
        set_mode(&folder, 0o755);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{folder_mode:o} {file_mode:o}: {output:?}");
    }
}

/// Whoever makes a file owns it.
fn is_root(made_by_us: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(made_by_us).unwrap().uid() == 0
}

#[test]
fn an_unreachable_server_is_tried_again_and_then_named() {
    // A port that is bound but does not listen refuses every connection.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let mut place = Place::sqlite();
    place.config = Config::new(format!("postgres://claviger:hunter2@127.0.0.1:{port}/claviger").parse().unwrap());
    place.config.connect_timeout = Duration::from_millis(700);
    match open_error(&place) {
        OpenError::Unreachable { url, tried, detail } => {
            assert_eq!(url, format!("postgres://claviger@127.0.0.1:{port}/claviger"));
            assert_eq!(tried, Duration::from_millis(700));
            assert!(detail.contains("refused"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_that_refuses_is_not_tried_again() {
    let Some(mut place) = Place::postgres() else { return };
    // The database was never made.
    place.config.connect_timeout = Duration::from_hours(1);
    assert!(matches!(block_on(soon(place.try_open(place.config.clone()))), Err(OpenError::Refused { .. })));
}
