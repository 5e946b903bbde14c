//! The write closure: whole or not at all, whoever waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use claviger_store::{Error, Scope, keys, organizations};
use futures_util::FutureExt as _;
use tokio::sync::{Barrier, Notify};

use crate::harness::soon;
use crate::sample::{add_organizations, chain, entry, key, organization, organization_id, scope};
use crate::{stories, transact};

stories! {
    async fn an_error_leaves_nothing_behind(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let result = transact!(store, scope(1), |tx| async move {
            tx.audit(chain(1), entry("key.create"));
            keys::insert(tx, &key(1, 1)).await?;
            Err::<(), _>(Error::NotFound)
        }).await;
        assert_eq!(result, Err(Error::NotFound));
        assert_eq!(place.number("SELECT COUNT(*) FROM keys").await, 0);
        assert_eq!(place.number("SELECT COUNT(*) FROM key_digests").await, 0);
        assert_eq!(place.number("SELECT COUNT(*) FROM audit_entries").await, 0);
        assert_eq!(place.number("SELECT seq FROM feed_head").await, 1);
        assert_eq!(place.number("SELECT COUNT(*) FROM changes WHERE seq > 1").await, 0);
    }

    async fn a_caller_that_hangs_up_does_not_cancel_the_write(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (told, waited) = (started.clone(), go_on.clone());
        let mut call = Box::pin(transact!(store, scope(1), |tx| {
            let (told, waited) = (told.clone(), waited.clone());
            async move {
                keys::insert(tx, &key(1, 1)).await?;
                told.notify_one();
                waited.notified().await;
                keys::insert(tx, &key(1, 2)).await
            }
        }));
        assert!(call.as_mut().now_or_never().is_none());
        soon(started.notified()).await;
        drop(call);
        go_on.notify_one();
        // On SQLite the next write stands in line behind it; on PostgreSQL it waits for the tenant's lock.
        let count = transact!(store, scope(1), |tx| async move { keys::count(tx, organization_id(1)).await });
        assert_eq!(soon(count).await.unwrap().value, 2);
    }

    async fn writes_of_one_tenant_do_not_pass_each_other(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        // "At most three keys": read, then write; without the lock several would see two.
        let mut writers = tokio::task::JoinSet::new();
        for number in 1..=8 {
            let store = store.clone();
            writers.spawn(async move {
                transact!(store, scope(1), |tx| async move {
                    if keys::count(tx, organization_id(1)).await? >= 3 {
                        return Err(Error::Busy);
                    }
                    tokio::task::yield_now().await;
                    keys::insert(tx, &key(1, number)).await
                }).await.is_ok()
            });
        }
        let accepted = writers.join_all().await.into_iter().filter(|accepted| *accepted).count();
        assert_eq!(accepted, 3);
        assert_eq!(place.number("SELECT COUNT(*) FROM keys").await, 3);
    }

    async fn a_panic_is_the_callers(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let caller = store.clone();
        let call = tokio::spawn(async move {
            transact!(caller, scope(1), |tx| async move {
                keys::insert(tx, &key(1, 1)).await?;
                if keys::count(tx, organization_id(1)).await? == 1 {
                    std::panic::panic_any("a bug");
                }
                Ok::<_, Error>(())
            }).await
        });
        assert!(soon(call).await.unwrap_err().is_panic());
        // The line and the lock are free again, and nothing was written.
        let count = transact!(store, scope(1), |tx| async move { keys::count(tx, organization_id(1)).await });
        assert_eq!(soon(count).await.unwrap().value, 0);
    }

    async fn a_deadlock_is_run_again(place) {
        if !place.is_postgres() {
            return; // One writer has nobody to wait for.
        }
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let (barrier, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
        let mut writers = tokio::task::JoinSet::new();
        for (mine, theirs) in [(1, 2), (2, 1)] {
            let (store, barrier, runs) = (store.clone(), barrier.clone(), runs.clone());
            writers.spawn(async move {
                transact!(store, scope(mine), |tx| {
                    let (barrier, first) = (barrier.clone(), runs.fetch_add(1, Ordering::SeqCst) < 2);
                    async move {
                        if first {
                            barrier.wait().await;
                        }
                        organizations::update(tx, &organization(theirs)).await
                    }
                }).await
            });
        }
        for result in soon(writers.join_all()).await {
            assert!(result.unwrap().position.is_some());
        }
        // On a busy machine the one that runs again can take its first row before the one that waits for it wakes up, and
        // both meet once more.
        assert!(runs.load(Ordering::SeqCst) >= 3, "one of the two ran again");
    }

    async fn a_connection_lost_at_commit_is_unknown_and_not_run_again(place) {
        if !place.is_postgres() {
            return; // No connection to lose.
        }
        let store = place.store().await;
        add_organizations(&store, 1).await;
        place.execute(
            "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON keys DEFERRABLE INITIALLY DEFERRED \
                 FOR EACH ROW EXECUTE FUNCTION hang_up();",
        ).await;
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let result = transact!(store, scope(1), |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { keys::insert(tx, &key(1, 1)).await }
        }).await;
        assert_eq!(result, Err(Error::Unknown));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        // The store goes on.
        assert_eq!(keys::count(&mut store.read().await.unwrap(), organization_id(1)).await, Ok(0));
        let name_only = transact!(store, Scope::Installation, |tx| async move {
            organizations::update(tx, &organization(1)).await
        });
        assert!(name_only.await.unwrap().position.is_some());
    }

    async fn a_connection_lost_before_commit_changed_nothing(place) {
        if !place.is_postgres() {
            return;
        }
        let store = place.store().await;
        add_organizations(&store, 1).await;
        place.execute(
            "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
             CREATE TRIGGER hang_up AFTER INSERT ON keys FOR EACH ROW EXECUTE FUNCTION hang_up();",
        ).await;
        let result = transact!(store, scope(1), |tx| async move { keys::insert(tx, &key(1, 1)).await }).await;
        assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    }
}
