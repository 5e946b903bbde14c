//! The audit chain shows what was done to it.

use claviger_domain::audit::Chain;
use claviger_store::audit::Verified;
use claviger_store::{Error, Scope, Store};

use crate::sample::{add_organizations, chain, entry, scope};
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

stories! {
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
