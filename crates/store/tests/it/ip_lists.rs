//! Lists of addresses: once in an organization, whoever carries them.

use claviger_domain::ip_list::IpEntries;
use claviger_domain::key::Key;
use claviger_store::{Error, Page, Store, keys};

use crate::harness::Place;
use crate::sample::{add_keys, add_organizations, ip, key, organization_id, update_key};
use crate::stories;

fn list(ranges: &[&str]) -> IpEntries {
    ranges.iter().map(|range| ip(range)).collect()
}

fn with_list(organization: u128, number: u128, ranges: &[&str]) -> Key {
    Key { allowed_ips: list(ranges), ..key(organization, number) }
}

async fn rows(place: &Place) -> i64 {
    place.number("SELECT COUNT(*) FROM ip_lists").await
}

/// All lists as a load, a page and a look-up read them.
async fn read(store: &Store, organization: u128) -> [Vec<IpEntries>; 3] {
    let mut loaded = Vec::new();
    let add = |chunk: Vec<claviger_domain::change::Change>| {
        loaded.extend(chunk.into_iter().filter_map(|change| match change.now {
            Some(claviger_domain::change::Object::Key(key)) => Some((key.id, key.allowed_ips)),
            _ => None,
        }));
    };
    store.feed().load(add, |_| ()).await.unwrap();
    loaded.sort_by_key(|(id, _)| *id);
    let mut conn = store.read().await.unwrap();
    let filter = keys::KeyFilter { sort: keys::KeySort::Oldest, ..keys::KeyFilter::default() };
    let listed = keys::list(&mut conn, organization_id(organization), &filter, &Page::default()).await.unwrap();
    let ids: Vec<_> = loaded.iter().map(|(id, _)| *id).collect();
    let mut found = keys::find_many(&mut conn, &ids).await.unwrap();
    found.sort_by_key(|key| key.id);
    [
        loaded.into_iter().map(|(_, list)| list).collect(),
        listed.items.into_iter().map(|key| key.allowed_ips).collect(),
        found.into_iter().map(|key| key.allowed_ips).collect(),
    ]
}

stories! {
    async fn a_list_is_stored_once_while_any_key_of_the_organization_has_it(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let (one, other) = (&["192.0.2.0/24", "2001:db8::/32"], &["203.0.113.7"]);
        add_keys(&store, vec![with_list(1, 1, one), with_list(1, 2, one), with_list(1, 3, other), key(1, 4)]).await;
        assert_eq!(rows(&place).await, 2);
        for lists in read(&store, 1).await {
            assert_eq!(lists, [list(one), list(one), list(other), list(&[])]);
        }
        // Another organization's list is its own, though it holds the same.
        add_keys(&store, vec![with_list(2, 5, one)]).await;
        assert_eq!(rows(&place).await, 3);

        update_key(&store, &with_list(1, 1, other)).await.unwrap();
        assert_eq!(rows(&place).await, 3, "key 2 still has it");
        update_key(&store, &with_list(1, 2, &[])).await.unwrap();
        assert_eq!(rows(&place).await, 2, "nobody in organization 1 has it any more");
        update_key(&store, &with_list(1, 4, one)).await.unwrap();
        assert_eq!(rows(&place).await, 3);
        for lists in read(&store, 1).await {
            assert_eq!(lists[..4], [list(other), list(&[]), list(other), list(one)]);
        }
    }

    async fn a_row_with_its_list_inside_is_read_and_written_anew(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_keys(&store, vec![key(1, 1)]).await;
        // As programs from before schema 3 wrote it.
        let inline = r#","allowed_ips":["203.0.113.0/24",{"range":"2001:db8::1","label":"office","until":null}],"#;
        place.execute(format!("UPDATE keys SET record = REPLACE(record, ',\"created_by\"', '{inline}\"created_by\"')")).await;
        let plain = |text: &str| claviger_domain::ip_list::IpEntry { label: None, until: None, ..ip(text) };
        let mut second = plain("2001:db8::1");
        second.label = Some("office".into());
        let expected: IpEntries = vec![plain("203.0.113.0/24"), second].into();
        for lists in read(&store, 1).await {
            assert_eq!(lists, std::slice::from_ref(&expected));
        }
        assert_eq!(rows(&place).await, 0);
        let unchanged = keys::get(&mut store.read().await.unwrap(), organization_id(1), key(1, 1).id).await.unwrap();
        update_key(&store, &unchanged.unwrap()).await.unwrap();
        assert_eq!(rows(&place).await, 1);
        assert_eq!(place.number("SELECT COUNT(*) FROM keys WHERE record LIKE '%203.0.113%'").await, 0);
        for lists in read(&store, 1).await {
            assert_eq!(lists, std::slice::from_ref(&expected));
        }
    }

    async fn a_key_whose_list_is_gone_is_refused_and_not_opened_to_all(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_keys(&store, vec![with_list(1, 1, &["203.0.113.7"])]).await;
        place.execute("DELETE FROM ip_lists").await;
        let read = keys::find(&mut store.read().await.unwrap(), key(1, 1).id).await;
        assert!(matches!(read, Err(Error::Unreadable(_))), "{read:?}");
        assert!(matches!(store.feed().load(|_| (), |_| ()).await, Err(Error::Unreadable(_))));
    }
}
