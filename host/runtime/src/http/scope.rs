//! Requests end with the body of the step that began them. What they are made of is WASI's own, and a guest may keep it;
//! after the body it leads nowhere.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::capability::Sent;

/// The running body of a step. Dropped or renewed, all that was begun in it has ended.
#[derive(Debug, Default)]
pub(crate) struct Scope(watch::Sender<()>);

impl Scope {
    /// Ends what was begun in it; what begins from now on belongs to the next body.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// The same body for as long as the scope lasts.
    pub(crate) fn keep(&self, body: WasiBody) -> WasiBody {
        kept(body, self.0.subscribe())
    }

    /// The same request for as long as the scope lasts, with its answer and what drives it.
    pub(crate) fn hold(&self, sent: Sent) -> Sent {
        let scope = self.0.subscribe();
        Box::new(async move {
            let (response, io) = until(scope.clone(), Box::into_pin(sent)).await?;
            let response = response.map(|body| kept(body, scope.clone()));
            let io = async move { until(scope, Box::into_pin(io)).await };
            let io: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(io);
            Ok((response, io))
        })
    }
}

/// What `work` comes to, if the scope has not ended before.
async fn until<T>(
    mut scope: watch::Receiver<()>,
    work: Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        // Nothing is ever sent: it ends when the sender goes.
        _ = scope.changed() => Err(Error::ConnectionTerminated),
        done = work => done,
    }
}

fn kept(body: WasiBody, mut scope: watch::Receiver<()>) -> WasiBody {
    let ended = Box::pin(async move { drop(scope.changed().await) });
    Kept { body: Some(body), ended }.boxed_unsync()
}

/// A body that ends in an error when its scope does.
struct Kept {
    body: Option<WasiBody>,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Body for Kept {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        // An end of the whole body is no news from outside.
        if body.is_end_stream() {
            return Poll::Ready(None);
        }
        if self.ended.as_mut().poll(context).is_ready() {
            // Its connection goes with it.
            self.body = None;
            return Poll::Ready(Some(Err(Error::ConnectionTerminated)));
        }
        match self.body.as_mut() {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}
