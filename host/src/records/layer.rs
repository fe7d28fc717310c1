//! From the worker's own tracing to lines.

use std::fmt::Debug;
use std::time::SystemTime;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Writer;
use super::store::millis;

/// Where records of functions come by.
const TELEMETRY: &str = "telemetry";

/// How much of a field of a warning is kept, in bytes.
const LONGEST: usize = 2_000;

/// Keeps records, and what the worker warns of.
pub(crate) struct Keep(pub(crate) Writer);

impl Keep {
    /// Whether it wants to hear of this.
    pub(crate) fn wants(metadata: &Metadata<'_>) -> bool {
        (metadata.is_span() && *metadata.level() <= Level::INFO)
            || metadata.target() == TELEMETRY
            || *metadata.level() <= Level::WARN
    }
}

/// Fields by their names.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, mut text: String) {
        if field.name() != "record" && text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        self.0.insert(field.name().to_owned(), text.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

/// What a record of the host's own says of itself.
fn fields_say_success(fields: &Map<String, Value>) -> Option<bool> {
    fields.get("success").and_then(Value::as_bool)
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Keep {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let mut action = "log".to_owned();
        if metadata.target() == TELEMETRY {
            match fields.0.remove("record") {
                // As the function made it.
                Some(Value::String(record)) if record.starts_with('{') => {
                    return self.0.line(record);
                }
                // The host's own, such as of a question to a model.
                Some(Value::String(name)) => action = name,
                // What has no record is a span of a function: it is for the log.
                _ => return,
            }
        }
        let mut around = Map::new();
        for span in
            context.event_scope(event).into_iter().flatten().collect::<Vec<_>>().iter().rev()
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                around.extend(fields.0.clone());
            }
        }
        let message = fields.0.remove("message").unwrap_or_default();
        around.extend(fields.0);
        let level = metadata.level().as_str().to_lowercase();
        let fine = fields_say_success(&around).unwrap_or(*metadata.level() > Level::WARN);
        let now = u64::try_from(millis(SystemTime::now())).unwrap_or(u64::MAX);
        let mut record = json!({
            "timestamp": now, "level": level, "source": "worker", "component": metadata.target(),
            "action": action, "success": fine, "metadata": around,
        });
        if !fine {
            record["error"] = message;
        }
        self.0.line(record.to_string());
    }
}
