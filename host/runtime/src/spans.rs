//! Where a span stands in a trace that is exported: for whatever a step asks of others, so that their spans come beneath it.

use std::collections::HashMap;

use opentelemetry::global;
use opentelemetry::trace::Status;
use protocol::trace::{self, TraceContext};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The headers that make a request part of this span. None where spans are not exported.
pub(crate) fn context_of(span: &Span) -> Option<TraceContext> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&span.context(), &mut headers);
    });
    let state = headers.get(trace::STATE).map(String::as_str);
    TraceContext::new(headers.get(trace::PARENT)?, state)
}

/// Says of the span of a step how its body ended.
pub(crate) fn ended(span: &Span, fine: bool) {
    span.set_attribute("outcome", if fine { "ran" } else { "failed" });
    if !fine {
        span.set_status(Status::error("the step failed"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_exporter_there_is_nothing_to_tell() {
        assert_eq!(context_of(&Span::none()), None);
        let span = tracing::info_span!("step");
        assert_eq!(context_of(&span), None);
    }
}
