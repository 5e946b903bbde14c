//! Users: invited, changed, stopped and removed; and that an organization keeps an administrator.

use serde_json::{Value, json};

use crate::testing::{Reply, World};

async fn user(world: &World, admin: &str, name: &str, roles: &[&str]) -> Reply {
    let made = world.post(admin, "/users", json!({"email": format!("{name}@example.com"), "roles": roles})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

fn usernames(reply: &Reply) -> Vec<String> {
    let rows = reply.body["data"].as_array().expect("rows").iter();
    rows.map(|row| row["username"].as_str().expect("a name").to_owned()).collect()
}

/// Lets a person have accepted their invitation, as the page of the invitation would.
async fn accept(world: &World, admin: &str, id: &str) {
    let organization = world.get(admin, "/organization").await.text("id").parse().expect("an id");
    let user = id.parse().expect("an id");
    let done = world.manage.store.write(claviger_store::Scope::Organization(organization), move |tx| {
        Box::pin(async move {
            let mut member = claviger_store::members::get(tx, organization, user).await?.expect("a member");
            member.accepted_at = Some(crate::testing::NOW);
            claviger_store::members::update(tx, &member).await
        })
    });
    world.manage.engine.applied(done.await.expect("accepted").position.expect("a change")).await;
}

#[tokio::test]
async fn a_user_is_invited_with_what_the_address_says() {
    let (world, admin) = World::with_organization().await;
    let first = world.get(&admin, "/users").await;
    let ann = &first.body["data"][0];
    assert_eq!(
        (usernames(&first), &ann["state"], &ann["roles"]),
        (vec!["ann".to_owned()], &json!("active"), &json!(["admin"]))
    );
    let made = user(&world, &admin, "bob", &["developer", "auditor", "developer"]).await;
    assert_eq!(made.header("location"), format!("/api/v1/users/{}", made.text("id")));
    for (field, value) in [
        ("username", json!("bob")),
        ("name", json!("bob")),
        ("email", json!("bob@example.com")),
        ("state", json!("invited")),
        ("enabled", json!(true)),
        ("locked", json!(false)),
        ("account_expires_at", json!(null)),
        ("roles", json!(["developer", "auditor"])),
        ("language", json!("en")),
        ("time_zone", json!("UTC")),
        ("external_subject", json!(null)),
        ("last_sign_in", json!(null)),
        ("counts", json!({"keys": 0})),
    ] {
        assert_eq!(made.body[field], value, "{field}");
    }
    let mut read = made.body.clone();
    let invitation = read.as_object_mut().and_then(|user| user.remove("invitation")).expect("an invitation");
    assert_eq!((&invitation["user"], &invitation["state"]), (&made.body["id"], &json!("open")));
    for name in [made.text("id").as_str(), "BOB", "Bob@Example.com"] {
        assert_eq!(world.get(&admin, &format!("/users/{name}")).await.body, read, "{name}");
    }
    let other = world.post(&admin, "/users", json!({"email": "bob@example.org"})).await;
    assert_eq!(other.text("username"), "bob@example.org", "the first part is taken");
    let told = json!({"email": "c@example.com", "name": "Cleo", "username": "cleo", "language": "pl",
                      "time_zone": "Europe/Warsaw", "account_expires_at": "2026-12-31"});
    let told = world.post(&admin, "/users", told).await;
    assert_eq!(
        (told.text("name"), told.text("account_expires_at")),
        ("Cleo".to_owned(), "2027-01-01T00:00:00Z".to_owned())
    );
    let listed = world.get(&admin, "/users?text=EXAMPLE.C&sort=-username").await;
    assert_eq!(usernames(&listed), ["cleo", "bob", "ann"]);
    assert_eq!(usernames(&world.get(&admin, "/users?role=auditor").await), ["bob"]);
    assert_eq!(world.get(&admin, "/users?role=nobody").await.problem(404, "not_found"), ["role"]);
    assert_eq!(usernames(&world.get(&admin, "/users?enabled=false").await), Vec::<String>::new());
}

#[tokio::test]
async fn addresses_that_look_alike_are_taken_and_wrong_fields_are_named() {
    let (world, admin) = World::with_organization().await;
    user(&world, &admin, "bob", &[]).await;
    for alike in ["BOB@example.com", "bob@EXAMPLE.com", "ｂob@example.com", " bob@example.com ", "bob@ｅxample.com"] {
        let refused = world.post(&admin, "/users", json!({"email": alike})).await;
        assert_eq!(refused.problem(409, "name_taken"), ["email"], "{alike}");
    }
    let namesake = json!({"email": "other@example.com", "username": "BOB"});
    assert_eq!(world.post(&admin, "/users", namesake).await.problem(409, "name_taken"), ["username"]);
    for (body, fields) in [
        (json!({"email": "bob"}), vec!["email"]),
        (json!({"email": "b\u{200b}ob@example.com"}), vec!["email"]),
        (json!({"email": "a@b@c"}), vec!["email"]),
        (json!({"email": "x@example.com", "language": "english"}), vec!["language"]),
        (json!({"email": "x@example.com", "time_zone": "Mars/Olympus"}), vec!["time_zone"]),
        (json!({"email": "x@example.com", "account_expires_at": "2020-01-01"}), vec!["account_expires_at"]),
        (json!({"email": "x@example.com", "role": "admin"}), vec!["role"]),
        (json!({}), vec!["email"]),
    ] {
        let refused = world.post(&admin, "/users", body.clone()).await;
        assert_eq!(refused.problem(400, "invalid_request"), fields, "{body}");
    }
    let unknown = json!({"email": "x@example.com", "roles": ["admin", "nothing"]});
    assert_eq!(world.post(&admin, "/users", unknown).await.problem(404, "not_found"), ["roles[1]"]);
}

#[tokio::test]
async fn inviting_an_address_that_is_known_elsewhere_answers_alike() {
    let (world, admin) = World::with_organization().await;
    let other = world.another_organization("other", "eve@example.com").await;
    // Ann is known: she made the first organization. Nobody else is.
    let known = user(&world, &other, "ann", &["developer"]).await;
    let unknown = user(&world, &other, "zoe", &["developer"]).await;
    let shape = |reply: &Reply| {
        let invitation = |field: &str| reply.body["invitation"][field].as_str().expect("a text").to_owned();
        let text = reply.body.to_string().replace(&reply.text("id"), "ID");
        let text = text.replace(&invitation("id"), "INVITATION").replace(&invitation("link"), "LINK");
        text.replace("ann", "NAME").replace("zoe", "NAME")
    };
    assert_eq!(shape(&known), shape(&unknown));
    assert_ne!(known.text("id"), world.get(&admin, "/users/ann").await.text("id"));
    let ids = [&known, &unknown].map(|reply| reply.text("id")[..14].to_owned());
    assert_eq!(ids[0], ids[1], "an id that is as old as the invitation tells nothing either");
    world.get(&admin, &format!("/users/{}", known.text("id"))).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_user_is_changed_by_administrators_and_what_is_the_persons_by_the_person() {
    let (world, admin) = World::with_organization().await;
    let (id, bob) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-admin"]).await;
    let path = format!("/users/{id}");
    let edited = world
        .patch(
            &admin,
            &path,
            json!({"username": "robert", "roles": ["developer", "auditor"],
                                                   "account_expires_at": "2026-12-31", "name": "Robert"}),
        )
        .await;
    assert_eq!(edited.status, 200, "{edited:?}");
    assert_eq!(
        (edited.text("username"), &edited.body["roles"]),
        ("robert".to_owned(), &json!(["developer", "auditor"]))
    );
    // A person alone.
    let own = world.patch(&bob, &path, json!({"name": "Bobby", "language": "pl", "time_zone": "Europe/Warsaw"})).await;
    assert_eq!(
        (own.status.as_u16(), own.text("name"), own.text("language")),
        (200, "Bobby".to_owned(), "pl".to_owned())
    );
    for body in [json!({"username": "x"}), json!({"roles": []}), json!({"account_expires_at": null})] {
        world.patch(&bob, &path, body).await.problem(403, "forbidden");
    }
    let past = world.patch(&admin, &path, json!({"account_expires_at": "2025-01-01"})).await;
    assert_eq!(past.problem(400, "invalid_request"), ["account_expires_at"]);
    // Who is in another organization too changes the rest alone.
    let other = world.another_organization("other", "ann@example.com").await;
    assert_eq!(world.get(&other, "/users/ann").await.text("id"), world.get(&admin, "/users/ann").await.text("id"));
    world.patch(&other, "/users/ann", json!({"name": "Anna"})).await.problem(409, "conflict");
    assert_eq!(world.patch(&other, "/users/ann", json!({"username": "anna"})).await.status, 200);
    assert_eq!(world.get(&admin, "/users/ann").await.text("username"), "ann", "the user name is the organization's");
    let audit = world.get(&admin, &format!("/audit?object={id}")).await;
    let entries = audit.body["data"].as_array().expect("rows");
    let own = &entries[0];
    assert_eq!(
        (&own["action"], &own["actor"]["type"], &own["actor"]["id"]),
        (&json!("user.edit"), &json!("user"), &json!(id))
    );
    assert_eq!(own["before"], json!({"name": "Robert", "language": "en", "time_zone": "UTC"}));
    assert!(own["session"].as_str().is_some_and(|session| session.starts_with("key_")), "through which key: {own}");
}

#[tokio::test]
async fn nobody_locks_themselves_out_or_removes_themselves() {
    let (world, admin) = World::with_organization().await;
    let (id, bob) = world.user_with_key(&admin, "bob", &["admin"], &["claviger-admin"]).await;
    let path = format!("/users/{id}");
    for action in ["disable", "lock"] {
        world.post(&bob, &format!("{path}/{action}"), json!({})).await.problem(409, "conflict");
    }
    for body in
        [json!({"roles": []}), json!({"roles": ["admin", "developer"]}), json!({"account_expires_at": "2030-01-01"})]
    {
        world.patch(&bob, &path, body).await.problem(409, "conflict");
    }
    world.call("DELETE", &bob, &path, None).await.problem(409, "conflict");
    let unchanged = world.get(&bob, &path).await;
    assert_eq!((&unchanged.body["state"], unchanged.header("etag")), (&json!("invited"), "\"1\""));
    assert_eq!(world.patch(&bob, &path, json!({"username": "robert"})).await.status, 200);
}

#[tokio::test]
async fn the_last_admin_stays() {
    let (world, admin) = World::with_organization().await;
    let bob = user(&world, &admin, "bob", &["admin"]).await.text("id");
    let attempts = async |who: &str| -> Vec<u16> {
        let mut statuses = Vec::new();
        for action in ["disable", "lock"] {
            let done = world.post(&admin, &format!("/users/{who}/{action}"), json!({})).await;
            statuses.push(done.status.as_u16());
        }
        for body in [json!({"roles": ["auditor"]}), json!({"account_expires_at": "2030-01-01"})] {
            statuses.push(world.patch(&admin, &format!("/users/{who}"), body).await.status.as_u16());
        }
        statuses.push(world.call("DELETE", &admin, &format!("/users/{who}"), None).await.status.as_u16());
        statuses
    };
    assert_eq!(attempts("ann").await, [409; 5], "somebody who is only invited keeps no organization");
    assert_eq!(world.get(&admin, "/users/ann").await.header("etag"), "\"1\"");
    accept(&world, &admin, &bob).await;
    let first = world.post(&admin, "/users/ann/lock", json!({})).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(attempts("bob").await, [409; 5], "Ann is locked");
    world.post(&admin, "/users/ann/unlock", json!({})).await;
    assert_eq!(world.call("DELETE", &admin, "/users/ann", None).await.status, 204);
    assert_eq!(attempts("bob").await, [409; 5]);
}

#[tokio::test]
async fn of_two_admins_who_disable_each_other_at_once_one_stays() {
    let (world, admin) = World::with_organization().await;
    let (bob, bobs) = world.user_with_key(&admin, "bob", &["admin"], &["claviger-admin"]).await;
    let ann = world.get(&admin, "/users/ann").await.text("id");
    let anns = world.key_of_user(&admin, &ann, "ann's", &["claviger-admin"]).await;
    accept(&world, &admin, &bob).await;
    for _ in 0..10 {
        let (of_ann, of_bob) = (format!("/users/{ann}/disable"), format!("/users/{bob}/disable"));
        let (one, other) = tokio::join!(world.post(&bobs, &of_ann, json!({})), world.post(&anns, &of_bob, json!({})));
        let done = [&one, &other].iter().filter(|reply| reply.status == 200).count();
        assert_eq!(done, 1, "{one:?} {other:?}");
        let enabled = world.get(&admin, "/users?role=admin&enabled=true").await;
        assert_eq!(usernames(&enabled).len(), 1, "{enabled:?}");
        for id in [&ann, &bob] {
            assert_eq!(world.post(&admin, &format!("/users/{id}/enable"), json!({})).await.status, 200);
        }
    }
}

#[tokio::test]
async fn who_gives_rights_back_must_hold_them() {
    let (world, admin) = World::with_organization().await;
    let desk = json!({"name": "Desk", "authorities": ["users.manage", "users.read"]});
    assert_eq!(world.post(&admin, "/roles", desk).await.status, 201);
    let (_, desk) = world.user_with_key(&admin, "desk", &["desk"], &["claviger-admin"]).await;
    let bob = user(&world, &admin, "bob", &["developer"]).await.text("id");
    let path = format!("/users/{bob}");
    for (stop, back) in [("disable", "enable"), ("lock", "unlock")] {
        assert_eq!(world.post(&desk, &format!("{path}/{stop}"), json!({"reason": "asked"})).await.status, 200);
        world.post(&desk, &format!("{path}/{back}"), json!({})).await.problem(403, "forbidden");
        assert_eq!(world.post(&admin, &format!("{path}/{back}"), json!({})).await.status, 200);
    }
    assert_eq!(world.patch(&desk, &path, json!({"account_expires_at": "2026-06-30"})).await.status, 200);
    for later in [json!("2026-07-31"), json!(null)] {
        world.patch(&desk, &path, json!({"account_expires_at": later})).await.problem(403, "forbidden");
    }
    assert_eq!(world.patch(&desk, &path, json!({"account_expires_at": "2026-05-31"})).await.status, 200);
    assert_eq!(world.patch(&desk, &path, json!({"roles": []})).await.status, 200, "what is taken away needs nothing");
}

#[tokio::test]
async fn a_leaver_is_previewed_and_keys_that_others_need_go_on_as_an_applications() {
    let (world, admin) = World::with_organization().await;
    let (id, _) = world.user_with_key(&admin, "bob", &["developer"], &["full-access"]).await;
    let worthy = world.key_of_user(&admin, &id, "worthy", &["full-access"]).await;
    let kind = json!({"name": "Open", "sign_in": "key_only", "api_sets": ["full-access"]});
    world.post(&admin, "/application-types", kind).await;
    let narrow = json!({"name": "Narrow", "sign_in": "key_only", "api_sets": []});
    world.post(&admin, "/application-types", narrow).await;
    for (name, kind) in [("portal", "open"), ("closed", "narrow")] {
        assert_eq!(world.post(&admin, "/applications", json!({"name": name, "type": kind})).await.status, 201);
    }
    let path = format!("/users/{id}/disable");
    let preview = world.post(&admin, &format!("{path}?dry_run=true"), json!({})).await;
    assert_eq!((preview.status.as_u16(), &preview.body["stopping"]["keys"]), (200, &json!(2)), "{preview:?}");
    assert_eq!(preview.body["user"]["state"], "invited", "nothing was changed");
    let keys = preview.body["stopping"]["first"].as_array().expect("keys").clone();
    let worthy_id = keys.iter().find(|key| key["name"] == "worthy").expect("named")["id"].clone();
    let moving = |application: &str, key: &Value| json!({"move_keys": {"application": application, "keys": [key]}});
    let nowhere = world.post(&admin, &path, moving("nowhere", &worthy_id)).await;
    assert_eq!(nowhere.problem(404, "not_found"), ["move_keys.application"]);
    let others = world.get(&admin, "/keys?owner=organization").await.body["data"][0]["id"].clone();
    let foreign = world.post(&admin, &path, moving("portal", &others)).await;
    assert_eq!(foreign.problem(404, "not_found"), ["move_keys.keys[0]"]);
    let too_wide = world.post(&admin, &path, moving("closed", &worthy_id)).await;
    assert_eq!(too_wide.problem(400, "invalid_request"), ["api_sets"]);
    assert_eq!(world.get(&admin, &format!("/users/{id}")).await.text("state"), "invited", "all or nothing");
    let before = world.get(&admin, &format!("/keys/{}", worthy_id.as_str().expect("an id"))).await;
    let done = world.post(&admin, &path, moving("portal", &worthy_id)).await;
    assert_eq!((done.status.as_u16(), done.text("state")), (200, "disabled".to_owned()), "{done:?}");
    let moved = world.get(&admin, &format!("/keys/{}", worthy_id.as_str().expect("an id"))).await;
    assert_eq!((&moved.body["owner"]["type"], &moved.body["owner"]["name"]), (&json!("application"), &json!("portal")));
    assert_eq!(moved.body["hint"], before.body["hint"], "the same value");
    assert_eq!(moved.body["expires_at"], before.body["expires_at"], "and the same end");
    let found = world.post(&admin, "/keys/lookup", json!({"credential": worthy})).await;
    assert_eq!(found.body["key"]["state"], "active");
    let audit = world.get(&admin, &format!("/audit?object={}", worthy_id.as_str().expect("an id"))).await;
    let entry = &audit.body["data"][0];
    assert_eq!((&entry["action"], &entry["before"]["owner"]["name"]), (&json!("key.move"), &json!("bob")));
}

#[tokio::test]
async fn who_is_removed_takes_their_keys_with_them() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-own-keys"]).await;
    assert_eq!(world.get(&secret, "/me").await.body["user"]["username"], "bob");
    let key = world.get(&admin, &format!("/users/{id}/keys")).await.body["data"][0]["id"].clone();
    assert_eq!(world.call("DELETE", &admin, &format!("/users/{id}"), None).await.status, 204);
    world.get(&secret, "/me").await.problem(401, "unauthenticated");
    world.get(&admin, &format!("/users/{id}")).await.problem(404, "not_found");
    let key = key.as_str().expect("an id");
    world.get(&admin, &format!("/keys/{key}")).await.problem(404, "not_found");
    let entries = world.get(&admin, &format!("/audit?object={key}")).await;
    assert_eq!(entries.body["data"][0]["action"], "key.delete");
    let removed = world.get(&admin, &format!("/audit?object={id}")).await;
    let entry = &removed.body["data"][0];
    assert_eq!((&entry["action"], &entry["before"]["email"]), (&json!("user.remove"), &json!("bob@example.com")));
    user(&world, &admin, "bob", &[]).await;
}

#[tokio::test]
async fn a_call_that_waited_while_its_person_lost_their_rights_changes_nothing() {
    let (world, admin) = World::with_organization().await;
    let (id, bob) = world.user_with_key(&admin, "bob", &["admin"], &["claviger-admin"]).await;
    world.stop_following();
    // This node has not heard of it yet; the transaction has.
    let store = &world.manage.store;
    let organization = world.get(&admin, "/organization").await.text("id").parse().expect("an id");
    let user = id.parse().expect("an id");
    for change in 0..3 {
        let done = store.write(claviger_store::Scope::Organization(organization), move |tx| {
            Box::pin(async move {
                let mut member = claviger_store::members::get(tx, organization, user).await?.expect("a member");
                let by = member.created_by.clone();
                let stopped = claviger_domain::key::Disabled { at: crate::testing::NOW, by, reason: None };
                (member.disabled, member.locked) = (None, None);
                match change {
                    0 => member.disabled = Some(stopped),
                    1 => member.locked = Some(stopped),
                    _ => member.roles.clear(),
                }
                claviger_store::members::update(tx, &member).await
            })
        });
        done.await.expect("changed");
        let late = world.post(&bob, "/keys", json!({"name": format!("late {change}"), "api_sets": []})).await;
        late.problem(403, "forbidden");
    }
}
