//! Why a request failed.

use std::fmt::{self, Display};

use crate::error::{Failure, Retry};
use crate::refusal::Refused;

/// A request that got no usable answer.
///
/// `?` in a step's body makes a [`struct@crate::Error`] of it: final where another attempt cannot
/// help (the host denied it, the URL or the answer's form is wrong), and to be tried again
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    kind: HttpErrorKind,
    url: String,
    detail: String,
    refused: Option<Refused>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// The host does not let this component speak to that address.
    Denied,
    /// Nobody listens there.
    Refused,
    /// The name of the server is not known.
    Dns,
    /// No whole answer within the time given.
    Timeout,
    /// A connection was made, and nothing came within the time given.
    Silent,
    /// A connection was made, and what came was not HTTP, or it ended early.
    Protocol,
    /// A connection was made, and no secure channel on it.
    Tls,
    /// The answer is larger than this component may take.
    TooLarge,
    /// It was redirected more often than it may be; see
    /// [`Request::redirects`](crate::http::Request::redirects).
    Redirects,
    /// The answer has an error status; see [`Response::ok`](crate::http::Response::ok).
    Status(u16),
    /// The request cannot be made: its URL, method, headers or body are wrong.
    Request,
    /// The answer came and has not the form that was asked for.
    Decode,
    /// Anything else.
    Other,
}

impl HttpError {
    /// An error of this kind, for a request to this URL.
    pub fn new(kind: HttpErrorKind, url: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, url: url.into(), detail: detail.into(), refused: None }
    }

    /// What went wrong.
    pub fn kind(&self) -> HttpErrorKind {
        self.kind
    }

    /// Where the request went.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the host says of a request that it denied: which line of the grants would allow it. Its reason is
    /// [`Denied`](crate::Reason::Denied).
    pub fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// With what the host says of it.
    #[cfg(target_family = "wasm")]
    pub(super) fn because(self, refused: Refused) -> Self {
        Self { refused: Some(refused), ..self }
    }

    /// Whether a connection was made before it failed, so that something does listen there.
    pub fn connected(&self) -> bool {
        use HttpErrorKind::{Decode, Protocol, Redirects, Silent, Status, Tls, TooLarge};
        matches!(self.kind, Silent | Protocol | Tls | TooLarge | Redirects | Status(_) | Decode)
    }
}

impl Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.url;
        if let Some(refused) = &self.refused {
            return write!(f, "the host denied the request to {url}: {refused}");
        }
        match self.kind {
            HttpErrorKind::Denied => write!(
                f,
                "the host denied the request to {url}: its operator has to grant the address to this \
                 component, under `http` in the worker's grants"
            )?,
            HttpErrorKind::Refused => write!(f, "nothing listens at {url}")?,
            HttpErrorKind::Dns => write!(f, "the server of {url} has no known address")?,
            HttpErrorKind::Timeout => write!(f, "no whole answer from {url} in time")?,
            HttpErrorKind::Silent => write!(f, "{url} takes connections and says nothing")?,
            HttpErrorKind::Protocol => write!(f, "what answered at {url} does not speak HTTP")?,
            HttpErrorKind::Tls => write!(f, "no secure channel to {url}")?,
            HttpErrorKind::TooLarge => write!(
                f,
                "the answer of {url} is larger than this component may take: ask for less, or let its grant \
                 say `answer`"
            )?,
            HttpErrorKind::Redirects => write!(
                f,
                "{url} redirects once too often: it may be a loop; if it is none, let the request follow more"
            )?,
            HttpErrorKind::Status(status) => write!(f, "{url} answered with status {status}")?,
            HttpErrorKind::Request => write!(f, "the request to {url} cannot be made")?,
            HttpErrorKind::Decode => write!(f, "the answer of {url} has another form")?,
            HttpErrorKind::Other => write!(f, "the request to {url} failed")?,
        }
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl std::error::Error for HttpError {}

impl Failure for HttpError {
    fn policy(&self) -> Retry {
        match self.kind {
            HttpErrorKind::Denied
            | HttpErrorKind::Request
            | HttpErrorKind::TooLarge
            | HttpErrorKind::Redirects
            | HttpErrorKind::Decode => Retry::Never,
            // A client error stays one, but for "slow down", "too early" and "took too long".
            HttpErrorKind::Status(status @ 400..500) if ![408, 425, 429].contains(&status) => {
                Retry::Never
            }
            _ => Retry::Again,
        }
    }
}
