//! One-time codes of API users.

use std::time::Duration;

use claviger_server::config::SecondFactor;
use serde_json::{Value, json};

use super::portal::{PASSWORD, Portal, USER};
use crate::harness::app::App;
use crate::harness::on_both_databases;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// A portal whose user's sign-in asks for codes.
async fn portal(world: &World) -> Portal<'_> {
    let method = json!({ "sign_in_method": "password_2fa" });
    Portal::of_type(world, "Webservice Standard", "WebserviceStandard", method).await
}

fn login(portal: &Portal<'_>, code: &str) -> Request {
    portal.request("POST", "Users/Login").json(&json!({ "userName": USER, "password": PASSWORD, "code": code }))
}

/// Sets codes up in a session.
pub async fn enrol(portal: &Portal<'_>, token: &str) -> App {
    let drawn = portal.result(portal.with_token("GET", "Users/TwoFactorAuth", token)).await;
    assert_eq!(drawn["authMethods"], "TOTP");
    let app = App::of(drawn["secretKey"].as_str().expect("a secret").to_owned());
    let body = json!({ "methods": "TOTP", "secret": app.base32, "code": app.code(portal.world.now(), 0) });
    let confirm = portal.with_token("POST", "Users/TwoFactorAuth", token).json(&body);
    assert_eq!(portal.result(confirm).await, "Ok");
    app
}

