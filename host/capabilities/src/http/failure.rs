//! What went wrong, as `wasi:http` says it to guests.

use std::io;

use wasmtime_wasi_http::Error;

/// The largest head of an answer: its status and its headers, in bytes.
pub(crate) const LARGEST_HEAD: usize = 64 << 10;

/// No connection came about.
pub(crate) fn of_connecting(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        _ => Error::DestinationUnavailable,
    }
}

/// A connection, and no secure channel on it.
pub(crate) fn of_tls(error: &io::Error) -> Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        _ => Error::TlsProtocolError,
    }
}

/// What came is no whole answer.
pub(crate) fn of_exchange(error: &hyper::Error) -> Error {
    if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(u32::try_from(LARGEST_HEAD).ok())
    } else if error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else if error.is_closed() || error.is_canceled() || !(error.is_parse() || error.is_user()) {
        Error::ConnectionTerminated
    } else {
        Error::HttpProtocolError
    }
}
