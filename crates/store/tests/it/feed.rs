//! The change feed: gapless, whole, and never mistaken for another.

use std::collections::BTreeSet;

use claviger_domain::KeyId;
use claviger_domain::change::{Object, ObjectRef, Position, Step};
use claviger_domain::key::{EndedSecret, Overlap};
use claviger_store::{Config, Error, Feed, FeedEvent, LoadProgress, Store, apis, keys};

use crate::harness::soon;
use crate::sample::{
    Replica, add_catalog, add_keys, add_organizations, at, chain, entry, key, organization_id, scope, secret,
    update_key,
};
use crate::{stories, transact};

/// A feed and the replica it loaded.
async fn loaded(store: &Store) -> (Feed, Replica, Position) {
    let mut feed = store.feed();
    let mut replica = Replica::default();
    let position = feed.load(|chunk| replica.apply(chunk), |_| ()).await.unwrap();
    (feed, replica, position)
}

async fn next_step(feed: &mut Feed) -> Step {
    match soon(feed.next()).await.unwrap() {
        FeedEvent::Step(step) => step,
        FeedEvent::Diverged => panic!("diverged"),
    }
}

/// Two nodes: what one writes reaches the other.
async fn reaches_the_other(config: Config, place: &crate::harness::Place) {
    let (here, there) = (place.store_with(config.clone()).await, place.store_with(config).await);
    add_organizations(&here, 1).await;
    let (mut feed, mut replica, _) = loaded(&there).await;
    let waiting = tokio::spawn(async move {
        let step = next_step(&mut feed).await;
        (feed, step)
    });
    add_keys(&here, vec![key(1, 1)]).await;
    let (feed, step) = waiting.await.unwrap();
    replica.apply(step.changes);
    assert_eq!(replica, loaded(&here).await.1);
    drop(feed);
}

