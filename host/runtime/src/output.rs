//! What a guest writes to its standard output and error: up to a limit, line by line into the call's log, and the end of it
//! kept for error messages.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

use crate::capability::Guards;
use crate::fault::{Fault, Limit};
use crate::logging::{Log, Stream};

/// How much of the end of the output is kept: a panic's message and its place.
const KEPT: usize = 8 * 1024;

/// One call's output: both streams together.
#[derive(Debug, Clone)]
pub(crate) struct Output(Arc<Mutex<Written>>);

/// One of the two streams of an [`Output`].
#[derive(Debug, Clone)]
pub(crate) struct Sink {
    output: Output,
    log: Log,
    stream: Stream,
}

#[derive(Debug)]
struct Written {
    /// What is kept, and before it as much as is needed to tell whether it begins within a secret.
    end: VecDeque<u8>,
    left: usize,
    limit: usize,
    guards: Guards,
}

impl Output {
    pub(crate) fn new(limit: usize, guards: Guards) -> Self {
        let end = VecDeque::new();
        Self(Arc::new(Mutex::new(Written { end, left: limit, limit, guards })))
    }

    /// One of its streams, whose lines go to this log.
    pub(crate) fn sink(&self, stream: Stream, log: &Log) -> Sink {
        Sink { output: self.clone(), log: log.clone(), stream }
    }

    /// The end of what was written, without secrets.
    pub(crate) fn end(&self) -> String {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let guards = written.guards.clone();
        let bytes = written.end.make_contiguous();
        let shown = guards.redact_after(bytes, bytes.len().saturating_sub(KEPT));
        String::from_utf8_lossy(&shown).into_owned()
    }

    fn take(&self, bytes: &[u8]) -> Result<(), Fault> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = written.left.checked_sub(bytes.len()) else {
            return Err(Fault::Limit(Limit::Output { limit: written.limit }));
        };
        written.left = left;
        let most = KEPT + written.guards.reach();
        let kept = &bytes[bytes.len().saturating_sub(most)..];
        let excess = (written.end.len() + kept.len()).saturating_sub(most);
        written.end.drain(..excess);
        written.end.extend(kept);
        Ok(())
    }
}

impl Sink {
    fn take(&self, bytes: &[u8]) -> Result<(), Fault> {
        self.output.take(bytes)?;
        self.log.wrote(self.stream, bytes);
        Ok(())
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.take(&bytes).map_err(|fault| StreamError::Trap(fault.into()))
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        // Always ready: too much ends the call, it does not block it.
        Ok(64 * 1024)
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.take(bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A Rust panic, as the standard library writes it: the message, and its file, line and column.
pub(crate) fn panic_in(output: &str) -> Option<(String, Option<String>)> {
    let (_, report) = output.rsplit_once("panicked at ")?;
    let (place, rest) = report.split_once('\n').unwrap_or((report, ""));
    let message = rest.split("\nnote: run with").next().unwrap_or(rest).trim();
    let place = place.trim_end_matches(':');
    Some((message.to_owned(), (!place.is_empty()).then(|| place.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_too_much_is_a_fault() {
        let output = Output::new(KEPT * 3, Guards::default());
        output.take(&vec![b'a'; KEPT * 2]).expect("within the limit");
        output.take(b"the end").expect("within the limit");
        let end = output.end();
        assert_eq!(end.len(), KEPT);
        assert!(end.ends_with("aathe end"));
        let fault = output.take(&vec![b'b'; KEPT]).expect_err("over the limit");
        assert_eq!(fault, Fault::Limit(Limit::Output { limit: KEPT * 3 }));
    }

    #[test]
    fn a_secret_is_not_shown_wherever_the_kept_part_begins() {
        for cut in 0..=10 {
            let output = Output::new(KEPT * 3, crate::capability::guarded());
            output.take(b"before it ").expect("within the limit");
            // In two writes, as streams may split it.
            output.take(b"hunt").expect("within the limit");
            output.take(b"er2").expect("within the limit");
            output.take(&vec![b'.'; KEPT - 7 + cut]).expect("within the limit");
            let end = output.end();
            assert_eq!(end.contains("[secret door]"), cut < 7, "{cut}");
            assert!(!end.contains('2') && !end.contains("hun"), "{cut}");
        }
    }

    #[test]
    fn panics_are_read_from_what_the_standard_library_writes() {
        let text = "hello\n\nthread 'main' (1) panicked at src/lib.rs:41:9:\nboom\ntwice\n\
                    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(
            panic_in(text),
            Some(("boom\ntwice".to_owned(), Some("src/lib.rs:41:9".to_owned())))
        );
        assert_eq!(panic_in("just words"), None);
    }
}
