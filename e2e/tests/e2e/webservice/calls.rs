//! Paths, bodies, the envelope, the order of checks, preflights.

use std::time::Duration;

use serde_json::json;

use super::portal::{PASSWORD, Portal, USER};
use crate::harness::on_both_databases;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

on_both_databases! {
    async fn w_01_both_forms_of_a_path_sign_in_and_so_does_the_old_one_without_a_container(world: &World) {
        let portal = Portal::new(world).await;
        for path in [
            "/webservice/WebserviceStandard/Users/Login",
            "/WebService/WebserviceStandard/Users/Login/",
            "/webservice.php?_container=WebserviceStandard&module=Users&action=Login",
            "/webservice/Users/Login",
        ] {
            let body = json!({ "userName": USER, "password": PASSWORD });
            let request = Request::post(path, &body).basic(&portal.name, &portal.password).header("X-API-KEY", &portal.key);
            assert_eq!(portal.result(request).await["logged"], true, "{path}");
        }
        let other = Request::post("/webservice/WebservicePremium/Users/Login", &json!({}))
            .basic(&portal.name, &portal.password)
            .header("X-API-KEY", &portal.key);
        assert_eq!(portal.refusal(other).await, (401, "Web service - Applications: Wrong Credentials".to_owned()));
    }

    async fn w_02_bodies_of_every_kind_an_empty_one_and_the_method_in_a_header(world: &World) {
        let portal = Portal::new(world).await;
        let form = format!("userName={USER}&password={}&params%5Blanguage%5D=pl-PL", PASSWORD.replace(' ', "+"));
        let urlencoded = portal.request("POST", "Users/Login").header("Content-Type", "application/x-www-form-urlencoded");
        let signed_in = portal.result(urlencoded.body(form.into_bytes())).await;
        assert_eq!(signed_in["language"], "pl-PL");
        let parts = format!(
            "--b\r\nContent-Disposition: form-data; name=\"userName\"\r\n\r\n{USER}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{PASSWORD}\r\n--b--\r\n"
        );
        let multipart = portal.request("POST", "Users/Login").header("Content-Type", "multipart/form-data; boundary=b");
        let token = portal.result(multipart.body(parts.into_bytes())).await["token"].as_str().expect("a token").to_owned();

        for body in ["", "[]"] {
            let modules = portal.with_token("GET", "Modules", &token).header("Content-Type", "application/json");
            assert_eq!(portal.result(modules.body(body.into())).await, json!({}), "{body:?}");
        }
        let overridden = portal.with_token("POST", "Users/Logout", &token).header("X-HTTP-Method", "PUT");
        assert_eq!(portal.result(overridden.json(&json!([]))).await, true);
        let unknown = portal.request("POST", "Users/Logout").header("X-HTTP-Method", "PATCH");
        assert_eq!(portal.refusal(unknown).await.0, 405);
    }

    async fn w_03_the_envelope_its_content_type_and_lists_as_objects(world: &World) {
        let portal = Portal::of_type(world, "Webservice Premium", "WebservicePremium", json!({})).await;
        let echo = portal.request("PUT", "Install").json(&json!({ "data": { "list": [1, []], "text": "zażółć/" } }));
        let answer = portal.send(echo).await.expect(200);
        let expected = json!({ "status": 1, "result": { "list": { "0": 1, "1": {} }, "text": "zażółć/" } });
        assert_eq!(answer.json(), expected);
        let kind = answer.header("content-type").expect("a type");
        assert_eq!(kind.split(';').next(), Some("application/json"));
        assert!(answer.text().contains("zażółć/"), "nothing is escaped that need not be: {}", answer.text());
        let token = portal.sign_in().await;
        assert_eq!(portal.result(portal.with_token("GET", "Menu", &token)).await, json!({ "items": {} }));
    }

    async fn w_04_the_checks_come_in_their_order_and_say_what_they_are(world: &World) {
        let portal = Portal::new(world).await;
        let path = "/webservice/WebserviceStandard/Users/Logout";
        let none = Request::new("PUT", path).header("X-API-KEY", &portal.key);
        let answer = portal.send(none.clone()).await;
        assert_eq!(answer.header("www-authenticate").as_deref(), Some("Basic realm=\"YetiForceApi\""));
        let wrong = "Web service - Applications: Wrong Credentials".to_owned();
        assert_eq!(portal.refusal(none).await, (401, "Web service - Applications: Unauthorized".to_owned()));
        let other = |name: &str, password: &str, key: &str| Request::new("PUT", path).basic(name, password).header("X-API-KEY", key);
        let (name, password, key) = (&*portal.name, &*portal.password, &*portal.key);
        assert_eq!(portal.refusal(other("nobody", password, key)).await, (401, wrong.clone()));
        assert_eq!(portal.refusal(other(name, "wrong password", key)).await, (401, wrong.clone()));
        let stranger = world.create_key(json!({ "name": "stranger", "api_sets": ["full-access"] })).await;
        for key in ["", "clv_nobody", &stranger.secret] {
            assert_eq!(portal.refusal(other(name, password, key)).await, (401, "Invalid api key".to_owned()), "{key}");
        }
        let second = Portal::add(world, "Second", "webservice-standard", "WebserviceStandard").await;
        assert_eq!(portal.refusal(other(name, password, &second.key)).await, (401, "Invalid api key".to_owned()));
        assert_eq!(portal.refusal(other(name, password, key)).await, (401, "No sent token".to_owned()));
        let malformed = portal.with_token("PUT", "Users/Logout", "a b");
        assert_eq!(portal.refusal(malformed).await, (401, "Invalid token".to_owned()));
        let twice = portal.with_token("PUT", "Users/Logout", "a").header("X-TOKEN", "b");
        assert_eq!(portal.refusal(twice).await.0, 406);
        let number = portal.request("PUT", "Users/Logout").header("X-Row-Limit", "many");
        assert_eq!(portal.refusal(number).await.0, 406);
        assert_eq!(portal.refusal(portal.request("GET", "Users/Logout")).await, (405, "Invalid method".to_owned()));
        assert_eq!(portal.refusal(portal.request("PUT", "")).await, (404, "No action".to_owned()));

        // A value of Basic with `+` and `/` in it.
        let list = json!({ "allowed_ips": ["203.0.113.0/24"] });
        world.api("PATCH", &format!("/applications/{}", portal.id), Some(&list)).await.expect(200);
        assert_eq!(portal.refusal(portal.login(USER, PASSWORD)).await, (401, "Illegal IP address".to_owned()));
        let own = json!({ "allowed_ips": ["127.0.0.1"] });
        world.api("PATCH", &format!("/applications/{}", portal.id), Some(&own)).await.expect(200);
        portal.result(portal.login(USER, PASSWORD)).await;

        world.api("POST", &format!("/applications/{}/disable", portal.id), None).await.expect(200);
        assert_eq!(portal.refusal(portal.login(USER, PASSWORD)).await, (401, wrong), "as for a wrong password");
    }

    async fn w_04_who_tries_many_passwords_is_told_nothing_for_a_minute_and_the_right_one_passes(world: &World) {
        let portal = Portal::new(world).await;
        let guess = || Request::new("PUT", "/webservice/WebserviceStandard/Users/Logout").basic(&portal.name, "a guess");
        for _ in 0..60 {
            assert_eq!(portal.refusal(guess()).await.0, 401);
        }
        assert_eq!(portal.refusal(guess()).await.0, 503);
        portal.result(portal.login(USER, PASSWORD)).await;
        for _ in 0..61 {
            let token = portal.with_token("PUT", "Users/Logout", &"0".repeat(64));
            assert_eq!(portal.refusal(token).await.0, 401, "users of a portal come from one address");
        }
        world.clock.advance(Duration::from_mins(1));
        assert_eq!(portal.refusal(guess()).await.0, 401);
    }

    async fn w_04_any_base64_will_do(world: &World) {
        let kind = json!({ "name": "Webservice Standard", "sign_in": "session", "api_sets": ["full-access"] });
        world.api("POST", "/application-types", Some(&kind)).await.expect(201);
        // `~` and `?` at every place of three bytes: base64 with `+` or `/` whatever stands before them.
        let password = "~~~???~?~?~?>>>";
        let body = json!({ "name": "Portal", "type": "webservice-standard", "password": password });
        let made = world.api("POST", "/applications", Some(&body)).await.expect(201).json();
        let key = made["secret"].as_str().expect("a key");
        let request = Request::new("PUT", "/webservice/WebserviceStandard/Users/Logout").basic("Portal", password);
        let answer = request.header("X-API-KEY", key).send(world.public).await;
        assert_eq!(answer.json()["error"]["message"], "No sent token");
    }

    async fn w_12_options_are_answered_to_anybody(world: &World) {
        let options = |path: &str| Request::new("OPTIONS", path).header("Origin", "https://portal.example.com");
        let answer = options("/webservice/WebserviceStandard/Users/ResetPassword").send(world.public).await.expect(200);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("access-control-allow-origin").as_deref(), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods").as_deref(), Some("POST, PUT"));
        let allowed = answer.header("access-control-allow-headers").expect("headers");
        for name in ["Origin", "X-Requested-With", "Content-Type", "Accept", "Authorization", "x-api-key", "x-encrypted", "x-token"] {
            assert!(allowed.split(", ").any(|it| it == name), "{name}: {allowed}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        options("/webservice/WebserviceStandard/Users/Nothing").send(world.public).await.expect(405);
    }

    async fn w_15_any_other_action_is_said_to_be_none_once_the_application_is_known(world: &World) {
        let portal = Portal::new(world).await;
        for action in ["Contacts/RecordsList", "Users/Record/7", "Nothing", "Install", "Users/Preferences"] {
            assert_eq!(portal.refusal(portal.request("PUT", action)).await, (405, "No action found".to_owned()), "{action}");
        }
        let nobody = Request::new("PUT", "/webservice/WebserviceStandard/Contacts/RecordsList");
        assert_eq!(portal.refusal(nobody).await.0, 401);
    }

    async fn bodies_that_lie_nest_or_are_too_large_are_refused_and_the_next_call_is_answered(world: &World) {
        let portal = Portal::new(world).await;
        let send = async |kind: &str, body: Vec<u8>| {
            let request = portal.request("POST", "Users/Login").header("Content-Type", kind).body(body);
            portal.refusal(request).await.0
        };
        assert_eq!(send("application/json", b"userName=x".to_vec()).await, 400);
        assert_eq!(send("application/json", "[".repeat(50_000).into_bytes()).await, 400);
        assert_eq!(send("application/json", b"[1]".to_vec()).await, 400);
        assert_eq!(send("application/json", br#"{"userName":7,"password":[]}"#.to_vec()).await, 400);
        assert_eq!(send("multipart/form-data; boundary=b", b"{}".to_vec()).await, 400);
        assert_eq!(send("application/json", vec![b' '; 10_000_000]).await, 413);
        let control = portal.request("PUT", "Users/Logout").header_bytes("X-TOKEN", b"\xff\xfe");
        assert_eq!(portal.refusal(control).await, (401, "Invalid token".to_owned()));
        portal.result(portal.login(USER, PASSWORD)).await;
    }
}
