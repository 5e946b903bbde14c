//! API users, what they prove themselves by, and their sessions.

use std::time::Duration;

use claviger_domain::api_user::{ApiSession, ApiUser, Contact, PermissionType, SignInMethod};
use claviger_domain::change::{Object, ObjectRef};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::Disabled;
use claviger_domain::password::PasswordHash;
use claviger_domain::totp::Step;
use claviger_domain::usage::SessionUse;
use claviger_domain::{ApiSessionId, ApiUserId, KeyId, RequestId, UserId};
use claviger_store::api_sessions::{NewTotp, Particulars};
use claviger_store::api_user_secrets::{ApiUserTotp, Event};
use claviger_store::api_users::ApiUserFilter;
use claviger_store::{Error, FeedEvent, Page, Store, Taken, api_sessions, api_user_codes, api_user_secrets, api_users};

use crate::applications::{add, application, prepare};
use crate::harness::START;
use crate::sample::{actor, at, organization_id, scope};
use crate::{stories, transact};

fn user(number: u128) -> ApiUser {
    ApiUser {
        id: ApiUserId::from_raw(number),
        organization: organization_id(1),
        application: application(1).id,
        user_name: format!("É{number}@example.com").parse().unwrap(),
        disabled: Some(Disabled { at: at(3), by: actor(), reason: None }),
        permission_type: PermissionType::AccountHierarchy,
        contact: Some(Contact { id: "C-1".to_owned(), email: "ann@example.com".parse().unwrap() }),
        profile_user: UserId::from_raw(1),
        profile_external: Some("7".to_owned()),
        sign_in_method: SignInMethod::PasswordAndCode,
        language: "pl-PL".to_owned(),
        static_token: Some(CredentialDigest::from_bytes([number as u8; 32])),
        created_by: actor(),
        created_at: START,
        updated_at: START,
        version: 1,
    }
}

fn session(number: u128) -> ApiSession {
    ApiSession {
        id: ApiSessionId::from_raw(number),
        digest: CredentialDigest::from_bytes([number as u8; 32]),
        organization: organization_id(1),
        application: application(1).id,
        user: user(1).id,
        key: KeyId::from_raw(1),
        created_at: START,
        expires_at: START.saturating_add(Duration::from_hours(24)),
        idle: Duration::from_hours(4),
        used_at: START,
        enrolment_only: true,
    }
}

async fn with_user(store: &Store) {
    prepare(store).await;
    add(store, application(1)).await.unwrap();
    transact!(store, scope(1), |tx| async move { api_users::insert(tx, &user(1)).await }).await.unwrap();
}

async fn begin(store: &Store, number: u128) {
    let particulars = Particulars { language: "en".to_owned(), params: "{}".to_owned(), ..Particulars::default() };
    transact!(store, scope(1), |tx| {
        let particulars = particulars.clone();
        async move { api_sessions::insert(tx, &session(number), &particulars).await }
    })
    .await
    .unwrap();
}

