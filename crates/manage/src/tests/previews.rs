//! What a change of the rules would do to the keys that are there, said before it is made.

use std::time::Duration;

use serde_json::{Value, json};

use super::terms::{DAY, id, made, set_policy, shown, world};

#[tokio::test]
async fn a_lowered_number_of_keys_says_who_has_more_and_by_how_many() {
    let (world, admin) = world().await;
    let home = world.get(&admin, "/organization").await.text("id");
    let (bob, secret) = world.user_with_key(&admin, "bob", &["admin"], &["claviger-admin"]).await;
    for name in ["one", "two", "three"] {
        id(&world, &admin, name, json!({})).await;
        assert_eq!(world.post(&secret, "/me/keys", json!({"name": name, "api_sets": []})).await.status, 201);
    }
    let gone = id(&world, &admin, "gone", json!({})).await;
    world.call("DELETE", &admin, &format!("/keys/{gone}"), None).await;
    let preview = async |edit: Value| {
        let preview = world.patch(&admin, "/policy?dry_run=true", json!({"max_keys": edit})).await;
        preview.body["affected"]["above_max_keys"].clone()
    };
    // The organization has the administrator's key and three more, Bob the same.
    let bobs = json!({"type": "user", "id": bob, "keys": 4, "above": 2});
    let own = json!({"type": "organization", "id": home, "keys": 4, "above": 3});
    assert_eq!(preview(json!({"user": 2, "organization": 1})).await, json!({"owners": 2, "first": [bobs, own]}));
    assert_eq!(preview(json!({"user": 4})).await, json!({"owners": 0, "first": []}), "as many as there may be");
    set_policy(&world, &admin, json!({"max_keys": {"user": 2}})).await;
    assert_eq!(preview(json!({"user": 3})).await, json!({"owners": 0, "first": []}), "a raised one takes nothing");
    assert_eq!(preview(json!({"user": null})).await, json!({"owners": 0, "first": []}));
}

#[tokio::test]
async fn names_can_be_unique_in_the_organization_and_those_that_are_there_stay() {
    let (world, admin) = world().await;
    let (bob, secret) = world.user_with_key(&admin, "bob", &["developer"], &["claviger-own-keys"]).await;
    let own = id(&world, &admin, "Sync", json!({})).await;
    let bobs = async |name: &str| world.post(&secret, "/me/keys", json!({"name": name, "api_sets": []})).await;
    let theirs = bobs("SYNC").await.body["key"]["id"].clone();
    let theirs = theirs.as_str().expect("each owner has its own").to_owned();
    let organization = json!({"unique_names": "organization"});
    let preview = world.patch(&admin, "/policy?dry_run=true", organization.clone()).await;
    let mut same = [own.clone(), theirs.clone()];
    same.sort_unstable();
    assert_eq!(preview.body["affected"]["namesakes"], json!({"keys": 2, "first": same}), "{preview:?}");
    set_policy(&world, &admin, organization.clone()).await;
    let preview = world.patch(&admin, "/policy?dry_run=true", organization).await;
    assert_eq!(preview.body["affected"]["namesakes"]["keys"], 0, "no change");
    // Both stay and are edited; a name that another has is not given any more.
    for (token, key) in [(&admin, &own), (&secret, &theirs)] {
        for edit in [json!({"description": "still"}), json!({"name": "sync"})] {
            assert_eq!(world.patch(token, &format!("/keys/{key}"), edit).await.status, 200);
        }
    }
    let job = id(&world, &admin, "Job", json!({})).await;
    let hidden = bobs("job").await;
    assert_eq!(hidden.problem(409, "name_taken"), ["name"]);
    assert!(!hidden.body.to_string().contains(&job), "whose it is, is not his to know: {hidden:?}");
    assert_eq!(bobs("Mine").await.status, 201);
    let taken = made(&world, &admin, "MINE", json!({})).await;
    assert_eq!(taken.problem(409, "name_taken"), ["name"]);
    assert!(taken.body["errors"][0]["message"].to_string().contains("key_"), "{taken:?}");
    let renamed = world.patch(&admin, &format!("/keys/{own}"), json!({"name": "mine"})).await;
    assert_eq!(renamed.problem(409, "name_taken"), ["name"]);
    // An import counts its own rows, of whichever owner, and a dry run says so.
    let row = |owner: Value, value: &str| json!({"name": "Row", "owner": owner, "api_sets": [], "import": {"value": format!("sk-{value}-0123456789abcdef")}});
    let kind = json!({"name": "Kind", "slug": "kind", "sign_in": "key_only", "api_sets": []});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let application = json!({"name": "App", "slug": "app", "type": "kind"});
    assert_eq!(world.post(&admin, "/applications", application).await.status, 201);
    let rows =
        json!([row(json!({"type": "organization"}), "one"), row(json!({"type": "application", "id": "app"}), "two")]);
    for query in ["?dry_run=true", ""] {
        let done = world.post(&admin, &format!("/keys/import{query}"), rows.clone()).await;
        assert_eq!(
            (&done.body["imported"], &done.body["errors"][0]["row"]),
            (&json!(1), &json!(2)),
            "{query}: {done:?}"
        );
        assert_eq!(done.body["errors"][0]["errors"][0]["field"], "name", "{query}");
    }
    // Back to the owner's alone.
    set_policy(&world, &admin, json!({"unique_names": "owner"})).await;
    assert_eq!(bobs("job").await.status, 201);
    assert_eq!(bobs("JOB").await.problem(409, "name_taken"), ["name"]);
    let _ = bob;
}

