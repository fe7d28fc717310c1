//! What the server and the worker say of functions and runs.

use outside::token;
use serde::de::DeserializeOwned;
use serde_json::Value;
use system_bus_sdk::http::Request;
use system_bus_sdk::prelude::*;

use crate::settings::Settings;

/// How many pages of a list are read at most.
const PAGES: usize = 50;
/// How many pages of runs are looked through for one cron.
const RUN_PAGES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(10);

/// What a worker serves.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Where it is.
    pub worker: String,
    /// Its functions.
    pub functions: Vec<Known>,
}

/// What a worker, or the server, knows of a function.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its app.
    pub app: String,
    /// Its id.
    pub function: String,
    /// The schedules that start it.
    pub crons: Vec<String>,
}

impl Known {
    /// Reads a function, as both tell of it.
    fn read(app: &str, function: &Value) -> Option<Self> {
        let triggers = function["triggers"].as_array().into_iter().flatten();
        let crons = triggers.filter(|trigger| trigger["type"] == "CRON");
        let crons = crons.filter_map(|trigger| trigger["value"].as_str());
        let (app, crons) = (app.to_owned(), crons.map(str::to_owned).collect());
        Some(Self { app, function: function["id"].as_str()?.to_owned(), crons })
    }

    /// Whether it is this one, with all its schedules.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        (&self.app, &self.function) == (&other.app, &other.function)
            && other.crons.iter().all(|cron| self.crons.contains(cron))
    }
}

/// Reads and writes for one step.
pub(crate) struct Server<'a> {
    io: &'a Io,
    settings: Settings,
}

impl<'a> Server<'a> {
    pub(crate) fn of(io: &'a Io) -> Self {
        Self { io, settings: Settings::of(|key| io.config(key)) }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What each worker serves.
    pub(crate) async fn expected(&self) -> Result<Vec<Expected>> {
        let mut all = Vec::new();
        for worker in &self.settings.workers {
            let request = self.io.http().get(format!("{worker}/api/functions"));
            let told: Value = self.asked(request, self.settings.worker_secret.as_deref()).await?;
            let functions = told["functions"].as_array();
            let functions =
                functions.ok_or_else(|| Error::stop(format!("{worker} lists no functions")))?;
            let app = told["app"].as_str().unwrap_or_default();
            let functions = functions.iter().filter_map(|function| Known::read(app, function));
            all.push(Expected { worker: worker.clone(), functions: functions.collect() });
        }
        Ok(all)
    }

    /// The functions of all apps.
    pub(crate) async fn registered(&self) -> Result<Vec<Known>> {
        let mut all = Vec::new();
        for app in self.list("v2/apps").await? {
            let Some(app) = app["id"].as_str() else { continue };
            let functions = self.list(&format!("v2/apps/{}/functions", part(app))).await?;
            all.extend(functions.iter().filter_map(|function| Known::read(app, function)));
        }
        Ok(all)
    }

    /// Has a worker registered anew.
    pub(crate) async fn register(&self, worker: &str) -> Result<()> {
        let url = format!("{worker}/api/inngest");
        let request = self.io.http().request("PUT", url);
        let request = authorized(self.io, request, self.settings.worker_secret.as_deref())?;
        request.timeout(PATIENCE).send().await?.ok()?;
        Ok(())
    }

    /// When the schedule last led to a run that completed, in milliseconds since 1970. Runs that an
    /// event began prove nothing of it. It is not looked for before `since`.
    pub(crate) async fn last_success(
        &self,
        function: &Known,
        cron: &str,
        since: i64,
    ) -> Result<Option<i64>> {
        let path = format!(
            "v2/apps/{}/functions/{}/runs?status=COMPLETED",
            part(&function.app),
            part(&function.function)
        );
        let mut cursor = None;
        for _ in 0..RUN_PAGES {
            let (runs, next) = self.page(&path, cursor.as_deref()).await?;
            for run in &runs {
                let began = run["trigger"]["cronSchedule"].as_str();
                let ended = time(&run["endedAt"]).or_else(|| time(&run["startedAt"]));
                if began == Some(cron) && ended.is_some() {
                    return Ok(ended);
                }
                if time(&run["queuedAt"]).is_some_and(|queued| queued < since) {
                    return Ok(None);
                }
            }
            match next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        Ok(None)
    }

    async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let (mut all, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES {
            let (items, next) = self.page(path, cursor.as_deref()).await?;
            all.extend(items);
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
        Err(Error::stop(format!("{path} has more than {PAGES} pages")))
    }

    /// One page, and where the next one begins.
    async fn page(&self, path: &str, cursor: Option<&str>) -> Result<(Vec<Value>, Option<String>)> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut url = format!("{}/{path}{joint}limit=100", self.settings.server);
        if let Some(cursor) = cursor {
            url += "&cursor=";
            url += &part(cursor);
        }
        let page: Value =
            self.asked(self.io.http().get(url), self.settings.server_secret.as_deref()).await?;
        let items = page["data"].as_array().cloned().unwrap_or_default();
        let more = page["page"]["hasMore"].as_bool().unwrap_or(false);
        let next = page["page"]["cursor"].as_str().filter(|_| more).map(str::to_owned);
        Ok((items, next))
    }

    async fn asked<T: DeserializeOwned>(
        &self,
        request: Request,
        secret: Option<&str>,
    ) -> Result<T> {
        let request = authorized(self.io, request, secret)?;
        Ok(request.timeout(PATIENCE).send().await?.ok()?.json()?)
    }
}

fn authorized(io: &Io, request: Request, name: Option<&str>) -> Result<Request> {
    Ok(match name {
        Some(name) => request.header("authorization", format!("Bearer {}", token(io, name)?)),
        None => request,
    })
}

/// A time as text or as milliseconds.
fn time(value: &Value) -> Option<i64> {
    let text = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    text.map(Timestamp::as_millisecond).or_else(|| value.as_i64())
}

/// One part of a path: ids of functions have slashes.
fn part(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
