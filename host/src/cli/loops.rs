//! `loop status`: how far the agent loops are, and what of them runs now: the look before a deploy (R30, R65).
//!
//! The planner of a loop keeps its plan in Redis, under `agent-loop:prd:ID`: JSON with `stories`, each with an `id`, a
//! `title`, and a `status` or a `passes`.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use redis::aio::MultiplexedConnection;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::answer;
use crate::asking::text;

/// Where plans are kept.
const PLANS: &str = "agent-loop:prd:";
/// How long Redis and a worker may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How a story may be called that is done.
const PASSED: [&str; 4] = ["passed", "done", "complete", "completed"];

/// What is asked of loops.
#[derive(Debug, Args)]
pub(crate) struct Loop {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// How far each loop is, and which of their steps run now
    Status(Status),
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// One loop, with its stories [default: all]
    id: Option<String>,
    /// The Redis server with the plans
    #[arg(long, env = "REDIS_URL", value_name = "URL", default_value = "redis://127.0.0.1:6379")]
    redis: Url,
    /// A worker's address, which tells what runs; several may be named
    #[arg(
        long,
        env = "SYSTEM_BUS_WORKER",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:3111"
    )]
    worker: Vec<Url>,
}

#[derive(Serialize)]
struct Report {
    loops: Vec<Plan>,
    /// The calls of functions of loops that run now, on workers that tell.
    running: Vec<Value>,
    /// Workers that do not tell, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Plan {
    #[serde(rename = "loop")]
    id: String,
    title: String,
    progress: String,
    passed: usize,
    stories: Vec<Story>,
    /// Why there is no more of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Story {
    id: String,
    title: String,
    status: String,
}

impl Plan {
    fn read(id: &str, json: &str) -> Self {
        let (plan, problem) = match serde_json::from_str::<Value>(json) {
            Ok(plan) if plan["stories"].is_array() => (plan, None),
            Ok(_) => (Value::Null, Some("the plan has no stories".to_owned())),
            Err(error) => (Value::Null, Some(format!("the plan is no JSON: {error}"))),
        };
        let stories: Vec<_> =
            plan["stories"].as_array().into_iter().flatten().map(Story::read).collect();
        let passed = stories.iter().filter(|story| PASSED.contains(&&*story.status)).count();
        let title = [&plan["title"], &plan["project"], &plan["name"]];
        let title = title.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
        let progress = format!("{passed}/{} passed", stories.len());
        Self { id: id.to_owned(), title, progress, passed, stories, problem }
    }
}

impl Story {
    fn read(story: &Value) -> Self {
        let id = match &story["id"] {
            Value::String(id) => id.clone(),
            Value::Null => String::new(),
            id => id.to_string(),
        };
        let status = match (story["status"].as_str(), story["passes"].as_bool()) {
            (Some(status), _) => status.to_owned(),
            (None, Some(true)) => "passed".to_owned(),
            (None, _) => "pending".to_owned(),
        };
        Self { id, title: text(&story["title"]).to_owned(), status }
    }
}

pub(crate) async fn run(args: Loop, json: bool) -> anyhow::Result<ExitCode> {
    let What::Status(args) = args.what;
    let loops = plans(&args).await?;
    if let (Some(id), []) = (&args.id, &loops[..]) {
        bail!("there is no loop {id:?}: no key {PLANS}{id} in Redis");
    }
    let (mut running, mut silent) = (Vec::new(), Vec::new());
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    for worker in &args.worker {
        match calls(&client, worker).await {
            Ok(calls) => running.extend(calls),
            Err(error) => silent.push(format!("{worker}: {error:#}")),
        }
    }
    let report = Report { loops, running, silent };
    // A worker that is away disturbs no loop: somebody is told, and that is all.
    Ok(answer::result(json, "loop status", true, &report, &words(&report, args.id.is_some())))
}