stories! {
    async fn eight_writers_leave_no_gap(place) {
        let store = place.store().await;
        add_organizations(&store, 8).await;
        let (mut feed, mut replica, start) = loaded(&store).await;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 1..=8u128 {
            let store = store.clone();
            writers.spawn(async move {
                let mut positions = Vec::new();
                for number in 0..10 {
                    let record = key(writer, writer * 100 + number);
                    let committed = transact!(store, scope(writer), |tx| {
                        let record = record.clone();
                        async move {
                            tx.audit(chain(1), entry("key.create"));
                            keys::insert(tx, &record).await
                        }
                    }).await.unwrap();
                    positions.push(committed.position.unwrap().seq);
                }
                assert!(positions.is_sorted());
                positions
            });
        }
        // A reader at the same time sees whole transactions, in order.
        let end = start.seq + 80;
        let mut last = start;
        while last.seq < end {
            let step = next_step(&mut feed).await;
            assert!(step.position > last);
            assert_eq!(step.changes.len() as i64, step.position.seq - last.seq, "one key a transaction");
            last = step.position;
            replica.apply(step.changes);
        }
        let seqs: BTreeSet<i64> = writers.join_all().await.into_iter().flatten().collect();
        assert_eq!(seqs.into_iter().collect::<Vec<_>>(), (start.seq + 1..=end).collect::<Vec<_>>());
        assert_eq!(place.number("SELECT COUNT(DISTINCT seq) FROM changes").await, end + 1);
        assert_eq!(replica, loaded(&store).await.1);
    }

    async fn a_step_is_what_was_written(place) {
        let store = place.store().await;
        let (mut feed, mut replica, start) = loaded(&store).await;
        assert_eq!(start, Position { epoch: 1, seq: 0 });
        add_organizations(&store, 1).await;
        add_catalog(&store, 1, 1).await;
        let mut rotated = key(1, 1);
        add_keys(&store, vec![rotated.clone(), key(1, 2)]).await;
        (rotated.secret, rotated.overlap) = (secret(100), Some(Overlap { secret: secret(1), valid_until: at(9) }));
        rotated.ended = vec![EndedSecret { digest: secret(50).digest, ended_at: at(1) }];
        update_key(&store, &rotated).await.unwrap();
        let step = next_step(&mut feed).await;
        assert_eq!(step.position, Position { epoch: 1, seq: 4 });
        assert_eq!(step.changes.len(), 5, "each record once, however often it changed");
        let key_change = step.changes.iter().find(|change| change.object == ObjectRef::Key(rotated.id)).unwrap();
        assert_eq!(key_change.now, Some(Object::Key(Box::new(rotated))));
        replica.apply(step.changes);
        assert_eq!(replica, loaded(&store).await.1);

        transact!(store, scope(1), |tx| async move {
            apis::delete(tx, organization_id(1), claviger_domain::ApiId::from_raw(1)).await
        }).await.unwrap();
        let step = next_step(&mut feed).await;
        assert_eq!(step.changes[0].now, None, "gone");
        replica.apply(step.changes);
        assert_eq!(replica, loaded(&store).await.1);
        assert_eq!(replica.len(), 4);
    }

    async fn a_write_that_only_audits_takes_a_position_too(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let (mut feed, _, start) = loaded(&store).await;
        let committed = transact!(store, scope(1), |tx| async move {
            tx.audit(chain(1), entry("user.create"));
            Ok::<_, Error>(())
        }).await.unwrap();
        assert_eq!(committed.position, Some(Position { epoch: 1, seq: start.seq + 1 }));
        let step = next_step(&mut feed).await;
        assert_eq!((Some(step.position), step.changes), (committed.position, Vec::new()));
        let nothing = transact!(store, scope(1), |tx| async move { keys::count(tx, organization_id(1)).await }).await.unwrap();
        assert_eq!((nothing.value, nothing.position), (0, None));
    }

    async fn a_load_comes_in_chunks_and_reports(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_catalog(&store, 1, 1).await;
        add_keys(&store, (1..=20).map(|number| key(1, number)).collect()).await;
        let (mut records, mut reports) = (0, Vec::new());
        store.feed().load(|chunk| records += chunk.len(), |report| reports.push(report)).await.unwrap();
        assert_eq!(records, 23);
        assert_eq!(reports, [LoadProgress { loaded: 20, total: 20 }]);
    }

    async fn what_ended_long_ago_is_not_loaded(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let (mut deleted, mut rotated) = (key(1, 1), key(1, 2));
        deleted.deleted_at = Some(at(0));
        rotated.ended = vec![EndedSecret { digest: secret(50).digest, ended_at: at(0) }];
        add_keys(&store, vec![deleted.clone(), rotated.clone()]).await;
        assert_eq!(loaded(&store).await.1.len(), 3);
        place.clock.advance(std::time::Duration::from_hours(24 * 90 + 1));
        let mut keys = Vec::new();
        store.feed().load(|chunk| keys.extend(chunk), |_| ()).await.unwrap();
        rotated.ended.clear();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[1].now, Some(Object::Key(Box::new(rotated))));
    }

    async fn a_restored_database_is_noticed(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_keys(&store, vec![key(1, 1)]).await;
        // Grown again past the place where it was cut.
        let (mut feed, _, _) = loaded(&store).await;
        place.execute("UPDATE changes SET nonce = (SELECT nonce FROM changes WHERE seq = 0)").await;
        add_keys(&store, vec![key(1, 2)]).await;
        assert_eq!(soon(feed.next()).await.unwrap(), FeedEvent::Diverged);
        // The same length, with another last transaction.
        let (mut feed, _, _) = loaded(&store).await;
        place.execute("UPDATE feed_head SET nonce = (SELECT nonce FROM changes WHERE seq = 0)").await;
        assert_eq!(soon(feed.next()).await.unwrap(), FeedEvent::Diverged);
        assert_eq!(soon(feed.next()).await.unwrap(), FeedEvent::Diverged, "until it is loaded anew");
        // A tail that is gone.
        let (mut feed, _, position) = loaded(&store).await;
        place.execute(format!("DELETE FROM changes WHERE seq = {}", position.seq)).await;
        place.execute("UPDATE feed_head SET seq = seq - 1").await;
        assert_eq!(soon(feed.next()).await.unwrap(), FeedEvent::Diverged);
        // A new epoch.
        let (mut feed, _, _) = loaded(&store).await;
        place.execute("UPDATE feed_head SET epoch = 2").await;
        assert_eq!(soon(feed.next()).await.unwrap(), FeedEvent::Diverged);
        // What this reader needs was trimmed away.
        place.execute("UPDATE feed_head SET epoch = 1").await;
        let (mut feed, _, position) = loaded(&store).await;
        add_keys(&store, vec![key(1, 3)]).await;
        place.execute(format!("DELETE FROM changes WHERE seq <= {}", position.seq)).await;
        assert_eq!(soon(feed.next()).await.unwrap(), FeedEvent::Diverged);
        let (mut feed, mut replica, _) = loaded(&store).await;
        add_keys(&store, vec![key(1, 4)]).await;
        replica.apply(next_step(&mut feed).await.changes);
        assert_eq!(replica, loaded(&store).await.1);
    }

    async fn one_that_is_a_million_changes_behind_reads_none_of_them(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let (mut feed, _, _) = loaded(&store).await;
        // Rows that nobody could read stand for those of a million transactions: one that reads them fails.
        place.execute(
            "INSERT INTO changes (epoch, seq, n, organization_id, kind, object_id, nonce) \
             SELECT epoch, seq + 1, 0, '', 'unreadable', '', nonce FROM feed_head",
        ).await;
        let mut near = store.feed();
        near.load(|_| (), |_| ()).await.unwrap();
        place.execute("UPDATE feed_head SET seq = seq + 1").await;
        assert!(matches!(soon(near.next()).await, Err(Error::Unreadable(_))), "so does one that is near");
        place.execute("UPDATE feed_head SET seq = seq + 1000000").await;
        assert_eq!(soon(feed.next()).await, Ok(FeedEvent::Diverged));
    }

    async fn a_feed_that_was_never_loaded_asks_for_it(place) {
        let store = place.store().await;
        assert_eq!(store.feed().next().await.unwrap(), FeedEvent::Diverged);
    }

    async fn two_nodes_see_each_others_changes_by_listening(place) {
        let mut config = place.config.clone();
        config.listen = true;
        reaches_the_other(config, &place).await;
    }

    async fn two_nodes_see_each_others_changes_by_polling(place) {
        let mut config = place.config.clone();
        (config.listen, config.poll_interval) = (false, std::time::Duration::from_millis(20));
        reaches_the_other(config, &place).await;
    }

    async fn a_change_during_a_load_comes_afterwards(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_keys(&store, vec![key(1, 1)]).await;
        let mut feed = store.feed();
        let mut replica = Replica::default();
        let (meanwhile, runtime) = (store.clone(), tokio::runtime::Handle::current());
        let mut first = true;
        feed.load(
            |chunk| {
                if std::mem::take(&mut first) {
                    let write = add_keys_owned(meanwhile.clone());
                    tokio::task::block_in_place(|| runtime.block_on(write));
                }
                replica.apply(chunk);
            },
            |_| (),
        ).await.unwrap();
        assert_eq!(replica.len(), 2, "the snapshot is older");
        let step = next_step(&mut feed).await;
        assert_eq!(step.changes[0].object, ObjectRef::Key(KeyId::from_raw(2)));
        replica.apply(step.changes);
        assert_eq!(replica, loaded(&store).await.1);
    }
}

async fn add_keys_owned(store: Store) {
    add_keys(&store, vec![key(1, 2)]).await;
}
