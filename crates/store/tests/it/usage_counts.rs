//! Requests by owner, API, set and key over time, the rights that keys used, and how both are trimmed.

use std::time::Duration;

use claviger_domain::key::{Key, Owner};
use claviger_domain::testing::FixedRandom;
use claviger_domain::usage::{
    DAY_MICROS, Door, HOUR_MICROS, KeyUsage, RIGHTS_PER_KEY, Right, Subject, UsageBatch, UsageCount, UsedRight,
};
use claviger_domain::verdict::Code;
use claviger_domain::{ApiId, ApiSetId, KeyId, Timestamp};
use claviger_store::Store;
use claviger_store::usage::{
    Kept, Span, Step, TopFilter, Writer, rights_of, series, since, subjects_of, top, trim, trim_keys,
};

use crate::harness::START;
use crate::sample::{add_catalog, add_keys, add_organizations, key, organization_id};
use crate::stories;
use crate::usage::writer;

const MINUTE: i64 = 60_000_000;

fn count(at: i64, code: Code, api: Option<u128>, count: u64) -> UsageCount {
    UsageCount { minute: Timestamp::from_micros(at), door: Door::Nginx, code, api: api.map(ApiId::from_raw), count }
}

fn used(number: u128, organization: u128, counts: Vec<UsageCount>) -> KeyUsage {
    KeyUsage {
        key: KeyId::from_raw(number),
        organization: organization_id(organization),
        last_used: None,
        old_last_used: None,
        is_news: false,
        elsewhere: Vec::new(),
        last_refused: None,
        counts,
    }
}

/// Writes what keys did as a server does it: what is not by key in a batch of its own.
async fn record(store: &Store, keys: Vec<KeyUsage>) {
    let subjects = subjects_of(store, &keys).await.unwrap();
    let mut writer = writer();
    writer.record(store, &UsageBatch { keys, ..UsageBatch::default() }).await.unwrap();
    writer.record(store, &UsageBatch { subjects, ..UsageBatch::default() }).await.unwrap();
}

async fn counted(store: &Store, organization: u128, subject: Subject, step: Step) -> Vec<(i64, Code, u64)> {
    let day = START.as_micros() / DAY_MICROS * DAY_MICROS;
    let span = Span {
        step,
        from: Timestamp::from_micros(day),
        before: Timestamp::from_micros(day + if step == Step::Minute { HOUR_MICROS * 12 } else { 2 * DAY_MICROS }),
    };
    let mut conn = store.read().await.unwrap();
    let mut found: Vec<_> = series(&mut conn, organization_id(organization), subject, &span)
        .await
        .unwrap()
        .into_iter()
        .map(|it| ((it.at.as_micros() - day) / MINUTE, it.code, it.count))
        .collect();
    found.sort_unstable();
    found
}

/// The day of the tests' clock.
fn day() -> i64 {
    START.as_micros() / DAY_MICROS * DAY_MICROS
}

async fn with_keys(store: &Store) {
    add_organizations(store, 2).await;
    add_catalog(store, 1, 1).await;
    let holder = Key { api_sets: vec![ApiSetId::from_raw(1)], ..key(1, 1) };
    add_keys(store, vec![holder, key(1, 2), key(2, 3)]).await;
}

