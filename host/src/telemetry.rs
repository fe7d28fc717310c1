//! Logs: to the standard error, filtered, one line for each event whatever stands in it. Spans: to a collector, where one is
//! named.

mod export;

use std::fmt::{self as text, Debug};
use std::io::IsTerminal;
use std::time::Duration;

use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use self::export::Exporter;
pub(crate) use self::export::TraceArgs;
use crate::cli::{Command, LogFormat, Logs};
use crate::records::{self, Keep};
use crate::terminal::Above;

/// What is on its way when the program ends.
pub(crate) struct Telemetry {
    records: Option<records::Writer>,
    spans: Option<Exporter>,
}

impl Telemetry {
    /// Lets it get to where it belongs, each within so long.
    pub(crate) fn flush(self, limit: Duration) {
        if let Some(records) = self.records {
            records.flush(limit);
        }
        if let Some(spans) = self.spans {
            spans.flush(limit);
        }
    }
}

/// Begins to log, and to keep records and to export spans where the command is one that does. A filter that cannot be read
/// is reported and replaced by the default.
pub(crate) fn start(logs: &Logs, command: &Command) -> Telemetry {
    let default = command.default_filter();
    let (filter, fault) = match logs.log.as_deref().map(EnvFilter::try_new) {
        None => (EnvFilter::new(default), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
    };
    let (writer, unkept) = match command.records().map(records::Writer::open) {
        None => (None, None),
        Some(Ok(writer)) => (Some(writer), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let keep = writer.clone().map(|writer| Keep(writer).with_filter(filter_fn(Keep::wants)));
    let lines = match logs.log_format {
        LogFormat::Text => fmt::layer()
            .with_writer(|| Above)
            .fmt_fields(debug_fn(field).delimited(" "))
            .with_ansi(std::io::stderr().is_terminal())
            .with_filter(filter)
            .boxed(),
        LogFormat::Json => fmt::layer().with_writer(|| Above).json().with_filter(filter).boxed(),
    };
    let (spans, unsent) = match command.spans().map(|(to, name)| Exporter::start(to, name)) {
        None => (None, None),
        Some(Ok(spans)) => (Some(spans), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let export = spans.as_ref().map(|it| it.layer().with_filter(filter_fn(Exporter::wants)));
    tracing_subscriber::registry().with(lines).with(keep).with(export).init();
    if let Some(error) = fault {
        tracing::warn!(%error, default, "the log filter cannot be read; using the default");
    }
    if let Some(error) = unkept {
        tracing::warn!(%error, "no records are kept: their folder cannot be written to; see --records");
    }
    if let Some(error) = unsent {
        tracing::warn!(%error, "no spans are exported; see --otlp");
    }
    Telemetry { records: writer, spans }
}

/// Writes one field. Much of what is logged was said by a component, a server or a file: none of it may begin another line
/// or steer a terminal.
fn field(to: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> text::Result {
    let value = format!("{value:?}");
    let value = runtime::legible(&value);
    match field.name() {
        "message" => write!(to, "{value}"),
        name => write!(to, "{name}={value}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_field_of_an_event_begins_another_line() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .fmt_fields(debug_fn(field).delimited(" "))
            .finish();
        let forged = "a\nERROR b: all is lost\u{1b}[2J";
        tracing::subscriber::with_default(log, || {
            let span = tracing::info_span!("call", run = %forged, name = forged);
            let _within = span.enter();
            tracing::info!(shown = %forged, quoted = forged, count = 3, "{forged}");
        });
        let written = String::from_utf8(lines.0.lock().expect("a lock").clone()).expect("text");
        assert_eq!(written.matches('\n').count(), 1, "{written}");
        assert!(!written.contains('\u{1b}'), "{written}");
        let shown = "a\\nERROR b: all is lost\\u{1b}[2J";
        for part in [&*format!("call{{run={shown} name="), &format!(" shown={shown} "), "count=3"] {
            assert!(written.contains(part), "{part}: {written}");
        }
    }
}
