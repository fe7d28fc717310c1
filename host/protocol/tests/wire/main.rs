//! The wire as recorded between a real server and its JavaScript SDK: calls are decoded without loss, and what a
//! guest reports becomes the reply that SDK gave, apart from the differences that [`normal`] lists.
//!
//! Each fixture is one call, most of them with the reply it got. Stack traces are cut to their first line.

mod calls;
mod frames;
mod golden;
mod normal;
mod recordings;
mod replies;
mod signatures;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, CallError, Route};
use protocol::signature::{Trust, verify};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// One recorded call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(rename = "about")]
    _about: String,
    query: String,
    call: Box<RawValue>,
    reply: Option<Recorded>,
}

/// One recorded reply.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    status: u16,
    headers: serde_json::Map<String, Value>,
    body: Value,
}

fn read(file: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "wire", file].iter().collect();
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Fixture {
    fn read(name: &str) -> Self {
        let text = read(&format!("{name}.json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn call(&self) -> Arc<Call> {
        Arc::new(decode(&self.query, self.call.get()).expect("a call of the server"))
    }
}

/// Decodes a call of a development server.
fn decode(query: &str, body: &str) -> Result<Call, CallError> {
    let body = Bytes::from(body.to_owned());
    let verified = verify(None, body, Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
    Call::decode(Route::parse(query)?, &verified)
}
