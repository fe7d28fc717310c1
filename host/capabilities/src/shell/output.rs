//! What a program writes: gathered, bounded, and logged line by line while it comes.

use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::bindings::system_bus::durable::shell::Output;

/// The longest line that is logged in one piece, in bytes.
const LINE: usize = 8 * 1024;

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

/// What was written so far, both streams bounded together.
#[derive(Debug)]
pub(crate) struct Gathered {
    origin: Origin,
    kept: Mutex<(Output, u64)>,
}

impl Gathered {
    pub(crate) fn new(origin: Origin, most: u64) -> Self {
        let none = Output { standard_output: Vec::new(), standard_error: Vec::new() };
        Self { origin, kept: Mutex::new((none, most)) }
    }

    /// Reads one stream to its end.
    pub(crate) async fn read(
        &self,
        stream: Stream,
        mut from: impl AsyncRead + Unpin,
    ) -> Result<(), Flooded> {
        let mut piece = vec![0; 16 * 1024];
        let mut line = Vec::new();
        // A stream that cannot be read is at its end.
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let kept = self.keep(stream, &piece[..length]);
            for byte in &piece[..kept] {
                if *byte == b'\n' || line.len() == LINE {
                    self.log(stream, &std::mem::take(&mut line));
                }
                if *byte != b'\n' {
                    line.push(*byte);
                }
            }
            if kept < length {
                return Err(Flooded);
            }
        }
        if !line.is_empty() {
            self.log(stream, &line);
        }
        Ok(())
    }

    /// What was written.
    pub(crate) fn take(self) -> Output {
        self.kept.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Keeps what still fits, and tells how much that is.
    fn keep(&self, stream: Stream, bytes: &[u8]) -> usize {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (output, left) = &mut *kept;
        let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        *left -= fits as u64;
        match stream {
            Stream::Output => output.standard_output.extend(&bytes[..fits]),
            Stream::Error => output.standard_error.extend(&bytes[..fits]),
        }
        fits
    }

    /// The one place where output becomes a log line.
    fn log(&self, stream: Stream, line: &[u8]) {
        let Origin { function, run, step, program } = &self.origin;
        let stream = if stream == Stream::Output { "stdout" } else { "stderr" };
        let line = String::from_utf8_lossy(line);
        tracing::info!(target: "guest", function, run, step, program, stream, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_streams_are_bounded_together() {
        let none = String::new;
        let origin = Origin { function: none(), run: none(), step: none(), program: none() };
        let gathered = Gathered::new(origin, 5);
        gathered.read(Stream::Output, &b"abc"[..]).await.expect("it fits");
        gathered.read(Stream::Error, &b"defg"[..]).await.expect_err("it does not");
        let output = gathered.take();
        assert_eq!(output.standard_output, b"abc");
        assert_eq!(output.standard_error, b"de");
    }
}
