//! What a program writes: gathered, bounded, and logged line by line while it comes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::capability::Guard;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::lines::Lines;
use crate::bindings::system_bus::durable::shell::Output;

/// The program has written more than it may.
#[derive(Debug)]
pub(crate) struct Flooded;

/// Whose lines they are, in the log.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) function: String,
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) program: String,
}

/// Where a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Error,
}

/// What was written so far, both streams bounded together. Its end is the end of its last line.
pub(crate) struct Gathered {
    origin: Origin,
    guard: Arc<dyn Guard>,
    kept: Mutex<Kept>,
}

struct Kept {
    output: Output,
    /// How many bytes may still come.
    left: u64,
    lines: [Lines; 2],
}

impl Gathered {
    /// At most so many bytes. What is logged of them does not show what this guard knows.
    pub(crate) fn new(origin: Origin, most: u64, guard: Arc<dyn Guard>) -> Self {
        let output = Output { standard_output: Vec::new(), standard_error: Vec::new() };
        let kept = Kept { output, left: most, lines: Default::default() };
        Self { origin, guard, kept: Mutex::new(kept) }
    }

    /// Reads one stream to its end.
    pub(crate) async fn read(
        &self,
        stream: Stream,
        mut from: impl AsyncRead + Unpin,
    ) -> Result<(), Flooded> {
        let mut piece = vec![0; 16 * 1024];
        // A stream that cannot be read is at its end.
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            self.keep(stream, &piece[..length])?;
        }
        Ok(())
    }

    /// What was written.
    pub(crate) fn take(&self) -> Output {
        let none = Output { standard_output: Vec::new(), standard_error: Vec::new() };
        std::mem::replace(&mut self.kept().output, none)
    }

    /// Keeps and logs what still fits.
    fn keep(&self, stream: Stream, bytes: &[u8]) -> Result<(), Flooded> {
        let Kept { output, left, lines } = &mut *self.kept();
        let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        *left -= fits as u64;
        let kept = &bytes[..fits];
        match stream {
            Stream::Output => output.standard_output.extend(kept),
            Stream::Error => output.standard_error.extend(kept),
        }
        lines[stream as usize].take(kept, &*self.guard, |line| self.log(stream, line));
        if fits < bytes.len() { Err(Flooded) } else { Ok(()) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one place where output becomes a log line. Secrets were taken out of it before.
    fn log(&self, stream: Stream, line: &[u8]) {
        let Origin { function, run, step, program } = &self.origin;
        let stream = if stream == Stream::Output { "stdout" } else { "stderr" };
        let line = String::from_utf8_lossy(line);
        tracing::info!(target: "guest", function, run, step, program, stream, "{line}");
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.kept().lines);
        for (stream, mut lines) in [Stream::Output, Stream::Error].into_iter().zip(lines) {
            lines.end(&*self.guard, |line| self.log(stream, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use runtime::capability::Secret;

    use super::*;

    /// Knows no secrets.
    struct Nothing;

    impl Guard for Nothing {
        fn secrets_in(&self, _bytes: &[u8]) -> Vec<Secret> {
            Vec::new()
        }

        fn has_placeholder(&self, _bytes: &[u8]) -> bool {
            false
        }

        fn longest(&self) -> usize {
            0
        }
    }

    #[tokio::test]
    async fn both_streams_are_bounded_together() {
        let none = String::new;
        let origin = Origin { function: none(), run: none(), step: none(), program: none() };
        let gathered = Gathered::new(origin, 5, Arc::new(Nothing));
        gathered.read(Stream::Output, &b"abc"[..]).await.expect("it fits");
        gathered.read(Stream::Error, &b"defg"[..]).await.expect_err("it does not");
        let output = gathered.take();
        assert_eq!(output.standard_output, b"abc");
        assert_eq!(output.standard_error, b"de");
    }
}
