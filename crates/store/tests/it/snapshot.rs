//! The local snapshot: what a node starts from while the database is away is what it had, or is not used.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::change::{Object, ObjectRef, Position};
use claviger_domain::keyring::{Keyring, MasterSecret, SealedKeyring};
use claviger_domain::testing::FixedRandom;
use claviger_domain::{Clock as _, Timestamp};
use claviger_store::{Feed, FeedEvent, SNAPSHOT_FILE_NAME, SnapshotError, SnapshotReader, SnapshotWriter, Store};
use tokio::task::JoinHandle;

use crate::harness::{Place, soon};
use crate::sample::{Replica, add_catalog, add_keys, add_organizations, key, scope, update_key};
use crate::{stories, transact};

fn keyring() -> (Keyring, SealedKeyring) {
    let random = FixedRandom::new(5);
    let keyring = Keyring::generate(&random);
    let sealed = keyring.seal(&MasterSecret::generate(&random), &random);
    (keyring, sealed)
}

/// A writer in this place; `until` as of a node that was started from the file that is there.
fn start(place: &Place, until: Option<Timestamp>) -> (SnapshotWriter, JoinHandle<()>) {
    let (keyring, sealed) = keyring();
    SnapshotWriter::start(&place.folder(), sealed, keyring, Arc::new(FixedRandom::new(9)), until)
}

