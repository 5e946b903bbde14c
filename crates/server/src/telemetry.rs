//! `/metrics` (Prometheus text), `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use serde_json::json;

use crate::health::{Health, Part};

/// `OpenMetrics` text, as prometheus-client writes it.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Telemetry {
    health: Arc<Health>,
    registry: Arc<Registry>,
}

/// Reads everything anew at each scrape.
#[derive(Debug)]
struct Readings(Arc<Health>);

/// The routes of the telemetry listener.
pub(crate) fn router(health: Arc<Health>) -> Router {
    let mut registry = Registry::with_prefix("claviger");
    registry.register_collector(Box::new(Readings(Arc::clone(&health))));
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || Json(json!({"live": true}))))
        .route("/readyz", get(ready))
        .layer(map_response(with_headers))
        .with_state(Telemetry { health, registry: Arc::new(registry) })
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

async fn metrics(State(Telemetry { registry, .. }): State<Telemetry>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!("cannot write metrics: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

// === impl Readings ===

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let (health, readings) = (&self.0, self.0.engine().metrics());
        let decisions = readings
            .decisions
            .iter()
            .map(|(door, code, count)| ([("door", door.as_str()), ("code", code.as_str())], *count));
        counters(&mut encoder, "verdicts", "Verdicts given.", decisions)?;
        let reported = readings.reported.iter().map(|(code, count)| ([("code", code.as_str())], *count));
        let help = "Requests that APIs in report-only mode let pass, by what they would have been refused with.";
        counters(&mut encoder, "report_only", help, reported)?;
        let dropped = [([], readings.refusals_dropped)];
        counters(&mut encoder, "refusals_dropped", "Refusals that the diagnostic log did not take.", dropped)?;
        gauge(&mut encoder, "keys", "Living keys in memory.", readings.keys as i64)?;
        gauge(&mut encoder, "organizations", "Organizations in memory.", readings.organizations as i64)?;
        gauge(&mut encoder, "ready", "1 while verdicts can be given.", i64::from(health.is_ready()))?;
        if let Some(position) = readings.position {
            gauge(&mut encoder, "change_epoch", "The epoch of the change applied last.", position.epoch)?;
            gauge(&mut encoder, "change_seq", "The number of the change applied last.", position.seq)?;
        }
        if let Some(time) = readings.load_time {
            let gauge = ConstGauge::new(time.as_secs_f64());
            let help = "How long the last load took.";
            gauge.encode(encoder.encode_descriptor("load", help, Some(&Unit::Seconds), gauge.metric_type())?)?;
        }
        let parts = health.degraded().map(|part| ([("part", part.as_str())], 1_i64));
        gauges(&mut encoder, "degraded", "1 for each part that is not as it should be.", parts)
    }
}

fn counters<const N: usize>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    readings: impl IntoIterator<Item = ([(&'static str, &'static str); N], u64)>,
) -> Result<(), std::fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, count) in readings {
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauges<const N: usize>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    readings: impl IntoIterator<Item = ([(&'static str, &'static str); N], i64)>,
) -> Result<(), std::fmt::Error> {
    let kind = ConstGauge::new(0_i64).metric_type();
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in readings {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: i64) -> Result<(), std::fmt::Error> {
    gauges(encoder, name, help, [([], value)])
}
