//! `worker`: serves a folder of components to an Inngest server.

use std::process::ExitCode;

use anyhow::{Context, bail};
use protocol::signature::Trust;
use runtime::Runtime;
use serde_json::json;
use worker::Running;
use worker::connect::Transport;

use crate::cli::Worker;
use crate::config::{self, Inngest};
use crate::{answer, local, shutdown};

pub(crate) async fn run(args: Worker, json: bool) -> anyhow::Result<ExitCode> {
    let inngest = Inngest::parse(|name| std::env::var(name).ok())?;
    let app = args.app.parse().context("--app")?;
    let neighbours = args.neighbours.iter().map(|app| app.parse().context("--neighbour"));
    let neighbours = neighbours.collect::<anyhow::Result<_>>()?;
    let drain = args.transport.drain;
    let transport = config::transport(args.transport, |name| std::env::var(name).ok())?;
    let way = match &transport {
        Transport::Serve => "serve",
        Transport::Connect(_) => "connect",
        Transport::Both(_) => "both",
    };
    let runtime =
        Runtime::with_compilation(args.limits.limits(), args.http.allow, args.cache.compilation())?;
    let loaded = local::load(&runtime, &args.components).await?;
    let functions = loaded.generation.functions().count();
    let left_out = loaded.refused.len() + loaded.generation.refused().count();
    if functions == 0 {
        bail!(
            "{} holds no component that can be used ({} refused); build some with `system-bus build`",
            args.components.display(),
            loaded.refused.len()
        );
    }
    let mode = match inngest.trust {
        Trust::Dev => "dev",
        Trust::Signed(_) => "cloud",
    };
    let server = inngest.api_origin.to_string();
    let options = worker::Options {
        app,
        app_version: None,
        listen: args.listen,
        trust: inngest.trust,
        event_key: inngest.event_key,
        api_origin: inngest.api_origin,
        event_api_origin: inngest.event_api_origin,
        env: inngest.env,
        serve_origin: inngest.serve_origin,
        serve_path: inngest.serve_path,
        in_band_sync: inngest.in_band_sync,
        vault: inngest.vault,
        body_limit: worker::options::BODY_LIMIT,
        checkpoints: args.checkpoints,
        neighbours,
        look_again: worker::options::LOOK_AGAIN,
        transport,
        drain,
    };
    let running = Running::start(options, loaded.generation, loaded.refused).await?;
    let address = running.address();
    let up = json!({
        "ok": true, "command": "worker", "address": address.to_string(), "functions": functions, "mode": mode,
        "server": server, "transport": way, "refused": left_out,
    });
    let mut words = if way == "connect" {
        format!(
            "serving {functions} functions by connecting to {server} ({mode} mode); health on http://{address}"
        )
    } else {
        format!(
            "serving {functions} functions on http://{address} ({mode} mode, server {server}, transport {way})"
        )
    };
    if left_out > 0 {
        words = format!(
            "{words}
{left_out} left out because of their faults; see the log, or http://{address}/"
        );
    }
    answer::ready(json, &up, &words);
    shutdown::asked().await;
    tracing::info!("stopping: calls that run are finished first");
    running.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
