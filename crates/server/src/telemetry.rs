//! `/metrics` (Prometheus text), `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::health::{Health, Part};
use crate::metrics::{MEDIA_TYPE, Sources};

#[derive(Clone)]
struct Telemetry {
    health: Arc<Health>,
    sources: Arc<Sources>,
}

/// The routes of the telemetry listener.
pub(crate) fn router(health: Arc<Health>, sources: Sources) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || Json(json!({"live": true}))))
        .route("/readyz", get(ready))
        .layer(map_response(with_headers))
        .with_state(Telemetry { health, sources: Arc::new(sources) })
}

/// What every response bears; `docs/security.md` has the same table.
async fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn ready(State(Telemetry { health, .. }): State<Telemetry>) -> (StatusCode, Json<serde_json::Value>) {
    let is_ready = health.is_ready();
    let degraded: Vec<_> = health.degraded().map(Part::as_str).collect();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": is_ready, "degraded": degraded})))
}

async fn metrics(State(Telemetry { sources, .. }): State<Telemetry>) -> Response {
    match sources.page() {
        Ok(text) => ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!("cannot write metrics: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
