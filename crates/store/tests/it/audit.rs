//! The audit chain shows what was done to it.

use claviger_domain::audit::{Chain, Entry, TRIM};
use claviger_store::audit::{self, Head, Removable, TRIMMED_TOGETHER, Trimmed, Verified};
use claviger_store::{Error, Scope, Store};

use crate::harness::audit_key;
use crate::sample::{add_organizations, at, chain, entry, scope};
use crate::{stories, transact};

/// Two organizations; five entries of the first, one of the second, two of the installation.
async fn with_entries(place: &crate::harness::Place) -> Store {
    let store = place.store().await;
    add_organizations(&store, 2).await;
    for actions in [&["a"][..], &["b", "c"], &["d", "e"]] {
        transact!(store, scope(1), |tx| async move {
            for action in actions {
                tx.audit(chain(1), entry(action));
            }
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    }
    transact!(store, Scope::Installation, |tx| async move {
        tx.audit(Chain::Installation, entry("organization.create"));
        tx.audit(chain(2), entry("key.create"));
        tx.audit(Chain::Installation, entry("organization.create"));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    store
}

async fn verified(store: &Store) -> Verified {
    store.verify_audit(chain(1)).await.unwrap()
}

/// An organization whose chain has one entry for each of these, the first written at 0, the next at 1 and so on.
async fn with_aged(place: &crate::harness::Place, actions: Vec<&'static str>) -> Store {
    let store = place.store().await;
    add_organizations(&store, 1).await;
    transact!(store, scope(1), |tx| {
        let actions = actions.clone();
        async move {
            for (age, action) in actions.into_iter().enumerate() {
                tx.audit(chain(1), Entry { at: at(age as i64), ..entry(action) });
            }
            Ok::<_, Error>(())
        }
    })
    .await
    .unwrap();
    store
}

/// Removes what was written before `before`, up to entry `up_to`.
async fn trim(store: &Store, before: i64, up_to: i64) -> Trimmed {
    let removable = Removable { before: at(before), up_to, now: at(1_000) };
    let trimmed =
        transact!(store, scope(1), |tx| async move { audit::trim(tx, &audit_key(), chain(1), removable).await });
    trimmed.await.unwrap().value
}

/// Seven entries, of which the first three are removed.
async fn trimmed(place: &crate::harness::Place) -> (Store, Vec<Head>) {
    let store = with_aged(place, vec!["a", "b", "c", "d", "e", "f", "g"]).await;
    let entries = audit::from(&mut store.read().await.unwrap(), chain(1), 1, 100).await.unwrap();
    let heads = entries.into_iter().map(|stored| Head { seq: stored.seq, mac: stored.mac }).collect();
    let expected = Trimmed::Removed { first: 1, last: 3, until: at(2), is_full: false };
    assert_eq!(trim(&store, 3, i64::MAX).await, expected);
    (store, heads)
}

async fn against(store: &Store, noted: Head) -> Verified {
    store.verify_audit_against(chain(1), Some(&noted)).await.unwrap().0
}

stories! {
    async fn a_chain_whose_oldest_entries_were_removed_is_proven_from_its_checkpoint(place) {
        let (store, heads) = trimmed(&place).await;
        let (verified, checkpoint) = store.verify_audit_against(chain(1), None).await.unwrap();
        let checkpoint = checkpoint.unwrap();
        assert_eq!(verified, Verified::Intact(heads[6].clone()));
        assert_eq!((checkpoint.seq, &checkpoint.mac), (3, &heads[2].mac));
        assert_eq!((checkpoint.until, checkpoint.removed_at), (at(2), at(1_000)));
        assert_eq!(place.number("SELECT MIN(seq) FROM audit_entries").await, 4);
        // What is newer than was asked for, or not looked at yet, stays.
        assert_eq!(trim(&store, 3, i64::MAX).await, Trimmed::Nothing);
        let expected = Trimmed::Removed { first: 4, last: 5, until: at(4), is_full: false };
        assert_eq!(trim(&store, 1_000, 5).await, expected);
        assert_eq!(self::verified(&store).await, Verified::Intact(heads[6].clone()));
        // And all of it may go.
        let expected = Trimmed::Removed { first: 6, last: 7, until: at(6), is_full: false };
        assert_eq!(trim(&store, 1_000, i64::MAX).await, expected);
        assert_eq!(self::verified(&store).await, Verified::Intact(heads[6].clone()));
        transact!(store, scope(1), |tx| async move { tx.audit(chain(1), entry("h")); Ok::<_, Error>(()) }).await.unwrap();
        assert!(matches!(self::verified(&store).await, Verified::Intact(head) if head.seq == 8));
    }

    async fn what_is_done_to_a_checkpoint_or_behind_it_is_found(place) {
        let (store, _) = trimmed(&place).await;
        for table in ["audit_checkpoints", "audit_entries"] {
            place.execute(format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).await;
        }
        let fourth = "(SELECT mac FROM audit_entries WHERE seq = 4)";
        for (case, statement, expected) in [
            ("no checkpoint", "DELETE FROM audit_checkpoints".to_owned(), Verified::Broken { seq: 1 }),
            ("a longer cut", "DELETE FROM audit_entries WHERE seq <= 5".into(), Verified::Broken { seq: 4 }),
            (
                "a longer cut with a forged checkpoint",
                format!("UPDATE audit_checkpoints SET seq = 4, mac = {fourth}; DELETE FROM audit_entries WHERE seq <= 4"),
                Verified::Forged { seq: 4 },
            ),
            (
                "the seal of an entry's MAC",
                format!("UPDATE audit_checkpoints SET seq = 4, mac = {fourth}, seal = {fourth}; DELETE FROM audit_entries WHERE seq <= 4"),
                Verified::Forged { seq: 4 },
            ),
            ("another instant", "UPDATE audit_checkpoints SET until = until + 1".into(), Verified::Forged { seq: 3 }),
            ("another day of removal", "UPDATE audit_checkpoints SET removed_at = removed_at + 1".into(), Verified::Forged { seq: 3 }),
            ("no seal", "UPDATE audit_checkpoints SET seal = mac".into(), Verified::Forged { seq: 3 }),
            ("an entry before it", "UPDATE audit_entries SET seq = 2 WHERE seq = 4".into(), Verified::Broken { seq: 2 }),
            ("an entry before all", "UPDATE audit_entries SET seq = 0 WHERE seq = 5".into(), Verified::Broken { seq: 0 }),
        ] {
            place.execute(statement).await;
            assert_eq!(verified(&store).await, expected, "{case}");
            // And nothing of it becomes genuine by removing on.
            let removed = trim(&store, 1_000, i64::MAX).await;
            assert!(matches!(removed, Trimmed::Broken { .. }), "{case}: {removed:?}");
            for table in ["audit_checkpoints", "audit_entries"] {
                place.execute(format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved_{table}")).await;
            }
            assert!(matches!(verified(&store).await, Verified::Intact(_)), "{case}: undone");
        }
    }

    async fn a_checkpoint_of_another_chain_is_none(place) {
        let (store, _) = trimmed(&place).await;
        place.execute(format!("UPDATE audit_checkpoints SET chain = '{}'", Chain::Installation)).await;
        assert_eq!(store.verify_audit(Chain::Installation).await.unwrap(), Verified::Forged { seq: 3 });
        assert_eq!(verified(&store).await, Verified::Broken { seq: 1 });
    }

    async fn a_head_that_was_noted_before_holds_where_its_entry_is_left_or_was_the_last_to_go(place) {
        let (store, heads) = trimmed(&place).await;
        let intact = Verified::Intact(heads[6].clone());
        for noted in &heads {
            assert_eq!(against(&store, noted.clone()).await, intact, "{}", noted.seq);
        }
        let wrong = |seq: i64| Head { seq, mac: vec![7; 32] };
        // Nobody knows any more what it was.
        assert_eq!(against(&store, wrong(2)).await, intact);
        assert_eq!(against(&store, wrong(3)).await, Verified::Broken { seq: 3 });
        assert_eq!(against(&store, wrong(4)).await, Verified::Broken { seq: 4 });
        assert_eq!(against(&store, wrong(8)).await, Verified::TailCut { last: 7, head: 8 });
    }

    async fn an_entry_that_was_made_to_look_old_or_was_changed_is_not_removed(place) {
        let store = with_aged(&place, vec!["a", "b", "c"]).await;
        for (case, statement) in [
            ("its column", format!("UPDATE audit_entries SET at = {} WHERE seq = 2", at(0).as_micros())),
            ("its text", "UPDATE audit_entries SET entry = REPLACE(entry, '192.0.2.1', '192.0.2.2') WHERE seq = 2".to_owned()),
        ] {
            place.execute(statement).await;
            assert_eq!(trim(&store, 2, i64::MAX).await, Trimmed::Broken { seq: 2 }, "{case}");
            assert_eq!(place.number("SELECT COUNT(*) FROM audit_entries").await, 3, "{case}");
            assert_eq!(place.number("SELECT COUNT(*) FROM audit_checkpoints").await, 0, "{case}");
        }
    }

    async fn what_removals_leave_is_no_reason_to_remove(place) {
        let store = with_aged(&place, vec![TRIM, TRIM, "a", TRIM]).await;
        assert_eq!(trim(&store, 2, i64::MAX).await, Trimmed::Nothing);
        assert!(matches!(trim(&store, 3, i64::MAX).await, Trimmed::Removed { last: 3, .. }));
        assert_eq!(trim(&store, 1_000, i64::MAX).await, Trimmed::Nothing);
        // So many of them are.
        let full = usize::try_from(TRIMMED_TOGETHER).unwrap();
        transact!(store, scope(1), |tx| async move {
            (1..full).for_each(|_| tx.audit(chain(1), entry(TRIM)));
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
        assert!(matches!(trim(&store, 1_000, i64::MAX).await, Trimmed::Removed { is_full: true, .. }));
    }

    async fn two_nodes_that_remove_at_once_remove_each_entry_once(place) {
        let (one, two) = (with_aged(&place, vec!["a"; 2_500]).await, place.store().await);
        let all = async |store: &Store| {
            let mut removed = 0;
            while let Trimmed::Removed { first, last, .. } = trim(store, 2_000, i64::MAX).await {
                removed += last - first + 1;
            }
            removed
        };
        let (by_one, by_two) = tokio::join!(all(&one), all(&two));
        assert_eq!(by_one + by_two, 2_000);
        assert!(matches!(verified(&two).await, Verified::Intact(head) if head.seq == 2_500));
    }

    async fn an_untouched_chain_is_intact(place) {
        let store = with_entries(&place).await;
        for (chain, entries) in [(chain(1), 5), (chain(2), 1), (Chain::Installation, 2), (chain(3), 0)] {
            match store.verify_audit(chain).await.unwrap() {
                Verified::Intact(head) => assert_eq!(head.seq, entries),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn a_changed_entry_is_found(place) {
        let store = with_entries(&place).await;
        place.execute(format!("UPDATE audit_entries SET entry = REPLACE(entry, '192.0.2.1', '192.0.2.2') WHERE seq = 3 AND chain = '{}'", chain(1))).await;
        assert_eq!(verified(&store).await, Verified::Broken { seq: 3 });
    }

    async fn a_column_that_differs_from_its_entry_is_found(place) {
        let store = with_entries(&place).await;
        place.execute(format!("UPDATE audit_entries SET action = 'harmless' WHERE seq = 2 AND chain = '{}'", chain(1))).await;
        assert_eq!(verified(&store).await, Verified::Broken { seq: 2 });
    }

    async fn a_removed_entry_is_found(place) {
        let store = with_entries(&place).await;
        place.execute(format!("DELETE FROM audit_entries WHERE seq = 2 AND chain = '{}'", chain(1))).await;
        assert_eq!(verified(&store).await, Verified::Broken { seq: 2 });
        // Closing the gap does not help.
        for seq in 3..=5 {
            place.execute(format!("UPDATE audit_entries SET seq = {} WHERE seq = {seq} AND chain = '{}'", seq - 1, chain(1))).await;
        }
        assert_eq!(verified(&store).await, Verified::Broken { seq: 2 });
    }

    async fn swapped_entries_are_found(place) {
        let store = with_entries(&place).await;
        for (from, to) in [(3, 100), (4, 3), (100, 4)] {
            place.execute(format!("UPDATE audit_entries SET seq = {to} WHERE seq = {from} AND chain = '{}'", chain(1))).await;
        }
        assert_eq!(verified(&store).await, Verified::Broken { seq: 3 });
    }

    async fn a_cut_tail_is_found(place) {
        let store = with_entries(&place).await;
        place.execute(format!("DELETE FROM audit_entries WHERE seq >= 4 AND chain = '{}'", chain(1))).await;
        assert_eq!(verified(&store).await, Verified::TailCut { last: 3, head: 5 });
        place.execute(format!("DELETE FROM audit_entries WHERE chain = '{}'", chain(1))).await;
        assert_eq!(verified(&store).await, Verified::TailCut { last: 0, head: 5 });
    }

    async fn an_entry_of_another_chain_does_not_fit(place) {
        let store = with_entries(&place).await;
        place.execute(format!("DELETE FROM audit_entries WHERE chain = '{}'", chain(1))).await;
        place.execute(format!("UPDATE audit_entries SET chain = '{}' WHERE chain = '{}'", chain(1), chain(2))).await;
        assert_eq!(verified(&store).await, Verified::Broken { seq: 1 });
    }
}
