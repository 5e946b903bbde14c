//! Every form of the console leads to an operation of the management API.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use claviger_domain::Timestamp;
use claviger_domain::testing::{FixedClock, FixedRandom};
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::sources;
use crate::{Doors, Settings, operations, router};

/// What a form may do without the API, with the reason.
const ALONE: [(&str, &str); 2] = [
    ("/theme", "a cookie of the browser alone"),
    ("/keys/download", "the value goes back to whoever posted it, and nowhere else"),
];
/// Fields of all kinds, so that each form has what it looks at.
const FIELDS: &str = "csrf=token&name=n&description=d&right=s&slug=s&email=e%40example.com&overlap_seconds=0&type=s&credential=c\
                      &q=word_live_word&organization=o&password=p&current=p&code=123456&token=t&reason=r&end=delete&confirm=n&typed=n\
                      &looked-at=on&roles=r&authorities=keys.read&operations=GET+%2Fa+a&api=s&method=GET&path=%2F&version=1&template=s\
                      &time_zone=UTC&idle_days=7&do=save&set=s&prefix=s&document=&back=%2Fkeys";

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
/// The form of an import.
const DOCUMENT: &str = "--edge\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n\
                        --edge\r\nContent-Disposition: form-data; name=\"document\"; filename=\"d\"\r\n\r\n{}\r\n--edge--\r\n";

type Calls = Arc<Mutex<Vec<(Method, String)>>>;

/// An API that takes note of what it is asked, and answers something of every kind.
fn api(calls: Calls) -> Router {
    async fn answer(State(calls): State<Calls>, request: Request) -> Response {
        let path = request.uri().path().trim_start_matches("/api/v1").to_owned();
        let answer = record(&path);
        calls.lock().unwrap_or_else(PoisonError::into_inner).push((request.method().clone(), path));
        axum::Json(answer).into_response()
    }
    Router::new().fallback(answer).with_state(calls)
}

/// A record that is a key, a person, an application, an API and all else at once.
fn record(path: &str) -> Value {
    let at = "2026-01-01T00:00:00Z";
    let actor = json!({"type": "user", "name": "n", "id": "usr_1"});
    let text = format!(
        r#"{{
        "id": "x_1", "slug": "s", "name": "n", "description": "d", "environment": "live", "shape": "single", "hint": "h", "reveal": "once",
        "tags": [], "limits": [], "owner": {{"type": "organization", "id": "o", "name": "n"}}, "state": "active", "api_sets": [], "operations": [],
        "allowed_ips": [], "idle_exempt": false, "created_by": {actor}, "created_at": "{at}", "updated_at": "{at}", "username": "u",
        "email": "e@example.com", "language": "en", "time_zone": "UTC", "roles": [], "locked": false, "enabled": true, "expired": false,
        "type": "s", "active": true, "counts": {{"keys": 0, "api_users": 0, "sessions": 0, "applications": 0, "users": 0}},
        "sign_in": "key_only", "fields": {{}}, "predefined": false, "data": [], "next_cursor": null, "kind": "plain", "key_prefix": "clv",
        "authorities": ["apis.manage", "keys.manage_all"], "levels": {{}}, "csrf_token": "token", "secret": "s", "expires_at": null, "recovery_codes": [], "qr_svg": "",
        "recovery_codes_left": 0, "second_factor": null, "hosts": [], "base_paths": [], "operations_count": 0, "versions": [],
        "application": {{"id": "app_1", "slug": "s", "name": "n"}}, "user_name": "u", "permission_type": 1, "contact": null,
        "profile_user": {{"id": "usr_1", "name": "n", "external": null}}, "sign_in_method": "password", "has_password": true,
        "has_static_token": false, "password_set_at": null, "last_sign_in": null, "token": null, "credential_sources": [], "unlisted_paths": false, "preflight_without_key": false, "report_only": false, "shared_with": "none",
        "shared_full_access": false, "organization": "org_1", "apis": [], "template": null, "max_lifetime": {{}}, "idle_days": 90,
        "ip_list_required": false, "max_keys": {{}}, "unique_names": "owner", "status_profile": "default",
        "old_secret_use": "alert", "keys": 1, "delegated_creation": false
    }}"#
    );
    let mut all: Value = serde_json::from_str(&text).expect("JSON");
    let person = json!({"id": "usr_1", "username": "u", "name": "n", "email": "e@example.com", "language": "en", "time_zone": "UTC", "roles": []});
    let all_at_once = all.clone();
    let members = all.as_object_mut().expect("members");
    members.insert("user".to_owned(), person);
    members.insert(
        "organizations".to_owned(),
        json!([{"id": "org_1", "name": "n", "time_zone": "UTC", "admin_contact": null}]),
    );
    let webhook = json!({"id": "x_1", "name": "n", "url": "https://x.example/", "events": ["*"], "enabled": true, "disabled": null, "old_secret_valid_until": null, "created_at": at});
    if path.starts_with("/webhooks/") {
        members.extend(webhook.as_object().cloned().into_iter().flatten());
    }
    members.insert("webhook".to_owned(), webhook);
    members.insert("key".to_owned(), all_at_once.clone());
    members.insert("api_user".to_owned(), all_at_once.clone());
    match path {
        "/application-types" => drop(members.insert("data".to_owned(), json!([all_at_once]))),
        "/api-sets/templates" => {
            let template = json!({"slug": "x_1", "name": "n", "about": "a", "sets": [], "groups": []});
            members.insert("data".to_owned(), json!([template]));
        }
        "/mail/templates/x_1/x_1" => {
            let words = json!({"template": "password_reset", "language": "en", "language_name": "English", "subject": "s", "text": "t", "html": "h", "is_default": true, "updated_by": null, "placeholders": []});
            members.extend(words.as_object().cloned().into_iter().flatten());
        }
        "/notices" => members.extend([("kinds".to_owned(), json!({})), ("addresses".to_owned(), json!([]))]),
        "/policy" => drop(members.insert("reveal".to_owned(), json!({}))),
        _ => (),
    }
    all
}

