//! Applications and their types.

use claviger_domain::application::{Application, ApplicationType, Need, SignIn, StoredPassword, TypeFields};
use claviger_domain::change::{Object, ObjectRef};
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Disabled, Owner};
use claviger_domain::{ApiSetId, ApplicationId, ApplicationTypeId};
use claviger_store::applications::ApplicationFilter;
use claviger_store::keys::KeyFilter;
use claviger_store::{Error, FeedEvent, Page, Store, Taken, application_types, applications, keys};

use crate::harness::START;
use crate::sample::{
    actor, add_catalog, add_keys, add_organizations, at, ip, key, limit, organization_id, scope, update_key,
};
use crate::{stories, transact};

fn kind(number: u128) -> ApplicationType {
    ApplicationType {
        id: ApplicationTypeId::from_raw(number),
        organization: organization_id(1),
        slug: format!("type-{number}").parse().unwrap(),
        name: format!("Type É {number}").parse().unwrap(),
        sign_in: SignIn::KeyOnly,
        api_sets: vec![ApiSetId::from_raw(1)],
        fields: TypeFields { allowed_ips: Need::Required, public_url: Need::Hidden },
        predefined: false,
        created_at: START,
        updated_at: START,
        version: 1,
    }
}

pub fn application(number: u128) -> Application {
    Application {
        id: ApplicationId::from_raw(number),
        organization: organization_id(1),
        slug: format!("application-{number}").parse().unwrap(),
        name: format!("Portal É {number}").parse().unwrap(),
        kind: ApplicationTypeId::from_raw(1),
        disabled: Some(Disabled { at: at(3), by: actor(), reason: Some("audit".to_owned()) }),
        allowed_ips: [ip("192.0.2.0/24")].into_iter().collect(),
        limits: vec![limit()],
        public_url: Some("https://portal.example.org/".to_owned()),
        password: Some(StoredPassword {
            digest: CredentialDigest::from_bytes([number as u8; 32]),
            previous: Some((CredentialDigest::from_bytes([9; 32]), at(5))),
            set_at: START,
        }),
        created_by: actor(),
        created_at: START,
        updated_at: START,
        version: 1,
    }
}

pub async fn add(store: &Store, record: Application) -> Result<(), Error> {
    transact!(store, scope(1), |tx| {
        let record = record.clone();
        async move { applications::insert(tx, &record).await }
    })
    .await
    .map(|_| ())
}

async fn change(store: &Store, record: Application) -> Result<(), Error> {
    transact!(store, scope(1), |tx| {
        let record = record.clone();
        async move { applications::update(tx, &record).await }
    })
    .await
    .map(|_| ())
}

/// An organization with a set, and a type that names it.
pub async fn prepare(store: &Store) {
    add_organizations(store, 2).await;
    add_catalog(store, 1, 1).await;
    transact!(store, scope(1), |tx| async move { application_types::insert(tx, &kind(1)).await }).await.unwrap();
}

