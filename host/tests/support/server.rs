//! The server under test: our development engine in a process of its own, or an Inngest that is there already.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, free_address};

/// How requests between server and worker are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Dev,
    Signed,
}

const SIGNING_KEY: &str = "signkey-test-0123456789abcdef0123456789abcdef";
const EVENT_KEY: &str = "e2e-event-key";

/// The app that workers of tests serve.
pub(crate) const APP: &str = "system-bus-e2e";

/// A server, and how to reach it.
pub(crate) struct Server {
    origin: String,
    mode: Mode,
    signing_key: String,
    event_key: String,
    own: Option<(Process, TempDir)>,
    client: reqwest::Client,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// Which it was.
    #[allow(dead_code, reason = "only a drill looks for its records")]
    pub(crate) run: String,
    pub(crate) status: String,
    pub(crate) output: Value,
}

impl Server {
    /// The Inngest that `SYSTEM_BUS_E2E_SERVER` names, or else our engine. None when the one named runs in another mode
    /// than the one wanted: it is signed when `SYSTEM_BUS_E2E_SIGNING_KEY` is set.
    pub(crate) fn start(wanted: Option<Mode>) -> Option<Self> {
        match other_server() {
            None => Some(Self::own(wanted.unwrap_or(Mode::Signed))),
            Some(origin) => {
                let signed = std::env::var("SYSTEM_BUS_E2E_SIGNING_KEY").is_ok();
                let mode = if signed { Mode::Signed } else { Mode::Dev };
                (wanted.is_none_or(|wanted| wanted == mode)).then(|| {
                    let key = |name, otherwise: &str| {
                        std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
                    };
                    let signing_key = key("SYSTEM_BUS_E2E_SIGNING_KEY", SIGNING_KEY);
                    let event_key = key("SYSTEM_BUS_E2E_EVENT_KEY", EVENT_KEY);
                    Self::reached(origin, mode, [signing_key, event_key], None)
                })
            }
        }
    }

