//! The outbox and the links: once each, to one node at a time.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::link::{Link, LinkKind};
use claviger_domain::{LinkId, MailId, UserId};
use claviger_store::{Error, Page, Store, links, outbox};

use crate::harness::Place;
use crate::sample::{actor, add_organizations, at, organization_id, scope};
use crate::{stories, transact};

fn mail(number: u128, key: &str) -> outbox::Waiting {
    outbox::Waiting {
        id: MailId::from_raw(number),
        unique_key: key.to_owned(),
        organization: Some(organization_id(1)),
        recipient: "Ann@example.org".parse().unwrap(),
        language: "pl".to_owned(),
        mail: r#"{"mail":"x"}"#.to_owned(),
        link_path: "/invitation".to_owned(),
        sealed_token: vec![7, 0, 7],
        created_at: at(i64::try_from(number).unwrap()),
        give_up_at: at(1_000_000),
        attempts: 0,
    }
}

async fn put(store: &Store, mail: outbox::Waiting) -> bool {
    let done = transact!(store, scope(1), |tx| {
        let mail = mail.clone();
        async move { outbox::put(tx, &mail).await }
    });
    done.await.unwrap().value
}

fn link(number: u128, user: u128) -> Link {
    Link {
        id: LinkId::from_raw(number),
        kind: LinkKind::Invitation,
        organization: Some(organization_id(1)),
        user: UserId::from_raw(user),
        digest: CredentialDigest::from_bytes([u8::try_from(number).unwrap(); 32]),
        email: None,
        created_by: actor(),
        created_at: at(1),
        expires_at: at(i64::try_from(number * 10).unwrap()),
    }
}

async fn seals(place: &Place) -> i64 {
    place.number("SELECT COUNT(*) FROM outbox WHERE LENGTH(sealed_token) > 0").await
}