stories! {
    async fn an_application_is_read_as_it_was_written(place) {
        let store = place.store().await;
        prepare(&store).await;
        add(&store, application(1)).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let (here, elsewhere) = (organization_id(1), organization_id(2));
        assert_eq!(applications::get(&mut conn, here, application(1).id).await.unwrap(), Some(application(1)));
        assert_eq!(applications::get(&mut conn, elsewhere, application(1).id).await.unwrap(), None);
        assert_eq!(application_types::get(&mut conn, here, kind(1).id).await.unwrap(), Some(kind(1)));
        assert_eq!(application_types::count_using_set(&mut conn, here, ApiSetId::from_raw(1)).await.unwrap(), 1);
        assert_eq!(applications::count_of_type(&mut conn, kind(1).id).await.unwrap(), 1);
        drop(conn);
        let mut plain = application(1);
        (plain.disabled, plain.public_url, plain.version) = (None, None, 2);
        plain.allowed_ips = Vec::new().into();
        change(&store, plain.clone()).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(applications::get(&mut conn, here, plain.id).await.unwrap(), Some(plain));
    }

    async fn names_are_taken_per_type_and_slugs_per_organization(place) {
        let store = place.store().await;
        prepare(&store).await;
        transact!(&store, scope(1), |tx| async move { application_types::insert(tx, &kind(2)).await }).await.unwrap();
        add(&store, application(1)).await.unwrap();
        let twin = Application { name: "PORTAL É 1".parse().unwrap(), ..application(2) };
        assert_eq!(add(&store, twin.clone()).await, Err(Error::Taken(Taken::Name)));
        add(&store, Application { kind: kind(2).id, ..twin }).await.unwrap();
        let same_slug = Application { slug: application(1).slug, ..application(3) };
        assert_eq!(add(&store, same_slug).await, Err(Error::Taken(Taken::Slug)));
        let renamed = Application { slug: application(1).slug, kind: kind(2).id, ..application(2) };
        assert_eq!(change(&store, renamed).await, Err(Error::Taken(Taken::Slug)));
        assert_eq!(change(&store, application(9)).await, Err(Error::NotFound));
    }

    async fn a_list_that_a_key_shares_with_an_application_outlives_either(place) {
        let store = place.store().await;
        prepare(&store).await;
        add(&store, application(1)).await.unwrap();
        let mut sharing = key(1, 1);
        sharing.allowed_ips = application(1).allowed_ips;
        add_keys(&store, vec![sharing.clone()]).await;
        let bare = Application { allowed_ips: Vec::new().into(), ..application(1) };
        change(&store, bare).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(keys::get(&mut conn, sharing.organization, sharing.id).await.unwrap(), Some(sharing.clone()));
        drop(conn);
        change(&store, application(1)).await.unwrap();
        sharing.allowed_ips = Vec::new().into();
        update_key(&store, &sharing).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let read = applications::get(&mut conn, organization_id(1), application(1).id).await.unwrap();
        assert_eq!(read, Some(application(1)));
    }

    async fn lists_are_filtered_by_type_state_and_text(place) {
        let store = place.store().await;
        prepare(&store).await;
        add(&store, application(1)).await.unwrap();
        add(&store, Application { disabled: None, ..application(2) }).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let found = async |conn: &mut claviger_store::Conn, filter: ApplicationFilter| {
            let listed = applications::list(conn, organization_id(1), &filter, &Page::default()).await.unwrap();
            listed.items.iter().map(|found| found.id.as_raw()).collect::<Vec<_>>()
        };
        let all = ApplicationFilter::default;
        assert_eq!(found(&mut conn, all()).await, [1, 2]);
        assert_eq!(found(&mut conn, ApplicationFilter { active: Some(true), ..all() }).await, [2]);
        assert_eq!(found(&mut conn, ApplicationFilter { active: Some(false), ..all() }).await, [1]);
        let text = Some("É 2".to_lowercase());
        assert_eq!(found(&mut conn, ApplicationFilter { text, ..all() }).await, [2]);
        let kind = Some(ApplicationTypeId::from_raw(7));
        assert_eq!(found(&mut conn, ApplicationFilter { kind, ..all() }).await, [0u128; 0]);
    }

    async fn the_feed_carries_types_and_applications_and_their_end(place) {
        let store = place.store().await;
        prepare(&store).await;
        add(&store, application(1)).await.unwrap();
        let mut feed = store.feed();
        let mut loaded = Vec::new();
        feed.load(|changes| loaded.extend(changes), |_| {}).await.unwrap();
        let now = |object: ObjectRef| loaded.iter().find(|change| change.object == object).unwrap().now.clone();
        assert_eq!(now(ObjectRef::Application(application(1).id)), Some(Object::Application(Box::new(application(1)))));
        assert_eq!(now(ObjectRef::ApplicationType(kind(1).id)), Some(Object::ApplicationType(Box::new(kind(1)))));
        transact!(&store, scope(1), |tx| async move {
            applications::delete(tx, organization_id(1), application(1).id).await?;
            application_types::delete(tx, organization_id(1), kind(1).id).await
        })
        .await
        .unwrap();
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        let objects: Vec<_> = step.changes.iter().map(|change| (change.object, change.now.is_none())).collect();
        let expected = [
            (ObjectRef::ApplicationType(kind(1).id), true),
            (ObjectRef::Application(application(1).id), true),
        ];
        assert_eq!(objects, expected);
    }

    async fn keys_are_found_by_owner_and_by_tag(place) {
        let store = place.store().await;
        prepare(&store).await;
        add(&store, application(1)).await.unwrap();
        let owner = Owner::Application(application(1).id);
        let (mut first, mut tagged) = (key(1, 1), key(1, 2));
        (first.owner, first.tags) = (owner, vec!["Blue".to_owned()]);
        tagged.tags = vec!["blueish".to_owned(), "100%".to_owned()];
        add_keys(&store, vec![first, tagged, key(1, 3)]).await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(keys::count_of_owner(&mut conn, organization_id(1), &owner, u32::MAX).await.unwrap(), 1);
        let found = async |conn: &mut claviger_store::Conn, tag: &str| {
            let filter = KeyFilter { tag: Some(tag.to_owned()), ..KeyFilter::default() };
            let listed = keys::list(conn, organization_id(1), &filter, &Page::default()).await.unwrap();
            listed.items.iter().map(|found| found.id.as_raw()).collect::<Vec<_>>()
        };
        assert_eq!(found(&mut conn, "BLUE").await, [1]);
        assert_eq!(found(&mut conn, "100%").await, [2]);
        assert_eq!(found(&mut conn, "%").await, [0u128; 0]);
    }
}
