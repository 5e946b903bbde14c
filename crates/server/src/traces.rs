//! Traces: spans of management calls, writes, steps of the feed and some requests at the doors, sent to an OpenTelemetry
//! collector. Compiled in with the feature `otel`; on where OpenTelemetry's own variable names a collector.

use std::fmt;

use claviger_domain::correlation::TraceParent;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context as Trace, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::feed_task::SPANS as FEED_SPANS;

/// The variables that name a collector: of all signals, and of traces.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
/// The variable that names this server among others.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// What a span calls the field that says where its caller's trace goes on.
const PARENT: &str = "traceparent";

/// The way to the collector.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

/// Lets a span with a [`PARENT`] go on with that trace.
struct Continuing<L>(L);

/// Reads a span's [`PARENT`].
struct ReadParent(Option<TraceParent>);

// === impl Traces ===

impl Traces {
    /// Where spans go; none where no variable says so.
    #[allow(
        clippy::disallowed_methods,
        reason = "OpenTelemetry's own variables; the exporter reads the others of them"
    )]
    pub(crate) fn of_environment() -> Result<Option<Self>, ExporterBuildError> {
        let is_on = ENDPOINTS.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        is_on.then(|| Self::start(std::env::var(SERVICE_NAME).ok())).transpose()
    }

    fn start(service_name: Option<String>) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build()?;
        let version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CLAVIGER_COMMIT"), ")");
        // Later words replace earlier ones: OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME ours.
        let resource = Resource::builder_empty()
            .with_attributes([KeyValue::new("service.name", "claviger"), KeyValue::new("service.version", version)])
            .with_detector(Box::new(EnvResourceDetector::new()))
            .with_attributes(service_name.map(|name| KeyValue::new("service.name", name)));
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build());
        Ok(Self(provider.build()))
    }

    /// What hands spans over.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let spans: OpenTelemetryLayer<Registry, SdkTracer> = tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("claviger"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        Continuing(spans).with_filter(FilterFn::new(is_kept).with_max_level_hint(LevelFilter::TRACE)).boxed()
    }

    /// Sends what waits. Blocks until it has arrived, or for some seconds.
    pub(crate) fn end(&self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!("the last spans were not sent: {error}");
        }
    }
}

/// Our spans, and no event: what a log line says is for the log.
fn is_kept(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && match metadata.target() {
            claviger_doors::SPANS | FEED_SPANS => true,
            target => target.starts_with("claviger_") && *metadata.level() <= Level::INFO,
        }
}

// === impl Continuing ===

impl<S, L> Layer<S> for Continuing<L>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    L: Layer<S>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut parent = ReadParent(None);
        attributes.record(&mut parent);
        // In force while the inner layer looks for what the span belongs to.
        let _guard = parent.0.map(|parent| Trace::new().with_remote_span_context(span_context(parent)).attach());
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.0.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
}

fn span_context(parent: TraceParent) -> SpanContext {
    let flags = if parent.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let (trace, span) = (TraceId::from(parent.trace.0), SpanId::from(parent.parent));
    SpanContext::new(trace, span, flags, true, TraceState::NONE)
}

// === impl ReadParent ===

impl Visit for ReadParent {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == PARENT {
            self.0 = TraceParent::parse(format!("{value:?}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_continued_as_it_was_sent() {
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = span_context(TraceParent::parse(sent.as_bytes()).expect("well-formed"));
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
        assert!(context.is_sampled() && context.is_remote());
    }
}
