//! How many keys owners have, and which keys have a name in common.

use claviger_domain::key::{Key, Owner};
use claviger_domain::{ApplicationId, KeyId, UserId};
use claviger_store::keys;
use claviger_store::keys::OwnersAbove;

use crate::sample::{add_keys, add_organizations, at, key, organization_id};
use crate::stories;

fn of(owner: Owner, number: u128) -> Key {
    Key { owner, ..key(1, number) }
}

stories! {
    async fn owners_with_more_keys_than_a_bound_are_counted_and_the_first_named(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let user = |number| Owner::User(UserId::from_raw(number));
        let mut records: Vec<Key> = (1..=3).map(|number| of(user(1), number)).collect();
        records.extend((4..=8).map(|number| of(user(2), number)));
        records.push(of(user(3), 9));
        records.push(of(Owner::Application(ApplicationId::from_raw(1)), 10));
        records.extend((11..=12).map(|number| of(Owner::Organization(organization_id(1)), number)));
        // Neither a deleted key nor another organization's counts.
        records.push(Key { deleted_at: Some(at(1)), ..of(user(3), 13) });
        records.push(key(2, 14));
        add_keys(&store, records).await;
        let mut conn = store.read().await.unwrap();
        for (kind, bound, limit, count, first) in [
            ("user", 0, 10, 3, vec![(user(2), 5), (user(1), 3), (user(3), 1)]),
            ("user", 1, 10, 2, vec![(user(2), 5), (user(1), 3)]),
            ("user", 1, 1, 2, vec![(user(2), 5)]),
            ("user", 5, 10, 0, vec![]),
            ("application", 0, 10, 1, vec![(Owner::Application(ApplicationId::from_raw(1)), 1)]),
            ("organization", 1, 10, 1, vec![(Owner::Organization(organization_id(1)), 2)]),
            ("organization", u32::MAX, 10, 0, vec![]),
        ] {
            let above = keys::owners_above(&mut conn, organization_id(1), kind, bound, limit).await.unwrap();
            assert_eq!(above, OwnersAbove { count, first }, "{kind} above {bound}");
        }
    }

    async fn keys_that_have_a_name_in_common_are_found(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let named = |organization, number, name: &str, owner| {
            Key { name: name.parse().unwrap(), owner, ..key(organization, number) }
        };
        let [own, user, other] = [Owner::Organization(organization_id(1)), Owner::User(UserId::from_raw(1)), Owner::User(UserId::from_raw(2))];
        let gone = Key { deleted_at: Some(at(1)), ..named(1, 6, "Alone", user) };
        let elsewhere = named(2, 7, "Alone", Owner::Organization(organization_id(2)));
        add_keys(&store, vec![
            named(1, 1, "École", own), named(1, 2, "éCOLE", user), named(1, 3, "ÉCOLE", other),
            named(1, 4, "Alone", own), named(1, 5, "apple", own), gone, elsewhere, named(1, 8, "Apple", user),
        ]).await;
        let mut conn = store.read().await.unwrap();
        let ids = |numbers: &[u128]| numbers.iter().map(|number| KeyId::from_raw(*number)).collect::<Vec<_>>();
        assert_eq!(keys::namesakes(&mut conn, organization_id(1), 10).await.unwrap(), (5, ids(&[5, 8, 1, 2, 3])));
        assert_eq!(keys::namesakes(&mut conn, organization_id(1), 3).await.unwrap(), (5, ids(&[5, 8, 1])));
        assert_eq!(keys::namesakes(&mut conn, organization_id(2), 10).await.unwrap(), (0, Vec::new()));
        for (name, except, found) in [
            ("école", 1, Some((2, user))), ("école", 2, Some((1, own))), ("alone", 4, None), ("alone", 9, Some((4, own))), ("nobody", 1, None),
        ] {
            let namesake = keys::namesake(&mut conn, organization_id(1), name, KeyId::from_raw(except)).await.unwrap();
            assert_eq!(namesake, found.map(|(id, owner)| (KeyId::from_raw(id), owner)), "{name} beside {except}");
        }
    }
}
