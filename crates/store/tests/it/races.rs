//! Writers that meet outside their own tenant's lock.

use claviger_store::{Error, Taken, organizations};

use crate::sample::{add_organizations, organization, scope};
use crate::{stories, transact};

/// How many organizations go for one slug at once.
const RIVALS: u128 = 8;

stories! {
    async fn one_of_many_organizations_gets_a_slug(place) {
        let store = place.store().await;
        add_organizations(&store, RIVALS).await;
        for round in 0..10 {
            let mut rivals = tokio::task::JoinSet::new();
            for number in 1..=RIVALS {
                let store = store.clone();
                rivals.spawn(async move {
                    let slug = format!("wanted-{round}");
                    transact!(store, scope(number), |tx| {
                        let mut wish = organization(number);
                        wish.slug = slug.parse().unwrap();
                        async move { organizations::update(tx, &wish).await }
                    }).await.map(|_| ())
                });
            }
            let results = rivals.join_all().await;
            assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
            assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(Error::Taken(Taken::Slug)))), "{results:?}");
        }
    }
}
