//! People in organizations, and their roles.

use claviger_domain::authority::{Authorities, Authority};
use claviger_domain::change::{Object, ObjectRef};
use claviger_domain::key::Disabled;
use claviger_domain::member::{Member, User};
use claviger_domain::role::{Levels, PREDEFINED_ROLES, Role};
use claviger_domain::{ApiSetId, OrganizationId, RoleId, UserId};
use claviger_store::members::MemberFilter;
use claviger_store::{Error, FeedEvent, Page, RecordSort, Store, Taken, api_sets, members, organizations, roles};

use crate::harness::{Place, START};
use crate::sample::{actor, add_catalog, add_organizations, api, at, organization_id, scope};
use crate::{stories, transact};

/// Member `number` of an organization, who has come.
pub fn member(organization: u128, number: u128) -> Member {
    let user = User {
        id: UserId::from_raw(number),
        email: format!("Ann{number}@Example.org").parse().unwrap(),
        name: format!("Ann É {number}").parse().unwrap(),
        language: "pl".to_owned(),
        time_zone: "Europe/Warsaw".to_owned(),
        created_at: at(1),
    };
    Member {
        user,
        organization: organization_id(organization),
        username: format!("ann-{number}").parse().unwrap(),
        roles: Vec::new(),
        disabled: Some(Disabled { at: at(2), by: actor(), reason: Some("left".to_owned()) }),
        locked: Some(Disabled { at: at(3), by: actor(), reason: None }),
        account_expires_at: Some(at(9)),
        accepted_at: Some(at(4)),
        created_by: actor(),
        created_at: at(i64::try_from(number).unwrap()),
        updated_at: at(5),
        version: 3,
    }
}

fn role(organization: u128, number: u128) -> Role {
    Role {
        id: RoleId::from_raw(number),
        organization: organization_id(organization),
        slug: format!("role-{number}").parse().unwrap(),
        name: format!("Role É {number}").parse().unwrap(),
        predefined: false,
        authorities: Authorities::of(&[Authority::KeysManageOwn, Authority::AuditRead]),
        levels: Levels {
            max_lifetime_days: Some(30),
            max_keys: Some(5),
            max_rate: None,
            api_sets: Some(vec![ApiSetId::from_raw(1)]),
        },
        created_at: START,
        updated_at: at(1),
        version: 2,
    }
}

async fn add_role(store: &Store, role: Role) -> Result<(), Error> {
    let scope = claviger_store::Scope::Organization(role.organization);
    let added = transact!(store, scope, |tx| {
        let role = role.clone();
        async move { roles::insert(tx, &role).await }
    });
    added.await.map(|_| ())
}

async fn add(store: &Store, member: Member) -> Result<(), Error> {
    let scope = claviger_store::Scope::Organization(member.organization);
    let added = transact!(store, scope, |tx| {
        let member = member.clone();
        async move { members::insert(tx, &member).await }
    });
    added.await.map(|_| ())
}

async fn update(store: &Store, member: &Member) -> Result<(), Error> {
    let scope = claviger_store::Scope::Organization(member.organization);
    let member = member.clone();
    let updated = transact!(store, scope, |tx| {
        let member = member.clone();
        async move { members::update(tx, &member).await }
    });
    updated.await.map(|_| ())
}

async fn read(store: &Store, organization: u128, user: u128) -> Option<Member> {
    let mut conn = store.read().await.unwrap();
    members::get(&mut conn, organization_id(organization), UserId::from_raw(user)).await.unwrap()
}

