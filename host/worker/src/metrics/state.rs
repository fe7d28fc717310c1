//! What is looked up at each scrape: how the worker is, rather than what happened.

use std::fmt;

use axum::Router;
use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use runtime::capability::Usage;
use runtime::placement::Capability;

use crate::health::{self, Standing};

/// Where a scrape looks.
#[derive(Debug)]
pub(crate) struct State(pub(crate) Standing);

/// What is counted for a capability.
type Uses = (&'static str, &'static str, fn(&Usage, Capability) -> u64);

/// What components did with their capabilities.
const USES: [Uses; 3] = [
    ("system_bus_capability_calls", "Calls of imports, by component", |usage, of| {
        usage.of(of).calls
    }),
    ("system_bus_capability_denied", "Calls of imports that no grant allowed", |usage, of| {
        usage.of(of).denied
    }),
    (
        "system_bus_capability_lost",
        "Calls of imports that were answered although nothing came of them",
        |usage, of| usage.lost(of),
    ),
];

impl State {
    /// `GET /metrics` of a worker, with what others have to tell at the same address.
    pub(crate) fn router(self, others: Vec<Box<dyn Collector>>) -> Router {
        let mut registry = Registry::default();
        self.0.worker.metrics().register(&mut registry);
        registry.register_collector(Box::new(self));
        for other in others {
            registry.register_collector(other);
        }
        super::scrape::of(registry)
    }

    fn gauges(&self) -> [(&'static str, &'static str, u64); 8] {
        let worker = &self.0.worker;
        let present = worker.registry.present();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let since = worker.under_way().oldest().map(|since| Timestamp::now().duration_since(since));
        let oldest = since.and_then(|since| u64::try_from(since.as_secs()).ok());
        [
            ("system_bus_generation", "The number of the generation that serves", present.number()),
            (
                "system_bus_versions_alive",
                "Versions of components in memory, those that are active and those that calls still run on",
                count(worker.registry.held().len()),
            ),
            (
                "system_bus_functions",
                "Functions that this worker serves",
                count(present.of_role(worker.role()).count()),
            ),
            (
                "system_bus_refused",
                "Components, and functions of components, that were left out",
                count(health::refusals(worker).len()),
            ),
            (
                "system_bus_registered",
                "1 when the server has what this worker serves",
                u64::from(self.0.is_registered()),
            ),
            ("system_bus_calls_running", "Calls that run now", count(worker.running())),
            (
                "system_bus_oldest_call_seconds",
                "How long the call runs that runs longest",
                oldest.unwrap_or(0),
            ),
            (
                "system_bus_start_time_seconds",
                "When this worker started, in seconds since 1970",
                u64::try_from(worker.started.as_second()).unwrap_or(0),
            ),
        ]
    }

    fn identity(&self) -> [(&'static str, String); 3] {
        let options = &self.0.worker.options;
        [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("role", options.role.to_string()),
            ("app", options.app.to_string()),
        ]
    }
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let info = Info::new(self.identity());
        info.encode(encoder.encode_descriptor(
            "system_bus_worker",
            "Which worker this is",
            None,
            MetricType::Info,
        )?)?;
        for (name, help, value) in self.gauges() {
            let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(gauge)?;
        }
        let runtime = self.0.worker.registry.runtime();
        let loaded = runtime.compilation().counts();
        let mut code = encoder.encode_descriptor(
            "system_bus_components_loaded",
            "Components whose code was loaded, by whether the cache had it or the compiler made it",
            None,
            MetricType::Counter,
        )?;
        for (from, count) in [("cache", loaded.cached), ("compiler", loaded.compiled)] {
            ConstCounter::new(count).encode(code.encode_family(&[("from", from)])?)?;
        }
        let usage = runtime.usage();
        for (name, help, count) in USES {
            let mut uses = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (component, usage) in &usage {
                for capability in Capability::ALL {
                    // What was not even called has no series.
                    if usage.of(capability).calls == 0 {
                        continue;
                    }
                    let labels =
                        [("component", component.as_str()), ("capability", capability.name())];
                    let count = ConstCounter::new(count(usage, capability));
                    count.encode(uses.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}
