//! What operators see of the store: how far behind the feed's reader is, and how writes end.

use std::time::Duration;

use claviger_store::{Error, FeedEvent};

use crate::harness::soon;
use crate::sample::{add_keys, add_organizations, key, scope};
use crate::{stories, transact};

stories! {
    async fn the_age_of_the_replica_counts_from_the_last_look_after_which_it_had_everything(place) {
        let store = place.store().await;
        assert_eq!(store.metrics().stale, None, "nothing was loaded yet");
        add_organizations(&store, 1).await;
        let mut feed = store.feed();
        let loaded = feed.load(|_| (), |_| ()).await.unwrap();
        place.clock.advance(Duration::from_secs(7));
        assert_eq!(store.metrics().stale, None, "what was loaded is applied once more is asked for");
        add_keys(&store, vec![key(1, 1)]).await;
        let FeedEvent::Step(step) = soon(feed.next()).await.unwrap() else { panic!("a step") };
        let metrics = store.metrics();
        assert_eq!((metrics.head, step.position.seq), (Some(step.position), loaded.seq + 1));
        assert_eq!(metrics.stale, Some(Duration::from_secs(7)), "the step is not applied yet");
        place.clock.advance(Duration::from_secs(2));
        // Whoever asks for more has applied it; nothing more comes.
        assert!(tokio::time::timeout(Duration::from_millis(1), feed.next()).await.is_err());
        assert!(store.metrics().stale <= Some(Duration::from_secs(2)));
        assert!(store.metrics().feed_looks.count >= 1);
    }

    async fn writes_are_counted_by_how_they_end(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let before = store.metrics();
        add_keys(&store, vec![key(1, 1)]).await;
        let refused = transact!(store, scope(1), |_tx| async move { Err::<(), _>(Error::NotFound) }).await;
        assert!(refused.is_err());
        let after = store.metrics();
        assert_eq!(after.committed.count, before.committed.count + 1);
        assert_eq!((after.not_committed, after.turned_away, after.writes_open), (before.not_committed + 1, 0, 0));
        assert!(after.connections.busy + after.connections.idle <= after.connections.max);
        assert!(after.connections.max >= 6);
    }
}
