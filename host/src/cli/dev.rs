//! `dev`: what `demo` does, then stays up.

use std::path::absolute;
use std::process::ExitCode;
use std::time::Duration;

use engine::Data;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::cli::{Dev, demo};
use crate::granting::GrantsFile;
use crate::local::follow::follow;
use crate::local::show::{Display, table};
use crate::local::{EVENT_KEY, Local, Plan};
use crate::{answer, shutdown, workspace};

/// How long the sample events may take before the address is printed anyway.
const SAMPLES: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: Dev, json: bool) -> anyhow::Result<ExitCode> {
    let root = workspace::find()?;
    let components = demo::components(&root, args.components).await?;
    answer::progress(
        "• starting an engine (for development, demos and tests only) and a worker for each role",
    );
    let mut allow = args.http.allow;
    allow.push(demo::loopback()?);
    let plan = Plan {
        engine: args.engine,
        worker: args.worker,
        versions: absolute(args.data.join("versions"))?,
        data: Data::Dir(absolute(args.data)?),
        cache: args.cache,
        components,
        allow,
        grants: GrantsFile::read(args.grants.grants.as_deref())?,
    };
    let local = Local::start(plan).await?;
    let activity = local.engine.activity();
    let later = local.engine.activity();
    demo::send_samples(&local, &root).await?;
    let display = Display::start("running the sample events");
    let reports = follow(activity, SAMPLES, |activity| display.show(activity)).await.reports;
    display.end();

    let (engine, worker) = (local.engine.address(), local.worker()?);
    let curl = format!(
        "curl -X POST http://{engine}/e/{EVENT_KEY} -H 'content-type: application/json' \
         -d '{{\"name\":\"system/heartbeat.requested\",\"data\":{{}}}}'"
    );
    let up = json!({
        "ok": true, "command": "dev", "engine": format!("http://{engine}"), "worker": format!("http://{worker}"),
        "curl": curl, "runs": reports,
    });
    let words = format!(
        "{}\n\nengine http://{engine}   worker http://{worker}\nsend an event:\n  {curl}\nstop with Ctrl-C",
        table(&reports)
    );
    answer::ready(json, &up, &words);
    let display = Display::start("waiting for events");
    let mut later = later;
    let watched = async {
        // What was shown already is skipped.
        let shown = jiff::Timestamp::now();
        loop {
            match later.recv().await {
                Ok(activity) if activity.at > shown => display.show(&activity),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    };
    tokio::select! {
        () = watched => {}
        () = shutdown::asked() => {}
    }
    display.end();
    answer::progress("• stopping: calls that run are finished first");
    local.shutdown().await;
    Ok(ExitCode::SUCCESS)
}
