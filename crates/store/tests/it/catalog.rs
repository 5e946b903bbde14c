//! Organizations, people, APIs, operations and sets.

use claviger_domain::api::ApiKind;
use claviger_domain::api_set::ApiSetKind;
use claviger_domain::policy::Policy;
use claviger_domain::{ApiId, ApiSetId};
use claviger_store::api_sets::{ApiSetFilter, InUse};
use claviger_store::manuals::{MANUALS_LENGTH_MAX, OperationManual};
use claviger_store::operations::OperationFilter;
use claviger_store::{
    Cursor, CursorValue, Error, Page, Scope, Taken, api_sets, apis, manuals, operations, organizations, policies,
};

use crate::sample::{
    add_catalog, add_keys, add_organizations, api, api_set, at, key, manual, operation, organization, organization_id,
    pattern, scope,
};
use crate::{stories, transact};

fn containing(text: &str) -> OperationFilter {
    OperationFilter { text: Some(text.to_owned()), ..OperationFilter::default() }
}

stories! {
    async fn organizations_are_written_and_read(place) {
        let store = place.store().await;
        add_organizations(&store, 3).await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(organizations::get(&mut conn, organization_id(2)).await.unwrap(), Some(organization(2)));
        assert_eq!(organizations::default(&mut conn).await.unwrap(), Some(organization(1)));
        assert_eq!(organizations::count(&mut conn).await.unwrap(), 3);
        assert_eq!(organizations::get(&mut conn, organization_id(9)).await.unwrap(), None);
        let first = organizations::list(&mut conn, &Page::first(2)).await.unwrap();
        assert_eq!(first.items, [organization(1), organization(2)]);
        let rest = organizations::list(&mut conn, &Page { limit: 2, after: first.next }).await.unwrap();
        assert_eq!((rest.items, rest.next), (vec![organization(3)], None));
        drop(conn);

        let mut renamed = organization(2);
        (renamed.slug, renamed.updated_at, renamed.version) = ("renamed".parse().unwrap(), at(7), 2);
        let expected = renamed.clone();
        transact!(store, scope(2), |tx| {
            let renamed = renamed.clone();
            async move {
                organizations::update(tx, &renamed).await?;
                organizations::set_default(tx, renamed.id).await
            }
        }).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let found = organizations::by_slug(&mut conn, &expected.slug).await.unwrap().unwrap();
        assert_eq!((found.version, found.is_default), (2, true));
        assert!(!organizations::get(&mut conn, organization_id(1)).await.unwrap().unwrap().is_default);
    }

    async fn manuals_are_kept_by_version_and_go_with_their_api(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_catalog(&store, 1, 1).await;
        let id = api(1, 1).id;
        let mut conn = store.read().await.unwrap();
        assert_eq!(manuals::of_version(&mut conn, id, "v2").await.unwrap(), [manual("GET /1", "v2")]);
        assert_eq!(manuals::get(&mut conn, id, "GET /1", "").await.unwrap(), Some(manual("GET /1", "").manual));
        assert_eq!(manuals::get(&mut conn, id, "GET /1", "v3").await.unwrap(), None);
        drop(conn);

        let many: Vec<_> = (1..=70).rev().map(|number| manual(&format!("GET /{number:02}"), "v2")).collect();
        transact!(store, scope(1), |tx| {
            let many = many.clone();
            async move {
                manuals::replace(tx, id, &["v2"], &many).await?;
                manuals::delete(tx, id, "GET /01", "v2").await
            }
        }).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let kept = manuals::of_version(&mut conn, id, "v2").await.unwrap();
        let requests: Vec<_> = (2..=70).map(|number| format!("GET /{number:02}")).collect();
        assert_eq!(kept.iter().map(|one| one.request.clone()).collect::<Vec<_>>(), requests);
        let mut places = manuals::places(&mut conn, id).await.unwrap();
        places.sort();
        assert_eq!((places.len(), &places[0]), (70, &("GET /02".to_owned(), "v2".to_owned())));
        assert_eq!(manuals::of_version(&mut conn, id, "").await.unwrap(), [manual("GET /1", "")], "the other stays");
        drop(conn);

        transact!(store, scope(1), |tx| async move { apis::delete(tx, api(1, 1).organization, id).await }).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(manuals::places(&mut conn, id).await.unwrap(), []);
    }

    async fn an_api_keeps_so_much_of_manuals_and_no_more(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_catalog(&store, 1, 1).await;
        let id = api(1, 1).id;
        let large = |number: usize, version: &str| {
            let manual = "x".repeat(MANUALS_LENGTH_MAX / 4);
            OperationManual { request: format!("GET /{number}"), version: version.to_owned(), manual }
        };
        for version in ["v3", "v4"] {
            let both = [large(1, version), large(2, version)];
            transact!(store, scope(1), |tx| {
                let both = both.clone();
                async move { manuals::replace(tx, id, &[version], &both).await }
            }).await.unwrap();
        }
        let mut conn = store.read().await.unwrap();
        let mut kept: Vec<_> = manuals::places(&mut conn, id).await.unwrap().into_iter().map(|(_, version)| version).collect();
        kept.sort();
        assert_eq!(kept, ["", "v2", "v3", "v3", "v4"], "with the small ones a fourth is too much");
    }

    async fn a_policy_is_part_of_its_organization(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let policy = Policy { idle_days: 7, updated_at: Some(at(3)), version: 2, ..Policy::default() };
        let saved = policy.clone();
        let committed = transact!(store, scope(1), |tx| {
            let saved = saved.clone();
            async move { policies::save(tx, organization_id(1), &saved).await }
        }).await.unwrap();
        assert!(committed.position.is_some(), "the other nodes are told");
        let mut conn = store.read().await.unwrap();
        let read = organizations::get(&mut conn, organization_id(1)).await.unwrap().unwrap();
        assert_eq!(read.policy, policy);
        let other = organizations::get(&mut conn, organization_id(2)).await.unwrap().unwrap();
        assert_eq!(other.policy, Policy::default());
        let listed = organizations::list(&mut conn, &Page::first(1)).await.unwrap();
        assert_eq!(listed.items[0].policy, policy);
    }

    async fn a_slug_of_an_organization_is_taken_once(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        let mut clash = organization(3);
        clash.slug = organization(1).slug;
        let inserted = clash.clone();
        let result = transact!(store, Scope::Installation, |tx| {
            let clash = inserted.clone();
            async move { organizations::insert(tx, &clash).await }
        }).await;
        assert_eq!(result, Err(Error::Taken(Taken::Slug)));
        clash.id = organization_id(2);
        let result = transact!(store, scope(2), |tx| {
            let clash = clash.clone();
            async move { organizations::update(tx, &clash).await }
        }).await;
        assert_eq!(result, Err(Error::Taken(Taken::Slug)));
    }

    async fn apis_are_written_read_and_deleted_with_their_operations(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add_catalog(&store, 1, 1).await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(apis::get(&mut conn, organization_id(1), ApiId::from_raw(1)).await.unwrap(), Some(api(1, 1)));
        assert_eq!(apis::get(&mut conn, organization_id(2), ApiId::from_raw(1)).await.unwrap(), None, "another's");
        assert_eq!(operations::all(&mut conn, ApiId::from_raw(1)).await.unwrap(), [operation(1), operation(2)]);
        drop(conn);

        let mut changed = api(1, 1);
        (changed.slug, changed.kind, changed.unlisted_paths) = ("other".parse().unwrap(), ApiKind::Plain, false);
        (changed.manual_url, changed.hosts, changed.version) = (None, Vec::new(), 2);
        let expected = changed.clone();
        transact!(store, scope(1), |tx| {
            let changed = changed.clone();
            async move { apis::update(tx, &changed).await }
        }).await.unwrap();
        let found = apis::by_slug(&mut store.read().await.unwrap(), organization_id(1), &expected.slug).await.unwrap();
        assert_eq!(found, Some(expected));

        transact!(store, scope(1), |tx| async move { apis::delete(tx, organization_id(1), ApiId::from_raw(1)).await })
            .await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(apis::count(&mut conn, organization_id(1)).await.unwrap(), 0);
        assert_eq!(operations::count(&mut conn, ApiId::from_raw(1)).await.unwrap(), 0);
        drop(conn);
        let again =
            transact!(store, scope(1), |tx| async move { apis::delete(tx, organization_id(1), ApiId::from_raw(1)).await });
        assert_eq!(again.await, Err(Error::NotFound));
    }

    async fn a_slug_is_taken_once_in_an_organization(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add_catalog(&store, 1, 1).await;
        let (mut clashing_api, mut clashing_set) = (api(1, 2), api_set(1, 2));
        (clashing_api.slug, clashing_set.slug) = (api(1, 1).slug, api_set(1, 1).slug);
        let result = transact!(store, scope(1), |tx| {
            let record = clashing_api.clone();
            async move { apis::insert(tx, &record).await }
        }).await;
        assert_eq!(result, Err(Error::Taken(Taken::Slug)));
        let result = transact!(store, scope(1), |tx| {
            let record = clashing_set.clone();
            async move { api_sets::insert(tx, &record).await }
        }).await;
        assert_eq!(result, Err(Error::Taken(Taken::Slug)));
        // The same slugs are free elsewhere.
        let (mut other_api, mut other_set) = (api(2, 3), api_set(2, 3));
        (other_api.slug, other_set.slug) = (api(1, 1).slug, api_set(1, 1).slug);
        transact!(store, scope(2), |tx| {
            let (record, set) = (other_api.clone(), other_set.clone());
            async move {
                apis::insert(tx, &record).await?;
                api_sets::insert(tx, &set).await
            }
        }).await.unwrap();
    }

    async fn operations_keep_their_documents_order_and_are_found(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_catalog(&store, 1, 1).await;
        let many: Vec<_> = (0..1_300).rev().map(operation).collect();
        let listed = many.clone();
        transact!(store, scope(1), |tx| {
            let many = many.clone();
            async move { operations::replace(tx, organization_id(1), ApiId::from_raw(1), &many).await }
        }).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(operations::all(&mut conn, ApiId::from_raw(1)).await.unwrap(), listed);
        let mut page = Page::first(100);
        let mut paged = Vec::new();
        loop {
            let part = operations::list(&mut conn, ApiId::from_raw(1), &OperationFilter::default(), &page).await.unwrap();
            paged.extend(part.items);
            match part.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        assert_eq!(paged, listed);
        let found = operations::list(&mut conn, ApiId::from_raw(1), &containing("GET-1299"), &Page::default()).await.unwrap();
        assert_eq!(found.items, [operation(1_299)]);
        let literal = operations::list(&mut conn, ApiId::from_raw(1), &containing("1%0"), &Page::default()).await.unwrap();
        assert!(literal.items.is_empty(), "a wildcard is an ordinary character");
    }

    async fn sets_are_written_found_and_counted(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_catalog(&store, 1, 1).await;
        let mut whole = api_set(1, 2);
        (whole.apis, whole.kind) = (vec![ApiId::from_raw(1)], ApiSetKind::General);
        let mut partial = api_set(1, 3);
        partial.operations = vec![pattern(1, "issues/*")];
        let added = [whole.clone(), partial.clone()];
        transact!(store, scope(1), |tx| {
            let added = added.clone();
            async move {
                for set in &added { api_sets::insert(tx, set).await?; }
                Ok(())
            }
        }).await.unwrap();
        let mut held = key(1, 1);
        held.api_sets = vec![partial.id, whole.id, partial.id];
        add_keys(&store, vec![held]).await;
        let mut conn = store.read().await.unwrap();
        let list = async |conn: &mut claviger_store::Conn, filter: ApiSetFilter| {
            api_sets::list(conn, organization_id(1), &filter, &Page::default()).await.unwrap().items
        };
        assert_eq!(list(&mut conn, ApiSetFilter::default()).await, [api_set(1, 1), whole.clone(), partial.clone()]);
        let filter = ApiSetFilter { api: Some(ApiId::from_raw(1)), ..ApiSetFilter::default() };
        assert_eq!(list(&mut conn, filter).await, [whole.clone(), partial.clone()]);
        let filter = ApiSetFilter { kind: Some(ApiSetKind::General), ..ApiSetFilter::default() };
        assert_eq!(list(&mut conn, filter).await, [whole]);
        let filter = ApiSetFilter { text: Some("SET 3".to_owned()), ..ApiSetFilter::default() };
        assert_eq!(list(&mut conn, filter).await, [partial.clone()]);
        assert_eq!(api_sets::in_use_counts(&mut conn, organization_id(1), partial.id).await.unwrap(), InUse { keys: 1, ..InUse::default() });
        assert_eq!(api_sets::in_use_counts(&mut conn, organization_id(1), ApiSetId::from_raw(1)).await.unwrap(), InUse::default());
        drop(conn);

        let held = transact!(store, scope(1), |tx| async move {
            api_sets::delete(tx, organization_id(1), ApiSetId::from_raw(3)).await
        });
        assert!(matches!(held.await, Err(Error::Refused(_))), "a living key holds it");
        transact!(store, scope(1), |tx| async move { api_sets::delete(tx, organization_id(1), ApiSetId::from_raw(1)).await })
            .await.unwrap();
        let gone = api_sets::get(&mut store.read().await.unwrap(), organization_id(1), ApiSetId::from_raw(1)).await;
        assert_eq!(gone.unwrap(), None);
    }

    async fn a_cursor_of_another_list_is_refused(place) {
        let store = place.store().await;
        let after = Some(Cursor { value: CursorValue::Number(1), id: String::new() });
        let result = organizations::list(&mut store.read().await.unwrap(), &Page { limit: 5, after }).await;
        assert_eq!(result, Err(Error::ForeignCursor));
    }
}