/// The plans that are asked for, by their ids.
async fn plans(args: &Status) -> anyhow::Result<Vec<Plan>> {
    let shown = format!(
        "{}:{}",
        args.redis.host_str().unwrap_or_default(),
        args.redis.port().unwrap_or(6379)
    );
    let asked = async {
        let client = redis::Client::open(args.redis.as_str())?;
        let mut redis = client.get_multiplexed_async_connection().await?;
        let ids = match &args.id {
            Some(id) => vec![id.clone()],
            None => ids(&mut redis).await?,
        };
        let mut plans = Vec::new();
        for id in ids {
            let plan: Option<String> =
                redis::cmd("GET").arg(format!("{PLANS}{id}")).query_async(&mut redis).await?;
            plans.extend(plan.map(|json| Plan::read(&id, &json)));
        }
        Ok::<_, redis::RedisError>(plans)
    };
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    let why =
        || format!("Redis at {shown} does not tell the plans; name it with --redis or REDIS_URL");
    // Its words have those of its cause.
    asked.with_context(why)?.map_err(|error| anyhow!("{}: {error}", why()))
}

async fn ids(redis: &mut MultiplexedConnection) -> redis::RedisResult<Vec<String>> {
    let (mut ids, mut cursor) = (Vec::new(), 0_u64);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{PLANS}*")).arg("COUNT").arg(500);
        let (next, keys): (u64, Vec<String>) = scan.query_async(redis).await?;
        ids.extend(keys.iter().filter_map(|key| key.strip_prefix(PLANS)).map(str::to_owned));
        if next == 0 {
            break;
        }
        cursor = next;
    }
    // A scan may tell a key twice.
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The calls of functions of loops that run on a worker.
async fn calls(client: &reqwest::Client, worker: &Url) -> anyhow::Result<Vec<Value>> {
    let mut request = client.get(worker.join("api/calls")?);
    if let Some(token) = crate::operate::admin_token() {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?.error_for_status()?;
    let told: Value = answer.json().await?;
    let calls = told["calls"].as_array().cloned().unwrap_or_default();
    Ok(calls.into_iter().filter(|call| text(&call["function"]).contains("agent-loop")).collect())
}

fn words(report: &Report, whole: bool) -> String {
    let mut lines = Vec::new();
    for Plan { id, title, progress, stories, problem, .. } in &report.loops {
        let mut line = format!("{id}: {progress}");
        for more in
            [Some(title), problem.as_ref()].into_iter().flatten().filter(|it| !it.is_empty())
        {
            let _ = write!(line, ", {more}");
        }
        lines.push(line);
        if whole {
            let each = stories.iter();
            lines.extend(
                each.map(|story| format!("  {} {}: {}", story.id, story.title, story.status)),
            );
        }
    }
    if report.loops.is_empty() {
        lines.push("no loop has a plan".to_owned());
    }
    for call in &report.running {
        let seconds = call["took_ms"].as_i64().unwrap_or(0) / 1000;
        lines.push(format!(
            "runs: {} of run {}, for {seconds} s",
            text(&call["function"]),
            text(&call["run"])
        ));
    }
    lines
        .extend(report.silent.iter().map(|why| format!("a worker does not tell what runs: {why}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_as_they_are_written() {
        for (json, progress, statuses, problem) in [
            (
                r#"{"title":"T","stories":[{"id":1,"title":"a","passes":true},{"id":"2","title":"b"}]}"#,
                "1/2 passed",
                &["passed", "pending"][..],
                false,
            ),
            (
                r#"{"stories":[{"id":"a","status":"completed"},{"id":"b","status":"running","passes":true}]}"#,
                "1/2 passed",
                &["completed", "running"],
                false,
            ),
            (r#"{"stories":[]}"#, "0/0 passed", &[], false),
            (r#"{"plan":1}"#, "0/0 passed", &[], true),
            ("half of {", "0/0 passed", &[], true),
        ] {
            let plan = Plan::read("x", json);
            let all: Vec<_> = plan.stories.iter().map(|story| story.status.as_str()).collect();
            assert_eq!(
                (&*plan.progress, &all[..], plan.problem.is_some()),
                (progress, statuses, problem),
                "{json}"
            );
        }
    }
}