stories! {
    async fn an_api_user_is_read_as_it_was_written(place) {
        let store = place.store().await;
        with_user(&store).await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(api_users::get(&mut conn, organization_id(1), user(1).id).await.unwrap(), Some(user(1)));
        assert_eq!(api_users::get(&mut conn, organization_id(2), user(1).id).await.unwrap(), None);
        drop(conn);
        let mut plain = user(1);
        (plain.disabled, plain.contact, plain.profile_external, plain.static_token) = (None, None, None, None);
        let now = plain.clone();
        transact!(store, scope(1), |tx| {
            let now = now.clone();
            async move { api_users::update(tx, &now).await }
        })
        .await
        .unwrap();
        let same = ApiUser { id: ApiUserId::from_raw(9), user_name: "é1@EXAMPLE.com".parse().unwrap(), ..user(2) };
        let taken = transact!(store, scope(1), |tx| {
            let same = same.clone();
            async move { api_users::insert(tx, &same).await }
        })
        .await;
        assert!(matches!(taken, Err(Error::Taken(Taken::Name))), "whatever its case");
        let mut conn = store.read().await.unwrap();
        let filter = ApiUserFilter { active: Some(true), text: Some("é1@".to_owned()), ..ApiUserFilter::default() };
        let found = api_users::list(&mut conn, organization_id(1), &filter, &Page::first(10)).await.unwrap();
        assert_eq!(found.items, [plain]);
    }

    async fn f_17_recovery_codes_of_an_api_user_work_once_and_end_with_its_one_time_codes(place) {
        let store = place.store().await;
        with_user(&store).await;
        let id = user(1).id;
        transact!(store, scope(1), |tx| async move {
            let digests = [1, 2, 3].map(|byte| CredentialDigest::from_bytes([byte; 32]));
            assert!(!api_user_codes::put(tx, id, &digests).await?, "there is nothing that they would stand in for");
            let totp = ApiUserTotp { sealed: vec![1], last_step: Step::new(5), confirmed_at: START };
            assert!(api_user_secrets::put_totp(tx, id, &totp).await?);
            assert!(api_user_codes::put(tx, id, &digests).await?);
            assert!(!api_user_codes::take(tx, ApiUserId::from_raw(9), &digests[0]).await?, "another user's");
            assert!(api_user_codes::take(tx, id, &digests[0]).await?);
            assert!(!api_user_codes::take(tx, id, &digests[0]).await?);
            assert_eq!(api_user_codes::count(tx, id).await?, 2);
            let others = [4, 5].map(|byte| CredentialDigest::from_bytes([byte; 32]));
            assert!(api_user_codes::put(tx, id, &others).await?);
            assert!(!api_user_codes::take(tx, id, &digests[1]).await?, "those of before are gone");
            assert!(api_user_secrets::remove_totp(tx, id).await?);
            assert_eq!(api_user_codes::count(tx, id).await?, 0);
            assert_eq!(api_users::unlocked_at(tx, id).await?, None);
            api_users::unlock(tx, id, at(3)).await?;
            assert_eq!(api_users::unlocked_at(tx, id).await?, Some(at(3)));
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    }

    async fn what_an_api_user_proves_itself_by_works_once(place) {
        let store = place.store().await;
        with_user(&store).await;
        let id = user(1).id;
        transact!(store, scope(1), |tx| async move {
            api_user_secrets::set_password(tx, id, &PasswordHash::new("$1".to_owned()), START).await?;
            let totp = ApiUserTotp { sealed: vec![1], last_step: Step::new(5), confirmed_at: START };
            assert!(api_user_secrets::put_totp(tx, id, &totp).await?);
            assert!(!api_user_secrets::put_totp(tx, id, &totp).await?, "in no other's place");
            assert!(api_user_secrets::take_step(tx, id, &vec![1], Step::new(6)).await?);
            assert!(!api_user_secrets::take_step(tx, id, &vec![1], Step::new(6)).await?);
            let link = CredentialDigest::from_bytes([7; 32]);
            api_user_secrets::put_link(tx, id, &link, at(10)).await?;
            assert_eq!(api_user_secrets::user_of_link(tx, &link, at(10)).await?, None, "its time is over");
            assert_eq!(api_user_secrets::user_of_link(tx, &link, at(9)).await?, Some(id));
            assert!(api_user_secrets::take_link(tx, &link).await?);
            assert!(!api_user_secrets::take_link(tx, &link).await?);
            let event = Event {
                id: RequestId::from_raw(1), at: START, status: "x".to_owned(), ip: None, agent: None, device: None,
            };
            api_user_secrets::note(tx, id, &event).await?;
            assert_eq!(api_user_secrets::events_at(tx, id, 0, 9).await?, [event]);
            api_users::delete(tx, organization_id(1), id).await
        })
        .await
        .unwrap();
        assert!(api_user_secrets::password(&mut store.read().await.unwrap(), id).await.unwrap().is_none());
    }

    async fn w_13_sessions_begin_are_used_and_end_in_the_feed(place) {
        let store = place.store().await;
        with_user(&store).await;
        let mut feed = store.feed();
        feed.load(|_| {}, |_| {}).await.unwrap();
        begin(&store, 1).await;
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        let change = step.changes.iter().find(|change| change.object == ObjectRef::ApiSession(session(1).id));
        let now = change.expect("it is there").now.clone();
        assert_eq!(now, Some(Object::ApiSession(Box::new(session(1)))));
        let used_at = START.saturating_add(Duration::from_hours(2));
        let one = SessionUse { session: session(1).id, organization: organization_id(1), at: used_at };
        api_sessions::note_uses(&store, &[one, SessionUse { at: START, ..one }]).await.unwrap();
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        let used = ApiSession { used_at, ..session(1) };
        assert_eq!(step.changes[0].now, Some(Object::ApiSession(Box::new(used))), "the latest of its uses");
        let id = session(1).id;
        let new = NewTotp { sealed: vec![3], until: at(9) };
        let kept = new.clone();
        transact!(store, scope(1), |tx| {
            let new = new.clone();
            async move { api_sessions::put_new_totp(tx, id, &new).await }
        })
        .await
        .unwrap();
        assert_eq!(api_sessions::new_totp(&mut store.read().await.unwrap(), id).await.unwrap(), Some(kept));
        begin(&store, 2).await;
        feed.next().await.unwrap();
        let later = |hours| START.saturating_add(Duration::from_hours(hours));
        assert_eq!(api_sessions::sweep(&store, later(5)).await.unwrap(), 1, "the one that nobody used, an hour late");
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        assert_eq!(step.changes[0].object, ObjectRef::ApiSession(session(2).id));
        assert_eq!(step.changes[0].now, None);
        let ended = transact!(store, scope(1), |tx| async move { api_sessions::end_of_user(tx, user(1).id, None).await });
        assert_eq!(ended.await.unwrap().value, 1);
    }
}
