//! Requests by `wasi:http`.

use std::pin::pin;

use futures::future::{Either, select};
use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme, http_error_code,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::guest::bindings::system_bus::durable::http_refusals;
use crate::http::url::{FORM, Target};
use crate::http::{HttpError, HttpErrorKind, Request, Response};
use crate::io::reactor::ready;

/// How much is asked of a stream at once.
const CHUNK: u64 = 64 * 1024;

pub(super) async fn send(request: &Request) -> Result<Response, HttpError> {
    let Some(time) = request.time() else { return exchange(request).await };
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let patience = pin!(ready(monotonic_clock::subscribe_duration(nanoseconds)));
    match select(pin!(exchange(request)), patience).await {
        Either::Left((end, _)) => end,
        Either::Right(_) => Err(request.error(HttpErrorKind::Timeout, format!("{time:?}"))),
    }
}

async fn exchange(request: &Request) -> Result<Response, HttpError> {
    let failed = |code: &ErrorCode| {
        let kind = kind(code);
        if kind == HttpErrorKind::Denied {
            return denied(request);
        }
        // The other kinds say it all.
        let vague = matches!(
            kind,
            HttpErrorKind::Protocol
                | HttpErrorKind::Tls
                | HttpErrorKind::Request
                | HttpErrorKind::Other
        );
        let detail = if vague { format!("{code:?}") } else { String::new() };
        request.error(kind, detail.trim_start_matches("ErrorCode::"))
    };
    let outgoing = head(request)?;
    // A body that is taken is sent in chunks, if only to say that there is none: a server that answers and closes at once
    // would break that off, and the answer would be lost with it.
    let body = (!request.body_bytes().is_empty())
        .then(|| outgoing.body().expect("a new request has its body"));
    let answer = handle(outgoing, options(request)).map_err(|code| failed(&code))?;
    if let Some(body) = body {
        write(body, request.body_bytes()).await;
    }

    let response = loop {
        if let Some(response) = answer.get() {
            break response.expect("it is taken once").map_err(|code| failed(&code))?;
        }
        ready(answer.subscribe()).await;
    };
    let body = read(&response).await.map_err(|code| failed(&code))?;
    let mut whole = Response::new(response.status()).with_body(body).answered_by(request.url());
    whole.headers = text_headers(&response);
    Ok(whole)
}

/// The error of a request that the host denied, with the words of the host.
fn denied(request: &Request) -> HttpError {
    let error = request.error(HttpErrorKind::Denied, "");
    let Some(target) = Target::of(request.url()) else { return error };
    let scheme = if target.secure { "https" } else { "http" };
    let uri = format!("{scheme}://{}{}", target.authority, target.path);
    match http_refusals::why(request.method(), &uri) {
        Some(refusal) => error.because(refusal.into()),
        None => error,
    }
}

/// What the host is told about time: only how long the server may say nothing.
fn options(request: &Request) -> Option<RequestOptions> {
    let silence = request.longest_silence()?;
    let options = RequestOptions::new();
    let nanoseconds = u64::try_from(silence.as_nanos()).unwrap_or(u64::MAX);
    // A host that cannot watch this leaves it to the time of the whole exchange.
    options.set_first_byte_timeout(Some(nanoseconds)).ok()?;
    Some(options)
}

/// The request without its body.
fn head(request: &Request) -> Result<OutgoingRequest, HttpError> {
    let wrong = |what: &str| request.error(HttpErrorKind::Request, what);
    let target = Target::of(request.url()).ok_or_else(|| wrong(FORM))?;
    let scheme = if target.secure { Scheme::Https } else { Scheme::Http };
    let mut headers: Vec<(String, Vec<u8>)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    if !request.body_bytes().is_empty() {
        let length = request.body_bytes().len().to_string();
        headers.push(("content-length".to_owned(), length.into_bytes()));
    }
    let headers =
        Fields::from_list(&headers).map_err(|_| wrong("a header is malformed or not allowed"))?;
    let outgoing = OutgoingRequest::new(headers);
    outgoing
        .set_method(&method(request.method()))
        .map_err(|()| wrong("the method is malformed"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| wrong("the scheme is malformed"))?;
    outgoing.set_authority(Some(target.authority)).map_err(|()| wrong("the host is malformed"))?;
    outgoing
        .set_path_with_query(Some(&target.path))
        .map_err(|()| wrong("the path is malformed"))?;
    Ok(outgoing)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// Writes the body, and reports no failure: what has all it wants closes the stream, be it the
/// host after the last byte or a server that answers early, and what is wrong shows in the answer.
async fn write(body: OutgoingBody, bytes: &[u8]) {
    let stream = body.write().expect("a new body has its stream");
    let _ = push(&stream, bytes).await;
    // The stream is a child of the body and has to go first.
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

async fn push(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            ready(stream.subscribe()).await;
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    stream.flush()?;
    // Room is offered again when the flush is done.
    while stream.check_write()? == 0 {
        ready(stream.subscribe()).await;
    }
    Ok(())
}

async fn read(response: &IncomingResponse) -> Result<Vec<u8>, ErrorCode> {
    let body = response.consume().expect("the body of a response is taken once");
    let stream = body.stream().expect("the stream of a body is taken once");
    let bytes = pull(&stream).await;
    drop::<InputStream>(stream);
    drop::<IncomingBody>(body);
    bytes
}

async fn pull(stream: &InputStream) -> Result<Vec<u8>, ErrorCode> {
    let mut bytes = Vec::new();
    loop {
        match stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => ready(stream.subscribe()).await,
            Ok(chunk) if bytes.is_empty() => bytes = chunk,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(problem) => return Err(broken(&problem)),
        }
    }
}

fn broken(problem: &StreamError) -> ErrorCode {
    match problem {
        StreamError::Closed => ErrorCode::ConnectionTerminated,
        StreamError::LastOperationFailed(error) => http_error_code(error)
            .unwrap_or_else(|| ErrorCode::InternalError(Some(error.to_debug_string()))),
    }
}

fn text_headers(response: &IncomingResponse) -> Vec<(String, String)> {
    let entries = response.headers().entries().into_iter();
    entries.filter_map(|(name, value)| Some((name, String::from_utf8(value).ok()?))).collect()
}

fn kind(code: &ErrorCode) -> HttpErrorKind {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => HttpErrorKind::Denied,
        ErrorCode::ConnectionRefused | ErrorCode::DestinationUnavailable => HttpErrorKind::Refused,
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => {
            HttpErrorKind::Dns
        }
        ErrorCode::ConnectionTimeout | ErrorCode::HttpResponseTimeout => HttpErrorKind::Timeout,
        ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_) => HttpErrorKind::TooLarge,
        ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout => {
            HttpErrorKind::Silent
        }
        ErrorCode::HttpProtocolError
        | ErrorCode::HttpResponseIncomplete
        | ErrorCode::HttpUpgradeFailed
        | ErrorCode::ConnectionTerminated => HttpErrorKind::Protocol,
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => HttpErrorKind::Tls,
        ErrorCode::HttpRequestUriInvalid | ErrorCode::HttpRequestMethodInvalid => {
            HttpErrorKind::Request
        }
        _ => HttpErrorKind::Other,
    }
}
