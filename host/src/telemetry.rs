//! Logs: to the standard error, filtered, one line for each event whatever stands in it.

use std::fmt::{self as text, Debug};
use std::io::IsTerminal;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::cli::{Command, LogFormat, Logs};
use crate::terminal::Above;

/// Begins to log. A filter that cannot be read is reported and replaced by the default.
pub(crate) fn start(logs: &Logs, command: &Command) {
    let default = command.default_filter();
    let (filter, fault) = match logs.log.as_deref().map(EnvFilter::try_new) {
        None => (EnvFilter::new(default), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
    };
    let lines = fmt().with_env_filter(filter).with_writer(|| Above);
    match logs.log_format {
        LogFormat::Text => {
            let lines = lines.fmt_fields(debug_fn(field).delimited(" "));
            lines.with_ansi(std::io::stderr().is_terminal()).init();
        }
        LogFormat::Json => lines.json().init(),
    }
    if let Some(error) = fault {
        tracing::warn!(%error, default, "the log filter cannot be read; using the default");
    }
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
        let log = fmt()
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
