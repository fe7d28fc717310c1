//! Sends requests: those that its events describe, and those that a component should not get away with.
#![cfg(target_family = "wasm")]
#![no_main]

use std::cell::RefCell;

use futures::future::join_all;
use system_bus_sdk::http::{Request, Response};
use system_bus_sdk::prelude::*;
use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::OutputStream;

/// What an event asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Asked {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    /// How often at once, or how many hops, or how many milliseconds: what the function says.
    #[serde(default)]
    count: u64,
}

fn get() -> String {
    "GET".to_owned()
}

impl Asked {
    fn request(&self, io: &Io) -> Request {
        let mut request = io.http().request(&self.method, &self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(self.body.as_bytes())
    }
}

/// The status and the length of an answer, and its beginning.
fn shown(response: &Response) -> String {
    let body = String::from_utf8_lossy(response.bytes());
    let start: String = body.chars().take(400).collect();
    format!("{} {} {start}", response.status, body.len())
}

/// Sends one request.
#[function(id = "send", on("testing/send.requested"), retries = 4)]
async fn send(ctx: Ctx, event: Incoming<Asked>) -> Result<String> {
    ctx.step("send", async |io| Ok(shown(&event.data.request(&io).send().await?))).await
}

/// Sends a request in each of two steps, and says which keys the SDK would give them.
#[function(id = "key", on("testing/key.requested"), retries = 4)]
async fn key(ctx: Ctx, event: Incoming<Asked>) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for number in 0..2 {
        let key = async |io: Io| {
            event.data.request(&io).send().await?;
            Ok(io.idempotency_key())
        };
        keys.push(ctx.step("key", key).key(number).await?);
    }
    Ok(keys)
}

/// Sends one request, and says what its error is.
#[function(id = "error", on("testing/error.requested"), retries = 4)]
async fn error(ctx: Ctx, event: Incoming<Asked>) -> Result<String> {
    ctx.step("error", async |io| {
        Ok(match event.data.request(&io).send().await {
            Ok(response) => shown(&response),
            Err(error) => format!("{:?}", error.kind()),
        })
    })
    .await
}

/// Sends one request, and says what the host told of it and of no other one.
#[function(id = "why", on("testing/why.requested"), retries = 4)]
async fn why(ctx: Ctx, event: Incoming<Asked>) -> Result<Vec<String>> {
    ctx.step("why", async |io| {
        let other = Asked { url: format!("{}/other", event.data.url), ..event.data.clone() };
        let both = join_all([&event.data, &other].map(|asked| asked.request(&io).send())).await;
        let said = both.into_iter().map(|answer| match answer {
            Ok(response) => shown(&response),
            Err(error) => match error.refused() {
                Some(refused) => format!("{:?}: {refused}", refused.reason()),
                None => error.to_string(),
            },
        });
        Ok(said.collect())
    })
    .await
}

/// Sends one request after the other.
#[function(id = "again", on("testing/again.requested"), retries = 4)]
async fn again(ctx: Ctx, event: Incoming<Asked>) -> Result<()> {
    ctx.step("again", async |io| {
        for _ in 0..event.data.count {
            event.data.request(&io).send().await?;
        }
        Ok(())
    })
    .await
}

/// Sends many at once.
#[function(id = "flood", on("testing/flood.requested"), retries = 4)]
async fn flood(ctx: Ctx, event: Incoming<Asked>) -> Result<usize> {
    ctx.step("flood", async |io| {
        let all = (0..event.data.count).map(|_| event.data.request(&io).send());
        Ok(join_all(all).await.into_iter().flatten().count())
    })
    .await
}

/// Follows redirects by itself, as a library of its author would.
#[function(id = "follow", on("testing/follow.requested"), retries = 4)]
async fn follow(ctx: Ctx, event: Incoming<Asked>) -> Result<String> {
    ctx.step("follow", async |io| {
        let mut response = event.data.request(&io).redirects(0).send().await?;
        while let Some(next) = response.header("location").map(str::to_owned) {
            response = io.http().get(next).redirects(0).send().await?;
        }
        Ok(shown(&response))
    })
    .await
}