stories! {
    async fn members_are_written_read_and_changed_with_their_roles(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add_role(&store, role(1, 7)).await.unwrap();
        add(&store, Member { roles: vec![RoleId::from_raw(7)], ..member(1, 1) }).await.unwrap();
        let written = Member { roles: vec![RoleId::from_raw(7)], ..member(1, 1) };
        assert_eq!(read(&store, 1, 1).await, Some(written.clone()));
        assert_eq!(read(&store, 2, 1).await, None, "another organization's");
        let mut conn = store.read().await.unwrap();
        assert_eq!(roles::count_members(&mut conn, RoleId::from_raw(7)).await.unwrap(), 1);
        let having = members::with_role(&mut conn, organization_id(1), RoleId::from_raw(7)).await.unwrap();
        assert_eq!(having, [written]);
        let found = members::by_email(&mut conn, organization_id(1), &"ANN1@example.ORG".parse().unwrap()).await.unwrap();
        assert_eq!(found.map(|found| found.user.id), Some(UserId::from_raw(1)));
        drop(conn);
        let mut changed = Member { disabled: None, locked: None, account_expires_at: None, ..member(1, 1) };
        (changed.username, changed.user.name) = ("renamed".parse().unwrap(), "Zoe".parse().unwrap());
        update(&store, &changed).await.unwrap();
        assert_eq!(read(&store, 1, 1).await, Some(changed));
        let mut conn = store.read().await.unwrap();
        assert_eq!(roles::count_members(&mut conn, RoleId::from_raw(7)).await.unwrap(), 0);
        assert_eq!(update(&store, &member(1, 9)).await, Err(Error::NotFound));
    }

    async fn an_address_and_a_user_name_count_once_in_an_organization(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add(&store, member(1, 1)).await.unwrap();
        let twin = Member { user: User { email: "ａNN1@example.org".parse().unwrap(), ..member(1, 2).user }, ..member(1, 2) };
        assert_eq!(add(&store, twin).await, Err(Error::Taken(Taken::Email)));
        let namesake = Member { username: "ANN-1".parse().unwrap(), ..member(1, 2) };
        assert_eq!(add(&store, namesake).await, Err(Error::Taken(Taken::Username)));
        add(&store, member(1, 2)).await.unwrap();
        let renamed = Member { username: "Ａnn-1".parse().unwrap(), ..member(1, 2) };
        assert_eq!(update(&store, &renamed).await, Err(Error::Taken(Taken::Username)));
    }

    async fn whoever_accepted_no_invitation_is_known_to_nobody_else(place) {
        let store = place.store().await;
        add_organizations(&store, 3).await;
        add(&store, member(1, 1)).await.unwrap();
        let email = &member(1, 1).user.email;
        // Other organizations invite the same address: to each it is a person of its own.
        for (organization, number) in [(2, 2), (3, 3)] {
            let user = User { email: email.clone(), ..member(organization, number).user };
            add(&store, Member { user, accepted_at: None, ..member(organization, number) }).await.unwrap();
        }
        let mut conn = store.read().await.unwrap();
        let known = members::known_user(&mut conn, email).await.unwrap();
        assert_eq!(known, Some(member(1, 1).user));
        drop(conn);
        // Who accepts as somebody new although the address is known must sign in as who they are.
        let accepting = Member { accepted_at: Some(at(8)), ..read(&store, 2, 2).await.unwrap() };
        assert_eq!(update(&store, &accepting).await, Err(Error::Taken(Taken::Email)));
        transact!(store, scope(3), |tx| async move {
            members::delete(tx, organization_id(3), UserId::from_raw(3)).await
        }).await.unwrap();
        assert_eq!(place.number("SELECT COUNT(*) FROM users").await, 2, "the invited person goes with the invitation");
        transact!(store, scope(1), |tx| async move {
            members::delete(tx, organization_id(1), UserId::from_raw(1)).await
        }).await.unwrap();
        assert_eq!(place.number("SELECT COUNT(*) FROM users").await, 2, "who has come stays known");
    }

    async fn a_person_of_two_organizations_is_one(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add(&store, member(1, 1)).await.unwrap();
        add(&store, Member { username: "guest".parse().unwrap(), ..member(2, 1) }).await.unwrap();
        let mut feed = store.feed();
        feed.load(drop, |_| {}).await.unwrap();
        let mut renamed = member(1, 1);
        renamed.user.name = "Zoe".parse().unwrap();
        update(&store, &renamed).await.unwrap();
        let other = read(&store, 2, 1).await.unwrap();
        assert_eq!((other.user.name.as_str(), other.username.as_str(), other.version), ("Zoe", "guest", 3));
        let mut conn = store.read().await.unwrap();
        assert_eq!(members::count_of_user(&mut conn, UserId::from_raw(1)).await.unwrap(), 2);
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        let objects: std::collections::HashSet<_> = step.changes.iter().map(|change| change.object).collect();
        let both = [1, 2].map(|organization| ObjectRef::Member(organization_id(organization), UserId::from_raw(1)));
        assert_eq!(objects, both.into(), "nodes hold the name in both");
    }

    async fn lists_of_members_are_filtered_and_ordered(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_role(&store, role(1, 7)).await.unwrap();
        add(&store, member(1, 1)).await.unwrap();
        add(&store, Member { disabled: None, roles: vec![RoleId::from_raw(7)], ..member(1, 2) }).await.unwrap();
        add(&store, Member { locked: None, username: "aaa".parse().unwrap(), ..member(1, 3) }).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let found = async |conn: &mut claviger_store::Conn, filter: MemberFilter| {
            let listed = members::list(conn, organization_id(1), &filter, &Page::default()).await.unwrap();
            listed.items.iter().map(|found| found.user.id.as_raw()).collect::<Vec<_>>()
        };
        let all = MemberFilter::default;
        assert_eq!(found(&mut conn, all()).await, [3, 1, 2]);
        assert_eq!(found(&mut conn, MemberFilter { sort: RecordSort::Name, ..all() }).await, [1, 2, 3]);
        assert_eq!(found(&mut conn, MemberFilter { sort: RecordSort::Newest, ..all() }).await, [3, 2, 1]);
        assert_eq!(found(&mut conn, MemberFilter { enabled: Some(true), ..all() }).await, [2]);
        assert_eq!(found(&mut conn, MemberFilter { locked: Some(false), ..all() }).await, [3]);
        assert_eq!(found(&mut conn, MemberFilter { role: Some(RoleId::from_raw(7)), ..all() }).await, [2]);
        for text in ["É 2", "ANN-2", "ann2@EXAMPLE"] {
            assert_eq!(found(&mut conn, MemberFilter { text: Some(text.to_owned()), ..all() }).await, [2], "{text}");
        }
        let first = members::list(&mut conn, organization_id(1), &all(), &Page::first(2)).await.unwrap();
        let rest = Page { after: first.next, ..Page::first(2) };
        let rest = members::list(&mut conn, organization_id(1), &all(), &rest).await.unwrap();
        assert_eq!((first.items.len(), rest.items.len(), rest.next), (2, 1, None));
    }

    async fn roles_are_written_changed_and_deleted_unless_somebody_has_them(place) {
        let store = place.store().await;
        add_organizations(&store, 2).await;
        add_catalog(&store, 1, 1).await;
        add_role(&store, role(1, 7)).await.unwrap();
        assert_eq!(add_role(&store, Role { id: RoleId::from_raw(8), ..role(1, 7) }).await, Err(Error::Taken(Taken::Slug)));
        add(&store, Member { roles: vec![RoleId::from_raw(7)], ..member(1, 1) }).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(roles::get(&mut conn, organization_id(1), RoleId::from_raw(7)).await.unwrap(), Some(role(1, 7)));
        assert_eq!(roles::get(&mut conn, organization_id(2), RoleId::from_raw(7)).await.unwrap(), None);
        assert_eq!(api_sets::in_use_counts(&mut conn, organization_id(1), ApiSetId::from_raw(1)).await.unwrap().roles, 1);
        drop(conn);
        let delete = || transact!(&store, scope(1), |tx| async move {
            roles::delete(tx, organization_id(1), RoleId::from_raw(7)).await
        });
        assert!(matches!(delete().await, Err(Error::Refused(_))), "a member has it");
        let changed = Role { levels: Levels::default(), authorities: Authorities::NONE, ..role(1, 7) };
        let written = changed.clone();
        transact!(&store, scope(1), |tx| {
            let changed = written.clone();
            async move { roles::update(tx, &changed).await }
        }).await.unwrap();
        update(&store, &member(1, 1)).await.unwrap();
        let mut conn = store.read().await.unwrap();
        assert_eq!(roles::find(&mut conn, RoleId::from_raw(7)).await.unwrap(), Some(changed));
        drop(conn);
        delete().await.unwrap();
    }

    async fn the_feed_carries_roles_and_members_and_their_end(place) {
        let store = place.store().await;
        add_organizations(&store, 1).await;
        add_role(&store, role(1, 7)).await.unwrap();
        add(&store, member(1, 1)).await.unwrap();
        let mut feed = store.feed();
        let mut loaded = Vec::new();
        feed.load(|changes| loaded.extend(changes), |_| {}).await.unwrap();
        let now = |object: ObjectRef| loaded.iter().find(|change| change.object == object).unwrap().now.clone();
        let one = ObjectRef::Member(organization_id(1), UserId::from_raw(1));
        assert_eq!(now(ObjectRef::Role(RoleId::from_raw(7))), Some(Object::Role(Box::new(role(1, 7)))));
        assert_eq!(now(one), Some(Object::Member(Box::new(member(1, 1)))));
        update(&store, &Member { locked: None, ..member(1, 1) }).await.unwrap();
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        assert_eq!(step.changes[0].now, Some(Object::Member(Box::new(Member { locked: None, ..member(1, 1) }))));
        transact!(store, scope(1), |tx| async move {
            members::delete(tx, organization_id(1), UserId::from_raw(1)).await?;
            roles::delete(tx, organization_id(1), RoleId::from_raw(7)).await
        }).await.unwrap();
        let FeedEvent::Step(step) = feed.next().await.unwrap() else { panic!("a step") };
        let objects: Vec<_> = step.changes.iter().map(|change| (change.object, change.now.is_none())).collect();
        assert_eq!(objects, [(ObjectRef::Role(RoleId::from_raw(7)), true), (one, true)]);
    }

    async fn organizations_from_before_have_roles_sets_and_an_administrator(place) {
        before_people(&place).await;
        let store = place.store().await;
        let mut conn = store.read().await.unwrap();
        let organization = "org_01jd2v3w4x5y6z7a8b9c0d1e2f".parse::<OrganizationId>().unwrap();
        assert!(organizations::get(&mut conn, organization).await.unwrap().is_some());
        let listed = roles::list(&mut conn, organization, None, RecordSort::Slug, &Page::default()).await.unwrap().items;
        let expected: Vec<_> = Role::predefined(organization, at(0)).collect();
        assert_eq!(listed.len(), PREDEFINED_ROLES.len());
        for role in expected {
            let found = roles::get(&mut conn, organization, role.id).await.unwrap().unwrap();
            assert_eq!(Role { created_at: found.created_at, updated_at: found.updated_at, ..role }, found);
            let text = Some(found.name.as_str());
            let named = roles::list(&mut conn, organization, text, RecordSort::Slug, &Page::default()).await.unwrap();
            assert_eq!(named.items, [found], "it is found like one that was made by the program");
        }
        let ann = "usr_01jd2v3w4x5y6z7a8b9c0d1e2f".parse().unwrap();
        let ann = members::get(&mut conn, organization, ann).await.unwrap().unwrap();
        assert!(ann.keeps_the_organization(), "{ann:?}");
        assert_eq!(members::with_role(&mut conn, organization, Role::admin_id(organization)).await.unwrap(), [ann]);
        for slug in ["claviger-own-keys", "claviger-users-write", "claviger-audit-read"] {
            let set = api_sets::by_slug(&mut conn, organization, &slug.parse().unwrap()).await.unwrap();
            assert_eq!(set.unwrap().apis, [api(1, 1).id], "{slug}");
        }
    }
}

