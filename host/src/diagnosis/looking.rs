//! Gathers what is known of a server and its workers.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;
use worker::server_api::{ApiError, ServerApi};

use super::facts::{App, Facts, Function, Server, Trouble, Worker};
use crate::asking::runs::Listed;
use crate::asking::text;

/// How long anybody may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of each list is looked at.
const MOST: usize = 1000;
/// How many runs of a function are looked at for its schedules.
const RUNS: usize = 100;

/// Looks at the server and these workers. What cannot be found out is a fact as well.
pub(crate) async fn look(api: &ServerApi, signed: bool, workers: &[Url]) -> anyhow::Result<Facts> {
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let workers = join_all(workers.iter().map(|worker| health(&client, worker)));
    let (server, workers) = tokio::join!(server(api, signed, &client), workers);
    Ok(Facts { now: Timestamp::now(), server, workers })
}

async fn health(client: &reqwest::Client, worker: &Url) -> Worker {
    let at = worker.to_string().trim_end_matches('/').to_owned();
    let asked = async { client.get(worker.clone()).send().await?.json::<Value>().await };
    let health = match asked.await {
        Ok(health) if health["service"] == "system-bus" => Ok(health),
        Ok(_) => Err("what answers there is no worker".to_owned()),
        Err(error) => Err(format!("no worker answers there: {}", error.without_url())),
    };
    Worker { at, health }
}

async fn server(api: &ServerApi, signed: bool, client: &reqwest::Client) -> Server {
    let origin = api.origin().origin().ascii_serialization();
    let mut server = Server { origin, signed, ..Server::default() };
    match apps(api, client).await {
        Ok(apps) => server.apps = apps,
        Err(error) => {
            let why = error.to_string();
            server.trouble = Some(match error {
                ApiError::Unreachable { .. } => Trouble::Away(why),
                ApiError::Unauthorized { .. } | ApiError::NoKey { .. } => Trouble::Key(why),
                _ => Trouble::Other(why),
            });
        }
    }
    server.clock = clock(client, api.origin()).await;
    server.open = open(client, api.origin()).await;
    server
}

async fn apps(api: &ServerApi, client: &reqwest::Client) -> Result<Vec<App>, ApiError> {
    let mut all = Vec::new();
    for told in api.list(&["v2", "apps"], &[], MOST).await? {
        let id = text(&told["id"]).to_owned();
        let mut functions = Vec::new();
        for function in api.list(&["v2", "apps", &id, "functions"], &[], MOST).await? {
            functions.push(self::function(api, &id, &function).await?);
        }
        let url = told["latestSync"]["url"].as_str().map(str::to_owned);
        // Apps that have dialed are called by a name that is no address.
        let url = url.filter(|url| url.starts_with("http"));
        let answers = match &url {
            Some(url) => Some(client.get(url).send().await.is_ok()),
            None => None,
        };
        let error = told["latestSync"]["error"].as_str().map(str::to_owned);
        all.push(App { id, url, answers, error, functions });
    }
    Ok(all)
}

async fn function(api: &ServerApi, app: &str, told: &Value) -> Result<Function, ApiError> {
    let id = text(&told["id"]).to_owned();
    let triggers = told["triggers"].as_array().cloned().unwrap_or_default();
    let of_kind = |kind: &str| triggers.iter().filter(|one| one["type"] == kind).cloned().collect();
    let (crons, events): (Vec<Value>, Vec<Value>) = (of_kind("CRON"), of_kind("EVENT"));
    let mut last: BTreeMap<String, Option<Timestamp>> =
        crons.iter().map(|cron| (text(&cron["value"]).to_owned(), None)).collect();
    if !last.is_empty() {
        let runs = api.list(&["v2", "apps", app, "functions", &id, "runs"], &[], RUNS).await?;
        // The latest come first.
        for run in runs.iter().map(Listed::read) {
            let Some(began) = run.trigger.as_deref().and_then(|trigger| last.get_mut(trigger))
            else {
                continue;
            };
            *began = began.or(run.queued_at);
        }
    }
    Ok(Function { id, crons: last, listens: !events.is_empty() })
}

/// How far the server's clock is before ours, by the date of an answer, whatever it says.
async fn clock(client: &reqwest::Client, origin: &Url) -> Option<i64> {
    let answer = client.get(origin.join("health").ok()?).send().await.ok()?;
    let date = answer.headers().get("date")?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(date.timestamp().as_second() - Timestamp::now().as_second())
}

/// Whether the dashboard's questions are answered without a key.
async fn open(client: &reqwest::Client, origin: &Url) -> bool {
    let Ok(url) = origin.join("v0/gql") else { return false };
    let question = serde_json::json!({ "query": "{ apps { id } }" });
    let asked = async { client.post(url).json(&question).send().await?.json::<Value>().await };
    asked.await.is_ok_and(|answer| answer["data"]["apps"].is_array())
}