#[tokio::test]
async fn another_time_zone_says_which_ends_it_moves() {
    let (world, admin) = world().await;
    let setup = world.get(&admin, "/keys").await.body["data"][0]["id"].clone();
    let preview = async |edit: Value| {
        let preview = world.patch(&admin, "/organization?dry_run=true", edit).await;
        assert_eq!((preview.status.as_u16(), preview.header("x-claviger-change")), (200, ""), "{preview:?}");
        preview.body
    };
    let none = json!({"keys": 0, "first": []});
    let warsaw = json!({"time_zone": "Europe/Warsaw"});
    let long = id(&world, &admin, "long", json!({"expires_at": "2027-01-01"})).await;
    assert_eq!(preview(warsaw.clone()).await["moved_ends"], none, "an end that was set stays the instant it is");
    let edit = json!({"max_lifetime": {"organization": {"days": 30}}, "idle_days": 0});
    set_policy(&world, &admin, edit).await;
    let ends = id(&world, &admin, "ends with its cap", json!({})).await;
    let set = json!({"expires_at": "2026-01-20", "allowed_ips": [{"range": "192.0.2.1", "until": "2026-01-20"}]});
    let set = id(&world, &admin, "set", set).await;
    let moved = |ids: &[&Value], after: &str| {
        let mut ids: Vec<&str> = ids.iter().map(|id| id.as_str().expect("an id")).collect();
        ids.sort_unstable();
        let first = ids.iter().map(|id| json!({"id": id, "before": "2026-02-15T00:00:00Z", "after": after}));
        json!({"keys": ids.len(), "first": first.collect::<Vec<_>>()})
    };
    let (long_id, ends_id) = (json!(long), json!(ends));
    let east = preview(warsaw.clone()).await;
    assert_eq!(east["moved_ends"], moved(&[&setup, &long_id, &ends_id], "2026-02-14T23:00:00Z"), "{east}");
    assert_eq!(east["organization"]["time_zone"], "Europe/Warsaw");
    // To the west the day ends later; one whose own end is the cap of its making keeps that.
    let west = preview(json!({"time_zone": "America/New_York"})).await;
    assert_eq!(west["moved_ends"], moved(&[&setup, &long_id], "2026-02-15T05:00:00Z"), "{west}");
    for edit in [json!({"time_zone": "Etc/UTC"}), json!({"time_zone": "UTC"}), json!({"name": "Other"})] {
        assert_eq!(preview(edit.clone()).await["moved_ends"], none, "{edit}");
    }
    let zone = world.patch(&admin, "/organization?dry_run=true", json!({"time_zone": "Europe/Atlantis"})).await;
    assert_eq!(zone.problem(400, "invalid_request"), ["time_zone"]);
    assert_eq!(world.get(&admin, "/organization").await.body["time_zone"], "UTC", "a dry run changes nothing");

    let until = shown(&world, &admin, &set).await["allowed_ips"][0]["until"].clone();
    assert_eq!(world.patch(&admin, "/organization", warsaw).await.status, 200);
    for (key, end) in [(&long, "2026-02-14T23:00:00Z"), (&ends, "2026-02-14T23:00:00Z"), (&set, "2026-01-21T00:00:00Z")]
    {
        assert_eq!(shown(&world, &admin, key).await["expires_at"], end);
    }
    assert_eq!(shown(&world, &admin, &set).await["allowed_ips"][0]["until"], until);
}

#[tokio::test]
async fn what_was_idle_before_another_time_zone_stays_so() {
    let (world, admin) = world().await;
    set_policy(&world, &admin, json!({"max_lifetime": {"organization": {"days": 30}}, "idle_days": 7})).await;
    // It goes idle in the last hour of its last day, which in Warsaw is over.
    let idle = id(&world, &admin, "idle", json!({"not_before": "2026-02-07T23:30:00Z"})).await;
    let operator = crate::testing::OPERATOR;
    world.clock.advance(30 * DAY + Duration::from_mins(11 * 60 + 45));
    let state = async || {
        let key = shown(&world, operator, &idle).await;
        (key["state"].clone(), key["state_reason"].clone(), key["state_at"].clone())
    };
    let before = state().await;
    assert_eq!(before, (json!("disabled"), json!("idle"), json!("2026-02-14T23:30:00Z")));
    assert_eq!(world.patch(operator, "/organization", json!({"time_zone": "Europe/Warsaw"})).await.status, 200);
    assert_eq!(state().await, before, "and did not expire before");
}
