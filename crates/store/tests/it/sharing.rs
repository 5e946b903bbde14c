//! APIs shared with other organizations, what those hold of them, and lists of addresses of organizations.

use std::collections::BTreeSet;

use claviger_domain::api::Api;
use claviger_domain::ip_list::IpEntries;
use claviger_domain::organization::Organization;
use claviger_domain::sharing::{SharedWith, Sharing};
use claviger_domain::{ApiId, ApiSetId, KeyId};
use claviger_store::api_sets::InUse;
use claviger_store::{Error, Page, Store, api_sets, apis, keys, organizations};

use crate::sample::{
    add_catalog, add_keys, add_organizations, api, ip, key, organization, organization_id, pattern, scope, update_key,
};
use crate::{stories, transact};

async fn share(store: &Store, number: u128, with: SharedWith) {
    let shared = Api { sharing: Sharing { with, full_access: false }, ..api(1, number) };
    transact!(store, scope(1), |tx| {
        let shared = shared.clone();
        async move { apis::update(tx, &shared).await }
    })
    .await
    .unwrap();
}

async fn shared_with(store: &Store, number: u128) -> Vec<ApiId> {
    let mut conn = store.read().await.unwrap();
    let found = apis::list_shared(&mut conn, organization_id(number), &apis::ApiFilter::default(), &Page::default())
        .await
        .unwrap();
    found.items.into_iter().map(|api| api.id).collect()
}

async fn save(store: &Store, record: Organization) {
    transact!(store, scope(1), |tx| {
        let record = record.clone();
        async move { organizations::update(tx, &record).await }
    })
    .await
    .unwrap();
}

stories! {
    async fn shared_apis_are_found_by_those_they_are_shared_with(place) {
        let store = place.store().await;
        add_organizations(&store, 4).await;
        for number in 1..=3 {
            add_catalog(&store, 1, number).await;
        }
        let ids = |numbers: &[u128]| numbers.iter().map(|number| ApiId::from_raw(*number)).collect::<Vec<_>>();
        let chosen = |numbers: &[u128]| SharedWith::Chosen(numbers.iter().map(|number| organization_id(*number)).collect());
        share(&store, 1, chosen(&[2, 3])).await;
        share(&store, 2, SharedWith::All).await;
        share(&store, 3, SharedWith::None).await;
        assert_eq!(shared_with(&store, 2).await, ids(&[1, 2]));
        assert_eq!(shared_with(&store, 4).await, ids(&[2]));
        assert_eq!(shared_with(&store, 1).await, ids(&[]), "one's own are not among them");
        let mut conn = store.read().await.unwrap();
        let read = apis::find(&mut conn, ApiId::from_raw(1)).await.unwrap().unwrap();
        assert_eq!(read.sharing.with, chosen(&[2, 3]));
        drop(conn);
        share(&store, 1, chosen(&[3])).await;
        share(&store, 2, SharedWith::None).await;
        assert_eq!(shared_with(&store, 2).await, ids(&[]));
        assert_eq!(shared_with(&store, 3).await, ids(&[1]));
        transact!(store, scope(1), |tx| async move { apis::delete(tx, organization_id(1), ApiId::from_raw(1)).await })
            .await
            .unwrap();
        assert_eq!(shared_with(&store, 3).await, ids(&[]));
        // As many as an API may be shared with, in batches.
        let many: BTreeSet<_> = (1..=1_000).map(organization_id).collect();
        share(&store, 3, SharedWith::Chosen(many)).await;
        assert_eq!(shared_with(&store, 3).await, ids(&[3]));
    }

    async fn keys_of_others_do_not_keep_what_their_provider_deletes(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add_catalog(&store, 1, 1).await;
        let mut guest = key(2, 7);
        (guest.api_sets, guest.operations) = (vec![ApiSetId::from_raw(1)], vec![pattern(1, "issues/*")]);
        add_keys(&store, vec![guest.clone()]).await;
        let mut conn = store.read().await.unwrap();
        let counts = api_sets::in_use_counts(&mut conn, organization_id(1), ApiSetId::from_raw(1)).await.unwrap();
        assert_eq!(counts, InUse { keys_of_others: 1, ..InUse::default() });
        drop(conn);
        transact!(store, scope(1), |tx| async move {
            api_sets::delete(tx, organization_id(1), ApiSetId::from_raw(1)).await?;
            apis::delete(tx, organization_id(1), ApiId::from_raw(1)).await
        }).await.unwrap();
        // The record goes on naming both, and can be changed.
        "changed".clone_into(&mut guest.description);
        update_key(&store, &guest).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(keys::get(&mut conn, organization_id(2), KeyId::from_raw(7)).await.unwrap(), Some(guest.clone()));
        drop(conn);
        // A new key may not name what is not there.
        let mut late = key(2, 8);
        late.api_sets = vec![ApiSetId::from_raw(1)];
        let refused = transact!(store, scope(2), |tx| {
            let late = late.clone();
            async move { keys::insert(tx, &late).await }
        });
        assert!(matches!(refused.await, Err(Error::Refused(_))));
    }

    async fn an_organizations_list_is_stored_once_and_goes_with_its_last_holder(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let list = IpEntries::from(vec![ip("192.0.2.0/24"), ip("2001:db8::/32")]);
        let held = claviger_domain::key::Key { allowed_ips: list.clone(), ..key(1, 1) };
        add_keys(&store, vec![held.clone()]).await;
        save(&store, Organization { allowed_ips: list.clone(), ..organization(1) }).await;
        let count = async || place.number("SELECT COUNT(*) FROM ip_lists").await;
        assert_eq!(count().await, 1);
        let mut conn = store.read().await.unwrap();
        let read = organizations::get(&mut conn, organization_id(1)).await.unwrap().unwrap();
        assert_eq!(read.allowed_ips, list);
        drop(conn);
        // The key's list goes, the organization's stays, and the other way round.
        update_key(&store, &claviger_domain::key::Key { allowed_ips: IpEntries::default(), ..held.clone() }).await.unwrap();
        assert_eq!(count().await, 1);
        update_key(&store, &held).await.unwrap();
        save(&store, organization(1)).await;
        assert_eq!(count().await, 1);
        update_key(&store, &claviger_domain::key::Key { allowed_ips: IpEntries::default(), ..held }).await.unwrap();
        assert_eq!(count().await, 0);
        // A list that is not there is no empty one.
        save(&store, Organization { allowed_ips: list, ..organization(1) }).await;
        place.execute("DELETE FROM ip_lists").await;
        let mut conn = store.read().await.unwrap();
        assert!(matches!(organizations::get(&mut conn, organization_id(1)).await, Err(Error::Unreadable(_))));
    }
}
