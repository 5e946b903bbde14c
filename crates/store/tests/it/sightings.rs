//! What was seen of keys that people are told of.

use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_domain::usage::{Door, KeyUsage, NETWORKS_PER_KEY, ROTATED_OUT, Refusal, Sighting, UsageBatch};
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, RequestId};
use claviger_store::sightings::{Seen, SightingKind, forget_old_secret, settle, waiting, waiting_organizations};
use claviger_store::usage::{Kept, Writer, trim_keys};
use claviger_store::{Error, Store};

use crate::sample::{add_keys, add_organizations, at, key, organization_id, scope, update_key};
use crate::stories;
use crate::usage::writer;

const HOUR: i64 = 3_600_000_000;

fn seen(micros: i64, ip: &str) -> Sighting {
    Sighting { at: at(micros), ip: Some(ip.parse().unwrap()), agent: None, door: Door::Verify, code: Code::Valid }
}

fn used(number: u128, sightings: &[Sighting]) -> KeyUsage {
    KeyUsage {
        key: KeyId::from_raw(number),
        organization: organization_id(1),
        last_used: sightings.last().cloned(),
        old_last_used: None,
        is_news: false,
        elsewhere: sightings[..sightings.len() - 1].to_vec(),
        last_refused: None,
        counts: Vec::new(),
    }
}

fn old_secret(number: u128, micros: i64) -> Refusal {
    Refusal {
        at: at(micros),
        organization: organization_id(1),
        key: Some(KeyId::from_raw(number)),
        door: Door::Verify,
        code: Code::NotFound,
        check: ROTATED_OUT.to_owned(),
        ip: Some("203.0.113.9".parse().unwrap()),
        agent: None,
        method: None,
        path: None,
        api: None,
        operation: None,
        request_id: RequestId::from_raw(7),
        passed: false,
    }
}

async fn record(store: &Store, writer: &mut Writer, keys: Vec<KeyUsage>, refusals: Vec<Refusal>) {
    writer.record(store, &UsageBatch { keys, refusals, ..UsageBatch::default() }).await.unwrap();
}

async fn waits(store: &Store) -> Vec<Seen> {
    let mut conn = store.read().await.unwrap();
    let mut all = waiting(&mut conn, organization_id(1), SightingKind::Network, 200).await.unwrap();
    all.extend(waiting(&mut conn, organization_id(1), SightingKind::OldSecret, 200).await.unwrap());
    all
}

/// Kind, subject and instant of each.
async fn told(store: &Store) -> Vec<(SightingKind, String, Timestamp)> {
    waits(store).await.into_iter().map(|seen| (seen.kind, seen.subject, seen.sighting.at)).collect()
}

async fn settle_all(store: &Store) {
    let all = waits(store).await;
    let settled = store.write(scope(1), move |tx| {
        let all = all.clone();
        Box::pin(async move {
            for seen in &all {
                settle(tx, seen).await?;
            }
            Ok::<_, Error>(())
        })
    });
    settled.await.unwrap();
}

