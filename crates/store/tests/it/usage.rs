//! Usage and the diagnostic log.

use std::sync::atomic::{AtomicU64, Ordering};

use claviger_domain::change::{Change, LastUse, Object, ObjectRef};
use claviger_domain::testing::FixedRandom;
use claviger_domain::usage::{
    Door, KeyUsage, REFUSALS_PER_KEY, REFUSALS_PER_ORGANIZATION, Refusal, Sighting, UsageBatch, UsageCount,
};
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, RequestId, Timestamp};
use claviger_store::refusals::RefusalFilter;
use claviger_store::usage::Writer;
use claviger_store::{FeedEvent, Page, Store, key_usage, refusals};

use crate::sample::{add_keys, add_organizations, at, key, organization_id};
use crate::stories;

fn sighting(at: Timestamp, code: Code) -> Sighting {
    Sighting {
        at, ip: Some("192.0.2.1".parse().unwrap()), agent: Some("curl/8 é".to_owned()), door: Door::Nginx, code
    }
}

fn key_usage_of(number: u128, used: Option<i64>, refused: Option<i64>, counts: Vec<(i64, Code, u64)>) -> KeyUsage {
    let counts = counts.into_iter().map(|(minute, code, count)| UsageCount {
        minute: at(minute),
        door: Door::Nginx,
        code,
        api: None,
        count,
    });
    KeyUsage {
        key: KeyId::from_raw(number),
        organization: organization_id(1),
        last_used: used.map(|micros| sighting(at(micros), Code::Valid)),
        old_last_used: used.map(at),
        is_news: false,
        elsewhere: Vec::new(),
        last_refused: refused.map(|micros| sighting(at(micros), Code::Expired)),
        counts: counts.collect(),
    }
}

fn refusal(key: Option<u128>, micros: i64) -> Refusal {
    Refusal {
        at: at(micros),
        organization: organization_id(1),
        key: key.map(KeyId::from_raw),
        door: Door::Verify,
        code: Code::OperationNotAllowed,
        check: "unknown API".to_owned(),
        ip: None,
        agent: None,
        method: Some("GET".to_owned()),
        path: Some("/issues/é".to_owned()),
        api: None,
        operation: None,
        request_id: RequestId::from_raw(7),
        passed: false,
    }
}

/// One that is no other.
pub(crate) fn writer() -> Writer {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Writer::new(&FixedRandom::new(NEXT.fetch_add(1, Ordering::Relaxed)))
}

async fn record(store: &Store, keys: Vec<KeyUsage>, refusals: Vec<Refusal>) {
    let batch = UsageBatch { keys, refusals, ..UsageBatch::default() };
    writer().record(store, &batch).await.unwrap();
}

async fn all_refusals(store: &Store, organization: OrganizationId, key: Option<u128>) -> Vec<Refusal> {
    found_refusals(store, organization, key, &RefusalFilter::default(), 70).await
}

async fn found_refusals(
    store: &Store,
    organization: OrganizationId,
    key: Option<u128>,
    filter: &RefusalFilter,
    limit: u32,
) -> Vec<Refusal> {
    let mut conn = store.read().await.unwrap();
    let (mut page, mut all) = (Page::first(limit), Vec::new());
    loop {
        let part = refusals::page(&mut conn, organization, key.map(KeyId::from_raw), filter, &page).await.unwrap();
        all.extend(part.items);
        match part.next {
            Some(next) => page.after = Some(next),
            None => return all,
        }
    }
}

