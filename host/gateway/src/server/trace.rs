//! The trace that a delivery belongs to: the sender's, where it has one, or a new one. It goes on with what is sent to the
//! server.

use std::collections::HashMap;

use axum::http::HeaderMap;
use opentelemetry::{Context, global};
use protocol::trace::{PARENT, STATE, TraceContext};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Where a delivery stands in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trace {
    /// The trace: 32 hexadecimal digits.
    pub(super) id: String,
    /// The span of the delivery within it, where spans are exported: 16 hexadecimal digits.
    pub(super) span: Option<String>,
}

impl Trace {
    /// The trace of a delivery with these headers. Where spans are exported, `span` takes its place in it.
    pub(super) fn of(headers: &HeaderMap, span: &Span) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text(PARENT).and_then(|parent| TraceContext::new(parent, text(STATE)));
        if let Some((id, span)) = exported(given.as_ref(), span) {
            return Self { id, span: Some(span) };
        }
        let id = given.map_or_else(new, |given| given.trace_id().to_owned());
        Self { id, span: None }
    }
}

/// Where the span is as others will see it.
fn exported(given: Option<&TraceContext>, span: &Span) -> Option<(String, String)> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers: HashMap<_, _> =
        given.iter().flat_map(|given| given.headers()).map(owned).collect();
    global::get_text_map_propagator(|propagator| {
        // A sender without a trace begins one, whatever this process is in the middle of.
        span.set_parent(propagator.extract_with_context(&Context::new(), &headers)).ok()?;
        let mut headers = HashMap::new();
        propagator.inject_context(&span.context(), &mut headers);
        let mut parts = headers.get(PARENT)?.split('-').skip(1);
        Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
    })
}

/// A trace that nobody has.
fn new() -> String {
    let mut bytes = [1; 16];
    // Without randomness traces are one; nothing else depends on it.
    let _ = getrandom::fill(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_senders_trace_goes_on_and_what_is_none_begins_a_new_one() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let of = |parent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(PARENT, parent.parse().expect("a value"));
            Trace::of(&headers, &Span::none())
        };
        let given = of(&format!("00-{id}-b7ad6b7169203331-01"));
        assert_eq!(given, Trace { id: id.to_owned(), span: None });
        for odd in ["", "nonsense", &format!("00-{}-b7ad6b7169203331-01", "0".repeat(32))] {
            let one = of(odd);
            assert_ne!(one, of(odd), "{odd}");
            assert!(one.id.len() == 32 && hex::decode(&one.id).is_ok(), "{one:?}");
        }
    }
}