stories! {
    async fn requests_are_counted_by_each_subject_for_itself_and_in_every_step(place) {
        let store = place.store().await;
        with_keys(&store).await;
        let (first, later) = (day() + 5 * MINUTE, day() + 65 * MINUTE);
        record(&store, vec![
            used(1, 1, vec![count(first, Code::Valid, Some(1), 3), count(later, Code::RateLimited, None, 2)]),
            used(2, 1, vec![count(first, Code::Valid, Some(1), 4)]),
            // A guest of the organization whose API it is.
            used(3, 2, vec![count(first, Code::Valid, Some(1), 10)]),
        ]).await;
        let (valid, limited) = (Code::Valid, Code::RateLimited);
        let home = Subject::Owner(Owner::Organization(organization_id(1)));
        assert_eq!(counted(&store, 1, home, Step::Minute).await, [(5, valid, 7), (65, limited, 2)]);
        assert_eq!(counted(&store, 1, home, Step::Hour).await, [(0, valid, 7), (60, limited, 2)]);
        assert_eq!(counted(&store, 1, home, Step::Day).await, [(0, limited, 2), (0, valid, 7)]);
        let api = Subject::Api(ApiId::from_raw(1));
        assert_eq!(counted(&store, 1, api, Step::Hour).await, [(0, valid, 17)], "guests too, whoever they are");
        assert_eq!(counted(&store, 2, api, Step::Minute).await, [(5, valid, 10)], "its own alone");
        assert_eq!(counted(&store, 1, Subject::All, Step::Hour).await, [(0, valid, 7), (60, limited, 2)]);
        let key = Subject::Key(KeyId::from_raw(1));
        assert_eq!(counted(&store, 1, key, Step::Hour).await, [(0, valid, 3), (60, limited, 2)]);
        assert_eq!(counted(&store, 1, key, Step::Day).await, [(0, limited, 2), (0, valid, 3)]);
        let set = Subject::Set(ApiSetId::from_raw(1));
        assert_eq!(counted(&store, 1, set, Step::Day).await, [(0, limited, 2), (0, valid, 3)], "of the key that holds it");
    }

    async fn those_with_most_requests_come_first(place) {
        let store = place.store().await;
        with_keys(&store).await;
        record(&store, vec![
            used(1, 1, vec![count(day(), Code::Valid, None, 3), count(day(), Code::Expired, None, 9)]),
            used(2, 1, vec![count(day(), Code::Valid, None, 4)]),
            used(3, 2, vec![count(day(), Code::Valid, None, 10)]),
        ]).await;
        let span = Span {
            step: Step::Hour,
            from: Timestamp::from_micros(day() + 12 * HOUR_MICROS),
            before: Timestamp::from_micros(day() + DAY_MICROS),
        };
        let keys = async |filter: TopFilter, limit: usize| {
            let mut conn = store.read().await.unwrap();
            let like = Subject::Key(KeyId::from_raw(0));
            let found = top(&mut conn, organization_id(1), like, &span, &filter, limit).await.unwrap();
            found.into_iter().map(|it| (it.id.parse::<KeyId>().unwrap().as_raw(), it.count)).collect::<Vec<_>>()
        };
        assert_eq!(keys(TopFilter::default(), 5).await, [(1, 12), (2, 4)], "by whole days, and no other tenant's");
        assert_eq!(keys(TopFilter::default(), 1).await, [(1, 12)]);
        assert_eq!(keys(TopFilter { code: Some(Code::Valid), ..TopFilter::default() }, 5).await, [(2, 4), (1, 3)]);
        let owner = Some(Owner::Organization(organization_id(2)));
        assert_eq!(keys(TopFilter { owner, ..TopFilter::default() }, 5).await, []);
    }

    async fn sums_that_are_written_again_count_once(place) {
        let store = place.store().await;
        with_keys(&store).await;
        let keys = vec![used(1, 1, vec![count(day(), Code::Valid, Some(1), 3)])];
        let subjects = subjects_of(&store, &keys).await.unwrap();
        let batch = UsageBatch { keys, subjects, ..UsageBatch::default() };
        // Two that call themselves alike: the second stands where the first stood before its COMMIT was answered.
        for _ in 0..2 {
            Writer::new(&FixedRandom::new(77)).record(&store, &batch).await.unwrap();
        }
        for table in ["usage_minutes", "usage_hours", "usage_days"] {
            assert_eq!(place.number(format!("SELECT MAX(count) FROM {table}").leak()).await, 3, "{table}");
        }
    }

    async fn what_is_old_is_trimmed_and_the_rest_stays(place) {
        let store = place.store().await;
        with_keys(&store).await;
        let old = |days: i64| START.as_micros() - days * DAY_MICROS;
        for days in [0, 1, 3, 100, 2_000] {
            record(&store, vec![used(1, 1, vec![count(old(days), Code::Valid, Some(1), 1)])]).await;
        }
        let days = |days: u64| Duration::from_hours(24 * days);
        let kept = Kept { minutes: days(2), hours: days(90), days: days(1_095) };
        assert!(trim(&store, kept).await.unwrap() > 0);
        assert!(trim_keys(&store, kept).await.unwrap() > 0);
        assert_eq!(trim(&store, kept).await.unwrap() + trim_keys(&store, kept).await.unwrap(), 0, "all of it at once");
        let rows = |table: &str, kind: &str| format!("SELECT COUNT(*) FROM {table} WHERE kind = '{kind}'").leak() as &str;
        assert_eq!(place.number(rows("usage_minutes", "api")).await, 2);
        assert_eq!(place.number(rows("usage_hours", "all")).await, 3);
        assert_eq!(place.number(rows("usage_days", "key")).await, 4);
        assert_eq!(place.number("SELECT COUNT(*) FROM usage_counts").await, 3);
    }

    async fn more_rows_than_one_transaction_deletes_are_trimmed(place) {
        let store = place.store().await;
        with_keys(&store).await;
        let counts = (0..700).map(|minute| count(START.as_micros() - (9 * DAY_MICROS) + minute * MINUTE, Code::Valid, Some(1), 1));
        record(&store, vec![used(1, 1, counts.collect())]).await;
        let days = |days: u64| Duration::from_hours(24 * days);
        trim(&store, Kept { minutes: days(2), hours: days(90), days: days(1_095) }).await.unwrap();
        assert_eq!(place.number("SELECT COUNT(*) FROM usage_minutes").await, 0);
    }

    async fn rights_that_were_used_are_known_by_their_last_day_up_to_a_bound(place) {
        let store = place.store().await;
        with_keys(&store).await;
        assert_eq!(since(&mut store.read().await.unwrap()).await.unwrap(), None);
        let operation = |name: usize| Right::Operation(ApiId::from_raw(1), format!("op/{name:05}").into());
        let right = |right: Right, days: i64| UsedRight {
            key: KeyId::from_raw(1),
            right,
            day: Timestamp::from_micros(day() - days * DAY_MICROS),
        };
        let write = async |rights: Vec<UsedRight>| {
            writer().record(&store, &UsageBatch { rights, ..UsageBatch::default() }).await.unwrap();
        };
        let known = async |from_days: i64| {
            let from = Timestamp::from_micros(day() - from_days * DAY_MICROS);
            rights_of(&mut store.read().await.unwrap(), KeyId::from_raw(1), from).await.unwrap()
        };
        let set = Right::Set(ApiSetId::from_raw(1));
        write(vec![right(operation(0), 5), right(operation(0), 3), right(set.clone(), 9)]).await;
        write(vec![right(operation(0), 4)]).await;
        assert_eq!(known(4).await, [(operation(0), Timestamp::from_micros(day() - 3 * DAY_MICROS))], "the newest stays");
        assert_eq!(known(9).await.len(), 2);
        assert!(since(&mut store.read().await.unwrap()).await.unwrap().is_some());

        write((1..RIGHTS_PER_KEY + 50).map(|name| right(operation(name), 0)).collect()).await;
        assert_eq!(known(20).await.len(), RIGHTS_PER_KEY, "no more than are kept");
        // What is known goes on being known.
        write(vec![right(set.clone(), 0), right(operation(RIGHTS_PER_KEY + 99), 0)]).await;
        let now = known(0).await;
        assert!(now.iter().any(|(right, _)| *right == set));
        assert_eq!(known(20).await.len(), RIGHTS_PER_KEY);
    }
}