/// Sends a request where nothing may happen.
#[function(id = "outside", on("testing/outside.requested"), retries = 4)]
async fn outside(ctx: Ctx, event: Incoming<Asked>) -> Result<String> {
    let mut kept = None;
    ctx.step("inside", async |io| {
        kept = Some(event.data.request(&io));
        Ok(())
    })
    .await?;
    match kept {
        Some(request) => Ok(shown(&request.send().await?)),
        None => Ok("the step was not run here".to_owned()),
    }
}

/// Begins requests and keeps their answers, of which it reads nothing: how many were answered, and what the others ended in.
#[function(id = "hoard", on("testing/hoard.requested"), retries = 4)]
async fn hoard(ctx: Ctx, event: Incoming<Asked>) -> Result<(u64, Vec<String>)> {
    ctx.step("hoard", async |_| {
        let authority = event.data.url.trim_start_matches("http://");
        let begin = |_| {
            let request = OutgoingRequest::new(Fields::new());
            request.set_scheme(Some(&Scheme::Http)).ok();
            request.set_authority(Some(authority)).ok();
            request.set_path_with_query(Some("/flood")).ok();
            let options = RequestOptions::new();
            options.set_connect_timeout(Some(500_000_000)).ok();
            outgoing_handler::handle(request, Some(options))
        };
        let all: Vec<_> = (0..event.data.count).map(begin).collect();
        let mut kept = Vec::new();
        let mut errors = Vec::new();
        for answer in all {
            let answer = answer.map_err(|code| Error::stop(code.to_string()))?;
            answer.subscribe().block();
            match answer.get() {
                Some(Ok(Ok(response))) => kept.push((response.consume(), response)),
                Some(Ok(Err(code))) => errors.push(code.to_string()),
                _ => return Err(Error::stop("an answer was taken twice")),
            }
        }
        errors.dedup();
        Ok((kept.len() as u64, errors))
    })
    .await
}

/// Makes headers of so many bytes.
#[function(id = "fields", on("testing/fields.requested"), retries = 4)]
async fn fields(ctx: Ctx, event: Incoming<Asked>) -> Result<u64> {
    ctx.step("fields", async |_| {
        let fields = Fields::new();
        let mut set = 0;
        while set < event.data.count {
            fields
                .append("x-large", &[b'x'; 1000])
                .map_err(|error| Error::stop(error.to_string()))?;
            set += 1000;
        }
        Ok(set)
    })
    .await
}

thread_local!(static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) });

/// A request that was begun, and whose body and answer are still to come.
struct Kept {
    body: OutputStream,
    answer: FutureIncomingResponse,
    // Dropped last: the others belong to it.
    whole: OutgoingBody,
}

/// Begins a request in a step, and goes on with it when the step has ended.
#[function(id = "outlive", on("testing/outlive.requested"), retries = 4)]
async fn outlive(ctx: Ctx, event: Incoming<Asked>) -> Result<Vec<String>> {
    ctx.step("begin", async |_| {
        let request = OutgoingRequest::new(Fields::new());
        let authority = event.data.url.trim_start_matches("http://").trim_end_matches('/');
        request.set_method(&Method::Post).ok();
        request.set_scheme(Some(&Scheme::Http)).ok();
        request.set_authority(Some(authority)).ok();
        request.set_path_with_query(Some("/")).ok();
        let whole = request.body().map_err(|()| Error::stop("it has no body"))?;
        let body = whole.write().map_err(|()| Error::stop("its body is written already"))?;
        let answer = outgoing_handler::handle(request, None)
            .map_err(|code| Error::stop(code.to_string()))?;
        body.blocking_write_and_flush(b"inside").map_err(|error| Error::stop(error.to_string()))?;
        // Time for it to be on its way.
        monotonic_clock::subscribe_duration(1_000_000_000).block();
        KEPT.set(Some(Kept { body, answer, whole }));
        Ok(())
    })
    .await?;
    let Some(Kept { body, answer, whole }) = KEPT.take() else { return Ok(Vec::new()) };
    let written = body.blocking_write_and_flush(b"outside");
    drop(body);
    let finished = OutgoingBody::finish(whole, None);
    answer.subscribe().block();
    let heard = match answer.get() {
        Some(Ok(Ok(response))) => format!("heard {}", response.status()),
        other => format!("{:?}", other.map(|answer| answer.map(|answer| answer.map(drop)))),
    };
    Ok(vec![format!("{written:?}"), format!("{finished:?}"), heard])
}

system_bus_sdk::component![
    send, key, error, why, again, flood, follow, hoard, fields, outside, outlive
];
