//! Spans for a collector: OTLP over HTTP, in batches, by a thread of its own that no call waits for.

use std::time::Duration;

use clap::Args;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::{Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

/// How long one batch may take, its answer included.
const LIMIT: Duration = Duration::from_secs(10);

/// Where spans go.
#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// Export spans to this collector of OpenTelemetry, over HTTP: `http://127.0.0.1:4318`
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub(crate) otlp: Option<Url>,
}

/// Sends what is left when the program ends.
pub(crate) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Begins to export: the spans of the process that calls itself `service`, to the collector at this base address.
    pub(crate) fn start(collector: &Url, service: &'static str) -> Result<Self, String> {
        // Its client waits for answers, and a thread that does may have no reactor.
        let collector = collector.clone();
        let made = std::thread::spawn(move || exporter(&collector)).join();
        let exporter = made.map_err(|_| "its thread panicked".to_owned())??;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(service))
            .with_batch_exporter(exporter)
            .build();
        // How a trace crosses from a process to the next: whoever reads or writes its headers asks this.
        global::set_text_map_propagator(TraceContextPropagator::new());
        Ok(Self(provider))
    }

    /// What hands it the spans of tracing.
    pub(crate) fn layer<S: Subscriber + for<'s> LookupSpan<'s>>(
        &self,
    ) -> OpenTelemetryLayer<S, Tracer> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("system-bus"))
            // Where in our sources a span begins is nothing to its readers.
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
    }

    /// Whether it wants to hear of this: spans of calls, of deliveries and of guests, and nothing of libraries.
    pub(crate) fn wants(metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let ours = ["worker::handle", "runtime::", "gateway::server"];
        metadata.is_span()
            && (target == "telemetry" || ours.iter().any(|ours| target.starts_with(ours)))
    }

    /// Sends what has not been sent, within so long.
    pub(crate) fn flush(&self, limit: Duration) {
        if let Err(error) = self.0.shutdown_with_timeout(limit) {
            tracing::warn!(%error, "the last spans have not reached their collector");
        }
    }
}

fn exporter(collector: &Url) -> Result<SpanExporter, String> {
    // Whoever makes a client for HTTPS needs it; somebody else may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::blocking::Client::builder().timeout(LIMIT).build();
    let client = client.map_err(|error| error.to_string())?;
    let url = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(url)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(LIMIT)
        .build()
        .map_err(|error| error.to_string())
}

/// Who we are. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say it better.
fn resource(service: &'static str) -> Resource {
    let ours = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", std::process::id().to_string()),
    ];
    let resource = Resource::builder().with_attributes(ours);
    if std::env::var_os("OTEL_SERVICE_NAME").is_some() {
        resource.build()
    } else {
        resource.with_service_name(service).build()
    }
}
