//! The audit log that is not kept for ever.

use std::time::Duration;

use claviger_domain::audit::Chain;
use serde_json::{Value, json};

use super::{TrimReport, trim};
use crate::testing::{OPERATOR, World};
use crate::{notices, webhooks};

const DAYS: u32 = 30;

async fn removed(world: &World) -> i64 {
    let TrimReport { removed, broken } = trim(&world.manage, DAYS, |_| i64::MAX).await.expect("trimmed");
    assert_eq!(broken, []);
    removed
}

fn days_go_by(world: &World, days: u64) {
    world.clock.advance(Duration::from_hours(24 * days));
}

async fn key(world: &World, admin: &str, name: &str) -> String {
    world.key(admin, name, &["full-access"]).await.0
}

/// The lines of an export.
async fn export(world: &World, admin: &str) -> Vec<Value> {
    let answer = world.get(admin, "/audit/export").await;
    // One line is JSON as a whole.
    let text = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn old_entries_go_and_lists_exports_and_the_proof_say_so() {
    let (world, admin) = World::with_organization().await;
    let old = key(&world, &admin, "old").await;
    let count = world.get(&admin, "/audit/verify").await.body["head"]["seq"].as_i64().expect("a number");
    let noted = world.get(&admin, "/audit/verify").await.body["head"]["mac"].clone();
    assert_eq!(world.get(&admin, "/audit").await.body["removed"], Value::Null);
    notices::follow(&world.manage).await.expect("followed");
    days_go_by(&world, 20);
    let new = key(&world, &admin, "new").await;
    notices::follow(&world.manage).await.expect("followed");
    assert_eq!(removed(&world).await, 0, "nothing is so old");
    days_go_by(&world, 11);
    // And of the installation the set-up.
    assert_eq!(removed(&world).await, count + 1);
    assert_eq!(removed(&world).await, 0, "once");

    let list = world.get(&admin, "/audit?sort=at").await.body;
    let expected = json!({"seq": count, "until": "2026-01-15T12:00:00Z"});
    assert_eq!(json!({"seq": list["removed"]["seq"], "until": list["removed"]["until"]}), expected, "{list}");
    assert_eq!(list["removed"]["mac"], noted);
    let actions: Vec<_> = list["data"].as_array().expect("entries").iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["key.create", "audit.trim"]);
    let trimmed = &list["data"][1];
    assert_eq!(trimmed["before"], json!({"first": 1, "last": count, "until": "2026-01-15T12:00:00Z"}));
    assert_eq!(trimmed["after"], json!({"first": count + 1, "kept_days": DAYS}));
    assert_eq!(trimmed["actor"]["type"], "system");
    // Histories are what is left of them.
    for (id, entries) in [(&old, 0), (&new, 1)] {
        let history = world.get(&admin, &format!("/audit?object={id}")).await.body;
        assert_eq!(history["data"].as_array().map(Vec::len), Some(entries), "{history}");
        assert_eq!(history["removed"]["seq"], count);
    }

    let lines = export(&world, &admin).await;
    assert_eq!(lines[0]["checkpoint"], list["removed"]);
    assert_eq!((&lines[1]["seq"], &lines[3]["head"]["seq"]), (&json!(count + 1), &json!(count + 2)));
    let csv = world.get(&admin, "/audit/export?format=csv").await;
    let csv = csv.body.as_str().expect("text");
    assert!(csv.lines().nth(1).is_some_and(|line| line.contains("\"audit.checkpoint\"")), "{csv}");

    let verified = world.get(&admin, "/audit/verify").await.body;
    assert_eq!((&verified["intact"], &verified["removed"]), (&json!(true), &list["removed"]));
    assert_eq!(verified["noted_is_removed"], false);
    let against = async |seq: i64, mac: &Value| {
        world.get(&admin, &format!("/audit/verify?seq={seq}&mac={}", mac.as_str().expect("a MAC"))).await.body
    };
    let exact = against(count, &noted).await;
    assert_eq!((&exact["intact"], &exact["noted_is_removed"]), (&json!(true), &json!(false)));
    let before = against(count - 1, &noted).await;
    assert_eq!((&before["intact"], &before["noted_is_removed"]), (&json!(true), &json!(true)));
    assert_eq!(against(count, &lines[1]["hash"]).await["first_bad"], count);
    let installation = world.get(OPERATOR, "/audit/verify?chain=installation").await.body;
    assert_eq!((&installation["intact"], &installation["removed"]["seq"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn nothing_goes_that_notices_webhooks_or_this_nodes_file_still_need() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "Tickets", "url": "https://hooks.example.com/", "events": ["key.created"]});
    assert_eq!(world.post(&admin, "/webhooks", body).await.status, 201);
    let count = world.get(&admin, "/audit/verify").await.body["head"]["seq"].as_i64().expect("a number");
    let notices = async || notices::follow(&world.manage).await.expect("followed");
    let webhooks = async || webhooks::follow(&world.manage).await.expect("followed");
    notices().await;
    webhooks().await;
    key(&world, &admin, "told of later").await;
    days_go_by(&world, 40);
    let organization = world.get(&admin, "/organization").await.text("id");
    let chain = Chain::Organization(organization.parse().expect("an id"));
    let up_to = async |written: i64| {
        let written = move |of: Chain| if of == chain { written } else { 0 };
        trim(&world.manage, DAYS, written).await.expect("trimmed").removed
    };
    assert_eq!(up_to(2).await, 2, "as far as the file is");
    assert_eq!(up_to(i64::MAX).await, count - 2, "as far as both have looked");
    notices().await;
    assert_eq!(up_to(i64::MAX).await, 0, "what webhooks have not looked at stays");
    assert!(webhooks().await > 0, "and is told of");
    assert_eq!(up_to(i64::MAX).await, 1);
    key(&world, &admin, "told of later still").await;
    days_go_by(&world, 40);
    assert!(webhooks().await > 0);
    let left = world.get(&admin, "/audit").await.body["data"].as_array().map(Vec::len);
    up_to(i64::MAX).await;
    let list = world.get(&admin, "/audit?action=key.create").await.body;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "what notices have not looked at stays: {left:?}");
    notices().await;
    assert!(up_to(i64::MAX).await > 0);
    assert_eq!(world.get(&admin, "/audit/verify").await.body["intact"], true);
}

#[tokio::test]
async fn a_chain_that_nobody_writes_to_is_not_trimmed_for_ever() {
    let (world, admin) = World::with_organization().await;
    let mut last = 0;
    for _ in 0..6 {
        days_go_by(&world, 40);
        notices::follow(&world.manage).await.expect("followed");
        last = removed(&world).await;
    }
    assert_eq!(last, 0, "only what said that something was removed is left");
    assert_eq!(world.get(&admin, "/audit").await.body["data"].as_array().map(Vec::len), Some(1));
}
