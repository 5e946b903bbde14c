//! Rows of nodes.

use std::time::Duration;

use claviger_domain::NodeId;
use claviger_domain::change::Position;
use claviger_store::nodes::{self, Beat, NodeRow, OwnRow, Progress};
use claviger_store::{Error, Scope, Store};

use crate::sample::{add_keys, add_organizations, at, key};
use crate::stories;

fn own(number: u128, run: &str) -> OwnRow {
    OwnRow {
        id: NodeId::from_raw(number),
        run: run.to_owned(),
        host: "żubr".to_owned(),
        version: "0.1.0 (abc)".to_owned(),
        started_at: at(7),
        staleness_limit: Some(Duration::from_secs(30)),
    }
}

async fn rows(store: &Store) -> Vec<NodeRow> {
    nodes::all(&mut store.read().await.unwrap()).await.unwrap().0
}

stories! {
    async fn a_node_joins_moves_and_signs_off(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let node = own(2, "first");
        nodes::join(&store, &node, Progress::default()).await.unwrap();
        let expected = NodeRow {
            own: node.clone(), heartbeat: 1, applied: None, signed_off_at: None, uses_written_to: None,
        };
        assert_eq!(rows(&store).await, vec![expected.clone()]);

        let mut feed = store.feed();
        let position = feed.load(|_| (), |_| ()).await.unwrap();
        let applied = feed.mark();
        assert_eq!(nodes::beat(&store, &node, Progress { applied, uses_written_to: Some(at(6)) }).await.unwrap(), Beat::Counted);
        let moved = NodeRow { heartbeat: 2, applied: Some(position), uses_written_to: Some(at(6)), ..expected.clone() };
        assert_eq!(rows(&store).await, vec![moved.clone()]);
        let (_, head) = nodes::all(&mut store.read().await.unwrap()).await.unwrap();
        assert_eq!(head, position);

        nodes::sign_off(&store, &node, at(9)).await.unwrap();
        assert_eq!(rows(&store).await, [NodeRow { signed_off_at: Some(at(9)), ..moved.clone() }]);
        // Its next process has applied nothing, and counts on.
        let again = OwnRow { staleness_limit: None, ..own(2, "second") };
        nodes::join(&store, &again, Progress::default()).await.unwrap();
        assert_eq!(rows(&store).await, [NodeRow { own: again, heartbeat: 3, ..expected }]);
        assert_eq!(nodes::beat(&store, &node, Progress { applied, uses_written_to: Some(at(6)) }).await.unwrap(), Beat::Displaced, "the first is told");
        nodes::sign_off(&store, &node, at(10)).await.unwrap();
        assert_eq!(rows(&store).await[0].signed_off_at, None, "and cannot sign the second off");
    }

    async fn what_was_applied_of_another_feed_is_nothing(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut feed = store.feed();
        feed.load(|_| (), |_| ()).await.unwrap();
        let (node, applied) = (own(1, "r"), feed.mark());
        nodes::join(&store, &node, Progress { applied, ..Progress::default() }).await.unwrap();
        assert_eq!(rows(&store).await[0].applied, Some(Position { epoch: 1, seq: 1 }));
        // As if the end of the feed had been cut off and it had grown again.
        place.execute("UPDATE changes SET nonce = (SELECT nonce FROM changes WHERE seq = 0) WHERE seq = 1").await;
        add_keys(&store, vec![key(1, 1)]).await;
        assert_eq!(rows(&store).await[0].applied, None);
    }

    async fn only_who_has_not_moved_is_taken_away(place) {
        let store = place.store().await;
        for number in [1, 2] {
            nodes::join(&store, &own(number, "r"), Progress::default()).await.unwrap();
        }
        let seen = rows(&store).await;
        nodes::beat(&store, &seen[0].own, Progress::default()).await.unwrap();
        assert!(!nodes::drop_silent(&store, &seen[0]).await.unwrap(), "it moved meanwhile");
        assert!(nodes::drop_silent(&store, &seen[1]).await.unwrap());
        assert!(!nodes::drop_silent(&store, &seen[1]).await.unwrap());
        let forget = async |row: NodeRow| {
            store.write(Scope::Installation, move |tx| {
                let row = row.clone();
                Box::pin(async move { Ok::<_, Error>((nodes::forget(tx, &row).await?, nodes::exists(tx, row.own.id).await?)) })
            }).await.unwrap().value
        };
        assert_eq!(forget(seen[0].clone()).await, (false, true));
        assert_eq!(forget(rows(&store).await.remove(0)).await, (true, false));
        assert_eq!(nodes::beat(&store, &seen[0].own, Progress::default()).await.unwrap(), Beat::Missing);
    }
}
