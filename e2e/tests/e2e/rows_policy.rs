//! The acceptance rows about when keys end and go idle, by their names; the policy's cap is set for the organization's keys.

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::{CreatedKey, World};

/// A call by the operator, whom no clock ends.
async fn call(world: &World, method: &str, path: &str, body: Option<&Value>) -> Response {
    world.api_as(&world.local_token(), method, path, body).await
}

async fn shown(world: &World, key: &CreatedKey) -> Value {
    call(world, "GET", &format!("/keys/{}", key.id), None).await.expect(200).json()
}

/// What a request with the key would get, without being one.
async fn explained(world: &World, key: &CreatedKey) -> String {
    let explained = call(world, "POST", &format!("/keys/{}/check", key.id), Some(&json!({}))).await.expect(200).json();
    explained["code"].as_str().expect("a code").to_owned()
}

/// Lets the organization's keys live for a year.
async fn one_year(world: &World) {
    set_policy(world, json!({ "max_lifetime": { "organization": { "years": 1 } } })).await;
}

async fn set_policy(world: &World, edit: Value) -> Value {
    call(world, "PATCH", "/policy", Some(&edit)).await.expect(200).json()
}

/// A key for everything, with what `more` says.
async fn key(world: &World, name: &str, more: Value) -> CreatedKey {
    let mut body = json!({ "name": name, "api_sets": ["full-access"] });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let made = call(world, "POST", "/keys", Some(&body)).await.expect(201).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    CreatedKey { id: text(&made["key"]["id"]), secret: text(&made["secret"]), record: made["key"].clone() }
}

async fn create(world: &World, body: Value) -> Response {
    call(world, "POST", "/keys", Some(&body)).await
}

async fn edit(world: &World, key: &CreatedKey, body: Value) -> Response {
    call(world, "PATCH", &format!("/keys/{}", key.id), Some(&body)).await
}

async fn code(world: &World, key: &CreatedKey) -> String {
    let verdict = world.verdict(&key.secret, "default", "GET", "/x").await;
    verdict["code"].as_str().expect("a code").to_owned()
}

/// Refused, and the field that the answer names with its message.
fn named(answer: Response, status: u16) -> (String, String) {
    let problem = answer.expect(status).json();
    let error = &problem["errors"][0];
    (error["field"].as_str().expect("a field").to_owned(), error["message"].as_str().expect("a message").to_owned())
}