/// The paths of the pages' forms, as their sources route them.
fn posted() -> Vec<String> {
    let mut paths = Vec::new();
    for (file, source) in sources("src/pages") {
        for route in source.split(".route(").skip(1).filter(|route| route.split(".route(").next().is_some()) {
            let (path, handler) = route.split_once(',').expect("a path and a handler");
            let handler = handler.split('\n').next().unwrap_or_default();
            if !handler.contains("post(") {
                continue;
            }
            let path = path.trim().trim_matches('"');
            let constant = || {
                let line = source
                    .lines()
                    .find_map(|line| line.split_once(&format!("const {path}: &str = \"")).map(|(_, rest)| rest));
                line.and_then(|rest| rest.split('"').next()).map(str::to_owned)
            };
            let path = if path.starts_with('/') { Some(path.to_owned()) } else { constant() };
            paths.push(path.unwrap_or_else(|| panic!("{}: a path that is not understood", file.display())));
        }
    }
    paths
}

#[tokio::test]
async fn every_form_leads_to_an_operation_of_the_api() {
    let paths = posted();
    assert!(paths.len() > 50 && paths.contains(&"/keys/{id}/rotate".to_owned()), "{paths:#?}");
    let mut idle = Vec::new();
    for path in paths.iter().filter(|path| !ALONE.iter().any(|(alone, _)| alone == path)) {
        let calls = Calls::default();
        let settings = Settings {
            random: Arc::new(FixedRandom::new(1)),
            clock: Arc::new(FixedClock::new(Timestamp::from_micros(1_767_225_600_000_000))),
            doors: Doors { url: "http://127.0.0.1:7601".to_owned(), token_required: false, public_url: None },
            is_set_up: Arc::new(|| true),
            sends_mail: true,
        };
        let target: String =
            path.split('/').map(|part| if part.starts_with('{') { "x_1" } else { part }).collect::<Vec<_>>().join("/");
        let request = Request::builder().method(Method::POST).uri(&target).header("host", "localhost");
        let (kind, body) = match path.as_str() {
            // A document is sent as a file.
            "/apis/import" => ("multipart/form-data; boundary=edge", DOCUMENT.to_owned()),
            // Every page may ask who one is; this one does nothing else.
            "/sign-in" => (URL_ENCODED, "prompt-login=l&prompt-password=p".to_owned()),
            _ => (URL_ENCODED, FIELDS.to_owned()),
        };
        let request = request.header(CONTENT_TYPE, kind).body(Body::from(body)).expect("a request");
        let answer = router(api(calls.clone()), settings).oneshot(request).await.expect("an answer");
        let calls = calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let does = |(method, path): &(Method, String)| *method != Method::GET && operations::is_one(method, path);
        if !calls.iter().any(does) {
            idle.push(format!("{path}: {} after {calls:?}", answer.status()));
        }
    }
    assert!(idle.is_empty(), "these forms did nothing by the API:\n{}", idle.join("\n"));
}
