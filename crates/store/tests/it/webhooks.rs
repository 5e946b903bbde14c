//! Webhooks and their events: once each, to one node at a time.

use claviger_domain::webhook::Webhook;
use claviger_domain::{WebhookDeliveryId, WebhookId};
use claviger_store::webhook_deliveries::{self, Attempt, Delivery, DeliveryState};
use claviger_store::{Store, webhooks};

use crate::sample::{actor, add_organizations, at, organization_id, scope};
use crate::{stories, transact};

fn webhook(number: u128) -> Webhook {
    Webhook {
        id: WebhookId::from_raw(number),
        organization: organization_id(1),
        name: format!("Webhook {number}").parse().unwrap(),
        url: "https://hooks.example.com/".to_owned(),
        events: vec!["*".to_owned()],
        disabled: None,
        sealed: vec![7, 0, 7],
        old: None,
        after_entry: 0,
        created_by: actor(),
        created_at: at(1),
        updated_at: at(1),
        version: 1,
    }
}

fn delivery(number: u128, webhook: u128, event: &str) -> Delivery {
    Delivery {
        id: WebhookDeliveryId::from_raw(number),
        webhook: WebhookId::from_raw(webhook),
        organization: organization_id(1),
        event: event.to_owned(),
        kind: "key.created".to_owned(),
        body: "{}".to_owned(),
        created_at: at(1),
        state: DeliveryState::Waiting,
        next_at: at(1),
        tries: 0,
        ended_at: None,
    }
}

fn attempt(status: Option<u16>) -> Attempt {
    Attempt { at: at(5), milliseconds: 3, status, reason: Some("a\nb".to_owned()), answer: None }
}

async fn put(store: &Store, delivery: Delivery) -> bool {
    let done = transact!(store, scope(1), |tx| {
        let delivery = delivery.clone();
        async move { webhook_deliveries::put(tx, &delivery).await }
    });
    done.await.unwrap().value
}

async fn furnished(store: &Store) {
    add_organizations(store, 1).await;
    for number in [1, 2] {
        let made = transact!(store, scope(1), |tx| async move { webhooks::insert(tx, &webhook(number)).await });
        made.await.unwrap();
    }
}

stories! {
    async fn an_event_is_put_in_once_for_each_webhook_and_leased_to_one_node_at_a_time(place) {
        let store = place.store().await;
        furnished(&store).await;
        assert!(put(&store, delivery(1, 1, "entry 5")).await);
        assert!(!put(&store, delivery(2, 1, "entry 5")).await, "it is there");
        assert!(put(&store, delivery(3, 2, "entry 5")).await, "another webhook's");
        let span = (at(5), at(9));
        let busy = [WebhookId::from_raw(2)];
        let leased = webhook_deliveries::lease(&store, "one", span, 10, &busy).await.unwrap();
        assert_eq!(leased, [delivery(1, 1, "entry 5")]);
        let leased = webhook_deliveries::lease(&store, "two", span, 10, &[]).await.unwrap();
        assert_eq!(leased, [delivery(3, 2, "entry 5")]);
        webhook_deliveries::release(&store, "two", leased[0].id).await.unwrap();
        let again = webhook_deliveries::lease(&store, "one", span, 10, &[]).await.unwrap();
        assert_eq!(again.len(), 1, "it was given back");
        let late = webhook_deliveries::lease(&store, "two", (at(9), at(20)), 10, &[]).await.unwrap();
        assert_eq!(late.len(), 2, "leases run out");
        let id = WebhookDeliveryId::from_raw(1);
        assert!(!webhook_deliveries::delivered(&store, "one", id, at(10), &attempt(Some(200))).await.unwrap());
        assert!(webhook_deliveries::delivered(&store, "two", id, at(10), &attempt(Some(200))).await.unwrap());
        let mut snapshot = store.read().await.unwrap();
        assert_eq!(webhook_deliveries::depth(&mut snapshot).await.unwrap().waiting, 1);
        let attempts = webhook_deliveries::attempts(&mut snapshot, id).await.unwrap();
        assert_eq!(attempts, [Attempt { reason: Some("ab".to_owned()), ..attempt(Some(200)) }]);
    }

    async fn attempts_are_bounded_and_what_ended_is_trimmed(place) {
        let store = place.store().await;
        furnished(&store).await;
        put(&store, delivery(1, 1, "a")).await;
        let id = WebhookDeliveryId::from_raw(1);
        for number in 0..60 {
            let span = (at(10 + number), at(11 + number));
            assert_eq!(webhook_deliveries::lease(&store, "one", span, 1, &[]).await.unwrap().len(), 1);
            assert!(webhook_deliveries::postpone(&store, "one", id, span.1, &attempt(None)).await.unwrap());
        }
        let read = async || webhook_deliveries::attempts(&mut store.read().await.unwrap(), id).await.unwrap().len();
        assert_eq!(read().await, 50);
        let ended = transact!(store, scope(1), |tx| async move {
            webhook_deliveries::end_waiting(tx, WebhookId::from_raw(1), at(100)).await
        });
        assert_eq!(ended.await.unwrap().value, 1);
        assert_eq!(webhook_deliveries::trim(&store, at(100)).await.unwrap(), 0);
        let again = transact!(store, scope(1), |tx| async move { webhook_deliveries::replay(tx, id, at(101)).await });
        assert!(again.await.unwrap().value);
        assert_eq!(webhook_deliveries::trim(&store, at(500)).await.unwrap(), 0, "it waits again");
        let ended = transact!(store, scope(1), |tx| async move {
            webhook_deliveries::end_waiting(tx, WebhookId::from_raw(1), at(200)).await
        });
        ended.await.unwrap();
        assert_eq!(webhook_deliveries::trim(&store, at(201)).await.unwrap(), 1);
        assert_eq!(read().await, 0);
    }
}
