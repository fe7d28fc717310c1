//! `gateway`: takes webhooks, alone.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;
use worker::Access;

use crate::cli::GatewayCommand;
use crate::granting::GrantsFile;
use crate::{answer, operate, shutdown, webhooks};

pub(crate) async fn run(args: GatewayCommand, json: bool) -> anyhow::Result<ExitCode> {
    let grants = GrantsFile::read(args.grants.grants.as_deref())?;
    // Whoever cannot listen opens no spool.
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another address, or stop what uses it", args.listen)
    })?;
    let address = listener.local_addr()?;
    let gateway = args.webhooks.start(grants.grants()).await?;
    let access = match operate::admin_token() {
        Some(token) => Access::token(&token, args.access.admin_loopback),
        None => Access::loopback(),
    };
    let router = gateway
        .router()
        .merge(access.guard(gateway.operators()))
        .merge(gateway.metrics())
        .into_make_service_with_connect_info::<SocketAddr>();
    let ready: serde_json::Map<_, _> =
        gateway.providers().into_iter().map(|(name, ready)| (name, json!(ready))).collect();
    let up = json!({ "ok": true, "command": "gateway", "address": address.to_string(), "providers": ready });
    let words = format!(
        "taking webhooks on http://{address}/webhooks/PROVIDER\n  {}",
        webhooks::words(&gateway)
    );
    answer::ready(json, &up, &words);
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown::asked())
        .await
        .context("serving ended")?;
    gateway.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