on_both_databases! {
    /// On 24 April 2026 clocks in Cairo go from 23:59:59 of the day before to 01:00: the day has no midnight.
    async fn a_bare_date_ends_with_its_day_where_the_next_one_has_no_midnight(world: &World) {
        call(world, "PATCH", "/organization", Some(&json!({ "time_zone": "Africa/Cairo" }))).await.expect(200);
        let key = key(world, "k", json!({ "expires_at": "2026-04-23", "idle_exempt": true })).await;
        assert_eq!(key.record["expires_at"], "2026-04-23T22:00:00Z");
        world.advance_to("2026-04-23T21:59:59Z");
        assert_eq!(code(world, &key).await, "VALID");
        world.advance_to("2026-04-23T22:00:00Z");
        assert_eq!(code(world, &key).await, "EXPIRED");
    }

    async fn c_07_a_name_is_required_trimmed_and_unique(world: &World) {
        let first = key(world, "  Import of orders ", json!({})).await;
        assert_eq!(first.record["name"], "Import of orders");
        let unseen = ["Im\u{200d}port of orders", "Import\u{fe0f} of orders", "\u{2800}", "Import\u{2028}of orders"].map(|name| (name, 400));
        for (name, status) in [("", 400), ("   ", 400), ("tab\there", 400), ("import of ORDERS", 409)].into_iter().chain(unseen) {
            let answer = create(world, json!({ "name": name, "api_sets": [] })).await;
            let (field, message) = named(answer, status);
            assert_eq!(field, "name", "{name:?}");
            assert_eq!(message.contains(&first.id), status == 409, "{message}");
        }
        let long = "n".repeat(121);
        assert_eq!(named(create(world, json!({ "name": long, "api_sets": [] })).await, 400).0, "name");
        assert_eq!(named(create(world, json!({ "api_sets": [] })).await, 400).0, "name");
        let list = call(world, "GET", "/keys?text=import", None).await.expect(200).json();
        assert_eq!(list["data"][0]["name"], "Import of orders");
    }

    async fn c_08_an_end_is_any_day_up_to_a_year_and_counts_whole_in_the_organizations_zone(world: &World) {
        call(world, "PATCH", "/organization", Some(&json!({ "time_zone": "Europe/Warsaw" }))).await.expect(200);
        one_year(world).await;
        world.advance_to("2026-01-15T12:00:00Z");
        let default = key(world, "default", json!({})).await;
        assert_eq!(default.record["expires_at"], "2027-01-15T23:00:00Z", "creation and a year, to the end of the day");
        let today = key(world, "today", json!({ "expires_at": "2026-01-15" })).await;
        assert_eq!(today.record["expires_at"], "2026-01-15T23:00:00Z");
        // The days on which clocks are changed have 23 and 25 hours.
        for (day, end) in [("2026-03-29", "2026-03-29T22:00:00Z"), ("2026-10-25", "2026-10-25T23:00:00Z")] {
            assert_eq!(key(world, day, json!({ "expires_at": day })).await.record["expires_at"], end);
        }
        // Where clocks are put forward at midnight a day begins at one o'clock, which is the end of the day before.
        call(world, "PATCH", "/organization", Some(&json!({ "time_zone": "Asia/Beirut" }))).await.expect(200);
        let gap = json!({ "not_before": "2026-03-28", "expires_at": "2026-03-28" });
        let gap = key(world, "a day before a gap", gap).await.record;
        assert_eq!((&gap["not_before"], &gap["expires_at"]), (&json!("2026-03-27T22:00:00Z"), &json!("2026-03-28T22:00:00Z")));
        let short = key(world, "a day with a gap", json!({ "not_before": "2026-03-29", "expires_at": "2026-03-29" })).await.record;
        assert_eq!((&short["not_before"], &short["expires_at"]), (&json!("2026-03-28T22:00:00Z"), &json!("2026-03-29T21:00:00Z")));
        call(world, "PATCH", "/organization", Some(&json!({ "time_zone": "Europe/Warsaw" }))).await.expect(200);
        for past in ["2026-01-14", "2026-01-15T11:59:59Z", "2026-01-15T12:00:00Z", "1970-01-01"] {
            let refused = create(world, json!({ "name": past, "api_sets": [], "expires_at": past })).await;
            assert_eq!(named(refused, 400).0, "expires_at", "{past}");
        }
        for garbage in ["2026-02-29", "2026-13-01", "soon", "0", "+292277026596-12-04", "99999-01-01"] {
            let refused = create(world, json!({ "name": garbage, "api_sets": [], "expires_at": garbage })).await;
            assert_eq!(named(refused, 400).0, "expires_at", "{garbage}");
        }
        world.advance_to("2026-01-15T22:59:59.999999Z");
        assert_eq!(code(world, &today).await, "VALID");
        world.advance_to("2026-01-15T23:00:00Z");
        assert_eq!(code(world, &today).await, "EXPIRED");
        assert_eq!(code(world, &default).await, "VALID");
    }

    async fn c_09_no_end_beyond_a_year_from_creation(world: &World) {
        one_year(world).await;
        world.advance_to("2028-02-29T12:00:00Z");
        let last = key(world, "last day", json!({ "expires_at": "2029-02-28" })).await;
        assert_eq!(last.record["expires_at"], "2029-03-01T00:00:00Z", "from 29 February to 28 February");
        assert_eq!(last.record["expires_at_max"], "2029-03-01T00:00:00Z");
        let refused = create(world, json!({ "name": "beyond", "api_sets": [], "expires_at": "2029-03-01" })).await;
        let (field, message) = named(refused, 400);
        assert!(field == "expires_at" && message.contains("2029-02-28"), "it states the cap: {message}");

        // A lowered cap reaches keys that are there; what it would do is told before.
        world.advance_to("2028-03-20T08:00:00Z");
        let lower = json!({ "max_lifetime": { "organization": { "days": 10 } } });
        let preview = call(world, "PATCH", "/policy?dry_run=true", Some(&lower)).await.expect(200).json();
        assert_eq!(preview["affected"]["keys"], 1, "{preview}");
        let first = json!([{ "id": last.id, "ends_at": "2028-03-20T08:00:00Z", "reason": "expiry" }]);
        assert_eq!(preview["affected"]["first"], first);
        assert_eq!(code(world, &last).await, "VALID");
        set_policy(world, lower).await;
        assert_eq!(code(world, &last).await, "EXPIRED");
        let verdict = world.verdict(&last.secret, "default", "GET", "/x").await;
        assert_eq!(verdict["key"]["expires_at"], "2028-03-20T08:00:00Z", "the verdict shows the end that counts");
        set_policy(world, json!({ "max_lifetime": { "organization": { "years": 2 } } })).await;
        assert_eq!(code(world, &last).await, "VALID", "a raised one restores what was set");
        assert_eq!(shown(world, &last).await["expires_at"], "2029-03-01T00:00:00Z");
    }

    async fn c_10_an_end_may_be_moved_forward_and_to_the_past_only_if_that_is_meant(world: &World) {
        one_year(world).await;
        world.advance_to("2026-01-15T12:00:00Z");
        let week = key(world, "a week", json!({ "expires_at": "2026-01-22" })).await;
        assert_eq!(week.record["expires_at"], "2026-01-23T00:00:00Z");
        let long = key(world, "300 days", json!({ "expires_at": "2026-11-11" })).await;
        let shorter = edit(world, &long, json!({ "expires_at": "2026-02-14" })).await.expect(200).json();
        assert_eq!(shorter["expires_at"], "2026-02-15T00:00:00Z");
        let (field, message) = named(edit(world, &long, json!({ "expires_at": "2026-01-14" })).await, 400);
        assert!(field == "expires_at" && message.contains("expire_now"), "{message}");
        assert_eq!(code(world, &long).await, "VALID");
        edit(world, &long, json!({ "expires_at": "2026-01-14", "expire_now": true })).await.expect(200);
        assert_eq!(code(world, &long).await, "EXPIRED");
        // An edit of something else does not ask about the end again.
        let edited = edit(world, &long, json!({ "description": "ended" })).await.expect(200).json();
        assert_eq!((&edited["state"], &edited["expires_at"]), (&json!("expired"), &json!("2026-01-15T00:00:00Z")));
    }

    async fn c_11_an_end_is_not_moved_beyond_the_cap_nor_by_a_rotation(world: &World) {
        one_year(world).await;
        world.advance_to("2026-01-01T08:00:00Z");
        let key = key(world, "k", json!({ "expires_at": "2026-03-31", "idle_exempt": true })).await;
        world.advance_to("2026-03-15T00:00:00Z");
        edit(world, &key, json!({ "expires_at": "2026-12-31" })).await.expect(200);
        world.advance_to("2026-06-01T00:00:00Z");
        let (_, message) = named(edit(world, &key, json!({ "expires_at": "2027-01-02" })).await, 400);
        assert!(message.contains("2027-01-01"), "the cap counts from the creation: {message}");
        edit(world, &key, json!({ "expires_at": "2027-01-01" })).await.expect(200);
        edit(world, &key, json!({ "expires_at": null })).await.expect(200);
        let rotated = call(world, "POST", &format!("/keys/{}/rotate", key.id), Some(&json!({ "overlap_seconds": 0 })))
            .await
            .expect(200)
            .json();
        for field in ["expires_at", "expires_at_max"] {
            assert_eq!(rotated["key"][field], "2027-01-02T00:00:00Z", "{field}");
        }
    }

    async fn c_29_an_expired_key_is_refused_and_still_listed(world: &World) {
        let expiring = key(world, "k", json!({ "expires_at": "2026-01-10T00:00:00Z" })).await;
        world.advance_to("2026-01-09T23:59:59.999999Z");
        assert_eq!(code(world, &expiring).await, "VALID");
        world.advance_to("2026-01-10T00:00:00Z");
        let refused = world.authorize("default", "GET", "/x", |r| r.bearer(&expiring.secret)).await.expect(401).json();
        assert_eq!(refused["code"], "EXPIRED");
        let list = call(world, "GET", "/keys?state=expired", None).await.expect(200).json();
        let row = &list["data"][0];
        assert_eq!((&row["id"], &row["state"]), (&json!(expiring.id), &json!("expired")));
        assert_eq!((&row["state_reason"], &row["state_at"]), (&json!("expiry"), &json!("2026-01-10T00:00:00Z")));
        assert_eq!(call(world, "GET", "/keys?state=active", None).await.expect(200).json()["data"].as_array().map(Vec::len), Some(1));
        // Disabling and enabling change nothing about its end.
        call(world, "POST", &format!("/keys/{}/disable", expiring.id), None).await.expect(200);
        call(world, "POST", &format!("/keys/{}/enable", expiring.id), None).await.expect(200);
        assert_eq!(code(world, &expiring).await, "EXPIRED");
    }

    async fn y_12_max_keys_are_configurable_with_a_clear_error(world: &World) {
        set_policy(world, json!({ "max_keys": { "organization": 4 } })).await;
        let one = key(world, "one", json!({})).await;
        for name in ["two", "three"] {
            key(world, name, json!({})).await;
        }
        let refused = create(world, json!({ "name": "four", "api_sets": [] })).await.expect(409).json();
        assert_eq!(refused["code"], "limit_reached");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("4 keys")), "{refused}");
        // Two that come at once for one place: one gets it.
        call(world, "DELETE", &format!("/keys/{}", one.id), None).await.expect(204);
        let (a, b) = tokio::join!(
            create(world, json!({ "name": "a", "api_sets": [] })),
            create(world, json!({ "name": "b", "api_sets": [] })),
        );
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }

    async fn a_preview_says_what_is_destroyed_who_has_too_many_and_who_has_a_name_in_common(world: &World) {
        set_policy(world, json!({ "reveal": { "organization": "recoverable" } })).await;
        for name in ["one", "two"] {
            key(world, name, json!({})).await;
        }
        let kind = json!({ "name": "Partner", "slug": "partner", "sign_in": "key_only", "api_sets": ["full-access"] });
        call(world, "POST", "/application-types", Some(&kind)).await.expect(201);
        let portal = json!({ "name": "Portal", "slug": "portal", "type": "partner" });
        let portal = call(world, "POST", "/applications", Some(&portal)).await.expect(201).json()["application"]["id"].clone();
        let shared = json!({ "name": "ONE", "api_sets": ["full-access"] });
        call(world, "POST", "/applications/portal/keys", Some(&shared)).await.expect(201);
        let edit = json!({
            "reveal": { "organization": "once" }, "max_keys": { "organization": 1, "application": 1 }, "unique_names": "organization",
        });
        let affected = call(world, "PATCH", "/policy?dry_run=true", Some(&edit)).await.expect(200).json()["affected"].clone();
        assert_eq!(affected["copies_destroyed"], 2, "the first key was made before: {affected}");
        let home = call(world, "GET", "/organization", None).await.expect(200).json()["id"].clone();
        let above = json!({ "owners": 2, "first": [
            { "type": "application", "id": portal, "keys": 2, "above": 1 }, { "type": "organization", "id": home, "keys": 3, "above": 2 },
        ] });
        assert_eq!(affected["above_max_keys"], above);
        assert_eq!(affected["namesakes"]["keys"], 2, "{affected}");
        set_policy(world, edit.clone()).await;
        let affected = call(world, "PATCH", "/policy?dry_run=true", Some(&edit)).await.expect(200).json()["affected"].clone();
        for (field, nothing) in [
            ("copies_destroyed", json!(0)), ("above_max_keys", json!({ "owners": 0, "first": [] })), ("namesakes", json!({ "keys": 0, "first": [] })),
        ] {
            assert_eq!(affected[field], nothing, "no change: {field}");
        }
        let kept = call(world, "GET", "/keys?text=one", None).await.expect(200).json();
        let reveals: Vec<_> = kept["data"].as_array().expect("a list").iter().map(|row| row["reveal"].clone()).collect();
        assert_eq!(reveals, [json!("once"), json!("once")]);
    }

    async fn another_time_zone_says_which_ends_it_moves(world: &World) {
        set_policy(world, json!({ "max_lifetime": { "organization": { "days": 30 } } })).await;
        world.advance_to("2026-01-01T12:00:00Z");
        let capped = key(world, "capped", json!({})).await;
        key(world, "set", json!({ "expires_at": "2026-01-20" })).await;
        let warsaw = json!({ "time_zone": "Europe/Warsaw" });
        let preview = call(world, "PATCH", "/organization?dry_run=true", Some(&warsaw)).await.expect(200).json();
        // The key of the set-up was made a second before the year ended in Greenwich, and in the new year in Warsaw.
        let moved = preview["moved_ends"]["first"].as_array().expect("a list");
        let named = json!({ "id": capped.id, "before": "2026-02-01T00:00:00Z", "after": "2026-01-31T23:00:00Z" });
        assert_eq!((&preview["moved_ends"]["keys"], moved.contains(&named)), (&json!(2), true), "{preview}");
        assert_eq!(call(world, "GET", "/organization", None).await.expect(200).json()["time_zone"], "UTC");
        call(world, "PATCH", "/organization", Some(&warsaw)).await.expect(200);
        assert_eq!(shown(world, &capped).await["expires_at"], "2026-01-31T23:00:00Z");
        world.advance_to("2026-01-31T22:59:59Z");
        assert_eq!(code(world, &capped).await, "VALID");
        world.advance_to("2026-01-31T23:00:00Z");
        assert_eq!(code(world, &capped).await, "EXPIRED", "at the doors too");
    }

    async fn y_34_a_key_that_nobody_uses_for_90_days_is_disabled(world: &World) {
        world.advance_to("2026-01-01T00:00:00Z");
        let never = key(world, "never used", json!({})).await;
        let used = key(world, "used", json!({})).await;
        let refused = key(world, "refused", json!({ "allowed_ips": ["192.0.2.1"] })).await;
        let exempt = key(world, "exempt", json!({ "idle_exempt": true })).await;
        world.advance_to("2026-03-31T00:00:00Z");
        assert_eq!(code(world, &used).await, "VALID", "on day 89");
        assert_eq!(code(world, &refused).await, "IP_NOT_ALLOWED", "no use");
        world.advance_to("2026-03-31T23:59:00Z");
        assert_eq!(shown(world, &never).await["state"], "active");
        world.advance_to("2026-04-01T00:00:00Z");
        for key in [&never, &refused] {
            let answer = world.authorize("default", "GET", "/x", |r| r.bearer(&key.secret)).await.expect(401).json();
            assert_eq!(answer["code"], "DISABLED");
            let record = shown(world, key).await;
            assert_eq!((&record["state"], &record["state_reason"]), (&json!("disabled"), &json!("idle")));
            assert_eq!((&record["state_by"]["type"], &record["state_at"]), (&json!("system"), &json!("2026-04-01T00:00:00Z")));
        }
        assert_eq!(code(world, &exempt).await, "VALID");
        world.advance_to("2026-06-28T23:59:59Z");
        assert_eq!(explained(world, &used).await, "VALID", "to day 179");
        world.advance_to("2026-06-29T00:00:00Z");
        assert_eq!(code(world, &used).await, "DISABLED");
        // Enabled again it has a fresh clock.
        call(world, "POST", &format!("/keys/{}/enable", never.id), None).await.expect(200);
        world.advance_to("2026-09-26T23:59:59Z");
        assert_eq!(shown(world, &never).await["state"], "active");
        world.advance_to("2026-09-27T00:00:00Z");
        assert_eq!(code(world, &never).await, "DISABLED");

        // The period is the organization's, and 0 is never: but what was idle by then stays so.
        call(world, "POST", &format!("/keys/{}/enable", never.id), None).await.expect(200);
        set_policy(world, json!({ "idle_days": 7 })).await;
        world.advance_to("2026-10-03T23:59:59Z");
        assert_eq!(shown(world, &never).await["state"], "active");
        assert_eq!(shown(world, &never).await["idle_days"], 7);
        world.advance_to("2026-10-04T00:00:00Z");
        assert_eq!(code(world, &never).await, "DISABLED");
        set_policy(world, json!({ "idle_days": 0 })).await;
        assert_eq!(code(world, &never).await, "DISABLED");
        call(world, "POST", &format!("/keys/{}/enable", never.id), None).await.expect(200);
        world.advance_to("2030-01-01T00:00:00Z");
        assert_eq!(code(world, &never).await, "VALID");
    }

    async fn y_36_an_edit_keeps_secret_creator_and_creation_and_a_stale_one_is_refused(world: &World) {
        world.import_github().await;
        let body = json!({ "slug": "issues", "name": "Issues", "operations": ["github:issues/*"] });
        call(world, "POST", "/api-sets", Some(&body)).await.expect(201);
        let key = key(world, "k", json!({ "description": "before" })).await;
        let path = format!("/keys/{}", key.id);
        world.advance_to("2026-01-02T00:00:00Z");
        let read = call(world, "GET", &path, None).await.expect(200);
        let tag = read.header("etag").expect("an entity tag");
        let kept = |record: &Value| ["hint", "created_by", "created_at", "owner"].map(|field| record[field].clone());
        let before = kept(&read.json());

        let stale = |body: Value| {
            Request::new("PATCH", &format!("/api/v1{path}")).bearer(&world.local_token()).header("If-Match", &tag).json(&body)
        };
        let described = stale(json!({ "description": "after" })).send(world.control).await.expect(200).json();
        assert_eq!((&described["description"], &described["api_sets"]), (&json!("after"), &json!(["full-access"])));
        assert_eq!(kept(&described), before);
        let refused = stale(json!({ "description": "lost" })).send(world.control).await.expect(412).json();
        assert_eq!(refused["code"], "stale");
        assert_eq!(shown(world, &key).await["description"], "after", "no silent overwrite");

        let pulls = "/repos/o/r/pulls";
        assert_eq!(world.verdict(&key.secret, "github", "GET", pulls).await["code"], "VALID");
        let limited = edit(world, &key, json!({ "api_sets": ["issues"] })).await.expect(200).json();
        assert_eq!((&limited["description"], kept(&limited)), (&json!("after"), before.clone()));
        assert_eq!(world.verdict(&key.secret, "github", "GET", pulls).await["code"], "OPERATION_NOT_ALLOWED");
        assert_eq!(world.verdict(&key.secret, "github", "GET", "/repos/o/r/issues").await["code"], "VALID");
        let both = edit(world, &key, json!({ "description": "both", "api_sets": ["full-access"] })).await.expect(200).json();
        assert_eq!((&both["description"], kept(&both)), (&json!("both"), before));
        assert_eq!(world.verdict(&key.secret, "github", "GET", pulls).await["code"], "VALID");
    }

    async fn a_key_is_refused_before_it_begins_and_for_hosts_of_the_other_environment(world: &World) {
        let later = key(world, "later", json!({ "not_before": "2026-02-01" })).await;
        world.advance_to("2026-01-31T23:59:59.999999Z");
        let refused = world.authorize("default", "GET", "/x", |r| r.bearer(&later.secret)).await.expect(401).json();
        assert_eq!(refused["code"], "NOT_YET_VALID");
        let record = shown(world, &later).await;
        assert_eq!((&record["state"], &record["state_at"]), (&json!("not_yet_valid"), &json!("2026-02-01T00:00:00Z")));
        world.advance_to("2026-02-01T00:00:00Z");
        assert_eq!(code(world, &later).await, "VALID");
        let test = key(world, "test", json!({ "environment": "test" })).await;
        assert!(test.secret.starts_with("clv_test_"));
        assert_eq!(code(world, &test).await, "OPERATION_NOT_ALLOWED", "hosts are live unless they are said to be test");
        for body in [json!({ "not_before": "2026-03-02", "expires_at": "2026-03-01" }), json!({ "not_before": "later" })] {
            edit(world, &later, body).await.expect(400);
        }
    }

    async fn a_stale_edit_of_the_policy_and_absurd_numbers_are_refused(world: &World) {
        let tag = call(world, "GET", "/policy", None).await.expect(200).header("etag").expect("an entity tag");
        set_policy(world, json!({ "idle_days": 30 })).await;
        let stale = |path: &str| {
            let request = Request::new("PATCH", path).bearer(&world.local_token()).header("If-Match", &tag);
            request.json(&json!({ "idle_days": 60 })).send(world.control)
        };
        assert_eq!(stale("/api/v1/policy").await.expect(412).json()["code"], "stale");
        assert_eq!(stale("/api/v1/policy?dry_run=true").await.expect(412).json()["code"], "stale");
        for (field, body) in [
            ("idle_days", json!({ "idle_days": 4_294_967_295_u32 })),
            ("idle_days", json!({ "idle_days": "90" })),
            ("max_lifetime.user", json!({ "max_lifetime": { "user": { "years": 1e9 } } })),
            ("max_keys.organization", json!({ "max_keys": { "organization": -1 } })),
        ] {
            let named = named(call(world, "PATCH", "/policy", Some(&body)).await, 400).0;
            assert!(named.starts_with(field), "{body}: {named}");
        }
        let zone = call(world, "PATCH", "/organization", Some(&json!({ "time_zone": "Europe/Atlantis" }))).await;
        assert_eq!(named(zone, 400).0, "time_zone");
        let query = call(world, "PATCH", "/policy?dry_run=perhaps", Some(&json!({ "idle_days": 60 }))).await;
        assert_eq!(named(query, 400).0, "dry_run");
        assert_eq!(call(world, "GET", "/policy", None).await.expect(200).json()["idle_days"], 30);
    }
}

