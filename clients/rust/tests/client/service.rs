//! The layer and the extractor, before a service of axum's.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use axum::routing::get;
use axum::{Extension, Router};
use claviger_client::{Allowed, Client, Guard, GuardLayer, OnOutage, Passed};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::doors::{Act, Doors, busy, nobody, refused, valid};

fn guard(url: &str) -> Guard {
    Guard::new(Client::builder(url).retries(0).build().expect("a client"))
}

async fn layered(Extension(passed): Extension<Passed>) -> String {
    passed.verdict().and_then(|verdict| verdict.key.as_ref()).map_or("unjudged".to_owned(), |key| key.name.clone())
}

async fn extracted(allowed: Allowed) -> String {
    layered(Extension(allowed.0)).await
}

/// The same service once behind the layer and once with the extractor, nested so that routers change the target.
fn services(guard: &Guard) -> [Router; 2] {
    let by_layer = Router::new().route("/b", get(layered)).layer(GuardLayer::new(guard.clone()));
    let by_extractor = Router::new().route("/b", get(extracted)).with_state(guard.clone());
    [Router::new().nest("/a", by_layer), Router::new().nest("/a", by_extractor)]
}

async fn ask(service: Router, target: &str, key: &str) -> Response<Body> {
    let peer = ConnectInfo(std::net::SocketAddr::from(([203, 0, 113, 7], 4711)));
    let request = Request::get(target).header("x-api-key", key).extension(peer).body(Body::empty());
    service.oneshot(request.expect("a request")).await.expect("an answer")
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn who_may_pass_reaches_the_service_with_the_verdict() {
    let doors = Doors::start([valid()]).await;
    for service in services(&guard(&doors.url())) {
        let response = ask(service, "/a/b?x=%2f", "k").await;
        assert_eq!(response.status(), 200);
        assert_eq!(text(response).await, "Tester");
    }
    for request in doors.requests() {
        let question = r#"{"x_api_key":"k","client_ip":"203.0.113.7","method":"GET","path":"/a/b?x=%2f"}"#;
        assert!(request.ends_with(question), "{request}");
    }
    let [layered, _] = services(&guard(&doors.url()));
    assert_eq!(ask(layered, "/a/b", "k").await.headers()["ratelimit"], "\"minute\";r=59;t=1");
}

#[tokio::test]
async fn who_may_not_gets_the_refusal_and_the_service_nothing() {
    for (code, status) in [
        ("MISSING", 401),
        ("MALFORMED", 401),
        ("NOT_FOUND", 401),
        ("DISABLED", 401),
        ("PENDING", 401),
        ("EXPIRED", 401),
        ("NOT_YET_VALID", 401),
        ("OWNER_DISABLED", 401),
        ("OWNER_LOCKED", 401),
        ("OWNER_EXPIRED", 401),
        ("IP_NOT_ALLOWED", 403),
        ("OPERATION_NOT_ALLOWED", 403),
        ("RATE_LIMITED", 429),
        ("QUOTA_EXCEEDED", 429),
        ("OF_A_NEWER_SERVER", 403),
    ] {
        let doors = Doors::start([refused(code)]).await;
        for service in services(&guard(&doors.url())) {
            let response = ask(service, "/a/b", "k").await;
            assert_eq!(response.status(), status, "{code}");
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            assert_eq!(
                response.headers().contains_key("www-authenticate"),
                status == 401 || code.starts_with("OPE"),
                "{code}"
            );
            let body = text(response).await;
            assert!(body.contains(&format!("\"code\":\"{code}\"")), "{body}");
        }
    }
}

#[tokio::test]
async fn during_an_outage_nobody_passes_unless_that_was_chosen() {
    let late = Doors::start([Act::HangUp]).await;
    let shedding = Doors::start([busy("retry-after: 3\r\n")]).await;
    for url in [nobody().await, late.url(), shedding.url()] {
        for service in services(&guard(&url)) {
            let response = ask(service, "/a/b", "k").await;
            assert_eq!(response.status(), 503);
            assert!(response.headers().contains_key("retry-after"));
        }
        for service in services(&guard(&url).on_outage(OnOutage::Pass)) {
            assert_eq!(text(ask(service, "/a/b", "k").await).await, "unjudged");
        }
    }
}

#[tokio::test]
async fn a_mistake_lets_nobody_pass_whatever_was_chosen() {
    let problem = r#"{"code":"door_token","detail":"The call needs a valid door token."}"#;
    for answer in [Act::Answer(403, "", problem.to_owned()), Act::Answer(302, "", String::new()), refused("NEWER")] {
        let doors = Doors::start([answer]).await;
        for service in services(&guard(&doors.url()).on_outage(OnOutage::Pass)) {
            let status = ask(service, "/a/b", "k").await.status();
            assert!(status == 503 || status == 403, "{status}");
        }
    }
}
