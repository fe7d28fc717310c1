//! The body of an answer: so many bytes, until then.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use wasmtime_wasi_http::Error;

use super::failure;
use super::pool::{Connection, Key, Pool};

/// A body that ends in an error when it is too much, or too late. Read to its end it leaves its connection to the next
/// request; dropped before that it closes it.
pub(crate) struct Answer {
    incoming: Incoming,
    allowed: Allowed,
    read: u64,
    late: Pin<Box<Sleep>>,
    silent: Option<Pin<Box<Sleep>>>,
    held: Option<Held>,
}

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// How many bytes.
    pub(crate) bytes: u64,
    /// Until when.
    pub(crate) until: Instant,
    /// How long nothing may come, where the guest says so.
    pub(crate) silence: Option<Duration>,
}

/// What a body holds while it is read.
pub(crate) struct Held {
    pub(crate) connection: Connection,
    pub(crate) key: Key,
    pub(crate) pool: Arc<Pool>,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl Answer {
    pub(crate) fn new(incoming: Incoming, allowed: Allowed, held: Held) -> Self {
        Self {
            incoming,
            allowed,
            read: 0,
            late: Box::pin(sleep_until(allowed.until)),
            silent: allowed.silence.map(|silence| Box::pin(sleep(silence))),
            held: Some(held),
        }
    }

    /// Leaves the connection to the next request, if nothing of this answer is left on it.
    fn settle(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(Held { connection, key, pool, permit }) = self.held.take()
        {
            pool.give(key, connection);
            drop(permit);
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.held = None;
        Poll::Ready(Some(Err(error)))
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> bool {
        self.read = self.read.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
        self.read <= self.allowed.bytes
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.held.is_none() {
            return Poll::Ready(None);
        }
        // Asked first: a server that always has one more byte never gets past it.
        if self.late.as_mut().poll(context).is_ready() {
            return self.fail(Error::HttpResponseTimeout);
        }
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if !self.count(&frame) {
                    let limit = self.allowed.bytes;
                    return self.fail(Error::HttpResponseBodySize(Some(limit)));
                }
                self.silent = self.allowed.silence.map(|silence| Box::pin(sleep(silence)));
                self.settle();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::debug!(%error, "an answer ended early");
                self.fail(failure::of_exchange(&error))
            }
            Poll::Ready(None) => {
                self.settle();
                self.held = None;
                Poll::Ready(None)
            }
            Poll::Pending => match self.silent.as_mut().map(|silent| silent.as_mut().poll(context))
            {
                Some(Poll::Ready(())) => self.fail(Error::ConnectionReadTimeout),
                _ => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.settle();
    }
}
