//! When keys end and go idle, and what a change of the policy does to those that are there.

use std::time::Duration;

use claviger_domain::usage::{Door, KeyUsage, Sighting, UsageBatch};
use claviger_domain::verdict::Code;
use serde_json::{Value, json};

use crate::keys;
use crate::testing::{NOW, Reply, World};

pub(super) const DAY: Duration = Duration::from_hours(24);

/// A key with nothing but a name, and what `more` says.
pub(super) async fn made(world: &World, admin: &str, name: &str, more: Value) -> Reply {
    let mut body = json!({"name": name, "api_sets": []});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    world.post(admin, "/keys", body).await
}

/// The id of a key that `made` makes.
pub(super) async fn id(world: &World, admin: &str, name: &str, more: Value) -> String {
    let made = made(world, admin, name, more).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["key"]["id"].as_str().expect("an id").to_owned()
}

pub(super) async fn shown(world: &World, admin: &str, id: &str) -> Value {
    world.get(admin, &format!("/keys/{id}")).await.body
}

/// The administrator's own key must outlive all clocks.
pub(super) async fn world() -> (World, String) {
    let (world, admin) = World::with_organization().await;
    let setup = world.get(&admin, "/keys").await.body["data"][0]["id"].as_str().expect("an id").to_owned();
    let exempt = world.patch(&admin, &format!("/keys/{setup}"), json!({"idle_exempt": true})).await;
    assert_eq!(exempt.body["idle_exempt"], true, "{exempt:?}");
    (world, admin)
}

pub(super) async fn set_policy(world: &World, admin: &str, edit: Value) {
    let edited = world.patch(admin, "/policy", edit).await;
    assert_eq!(edited.status, 200, "{edited:?}");
}

#[tokio::test]
async fn a_new_key_ends_with_the_policys_cap_and_never_beyond() {
    let (world, admin) = world().await;
    set_policy(&world, &admin, json!({"max_lifetime": {"organization": {"years": 1}}, "idle_days": 0})).await;
    let omitted = made(&world, &admin, "omitted", json!({})).await.body["key"].clone();
    assert_eq!(omitted["expires_at"], "2027-01-16T00:00:00Z");
    assert_eq!(omitted["expires_at_max"], "2027-01-16T00:00:00Z");
    assert_eq!(made(&world, &admin, "last day", json!({"expires_at": "2027-01-15"})).await.status, 201);
    let beyond = made(&world, &admin, "beyond", json!({"expires_at": "2027-01-16"})).await;
    assert_eq!(beyond.problem(400, "invalid_request"), ["expires_at"]);
    assert!(beyond.body["errors"][0]["message"].to_string().contains("2027-01-16T00:00:00Z"), "{beyond:?}");
    let never = id(&world, &admin, "never", json!({"expires_at": null})).await;
    assert_eq!(shown(&world, &admin, &never).await["expires_at"], "2027-01-16T00:00:00Z");
    world.clock.advance(100 * DAY);
    let moved = world.patch(&admin, &format!("/keys/{never}"), json!({"expires_at": "2027-01-17"})).await;
    assert_eq!(moved.problem(400, "invalid_request"), ["expires_at"], "the cap counts from creation");
}

