//! What a guest says: lines of `wasi:logging`, and what it writes to its standard output and error. Once, not once in every
//! replay.
//!
//! What a function says between two steps it says again in each call of the run. Lines from outside of step bodies are
//! therefore held back. When a memo resolves, they are dropped: an earlier call got at least as far, and has told them.
//! What is held when a body begins or the call ends is new.
//!
//! Each line is told as an event of the target `guest`, with whose it is. Before that it loses the secrets in it, is cut to a
//! reasonable length, and loses whatever would make more of it than one line.

mod legible;
pub mod recent;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use protocol::step::StepName;
use tracing::Span;

use self::recent::Recent;
use self::stream::Pending;
use crate::bindings::wasi::logging::logging::{Host, Level};
use crate::capability::{Caller, Guards};
use crate::state::CallState;

pub use self::legible::legible;

/// The longest line told, in bytes; more is cut off.
const LONGEST: usize = 8 * 1024;

/// The longest name of the part of a program that speaks, in bytes.
const CONTEXT: usize = 256;

/// One call's log. Clones share it: standard streams write to it too.
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Mutex<Told>>);

/// A standard stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Error,
}

/// One line, as it will be told.
#[derive(Debug)]
struct Line {
    /// When it was said, which may be long before it is told.
    at: Timestamp,
    level: Level,
    text: String,
    /// The part of the program that speaks, where it is a line of `wasi:logging`.
    context: Option<String>,
    /// Where it was written to, where it is none.
    stream: Option<Stream>,
}

/// Whose lines they are.
#[derive(Debug)]
enum Speaker {
    Call(Caller, Arc<Recent>),
    /// A component that describes itself.
    Component(String),
}

#[derive(Debug)]
struct Told {
    speaker: Speaker,
    /// The step whose body runs, and its span.
    step: Option<(StepName, Span)>,
    held: Vec<Line>,
    /// So many lines may still be told.
    left: usize,
    /// How many were not told, and how many of what is held were not even kept.
    dropped: u64,
    overflow: u64,
    output: Pending,
    error: Pending,
    guards: Guards,
}

impl Log {
    /// What is told is kept in `recent` too.
    pub(crate) fn of_call(caller: &Caller, lines: usize, recent: Arc<Recent>) -> Self {
        Self::of(Speaker::Call(caller.clone(), recent), lines, caller.guards.clone())
    }

    /// For `describe`.
    pub(crate) fn of_component(component: &str, lines: usize) -> Self {
        Self::of(Speaker::Component(component.to_owned()), lines, Guards::default())
    }

    fn of(speaker: Speaker, left: usize, guards: Guards) -> Self {
        Self(Arc::new(Mutex::new(Told {
            speaker,
            step: None,
            held: Vec::new(),
            left,
            dropped: 0,
            overflow: 0,
            output: Pending::default(),
            error: Pending::default(),
            guards,
        })))
    }

    /// A memo has resolved: what is held was told by an earlier call.
    pub(crate) fn replayed(&self) {
        let mut told = self.told();
        told.held.clear();
        told.overflow = 0;
        told.output.clear();
        told.error.clear();
    }

    /// What is held is new.
    pub(crate) fn flush(&self) {
        self.told().flush();
    }

    /// A body begins: what is held is new, and what is said from now on is said by this step, within its span.
    pub(crate) fn enter(&self, step: StepName, span: Span) {
        let mut told = self.told();
        told.flush();
        told.step = Some((step, span));
    }

    /// It has ended.
    pub(crate) fn leave(&self) {
        let mut told = self.told();
        told.end_lines();
        told.step = None;
    }

    /// The call has ended: what is held is new, and what was dropped is counted.
    pub(crate) fn end(&self) {
        let mut told = self.told();
        told.flush();
        let dropped = std::mem::take(&mut told.dropped);
        if dropped > 0 {
            let (component, function) = told.speaker.names();
            tracing::warn!(
                component,
                function,
                run = told.speaker.run(),
                dropped,
                "the call has said more than a call may: the lines after that were dropped. Log less, or record what \
                 matters (`telemetry`)"
            );
        }
    }

