//! Backups: what is written is found again in either database, and what is not as it was written is found first.

use std::collections::BTreeSet;

use claviger_domain::audit::Chain;
use claviger_domain::change::Position;
use claviger_domain::keyring::{AuditKey, Keyring, SealedKeyring};
use claviger_domain::testing::FixedRandom;
use claviger_store::audit::{self, Removable, Verified};
use claviger_store::backup::{Backup, LINE_BYTES_MAX, RestoreError};
use claviger_store::{Database, Error, FeedEvent, SCHEMA_VERSION, Store, key_reveals};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Place, START, audit_key, soon};
use crate::sample::{
    Replica, add_catalog, add_keys, add_organizations, at, chain, entry, ip, key, organization_id, scope, secret,
    update_key,
};
use crate::{stories, transact};

fn ring() -> SealedKeyring {
    SealedKeyring { check: vec![1, 2], sealed: vec![0, 255, 0] }
}

/// A store with something in many tables: two organizations, a catalog, keys that live, were rotated and deleted.
async fn furnished(place: &Place) -> Store {
    let database = place.try_open(place.config.clone()).await.unwrap();
    database.save_keyring(&ring()).await.unwrap();
    let store = database.into_store(audit_key());
    add_organizations(&store, 2).await;
    add_catalog(&store, 1, 1).await;
    let keys: Vec<_> = (1..=700)
        .map(|number| {
            let mut key = key(1, number);
            key.allowed_ips = if number % 3 == 0 { vec![ip("10.0.0.0/8")].into() } else { key.allowed_ips };
            key.tags = vec!["\u{e9}\"\\ \u{1f511}".to_owned()];
            key
        })
        .collect();
    add_keys(&store, keys.clone()).await;
    let (mut rotated, mut deleted) = (keys[0].clone(), keys[1].clone());
    (rotated.ended, rotated.secret, rotated.version) = (vec![], secret(9_001), 2);
    (deleted.deleted_at, deleted.version) = (Some(at(5)), 2);
    update_key(&store, &rotated).await.unwrap();
    update_key(&store, &deleted).await.unwrap();
    transact!(store, scope(1), |tx| {
        let key = keys[3].clone();
        async move {
            key_reveals::put(tx, &key, &[0, 1, 255]).await?;
            tx.audit(chain(1), entry("key.create"));
            tx.audit(Chain::Installation, entry("backup.create"));
            Ok::<_, Error>(())
        }
    })
    .await
    .unwrap();
    transact!(store, scope(2), |tx| async move {
        tx.audit(chain(2), entry("key.create"));
        tx.audit(chain(2), entry("key.edit"));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    // One chain begins at a checkpoint.
    let oldest = Removable { before: at(1), up_to: 1, now: at(9) };
    transact!(store, scope(2), |tx| async move { audit::trim(tx, &audit_key(), chain(2), oldest).await })
        .await
        .unwrap();
    store
}

async fn written(store: &Store) -> Result<Vec<u8>, Error> {
    let (mut parts, mut bytes) = (store.backup_turn()?.begin("0.0.1").await?, Vec::new());
    while let Some(part) = soon(parts.next()).await {
        bytes.extend(part?);
    }
    Ok(bytes)
}

fn check(bytes: &[u8]) -> Result<u64, RestoreError> {
    Backup::open(bytes)?.check(Some(&audit_key()), |_| ()).map(|progress| progress.rows)
}

async fn restore(database: &Database, bytes: &[u8]) -> Result<Position, RestoreError> {
    database.restore(Backup::open(bytes)?, &audit_key(), &entry("backup.restore"), |_| ()).await
}

/// The lines of a backup that do not tell which of two stores it is of.
fn rows(bytes: &[u8]) -> BTreeSet<String> {
    let of_this_store = |line: &&str| !line.contains("installation") && !line.contains("\"end\"");
    std::str::from_utf8(bytes).unwrap().lines().skip(1).filter(of_this_store).map(str::to_owned).collect()
}

/// The same lines with another last one, as a server with this ring would have sealed them.
fn sealed(lines: &[String], key: &AuditKey) -> Vec<u8> {
    let mut text = lines.join("\n") + "\n";
    let digest = Sha256::digest(text.as_bytes());
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let rows = lines.iter().filter(|line| line.starts_with('[')).count();
    let mac = key.mac(&[b"claviger/v1/backup", &digest]);
    text += &json!({"end": {"rows": rows, "sha256": hex(&digest), "mac": hex(&mac)}}).to_string();
    (text + "\n").into_bytes()
}

/// All lines but the last.
fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines: Vec<_> = std::str::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
    lines.pop();
    lines
}

async fn replica(store: &Store) -> Replica {
    let mut replica = Replica::default();
    store.feed().load(|changes| replica.apply(changes), |_| ()).await.unwrap();
    replica
}

/// Restores a backup of `from` into `to`, and finds everything again.
async fn moved(from: &Place, to: &Place) {
    let store = furnished(from).await;
    let bytes = written(&store).await.unwrap();
    let header = Backup::open(&bytes[..]).unwrap().header().clone();
    assert_eq!((header.schema, header.made_at, &*header.program), (SCHEMA_VERSION, START, "0.0.1"));
    assert_eq!((header.epoch, header.keyring.clone(), header.rows["keys"]), (1, ring(), 700));
    assert_eq!(check(&bytes).unwrap(), header.row_count());

    let database = to.try_open(to.config.clone()).await.unwrap();
    let position = restore(&database, &bytes).await.unwrap();
    assert_eq!(position, Position { epoch: 2, seq: 0 });
    assert_eq!(database.sealed_keyring().await.unwrap(), Some(ring()));
    assert!(matches!(restore(&database, &bytes).await, Err(RestoreError::NotEmpty)));
    let restored = database.into_store(audit_key());
    assert_eq!(rows(&written(&restored).await.unwrap()), rows(&bytes));
    assert_eq!(replica(&restored).await, replica(&store).await);
    for (chain, entries) in [(chain(1), 1), (chain(2), 2), (Chain::Installation, 2)] {
        match restored.verify_audit(chain).await.unwrap() {
            Verified::Intact(head) => assert_eq!(head.seq, entries, "{chain}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(to.number("SELECT COUNT(*) FROM changes WHERE epoch = 2 AND seq = 0").await, 1);
    assert_eq!(to.number("SELECT COUNT(*) FROM changes").await, 1);
    restored.close().await;
    store.close().await;
}

stories! {
    async fn a_backup_of_sqlite_fills_either_database(place) {
        moved(&Place::sqlite(), &place).await;
    }

    async fn a_backup_of_either_database_fills_sqlite(place) {
        moved(&place, &Place::sqlite()).await;
    }

    async fn a_backup_is_of_one_instant(place) {
        let store = furnished(&place).await;
        let mut parts = store.backup_turn().unwrap().begin("0.0.1").await.unwrap();
        // The snapshot is there before the first part is.
        add_keys(&store, (2_001..=2_010).map(|number| key(1, number)).collect()).await;
        assert_eq!(store.backup_turn().err(), Some(Error::Busy), "one at a time");
        let mut bytes = Vec::new();
        while let Some(part) = soon(parts.next()).await {
            bytes.extend(part.unwrap());
        }
        assert_eq!(check(&bytes).unwrap(), Backup::open(&bytes[..]).unwrap().header().row_count());
        assert_eq!(Backup::open(&bytes[..]).unwrap().header().rows["keys"], 700);
        assert_eq!(Backup::open(&written(&store).await.unwrap()[..]).unwrap().header().rows["keys"], 710);
    }

    async fn a_reader_of_the_feed_notices_a_restored_database(place) {
        let bytes = written(&furnished(&Place::sqlite()).await).await.unwrap();
        let store = place.store().await;
        let mut feed = store.feed();
        feed.load(|_| (), |_| ()).await.unwrap();
        let database = place.try_open(place.config.clone()).await.unwrap();
        restore(&database, &bytes).await.unwrap();
        assert_eq!(Box::pin(soon(feed.next())).await.unwrap(), FeedEvent::Diverged);
    }

    async fn what_fails_in_the_middle_leaves_the_database_as_it_was(place) {
        let bytes = written(&furnished(&Place::sqlite()).await).await.unwrap();
        let mut broken = lines(&bytes);
        // Sealed rightly, so that only the database can find it: two keys of one id.
        let keys: Vec<_> = (0..broken.len()).filter(|at| broken[*at].starts_with("[\"key_")).collect();
        let first = broken[keys[0]].clone();
        broken[keys[1]] = first;
        let database = place.try_open(place.config.clone()).await.unwrap();
        database.save_keyring(&SealedKeyring { check: vec![9], sealed: vec![9] }).await.unwrap();
        let failed = restore(&database, &sealed(&broken, &audit_key())).await;
        assert!(matches!(failed, Err(RestoreError::Store(_))), "{failed:?}");
        assert_eq!(database.sealed_keyring().await.unwrap().map(|ring| ring.check), Some(vec![9]));
        assert_eq!(place.number("SELECT epoch FROM feed_head").await, 1);
        assert_eq!(place.number("SELECT COUNT(*) FROM keys").await, 0);
        restore(&database, &bytes).await.expect("and it can be filled still");
    }

    async fn columns_and_tables_that_a_backup_does_not_have_get_their_defaults(place) {
        let bytes = written(&furnished(&Place::sqlite()).await).await.unwrap();
        let mut old = lines(&bytes);
        let (mut table, mut dropped) = (String::new(), None);
        let mut kept = Vec::new();
        for (number, line) in old.drain(..).enumerate() {
            let mut line: Value = serde_json::from_str(&line).unwrap();
            if number == 0 {
                line["rows"].as_object_mut().unwrap().retain(|name, _| !name.starts_with("application"));
            } else if let Some(name) = line["table"].as_str() {
                name.clone_into(&mut table);
                let columns = line["columns"].as_array_mut().unwrap();
                dropped = columns.iter().position(|column| table == "keys" && column == "tags");
                dropped.map(|at| columns.remove(at));
            } else if let Some(at) = dropped {
                line.as_array_mut().unwrap().remove(at);
            }
            if !table.starts_with("application") {
                kept.push(line.to_string());
            }
        }
        let database = place.try_open(place.config.clone()).await.unwrap();
        restore(&database, &sealed(&kept, &audit_key())).await.unwrap();
        assert_eq!(place.number("SELECT COUNT(*) FROM keys WHERE tags IS NULL").await, 700);
        let store = database.into_store(audit_key());
        assert!(replica(&store).await.len() > 700);
        let kept = claviger_store::organizations::get(&mut store.read().await.unwrap(), organization_id(2)).await;
        assert!(kept.unwrap().is_some());
    }
}

fn sample() -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { written(&furnished(&Place::sqlite()).await).await.unwrap() })
}

#[test]
fn foreign_files_are_told_from_damaged_ones() {
    for foreign in [
        &b""[..],
        b"\n",
        b"PK\x03\x04\xff\xff",
        b"{\"format\": \"other\", \"version\": 1}\n",
        b"[1, 2]\n",
        b"SQLite format 3\0",
        b"{\"users\": []}",
        "x".repeat(200_000).as_bytes(),
    ] {
        assert!(matches!(check(foreign), Err(RestoreError::Foreign)), "{:?}", &foreign[..foreign.len().min(20)]);
    }
}

#[test]
fn what_newer_programs_write_is_refused_with_their_version() {
    let bytes = sample();
    let with = |field: &str, value: Value| {
        let mut lines = lines(&bytes);
        let mut header: Value = serde_json::from_str(&lines[0]).unwrap();
        header[field] = value;
        lines[0] = header.to_string();
        check(&sealed(&lines, &audit_key())).unwrap_err().to_string()
    };
    let message = with("version", json!(2));
    assert!(message.contains("0.0.1") && message.contains("format 2"), "{message}");
    let message = with("schema", json!(900));
    assert!(message.contains("0.0.1") && message.contains("schema 900"), "{message}");
    let message = with("schema", json!(0));
    assert!(message.contains("schema 0") && message.contains("restores from schema"), "{message}");
}

#[test]
fn a_backup_that_was_cut_is_found_wherever_it_was_cut() {
    let bytes = sample();
    let first_line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    for length in (0..bytes.len()).step_by(997).chain([bytes.len() - 1, first_line, first_line + 1]) {
        match check(&bytes[..length]).err() {
            Some(RestoreError::Foreign) if length <= first_line => {}
            Some(RestoreError::Truncated { .. }) if length > first_line => {}
            other => panic!("{length}: {other:?}"),
        }
    }
}

#[test]
fn each_altered_byte_is_found() {
    let bytes = sample();
    for at in (0..bytes.len()).step_by(499).chain([bytes.len() - 1, bytes.len() - 5, bytes.len() - 100]) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(check(&altered).is_err(), "byte {at}");
    }
    let followed = [&bytes[..], b"\n"].concat();
    assert!(matches!(check(&followed), Err(RestoreError::Damaged { .. })));
}

#[test]
fn only_a_server_with_the_ring_can_seal_a_backup() {
    let bytes = sample();
    let other = Keyring::generate(&FixedRandom::new(99)).audit().clone();
    let lines = lines(&bytes);
    assert!(check(&sealed(&lines, &audit_key())).is_ok(), "the test seals as the server does");
    assert!(matches!(check(&sealed(&lines, &other)), Err(RestoreError::Forged)));
    // A row is taken out, and the digest made anew: without the ring there is no MAC.
    let without: Vec<_> = lines.iter().filter(|line| !line.starts_with("[\"key_")).cloned().collect();
    let forged = sealed(&without, &other);
    assert!(matches!(check(&forged), Err(RestoreError::Damaged { .. } | RestoreError::Forged)));
}

#[test]
fn lines_that_do_not_belong_there_are_named() {
    let bytes = sample();
    let lines = lines(&bytes);
    let place = |start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap();
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        match check(&sealed(&lines, &audit_key())) {
            Err(RestoreError::Damaged { line, what }) => (usize::try_from(line).unwrap(), what),
            other => panic!("{other:?}"),
        }
    };
    let (first_table, keys) = (place("{\"table\""), place("{\"table\":\"keys\""));
    let (line, what) = changed(&|lines| lines.insert(first_table, "[1]".to_owned()));
    assert_eq!((line, what.contains("no table")), (first_table + 1, true));
    let (line, what) =
        changed(&|lines| lines[keys] = json!({"table": "keys", "columns": ["id", "secret"]}).to_string());
    assert_eq!((line, what.contains("column")), (keys + 1, true), "{what}");
    let (line, _) = changed(&|lines| lines[keys] = json!({"table": "sqlite_master", "columns": ["sql"]}).to_string());
    assert_eq!(line, keys + 1);
    let (line, _) = changed(&|lines| lines.insert(keys, lines[first_table].clone()));
    assert_eq!(line, keys + 1, "a table twice");
    let (line, what) = changed(&|lines| drop(lines.remove(keys + 1)));
    assert!(line > keys && what.contains("699 rows of keys where 700"), "{line}: {what}");
    let (line, what) = changed(&|lines| lines[keys + 1] = "x".repeat(LINE_BYTES_MAX + 1));
    assert_eq!((line, what.contains("too long")), (keys + 2, true));
}
