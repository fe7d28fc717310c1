//! The guest's log lines: once, not once in every replay.
//!
//! What a function logs between two steps it logs again in each call of the run. Lines written outside of step
//! bodies are therefore held back. When a memo resolves, they are dropped: an earlier call got at least as far, and
//! has emitted them. What is held when the call ends is new.

use protocol::id::{FunctionId, RunId};

use crate::bindings::wasi::logging::logging::{Host, Level};
use crate::capability::Guards;
use crate::state::CallState;

/// One call's log.
#[derive(Debug)]
pub(crate) struct Log {
    function: String,
    run: Option<RunId>,
    held: Vec<(Level, String, String)>,
    left: usize,
    guards: Guards,
}

/// The longest line kept, in bytes.
const LONGEST: usize = 8 * 1024;

impl Log {
    pub(crate) fn of_call(function: &FunctionId, run: RunId, lines: usize, guards: Guards) -> Self {
        Self { run: Some(run), guards, ..Self::of_component(function.as_str(), lines) }
    }

    /// For `describe`.
    pub(crate) fn of_component(component: &str, lines: usize) -> Self {
        let (function, guards) = (component.to_owned(), Guards::default());
        Self { function, run: None, held: Vec::new(), left: lines, guards }
    }

    /// A memo has resolved: what is held was logged by an earlier call.
    pub(crate) fn replayed(&mut self) {
        self.held.clear();
    }

    /// The call has ended, or a body begins: what is held is new.
    pub(crate) fn flush(&mut self) {
        for (level, context, message) in std::mem::take(&mut self.held) {
            self.emit(level, &context, &message);
        }
    }

    fn write(&mut self, level: Level, context: String, message: String, in_step: bool) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        // Before it is shortened: half a secret is not recognized.
        let (context, message) = (self.guards.redacted(context), self.guards.redacted(message));
        let (context, message) = (shortened(context), shortened(message));
        if in_step {
            self.emit(level, &context, &message);
        } else {
            self.held.push((level, context, message));
        }
        if left == 0 {
            tracing::warn!(
                function = self.function,
                "the call has logged too many lines; the rest is dropped"
            );
        }
    }

    fn emit(&self, level: Level, context: &str, message: &str) {
        let (function, run) = (&self.function, self.run.map(|run| run.to_string()));
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(target: "guest", function, run, context, "{message}")
            };
        }
        match level {
            Level::Trace => line!(trace),
            Level::Debug => line!(debug),
            Level::Info => line!(info),
            Level::Warn => line!(warn),
            Level::Error | Level::Critical => line!(error),
        }
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Host for CallState {
    fn log(&mut self, level: Level, context: String, message: String) -> wasmtime::Result<()> {
        let in_step = self.phase.in_step();
        self.log.write(level, context, message, in_step);
        Ok(())
    }
}
