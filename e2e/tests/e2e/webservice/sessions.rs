//! Signing in, sessions, what the log says.

use std::time::Duration;

use serde_json::{Value, json};

use super::portal::{PASSWORD, Portal, USER};
use crate::harness::on_both_databases;
use crate::harness::world::World;

on_both_databases! {
    async fn w_05_a_sign_in_answers_with_everything_that_clients_read(world: &World) {
        let portal = Portal::new(world).await;
        let body = json!({ "userName": USER, "password": PASSWORD, "code": "",
            "params": { "language": "pl-PL", "version": "1.1", "ip": "1.2.3.4", "deviceId": "phone" } });
        let first = portal.result(portal.request("POST", "Users/Login").json(&body)).await;
        let token = first["token"].as_str().expect("a token");
        assert!(token.len() == 64 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{token}");
        for (field, expected) in [
            ("name", json!(USER)),
            ("lastLoginTime", Value::Null),
            ("lastLogoutTime", json!("")),
            ("language", json!("pl-PL")),
            ("type", json!(1)),
            ("login_method", json!("PLL_PASSWORD")),
            ("authy_methods", json!("")),
            ("2faObligatory", json!(false)),
            ("logged", json!(true)),
        ] {
            assert_eq!(first.get(field), Some(&expected), "{field}: {first}");
        }
        let preferences = first["preferences"].as_object().expect("preferences");
        assert_eq!(preferences.len(), 16);
        assert_eq!(preferences["time_zone"], "UTC");
        world.clock.advance(Duration::from_secs(61));
        let empty = json!({ "userName": USER, "password": PASSWORD, "params": [] });
        let second = portal.result(portal.request("POST", "Users/Login").json(&empty)).await;
        assert_eq!(second["lastLoginTime"], "2025-12-31 23:59:59");
        assert_eq!(portal.refusal(portal.login(USER, "another one")).await, (401, "Invalid data access".to_owned()));
        assert_eq!(portal.refusal(portal.login("nobody", PASSWORD)).await, (401, "Invalid data access".to_owned()));
    }

    async fn w_07_a_sign_out_ends_the_session_and_a_token_belongs_to_its_application(world: &World) {
        let portal = Portal::new(world).await;
        let other = Portal::add(world, "Other", "webservice-standard", "WebserviceStandard").await;
        let token = portal.sign_in().await;
        let elsewhere = other.with_token("GET", "Modules", &token);
        assert_eq!(portal.refusal(elsewhere).await, (401, "Invalid token".to_owned()));
        let logout = || portal.with_token("PUT", "Users/Logout", &token).json(&json!([]));
        assert_eq!(portal.result(logout()).await, true);
        assert_eq!(portal.refusal(logout()).await, (401, "Invalid token".to_owned()));
    }

    async fn w_10_a_user_reads_its_own_history_a_page_at_a_time(world: &World) {
        let portal = Portal::new(world).await;
        portal.refusal(portal.login(USER, "another one").header("User-Agent", "Portal 1.0")).await;
        world.clock.advance(Duration::from_mins(1));
        let token = portal.sign_in().await;
        portal.add_user("dave", json!({})).await;
        portal.result(portal.login("dave", PASSWORD)).await;
        let read = |limit: &str, offset: &str| {
            portal
                .with_token("GET", "Users/AccessActivityHistory", &token)
                .header("x-row-limit", limit)
                .header("x-row-offset", offset)
        };
        let all = portal.result(read("50", "0")).await;
        let row = |agent: &str, status: &str, time: &str| json!({ "time": time, "status": status, "agent": agent, "ip": "127.0.0.1" });
        let (newest, oldest) = (row("", "Signed in", "2026-01-01 00:00"), row("Portal 1.0", "Incorrect password", "2025-12-31 23:59"));
        assert_eq!(all, json!({ "0": newest, "1": oldest }), "nobody else's");
        assert_eq!(portal.result(read("1", "1")).await, json!({ "0": oldest }));
        assert_eq!(portal.result(read("1", "9")).await, json!({}));
    }

    async fn w_11_premium_clients_install_read_a_menu_and_keep_preferences(world: &World) {
        let portal = Portal::of_type(world, "Webservice Premium", "WebservicePremium", json!({})).await;
        let echo = portal.request("PUT", "Install").json(&json!({ "data": { "a": 1 } }));
        assert_eq!(portal.result(echo).await, json!({ "a": 1 }));
        let token = portal.sign_in().await;
        assert!(portal.result(portal.with_token("GET", "Modules", &token)).await.is_object());
        assert_eq!(portal.result(portal.with_token("GET", "Menu", &token)).await, json!({ "items": {} }));
        let keep = |body: Value| portal.with_token("PUT", "Users/Preferences/", &token).json(&body);
        assert_eq!(portal.result(keep(json!({ "menu": "left", "rows": 20 }))).await, true);
        assert_eq!(portal.result(keep(json!({ "rows": 50 }))).await, true);
        let again = portal.result(portal.login(USER, PASSWORD)).await;
        assert_eq!(again["userPreferences"], json!({ "menu": "left", "rows": 50 }));
        let (status, message) = portal.refusal(keep(json!({ "big": "x".repeat(5_000) }))).await;
        assert!(status == 400 && message.contains("at most 4096 bytes"), "{status} {message}");
    }

    async fn w_13_sessions_end_by_age_and_idleness_many_stand_and_each_can_be_ended(world: &World) {
        let portal = Portal::new(world).await;
        let (one, two) = (portal.sign_in().await, portal.sign_in().await);
        let call = |token: &str| portal.with_token("GET", "Modules", token);
        let sessions = format!("/api-users/{}/sessions", portal.user);
        let listed = world.api("GET", &sessions, None).await.expect(200).json();
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(2));

        // 239 minutes after its last use each; the second one's calls do not prolong it.
        world.clock.advance(Duration::from_mins(239));
        portal.result(call(&one)).await;
        portal.result(call(&two).header("x-session-uptime", "0")).await;
        world.clock.advance(Duration::from_mins(200));
        portal.result(call(&one)).await;
        assert_eq!(portal.refusal(call(&two)).await, (401, "Token has expired".to_owned()));
        for _ in 0..6 {
            world.clock.advance(Duration::from_mins(200));
            let answer = portal.send(call(&one)).await;
            if answer.status != 200 {
                break;
            }
        }
        assert_eq!(portal.refusal(call(&one)).await, (401, "Token has expired".to_owned()), "1,440 minutes are over");

        let three = portal.sign_in().await;
        let listed = world.api("GET", &sessions, None).await.expect(200).json();
        let id = listed["data"][0]["id"].as_str().expect("an id");
        world.api("DELETE", &format!("{sessions}/{id}"), None).await.expect(204);
        assert_eq!(portal.refusal(call(&three)).await, (401, "Invalid token".to_owned()));

        // Lock-out: three tries are free, then each waits longer.
        for _ in 0..3 {
            assert_eq!(portal.refusal(portal.login(USER, "another one")).await.0, 401);
        }
        let answer = portal.send(portal.login(USER, PASSWORD)).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
    }

    async fn w_16_the_applications_log_says_which_part_of_a_refused_call_was_wrong(world: &World) {
        let portal = Portal::new(world).await;
        let logout = |name: &str, password: &str| {
            crate::harness::raw_http::Request::new("PUT", "/webservice/WebserviceStandard/Users/Logout")
                .basic(name, password)
                .header("X-API-KEY", &portal.key)
        };
        portal.refusal(logout("nobody", &portal.password)).await;
        portal.refusal(logout(&portal.name, "wrong password")).await;
        portal.refusal(portal.request("PUT", "Users/Logout")).await;
        portal.refusal(portal.with_token("PUT", "Users/Logout", &"0".repeat(64))).await;
        portal.refusal(portal.login(USER, "another one")).await;
        let checks = portal.checks(5).await;
        for expected in [
            "wrong application name",
            "wrong application password",
            "no session",
            "unknown or ended session",
            "wrong user name or password",
        ] {
            assert!(checks.iter().any(|check| check == expected), "{expected}: {checks:?}");
        }
        let key = portal.refusal(logout(&portal.name, &portal.password).header("X-API-KEY", "other")).await;
        assert_eq!(key.0, 406, "two keys are none");
    }
}