    /// Our engine with our keys, whatever the environment says.
    pub(crate) fn own(mode: Mode) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let engine = engine(mode, free_address(), &data);
        let origin = format!("http://{}", engine.address);
        let keys = [SIGNING_KEY, EVENT_KEY].map(str::to_owned);
        Self::reached(origin, mode, keys, Some((engine, data)))
    }

    /// A server that somebody else has started.
    #[allow(dead_code, reason = "only a drill starts its server by itself")]
    pub(crate) fn at(origin: String, mode: Mode) -> Self {
        Self::reached(origin, mode, [SIGNING_KEY, EVENT_KEY].map(str::to_owned), None)
    }

    #[allow(dead_code, reason = "only a drill starts its workers by itself")]
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Where our own engine keeps its state.
    #[allow(dead_code, reason = "only a drill looks into it")]
    pub(crate) fn data(&self) -> Option<&std::path::Path> {
        self.own.as_ref().map(|(_, data)| data.path())
    }

    /// The resident memory of our own engine in KiB, where the system tells.
    #[allow(dead_code, reason = "only a drill asks")]
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        self.own.as_ref().and_then(|(process, _)| process.resident_kib())
    }

    fn reached(
        origin: String,
        mode: Mode,
        [signing_key, event_key]: [String; 2],
        own: Option<(Process, TempDir)>,
    ) -> Self {
        // Fails when another test was first, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self { origin, mode, signing_key, event_key, own, client: reqwest::Client::new() }
    }

    /// `kill -9`, then the same engine again.
    pub(crate) fn kill_and_restart(&mut self) {
        let (process, data) = self.own.take().expect("only our own engine can be killed");
        let address = process.kill();
        let process = engine(self.mode, address, &data);
        self.own = Some((process, data));
    }

    /// `kill -9`, and the same engine again when so much time has passed.
    #[allow(dead_code, reason = "only a drill asks")]
    pub(crate) async fn away_for(&mut self, time: std::time::Duration) {
        let (process, data) = self.own.take().expect("only our own engine can be killed");
        let address = process.kill();
        tokio::time::sleep(time).await;
        self.own = Some((engine(self.mode, address, &data), data));
    }

    /// Starts a worker for this server, and waits until the server has its functions.
    pub(crate) async fn worker(&self, components: &TempDir, listen: SocketAddr) -> Process {
        // Longer than any test holds a step back.
        self.worker_with(components, listen, &["--step-limit", "60s"]).await
    }

    /// The same with these further arguments.
    pub(crate) async fn worker_with(
        &self,
        components: &TempDir,
        listen: SocketAddr,
        further: &[&str],
    ) -> Process {
        // Its versions are kept with its components: whoever starts with these again knows what was active.
        let versions = components.path().join("versions");
        let (components, versions) =
            (components.path().to_string_lossy(), versions.to_string_lossy());
        let all = ["--components", &components, "--versions", &versions, "--watch", "off"];
        let further = [&all, further].concat();
        let process = self.launch(listen, &further);
        self.registered(process.address).await;
        process
    }

    /// Starts a worker with these arguments and those that make it a test's, and does not wait for anything.
    pub(crate) fn launch(&self, listen: SocketAddr, further: &[&str]) -> Process {
        self.launching(listen, further)()
    }

    /// What starts it, on whichever thread has time to wait until it is up.
    pub(crate) fn launching(
        &self,
        listen: SocketAddr,
        further: &[&str],
    ) -> impl FnOnce() -> Process + Send + use<> {
        let listen = listen.to_string();
        let mut args = vec![
            "worker",
            "--listen",
            &listen,
            "--role",
            "cluster",
            "--app",
            APP,
            "--allow-http",
            "http://127.0.0.1:*",
            "--memory-mib",
            "64",
        ];
        args.extend_from_slice(further);
        let environment = self.environment();
        let args: Vec<_> = args.into_iter().map(str::to_owned).collect();
        move || {
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            let environment: Vec<_> =
                environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
            Process::start(&args, &environment)
        }
    }

    /// What a program has to be told to find this server and be believed by it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = vec![("INNGEST_EVENT_KEY", self.event_key.clone())];
        match self.mode {
            Mode::Dev => environment.push(("INNGEST_DEV", self.origin.clone())),
            Mode::Signed => environment.extend([
                ("INNGEST_BASE_URL", self.origin.clone()),
                ("INNGEST_SIGNING_KEY", self.signing_key.clone()),
            ]),
        }
        environment
    }

    /// Waits until a worker is registered.
    pub(crate) async fn registered(&self, worker: SocketAddr) {
        super::eventually("the worker is registered", async || {
            (self.registration(worker).await["state"] == "synced").then_some(())
        })
        .await;
    }

    /// What a worker says about its registration; `null` when it cannot be asked.
    pub(crate) async fn registration(&self, worker: SocketAddr) -> Value {
        match self.health(worker).await {
            Value::Null => Value::Null,
            mut health => health["registration"].take(),
        }
    }

    /// What a worker says about itself; `null` when it cannot be asked.
    pub(crate) async fn health(&self, worker: SocketAddr) -> Value {
        let asked = async {
            let answer = self.client.get(format!("http://{worker}/")).send().await.ok()?;
            answer.json::<Value>().await.ok()
        };
        asked.await.unwrap_or_default()
    }

    /// Sends an event; answers with the server's id for it.
    pub(crate) async fn send(&self, name: &str, data: &Value) -> String {
        let url = format!("{}/e/{}", self.origin, self.event_key);
        let event = json!({ "name": name, "data": data });
        let sent = self.client.post(url).json(&event).send().await.expect("the server answers");
        let text = sent.text().await.expect("text");
        let sent: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("not sent: {text}"));
        sent["ids"][0].as_str().unwrap_or_else(|| panic!("not sent: {sent}")).to_owned()
    }

    /// Sends a signal, whether or not somebody waits for it.
    pub(crate) async fn signal(&self, signal: &str, data: &Value) {
        let request = self.client.post(format!("{}/v1/signals", self.origin));
        let body = json!({ "signal": signal, "data": data });
        self.authorized(request).json(&body).send().await.expect("the server answers");
    }

    /// Waits for the one run that an event starts to end.
    pub(crate) async fn ended(&self, event: &str) -> Ended {
        self.any_ended(&[event.to_owned()]).await
    }

    /// Waits for the one run that several events start together to end.
    pub(crate) async fn any_ended(&self, events: &[String]) -> Ended {
        let what = format!("the run of event {} has ended", events.join(" or "));
        super::eventually(&what, async || {
            for event in events {
                if let Some(ended) = self.look(event).await {
                    return Some(ended);
                }
            }
            None
        })
        .await
    }

    /// When the run that an event started has ended.
    #[allow(dead_code, reason = "only the suite compares runs")]
    pub(crate) async fn ended_at(&self, event: &str) -> jiff::Timestamp {
        let runs = self.get(&format!("v1/events/{event}/runs")).await.expect("an answer");
        let at = runs["data"][0]["ended_at"].as_str().expect("it has ended");
        at.parse().expect("a time")
    }

    async fn look(&self, event: &str) -> Option<Ended> {
        let runs = self.get(&format!("v1/events/{event}/runs")).await?;
        let run = runs["data"].as_array()?.first()?;
        // A real server says "completed" early; only a run with an end has ended.
        let ended = run["ended_at"].as_str().is_some_and(|at| !at.is_empty());
        let id = run["run_id"].as_str()?.to_owned();
        if !ended {
            return None;
        }
        let run = self.get(&format!("v1/runs/{id}")).await?;
        let status = run["data"]["status"].as_str()?.to_owned();
        let output = run["data"]["output"].clone();
        (status != "Running").then_some(Ended { run: id, status, output })
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        if self.mode == Mode::Dev {
            return request;
        }
        let key = protocol::signature::SigningKey::parse(&self.signing_key).expect("a key");
        request.bearer_auth(key.bearer())
    }

    async fn get(&self, path: &str) -> Option<Value> {
        // A real server caches answers by their address.
        static FRESH: AtomicU64 = AtomicU64::new(0);
        let fresh = FRESH.fetch_add(1, Ordering::Relaxed);
        let request =
            self.client.get(format!("{}/{path}?fresh={}-{fresh}", self.origin, std::process::id()));
        let response = self.authorized(request).send().await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        response.json().await.ok()
    }
}

impl Ended {
    /// The result of a run that completed.
    pub(crate) fn result(self) -> Value {
        assert_eq!(self.status, "Completed", "{:?}", self.output);
        self.output
    }
}

/// The Inngest to test against instead of our engine.
pub(crate) fn other_server() -> Option<String> {
    std::env::var("SYSTEM_BUS_E2E_SERVER")
        .ok()
        .map(|origin| origin.trim_end_matches('/').to_owned())
}

fn engine(mode: Mode, listen: SocketAddr, data: &TempDir) -> Process {
    let listen = listen.to_string();
    let data = data.path().to_string_lossy();
    // Long enough that a worker which is killed and started again, on a busy machine, is there before a run has used up
    // its attempts.
    let args = ["engine", "--listen", &listen, "--data", &data, "--retry-interval", "2s"];
    let environment: &[_] = match mode {
        Mode::Dev => &[],
        Mode::Signed => &[
            ("INNGEST_SIGNING_KEY", "0123456789abcdef0123456789abcdef"),
            ("INNGEST_EVENT_KEY", EVENT_KEY),
        ],
    };
    Process::start(&args, environment)
}