stories! {
    async fn a_mail_is_put_in_once_and_goes_with_its_transaction(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        assert!(put(&store, mail(1, "a")).await);
        assert!(!put(&store, mail(2, "a")).await, "the key is taken");
        let failed = transact!(store, scope(1), |tx| async move {
            outbox::put(tx, &mail(3, "b")).await?;
            Err::<(), _>(Error::NotFound)
        });
        failed.await.unwrap_err();
        let leased = outbox::lease(&store, "one", at(5), at(9), 10).await.unwrap();
        assert_eq!(leased, [mail(1, "a")]);
        assert_eq!(outbox::depth(&mut store.read().await.unwrap()).await.unwrap().waiting, 1);
    }

    async fn when_mails_of_these_keys_went_is_known(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let keys: Vec<String> = ["a", "b", "c", "'"].map(str::to_owned).into();
        for (number, key) in [(3, "b"), (2, "a"), (4, "d")] {
            put(&store, mail(number, key)).await;
        }
        assert_eq!(outbox::lease(&store, "one", at(5), at(100), 1).await.unwrap().len(), 1);
        assert!(outbox::sent(&store, "one", MailId::from_raw(2), at(6)).await.unwrap());
        let mut snapshot = store.read().await.unwrap();
        assert_eq!(outbox::put_in_at(&mut snapshot, &keys).await.unwrap(), [at(2), at(3)], "sent or not");
        assert!(outbox::put_in_at(&mut snapshot, &[]).await.unwrap().is_empty());
    }

    async fn a_leased_mail_is_one_nodes_until_the_lease_runs_out(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        put(&store, mail(1, "a")).await;
        put(&store, mail(2, "b")).await;
        let leased = outbox::lease(&store, "one", at(5), at(100), 1).await.unwrap();
        assert_eq!(leased, [mail(1, "a")], "the one that waits longest");
        assert_eq!(outbox::lease(&store, "two", at(6), at(100), 10).await.unwrap(), [mail(2, "b")]);
        assert!(outbox::lease(&store, "three", at(99), at(200), 10).await.unwrap().is_empty());
        // The first node died: another takes over, and what the first one says now counts no more.
        assert_eq!(outbox::lease(&store, "three", at(100), at(200), 1).await.unwrap(), [mail(1, "a")]);
        assert!(!outbox::sent(&store, "one", MailId::from_raw(1), at(101)).await.unwrap());
        assert!(!outbox::postpone(&store, "one", MailId::from_raw(1), at(102), "late").await.unwrap());
        assert!(outbox::sent(&store, "three", MailId::from_raw(1), at(103)).await.unwrap());
        assert!(outbox::lease(&store, "one", at(99), at(300), 10).await.unwrap().is_empty(), "it is sent");
        assert!(!put(&store, mail(3, "a")).await, "its cause cannot send it again");
    }

    async fn a_mail_takes_other_words_until_somebody_has_begun_to_send_it(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        put(&store, mail(1, "a")).await;
        let reword = |words: &'static str| {
            let store = store.clone();
            async move {
                transact!(store, scope(1), |tx| async move { outbox::reword(tx, MailId::from_raw(1), words).await }).await.unwrap().value
            }
        };
        let found = async || outbox::by_key(&mut store.read().await.unwrap(), "a").await.unwrap().unwrap();
        assert!(reword("\"more\"").await);
        assert_eq!(found().await, outbox::Found { id: MailId::from_raw(1), mail: "\"more\"".to_owned(), is_untouched: true });
        let leased = outbox::lease(&store, "one", at(5), at(9), 10).await.unwrap();
        assert_eq!(leased[0].mail, "\"more\"");
        assert!(!found().await.is_untouched && !reword("\"late\"").await);
        assert!(outbox::postpone(&store, "one", MailId::from_raw(1), at(50), "4xx").await.unwrap());
        assert!(!reword("\"later\"").await, "it may have been taken: what bears its Message-ID stays the same");
        assert_eq!((found().await.mail, outbox::by_key(&mut store.read().await.unwrap(), "b").await.unwrap()), ("\"more\"".to_owned(), None));
    }

    async fn two_nodes_that_look_at_once_share_what_is_due(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        for number in 1..=20 {
            put(&store, mail(number, &number.to_string())).await;
        }
        let look = |holder: &'static str| {
            let store = store.clone();
            async move { outbox::lease(&store, holder, at(50), at(90), 20).await.unwrap() }
        };
        let (one, two, three) = tokio::join!(look("one"), look("two"), look("three"));
        let mut ids: Vec<MailId> = one.iter().chain(&two).chain(&three).map(|mail| mail.id).collect();
        ids.sort();
        assert_eq!(ids, (1..=20).map(MailId::from_raw).collect::<Vec<_>>(), "each once");
    }

    async fn what_failed_waits_and_what_ended_loses_its_token_and_goes(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        for number in 1..=3 {
            put(&store, mail(number, &number.to_string())).await;
        }
        assert_eq!(outbox::lease(&store, "one", at(5), at(9), 10).await.unwrap().len(), 3);
        assert!(outbox::postpone(&store, "one", MailId::from_raw(1), at(50), "4xx\r\nlater").await.unwrap());
        assert!(outbox::sent(&store, "one", MailId::from_raw(2), at(7)).await.unwrap());
        let given_up = transact!(store, scope(1), |tx| async move {
            outbox::give_up(tx, "one", MailId::from_raw(3), at(8), "5xx").await
        });
        assert!(given_up.await.unwrap().value);
        assert_eq!(seals(&place).await, 1, "of the one that waits");
        assert!(outbox::lease(&store, "one", at(49), at(90), 10).await.unwrap().is_empty());
        let again = outbox::lease(&store, "one", at(50), at(90), 10).await.unwrap();
        assert_eq!(again, [outbox::Waiting { attempts: 1, ..mail(1, "1") }]);
        assert_eq!(outbox::trim(&store, at(8)).await.unwrap(), 1);
        assert_eq!(outbox::trim(&store, at(9)).await.unwrap(), 1);
        assert_eq!(place.number("SELECT COUNT(*) FROM outbox").await, 1, "what waits stays");
    }

    async fn a_person_has_one_link_of_a_kind_and_it_is_taken_once(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let put = |link: Link| {
            let store = store.clone();
            async move {
                transact!(store, scope(1), |tx| {
                    let link = link.clone();
                    async move { links::put(tx, &link).await }
                })
                .await
                .unwrap();
            }
        };
        put(link(1, 1)).await;
        put(link(2, 1)).await;
        put(link(3, 2)).await;
        let mut snapshot = store.read().await.unwrap();
        let found = links::by_digest(&mut snapshot, LinkKind::Invitation, &link(1, 1).digest).await.unwrap();
        assert_eq!(found, None, "the second took its place");
        let found = links::by_digest(&mut snapshot, LinkKind::Invitation, &link(2, 1).digest).await.unwrap();
        assert_eq!(found, Some(link(2, 1)));
        let other = links::by_digest(&mut snapshot, LinkKind::NewAddress, &link(2, 1).digest).await.unwrap();
        assert_eq!(other, None, "a link is for one thing");
        assert_eq!(links::get(&mut snapshot, organization_id(2), LinkId::from_raw(2)).await.unwrap(), None);
        let first = Page::first(10);
        let page = links::page(&mut snapshot, LinkKind::Invitation, organization_id(1), false, &first).await.unwrap();
        assert_eq!(page.items, [link(3, 2), link(2, 1)]);
        drop(snapshot);
        let take = |id: u128| {
            let store = store.clone();
            async move {
                transact!(store, scope(1), |tx| async move { links::take(tx, LinkId::from_raw(id)).await }).await.unwrap().value
            }
        };
        assert!(take(2).await);
        assert!(!take(2).await, "it was used");
        assert_eq!(links::sweep(&store, at(30)).await.unwrap(), 0);
        assert_eq!(links::sweep(&store, at(31)).await.unwrap(), 1);
    }
}
