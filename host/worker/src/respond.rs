//! Replies and refusals → HTTP.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use protocol::header;
use protocol::op::ErrorObject;
use protocol::reply::Reply;
use protocol::signature::SigningKey;

/// A reply as HTTP, signed with the key that the request was signed with.
pub(crate) fn reply(reply: Reply, key: Option<&SigningKey>) -> Response {
    let mut builder =
        Response::builder().status(reply.status).header(CONTENT_TYPE, "application/json");
    for (name, value) in reply.headers() {
        builder = builder.header(name, value);
    }
    if let Some(key) = key {
        builder = builder.header(header::SIGNATURE, key.sign(&reply.body, Timestamp::now()));
    }
    finished(builder.body(Body::from(reply.body)))
}

/// A call that was not even made.
pub(crate) fn refusal(
    status: StatusCode,
    class: &str,
    message: impl std::fmt::Display,
) -> Response {
    signed_refusal(status, class, message, None)
}

/// The same towards somebody who is believed, and may want to know that it was us.
pub(crate) fn signed_refusal(
    status: StatusCode,
    class: &str,
    message: impl std::fmt::Display,
    key: Option<&SigningKey>,
) -> Response {
    reply(Reply::refused(status.as_u16(), &ErrorObject::new(class, message.to_string())), key)
}

/// A request that is not believed. Why stays in our log.
pub(crate) fn unauthorized() -> Response {
    let body = r#"{"message":"Unauthorized"}"#;
    let reply = Reply {
        status: 401,
        no_retry: Some(false),
        retry_after: None,
        version: protocol::REQUEST_VERSION,
        body: body.into(),
    };
    let mut response = self::reply(reply, None);
    response.headers_mut().insert(header::SDK_HANDLED, HeaderValue::from_static("true"));
    response
}

/// Any JSON.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let builder = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .header(header::SDK, protocol::SDK)
        .header(header::REQUEST_VERSION, protocol::REQUEST_VERSION);
    finished(builder.body(Body::from(body)))
}

fn finished(response: Result<Response, axum::http::Error>) -> Response {
    response.unwrap_or_else(|error| {
        // Only a header value that is not text could do this, and none is made of foreign text.
        tracing::error!(%error, "a reply could not be written");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
