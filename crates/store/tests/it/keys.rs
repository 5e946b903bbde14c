//! Keys, their values and their lists.

use claviger_domain::approval::{Approval, Approved};
use claviger_domain::change::Position;
use claviger_domain::credential::Environment;
use claviger_domain::key::{Disabled, EndedSecret, Key, Overlap, Owner, State, Term};
use claviger_domain::policy::{Lifetime, Policy};
use claviger_domain::rules::Rules;
use claviger_domain::usage::{Door, KeyUsage, Sighting, UsageBatch};
use claviger_domain::verdict::Code;
use claviger_domain::{ApiSetId, KeyId, Timestamp, UserId};
use claviger_store::keys::{DigestMatch, KeyFilter, KeySort, Standing, TermFilter};
use claviger_store::{Conn, Error, Page, Store, Taken, apis, keys};

use crate::harness::START;
use crate::sample::{
    actor, add_catalog, add_keys, add_organizations, at, ip, key, limit, organization_id, pattern, scope, secret,
    update_key,
};
use crate::usage::writer;
use crate::{stories, transact};

async fn stored(store: &Store, key: &Key) -> Key {
    keys::get(&mut store.read().await.unwrap(), key.organization, key.id).await.unwrap().unwrap()
}

async fn names(conn: &mut Conn, filter: &KeyFilter) -> Vec<String> {
    let listed = keys::list(conn, organization_id(1), filter, &Page::default()).await.unwrap();
    listed.items.iter().map(|key| key.name.to_string()).collect()
}

async fn try_insert(store: &Store, key: Key) -> Result<(), Error> {
    let scope = claviger_store::Scope::Organization(key.organization);
    transact!(store, scope, |tx| {
        let key = key.clone();
        async move { keys::insert(tx, &key).await }
    })
    .await
    .map(|_| ())
}

fn day(days: i64) -> Timestamp {
    at(days * 86_400_000_000)
}

fn used(number: u128, at: Timestamp, is_news: bool) -> KeyUsage {
    KeyUsage {
        key: KeyId::from_raw(number),
        organization: organization_id(1),
        last_used: Some(Sighting { at, ip: None, agent: None, door: Door::Verify, code: Code::Valid }),
        old_last_used: None,
        is_news,
        elsewhere: Vec::new(),
        last_refused: None,
        counts: Vec::new(),
    }
}

