//! The change feed does not grow for ever.

use claviger_store::FeedEvent;

use crate::harness::soon;
use crate::sample::{Replica, add_keys, add_organizations, key};
use crate::stories;

stories! {
    async fn old_transactions_are_forgotten_and_the_head_stays(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut behind = store.feed();
        behind.load(|_| (), |_| ()).await.unwrap();
        // As if 100,998 transactions had been, of which the last thousand is still there.
        place.execute(
            "INSERT INTO changes (epoch, seq, n, organization_id, kind, object_id, nonce) \
             SELECT epoch, 998, 0, '', 'none', '', nonce FROM feed_head UNION ALL \
             SELECT epoch, 1000, 0, '', 'none', '', nonce FROM feed_head UNION ALL \
             SELECT epoch, 100998, 0, '', 'none', '', nonce FROM feed_head",
        ).await;
        place.execute("UPDATE feed_head SET seq = 100998").await;
        add_keys(&store, vec![key(1, 1)]).await;
        assert_eq!(place.number("SELECT MIN(seq) FROM changes").await, 0, "only every thousandth cuts");
        let mut feed = store.feed();
        let mut replica = Replica::default();
        feed.load(|chunk| replica.apply(chunk), |_| ()).await.unwrap();

        add_keys(&store, vec![key(1, 2)]).await;
        assert_eq!(place.number("SELECT seq FROM feed_head").await, 101_000);
        assert_eq!(place.number("SELECT MIN(seq) FROM changes").await, 1_000);
        assert_eq!(place.number("SELECT MAX(seq) FROM changes").await, 101_000);
        let FeedEvent::Step(step) = soon(feed.next()).await.unwrap() else { panic!("what it needs is still there") };
        assert_eq!((step.position.seq, step.changes.len()), (101_000, 1));
        assert_eq!(soon(behind.next()).await, Ok(FeedEvent::Diverged), "what this one needs is gone");
    }
}