/// Waits until the file is known to have everything up to now.
async fn becomes_current(writer: &SnapshotWriter, place: &Place) {
    let now = Some(place.clock.now());
    soon(async {
        while writer.file().map(|file| file.until) != now {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// What a snapshot gives.
#[derive(Debug)]
struct Read {
    replica: Replica,
    at: Timestamp,
    loaded: Position,
    steps: usize,
}

async fn read(place: &Place, path: &Path, keyring: &Keyring) -> Result<Read, SnapshotError> {
    let (mut records, mut steps, mut loaded) = (Vec::new(), Vec::new(), Position::default());
    let reader = SnapshotReader::open(path)?;
    let resumed = reader.read(
        keyring,
        &*place.clock,
        |changes| records.extend(changes),
        |position| loaded = position,
        |step| steps.push(step),
    );
    let at = soon(resumed).await?.at;
    let mut replica = Replica::default();
    replica.apply(records);
    let count = steps.len();
    for step in steps {
        replica.apply(step.changes);
    }
    Ok(Read { replica, at, loaded, steps: count })
}

/// A feed whose steps are noted, as the server does.
async fn note_next(feed: &mut Feed, writer: &SnapshotWriter, place: &Place) -> usize {
    let FeedEvent::Step(step) = soon(feed.next()).await.unwrap() else { panic!("diverged") };
    writer.note(&step, &feed.standing().expect("it was loaded"), place.clock.now());
    step.changes.len()
}

/// A snapshot of a store with everything in it, with steps behind its load; its path.
async fn written(place: &Place, store: &Store) -> PathBuf {
    let mut feed = store.feed();
    feed.load(|_| (), |_| ()).await.unwrap();
    let (writer, thread) = start(place, None);
    assert!(writer.wants_load());
    writer.write_load(store).await.unwrap();
    add_keys(store, vec![key(1, 101)]).await;
    assert_eq!(note_next(&mut feed, &writer, place).await, 1);
    let mut changed = key(1, 1);
    changed.disabled = Some(claviger_domain::key::Disabled {
        at: place.clock.now(),
        by: changed.created_by.clone(),
        reason: Some("leaked".to_owned()),
    });
    update_key(store, &changed).await.unwrap();
    assert_eq!(note_next(&mut feed, &writer, place).await, 1);
    transact!(store, scope(2), |tx| async move {
        claviger_store::apis::delete(tx, crate::sample::organization_id(2), claviger_domain::ApiId::from_raw(2)).await
    })
    .await
    .unwrap();
    note_next(&mut feed, &writer, place).await;
    place.clock.advance(Duration::from_secs(7));
    writer.mark(&*place.clock);
    writer.stop().await;
    thread.await.unwrap();
    assert!(!writer.wants_load());
    place.folder().join(SNAPSHOT_FILE_NAME)
}

async fn filled(place: &Place) -> Store {
    let store = place.store().await;
    add_organizations(&store, 2).await;
    add_catalog(&store, 1, 1).await;
    add_catalog(&store, 2, 2).await;
    add_keys(&store, (1..=60).map(|number| key(1, number)).collect()).await;
    store
}

stories! {
    async fn a_snapshot_gives_what_the_database_has(place) {
        let store = filled(&place).await;
        let path = written(&place, &store).await;
        let mut expected = Replica::default();
        let position = store.feed().load(|changes| expected.apply(changes), |_| ()).await.unwrap();
        let read = read(&place, &path, &keyring().0).await.unwrap();
        assert_eq!(read.replica, expected);
        assert_eq!((read.steps, read.loaded.seq), (3, position.seq - 3));
        assert_eq!(read.at, place.clock.now(), "until when it was known to have everything");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        // Nothing of it can be read: neither names nor digests.
        let bytes = std::fs::read(&path).unwrap();
        let digest = key(1, 1).secret.digest;
        for part in [&digest.as_bytes()[..16], &b"leaked"[..], &b"SELECT"[..]] {
            assert!(!bytes.windows(part.len()).any(|window| window == part));
        }
    }

    async fn a_feed_goes_on_where_a_snapshot_ended(place) {
        let store = filled(&place).await;
        let path = written(&place, &store).await;
        let reader = SnapshotReader::open(&path).unwrap();
        let resumed = soon(reader.read(&keyring().0, &*place.clock, |_| (), |_| (), |_| ())).await.unwrap();
        let mut feed = store.feed();
        feed.resume(&resumed, Duration::ZERO);
        add_keys(&store, vec![key(2, 201)]).await;
        let FeedEvent::Step(step) = soon(feed.next()).await.unwrap() else { panic!("diverged") };
        assert_eq!(step.changes.len(), 1, "what the snapshot has does not come again");
        assert!(matches!((step.changes[0].object, &step.changes[0].now), (ObjectRef::Key(_), Some(Object::Key(_)))));
        // Another history is noticed.
        place.execute("UPDATE changes SET nonce = (SELECT nonce FROM changes WHERE seq = 0)").await;
        add_keys(&store, vec![key(2, 202)]).await;
        let mut feed = store.feed();
        feed.resume(&resumed, Duration::ZERO);
        assert_eq!(soon(feed.next()).await.unwrap(), FeedEvent::Diverged);
    }

    async fn a_snapshot_that_was_changed_cut_off_or_is_foreign_is_not_used(place) {
        let store = filled(&place).await;
        let path = written(&place, &store).await;
        let (keyring, _) = keyring();
        let whole = std::fs::read(&path).unwrap();
        let other = Keyring::generate(&FixedRandom::new(77));
        assert!(matches!(read(&place, &path, &other).await, Err(SnapshotError::Damaged { .. })), "another ring");
        // Any byte, at places all over the file: the format, the head, the load, the steps.
        for at in [0, 9, 40].into_iter().chain((60..whole.len()).step_by(whole.len() / 40)) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            match read(&place, &path, &keyring).await {
                Err(SnapshotError::Damaged { .. } | SnapshotError::OtherVersion { .. }) => {}
                // A length that became too long looks like an end that is cut off: less is read, and nothing wrong.
                Ok(read) => assert!(read.steps < 3, "byte {at}"),
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
        // Cut off within the load: of no use. Within a step: what stands before it is whole.
        for length in [0, 5, 30, whole.len() / 2] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = read(&place, &path, &keyring).await.expect_err("cut off");
            assert!(error.to_string().contains(SNAPSHOT_FILE_NAME), "{error}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(read(&place, &path, &keyring).await.unwrap().steps, 3, "the last mark is missing, no step is");
        std::fs::write(&path, b"CLVSNAP0 and more that is long enough").unwrap();
        assert!(matches!(read(&place, &path, &keyring).await, Err(SnapshotError::OtherVersion { .. })));
        let schema = format!("\"schema\":{}", claviger_store::SCHEMA_VERSION);
        let at = whole.windows(schema.len()).position(|part| part == schema.as_bytes()).expect("the head is plain");
        let older = [&whole[..at], schema.replace(|c: char| c.is_ascii_digit(), "0").as_bytes(), &whole[at + schema.len()..]].concat();
        std::fs::write(&path, older).unwrap();
        assert!(!matches!(read(&place, &path, &keyring).await, Ok(_) | Err(SnapshotError::Missing(_))));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(read(&place, &path, &keyring).await, Err(SnapshotError::Missing(_))));
    }

    async fn a_snapshot_of_another_feed_is_removed(place) {
        let store = filled(&place).await;
        let (writer, thread) = start(&place, None);
        writer.write_load(&store).await.unwrap();
        soon(async { while writer.wants_load() { tokio::task::yield_now().await } }).await;
        assert!(place.folder().join(SNAPSHOT_FILE_NAME).exists());
        writer.forget();
        writer.stop().await;
        thread.await.unwrap();
        assert!(writer.wants_load());
        assert!(!place.folder().join(SNAPSHOT_FILE_NAME).exists(), "none rather than one that lacks a change");
    }

    async fn a_snapshot_is_as_old_as_what_it_is_known_to_have(place) {
        let store = filled(&place).await;
        let mut feed = store.feed();
        feed.load(|_| (), |_| ()).await.unwrap();
        let (writer, thread) = start(&place, None);
        assert_eq!(writer.file(), None, "there is none yet");
        writer.write_load(&store).await.unwrap();
        becomes_current(&writer, &place).await;
        let loaded = writer.file().expect("a file");
        place.clock.advance(Duration::from_mins(1));
        assert_eq!(writer.file(), Some(loaded), "nobody has said that nothing came since");
        writer.mark(&*place.clock);
        becomes_current(&writer, &place).await;
        place.clock.advance(Duration::from_mins(1));
        add_keys(&store, vec![key(1, 101)]).await;
        note_next(&mut feed, &writer, &place).await;
        becomes_current(&writer, &place).await;
        writer.stop().await;
        thread.await.unwrap();
        let file = writer.file().expect("a file");
        assert_eq!(file.bytes, std::fs::metadata(place.folder().join(SNAPSHOT_FILE_NAME)).unwrap().len());
        assert!(file.bytes > loaded.bytes);

        // A node that was started from it, while the database is away.
        place.clock.advance(Duration::from_mins(1));
        let (writer, thread) = start(&place, Some(file.until));
        assert_eq!(writer.file(), Some(file));
        writer.forget();
        writer.stop().await;
        thread.await.unwrap();
        assert_eq!(writer.file(), None, "it is of no use any more");
    }
}