    /// Something was written to a standard stream.
    pub(crate) fn wrote(&self, stream: Stream, bytes: &[u8]) {
        let told = &mut *self.told();
        let pending = if stream == Stream::Output { &mut told.output } else { &mut told.error };
        let lines = pending.add(bytes, &told.guards);
        told.written(stream, lines);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// Lines of a standard stream, without secrets. They have no level of their own.
    fn written(&mut self, stream: Stream, lines: Vec<String>) {
        for text in lines {
            let text = legible::line(text, LONGEST);
            let (at, stream) = (Timestamp::now(), Some(stream));
            self.add(Line { at, level: Level::Info, text, context: None, stream });
        }
    }

    /// A line of `wasi:logging`.
    fn logged(&mut self, level: Level, context: String, message: String) {
        // What nobody listens to uses nothing up.
        if !is_heard(level) {
            return;
        }
        // Before it is cut: half a secret is not recognized.
        let (context, message) = (self.guards.redacted(context), self.guards.redacted(message));
        let (context, text) = (legible::line(context, CONTEXT), legible::line(message, LONGEST));
        let context = Some(context);
        self.add(Line { at: Timestamp::now(), level, text, context, stream: None });
    }

    fn add(&mut self, line: Line) {
        if self.step.is_none() {
            if self.held.len() < self.left {
                self.held.push(line);
            } else {
                self.overflow += 1;
            }
        } else if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.tell(&line);
        } else {
            self.dropped += 1;
        }
    }

    /// What was written without an end of the line.
    fn end_lines(&mut self) {
        for stream in [Stream::Output, Stream::Error] {
            let pending = if stream == Stream::Output { &mut self.output } else { &mut self.error };
            let lines = pending.end(&self.guards);
            self.written(stream, lines);
        }
    }

    fn flush(&mut self) {
        self.end_lines();
        for line in std::mem::take(&mut self.held) {
            self.left = self.left.saturating_sub(1);
            self.tell(&line);
        }
        self.dropped += std::mem::take(&mut self.overflow);
    }

    /// The one place where a line reaches the worker's tracing, and what is kept of a run.
    fn tell(&self, line: &Line) {
        self.keep(line);
        let (component, function) = self.speaker.names();
        let (run, digest, attempt) =
            (self.speaker.run(), self.speaker.digest(), self.speaker.attempt());
        let step = self.step.as_ref().map(|(step, _)| &*step.name);
        // Held only where no step runs: whoever reads it shall not look for one.
        let outside = step.is_none().then_some(true);
        let (context, stream) = (line.context.as_deref(), line.stream.map(Stream::name));
        let text = &*line.text;
        let _within = self.step.as_ref().map(|(_, span)| span.enter());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "guest",
                    component, function, run, attempt, digest, step, outside, context, stream,
                    "{text}"
                )
            };
        }
        match line.level {
            Level::Trace => line!(trace),
            Level::Debug => line!(debug),
            Level::Info => line!(info),
            Level::Warn => line!(warn),
            Level::Error | Level::Critical => line!(error),
        }
    }
}

impl Told {
    fn keep(&self, line: &Line) {
        let Speaker::Call(caller, recent) = &self.speaker else { return };
        let step = self.step.as_ref().map(|(step, _)| step);
        let kept = recent::Line {
            at: line.at,
            level: line.level.name().to_owned(),
            text: line.text.clone(),
            step: step.map(|step| step.id),
            name: step.map(|step| step.name.clone()),
            attempt: caller.attempt,
            context: line.context.clone(),
            stream: line.stream.map(|stream| stream.name().to_owned()),
        };
        recent.add(caller.run, kept);
    }
}

/// Whether the operator's filter lets lines of this level through.
fn is_heard(level: Level) -> bool {
    macro_rules! heard {
        ($level:ident) => {
            tracing::enabled!(target: "guest", tracing::Level::$level)
        };
    }
    match level {
        Level::Trace => heard!(TRACE),
        Level::Debug => heard!(DEBUG),
        Level::Info => heard!(INFO),
        Level::Warn => heard!(WARN),
        Level::Error | Level::Critical => heard!(ERROR),
    }
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Output => "stdout",
            Self::Error => "stderr",
        }
    }
}

impl Speaker {
    fn names(&self) -> (&str, Option<&str>) {
        match self {
            Self::Call(caller, _) => (&caller.component, Some(caller.function.as_str())),
            Self::Component(component) => (component, None),
        }
    }

    fn caller(&self) -> Option<&Caller> {
        match self {
            Self::Call(caller, _) => Some(caller),
            Self::Component(_) => None,
        }
    }

    fn run(&self) -> Option<String> {
        self.caller().map(|caller| caller.run.to_string())
    }

    fn digest(&self) -> Option<String> {
        self.caller().map(|caller| caller.digest.short())
    }

    fn attempt(&self) -> Option<u32> {
        self.caller().map(|caller| caller.attempt)
    }
}

impl Host for CallState {
    fn log(&mut self, level: Level, context: String, message: String) -> wasmtime::Result<()> {
        self.log.told().logged(level, context, message);
        Ok(())
    }
}