/// A database as the schema before people left it, with an organization and its first member.
async fn before_people(place: &Place) {
    let mut script = String::from(
        "CREATE TABLE schema_state (id BIGINT PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL, \
         oldest_reader BIGINT NOT NULL);
         CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL);
         INSERT INTO schema_state VALUES (1, 12, 10);\n",
    );
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in &files[..12] {
        script.push_str(&std::fs::read_to_string(file).unwrap());
    }
    script.push_str(
        "INSERT INTO feed_head VALUES (1, 1, 0, 'nonce');
         INSERT INTO organizations (id, slug, name, search, time_zone, key_prefix, created_at, updated_at, version, writes)
         VALUES ('org_01jd2v3w4x5y6z7a8b9c0d1e2f', 'acme', 'Acme', 'acme', 'UTC', 'clv', 1, 1, 1, 0);
         INSERT INTO users VALUES ('usr_01jd2v3w4x5y6z7a8b9c0d1e2f', 'Ann@x.org', 'ann@x.org', 'Ann@x.org', 1);
         INSERT INTO memberships VALUES ('org_01jd2v3w4x5y6z7a8b9c0d1e2f', 'usr_01jd2v3w4x5y6z7a8b9c0d1e2f', 1);
         INSERT INTO apis (id, organization_id, slug, name, search, hosts, base_paths, unlisted_paths, kind, created_at,
         updated_at, version) VALUES ('api_00000000000000000000000001', 'org_01jd2v3w4x5y6z7a8b9c0d1e2f', 'claviger',
         'Claviger', 'claviger', '[]', '[]', 0, 'built_in', 1, 1, 1);",
    );
    if !place.is_postgres() {
        std::fs::File::create(place.file()).unwrap();
    }
    place.execute(script.replace(" BYTES", if place.is_postgres() { " BYTEA" } else { " BLOB" })).await;
}