#[tokio::test]
async fn a_lowered_cap_ends_keys_at_once_and_a_raised_one_restores_them() {
    let (world, admin) = world().await;
    set_policy(&world, &admin, json!({"idle_days": 0})).await;
    let id = id(&world, &admin, "k", json!({"expires_at": "2027-12-31"})).await;
    world.clock.advance(60 * DAY);
    let lowered = json!({"max_lifetime": {"organization": {"days": 30}}});
    let preview = world.patch(&admin, "/policy?dry_run=true", lowered.clone()).await;
    let affected = &preview.body["affected"];
    assert_eq!(affected["keys"], 2, "this one and the administrator's: {preview:?}");
    let named = json!({"id": id, "ends_at": "2026-03-16T12:00:00Z", "reason": "expiry"});
    assert!(affected["first"].as_array().is_some_and(|first| first.contains(&named)), "{preview:?}");
    assert_eq!(preview.body["policy"]["max_lifetime"]["organization"], json!({"days": 30}));
    assert_eq!(shown(&world, &admin, &id).await["state"], "active", "a dry run changes nothing");
    assert_eq!(preview.header("x-claviger-change"), "");

    // The administrator's own key ends too: the operator takes over.
    set_policy(&world, crate::testing::OPERATOR, lowered).await;
    let operator = crate::testing::OPERATOR;
    let ended = shown(&world, operator, &id).await;
    assert_eq!((&ended["state"], &ended["state_reason"]), (&json!("expired"), &json!("expiry")), "{ended}");
    for field in ["state_at", "expires_at", "expires_at_max"] {
        assert_eq!(ended[field], "2026-03-16T12:00:00Z", "{field}");
    }
    world.get(&admin, "/me").await.problem(401, "unauthenticated");
    // An edit of other fields does not ask again.
    let edited = world.patch(operator, &format!("/keys/{id}"), json!({"description": "x"})).await;
    assert_eq!(edited.status, 200, "{edited:?}");
    world.post(operator, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 0})).await.problem(409, "conflict");

    set_policy(&world, operator, json!({"max_lifetime": {"organization": {"years": 1}}})).await;
    let restored = shown(&world, operator, &id).await;
    assert_eq!((&restored["state"], &restored["expires_at"]), (&json!("active"), &json!("2027-01-16T00:00:00Z")));
    set_policy(&world, operator, json!({"max_lifetime": {"organization": null}})).await;
    assert_eq!(shown(&world, operator, &id).await["expires_at"], "2028-01-01T00:00:00Z", "its own end was kept");
}

#[tokio::test]
async fn the_idle_clock_stands_still_while_a_key_has_expired() {
    let (world, admin) = world().await;
    let (by_cap, by_edit) = (id(&world, &admin, "cap", json!({})).await, id(&world, &admin, "edit", json!({})).await);
    let edit = format!("/keys/{by_edit}");
    world.clock.advance(80 * DAY);
    set_policy(&world, crate::testing::OPERATOR, json!({"max_lifetime": {"organization": {"days": 1}}})).await;
    world.clock.advance(300 * DAY);
    let operator = crate::testing::OPERATOR;
    assert_eq!(shown(&world, operator, &by_cap).await["state"], "expired", "the end came first");
    set_policy(&world, operator, json!({"max_lifetime": {"organization": null}})).await;
    assert_eq!(shown(&world, operator, &by_cap).await["state"], "active");
    let ended = world.patch(operator, &edit, json!({"expire_now": true})).await;
    assert_eq!(ended.body["state"], "expired", "{ended:?}");
    world.clock.advance(100 * DAY);
    let back = world.patch(operator, &edit, json!({"expires_at": null})).await;
    assert_eq!((back.status.as_u16(), &back.body["state"]), (200, &json!("active")), "{back:?}");
    world.clock.advance((10 * DAY).saturating_sub(Duration::from_micros(1)));
    assert_eq!(shown(&world, operator, &by_edit).await["state"], "active", "ten days were left");
    world.clock.advance(Duration::from_micros(1));
    let idle = shown(&world, operator, &by_edit).await;
    assert_eq!((&idle["state"], &idle["state_reason"]), (&json!("disabled"), &json!("idle")));
    assert_eq!(shown(&world, operator, &by_cap).await["state"], "disabled", "long ago");
}

