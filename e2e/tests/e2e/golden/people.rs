//! Who owns keys and who signs in: applications, people and API users of a state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::state::{State, call};
use super::{list, text};
use crate::harness::world::World;

/// The password of every API user.
const PASSWORD: &str = "wobbly kettle orbit nine";

/// Types of applications and applications as they are made.
pub(super) async fn make_owners(world: &World, token: &str, organization: &Value) {
    for kind in list(&organization["application_types"]) {
        let mut body = kind.as_object().expect("an object").clone();
        body.remove("later");
        body.entry("sign_in").or_insert("key_only".into());
        call(world, token, "POST", "/application-types", &Value::Object(body)).await;
    }
    for application in list(&organization["applications"]) {
        let mut body = application.as_object().expect("an object").clone();
        body.remove("disabled");
        call(world, token, "POST", "/applications", &Value::Object(body)).await;
    }
}

/// Roles and users as they are made, and the users' ids; who administers makes their keys.
pub(super) async fn make_people(world: &World, token: &str, organization: &Value) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    for role in list(&organization["roles"]) {
        call(world, token, "POST", "/roles", &role_body(role)).await;
    }
    for user in list(&organization["users"]) {
        let username = text(&user["username"]);
        let email = format!("{username}@example.com");
        let body = json!({ "username": username, "email": email, "name": user["name"], "roles": list(&user["roles"]) });
        let made = call(world, token, "POST", "/users", &body).await;
        ids.insert(username.to_owned(), text(&made["id"]).to_owned());
    }
    if !ids.is_empty() {
        call(world, token, "PATCH", "/policy", &json!({ "delegated_creation": true })).await;
    }
    ids
}

/// API users and their sessions.
pub(super) async fn make_api_users(world: &World, token: &str, organization: &Value, made: &mut State) {
    let call = async |method: &str, path: &str, body: &Value| call(world, token, method, path, body).await;
    let mut ids = BTreeMap::new();
    for user in list(&organization["api_users"]) {
        let mut body = user.as_object().expect("an object").clone();
        body.remove("disabled");
        if body.remove("static_token").is_none() {
            body.insert("password".into(), PASSWORD.into());
        }
        let answer = call("POST", "/api-users", &Value::Object(body)).await;
        let (id, name) = (text(&answer["api_user"]["id"]).to_owned(), text(&user["user_name"]).to_owned());
        if let Some(token) = answer["token"].as_str() {
            made.tokens.insert(name.clone(), token.to_owned());
        }
        made.user_names.insert(id.clone(), name.clone());
        ids.insert(name, id);
    }
    for session in list(&organization["sessions"]) {
        let user = text(&session["user"]);
        let sign_in = || world.sign_in(&made.keys[text(&session["key"])], user, PASSWORD);
        let token = if session["enrolment_only"] == true {
            // By the server's configuration a sign-in with codes is for setting them up, where there are none.
            let path = format!("/api-users/{}", ids[user]);
            call("PATCH", &path, &json!({ "sign_in_method": "password_2fa" })).await;
            let token = sign_in().await;
            call("PATCH", &path, &json!({ "sign_in_method": "password" })).await;
            token
        } else {
            sign_in().await
        };
        made.tokens.insert(text(&session["nick"]).to_owned(), token);
    }
    for user in list(&organization["api_users"]).iter().filter(|user| user["disabled"] == true) {
        call("POST", &format!("/api-users/{}/disable", ids[text(&user["user_name"])]), &json!({})).await;
    }
}

fn role_body(role: &Value) -> Value {
    let levels = json!({ "api_sets": role["api_sets"] });
    json!({ "slug": role["slug"], "name": role["name"], "authorities": role["authorities"], "levels": levels })
}

/// What becomes of them when their keys are there.
pub(super) async fn change_people(world: &World, token: &str, organization: &Value) {
    for role in list(&organization["roles"]).iter().filter(|role| !role["later"].is_null()) {
        let path = format!("/roles/{}", text(&role["slug"]));
        call(world, token, "PATCH", &path, &role_body(&role["later"])).await;
    }
    for user in list(&organization["users"]) {
        let path = format!("/users/{}", text(&user["username"]));
        if !user["later_roles"].is_null() {
            call(world, token, "PATCH", &path, &json!({ "roles": user["later_roles"] })).await;
        }
        // An account that has ended already cannot be made so; the state before it is named anyway.
        let is_later = |end: &&str| end.parse().is_ok_and(|end: claviger_domain::Timestamp| end > world.now());
        if let Some(end) = user["account_expires_at"].as_str().filter(is_later) {
            call(world, token, "PATCH", &path, &json!({ "account_expires_at": end })).await;
        }
        for (field, action) in [("locked", "lock"), ("disabled", "disable")] {
            if user[field] == true {
                call(world, token, "POST", &format!("{path}/{action}"), &json!({})).await;
            }
        }
    }
}

/// What becomes of them when their keys are there.
pub(super) async fn change_owners(world: &World, token: &str, organization: &Value) {
    for kind in list(&organization["application_types"]).iter().filter(|kind| !kind["later"].is_null()) {
        let path = format!("/application-types/{}", text(&kind["slug"]));
        call(world, token, "PATCH", &path, &json!({ "api_sets": kind["later"] })).await;
    }
    for application in list(&organization["applications"]).iter().filter(|it| it["disabled"] == true) {
        let path = format!("/applications/{}/disable", text(&application["slug"]));
        call(world, token, "POST", &path, &json!({})).await;
    }
}
