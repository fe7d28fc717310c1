//! `engine`: the development engine alone.

use std::process::ExitCode;

use anyhow::Context;
use engine::{Data, Engine, PageAccess};
use protocol::signature::SigningKey;
use serde_json::json;

use crate::cli::Engine as Args;
use crate::{answer, shutdown};

pub(crate) async fn run(args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let signing_key = variable("INNGEST_SIGNING_KEY")
        .map(|key| SigningKey::parse(&key).context("INNGEST_SIGNING_KEY"))
        .transpose()?;
    let engine = Engine::start(engine::Options {
        listen: args.listen,
        data: args.data.map_or(Data::Memory, Data::Dir),
        signing_key,
        event_keys: variable("INNGEST_EVENT_KEY").into_iter().collect(),
        retry_interval: args.retry_interval,
        gateway: args.gateway.options(),
        page: PageAccess::SigningKey,
        ..engine::Options::default()
    })
    .await?;
    let address = engine.address();
    let gateway = engine.gateway();
    let up = json!({
        "ok": true, "command": "engine", "address": address.to_string(), "gateway": gateway.to_string(),
    });
    let words = format!(
        "development engine on http://{address}, Connect gateway on ws://{gateway} \
         (for development, demos and tests only)"
    );
    answer::ready(json, &up, &words);
    shutdown::asked().await;
    engine.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
