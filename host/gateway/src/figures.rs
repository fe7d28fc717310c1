//! The gateway's figures for Prometheus.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::Shared;
use crate::drain::Draining;

/// What is told at each scrape.
pub(crate) struct Figures(pub(crate) Arc<Shared>);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Figures").finish()
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counters = &self.0.counters;
        let all = counters.all();
        let mut deliveries = encoder.encode_descriptor(
            "system_bus_webhook_deliveries",
            "Deliveries, by provider and by what became of them",
            None,
            MetricType::Counter,
        )?;
        for (provider, counted) in &all {
            for (verdict, count) in &counted.verdicts {
                let labels = [("provider", provider.as_str()), ("verdict", verdict.as_str())];
                ConstCounter::new(*count).encode(deliveries.encode_family(&labels)?)?;
            }
        }
        let mut dead = encoder.encode_descriptor(
            "system_bus_webhook_dead_letters",
            "Events that never will be sent",
            None,
            MetricType::Counter,
        )?;
        for (provider, counted) in &all {
            let labels = [("provider", provider.as_str())];
            ConstCounter::new(counted.dead).encode(dead.encode_family(&labels)?)?;
        }
        counters.took().encode(encoder.encode_descriptor(
            "system_bus_webhook_forwarding_seconds",
            "From the receipt of a delivery to the server's acceptance of its event",
            None,
            MetricType::Histogram,
        )?)?;
        let (events, bytes) = self.0.spool.waiting();
        let held = u64::from(*self.0.draining.borrow() != Draining::Well);
        for (name, help, value) in [
            ("system_bus_webhook_spool_events", "Events that wait for the server", events),
            ("system_bus_webhook_spool_bytes", "Bytes of the events that wait", bytes),
            ("system_bus_webhook_spool_held", "1 while the server takes no events", held),
        ] {
            let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(gauge)?;
        }
        Ok(())
    }
}