stories! {
    async fn keys_that_nobody_used_or_that_a_cap_ended_are_found_by_their_state(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut records: Vec<Key> = (1..=7).map(|number| key(1, number)).collect();
        records[1].idle_exempt = true;
        records[2].idle_from = Some(day(20));
        records[3].owner = Owner::User(UserId::from_raw(4));
        records[5].not_before = Some(day(20));
        records[6].expires_at = Some(day(10));
        add_keys(&store, records).await;
        let batch = UsageBatch { keys: vec![used(5, day(20), false)], ..UsageBatch::default() };
        writer().record(&store, &batch).await.unwrap();

        let mut policy = Policy { idle_days: 30, ..Policy::default() };
        policy.max_lifetime.user = Some(Lifetime::Days(10));
        let rules = Rules::new(&policy, "UTC");
        let mut conn = store.read().await.unwrap();
        let at_day = |days| KeyFilter { now: day(days), rules: rules.clone(), sort: KeySort::Oldest, ..KeyFilter::default() };
        for (days, state, expected) in [
            (29, State::Active, vec!["key 1", "key 2", "key 3", "key 5", "key 6"]),
            (29, State::Disabled, vec![]),
            (29, State::Expired, vec!["key 4", "key 7"]),
            (31, State::Active, vec!["key 2", "key 3", "key 5", "key 6"]),
            // Both rules have passed: the caller tells which came first.
            (31, State::Disabled, vec!["key 1", "key 4", "key 7"]),
            (31, State::Expired, vec!["key 4", "key 7"]),
            (51, State::Active, vec!["key 2"]),
            (15, State::NotYetValid, vec!["key 6"]),
        ] {
            let filter = KeyFilter { state: Some(state), ..at_day(days) };
            assert_eq!(names(&mut conn, &filter).await, expected, "{state:?} on day {days}");
        }
        let unused = TermFilter { idle_at: Some((rules.clone(), day(31))), after: None };
        let terms = keys::terms(&mut conn, organization_id(1), &unused, 2).await.unwrap();
        assert_eq!(terms.iter().map(|term| term.id.as_raw()).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(terms[1].term, Term { owner: Owner::User(UserId::from_raw(4)), ..key(1, 4).term(None) });
        let rest = TermFilter { after: Some((terms[1].term.created_at, terms[1].id)), ..unused };
        let terms = keys::terms(&mut conn, organization_id(1), &rest, 2).await.unwrap();
        assert_eq!(terms.iter().map(|term| term.id.as_raw()).collect::<Vec<_>>(), [7]);
        let all = keys::terms(&mut conn, organization_id(1), &TermFilter::default(), 100).await.unwrap();
        assert_eq!(all.len(), 7);
        assert_eq!(all[4].term.last_used, Some(day(20)));
        let count = |enough| (organization_id(1), Owner::Organization(organization_id(1)), enough);
        for (enough, expected) in [(100, 6), (6, 6), (5, 5), (0, 0)] {
            let (organization, owner, enough) = count(enough);
            assert_eq!(keys::count_of_owner(&mut conn, organization, &owner, enough).await.unwrap(), expected);
        }
        let owner = Owner::Organization(organization_id(1));
        let first = keys::first_of_owner(&mut conn, organization_id(1), &owner).await.unwrap();
        assert_eq!(first, Some((key(1, 1).id, key(1, 1).secret.hint)), "by name");
        let nobody = Owner::User(UserId::from_raw(99));
        assert_eq!(keys::first_of_owner(&mut conn, organization_id(1), &nobody).await.unwrap(), None);
    }

    async fn a_key_is_read_as_it_was_written(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add_catalog(&store, 1, 1).await;
        let mut full = key(1, 1);
        full.description = String::from("Line one\nline two");
        (full.environment, full.external_id) = (Environment::Test, Some("customer 7".to_owned()));
        (full.api_sets, full.operations) = (vec![ApiSetId::from_raw(1)], vec![pattern(1, "issues/*")]);
        full.allowed_ips = vec![ip("192.0.2.0/24"), ip("2001:db8::/32")].into();
        (full.not_before, full.expires_at) = (Some(at(1)), Some(at(2)));
        (full.idle_exempt, full.idle_from) = (true, Some(at(4)));
        full.limits = vec![limit()];
        let approved = Some(Approved { at: at(6), by: actor(), reason: Some("agreed".to_owned()) });
        full.approval = Some(Approval { approved, ..Approval::asked(actor(), &[UserId::from_raw(3)], at(5)) });
        full.tags = vec!["a".to_owned(), "É".to_owned()];
        full.metadata.insert("plan".to_owned(), serde_json::json!({ "seats": [1, 2] }));
        full.disabled = Some(Disabled { at: at(3), by: actor(), reason: Some("leaked".to_owned()) });
        add_keys(&store, vec![full.clone(), key(1, 2)]).await;
        assert_eq!(stored(&store, &full).await, full);
        assert_eq!(stored(&store, &key(1, 2)).await, key(1, 2));
        let mut conn = store.read().await.unwrap();
        assert_eq!(keys::get(&mut conn, organization_id(2), full.id).await.unwrap(), None, "another organization's");
        assert_eq!(keys::count_using_set(&mut conn, ApiSetId::from_raw(1)).await.unwrap(), 1);
        assert_eq!(keys::count_using_api(&mut conn, claviger_domain::ApiId::from_raw(1)).await.unwrap(), 1);
        drop(conn);

        let mut changed = key(1, 1);
        (changed.name, changed.version, changed.updated_at) = ("renamed".parse().unwrap(), 2, at(9));
        update_key(&store, &changed).await.unwrap();
        assert_eq!(stored(&store, &changed).await, changed);
        let mut conn = store.read().await.unwrap();
        assert_eq!(keys::count_using_set(&mut conn, ApiSetId::from_raw(1)).await.unwrap(), 0);
        assert_eq!(keys::count(&mut conn, organization_id(1)).await.unwrap(), 2);
    }

    async fn keys_added_together_are_all_there_or_none_is(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_catalog(&store, 1, 1).await;
        let records: Vec<Key> = (1..=75)
            .map(|number| {
                let mut record = key(1, number);
                record.api_sets = vec![ApiSetId::from_raw(1), ApiSetId::from_raw(1)];
                record.operations = vec![pattern(1, "issues/*"), pattern(1, "repos/get")];
                record.allowed_ips = vec![ip(["192.0.2.0/24", "2001:db8::/32"][(number % 2) as usize])].into();
                record
            })
            .collect();
        let with = |at: usize, change: &dyn Fn(&mut Key, &Key)| {
            let mut changed = records.clone();
            let first = changed[0].clone();
            change(&mut changed[at], &first);
            changed
        };
        // In the same statement as the first, and in a later one.
        for at in [9, 74] {
            for (records, taken) in [
                (with(at, &|key, first| key.name = first.name.clone()), Taken::Name),
                (with(at, &|key, first| key.secret = first.secret.clone()), Taken::Digest),
                (with(at, &|key, first| key.id = first.id), Taken::Id),
            ] {
                let result = transact!(store, scope(1), |tx| {
                    let records = records.clone();
                    async move { keys::insert_all(tx, &records).await }
                });
                assert_eq!(result.await.map(|_| ()), Err(Error::Taken(taken)), "{at}");
            }
        }
        assert_eq!(keys::count(&mut store.read().await.unwrap(), organization_id(1)).await, Ok(0));
        add_keys(&store, records.clone()).await;
        for record in &records {
            assert_eq!(stored(&store, record).await, *record);
        }
        let mut conn = store.read().await.unwrap();
        assert_eq!(keys::count_using_set(&mut conn, ApiSetId::from_raw(1)).await, Ok(75));
        assert_eq!(keys::count_using_api(&mut conn, claviger_domain::ApiId::from_raw(1)).await, Ok(75));
        let found = keys::by_digest(&mut conn, &records[74].secret.digest).await.unwrap();
        assert_eq!(found.map(|found| (found.key, found.standing)), Some((records[74].id, Standing::Current)));
    }

    async fn a_name_is_taken_once_per_owner_among_the_living(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let mut first = key(1, 1);
        first.name = "École".parse().unwrap();
        add_keys(&store, vec![first.clone(), key(1, 2)]).await;
        let mut twin = key(1, 3);
        twin.name = "éCOLE".parse().unwrap();
        assert_eq!(try_insert(&store, twin.clone()).await, Err(Error::Taken(Taken::Name)));
        let mut renamed = key(1, 2);
        renamed.name = twin.name.clone();
        assert_eq!(update_key(&store, &renamed).await, Err(Error::Taken(Taken::Name)));
        let mut elsewhere = key(2, 4);
        elsewhere.name = twin.name.clone();
        try_insert(&store, elsewhere).await.unwrap();
        let mut owned = key(1, 5);
        (owned.name, owned.owner) = (twin.name.clone(), Owner::User(claviger_domain::UserId::from_raw(1)));
        try_insert(&store, owned.clone()).await.unwrap();
        assert_eq!(stored(&store, &owned).await.owner, owned.owner);
        first.deleted_at = Some(at(1));
        update_key(&store, &first).await.unwrap();
        try_insert(&store, twin).await.unwrap();
    }

    async fn values_are_found_by_digest_through_rotation_and_deletion(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_keys(&store, vec![key(1, 1)]).await;
        let standing = async |number| {
            let mut conn = store.read().await.unwrap();
            let found = keys::by_digest(&mut conn, &secret(number).digest).await.unwrap();
            found.map(|DigestMatch { key, standing, .. }| (key, standing))
        };
        let id = KeyId::from_raw(1);
        assert_eq!(standing(1).await, Some((id, Standing::Current)));
        assert_eq!(standing(100).await, None);

        let mut rotated = key(1, 1);
        rotated.secret = secret(100);
        rotated.overlap = Some(Overlap { secret: secret(1), valid_until: at(50) });
        update_key(&store, &rotated).await.unwrap();
        assert_eq!(stored(&store, &rotated).await, rotated);
        assert_eq!(standing(1).await, Some((id, Standing::Overlapping)));
        assert_eq!(standing(100).await, Some((id, Standing::Current)));

        (rotated.overlap, rotated.updated_at) = (None, at(60));
        rotated.ended = vec![EndedSecret { digest: secret(1).digest, ended_at: at(55) }];
        update_key(&store, &rotated).await.unwrap();
        assert_eq!(stored(&store, &rotated).await, rotated);
        assert_eq!(standing(1).await, Some((id, Standing::Ended)));

        // A rotation that forgets to list the old value ends it all the same.
        (rotated.secret, rotated.updated_at) = (secret(101), at(70));
        update_key(&store, &rotated).await.unwrap();
        assert_eq!(standing(100).await, Some((id, Standing::Ended)));
        assert_eq!(stored(&store, &rotated).await.ended.len(), 2);

        rotated.deleted_at = Some(at(80));
        update_key(&store, &rotated).await.unwrap();
        assert_eq!(stored(&store, &rotated).await.deleted_at, Some(at(80)));
        assert_eq!(standing(101).await, Some((id, Standing::Current)), "of a deleted key");
    }

    async fn a_value_is_never_issued_again(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let mut first = key(1, 1);
        add_keys(&store, vec![first.clone()]).await;
        let again = |organization, number| {
            let mut again = key(organization, number);
            again.secret = secret(1);
            again
        };
        assert_eq!(try_insert(&store, again(1, 2)).await, Err(Error::Taken(Taken::Digest)), "in use");
        assert_eq!(try_insert(&store, again(2, 2)).await, Err(Error::Taken(Taken::Digest)), "another organization's");
        first.secret = secret(100);
        first.ended = vec![EndedSecret { digest: secret(1).digest, ended_at: at(1) }];
        update_key(&store, &first).await.unwrap();
        assert_eq!(try_insert(&store, again(1, 2)).await, Err(Error::Taken(Taken::Digest)), "rotated out");
        first.deleted_at = Some(at(2));
        update_key(&store, &first).await.unwrap();
        assert_eq!(try_insert(&store, again(1, 2)).await, Err(Error::Taken(Taken::Digest)), "rotated out and deleted");
        let mut last = key(1, 3);
        last.secret = secret(100);
        assert_eq!(try_insert(&store, last).await, Err(Error::Taken(Taken::Digest)), "deleted");
        // Its own old value does not come back either.
        (first.secret, first.ended) = (secret(1), Vec::new());
        assert_eq!(update_key(&store, &first).await, Err(Error::Taken(Taken::Digest)));
        assert_eq!(keys::count(&mut store.read().await.unwrap(), organization_id(1)).await.unwrap(), 0);
    }

    async fn lists_are_filtered(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add_catalog(&store, 1, 1).await;
        let mut records: Vec<Key> = (1..=6).map(|number| key(1, number)).collect();
        records[0].deleted_at = Some(START);
        records[1].disabled = Some(Disabled { at: START, by: actor(), reason: None });
        records[1].expires_at = Some(START);
        records[2].expires_at = Some(START);
        records[2].not_before = Some(at(1));
        records[3].not_before = Some(at(1));
        (records[4].environment, records[4].api_sets) = (Environment::Test, vec![ApiSetId::from_raw(1)]);
        (records[4].external_id, records[4].tags) = (Some("C-1".to_owned()), vec!["Straße_1".to_owned()]);
        (records[5].created_by.id, records[5].not_before) = (Some("usr_x".to_owned()), Some(START));
        add_keys(&store, records).await;
        add_keys(&store, vec![key(2, 20)]).await;
        let refused = Sighting { at: at(30), ip: None, agent: None, door: Door::Verify, code: Code::Expired };
        let third = KeyUsage { last_refused: Some(refused), ..used(3, at(20), false) };
        let batch = UsageBatch { keys: vec![used(2, at(10), false), third], ..UsageBatch::default() };
        writer().record(&store, &batch).await.unwrap();

        let mut conn = store.read().await.unwrap();
        let idle = std::time::Duration::from_hours(24 * 90);
        let base = KeyFilter { now: START, sort: KeySort::Oldest, ..KeyFilter::default() };
        assert_eq!(names(&mut conn, &base).await, ["key 2", "key 3", "key 4", "key 5", "key 6"]);
        let states = [
            (State::Deleted, vec!["key 1"]),
            (State::Disabled, vec!["key 2"]),
            (State::Expired, vec!["key 3"]),
            (State::NotYetValid, vec!["key 4"]),
            (State::Active, vec!["key 5", "key 6"]),
            (State::Pending, vec![]),
        ];
        for (state, expected) in states {
            assert_eq!(names(&mut conn, &KeyFilter { state: Some(state), ..base.clone() }).await, expected, "{state:?}");
        }
        let cases = [
            (KeyFilter { environment: Some(Environment::Test), ..base.clone() }, vec!["key 5"]),
            (KeyFilter { api_set: Some(ApiSetId::from_raw(1)), ..base.clone() }, vec!["key 5"]),
            (KeyFilter { external_id: Some("C-1".to_owned()), ..base.clone() }, vec!["key 5"]),
            (KeyFilter { text: Some("STRASSE_1".to_owned()), ..base.clone() }, vec!["key 5"]),
            (KeyFilter { text: Some("KEY 6".to_owned()), ..base.clone() }, vec!["key 6"]),
            (KeyFilter { text: Some("key_6".to_owned()), ..base.clone() }, vec![]),
            (KeyFilter { creator: Some("usr_x".to_owned()), ..base.clone() }, vec!["key 6"]),
            (KeyFilter { owner: Some(Owner::Organization(organization_id(2))), ..base.clone() }, vec![]),
            (KeyFilter { created_from: Some(at(5)), ..base.clone() }, vec!["key 5", "key 6"]),
            (KeyFilter { created_before: Some(at(3)), ..base.clone() }, vec!["key 2"]),
            (KeyFilter { used_from: Some(at(20)), ..base.clone() }, vec!["key 3"]),
            (KeyFilter { used_before: Some(at(20)), ..base.clone() }, vec!["key 2", "key 4", "key 5", "key 6"]),
            (KeyFilter { refused_from: Some(at(30)), ..base.clone() }, vec!["key 3"]),
            (KeyFilter { refused_from: Some(at(31)), ..base.clone() }, vec![]),
            (KeyFilter { ends_by: Some(START), ..base.clone() }, vec!["key 2", "key 3"]),
            (KeyFilter { ends_by: Some(at(3).saturating_add(idle)), ..base.clone() }, vec!["key 2", "key 3"]),
            (KeyFilter { ends_by: Some(at(4).saturating_add(idle)), ..base.clone() }, vec!["key 2", "key 3", "key 4"]),
        ];
        for (filter, expected) in cases {
            assert_eq!(names(&mut conn, &filter).await, expected, "{filter:?}");
        }
    }

    async fn keys_that_wait_for_approval_are_found_as_such_alone_and_do_not_go_idle(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let asked = Approval::asked(actor(), &[], at(2));
        let approved = Some(Approved { at: at(3), by: actor(), reason: None });
        let mut records: Vec<Key> = (1..=6).map(|number| key(1, number)).collect();
        for record in &mut records[..5] {
            record.approval = Some(asked.clone());
        }
        records[1].disabled = Some(Disabled { at: START, by: actor(), reason: None });
        records[2].deleted_at = Some(START);
        (records[3].expires_at, records[3].not_before) = (Some(START), Some(at(9)));
        records[4].approval = Some(Approval { approved: approved.clone(), ..asked.clone() });
        add_keys(&store, records.clone()).await;
        add_keys(&store, vec![Key { approval: Some(asked.clone()), ..key(2, 20) }]).await;
        let states = [
            (State::Pending, vec!["key 1", "key 4"]),
            (State::Disabled, vec!["key 2"]),
            (State::Expired, vec![]),
            (State::NotYetValid, vec![]),
            (State::Active, vec!["key 5", "key 6"]),
        ];
        let base = KeyFilter { now: at(5), sort: KeySort::Oldest, ..KeyFilter::default() };
        for (state, expected) in states {
            let filter = KeyFilter { state: Some(state), ..base.clone() };
            assert_eq!(names(&mut store.read().await.unwrap(), &filter).await, expected, "{state:?}");
        }
        let late = at(10_000_000_000_000);
        let idle = KeyFilter { now: late, state: Some(State::Disabled), ..base.clone() };
        let gone = names(&mut store.read().await.unwrap(), &idle).await;
        assert_eq!(gone, ["key 2", "key 5", "key 6"], "those that wait do not go idle");
        let unused = TermFilter { idle_at: Some((Rules::default(), late)), after: None };
        let terms = keys::terms(&mut store.read().await.unwrap(), organization_id(1), &unused, 10).await.unwrap();
        let ids: Vec<KeyId> = terms.iter().map(|term| term.id).collect();
        assert_eq!(ids, [records[4].id, records[5].id]);
        // Approved, it is found no more.
        let first = Key { approval: Some(Approval { approved, ..asked }), ..records[0].clone() };
        update_key(&store, &first).await.unwrap();
        let waiting = KeyFilter { state: Some(State::Pending), ..base };
        assert_eq!(names(&mut store.read().await.unwrap(), &waiting).await, ["key 4"]);
    }

    async fn lists_are_paged_in_every_order(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        // Ties of creation and names that sort differently by locale.
        let records: Vec<Key> = (1..=25u128)
            .map(|number| {
                let mut record = key(1, number);
                record.created_at = at(i64::try_from(number / 4).unwrap());
                record.name = format!("{} {number}", ["é", "e", "Z", "a_"][(number % 4) as usize]).parse().unwrap();
                record
            })
            .collect();
        add_keys(&store, records.clone()).await;
        let mut conn = store.read().await.unwrap();
        for sort in [KeySort::Newest, KeySort::Oldest, KeySort::Name, KeySort::NameDescending] {
            let filter = KeyFilter { sort, ..KeyFilter::default() };
            let mut expected = records.clone();
            match sort {
                KeySort::Newest | KeySort::Oldest => expected.sort_by_key(|key| (key.created_at, key.id)),
                _ => expected.sort_by_key(|key| (key.name.search_form(), key.id)),
            }
            if matches!(sort, KeySort::Newest | KeySort::NameDescending) {
                expected.reverse();
            }
            let (mut page, mut listed) = (Page::first(4), Vec::new());
            loop {
                let part = keys::list(&mut conn, organization_id(1), &filter, &page).await.unwrap();
                assert!(part.items.len() <= 4);
                listed.extend(part.items);
                match part.next {
                    Some(next) => page.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(listed, expected, "{sort:?}");
        }
    }

    async fn a_key_of_no_organization_is_refused_whole(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        assert_eq!(try_insert(&store, key(9, 1)).await, Err(Error::NotFound));
        assert_eq!(update_key(&store, &key(1, 1)).await, Err(Error::NotFound));
        let mut stranger = key(1, 1);
        stranger.api_sets = vec![ApiSetId::from_raw(77)];
        assert!(matches!(try_insert(&store, stranger).await, Err(Error::Refused(_))), "an unknown set");
        let unchanged = transact!(store, scope(1), |tx| async move { apis::count(tx, organization_id(1)).await }).await;
        assert_eq!(unchanged.unwrap().position, None::<Position>);
        assert_eq!(keys::find(&mut store.read().await.unwrap(), KeyId::from_raw(1)).await, Ok(None));
    }
}
