//! Second factors: what works once is taken once, by whoever comes first, at whichever connection.

use claviger_domain::UserId;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::totp::Step;
use claviger_store::second_factors::{self, NewTotp, Totp};
use claviger_store::sign_in_attempts::Counter;
use claviger_store::sign_in_challenges::{self, Challenge};
use claviger_store::{Error, Store};

use crate::members::member;
use crate::sample::{add_organizations, at, organization_id, scope};
use crate::{stories, transact};

/// How many come with one code at once.
const RIVALS: u128 = 8;

fn digest(number: u8) -> CredentialDigest {
    CredentialDigest::from_bytes([number; 32])
}

fn totp() -> Totp {
    Totp { sealed: vec![0, 1, 255], last_step: Step::new(100), confirmed_at: at(1), codes_made_at: at(1) }
}

fn challenge(counter: u8, token: u8) -> Challenge {
    Challenge {
        counter: Counter::new([counter; 32]),
        digest: digest(token),
        user: UserId::from_raw(1),
        organization: organization_id(1),
        password: [9; 32],
        expires_at: at(i64::from(token)),
    }
}

/// People 1 and 2 in as many organizations as there are rivals; person 1 has one-time codes and recovery codes.
async fn furnished(store: &Store) {
    add_organizations(store, RIVALS).await;
    transact!(store, scope(1), |tx| async move {
        for number in [1, 2] {
            claviger_store::members::insert(tx, &member(1, number)).await?;
        }
        second_factors::put(tx, UserId::from_raw(1), &totp()).await?;
        assert!(second_factors::put_codes(tx, UserId::from_raw(1), &[digest(1), digest(2)], at(1)).await?);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

/// How many of those who come at once, each under another tenant's lock, take it.
async fn takers(store: &Store, takes_step: bool) -> usize {
    let mut rivals = tokio::task::JoinSet::new();
    for number in 1..=RIVALS {
        let store = store.clone();
        rivals.spawn(async move {
            let taken = transact!(store, scope(number), |tx| async move {
                let user = UserId::from_raw(1);
                if takes_step {
                    second_factors::take_step(tx, user, &totp().sealed, Step::new(101)).await
                } else {
                    second_factors::take_code(tx, user, &digest(1)).await
                }
            });
            taken.await.unwrap().value
        });
    }
    rivals.join_all().await.iter().filter(|taken| **taken).count()
}

stories! {
    async fn of_many_who_bring_one_code_at_once_one_takes_it(place) {
        let store = place.store().await;
        furnished(&store).await;
        assert_eq!(takers(&store, true).await, 1, "a one-time code");
        assert_eq!(takers(&store, false).await, 1, "a recovery code");
    }

    async fn a_step_is_taken_forward_only_and_under_the_secret_in_force(place) {
        let store = place.store().await;
        furnished(&store).await;
        transact!(store, scope(1), |tx| async move {
            let (user, sealed) = (UserId::from_raw(1), totp().sealed);
            for (step, sealed, taken) in [(101, &sealed, true), (101, &sealed, false), (100, &sealed, false), (103, &vec![7], false), (102, &sealed, true)] {
                assert_eq!(second_factors::take_step(tx, user, sealed, Step::new(step)).await?, taken, "{step}");
            }
            assert!(!second_factors::take_step(tx, UserId::from_raw(2), &sealed, Step::new(200)).await?, "another person");
            assert_eq!(second_factors::get(tx, user).await?, Some(Totp { last_step: Step::new(102), ..totp() }));
            Ok::<_, Error>(())
        }).await.unwrap();
    }

    async fn recovery_codes_are_a_persons_own_and_new_ones_end_the_others(place) {
        let store = place.store().await;
        furnished(&store).await;
        transact!(store, scope(1), |tx| async move {
            let (ann, bob) = (UserId::from_raw(1), UserId::from_raw(2));
            assert!(!second_factors::take_code(tx, bob, &digest(1)).await?, "another's");
            assert!(second_factors::take_code(tx, ann, &digest(1)).await?);
            assert_eq!(second_factors::count_codes(tx, ann).await?, 1);
            assert!(second_factors::put_codes(tx, ann, &[digest(3), digest(4)], at(7)).await?);
            assert!(!second_factors::take_code(tx, ann, &digest(2)).await?, "one of those before");
            assert_eq!(second_factors::get(tx, ann).await?.unwrap().codes_made_at, at(7));
            assert!(!second_factors::put_codes(tx, bob, &[digest(5)], at(7)).await?, "who has no one-time codes");
            assert_eq!(second_factors::count_codes(tx, bob).await?, 0);
            assert!(second_factors::remove(tx, ann).await? && !second_factors::remove(tx, ann).await?);
            assert_eq!((second_factors::get(tx, ann).await?, second_factors::count_codes(tx, ann).await?), (None, 0));
            Ok::<_, Error>(())
        }).await.unwrap();
    }

    async fn a_secret_waits_for_its_person_until_another_takes_its_place(place) {
        let store = place.store().await;
        furnished(&store).await;
        transact!(store, scope(1), |tx| async move {
            let user = UserId::from_raw(2);
            let new = |byte: u8| NewTotp { sealed: vec![byte], expires_at: at(10) };
            second_factors::put_new(tx, user, &new(1)).await?;
            second_factors::put_new(tx, user, &new(2)).await?;
            assert_eq!(second_factors::get_new(tx, user).await?, Some(new(2)));
            assert_eq!(second_factors::get(tx, user).await?, None, "it is not in force");
            assert!(!second_factors::take_new(tx, user, &new(1)).await?);
            assert!(second_factors::take_new(tx, user, &new(2)).await? && !second_factors::take_new(tx, user, &new(2)).await?);
            Ok::<_, Error>(())
        }).await.unwrap();
    }

    async fn a_sign_in_that_waits_is_found_by_its_token_once_and_ends(place) {
        let store = place.store().await;
        transact!(store, claviger_store::Scope::Installation, |tx| async move {
            for (counter, token) in [(1, 11), (1, 12), (2, 13)] {
                sign_in_challenges::put(tx, &challenge(counter, token)).await?;
            }
            assert_eq!(sign_in_challenges::by_digest(tx, &digest(11)).await?, None, "one for each counter");
            assert_eq!(sign_in_challenges::by_digest(tx, &digest(12)).await?, Some(challenge(1, 12)));
            assert!(sign_in_challenges::take(tx, &digest(13)).await? && !sign_in_challenges::take(tx, &digest(13)).await?);
            second_factors::put_new(tx, UserId::from_raw(1), &NewTotp { sealed: vec![1], expires_at: at(12) }).await?;
            Ok::<_, Error>(())
        }).await.unwrap();
        assert_eq!(sign_in_challenges::sweep(&store, at(11)).await.unwrap(), 0);
        assert_eq!(sign_in_challenges::sweep(&store, at(12)).await.unwrap(), 2);
    }
}