/// Last uses outlive a restart, and what is idle is written down by the server itself.
async fn y_34_over_a_restart(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let world = World::start_on(&database).await;
    world.advance_to("2026-01-01T00:00:00Z");
    let (used, never) = (key(&world, "used", json!({})).await, key(&world, "never", json!({})).await);
    world.advance_to("2026-03-30T00:00:00Z");
    assert_eq!(code(&world, &used).await, "VALID");
    world.stop_serving().await;

    world.advance_to("2026-04-02T00:00:00Z");
    let again = world.second_node(&database).await;
    assert_eq!(again.verdict(&used.secret, "default", "GET", "/x").await["code"], "VALID", "its last use is known");
    assert_eq!(again.verdict(&never.secret, "default", "GET", "/x").await["code"], "DISABLED");
    let tag = async || call(&again, "GET", &format!("/keys/{}", never.id), None).await.expect(200).header("etag");
    wait_until(async || tag().await.as_deref() == Some("\"2\""), || "never written down".to_owned()).await;
    assert_eq!(shown(&again, &never).await["state_at"], "2026-04-01T00:00:00Z", "the instant at which it went idle");
    again.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn y_34_a_restart_does_not_lose_last_use_sqlite() {
    y_34_over_a_restart(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn y_34_a_restart_does_not_lose_last_use_postgres() {
    y_34_over_a_restart(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn y_34_a_use_at_one_server_keeps_the_key_alive_at_the_other() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    one.advance_to("2026-01-01T00:00:00Z");
    let two = one.second_node(&database).await;
    let (known, later) = (key(&one, "known", json!({})).await, key(&one, "later", json!({})).await);
    one.advance_to("2026-03-01T00:00:00Z");
    assert_eq!(code(&one, &known).await, "VALID");
    assert_eq!(code(&one, &later).await, "VALID");
    let written = async |key: &CreatedKey| !shown(&two, key).await["last_used"].is_null();
    wait_until(async || written(&known).await && written(&later).await, || "the use is never written".to_owned()).await;
    // Written with its row of the feed: what was made afterwards is applied after it.
    let marker = key(&one, "marker", json!({})).await;
    wait_until(async || code(&two, &marker).await == "VALID", || "the feed stands still".to_owned()).await;
    one.advance_to("2026-05-01T00:00:00Z");
    assert_eq!(code(&two, &known).await, "VALID", "120 days after its making, 61 after its use elsewhere");
    // Without the last look at the database it is not called idle: another server may have seen a use.
    one.advance_to("2026-05-30T00:00:00Z");
    wait_until(async || explained(&two, &later).await == "DISABLED", || "never idle".to_owned()).await;
    assert_eq!(code(&two, &later).await, "DISABLED");
    two.stop_serving().await;
    one.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_policy_reaches_the_keys_at_every_server() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    one.advance_to("2026-01-01T00:00:00Z");
    let two = one.second_node(&database).await;
    let key = key(&one, "k", json!({})).await;
    let becomes = async |wanted: &str| {
        wait_until(async || code(&two, &key).await == wanted, || format!("never {wanted} at the other server")).await;
    };
    becomes("VALID").await;
    one.advance_to("2026-02-15T00:00:00Z");
    set_policy(&one, json!({ "max_lifetime": { "organization": { "months": 1 } } })).await;
    assert_eq!(code(&one, &key).await, "EXPIRED");
    becomes("EXPIRED").await;
    set_policy(&one, json!({ "max_lifetime": { "organization": null } })).await;
    becomes("VALID").await;
    // The other way round. To ask at a door would be a use until the change is there.
    one.advance_to("2026-03-15T00:00:00Z");
    set_policy(&two, json!({ "idle_days": 7 })).await;
    for world in [&one, &two] {
        wait_until(async || explained(world, &key).await == "DISABLED", || "never idle".to_owned()).await;
        assert_eq!(code(world, &key).await, "DISABLED");
    }
    two.stop_serving().await;
    one.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_time_zone_reaches_the_keys_at_every_server() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    one.advance_to("2026-01-01T12:00:00Z");
    let two = one.second_node(&database).await;
    set_policy(&one, json!({ "max_lifetime": { "organization": { "days": 30 } } })).await;
    let key = key(&one, "k", json!({ "expires_at": null })).await;
    // In the last hour of its last day, which in Warsaw is over.
    one.advance_to("2026-01-31T23:30:00Z");
    for (zone, expected) in [("UTC", "VALID"), ("Europe/Warsaw", "EXPIRED"), ("UTC", "VALID")] {
        call(&one, "PATCH", "/organization", Some(&json!({ "time_zone": zone }))).await.expect(200);
        assert_eq!(code(&one, &key).await, expected, "{zone}");
        let is_so = async || code(&two, &key).await == expected;
        wait_until(is_so, || format!("never {expected} at the other server")).await;
    }
    two.stop_serving().await;
    one.stop_serving().await;
}