on_both_databases! {
    async fn w_06_codes_are_set_up_asked_for_and_ended(world: &World) {
        let portal = portal(world).await;
        let first = portal.result(login(&portal, "")).await;
        assert_eq!((&first["authy_methods"], &first["2faObligatory"]), (&json!("PLL_AUTHY_TOTP"), &json!(false)));
        let token = first["token"].as_str().expect("a token");
        let post = |body: Value| portal.with_token("POST", "Users/TwoFactorAuth", token).json(&body);
        let made_up = App::of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned());
        let foreign = json!({ "methods": "TOTP", "secret": made_up.base32, "code": made_up.code(world.now(), 0) });
        let wrong = (401, "Incorrect 2FA TOTP code".to_owned());
        assert_eq!(portal.refusal(post(foreign)).await, wrong, "a secret that was shown to nobody");

        let (status, message) = portal.refusal(post(json!({ "methods": "SMS", "secret": "", "code": "" }))).await;
        assert!(status == 400 && message.contains("expected TOTP"), "{status} {message}");

        let app = enrol(&portal, token).await;
        let again = portal.result(portal.with_token("GET", "Users/TwoFactorAuth", token)).await;
        assert_eq!(again, json!({ "authMethods": "TOTP" }), "shown once");
        let body = json!({ "methods": "TOTP", "secret": app.base32, "code": app.code(world.now(), 0) });
        assert_eq!(portal.refusal(post(body)).await, (401, "A secret 2FA key has already been generated.".to_owned()));

        world.clock.advance(Duration::from_mins(1));
        assert_eq!(portal.refusal(login(&portal, "")).await, (412, "No 2FA TOTP code".to_owned()));
        let message = "2FA verification error: Incorrect 2FA TOTP code".to_owned();
        let code = app.code(world.now(), 0);
        assert_eq!(portal.refusal(login(&portal, &app.code(world.now(), 7))).await, (401, message.clone()));
        let signed_in = portal.result(login(&portal, &code)).await;
        assert_eq!(portal.refusal(login(&portal, &code)).await, (401, message), "each code works once");
        let token = signed_in["token"].as_str().expect("a token");
        let remove = || portal.with_token("DELETE", "Users/TwoFactorAuth", token);
        assert_eq!(portal.result(remove()).await, true);
        assert_eq!(portal.refusal(remove()).await, (401, "2FA TOTP secret not generated".to_owned()));
        let checks = portal.checks(4).await;
        assert!(["no one-time code", "wrong one-time code"].iter().all(|check| checks.iter().any(|it| it == check)), "{checks:?}");
    }

    async fn f_17_recovery_codes_stand_beside_the_answer_and_each_is_taken_for_a_code_once(world: &World) {
        let portal = portal(world).await;
        let token = portal.sign_in().await;
        let drawn = portal.result(portal.with_token("GET", "Users/TwoFactorAuth", &token)).await;
        let app = App::of(drawn["secretKey"].as_str().expect("a secret").to_owned());
        let body = json!({ "methods": "TOTP", "secret": app.base32, "code": app.code(world.now(), 0) });
        let confirmed = portal.send(portal.with_token("POST", "Users/TwoFactorAuth", &token).json(&body)).await.expect(200);
        let envelope = confirmed.json();
        assert_eq!((&envelope["status"], &envelope["result"]), (&json!(1), &json!("Ok")), "what clients read is as it was");
        let codes = envelope["recoveryCodes"].as_object().expect("recovery codes");
        let code = |number: usize| codes[&number.to_string()].as_str().expect("a code");
        assert_eq!((codes.len(), code(0).len()), (10, 19));
        let again = portal.send(portal.with_token("GET", "Users/TwoFactorAuth", &token)).await.expect(200).json();
        assert!(!again.to_string().contains(code(0)), "shown once");

        let message = "2FA verification error: Incorrect 2FA TOTP code".to_owned();
        portal.result(login(&portal, code(0))).await;
        assert_eq!(portal.refusal(login(&portal, code(0))).await, (401, message.clone()), "a replay");
        portal.result(login(&portal, &code(1).to_uppercase().replace('-', " "))).await;
        let other = portal.add_user("dave", json!({ "sign_in_method": "password_2fa" })).await;
        let left = async |id: &str| world.api("GET", &format!("/api-users/{id}"), None).await.expect(200).json()["recovery_codes_left"].clone();
        assert_eq!((left(&portal.user).await, left(&other).await), (json!(8), json!(0)));
        let history = portal.result(portal.with_token("GET", "Users/AccessActivityHistory", &token)).await;
        assert!(history.to_string().contains("Signed in with a recovery code"), "{history}");

        // Two at once with the same code: one of them.
        let (one, two) = tokio::join!(portal.send(login(&portal, code(2))), portal.send(login(&portal, code(2))));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
        world.clock.advance(Duration::from_mins(5));
        let token = portal.result(login(&portal, code(3))).await;
        let token = token["token"].as_str().expect("a token");
        assert_eq!(portal.result(portal.with_token("DELETE", "Users/TwoFactorAuth", token)).await, true);
        assert_eq!(left(&portal.user).await, json!(0), "they end with the codes that they stand in for");
    }

    async fn w_06_a_secret_counts_for_ten_minutes_and_in_its_session(world: &World) {
        let portal = portal(world).await;
        let token = portal.sign_in().await;
        let other = portal.sign_in().await;
        let drawn = portal.result(portal.with_token("GET", "Users/TwoFactorAuth", &token)).await;
        let app = App::of(drawn["secretKey"].as_str().expect("a secret").to_owned());
        let confirm = |token: &str| {
            let body = json!({ "methods": "TOTP", "secret": app.base32, "code": app.code(world.now(), 0) });
            portal.with_token("POST", "Users/TwoFactorAuth", token).json(&body)
        };
        assert_eq!(portal.refusal(confirm(&other)).await.0, 401, "another session's");
        world.clock.advance(Duration::from_mins(10));
        assert_eq!(portal.refusal(confirm(&token)).await.0, 401, "ten minutes are over");
    }

    async fn w_06_where_no_codes_are_asked_for_none_are_set_up(world: &World) {
        let portal = Portal::new(world).await;
        let token = portal.sign_in().await;
        let refused = portal.refusal(portal.with_token("GET", "Users/TwoFactorAuth", &token)).await;
        assert_eq!(refused, (500, "Two-factor authentication has not been enabled".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f_17_where_codes_are_obligatory_a_session_without_them_is_for_setting_them_up_alone() {
    let database = crate::harness::database::TestDatabase::new(crate::harness::database::Kind::Sqlite).await;
    let world = World::start_with(&database, |config| config.api_users.second_factor = SecondFactor::Obligatory).await;
    let portal = portal(&world).await;
    let signed_in = portal.result(login(&portal, "")).await;
    assert_eq!(signed_in["2faObligatory"], true);
    let token = signed_in["token"].as_str().expect("a token");
    let (status, _) = portal.refusal(portal.with_token("GET", "Modules", token)).await;
    assert_eq!(status, 403);
    let app = enrol(&portal, token).await;
    portal.result(portal.with_token("GET", "Modules", token)).await;
    let again = portal.result(login(&portal, &app.code(world.now(), 1))).await;
    assert_eq!(again["2faObligatory"], false, "nothing is left to set up");
    let (status, _) = portal.refusal(portal.with_token("DELETE", "Users/TwoFactorAuth", token)).await;
    assert_eq!(status, 403, "they stay");
    world.stop_serving().await;
}