stories! {
    async fn a_network_that_a_key_was_not_used_from_before_waits_once_and_its_first_is_none(place) {
        use SightingKind::Network;
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut one = writer();
        record(&store, &mut one, vec![used(1, &[seen(5, "203.0.113.7")])], vec![]).await;
        assert_eq!(told(&store).await, [], "where it is used first is no news");
        record(&store, &mut one, vec![used(1, &[seen(7, "203.0.113.8"), seen(8, "203.0.113.7")])], vec![]).await;
        assert_eq!(told(&store).await, [(Network, "203.0.113.8".to_owned(), at(7))]);
        let orgs = waiting_organizations(&mut store.read().await.unwrap(), 10).await.unwrap();
        assert_eq!(orgs, [organization_id(1)]);
        settle_all(&store).await;
        // Also another process, which knows nothing of it, tells it no second time.
        for writer in [&mut one, &mut writer()] {
            record(&store, writer, vec![used(1, &[seen(9, "203.0.113.8"), seen(9, "::ffff:203.0.113.7")])], vec![]).await;
        }
        assert_eq!(told(&store).await, []);
        // One machine moves about in a /64.
        record(&store, &mut one, vec![used(1, &[seen(11, "2001:db8::1"), seen(12, "2001:db8::2")])], vec![]).await;
        assert_eq!(told(&store).await, [(Network, "2001:db8::/64".to_owned(), at(11))]);
        settle_all(&store).await;
        assert_eq!(waiting_organizations(&mut store.read().await.unwrap(), 10).await.unwrap(), []);
        // Of several in the first batch the oldest is where it was used first.
        record(&store, &mut one, vec![used(2, &[seen(22, "203.0.113.2"), seen(21, "203.0.113.3")])], vec![]).await;
        assert_eq!(told(&store).await, [(Network, "203.0.113.2".to_owned(), at(22))]);
    }

    async fn a_key_that_is_used_from_anywhere_is_not_told_of_for_ever(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut writer = writer();
        for number in 0..2 * NETWORKS_PER_KEY {
            let from = format!("198.51.100.{number}");
            record(&store, &mut writer, vec![used(1, &[seen(number as i64, &from)])], vec![]).await;
        }
        assert_eq!(waits(&store).await.len(), NETWORKS_PER_KEY - 1);
        assert_eq!(place.number("SELECT COUNT(*) FROM key_sightings").await, NETWORKS_PER_KEY as i64);
    }

    async fn networks_that_are_known_take_no_room_from_new_ones_after_a_restart(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let from = |number: usize| seen(number as i64, &format!("198.51.100.{number}"));
        record(&store, &mut writer(), vec![used(1, &(0..60).map(from).collect::<Vec<_>>())], vec![]).await;
        settle_all(&store).await;
        // Another process, in whose first batch nearly all are known.
        record(&store, &mut writer(), vec![used(1, &(0..61).map(from).collect::<Vec<_>>())], vec![]).await;
        assert_eq!(told(&store).await, [(SightingKind::Network, "198.51.100.60".to_owned(), at(60))]);
    }

    async fn the_use_of_an_old_secret_waits_once_a_day(place) {
        use SightingKind::OldSecret;
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let mut writer = writer();
        let other = Refusal { check: "deleted".to_owned(), ..old_secret(2, 4) };
        record(&store, &mut writer, vec![], vec![old_secret(1, 5), other, old_secret(1, 6)]).await;
        assert_eq!(told(&store).await, [(OldSecret, String::new(), at(6))]);
        record(&store, &mut writer, vec![], vec![old_secret(1, 25 * HOUR)]).await;
        assert_eq!(told(&store).await, [(OldSecret, String::new(), at(6))], "what waits stays");
        settle_all(&store).await;
        record(&store, &mut writer, vec![], vec![old_secret(1, 23 * HOUR)]).await;
        assert_eq!(told(&store).await, [], "not within a day");
        record(&store, &mut writer, vec![], vec![old_secret(1, 25 * HOUR)]).await;
        assert_eq!(told(&store).await, [(OldSecret, String::new(), at(25 * HOUR))]);
        settle_all(&store).await;
        // A key that was rotated again, or put back into service, begins anew.
        store.write(scope(1), |tx| Box::pin(async move { forget_old_secret(tx, KeyId::from_raw(1)).await })).await.unwrap();
        record(&store, &mut writer, vec![], vec![old_secret(1, 25 * HOUR + 1)]).await;
        assert_eq!(told(&store).await, [(OldSecret, String::new(), at(25 * HOUR + 1))]);
    }

    async fn what_was_seen_of_a_key_goes_after_it(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_keys(&store, vec![key(1, 1), key(1, 2)]).await;
        record(&store, &mut writer(), vec![used(1, &[seen(5, "203.0.113.7")]), used(2, &[seen(5, "203.0.113.7")])], vec![])
            .await;
        let kept = Duration::from_hours(24);
        let kept = Kept { minutes: kept, hours: kept, days: kept };
        trim_keys(&store, kept).await.unwrap();
        assert_eq!(place.number("SELECT COUNT(*) FROM key_sightings").await, 2);
        update_key(&store, &claviger_domain::key::Key { deleted_at: Some(at(9)), ..key(1, 1) }).await.unwrap();
        trim_keys(&store, kept).await.unwrap();
        assert_eq!(place.number("SELECT COUNT(*) FROM key_sightings").await, 1);
    }
}