#[tokio::test]
async fn an_idle_key_is_disabled_by_the_system_and_only_enabling_revives_it() {
    let (world, admin) = world().await;
    // Lists of one instant are ordered by chance.
    world.clock.advance(Duration::from_millis(1));
    let id = id(&world, &admin, "k", json!({})).await;
    let path = format!("/keys/{id}");
    let listed = async |state: &str| -> Vec<String> {
        let list = world.get(&admin, &format!("/keys?state={state}")).await;
        let rows = list.body["data"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
    };
    world.clock.advance((90 * DAY).saturating_sub(Duration::from_micros(1)));
    assert_eq!(shown(&world, &admin, &id).await["state"], "active");
    assert_eq!((listed("active").await, listed("disabled").await), (vec!["k".to_owned(), "setup".to_owned()], vec![]));
    world.clock.advance(Duration::from_micros(1));
    let idle = shown(&world, &admin, &id).await;
    let expected = json!({"type": "system", "id": null, "name": null});
    assert_eq!(
        (&idle["state"], &idle["state_reason"], &idle["state_by"]),
        (&json!("disabled"), &json!("idle"), &expected)
    );
    assert_eq!(idle["state_at"], "2026-04-15T12:00:00.001Z");
    assert_eq!((listed("active").await, listed("disabled").await), (vec!["setup".to_owned()], vec!["k".to_owned()]));

    // No edit gets around it.
    for edit in
        [json!({"idle_exempt": true}), json!({"idle_exempt": false}), json!({"not_before": "2026-01-15T12:00:00Z"})]
    {
        let edited = world.patch(&admin, &path, edit).await;
        assert_eq!((edited.status.as_u16(), &edited.body["state"]), (200, &json!("disabled")), "{edited:?}");
        assert_eq!(edited.body["state_at"], "2026-04-15T12:00:00.001Z");
    }
    set_policy(&world, &admin, json!({"idle_days": 180})).await;
    assert_eq!(shown(&world, &admin, &id).await["state"], "disabled");
    set_policy(&world, &admin, json!({"idle_days": 90})).await;
    let enabled = world.call("POST", &admin, &format!("{path}/enable"), None).await;
    assert_eq!(enabled.body["state"], "active", "{enabled:?}");
    world.clock.advance((90 * DAY).saturating_sub(Duration::from_micros(1)));
    assert_eq!(shown(&world, &admin, &id).await["state"], "active", "it has a fresh clock");
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(shown(&world, &admin, &id).await["state"], "disabled");
}

#[tokio::test]
async fn a_longer_idle_time_revives_nobody_and_a_shorter_one_is_previewed() {
    let (world, admin) = world().await;
    let old = id(&world, &admin, "old", json!({})).await;
    world.clock.advance(60 * DAY);
    let young = id(&world, &admin, "young", json!({})).await;
    let preview = world.patch(&admin, "/policy?dry_run=true", json!({"idle_days": 30})).await;
    let expected = json!({
        "keys": 2,
        "first": [
            {"id": old, "ends_at": "2026-03-16T12:00:00Z", "reason": "idle"},
            {"id": young, "ends_at": "2026-04-15T12:00:00Z", "reason": "idle"},
        ],
        "without_ip_list": {"keys": 0, "first": []},
        "copies_destroyed": 0,
        "above_max_keys": {"owners": 0, "first": []},
        "namesakes": {"keys": 0, "first": []},
    });
    assert_eq!(preview.body["affected"], expected, "at once, and in thirty days; an exempt one not at all");
    world.clock.advance(30 * DAY);
    set_policy(&world, &admin, json!({"idle_days": 0})).await;
    assert_eq!(shown(&world, &admin, &old).await["state"], "disabled", "what was idle stays so");
    assert_eq!(shown(&world, &admin, &young).await["state"], "active");
    assert_eq!(shown(&world, &admin, &young).await["idle_days"], Value::Null);
}

#[tokio::test]
async fn a_sweep_writes_down_what_is_idle_once_and_spares_what_was_used() {
    let (world, admin) = world().await;
    let (idle, used) =
        (id(&world, &admin, "idle", json!({})).await, world.key(&admin, "used", &["claviger-keys-read"]).await);
    let of = |key: Value| (key["state"].clone(), key["state_reason"].clone());
    world.clock.advance((90 * DAY).saturating_sub(Duration::from_secs(1)));
    assert_eq!(world.get(&used.1, "/me").await.status, 200, "a use that the database does not know of yet");
    world.clock.advance(Duration::from_secs(1));
    let sweep = async || keys::sweep(&world.manage).await.expect("a sweep").idle;
    assert_eq!(sweep().await, 0, "nodes may still have uses to write");
    world.clock.advance(keys::GRACE);
    let before = shown(&world, &admin, &idle).await;
    let version = async || world.get(&admin, &format!("/keys/{idle}")).await.header("etag").to_owned();
    assert_eq!(version().await, "\"1\"");
    sweep().await;
    assert_eq!(version().await, "\"2\"", "it is written down");
    sweep().await;
    assert_eq!(version().await, "\"2\"", "once");
    let after = shown(&world, &admin, &idle).await;
    assert_eq!(of(after.clone()), (json!("disabled"), json!("idle")));
    for field in ["state", "state_reason", "state_by", "state_at", "expires_at"] {
        assert_eq!(before[field], after[field], "{field} reads alike before and after");
    }
    assert_eq!(world.get(&used.1, "/me").await.status, 200);
    assert_eq!(world.get(&admin, &format!("/keys/{}", used.0)).await.header("etag"), "\"1\"");
}

#[tokio::test]
async fn a_sweep_looks_up_what_other_nodes_saw_before_a_key_goes_idle() {
    let (world, admin) = world().await;
    let (id, secret) = world.key(&admin, "k", &["claviger-keys-read"]).await;
    assert_eq!(world.get(&secret, "/me").await.status, 200);
    // Half an hour later it is used at another node, which is no news there.
    let at = NOW.saturating_add(Duration::from_mins(30));
    let used = Sighting { at, ip: None, agent: None, door: Door::Verify, code: Code::Valid };
    let elsewhere = KeyUsage {
        key: id.parse().expect("an id"),
        organization: world.get(&admin, "/organization").await.text("id").parse().expect("an id"),
        last_used: Some(used),
        old_last_used: None,
        is_news: false,
        elsewhere: Vec::new(),
        last_refused: None,
        counts: Vec::new(),
    };
    let batch = UsageBatch { keys: vec![elsewhere], ..UsageBatch::default() };
    claviger_store::usage::Writer::new(&*world.manage.random)
        .record(&world.manage.store, &batch)
        .await
        .expect("written");
    world.clock.advance((90 * DAY).saturating_sub(Duration::from_mins(1)));
    keys::sweep(&world.manage).await.expect("a sweep");
    world.clock.advance(Duration::from_mins(30));
    assert_eq!(world.get(&secret, "/keys").await.status, 200, "90 days after the use that this node saw");
    world.clock.advance(90 * DAY);
    world.get(&secret, "/keys").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn y_12_max_keys_of_one_owner_are_configurable_with_a_clear_error() {
    let (world, admin) = world().await;
    set_policy(&world, &admin, json!({"max_keys": {"organization": 3, "user": 0}})).await;
    let first = id(&world, &admin, "first", json!({})).await;
    id(&world, &admin, "second", json!({})).await;
    let third = made(&world, &admin, "third", json!({})).await;
    third.problem(409, "limit_reached");
    let detail = third.text("detail");
    assert!(detail.contains('3') && detail.contains("max_keys.organization"), "{detail}");
    world.call("DELETE", &admin, &format!("/keys/{first}"), None).await;
    assert_eq!(made(&world, &admin, "third", json!({})).await.status, 201, "only living keys count");
    set_policy(&world, &admin, json!({"max_keys": {"organization": 1}})).await;
    assert_eq!(world.get(&admin, "/keys").await.body["data"].as_array().map(Vec::len), Some(3), "what is there stays");
    made(&world, &admin, "fourth", json!({})).await.problem(409, "limit_reached");
    set_policy(&world, &admin, json!({"max_keys": {"organization": null}})).await;
    assert_eq!(made(&world, &admin, "fourth", json!({})).await.status, 201);
}

#[tokio::test]
async fn the_policy_can_ask_for_a_list_of_addresses() {
    let (world, admin) = world().await;
    let without = id(&world, &admin, "without", json!({})).await;
    let list = json!({"allowed_ips": ["192.0.2.0/24"]});
    id(&world, &admin, "with", list.clone()).await;
    let edit = json!({"ip_list_required": true});
    let preview = world.patch(&admin, "/policy?dry_run=true", edit.clone()).await;
    let lacking = &preview.body["affected"]["without_ip_list"];
    let named = lacking["first"].as_array().is_some_and(|first| first.contains(&json!(without)));
    assert!(lacking["keys"] == 2 && named, "{preview:?}");
    set_policy(&world, &admin, edit).await;
    let refused = made(&world, &admin, "new", json!({})).await;
    assert_eq!(refused.problem(400, "invalid_request"), ["allowed_ips"]);
    assert_eq!(made(&world, &admin, "new", list.clone()).await.status, 201);
    let flagged = shown(&world, &admin, &without).await;
    assert_eq!((&flagged["ip_list_missing"], &flagged["state"]), (&json!(true), &json!("active")));
    let path = format!("/keys/{without}");
    assert_eq!(world.patch(&admin, &path, json!({"description": "still"})).await.status, 200);
    let emptied = world.patch(&admin, &path, json!({"allowed_ips": []})).await;
    assert_eq!(emptied.problem(400, "invalid_request"), ["allowed_ips"]);
    assert_eq!(world.patch(&admin, &path, list).await.body["ip_list_missing"], false);
}

#[tokio::test]
async fn the_rules_of_an_applications_keys_are_its_kinds_and_count_for_each_of_them() {
    let (world, admin) = world().await;
    let rules = json!({
        "max_lifetime": {"application": {"days": 30}}, "max_keys": {"application": 2}, "ip_list_required": true,
    });
    set_policy(&world, &admin, rules).await;
    let kind = json!({"name": "Partner", "sign_in": "key_only", "api_sets": []});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let application = |name: &str, list: Value| {
        let body = json!({"name": name, "type": "partner", "allowed_ips": list});
        let (world, admin) = (&world, &admin);
        async move { world.post(admin, "/applications", body).await }
    };
    assert_eq!(application("bare", json!([])).await.problem(400, "invalid_request"), ["allowed_ips"]);
    for name in ["one", "two"] {
        let made = application(name, json!(["192.0.2.0/24"])).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(
            made.body["key"]["allowed_ips"][0]["range"], "192.0.2.0/24",
            "its first key's list is the application's"
        );
        assert_eq!(made.body["key"]["expires_at"], "2026-02-15T00:00:00Z");
    }
    let of = |name: &str| json!({"owner": {"type": "application", "id": name}, "allowed_ips": ["192.0.2.1"]});
    assert_eq!(made(&world, &admin, "second", of("one")).await.status, 201);
    let third = made(&world, &admin, "third", of("one")).await;
    third.problem(409, "limit_reached");
    assert!(third.text("detail").contains("application"), "{third:?}");
    assert_eq!(made(&world, &admin, "second", of("two")).await.status, 201, "each has its own, names too");
    let own = made(&world, &admin, "own", json!({"allowed_ips": ["192.0.2.1"]})).await;
    assert_eq!(
        (own.status.as_u16(), &own.body["key"]["expires_at"]),
        (201, &Value::Null),
        "the organization's live on"
    );
    world.clock.advance(31 * DAY);
    let list = world.get(&admin, "/keys?state=expired").await;
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(4), "all of applications: {list:?}");
}

#[tokio::test]
async fn names_are_unique_among_an_owners_living_keys_whatever_their_case_and_form() {
    let (world, admin) = world().await;
    let first = id(&world, &admin, "  Zażółć ", json!({})).await;
    for same in ["zażółć", "ZAŻÓŁĆ", "Zaz\u{307}o\u{301}łc\u{301}", "Zażółć\u{a0}"] {
        let taken = made(&world, &admin, same, json!({})).await;
        assert_eq!(taken.problem(409, "name_taken"), ["name"], "{same}");
        assert!(taken.body["errors"][0]["message"].to_string().contains(&first), "{taken:?}");
    }
    let other = id(&world, &admin, "other", json!({})).await;
    let renamed = world.patch(&admin, &format!("/keys/{other}"), json!({"name": "ZAŻÓŁĆ"})).await;
    assert_eq!(renamed.problem(409, "name_taken"), ["name"]);
    assert_eq!(world.patch(&admin, &format!("/keys/{first}"), json!({"name": "ZAŻÓŁĆ"})).await.status, 200, "its own");
    world.call("DELETE", &admin, &format!("/keys/{first}"), None).await;
    assert_eq!(made(&world, &admin, "zażółć", json!({})).await.status, 201);
}

#[tokio::test]
async fn a_beginning_that_is_moved_to_now_starts_the_idle_clock() {
    let (world, admin) = world().await;
    let id = id(&world, &admin, "k", json!({"not_before": "2026-12-01"})).await;
    world.clock.advance(200 * DAY);
    assert_eq!(shown(&world, &admin, &id).await["state"], "not_yet_valid");
    let begun = world.patch(&admin, &format!("/keys/{id}"), json!({"not_before": null})).await;
    assert_eq!(begun.body["state"], "active", "nobody could have used it: {begun:?}");
    world.clock.advance(90 * DAY);
    assert_eq!(shown(&world, &admin, &id).await["state"], "disabled");
    assert!(world.manage.clock.now() > NOW);
}
