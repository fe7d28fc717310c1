//! Logs: to the standard error, filtered.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::cli::{Command, LogFormat, Logs};

/// Begins to log. A filter that cannot be read is reported and replaced by the default.
pub(crate) fn start(logs: &Logs, command: &Command) {
    let default = command.default_filter();
    let (filter, fault) = match logs.log.as_deref().map(EnvFilter::try_new) {
        None => (EnvFilter::new(default), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
    };
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match logs.log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().init(),
    }
    if let Some(error) = fault {
        tracing::warn!(%error, default, "the log filter cannot be read; using the default");
    }
}
