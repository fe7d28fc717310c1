//! `gateway`: takes webhooks, alone.

use std::process::ExitCode;

use anyhow::Context;
use gateway::listen::Bounds;
use serde_json::json;
use tokio::net::TcpListener;
use worker::Access;

use crate::cli::GatewayCommand;
use crate::granting::GrantsFile;
use crate::{answer, operate, shutdown, supervisor, webhooks};

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
    let router = gateway.router().merge(access.guard(gateway.operators())).merge(gateway.health());
    let router = router.merge(worker::metrics::router(vec![gateway.figures()]));
    let ready: serde_json::Map<_, _> =
        gateway.providers().into_iter().map(|(name, ready)| (name, json!(ready))).collect();
    let up = json!({ "ok": true, "command": "gateway", "address": address.to_string(), "providers": ready });
    let words = format!(
        "taking webhooks on http://{address}/webhooks/PROVIDER\n  {}",
        webhooks::words(&gateway)
    );
    answer::ready(json, &up, &words);
    supervisor::ready();
    gateway::listen::serve(listener, router, bounds(), shutdown::asked()).await;
    gateway.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Files that are open beside connections: the spool, the log, those of the way to the server.
const OTHERS: u64 = 128;

/// As many connections as this process may have files open, but for those that it needs itself: who has all of them open would
/// keep it from its spool.
fn bounds() -> Bounds {
    let bounds = Bounds::default();
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let most = usize::try_from(files.saturating_sub(OTHERS).max(16)).unwrap_or(usize::MAX);
        Bounds { connections: bounds.connections.min(most), ..bounds }
    }
    #[cfg(not(unix))]
    bounds
}
