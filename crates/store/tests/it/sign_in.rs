//! Passwords, sessions and tries to sign in.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::attempts::{Attempts, COUNTERS};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::password::PasswordHash;
use claviger_domain::session::Session;
use claviger_domain::{SessionId, UserId};
use claviger_store::sign_in_attempts::{self, Counter};
use claviger_store::{Error, Scope, passwords, sessions};
use tokio::sync::Notify;

use crate::members::member;
use crate::sample::{add_organizations, at, organization_id, scope};
use crate::{stories, transact};

fn session(number: u128, user: u128) -> Session {
    Session {
        id: SessionId::from_raw(number),
        user: UserId::from_raw(user),
        organization: organization_id(1),
        created_at: at(1),
        seen_at: at(i64::try_from(number).unwrap()),
        proved_at: at(1),
        ip: Some("203.0.113.7".to_owned()),
        agent: None,
    }
}

fn digest(number: u8) -> CredentialDigest {
    CredentialDigest::from_bytes([number; 32])
}

stories! {
    async fn a_password_is_set_replaced_and_renewed_only_while_it_stands(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let user = UserId::from_raw(1);
        let hash = |text: &str| PasswordHash::new(text.to_owned());
        transact!(store, scope(1), |tx| async move {
            claviger_store::members::insert(tx, &member(1, 1)).await?;
            assert!(passwords::get(tx, user).await?.is_none());
            passwords::set(tx, user, &hash("$one"), at(1)).await?;
            passwords::set(tx, user, &hash("$two"), at(2)).await?;
            assert!(!passwords::replace(tx, user, &hash("$one"), &hash("$three")).await?);
            assert!(passwords::replace(tx, user, &hash("$two"), &hash("$four")).await?);
            assert_eq!(passwords::get(tx, user).await?.unwrap().expose(), "$four");
            Ok::<_, Error>(())
        }).await.unwrap();
    }

    async fn sessions_are_found_by_their_token_alone_and_end(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let user = UserId::from_raw(1);
        transact!(store, scope(1), |tx| async move {
            for (number, owner) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
                sessions::insert(tx, &session(number, owner), &digest(number as u8)).await?;
            }
            assert_eq!(sessions::by_digest(tx, &digest(2)).await?, Some(session(2, 1)));
            assert_eq!(sessions::by_digest(tx, &digest(9)).await?, None);
            sessions::note(tx, SessionId::from_raw(1), at(9), None).await?;
            sessions::note(tx, SessionId::from_raw(2), at(0), None).await?;
            let newest: Vec<_> = sessions::of_user(tx, user).await?.iter().map(|found| found.id.as_raw()).collect();
            assert_eq!(newest, [1, 3, 2], "an older instant changes nothing");
            let id = SessionId::from_raw(2);
            assert!(sessions::prove(tx, id, &digest(2), &digest(12), at(5)).await?);
            assert!(!sessions::prove(tx, id, &digest(2), &digest(13), at(6)).await?, "of two the second has an old token");
            assert_eq!(sessions::get(tx, id, &digest(2)).await?, None);
            assert_eq!(sessions::get(tx, id, &digest(12)).await?.unwrap().proved_at, at(5));
            sessions::switch(tx, id, organization_id(7)).await?;
            assert_eq!(sessions::get(tx, id, &digest(12)).await?.unwrap().organization, organization_id(7));
            assert!(!sessions::end(tx, UserId::from_raw(2), id).await?, "nobody ends another's");
            assert!(sessions::end(tx, user, SessionId::from_raw(1)).await?);
            assert_eq!(sessions::end_others(tx, user, Some(id)).await?, 1);
            assert_eq!(sessions::end_others(tx, user, None).await?, 1);
            assert_eq!(sessions::of_user(tx, UserId::from_raw(2)).await?.len(), 1);
            Ok::<_, Error>(())
        }).await.unwrap();
    }

    async fn a_slot_counts_whoever_tried_last_and_there_are_no_more_slots(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        let counter = |tail: u8| {
            let mut digest = [tail; 32];
            digest[..4].copy_from_slice(&7u32.to_be_bytes());
            Counter::new(digest)
        };
        transact!(store, scope(1), |tx| async move {
            let tries = Attempts { count: 4, last_at: at(3) };
            sign_in_attempts::put(tx, &counter(1), tries).await?;
            assert_eq!(sign_in_attempts::get(tx, &counter(1)).await?, tries);
            assert_eq!(sign_in_attempts::get(tx, &counter(2)).await?, Attempts::default(), "another's tries are not one's own");
            sign_in_attempts::put(tx, &counter(2), Attempts { count: 1, last_at: at(4) }).await?;
            assert_eq!(sign_in_attempts::get(tx, &counter(1)).await?, Attempts::default());
            sign_in_attempts::clear(tx, &counter(1)).await?;
            assert_eq!(sign_in_attempts::count(tx).await?, 1, "the slot is the other one's by now");
            for number in 0..200_u32 {
                let mut digest = [0; 32];
                // Slots go round: these are eight of them, twenty-five times over.
                digest[..4].copy_from_slice(&(number % 8 + number / 8 * 65_536).to_be_bytes());
                digest[31] = number as u8;
                sign_in_attempts::put(tx, &Counter::new(digest), tries).await?;
            }
            assert_eq!(sign_in_attempts::count(tx).await?, 8);
            Ok::<_, Error>(())
        }).await.unwrap();
    }

    async fn what_begins_on_the_strength_of_a_password_ends_with_its_change(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let user = UserId::from_raw(1);
        let hash = |text: &str| PasswordHash::new(text.to_owned());
        transact!(store, scope(1), |tx| async move {
            claviger_store::members::insert(tx, &member(1, 1)).await?;
            passwords::set(tx, user, &hash("$one"), at(1)).await
        }).await.unwrap();
        let (read, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (notes, entering) = ((read.clone(), go_on.clone()), store.clone());
        // Somebody signs in, and is held up after the password was compared.
        let enter = tokio::spawn(async move {
            transact!(entering, scope(1), |tx| {
                let (read, go_on) = notes.clone();
                async move {
                    assert_eq!(passwords::get_locked(tx, user).await?.unwrap().expose(), "$one");
                    read.notify_one();
                    go_on.notified().await;
                    sessions::insert(tx, &session(1, 1), &digest(1)).await
                }
            }).await
        });
        read.notified().await;
        // Under another lock than the sign-in's: the person's two organizations do not know of each other.
        let changing = store.clone();
        let change = tokio::spawn(async move {
            transact!(changing, scope(2), |tx| async move {
                passwords::set(tx, user, &hash("$two"), at(2)).await?;
                sessions::end_others(tx, user, None).await
            }).await
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!change.is_finished(), "it waits for the one that has read the password");
        go_on.notify_one();
        enter.await.unwrap().unwrap();
        assert_eq!(change.await.unwrap().unwrap().value, 1, "the session that began meanwhile ends");
        assert!(sessions::of_user(&mut store.read().await.unwrap(), user).await.unwrap().is_empty());
    }

    async fn however_many_try_from_however_many_ranges_there_are_so_many_counters(place) {
        let store = place.store().await;
        for from in (0..COUNTERS + 5_000).step_by(5_000) {
            transact!(store, Scope::Installation, |tx| async move {
                for number in from..from + 5_000 {
                    let mut digest = [0; 32];
                    digest[..4].copy_from_slice(&number.to_be_bytes());
                    sign_in_attempts::put(tx, &Counter::new(digest), Attempts { count: 1, last_at: at(1) }).await?;
                }
                Ok::<_, Error>(())
            }).await.unwrap();
        }
        let count = sign_in_attempts::count(&mut store.read().await.unwrap()).await.unwrap();
        assert_eq!(count, i64::from(COUNTERS));
    }
}