stories! {
    async fn the_newest_sighting_stays(place) {
        let store = place.store().await;
        record(&store, vec![key_usage_of(1, Some(10), None, vec![])], vec![]).await;
        record(&store, vec![key_usage_of(1, Some(5), Some(3), vec![])], vec![]).await;
        record(&store, vec![key_usage_of(1, None, Some(2), vec![]), key_usage_of(2, None, None, vec![])], vec![]).await;
        let asked: Vec<KeyId> = [1, 2, 3].map(KeyId::from_raw).into();
        let found = key_usage::get(&mut store.read().await.unwrap(), &asked).await.unwrap();
        let first = &found[&asked[0]];
        assert_eq!(first.last_used, Some(sighting(at(10), Code::Valid)));
        assert_eq!(first.old_last_used, Some(at(10)));
        assert_eq!(first.last_refused, Some(sighting(at(3), Code::Expired)));
        assert_eq!(found[&asked[1]], key_usage::LastUsage::default());
        assert!(!found.contains_key(&asked[2]));
    }

    async fn counts_add_up(place) {
        let store = place.store().await;
        let counts = || vec![(0, Code::Valid, 3), (0, Code::Expired, 1), (0, Code::Valid, 2)];
        record(&store, vec![key_usage_of(1, None, None, counts()), key_usage_of(1, None, None, counts())], vec![]).await;
        record(&store, vec![key_usage_of(1, None, None, counts())], vec![]).await;
        assert_eq!(place.number("SELECT COUNT(*) FROM usage_counts").await, 2);
        assert_eq!(place.number("SELECT count FROM usage_counts WHERE code = 'VALID'").await, 15);
        assert_eq!(place.number("SELECT count FROM usage_counts WHERE code = 'EXPIRED'").await, 3);
    }

    async fn a_batch_that_is_written_again_counts_once(place) {
        let store = place.store().await;
        let counts = |count| vec![key_usage_of(1, Some(1), Some(1), vec![(0, Code::Valid, count)])];
        let batch = |count| UsageBatch { keys: counts(count), refusals: vec![refusal(Some(1), 1)], ..UsageBatch::default() };
        // Two that call themselves alike: the second stands where the first stood before its COMMIT was answered.
        let (mut first, mut again) = (Writer::new(&FixedRandom::new(9)), Writer::new(&FixedRandom::new(9)));
        first.record(&store, &batch(3)).await.unwrap();
        again.record(&store, &batch(3)).await.unwrap();
        assert_eq!(place.number("SELECT count FROM usage_counts").await, 3);
        assert_eq!(all_refusals(&store, organization_id(1), Some(1)).await.len(), 1);
        again.record(&store, &batch(4)).await.unwrap();
        assert_eq!(place.number("SELECT count FROM usage_counts").await, 7);
        writer().record(&store, &batch(5)).await.unwrap();
        assert_eq!(place.number("SELECT count FROM usage_counts").await, 12, "another writer's batch is another one");
        assert_eq!(place.number("SELECT COUNT(*) FROM usage_writers").await, 2);
    }

    async fn many_keys_at_once_and_from_several_nodes(place) {
        let (here, there) = (place.store().await, place.store().await);
        let batch = |node: i64| (1..=400).map(|number| key_usage_of(number, Some(node), None, vec![(0, Code::Valid, 1)])).collect();
        let (up, mut down): (Vec<_>, Vec<_>) = (batch(1), batch(2));
        down.reverse();
        tokio::join!(record(&here, up, vec![]), record(&there, down, vec![]));
        assert_eq!(place.number("SELECT CAST(SUM(count) AS BIGINT) FROM usage_counts").await, 800);
        let asked: Vec<KeyId> = (1..=400).map(KeyId::from_raw).collect();
        let found = key_usage::get(&mut here.read().await.unwrap(), &asked).await.unwrap();
        assert_eq!(found.len(), 400);
        assert!(found.values().all(|usage| usage.old_last_used == Some(at(2))));
    }

    async fn uses_that_are_news_reach_the_other_nodes_and_a_load(place) {
        let (here, there) = (place.store().await, place.store().await);
        add_organizations(&here, 1).await;
        add_keys(&here, vec![key(1, 1), key(1, 2), key(1, 3)]).await;
        let (mut feed, mut own_feed) = (there.feed(), here.feed());
        for feed in [&mut feed, &mut own_feed] {
            feed.load(|_| {}, |_| {}).await.unwrap();
        }
        let news = |number, used| KeyUsage { is_news: true, ..key_usage_of(number, Some(used), None, vec![]) };
        record(&here, vec![news(1, 10), key_usage_of(2, Some(11), None, vec![]), news(9, 12)], vec![]).await;
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        let of = |number: u128, micros| {
            let (object, digest) = (ObjectRef::LastUse(KeyId::from_raw(number)), key(1, number).secret.digest);
            Change { object, now: Some(Object::LastUse(LastUse { digest, at: at(micros) })) }
        };
        assert_eq!(step.changes, [of(1, 10)], "key 2 is no news, and there is no key 9");
        assert_eq!(place.number("SELECT COUNT(*) FROM changes WHERE kind = 'last_uses'").await, 1, "many keys a row");
        let FeedEvent::Step(own) = own_feed.next().await.unwrap() else { panic!("a step") };
        assert_eq!((own.position, own.changes), (step.position, vec![]), "who wrote them knows them");
        let mut loaded = Vec::new();
        there.feed().load(|changes| loaded.extend(changes), |_| {}).await.unwrap();
        loaded.retain(|change| matches!(change.object, ObjectRef::LastUse(_)));
        loaded.sort_by_key(|change| format!("{:?}", change.object));
        assert_eq!(loaded, [of(1, 10), of(2, 11)]);
    }

    async fn usage_leaves_the_feed_alone(place) {
        let store = place.store().await;
        record(&store, vec![key_usage_of(1, Some(1), Some(1), vec![(0, Code::Valid, 1)])], vec![refusal(Some(1), 1)]).await;
        assert_eq!(place.number("SELECT seq FROM feed_head").await, 0);
    }

    async fn refusals_are_read_newest_first(place) {
        let store = place.store().await;
        record(&store, vec![], vec![refusal(Some(1), 1), refusal(None, 2), refusal(Some(2), 4)]).await;
        let mut second_of_an_instant = refusal(Some(1), 3);
        second_of_an_instant.check = String::from("rotated out");
        record(&store, vec![], vec![refusal(Some(1), 3), second_of_an_instant.clone()]).await;
        let found = all_refusals(&store, organization_id(1), Some(1)).await;
        assert_eq!(found, [second_of_an_instant, refusal(Some(1), 3), refusal(Some(1), 1)]);
        assert_eq!(all_refusals(&store, organization_id(1), None).await, [refusal(None, 2)]);
        assert_eq!(all_refusals(&store, organization_id(2), Some(1)).await, []);
    }

    async fn refusals_are_filtered_searched_and_turned_round(place) {
        let store = place.store().await;
        let mut odd = refusal(None, 3);
        (odd.code, odd.ip, odd.api) = (Code::Expired, Some("2001:db8::1".parse().unwrap()), Some("mail".to_owned()));
        // What others write into a request is no member of the row.
        odd.agent = Some("Ärger \"code\":\"RATE_LIMITED\",\"ip\":\"192.0.2.9\"".to_owned());
        let plain: Vec<Refusal> = (1..=7).filter(|at| *at != 3).map(|at| refusal(None, at)).collect();
        record(&store, vec![], [plain.clone(), vec![odd.clone()]].concat()).await;
        let all = RefusalFilter::default;
        let text = |text: &str| RefusalFilter { text: Some(text.to_owned()), ..all() };
        let from = |from: i64, before: i64| RefusalFilter { from: Some(at(from)), before: Some(at(before)), ..all() };
        let ip = |ip: &str| RefusalFilter { ip: Some(ip.parse().unwrap()), ..all() };
        let code = |code| RefusalFilter { code: Some(code), ..all() };
        let api = |api: &str| RefusalFilter { api: Some(api.to_owned()), ..all() };
        let others = vec![7, 6, 5, 4, 2, 1];
        for (filter, expected) in [
            (all(), vec![7, 6, 5, 4, 3, 2, 1]), (code(Code::Expired), vec![3]), (code(Code::OperationNotAllowed), others.clone()),
            (code(Code::RateLimited), vec![]), (ip("2001:db8::1"), vec![3]), (ip("192.0.2.9"), vec![]), (api("mail"), vec![3]),
            (api("m%"), vec![]), (from(2, 4), vec![3, 2]), (text("ÄRGER"), vec![3]), (text("É"), vec![7, 6, 5, 4, 3, 2, 1]),
            (text("nothing"), vec![]), (RefusalFilter { code: Some(Code::OperationNotAllowed), ..text("unknown api") }, others),
        ] {
            for limit in [1, 3, 100] {
                let at_all = |found: Vec<Refusal>| found.iter().map(|refusal| refusal.at.as_micros()).collect::<Vec<_>>();
                let found = at_all(found_refusals(&store, organization_id(1), None, &filter, limit).await);
                assert_eq!(found, expected.iter().map(|micros| at(*micros).as_micros()).collect::<Vec<_>>(), "{filter:?} {limit}");
                let turned = RefusalFilter { ascending: true, ..filter.clone() };
                let mut turned = at_all(found_refusals(&store, organization_id(1), None, &turned, limit).await);
                turned.reverse();
                assert_eq!(turned, found, "{filter:?} {limit}");
            }
        }
    }

    async fn each_log_is_kept_within_its_bound(place) {
        let store = place.store().await;
        let many = |key: Option<u128>, from: i64, to: i64| (from..to).map(|micros| refusal(key, micros)).collect::<Vec<_>>();
        // Over the bound at once, and by growing.
        record(&store, vec![], many(Some(1), 0, 450)).await;
        record(&store, vec![], many(Some(2), 0, 150)).await;
        record(&store, vec![], many(Some(2), 150, 270)).await;
        record(&store, vec![], many(None, 0, 900)).await;
        record(&store, vec![], many(None, 900, 1_100)).await;
        for (key, last, kept) in [(Some(1), 449, REFUSALS_PER_KEY), (Some(2), 269, REFUSALS_PER_KEY), (None, 1_099, REFUSALS_PER_ORGANIZATION)] {
            let found = all_refusals(&store, organization_id(1), key).await;
            assert_eq!((found.len(), found[0].at), (kept, at(last)));
            assert!(found.is_sorted_by(|newer, older| newer.at > older.at));
        }
        assert_eq!(place.number("SELECT COUNT(*) FROM refusals").await, 1_400);
    }
}
